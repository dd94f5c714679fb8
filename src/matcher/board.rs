//! The words of a segment, laid out for the matcher: what may stand in a sentence, and each sentence as sets of places.
//!
//! Comes in: a segment. Goes out: where a term stands in a sentence, and what may stand in which sentence at all.
//! Never happens here: a decision on a goal.

use super::Scene;
use super::beside::Besides;
use super::sheet::Sheet;
use crate::lexicon::plan::{Index, Longer, NO_TERM, Plan};
use crate::segment::LONGEST_SENTENCE;
use crate::token::{Entry, Forms, Listed, Row, SetId, Token};
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
    /// These sets, to be held against marks.
    present: Row,
    /// Marks of phrases that stand here, some perhaps twice.
    marks: Vec<u32>,
    /// A bit for each of them, by its last six bits.
    mark_bits: u64,
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
        self.present = Row::default();
        self.marks.clear();
        self.mark_bits = 0;
        self.runs.clear();
        self.people.take();
        self.light = 0;
        self.whole = upto(n_tokens) >> 1;
    }

    /// Notes marks of a phrase that stands here.
    fn mark(&mut self, marks: &[u32]) {
        self.marks.extend_from_slice(marks);
        self.mark_bits |= marks.iter().fold(0, |all, mark| all | 1 << (mark % 64));
    }

    /// True when all of these marks may stand here.
    #[inline]
    fn may_have(&self, forms: &Forms, marks: &[u32]) -> bool {
        let is_marked = |mark: &u32| self.mark_bits >> (mark % 64) & 1 != 0 && self.marks.contains(mark);
        marks.iter().all(|mark| forms.may_stand(*mark, &self.present) || is_marked(mark))
    }

    /// True when a longer phrase than two words may stand here, which begin and end at these places.
    fn may_be_longer(&self, forms: &Forms, [_, before, after]: &Longer, begin: usize, end: usize) -> bool {
        // What stands beside a light word may count instead of it.
        let may_be = |term: u32, place: Option<usize>| {
            let at = place.filter(|&at| at < self.sets.len());
            term == NO_TERM || at.is_some_and(|at| self.is_light(at) || forms.column(term).is_in(self.sets[at]))
        };
        may_be(*after, Some(end)) && may_be(*before, begin.checked_sub(1))
    }

    /// True for a token that does not count in a gap.
    #[inline]
    pub fn is_light(&self, at: usize) -> bool {
        self.light >> at & 1 != 0
    }

    /// Shows what may stand here of an index, some of it perhaps twice; these are its entries by the words of the sentence.
    #[inline]
    fn each<'t>(
        &self,
        forms: &Forms,
        index: &Index,
        by_words: impl Iterator<Item = &'t [Entry]>,
        mut show: impl FnMut(u32),
    ) {
        let mut show_those = |entries: &[Entry]| {
            for entry in entries {
                if self.may_have(forms, &entry.others) {
                    show(entry.place);
                }
            }
        };
        by_words.for_each(&mut show_those);
        self.marks.iter().for_each(|&mark| show_those(index.at(mark)));
        index.anywhere.iter().for_each(|&place| show(place));
    }

    /// At which places a term stands.
    pub fn all_places(&self, forms: &Forms, term: u32) -> Places {
        let column = forms.column(term);
        // Machine words: they are quicker.
        let half = |sets: &[SetId]| sets.iter().rev().fold(0u64, |all, &set| all << 1 | u64::from(column.is_in(set)));
        match self.sets.split_at_checked(64) {
            None => Places::from(half(&self.sets)),
            Some((low, high)) => Places::from(half(low)) | Places::from(half(high)) << 64,
        }
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
    /// Goals and phrases that are looked for where words of a sentence stand.
    goals: Vec<Listed>,
    phrases: Vec<Listed>,
    /// Words of a sentence, the last of which may be the second of two words of a phrase.
    neighbours: Vec<Range<usize>>,
    /// What two words side by side are.
    besides: Besides,
    /// Phrases that may stand in a sentence.
    candidates: Vec<u32>,
    /// For each goal where it may stand; of goals that rules are entered by.
    may_stand: Vec<MayStand>,
    /// Goals that may stand in any sentence.
    possible: Vec<u32>,
}

/// Where a goal may stand in a segment.
#[derive(Debug, Clone, Copy, Default)]
struct MayStand {
    sentences: Sentences,
    /// How many matches there may be that share no word: as many as words or phrases that are its rarest need.
    times: usize,
}

