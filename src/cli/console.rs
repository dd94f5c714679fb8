//! The writer through which everything is printed: results to the standard output, all else to the standard error.
//!
//! Never happens here: colour for a reader that is no terminal, control characters of a file on a terminal, a panic
//! because somebody closed the pipe.

use crate::diagnostic::{Diagnostic, Severity};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal as _, Write};

/// Warnings of one kind that are told one by one, where there are many.
const SHOWN: usize = 3;
/// Refusals of one kind that are told one by one.
const SHOWN_ERRORS: usize = 20;

/// Where a command prints.
pub struct Console {
    out: BufWriter<Box<dyn Write>>,
    err: Box<dyn Write>,
    colour: bool,
}

impl Console {
    /// The program's own standard output and error.
    pub fn standard() -> Self {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Console { out: BufWriter::new(Box::new(io::stdout())), err: Box::new(io::stderr()), colour }
    }

    /// Adds a line to the results.
    ///
    /// # Errors
    /// When the standard output is closed or full.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        self.bytes(line.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Adds bytes to the results.
    ///
    /// # Errors
    /// When the standard output is closed or full.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes).map_err(full)
    }

    /// Sends what was said on its way.
    ///
    /// # Errors
    /// When the standard output is closed or full.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(full)
    }

    /// Tells the person at the terminal. There is nowhere to report that this failed.
    pub fn warn(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// Tells about problems in the user's files, one line each.
    pub fn problems<'a>(&mut self, found: impl IntoIterator<Item = &'a Diagnostic>) {
        found.into_iter().for_each(|problem| self.warn(&problem.line()));
    }

    /// Tells about problems of many files: of each kind the first ones, and how many more of all in `totals` are listed
    /// in `rest`.
    pub fn grouped(&mut self, found: &[&Diagnostic], totals: &BTreeMap<&str, usize>, rest: &str) {
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for problem in found {
            let told = told.entry(problem.code).or_default();
            let total = totals.get(problem.code).unwrap_or(&0);
            let shown = if problem.severity == Severity::Error { SHOWN_ERRORS } else { SHOWN };
            *told += 1;
            // One more line would be no shorter than the last of them.
            if *told <= shown || *total <= shown + 1 {
                self.warn(&problem.line());
            } else if *told == shown + 1 {
                let (severity, code) = (problem.severity_name(), problem.code);
                self.warn(&format!("{severity}[{code}]: and {} more ({rest})", *total - shown));
            }
        }
    }

    /// `text` in bold on a terminal.
    pub fn bold(&self, text: &str) -> String {
        if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// `text` set back on a terminal.
    pub fn dim(&self, text: &str) -> String {
        if self.colour { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_string() }
    }
}

/// A closed pipe stays what it is; any other failure says where it happened.
fn full(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => error,
        io::ErrorKind::StorageFull => io::Error::other("cannot write to the standard output: no space left"),
        _ => io::Error::other(format!("cannot write to the standard output: {error}")),
    }
}
