//! The words of a segment, laid out for the matcher: marks by sentence, and each sentence as sets of places.
//!
//! Comes in: a segment. Goes out: where a term stands in a sentence, and what may stand in which sentence at all.
//! Never happens here: a decision on a goal.

use super::Scene;
use super::beside::Besides;
use super::marks::{self, Found, Row};
use super::sheet::Sheet;
use crate::lexicon::plan::{Index, Phrase, Plan};
use crate::segment::LONGEST_SENTENCE;
use crate::token::{Forms, SetId};
use std::cell::OnceCell;
use std::ops::Range;

/// A set of places in a sentence: bit *i* is its *i*-th token, or the place after the token before.
pub type Places = u128;

// A sentence and the place after it must fit.
const _: () = assert!(LONGEST_SENTENCE < Places::BITS as usize);

/// The places up to and including this one.
pub fn upto(place: usize) -> Places {
    (1 << place) | ((1 << place) - 1)
}

/// The places of a set, ascending.
pub fn each(mut places: Places) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = places.trailing_zeros();
        (places != 0).then(|| {
            places &= places - 1;
            place as usize
        })
    })
}

/// The places of those for which the test holds.
fn places_of<T>(all: &[T], test: impl Fn(&T) -> bool) -> Places {
    // Machine words: they are quicker.
    let half = |all: &[T]| all.iter().rev().fold(0u64, |places, one| places << 1 | u64::from(test(one)));
    match all.split_at_checked(64) {
        None => Places::from(half(all)),
        Some((low, high)) => Places::from(half(low)) | Places::from(half(high)) << 64,
    }
}

/// A set of sentences of a segment: bit *i* is its *i*-th, the last bit all from there on.
pub type Sentences = u64;

/// The bit of a sentence.
fn bit(sentence: usize) -> Sentences {
    1 << sentence.min(63)
}

/// The sentences of a set, of so many, ascending.
pub fn among(set: Sentences, n_sentences: usize) -> impl Iterator<Item = usize> {
    let late = if set & bit(63) != 0 { 63..n_sentences } else { 0..0 };
    each(Places::from(set & !bit(63))).chain(late)
}

/// One sentence.
#[derive(Default)]
pub struct Board {
    /// For each token the set of its terms.
    sets: Vec<SetId>,
    /// Tokens that meet any term.
    meeting: Places,
    /// Every token.
    pub whole: Places,
    /// Tokens that do not count in a gap.
    pub light: Places,
    /// Phrases of groups that stand here.
    pub runs: Vec<Run>,
    /// Where nouns of parties, and pronouns that stand for them, begin.
    pub people: OnceCell<Places>,
}

/// A phrase of a group that stands in a sentence.
pub struct Run {
    /// Place of the group.
    pub group: u32,
    /// Where it begins.
    pub start: usize,
    /// Where it may end.
    pub ends: Places,
}

impl Board {
    fn clear(&mut self, n_tokens: usize) {
        self.sets.clear();
        self.meeting = 0;
        self.runs.clear();
        self.people.take();
        self.light = 0;
        self.whole = upto(n_tokens) >> 1;
    }

    /// At which places a term stands.
    pub fn all_places(&self, forms: &Forms, term: u32) -> Places {
        let column = forms.column(term);
        places_of(&self.sets, |&set| column.is_in(set))
    }

    /// At which of these places a term stands.
    pub fn places(&self, forms: &Forms, term: u32, from: Places) -> Places {
        let column = forms.column(term);
        // Halves: most sentences have one, and a machine word is quicker.
        let stands = |mut half: u64, begin: usize| {
            let mut all = 0;
            while half != 0 {
                let bit = half.trailing_zeros();
                half &= half - 1;
                all |= u64::from(column.is_in(self.sets[begin + bit as usize])) << bit;
            }
            all
        };
        let from = from & self.meeting;
        Places::from(stands(from as u64, 0)) | Places::from(stands((from >> 64) as u64, 64)) << 64
    }
}

