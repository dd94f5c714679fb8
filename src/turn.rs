//! Turns: unbroken runs of one speaker's units.
//!
//! Comes in: a [`Transcript`]. Goes out: its turns, in order. Never happens here: a change of the text.

use crate::span::Span;
use crate::transcript::{SpeakerId, TimeSpan, Transcript};
use std::ops::Range;

/// An unbroken run of one speaker's units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Place among all turns of the transcript, from 0, interviewers' included.
    pub index: usize,
    /// Who speaks.
    pub speaker: SpeakerId,
    /// From the first word of the first unit to the last word of the last one.
    pub span: Span,
    /// The units, as places in [`Transcript::units`].
    pub units: Range<usize>,
    /// From the start of the first timed unit to the latest end, if any unit is timed.
    pub time: Option<TimeSpan>,
}

/// The turns of a transcript. Every unit lies in exactly one turn.
pub fn split(transcript: &Transcript) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for (i, unit) in transcript.units.iter().enumerate() {
        match turns.last_mut() {
            Some(turn) if turn.speaker == unit.speaker => {
                turn.span = turn.span.cover(unit.span);
                turn.units.end = i + 1;
                turn.time = join(turn.time, unit.time);
            }
            _ => turns.push(Turn {
                index: turns.len(),
                speaker: unit.speaker,
                span: unit.span,
                units: i..i + 1,
                time: unit.time,
            }),
        }
    }
    turns
}

/// The time span that covers both.
fn join(a: Option<TimeSpan>, b: Option<TimeSpan>) -> Option<TimeSpan> {
    match (a, b) {
        (Some(a), Some(b)) => Some(TimeSpan { start_ms: a.start_ms.min(b.start_ms), end_ms: a.end_ms.max(b.end_ms) }),
        (a, b) => a.or(b),
    }
}
