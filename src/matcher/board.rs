//! The words of a segment, laid out for the matcher: marks by sentence, and each sentence as sets of places.
//!
//! Comes in: a segment. Goes out: where a term stands in a sentence, and what may stand in which sentence at all.
//! Never happens here: a decision on a goal.

use super::Scene;
use super::marks::{self, Found, Row};
use super::sheet::Sheet;
use crate::lexicon::plan::{Index, Plan};
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

/// A set of sentences of a segment: bit *i* is its *i*-th, the last bit all from there on.
pub type Sentences = u64;

/// The bit of a sentence.
fn bit(sentence: usize) -> Sentences {
    1 << sentence.min(63)
}

/// The sentences of a set, of so many, ascending.
pub fn among(set: Sentences, n_sentences: usize) -> impl Iterator<Item = usize> {
    (0..n_sentences).filter(move |&sentence| set & bit(sentence) != 0)
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
        let mut found = self.found.adding(place);
        board.clear(sentence.len());
        let tokens = &scene.tokens[sentence.clone()];
        // All sets first: what is remembered of a form may be far away, and none need wait for the one before.
        board.sets.extend(tokens.iter().map(|token| scene.forms.brief(token.form).set));
        for (i, &set) in board.sets.iter().enumerate().filter(|(_, set)| **set != 0) {
            board.meeting |= 1 << i;
            found.add(scene.forms.marks(scene.forms.hint(set)));
        }
        let light = tokens.iter().enumerate().filter(|(_, token)| token.light);
        board.light = light.fold(0, |all, (i, _)| all | 1 << i);
    }

    /// Finds the phrases of groups: those with two words side by side by these, then the others by their marks, those
    /// in which others may stand after them.
    fn find_phrases(&mut self, scene: &Scene, sentence: usize) {
        let plan = &scene.lexicon.plan;
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        pairs(scene, &scene.sentences[sentence], &self.boards[sentence].sets, &mut candidates);
        candidates.sort_unstable();
        candidates.dedup();
        candidates.iter().for_each(|&phrase| self.find_phrase(scene, sentence, phrase));
        for (depth, index) in plan.phrases_at.iter().enumerate() {
            candidates.clear();
            each_entry(self.found.row(sentence), index, &self.phrases[depth], |phrase| candidates.push(phrase));
            candidates.iter().for_each(|&phrase| self.find_phrase(scene, sentence, phrase));
        }
        self.candidates = candidates;
    }

    fn find_phrase(&mut self, scene: &Scene, sentence: usize, phrase: u32) {
        let phrase = &scene.lexicon.plan.phrases[phrase as usize];
        if !self.found.row(sentence).has(&phrase.needs) {
            return;
        }
        let found: Vec<(usize, Places)> = Sheet::new(scene, self, sentence, None).starts(&phrase.pat).collect();
        if found.is_empty() {
            return;
        }
        for (start, ends) in found {
            let runs = phrase.groups.iter().map(|&group| Run { group, start, ends });
            self.boards[sentence].runs.extend(runs);
        }
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

    /// Sentences that have all of these marks.
    fn with(&self, needs: &[u32]) -> Sentences {
        let sentences = (0..self.n_sentences).filter(|&sentence| self.found.row(sentence).has(needs));
        sentences.fold(0, |all, sentence| all | bit(sentence))
    }

    /// True when the segment has each of these marks somewhere.
    pub fn has(&self, needs: &[u32]) -> bool {
        needs.iter().all(|need| self.with(std::slice::from_ref(need)) != 0)
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

/// Adds the phrases of which two words stand side by side in a sentence.
fn pairs(scene: &Scene, sentence: &Range<usize>, sets: &[SetId], into: &mut Vec<u32>) {
    let table = &scene.lexicon.plan.pairs;
    let forms = scene.forms;
    let tokens = &scene.tokens[sentence.clone()];
    for (i, &left) in sets.iter().enumerate() {
        let first = forms.hint(left);
        if first.follow == 0 {
            continue;
        }
        for (right, token) in sets.iter().zip(tokens).skip(i + 1) {
            let second = forms.hint(*right);
            if first.follow & second.rights != 0 {
                let lefts =
                    forms.lefts(first).iter().filter(|&&left| table.follow[left as usize] & second.rights != 0);
                lefts.for_each(|&left| {
                    forms.rights(second).iter().for_each(|&right| into.extend(table.phrases(left, right)));
                });
            }
            // What is light stands between no two words.
            if !token.light {
                break;
            }
        }
    }
}
