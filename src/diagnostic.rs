//! One type for every problem in a user's file: where it is, what was expected, what to do.
//!
//! Comes in: what a reader or a checker found. Goes out: one line, or a block with the source line, for people.
//! Never happens here: printing.

use serde::Serialize;
use std::fmt::Write as _;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was done that the user may want to judge; the file is used.
    Note,
    /// Something looks wrong; the file is used.
    Warning,
    /// The file (or the rule) is left out.
    Error,
}

/// A problem in a user's file.
///
/// `code` is stable and documented (`E_UTF8`, `lexicon-weight`), so that tests and scripts can refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// Stable name of the kind of problem.
    pub code: &'static str,
    /// The file, as the user named it.
    pub path: String,
    /// Bytes before the place, when known.
    pub byte: Option<usize>,
    /// Line from 1, when known.
    pub line: Option<usize>,
    /// Column from 1 in code points, when known.
    pub column: Option<usize>,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// What to do, imperative.
    pub help: Option<String>,
    /// The source line, for the block form.
    pub excerpt: Option<String>,
}

impl Diagnostic {
    /// A problem without a place; add one with [`Diagnostic::at_line`] or [`Diagnostic::at_byte`].
    pub fn new(severity: Severity, code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Diagnostic {
            severity,
            code,
            path: path.into(),
            byte: None,
            line: None,
            column: None,
            message: message.into(),
            help: None,
            excerpt: None,
        }
    }

    /// An error: the file or the rule is left out.
    pub fn error(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, path, message)
    }

    /// A warning: the file is used, something looks wrong.
    pub fn warning(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, path, message)
    }

    /// A note: the file is used, something was done with it.
    pub fn note(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, path, message)
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a line, from 1.
    pub fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Adds a byte offset, with the line and column that it has in `text`, and that line itself.
    pub fn at_byte(mut self, text: &str, byte: usize) -> Self {
        let (line, column) = crate::span::line_column(text, byte);
        self.byte = Some(byte);
        self.line = Some(line);
        self.column = Some(column);
        self.excerpt = text.lines().nth(line - 1).map(str::to_string);
        self
    }

    /// One line: `path:line:column: severity[code]: message; help: …`. Control characters are escaped.
    ///
    /// ```
    /// # use precode::diagnostic::Diagnostic;
    /// let d = Diagnostic::error("E_UTF8", "a.txt", "0xE9 is not UTF-8").at_line(3).help("try --encoding windows-1252");
    /// assert_eq!(d.line(), "a.txt:3: error[E_UTF8]: 0xE9 is not UTF-8; help: try --encoding windows-1252");
    /// ```
    pub fn line(&self) -> String {
        let mut out = escape(&self.path);
        for place in [self.line, self.column].into_iter().flatten() {
            let _ = write!(out, ":{place}");
        }
        let _ = write!(out, ": {}[{}]: {}", self.severity_name(), self.code, escape(&self.message));
        if let Some(help) = &self.help {
            let _ = write!(out, "; help: {}", escape(help));
        }
        out
    }

    /// A block with the source line and a mark under the place, when both are known; else the one-line form.
    pub fn block(&self) -> String {
        let (Some(line), Some(column), Some(excerpt)) = (self.line, self.column, &self.excerpt) else {
            return self.line();
        };
        let number = line.to_string();
        let pad = " ".repeat(number.len());
        let mut out = format!("{}[{}]: {}\n", self.severity_name(), self.code, escape(&self.message));
        let _ = writeln!(out, "{pad}--> {}:{line}:{column}", escape(&self.path));
        let _ = writeln!(out, "{pad} |\n{number} | {}", escape(excerpt));
        // What is escaped is wider than its character.
        let before: String = excerpt.chars().take(column - 1).collect();
        let _ = write!(out, "{pad} | {}^", " ".repeat(escape(&before).chars().count()));
        if let Some(help) = &self.help {
            let _ = write!(out, "\n{pad} = help: {}", escape(help));
        }
        out
    }

    /// `error`, `warning` or `note`.
    pub fn severity_name(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Control characters and text-direction marks shown as escapes, so that no file name or word from a file can
/// command a terminal.
///
/// ```
/// # use precode::diagnostic::escape;
/// assert_eq!(escape("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
/// ```
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let directs = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || directs {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_its_place() {
        let text = "cue\ta.b\nfür\tmuch\n";
        let block = Diagnostic::error("lexicon-cues", "t.tsv", "no number").at_byte(text, 13).block();
        let lines: Vec<&str> = block.lines().skip(3).collect();
        assert_eq!(lines, ["2 | für\\tmuch", "  |      ^"]);
    }
}
