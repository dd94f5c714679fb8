//! Which segments come, in which order: filters, orders, and the blind stratum woven in.
//!
//! Comes in: results, plan and one coder's sheet. Goes out: numbers of segments and codings.
//! Never happens here: a filter or an order that would tell a coder something about a blind segment's proposals.

use super::desk::{Desk, Sheet};
use super::plan::{Plan, share};
use super::results::{CodingEntry, Results, Segment};
use crate::coding::{Flag, PROPOSED};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What to show. An empty filter shows everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Full name of a code.
    pub code: Option<String>,
    /// Least confidence.
    pub min: Option<f64>,
    /// Most confidence.
    pub max: Option<f64>,
    /// A flag that must be set.
    pub flag: Option<Flag>,
    /// Name of a transcript.
    pub transcript: Option<String>,
    /// Respondent.
    pub respondent: Option<String>,
    /// Attributes of the respondent.
    pub attributes: BTreeMap<String, String>,
    /// What the coder has done.
    pub state: State,
}

/// What the coder has done about a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Anything or nothing.
    #[default]
    All,
    /// Something is left to decide.
    Undecided,
    /// Nothing is left to decide.
    Decided,
    /// A code was left unsure.
    Unsure,
    /// There is a remark.
    Memo,
}

/// In which order segments come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Confidence nearest to one half first.
    #[default]
    Uncertainty,
    /// Codes in the order of the codebook, the most confident first.
    Code,
    /// Respondents by name, then by place.
    Respondent,
    /// As the transcripts come, by place.
    Transcript,
    /// As if drawn; the same draw every time.
    Random,
    /// Found by the newest rule first.
    Newest,
}

/// What one coder may see.
pub struct View<'a> {
    /// The run.
    pub results: &'a Results,
    /// Who judges what.
    pub plan: &'a Plan,
    /// What is decided.
    pub desk: &'a Desk,
    /// Which segments belong to the blind stratum: [`blind_stratum`] of results and plan.
    pub blind: &'a [bool],
    /// Who looks.
    pub coder: &'a str,
    /// What they have decided.
    pub sheet: &'a Sheet,
}

/// For every segment, whether it belongs to the blind stratum. Asked half a million times for one queue.
pub fn blind_stratum(results: &Results, plan: &Plan) -> Vec<bool> {
    let is_drawn = |segment: &Segment| plan.is_blind(results.name_of(segment), segment.turn as usize);
    results.segments.par_iter().map(|segment| results.sampled(segment).is_some() || is_drawn(segment)).collect()
}

/// True when this turn is judged without proposals: drawn for the blind stratum, or for the measure of recall.
pub fn is_blind_turn(results: &Results, plan: &Plan, transcript: &str, turn: usize) -> bool {
    let sampled = |number: usize| results.sampled_turn(number as u32, turn as u32).is_some();
    plan.is_blind(transcript, turn) || results.transcript(transcript).is_some_and(sampled)
}

impl View<'_> {
    /// The coder's sheet.
    pub fn sheet(&self) -> &Sheet {
        self.sheet
    }

    /// True when the segment belongs to the blind stratum.
    pub fn is_blind(&self, i: usize) -> bool {
        self.blind[i]
    }

    /// True when nothing that the machine proposed may be shown: blind and not yet judged.
    pub fn is_hidden(&self, i: usize) -> bool {
        self.is_blind(i) && !self.sheet().is_done(i)
    }

    /// True when the segment was judged blind, after which its proposals are shown.
    pub fn is_uncovered(&self, i: usize) -> bool {
        self.is_blind(i) && self.sheet().is_done(i)
    }

    /// True when nothing is left to decide. A blind segment is decided when the coder says so: whether the codes chosen
    /// are those proposed must not show.
    pub fn is_decided(&self, i: usize) -> bool {
        if self.is_blind(i) { self.sheet().is_done(i) } else { self.sheet().is_decided(i) }
    }

    /// True when the segment is in the coder's queue.
    pub fn is_assigned(&self, i: usize) -> bool {
        let segment = &self.results.segments[i];
        self.plan.is_assigned(self.coder, self.results.name_of(segment), segment.turn as usize)
    }

    /// True when the segment is part of a sampled answer that the coder has yet to judge as a whole: that something is
    /// proposed there must not show before.
    pub fn is_held_back(&self, i: usize) -> bool {
        // Asked for every segment of a queue: without a sample none of them is even looked at.
        let answer = || self.results.sampled(&self.results.segments[i]);
        let answer = self.results.has_sample().then(answer).flatten();
        answer.is_some_and(|answer| answer != i && !self.sheet().is_done(answer))
    }

    /// True when the coder's doing fits.
    pub fn is_in_state(&self, i: usize, state: State) -> bool {
        if self.is_held_back(i) {
            return false;
        }
        match state {
            State::All => true,
            State::Undecided => !self.is_decided(i),
            State::Decided => self.is_decided(i),
            State::Unsure => self.sheet().is_unsure(i),
            State::Memo => self.sheet().has_memo(i),
        }
    }

    /// Segments of the coder's queue that fit the filter but for its state, in order.
    pub fn segments(&self, filter: &Filter, order: Order) -> Vec<u32> {
        let sieve = Sieve::new(self.results, filter);
        let mine = (0..self.results.segments.len()).filter(|&i| self.is_assigned(i) && sieve.fits_segment(i));
        let (blind, mut open): (Vec<usize>, Vec<usize>) = mine.partition(|&i| self.is_hidden(i));
        // A filter by what the machine said would tell what it said of a blind segment.
        let mut blind = if sieve.asks_about_codings() { Vec::new() } else { blind };
        open.retain(|&i| {
            let mut codings = self.results.segments[i].codings();
            let is_bare = codings.is_empty() && !sieve.asks_about_codings();
            is_bare || codings.any(|c| sieve.fits_coding(&self.results.codings[c]))
        });
        match order {
            Order::Transcript | Order::Respondent | Order::Random => {
                open.append(&mut blind);
                self.sort(&mut open, order);
                open.into_iter().map(|i| i as u32).collect()
            }
            _ => {
                self.sort(&mut open, order);
                self.sort(&mut blind, Order::Random);
                weave(&open, &blind)
            }
        }
    }

    fn sort(&self, segments: &mut [usize], order: Order) {
        let results = self.results;
        let codings = |i: usize| &results.codings[results.segments[i].codings()];
        let doubt = |i: usize| {
            let near = codings(i).iter().map(|coding| (coding.confidence - PROPOSED).abs());
            (near.fold(f64::INFINITY, f64::min) * 1e9) as u64
        };
        match order {
            Order::Uncertainty => segments.sort_by_cached_key(|&i| (doubt(i), i)),
            Order::Code => segments.sort_by_cached_key(|&i| {
                let best = codings(i).first();
                (best.map(|c| c.code), Reverse(best.map(|c| (c.confidence * 1e9) as u64)), i)
            }),
            Order::Respondent => {
                segments.sort_by_cached_key(|&i| {
                    let respondent = results.segments[i].respondent as usize;
                    (&results.respondents[respondent].name, i)
                });
            }
            Order::Transcript => segments.sort_unstable(),
            Order::Random => segments.sort_by_cached_key(|&i| {
                let segment = &results.segments[i];
                let draw = share(self.plan.seed, "order\u{0}", results.name_of(segment), segment.start as usize);
                ((draw * 1e15) as u64, i)
            }),
            Order::Newest => segments
                .sort_by_cached_key(|&i| (Reverse(codings(i).iter().map(|c| c.generation).max()), doubt(i), i)),
        }
    }

    /// Codings that the coder may see and that fit the filter, by place.
    pub fn codings(&self, filter: &Filter) -> Vec<usize> {
        let sieve = Sieve::new(self.results, filter);
        let segments = (0..self.results.segments.len()).filter(|&i| {
            sieve.fits_segment(i) && self.is_assigned(i) && !self.is_hidden(i) && self.fits_rows(i, filter.state)
        });
        segments
            .flat_map(|i| self.results.segments[i].codings())
            .filter(|&c| sieve.fits_coding(&self.results.codings[c]))
            .filter(|&c| match filter.state {
                State::Undecided => self.sheet().verdict(c).is_none(),
                State::Decided => self.sheet().verdict(c).is_some(),
                _ => true,
            })
            .collect()
    }

    /// Rows are decided one by one; the other states are the segment's.
    fn fits_rows(&self, i: usize, state: State) -> bool {
        matches!(state, State::Undecided | State::Decided) || self.is_in_state(i, state)
    }
}

