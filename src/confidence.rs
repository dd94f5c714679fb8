//! From evidence to confidences.
//!
//! Comes in: the rule scores of a segment and its words. Goes out: for each code its log-odds, its confidence, and the
//! words that spoke for it besides the rules. Never happens here: a threshold, or fitting.
//!
//! Without a fitted model the confidence is the combined share of evidence, 1 − e^(−score), which is no probability.
//! With one, log-odds = base + level + Σ rule weight · rule score + cue weight · cue score (see [`Line`]), and the cue
//! score is Σ over the distinct stems and pairs of the segment of their weights, divided by √(number of tokens), which
//! counts as 32 at least.

use crate::codebook::CodeId;
use crate::evidence::{Bounds, Gathered, Gatherer, Surroundings};
use crate::lexicon::Lexicon;
use crate::lexicon::model::{Cues, Line, Met, Model, NO_STEM, ROUNDING};
use crate::lexicon::pairs::{Pairs, Sides};
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

/// Tokens that a segment counts as at least: a "No." or "Each other." says little, whatever stands in longer answers
/// with these words.
const FEWEST_TOKENS: usize = 32;

/// What the sum of the weights of the cues of a segment is multiplied with, by its number of tokens.
///
/// ```
/// # use precode::confidence::cue_scale;
/// assert_eq!([1, 32, 64, 100].map(cue_scale), [32f64.sqrt().recip(), 32f64.sqrt().recip(), 0.125, 0.1]);
/// ```
pub fn cue_scale(n_tokens: usize) -> f64 {
    1.0 / (n_tokens.max(FEWEST_TOKENS) as f64).sqrt()
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

impl From<Met> for Cue {
    fn from(met: Met) -> Cue {
        let start = met.first as usize / 2;
        Cue { row: met.row, start, end: start + 1 + met.first as usize % 2 }
    }
}

/// The words of a segment as the cue table sees them. Reused from segment to segment.
#[derive(Debug, Clone, Default)]
struct Bag {
    /// The distinct cues of the segment are the first `n_met`; after them there is room.
    met: Vec<Met>,
    n_met: usize,
    /// [`cue_scale`].
    scale: f64,
    /// The weights of all cues added up, in hundredths; the first are those of the codes.
    sums: Vec<[i32; 8]>,
    /// A bit for each row that was met, and one for none that is always set.
    seen: Vec<u64>,
    /// First tokens of neighbours that may be a pair, and their stems.
    neighbours: Vec<[u32; 3]>,
}

impl Bag {
    /// Takes up the segment that `scene` shows instead of the one before.
    fn read(&mut self, scene: &Scene, table: &Cues) {
        let n_tokens: usize = scene.sentences.iter().map(ExactSizeIterator::len).sum();
        self.forget(table.n_rows());
        self.met.resize((2 * n_tokens + 1).max(self.met.len()), Met::default());
        self.neighbours.resize((n_tokens + 1).max(self.neighbours.len()), [0; 3]);
        let mut n_neighbours = 0;
        for sentence in scene.sentences {
            n_neighbours = self.read_sentence(scene, table, sentence.clone(), n_neighbours);
        }
        self.read_pairs(table.pairs(), n_neighbours);
        self.scale = cue_scale(n_tokens);
        table.add_up(&self.met[..self.n_met], &mut self.sums);
    }

    /// Clears what the segment before has left.
    fn forget(&mut self, n_rows: usize) {
        self.seen.resize(n_rows / 64 + 1, 0);
        self.met[..self.n_met].iter().for_each(|met| self.seen[met.row as usize / 64] = 0);
        self.seen[n_rows / 64] = 1 << (n_rows % 64);
        self.n_met = 0;
    }

    /// Notes the single words of a sentence, and, after the first `n` neighbours, those of its own; says how many these
    /// are now. Nothing depends on what a known word is: there is nothing to guess for the processor.
    fn read_sentence(&mut self, scene: &Scene, table: &Cues, sentence: Range<usize>, mut n: usize) -> usize {
        let (met, seen, neighbours) = (&mut self.met[..], &mut self.seen[..], &mut self.neighbours[..]);
        let (mut n_met, nothing) = (self.n_met, table.n_rows() as u32);
        // Before the first word there is nothing, which stands beside no stem.
        let (mut last, mut sides) = (NO_STEM, Sides::default());
        for (at, token) in (sentence.start as u32..).zip(&scene.tokens[sentence]) {
            let stem = scene.forms.brief(token.form).cue_stem;
            if stem == NO_STEM {
                sides = Sides::default();
                continue;
            }
            let own = table.pairs().sides(stem);
            let row = table.single(stem).unwrap_or(nothing);
            met[n_met] = Met { row, first: at * 2 };
            n_met += usize::from(is_first(seen, row));
            neighbours[n] = [at.wrapping_sub(1), last, stem];
            n += usize::from(sides.may_meet(last, stem, own));
            (last, sides) = (stem, own);
        }
        self.n_met = n_met;
        n
    }

    /// Notes those of the first `n` neighbours that are a pair.
    fn read_pairs(&mut self, pairs: &Pairs, n: usize) {
        let neighbours = &self.neighbours[..n];
        pairs.call(neighbours);
        for &[at, first, second] in neighbours {
            if let Some(row) = pairs.get(first, second) {
                self.met[self.n_met] = Met { row, first: at * 2 + 1 };
                self.n_met += usize::from(is_first(&mut self.seen, row));
            }
        }
    }

    /// What each cue says of a code.
    fn weights(&self, table: &Cues, code: usize) -> impl Iterator<Item = (Met, f64)> {
        self.met[..self.n_met].iter().map(move |met| (*met, table.weight(met.row, code)))
    }

    /// The cue score of a code.
    fn score(&self, table: &Cues, code: usize) -> f64 {
        self.weights(table, code).fold(0.0, |sum, (_, weight)| sum + weight) * self.scale
    }

    /// The most by which the sum of one code differs from its cue score, but for the scale.
    fn doubt(&self) -> f64 {
        self.n_met as f64 * ROUNDING
    }
}

/// True for a row that was not seen before; from now on it is.
#[inline]
fn is_first(seen: &mut [u64], row: u32) -> bool {
    let (word, bit) = (&mut seen[row as usize / 64], 1 << (row % 64));
    let is_first = *word & bit == 0;
    *word |= bit;
    is_first
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
    lines: Vec<Option<ByPlace<'l>>>,
    slopes: Slopes,
    /// What the log-odds of each code begin with at the level of the last segment.
    begins: Vec<f64>,
    level: Option<String>,
    /// About the log-odds of each code in the last segment without its rules.
    alone: Vec<f64>,
    /// By how much they may be wrong.
    doubt: f64,
    /// Rule scores of the last segment.
    rules: Vec<(CodeId, f64)>,
}

/// A fitted line, and for each code, by its place, what its rule score is multiplied with.
type ByPlace<'l> = (&'l Line, Vec<Option<f64>>);

