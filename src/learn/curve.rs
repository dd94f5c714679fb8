//! The learning curve: how good the learned confidence is after so many decisions.
//!
//! Comes in: features and examples. Goes out: held-out kappa and log loss after 25, 50, 100, 200 decisions, beside the
//! confidence that is replaced. Never happens here: a figure from interviews that were trained on.

use super::example::{Example, Examples};
use super::features::Table;
use super::measure::{Forecast, kappa, log_loss};
use super::model::{predict, weigh};
use super::validate::{FREEDOMS, forecasts, groups};
use crate::agreement::random::Random;
use serde::Serialize;

/// Numbers of decisions at which the curve is drawn.
pub const SIZES: [usize; 4] = [25, 50, 100, 200];

/// Random orders of decisions that a point is averaged over.
const ORDERS: u64 = 5;

/// One point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Decisions that the model was fitted on.
    pub decisions: usize,
    /// Held-out kappa, mean over random choices of the decisions.
    pub kappa: f64,
    /// Held-out log loss, likewise.
    pub log_loss: f64,
    /// Kappa of the confidence that is replaced, on the same interviews.
    pub kappa_before: f64,
    /// Its log loss.
    pub log_loss_before: f64,
}

/// The curve; sizes that no training set reaches are left out, the last point has all decisions.
pub fn curve(table: &Table, examples: &Examples, before: &[Forecast], seed: u64) -> Vec<Point> {
    let groups = groups(examples.interviews.len(), 10, seed);
    let last = groups.iter().max().copied().unwrap_or(0);
    let outside = |group: usize| examples.rows.iter().filter(|e| groups[e.interview] != group).count();
    let most = (0..=last).map(outside).min().unwrap_or(0);
    let sizes = SIZES.into_iter().filter(|&n| n < most).chain((most > 0).then_some(most));
    sizes.filter_map(|n| point(table, examples, &groups, n, seed, before)).collect()
}

fn point(
    table: &Table,
    examples: &Examples,
    groups: &[usize],
    n: usize,
    seed: u64,
    before: &[Forecast],
) -> Option<Point> {
    let last = groups.iter().max().copied().unwrap_or(0);
    let (mut kappas, mut losses) = (0.0, 0.0);
    for order in 0..ORDERS {
        let mut confidences = vec![0.0; examples.rows.len()];
        for group in 0..=last {
            let training = some(examples, groups, group, n, seed + order);
            // The strength of the priors needs more decisions than these to be chosen; the middle one is taken.
            let weights = weigh(table, &training, FREEDOMS[1]);
            for (i, e) in examples.rows.iter().enumerate().filter(|(_, e)| groups[e.interview] == group) {
                confidences[i] = predict(&table.rows[e.row], &weights);
            }
        }
        let after = forecasts(examples, &confidences, |_| true);
        kappas += kappa(&after).ok()?;
        losses += log_loss(&after).ok()?;
    }
    let mean = |sum: f64| sum / ORDERS as f64;
    Some(Point {
        decisions: n,
        kappa: mean(kappas),
        log_loss: mean(losses),
        kappa_before: kappa(before).ok()?,
        log_loss_before: log_loss(before).ok()?,
    })
}

/// So many decisions of the interviews outside a group, at random.
fn some<'a>(examples: &'a Examples, groups: &[usize], group: usize, n: usize, seed: u64) -> Vec<&'a Example> {
    let mut outside: Vec<&Example> = examples.rows.iter().filter(|e| groups[e.interview] != group).collect();
    Random::new(seed).shuffle(&mut outside);
    outside.truncate(n);
    outside
}
