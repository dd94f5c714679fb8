//! What each rule is worth: its precision with an interval, and what to do about the weak ones.
//!
//! Comes in: rows and what people said of them. Goes out: for each rule its precision, a proposal where the decisions
//! carry one, and quotations. Never happens here: a change of a lexicon.

use super::example::Example;
use crate::agreement::distribution::{Interval, clopper_pearson};
use crate::coding::{Coding, Flag};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Fewer judged rows than this carry no proposal.
const FEWEST: usize = 5;

/// What to do about a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum Proposal {
    /// It is wrong far more often than right.
    Drop,
    /// It is wrong about as often as right.
    Weaken,
    /// It is right except where this condition holds.
    Narrow {
        /// Where it is wrong: `level school`, `flag past`, `context reported`, `beside CODE`.
        except: String,
        /// Right there.
        right: usize,
        /// Judged there.
        judged: usize,
    },
}

/// A rule under one code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleReport {
    /// Rule id.
    pub rule: String,
    /// Code that it speaks for.
    pub code: String,
    /// Rows that people judged.
    pub judged: usize,
    /// Rows in which the code holds.
    pub right: usize,
    /// Share of right ones.
    pub precision: f64,
    /// Its exact 95 % interval.
    pub interval: Interval,
    /// Rows in which no other rule speaks for the code (cues apart), judged and right.
    pub alone: (usize, usize),
    /// What to do.
    pub proposal: Option<Proposal>,
    /// Rows where it was wrong: transcript and turn, then the words that it met in their surroundings.
    pub wrong: Vec<String>,
}

/// Every rule with a judged row, the ones to act on first.
pub fn rules(codings: &[Coding], examples: &[Example]) -> Vec<RuleReport> {
    let mut by_rule: BTreeMap<(&str, &str), Vec<&Example>> = BTreeMap::new();
    for example in examples {
        let row = &codings[example.row];
        let speaks_for = row.evidence.iter().filter(|e| e.weight > 0.0 && !is_cue(&e.rule));
        let rules: BTreeSet<&str> = speaks_for.map(|e| e.rule.as_str()).collect();
        rules.into_iter().for_each(|rule| by_rule.entry((&row.code, rule)).or_default().push(example));
    }
    let mut reports: Vec<RuleReport> =
        by_rule.into_iter().map(|((code, rule), own)| report(code, rule, &own, codings)).collect();
    let urgency = |report: &RuleReport| match report.proposal {
        Some(Proposal::Drop) => 0,
        Some(Proposal::Narrow { .. }) => 1,
        Some(Proposal::Weaken) => 2,
        None => 3,
    };
    reports.sort_by(|a, b| urgency(a).cmp(&urgency(b)).then(b.judged.cmp(&a.judged)).then(a.rule.cmp(&b.rule)));
    reports
}

/// Words of the table that a fitted confidence comes with: no rule of anybody's, and nothing to rewrite.
fn is_cue(rule: &str) -> bool {
    rule.starts_with("cue:")
}

fn report(code: &str, rule: &str, own: &[&Example], codings: &[Coding]) -> RuleReport {
    let right = own.iter().filter(|e| e.holds).count();
    let only =
        |e: &&&Example| codings[e.row].evidence.iter().all(|e| e.rule == rule || e.weight <= 0.0 || is_cue(&e.rule));
    let alone: Vec<_> = own.iter().filter(only).collect();
    let wrong = own.iter().filter(|e| !e.holds).take(3).map(|e| quote(&codings[e.row], rule)).collect();
    RuleReport {
        rule: rule.to_string(),
        code: code.to_string(),
        judged: own.len(),
        right,
        precision: right as f64 / own.len() as f64,
        interval: clopper_pearson(right, own.len(), 0.95),
        alone: (alone.len(), alone.iter().filter(|e| e.holds).count()),
        proposal: propose(own, right, rule, codings),
        wrong,
    }
}

/// Narrow where one condition explains the errors, else drop below 1 in 3, else weaken below 1 in 2.
fn propose(own: &[&Example], right: usize, rule: &str, codings: &[Coding]) -> Option<Proposal> {
    let precision = right as f64 / own.len() as f64;
    // Four in five in doubt is enough for a proposal to people, who see the quotations.
    let high = clopper_pearson(right, own.len(), 0.80).high;
    if own.len() < FEWEST {
        return None;
    }
    if let Some(narrow) = narrow(own, rule, codings).filter(|_| precision < 0.8) {
        return Some(narrow);
    }
    if precision < 1.0 / 3.0 && high < 0.5 {
        return Some(Proposal::Drop);
    }
    (precision < 0.5 && high < 0.75).then_some(Proposal::Weaken)
}

/// The condition under which the rule is clearly worse than elsewhere: exact 80 % intervals that do not meet.
fn narrow(own: &[&Example], rule: &str, codings: &[Coding]) -> Option<Proposal> {
    const FEWEST_EACH: usize = 3;
    let all: BTreeSet<String> = own.iter().flat_map(|e| conditions(&codings[e.row], rule)).collect();
    let split = |condition: String| {
        let (inside, outside): (Vec<&&Example>, Vec<&&Example>) =
            own.iter().partition(|e| conditions(&codings[e.row], rule).contains(&condition));
        let right = |part: &[&&Example]| part.iter().filter(|e| e.holds).count();
        let (within, without) = (right(&inside), right(&outside));
        let apart = inside.len() >= FEWEST_EACH
            && outside.len() >= FEWEST_EACH
            && without * 3 >= outside.len() * 2
            && clopper_pearson(within, inside.len(), 0.80).high < clopper_pearson(without, outside.len(), 0.80).low;
        apart.then_some((within, inside.len(), condition))
    };
    let best = all.into_iter().filter_map(split).max_by_key(|(right, judged, _)| judged - right)?;
    Some(Proposal::Narrow { except: best.2, right: best.0, judged: best.1 })
}

/// What can be said of a row without its words, as a rule's conditions could say it.
fn conditions(row: &Coding, rule: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    for evidence in row.evidence.iter().filter(|e| e.rule == rule) {
        found.extend(evidence.context.iter().map(|context| format!("context {context}")));
    }
    // A weak row is the result of the rules, not a condition that one could have.
    let flags = row.flags.iter().filter(|flag| **flag != Flag::Weak);
    found.extend(flags.map(|flag| format!("flag {}", flag.name())));
    found.extend(row.attributes.get("level").map(|level| format!("level {level}")));
    found
}

/// Up to 60 characters on either side of the words that the rule met; a long passage loses its middle.
fn quote(row: &Coding, rule: &str) -> String {
    const AROUND: usize = 60;
    let Some(evidence) = row.evidence.iter().find(|e| e.rule == rule) else { return String::new() };
    let words: Vec<char> = row.text.chars().collect();
    let start = evidence.start.saturating_sub(row.start).min(words.len());
    let end = evidence.end.saturating_sub(row.start).clamp(start, words.len());
    let (from, to) = (start.saturating_sub(AROUND), (end + AROUND).min(words.len()));
    let text = |range: std::ops::Range<usize>| words[range].iter().collect::<String>().replace('\n', " ");
    let (before, after) = (text(from..start), text(end..to));
    let is_long = end - start > 3 * AROUND;
    let met = if is_long {
        format!("{} … {}", text(start..start + AROUND), text(end - AROUND..end))
    } else {
        text(start..end)
    };
    let dots = |cut: bool| if cut { "…" } else { "" };
    let (left, right) = (dots(from > 0), dots(to < words.len()));
    format!("{} turn {}: {left}{before}[{met}]{after}{right}", row.transcript, row.turn)
}
