//! The words of a segment, laid out for the matcher: marks by sentence, and each sentence as sets of places.
//!
//! Comes in: a segment. Goes out: where a term stands in a sentence, and what may stand in which sentence at all.
//! Never happens here: a decision on a goal.

use super::Scene;
use super::marks::{self, Block, Found};
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
        let stands = |&place: &usize| column.is_in(self.sets[place]);
        each(from & self.meeting).filter(stands).fold(0, |all, place| all | 1 << place)
    }
}

/// All sentences of a segment. Reused from segment to segment.
pub struct Boards {
    boards: Vec<Board>,
    /// Marks that each sentence has, and those that any has.
    found: Found,
    /// Marks that are looked for first: by gates, by triggers, and by phrases of each depth.
    gates: Vec<Block>,
    triggers: Vec<Block>,
    phrases: Vec<Vec<Block>>,
    /// Phrases that may stand in a sentence.
    candidates: Vec<u32>,
    /// Goals of triggers that may stand, and in which sentences, once they are asked for.
    possible_triggers: OnceCell<Vec<(u32, Sentences)>>,
}

impl Boards {
    /// Empty ones, for a plan.
    pub fn new(plan: &Plan) -> Self {
        let first = |index: &Index| marks::set((0..plan.n_marks as u32).filter(|&mark| !index.at(mark).is_empty()));
        Boards {
            boards: Vec::new(),
            found: Found::new(plan.n_marks),
            gates: first(&plan.gates_at),
            triggers: first(&plan.triggers),
            phrases: plan.phrases_at.iter().map(first).collect(),
            candidates: Vec::new(),
            possible_triggers: OnceCell::new(),
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
        self.found.begin(scene.sentences.len());
        self.possible_triggers.take();
        if self.boards.len() < scene.sentences.len() {
            self.boards.resize_with(scene.sentences.len(), Board::default);
        }
        for (i, sentence) in scene.sentences.iter().enumerate() {
            self.read_sentence(scene, sentence, i);
        }
        self.find_phrases(scene);
    }

    fn read_sentence(&mut self, scene: &Scene, sentence: &Range<usize>, place: usize) {
        let board = &mut self.boards[place];
        let mut found = self.found.sentence(place);
        board.clear(sentence.len());
        for (i, token) in scene.tokens[sentence.clone()].iter().enumerate() {
            let brief = scene.forms.brief(token.form);
            board.light |= Places::from(token.light) << i;
            board.sets.push(brief.set);
            if brief.set == 0 {
                continue;
            }
            board.meeting |= 1 << i;
            found.add(scene.forms.marks(brief));
        }
        found.end();
    }

    /// Finds the phrases of groups: those with two words side by side by these, then the others by their marks, those
    /// in which others may stand after them.
    fn find_phrases(&mut self, scene: &Scene) {
        let plan = &scene.lexicon.plan;
        let mut candidates = std::mem::take(&mut self.candidates);
        for sentence in 0..scene.sentences.len() {
            candidates.clear();
            pairs(scene, &scene.sentences[sentence], &mut candidates);
            candidates.sort_unstable();
            candidates.dedup();
            candidates.iter().for_each(|&phrase| self.find_phrase(scene, sentence, phrase));
        }
        self.candidates = candidates;
        for (depth, index) in plan.phrases_at.iter().enumerate() {
            let needs = |phrase| &plan.phrases[phrase as usize].needs[..];
            let possible = self.possible(index, &self.phrases[depth], needs);
            for (phrase, sentences) in possible {
                for sentence in among(sentences, scene.sentences.len()) {
                    self.find_phrase(scene, sentence, phrase);
                }
            }
        }
    }

    fn find_phrase(&mut self, scene: &Scene, sentence: usize, phrase: u32) {
        let phrase = &scene.lexicon.plan.phrases[phrase as usize];
        if !self.found.has_in(sentence, &phrase.needs) {
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
        phrase.marks.iter().for_each(|&mark| self.found.put(sentence, mark));
    }

    /// The board of a sentence.
    pub fn board(&self, sentence: usize) -> &Board {
        &self.boards[sentence]
    }

    /// Sentences that have all of these marks.
    pub fn with(&self, needs: &[u32]) -> Sentences {
        let mut all = Sentences::MAX;
        for &need in needs {
            let has = (0..).zip(self.found.of_sentences(need));
            all &= has.fold(0, |all, (sentence, has)| all | Sentences::from(has) << usize::min(sentence, 63));
            if all == 0 {
                break;
            }
        }
        all
    }

    /// True when the segment has each of these marks somewhere.
    pub fn has(&self, needs: &[u32]) -> bool {
        self.found.has(needs)
    }

    /// Places of entries of an index, of which these marks are looked for first, whose first two needs the segment has.
    fn entries<'s>(&'s self, index: &'s Index, first: &'s [Block]) -> impl Iterator<Item = u32> + 's {
        let at = self.found.among(first).flat_map(|mark| index.at(mark));
        let found = at.filter(|entry| self.found.has_one(entry.second)).map(|entry| entry.place);
        found.chain(index.anywhere.iter().copied())
    }

    /// Gates of which the segment has the first two needs.
    pub fn gates<'s>(&'s self, plan: &'s Plan) -> impl Iterator<Item = u32> + 's {
        self.entries(&plan.gates_at, &self.gates)
    }

    /// Entries of an index and the sentences that have all their needs.
    fn possible<'n>(
        &self,
        index: &Index,
        first: &[Block],
        needs: impl Fn(u32) -> &'n [u32],
    ) -> Vec<(u32, Sentences)> {
        let all = self.entries(index, first).map(|place| (place, self.with(needs(place))));
        all.filter(|(_, sentences)| *sentences != 0).collect()
    }

    /// Goals of triggers that may stand in this sentence.
    pub fn triggers(&self, scene: &Scene, sentence: usize) -> impl Iterator<Item = u32> {
        let plan = &scene.lexicon.plan;
        let needs = |goal| plan.needs_of(goal);
        let all = self.possible_triggers.get_or_init(|| self.possible(&plan.triggers, &self.triggers, needs));
        all.iter().filter(move |(_, sentences)| sentences & bit(sentence) != 0).map(|(goal, _)| *goal)
    }
}

/// Adds the phrases of which two words stand side by side in a sentence.
fn pairs(scene: &Scene, sentence: &Range<usize>, into: &mut Vec<u32>) {
    let table = &scene.lexicon.plan.pairs;
    let forms = scene.forms;
    let tokens = &scene.tokens[sentence.clone()];
    for (i, left) in tokens.iter().enumerate() {
        let lefts = forms.lefts(forms.brief(left.form));
        if lefts.is_empty() {
            continue;
        }
        for right in &tokens[i + 1..] {
            let brief = forms.brief(right.form);
            for &left in lefts.iter().filter(|&&left| table.follow[left as usize] & brief.rights != 0) {
                forms.rights(brief).iter().for_each(|&right| into.extend(table.phrases(left, right)));
            }
            // What is light stands between no two words.
            if !right.light {
                break;
            }
        }
    }
}
