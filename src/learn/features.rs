//! The evidence of a row as named numbers.
//!
//! Comes in: the rows of a study. Goes out: for each row, features by name. Never happens here: anything that depends
//! on the confidence that a row shows, which may itself come from a model: scores and evidence only.

use super::logistic::sigmoid;
use crate::coding::{Coding, Flag};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The confidence that the model replaces, as a line in the score: log-odds = intercept + slope × score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Log-odds at a score of 0.
    pub intercept: f64,
    /// Log-odds for a point of score.
    pub slope: f64,
}

impl Line {
    fn at(self, score: f64) -> f64 {
        (self.intercept + self.slope * score).clamp(-6.0, 6.0)
    }
}

/// Log-odds of a confidence, held within ±6.
pub fn log_odds_of(confidence: f64) -> f64 {
    let p = confidence.clamp(0.0025, 0.9975);
    (p / (1.0 - p)).ln()
}

/// The line that the study's confidences follow, for each code and for all together (under the empty name): least
/// squares of their log-odds on the score.
pub fn lines(codings: &[Coding]) -> BTreeMap<String, Line> {
    let mut points: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for row in codings {
        let point = (row.score, log_odds_of(row.confidence));
        points.entry("").or_default().push(point);
        points.entry(&row.code).or_default().push(point);
    }
    let all = line(points.get("").map_or(&[], Vec::as_slice), None);
    points.iter().map(|(code, points)| (code.to_string(), line(points, Some(all)))).collect()
}

/// Too few points, or all at one score: the slope of all codes through their mean.
fn line(points: &[(f64, f64)], all: Option<Line>) -> Line {
    let n = points.len().max(1) as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let together: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let slope = match all {
        Some(all) if points.len() < 8 || spread < 1e-9 => all.slope,
        _ if spread < 1e-9 => 1.0,
        _ => together / spread,
    };
    Line { intercept: y - slope * x, slope }
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

/// The features of every row. `stems`: also the word stems of the segment.
pub fn of_rows(codings: &[Coding], lines: &BTreeMap<String, Line>, stems: bool) -> Table {
    let all = lines.get("").copied().unwrap_or(Line { intercept: 0.0, slope: 1.0 });
    let replaced: Vec<f64> = codings.iter().map(|row| lines.get(&row.code).unwrap_or(&all).at(row.score)).collect();
    let neighbours = Neighbours::of(codings, &replaced);
    let one = |(row, replaced): (&Coding, &f64)| {
        let mut named = BTreeMap::new();
        own(row, *replaced, &mut named);
        neighbours.around(row, &mut named);
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

/// What the row says by itself.
fn own(row: &Coding, replaced: f64, named: &mut BTreeMap<String, f64>) {
    put(named, "always", 1.0);
    put(named, "replaced", replaced);
    put(named, format!("code {}", row.code), 1.0);
    put(named, format!("code {} × replaced", row.code), replaced);
    for evidence in &row.evidence {
        // Presence says as much as weight once the score is known; a rule that is met twice counts once.
        named.insert(format!("rule {} {}", row.code, evidence.rule), evidence.weight.signum());
        for context in &evidence.context {
            named.insert(format!("context {context}"), 1.0);
        }
    }
    let rules: BTreeSet<&str> = row.evidence.iter().map(|e| e.rule.as_str()).collect();
    put(named, "rules", (rules.len() as f64).ln());
    put(named, "one rule", f64::from(u8::from(rules.len() == 1)));
    let doubt: f64 = row.evidence.iter().map(|e| 1.0 - e.weight.clamp(0.0, 0.99)).product();
    put(named, "noisy or", 1.0 - doubt);
    let words = row.text.split_whitespace().count().max(1) as f64;
    put(named, "words", (words / 60.0).ln());
    for flag in row.flags.iter().filter(|flag| **flag != Flag::Weak) {
        put(named, format!("flag {}", flag.name()), 1.0);
    }
    if let Some(level) = row.attributes.get("level").filter(|level| !level.is_empty()) {
        put(named, format!("code {} × level {level}", row.code), 1.0);
        put(named, format!("facet {} × level {level}", row.facet), 1.0);
    }
}

/// Codes of one answer, with their facet and the probability of the strongest row.
type Beside<'a> = BTreeMap<&'a str, (&'a str, f64)>;

/// What stands around a row: other codes of the answer, the same code elsewhere in the interview.
struct Neighbours<'a> {
    answers: BTreeMap<(&'a str, usize), Beside<'a>>,
    codes: BTreeMap<(&'a str, &'a str), BTreeMap<usize, f64>>,
}

impl<'a> Neighbours<'a> {
    fn of(codings: &'a [Coding], replaced: &[f64]) -> Self {
        let mut found = Neighbours { answers: BTreeMap::new(), codes: BTreeMap::new() };
        for (row, log_odds) in codings.iter().zip(replaced) {
            let p = sigmoid(*log_odds);
            let codes = found.answers.entry((&row.transcript, row.turn)).or_default();
            let strongest = codes.entry(&row.code).or_insert((&row.facet, 0.0));
            strongest.1 = p.max(strongest.1);
            let turns = found.codes.entry((&row.transcript, &row.code)).or_default();
            let strongest = turns.entry(row.turn).or_default();
            *strongest = p.max(*strongest);
        }
        found
    }

    fn around(&self, row: &Coding, named: &mut BTreeMap<String, f64>) {
        let codes = self.answers.get(&(row.transcript.as_str(), row.turn));
        let mut rival = 0.0f64;
        for (code, (facet, p)) in codes.into_iter().flatten().filter(|(code, _)| **code != row.code) {
            put(named, format!("code {} beside {code}", row.code), *p);
            put(named, format!("facet {} beside {facet}", row.facet), *p);
            if *facet == row.facet {
                rival = rival.max(*p);
            }
        }
        put(named, "rival", rival);
        let turns = self.codes.get(&(row.transcript.as_str(), row.code.as_str()));
        let elsewhere: f64 = turns.into_iter().flatten().filter(|(turn, _)| **turn != row.turn).map(|(_, p)| p).sum();
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
