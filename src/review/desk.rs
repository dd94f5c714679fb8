//! What each coder has decided so far, one byte per proposal and per segment: enough for queues, filters and counts.
//!
//! Comes in: what the journal says about a segment. Goes out: yes or no in nanoseconds. The journal stays the truth;
//! this is derived from it at the start and after every operation.

use super::results::{Results, Segment, segment_id};
use crate::store::journal::present::{Place, Stand};
use crate::store::journal::row::{Row, Verdict};
use crate::store::journal::{Journal, place_row, present};
use std::collections::BTreeMap;

const DONE: u8 = 1;
const MEMO: u8 = 2;
const UNSURE: u8 = 4;
const TOUCHED: u8 = 8;
const DECIDED: u8 = 16;

/// One coder's decisions.
#[derive(Debug, Default)]
pub struct Sheet {
    verdicts: Vec<u8>,
    segments: Vec<u8>,
    /// Digests of what the verdicts do not say: codes that were added, sentences that were chosen.
    more: Vec<u32>,
}

impl Sheet {
    fn sized(results: &Results) -> Self {
        let (n_codings, n_segments) = (results.codings.len(), results.segments.len());
        Sheet { verdicts: vec![0; n_codings], segments: vec![0; n_segments], more: vec![0; n_segments] }
    }

    /// True when two who have both judged the segment hold different things. What is not marked is absent.
    pub fn differs(&self, other: &Sheet, results: &Results, segment: usize) -> bool {
        let said = |sheet: &Sheet, i: usize| sheet.verdict(i).unwrap_or(Verdict::Absent);
        let more = |sheet: &Sheet| sheet.more.get(segment).copied().unwrap_or(0);
        more(self) != more(other) || results.segments[segment].codings().any(|i| said(self, i) != said(other, i))
    }

    /// What the coder said about coding `i`.
    pub fn verdict(&self, i: usize) -> Option<Verdict> {
        match self.verdicts.get(i)? {
            1 => Some(Verdict::Present),
            2 => Some(Verdict::Absent),
            3 => Some(Verdict::Unsure),
            _ => None,
        }
    }

    fn is(&self, segment: usize, what: u8) -> bool {
        self.segments.get(segment).is_some_and(|bits| bits & what != 0)
    }

    /// True when nothing is left to decide in the segment.
    pub fn is_decided(&self, segment: usize) -> bool {
        self.is(segment, DECIDED)
    }

    /// True when the segment was judged for every code.
    pub fn is_done(&self, segment: usize) -> bool {
        self.is(segment, DONE)
    }

    /// True when the coder was unsure of some code of the segment.
    pub fn is_unsure(&self, segment: usize) -> bool {
        self.is(segment, UNSURE)
    }

    /// True when the coder wrote a remark.
    pub fn has_memo(&self, segment: usize) -> bool {
        self.is(segment, MEMO)
    }

    /// True when the coder decided anything here.
    pub fn is_touched(&self, segment: usize) -> bool {
        self.is(segment, TOUCHED)
    }

    /// Number of segments with nothing left to decide.
    pub fn n_decided(&self) -> usize {
        self.segments.iter().filter(|&&bits| bits & DECIDED != 0).count()
    }

    fn set(&mut self, results: &Results, segment: usize, stand: &Stand) {
        for i in results.segments[segment].codings() {
            let mark = stand.marks.get(&results.codes[usize::from(results.codings[i].code)]);
            self.verdicts[i] = mark.map_or(0, |mark| match mark.verdict {
                Verdict::Present => 1,
                Verdict::Absent => 2,
                Verdict::Unsure => 3,
            });
        }
        let unsure = stand.marks.values().any(|mark| mark.verdict == Verdict::Unsure);
        let mut bits = 0;
        bits |= if stand.done.is_some() { DONE } else { 0 };
        bits |= if stand.memo.is_some() { MEMO } else { 0 };
        bits |= if unsure { UNSURE } else { 0 };
        bits |= if stand.marks.is_empty() && stand.done.is_none() { 0 } else { TOUCHED };
        self.segments[segment] = bits;
        self.more[segment] = more(results, segment, stand);
        self.settle_decided(results, segment);
    }

    fn settle_decided(&mut self, results: &Results, segment: usize) {
        let mut codings = results.segments[segment].codings();
        let all = !codings.is_empty() && codings.all(|i| self.verdicts[i] != 0);
        if all || self.segments[segment] & DONE != 0 {
            self.segments[segment] |= DECIDED;
        }
    }
}

