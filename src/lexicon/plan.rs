//! What to look for, and where: the patterns of a lexicon as goals, each with the words that must stand.
//!
//! Comes in: rules, triggers and lists with their names resolved. Goes out: a [`Plan`]. Never happens here: matching.
//!
//! A goal is tried in a sentence only when a word of every one of its needs stands there, and it is looked up by its
//! rarest need alone. Needs are sets of terms with an id of their own, so that a form's list of terms answers for them.

use super::compile::{List, Party, Pat, Rule, Trigger};
use super::terms::{TermId, TermTableBuilder};
use crate::codebook::CodeId;
use rustc_hash::FxHashMap;

/// Something to look for.
#[derive(Debug)]
pub enum Goal {
    /// Words within one sentence.
    Words {
        /// The pattern, single words of a group drawn together.
        pat: Pat,
        /// The speaker's level where it is not known, for "we" and "they".
        level: Option<String>,
        /// Of each of these sets a word stands wherever the pattern matches; the rarest first.
        needs: Vec<TermId>,
        /// So it is with each of these, too common to have an id; the commonest term of each first.
        also: Vec<Vec<TermId>>,
    },
    /// All in the segment: each match of the first with the nearest of each other that does not overlap it.
    Both(Vec<u32>),
    /// One of these.
    Either(Vec<u32>),
    /// Each of these, wherever it stands; in conditions.
    Each(Vec<u32>),
    /// Evidence for another code; in conditions.
    Code(CodeId),
}

/// Goals by the set of terms that is looked for first.
#[derive(Debug, Default)]
pub struct Index {
    /// For each term and one more, where its entries begin.
    begins: Vec<u32>,
    entries: Vec<Entry>,
    /// Goals that need no word: a regular expression may stand anywhere.
    pub anywhere: Vec<u32>,
}

/// A goal, or a phrase, where its rarest need stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its place.
    pub place: u32,
    /// Its second need, or its rarest again: most entries fail at it, and nothing else of them is looked at.
    pub second: TermId,
}

impl Index {
    /// The same without the goals that are not wanted.
    fn only(&self, wanted: &[bool]) -> Index {
        let mut index = Index { begins: vec![0], ..Index::default() };
        for term in 0..self.begins.len() - 1 {
            index.entries.extend(self.at(term as u32).iter().filter(|entry| wanted[entry.place as usize]));
            index.begins.push(index.entries.len() as u32);
        }
        index.anywhere = self.anywhere.iter().copied().filter(|&goal| wanted[goal as usize]).collect();
        index
    }

    /// What has this term for its rarest need.
    #[inline]
    pub fn at(&self, term: u32) -> &[Entry] {
        let term = term as usize;
        &self.entries[self.begins[term] as usize..self.begins[term + 1] as usize]
    }
}

/// The goals of one rule.
#[derive(Debug, Default)]
pub struct RuleGoals {
    /// Any of these makes it fire.
    pub patterns: Vec<u32>,
    /// What the question before must match.
    pub asked: Option<u32>,
    /// What must stand in the segment too.
    pub with: Vec<u32>,
    /// What must not stand there.
    pub without: Vec<u32>,
    /// `not_near`, `not_before` and `not_after`.
    pub not: [Option<u32>; 3],
}

/// A phrase of one or several lists that depends on nothing but its words.
#[derive(Debug)]
pub struct Phrase {
    /// The words.
    pub pat: Pat,
    /// As those of a goal.
    pub needs: Vec<TermId>,
    /// Places of its lists.
    pub lists: Vec<usize>,
    /// 0 where no phrase of another list may stand in it, else one more than the deepest of those.
    pub depth: u32,
}

/// What the matcher follows.
#[derive(Debug, Default)]
pub struct Plan {
    /// All goals.
    pub goals: Vec<Goal>,
    /// Goals of rules: their patterns, and what must stand beside them or must not.
    pub rules: Index,
    /// Goals of what a question must match.
    pub asked: Index,
    /// Goals of triggers.
    pub triggers: Index,
    /// For each goal, the rules that it can make fire.
    pub rules_of: Vec<Vec<u32>>,
    /// For each goal, the triggers that it is an entry of.
    pub triggers_of: Vec<Vec<u32>>,
    /// For each rule, its goals.
    pub of_rule: Vec<RuleGoals>,
    /// Phrases of lists.
    pub phrases: Vec<Phrase>,
    /// Phrases by their rarest need.
    pub phrases_at: Index,
    /// For each list, the places of its phrases that depend on more than their words: on the speaker's level, or on a
    /// regular expression.
    pub loose: Vec<Vec<usize>>,
}

