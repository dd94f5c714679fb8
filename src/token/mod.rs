//! Tokens: the words of a text with their exact spans, and the forms that the lexicon compares.
//!
//! Comes in: a stretch of a transcript's text. Goes out: [`Token`]s in order. Stemming and folding change the
//! readings of a form and never a span. Never happens here: any knowledge of codes.
//!
//! A token is a word by Unicode's rules (UAX #29) with the habits of the field: clitics are tokens of their own
//! (`they|'ve`, `do|n't`), the parts of a hyphen compound too (`in|service`), a word broken at a line end is one
//! token (`collabo-⏎rative`), and a cut-off word is swallowed by the word after it (`train- trained`).

mod form;
mod marks;
mod memo;
mod scan;
mod sets;
mod stem;

pub use form::{Brief, Entry, FormId, Forms, Hint, Light, Listed, Notes, Reading, Terms, fold};
pub use marks::{ALWAYS, Row};
pub use scan::{clitic, tokenize};
pub use sets::{Column, SetId};
pub use stem::{Language, Stemmer};

use crate::span::Span;

/// What stands between a token and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Break(pub u8);

impl Break {
    /// A comma.
    pub const COMMA: Break = Break(1);
    /// A semicolon, colon or dash.
    pub const STRONG: Break = Break(2);
    /// A full stop, question or exclamation mark, or ellipsis.
    pub const STOP: Break = Break(4);
    /// A blank line, or the border of a labelled or timed piece.
    pub const PARAGRAPH: Break = Break(8);
    /// A quotation opens.
    pub const OPEN: Break = Break(16);
    /// A quotation closes.
    pub const CLOSE: Break = Break(32);
    /// An ellipsis (which is a [`Break::STOP`] too).
    pub const ELLIPSIS: Break = Break(64);
    /// White space: without it the token is glued to the one before.
    pub const SPACE: Break = Break(128);

    /// True when any of the marks of `other` is here.
    #[inline]
    pub fn has(self, other: Break) -> bool {
        self.0 & other.0 != 0
    }

    /// Adds the marks of `other`.
    #[inline]
    pub fn add(&mut self, other: Break) {
        self.0 |= other.0;
    }
}

/// One word: where it stands, which form it has, and what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// First byte in the transcript's text.
    pub start: u32,
    /// First byte after it.
    pub end: u32,
    /// The form, in the [`Forms`] that it was tokenized with.
    pub form: FormId,
    /// What stands between this token and the one before it.
    pub before: Break,
    /// True when the token never breaks adjacency and never counts in a gap.
    pub light: bool,
}

impl Token {
    /// Where the token stands.
    #[inline]
    pub fn span(self) -> Span {
        Span { start: self.start as usize, end: self.end as usize }
    }
}
