//! Cross-validation by interview: what a model says of interviews that it was not fitted on.
//!
//! Comes in: features and examples. Goes out: a held-out confidence for every example. Never happens here: an
//! interview in training and in test at once, for the weights or for the strength of their priors.

use super::example::{Example, Examples};
use super::features::Table;
use super::measure::{Forecast, log_loss};
use super::model::{predict, weigh};
use crate::agreement::random::Random;
use std::collections::BTreeMap;

/// Strengths of the priors that are tried.
pub const FREEDOMS: [f64; 3] = [0.2, 0.5, 1.2];

/// Fewer interviews than this are left out one by one, more in this many groups.
const GROUPS: usize = 10;

/// Which group each interview belongs to; a random but fixed assignment, groups of equal size.
pub fn groups(interviews: usize, most: usize, seed: u64) -> Vec<usize> {
    let n = if interviews <= 2 * most { interviews } else { most };
    let mut order: Vec<usize> = (0..interviews).collect();
    Random::new(seed).shuffle(&mut order);
    let mut groups = vec![0; interviews];
    order.iter().enumerate().for_each(|(place, &interview)| groups[interview] = place % n.max(1));
    groups
}

/// Held-out confidences, in the order of the examples.
pub fn held_out(table: &Table, examples: &Examples, seed: u64) -> Vec<f64> {
    let groups = groups(examples.interviews.len(), GROUPS, seed);
    let last = groups.iter().max().copied().unwrap_or(0);
    let mut confidences = vec![0.0; examples.rows.len()];
    for group in 0..=last {
        let training: Vec<&Example> = examples.rows.iter().filter(|e| groups[e.interview] != group).collect();
        let weights = weigh(table, &training, freedom(table, &training, seed));
        for (i, example) in examples.rows.iter().enumerate().filter(|(_, e)| groups[e.interview] == group) {
            confidences[i] = predict(&table.rows[example.row], &weights);
        }
    }
    confidences
}

/// The strength of the priors that is best on interviews held out of the training ones.
pub fn freedom(table: &Table, training: &[&Example], seed: u64) -> f64 {
    const INNER: usize = 4;
    let interviews: BTreeMap<usize, usize> = training
        .iter()
        .map(|e| e.interview)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .zip(0..)
        .collect();
    let mut order: Vec<usize> = (0..interviews.len()).collect();
    Random::new(seed).shuffle(&mut order);
    let group = |e: &Example| order[interviews[&e.interview]] % INNER;
    let loss = |freedom: f64| {
        let mut forecasts = Vec::new();
        for held in 0..INNER {
            let rest: Vec<&Example> = training.iter().copied().filter(|e| group(e) != held).collect();
            let weights = weigh(table, &rest, freedom);
            for e in training.iter().filter(|e| group(e) == held) {
                let confidence = Some(predict(&table.rows[e.row], &weights));
                forecasts.push(Forecast { interview: e.interview, confidence, holds: e.holds });
            }
        }
        log_loss(&forecasts).unwrap_or(f64::INFINITY)
    };
    let losses = FREEDOMS.map(|freedom| (loss(freedom), freedom));
    losses.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map_or(FREEDOMS[0], |best| best.1)
}

/// Forecasts for what may measure: examples with these confidences, and answers without a row.
pub fn forecasts(examples: &Examples, confidences: &[f64], keep: impl Fn(&str) -> bool) -> Vec<Forecast> {
    let rows = examples.rows.iter().zip(confidences).filter(|(e, _)| e.measures && keep(&e.code));
    let mut out: Vec<Forecast> =
        rows.map(|(e, p)| Forecast { interview: e.interview, confidence: Some(*p), holds: e.holds }).collect();
    let missed = examples.untouched.iter().filter(|u| u.measures && keep(&u.code));
    out.extend(missed.map(|u| Forecast { interview: u.interview, confidence: None, holds: u.holds }));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interview_is_in_one_group_and_groups_are_even() {
        for n in [1, 2, 15, 20, 21, 57] {
            let groups = groups(n, 10, 3);
            let sizes: Vec<usize> = (0..=groups.iter().max().copied().unwrap())
                .map(|g| groups.iter().filter(|x| **x == g).count())
                .collect();
            assert_eq!(sizes.len(), if n <= 20 { n } else { 10 }, "{n}");
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
    }
}