impl Plan {
    /// The goals of rules that hold for speakers of this level, or of any where it is not known.
    pub fn of_level(&self, rules: &[Rule], level: Option<&str>) -> Index {
        let mut wanted = vec![false; self.goals.len()];
        for (rule, goals) in rules.iter().zip(&self.of_rule) {
            if rule.level.as_deref().is_none_or(|own| level.is_none_or(|level| own == level)) {
                let conditions = goals.with.iter().chain(&goals.without).chain(goals.not.iter().flatten());
                goals.patterns.iter().chain(conditions).for_each(|&goal| self.want(goal, &mut wanted));
            }
        }
        self.rules.only(&wanted)
    }

    fn want(&self, goal: u32, wanted: &mut [bool]) {
        wanted[goal as usize] = true;
        self.parts(goal).iter().for_each(|&part| self.want(part, wanted));
    }

    /// The goals that a goal consists of.
    fn parts(&self, goal: u32) -> &[u32] {
        match &self.goals[goal as usize] {
            Goal::Both(parts) | Goal::Either(parts) | Goal::Each(parts) => parts,
            Goal::Words { .. } | Goal::Code(_) => &[],
        }
    }
}

/// Sets of terms that stand more often than this in ten thousand words are looked for only where there is nothing
/// rarer: most sentences have them.
const COMMON_COST: u32 = 200;

/// Sets that stand more often than this are in nearly every sentence.
const EVERYWHERE_COST: u32 = 2000;

/// Groups of words are drawn together unless they stand more often than this in ten thousand words.
const DRAWN_COST: u32 = 150;

/// Needs that a goal is held to.
const MOST_NEEDS: usize = 4;

/// Makes the plan; new sets of terms are added to `terms`.
pub struct Planner<'c> {
    /// Lists, filled.
    pub lists: &'c [List],
    /// For each list, whether it has single words.
    pub has_words: Vec<bool>,
    /// Parties.
    pub parties: &'c [Party],
    /// Lists of pronouns.
    pub pronouns: (usize, usize),
    /// What it costs to look for a term first.
    pub commonness: &'c FxHashMap<TermId, u32>,
    /// Where sets get their ids.
    pub terms: &'c mut TermTableBuilder,
    /// The plan so far.
    pub plan: Plan,
    sets: FxHashMap<Vec<TermId>, TermId>,
    known: FxHashMap<(Vec<u32>, Option<String>), u32>,
}

impl<'c> Planner<'c> {
    /// Nothing planned yet.
    pub fn new(
        lists: &'c [List],
        has_words: Vec<bool>,
        parties: &'c [Party],
        pronouns: (usize, usize),
        commonness: &'c FxHashMap<TermId, u32>,
        terms: &'c mut TermTableBuilder,
    ) -> Self {
        let (sets, known) = (FxHashMap::default(), FxHashMap::default());
        Planner { lists, has_words, parties, pronouns, commonness, terms, plan: Plan::default(), sets, known }
    }

    /// The plan for these rules and triggers.
    pub fn plan(mut self, rules: &[Rule], triggers: &[Trigger]) -> Plan {
        self.phrases();
        for rule in rules {
            let goals = self.rule(rule);
            self.plan.of_rule.push(goals);
        }
        let mut trigger_of = Vec::new();
        for (place, trigger) in triggers.iter().enumerate() {
            for pat in &trigger.patterns {
                let goal = self.words(pat, None);
                trigger_of.push((goal, place as u32));
            }
        }
        self.index(&trigger_of);
        self.plan
    }

