//! One segment as the page shows it, and the lists that the page shows.
//!
//! Comes in: a coder and what they look for. Goes out: JSON values. Everything that a coder can learn passes through
//! here and [`super::adjudication`]; a hidden segment carries no proposal, whoever asks.

use super::app::{App, State};
use super::passage::Passage;
use super::queue::{Filter, Order, View, is_blind_turn};
use super::refusal::Refusal;
use super::results::{id_text, parse_id};
use crate::coding::Coding;
use crate::store::journal::append::SegmentRef;
use crate::store::journal::describe;
use crate::store::journal::present::Stand;
use crate::store::journal::row::{Row, Verdict};
use serde_json::{Value, json};
use std::sync::Arc;

/// A segment, wherever it comes from.
pub(super) struct Spot {
    /// Its id.
    pub id: u64,
    /// Its number, when something is proposed for it.
    pub number: Option<usize>,
    /// Where it is and what it is.
    pub segment: SegmentRef,
    /// The transcript.
    pub passage: Arc<Passage>,
}

impl App {
    /// Finds the segment with this id.
    pub(super) fn spot(&self, state: &State, id: &str) -> Result<Spot, Refusal> {
        let id = parse_id(id).ok_or_else(|| Refusal::not_found("segment"))?;
        let results = &state.results;
        let (number, name, start, end) = match (results.find(id), state.desk.extras.get(&id)) {
            (Some(i), _) => {
                let segment = &results.segments[i];
                (Some(i), results.name_of(segment), segment.start as usize, segment.end as usize)
            }
            (None, Some(extra)) => (None, extra.place.transcript.as_str(), extra.place.start, extra.place.end),
            (None, None) => return Err(Refusal::not_found("segment")),
        };
        let passage = self.passage(results, state.edition, name)?;
        let segment =
            passage.segment(start, end).ok_or_else(|| Refusal::unavailable("positions do not fit the text"))?;
        Ok(Spot { id, number, segment, passage })
    }

    /// One segment for one coder.
    ///
    /// # Errors
    /// `not_found`, or when something cannot be read.
    pub fn item(&self, coder: &str, id: &str) -> Result<Value, Refusal> {
        let state = self.state();
        let spot = self.spot(&state, id)?;
        let view = state.view(coder);
        let may_see = spot.number.is_some()
            || state.desk.extras.get(&spot.id).is_some_and(|extra| extra.coders.iter().any(|name| name == coder));
        if !may_see {
            return Err(Refusal::not_found("segment"));
        }
        let rows = self.rows_of(&spot.segment)?;
        let stand = Stand::of(rows.iter().filter(|row| row.coder == coder));
        let version = self.read(|j| j.version(&spot.segment.transcript, &spot.segment.hash, Some(coder)))?;
        let hidden = spot.number.map_or_else(|| is_blind_spot(&view, &spot), |i| view.is_hidden(i));
        let mut item = self.frame(&state, &spot, &stand);
        item["version"] = json!(version);
        item["blind"] = json!(hidden);
        item["was_blind"] = json!(is_blind_spot(&view, &spot));
        item["decided"] = json!(spot.number.map_or(!stand.marks.is_empty(), |i| view.is_decided(i)));
        // Said before it is judged, so that nobody is surprised that it does not count.
        item["seen"] = json!(hidden && self.was_shown(coder, &spot.segment.transcript, spot.segment.turn)?);
        item["suggestions"] = if hidden { json!([]) } else { json!(self.suggestions(&view, &spot)?) };
        Ok(item)
    }

    /// What everybody may see of a segment, and what the coder holds.
    pub(super) fn frame(&self, state: &State, spot: &Spot, stand: &Stand) -> Value {
        let segment = &spot.segment;
        let turn = spot.passage.turn_of(segment.start, segment.end);
        let respondent = spot.number.map(|i| state.results.segments[i].respondent as usize);
        let attributes = respondent.map(|i| &state.results.respondents[i].attributes);
        json!({
            "id": id_text(spot.id), "hash": segment.hash, "transcript": segment.transcript, "turn": segment.turn,
            "start": segment.start, "end": segment.end, "quote": segment.quote,
            "speaker": turn.map(|turn| turn.speaker.as_str()), "respondent": turn.map(|turn| turn.respondent.as_str()),
            "attributes": attributes, "turns": spot.passage.view(segment.start, segment.end),
            "marks": stand.marks, "memo": stand.memo, "done": stand.done,
        })
    }

