//! The fitted confidence: a small readable file.
//!
//! Comes in: examples with their features. Goes out: a [`Model`], and confidences from it. Never happens here: a
//! measurement of how good it is.
//!
//! A model is a blend. Five fits, from none at all to a bold one ([`LADDER`]), are judged on interviews held out of the
//! training decisions; each gets a share of e^(−log loss), times what it was given beforehand, and the weights are
//! averaged. Few decisions, or decisions that say nothing, leave the confidence as it was; many move it far.

use super::example::Example;
use super::features::{Features, Scale, Table, of_rows};
use super::logistic::{Case, Prior, fit, fit_from, log_odds, sigmoid, softplus};
use super::rivals::{Rivals, held_down};
use crate::agreement::random::Random;
use crate::coding::{Coding, Flag, PROPOSED};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Value of [`Model::schema`].
pub const MODEL_SCHEMA: &str = "precode.confidence/2";

/// What the model says of one code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfCode {
    /// True when the learned confidence was better on held-out interviews; else what it replaces stays.
    pub adopted: bool,
    /// Judgements on this code that it was fitted on.
    pub decisions: usize,
}

/// A fitted confidence. Log-odds are those of the confidence that is replaced, plus weight × feature; a feature that
/// is not listed weighs nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// [`MODEL_SCHEMA`].
    pub schema: String,
    /// Version of the program.
    pub version: String,
    /// Digest of the codebook that the evidence comes from.
    pub codebook: String,
    /// Judgements that it was fitted on.
    pub decisions: usize,
    /// Interviews that these lie in.
    pub interviews: usize,
    /// What scores are, and so what is replaced.
    pub scale: Scale,
    /// Whether word stems are features.
    pub stems: bool,
    /// Facets of which an answer has one code at most.
    pub exclusive: BTreeSet<String>,
    /// Share of every fit of the ladder in the weights, by name; `unchanged` is the confidence that is replaced.
    pub blend: BTreeMap<String, f64>,
    /// By code.
    pub codes: BTreeMap<String, OfCode>,
    /// Weights by feature.
    pub weights: BTreeMap<String, f64>,
}

/// One fit: by how much each kind of weight may move away from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rung {
    /// Name, for people.
    pub name: &'static str,
    /// Share before any decision.
    pub before: f64,
    /// Intercepts and slopes of all codes, facets and codes.
    own: f64,
    /// Other codes of the answer, other answers of the respondent.
    around: f64,
    /// Rules, contexts, flags, level, length.
    evidence: f64,
}

/// The fits that are blended. Chosen on practice speech, with the confidence that is replaced fitted without it.
pub const LADDER: [Rung; 5] = [
    Rung { name: "unchanged", before: 0.5, own: 0.0, around: 0.0, evidence: 0.0 },
    Rung { name: "careful", before: 0.125, own: 0.5, around: 0.5, evidence: 0.0 },
    Rung { name: "middle", before: 0.125, own: 0.5, around: 1.0, evidence: 0.0 },
    Rung { name: "bold", before: 0.125, own: 1.0, around: 2.0, evidence: 0.0 },
    Rung { name: "rules", before: 0.125, own: 1.5, around: 1.0, evidence: 1.5 },
];

impl Rung {
    /// Spread of a weight around 0, by kind of feature; 0: it stays 0.
    fn spread(&self, name: &str) -> f64 {
        let kind = name.split(' ').next().unwrap_or(name);
        let is_slope = name.ends_with("× replaced");
        match kind {
            "always" => 0.5 * self.own,
            "replaced" => 0.25 * self.own,
            "facet" if is_slope => 0.15 * self.own,
            "facet" => 0.3 * self.own,
            "code" if is_slope => 0.2 * self.own,
            "code" => 0.5 * self.own,
            "rival" | "elsewhere" => 1.2 * self.around,
            "beside" if name == kind => 0.4 * self.around,
            "beside" => 0.8 * self.around,
            "rule" => 0.5 * self.evidence,
            "level" => 0.4 * self.evidence,
            "stem" => 0.1 * self.evidence,
            _ => 0.3 * self.evidence,
        }
    }
}

