//! Coders side by side, and who may see them so.
//!
//! A case is a segment of the queue with what was coded by hand on the same words, or words that only people coded. It
//! is shown when two or more have judged it, and only to those who have judged it themselves or do not have to: nobody
//! learns what another holds before they have spoken. Who is through with an interview has spoken about every word of it.

use super::app::{App, State};
use super::desk::Sheet;
use super::item::Spot;
use super::queue::{View, is_blind_turn};
use super::refusal::Refusal;
use super::results::{Segment, id_text};
use crate::store::journal::append::SegmentRef;
use crate::store::journal::present::{Mark, Stand, settled, stands};
use crate::store::journal::row::{Row, Shown, Verdict};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Most cases in one list.
const LIST: usize = 200;

/// Words that coders may differ about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Case {
    /// The segment of the queue; none: only people coded here.
    number: Option<usize>,
    /// Sentences coded by hand that overlap it, or each other; in order.
    extras: Vec<u64>,
}

/// A case with what everybody holds.
pub(super) struct Opened {
    /// The words that it stands for.
    pub spot: Spot,
    /// Every segment of it with its rows, its own first.
    pub parts: Vec<(SegmentRef, Vec<Row>)>,
    /// Changes with every row.
    pub version: u64,
    judges: BTreeMap<String, Stand>,
}

impl App {
    /// Cases on which coders differ, a stretch of them: open ones first.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn adjudication(&self, coder: &str, from: usize, limit: usize) -> Result<Value, Refusal> {
        let state = self.state();
        let (mut open, mut done, mut n_agreed) = (Vec::new(), Vec::new(), 0);
        let hall = Hall::of(&state, coder);
        for case in cases(&state).filter(|case| hall.is_ready(case)) {
            let differs = match (case.number, case.extras.is_empty()) {
                (Some(i), true) => hall.differs(i),
                _ => !self.opened(&hall, &case)?.differing().is_empty(),
            };
            match (differs, is_settled(&state, &case)) {
                (false, _) => n_agreed += 1,
                (true, false) => open.push(case),
                (true, true) => done.push(case),
            }
        }
        let (n_open, n_settled) = (open.len(), done.len());
        let shown = open.into_iter().chain(done).skip(from).take(limit.min(LIST));
        let list: Result<Vec<Value>, Refusal> = shown.map(|case| self.entry(&hall, &case)).collect();
        Ok(json!({ "segments": list?, "from": from, "open": n_open, "settled": n_settled, "agreed": n_agreed }))
    }

    /// A line of the list.
    fn entry(&self, hall: &Hall<'_>, case: &Case) -> Result<Value, Refusal> {
        let opened = self.opened(hall, case)?;
        let segment = &opened.spot.segment;
        Ok(json!({
            "id": id_text(opened.spot.id), "transcript": segment.transcript, "turn": segment.turn,
            "quote": segment.quote.chars().take(160).collect::<String>(), "by_hand": case.number.is_none(),
            "differing": opened.differing(), "settled": is_settled(hall.state, case),
        }))
    }

    /// One case with what everybody holds.
    ///
    /// # Errors
    /// `not_found` while it may not be shown.
    pub fn adjudication_item(&self, coder: &str, id: &str) -> Result<Value, Refusal> {
        let state = self.state();
        let opened = self.opened_for(&state, coder, id)?;
        let mut item = self.frame(&state, &opened.spot, &Stand::default());
        item["suggestions"] = json!(self.suggestions(&state.view(coder), &opened.spot)?);
        item["version"] = json!(opened.version);
        let judges = opened.judges.iter().map(|(coder, stand)| json!({ "coder": coder, "stand": stand }));
        item["coders"] = judges.collect();
        item["differing"] = json!(opened.differing());
        item["settled"] = json!(opened.settled());
        Ok(item)
    }

    /// The case with this id, if this coder may see it.
    pub(super) fn opened_for(&self, state: &State, coder: &str, id: &str) -> Result<Opened, Refusal> {
        let no_case = || Refusal::not_found("segment to settle");
        let spot = self.spot(state, id)?;
        let case = case_of(state, &spot).ok_or_else(no_case)?;
        let hall = Hall::of(state, coder);
        if hall.is_ready(&case) { self.opened(&hall, &case) } else { Err(no_case()) }
    }

    fn opened(&self, hall: &Hall<'_>, case: &Case) -> Result<Opened, Refusal> {
        let state = hall.state;
        let own = case.number.map(|i| state.results.id(i));
        let (mut parts, mut version, mut main) = (Vec::new(), 0, None);
        for id in own.into_iter().chain(case.extras.iter().copied()) {
            let spot = self.spot(state, &id_text(id))?;
            let segment = &spot.segment;
            version = version.max(self.read(|journal| journal.version(&segment.transcript, &segment.hash, None))?);
            parts.push((segment.clone(), self.rows_of(segment)?));
            main.get_or_insert(spot);
        }
        let spot = main.ok_or_else(|| Refusal::not_found("segment to settle"))?;
        let blind = is_blind_turn(&state.results, &state.plan, &spot.segment.transcript, spot.segment.turn);
        let shown = if blind { Shown::Blind } else { Shown::Suggestion };
        let judges = hall.judges(case).map(|coder| (coder.to_owned(), joined(coder, &parts, shown))).collect();
        Ok(Opened { spot, parts, version, judges })
    }
}

