//! Coders side by side, and who may see them so.
//!
//! A segment is shown here when two or more have judged it, and only to those who have judged it themselves or do not
//! have to: nobody learns what another holds before they have spoken.

use super::app::{App, State};
use super::item::Spot;
use super::refusal::Refusal;
use super::results::id_text;
use crate::store::journal::present::{Stand, settled, stands};
use crate::store::journal::row::{Row, Verdict};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Most segments in one list.
const LIST: usize = 500;

impl App {
    /// Segments that two or more coders have judged, those on which they differ first.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn adjudication(&self, coder: &str) -> Result<Value, Refusal> {
        let state = self.state();
        let ready = (0..state.results.segments.len()).filter(|&i| is_ready(&state, coder, i));
        let mut entries = Vec::new();
        for i in ready.take(20 * LIST) {
            let spot = self.spot(&state, &id_text(state.results.id(i)))?;
            let rows = self.rows_of(&spot.segment)?;
            let differing = differing(&stands(&rows));
            entries.push((
                differing.is_empty(),
                state.desk.is_settled(i),
                json!({
                    "id": id_text(spot.id), "transcript": spot.segment.transcript, "turn": spot.segment.turn,
                    "quote": spot.segment.quote.chars().take(160).collect::<String>(),
                    "differing": differing, "settled": state.desk.is_settled(i),
                }),
            ));
        }
        let n_agreed = entries.iter().filter(|(agreed, ..)| *agreed).count();
        let n_settled = entries.iter().filter(|(agreed, settled, _)| !agreed && *settled).count();
        let n_open = entries.len() - n_agreed - n_settled;
        // Those that agree need no settling and are not listed.
        entries.retain(|(agreed, ..)| !agreed);
        entries.sort_by_key(|(_, settled, _)| *settled);
        let list: Vec<Value> = entries.into_iter().take(LIST).map(|(.., entry)| entry).collect();
        Ok(json!({ "segments": list, "open": n_open, "settled": n_settled, "agreed": n_agreed }))
    }

    /// One segment with what everybody holds.
    ///
    /// # Errors
    /// `not_found` while it may not be shown.
    pub fn adjudication_item(&self, coder: &str, id: &str) -> Result<Value, Refusal> {
        let state = self.state();
        let spot = self.spot(&state, id)?;
        if !spot.number.is_some_and(|i| is_ready(&state, coder, i)) {
            return Err(Refusal::not_found("segment to settle"));
        }
        let rows = self.rows_of(&spot.segment)?;
        let mut item = self.frame(&state, &spot, &Stand::default());
        item["suggestions"] = json!(self.suggestions(&state.view(coder), &spot)?);
        item["version"] = json!(self.settling_version(&spot)?);
        self.add_stands(&mut item, &rows);
        Ok(item)
    }

    fn settling_version(&self, spot: &Spot) -> Result<u64, Refusal> {
        self.read(|journal| journal.version(&spot.segment.transcript, &spot.segment.hash, None))
    }

    fn add_stands(&self, item: &mut Value, rows: &[Row]) {
        let stands = stands(rows);
        let judges = stands.iter().filter(|(_, stand)| !stand.marks.is_empty() || stand.done.is_some());
        item["coders"] = judges.map(|(coder, stand)| json!({ "coder": coder, "stand": stand })).collect();
        item["differing"] = json!(differing(&stands));
        item["settled"] = json!(settled(rows));
    }
}

/// True when this coder may see what everybody holds about the segment.
fn is_ready(state: &State, coder: &str, i: usize) -> bool {
    let decided = |who: &str| state.view(who).is_decided(i);
    let judges = state.desk.coders().filter(|(who, sheet)| sheet.is_touched(i) && decided(who));
    decided_or_free(state, coder, i) && judges.count() >= 2
}

/// The caller has judged it, or does not have to.
fn decided_or_free(state: &State, coder: &str, i: usize) -> bool {
    let view = state.view(coder);
    view.is_decided(i) || !view.is_assigned(i)
}

/// Codes on which those who judged differ. What a coder who judged the segment to its end did not mark is absent.
fn differing(stands: &BTreeMap<&str, Stand>) -> Vec<String> {
    let judges: Vec<&Stand> = stands.values().filter(|s| !s.marks.is_empty() || s.done.is_some()).collect();
    let codes: BTreeSet<&String> = judges.iter().flat_map(|stand| stand.marks.keys()).collect();
    let verdict = |stand: &Stand, code: &String| stand.marks.get(code).map_or(Verdict::Absent, |mark| mark.verdict);
    let differs = |code: &&String| {
        let first = judges.first().map(|stand| verdict(stand, code));
        judges.iter().any(|stand| Some(verdict(stand, code)) != first)
    };
    codes.into_iter().filter(differs).cloned().collect()
}