/// A feature must occur in so many examples, else its weight is noise.
fn support(name: &str) -> usize {
    match name.split(' ').next() {
        Some("stem") => 5,
        Some("rule" | "level" | "context" | "flag") => 3,
        _ => 1,
    }
}

/// Length of the gradient that is short enough to judge a fit by: its log loss is exact to 1e-6.
const NEAR: f64 = 1e-3;

/// Groups of interviews within the training decisions.
const INNER: usize = 4;

/// One fit of the ladder on these examples.
struct Fit<'a> {
    cases: Vec<Case>,
    priors: Vec<Prior>,
    kept: Vec<usize>,
    table: &'a Table,
}

impl<'a> Fit<'a> {
    fn new(table: &'a Table, examples: &[&Example], rung: &Rung) -> Self {
        let mut counts = vec![0; table.names.len()];
        for example in examples {
            table.rows[example.row].named.iter().for_each(|&(j, _)| counts[j] += 1);
        }
        let spreads: Vec<f64> = table.names.iter().map(|name| rung.spread(name)).collect();
        let is_kept = |j: &usize| spreads[*j] > 0.0 && counts[*j] >= support(&table.names[*j]);
        let kept: Vec<usize> = (0..counts.len()).filter(is_kept).collect();
        let mut places = vec![None; counts.len()];
        kept.iter().enumerate().for_each(|(place, &j)| places[j] = Some(place));
        let case = |example: &&Example| {
            let row = &table.rows[example.row];
            let features = row.named.iter().filter_map(|&(j, value)| Some((places[j]?, value))).collect();
            Case { features, offset: row.replaced, holds: example.holds }
        };
        let priors = kept.iter().map(|&j| Prior { mean: 0.0, spread: spreads[j] }).collect();
        Fit { cases: examples.iter().map(case).collect(), priors, kept, table }
    }

    /// The weights of the kept features.
    fn weights(&self) -> Vec<f64> {
        fit(&self.cases, &self.priors)
    }

    /// Log loss, summed, of the cases that count, each predicted without its group.
    fn loss(&self, start: &[f64], group: &[usize], counts: &[bool]) -> f64 {
        let one = |held: usize| {
            let rest = self.cases.iter().zip(group).filter(|(_, g)| **g != held).map(|(case, _)| case.clone());
            let rest: Vec<Case> = rest.collect();
            let weights =
                if self.kept.is_empty() { Vec::new() } else { fit_from(&rest, &self.priors, start.to_vec(), NEAR) };
            let own = (0..self.cases.len()).filter(|&i| group[i] == held && counts[i]);
            own.map(|i| misfit(&self.cases[i], &weights)).sum::<f64>()
        };
        (0..INNER).map(one).sum()
    }

    /// Adds a share of the weights to those of the whole table.
    fn add_to(&self, all: &mut [f64], weights: &[f64], share: f64) {
        debug_assert_eq!(all.len(), self.table.names.len());
        self.kept.iter().zip(weights).for_each(|(&j, weight)| all[j] += share * weight);
    }
}

/// −ln of the probability that the weights give to what is true.
fn misfit(case: &Case, weights: &[f64]) -> f64 {
    let z = log_odds(case, weights);
    softplus(if case.holds { -z } else { z }).min(7.0)
}

/// Weights for every feature of a table, and the share of every fit in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Blend {
    /// One for each feature of the table.
    pub weights: Vec<f64>,
    /// One for each of [`LADDER`]; together 1.
    pub shares: [f64; LADDER.len()],
}