impl Opened {
    /// Codes on which those who judged differ: whether they hold, or for which sentences. What a coder who judged the
    /// case to its end did not mark is absent.
    pub fn differing(&self) -> Vec<String> {
        let judges: Vec<&Stand> = self.judges.values().collect();
        let codes: BTreeSet<&String> = judges.iter().flat_map(|stand| stand.marks.keys()).collect();
        let whole = (0, (self.spot.segment.end - self.spot.segment.start) as i64);
        let said = |stand: &Stand, code: &String| match stand.marks.get(code) {
            Some(mark) if mark.verdict == Verdict::Present => (Verdict::Present, mark.span.or(Some(whole))),
            Some(mark) => (mark.verdict, None),
            None => (Verdict::Absent, None),
        };
        let differs = |code: &&String| judges.windows(2).any(|two| said(two[0], code) != said(two[1], code));
        codes.into_iter().filter(differs).cloned().collect()
    }

    /// What was settled, with its sentences counted from the start of the case.
    fn settled(&self) -> BTreeMap<String, Mark> {
        let start = self.spot.segment.start as i64;
        let all = self.parts.iter().rev().flat_map(|(part, rows)| {
            let moved = part.start as i64 - start;
            settled(rows).into_iter().map(move |(code, mark)| (code, shifted(mark, moved)))
        });
        all.collect()
    }

    /// The segments on which a word about this code is written: that of the queue, and where somebody marked it by hand.
    pub fn parts_of(&self, code: &str, in_queue: bool) -> Vec<&SegmentRef> {
        let marks = |rows: &[Row]| stands(rows).values().any(|stand| stand.marks.contains_key(code));
        let wanted = |i: usize| (i == 0 && in_queue) || marks(&self.parts[i].1);
        let found: Vec<_> = (0..self.parts.len()).filter(|&i| wanted(i)).map(|i| &self.parts[i].0).collect();
        if found.is_empty() { vec![&self.parts[0].0] } else { found }
    }
}

/// What one coder holds on all parts of a case, as if it were on its first one.
fn joined(coder: &str, parts: &[(SegmentRef, Vec<Row>)], shown: Shown) -> Stand {
    let mut all = Stand::default();
    let Some((main, _)) = parts.first() else { return all };
    for (i, (part, rows)) in parts.iter().enumerate() {
        let stand = Stand::of(rows.iter().filter(|row| row.coder == coder));
        let whole = (0, (part.end - part.start) as i64);
        for (code, mark) in stand.marks {
            let holds = |mark: &Mark| mark.verdict == Verdict::Present;
            let span = if i == 0 { mark.span } else { mark.span.or(Some(whole)) };
            let mark = shifted(Mark { span, ..mark }, part.start as i64 - main.start as i64);
            if all.marks.get(&code).is_none_or(|known| !holds(known) && holds(&mark)) {
                all.marks.insert(code, mark);
            }
        }
        all.memo = all.memo.or(stand.memo);
        all.done = all.done.or(stand.done);
    }
    all.done.get_or_insert(shown);
    all
}

