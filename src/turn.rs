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
    each(transcript).collect()
}

/// The turns of a transcript, one after the other.
pub fn each(transcript: &Transcript) -> impl Iterator<Item = Turn> {
    let units = &transcript.units;
    let turn = |start: usize, index| {
        let first = units.get(start)?;
        let run = units[start..].iter().take_while(|unit| unit.speaker == first.speaker);
        let whole = Turn { index, speaker: first.speaker, span: first.span, units: start..start, time: None };
        Some(run.fold(whole, |turn, unit| Turn {
            span: turn.span.cover(unit.span),
            units: start..turn.units.end + 1,
            time: join(turn.time, unit.time),
            ..turn
        }))
    };
    std::iter::successors(turn(0, 0), move |last| turn(last.units.end, last.index + 1))
}

/// The time span that covers both.
fn join(a: Option<TimeSpan>, b: Option<TimeSpan>) -> Option<TimeSpan> {
    match (a, b) {
        (Some(a), Some(b)) => Some(TimeSpan { start_ms: a.start_ms.min(b.start_ms), end_ms: a.end_ms.max(b.end_ms) }),
        (a, b) => a.or(b),
    }
}
