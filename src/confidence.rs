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
use crate::lexicon::model::{Cues, Line, Model, NO_STEM};
use crate::lexicon::pairs::Pairs;
use crate::matcher::Scene;
use std::ops::Range;

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

/// The words of a segment as the cue table sees them. Reused from segment to segment.
#[derive(Debug, Clone, Default)]
pub struct Bag {
    /// Rows of the distinct cues, ascending.
    pub rows: Vec<u32>,
    /// 1 / √(number of tokens).
    pub scale: f64,
    /// For each code, the cue score.
    pub scores: Vec<f64>,
    /// A bit for each row that was met, and one for none; all clear between segments.
    met: Vec<u64>,
    /// For each row that was met, twice its first token, and 1 more where it is a pair.
    first: Vec<u32>,
    /// First tokens of neighbours that may be a pair, and their stems.
    neighbours: Vec<(u32, [u32; 2])>,
}

impl Bag {
    /// Takes up the segment that `scene` shows instead of the one before.
    pub fn read(&mut self, scene: &Scene, table: &Cues) {
        let n_tokens: usize = scene.sentences.iter().map(ExactSizeIterator::len).sum();
        self.met.resize(table.n_rows() / 64 + 1, 0);
        self.first.resize(table.n_rows() + 1, 0);
        self.neighbours.resize(n_tokens.max(self.neighbours.len()), (0, [0; 2]));
        // From the last word to the first: what is noted last of a row is where it stands first.
        let read = |n, sentence: &Range<usize>| self.read_sentence(scene, table, sentence.clone(), n);
        let n_neighbours = scene.sentences.iter().rev().fold(0, read);
        self.read_pairs(table.pairs(), n_neighbours);
        self.draw_rows(table.n_rows() as u32);
        self.scale = 1.0 / (n_tokens.max(1) as f64).sqrt();
        self.add_up(table, scene.lexicon.codebook.codes.len());
    }

    /// Notes the single words of a sentence, and, after the first `n` neighbours, those of its own; says how many these
    /// are now. Few of these steps depend on what a word is: there is nothing to guess for the processor.
    fn read_sentence(&mut self, scene: &Scene, table: &Cues, sentence: Range<usize>, mut n: usize) -> usize {
        let (nothing, mut next) = (table.n_rows() as u32, NO_STEM);
        for at in sentence.rev() {
            let stem = scene.forms.brief(scene.tokens[at].form).cue_stem;
            self.meet(table.single(stem).unwrap_or(nothing), at * 2);
            self.neighbours[n] = (at as u32, [stem, next]);
            n += usize::from(table.pairs().may_have(stem, next));
            next = stem;
        }
        n
    }

    /// Notes those of the first `n` neighbours that are a pair.
    fn read_pairs(&mut self, pairs: &Pairs, n: usize) {
        let neighbours = std::mem::take(&mut self.neighbours);
        pairs.call(neighbours[..n].iter().map(|(_, [first, second])| (*first, *second)));
        for &(at, [first, second]) in &neighbours[..n] {
            if let Some(row) = pairs.get(first, second) {
                self.meet(row, at as usize * 2 + 1);
            }
        }
        self.neighbours = neighbours;
    }

    #[inline]
    fn meet(&mut self, row: u32, first: usize) {
        self.met[row as usize / 64] |= 1 << (row % 64);
        self.first[row as usize] = first as u32;
    }

    /// The rows that were met, in order: a table of bits is sorted as it stands.
    fn draw_rows(&mut self, n_rows: u32) {
        self.rows.clear();
        self.met[n_rows as usize / 64] &= !(1 << (n_rows % 64));
        for (word, bits) in (0..).zip(&mut self.met) {
            while *bits != 0 {
                self.rows.push(word * 64 + bits.trailing_zeros());
                *bits &= *bits - 1;
            }
        }
    }

    fn add_up(&mut self, table: &Cues, n_codes: usize) {
        table.call(&self.rows);
        self.scores.clear();
        self.scores.resize(n_codes, 0.0);
        for row in &self.rows {
            for (score, weight) in self.scores.iter_mut().zip(table.weights(*row)) {
                *score += f64::from(*weight);
            }
        }
        self.scores.iter_mut().for_each(|score| *score *= self.scale);
    }

    /// A cue that was met, where it was met first.
    fn cue(&self, row: u32) -> Cue {
        let first = self.first[row as usize];
        let start = first as usize / 2;
        Cue { row, start, end: start + 1 + first as usize % 2 }
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
    Judge::new(scene.lexicon).judge(scene, gathered, least)
}

/// Judges segment after segment: names are looked up once.
pub struct Judge<'l> {
    lexicon: &'l Lexicon,
    bag: Bag,
    /// For each code its fitted line, where it has one.
    lines: Vec<Option<ByPlace<'l>>>,
    /// What the log-odds of each code begin with at the level of the last segment.
    begins: Vec<f64>,
    level: Option<String>,
}