fn shifted(mark: Mark, by: i64) -> Mark {
    Mark { span: mark.span.map(|(a, b)| (a + by, b + by)), ..mark }
}

/// Everybody who codes, and who asks.
struct Hall<'a> {
    state: &'a State,
    caller: &'a str,
    coders: Vec<(&'a str, View<'a>)>,
}

impl<'a> Hall<'a> {
    fn of(state: &'a State, caller: &'a str) -> Self {
        let by_hand = state.desk.extras.values().flat_map(|extra| extra.coders.iter().map(String::as_str));
        let names = state.desk.coders().map(|(name, _)| name).chain(state.plan.coders.iter().map(String::as_str));
        let names: BTreeSet<&str> = names.chain(by_hand).collect();
        let coders = names.into_iter().map(|name| (name, state.view(name))).collect();
        Hall { state, caller, coders }
    }

    /// Coders who have judged the case.
    fn judges<'b>(&'b self, case: &'b Case) -> impl Iterator<Item = &'a str> + 'b {
        self.coders.iter().filter(|(name, view)| self.has_judged(name, view, case)).map(|(name, _)| *name)
    }

    fn has_judged(&self, name: &str, view: &View<'_>, case: &Case) -> bool {
        match case.number {
            Some(i) => view.sheet.is_touched(i) && view.is_decided(i),
            None => self.marked_here(name, case) || self.is_through(name, view, case),
        }
    }

    fn marked_here(&self, name: &str, case: &Case) -> bool {
        let extras = case.extras.iter().filter_map(|id| self.state.desk.extras.get(id));
        extras.into_iter().any(|extra| extra.coders.iter().any(|coder| coder == name))
    }

    /// Has to judge these words, and has judged everything that comes in the queue of this interview.
    fn is_through(&self, name: &str, view: &View<'_>, case: &Case) -> bool {
        let Some(extra) = case.extras.first().and_then(|id| self.state.desk.extras.get(id)) else { return false };
        let place = &extra.place;
        let Some(number) = self.state.results.transcript(&place.transcript) else { return false };
        let segments = self.state.results.transcripts[number].segments.clone();
        let mut mine = segments.filter(|&i| view.is_assigned(i)).peekable();
        self.state.plan.is_assigned(name, &place.transcript, place.turn)
            && mine.peek().is_some()
            && mine.all(|i| view.is_decided(i))
    }

    /// Two or more have judged it, and the caller too or does not have to.
    fn is_ready(&self, case: &Case) -> bool {
        // Asked half a million times: most segments nobody or one has touched.
        let touched = |i: usize| self.coders.iter().filter(|(_, view)| view.sheet.is_touched(i)).take(2).count() == 2;
        case.number.is_none_or(touched) && self.judges(case).take(2).count() == 2 && self.may_see(case)
    }

    fn may_see(&self, case: &Case) -> bool {
        let view = self.state.view(self.caller);
        match case.number {
            Some(i) => view.is_decided(i) || !view.is_assigned(i),
            None => {
                let extra = case.extras.first().and_then(|id| self.state.desk.extras.get(id));
                let is_free = |place: &crate::store::journal::present::Place| {
                    !self.state.plan.is_assigned(self.caller, &place.transcript, place.turn)
                };
                extra.is_some_and(|extra| is_free(&extra.place)) || self.has_judged(self.caller, &view, case)
            }
        }
    }

    /// True when those who judged the segment differ on it.
    fn differs(&self, i: usize) -> bool {
        let case = Case { number: Some(i), extras: Vec::new() };
        let judged = self.coders.iter().filter(|(name, view)| self.has_judged(name, view, &case));
        let sheets: Vec<&Sheet> = judged.map(|(_, view)| view.sheet).collect();
        sheets.windows(2).any(|two| two[0].differs(two[1], &self.state.results, i))
    }
}