    fn index(&mut self, trigger_of: &[(u32, u32)]) {
        let n_terms = self.terms.len();
        let plan = &mut self.plan;
        plan.rules_of = vec![Vec::new(); plan.goals.len()];
        plan.triggers_of = vec![Vec::new(); plan.goals.len()];
        let of_rule = std::mem::take(&mut plan.of_rule);
        let (mut rules, mut asked) = (Vec::new(), Vec::new());
        for (place, goals) in (0..).zip(&of_rule) {
            let leaves = |all: &mut dyn Iterator<Item = u32>| -> Vec<u32> {
                let mut leaves = Vec::new();
                all.for_each(|goal| plan.leaves(goal, &mut leaves));
                leaves
            };
            let own = leaves(&mut goals.patterns.iter().copied());
            let conditions = goals.with.iter().chain(&goals.without).chain(goals.not.iter().flatten());
            rules.extend(leaves(&mut conditions.copied()));
            asked.extend(leaves(&mut goals.asked.iter().copied()));
            for &goal in &own {
                plan.rules_of[goal as usize].push(place);
            }
            rules.extend(own);
        }
        plan.of_rule = of_rule;
        for &(goal, place) in trigger_of {
            plan.triggers_of[goal as usize].push(place);
        }
        plan.rules = plan.indexed(n_terms, rules);
        plan.asked = plan.indexed(n_terms, asked);
        plan.triggers = plan.indexed(n_terms, trigger_of.iter().map(|pair| pair.0).collect());
        plan.phrases_at = index(n_terms, (0..).zip(&plan.phrases).map(|(place, phrase)| (place, &phrase.needs[..])));
    }

    fn rule(&mut self, rule: &Rule) -> RuleGoals {
        let level = rule.level.as_deref();
        let not = [&rule.not_near, &rule.not_before, &rule.not_after];
        RuleGoals {
            patterns: rule.patterns.iter().map(|pat| self.goal(pat, level)).collect(),
            asked: rule.asked.as_ref().map(|pat| self.goal(pat, None)),
            with: rule.with.iter().map(|pat| self.condition(pat, level)).collect(),
            without: rule.without.iter().map(|pat| self.condition(pat, level)).collect(),
            not: not.map(|pat| pat.as_ref().map(|pat| self.words(pat, level))),
        }
    }

    /// A condition: a pattern, or codes joined by "or" and "and".
    fn condition(&mut self, pat: &Pat, level: Option<&str>) -> u32 {
        let goal = match pat {
            Pat::Code(code) => Goal::Code(*code),
            Pat::Alt(pats) => return self.either(pats, level, Self::condition),
            Pat::Both(pats) if pats.iter().any(|pat| matches!(pat, Pat::Code(_) | Pat::Alt(_))) => {
                Goal::Each(pats.iter().map(|pat| self.condition(pat, level)).collect())
            }
            pat => return self.goal(pat, level),
        };
        self.push(goal)
    }

    /// A pattern that may reach over sentences.
    fn goal(&mut self, pat: &Pat, level: Option<&str>) -> u32 {
        let goal = match pat {
            Pat::Both(pats) => Goal::Both(pats.iter().map(|pat| self.goal(pat, level)).collect()),
            Pat::Alt(pats) => return self.either(pats, level, Self::goal),
            pat => return self.words(pat, level),
        };
        self.push(goal)
    }

    /// One of several: the single words as one goal, and each other as its own, so that each is looked for by its own
    /// rarest word. The shortest match for each start stays the same.
    fn either(&mut self, pats: &[Pat], level: Option<&str>, goal: fn(&mut Self, &Pat, Option<&str>) -> u32) -> u32 {
        let is_word = |pat: &&Pat| matches!(pat, Pat::Term(_));
        let words: Vec<Pat> = pats.iter().filter(is_word).cloned().collect();
        let mut parts: Vec<u32> = pats.iter().filter(|pat| !is_word(pat)).map(|pat| goal(self, pat, level)).collect();
        if !words.is_empty() {
            parts.push(self.words(&Pat::Alt(words), level));
        }
        match parts[..] {
            [only] => only,
            _ => self.push(Goal::Either(parts)),
        }
    }

    fn push(&mut self, goal: Goal) -> u32 {
        self.plan.goals.push(goal);
        self.plan.goals.len() as u32 - 1
    }

