//! What to look for, and where: the patterns of a lexicon as goals, each with the words that must stand.
//!
//! Comes in: rules, triggers and lists with their names resolved. Goes out: a [`Plan`]. Never happens here: matching.
//!
//! A goal is tried in a sentence only where a word of every one of its needs may stand. Needs are sets of terms, and
//! each has a mark: a form has the marks of all needs that it meets, and a sentence those of its forms. A rule is looked
//! at in a segment only when the needs of one of its patterns, and of its conditions, may stand there; it is looked up
//! by the rarest of them alone.

use super::compile::{List, Party, Pat, Rule, Trigger};
use super::numbers::{self, Number, Numbers, Run, runs};
use super::pairs;
use super::terms::{Costs, TermId, TermSets};
use crate::codebook::CodeId;
use crate::token::{ALWAYS, Entry, Listed, Notes};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Numbers, most often so few that they need no memory of their own.
pub type Few = SmallVec<[u32; 4]>;

/// Something to look for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Goal {
    /// Words within one sentence.
    Words {
        /// The pattern, single words of a group drawn together.
        pat: Pat,
        /// The speaker's level where it is not known, for "we" and "they".
        level: Option<String>,
        /// Marks that a sentence has wherever the pattern matches; the rarest first.
        needs: Few,
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

/// Goals, phrases or ways into rules by the mark that is looked for first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Index {
    /// For each mark, what has it for its rarest need.
    entries: Lists<Entry>,
    /// Entries that need no mark: a regular expression may stand anywhere.
    #[serde(with = "numbers")]
    pub anywhere: Vec<u32>,
}

impl Number for Entry {
    type Bytes = <[u32; MOST_NEEDS] as Number>::Bytes;

    fn bytes(self) -> Self::Bytes {
        let [a, b, c] = self.others;
        [self.place, a, b, c].bytes()
    }

    #[inline]
    fn of(bytes: &Self::Bytes) -> Self {
        let [place, others @ ..]: [u32; MOST_NEEDS] = Number::of(bytes);
        Entry { place, others }
    }
}

impl Index {
    /// What has this mark for its rarest need.
    #[inline]
    pub fn at(&self, mark: u32) -> &[Entry] {
        self.entries.at(mark)
    }

    /// What has one of these marks for its rarest need.
    fn of(&self, marks: &[u32]) -> Vec<Entry> {
        marks.iter().flat_map(|&mark| self.at(mark)).copied().collect()
    }
}

/// A list for each number.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound = "T: Number")]
pub struct Lists<T> {
    /// For each number and one more, where its list begins.
    #[serde(with = "numbers")]
    begins: Vec<u32>,
    #[serde(with = "numbers")]
    items: Vec<T>,
}

impl<T: Ord> Lists<T> {
    /// Of pairs of number and item, for so many numbers.
    fn new(n: usize, mut pairs: Vec<(u32, T)>) -> Self {
        pairs.sort_unstable();
        let begins = (0..=n as u32).map(|number| pairs.partition_point(|pair| pair.0 < number) as u32).collect();
        Lists { begins, items: pairs.into_iter().map(|pair| pair.1).collect() }
    }

    /// The list of a number.
    #[inline]
    pub fn at(&self, number: u32) -> &[T] {
        self.listed(number).of(&self.items)
    }

    /// Where the list of a number is.
    #[inline]
    fn listed(&self, number: u32) -> Listed {
        let number = number as usize;
        Listed::new(self.begins[number] as usize, self.begins[number + 1] as usize)
    }
}

/// A way into a rule: a goal of one of its patterns, and marks that a segment has wherever the rule's conditions hold.
#[derive(Debug)]
pub struct Gate {
    /// Place of the rule.
    pub rule: u32,
    /// Place of the pattern among those of the rule.
    pub pattern: u32,
    /// The pattern's goal, or one of several that it is either of.
    pub goal: u32,
    /// The marks.
    pub needs: Few,
}

impl Run for Gate {
    fn put(&self, into: &mut Vec<u32>) {
        into.extend([self.rule, self.pattern, self.goal]);
        self.needs.put(into);
    }

    fn take(from: &mut Numbers) -> Option<Self> {
        Some(Gate { rule: from.one()?, pattern: from.one()?, goal: from.one()?, needs: Run::take(from)? })
    }
}

/// The goals of one rule.
#[derive(Debug, Default, Serialize, Deserialize)]
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

/// A phrase of one or several groups that depends on nothing but its words.
#[derive(Debug)]
pub struct Phrase {
    /// The words; none for two words side by side and no others: where they stand, it stands.
    pub pat: Option<Pat>,
    /// Its rarest two words that stand side by side, by which it is found; none where phrases may stand in it.
    pair: Option<(TermId, TermId)>,
    /// As those of a goal; none where it is found by two words.
    pub needs: Few,
    /// Places of its groups.
    pub groups: Few,
    /// What a sentence is marked with where it stands.
    pub marks: Few,
    /// 0 where no phrase of a group may stand in it, else one more than the deepest of those.
    pub depth: u32,
}

impl Phrase {
    /// True for two words side by side and no others.
    #[inline]
    pub fn is_pair(&self) -> bool {
        self.pat.is_none()
    }

    /// What must stand beside the two words by which the phrase at this place is found.
    fn longer(&self, place: u32) -> Longer {
        let words = self.pat.as_ref().and_then(words).unwrap_or_default();
        let is_pair = |&at: &usize| self.pair == Some((TermId(words[at]), TermId(words[at + 1])));
        let mut pairs = (0..words.len().saturating_sub(1)).filter(is_pair);
        let term = |at: usize| words.get(at).copied().unwrap_or(NO_TERM);
        match (pairs.next(), pairs.next()) {
            (Some(at), None) => [place, at.checked_sub(1).map_or(NO_TERM, term), term(at + 2)],
            // Where the two stand in it twice, it is not known which of them were found.
            _ => [place, NO_TERM, NO_TERM],
        }
    }
}

/// In the place of the number of words of a phrase: its pattern is none, or more than words side by side.
const NO_WORDS: u32 = u32::MAX;

