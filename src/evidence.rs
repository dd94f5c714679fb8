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
use crate::lexicon::plan::Goal;
use crate::lexicon::terms::glob_matches;
use crate::lexicon::{Context, Effect, Lexicon, Pat, Rule};
use crate::matcher::{Look, Match, Scene, Search, shortest};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

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

/// Evidence in the segment that `scene` shows, hits that add nothing among it.
pub fn gather(scene: &Scene, around: &Surroundings) -> Gathered {
    let mut gatherer = Gatherer::new(scene.lexicon);
    gatherer.all_hits = true;
    gatherer.gather(scene, around)
}

/// Gathers evidence from segment after segment: what it takes to do so is made once.
pub struct Gatherer<'l> {
    lexicon: &'l Lexicon,
    /// True when hits that add nothing are wanted too.
    all_hits: bool,
    answer: Search,
    question: Search,
    /// Ways into rules that are open in the segment.
    gates: Vec<u32>,
    /// What one pass found; kept for its room.
    found: Vec<Found>,
    /// Of the turn; empty before its first hit.
    scopes: Vec<Contexts>,
    /// Sentences of the segment whose triggers are in `scopes`.
    marked: Vec<bool>,
    /// True when `question` has read the question.
    asked: bool,
    /// Stems of the question; empty before they are asked for.
    stems: FxHashSet<u32>,
}

impl<'l> Gatherer<'l> {
    /// One for a lexicon.
    pub fn new(lexicon: &'l Lexicon) -> Self {
        Gatherer {
            lexicon,
            all_hits: false,
            answer: Search::new(lexicon),
            question: Search::new(lexicon),
            gates: Vec::new(),
            found: Vec::new(),
            scopes: Vec::new(),
            marked: Vec::new(),
            asked: false,
            stems: FxHashSet::default(),
        }
    }

    /// Forgets the turn before, and the question before that.
    pub fn begin_turn(&mut self) {
        self.scopes.clear();
        self.asked = false;
        self.stems.clear();
    }

    /// Evidence in the segment that `scene` shows. Segments of another turn are gathered after
    /// [`Gatherer::begin_turn`] only.
    pub fn gather(&mut self, scene: &Scene, around: &Surroundings) -> Gathered {
        let mut gathered = Gathered::default();
        self.answer.read(scene);
        let (mut gates, mut found) = (std::mem::take(&mut self.gates), std::mem::take(&mut self.found));
        self.answer.open_gates(scene, &mut gates);
        self.marked.clear();
        self.marked.resize(scene.sentences.len(), false);
        let plan = &self.lexicon.plan;
        let of_gate = |gate: u32| &plan.gates[gate as usize];
        for second_pass in [false, true] {
            for gates in gates.chunk_by(|&a, &b| of_gate(a).rule == of_gate(b).rule) {
                let rule = of_gate(gates[0]).rule as usize;
                if self.lexicon.rules[rule].second_pass == second_pass {
                    self.fire(scene, around, &gathered, gates, &mut found);
                }
            }
            for found in found.drain(..) {
                gathered.by_code.entry(found.code).or_default().push(found);
            }
        }
        (self.gates, self.found) = (gates, found);
        gathered.by_code.values_mut().for_each(|found| found.sort_by_key(|f| (f.hit, f.rule)));
        gathered
    }

    /// Adds what one rule contributes, whose open gates these are.
    fn fire(
        &mut self,
        scene: &Scene,
        around: &Surroundings,
        so_far: &Gathered,
        gates: &[u32],
        into: &mut Vec<Found>,
    ) {
        let plan = &self.lexicon.plan;
        let place = plan.gates[gates[0] as usize].rule as usize;
        let rule = &self.lexicon.rules[place];
        if !speaker_fits(rule, around.attributes) {
            return;
        }
        let stands = gates.iter().any(|&gate| self.answer.stands(scene, plan.gates[gate as usize].goal));
        if !stands || !self.surroundings_fit(scene, around, so_far, place) {
            return;
        }
        let first = into.len();
        for hit in self.hits(scene, gates) {
            self.judge(scene, around, place, hit, into);
            if !self.all_hits && is_exhausted(rule, &into[first..]) {
                break;
            }
        }
        diminish(&mut into[first..]);
    }

    /// Hits of any of a rule's patterns, overlapping ones of the same rule only once, without those that what stands
    /// near them rules out.
    fn hits(&mut self, scene: &Scene, gates: &[u32]) -> Vec<Match> {
        let plan = &self.lexicon.plan;
        let of_gate = |gate: u32| &plan.gates[gate as usize];
        let place = of_gate(gates[0]).rule as usize;
        let mut hits: Vec<Match> = Vec::new();
        for gates in gates.chunk_by(|&a, &b| of_gate(a).pattern == of_gate(b).pattern) {
            let mut found: Vec<Match> = Vec::new();
            for gates in gates.chunk_by(|&a, &b| of_gate(a).goal == of_gate(b).goal) {
                self.answer.add_matches(scene, of_gate(gates[0]).goal, &mut found);
            }
            let found = shortest(found);
            // Most rules match by one pattern.
            if hits.is_empty() { hits = found } else { hits.extend(found) }
        }
        let goals = &plan.of_rule[place];
        if goals.not.iter().any(Option::is_some) {
            hits.retain(|hit| !self.ruled_out(scene, place, *hit));
        }
        apart(hits)
    }

