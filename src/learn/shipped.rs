//! The confidence that a codebook ships with: fitted on labelled speech, measured on speech that it has not seen.
//!
//! Comes in: answers with their rule scores, words and labels. Goes out: a [`Model`]. Never happens here: files.
//!
//! Two layers, so that neither flatters itself. First, each cue (a stem, or two neighbouring stems) gets a weight for
//! each code by logistic regression on the practice answers. Second, a line for each code weighs rule scores, level
//! and cue score, fitted on cue scores that were made **without** the interview in question (five folds by interview),
//! so that it knows how far cues can be trusted on new speech.

use super::logistic::{Case, Prior, fit};
use crate::codebook::{CodeId, Codebook};
use crate::confidence::{SCORE_RANGE, cue_scale};
use crate::lexicon::model::{CONFIDENCE_SCHEMA, Confidence, Cues, Line};
use crate::pipeline::Observation;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A labelled answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The interview; answers of one interview are never on both sides of a fold.
    pub interview: String,
    /// Level of the speaker.
    pub level: Option<String>,
    /// Rule score of every code, within [`SCORE_RANGE`].
    pub scores: Vec<f64>,
    /// Distinct cues.
    pub cues: BTreeSet<String>,
    /// [`cue_scale`] of its tokens.
    pub scale: f64,
    /// Codes that a person gave.
    pub labels: BTreeSet<CodeId>,
}

impl Answer {
    /// An answer, as the pipeline saw it.
    pub fn new(interview: String, observed: &Observation, labels: BTreeSet<CodeId>, codebook: &Codebook) -> Self {
        let score = |code| observed.gathered.score(code).clamp(SCORE_RANGE.0, SCORE_RANGE.1);
        let stems: BTreeSet<&String> = observed.stems.iter().flatten().collect();
        let n_tokens: usize = observed.stems.iter().map(Vec::len).sum();
        let pairs = observed.stems.iter().flat_map(|sentence| sentence.windows(2));
        let pairs = pairs.map(|pair| format!("{} {}", pair[0], pair[1]));
        Answer {
            interview,
            level: observed.level.clone(),
            scores: codebook.ids().map(score).collect(),
            scale: cue_scale(n_tokens),
            cues: stems.into_iter().cloned().chain(pairs).collect(),
            labels,
        }
    }
}

/// A cue stands in the table when it stands in so many practice answers.
const SUPPORT: usize = 4;

/// Spread of the weights of cues around 0: a cue of one spread in an answer of 100 tokens shifts the log-odds by 1.2.
const CUE_SPREAD: f64 = 12.0;

/// Folds for the second layer.
const FOLDS: usize = 5;

/// What the two layers need of the practice answers: cue scores made without the answer's own interview.
pub struct Practice<'a> {
    codebook: &'a Codebook,
    answers: Vec<&'a Answer>,
    /// For each code, for each answer.
    unseen: Vec<Vec<f64>>,
    /// The table fitted on all of them.
    cues: Cues,
    vocabulary: Vec<String>,
}

impl<'a> Practice<'a> {
    /// Fits the first layer.
    pub fn new(codebook: &'a Codebook, answers: &'a [Answer]) -> Self {
        let answers: Vec<&Answer> = answers.iter().collect();
        let vocabulary = vocabulary(&answers);
        let places: BTreeMap<&str, usize> = vocabulary.iter().enumerate().map(|(i, cue)| (cue.as_str(), i)).collect();
        let rows: Vec<Vec<(usize, f64)>> = answers.iter().map(|answer| row(answer, &places)).collect();
        let fold = folds(&answers);
        let codes: Vec<CodeId> = codebook.ids().collect();
        let unseen = codes.par_iter().map(|&code| unseen(&answers, &rows, &fold, vocabulary.len(), code)).collect();
        let all: Vec<usize> = (0..answers.len()).collect();
        let weights: Vec<Vec<f64>> =
            codes.par_iter().map(|&code| weigh(&answers, &rows, &all, vocabulary.len(), code)).collect();
        let table = vocabulary.iter().enumerate().map(|(i, cue)| {
            // Hundredths, as the file holds them: what is measured here is what ships.
            let hundredths = |w: &Vec<f64>| (w[i] * 100.0).round() as i16;
            (cue.clone(), weights.iter().map(hundredths).collect())
        });
        let cues = Cues::new(table.collect::<Vec<_>>(), codes.len());
        Practice { codebook, answers, unseen, cues, vocabulary }
    }

