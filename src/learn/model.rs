//! The fitted confidence: a small readable file.
//!
//! Comes in: examples with their features. Goes out: a [`Model`], and confidences from it. Never happens here: a
//! measurement of how good it is.

use super::example::Example;
use super::features::{Features, Line, Table, of_rows};
use super::logistic::{Case, Prior, fit, sigmoid};
use crate::coding::{Coding, Flag, PROPOSED};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Value of [`Model::schema`].
pub const MODEL_SCHEMA: &str = "precode.confidence/1";

/// What the model says of one code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfCode {
    /// True when the learned confidence was better on held-out interviews; else what it replaces stays.
    pub adopted: bool,
    /// Judgements on this code that it was fitted on.
    pub decisions: usize,
    /// The confidence that is replaced.
    pub replaced: Line,
}

/// A fitted confidence. Weights are log-odds; a feature that is not listed weighs nothing.
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
    /// Strength of the priors: spreads are multiplied by this.
    pub freedom: f64,
    /// Whether word stems are features.
    pub stems: bool,
    /// By code.
    pub codes: BTreeMap<String, OfCode>,
    /// Weights by feature.
    pub weights: BTreeMap<String, f64>,
}

/// A feature must occur in so many examples, else its weight is noise.
fn support(name: &str) -> usize {
    match name.split(' ').next() {
        Some("rule") => 3,
        Some("stem") => 5,
        _ => 4,
    }
}

/// What a weight is drawn to, by kind of feature: few decisions leave it there.
fn prior(name: &str, freedom: f64) -> Prior {
    let kind = name.split(' ').next().unwrap_or(name);
    let (mean, spread) = match kind {
        "always" => (0.0, 1.5),
        "replaced" => (1.0, 0.5),
        "code" if name.ends_with("× replaced") => (0.0, 0.25),
        "code" if name.contains(" beside ") => (0.0, 0.2),
        "code" if name.contains(" × level ") => (0.0, 0.4),
        "code" => (0.0, 0.8),
        "facet" => (0.0, 0.3),
        "rule" => (0.0, 0.4),
        "stem" => (0.0, 0.15),
        _ => (0.0, 0.3),
    };
    Prior { mean, spread: if kind == "always" { spread } else { spread * freedom } }
}

/// Weights fitted on these examples, one for each feature of the table; 0 for those without enough support.
pub fn weigh(table: &Table, examples: &[&Example], freedom: f64) -> Vec<f64> {
    let mut counts = vec![0; table.names.len()];
    for example in examples {
        table.rows[example.row].named.iter().for_each(|&(j, _)| counts[j] += 1);
    }
    let kept: Vec<usize> = (0..counts.len()).filter(|&j| counts[j] >= support(&table.names[j])).collect();
    let mut places = vec![None; counts.len()];
    kept.iter().enumerate().for_each(|(place, &j)| places[j] = Some(place));
    let case = |example: &&Example| {
        let named = &table.rows[example.row].named;
        let features = named.iter().filter_map(|&(j, value)| Some((places[j]?, value))).collect();
        Case { features, offset: 0.0, holds: example.holds }
    };
    let cases: Vec<Case> = examples.iter().map(case).collect();
    let priors: Vec<Prior> = kept.iter().map(|&j| prior(&table.names[j], freedom)).collect();
    let mut weights = vec![0.0; counts.len()];
    kept.into_iter().zip(fit(&cases, &priors)).for_each(|(j, weight)| weights[j] = weight);
    weights
}

/// The confidence of a row under these weights, one for each feature of its table.
pub fn predict(features: &Features, weights: &[f64]) -> f64 {
    sigmoid(features.named.iter().map(|&(j, x)| weights[j] * x).sum())
}

impl Model {
    /// The weights for the features of a table.
    pub fn weights_for(&self, table: &Table) -> Vec<f64> {
        table.names.iter().map(|name| self.weights.get(name).copied().unwrap_or(0.0)).collect()
    }
}

/// Gives rows the confidence of the model, for the codes that it was adopted for. Rows of one interview must be given
/// together, as features look around; the order is kept.
pub fn apply(model: &Model, codings: &mut [Coding]) {
    let lines: BTreeMap<String, Line> = model.codes.iter().map(|(code, of)| (code.clone(), of.replaced)).collect();
    let table = of_rows(codings, &lines, model.stems);
    let weights = model.weights_for(&table);
    for (row, features) in codings.iter_mut().zip(&table.rows) {
        let Some(of) = model.codes.get(&row.code).filter(|of| of.adopted) else { continue };
        // Four decimals, as all confidences in rows.
        row.confidence = (predict(features, &weights) * 1e4).round() / 1e4;
        row.calibrated_on = of.decisions;
        row.flags.retain(|flag| *flag != Flag::Weak);
        if row.confidence < PROPOSED {
            row.flags.insert(0, Flag::Weak);
        }
    }
}

/// Codes of the examples with their number of judgements.
pub fn decisions_by_code(examples: &[Example]) -> BTreeMap<String, usize> {
    let codes: BTreeSet<&str> = examples.iter().map(|e| e.code.as_str()).collect();
    let count = |code: &str| examples.iter().filter(|e| e.code == code).count();
    codes.into_iter().map(|code| (code.to_string(), count(code))).collect()
}