/// All sentences of a segment. Reused from segment to segment.
pub struct Boards {
    boards: Vec<Board>,
    n_sentences: usize,
    /// Marks that each sentence has.
    found: Found,
    /// Marks that are looked for first: by goals of rules, by triggers, and by phrases of each depth.
    goals: marks::Set,
    triggers: marks::Set,
    phrases: Vec<marks::Set>,
    /// Words of a sentence, the last of which may be the second of two words of a phrase.
    neighbours: Vec<Range<usize>>,
    /// What two words side by side are.
    besides: Besides,
    /// Phrases that may stand in a sentence.
    candidates: Vec<u32>,
    /// For each goal, the sentences in which it may stand; of goals that rules are entered by.
    may_stand: Vec<Sentences>,
    /// Goals that may stand in any sentence.
    possible: Vec<u32>,
}

impl Boards {
    /// Empty ones, for a plan.
    pub fn new(plan: &Plan) -> Self {
        let first = |index: &Index| marks::set((0..plan.n_marks as u32).filter(|&mark| !index.at(mark).is_empty()));
        Boards {
            boards: Vec::new(),
            n_sentences: 0,
            found: Found::new(plan.n_marks),
            goals: first(&plan.goals_at),
            triggers: first(&plan.triggers),
            phrases: plan.phrases_at.iter().map(first).collect(),
            neighbours: Vec::new(),
            besides: Besides::default(),
            candidates: Vec::new(),
            may_stand: vec![0; plan.goals.len()],
            possible: Vec::new(),
        }
    }

    /// Those of a segment.
    pub fn of(scene: &Scene) -> Self {
        let mut boards = Boards::new(&scene.lexicon.plan);
        boards.read(scene);
        boards
    }

    /// Forgets the segment before and takes up this one.
    pub fn read(&mut self, scene: &Scene) {
        self.n_sentences = scene.sentences.len();
        self.found.begin(self.n_sentences);
        self.besides.begin(scene.forms);
        self.possible.drain(..).for_each(|goal| self.may_stand[goal as usize] = 0);
        if self.boards.len() < scene.sentences.len() {
            self.boards.resize_with(scene.sentences.len(), Board::default);
        }
        for (i, sentence) in scene.sentences.iter().enumerate() {
            self.read_sentence(scene, sentence, i);
            self.find_phrases(scene, i);
            self.find_goals(&scene.lexicon.plan, i);
        }
    }

    fn read_sentence(&mut self, scene: &Scene, sentence: &Range<usize>, place: usize) {
        let board = &mut self.boards[place];
        board.clear(sentence.len());
        let tokens = &scene.tokens[sentence.clone()];
        // All sets first: what is remembered of a form may be far away, and none need wait for the one before.
        board.sets.extend(tokens.iter().map(|token| scene.forms.brief(token.form).set));
        board.meeting = places_of(&board.sets, |set| *set != 0);
        board.light = places_of(tokens, |token| token.light);
        self.add_marks(scene.forms, place);
    }

    /// Adds the marks of the words of a sentence, and notes which of them may be two words of a phrase.
    fn add_marks(&mut self, forms: &Forms, sentence: usize) {
        let board = &self.boards[sentence];
        let mut found = self.found.adding(sentence);
        self.neighbours.clear();
        // The word before, and those that only light words part from this one: where they begin, and what may follow.
        let (mut from, mut follow) = (0, 0);
        for (place, &set) in board.sets.iter().enumerate() {
            let hint = forms.hint(set);
            found.add(forms.marks(hint));
            if follow & hint.rights != 0 {
                self.neighbours.push(from..place + 1);
            }
            match board.light >> place & 1 {
                0 => (from, follow) = (place, hint.follow),
                _ => follow |= hint.follow,
            }
        }
    }

    /// Finds the phrases of groups: those with two words side by side by these, then the others by their marks, those
    /// in which others may stand after them.
    fn find_phrases(&mut self, scene: &Scene, sentence: usize) {
        let plan = &scene.lexicon.plan;
        let mut candidates = std::mem::take(&mut self.candidates);
        self.find_by_pairs(scene, sentence, &mut candidates);
        for (depth, index) in plan.phrases_at.iter().enumerate() {
            candidates.clear();
            each_entry(self.found.row(sentence), index, &self.phrases[depth], |phrase| candidates.push(phrase));
            candidates.iter().for_each(|&phrase| self.find_phrase(scene, sentence, phrase));
        }
        self.candidates = candidates;
    }

