//! What was missed: a sample of answers for people to judge blind, and the estimate from it.
//!
//! Comes in: answers with their rows. Goes out: a sample that favours likely misses with known chances, and from its
//! verdicts the number of missed answers for each code with an interval. Never happens here: an answer that somebody
//! picked.
//!
//! An answer is untouched *for a code* when the code is not proposed there. Every answer belongs to one stratum;
//! within a stratum the sample is simple and random, so every miss in the study has a known chance to be found.

use crate::agreement::distribution::Interval;
use crate::agreement::random::Random;
use crate::coding::{Coding, PROPOSED};
use crate::store::layout::Study;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

/// Where misses are likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stratum {
    /// Nothing proposed, but weak evidence for some code.
    Nearly,
    /// No rule touched it, and it is long.
    UntouchedLong,
    /// No rule touched it, and it is short.
    UntouchedShort,
    /// Something is proposed; another code may be missing.
    OtherCodes,
}

/// Of a hundred sampled answers, so many from each stratum, as far as there are.
const ALLOCATION: [(Stratum, f64); 4] = [
    (Stratum::Nearly, 0.35),
    (Stratum::UntouchedLong, 0.25),
    (Stratum::UntouchedShort, 0.10),
    (Stratum::OtherCodes, 0.30),
];

/// An answer: its place, and how many words it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn among all turns.
    pub turn: usize,
    /// First code point.
    pub start: usize,
    /// First code point after it.
    pub end: usize,
    /// Words.
    pub words: usize,
}

/// One line of `recall.jsonl`: an answer to be judged blind for every code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn among all turns.
    pub turn: usize,
    /// First code point.
    pub start: usize,
    /// First code point after it.
    pub end: usize,
    /// Where it was drawn from.
    pub stratum: Stratum,
    /// Answers of the stratum in the study, when it was drawn.
    pub of: usize,
    /// Codes that were proposed there, and so were not missed.
    pub proposed: BTreeSet<String>,
}

/// Where a study keeps its sample.
pub fn path(study: &Study) -> PathBuf {
    study.root().join("recall.jsonl")
}

/// The sample of a study; empty when none was drawn.
///
/// # Errors
/// When the file cannot be read, or a line is not one of ours.
pub fn read(study: &Study) -> io::Result<Vec<Sampled>> {
    let path = path(study);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?,
    };
    let wrong = |line: usize, error| io::Error::other(format!("{}:{}: {error}", path.display(), line + 1));
    text.lines().enumerate().map(|(i, line)| serde_json::from_str(line).map_err(|e| wrong(i, e))).collect()
}

/// Codes proposed in each answer, and whether there is weaker evidence.
fn touched(codings: &[Coding]) -> BTreeMap<(&str, usize), BTreeSet<String>> {
    let mut touched: BTreeMap<(&str, usize), BTreeSet<String>> = BTreeMap::new();
    for row in codings {
        let codes = touched.entry((&row.transcript, row.turn)).or_default();
        if row.confidence >= PROPOSED {
            codes.insert(row.code.clone());
        }
    }
    touched
}

/// Draws `n` answers. Those in `judged` were judged blind already and are left out of the sample and of the strata.
pub fn sample(
    answers: &[Answer],
    codings: &[Coding],
    judged: &BTreeSet<(String, usize)>,
    n: usize,
    seed: u64,
) -> Vec<Sampled> {
    let touched = touched(codings);
    let mut words: Vec<usize> = answers.iter().map(|answer| answer.words).collect();
    words.sort_unstable();
    let median = words.get(words.len() / 2).copied().unwrap_or(0);
    let mut strata: BTreeMap<Stratum, Vec<&Answer>> = BTreeMap::new();
    let fresh = |answer: &&Answer| !judged.contains(&(answer.transcript.clone(), answer.turn));
    for answer in answers.iter().filter(fresh) {
        let stratum = match touched.get(&(answer.transcript.as_str(), answer.turn)) {
            Some(codes) if codes.is_empty() => Stratum::Nearly,
            Some(_) => Stratum::OtherCodes,
            None if answer.words >= median => Stratum::UntouchedLong,
            None => Stratum::UntouchedShort,
        };
        strata.entry(stratum).or_default().push(answer);
    }
    let sizes = allocate(&strata, n);
    let mut random = Random::new(seed);
    let mut out = Vec::new();
    for (stratum, mut members) in strata {
        let of = members.len();
        members.sort_unstable();
        random.shuffle(&mut members);
        for answer in members.into_iter().take(sizes[&stratum]) {
            let proposed = touched.get(&(answer.transcript.as_str(), answer.turn)).cloned().unwrap_or_default();
            let Answer { transcript, turn, start, end, .. } = answer.clone();
            out.push(Sampled { transcript, turn, start, end, stratum, of, proposed });
        }
    }
    out.sort_unstable();
    out
}