/// A filter whose names are numbers.
struct Sieve<'a> {
    results: &'a Results,
    filter: &'a Filter,
    code: Option<Option<u16>>,
    transcript: Option<Option<u32>>,
    respondents: Option<Vec<bool>>,
}

impl<'a> Sieve<'a> {
    fn new(results: &'a Results, filter: &'a Filter) -> Self {
        let asks_who = filter.respondent.is_some() || !filter.attributes.is_empty();
        let fits = |entry: &super::results::RespondentEntry| {
            filter.respondent.as_ref().is_none_or(|name| *name == entry.name)
                && filter.attributes.iter().all(|(name, value)| entry.attributes.get(name) == Some(value))
        };
        Sieve {
            results,
            filter,
            code: filter.code.as_deref().map(|name| results.code(name)),
            transcript: filter.transcript.as_deref().map(|name| results.transcript(name).map(|i| i as u32)),
            respondents: asks_who.then(|| results.respondents.iter().map(fits).collect()),
        }
    }

    fn asks_about_codings(&self) -> bool {
        let filter = self.filter;
        filter.code.is_some() || filter.min.is_some() || filter.max.is_some() || filter.flag.is_some()
    }

    fn fits_segment(&self, i: usize) -> bool {
        let segment = &self.results.segments[i];
        self.transcript.is_none_or(|wanted| wanted == Some(segment.transcript))
            && self.respondents.as_ref().is_none_or(|fit| fit[segment.respondent as usize])
    }

    fn fits_coding(&self, coding: &CodingEntry) -> bool {
        let filter = self.filter;
        self.code.is_none_or(|wanted| wanted == Some(coding.code))
            && filter.min.is_none_or(|min| coding.confidence >= min)
            && filter.max.is_none_or(|max| coding.confidence <= max)
            && filter.flag.is_none_or(|flag| coding.has(flag))
    }
}

/// Spreads the blind ones evenly among the others.
fn weave(open: &[usize], blind: &[usize]) -> Vec<u32> {
    let mut woven = Vec::with_capacity(open.len() + blind.len());
    let mut next = 0;
    for (i, &segment) in open.iter().enumerate() {
        // The blind ones are at their due share before each open one.
        while next < blind.len() && next * open.len() < i * blind.len() {
            woven.push(blind[next] as u32);
            next += 1;
        }
        woven.push(segment as u32);
    }
    woven.extend(blind[next..].iter().map(|&segment| segment as u32));
    woven
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blind_segments_are_spread_evenly() {
        let woven = weave(&(0..90).collect::<Vec<_>>(), &(100..110).collect::<Vec<_>>());
        let places: Vec<usize> = (0..100).filter(|&i| woven[i] >= 100).collect();
        assert_eq!(places.len(), 10);
        assert!(places.windows(2).all(|pair| (8..=12).contains(&(pair[1] - pair[0]))), "{places:?}");
        assert_eq!(weave(&[], &[7, 8]), [7, 8]);
    }
}