    /// Finds phrases by two words that stand side by side: most are these two, and others are followed.
    fn find_by_pairs(&mut self, scene: &Scene, sentence: usize, candidates: &mut Vec<u32>) {
        candidates.clear();
        let (plan, forms) = (&scene.lexicon.plan, scene.forms);
        let Board { sets, runs, .. } = &mut self.boards[sentence];
        let mut marks = self.found.adding(sentence);
        for Range { start: begin, end } in self.neighbours.drain(..) {
            for (start, &set) in (begin..).zip(&sets[begin..end - 1]) {
                for &note in self.besides.of(plan, forms, set, sets[end - 1]) {
                    let beside = plan.pairs.beside(note);
                    runs.extend(beside.groups.iter().map(|&group| Run { group, start, ends: 1 << end }));
                    beside.marks.iter().for_each(|&mark| marks.put(mark));
                    candidates.extend_from_slice(beside.phrases);
                }
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates.iter().for_each(|&phrase| self.find_phrase(scene, sentence, phrase));
    }

    fn find_phrase(&mut self, scene: &Scene, sentence: usize, phrase: u32) {
        let phrase = &scene.lexicon.plan.phrases[phrase as usize];
        if !self.found.row(sentence).has(&phrase.needs) {
            return;
        }
        let Some(pat) = &phrase.pat else { return };
        let found: Vec<(usize, Places)> = Sheet::new(scene, self, sentence, None).starts(pat).collect();
        found.into_iter().for_each(|(start, ends)| self.add_phrase(sentence, phrase, start, ends));
    }

    fn add_phrase(&mut self, sentence: usize, phrase: &Phrase, start: usize, ends: Places) {
        let runs = phrase.groups.iter().map(|&group| Run { group, start, ends });
        self.boards[sentence].runs.extend(runs);
        let mut marks = self.found.adding(sentence);
        phrase.marks.iter().for_each(|&mark| marks.put(mark));
    }

    /// Finds the goals that may stand in a sentence.
    fn find_goals(&mut self, plan: &Plan, sentence: usize) {
        each_entry(self.found.row(sentence), &plan.goals_at, &self.goals, |goal| {
            let sentences = &mut self.may_stand[goal as usize];
            if *sentences == 0 {
                self.possible.push(goal);
            }
            *sentences |= bit(sentence);
        });
    }

    /// The board of a sentence.
    pub fn board(&self, sentence: usize) -> &Board {
        &self.boards[sentence]
    }

    /// Goals that rules are entered by and that may stand in any sentence.
    pub fn possible(&self) -> &[u32] {
        &self.possible
    }

    /// Sentences in which a goal may stand.
    pub fn sentences(&self, plan: &Plan, goal: u32) -> Sentences {
        if plan.gates_of.at(goal).is_empty() { self.with(plan.needs_of(goal)) } else { self.may_stand[goal as usize] }
    }

    /// True when a goal may stand in any sentence.
    pub fn may_stand(&self, plan: &Plan, goal: u32) -> bool {
        if !plan.gates_of.at(goal).is_empty() {
            return self.may_stand[goal as usize] != 0;
        }
        let needs = plan.needs_of(goal);
        (0..self.n_sentences).any(|sentence| self.found.row(sentence).has(needs))
    }

    /// Sentences that have all of these marks.
    fn with(&self, needs: &[u32]) -> Sentences {
        let sentences = (0..self.n_sentences).filter(|&sentence| self.found.row(sentence).has(needs));
        sentences.fold(0, |all, sentence| all | bit(sentence))
    }

    /// True when the segment has each of these marks somewhere.
    pub fn has(&self, needs: &[u32]) -> bool {
        let has =
            |need: &u32| (0..self.n_sentences).any(|place| self.found.row(place).has(std::slice::from_ref(need)));
        needs.iter().all(has)
    }

    /// Shows goals of triggers that may stand in this sentence.
    pub fn each_trigger(&self, plan: &Plan, sentence: usize, show: impl FnMut(u32)) {
        each_entry(self.found.row(sentence), &plan.triggers, &self.triggers, show);
    }
}

/// Shows entries of an index, of which these marks are looked for first, whose needs a sentence has.
#[inline]
fn each_entry(row: Row, index: &Index, first: &marks::Set, mut show: impl FnMut(u32)) {
    row.each(first, |mark| {
        let found = index.at(mark).iter().filter(|entry| row.has(&entry.others));
        found.for_each(|entry| show(entry.place));
    });
    index.anywhere.iter().for_each(|&place| show(place));
}