/// How many from each stratum; what one cannot give goes to the others.
fn allocate(strata: &BTreeMap<Stratum, Vec<&Answer>>, n: usize) -> BTreeMap<Stratum, usize> {
    let size = |stratum: &Stratum| strata.get(stratum).map_or(0, Vec::len);
    let mut sizes: BTreeMap<Stratum, usize> =
        ALLOCATION.iter().map(|(s, share)| (*s, ((share * n as f64) as usize).min(size(s)))).collect();
    let mut left = n.saturating_sub(sizes.values().sum());
    while left > 0 {
        let open = ALLOCATION.iter().map(|(s, _)| *s).filter(|s| sizes[s] < size(s)).collect::<Vec<_>>();
        if open.is_empty() {
            break;
        }
        for stratum in open.into_iter().take(left) {
            *sizes.entry(stratum).or_default() += 1;
            left -= 1;
        }
    }
    sizes
}

/// Missed answers of one code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missed {
    /// The code.
    pub code: String,
    /// Sampled answers that were judged and in which it was not proposed.
    pub judged: usize,
    /// Of these, answers that have it.
    pub found: usize,
    /// Answers of the study that have it and in which it was not proposed: the estimate.
    pub missed: f64,
    /// Its 95 % interval.
    pub interval: Interval,
}

/// Missed answers for each code. `verdict` says whether a code holds for an answer, if that was judged blind.
///
/// The sum over strata of (answers of the stratum) × (share of judged ones that are misses). Interval: in each stratum
/// the share has Jeffreys' Beta(y + ½, n − y + ½), the misses among what was not judged follow it, and those that
/// were found are certain; quantiles of 4,000 sums. Brown, Cai and DasGupta (2001), doi:10.1214/ss/1009213286, for
/// the interval within a stratum. It holds the truth a little less often than it claims where a stratum gave no miss,
/// so the quantiles are those at 2 and 98 %: see the simulation in `tests/learn.rs`.
pub fn estimate<F>(sampled: &[Sampled], codes: &[String], verdict: F, seed: u64) -> Vec<Missed>
where
    F: Fn(&str, usize, &str) -> Option<bool>,
{
    let one = |code: &String| {
        let mut strata: BTreeMap<Stratum, (usize, usize, usize, usize)> = BTreeMap::new();
        for answer in sampled {
            let Some(holds) = verdict(&answer.transcript, answer.turn, code) else { continue };
            let counts = strata.entry(answer.stratum).or_insert((answer.of, 0, 0, 0));
            let untouched = !answer.proposed.contains(code);
            counts.1 += 1;
            counts.2 += usize::from(untouched);
            counts.3 += usize::from(untouched && holds);
        }
        let strata: Vec<_> = strata.into_values().collect();
        missed(code, &strata, seed)
    };
    codes.iter().filter_map(one).collect()
}

/// From (answers, judged, judged and untouched, missed) of each stratum.
fn missed(code: &str, strata: &[(usize, usize, usize, usize)], seed: u64) -> Option<Missed> {
    let judged: usize = strata.iter().map(|s| s.2).sum();
    if judged == 0 {
        return None;
    }
    let missed = strata.iter().map(|&(of, n, _, y)| of as f64 * y as f64 / n as f64).sum();
    let mut random = Random::new(seed);
    let posteriors: Vec<Posterior> = strata.iter().map(|&(of, n, _, y)| Posterior::of(of, n, y)).collect();
    let mut sums: Vec<f64> = (0..DRAWS).map(|_| posteriors.iter().map(|p| p.draw(&mut random)).sum()).collect();
    sums.sort_unstable_by(f64::total_cmp);
    let found: usize = strata.iter().map(|s| s.3).sum();
    // The estimate lies in its own interval; where nothing was found, nothing may be missing.
    let low = if found == 0 { 0.0 } else { sums[TAIL].min(missed) };
    let interval = Interval { low, high: sums[DRAWS - 1 - TAIL].max(missed) };
    Some(Missed { code: code.to_string(), judged, found, missed, interval })
}