    /// The table of cues.
    pub fn cues(&self) -> &Cues {
        &self.cues
    }

    /// Number of cues.
    pub fn n_cues(&self) -> usize {
        self.vocabulary.len()
    }

    /// Fits the second layer, on the practice answers and on others that the first layer has not seen.
    pub fn confidence(&self, others: &[&Answer], digest: &str, fitted_on: Vec<String>) -> Confidence {
        let codes: Vec<CodeId> = self.codebook.ids().collect();
        let lines = codes.par_iter().map(|&code| (self.codebook.code(code).name.clone(), self.line(code, others)));
        Confidence {
            schema: CONFIDENCE_SCHEMA.to_string(),
            codebook: digest.to_string(),
            fitted_on,
            codes: lines.collect(),
        }
    }

    /// The cue score of an answer, as the pipeline makes it.
    pub fn cue_score(&self, answer: &Answer, code: CodeId) -> f64 {
        let weight = |cue: &String| {
            let (first, second) = cue.split_once(' ').map_or((cue.as_str(), None), |(a, b)| (a, Some(b)));
            let first = self.cues.stem(first);
            let row = match second {
                Some(second) => self.cues.pair(first, self.cues.stem(second)),
                None => self.cues.single(first),
            };
            row.map_or(0.0, |row| self.cues.weight(row, usize::from(code.0)))
        };
        answer.cues.iter().map(weight).sum::<f64>() * answer.scale
    }

    fn line(&self, code: CodeId, others: &[&Answer]) -> Line {
        let n = self.codebook.codes.len();
        let own = usize::from(code.0);
        let practice = self.answers.iter().zip(&self.unseen[own]).map(|(answer, &cues)| case(answer, code, cues));
        let more = others.iter().map(|answer| case(answer, code, self.cue_score(answer, code)));
        let cases: Vec<Case> = practice.chain(more).collect();
        // Own rules and cues are expected to speak for the code; what other codes' rules say is learned.
        let mut priors = vec![Prior { mean: 0.0, spread: 0.5 }; n + 4];
        priors[own] = Prior { mean: 1.0, spread: 1.0 };
        priors[n] = Prior { mean: 0.5, spread: 1.0 };
        priors[n + 1] = Prior { mean: -2.0, spread: 5.0 };
        let weights: Vec<f64> = fit(&cases, &priors).into_iter().map(|w| (w * 1e4).round() / 1e4).collect();
        let rules = self.codebook.ids().zip(&weights).filter(|(_, w)| **w != 0.0);
        Line {
            answers: cases.len(),
            base: weights[n + 1],
            level: [("central_office", n + 2), ("school", n + 3)]
                .map(|(name, i)| (name.to_string(), weights[i]))
                .into(),
            rules: rules
                .map(|(id, w)| (self.codebook.code(id).name.clone(), own_at_least_0(id == code, *w)))
                .collect(),
            cues: weights[n].max(0.0),
        }
    }
}

/// More support must never lower a code's own confidence.
fn own_at_least_0(own: bool, weight: f64) -> f64 {
    if own { weight.max(0.0) } else { weight }
}

fn case(answer: &Answer, code: CodeId, cue_score: f64) -> Case {
    let n = answer.scores.len();
    let scores = answer.scores.iter().copied().enumerate().filter(|(_, score)| *score != 0.0);
    let level = match answer.level.as_deref() {
        Some("central_office") => Some((n + 2, 1.0)),
        Some("school") => Some((n + 3, 1.0)),
        _ => None,
    };
    let features = scores.chain([(n, cue_score), (n + 1, 1.0)]).chain(level).collect();
    Case { features, offset: 0.0, holds: answer.labels.contains(&code) }
}

/// Cues that stand in enough answers, sorted.
fn vocabulary(answers: &[&Answer]) -> Vec<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    answers.iter().flat_map(|answer| &answer.cues).for_each(|cue| *counts.entry(cue).or_default() += 1);
    counts.into_iter().filter(|(_, n)| *n >= SUPPORT).map(|(cue, _)| cue.clone()).collect()
}

