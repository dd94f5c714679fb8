//! The present state, derived from the rows that are not undone. The only place that says what a sequence of decisions
//! amounts to.

use super::row::{Action, Row, Shown, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

/// What one person, or the adjudication, holds about one code of one segment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// Whether the code holds.
    pub verdict: Verdict,
    /// The sentences that it holds for, when they are not the segment's own: code points from the segment's start,
    /// below 0 before it, so that they move with the segment.
    pub span: Option<(i64, i64)>,
    /// What the coder saw.
    pub shown: Shown,
    /// The confidence that was shown.
    pub confidence: Option<f64>,
    /// Who decided.
    pub coder: String,
    /// The step that decided.
    pub action: Action,
    /// Order of that step.
    pub tick: u64,
}

/// Everything that one coder holds about one segment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stand {
    /// By code.
    pub marks: BTreeMap<String, Mark>,
    /// The remark.
    pub memo: Option<String>,
    /// Set when the segment was judged for every code; says how it was shown.
    pub done: Option<Shown>,
}

impl Stand {
    /// Folds rows of one coder and one segment, in order of their ticks, undone ones left out.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut stand = Stand::default();
        for row in rows {
            stand.add(row);
        }
        stand
    }

    /// Takes in the next row.
    pub fn add(&mut self, row: &Row) {
        match row.action {
            Action::Memo => self.memo = row.note.clone().filter(|note| !note.is_empty()),
            Action::Done => self.done = Some(row.shown),
            Action::Undo | Action::Redo | Action::Settle => {}
            _ => self.mark(row),
        }
    }

    fn mark(&mut self, row: &Row) {
        if let Some(verdict) = row.verdict {
            let mut mark = mark(row, verdict);
            // Accepting a code whose sentences were chosen before does not unchoose them.
            mark.span = mark.span.or_else(|| self.marks.get(&row.code).and_then(|before| before.span));
            self.marks.insert(row.code.clone(), mark);
        }
        if let Some(to_code) = &row.to_code {
            // The confidence that was shown belongs to the code that was replaced.
            self.marks.insert(to_code.clone(), Mark { confidence: None, ..mark(row, Verdict::Present) });
        }
    }
}

/// The mark that a row makes.
fn mark(row: &Row, verdict: Verdict) -> Mark {
    Mark {
        verdict,
        span: row.to_start.zip(row.to_end).map(|(a, b)| (a as i64 - row.start as i64, b as i64 - row.start as i64)),
        shown: row.shown,
        confidence: row.confidence,
        coder: row.coder.clone(),
        action: row.action,
        tick: row.tick,
    }
}

/// What was settled about one segment, by code: the last settlement of each code holds.
pub fn settled<'a>(rows: impl IntoIterator<Item = &'a Row>) -> BTreeMap<String, Mark> {
    let settlements = rows.into_iter().filter(|row| row.action == Action::Settle);
    settlements.filter_map(|row| Some((row.code.clone(), mark(row, row.verdict?)))).collect()
}

/// One effective decision: what a coder (or the adjudication) holds about one code of one segment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecisionRow {
    /// Who decided.
    pub coder: String,
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn among all turns.
    pub turn: usize,
    /// First code point of the sentences that the verdict is about.
    pub start: usize,
    /// First code point after them.
    pub end: usize,
    /// First code point of the segment that was shown.
    pub segment_start: usize,
    /// First code point after it.
    pub segment_end: usize,
    /// What the segment is: see [`super::carry::segment_hash`].
    pub segment: String,
    /// The words of the segment.
    pub quote: String,
    /// Full name of the code.
    pub code: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Blind, or with the machine's proposals in sight.
    pub shown: Shown,
    /// The confidence of this code that was shown, if it was proposed and shown.
    pub confidence: Option<f64>,
    /// True for a settled decision, which stands for the study and not for its coder.
    pub settled: bool,
    /// The run that the decision was made on.
    pub run: String,
    /// Order of the deciding step in the journal.
    pub tick: u64,
}

/// A segment that a coder judged for every code: what is not in the decisions as present is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Who judged.
    pub coder: String,
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn among all turns.
    pub turn: usize,
    /// First code point of the segment.
    pub start: usize,
    /// First code point after it.
    pub end: usize,
    /// What the segment is.
    pub segment: String,
    /// Blind, or with the machine's proposals in sight.
    pub shown: Shown,
}

/// Where a segment stands in the texts of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn among all turns.
    pub turn: usize,
    /// First code point.
    pub start: usize,
    /// First code point after it.
    pub end: usize,
}

impl Place {
    /// Where the row found its segment.
    pub fn of(row: &Row) -> Self {
        Place { transcript: row.transcript.clone(), turn: row.turn, start: row.start, end: row.end }
    }
}

/// What each coder holds, in order of name; rows of one segment, in order, undone ones left out.
pub fn stands(rows: &[Row]) -> BTreeMap<&str, Stand> {
    let mut stands: BTreeMap<&str, Stand> = BTreeMap::new();
    for row in rows {
        stands.entry(&row.coder).or_default().add(row);
    }
    stands
}

/// The effective decisions on one segment: coders in order of name, codes in order of name, settled ones last.
pub fn decisions(rows: &[Row], place: &Place) -> Vec<DecisionRow> {
    let Some(last) = rows.last() else { return Vec::new() };
    let (stands, settled) = (stands(rows), settled(rows));
    let own = stands.values().flat_map(|stand| &stand.marks).map(|(code, mark)| (code, mark, false));
    own.chain(settled.iter().map(|(code, mark)| (code, mark, true)))
        .map(|(code, mark, settled)| decision(last, place, code, mark, settled))
        .collect()
}

/// Who judged the segment for every code.
pub fn judged(rows: &[Row], place: &Place) -> Vec<Judged> {
    let Some(last) = rows.last() else { return Vec::new() };
    let judges = stands(rows).into_iter().filter_map(|(coder, stand)| Some((coder.to_owned(), stand.done?)));
    judges
        .map(|(coder, shown)| Judged {
            coder,
            transcript: place.transcript.clone(),
            turn: place.turn,
            start: place.start,
            end: place.end,
            segment: last.segment.clone(),
            shown,
        })
        .collect()
}

fn decision(last: &Row, place: &Place, code: &str, mark: &Mark, settled: bool) -> DecisionRow {
    let from_start = |offset: i64| place.start.saturating_add_signed(offset as isize);
    let (start, end) = mark.span.map_or((place.start, place.end), |(a, b)| (from_start(a), from_start(b)));
    DecisionRow {
        coder: mark.coder.clone(),
        transcript: place.transcript.clone(),
        turn: place.turn,
        start,
        end,
        segment_start: place.start,
        segment_end: place.end,
        segment: last.segment.clone(),
        quote: last.quote.clone(),
        code: code.to_owned(),
        verdict: mark.verdict,
        shown: mark.shown,
        confidence: mark.confidence,
        settled,
        run: last.run.clone(),
        tick: mark.tick,
    }
}