    /// A pattern within one sentence; the same pattern is one goal.
    fn words(&mut self, pat: &Pat, level: Option<&str>) -> u32 {
        let level = level.filter(|_| self.hears_level(pat)).map(str::to_string);
        let key = (key(pat), level.clone());
        if let Some(&goal) = self.known.get(&key) {
            return goal;
        }
        let ((needs, also), pat) = (self.needs(pat), self.drawn(pat));
        let goal = self.push(Goal::Words { pat, level, needs, also });
        self.known.insert(key, goal);
        goal
    }

    /// True when "we" or "they" may stand in it.
    fn hears_level(&self, pat: &Pat) -> bool {
        any_part(pat, &mut |part| match part {
            Pat::Party(_) => true,
            Pat::List(place) => self.lists[*place].phrases.iter().any(|phrase| self.hears_level(phrase)),
            _ => false,
        })
    }

    fn phrases(&mut self) {
        let mut known: FxHashMap<Vec<u32>, usize> = FxHashMap::default();
        let lists = self.lists;
        for (list, own) in lists.iter().enumerate() {
            let mut loose = Vec::new();
            for (place, pat) in own.phrases.iter().enumerate() {
                if self.is_loose(pat) {
                    loose.push(place);
                    continue;
                }
                let phrase = *known.entry(key(pat)).or_insert_with(|| {
                    let ((needs, _), pat) = (self.needs(pat), self.drawn(pat));
                    let depth = self.depth(&pat);
                    self.plan.phrases.push(Phrase { pat, needs, lists: Vec::new(), depth });
                    self.plan.phrases.len() - 1
                });
                let lists = &mut self.plan.phrases[phrase].lists;
                if lists.last() != Some(&list) {
                    lists.push(list);
                }
            }
            self.plan.loose.push(loose);
        }
    }

    fn is_loose(&self, pat: &Pat) -> bool {
        any_part(pat, &mut |part| match part {
            Pat::Party(_) | Pat::Regex(_) => true,
            Pat::List(place) => self.lists[*place].phrases.iter().any(|phrase| self.is_loose(phrase)),
            _ => false,
        })
    }

    /// How deep phrases of lists may stand in a phrase.
    fn depth(&self, pat: &Pat) -> u32 {
        let mut deepest = 0;
        any_part(pat, &mut |part| {
            if let Pat::List(place) = part {
                let inner = self.lists[*place].phrases.iter().map(|phrase| self.depth(phrase) + 1);
                deepest = deepest.max(inner.max().unwrap_or(0));
            }
            false
        });
        deepest
    }

    /// The pattern with the single words of each group as one set, unless they are so common that a set of them would
    /// be written far more often than read.
    fn drawn(&mut self, pat: &Pat) -> Pat {
        match pat {
            Pat::Alt(pats) => {
                let word = |pat: &Pat| if let Pat::Term(term) = pat { Some(*term) } else { None };
                let words: Vec<TermId> = pats.iter().filter_map(word).collect();
                if words.len() < 3 || self.cost(&words) > DRAWN_COST {
                    return Pat::Alt(pats.iter().map(|pat| self.drawn(pat)).collect());
                }
                let set = Pat::Term(self.set(words));
                let others = pats.iter().filter(|pat| word(pat).is_none());
                let mut all: Vec<Pat> = others.map(|pat| self.drawn(pat)).collect();
                all.insert(0, set);
                if all.len() == 1 { all.remove(0) } else { Pat::Alt(all) }
            }
            Pat::Seq(items) => Pat::Seq(items.iter().map(|(gap, item)| (*gap, self.drawn(item))).collect()),
            Pat::Opt(pat) => Pat::Opt(Box::new(self.drawn(pat))),
            Pat::Except(pat, others) => {
                Pat::Except(Box::new(self.drawn(pat)), others.iter().map(|pat| self.drawn(pat)).collect())
            }
            Pat::Near(pats, within) => Pat::Near(pats.iter().map(|pat| self.drawn(pat)).collect(), *within),
            Pat::Direct(actor, act, target) => {
                let target = target.as_ref().map(|target| Box::new(self.drawn(target)));
                Pat::Direct(Box::new(self.drawn(actor)), Box::new(self.drawn(act)), target)
            }
            pat => pat.clone(),
        }
    }

