//! What speaks for and against each code in a segment.
//!
//! Comes in: a segment, the question before it, the speaker. Goes out: every rule that fired, with its words, its
//! context and what it contributes. Never happens here: a threshold, or a choice between codes.
//!
//! A rule of weight *w* contributes −ln(1 − *w*) to the score of its code: independent shares of full evidence combine
//! as 1 − Π(1 − *w*), whose −ln(1 − ·) is that sum. A second hit of the same rule contributes half, further ones
//! nothing; a context that weakens halves; a weight below 0 subtracts.

use crate::codebook::CodeId;
use crate::context::{self, Contexts};
use crate::lexicon::terms::glob_matches;
use crate::lexicon::{Context, Effect, Lexicon, Pat, Rule};
use crate::matcher::{Match, Scene};
use std::collections::{BTreeMap, BTreeSet};

/// One hit of one rule, for one code.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The rule, as a place in [`Lexicon::rules`].
    pub rule: usize,
    /// The code that it speaks for.
    pub code: CodeId,
    /// Its words.
    pub hit: Match,
    /// What it contributes to the score.
    pub contribution: f64,
    /// What is the matter with the words.
    pub contexts: Contexts,
    /// True when every content word of the hit stands in the question before.
    pub echo: bool,
}

/// Evidence of one segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gathered {
    /// Hits, by code, then in the order of the text.
    pub by_code: BTreeMap<CodeId, Vec<Found>>,
}

impl Gathered {
    /// The score of a code: the sum of contributions.
    pub fn score(&self, code: CodeId) -> f64 {
        self.by_code.get(&code).map_or(0.0, |found| found.iter().map(|f| f.contribution).sum())
    }
}

/// What a rule may ask about besides the segment's words.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The question before the answer, where there is one.
    pub question: Option<Scene<'a>>,
    /// Attributes of the speaker.
    pub attributes: &'a BTreeMap<String, String>,
}

/// Largest weight that counts: a weight of 1 would be infinite evidence.
const MOST_WEIGHT: f64 = 0.98;

/// What a weight contributes to the score.
///
/// ```
/// # use precode::evidence::contribution;
/// assert!((contribution(0.5) - 0.6931).abs() < 1e-4);
/// assert_eq!(contribution(-0.5), -contribution(0.5));
/// ```
pub fn contribution(weight: f64) -> f64 {
    -(1.0 - weight.abs().min(MOST_WEIGHT)).ln() * weight.signum()
}

/// Evidence in the segment that `scene` shows.
pub fn gather(scene: &Scene, around: &Surroundings) -> Gathered {
    let lexicon = scene.lexicon;
    let mut gathered = Gathered::default();
    let candidates = candidates(scene);
    if candidates.is_empty() {
        return gathered;
    }
    let scopes = context::scopes(scene);
    for second_pass in [false, true] {
        let rules = candidates
            .iter()
            .map(|&rule| rule as usize)
            .filter(|&rule| lexicon.rules[rule].second_pass == second_pass);
        let found: Vec<Found> = rules.flat_map(|rule| fire(scene, around, &gathered, &scopes, rule)).collect();
        for found in found {
            gathered.by_code.entry(found.code).or_default().push(found);
        }
    }
    gathered.by_code.values_mut().for_each(|found| found.sort_by_key(|f| (f.hit, f.rule)));
    gathered
}

/// Rules that may fire: those of which a rarest word stands in the segment.
fn candidates(scene: &Scene) -> BTreeSet<u32> {
    let tokens = scene.sentences.iter().flat_map(|sentence| sentence.clone());
    let terms = tokens.flat_map(|i| scene.terms(i));
    let at_words = terms.flat_map(|&term| &scene.lexicon.rules_at[term as usize]);
    at_words.chain(&scene.lexicon.rules_anywhere).copied().collect()
}

/// What one rule contributes.
fn fire(scene: &Scene, around: &Surroundings, so_far: &Gathered, scopes: &[Contexts], place: usize) -> Vec<Found> {
    let rule = &scene.lexicon.rules[place];
    if !speaker_fits(rule, around.attributes) {
        return Vec::new();
    }
    // A speaker of unknown level is read as the rule expects: "we" is whom the rule's "we" would be.
    let scene = &Scene { level: scene.level.or(rule.level.as_deref()), ..*scene };
    let hits = hits(scene, rule);
    if hits.is_empty() || !surroundings_fit(scene, around, so_far, rule) {
        return Vec::new();
    }
    let mut found: Vec<Found> = hits.into_iter().flat_map(|hit| judge(scene, around, scopes, place, hit)).collect();
    diminish(&mut found);
    found
}

fn speaker_fits(rule: &Rule, attributes: &BTreeMap<String, String>) -> bool {
    let level = attributes.get("level").map(String::as_str).filter(|level| !level.is_empty());
    let level_fits = match (&rule.level, level) {
        (Some(wanted), Some(level)) => wanted == level,
        _ => true,
    };
    level_fits
        && rule
            .when
            .iter()
            .all(|(key, glob)| attributes.get(key).is_some_and(|value| glob_matches(glob, &value.to_lowercase())))
}