const DRAWS: usize = 4000;

/// Draws that are left out on either side: 2 %.
const TAIL: usize = DRAWS / 50;

/// What the verdicts of a stratum say of its share of misses.
struct Posterior {
    found: f64,
    missed_none: f64,
    rest: usize,
}

impl Posterior {
    fn of(of: usize, n: usize, y: usize) -> Self {
        Posterior { found: y as f64, missed_none: (n - y) as f64, rest: of.saturating_sub(n) }
    }

    /// The misses of the stratum: those found, and a draw for those that nobody judged.
    fn draw(&self, random: &mut Random) -> f64 {
        if self.rest == 0 {
            return self.found;
        }
        // Beta(y + ½, n − y + ½) as a share of two gamma numbers.
        let (yes, no) = (gamma(self.found + 0.5, random), gamma(self.missed_none + 0.5, random));
        self.found + binomial(self.rest, yes / (yes + no), random)
    }
}

/// A gamma number of this shape and scale 1. Marsaglia and Tsang (2000), doi:10.1145/358407.358414.
fn gamma(shape: f64, random: &mut Random) -> f64 {
    if shape < 1.0 {
        return gamma(shape + 1.0, random) * (1.0 - random.unit()).powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = random.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - random.unit()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// A binomial number: exact while it is small, by the gaps between hits; normal when it is large.
fn binomial(n: usize, share: f64, random: &mut Random) -> f64 {
    const EXACT: f64 = 30.0;
    let mean = n as f64 * share;
    if share > 0.5 {
        return n as f64 - binomial(n, 1.0 - share, random);
    }
    if mean > EXACT {
        return (mean + (mean * (1.0 - share)).sqrt() * random.normal()).round().clamp(0.0, n as f64);
    }
    let miss = (1.0 - share).ln();
    let (mut at, mut hits) = (0.0, 0.0);
    loop {
        // The number of units passed over before the next hit is geometric.
        at += 1.0 + ((1.0 - random.unit()).ln() / miss).floor();
        if at > n as f64 || miss == 0.0 {
            return hits;
        }
        hits += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_lies_in_its_interval() {
        for strata in
            [vec![(200, 10, 10, 0), (80, 5, 5, 0)], vec![(200, 10, 10, 1), (80, 5, 5, 5)], vec![(9, 9, 9, 3)]]
        {
            let found = missed("role.trainer", &strata, 1).unwrap();
            assert!(found.interval.low <= found.missed && found.missed <= found.interval.high, "{found:?}");
            assert_eq!(found.interval.low == 0.0, found.found == 0);
        }
    }

    #[test]
    fn gamma_numbers_have_their_mean_and_spread() {
        let mut random = Random::new(6);
        for shape in [0.5, 1.5, 20.5] {
            let drawn: Vec<f64> = (0..20_000).map(|_| gamma(shape, &mut random)).collect();
            let mean = drawn.iter().sum::<f64>() / 20_000.0;
            let spread = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
            assert!(
                (mean / shape - 1.0).abs() < 0.05 && (spread / shape - 1.0).abs() < 0.08,
                "{shape}: {mean} {spread}"
            );
        }
    }

    #[test]
    fn binomial_numbers_have_their_mean_and_spread() {
        let mut random = Random::new(5);
        for (n, share) in [(40, 0.02), (200, 0.1), (50, 0.9), (900, 0.4), (10, 0.0), (10, 1.0)] {
            let drawn: Vec<f64> = (0..20_000).map(|_| binomial(n, share, &mut random)).collect();
            let mean = drawn.iter().sum::<f64>() / 20_000.0;
            let spread = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
            let (want, variance) = (n as f64 * share, n as f64 * share * (1.0 - share));
            assert!((mean - want).abs() <= 0.05 * variance.sqrt() + 1e-9, "{n} {share}: {mean}");
            assert!((spread - variance).abs() <= 0.06 * variance + 1e-9, "{n} {share}: {spread}");
        }
    }
}
