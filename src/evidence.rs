//! What speaks for and against each code in a segment.
//!
//! Comes in: a segment, the question before it, the speaker. Goes out: every rule that fired, with its words, its
//! context and what it contributes. Never happens here: a threshold, or a choice between codes.
//!
//! A rule of weight *w* contributes −ln(1 − *w*) to the score of its code: independent shares of full evidence combine
//! as 1 − Π(1 − *w*), whose −ln(1 − ·) is that sum. A second hit of the same rule contributes half, further ones
//! nothing; a context that weakens halves; a weight below 0 subtracts.
//!
//! Most segments are far from any code. What rules can say at most is known from the words that they need; how much of
//! it they do say is worked out rule by rule, and only as far as somebody asks ([`Gatherer::look_closer`]).

use crate::codebook::CodeId;
use crate::context::{self, Contexts};
use crate::lexicon::plan::Goal;
use crate::lexicon::terms::glob_matches;
use crate::lexicon::{Context, Effect, Lexicon, Pat, Rule};
use crate::matcher::{Look, Match, OpenGate, Scene, Search, shortest};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::Range;

/// One hit of one rule, for one code.
#[derive(Debug, Clone, Copy, PartialEq)]
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

/// What the strongest hit of a rule counts, and the next one; further ones add nothing.
const SHARES: [f64; 2] = [1.0, 0.5];

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

/// How far the score of a code may go.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bounds {
    /// It is not below this, but for rounding.
    pub least: f64,
    /// Nor above this.
    pub most: f64,
    /// Rules that may speak for or against it and can be worked out before others are.
    pub n_open: usize,
}

impl Bounds {
    /// Moves the bound that a contribution of this sign would move.
    fn add(&mut self, contribution: f64, factor: f64) {
        self.least += contribution.min(0.0) * factor;
        self.most += contribution.max(0.0) * factor;
    }
}

/// What one rule can say, as far as it does not depend on the segment.
struct Voice {
    /// Its codes, and those that a context may turn it to.
    codes: SmallVec<[CodeId; 4]>,
    /// What a hit contributes in full.
    whole: f64,
    /// True when it asks who speaks.
    asks_speaker: bool,
    /// True when it depends on no other rule.
    is_free: bool,
}

impl Voice {
    fn of(lexicon: &Lexicon, rule: &Rule) -> Self {
        let mut codes = SmallVec::from_slice(&rule.codes);
        if rule.effects.contains(&Some(Effect::Opposite)) {
            codes.extend(rule.codes.iter().filter_map(|&code| lexicon.codebook.opposite(code)));
        }
        codes.sort_unstable();
        codes.dedup();
        Voice {
            codes,
            whole: contribution(rule.weight),
            asks_speaker: rule.level.is_some() || !rule.when.is_empty(),
            is_free: !rule.second_pass,
        }
    }

    /// What so many hits contribute at most.
    fn most(&self, n_hits: usize) -> f64 {
        self.whole * SHARES.iter().take(n_hits).sum::<f64>()
    }

    /// Adds what the rule may say by so many hits to the bounds of its codes.
    fn widen(&self, bounds: &mut [Bounds], n_hits: usize) {
        for code in &self.codes {
            let bounds = &mut bounds[usize::from(code.0)];
            bounds.add(self.most(n_hits), 1.0);
            bounds.n_open += usize::from(self.is_free);
        }
    }

    /// Takes back what the rule may not say: it has so many hits only, and not as many as it might have had.
    fn narrow(&self, bounds: &mut [Bounds], most_hits: usize, n_hits: usize) {
        for code in &self.codes {
            bounds[usize::from(code.0)].add(self.most(most_hits) - self.most(n_hits), -1.0);
        }
    }