fn is_settled(state: &State, case: &Case) -> bool {
    let by_hand = |id: &u64| state.desk.extras.get(id).is_some_and(|extra| extra.settled);
    case.number.is_some_and(|i| state.desk.is_settled(i)) || case.extras.iter().any(by_hand)
}

/// Every case, those of the queue first.
fn cases(state: &State) -> impl Iterator<Item = Case> + '_ {
    let mut beside: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    let mut apart: Vec<Case> = Vec::new();
    for case in by_hand(state) {
        match case.number {
            Some(i) => beside.insert(i, case.extras).map_or((), drop),
            None => apart.push(case),
        }
    }
    let queue = 0..state.results.segments.len();
    let queue = queue.map(move |i| Case { number: Some(i), extras: beside.remove(&i).unwrap_or_default() });
    queue.chain(apart)
}

/// The case that this segment belongs to.
fn case_of(state: &State, spot: &Spot) -> Option<Case> {
    let all = by_hand(state);
    let found = all
        .into_iter()
        .find(|case| case.extras.contains(&spot.id) || (case.number == spot.number && case.number.is_some()));
    found.or_else(|| spot.number.map(|i| Case { number: Some(i), extras: Vec::new() }))
}

/// First code point, first code point after, and id of sentences that were coded by hand.
type Sentences = (usize, usize, u64);

/// Cases with something that was coded by hand.
fn by_hand(state: &State) -> Vec<Case> {
    let mut beside: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    let mut apart: BTreeMap<(&str, usize), Vec<Sentences>> = BTreeMap::new();
    for (&id, extra) in &state.desk.extras {
        let place = &extra.place;
        match best_overlap(state, &place.transcript, place.turn, (place.start, place.end)) {
            Some(i) => beside.entry(i).or_default().push(id),
            None => apart.entry((&place.transcript, place.turn)).or_default().push((place.start, place.end, id)),
        }
    }
    let beside = beside.into_iter().map(|(i, extras)| Case { number: Some(i), extras });
    beside.chain(apart.into_values().flat_map(overlapping)).collect()
}

/// The segment of the queue with which these sentences have most in common.
fn best_overlap(state: &State, transcript: &str, turn: usize, (start, end): (usize, usize)) -> Option<usize> {
    let number = state.results.transcript(transcript)?;
    let common =
        |segment: &Segment| (end.min(segment.end as usize)).saturating_sub(start.max(segment.start as usize));
    let segments = state.results.transcripts[number].segments.clone();
    let here = segments.filter(|&i| state.results.segments[i].turn as usize == turn);
    let best = here.map(|i| (common(&state.results.segments[i]), std::cmp::Reverse(i))).max()?;
    (best.0 > 0).then_some(best.1.0)
}

/// Runs of sentences of one turn, those together that overlap.
fn overlapping(mut found: Vec<Sentences>) -> Vec<Case> {
    found.sort_unstable();
    let (mut cases, mut reach): (Vec<Case>, usize) = (Vec::new(), 0);
    for (start, end, id) in found {
        match cases.last_mut().filter(|_| start < reach) {
            Some(case) => case.extras.push(id),
            None => cases.push(Case { number: None, extras: vec![id] }),
        }
        reach = reach.max(end);
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_overlap_are_one_case() {
        let cases = overlapping(vec![(50, 60, 5), (0, 10, 1), (5, 20, 2), (20, 30, 3), (15, 22, 4)]);
        let ids: Vec<Vec<u64>> = cases.into_iter().map(|case| case.extras).collect();
        assert_eq!(ids, [vec![1, 2, 4, 3], vec![5]]);
    }
}