/// In the place of the first of two words: there are none.
const NO_PAIR: u32 = u32::MAX;

/// All but a pattern that is more than words side by side.
impl Run for Phrase {
    fn put(&self, into: &mut Vec<u32>) {
        match self.pat.as_ref().and_then(words) {
            Some(words) => {
                into.push(words.len() as u32);
                into.extend(words);
            }
            None => into.push(NO_WORDS),
        }
        match self.pair {
            Some((left, right)) => into.extend([left.0, right.0]),
            None => into.push(NO_PAIR),
        }
        [&self.needs, &self.groups, &self.marks].into_iter().for_each(|few| few.put(into));
        into.push(self.depth);
    }

    fn take(from: &mut Numbers) -> Option<Self> {
        let pat = match from.one()? {
            NO_WORDS => None,
            n => Some(Pat::Seq(from.some(n)?.iter().map(|&term| (0, Pat::Term(TermId(term)))).collect())),
        };
        let pair = match from.one()? {
            NO_PAIR => None,
            left => Some((TermId(left), TermId(from.one()?))),
        };
        let [needs, groups, marks] = [Run::take(from)?, Run::take(from)?, Run::take(from)?];
        Some(Phrase { pat, pair, needs, groups, marks, depth: from.one()? })
    }
}

/// The words of a pattern that is no more than those, side by side.
fn words(pat: &Pat) -> Option<Vec<u32>> {
    let word = |(gap, item): &(u16, Pat)| match (gap, item) {
        (0, Pat::Term(term)) => Some(term.0),
        _ => None,
    };
    if let Pat::Seq(items) = pat { items.iter().map(word).collect() } else { None }
}

/// Phrases as a cache keeps them: most are words side by side, which take much less to read than a tree.
mod briefly {
    use super::{Pat, Phrase, runs, words};
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(phrases: &[Phrase], serializer: S) -> Result<S::Ok, S::Error> {
        let pats = (0u32..).zip(phrases).filter_map(|(place, phrase)| Some((place, phrase.pat.as_ref()?)));
        let others: Vec<(u32, &Pat)> = pats.filter(|(_, pat)| words(pat).is_none()).collect();
        Kept { phrases, others }.serialize(serializer)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<Phrase>, D::Error> {
        let Read { mut phrases, others } = Read::deserialize(deserializer)?;
        for (place, pat) in others {
            let phrase = phrases.get_mut(place as usize);
            phrase.ok_or_else(|| D::Error::custom("a pattern of no phrase"))?.pat = Some(pat);
        }
        Ok(phrases)
    }

    #[derive(Serialize)]
    struct Kept<'p> {
        #[serde(with = "runs")]
        phrases: &'p [Phrase],
        /// Patterns that are more than words side by side, and the places of their phrases.
        others: Vec<(u32, &'p Pat)>,
    }

    /// The same.
    #[derive(Deserialize)]
    struct Read {
        #[serde(with = "runs")]
        phrases: Vec<Phrase>,
        others: Vec<(u32, Pat)>,
    }
}

/// Words and phrases, one of which is looked for: a list, or the alternatives of a pattern.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Group {
    /// Met by its single words; none where it has none.
    pub term: Option<TermId>,
    /// True when it has phrases that are found before they are asked for.
    pub has_phrases: bool,
    /// Phrases that depend on more than their words: on the speaker's level, or on a regular expression.
    pub loose: Vec<Pat>,
}

/// Phrases by two of their words that stand side by side.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Pairs {
    /// The number of each term that is the first of two.
    lefts: FxHashMap<u32, u32>,
    /// The number of each term that is the second of two.
    rights: FxHashMap<u32, u32>,
    /// For each first word, bits of the second words that may follow it ([`Pairs::bit`]).
    #[serde(with = "numbers")]
    pub follow: Vec<u64>,
    /// For each two words where `notes` on them begin.
    places: pairs::Pairs,
    /// How many longer phrases, groups and marks follow, and then these: all about two words lies together.
    #[serde(with = "numbers")]
    notes: Vec<u32>,
}

/// A phrase of more words than two that stand side by side: its place, and the terms that stand right before and right
/// after the two wherever it does; [`NO_TERM`] where there is none, or something else than a word.
pub type Longer = [u32; 3];

/// In the place of a term: there is none.
pub const NO_TERM: u32 = u32::MAX;

/// What stands where two words stand side by side.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'p> {
    /// Phrases of more words, which may stand there.
    pub phrases: &'p [Longer],
    /// Places of the groups of phrases that are these two words.
    pub groups: &'p [u32],
    /// What those mark a sentence with.
    pub marks: &'p [u32],
}

impl Pairs {
    /// Of these phrases.
    fn new(phrases: &[Phrase]) -> Self {
        let mut found: Vec<(TermId, TermId, u32)> =
            (0..).zip(phrases).filter_map(|(place, phrase)| Some((phrase.pair?.0, phrase.pair?.1, place))).collect();
        found.sort_unstable();
        let mut pairs = Pairs::default();
        for same in found.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            pairs.add(same[0].0, same[0].1);
            pairs.add_notes(phrases, same.iter().map(|found| found.2));
        }
        pairs
    }

    /// Adds two words on which the next notes are.
    fn add(&mut self, left: TermId, right: TermId) {
        let (n_lefts, n_rights) = (self.lefts.len() as u32, self.rights.len() as u32);
        let left = *self.lefts.entry(left.0).or_insert(n_lefts);
        let right = *self.rights.entry(right.0).or_insert(n_rights);
        self.follow.resize(self.lefts.len(), 0);
        self.follow[left as usize] |= Pairs::bit(right);
        self.places.add(left, right, self.notes.len() as u32);
    }

    /// Adds the notes on two words, which these phrases have.
    fn add_notes(&mut self, phrases: &[Phrase], places: impl Iterator<Item = u32>) {
        let (whole, longer): (Vec<u32>, Vec<u32>) = places.partition(|&place| phrases[place as usize].is_pair());
        let of = |list: fn(&Phrase) -> &Few| {
            distinct(whole.iter().flat_map(|&place| list(&phrases[place as usize])).copied())
        };
        let lists = [of(|phrase| &phrase.groups), of(|phrase| &phrase.marks)];
        self.notes.push(longer.len() as u32);
        self.notes.extend(lists.iter().map(|list| list.len() as u32));
        self.notes.extend(longer.iter().flat_map(|&place| phrases[place as usize].longer(place)));
        self.notes.extend(lists.iter().flatten());
    }

    /// The bit of a second word.
    #[inline]
    pub fn bit(right: u32) -> u64 {
        1 << (right % 64)
    }

    /// The place of the notes on these two words side by side; none where they are no pair.
    #[inline]
    pub fn note(&self, left: u32, right: u32) -> Option<u32> {
        self.places.get(left, right)
    }

    /// What stands where the two words stand side by side whose notes have this place.
    #[inline]
    pub fn beside(&self, note: u32) -> Beside<'_> {
        let notes = &self.notes[note as usize..];
        let [n_phrases, n_groups, n_marks] = *notes.first_chunk().unwrap_or(&[0; 3]);
        let (phrases, rest) = notes[3..].split_at(n_phrases as usize * size_of::<Longer>() / size_of::<u32>());
        let (groups, rest) = rest.split_at(n_groups as usize);
        Beside { phrases: phrases.as_chunks().0, groups, marks: &rest[..n_marks as usize] }
    }
}

