//! From a request to an operation of the journal: what may be decided, and what the coder had in sight.
//!
//! Comes in: a request of the page, already parsed. Goes out: rows in the journal and the segment as it is then.
//! Everything here runs on the writer's thread, so nothing changes between looking and writing.

use super::app::{App, State};
use super::item::Spot;
use super::queue::{Filter, is_blind_turn};
use super::refusal::Refusal;
use super::results::{id_text, segment_id};
use crate::store::journal::append::{AppendError, Expect, Ledger, Operation, Receipt, SegmentRef, Step, What};
use crate::store::journal::place_row;
use crate::store::journal::present::{Place, Stand};
use crate::store::journal::row::{Action, Row, Shown, Verdict, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Longest remark, in bytes.
const LONGEST_NOTE: usize = 20_000;

/// Segments that are brought in line while nobody reads.
const CHUNK: usize = 500;

/// A segment that is changed, and the hash of its words.
type Changed = (Place, String);

/// One decision on one segment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// Made by the page; the same for every try.
    pub op_id: String,
    /// The segment, or nothing for sentences that were chosen by hand.
    #[serde(default)]
    pub segment: Option<String>,
    /// For sentences chosen by hand: the transcript.
    #[serde(default)]
    pub transcript: Option<String>,
    /// For sentences chosen by hand: first code point.
    #[serde(default)]
    pub start: Option<usize>,
    /// For sentences chosen by hand: first code point after them.
    #[serde(default)]
    pub end: Option<usize>,
    /// Hash of the segment that the page showed.
    #[serde(default)]
    pub hash: Option<String>,
    /// Version of the segment that the page showed.
    #[serde(default)]
    pub version: u64,
    /// What to do.
    pub action: Action,
    /// The code.
    #[serde(default)]
    pub code: Option<String>,
    /// The code instead, for `change`.
    #[serde(default)]
    pub to_code: Option<String>,
    /// The sentences, for `span`.
    #[serde(default)]
    pub to_start: Option<usize>,
    /// First code point after them.
    #[serde(default)]
    pub to_end: Option<usize>,
    /// The remark, for `memo`.
    #[serde(default)]
    pub note: Option<String>,
}

/// The same verdict on many proposals, as one step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// Made by the page; the same for every try.
    pub op_id: String,
    /// `accept` or `reject`.
    pub action: Action,
    /// Which ones: undecided proposals that fit.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// Or these codings, by id.
    #[serde(default)]
    pub codings: Vec<String>,
    /// How many the page said it would be; another number is refused.
    #[serde(default)]
    pub expected: Option<usize>,
}

/// Takes something back, or brings it back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Made by the page; the same for every try.
    pub op_id: String,
    /// The operation; the last one when it is not named.
    #[serde(default)]
    pub target: Option<String>,
}

/// The last word on a segment that coders differed about.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// Made by the page; the same for every try.
    pub op_id: String,
    /// The segment.
    pub segment: String,
    /// Hash of the segment that the page showed.
    pub hash: String,
    /// Version of the segment that the page showed.
    pub version: u64,
    /// By code.
    pub verdicts: BTreeMap<String, Verdict>,
    /// The sentences for which a code holds, where they are not the segment's own: code points.
    #[serde(default)]
    pub spans: BTreeMap<String, (usize, usize)>,
    /// Why.
    #[serde(default)]
    pub note: Option<String>,
}

impl App {
    /// Saves a decision and says how the segment is then.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is saved then, unless the status is 503.
    pub fn decide(self: &Arc<Self>, coder: &str, request: Decide) -> Result<Value, Refusal> {
        let coder = coder.to_owned();
        self.write(move |app, ledger| {
            let operation_id = checked_id(&request.op_id)?;
            let spot = app.decided_spot(&request)?;
            let operation = Operation {
                id: operation_id,
                coder: coder.clone(),
                run: app.state().results.run.clone(),
                request: digest_of(&Decide { version: 0, ..request.clone() }),
                expect: Some(expect(&spot.segment, request.version)),
                what: What::Steps(app.steps(&coder, &spot, &request)?),
            };
            let receipt = app.append(ledger, &operation, Some((&coder, &spot)))?;
            app.refresh(&[Place::of_segment(&spot.segment)], &spot.segment.hash)?;
            let item = app.item(&coder, &id_text(spot.id))?;
            Ok(json!({ "ok": true, "repeated": receipt.repeated, "item": item }))
        })
    }

