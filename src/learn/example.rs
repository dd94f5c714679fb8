//! What there is to learn from: rows that people judged.
//!
//! Comes in: rows of the study and judgements. Goes out: one [`Example`] for every answer and code that has a row and a
//! verdict, and the verdicts on answers without a row, which count for kappa and F1. Never happens here: a verdict
//! where coders are even.

use crate::agreement::interviews::Interviews;
use crate::agreement::judgement::{Judgement, Judgements, MACHINE, SETTLED, Stratum};
use crate::coding::Coding;
use std::collections::{BTreeMap, BTreeSet};

/// An answer and code with a row, and what people say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Place of the interview in [`Examples::interviews`].
    pub interview: usize,
    /// Place of the row among the study's rows.
    pub row: usize,
    /// Full name of the code.
    pub code: String,
    /// Place of the turn.
    pub turn: usize,
    /// Whether the code holds.
    pub holds: bool,
    /// True when somebody judged it without proposals in sight, so that it may measure; all may train.
    pub measures: bool,
}

/// A verdict on an answer and code that has no row: nothing to fit, but a miss if the code holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untouched {
    /// Place of the interview in [`Examples::interviews`].
    pub interview: usize,
    /// Name of the transcript.
    pub transcript: String,
    /// Full name of the code.
    pub code: String,
    /// Place of the turn.
    pub turn: usize,
    /// Whether the code holds.
    pub holds: bool,
    /// As for [`Example::measures`].
    pub measures: bool,
}

/// Everything that was judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Examples {
    /// Names of the interviews that were judged.
    pub interviews: Vec<String>,
    /// With a row.
    pub rows: Vec<Example>,
    /// Without.
    pub untouched: Vec<Untouched>,
}

/// What coders say of one code in one answer or segment.
#[derive(Debug, Clone, Copy, Default)]
struct Votes {
    yes: usize,
    no: usize,
    settled: Option<bool>,
    blind: bool,
}

impl Votes {
    fn add(&mut self, settled: bool, row: &Judgement, said: bool) {
        match (settled, said) {
            (true, _) => self.settled = Some(said),
            (false, true) => self.yes += 1,
            (false, false) => self.no += 1,
        }
        self.blind |= row.stratum == Stratum::Blind;
    }

    /// What was settled, else what most say.
    fn verdict(self) -> Option<bool> {
        self.settled.or(match self.yes.cmp(&self.no) {
            std::cmp::Ordering::Greater => Some(true),
            std::cmp::Ordering::Less => Some(false),
            std::cmp::Ordering::Equal => None,
        })
    }
}

/// Transcript, turn, code.
type Key<'a> = (&'a str, usize, &'a str);

/// Examples from everything that people judged. Of several rows for one answer and code, the strongest is the example
/// when the answer was judged as a whole; a row whose own segment was judged is an example by itself.
pub fn collect(codings: &[Coding], judgements: &Judgements, interviews: &Interviews) -> Examples {
    let mut rows: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (i, row) in codings.iter().enumerate() {
        rows.entry((&row.transcript, row.turn, &row.code)).or_default().push(i);
    }
    let mut found = Collector { examples: Examples::default(), places: BTreeMap::new(), interviews };
    for (key, said) in &verdicts(judgements) {
        match rows.get(key) {
            None => found.untouched(*key, said),
            Some(rows) => found.rows(*key, rows, said, codings),
        }
    }
    found.examples
}

impl Examples {
    /// Answers seen under an earlier codebook may train, but never measure.
    pub fn unmeasure(&mut self, codings: &[Coding], seen: &BTreeSet<(String, usize)>) {
        for example in &mut self.rows {
            let answer = (codings[example.row].transcript.clone(), example.turn);
            example.measures &= !seen.contains(&answer);
        }
        for untouched in &mut self.untouched {
            let answer = (untouched.transcript.clone(), untouched.turn);
            untouched.measures &= !seen.contains(&answer);
        }
    }
}

/// Votes on an answer and code: on the whole of it, and on segments of it.
#[derive(Debug, Clone, Default)]
struct Said {
    whole: Option<Votes>,
    parts: BTreeMap<(u32, u32), Votes>,
}

impl Said {
    /// Takes in everything that one coder said of the answer and code.
    fn add(&mut self, settled: bool, own: &[&Judgement]) {
        let yes = || own.iter().filter(|row| row.holds);
        if let Some(row) = own.iter().find(|row| row.span.is_none()) {
            self.whole.get_or_insert_default().add(settled, row, yes().next().is_some());
        }
        for (span, row) in own.iter().filter(|row| !row.holds).filter_map(|row| Some((row.span?, row))) {
            // The sentences that were chosen lie in the segment, or reach into it.
            let touches = yes().any(|yes| yes.span.is_none_or(|(start, end)| start < span.1 && span.0 < end));
            self.parts.entry(span).or_default().add(settled, row, touches);
        }
    }