/// A fitted line, and for each code, by its place, what its rule score is multiplied with.
type ByPlace<'l> = (&'l Line, Vec<Option<f64>>);

impl<'l> Judge<'l> {
    /// One for a lexicon.
    pub fn new(lexicon: &'l Lexicon) -> Self {
        let names = || lexicon.codebook.codes.iter().map(|code| code.name.as_str());
        let lines = lexicon.model.as_ref().map(|model| &model.confidence.codes);
        let line = |name| {
            let line = lines?.get(name)?;
            Some((line, names().map(|other| line.rules.get(other).copied()).collect()))
        };
        let lines: Vec<Option<ByPlace>> = names().map(line).collect();
        let begins = begins(&lines, None);
        Judge { lexicon, bag: Bag::default(), lines, begins, level: None }
    }

    /// The verdicts on all codes that reach `least` confidence, in the order of the codebook.
    pub fn judge(&mut self, scene: &Scene, gathered: &Gathered, least: f64) -> Vec<Verdict> {
        match &self.lexicon.model {
            Some(model) => self.fitted(scene, gathered, model, least),
            None => shares(gathered, least),
        }
    }

    fn fitted(&mut self, scene: &Scene, gathered: &Gathered, model: &Model, least: f64) -> Vec<Verdict> {
        self.bag.read(scene, &model.cues);
        if self.level.as_deref() != scene.level {
            self.level = scene.level.map(str::to_string);
            self.begins = begins(&self.lines, scene.level);
        }
        let hopeless = hopeless(least);
        let clamped = |&code: &CodeId| gathered.score(code).clamp(SCORE_RANGE.0, SCORE_RANGE.1);
        let rules: Vec<(CodeId, f64)> = gathered.by_code.keys().map(|code| (*code, clamped(code))).collect();
        let judged = self.lexicon.codebook.ids().filter_map(|code| {
            let (line, weights) = self.lines[usize::from(code.0)].as_ref()?;
            let place = usize::from(code.0);
            let score = log_odds(self.begins[place], line, weights, &rules, self.bag.scores[place]);
            if score < hopeless {
                return None;
            }
            let confidence = sigmoid(score);
            (confidence >= least).then(|| Verdict {
                code,
                score,
                confidence,
                rule_weight: weights[place].unwrap_or(0.0),
                cues: shown(&self.bag, &model.cues, line, code),
                calibrated_on: line.answers,
            })
        });
        judged.collect()
    }
}

fn shares(gathered: &Gathered, least: f64) -> Vec<Verdict> {
    let verdicts = gathered.by_code.keys().map(|&code| {
        let score = gathered.score(code);
        Verdict { code, score, confidence: share(score), rule_weight: 1.0, cues: Vec::new(), calibrated_on: 0 }
    });
    verdicts.filter(|verdict| verdict.confidence >= least).collect()
}

/// For each code what its log-odds begin with at a level: base and level.
fn begins(lines: &[Option<ByPlace>], level: Option<&str>) -> Vec<f64> {
    let of_level = |line: &Line| level.and_then(|level| line.level.get(level)).copied().unwrap_or(0.0);
    lines.iter().map(|line| line.as_ref().map_or(0.0, |(line, _)| line.base + of_level(line))).collect()
}

/// Log-odds that stay below this confidence for certain: most are far below, and need no exponential.
fn hopeless(least: f64) -> f64 {
    let least = least.clamp(0.0, 0.99);
    (least / (1.0 - least)).ln() - 1e-6
}

/// The log-odds of a code; `rules` are the rule scores of all codes, and `weights` what each is multiplied with.
fn log_odds(begin: f64, line: &Line, weights: &[Option<f64>], rules: &[(CodeId, f64)], cue_score: f64) -> f64 {
    let rules = rules.iter().filter_map(|(other, score)| Some(weights[usize::from(other.0)]? * score));
    begin + rules.sum::<f64>() + line.cues * cue_score
}

fn shown(bag: &Bag, table: &Cues, line: &Line, code: CodeId) -> Vec<(Cue, f64)> {
    let share = |row: u32| f64::from(table.weights(row)[usize::from(code.0)]) * bag.scale * line.cues;
    let mut cues: Vec<(u32, f64)> =
        bag.rows.iter().map(|&row| (row, share(row))).filter(|(_, w)| *w >= SHOWN.1).collect();
    cues.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    cues.into_iter().take(SHOWN.0).map(|(row, share)| (bag.cue(row), share)).collect()
}
