//! What is the matter with words that a rule found: negated, hypothetical, past, reported.
//!
//! Comes in: a segment and the lexicon's triggers (ConText: Harkema et al. 2009, doi:10.1016/j.jbi.2009.05.002).
//! Goes out: for each token, the contexts whose scope it lies in. Never happens here: what that does to evidence.
//!
//! The scope of a trigger runs from the trigger for so many words, and ends early at a stop word, at a dash, colon or
//! semicolon, at a comma with a new subject after it, and at the sentence. Words that look like a trigger and are none
//! (`not only`) are entries too. What stands in quotation marks is reported speech.

use crate::lexicon::{Context, Trigger};
use crate::matcher::{Match, Scene, Search};
use crate::token::{Break, Token};
use std::ops::Range;

/// A set of contexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contexts(u8);

impl Contexts {
    /// True when the context is in the set.
    pub fn has(self, context: Context) -> bool {
        self.0 & (1 << context as u8) != 0
    }

    fn add(&mut self, context: Context) {
        self.0 |= 1 << context as u8;
    }

    /// All contexts of both sets.
    pub fn union(self, other: Contexts) -> Contexts {
        Contexts(self.0 | other.0)
    }

    /// The contexts in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Context> {
        Context::ALL.into_iter().filter(move |&context| self.has(context))
    }
}

/// The contexts of every token of the turn that `scene` shows a segment of; for explanations.
pub fn scopes(scene: &Scene) -> Vec<Contexts> {
    let mut scopes = quoted(scene.tokens);
    let mut search = Search::new(scene.lexicon);
    search.read(scene);
    for sentence in 0..scene.sentences.len() {
        mark(scene, sentence, &search, &mut scopes);
    }
    scopes
}

/// Reported, for every token in quotation marks.
pub(crate) fn quoted(tokens: &[Token]) -> Vec<Contexts> {
    // Most turns quote nobody.
    if !tokens.iter().any(|token| token.before.has(Break::OPEN)) {
        return vec![Contexts::default(); tokens.len()];
    }
    let mut inside = false;
    let step = |token: &Token| {
        if token.before.has(Break::CLOSE) || token.before.has(Break::PARAGRAPH) {
            inside = false;
        }
        inside |= token.before.has(Break::OPEN);
        let mut contexts = Contexts::default();
        if inside {
            contexts.add(Context::Reported);
        }
        contexts
    };
    tokens.iter().map(step).collect()
}

/// Marks what lies in the scope of the triggers of one sentence of the segment that `search` has read.
pub(crate) fn mark(scene: &Scene, sentence: usize, search: &Search, scopes: &mut [Contexts]) {
    let mut found = triggers_in(scene, sentence, search);
    let sentence = &scene.sentences[sentence];
    if found.iter().all(|(trigger, _)| trigger.kind.is_none()) {
        return;
    }
    let covers: Vec<Match> =
        found.iter().filter(|(trigger, _)| trigger.kind.is_none() && !trigger.stop).map(|(_, hit)| *hit).collect();
    // Its last word decides: the "n't" of "don't" is that of "n't only".
    let blocked = |hit: &Match| covers.iter().any(|cover| cover.start < hit.end && hit.end <= cover.end);
    found.retain(|(_, hit)| !blocked(hit));
    for (trigger, hit) in &found {
        let Some(kind) = trigger.kind else { continue };
        if trigger.forward {
            forward(scene, sentence, &found, hit.end, trigger.scope).for_each(|i| scopes[i].add(kind));
        }
        if trigger.backward {
            backward(scene, sentence, &found, hit.start, trigger.scope).for_each(|i| scopes[i].add(kind));
        }
    }
}

/// Triggers, stops and look-alikes that stand in a sentence.
fn triggers_in<'l>(scene: &Scene<'l>, sentence: usize, search: &Search) -> Vec<(&'l Trigger, Match)> {
    let lexicon = scene.lexicon;
    let mut found = Vec::new();
    for (goal, hit) in search.triggers(scene, sentence) {
        let triggers = &lexicon.plan.triggers_of[goal as usize];
        found.extend(triggers.iter().map(|&trigger| (&lexicon.triggers[trigger as usize], hit)));
    }
    found
}

fn forward(
    scene: &Scene,
    sentence: &Range<usize>,
    found: &[(&Trigger, Match)],
    from: usize,
    scope: u16,
) -> impl Iterator<Item = usize> {
    let stops = |&i: &usize| {
        let stopped = found.iter().any(|(trigger, hit)| trigger.stop && hit.start == i);
        stopped || scene.distance(from, i) >= u32::from(scope) || (i > from && breaks(scene, i))
    };
    let end = (from..sentence.end).find(stops).unwrap_or(sentence.end);
    from..end
}

fn backward(
    scene: &Scene,
    sentence: &Range<usize>,
    found: &[(&Trigger, Match)],
    from: usize,
    scope: u16,
) -> impl Iterator<Item = usize> {
    let stops = |&i: &usize| {
        let stopped = found.iter().any(|(trigger, hit)| trigger.stop && hit.end == i + 1);
        stopped || scene.distance(i, from) > u32::from(scope) || breaks(scene, i + 1)
    };
    let start = (sentence.start..from).rev().find(stops).map_or(sentence.start, |i| i + 1);
    start..from
}

/// True when a new clause begins at the token: after a dash or colon, or after a comma with a new subject.
fn breaks(scene: &Scene, i: usize) -> bool {
    let before = scene.tokens[i].before;
    before.has(Break::STRONG) || (before.has(Break::COMMA) && is_subject(scene, i))
}

fn is_subject(scene: &Scene, i: usize) -> bool {
    let key = scene.key(i);
    ["i", "we", "you", "he", "she", "it", "they", "that", "this", "there"].contains(&key)
}