    /// Sets of terms of each of which a word stands wherever the pattern matches, the rarest first; and, apart, those
    /// too common to be written down for every word that meets them.
    fn needs(&mut self, pat: &Pat) -> (Vec<TermId>, Vec<Vec<TermId>>) {
        let mut sets = Vec::new();
        self.conjuncts(pat, &mut sets);
        sets.sort_by_key(|terms| self.cost(terms));
        let rare = sets.iter().skip(1).take_while(|terms| self.cost(terms) < COMMON_COST).count();
        let mut also = sets.split_off((1 + rare).min(MOST_NEEDS).min(sets.len()));
        also.retain(|terms| self.cost(terms) < EVERYWHERE_COST);
        also.iter_mut().for_each(|terms| terms.sort_by_key(|&term| std::cmp::Reverse(self.cost(&[term]))));
        let mut needs: Vec<TermId> = sets.into_iter().map(|terms| self.set(terms)).collect();
        needs.dedup();
        (needs, also)
    }

    fn conjuncts(&self, pat: &Pat, into: &mut Vec<Vec<TermId>>) {
        match pat {
            Pat::Seq(items) => items.iter().for_each(|(_, item)| self.conjuncts(item, into)),
            Pat::Near(pats, _) | Pat::Both(pats) => pats.iter().for_each(|pat| self.conjuncts(pat, into)),
            Pat::Except(pat, _) => self.conjuncts(pat, into),
            Pat::Direct(actor, act, target) => {
                let parts = [actor.as_ref(), act.as_ref()].into_iter().chain(target.as_deref());
                parts.for_each(|part| self.conjuncts(part, into));
            }
            pat => into.extend(self.anchors(pat)),
        }
    }

    /// Terms of which at least one stands wherever the pattern matches, the rarest such set; none where nothing need
    /// stand.
    pub fn anchors(&self, pat: &Pat) -> Option<Vec<TermId>> {
        match pat {
            Pat::Term(term) => Some(vec![*term]),
            Pat::Any | Pat::Opt(_) | Pat::Regex(_) | Pat::Code(_) => None,
            Pat::List(place) => self.list_anchors(*place),
            Pat::Party(place) => {
                let mut all = self.list_anchors(self.parties[*place].nouns)?;
                for pronouns in [self.pronouns.0, self.pronouns.1] {
                    all.extend(self.list_anchors(pronouns)?);
                }
                Some(all)
            }
            Pat::Seq(items) => self.rarest(items.iter().map(|(_, item)| item)),
            Pat::Near(pats, _) | Pat::Both(pats) => self.rarest(pats.iter()),
            Pat::Alt(pats) => {
                pats.iter().map(|pat| self.anchors(pat)).collect::<Option<Vec<_>>>().map(|all| all.concat())
            }
            Pat::Except(pat, _) => self.anchors(pat),
            Pat::Direct(actor, act, target) => {
                self.rarest([actor.as_ref(), act.as_ref()].into_iter().chain(target.as_deref()))
            }
        }
    }

    fn list_anchors(&self, place: usize) -> Option<Vec<TermId>> {
        let list = &self.lists[place];
        let phrases: Option<Vec<_>> = list.phrases.iter().map(|phrase| self.anchors(phrase)).collect();
        let mut all = phrases?.concat();
        if self.has_words[place] {
            all.push(list.term);
        }
        Some(all)
    }

    fn rarest<'p>(&self, pats: impl Iterator<Item = &'p Pat>) -> Option<Vec<TermId>> {
        pats.filter_map(|pat| self.anchors(pat)).min_by_key(|terms| self.cost(terms))
    }

    fn cost(&self, terms: &[TermId]) -> u32 {
        terms.iter().map(|term| self.commonness.get(term).copied().unwrap_or(1)).sum()
    }

    /// The id that stands for any of these terms.
    fn set(&mut self, mut terms: Vec<TermId>) -> TermId {
        terms.sort_unstable();
        terms.dedup();
        if let [only] = terms[..] {
            return only;
        }
        if let Some(&set) = self.sets.get(&terms) {
            return set;
        }
        let set = self.terms.set();
        terms.iter().for_each(|&term| self.terms.put(term, set));
        self.sets.insert(terms, set);
        set
    }
}