/// What the matcher follows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// All goals.
    pub goals: Vec<Goal>,
    /// Ways into rules.
    #[serde(with = "runs")]
    pub gates: Vec<Gate>,
    /// Goals within sentences that gates are opened by, by their rarest need.
    pub goals_at: Index,
    /// For each goal, the gates that it may open.
    pub gates_of: Lists<u32>,
    /// Goals of triggers.
    pub triggers: Index,
    /// For each goal, the triggers that it is an entry of.
    pub triggers_of: Vec<Vec<u32>>,
    /// For each rule, its goals.
    pub of_rule: Vec<RuleGoals>,
    /// Lists, each in its place, and after them the alternatives of patterns.
    pub groups: Vec<Group>,
    /// Phrases of groups.
    #[serde(with = "briefly")]
    pub phrases: Vec<Phrase>,
    /// Phrases with two words that stand side by side.
    pub pairs: Pairs,
    /// Other phrases by their rarest need.
    pub phrases_at: Index,
    /// The largest [`Phrase::depth`].
    pub deepest: u32,
    /// Marks below this number are asked for; others are only what is looked up by them.
    pub n_marks: usize,
    /// For each term the mark of it, [`NO_MARK`] where it is no need.
    #[serde(with = "numbers")]
    mark_of: Vec<u32>,
}

/// The mark of a term that is no need.
const NO_MARK: u32 = u32::MAX;

impl Plan {
    /// What a form that meets these terms says to the matcher.
    pub fn notes(&self, terms: &[u32]) -> Notes {
        let own = |ids: &FxHashMap<u32, u32>| terms.iter().filter_map(|term| ids.get(term).copied()).collect();
        let marks = terms.iter().map(|&term| self.mark_of[term as usize]).filter(|&mark| mark != NO_MARK);
        let marks: Vec<u32> = marks.collect();
        let (lefts, rights): (Vec<u32>, Vec<u32>) = (own(&self.pairs.lefts), own(&self.pairs.rights));
        let follow = lefts.iter().fold(0, |all, &left| all | self.pairs.follow[left as usize]);
        let [goals, phrases, triggers] =
            [&self.goals_at, &self.phrases_at, &self.triggers].map(|index| index.of(&marks));
        Notes { marks, goals, phrases, triggers, lefts, rights, follow }
    }
}

/// Words that stand more often than this in ten thousand are common.
const COMMON_COST: u32 = 5;

/// Two words are looked for side by side where that many times fewer sentences have them so than the rarest word.
const WORTH_A_PAIR: u32 = 4;

/// Needs that a goal, or a phrase, is held to.
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
    /// What it costs to look for a term, a list or a set first.
    pub commonness: Costs,
    /// Where sets get their ids.
    pub terms: &'c mut TermSets,
    /// The plan so far.
    pub plan: Plan,
    sets: FxHashMap<Vec<TermId>, TermId>,
    /// The goal of each pattern, by its key and level.
    known: FxHashMap<Vec<u64>, u32>,
    /// Levels, each in its place.
    levels: Vec<String>,
    /// Where keys are written, so that only those of new patterns need memory of their own.
    key: Vec<u64>,
    /// The mark of each need.
    marks: FxHashMap<Vec<Atom>, u32>,
    /// The mark of each need of one word or group.
    marks_of_one: FxHashMap<Atom, u32>,
    /// The mark of each phrase of two words that is a need by itself.
    marks_of_pairs: FxHashMap<u32, u32>,
    /// The mark of each set of terms.
    marks_of_terms: FxHashMap<TermId, u32>,
    /// For each mark, what it costs to look for it first.
    costs: Vec<u32>,
    /// For each list, whether "we" or "they" may stand in it.
    hearing: Vec<bool>,
    /// For each list, whether a phrase of it depends on more than its words.
    loose: Vec<bool>,
    /// The place of each phrase.
    phrase_of: FxHashMap<Vec<u64>, u32>,
    /// For each group its phrases.
    of_group: Vec<Vec<u32>>,
    /// The group of these words and phrases.
    group_of: FxHashMap<(Option<TermId>, Vec<u32>), usize>,
}

/// Something of which a pattern needs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Atom {
    /// A word that meets this term.
    Word(TermId),
    /// A phrase of this group.
    Phrase(u32),
}

/// Words and phrases, of which a pattern needs one. Most are one word.
#[derive(Debug)]
enum Atoms {
    /// This.
    One(Atom),
    /// One of these, in any order, some of them perhaps twice.
    Many(Vec<Atom>),
}

impl Atoms {
    fn as_slice(&self) -> &[Atom] {
        match self {
            Atoms::One(atom) => std::slice::from_ref(atom),
            Atoms::Many(atoms) => atoms,
        }
    }
}

