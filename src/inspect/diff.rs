//! What changed between two runs, or two versions of a codebook: codings gained and lost, by rule.
//!
//! Comes in: codings of both. Goes out: gains and losses, each with the rules behind it. Never happens here: reading.

use crate::coding::{Coding, PROPOSED};
use std::collections::{BTreeMap, BTreeSet};

/// A proposal that only one side makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'c> {
    /// The coding, of the side that makes it.
    pub coding: &'c Coding,
    /// Rules that speak for it on that side and not on the other, by name; all of its rules where none is new.
    pub rules: BTreeSet<&'c str>,
    /// Confidence of the same code on the other side, where it has one below a proposal.
    pub other: Option<f64>,
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff<'c> {
    /// Proposals of the second side only.
    pub gained: Vec<Change<'c>>,
    /// Proposals of the first side only.
    pub lost: Vec<Change<'c>>,
    /// Proposals of both.
    pub kept: usize,
}

/// Compares proposals by answer and code; where one side has several in an answer, one of the other keeps them all.
pub fn diff<'c>(first: &'c [Coding], second: &'c [Coding]) -> Diff<'c> {
    let (a, b) = (by_answer(first), by_answer(second));
    let kept = proposals(second).filter(|coding| proposed(&a, coding)).count();
    Diff { gained: only(second, &a), lost: only(first, &b), kept }
}

type Answers<'c> = BTreeMap<(&'c str, usize, &'c str), Vec<&'c Coding>>;

fn key(coding: &Coding) -> (&str, usize, &str) {
    (&coding.transcript, coding.turn, &coding.code)
}

fn by_answer(codings: &[Coding]) -> Answers<'_> {
    let mut answers = Answers::new();
    codings.iter().for_each(|coding| answers.entry(key(coding)).or_default().push(coding));
    answers
}

fn proposals(codings: &[Coding]) -> impl Iterator<Item = &Coding> {
    codings.iter().filter(|coding| coding.confidence >= PROPOSED)
}

fn proposed(side: &Answers, coding: &Coding) -> bool {
    side.get(&key(coding)).is_some_and(|same| same.iter().any(|other| other.confidence >= PROPOSED))
}

fn only<'c>(codings: &'c [Coding], other: &Answers<'c>) -> Vec<Change<'c>> {
    let alone = proposals(codings).filter(|coding| !proposed(other, coding));
    let change = |coding: &'c Coding| {
        let same = other.get(&key(coding)).map_or(&[][..], Vec::as_slice);
        let known: BTreeSet<&str> = same.iter().flat_map(|coding| rules(coding)).collect();
        let new: BTreeSet<&str> = rules(coding).filter(|rule| !known.contains(rule)).collect();
        let rules = if new.is_empty() { rules(coding).collect() } else { new };
        let confidence = same.iter().map(|coding| coding.confidence).reduce(f64::max);
        Change { coding, rules, other: confidence }
    };
    alone.map(change).collect()
}

/// Rules that speak for a coding.
fn rules(coding: &Coding) -> impl Iterator<Item = &str> {
    coding.evidence.iter().filter(|evidence| evidence.weight > 0.0).map(|evidence| evidence.rule.as_str())
}

/// Changes by rule, each rule with all that it had a part in.
pub fn by_rule<'d, 'c>(changes: &'d [Change<'c>]) -> BTreeMap<&'c str, Vec<&'d Change<'c>>> {
    let mut rules: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        change.rules.iter().for_each(|rule| rules.entry(rule).or_default().push(change));
    }
    rules
}
