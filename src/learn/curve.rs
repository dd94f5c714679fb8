//! The learning curve: how good the learned confidence is after so many decisions.
//!
//! Comes in: features and examples. Goes out: every measure on held-out interviews after 25, 50, 100, 200 decisions,
//! beside the confidence that is replaced. Never happens here: a figure from interviews that were trained on.
//!
//! Decisions come as a reviewer makes them: answer after answer, in a random order, all codes of an answer together.

use super::example::Examples;
use super::measure::{Forecast, Gain, gains};
use super::validate::{Problem, forecasts, held_out_after};
use crate::agreement::bootstrap::Bootstrap;
use crate::agreement::random::Random;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of decisions at which the curve is drawn.
pub const SIZES: [usize; 4] = [25, 50, 100, 200];

/// One point of the curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Decisions on rows that the model was fitted on.
    pub decisions: usize,
    /// Answers that these lie in, on average.
    pub answers: f64,
    /// Measures before and after, mean over random orders of the decisions.
    pub gains: Vec<Gain>,
}

impl Point {
    /// What a measure gained.
    pub fn gain(&self, measure: &str) -> Option<&Gain> {
        self.gains.iter().find(|gain| gain.measure == measure)
    }

    /// A measure, before and after.
    pub fn of(&self, measure: &str) -> (Option<f64>, Option<f64>) {
        self.gain(measure).map_or((None, None), |gain| (gain.before, gain.after))
    }
}

/// Held-out confidences after so many decisions in one order.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Decisions that trained.
    pub decisions: usize,
    /// Which order.
    pub order: u64,
    /// For each example, its place in the order.
    pub rank: Vec<usize>,
    /// For each example, the learned confidence.
    pub confidences: Vec<f64>,
}

/// The traces of every size in every order; sizes that no training set reaches are left out, the last has all decisions.
pub fn traces(problem: &Problem, orders: u64) -> Vec<Trace> {
    let (fold, n) = problem.folds();
    let outside = |held: usize| fold.iter().filter(|&&other| other != held).count();
    let most = (0..n).map(outside).min().unwrap_or(0);
    let sizes = SIZES.into_iter().filter(|&size| size < most).chain((most > 0).then_some(most));
    let wanted: Vec<(usize, u64)> = sizes.flat_map(|size| (0..orders).map(move |order| (size, order))).collect();
    let one = |&(decisions, order): &(usize, u64)| {
        let ordered = ordered(problem.examples, problem.seed + order);
        let mut rank = vec![0; ordered.len()];
        ordered.iter().enumerate().for_each(|(place, &i)| rank[i] = place);
        let confidences = held_out_after(problem, &ordered, decisions);
        Trace { decisions, order, rank, confidences }
    };
    wanted.par_iter().map(one).collect()
}

/// The places of the examples, answers in random order.
fn ordered(examples: &Examples, seed: u64) -> Vec<usize> {
    let mut answers: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    examples.rows.iter().enumerate().for_each(|(i, e)| answers.entry((e.interview, e.turn)).or_default().push(i));
    let mut answers: Vec<Vec<usize>> = answers.into_values().collect();
    Random::new(seed).shuffle(&mut answers);
    answers.into_iter().flatten().collect()
}

/// The curve from its traces.
pub fn curve(problem: &Problem, traces: &[Trace], before: &[Forecast], bootstrap: &Bootstrap) -> Vec<Point> {
    let mut by_size: BTreeMap<usize, Vec<&Trace>> = BTreeMap::new();
    traces.iter().for_each(|trace| by_size.entry(trace.decisions).or_default().push(trace));
    let point = |(decisions, traces): (usize, Vec<&Trace>)| {
        let runs: Vec<Vec<Forecast>> =
            traces.iter().map(|trace| forecasts(problem.examples, &trace.confidences, |_| true)).collect();
        let answers = traces.iter().map(|trace| answers(problem, trace)).sum::<f64>() / traces.len().max(1) as f64;
        Point { decisions, answers, gains: gains(before, &runs, bootstrap) }
    };
    by_size.into_iter().map(point).collect()
}

/// Answers that the decisions of a trace lie in, on average over the groups that are held out.
fn answers(problem: &Problem, trace: &Trace) -> f64 {
    let (fold, n) = problem.folds();
    let rows = &problem.examples.rows;
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by_key(|&i| trace.rank[i]);
    let one = |held: usize| {
        let training = places.iter().filter(|&&i| fold[i] != held).take(trace.decisions);
        training.map(|&i| (rows[i].interview, rows[i].turn)).collect::<BTreeSet<_>>().len()
    };
    (0..n).map(one).sum::<usize>() as f64 / n.max(1) as f64
}