impl<'c> Planner<'c> {
    /// Nothing planned yet.
    pub fn new(
        lists: &'c [List],
        has_words: Vec<bool>,
        parties: &'c [Party],
        pronouns: (usize, usize),
        commonness: Costs,
        terms: &'c mut TermSets,
    ) -> Self {
        Planner {
            lists,
            has_words,
            parties,
            pronouns,
            commonness,
            terms,
            plan: Plan::default(),
            sets: FxHashMap::default(),
            known: FxHashMap::default(),
            levels: Vec::new(),
            key: Vec::new(),
            marks: FxHashMap::default(),
            marks_of_one: FxHashMap::default(),
            marks_of_pairs: FxHashMap::default(),
            marks_of_terms: FxHashMap::default(),
            costs: Vec::new(),
            hearing: Vec::new(),
            loose: Vec::new(),
            phrase_of: FxHashMap::default(),
            of_group: Vec::new(),
            group_of: FxHashMap::default(),
        }
    }

    /// The plan for these rules and triggers.
    pub fn plan(mut self, rules: &[Rule], triggers: &[Trigger]) -> Plan {
        self.hearing = self.lists_with(|part| matches!(part, Pat::Party(_)));
        self.loose = self.lists_with(|part| matches!(part, Pat::Party(_) | Pat::Regex(_)));
        self.make_room(rules);
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
        self.plan.gates = (0..self.plan.of_rule.len()).flat_map(|rule| self.gates(rule)).collect();
        let gates = (0..).zip(&self.plan.gates);
        let openers =
            gates.flat_map(|(place, gate)| self.leads(gate.goal).into_iter().map(move |goal| (goal, place)));
        let openers: Vec<(u32, u32)> = openers.collect();
        let goals = distinct(openers.iter().map(|pair| pair.0));
        self.renumber(&goals);
        let plan = &mut self.plan;
        plan.gates_of = Lists::new(plan.goals.len(), openers);
        plan.triggers_of = vec![Vec::new(); plan.goals.len()];
        for &(goal, place) in trigger_of {
            plan.triggers_of[goal as usize].push(place);
        }
        let n_marks = self.costs.len() + 1;
        plan.mark_of = vec![NO_MARK; self.terms.len()];
        self.marks_of_terms.iter().for_each(|(term, &mark)| plan.mark_of[term.0 as usize] = mark);
        let by_needs = |goals: Vec<u32>| index(n_marks, goals.into_iter().map(|goal| (goal, plan.needs_of(goal))));
        let (goals_at, triggers) = (by_needs(goals), by_needs(distinct(trigger_of.iter().map(|pair| pair.0))));
        (plan.goals_at, plan.triggers) = (goals_at, triggers);
        self.index_phrases();
    }

    /// Numbers the marks anew, after [`ALWAYS`]: first those that are asked for, then those that goals and phrases are
    /// only looked up by. The gates lead to these goals.
    fn renumber(&mut self, goals: &[u32]) {
        let Plan { goals: all, gates, phrases, n_marks, .. } = &mut self.plan;
        let mut asked = vec![false; self.costs.len()];
        let of_gates = gates.iter().flat_map(|gate| &gate.needs);
        let of_phrases = phrases.iter().flat_map(|phrase| phrase.needs.iter().skip(1));
        let of_goals = (0..).zip(&*all).flat_map(|(place, goal)| match goal {
            Goal::Words { needs, .. } => &needs[usize::from(goals.binary_search(&place).is_ok()).min(needs.len())..],
            _ => &[],
        });
        of_gates.chain(of_phrases).chain(of_goals).for_each(|&mark| asked[mark as usize] = true);
        let mut order: Vec<u32> = (0..self.costs.len() as u32).collect();
        order.sort_by_key(|&mark| !asked[mark as usize]);
        *n_marks = asked.iter().filter(|asked| **asked).count() + 1;
        let mut new = vec![0; order.len()];
        (ALWAYS + 1..).zip(&order).for_each(|(number, &mark)| new[mark as usize] = number);
        let renumber = |marks: &mut [u32]| marks.iter_mut().for_each(|mark| *mark = new[*mark as usize]);
        self.marks_of_terms.values_mut().for_each(|mark| *mark = new[*mark as usize]);
        gates.iter_mut().for_each(|gate| renumber(&mut gate.needs));
        for phrase in phrases {
            renumber(&mut phrase.needs);
            renumber(&mut phrase.marks);
        }
        for goal in all {
            if let Goal::Words { needs, .. } = goal {
                renumber(needs);
            }
        }
    }

    fn index_phrases(&mut self) {
        let (plan, n_marks) = (&mut self.plan, self.costs.len() + 1);
        plan.deepest = plan.phrases.iter().map(|phrase| phrase.depth).max().unwrap_or(0);
        let others = (0..).zip(&plan.phrases).filter(|(_, phrase)| phrase.pair.is_none());
        plan.phrases_at = index(n_marks, others.map(|(place, phrase)| (place, &phrase.needs[..])));
        plan.pairs = Pairs::new(&plan.phrases);
    }

    /// Ways into a rule: one for each goal that one of its patterns is either of.
    fn gates(&self, rule: usize) -> Vec<Gate> {
        let goals = &self.plan.of_rule[rule];
        let needs = Few::from_vec(distinct(goals.with.iter().flat_map(|&goal| self.plan.surely(goal))));
        let parts = (0..)
            .zip(&goals.patterns)
            .flat_map(|(pattern, &goal)| self.plan.parts(goal).into_iter().map(move |part| (pattern, part)));
        parts.map(|(pattern, goal)| Gate { rule: rule as u32, pattern, goal, needs: needs.clone() }).collect()
    }

    /// Goals within sentences of which one stands wherever the goal does; the rarest such.
    fn leads(&self, goal: u32) -> Vec<u32> {
        match &self.plan.goals[goal as usize] {
            Goal::Words { .. } => vec![goal],
            Goal::Either(parts) => parts.iter().flat_map(|&part| self.leads(part)).collect(),
            Goal::Both(parts) | Goal::Each(parts) => {
                let cost = |goals: &Vec<u32>| goals.iter().map(|&goal| u64::from(self.rareness(goal))).sum::<u64>();
                parts.iter().map(|&part| self.leads(part)).min_by_key(cost).unwrap_or_default()
            }
            Goal::Code(_) => Vec::new(),
        }
    }