    fn ruled_out(&mut self, scene: &Scene, place: usize, hit: Match) -> bool {
        let Some(sentence) = scene.sentences.iter().find(|sentence| sentence.contains(&hit.start)) else {
            return false;
        };
        let not = &self.lexicon.plan.of_rule[place].not;
        is_near(scene, &self.lexicon.rules[place], hit, |test, bad| {
            let others = not[test].map_or(&[][..], |goal| self.answer.hits(scene, goal));
            others.iter().filter(|other| sentence.contains(&other.start)).any(bad)
        })
    }

    fn surroundings_fit(&mut self, scene: &Scene, around: &Surroundings, so_far: &Gathered, place: usize) -> bool {
        let goals = &self.lexicon.plan.of_rule[place];
        goals.with.iter().all(|&goal| holds(scene, &mut self.answer, so_far, goal))
            && !goals.without.iter().any(|&goal| holds(scene, &mut self.answer, so_far, goal))
            && goals.asked.is_none_or(|goal| self.was_asked(around, goal))
    }

    /// True when the question before holds the goal.
    fn was_asked(&mut self, around: &Surroundings, goal: u32) -> bool {
        let Some(question) = around.question else { return false };
        if !std::mem::replace(&mut self.asked, true) {
            self.question.read(&question);
        }
        holds(&question, &mut self.question, &Gathered::default(), goal)
    }

    /// Adds the hit as evidence for each of the rule's codes, after what its context does to it.
    fn judge(&mut self, scene: &Scene, around: &Surroundings, place: usize, hit: Match, into: &mut Vec<Found>) {
        let rule = &self.lexicon.rules[place];
        let contexts = self.contexts(scene, hit);
        let has = |effect| Context::ALL.iter().any(|&c| contexts.has(c) && rule.effects[c as usize] == Some(effect));
        if has(Effect::Drop) {
            return;
        }
        let echo = around.question.is_some_and(|question| self.echoes(scene, &question, hit));
        let weakened = has(Effect::Weaken) || echo;
        let opposite = has(Effect::Opposite);
        let contribution = contribution(rule.weight) * if weakened { 0.5 } else { 1.0 };
        // Evidence that turns goes to the opposite; nowhere where the codebook names none.
        let turned = |&code: &CodeId| if opposite { self.lexicon.codebook.opposite(code) } else { Some(code) };
        let codes = rule.codes.iter().filter_map(turned);
        into.extend(codes.map(|code| Found { rule: place, code, hit, contribution, contexts, echo }));
    }

    /// What is the matter with the focus of a hit. Only sentences with hits are searched for triggers.
    fn contexts(&mut self, scene: &Scene, hit: Match) -> Contexts {
        if self.scopes.is_empty() {
            self.scopes = context::quoted(scene.tokens);
        }
        let first = scene.sentences.partition_point(|sentence| sentence.end <= hit.focus_start);
        for (i, sentence) in scene.sentences.iter().enumerate().skip(first) {
            if sentence.start >= hit.focus_end {
                break;
            }
            if !std::mem::replace(&mut self.marked[i], true) {
                context::mark(scene, i, &self.answer, &mut self.scopes);
            }
        }
        let focus = &self.scopes[hit.focus_start..hit.focus_end];
        focus.iter().fold(Contexts::default(), |all, &one| all.union(one))
    }

    /// True when every word of the hit that is long enough to carry meaning stands in the question.
    fn echoes(&mut self, scene: &Scene, question: &Scene, hit: Match) -> bool {
        let stem = |scene: &Scene, i: usize| scene.forms.get(scene.tokens[i].form).stem;
        if self.stems.is_empty() {
            self.stems.extend((0..question.tokens.len()).map(|i| stem(question, i)));
        }
        let mut content = (hit.start..hit.end).filter(|&i| scene.key(i).len() > 3).map(|i| stem(scene, i)).peekable();
        content.peek().is_some() && content.all(|stem| self.stems.contains(&stem))
    }
}

/// True when the goal matches in the segment, or the code that it names has evidence there.
fn holds(scene: &Scene, search: &mut Search, so_far: &Gathered, goal: u32) -> bool {
    match &scene.lexicon.plan.goals[goal as usize] {
        Goal::Words { .. } | Goal::Both(_) => search.stands(scene, goal),
        Goal::Either(parts) => parts.iter().any(|&part| holds(scene, search, so_far, part)),
        Goal::Each(parts) => parts.iter().all(|&part| holds(scene, search, so_far, part)),
        Goal::Code(code) => so_far.score(*code) > 0.0,
    }
}

