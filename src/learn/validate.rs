//! Cross-validation by interview: what a model says of interviews that it was not fitted on.
//!
//! Comes in: features and examples. Goes out: a held-out confidence for every example. Never happens here: an
//! interview in training and in test at once, for the weights or for the strength of their priors.

use super::example::{Example, Examples};
use super::features::Table;
use super::measure::Forecast;
use super::model::{blend, predict};
use super::rivals::{Rivals, held_down};
use crate::agreement::random::Random;
use rayon::prelude::*;

/// Up to twice as many interviews are left out one by one, more in so many groups.
const GROUPS: usize = 10;

/// What is fitted and predicted.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// Features of every row.
    pub table: &'a Table,
    /// Exclusive codes of the same answer.
    pub rivals: &'a Rivals,
    /// What was judged.
    pub examples: &'a Examples,
    /// Seed of groups and orders.
    pub seed: u64,
}

impl Problem<'_> {
    /// The group of every example, and how many there are.
    pub fn folds(&self) -> (Vec<usize>, usize) {
        let groups = groups(self.examples.interviews.len(), GROUPS, self.seed);
        let of = self.examples.rows.iter().map(|e| groups[e.interview]).collect();
        (of, groups.iter().max().map_or(0, |last| last + 1))
    }

    /// Confidences of the examples at these places, fitted on `training`.
    pub fn predict(&self, training: &[&Example], places: &[usize]) -> Vec<f64> {
        let weights = blend(self.table, training, self.seed).weights;
        let one = |row: usize| predict(&self.table.rows[row], &weights);
        let settled = |&place: &usize| {
            let row = self.examples.rows[place].row;
            held_down(one(row), self.rivals.of_row(row).iter().map(|&rival| one(rival))).0
        };
        places.iter().map(settled).collect()
    }
}

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
pub fn held_out(problem: &Problem) -> Vec<f64> {
    let all: Vec<usize> = (0..problem.examples.rows.len()).collect();
    held_out_after(problem, &all, usize::MAX)
}

/// Held-out confidences when only the first `most` decisions of an order, outside of the interviews that are
/// predicted, train.
pub fn held_out_after(problem: &Problem, order: &[usize], most: usize) -> Vec<f64> {
    let (fold, n) = problem.folds();
    let rows = &problem.examples.rows;
    let one = |held: usize| {
        let outside = order.iter().filter(|&&i| fold[i] != held).take(most);
        let training: Vec<&Example> = outside.map(|&i| &rows[i]).collect();
        let places: Vec<usize> = (0..rows.len()).filter(|&i| fold[i] == held).collect();
        let confidences = problem.predict(&training, &places);
        (places, confidences)
    };
    let parts: Vec<(Vec<usize>, Vec<f64>)> = (0..n).into_par_iter().map(one).collect();
    let mut confidences = vec![0.0; rows.len()];
    for (places, own) in parts {
        places.into_iter().zip(own).for_each(|(place, p)| confidences[place] = p);
    }
    confidences
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