impl Boards {
    /// Empty ones, for a plan.
    pub fn new(plan: &Plan) -> Self {
        Boards {
            boards: Vec::new(),
            n_sentences: 0,
            goals: Vec::new(),
            phrases: Vec::new(),
            neighbours: Vec::new(),
            besides: Besides::default(),
            candidates: Vec::new(),
            may_stand: vec![MayStand::default(); plan.goals.len()],
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
        self.besides.begin(scene.forms);
        self.possible.drain(..).for_each(|goal| self.may_stand[goal as usize] = MayStand::default());
        if self.boards.len() < scene.sentences.len() {
            self.boards.resize_with(scene.sentences.len(), Board::default);
        }
        for (i, sentence) in scene.sentences.iter().enumerate() {
            self.read_sentence(scene, sentence, i);
            self.find_phrases(scene, i);
            self.find_goals(scene, i);
        }
    }

    fn read_sentence(&mut self, scene: &Scene, sentence: &Range<usize>, place: usize) {
        let board = &mut self.boards[place];
        board.clear(sentence.len());
        let tokens = &scene.tokens[sentence.clone()];
        // All sets first: what is remembered of a form may be far away, and none need wait for the one before.
        for (half, tokens) in tokens.chunks(64).enumerate() {
            let (mut meeting, mut light) = (0u64, 0u64);
            board.sets.extend(tokens.iter().enumerate().map(|(bit, token)| {
                let set = scene.forms.brief(token.form).set;
                meeting |= u64::from(set != 0) << bit;
                light |= u64::from(token.light) << bit;
                set
            }));
            board.meeting |= Places::from(meeting) << (64 * half);
            board.light |= Places::from(light) << (64 * half);
        }
        self.read_hints(scene.forms, tokens, place);
    }

    /// Notes what is looked for where the words of a sentence stand, and which of them may be two words of a phrase.
    fn read_hints(&mut self, forms: &Forms, tokens: &[Token], sentence: usize) {
        let board = &mut self.boards[sentence];
        self.phrases.clear();
        self.neighbours.clear();
        self.goals.clear();
        self.goals.resize(tokens.len() + 1, Listed::default());
        let mut n_goals = 0;
        // The word before, and those that only light words part from this one: where they begin, and what may follow.
        let (mut from, mut follow) = (0, 0);
        for (place, (&set, token)) in board.sets.iter().zip(tokens).enumerate() {
            let hint = forms.hint(set);
            board.present.put(set);
            // Whether there are any is hard to guess.
            self.goals[n_goals] = hint.goals;
            n_goals += usize::from(!hint.goals.is_empty());
            if !hint.phrases.is_empty() {
                self.phrases.push(hint.phrases);
            }
            if follow & hint.rights != 0 {
                self.neighbours.push(from..place + 1);
            }
            if token.light {
                follow |= hint.follow;
            } else {
                (from, follow) = (place, hint.follow);
            }
        }
        self.goals.truncate(n_goals);
    }

    /// Finds the phrases of groups: those with two words side by side by these, then the others by their marks, those
    /// in which others may stand after them.
    fn find_phrases(&mut self, scene: &Scene, sentence: usize) {
        let plan = &scene.lexicon.plan;
        let mut candidates = std::mem::take(&mut self.candidates);
        self.find_by_pairs(scene, sentence, &mut candidates);
        for depth in 0..=plan.deepest {
            candidates.clear();
            let entries = self.phrases.iter().map(|&phrases| scene.forms.entries(phrases));
            self.boards[sentence].each(scene.forms, &plan.phrases_at, entries, |place| {
                if plan.phrases[place as usize].depth == depth {
                    candidates.push(place);
                }
            });
            self.find_candidates(scene, sentence, &mut candidates);
        }
        self.candidates = candidates;
    }

    /// Finds phrases by two words that stand side by side: most are these two, and others are followed.
    fn find_by_pairs(&mut self, scene: &Scene, sentence: usize, candidates: &mut Vec<u32>) {
        candidates.clear();
        let (plan, forms) = (&scene.lexicon.plan, scene.forms);
        let board = &mut self.boards[sentence];
        for Range { start: begin, end } in self.neighbours.drain(..) {
            for start in begin..end - 1 {
                for &note in self.besides.of(plan, forms, board.sets[start], board.sets[end - 1]) {
                    let beside = plan.pairs.beside(note);
                    board.runs.extend(beside.groups.iter().map(|&group| Run { group, start, ends: 1 << end }));
                    board.mark(beside.marks);
                    let longer =
                        beside.phrases.iter().filter(|longer| board.may_be_longer(forms, longer, start, end));
                    candidates.extend(longer.map(|[phrase, ..]| phrase));
                }
            }
        }
        self.find_candidates(scene, sentence, candidates);
    }

    fn find_candidates(&mut self, scene: &Scene, sentence: usize, candidates: &mut Vec<u32>) {
        candidates.sort_unstable();
        candidates.dedup();
        candidates.iter().for_each(|&phrase| self.find_phrase(scene, sentence, phrase));
    }

    fn find_phrase(&mut self, scene: &Scene, sentence: usize, phrase: u32) {
        let phrase = &scene.lexicon.plan.phrases[phrase as usize];
        let Some(pat) = &phrase.pat else { return };
        let found: Vec<(usize, Places)> = Sheet::new(scene, self, sentence, None).starts(pat).collect();
        let board = &mut self.boards[sentence];
        for (start, ends) in found {
            board.runs.extend(phrase.groups.iter().map(|&group| Run { group, start, ends }));
            board.mark(&phrase.marks);
        }
    }

    /// Finds the goals that may stand in a sentence.
    fn find_goals(&mut self, scene: &Scene, sentence: usize) {
        let entries = self.goals.iter().map(|&goals| scene.forms.entries(goals));
        self.boards[sentence].each(scene.forms, &scene.lexicon.plan.goals_at, entries, |goal| {
            let may_stand = &mut self.may_stand[goal as usize];
            if may_stand.sentences == 0 {
                self.possible.push(goal);
            }
            may_stand.sentences |= bit(sentence);
            may_stand.times += 1;
        });
    }

    /// The board of a sentence.
    pub fn board(&self, sentence: usize) -> &Board {
        &self.boards[sentence]
    }

    /// Goals that rules are entered by and that may stand in any sentence, and how many matches of each there may be at
    /// most that share no word.
    pub fn possible(&self, plan: &Plan) -> impl Iterator<Item = (u32, usize)> {
        // Nothing is counted where nothing need stand.
        let is_counted = |goal: u32| !plan.needs_of(goal).is_empty();
        let times = move |goal: u32| if is_counted(goal) { self.may_stand[goal as usize].times } else { usize::MAX };
        self.possible.iter().map(move |&goal| (goal, times(goal)))
    }

    /// Sentences in which a goal may stand.
    pub fn sentences(&self, scene: &Scene, goal: u32) -> Sentences {
        let plan = &scene.lexicon.plan;
        if !plan.gates_of.at(goal).is_empty() {
            return self.may_stand[goal as usize].sentences;
        }
        let needs = plan.needs_of(goal);
        let with = self.boards().enumerate().filter(|(_, board)| board.may_have(scene.forms, needs));
        with.fold(0, |all, (sentence, _)| all | bit(sentence))
    }

    /// True when a goal may stand in any sentence.
    pub fn may_stand(&self, scene: &Scene, goal: u32) -> bool {
        let plan = &scene.lexicon.plan;
        if !plan.gates_of.at(goal).is_empty() {
            return self.may_stand[goal as usize].sentences != 0;
        }
        let needs = plan.needs_of(goal);
        self.boards().any(|board| board.may_have(scene.forms, needs))
    }

    fn boards(&self) -> impl Iterator<Item = &Board> {
        self.boards[..self.n_sentences].iter()
    }

    /// True when each of these marks may stand somewhere in the segment.
    pub fn may_have(&self, scene: &Scene, marks: &[u32]) -> bool {
        let has = |mark: &u32| self.boards().any(|board| board.may_have(scene.forms, std::slice::from_ref(mark)));
        marks.iter().all(has)
    }

    /// Goals of triggers that may stand in this sentence, ascending.
    pub fn triggers(&self, scene: &Scene, sentence: usize) -> Vec<u32> {
        let (board, forms) = (&self.boards[sentence], scene.forms);
        let entries = board.sets.iter().map(|&set| forms.triggers(set));
        let mut goals = Vec::new();
        board.each(forms, &scene.lexicon.plan.triggers, entries, |goal| goals.push(goal));
        goals.sort_unstable();
        goals.dedup();
        goals
    }
}