    /// Saves the same verdict on many proposals.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn bulk(self: &Arc<Self>, coder: &str, request: Bulk) -> Result<Value, Refusal> {
        let coder = coder.to_owned();
        self.write(move |app, ledger| {
            let id = checked_id(&request.op_id)?;
            let digest = digest_of(&request);
            if let Some(n) = app.known_operation(&id, &coder, &digest)? {
                return Ok(json!({ "ok": true, "repeated": true, "n": n }));
            }
            let verdict = match request.action {
                Action::Accept => Verdict::Present,
                Action::Reject => Verdict::Absent,
                _ => return Err(Refusal::bad_request("bulk steps accept or reject")),
            };
            let codings = app.bulk_codings(&coder, &request)?;
            let steps = app.bulk_steps(&codings, request.action, verdict)?;
            let run = app.state().results.run.clone();
            let operation =
                Operation { id, coder: coder.clone(), run, request: digest, expect: None, what: What::Steps(steps) };
            app.underway.during(codings.len(), || app.append(ledger, &operation, None))?;
            let mut state = app.state_mut();
            let results = Arc::clone(&state.results);
            for &c in &codings {
                state.desk.note(&results, &coder, c, verdict);
            }
            Ok(json!({ "ok": true, "repeated": false, "n": codings.len() }))
        })
    }

    /// Takes an operation back.
    ///
    /// # Errors
    /// See [`Refusal`]; 409 `nothing` when there is none.
    pub fn undo(self: &Arc<Self>, coder: &str, request: Turn) -> Result<Value, Refusal> {
        self.turn(coder, request, What::Undo)
    }

    /// Brings an operation back.
    ///
    /// # Errors
    /// See [`Refusal`]; 409 `nothing` when there is none.
    pub fn redo(self: &Arc<Self>, coder: &str, request: Turn) -> Result<Value, Refusal> {
        self.turn(coder, request, What::Redo)
    }

    fn turn(
        self: &Arc<Self>,
        coder: &str,
        request: Turn,
        what: fn(Option<String>) -> What,
    ) -> Result<Value, Refusal> {
        let coder = coder.to_owned();
        self.write(move |app, ledger| {
            let what = what(request.target.clone());
            let kind = if matches!(what, What::Undo(_)) { "undo" } else { "redo" };
            let operation = Operation {
                id: checked_id(&request.op_id)?,
                coder: coder.clone(),
                run: app.state().results.run.clone(),
                request: digest_of(&(kind, &request)),
                expect: None,
                what,
            };
            let receipt = app.append(ledger, &operation, None)?;
            let target = receipt.target.unwrap_or_default();
            let found = app.read(|journal| journal.operation_size(&target))?;
            let (first, n) = found.map_or((None, 0), |(row, n)| (Some(row), n));
            app.underway.during(n, || app.refresh_operation(&target))?;
            let segment = first.as_ref().and_then(|row| app.place_now(row));
            let id = segment.map(|place| id_text(segment_id(&place.transcript, place.start, place.end)));
            Ok(json!({
                "ok": true, "repeated": receipt.repeated, "target": target, "n": n, "segment": id,
                "action": first.as_ref().map(|row| row.action), "code": first.as_ref().map(|row| row.code.as_str()),
            }))
        })
    }

    /// Settles a segment, and what was coded by hand on the same words.
    ///
    /// # Errors
    /// See [`Refusal`]; 404 while a coder of the segment has not decided.
    pub fn settle(self: &Arc<Self>, coder: &str, request: Settle) -> Result<Value, Refusal> {
        let coder = coder.to_owned();
        self.write(move |app, ledger| {
            let id = checked_id(&request.op_id)?;
            let digest = digest_of(&Settle { version: 0, ..request.clone() });
            let repeated = app.known_operation(&id, &coder, &digest)?.is_some();
            if !repeated {
                let (steps, places) = app.settling_steps(&coder, &request)?;
                let run = app.state().results.run.clone();
                let what = What::Steps(steps);
                app.append(
                    ledger,
                    &Operation { id, coder: coder.clone(), run, request: digest, expect: None, what },
                    None,
                )?;
                places.iter().try_for_each(|(place, hash)| app.refresh(std::slice::from_ref(place), hash))?;
            }
            let item = app.adjudication_item(&coder, &request.segment)?;
            Ok(json!({ "ok": true, "repeated": repeated, "item": item }))
        })
    }

    /// The steps of a settlement, and the segments that they change.
    fn settling_steps(&self, coder: &str, request: &Settle) -> Result<(Vec<Step>, Vec<Changed>), Refusal> {
        let spot = self.checked_spot(&request.segment, Some(&request.hash))?;
        let opened = self.opened_for(&self.state(), coder, &request.segment)?;
        if opened.version != request.version {
            return Err(AppendError::Stale { version: opened.version }.into());
        }
        if request.verdicts.is_empty() {
            return Err(Refusal::bad_request("nothing is settled"));
        }
        let (mut steps, mut places) = (Vec::new(), Vec::new());
        for (code, &verdict) in &request.verdicts {
            self.known_code(code)?;
            let span = request.spans.get(code).copied().filter(|_| verdict == Verdict::Present);
            span.map_or(Ok(()), |span| same_turn(&spot, span))?;
            for part in opened.parts_of(code, spot.number.is_some()) {
                let own = (part.start, part.end);
                let to_span = span.or(Some((opened.spot.segment.start, opened.spot.segment.end)));
                let to_span = to_span.filter(|&span| verdict == Verdict::Present && span != own);
                let step = Step::new(part.clone(), Action::Settle, Shown::Suggestion).on(code, verdict);
                steps.push(Step { note: request.note.clone(), to_span, ..step });
                places.push((Place::of_segment(part), part.hash.clone()));
            }
        }
        Ok((steps, places))
    }

    /// Writes; a stale request is told how the segment is now.
    fn append(
        &self,
        ledger: &mut dyn Ledger,
        operation: &Operation,
        spot: Option<(&str, &Spot)>,
    ) -> Result<Receipt, Refusal> {
        ledger.append(operation).map_err(|error| {
            let stale = matches!(error, AppendError::Stale { .. });
            let mut refusal = Refusal::from(error);
            if let (true, Some((coder, spot))) = (stale, spot) {
                refusal.present = self.item(coder, &id_text(spot.id)).ok();
            }
            refusal
        })
    }

    /// The segment that the request speaks of, if it is still what the page showed.
    fn decided_spot(&self, request: &Decide) -> Result<Spot, Refusal> {
        match (&request.segment, &request.transcript, request.start, request.end) {
            (Some(id), None, None, None) => self.checked_spot(id, request.hash.as_deref()),
            (None, Some(name), Some(start), Some(end)) => self.chosen_spot(name, start, end),
            _ => Err(Refusal::bad_request("either a segment, or a transcript with start and end")),
        }
    }

    fn checked_spot(&self, id: &str, hash: Option<&str>) -> Result<Spot, Refusal> {
        let spot = self.spot(&self.state(), id)?;
        if hash.is_some_and(|hash| hash != spot.segment.hash) {
            let message = "the words of this segment, or those beside it, have changed with a new run";
            return Err(Refusal::conflict("segment_changed", message, None));
        }
        Ok(spot)
    }

    fn chosen_spot(&self, name: &str, start: usize, end: usize) -> Result<Spot, Refusal> {
        let state = self.state();
        let passage = self.passage(&state.results, state.edition, name)?;
        let segment = passage.chosen(start, end).map_err(|why| Refusal::unprocessable("not_codable", why))?;
        let id = segment_id(name, start, end);
        Ok(Spot { id, number: state.results.find(id), segment, passage })
    }

    fn known_code<'a>(&self, code: &'a str) -> Result<&'a str, Refusal> {
        let state = self.state();
        let known = state.results.codebook.id(code).is_some();
        known
            .then_some(code)
            .ok_or_else(|| Refusal::unprocessable("unknown_code", format!("codebook has no code {code:?}")))
    }

    /// The steps of a decision.
    fn steps(&self, coder: &str, spot: &Spot, request: &Decide) -> Result<Vec<Step>, Refusal> {
        let code = || {
            let code = request.code.as_deref().ok_or_else(|| Refusal::bad_request("no code is named"))?;
            self.known_code(code)
        };
        let step = self.first_step(coder, spot, request)?;
        let one = match request.action {
            Action::Accept | Action::Add => step.on(code()?, Verdict::Present),
            Action::Reject => step.on(code()?, Verdict::Absent),
            Action::Unsure => step.on(code()?, Verdict::Unsure),
            Action::Change => {
                let to = request.to_code.as_deref().ok_or_else(|| Refusal::bad_request("no other code is named"))?;
                Step { to_code: Some(self.known_code(to)?.to_owned()), ..step.on(code()?, Verdict::Absent) }
            }
            Action::Span => {
                let span = request.to_start.zip(request.to_end);
                let (start, end) = span.ok_or_else(|| Refusal::bad_request("no sentences are named"))?;
                same_turn(spot, (start, end))?;
                Step { to_span: Some((start, end)), ..step.on(code()?, Verdict::Present) }
            }
            Action::Memo => {
                let note = request.note.clone().unwrap_or_default();
                if note.len() > LONGEST_NOTE {
                    return Err(Refusal::unprocessable("too_long", "the remark is longer than 20,000 bytes"));
                }
                Step { note: Some(note), ..step }
            }
            Action::Done => return self.closing_steps(coder, spot, step),
            Action::Undo | Action::Redo | Action::Settle => {
                return Err(Refusal::bad_request("this action has an address of its own"));
            }
        };
        Ok(vec![one])
    }

    /// A step that says what the coder had in sight.
    fn first_step(&self, coder: &str, spot: &Spot, request: &Decide) -> Result<Step, Refusal> {
        let segment = &spot.segment;
        let blind = {
            let state = self.state();
            is_blind_turn(&state.results, &state.plan, &segment.transcript, segment.turn)
        };
        // Once judged, a blind segment was uncovered: undoing that does not make it unseen.
        // An answer that was drawn later than the coder decided on a proposal in it is not unseen either.
        let (name, turn, hash) = (&segment.transcript, segment.turn, &segment.hash);
        // Nor is one whose proposals the coder only looked at, in the queue, in the transcript or in the table.
        let seen = blind
            && (self.read(|j| Ok(j.was_done(coder, name, hash)? || j.was_shown_proposals(coder, name, turn)?))?
                || self.was_shown(coder, name, turn)?);
        let shown = if blind && !seen { Shown::Blind } else { Shown::Suggestion };
        let step = Step::new(segment.clone(), request.action, shown);
        let confidence = match (&request.code, shown) {
            (Some(code), Shown::Suggestion) => self.shown_confidence(spot, code),
            _ => None,
        };
        Ok(Step { confidence, ..step })
    }

    fn shown_confidence(&self, spot: &Spot, code: &str) -> Option<f64> {
        let state = self.state();
        let number = state.results.code(code)?;
        let codings = state.results.segments[spot.number?].codings();
        codings
            .map(|c| &state.results.codings[c])
            .find(|coding| coding.code == number)
            .map(|coding| coding.confidence)
    }

    /// `done`: proposals that were shown and not decided do not hold; a blind coder said so without seeing them.
    fn closing_steps(&self, coder: &str, spot: &Spot, done: Step) -> Result<Vec<Step>, Refusal> {
        let mut steps = Vec::new();
        if let (Shown::Suggestion, Some(i)) = (done.shown, spot.number) {
            let rows = self.rows_of(&spot.segment)?;
            let stand = Stand::of(rows.iter().filter(|row| row.coder == coder));
            let state = self.state();
            for c in state.results.segments[i].codings() {
                let coding = &state.results.codings[c];
                let code = &state.results.codes[usize::from(coding.code)];
                if !stand.marks.contains_key(code) {
                    let step = Step::new(spot.segment.clone(), Action::Reject, done.shown).on(code, Verdict::Absent);
                    steps.push(Step { confidence: Some(coding.confidence), ..step });
                }
            }
        }
        steps.push(done);
        Ok(steps)
    }

    /// Undecided proposals that a bulk step is about.
    fn bulk_codings(&self, coder: &str, request: &Bulk) -> Result<Vec<usize>, Refusal> {
        let state = self.state();
        let view = state.view(coder);
        let mut codings = match &request.filter {
            Some(filter) => view.codings(filter),
            None => listed_codings(&state, &request.codings),
        };
        codings.retain(|&c| {
            let segment = state.results.codings[c].segment as usize;
            view.sheet().verdict(c).is_none() && view.is_assigned(segment) && !view.is_hidden(segment)
        });
        match request.expected {
            Some(n) if n != codings.len() => {
                let message = format!("{} proposals fit now, not {n}", codings.len());
                Err(Refusal::conflict("count_changed", message, Some(json!({ "n": codings.len() }))))
            }
            _ if codings.is_empty() => Err(Refusal::unprocessable("nothing_fits", "no undecided proposal fits")),
            _ => Ok(codings),
        }
    }

    fn bulk_steps(&self, codings: &[usize], action: Action, verdict: Verdict) -> Result<Vec<Step>, Refusal> {
        let state = self.state();
        let results = &state.results;
        let mut last: Option<(u32, SegmentRef)> = None;
        let mut steps = Vec::with_capacity(codings.len());
        for &c in codings {
            let coding = &results.codings[c];
            if last.as_ref().is_none_or(|(segment, _)| *segment != coding.segment) {
                let segment = &results.segments[coding.segment as usize];
                let passage = self.passage(results, state.edition, results.name_of(segment))?;
                let found = passage.segment(segment.start as usize, segment.end as usize);
                last = Some((
                    coding.segment,
                    found.ok_or_else(|| Refusal::unavailable("positions do not fit the text"))?,
                ));
            }
            if let Some((_, segment)) = &last {
                let step = Step::new(segment.clone(), action, Shown::Suggestion);
                let step = step.on(&results.codes[usize::from(coding.code)], verdict);
                steps.push(Step { confidence: Some(coding.confidence), ..step });
            }
        }
        Ok(steps)
    }

    /// Rows of an operation that was written before; refuses an id that was used for something else.
    fn known_operation(&self, id: &str, coder: &str, request: &str) -> Result<Option<usize>, Refusal> {
        let rows = self.read(|journal| journal.operation_rows(id))?;
        match rows.first() {
            None => Ok(None),
            Some(row) if row.request == request && row.coder == coder => Ok(Some(rows.len())),
            Some(_) => Err(AppendError::Reused.into()),
        }
    }

    /// Brings the desk in line with the journal for one segment.
    fn refresh(&self, places: &[Place], hash: &str) -> Result<(), Refusal> {
        for place in places {
            let rows = self.read(|journal| journal.segment_rows(&place.transcript, hash))?;
            let mut state = self.state_mut();
            let results = Arc::clone(&state.results);
            state.desk.set(&results, place, &rows);
        }
        Ok(())
    }

    /// The same for every segment that an operation speaks of, in one reading.
    fn refresh_operation(&self, batch: &str) -> Result<(), Refusal> {
        let mut ready: Vec<(Place, Vec<Row>)> = Vec::new();
        self.read(|journal| {
            journal.each_segment_of(batch, |last, rows| {
                ready.extend(self.place_now(last).map(|place| (place, rows.to_vec())));
                // A few at a time, so that nobody who reads has to wait for all of them.
                self.underway.done.fetch_add(rows.len().max(1), Ordering::Relaxed);
                if ready.len() == CHUNK {
                    self.set_all(&mut ready);
                }
            })
        })?;
        self.set_all(&mut ready);
        Ok(())
    }

    fn set_all(&self, ready: &mut Vec<(Place, Vec<Row>)>) {
        let mut state = self.state_mut();
        let results = Arc::clone(&state.results);
        for (place, rows) in ready.drain(..) {
            state.desk.set(&results, &place, &rows);
        }
    }

    /// Where the row's segment stands in the present run.
    fn place_now(&self, row: &Row) -> Option<Place> {
        let state = self.state();
        if row.run == state.results.run {
            return (!row.segment.is_empty()).then(|| Place::of(row));
        }
        let passage = self.passage(&state.results, state.edition, &row.transcript).ok()?;
        place_row(row, &passage.text)
    }
}

