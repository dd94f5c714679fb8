//! The words around a segment: its turn by sentences, the turn before, the turn after.
//!
//! Comes in: a text and its turns. Goes out: slices with their positions in code points. No slice is longer than
//! [`WINDOW`] on either side of what is looked at, however long the turn is.

use super::results::Results;
use crate::coding::TurnRow;
use crate::segment;
use crate::store::journal::append::SegmentRef;
use crate::store::journal::carry::{byte_of, segment_hash};
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
        let spans: Vec<_> = segment::sentence_places(words).into_iter().map(|(a, b)| [from + a, from + b]).collect();
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