    /// Puts what the rule found in the place of what it may say by so many hits.
    fn settle(&self, bounds: &mut [Bounds], n_hits: usize, found: &[Found]) {
        for code in &self.codes {
            let said: f64 = found.iter().filter(|found| found.code == *code).map(|found| found.contribution).sum();
            let bounds = &mut bounds[usize::from(code.0)];
            bounds.add(self.most(n_hits), -1.0);
            bounds.least += said;
            bounds.most += said;
            bounds.n_open -= usize::from(self.is_free);
        }
    }
}

/// A rule that may fire in the segment.
struct Open {
    /// Its place.
    rule: usize,
    /// Its gates, among those that are open.
    gates: Range<usize>,
    /// How many hits it may have at most.
    most_hits: usize,
    /// Its hits, as soon as they are looked for.
    hits: Option<Range<usize>>,
    /// What it found, as soon as that is worked out.
    found: Option<Range<usize>>,
}

/// Gathers evidence from segment after segment: what it takes to do so is made once.
pub struct Gatherer<'l> {
    lexicon: &'l Lexicon,
    /// For each rule.
    voices: Vec<Voice>,
    /// True when hits that add nothing are wanted too.
    all_hits: bool,
    answer: Search,
    question: Search,
    /// Ways into rules that are open in the segment.
    gates: Vec<OpenGate>,
    /// The rules that they lead to, ascending.
    open: Vec<Open>,
    /// Hits of those that are looked for.
    hits: Vec<Match>,
    /// Room for those of one.
    spare: Vec<Match>,
    /// What those found that are worked out.
    found: Vec<Found>,
    /// How far the score of each code may go.
    bounds: Vec<Bounds>,
    /// Codes that open rules may speak for or against, some perhaps twice.
    spoken_of: Vec<CodeId>,
    /// For each code, those open rules that speak for or against it and can be worked out before others are.
    free: Vec<Vec<u32>>,
    /// Of the turn; empty before its first hit.
    scopes: Vec<Contexts>,
    /// Sentences of the segment whose triggers are in `scopes`.
    marked: Vec<bool>,
    /// True when `question` has read the question.
    asked: bool,
    /// Stems of the question; empty before they are asked for.
    stems: FxHashSet<String>,
}