    /// The proposals of a segment with all their evidence, the most confident first; noted as seen.
    pub(super) fn suggestions(&self, view: &View<'_>, spot: &Spot) -> Result<Vec<Value>, Refusal> {
        let Some(i) = spot.number else { return Ok(Vec::new()) };
        let codings = view.results.segments[i].codings();
        self.note_shown(view, (!codings.is_empty()).then_some(i))?;
        codings.map(|c| Ok(suggestion(&view.results.coding(c)?))).collect()
    }

    /// Rows of a segment that are not undone.
    pub(super) fn rows_of(&self, segment: &SegmentRef) -> Result<Vec<Row>, Refusal> {
        self.read(|journal| journal.segment_rows(&segment.transcript, &segment.hash))
    }

    /// A stretch of the coder's queue from place `from` on: ids that fit the filter's state.
    ///
    /// # Errors
    /// When answers that were drawn meanwhile cannot be read.
    pub fn queue_from(
        self: &Arc<Self>,
        coder: &str,
        filter: &Filter,
        order: Order,
        from: usize,
        limit: usize,
    ) -> Result<Value, Refusal> {
        self.take_up_sample()?;
        let state = self.state();
        let view = state.view(coder);
        let order = self.queue(&view, state.edition, filter, order);
        let fits = |&at: &usize| view.is_in_state(order[at] as usize, filter.state);
        let entry = |at: usize| json!({ "id": id_text(state.results.id(order[at] as usize)), "at": at });
        let from = from.min(order.len());
        let ahead: Vec<Value> = (from..order.len()).filter(fits).take(limit.min(200)).map(entry).collect();
        let before = (0..from).rev().find(fits).map(entry);
        let n_left = (0..order.len()).filter(fits).count();
        // What is held back is neither left nor done.
        let n_held_back = match state.results.has_sample() {
            true => order.iter().filter(|&&i| view.is_held_back(i as usize)).count(),
            false => 0,
        };
        let total = order.len() - n_held_back;
        Ok(json!({
            "total": total, "left": n_left, "ids": ahead, "before": before, "edition": state.edition,
        }))
    }