/// Hits of any of the rule's patterns, overlapping ones of the same rule only once, without those that what stands
/// near them rules out.
fn hits(scene: &Scene, rule: &Rule) -> Vec<Match> {
    let mut hits: Vec<Match> = rule.patterns.iter().flat_map(|pat| scene.matches(pat)).collect();
    hits.retain(|hit| !ruled_out(scene, rule, *hit));
    hits.sort_by_key(|hit| (hit.end - hit.start, hit.start));
    let mut kept: Vec<Match> = Vec::new();
    for hit in hits {
        if kept.iter().all(|other| hit.end <= other.start || other.end <= hit.start) {
            kept.push(hit);
        }
    }
    kept.sort_unstable();
    kept
}

pub(crate) fn ruled_out(scene: &Scene, rule: &Rule, hit: Match) -> bool {
    let Some(sentence) = scene.sentences.iter().find(|sentence| sentence.contains(&hit.start)) else { return false };
    let near = |pat: &Option<Pat>, before: bool, after: bool, window: u16| {
        let window = u32::from(rule.window.unwrap_or(window));
        pat.as_ref().is_some_and(|pat| {
            scene.in_sentence(pat, sentence).iter().any(|other| {
                let precedes = before && other.end <= hit.start && scene.distance(other.end, hit.start) <= window;
                let follows = after && other.start >= hit.end && scene.distance(hit.end, other.start) <= window;
                let overlaps = before && after && other.start < hit.end && hit.start < other.end;
                precedes || follows || overlaps
            })
        })
    };
    near(&rule.not_near, true, true, 6)
        || near(&rule.not_before, false, true, 0)
        || near(&rule.not_after, true, false, 0)
}

fn surroundings_fit(scene: &Scene, around: &Surroundings, so_far: &Gathered, rule: &Rule) -> bool {
    let holds = |pat: &Pat| stands(scene, so_far, pat);
    let asked = rule.asked.as_ref().is_none_or(|pat| around.question.is_some_and(|question| question.holds(pat)));
    asked && rule.with.iter().all(holds) && !rule.without.iter().any(holds)
}

/// True when the pattern matches in the segment, or the code that it names has evidence there.
pub(crate) fn stands(scene: &Scene, so_far: &Gathered, pat: &Pat) -> bool {
    match pat {
        Pat::Code(code) => so_far.score(*code) > 0.0,
        Pat::Alt(pats) => pats.iter().any(|pat| stands(scene, so_far, pat)),
        Pat::Both(pats) if pats.iter().any(|pat| matches!(pat, Pat::Code(_) | Pat::Alt(_))) => {
            pats.iter().all(|pat| stands(scene, so_far, pat))
        }
        pat => scene.holds(pat),
    }
}

/// The hit as evidence for each of the rule's codes, after what its context does to it.
fn judge(scene: &Scene, around: &Surroundings, scopes: &[Contexts], place: usize, hit: Match) -> Vec<Found> {
    let rule = &scene.lexicon.rules[place];
    let focus = &scopes[hit.focus_start..hit.focus_end];
    let contexts = focus.iter().fold(Contexts::default(), |all, &one| all.union(one));
    let effects: Vec<Effect> =
        Context::ALL.into_iter().filter(|&c| contexts.has(c)).filter_map(|c| rule.effects[c as usize]).collect();
    if effects.contains(&Effect::Drop) {
        return Vec::new();
    }
    let echo = around.question.is_some_and(|question| echoes(scene, &question, hit));
    let weakened = effects.contains(&Effect::Weaken) || echo;
    let contribution = contribution(rule.weight) * if weakened { 0.5 } else { 1.0 };
    let codes = rule.codes.iter().filter_map(|&code| turned(scene.lexicon, code, &effects));
    codes.map(|code| Found { rule: place, code, hit, contribution, contexts, echo }).collect()
}

/// The code that the evidence speaks for after context; none where an opposite is asked for and there is none.
fn turned(lexicon: &Lexicon, code: CodeId, effects: &[Effect]) -> Option<CodeId> {
    if effects.contains(&Effect::Opposite) { lexicon.codebook.opposite(code) } else { Some(code) }
}

/// True when every word of the hit that is long enough to carry meaning stands in the question.
fn echoes(scene: &Scene, question: &Scene, hit: Match) -> bool {
    let stem = |scene: &Scene, i: usize| scene.forms.get(scene.tokens[i].form).readings[0].stem.clone();
    let content: Vec<String> =
        (hit.start..hit.end).filter(|&i| scene.key(i).len() > 3).map(|i| stem(scene, i)).collect();
    let asked = |word: &String| (0..question.tokens.len()).any(|i| stem(question, i) == *word);
    !content.is_empty() && content.iter().all(asked)
}

/// The strongest hit of a rule counts whole, the next half, further ones not at all.
fn diminish(found: &mut [Found]) {
    let codes: BTreeSet<CodeId> = found.iter().map(|f| f.code).collect();
    for code in codes {
        let mut places: Vec<usize> = (0..found.len()).filter(|&i| found[i].code == code).collect();
        places.sort_by(|&a, &b| found[b].contribution.abs().total_cmp(&found[a].contribution.abs()));
        for (rank, place) in places.into_iter().enumerate() {
            found[place].contribution *= [1.0, 0.5].get(rank).copied().unwrap_or(0.0);
        }
    }
}