fn row(answer: &Answer, places: &BTreeMap<&str, usize>) -> Vec<(usize, f64)> {
    answer.cues.iter().filter_map(|cue| places.get(cue.as_str())).map(|&i| (i, answer.scale)).collect()
}

/// The fold of each answer: interviews in the order of their names, dealt out in turn.
fn folds(answers: &[&Answer]) -> Vec<usize> {
    let names: BTreeSet<&str> = answers.iter().map(|answer| answer.interview.as_str()).collect();
    let places: BTreeMap<&str, usize> = names.into_iter().zip(0..).collect();
    answers.iter().map(|answer| places[answer.interview.as_str()] % FOLDS).collect()
}

/// Cue scores of one code, each made by weights that have not seen the answer's interview.
fn unseen(answers: &[&Answer], rows: &[Vec<(usize, f64)>], fold: &[usize], n_cues: usize, code: CodeId) -> Vec<f64> {
    let mut scores = vec![0.0; answers.len()];
    for held_out in 0..FOLDS {
        let seen: Vec<usize> = (0..answers.len()).filter(|&i| fold[i] != held_out).collect();
        let weights = weigh(answers, rows, &seen, n_cues, code);
        for i in (0..answers.len()).filter(|&i| fold[i] == held_out) {
            scores[i] = rows[i].iter().map(|&(j, x)| weights[j] * x).sum();
        }
    }
    scores
}

/// Weights of the cues for one code, fitted on some of the answers.
fn weigh(answers: &[&Answer], rows: &[Vec<(usize, f64)>], some: &[usize], n_cues: usize, code: CodeId) -> Vec<f64> {
    let case = |&i: &usize| {
        let features = rows[i].iter().copied().chain([(n_cues, 1.0)]).collect();
        Case { features, offset: 0.0, holds: answers[i].labels.contains(&code) }
    };
    let cases: Vec<Case> = some.iter().map(case).collect();
    let mut priors = vec![Prior { mean: 0.0, spread: CUE_SPREAD }; n_cues];
    priors.push(Prior { mean: -2.0, spread: 5.0 });
    let mut weights = fit(&cases, &priors);
    weights.truncate(n_cues);
    weights
}

/// The confidence of a code in an answer.
pub fn confidence(practice: &Practice, fitted: &Confidence, answer: &Answer, code: CodeId) -> f64 {
    let codebook = practice.codebook;
    let Some(line) = fitted.codes.get(&codebook.code(code).name) else { return 0.0 };
    let level = answer.level.as_ref().and_then(|level| line.level.get(level)).copied().unwrap_or(0.0);
    let weight = |id: CodeId| line.rules.get(&codebook.code(id).name).copied().unwrap_or(0.0);
    let rules: f64 = codebook.ids().zip(&answer.scores).map(|(id, score)| weight(id) * score).sum();
    crate::confidence::sigmoid(line.base + level + rules + line.cues * practice.cue_score(answer, code))
}

/// Confidences of the development answers, each by a line that was fitted without its interview.
pub fn held_out(practice: &Practice, development: &[Answer], digest: &str) -> Vec<Vec<f64>> {
    let interviews: BTreeSet<&str> = development.iter().map(|answer| answer.interview.as_str()).collect();
    let by_interview = interviews.into_iter().map(|interview| {
        let others: Vec<&Answer> = development.iter().filter(|answer| answer.interview != interview).collect();
        (interview, practice.confidence(&others, digest, Vec::new()))
    });
    let fitted: BTreeMap<&str, Confidence> = by_interview.collect();
    development.iter().map(|answer| confidences(practice, &fitted[answer.interview.as_str()], answer)).collect()
}

/// The confidence of every code in an answer; of exclusive codes that both reach a proposal, only the higher one
/// keeps it (see `pipeline`).
pub fn confidences(practice: &Practice, fitted: &Confidence, answer: &Answer) -> Vec<f64> {
    practice.codebook.ids().map(|code| confidence(practice, fitted, answer, code)).collect()
}