/// What scores are multiplied with, side by side for all codes; 0 where there is no line.
struct Slopes {
    /// For each code a row with a number for the rule score of each code.
    rules: Vec<f64>,
    cues: Vec<f64>,
    /// The largest of `cues`.
    steepest: f64,
}

impl Slopes {
    fn new(lines: &[Option<ByPlace>]) -> Self {
        let of = |line: &Option<ByPlace>, place: usize| line.as_ref().and_then(|(_, rules)| rules[place]);
        let row = |line| (0..lines.len()).map(move |place| of(line, place).unwrap_or(0.0));
        let cues: Vec<f64> = lines.iter().map(|line| line.as_ref().map_or(0.0, |(line, _)| line.cues)).collect();
        let steepest = cues.iter().fold(0.0, |most: f64, slope| most.max(slope.abs()));
        Slopes { rules: lines.iter().flat_map(row).collect(), cues, steepest }
    }

    /// Without a fitted model each score stands for itself.
    fn plain(n_codes: usize) -> Self {
        let row = |place| (0..n_codes).map(move |other| f64::from(u8::from(other == place)));
        Slopes { rules: (0..n_codes).flat_map(row).collect(), cues: vec![0.0; n_codes], steepest: 0.0 }
    }

    /// What the rule score of each code is multiplied with, for one code.
    #[inline]
    fn of(&self, code: CodeId) -> &[f64] {
        &self.rules[usize::from(code.0) * self.cues.len()..][..self.cues.len()]
    }
}

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
        let slopes = if lexicon.model.is_some() { Slopes::new(&lines) } else { Slopes::plain(lines.len()) };
        let (begins, alone) = (begins(&lines, None), vec![0.0; lines.len()]);
        let (bag, rules) = (Bag::default(), Vec::new());
        Judge { lexicon, bag, lines, slopes, begins, level: None, alone, doubt: 1e-6, rules }
    }

    /// The evidence in a segment and the verdicts on all codes that reach `least` confidence, in the order of the
    /// codebook; none where no code does. Rules are worked out only until that is certain.
    pub fn weigh(
        &mut self,
        gatherer: &mut Gatherer,
        scene: &Scene,
        around: &Surroundings,
        least: f64,
    ) -> Option<(Gathered, Vec<Verdict>)> {
        gatherer.begin(scene, around);
        if let Some(model) = &self.lexicon.model {
            self.read(scene, &model.cues);
        }
        if !self.may_reach(gatherer, scene, around, least) {
            return None;
        }
        let gathered = gatherer.finish(scene, around);
        let verdicts = match &self.lexicon.model {
            Some(model) => self.fitted(&gathered, model, least),
            None => shares(&gathered, least),
        };
        Some((gathered, verdicts)).filter(|(_, verdicts)| !verdicts.is_empty())
    }

    /// True when a code may reach `least` confidence by what the rules say, or still may say.
    fn may_reach(&self, gatherer: &mut Gatherer, scene: &Scene, around: &Surroundings, least: f64) -> bool {
        let wanted = self.hopeless(least);
        self.lexicon.codebook.ids().any(|code| {
            while self.at_most(code, gatherer) >= wanted {
                let Some(darkest) = self.darkest(code, gatherer) else { return true };
                gatherer.look_closer(scene, around, darkest);
            }
            false
        })
    }

    /// What the log-odds of a code may be at most, but for rounding; without a fitted model its score.
    fn at_most(&self, code: CodeId, gatherer: &Gatherer) -> f64 {
        let slopes = self.slopes.of(code);
        let most = |(other, bounds): (CodeId, Bounds)| {
            let (least, most) = clamped(bounds);
            let slope = slopes[usize::from(other.0)];
            larger(slope * least, slope * most)
        };
        gatherer.bounds().map(most).fold(self.alone[usize::from(code.0)], |all, most| all + most)
    }

    /// The code whose rules that are not worked out leave open most about the log-odds of this code: itself, as long as
    /// any of its own are open.
    fn darkest(&self, code: CodeId, gatherer: &Gatherer) -> Option<CodeId> {
        let slopes = self.slopes.of(code);
        let width = |(other, bounds): (CodeId, Bounds)| {
            let (least, most) = clamped(bounds);
            (slopes[usize::from(other.0)] * (most - least)).abs()
        };
        let open = || gatherer.bounds().filter(|(_, bounds)| bounds.n_open > 0);
        let own = open().find(|both| both.0 == code && width(*both) > 0.0);
        own.or_else(|| open().max_by(|a, b| width(*a).total_cmp(&width(*b)))).map(|(code, _)| code)
    }

    /// The verdicts on all codes that reach `least` confidence, in the order of the codebook.
    pub fn judge(&mut self, scene: &Scene, gathered: &Gathered, least: f64) -> Vec<Verdict> {
        let Some(model) = &self.lexicon.model else { return shares(gathered, least) };
        self.read(scene, &model.cues);
        self.fitted(gathered, model, least)
    }

    /// Takes up the words of a segment.
    fn read(&mut self, scene: &Scene, table: &Cues) {
        self.bag.read(scene, table);
        if self.level.as_deref() != scene.level {
            self.level = scene.level.map(str::to_string);
            self.begins = begins(&self.lines, scene.level);
        }
        self.alone.clone_from(&self.begins);
        let sums = self.bag.sums.as_flattened().iter().zip(&self.slopes.cues);
        let hundredth = self.bag.scale / 100.0;
        self.alone
            .iter_mut()
            .zip(sums)
            .for_each(|(alone, (sum, slope))| *alone += slope * f64::from(*sum) * hundredth);
        self.doubt = 1e-6 + self.slopes.steepest * self.bag.doubt() * self.bag.scale;
    }

    fn fitted(&mut self, gathered: &Gathered, model: &Model, least: f64) -> Vec<Verdict> {
        let clamped = |&code: &CodeId| gathered.score(code).clamp(SCORE_RANGE.0, SCORE_RANGE.1);
        self.rules.clear();
        self.rules.extend(gathered.by_code.keys().map(|code| (*code, clamped(code))));
        let hopeless = self.hopeless(least);
        let codes = self.lexicon.codebook.ids().filter(|code| self.about(*code) >= hopeless);
        codes.filter_map(|code| self.verdict(code, &model.cues, least)).collect()
    }

    /// About log-odds below this stay below this confidence for certain: most are far below, and need no exponential.
    fn hopeless(&self, least: f64) -> f64 {
        let least = least.clamp(0.0, 0.98);
        let score = if self.lexicon.model.is_some() { (least / (1.0 - least)).ln() } else { -(1.0 - least).ln() };
        if least == 0.0 { f64::NEG_INFINITY } else { score - self.doubt }
    }

    /// The log-odds of a code but for rounding. Most codes are far from being written, and need no closer look.
    fn about(&self, code: CodeId) -> f64 {
        let slopes = self.slopes.of(code);
        let rules = self.rules.iter().map(|(other, score)| slopes[usize::from(other.0)] * score);
        rules.fold(self.alone[usize::from(code.0)], |all, rule| all + rule)
    }

    fn verdict(&self, code: CodeId, table: &Cues, least: f64) -> Option<Verdict> {
        let place = usize::from(code.0);
        let (line, weights) = self.lines[place].as_ref()?;
        let score = log_odds(self.begins[place], line, weights, &self.rules, self.bag.score(table, place));
        let confidence = sigmoid(score);
        (confidence >= least).then(|| Verdict {
            code,
            score,
            confidence,
            rule_weight: weights[place].unwrap_or(0.0),
            cues: shown(&self.bag, table, line, place),
            calibrated_on: line.answers,
        })
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
    // A code without a line is never reached.
    let begin =
        |line: &Option<ByPlace>| line.as_ref().map_or(f64::NEG_INFINITY, |(line, _)| line.base + of_level(line));
    lines.iter().map(begin).collect()
}

