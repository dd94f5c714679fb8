//! The evidence of a row as named numbers.
//!
//! Comes in: the rows of a study. Goes out: for each row, the log-odds that learning starts from, and features by name.
//! Never happens here: anything that depends on the confidence that a row shows, which may itself come from a model:
//! scores and evidence only.

use super::logistic::sigmoid;
use crate::coding::{Coding, Flag};
use crate::confidence::share;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the score of a row is, and so which confidence learning starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Log-odds of a fitted confidence that the codebook ships with.
    LogOdds,
    /// A sum of weights of evidence; the confidence is its share, 1 − e^(−score).
    Share,
}

impl Scale {
    /// The scale that the confidences of a study follow best.
    pub fn of(codings: &[Coding]) -> Scale {
        let misfit = |scale: Scale| -> f64 {
            codings.iter().map(|row| (sigmoid(scale.log_odds(row.score)) - row.confidence).abs()).sum()
        };
        if misfit(Scale::Share) < misfit(Scale::LogOdds) { Scale::Share } else { Scale::LogOdds }
    }

    /// Log-odds of the confidence at a score, held within ±6.
    pub fn log_odds(self, score: f64) -> f64 {
        match self {
            Scale::LogOdds => score.clamp(-6.0, 6.0),
            Scale::Share => log_odds_of(share(score)),
        }
    }
}

/// Log-odds of a confidence, held within ±6.
pub fn log_odds_of(confidence: f64) -> f64 {
    let p = confidence.clamp(0.0025, 0.9975);
    (p / (1.0 - p)).ln()
}

/// Features of one row: the log-odds of what the model replaces, and everything else by the place of its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Log-odds before learning.
    pub replaced: f64,
    /// Places in [`Table::names`] with values that are not 0, in order.
    pub named: Vec<(usize, f64)>,
}

/// The features of many rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Names of features, sorted.
    pub names: Vec<String>,
    /// In the order of the rows.
    pub rows: Vec<Features>,
}

/// The features of every row. `stems`: also the word stems of the passage.
pub fn of_rows(codings: &[Coding], scale: Scale, stems: bool) -> Table {
    let replaced: Vec<f64> = codings.iter().map(|row| scale.log_odds(row.score)).collect();
    let neighbours = Neighbours::of(codings, &replaced);
    let one = |(row, replaced): (&Coding, &f64)| {
        let mut named = BTreeMap::new();
        own(row, *replaced, &mut named);
        neighbours.around(row, &mut named);
        evidence(row, &mut named);
        if stems {
            add_stems(row, &mut named);
        }
        named.retain(|_, value| *value != 0.0);
        named
    };
    let named: Vec<BTreeMap<String, f64>> = codings.iter().zip(&replaced).map(one).collect();
    let names: BTreeSet<&String> = named.iter().flat_map(BTreeMap::keys).collect();
    let places: BTreeMap<&String, usize> = names.iter().enumerate().map(|(i, name)| (*name, i)).collect();
    let row = |(named, replaced): (&BTreeMap<String, f64>, &f64)| Features {
        replaced: *replaced,
        named: named.iter().map(|(name, value)| (places[name], *value)).collect(),
    };
    let rows = named.iter().zip(&replaced).map(row).collect();
    Table { names: names.into_iter().cloned().collect(), rows }
}

fn put(named: &mut BTreeMap<String, f64>, name: impl Into<String>, value: f64) {
    *named.entry(name.into()).or_default() += value;
}

/// A line in the confidence that is replaced: one for all codes, one for the facet, one for the code.
fn own(row: &Coding, replaced: f64, named: &mut BTreeMap<String, f64>) {
    put(named, "always", 1.0);
    put(named, "replaced", replaced);
    for scope in [format!("facet {}", row.facet), format!("code {}", row.code)] {
        put(named, format!("{scope} × replaced"), replaced);
        put(named, scope, 1.0);
    }
}

/// What the row's evidence says besides its score.
fn evidence(row: &Coding, named: &mut BTreeMap<String, f64>) {
    for evidence in &row.evidence {
        // Presence says as much as weight once the score is known; a rule that is met twice counts once.
        named.insert(format!("rule {} {}", row.code, evidence.rule), evidence.weight.signum());
        for context in &evidence.context {
            named.insert(format!("context {context}"), 1.0);
        }
    }
    let rules: BTreeSet<&str> = row.evidence.iter().map(|e| e.rule.as_str()).collect();
    put(named, "rules", (rules.len().max(1) as f64).ln());
    let words = row.text.split_whitespace().count().max(1) as f64;
    put(named, "words", (words / 60.0).ln());
    for flag in row.flags.iter().filter(|flag| !matches!(flag, Flag::Weak | Flag::Conflict)) {
        put(named, format!("flag {}", flag.name()), 1.0);
    }
    if let Some(level) = row.attributes.get("level").filter(|level| !level.is_empty()) {
        put(named, format!("level {level}"), 1.0);
        put(named, format!("level {level} × facet {}", row.facet), 1.0);
        put(named, format!("level {level} × code {}", row.code), 1.0);
    }
}

/// Codes of one answer, with their facet and the probability of the strongest row.
type Beside<'a> = BTreeMap<&'a str, (&'a str, f64)>;

/// What stands around a row: other codes of the answer, the same code in other answers of the respondent.
struct Neighbours<'a> {
    answers: BTreeMap<(&'a str, usize), Beside<'a>>,
    codes: BTreeMap<[&'a str; 3], BTreeMap<usize, f64>>,
}

impl<'a> Neighbours<'a> {
    fn of(codings: &'a [Coding], replaced: &[f64]) -> Self {
        let mut found = Neighbours { answers: BTreeMap::new(), codes: BTreeMap::new() };
        for (row, log_odds) in codings.iter().zip(replaced) {
            let p = sigmoid(*log_odds);
            let codes = found.answers.entry((&row.transcript, row.turn)).or_default();
            let strongest = codes.entry(&row.code).or_insert((&row.facet, 0.0));
            strongest.1 = p.max(strongest.1);
            let turns = found.codes.entry([&row.transcript, &row.respondent, &row.code]).or_default();
            let strongest = turns.entry(row.turn).or_default();
            *strongest = p.max(*strongest);
        }
        found
    }

    fn around(&self, row: &Coding, named: &mut BTreeMap<String, f64>) {
        let codes = self.answers.get(&(row.transcript.as_str(), row.turn));
        let mut rival = 0.0f64;
        for (_, (facet, p)) in codes.into_iter().flatten().filter(|(code, _)| **code != row.code) {
            put(named, format!("beside {facet} × facet {}", row.facet), *p);
            put(named, "beside", *p);
            if *facet == row.facet {
                rival = rival.max(*p);
            }
        }
        put(named, "rival", rival);
        let key = [row.transcript.as_str(), row.respondent.as_str(), row.code.as_str()];
        let turns = self.codes.get(&key).into_iter().flatten();
        let elsewhere: f64 = turns.filter(|(turn, _)| **turn != row.turn).map(|(_, p)| p).sum();
        put(named, "elsewhere", elsewhere.ln_1p());
    }
}

fn add_stems(row: &Coding, named: &mut BTreeMap<String, f64>) {
    let stemmer = rust_stemmers::Stemmer::create(rust_stemmers::Algorithm::English);
    for word in row.text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| word.len() > 2) {
        let stem = stemmer.stem(&word.to_lowercase()).into_owned();
        named.insert(format!("stem {} {stem}", row.code), 1.0);
    }
}
