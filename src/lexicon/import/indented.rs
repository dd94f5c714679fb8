//! Names by indentation: which category a line lies in.

/// The open categories of an indented text.
#[derive(Default)]
pub struct Levels {
    open: Vec<(usize, String)>,
}

impl Levels {
    /// A category begins at this indentation: those as deep or deeper end.
    pub fn open(&mut self, indent: usize, name: &str) {
        self.close(indent);
        self.open.push((indent, name.to_string()));
    }

    /// Ends categories as deep as this or deeper.
    pub fn close(&mut self, indent: usize) {
        self.open.retain(|(depth, _)| *depth < indent);
    }

    /// Names from the outermost category to the innermost.
    pub fn path(&self) -> Vec<String> {
        self.open.iter().map(|(_, name)| name.clone()).collect()
    }
}