/// The blend of the ladder, fitted on these examples; the shares are judged on those that measure, if there are any.
pub fn blend(table: &Table, examples: &[&Example], seed: u64) -> Blend {
    let group = inner_groups(examples, seed);
    let blind = examples.iter().any(|e| e.measures);
    let counts: Vec<bool> = examples.iter().map(|e| e.measures || !blind).collect();
    let fits = LADDER.each_ref().map(|rung| Fit::new(table, examples, rung));
    let weights = fits.each_ref().map(Fit::weights);
    let mut losses = [0.0; LADDER.len()];
    for (i, loss) in losses.iter_mut().enumerate() {
        *loss = fits[i].loss(&weights[i], &group, &counts);
    }
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let raw: Vec<f64> = losses.iter().zip(&LADDER).map(|(loss, rung)| rung.before * (least - loss).exp()).collect();
    let sum: f64 = raw.iter().sum();
    let mut found = Blend { weights: vec![0.0; table.names.len()], shares: [0.0; LADDER.len()] };
    for i in 0..LADDER.len() {
        found.shares[i] = raw[i] / sum;
        fits[i].add_to(&mut found.weights, &weights[i], found.shares[i]);
    }
    found
}

/// The group of each example: interviews in random order, dealt out in turn.
fn inner_groups(examples: &[&Example], seed: u64) -> Vec<usize> {
    let interviews: BTreeSet<usize> = examples.iter().map(|e| e.interview).collect();
    let mut order: Vec<usize> = interviews.into_iter().collect();
    Random::new(seed).shuffle(&mut order);
    let places: BTreeMap<usize, usize> = order.into_iter().zip(0..).collect();
    examples.iter().map(|e| places[&e.interview] % INNER).collect()
}

/// The confidence of a row under these weights, one for each feature of its table.
pub fn predict(features: &Features, weights: &[f64]) -> f64 {
    sigmoid(features.replaced + features.named.iter().map(|&(j, x)| weights[j] * x).sum::<f64>())
}

impl Model {
    /// The weights for the features of a table.
    pub fn weights_for(&self, table: &Table) -> Vec<f64> {
        table.names.iter().map(|name| self.weights.get(name).copied().unwrap_or(0.0)).collect()
    }

    /// What the model says of every row; codes that it was not adopted for keep what they show.
    pub fn confidences(&self, codings: &[Coding]) -> Vec<f64> {
        let table = of_rows(codings, self.scale, self.stems);
        let weights = self.weights_for(&table);
        let adopted = |code: &str| self.codes.get(code).is_some_and(|of| of.adopted);
        let one = |(row, features): (&Coding, &Features)| {
            if adopted(&row.code) { predict(features, &weights) } else { row.confidence }
        };
        codings.iter().zip(&table.rows).map(one).collect()
    }
}

/// Gives rows the confidence of the model, for the codes that it was adopted for. Rows of one interview must be given
/// together, as features look around; the order is kept. `whole`: answers were judged as one piece, so that exclusive
/// codes anywhere in an answer are rivals; else only those on the same words.
pub fn apply(model: &Model, codings: &mut [Coding], whole: bool) {
    let confidences = model.confidences(codings);
    let rivals = Rivals::of(codings, &model.exclusive, whole);
    let found: Vec<(f64, bool)> = (0..codings.len())
        .map(|i| held_down(confidences[i], rivals.of_row(i).iter().map(|&rival| confidences[rival])))
        .collect();
    for (row, (confidence, conflict)) in codings.iter_mut().zip(found) {
        let Some(of) = model.codes.get(&row.code).filter(|of| of.adopted) else { continue };
        // Four decimals, as all confidences in rows.
        row.confidence = (confidence * 1e4).round() / 1e4;
        row.calibrated_on = of.decisions;
        row.flags.retain(|flag| !matches!(flag, Flag::Weak | Flag::Conflict));
        let now = [(Flag::Weak, row.confidence < PROPOSED), (Flag::Conflict, conflict)];
        row.flags.splice(0..0, now.into_iter().filter(|(_, holds)| *holds).map(|(flag, _)| flag));
    }
}

/// Codes of the examples with their number of judgements.
pub fn decisions_by_code(examples: &[Example]) -> BTreeMap<String, usize> {
    let codes: BTreeSet<&str> = examples.iter().map(|e| e.code.as_str()).collect();
    let count = |code: &str| examples.iter().filter(|e| e.code == code).count();
    codes.into_iter().map(|code| (code.to_string(), count(code))).collect()
}