    /// What it costs to look for a goal's rarest need.
    fn rareness(&self, goal: u32) -> u32 {
        self.plan.needs_of(goal).first().map_or(u32::MAX, |&mark| self.costs[mark as usize])
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

    /// One of several: the words and plain phrases as one goal, and each other as its own, so that each is looked for
    /// by its own rarest word. The shortest match for each start stays the same.
    fn either(&mut self, pats: &[Pat], level: Option<&str>, goal: fn(&mut Self, &Pat, Option<&str>) -> u32) -> u32 {
        let (plain, others): (Vec<&Pat>, Vec<&Pat>) = pats.iter().partition(|pat| self.is_plain(pat));
        let mut parts: Vec<u32> = others.into_iter().map(|pat| goal(self, pat, level)).collect();
        if !plain.is_empty() {
            parts.push(self.words(&Pat::Alt(plain.into_iter().cloned().collect()), level));
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
        let level = level.filter(|_| self.hears_level(pat));
        self.write_key(pat);
        let level_key = level.map_or(0, |level| self.level_key(level));
        self.key.push(u64::from(level_key));
        if let Some(&goal) = self.known.get(&self.key) {
            return goal;
        }
        let key = self.key.clone();
        let pat = self.drawn(pat);
        let needs = self.needs_of_goal(&pat);
        let goal = self.push(Goal::Words { pat, level: level.map(str::to_string), needs });
        self.known.insert(key, goal);
        goal
    }

    /// Writes numbers to [`Planner::key`] that are equal for equal patterns only.
    fn write_key(&mut self, pat: &Pat) {
        self.key.clear();
        write_key(pat, &mut self.key);
    }

    /// A number of its own for each level, from 1.
    fn level_key(&mut self, level: &str) -> u32 {
        let place = self.levels.iter().position(|known| known == level).unwrap_or_else(|| {
            self.levels.push(level.to_string());
            self.levels.len() - 1
        });
        place as u32 + 1
    }

    /// True when "we" or "they" may stand in it.
    fn hears_level(&self, pat: &Pat) -> bool {
        any_part(pat, &mut |part| match part {
            Pat::Party(_) => true,
            Pat::List(place) => self.hearing.get(*place) == Some(&true),
            _ => false,
        })
    }

    /// For each list, whether the test holds for a part of its phrases, or of those of the lists in them.
    fn lists_with(&self, test: fn(&Pat) -> bool) -> Vec<bool> {
        let mut with = vec![false; self.lists.len()];
        loop {
            let holds = |part: &Pat| test(part) || matches!(part, Pat::List(place) if with[*place]);
            let phrase = |pat: &Pat| any_part(pat, &mut |part| holds(part));
            let next: Vec<bool> = self.lists.iter().map(|list| list.phrases.iter().any(phrase)).collect();
            if next == with {
                return with;
            }
            with = next;
        }
    }

    /// Room for as many phrases as there may be: to move those found so far would cost more than to count.
    fn make_room(&mut self, rules: &[Rule]) {
        let mut sequences = 0;
        let mut count = |part: &Pat| {
            sequences += usize::from(matches!(part, Pat::Seq(_)));
            false
        };
        let lists = self.lists.iter().flat_map(|list| &list.phrases);
        let patterns = rules.iter().flat_map(|rule| rule.patterns.iter().chain(&rule.with).chain(&rule.without));
        lists.chain(patterns).for_each(|pat| {
            any_part(pat, &mut count);
        });
        self.plan.phrases.reserve(sequences);
        self.phrase_of.reserve(sequences);
    }

    /// Makes a group of every list.
    fn phrases(&mut self) {
        let lists = self.lists;
        self.of_group = vec![Vec::new(); lists.len()];
        for (list, own) in lists.iter().enumerate() {
            let (loose, words): (Vec<&Pat>, Vec<&Pat>) = own.phrases.iter().partition(|pat| self.is_loose(pat));
            words.into_iter().for_each(|pat| self.phrase(pat, list));
            let term = self.has_words[list].then_some(own.term);
            let has_phrases = !self.of_group[list].is_empty();
            self.plan.groups.push(Group { term, has_phrases, loose: loose.into_iter().cloned().collect() });
        }
    }

    /// Adds a phrase to a group.
    fn phrase(&mut self, pat: &Pat, group: usize) {
        let place = self.place_of(pat);
        let groups = &mut self.plan.phrases[place as usize].groups;
        if groups.last() != Some(&(group as u32)) {
            groups.push(group as u32);
            self.of_group[group].push(place);
        }
    }

    fn place_of(&mut self, pat: &Pat) -> u32 {
        self.write_key(pat);
        if let Some(&place) = self.phrase_of.get(&self.key) {
            return place;
        }
        let key = self.key.clone();
        let pat = self.with_sets(pat);
        let depth = self.depth(&pat);
        let pair = self.side_by_side(&pat).filter(|_| depth == 0);
        let needs = if pair.is_some() { Few::new() } else { self.needs(&pat) };
        let is_pair = pair.is_some() && matches!(&pat, Pat::Seq(items) if items.len() == 2);
        let pat = Some(pat).filter(|_| !is_pair);
        let phrase = Phrase { pat, pair, needs, groups: Few::new(), marks: Few::new(), depth };
        self.plan.phrases.push(phrase);
        let place = self.plan.phrases.len() as u32 - 1;
        self.phrase_of.insert(key, place);
        place
    }

    /// The rarest two terms of a phrase that stand side by side wherever it does.
    fn side_by_side(&self, pat: &Pat) -> Option<(TermId, TermId)> {
        let items = if let Pat::Seq(items) = pat { &items[..] } else { &[] };
        let pairs = items.windows(2).filter_map(side_by_side);
        pairs.min_by_key(|&(left, right)| self.cost_of_word(left) * self.cost_of_word(right))
    }

    /// True for words, lists that depend on nothing but their words, and phrases of words side by side.
    fn is_plain(&self, pat: &Pat) -> bool {
        match pat {
            Pat::Term(_) => true,
            Pat::List(_) => !self.is_loose(pat),
            Pat::Seq(items) => {
                items.len() > 1 && items.iter().all(|(gap, item)| *gap == 0 && matches!(item, Pat::Term(_)))
            }
            _ => false,
        }
    }

    /// The group of these words, lists and phrases; the term alone where they are words.
    fn group(&mut self, plain: &[&Pat]) -> Pat {
        let mut words: Vec<TermId> = plain.iter().filter_map(|pat| self.word(pat)).collect();
        let mut phrases: Vec<u32> = Vec::new();
        for pat in plain.iter().filter(|pat| !matches!(pat, Pat::Term(_))) {
            match pat {
                Pat::List(place) => {
                    words.extend(self.plan.groups[*place].term);
                    phrases.extend(&self.of_group[*place]);
                }
                pat => phrases.push(self.place_of(pat)),
            }
        }
        let term = (!words.is_empty()).then(|| self.set(words));
        phrases.sort_unstable();
        phrases.dedup();
        match (term, plain) {
            (Some(term), _) if phrases.is_empty() => Pat::Term(term),
            (_, [Pat::List(place)]) => Pat::List(*place),
            _ => Pat::List(self.new_group(term, phrases)),
        }
    }

    fn new_group(&mut self, term: Option<TermId>, phrases: Vec<u32>) -> usize {
        let key = (term, phrases);
        if let Some(&place) = self.group_of.get(&key) {
            return place;
        }
        let place = self.plan.groups.len();
        key.1.iter().for_each(|&phrase| self.plan.phrases[phrase as usize].groups.push(place as u32));
        self.plan.groups.push(Group { term, has_phrases: true, loose: Vec::new() });
        self.of_group.push(key.1.clone());
        self.group_of.insert(key, place);
        place
    }

    /// True when it depends on more than its words: on the speaker's level, or on a regular expression.
    fn is_loose(&self, pat: &Pat) -> bool {
        any_part(pat, &mut |part| match part {
            Pat::Party(_) | Pat::Regex(_) => true,
            Pat::List(place) => self.loose.get(*place) == Some(&true),
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

    /// The pattern with the words and plain phrases of each group as one.
    fn drawn(&mut self, pat: &Pat) -> Pat {
        match pat {
            Pat::Alt(pats) => {
                let (plain, others): (Vec<&Pat>, Vec<&Pat>) = pats.iter().partition(|pat| self.is_plain(pat));
                let mut all: Vec<Pat> = others.into_iter().map(|pat| self.drawn(pat)).collect();
                if !plain.is_empty() {
                    all.insert(0, self.group(&plain));
                }
                if all.len() == 1 { all.remove(0) } else { Pat::Alt(all) }
            }
            Pat::Term(term) => Pat::Term(*term),
            pat if self.is_plain(pat) => self.group(&[pat]),
            pat => changed(pat, &mut |part| self.drawn(part)),
        }
    }

    /// The pattern with the single words of each group as one set.
    fn with_sets(&mut self, pat: &Pat) -> Pat {
        match pat {
            Pat::Alt(pats) => {
                let words: Vec<TermId> = pats.iter().filter_map(|pat| self.word(pat)).collect();
                let others: Vec<&Pat> = pats.iter().filter(|pat| self.word(pat).is_none()).collect();
                let mut all: Vec<Pat> = others.into_iter().map(|pat| self.with_sets(pat)).collect();
                if !words.is_empty() {
                    all.insert(0, Pat::Term(self.set(words)));
                }
                if all.len() == 1 { all.remove(0) } else { Pat::Alt(all) }
            }
            pat => self.word(pat).map_or_else(|| changed(pat, &mut |part| self.with_sets(part)), Pat::Term),
        }
    }

    /// The term that the pattern is, of a word or of a list without phrases.
    fn word(&self, pat: &Pat) -> Option<TermId> {
        match pat {
            Pat::Term(term) => Some(*term),
            Pat::List(place) if self.lists[*place].phrases.is_empty() => Some(self.lists[*place].term),
            _ => None,
        }
    }

    /// Marks that a sentence has wherever the pattern matches, the rarest first.
    fn needs(&mut self, pat: &Pat) -> Few {
        let mut sets = Vec::new();
        self.conjuncts(pat, &mut sets);
        sets.sort_by_key(|atoms| self.cost(atoms));
        sets.truncate(MOST_NEEDS);
        let mut needs: Few = sets.into_iter().map(|atoms| self.mark(atoms)).collect();
        needs.dedup();
        needs
    }

    /// As [`Planner::needs`]; where all words are common, two of them side by side are looked for instead.
    fn needs_of_goal(&mut self, pat: &Pat) -> Few {
        let needs = self.needs(pat);
        let rarest = needs.first().map_or(0, |&mark| self.costs[mark as usize]);
        let mut pairs = Vec::new();
        neighbours(pat, &mut pairs);
        let pairs = pairs.into_iter().map(|(left, right)| (self.cost_of_pair(left, right), left, right));
        match pairs.min() {
            Some((cost, left, right)) if rarest > COMMON_COST && cost * WORTH_A_PAIR <= rarest => {
                self.with_pair(needs, left, right)
            }
            _ => needs,
        }
    }

    /// The needs, those of these two words together first and no more by themselves.
    fn with_pair(&mut self, mut needs: Few, left: TermId, right: TermId) -> Few {
        let own = [left, right].map(|term| self.mark_of_one(Atom::Word(term)));
        needs.retain(|need| !own.contains(need));
        needs.truncate(MOST_NEEDS - 1);
        needs.insert(0, self.mark_of_pair(left, right));
        needs
    }

    /// About how often two words stand side by side, which common words do more often than by chance.
    fn cost_of_pair(&self, left: TermId, right: TermId) -> u32 {
        let both = u64::from(self.cost_of_word(left)) * u64::from(self.cost_of_word(right));
        (both / 2_500) as u32 + 1
    }

    /// The mark of two words side by side: they are a phrase that is in no group.
    fn mark_of_pair(&mut self, left: TermId, right: TermId) -> u32 {
        let place = self.place_of(&Pat::Seq(vec![(0, Pat::Term(left)), (0, Pat::Term(right))]));
        if let Some(&mark) = self.marks_of_pairs.get(&place) {
            return mark;
        }
        let mark = self.costs.len() as u32;
        self.costs.push(self.cost_of_pair(left, right));
        self.plan.phrases[place as usize].marks.push(mark);
        self.marks_of_pairs.insert(place, mark);
        mark
    }

    /// The mark of a need.
    fn mark(&mut self, atoms: Atoms) -> u32 {
        let mut atoms = match atoms {
            Atoms::One(atom) => return self.mark_of_one(atom),
            Atoms::Many(atoms) => atoms,
        };
        atoms.sort_unstable();
        atoms.dedup();
        if let [only] = atoms[..] {
            return self.mark_of_one(only);
        }
        if let Some(&mark) = self.marks.get(&atoms) {
            return mark;
        }
        let mark = self.new_mark(&atoms);
        self.marks.insert(atoms, mark);
        mark
    }

    fn mark_of_one(&mut self, atom: Atom) -> u32 {
        if let Some(&mark) = self.marks_of_one.get(&atom) {
            return mark;
        }
        let mark = self.new_mark(&[atom]);
        self.marks_of_one.insert(atom, mark);
        mark
    }

    fn new_mark(&mut self, atoms: &[Atom]) -> u32 {
        let (mark, cost) = (self.costs.len() as u32, self.cost_of(atoms));
        self.costs.push(cost);
        let words = atoms.iter().filter_map(|atom| atom.word());
        let set = match *atoms {
            [Atom::Word(only)] => Some(only),
            _ if words.clone().next().is_none() => None,
            _ => Some(self.set(words.collect())),
        };
        if let Some(set) = set {
            match self.marks_of_terms.get(&set) {
                // A form has one mark for a set: what needs the same words and phrases besides is told apart.
                Some(_) => {
                    let own = self.terms.set();
                    self.terms.put(set, own);
                    self.marks_of_terms.insert(own, mark);
                }
                None => drop(self.marks_of_terms.insert(set, mark)),
            }
        }
        for phrase in atoms.iter().filter_map(|atom| atom.group()).flat_map(|group| &self.of_group[group]) {
            self.plan.phrases[*phrase as usize].marks.push(mark);
        }
        mark
    }

    fn conjuncts(&self, pat: &Pat, into: &mut Vec<Atoms>) {
        match pat {
            Pat::Seq(items) => items.iter().for_each(|(_, item)| self.conjuncts(item, into)),
            Pat::Near(pats, _) | Pat::Both(pats) => pats.iter().for_each(|pat| self.conjuncts(pat, into)),
            Pat::Except(pat, _) => self.conjuncts(pat, into),
            Pat::Direct(actor, act, target) => {
                let parts = [actor.as_ref(), act.as_ref()].into_iter().chain(target.as_deref());
                parts.for_each(|part| self.conjuncts(part, into));
            }
            pat => into.extend(self.atoms(pat)),
        }
    }

    /// Words and phrases of which at least one stands wherever the pattern matches, the rarest such set; none where
    /// nothing need stand.
    fn atoms(&self, pat: &Pat) -> Option<Atoms> {
        let mut all = Vec::new();
        match pat {
            Pat::Term(term) => return Some(Atoms::One(Atom::Word(*term))),
            Pat::Any | Pat::Opt(_) | Pat::Regex(_) | Pat::Code(_) => return None,
            Pat::List(place) => self.list_atoms(*place, &mut all)?,
            Pat::Party(place) => {
                for list in [self.parties[*place].nouns, self.pronouns.0, self.pronouns.1] {
                    self.list_atoms(list, &mut all)?;
                }
            }
            Pat::Seq(items) => return self.rarest(items.iter().map(|(_, item)| item)),
            Pat::Near(pats, _) | Pat::Both(pats) => return self.rarest(pats.iter()),
            Pat::Alt(pats) => self.all_atoms(pats, &mut all)?,
            Pat::Except(pat, _) => return self.atoms(pat),
            Pat::Direct(actor, act, target) => {
                return self.rarest([actor.as_ref(), act.as_ref()].into_iter().chain(target.as_deref()));
            }
        }
        Some(Atoms::Many(all))
    }

    /// Adds those of each pattern; none where nothing need stand for one of them.
    fn all_atoms(&self, pats: &[Pat], into: &mut Vec<Atom>) -> Option<()> {
        pats.iter().try_for_each(|pat| {
            into.extend_from_slice(self.atoms(pat)?.as_slice());
            Some(())
        })
    }

    fn list_atoms(&self, place: usize, into: &mut Vec<Atom>) -> Option<()> {
        let Some(group) = self.plan.groups.get(place) else { return self.unread_list_atoms(place, into) };
        self.all_atoms(&group.loose, into)?;
        into.extend(group.term.map(Atom::Word));
        into.extend(group.has_phrases.then_some(Atom::Phrase(place as u32)));
        Some(())
    }

    /// Those of a list whose group is not made yet: by the words of its phrases.
    fn unread_list_atoms(&self, place: usize, into: &mut Vec<Atom>) -> Option<()> {
        let list = &self.lists[place];
        self.all_atoms(&list.phrases, into)?;
        into.extend(self.has_words[place].then_some(Atom::Word(list.term)));
        Some(())
    }

    fn rarest<'p>(&self, pats: impl Iterator<Item = &'p Pat>) -> Option<Atoms> {
        pats.filter_map(|pat| self.atoms(pat)).min_by_key(|atoms| self.cost(atoms))
    }

    fn cost(&self, atoms: &Atoms) -> u32 {
        self.cost_of(atoms.as_slice())
    }

    fn cost_of(&self, atoms: &[Atom]) -> u32 {
        let cost = |atom: &Atom| match atom {
            Atom::Word(term) => self.cost_of_word(*term),
            Atom::Phrase(group) => self.of_group.get(*group as usize).map_or(1, |phrases| phrases.len() as u32),
        };
        atoms.iter().map(cost).sum()
    }

    fn cost_of_word(&self, term: TermId) -> u32 {
        self.commonness.get(term).unwrap_or(1)
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
        let cost = terms.iter().map(|&term| self.cost_of_word(term)).sum();
        self.commonness.put(set, cost);
        terms.iter().for_each(|&term| self.terms.put(term, set));
        self.sets.insert(terms, set);
        set
    }
}

impl Plan {
    /// Marks that a sentence has wherever the goal matches; none for goals that reach over sentences.
    pub fn needs_of(&self, goal: u32) -> &[u32] {
        match &self.goals[goal as usize] {
            Goal::Words { needs, .. } => needs,
            _ => &[],
        }
    }

    /// The goals that a goal is either of, or it alone.
    fn parts(&self, goal: u32) -> Vec<u32> {
        match &self.goals[goal as usize] {
            Goal::Either(parts) => parts.iter().flat_map(|&part| self.parts(part)).collect(),
            _ => vec![goal],
        }
    }

    /// Marks that a segment has wherever the goal matches.
    fn surely(&self, goal: u32) -> Vec<u32> {
        match &self.goals[goal as usize] {
            Goal::Words { needs, .. } => needs.to_vec(),
            Goal::Both(parts) | Goal::Each(parts) => parts.iter().flat_map(|&part| self.surely(part)).collect(),
            Goal::Either(_) | Goal::Code(_) => Vec::new(),
        }
    }
}

impl Atom {
    fn word(self) -> Option<TermId> {
        if let Atom::Word(term) = self { Some(term) } else { None }
    }

    fn group(self) -> Option<usize> {
        if let Atom::Phrase(group) = self { Some(group as usize) } else { None }
    }
}

/// Adds the words that stand side by side wherever the pattern matches.
fn neighbours(pat: &Pat, into: &mut Vec<(TermId, TermId)>) {
    match pat {
        Pat::Seq(items) => {
            into.extend(items.windows(2).filter_map(side_by_side));
            items.iter().for_each(|(_, item)| neighbours(item, into));
        }
        Pat::Near(pats, _) | Pat::Both(pats) => pats.iter().for_each(|pat| neighbours(pat, into)),
        Pat::Except(pat, _) => neighbours(pat, into),
        Pat::Direct(actor, act, target) => {
            let parts = [actor.as_ref(), act.as_ref()].into_iter().chain(target.as_deref());
            parts.for_each(|part| neighbours(part, into));
        }
        _ => {}
    }
}

/// Two items of a sequence, where they are words side by side.
fn side_by_side(two: &[(u16, Pat)]) -> Option<(TermId, TermId)> {
    match two {
        [(_, Pat::Term(left)), (0, Pat::Term(right))] => Some((*left, *right)),
        _ => None,
    }
}

/// The pattern with each of its parts changed.
fn changed(pat: &Pat, change: &mut dyn FnMut(&Pat) -> Pat) -> Pat {
    let mut boxed = |pat: &Pat| Box::new(change(pat));
    match pat {
        Pat::Opt(pat) => Pat::Opt(boxed(pat)),
        Pat::Direct(actor, act, target) => Pat::Direct(boxed(actor), boxed(act), target.as_deref().map(boxed)),
        Pat::Seq(items) => Pat::Seq(items.iter().map(|(gap, item)| (*gap, change(item))).collect()),
        Pat::Alt(pats) => Pat::Alt(pats.iter().map(change).collect()),
        Pat::Both(pats) => Pat::Both(pats.iter().map(change).collect()),
        Pat::Near(pats, within) => Pat::Near(pats.iter().map(change).collect(), *within),
        Pat::Except(pat, others) => {
            let first = boxed(pat);
            Pat::Except(first, others.iter().map(change).collect())
        }
        Pat::Term(_) | Pat::Any | Pat::List(_) | Pat::Party(_) | Pat::Regex(_) | Pat::Code(_) => pat.clone(),
    }
}

/// Each number once, ascending.
fn distinct(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut all: Vec<u32> = numbers.collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn index<'n>(n_marks: usize, entries: impl Iterator<Item = (u32, &'n [u32])>) -> Index {
    let mut anywhere = Vec::new();
    let mut placed = Vec::new();
    for (place, needs) in entries {
        match needs.first() {
            Some(&rarest) => {
                let others = std::array::from_fn(|i| *needs.get(i + 1).unwrap_or(&ALWAYS));
                placed.push((rarest, Entry { place, others }));
            }
            None => anywhere.push(place),
        }
    }
    Index { entries: Lists::new(n_marks, placed), anywhere }
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

/// Writes numbers that are equal for equal patterns only.
fn write_key(pat: &Pat, key: &mut Vec<u64>) {
    let mut open = |kind: u64, number: usize| key.push(kind << 32 | number as u64);
    match pat {
        Pat::Term(term) => open(0, term.0 as usize),
        Pat::Any => open(1, 0),
        Pat::List(place) => open(2, *place),
        Pat::Party(place) => open(3, *place),
        Pat::Regex(regex) => {
            open(4, regex.as_str().len());
            key.extend(regex.as_str().bytes().map(u64::from));
        }
        Pat::Seq(items) => {
            open(5, items.len());
            for (gap, item) in items {
                key.push(u64::from(*gap));
                write_key(item, key);
            }
        }
        Pat::Alt(pats) => {
            open(6, pats.len());
            pats.iter().for_each(|pat| write_key(pat, key));
        }
        Pat::Opt(pat) => {
            open(7, 0);
            write_key(pat, key);
        }
        Pat::Except(pat, others) => {
            open(8, others.len());
            write_key(pat, key);
            others.iter().for_each(|pat| write_key(pat, key));
        }
        Pat::Near(pats, within) => {
            open(9, pats.len());
            key.push(u64::from(*within));
            pats.iter().for_each(|pat| write_key(pat, key));
        }
        Pat::Both(pats) => {
            open(10, pats.len());
            pats.iter().for_each(|pat| write_key(pat, key));
        }
        Pat::Direct(actor, act, target) => {
            open(11, usize::from(target.is_some()));
            write_key(actor, key);
            write_key(act, key);
            target.iter().for_each(|target| write_key(target, key));
        }
        Pat::Code(code) => open(12, usize::from(code.0)),
    }
}
