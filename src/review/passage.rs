//! The words around a segment: its turn by sentences, the turn before, the turn after.
//!
//! Comes in: a text and its turns. Goes out: slices with their positions in code points. No slice is longer than
//! [`WINDOW`] on either side of what is looked at, however long the turn is.

use super::results::Results;
use crate::coding::TurnRow;
use crate::segment;
use crate::span::Span;
use crate::store::journal::append::SegmentRef;
use crate::store::journal::carry::{byte_of, segment_hash};
use crate::token::{Forms, Language, Reading, Terms, tokenize};
use crate::transcript::SpeakerRole;
use serde_json::{Value, json};
use std::io;

/// Most code points of a turn that are shown before and after a segment.
const WINDOW: usize = 4000;

/// Most code points of the turns before and after.
const NEIGHBOUR: usize = 1500;

/// One transcript with its turns.
#[derive(Debug)]
pub struct Passage {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its turns, in order.
    pub turns: Vec<TurnRow>,
}

impl Passage {
    /// Reads a transcript.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn load(results: &Results, transcript: usize) -> io::Result<Self> {
        let name = results.transcripts[transcript].name.clone();
        Ok(Passage { text: results.text(&name)?, turns: results.turns(transcript)?, name })
    }

    /// The words of a turn.
    pub fn words(&self, turn: &TurnRow) -> &str {
        self.text.get(turn.start_byte..turn.end_byte).unwrap_or("")
    }

    /// The turn that wholly holds these code points.
    pub fn turn_of(&self, start: usize, end: usize) -> Option<&TurnRow> {
        let after = self.turns.partition_point(|turn| turn.start <= start);
        self.turns[..after].last().filter(|turn| start < end && end <= turn.end)
    }

    /// Code points of this turn as bytes of the text.
    fn bytes(&self, turn: &TurnRow, start: usize, end: usize) -> Option<(usize, usize)> {
        let words = self.words(turn);
        let at = |char: usize| Some(turn.start_byte + byte_of(words, char.checked_sub(turn.start)?)?);
        Some((at(start)?, at(end)?))
    }

    /// The segment at these code points, with what it is.
    pub fn segment(&self, start: usize, end: usize) -> Option<SegmentRef> {
        let turn = self.turn_of(start, end)?;
        let (a, b) = self.bytes(turn, start, end)?;
        Some(SegmentRef {
            transcript: self.name.clone(),
            turn: turn.turn,
            start,
            end,
            hash: segment_hash(&self.text, a, b),
            quote: self.text[a..b].to_owned(),
        })
    }

    /// The turn of a segment by sentences, and its neighbours.
    pub fn view(&self, start: usize, end: usize) -> Value {
        let Some(here) = self.turn_of(start, end) else { return json!([]) };
        let at = self.turns.iter().position(|turn| turn.turn == here.turn).unwrap_or(0);
        let focus = self.slice(here, start.saturating_sub(WINDOW), end + WINDOW);
        let before = at
            .checked_sub(1)
            .map(|i| &self.turns[i])
            .map(|turn| self.slice(turn, turn.end.saturating_sub(NEIGHBOUR), turn.end));
        let after = self.turns.get(at + 1).map(|turn| self.slice(turn, turn.start, turn.start + NEIGHBOUR));
        Value::Array(before.into_iter().chain([focus]).chain(after).collect())
    }

    /// A turn, or the part of it between these code points.
    pub fn slice(&self, turn: &TurnRow, from: usize, to: usize) -> Value {
        let (from, to) = (from.max(turn.start), to.min(turn.end));
        let words = self.bytes(turn, from, to).map_or("", |(a, b)| &self.text[a..b]);
        let spans: Vec<_> = sentences(words).into_iter().map(|(a, b)| [from + a, from + b]).collect();
        json!({
            "turn": turn.turn, "speaker": turn.speaker, "role": turn.speaker_role, "guessed": turn.guessed,
            "start": from, "text": words, "sentences": spans,
            "cut_before": from > turn.start, "cut_after": to < turn.end,
            "time_start_ms": turn.time_start_ms,
        })
    }

    /// The segment that a coder chose by hand: within one turn, and not an interviewer's.
    pub fn chosen(&self, start: usize, end: usize) -> Result<SegmentRef, &'static str> {
        let turn = self.turn_of(start, end).ok_or("the sentences are not within one turn")?;
        if turn.speaker_role != SpeakerRole::Respondent {
            return Err("only a respondent's words are coded");
        }
        self.segment(start, end).ok_or("the sentences are not in the text")
    }
}

/// Sentences are cut by words alone: no lexicon has a say in it.
struct NoTerms;

impl Terms for NoTerms {
    fn of(&self, _: &str, _: &[Reading]) -> Vec<u32> {
        Vec::new()
    }
}

/// Sentences of a turn as code points from its start, blanks between them left out; cut where the segments of a run are.
///
/// ```
/// # use precode::review::passage::sentences;
/// assert_eq!(sentences("We met Dr. Lee. \"Why?\" I said."), [(0, 15), (16, 22), (23, 30)]);
/// ```
pub fn sentences(text: &str) -> Vec<(usize, usize)> {
    let (mut forms, mut tokens) = (Forms::new(Language::English, &NoTerms), Vec::new());
    let whole = Span::new(0, text.len());
    tokenize(text, whole, &mut forms, &mut tokens);
    let found = segment::sentences(text, &tokens, &forms);
    let starts = (1..found.len()).map(|i| segment::span(text, &tokens, &found, i..i + 1, whole).start);
    // From one start to the next, so that what is no word (an emoji, say) can be chosen too.
    let (mut at, mut from, mut spans) = (0, 0, Vec::new());
    for to in starts.chain([text.len()]) {
        let piece = &text[from..to];
        let lead = piece.chars().take_while(|c| c.is_whitespace()).count();
        let n = piece.trim().chars().count();
        if n > 0 {
            spans.push((at + lead, at + lead + n));
        }
        at += piece.chars().count();
        from = to;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        sentences(text).into_iter().map(|(a, b)| chars[a..b].iter().collect()).collect()
    }

    #[test]
    fn cuts_speech_as_people_would() {
        assert_eq!(
            cut("So I did. Then, no. 5 came at 9 a.m. sharp! Really?"),
            ["So I did.", "Then, no. 5 came at 9 a.m. sharp!", "Really?"]
        );
        assert_eq!(cut("He said “Go.” And we did"), ["He said “Go.”", "And we did"]);
        assert_eq!(cut("no stop at all"), ["no stop at all"]);
        assert_eq!(cut(""), Vec::<String>::new());
    }

    #[test]
    fn every_word_lies_in_one_sentence() {
        let text = "A... b! C? (D.) \n\n E.  F. 😀 G.";
        let chars: Vec<char> = text.chars().collect();
        let mut last = 0;
        for (a, b) in sentences(text) {
            assert!(chars[last..a].iter().all(|c| c.is_whitespace()));
            last = b;
        }
        assert_eq!(last, chars.len());
    }
}