/// Digest of what a coder holds about a segment beyond verdicts on its proposals.
fn more(results: &Results, segment: usize, stand: &Stand) -> u32 {
    let Segment { start, end, .. } = results.segments[segment];
    let whole = (0, i64::from(end - start));
    let proposed = |code: &str| {
        let mut codings = results.segments[segment].codings();
        codings.any(|i| results.codes[usize::from(results.codings[i].code)] == code)
    };
    let words = stand.marks.iter().filter_map(|(code, mark)| {
        let span = mark.span.filter(|&span| span != whole && mark.verdict == Verdict::Present);
        let added = mark.verdict != Verdict::Absent && !proposed(code);
        (added || span.is_some()).then(|| format!("{code} {} {span:?};", mark.verdict.word()))
    });
    // FNV-1a; nothing gives 0.
    words.flat_map(String::into_bytes).fold(0, |hash, byte| {
        (if hash == 0 { 0x811c_9dc5 } else { hash } ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// A run of sentences that only people coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// Where it stands.
    pub place: Place,
    /// Who decided on it.
    pub coders: Vec<String>,
    /// True when the adjudication has spoken on it.
    pub settled: bool,
}

/// Everybody's sheets.
#[derive(Debug, Default)]
pub struct Desk {
    sheets: BTreeMap<String, Sheet>,
    /// Segments that only people coded, by id.
    pub extras: BTreeMap<u64, Extra>,
    settled: Vec<bool>,
    /// Decided segments that are not in the texts any more.
    pub n_orphans: usize,
    empty: Sheet,
}

impl Desk {
    /// Reads the whole journal.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn load(results: &Results, journal: &Journal) -> rusqlite::Result<Self> {
        let mut desk = Desk { settled: vec![false; results.segments.len()], ..Desk::default() };
        let mut texts = (String::new(), None);
        journal.each_segment(|rows| desk.take(results, rows, &mut texts))?;
        Ok(desk)
    }

    fn take(&mut self, results: &Results, rows: &[Row], texts: &mut (String, Option<String>)) {
        let Some(last) = rows.last() else { return };
        let place = if last.run == results.run {
            Some(Place::of(last))
        } else {
            if texts.0 != last.transcript {
                *texts = (last.transcript.clone(), results.text(&last.transcript).ok());
            }
            texts.1.as_deref().and_then(|text| place_row(last, text))
        };
        match place {
            Some(place) => self.set(results, &place, rows),
            None => self.n_orphans += 1,
        }
    }

    /// Brings the sheets in line with the rows of one segment, which stands at `place`.
    pub fn set(&mut self, results: &Results, place: &Place, rows: &[Row]) {
        let id = segment_id(&place.transcript, place.start, place.end);
        let stands = present::stands(rows);
        match results.find(id) {
            Some(segment) => {
                self.settled[segment] = !present::settled(rows).is_empty();
                self.clear(results, segment);
                for (coder, stand) in stands {
                    self.sheet_of(results, coder).set(results, segment, &stand);
                }
            }
            None => {
                let judged = stands.iter().filter(|(_, stand)| **stand != Stand::default());
                let coders = judged.map(|(&coder, _)| coder.to_owned()).collect();
                let settled = !present::settled(rows).is_empty();
                self.set_extra(id, Extra { place: place.clone(), coders, settled });
            }
        }
    }

    fn set_extra(&mut self, id: u64, extra: Extra) {
        if extra.coders.is_empty() && !extra.settled {
            self.extras.remove(&id);
        } else {
            self.extras.insert(id, extra);
        }
    }

    fn clear(&mut self, results: &Results, segment: usize) {
        let nothing = Stand::default();
        for sheet in self.sheets.values_mut() {
            sheet.set(results, segment, &nothing);
        }
    }

    fn sheet_of(&mut self, results: &Results, coder: &str) -> &mut Sheet {
        if !self.sheets.contains_key(coder) {
            self.sheets.insert(coder.to_owned(), Sheet::sized(results));
        }
        self.sheets.entry(coder.to_owned()).or_default()
    }

    /// Notes one verdict of a bulk step without reading the journal again.
    pub fn note(&mut self, results: &Results, coder: &str, coding: usize, verdict: Verdict) {
        let segment = results.codings[coding].segment as usize;
        let sheet = self.sheet_of(results, coder);
        sheet.verdicts[coding] = if verdict == Verdict::Present { 1 } else { 2 };
        sheet.segments[segment] |= TOUCHED;
        sheet.settle_decided(results, segment);
    }

    /// One coder's sheet; an empty one for somebody who has not decided anything.
    pub fn sheet(&self, coder: &str) -> &Sheet {
        self.sheets.get(coder).unwrap_or(&self.empty)
    }

    /// Coders who have decided anything, in order of name.
    pub fn coders(&self) -> impl Iterator<Item = (&str, &Sheet)> {
        self.sheets.iter().map(|(name, sheet)| (name.as_str(), sheet))
    }

    /// True when the adjudication has spoken on the segment.
    pub fn is_settled(&self, segment: usize) -> bool {
        self.settled.get(segment).copied().unwrap_or(false)
    }
}
