//! Where a pattern stands: each place with the words around it.
//!
//! Comes in: a lexicon of one rule (see [`crate::lexicon::with_pattern`]) and transcripts. Goes out: lines of a
//! concordance. Never happens here: alignment, colour.

use crate::lexicon::Lexicon;
use crate::pipeline::{Coder, Glimpse, Options};
use crate::segment::Unit;
use crate::span::Span;
use crate::transcript::{SpeakerRole, Transcript};

/// A place where the pattern stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn, from 0.
    pub turn: usize,
    /// Label of the speaker.
    pub speaker: String,
    /// What they do.
    pub role: SpeakerRole,
    /// The words found, as bytes of the transcript's text.
    pub span: Span,
    /// Text before them in the turn, on one line.
    pub before: String,
    /// The words found, on one line.
    pub found: String,
    /// Text after them in the turn, on one line.
    pub after: String,
}

/// Whose speech is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Only this role's.
    Role(SpeakerRole),
    /// Everybody's.
    All,
}

/// Every place in a transcript, in order. `level` is that of speakers whose own is unknown; `width` is how many
/// characters before and after are wanted.
pub fn find(
    lexicon: &Lexicon,
    transcript: &Transcript,
    whose: Whose,
    level: Option<&str>,
    width: usize,
) -> Vec<Line> {
    let coder = Coder::new(lexicon, Options { unit: Unit::Answer });
    let mut lines = Vec::new();
    coder.worker().visit(transcript, |glimpse| {
        if whose == Whose::All || whose == Whose::Role(glimpse.speaker.role) {
            lines.extend(in_segment(lexicon, transcript, glimpse, level, width));
        }
    });
    lines
}

fn in_segment(
    lexicon: &Lexicon,
    transcript: &Transcript,
    glimpse: &Glimpse,
    level: Option<&str>,
    width: usize,
) -> Vec<Line> {
    let scene = crate::matcher::Scene { level: glimpse.scene.level.or(level), ..glimpse.scene };
    let patterns = lexicon.rules.iter().flat_map(|rule| &rule.patterns);
    let hits = patterns.flat_map(|pat| scene.matches(pat));
    let line = |hit: crate::matcher::Match| {
        let span = scene.tokens[hit.start].span().cover(scene.tokens[hit.end - 1].span());
        let text = &transcript.text;
        Line {
            transcript: transcript.name.clone(),
            turn: glimpse.turn,
            speaker: glimpse.speaker.name.clone(),
            role: glimpse.speaker.role,
            span,
            before: last(&flat(&text[glimpse.span.start.min(span.start)..span.start]), width),
            found: flat(span.of(text)).trim().to_string(),
            after: flat(&text[span.end..glimpse.span.end.max(span.end)]).chars().take(width).collect(),
        }
    };
    hits.map(line).collect()
}

/// White space as single spaces; what could command a terminal as escapes.
pub fn flat(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_whitespace() && out.ends_with(' ') => {}
            c if c.is_whitespace() => out.push(' '),
            c => out.push_str(&crate::diagnostic::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

/// The last `n` characters.
fn last(text: &str, n: usize) -> String {
    let skip = text.chars().count().saturating_sub(n);
    text.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn shows_the_words_with_their_neighbours() {
        let lexicon = crate::lexicon::with_pattern(None, "train~ .. principals").unwrap();
        let transcript = examples::transcript(&lexicon, "Well, we trained\nall the principals last year.", None);
        let lines = find(&lexicon, &transcript, Whose::Role(SpeakerRole::Respondent), None, 8);
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(
            (&*line.before, &*line.found, &*line.after),
            ("ell, we ", "trained all the principals", " last ye")
        );
    }
}