/// The larger of two numbers, neither of which is no number.
#[inline]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The least and the most that a score within bounds counts as.
#[inline]
fn clamped(bounds: Bounds) -> (f64, f64) {
    let clamp = |score: f64| score.clamp(SCORE_RANGE.0, SCORE_RANGE.1);
    (clamp(bounds.least), clamp(bounds.most))
}

/// The log-odds of a code; `rules` are the rule scores of all codes, and `weights` what each is multiplied with.
fn log_odds(begin: f64, line: &Line, weights: &[Option<f64>], rules: &[(CodeId, f64)], cue_score: f64) -> f64 {
    let rules = rules.iter().filter_map(|(other, score)| Some(weights[usize::from(other.0)]? * score));
    begin + rules.sum::<f64>() + line.cues * cue_score
}

fn shown(bag: &Bag, table: &Cues, line: &Line, code: usize) -> Vec<(Cue, f64)> {
    let shares = bag.weights(table, code).map(|(met, weight)| (met, weight * bag.scale * line.cues));
    let mut cues: Vec<(Met, f64)> = shares.filter(|(_, share)| *share >= SHOWN.1).collect();
    cues.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.row.cmp(&b.0.row)));
    cues.into_iter().take(SHOWN.0).map(|(met, share)| (met.into(), share)).collect()
}