    /// Rows of the table: codings that fit, sorted, from place `from` on.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn table(
        &self,
        coder: &str,
        filter: &Filter,
        sort: Sort,
        from: usize,
        limit: usize,
    ) -> Result<Value, Refusal> {
        let state = self.state();
        let view = state.view(coder);
        let mut codings = view.codings(filter);
        sort_codings(&view, &mut codings, sort);
        let shown: Vec<usize> = codings.iter().skip(from).take(limit.min(200)).copied().collect();
        let segments = shown.iter().map(|&c| state.results.codings[c].segment as usize);
        self.note_shown(&view, segments)?;
        let rows: Result<Vec<Value>, Refusal> = shown.iter().map(|&c| self.table_row(&view, c)).collect();
        let n_hidden =
            (0..state.results.segments.len()).filter(|&i| view.is_assigned(i) && view.is_hidden(i)).count();
        Ok(json!({ "total": codings.len(), "from": from, "rows": rows?, "hidden": n_hidden }))
    }

    fn table_row(&self, view: &View<'_>, c: usize) -> Result<Value, Refusal> {
        let row = view.results.coding(c)?;
        let segment = view.results.codings[c].segment as usize;
        Ok(json!({
            "segment": id_text(view.results.id(segment)), "coding": row.id, "transcript": row.transcript,
            "respondent": row.respondent, "turn": row.turn, "code": row.code, "confidence": row.confidence,
            "calibrated_on": row.calibrated_on, "flags": row.flags, "text": row.text,
            "verdict": view.sheet().verdict(c),
        }))
    }

    /// Transcripts whose name holds these letters, with how far the coder is.
    ///
    /// # Errors
    /// None today.
    pub fn transcripts(&self, coder: &str, words: &str, from: usize) -> Result<Value, Refusal> {
        let state = self.state();
        let view = state.view(coder);
        let words = words.to_lowercase();
        let fits = |entry: &&super::results::TranscriptEntry| entry.name.to_lowercase().contains(&words);
        let total = state.results.transcripts.iter().filter(fits).count();
        let found: Vec<Value> = state
            .results
            .transcripts
            .iter()
            .filter(fits)
            .skip(from)
            .take(200)
            .map(|entry| {
                let mine: Vec<usize> = entry.segments.clone().filter(|&i| view.is_assigned(i)).collect();
                let n_decided = mine.iter().filter(|&&i| view.is_decided(i)).count();
                json!({ "name": entry.name, "segments": mine.len(), "decided": n_decided })
            })
            .collect();
        Ok(json!({ "total": total, "from": from, "transcripts": found }))
    }

    /// A stretch of a whole interview from turn `from` on, with the coded spans that this coder may see.
    ///
    /// # Errors
    /// `not_found`, or when a file cannot be read.
    pub fn transcript(&self, coder: &str, name: &str, from: usize) -> Result<Value, Refusal> {
        const TURNS: usize = 400;
        let state = self.state();
        let view = state.view(coder);
        let passage = self.passage(&state.results, state.edition, name)?;
        let number = state.results.transcript(name).ok_or_else(|| Refusal::not_found("transcript"))?;
        let shown: Vec<_> = passage.turns.iter().skip(from).take(TURNS).collect();
        let slices = shown.iter().map(|turn| passage.slice(turn, turn.start, turn.start + 20_000));
        let turns: Vec<Value> = slices.collect();
        let is_shown = |turn: usize| shown.iter().any(|row| row.turn == turn);
        let segments = &state.results.segments;
        let in_sight = |i: &usize| is_shown(segments[*i].turn as usize) && view.is_assigned(*i);
        let coded = state.results.transcripts[number].segments.clone().filter(in_sight);
        let coded: Vec<usize> = coded.filter(|&i| !view.is_held_back(i)).collect();
        let open = coded.iter().copied().filter(|&i| !view.is_hidden(i) && !segments[i].codings().is_empty());
        self.note_shown(&view, open)?;
        let spans: Result<Vec<Value>, Refusal> = coded.iter().map(|&i| self.margin(&view, &passage, i)).collect();
        let mut spans = spans?;
        for (id, extra) in &state.desk.extras {
            let mine = extra.place.transcript == name && extra.coders.iter().any(|c| c == coder);
            if mine && is_shown(extra.place.turn) {
                spans.push(self.margin_of_extra(*id, &passage, extra, coder)?);
            }
        }
        Ok(json!({ "name": name, "turns": turns, "spans": spans, "n_turns": passage.turns.len(), "from": from }))
    }

    /// What stands in the margin beside a segment.
    fn margin(&self, view: &View<'_>, passage: &Passage, i: usize) -> Result<Value, Refusal> {
        let segment = &view.results.segments[i];
        let hidden = view.is_hidden(i);
        let code = |c: usize| {
            let coding = &view.results.codings[c];
            let name = &view.results.codes[usize::from(coding.code)];
            json!({ "code": name, "confidence": coding.confidence, "verdict": view.sheet().verdict(c) })
        };
        let codes: Vec<Value> = match segment.codings() {
            _ if hidden => Vec::new(),
            // Nothing is proposed for a sampled answer: what stands there is the coder's own.
            none if none.is_empty() => {
                self.own_codes(passage, segment.start as usize, segment.end as usize, view.coder)?
            }
            some => some.map(code).collect(),
        };
        Ok(json!({
            "id": id_text(view.results.id(i)), "start": segment.start, "end": segment.end, "turn": segment.turn,
            "blind": hidden, "decided": view.is_decided(i), "codes": codes,
        }))
    }

    fn margin_of_extra(
        &self,
        id: u64,
        passage: &Passage,
        extra: &super::desk::Extra,
        coder: &str,
    ) -> Result<Value, Refusal> {
        let place = &extra.place;
        let codes = self.own_codes(passage, place.start, place.end, coder)?;
        Ok(json!({
            "id": id_text(id), "start": place.start, "end": place.end, "turn": place.turn,
            "blind": false, "decided": true, "own": true, "codes": codes,
        }))
    }

    /// What the coder decided about these sentences.
    fn own_codes(&self, passage: &Passage, start: usize, end: usize, coder: &str) -> Result<Vec<Value>, Refusal> {
        let rows = passage.segment(start, end).map_or(Ok(Vec::new()), |segment| self.rows_of(&segment))?;
        let stand = Stand::of(rows.iter().filter(|row| row.coder == coder));
        Ok(stand.marks.iter().map(|(code, mark)| json!({ "code": code, "verdict": mark.verdict })).collect())
    }

    /// How far the work is; how often proposals were accepted, by confidence and by code.
    ///
    /// # Errors
    /// None today.
    pub fn progress(&self, coder: &str) -> Result<Value, Refusal> {
        let state = self.state();
        let view = state.view(coder);
        let results = &state.results;
        let (mut n_mine, mut n_decided, mut n_blind, mut n_blind_decided) = (0, 0, 0, 0);
        let mut by_code = vec![[0usize; 4]; results.codes.len()];
        let mut by_tenth = [[0usize; 2]; 10];
        for i in (0..results.segments.len()).filter(|&i| view.is_assigned(i)) {
            let decided = view.is_decided(i);
            n_mine += 1;
            n_decided += usize::from(decided);
            n_blind += usize::from(view.is_blind(i));
            n_blind_decided += usize::from(view.is_blind(i) && decided);
            if view.is_hidden(i) {
                continue;
            }
            for c in results.segments[i].codings() {
                let coding = &results.codings[c];
                let counts = &mut by_code[usize::from(coding.code)];
                counts[0] += 1;
                let Some(verdict) = view.sheet().verdict(c) else { continue };
                counts[1 + verdict as usize] += 1;
                // Blind decisions were not about the proposal, and an unsure one says neither.
                if verdict != Verdict::Unsure && !view.is_blind(i) {
                    let tenth = &mut by_tenth[((coding.confidence * 10.0) as usize).min(9)];
                    tenth[0] += 1;
                    tenth[1] += usize::from(verdict == Verdict::Present);
                }
            }
        }
        let codes: Vec<Value> = results
            .codes
            .iter()
            .zip(&by_code)
            .map(|(code, n)| json!({ "code": code, "proposed": n[0], "accepted": n[1], "rejected": n[2], "unsure": n[3] }))
            .collect();
        let tenths: Vec<Value> = by_tenth.iter().map(|n| json!({ "decided": n[0], "accepted": n[1] })).collect();
        let coders: Vec<Value> =
            state.desk.coders().map(|(name, sheet)| json!({ "coder": name, "decided": sheet.n_decided() })).collect();
        Ok(json!({
            "segments": n_mine, "decided": n_decided, "blind": n_blind, "blind_decided": n_blind_decided,
            "codes": codes, "tenths": tenths, "coders": coders, "orphans": state.desk.n_orphans,
        }))
    }

    /// The coder's last operations, newest first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn history(&self, coder: &str) -> Result<Value, Refusal> {
        let operations = self.read(|journal| journal.history(coder, 100))?;
        let entries: Vec<Value> = operations
            .iter()
            .map(|(row, n_rows, stands)| {
                json!({
                    "op": row.batch, "time": row.time, "action": row.action, "rows": n_rows, "stands": stands,
                    "what": describe(row), "transcript": row.transcript, "turn": row.turn,
                    "quote": row.quote.chars().take(120).collect::<String>(),
                })
            })
            .collect();
        Ok(json!({ "operations": entries }))
    }
}