impl Place {
    /// Where a segment stands.
    fn of_segment(segment: &SegmentRef) -> Self {
        let SegmentRef { transcript, turn, start, end, .. } = segment.clone();
        Place { transcript, turn, start, end }
    }
}

/// Refuses sentences that are not a respondent's in the turn of the segment.
fn same_turn(spot: &Spot, (start, end): (usize, usize)) -> Result<(), Refusal> {
    let chosen = spot.passage.chosen(start, end).map_err(|why| Refusal::unprocessable("not_codable", why))?;
    let elsewhere = || Refusal::unprocessable("not_codable", "the sentences are in another turn");
    if chosen.turn == spot.segment.turn { Ok(()) } else { Err(elsewhere()) }
}

fn expect(segment: &SegmentRef, version: u64) -> Expect {
    Expect { transcript: segment.transcript.clone(), segment: segment.hash.clone(), version }
}

/// Numbers of the codings with these ids.
fn listed_codings(state: &State, ids: &[String]) -> Vec<usize> {
    let wanted: std::collections::HashSet<u64> =
        ids.iter().filter_map(|id| u64::from_str_radix(id, 16).ok()).collect();
    let all = state.results.codings.iter().enumerate();
    all.filter(|(_, coding)| wanted.contains(&coding.id)).map(|(c, _)| c).collect()
}

/// An operation's id: what a browser makes, and nothing that could be mistaken for a later step's.
fn checked_id(id: &str) -> Result<String, Refusal> {
    let fits = (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| id.to_owned())
        .ok_or_else(|| Refusal::bad_request("op_id must be 8 to 64 letters, digits or hyphens"))
}

fn digest_of(request: &impl Serialize) -> String {
    digest(&serde_json::to_vec(request).unwrap_or_default())
}