impl Plan {
    fn leaves(&self, goal: u32, into: &mut Vec<u32>) {
        match &self.goals[goal as usize] {
            Goal::Words { .. } => into.push(goal),
            _ => self.parts(goal).iter().for_each(|&part| self.leaves(part, into)),
        }
    }

    fn indexed(&self, n_terms: usize, mut goals: Vec<u32>) -> Index {
        goals.sort_unstable();
        goals.dedup();
        let needs = |goal: u32| match &self.goals[goal as usize] {
            Goal::Words { needs, .. } => &needs[..],
            _ => &[],
        };
        index(n_terms, goals.into_iter().map(|goal| (goal, needs(goal))))
    }
}

fn index<'n>(n_terms: usize, entries: impl Iterator<Item = (u32, &'n [TermId])>) -> Index {
    let mut anywhere = Vec::new();
    let mut placed = Vec::new();
    for (entry, needs) in entries {
        match needs.first() {
            Some(&rarest) => {
                let second = *needs.get(1).unwrap_or(&rarest);
                placed.push((rarest.0, Entry { place: entry, second }));
            }
            None => anywhere.push(entry),
        }
    }
    placed.sort_unstable();
    let begins = (0..=n_terms as u32).map(|term| placed.partition_point(|pair| pair.0 < term) as u32).collect();
    Index { begins, entries: placed.into_iter().map(|pair| pair.1).collect(), anywhere }
}

/// True when the test holds for a part of the pattern, or the whole.
fn any_part(pat: &Pat, test: &mut dyn FnMut(&Pat) -> bool) -> bool {
    test(pat)
        || match pat {
            Pat::Seq(items) => items.iter().any(|(_, item)| any_part(item, test)),
            Pat::Alt(pats) | Pat::Near(pats, _) | Pat::Both(pats) => pats.iter().any(|pat| any_part(pat, test)),
            Pat::Opt(pat) => any_part(pat, test),
            Pat::Except(pat, others) => any_part(pat, test) || others.iter().any(|pat| any_part(pat, test)),
            Pat::Direct(actor, act, target) => {
                let parts = [actor.as_ref(), act.as_ref()].into_iter().chain(target.as_deref());
                parts.into_iter().any(|part| any_part(part, test))
            }
            Pat::Term(_) | Pat::Any | Pat::List(_) | Pat::Party(_) | Pat::Regex(_) | Pat::Code(_) => false,
        }
}

/// Numbers that are equal for equal patterns only.
fn key(pat: &Pat) -> Vec<u32> {
    let mut key = Vec::new();
    write_key(pat, &mut key);
    key
}

fn write_key(pat: &Pat, key: &mut Vec<u32>) {
    let mut open = |kind: u32, number: u32| key.extend([kind, number]);
    match pat {
        Pat::Term(term) => open(0, term.0),
        Pat::Any => open(1, 0),
        Pat::List(place) => open(2, *place as u32),
        Pat::Party(place) => open(3, *place as u32),
        Pat::Regex(regex) => {
            open(4, regex.as_str().len() as u32);
            key.extend(regex.as_str().bytes().map(u32::from));
        }
        Pat::Seq(items) => {
            open(5, items.len() as u32);
            for (gap, item) in items {
                key.push(u32::from(*gap));
                write_key(item, key);
            }
        }
        Pat::Alt(pats) => {
            open(6, pats.len() as u32);
            pats.iter().for_each(|pat| write_key(pat, key));
        }
        Pat::Opt(pat) => {
            open(7, 0);
            write_key(pat, key);
        }
        Pat::Except(pat, others) => {
            open(8, others.len() as u32);
            write_key(pat, key);
            others.iter().for_each(|pat| write_key(pat, key));
        }
        Pat::Near(pats, within) => {
            open(9, pats.len() as u32);
            key.push(u32::from(*within));
            pats.iter().for_each(|pat| write_key(pat, key));
        }
        Pat::Both(pats) => {
            open(10, pats.len() as u32);
            pats.iter().for_each(|pat| write_key(pat, key));
        }
        Pat::Direct(actor, act, target) => {
            open(11, u32::from(target.is_some()));
            write_key(actor, key);
            write_key(act, key);
            target.iter().for_each(|target| write_key(target, key));
        }
        Pat::Code(code) => open(12, u32::from(code.0)),
    }
}
