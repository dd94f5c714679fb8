//! What every reader fills: a transcript in the making, and the place where problems are worded.
//!
//! Comes in: words with a speaker, one piece after the other. Goes out: text, speakers and ordered units.
//! Never happens here: a guess about who is the interviewer.

use super::{ReadOptions, Speaker, SpeakerId, TimeSpan, Unit};
use crate::diagnostic::{Diagnostic, Severity};
use crate::span::{Span, line_column};
use rustc_hash::FxHashMap;

/// What a reader gives back.
pub(super) type Outcome = Result<Draft, Vec<Diagnostic>>;

/// A file as readers get it. Readers of bytes find no text, readers of text no bytes.
pub(super) struct Content {
    /// The file.
    pub bytes: Vec<u8>,
    /// The decoded text, line ends LF, no byte order mark.
    pub text: String,
}

/// What a reader needs to know besides the file.
pub(super) struct Context<'a> {
    /// Path as the user gave it.
    pub source: &'a str,
    /// Limits and choices.
    pub options: &'a ReadOptions,
}

impl Context<'_> {
    /// A reason to leave the file out.
    pub fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.source, message)
    }

    /// Something that looks wrong in a file that is used.
    pub fn warning(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, self.source, message)
    }

    /// Something that was done.
    pub fn note(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::note(code, self.source, message)
    }

    /// True when the file's name ends in `.extension`. Content decides what is read; the name only how a refusal
    /// is worded.
    pub fn is_named(&self, extension: &str) -> bool {
        let named = std::path::Path::new(self.source).extension();
        named.is_some_and(|e| e.eq_ignore_ascii_case(extension))
    }
}

/// Adds byte, line and column, but not the line itself: the words of a transcript belong in no message.
pub(super) fn placed(mut problem: Diagnostic, text: &str, byte: usize) -> Diagnostic {
    let (line, column) = line_column(text, byte);
    problem.byte = Some(byte);
    problem.line = Some(line);
    problem.column = Some(column);
    problem
}

/// A transcript in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The text so far.
    pub text: String,
    /// Speakers in order of first appearance.
    pub speakers: Vec<Speaker>,
    /// Units in order.
    pub units: Vec<Unit>,
    /// Header lines.
    pub header: Vec<(String, String)>,
    /// Notes so far.
    pub notes: Vec<Diagnostic>,
    known: FxHashMap<String, SpeakerId>,
}

impl Draft {
    /// The id of this name, new or known.
    pub fn speaker(&mut self, name: &str) -> SpeakerId {
        if let Some(&id) = self.known.get(name) {
            return id;
        }
        let id = SpeakerId(self.speakers.len() as u32);
        self.speakers.push(Speaker::named(name));
        self.known.insert(name.to_string(), id);
        id
    }

    /// Adds the words between two bytes of `text`, which becomes the draft's text; trimmed, if there are any.
    pub fn mark_in(&mut self, text: &str, speaker: SpeakerId, start: usize, end: usize, time: Option<TimeSpan>) {
        let span = trimmed(text, start, end);
        if !span.is_empty() {
            self.units.push(Unit { speaker, span, time });
        }
    }

    /// Writes a paragraph `Name: words` and adds the words. Returns false, and writes nothing, when there are none.
    pub fn say(&mut self, name: &str, words: &str, time: Option<TimeSpan>) -> bool {
        let words = words.trim_matches(is_blank);
        if words.is_empty() {
            return false;
        }
        let speaker = self.speaker(name);
        if !name.is_empty() {
            self.text.push_str(name);
            self.text.push_str(": ");
        }
        let start = self.text.len();
        self.text.push_str(words);
        self.units.push(Unit { speaker, span: Span::new(start, self.text.len()), time });
        self.text.push_str("\n\n");
        true
    }

    /// Gives units that only know when they begin an end: the next beginning, if that is not earlier.
    pub fn close_times(&mut self) {
        let mut next: Option<u64> = None;
        for unit in self.units.iter_mut().rev() {
            let Some(time) = &mut unit.time else { continue };
            time.end_ms = next.filter(|&n| n >= time.start_ms).unwrap_or(time.start_ms);
            next = Some(time.start_ms);
        }
    }

    /// Adds a note, unless there are already `most` of its code; the last place says that more were left out.
    pub fn note_some(&mut self, problem: Diagnostic, most: usize) {
        let same = self.notes.iter().filter(|n| n.code == problem.code).count();
        if same < most {
            self.notes.push(problem);
        } else if same == most {
            let message = "more of the same kind are not listed";
            self.notes.push(Diagnostic::new(Severity::Note, problem.code, problem.path, message));
        }
    }

    /// As [`Draft::note_some`], at a byte of `text`, whose line is only counted for what is kept.
    pub fn note_at(&mut self, problem: Diagnostic, text: &str, byte: usize, most: usize) {
        let same = self.notes.iter().filter(|n| n.code == problem.code).count();
        self.note_some(if same < most { placed(problem, text, byte) } else { problem }, most);
    }

    /// Says that no speaker is known.
    pub fn note_no_speaker(&mut self, context: &Context<'_>) {
        let note =
            context.warning("W_NO_SPEAKER", "no speaker labels found, everything is taken as one unnamed respondent");
        self.notes.push(note.help("start each turn with \"NAME: \" to tell the speakers apart"));
    }
}

/// White space, and marks that show nothing.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{202a}'..='\u{202e}')
}

/// The span without white space at its ends.
fn trimmed(text: &str, start: usize, end: usize) -> Span {
    let words = &text[start..end];
    let inner = words.trim_start();
    let start = start + words.len() - inner.len();
    Span::new(start, start + inner.trim_end().len())
}
