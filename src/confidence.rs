//! From evidence to confidences.
//!
//! Comes in: the rule scores of a segment and its words. Goes out: for each code its log-odds, its confidence, and the
//! words that spoke for it besides the rules. Never happens here: a threshold, or fitting.
//!
//! Without a fitted model the confidence is the combined share of evidence, 1 − e^(−score), which is no probability.
//! With one, log-odds = base + level + Σ rule weight · rule score + cue weight · cue score (see [`Line`]), and the cue
//! score is Σ over the distinct stems and pairs of the segment of their weights, divided by √(number of tokens).

use crate::codebook::CodeId;
use crate::evidence::Gathered;
use crate::lexicon::Lexicon;
use crate::lexicon::model::{Cues, Line, Model};
use crate::matcher::Scene;

/// Rule scores beyond these count as these: many weak rules do not outweigh everything else.
pub const SCORE_RANGE: (f64, f64) = (-2.0, 4.0);

/// The combined share of evidence: 1 − e^(−score), 0 for a score of 0 or below.
///
/// ```
/// # use precode::confidence::share;
/// // Two rules of weight 0.5: 1 − 0.5·0.5.
/// assert!((share(2.0 * 0.5f64.ln().abs()) - 0.75).abs() < 1e-12);
/// ```
pub fn share(score: f64) -> f64 {
    if score <= 0.0 { 0.0 } else { 1.0 - (-score).exp() }
}

/// 1 / (1 + e^−x), without overflow.
///
/// ```
/// # use precode::confidence::sigmoid;
/// assert_eq!(sigmoid(0.0), 0.5);
/// ```
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// A cue that stands in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cue {
    /// Row in the table of cues.
    pub row: u32,
    /// First token of its first occurrence.
    pub start: usize,
    /// First token after it.
    pub end: usize,
}

/// The words of a segment as the cue table sees them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bag {
    /// Distinct cues, by row.
    pub cues: Vec<Cue>,
    /// 1 / √(number of tokens).
    pub scale: f64,
}

impl Bag {
    /// The cues of the segment that `scene` shows.
    pub fn of(scene: &Scene, table: &Cues) -> Self {
        let mut cues = Vec::new();
        let mut n_tokens = 0;
        for sentence in scene.sentences {
            let mut last = u32::MAX;
            n_tokens += sentence.len();
            for at in sentence.clone() {
                let token = scene.tokens[at];
                let stem = scene.forms.get(token.form).cue_stem;
                cues.extend(table.single(stem).map(|row| Cue { row, start: at, end: at + 1 }));
                cues.extend(table.pair(last, stem).map(|row| Cue { row, start: at - 1, end: at + 1 }));
                last = stem;
            }
        }
        cues.sort_by_key(|cue| (cue.row, cue.start));
        cues.dedup_by_key(|cue| cue.row);
        Bag { cues, scale: 1.0 / (n_tokens.max(1) as f64).sqrt() }
    }

    /// The cue score of a code.
    pub fn score(&self, table: &Cues, code: CodeId) -> f64 {
        let weights = self.cues.iter().map(|cue| f64::from(table.weights(cue.row)[usize::from(code.0)]));
        weights.sum::<f64>() * self.scale
    }
}

/// What became of one code in one segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The code.
    pub code: CodeId,
    /// Log-odds with a fitted model, else the sum of contributions.
    pub score: f64,
    /// In 0..=1.
    pub confidence: f64,
    /// What a contribution of a rule for this code is multiplied with in `score`.
    pub rule_weight: f64,
    /// Cues that speak for the code, strongest first, with their share of `score`.
    pub cues: Vec<(Cue, f64)>,
    /// Judgements that the confidence was fitted on; 0: not fitted.
    pub calibrated_on: usize,
}

/// Cues shown for a code at most, and the least log-odds that one must add to be shown.
const SHOWN: (usize, f64) = (6, 0.1);

/// The verdicts on all codes that reach `least` confidence, in the order of the codebook.
pub fn judge(scene: &Scene, gathered: &Gathered, least: f64) -> Vec<Verdict> {
    match &scene.lexicon.model {
        Some(model) => fitted(scene, gathered, model, least),
        None => shares(gathered, least),
    }
}

fn shares(gathered: &Gathered, least: f64) -> Vec<Verdict> {
    let verdicts = gathered.by_code.keys().map(|&code| {
        let score = gathered.score(code);
        Verdict { code, score, confidence: share(score), rule_weight: 1.0, cues: Vec::new(), calibrated_on: 0 }
    });
    verdicts.filter(|verdict| verdict.confidence >= least).collect()
}

fn fitted(scene: &Scene, gathered: &Gathered, model: &Model, least: f64) -> Vec<Verdict> {
    let bag = Bag::of(scene, &model.cues);
    let codebook = &scene.lexicon.codebook;
    let judged = codebook.ids().filter_map(|code| {
        let line = model.confidence.codes.get(&codebook.code(code).name)?;
        let score = log_odds(scene.lexicon, line, gathered, scene.level, bag.score(&model.cues, code));
        let confidence = sigmoid(score);
        (confidence >= least).then(|| Verdict {
            code,
            score,
            confidence,
            rule_weight: line.rules.get(&codebook.code(code).name).copied().unwrap_or(0.0),
            cues: shown(&bag, &model.cues, line, code),
            calibrated_on: line.answers,
        })
    });
    judged.collect()
}

/// The log-odds of a code.
pub fn log_odds(lexicon: &Lexicon, line: &Line, gathered: &Gathered, level: Option<&str>, cue_score: f64) -> f64 {
    let level = level.and_then(|level| line.level.get(level)).copied().unwrap_or(0.0);
    let rules = gathered.by_code.keys().filter_map(|&other| {
        let weight = line.rules.get(&lexicon.codebook.code(other).name)?;
        Some(weight * gathered.score(other).clamp(SCORE_RANGE.0, SCORE_RANGE.1))
    });
    line.base + level + rules.sum::<f64>() + line.cues * cue_score
}

fn shown(bag: &Bag, table: &Cues, line: &Line, code: CodeId) -> Vec<(Cue, f64)> {
    let share = |cue: &Cue| f64::from(table.weights(cue.row)[usize::from(code.0)]) * bag.scale * line.cues;
    let mut cues: Vec<(Cue, f64)> =
        bag.cues.iter().map(|cue| (*cue, share(cue))).filter(|(_, w)| *w >= SHOWN.1).collect();
    cues.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.row.cmp(&b.0.row)));
    cues.truncate(SHOWN.0);
    cues
}