fn is_blind_spot(view: &View<'_>, spot: &Spot) -> bool {
    is_blind_turn(view.results, view.plan, &spot.segment.transcript, spot.segment.turn)
}

/// A proposal as the page gets it: everything that was found for it, but not the words, which are there already.
fn suggestion(row: &Coding) -> Value {
    json!({
        "coding": row.id, "code": row.code, "confidence": row.confidence, "calibrated_on": row.calibrated_on,
        "flags": row.flags, "evidence": row.evidence,
    })
}

/// In which order the table stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sort {
    /// By what.
    pub by: Column,
    /// The other way round.
    pub down: bool,
}

/// What the table can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    /// As the transcripts come.
    #[default]
    Place,
    /// Codes in the order of the codebook.
    Code,
    /// Confidence.
    Confidence,
    /// Respondent's name.
    Respondent,
    /// What was decided.
    Verdict,
}

fn sort_codings(view: &View<'_>, codings: &mut [usize], sort: Sort) {
    let results = view.results;
    match sort.by {
        Column::Place => {}
        Column::Code => codings.sort_by_key(|&c| results.codings[c].code),
        Column::Confidence => {
            codings.sort_by(|&a, &b| results.codings[a].confidence.total_cmp(&results.codings[b].confidence));
        }
        Column::Respondent => codings.sort_by_cached_key(|&c| {
            let segment = &results.segments[results.codings[c].segment as usize];
            &results.respondents[segment.respondent as usize].name
        }),
        Column::Verdict => codings.sort_by_key(|&c| view.sheet().verdict(c)),
    }
    if sort.down {
        codings.reverse();
    }
}