    /// The votes on the segment that shares most with this row.
    fn part(&self, row: &Coding) -> Option<Votes> {
        let (start, end) = (row.start as u32, row.end as u32);
        let shared = |span: &(u32, u32)| span.1.min(end).saturating_sub(span.0.max(start));
        let best = self.parts.iter().max_by_key(|(span, _)| shared(span))?;
        (shared(best.0) > 0).then_some(*best.1)
    }
}

/// What people say of every answer and code that somebody judged.
fn verdicts(judgements: &Judgements) -> BTreeMap<Key<'_>, Said> {
    let mut by_coder: BTreeMap<(Key, u16), Vec<&Judgement>> = BTreeMap::new();
    for row in judgements.rows.iter().filter(|row| judgements.coders[usize::from(row.coder)].name != MACHINE) {
        let transcript = judgements.transcripts[row.transcript as usize].as_str();
        let key = (transcript, row.turn as usize, judgements.codes[usize::from(row.code)].as_str());
        by_coder.entry((key, row.coder)).or_default().push(row);
    }
    let mut said: BTreeMap<Key, Said> = BTreeMap::new();
    for ((key, coder), rows) in by_coder {
        let settled = judgements.coders[usize::from(coder)].name == SETTLED;
        said.entry(key).or_default().add(settled, &rows);
    }
    said
}

fn stronger(codings: &[Coding], a: usize, b: usize) -> std::cmp::Ordering {
    // Of equal scores the first in the text.
    codings[a].score.total_cmp(&codings[b].score).then(b.cmp(&a))
}

struct Collector<'a> {
    examples: Examples,
    places: BTreeMap<String, usize>,
    interviews: &'a Interviews,
}

impl Collector<'_> {
    fn interview(&mut self, transcript: &str, turn: usize) -> usize {
        let name = self.interviews.name(transcript, turn);
        let next = self.places.len();
        *self.places.entry(name.to_string()).or_insert_with(|| {
            self.examples.interviews.push(name.to_string());
            next
        })
    }

    /// Rows whose own segment was judged are examples by themselves; else the strongest stands for the answer.
    fn rows(&mut self, key: Key, rows: &[usize], said: &Said, codings: &[Coding]) {
        let judged: Vec<(usize, Votes)> = rows.iter().filter_map(|&i| Some((i, said.part(&codings[i])?))).collect();
        let strongest = rows.iter().copied().max_by(|&a, &b| stronger(codings, a, b));
        if !judged.is_empty() {
            judged.into_iter().for_each(|(row, votes)| self.example(key, row, votes));
        } else if let Some((votes, row)) = said.whole.zip(strongest) {
            self.example(key, row, votes);
        }
    }

    fn example(&mut self, (transcript, turn, code): Key, row: usize, votes: Votes) {
        if let Some(holds) = votes.verdict() {
            let interview = self.interview(transcript, turn);
            let code = code.to_string();
            self.examples.rows.push(Example { interview, row, code, turn, holds, measures: votes.blind });
        }
    }

    fn untouched(&mut self, (transcript, turn, code): Key, said: &Said) {
        for votes in said.whole.iter().chain(said.parts.values()) {
            if let Some(holds) = votes.verdict() {
                let interview = self.interview(transcript, turn);
                let (transcript, code) = (transcript.to_string(), code.to_string());
                let measures = votes.blind;
                self.examples.untouched.push(Untouched { interview, transcript, code, turn, holds, measures });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(coder: &str, span: Option<(u32, u32)>, holds: bool, stratum: Stratum, to: &mut Judgements) {
        let (coder, transcript, code) = (to.coder(coder, 1), to.transcript("a"), to.code("role.trainer"));
        to.rows.push(Judgement { coder, transcript, turn: 1, span, code, holds, stratum });
    }

    #[test]
    fn a_verdict_is_what_was_settled_else_what_most_say_and_a_tie_is_none() {
        let mut judgements = Judgements::default();
        judgement("ana", None, true, Stratum::Assisted, &mut judgements);
        assert_eq!(collect(&[], &judgements, &Interviews::default()).untouched.len(), 1);
        assert!(!collect(&[], &judgements, &Interviews::default()).untouched[0].measures);
        judgement("ben", None, false, Stratum::Blind, &mut judgements);
        assert_eq!(collect(&[], &judgements, &Interviews::default()).untouched, []);
        judgement(SETTLED, None, false, Stratum::Neutral, &mut judgements);
        let settled = collect(&[], &judgements, &Interviews::default()).untouched;
        assert_eq!((settled[0].holds, settled[0].measures), (false, true));
    }

    #[test]
    fn sentences_chosen_within_a_segment_say_yes_to_the_segment() {
        let mut judgements = Judgements::default();
        judgement("ana", Some((0, 90)), false, Stratum::Blind, &mut judgements);
        judgement("ana", Some((20, 40)), true, Stratum::Blind, &mut judgements);
        let found = collect(&[], &judgements, &Interviews::default()).untouched;
        assert_eq!(found.iter().map(|u| u.holds).collect::<Vec<_>>(), [true]);
    }
}