/// The matches without those that overlap a shorter or earlier one.
fn apart(mut hits: Vec<Match>) -> Vec<Match> {
    if hits.len() < 2 {
        return hits;
    }
    hits.sort_by_key(|hit| (hit.end - hit.start, hit.start));
    let (first, end) = hits.iter().fold((usize::MAX, 0), |(a, b), hit| (a.min(hit.start), b.max(hit.end)));
    let mut taken = vec![false; end.saturating_sub(first)];
    hits.retain(|hit| {
        let words = &mut taken[hit.start - first..hit.end - first];
        let free = !words.contains(&true);
        words.iter_mut().for_each(|word| *word |= free);
        free
    });
    hits.sort_unstable();
    hits
}

/// True when two hits count in full for every code: further ones add nothing.
fn is_exhausted(rule: &Rule, found: &[Found]) -> bool {
    if rule.effects.contains(&Some(Effect::Opposite)) {
        return false;
    }
    let full = contribution(rule.weight);
    let whole = |code: CodeId| found.iter().filter(|f| f.code == code && f.contribution == full).count() > 1;
    found.len() >= 2 * rule.codes.len() && rule.codes.iter().all(|&code| whole(code))
}

fn speaker_fits(rule: &Rule, attributes: &BTreeMap<String, String>) -> bool {
    let level = || attributes.get("level").filter(|level| !level.is_empty());
    let level_fits = rule.level.as_ref().is_none_or(|wanted| level().is_none_or(|level| wanted == level));
    level_fits
        && rule
            .when
            .iter()
            .all(|(key, glob)| attributes.get(key).is_some_and(|value| glob_matches(glob, &value.to_lowercase())))
}

/// True when what stands near the hit rules it out; for explanations.
pub(crate) fn ruled_out(look: &Look, rule: &Rule, hit: Match) -> bool {
    let scene = &look.scene;
    let Some(sentence) = scene.sentences.iter().position(|sentence| sentence.contains(&hit.start)) else {
        return false;
    };
    is_near(scene, rule, hit, |test, bad| {
        let pat = [&rule.not_near, &rule.not_before, &rule.not_after][test].as_ref();
        pat.is_some_and(|pat| look.in_sentence(pat, sentence).iter().any(bad))
    })
}

/// True when one of `not_near`, `not_before` and `not_after` finds something too near to the hit; `any` applies a test
/// to the matches of the one with this number.
fn is_near(
    scene: &Scene,
    rule: &Rule,
    hit: Match,
    mut any: impl FnMut(usize, &dyn Fn(&Match) -> bool) -> bool,
) -> bool {
    let mut test = |number: usize, before: bool, after: bool, window: u16| {
        let window = u32::from(rule.window.unwrap_or(window));
        any(number, &|other: &Match| {
            let precedes = before && other.end <= hit.start && scene.distance(other.end, hit.start) <= window;
            let follows = after && other.start >= hit.end && scene.distance(hit.end, other.start) <= window;
            let overlaps = before && after && other.start < hit.end && hit.start < other.end;
            precedes || follows || overlaps
        })
    };
    test(0, true, true, 6) || test(1, false, true, 0) || test(2, true, false, 0)
}

/// True when the pattern matches in the segment, or the code that it names has evidence there; for explanations.
pub(crate) fn stands(look: &Look, so_far: &Gathered, pat: &Pat) -> bool {
    match pat {
        Pat::Code(code) => so_far.score(*code) > 0.0,
        Pat::Alt(pats) => pats.iter().any(|pat| stands(look, so_far, pat)),
        Pat::Both(pats) if pats.iter().any(|pat| matches!(pat, Pat::Code(_) | Pat::Alt(_))) => {
            pats.iter().all(|pat| stands(look, so_far, pat))
        }
        pat => look.holds(pat),
    }
}

/// The strongest hit of a rule counts whole, the next half, further ones not at all: for each of its codes.
fn diminish(found: &mut [Found]) {
    if found.len() < 2 {
        return;
    }
    let mut shares = vec![0.0; found.len()];
    let strength = |place: usize| found[place].contribution.abs();
    let mut places: Vec<usize> = (0..found.len()).collect();
    places.sort_by(|&a, &b| found[a].code.cmp(&found[b].code).then(strength(b).total_cmp(&strength(a))));
    for of_code in places.chunk_by(|&a, &b| found[a].code == found[b].code) {
        for (rank, &place) in of_code.iter().enumerate() {
            shares[place] = [1.0, 0.5].get(rank).copied().unwrap_or(0.0);
        }
    }
    found.iter_mut().zip(shares).for_each(|(found, share)| found.contribution *= share);
}
