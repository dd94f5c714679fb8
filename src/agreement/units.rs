//! What is counted: answers, sentences, coded segments, or characters.
//!
//! Comes in: judgements and the places where units may lie. Goes out: for one code, units with what each coder said
//! of them. Never happens here: a guess about a unit that a coder did not see: that is a missing value.
//!
//! A coder holds a code for a unit when some passage with the code touches it, and denies it when the coder judged
//! any of the unit and holds it nowhere in it. For characters (`span`) that is exact; every other unit is coarser than
//! what coders mark.

use super::judgement::{Judgement, Judgements, Stratum};
use std::collections::BTreeMap;

/// The unit that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// One turn of a respondent.
    Answer,
    /// One sentence of a respondent.
    Sentence,
    /// One segment that the machine coded.
    Segment,
    /// One character of a respondent's turn.
    Span,
}

impl Unit {
    /// Plural, for people.
    pub fn plural(self) -> &'static str {
        match self {
            Unit::Answer => "answers",
            Unit::Sentence => "sentences",
            Unit::Segment => "segments",
            Unit::Span => "characters",
        }
    }
}

/// Where a unit lies: code points of its transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Place in [`Judgements::transcripts`].
    pub transcript: u32,
    /// Place of the turn among all turns.
    pub turn: u32,
    /// Number of the interview, by which units are resampled.
    pub interview: u32,
    /// First code point.
    pub start: u32,
    /// First code point after it.
    pub end: u32,
}

/// A unit, or several alike, with what each coder said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    /// Number of the interview.
    pub interview: u32,
    /// Units that this stands for: 1, or the number of characters.
    pub times: u64,
    /// By coder; none: not judged.
    pub holds: Vec<Option<bool>>,
}

/// Judgements in the order in which units ask for them.
#[derive(Debug)]
pub struct Index<'a> {
    by_code: BTreeMap<u16, Vec<&'a Judgement>>,
    coders: usize,
}

impl<'a> Index<'a> {
    /// The judgements of one stratum (and those that belong to none).
    pub fn of(judgements: &'a Judgements, stratum: Stratum) -> Self {
        let mut by_code: BTreeMap<u16, Vec<&Judgement>> = BTreeMap::new();
        for row in &judgements.rows {
            if row.stratum == stratum || row.stratum == Stratum::Neutral {
                by_code.entry(row.code).or_default().push(row);
            }
        }
        for rows in by_code.values_mut() {
            rows.sort_by_key(|row| (row.transcript, row.turn, row.coder, row.span));
        }
        Index { by_code, coders: judgements.coders.len() }
    }

    /// The judgements on one code in one turn.
    fn of_turn(&self, code: u16, transcript: u32, turn: u32) -> &[&'a Judgement] {
        let rows = self.by_code.get(&code).map_or(&[][..], Vec::as_slice);
        let from = rows.partition_point(|row| (row.transcript, row.turn) < (transcript, turn));
        let to = rows.partition_point(|row| (row.transcript, row.turn) <= (transcript, turn));
        &rows[from..to]
    }

    /// What each coder said of each place for one code; with [`Unit::Span`], places are cut where coders differ.
    pub fn rate(&self, places: &[Place], unit: Unit, code: u16) -> Vec<Rated> {
        let mut out = Vec::new();
        for place in places {
            let rows = self.of_turn(code, place.transcript, place.turn);
            if rows.is_empty() {
                continue;
            }
            for piece in pieces(place, rows, unit) {
                let holds = (0..self.coders).map(|coder| said(rows, coder, piece, unit)).collect();
                let times = if unit == Unit::Span { u64::from(piece.1 - piece.0) } else { 1 };
                out.push(Rated { interview: place.interview, times, holds });
            }
        }
        out
    }
}

/// The place itself, or its stretches between the ends of what coders marked.
fn pieces(place: &Place, rows: &[&Judgement], unit: Unit) -> Vec<(u32, u32)> {
    if unit != Unit::Span {
        return vec![(place.start, place.end)];
    }
    let ends = rows.iter().filter_map(|row| row.span).flat_map(|(start, end)| [start, end]);
    let within = ends.filter(|&at| place.start < at && at < place.end);
    let mut cuts: Vec<u32> = within.chain([place.start, place.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// What one coder said of `piece`: yes when a passage with the code touches it.
fn said(rows: &[&Judgement], coder: usize, piece: (u32, u32), unit: Unit) -> Option<bool> {
    let touches = |row: &&&Judgement| {
        // An answer is judged as a whole, wherever in it the passage lies.
        unit == Unit::Answer || row.span.is_none_or(|(start, end)| start < piece.1 && piece.0 < end)
    };
    let own = rows.iter().filter(|row| usize::from(row.coder) == coder).filter(touches);
    own.map(|row| row.holds).reduce(|any, holds| any || holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(coder: &str, span: Option<(u32, u32)>, holds: bool, to: &mut Judgements) {
        let (coder, transcript, code) = (to.coder(coder, 1), to.transcript("a"), to.code("role.trainer"));
        to.rows.push(Judgement { coder, transcript, turn: 1, span, code, holds, stratum: Stratum::Blind });
    }

    fn study() -> Judgements {
        let mut judgements = Judgements::default();
        judged("ana", None, false, &mut judgements);
        judged("ana", Some((10, 20)), true, &mut judgements);
        judged("ben", Some((15, 40)), true, &mut judgements);
        judged("ben", None, false, &mut judgements);
        judged("eve", Some((0, 5)), false, &mut judgements);
        judgements
    }

    const TURN: Place = Place { transcript: 0, turn: 1, interview: 0, start: 0, end: 50 };

    #[test]
    fn characters_are_cut_where_coders_differ() {
        let judgements = study();
        let rated = Index::of(&judgements, Stratum::Blind).rate(&[TURN], Unit::Span, 0);
        let found: Vec<_> = rated.iter().map(|r| (r.times, r.holds.clone())).collect();
        let (y, n, m) = (Some(true), Some(false), None);
        let want = [(5, [n, n, n]), (5, [n, n, m]), (5, [y, n, m]), (5, [y, y, m]), (20, [n, y, m]), (10, [n, n, m])];
        assert_eq!(found, want.map(|(times, holds)| (times, holds.to_vec())));
    }

    #[test]
    fn an_answer_has_a_code_that_any_part_of_it_has() {
        let judgements = study();
        let rated = Index::of(&judgements, Stratum::Blind).rate(&[TURN], Unit::Answer, 0);
        assert_eq!(rated[0].holds, [Some(true), Some(true), Some(false)]);
        assert!(Index::of(&judgements, Stratum::Assisted).rate(&[TURN], Unit::Answer, 0).is_empty());
    }

    #[test]
    fn a_sentence_that_nobody_judged_is_missing_and_not_denied() {
        let judgements = study();
        let later = Place { start: 41, ..TURN };
        let rated = Index::of(&judgements, Stratum::Blind).rate(&[later], Unit::Sentence, 0);
        assert_eq!(rated[0].holds, [Some(false), Some(false), None]);
    }
}