impl<'l> Gatherer<'l> {
    /// One for a lexicon.
    pub fn new(lexicon: &'l Lexicon) -> Self {
        Gatherer {
            lexicon,
            voices: lexicon.rules.iter().map(|rule| Voice::of(lexicon, rule)).collect(),
            all_hits: false,
            answer: Search::new(lexicon),
            question: Search::new(lexicon),
            gates: Vec::new(),
            open: Vec::new(),
            hits: Vec::new(),
            spare: Vec::new(),
            found: Vec::new(),
            bounds: vec![Bounds::default(); lexicon.codebook.codes.len()],
            spoken_of: Vec::new(),
            free: vec![Vec::new(); lexicon.codebook.codes.len()],
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
        self.begin(scene, around);
        self.finish(scene, around)
    }

    /// Takes up a segment, as far as it takes to know which rules may fire.
    pub fn begin(&mut self, scene: &Scene, around: &Surroundings) {
        self.answer.read(scene);
        self.answer.open_gates(scene, &mut self.gates);
        for code in self.spoken_of.drain(..) {
            self.bounds[usize::from(code.0)] = Bounds::default();
            self.free[usize::from(code.0)].clear();
        }
        self.open.clear();
        self.hits.clear();
        self.found.clear();
        self.marked.clear();
        let rule_of = |open: &OpenGate| self.lexicon.plan.gates[open.gate as usize].rule as usize;
        let mut begin = 0;
        for gates in self.gates.chunk_by(|a, b| rule_of(a) == rule_of(b)) {
            // Hits share no word.
            let most_hits = gates.iter().fold(0, |all: usize, open| all.saturating_add(open.times));
            let (rule, gates) = (rule_of(&gates[0]), begin..begin + gates.len());
            begin = gates.end;
            let voice = &self.voices[rule];
            if !voice.asks_speaker || speaker_fits(&self.lexicon.rules[rule], around.attributes) {
                if voice.is_free {
                    let place = self.open.len() as u32;
                    voice.codes.iter().for_each(|code| self.free[usize::from(code.0)].push(place));
                }
                self.open.push(Open { rule, gates, most_hits, hits: None, found: None });
                self.spoken_of.extend(&voice.codes);
                voice.widen(&mut self.bounds, most_hits);
            }
        }
        self.spoken_of.sort_unstable();
        self.spoken_of.dedup();
    }

    /// How far the scores of the codes may go that rules may speak for or against, as far as rules are worked out;
    /// others stay 0.
    pub fn bounds(&self) -> impl Iterator<Item = (CodeId, Bounds)> {
        self.spoken_of.iter().map(|&code| (code, self.bounds[usize::from(code.0)]))
    }

    /// Looks closer at one more rule that may speak for or against the code, where there is one ([`Bounds::n_open`]): at
    /// where it stands, or, when that is known of all, at its contexts.
    pub fn look_closer(&mut self, scene: &Scene, around: &Surroundings, code: CodeId) {
        let of_code = self.free[usize::from(code.0)].iter().map(|&place| place as usize);
        let next = of_code.filter(|&place| self.open[place].found.is_none());
        let Some(next) = next.min_by_key(|&place| self.open[place].hits.is_some()) else { return };
        match self.open[next].hits {
            None => self.look_for(scene, around, &Gathered::default(), next),
            Some(_) => self.work_out(scene, around, &Gathered::default(), next),
        }
    }

    /// All evidence in the segment that was taken up last.
    pub fn finish(&mut self, scene: &Scene, around: &Surroundings) -> Gathered {
        let mut gathered = Gathered::default();
        for second_pass in [false, true] {
            let in_pass = |open: &Open| self.voices[open.rule].is_free != second_pass;
            let of_pass: Vec<usize> = (0..self.open.len()).filter(|&open| in_pass(&self.open[open])).collect();
            of_pass.iter().for_each(|&open| self.work_out(scene, around, &gathered, open));
            let found = of_pass.iter().filter_map(|&open| self.open[open].found.clone());
            for found in found.flat_map(|found| &self.found[found]) {
                gathered.by_code.entry(found.code).or_default().push(*found);
            }
        }
        gathered.by_code.values_mut().for_each(|found| found.sort_by_key(|f| (f.hit, f.rule)));
        gathered
    }

    /// Looks for the hits of an open rule, where they are not yet known.
    fn look_for(&mut self, scene: &Scene, around: &Surroundings, so_far: &Gathered, open: usize) {
        let Open { rule, ref gates, most_hits, hits: None, .. } = self.open[open] else { return };
        let (gates, first) = (gates.clone(), self.hits.len());
        self.add_hits(scene, around, so_far, rule, gates);
        let hits = first..self.hits.len();
        debug_assert!(hits.len() <= most_hits, "{}", self.lexicon.rules[rule].id);
        self.voices[rule].narrow(&mut self.bounds, most_hits, hits.len());
        if hits.is_empty() {
            self.settle(open, 0, self.found.len());
        }
        self.open[open].hits = Some(hits);
    }

    /// Works out what an open rule found, where that is not yet known.
    fn work_out(&mut self, scene: &Scene, around: &Surroundings, so_far: &Gathered, open: usize) {
        self.look_for(scene, around, so_far, open);
        let Open { rule, hits: Some(ref hits), found: None, .. } = self.open[open] else { return };
        let (hits, first) = (hits.clone(), self.found.len());
        for hit in hits.clone() {
            self.judge(scene, around, rule, self.hits[hit]);
            let full = self.voices[rule].whole;
            if !self.all_hits && is_exhausted(&self.lexicon.rules[rule], full, &self.found[first..]) {
                break;
            }
        }
        diminish(&mut self.found[first..]);
        self.settle(open, hits.len(), first);
    }

    /// Notes that an open rule with so many hits found what is found from the `first` on.
    fn settle(&mut self, open: usize, n_hits: usize, first: usize) {
        let open = &mut self.open[open];
        self.voices[open.rule].settle(&mut self.bounds, n_hits, &self.found[first..]);
        open.found = Some(first..self.found.len());
    }

    /// Adds the hits of a rule whose open gates these are.
    fn add_hits(
        &mut self,
        scene: &Scene,
        around: &Surroundings,
        so_far: &Gathered,
        rule: usize,
        gates: Range<usize>,
    ) {
        let all_gates = std::mem::take(&mut self.gates);
        let gates = &all_gates[gates];
        let goal = |open: &OpenGate| self.lexicon.plan.gates[open.gate as usize].goal;
        let stands = gates.iter().any(|open| self.answer.stands(scene, goal(open)));
        if stands && self.surroundings_fit(scene, around, so_far, rule) {
            let hits = self.hits_of(scene, gates);
            self.hits.extend(&hits);
            self.spare = hits;
        }
        self.gates = all_gates;
    }

    /// Hits of any of a rule's patterns, overlapping ones of the same rule only once, without those that what stands
    /// near them rules out.
    fn hits_of(&mut self, scene: &Scene, gates: &[OpenGate]) -> Vec<Match> {
        let plan = &self.lexicon.plan;
        let of_gate = |open: &OpenGate| &plan.gates[open.gate as usize];
        let place = of_gate(&gates[0]).rule as usize;
        let mut hits: Vec<Match> = Vec::new();
        for gates in gates.chunk_by(|a, b| of_gate(a).pattern == of_gate(b).pattern) {
            let mut found = std::mem::take(&mut self.spare);
            found.clear();
            for gates in gates.chunk_by(|a, b| of_gate(a).goal == of_gate(b).goal) {
                self.answer.add_matches(scene, of_gate(&gates[0]).goal, &mut found);
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
    fn judge(&mut self, scene: &Scene, around: &Surroundings, place: usize, hit: Match) {
        let rule = &self.lexicon.rules[place];
        let contexts = self.contexts(scene, hit);
        let has = |effect| Context::ALL.iter().any(|&c| contexts.has(c) && rule.effects[c as usize] == Some(effect));
        if has(Effect::Drop) {
            return;
        }
        let echo = around.question.is_some_and(|question| self.echoes(scene, &question, hit));
        let weakened = has(Effect::Weaken) || echo;
        let opposite = has(Effect::Opposite);
        let contribution = self.voices[place].whole * if weakened { 0.5 } else { 1.0 };
        // Evidence that turns goes to the opposite; nowhere where the codebook names none.
        let turned = |&code: &CodeId| if opposite { self.lexicon.codebook.opposite(code) } else { Some(code) };
        let codes = rule.codes.iter().filter_map(turned);
        self.found.extend(codes.map(|code| Found { rule: place, code, hit, contribution, contexts, echo }));
    }

    /// What is the matter with the focus of a hit. Only sentences with hits are searched for triggers.
    fn contexts(&mut self, scene: &Scene, hit: Match) -> Contexts {
        if self.scopes.is_empty() {
            self.scopes = context::quoted(scene.tokens);
        }
        self.marked.resize(scene.sentences.len(), false);
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
        if self.stems.is_empty() {
            self.stems.extend((0..question.tokens.len()).map(|i| question.stem(i).to_string()));
        }
        let mut content = (hit.start..hit.end).filter(|&i| scene.key(i).len() > 3).map(|i| scene.stem(i)).peekable();
        content.peek().is_some() && content.all(|stem| self.stems.contains(stem))
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
fn is_exhausted(rule: &Rule, full: f64, found: &[Found]) -> bool {
    if rule.effects.contains(&Some(Effect::Opposite)) {
        return false;
    }
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
            shares[place] = SHARES.get(rank).copied().unwrap_or(0.0);
        }
    }
    found.iter_mut().zip(shares).for_each(|(found, share)| found.contribution *= share);
}
