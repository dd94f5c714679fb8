//! The terms of a lexicon, and which of them a word meets: aho-corasick over each distinct form, once.
//!
//! Comes in: every single-word term of the patterns and lists. Goes out: for a form, the ids of the terms and lists
//! that it meets, ascending. Never happens here: anything about more than one word.

use super::pattern::Term;
use crate::token::{Language, Reading, Stemmer, Terms};
use aho_corasick::{AhoCorasick, MatchKind};
use rustc_hash::FxHashMap;

/// The place of a term, or of the single words of a list, among all terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermId(pub u32);

/// Collects terms while a lexicon is compiled.
pub struct TermTableBuilder {
    stemmer: Stemmer,
    words: Words,
    /// The id of each stem, by the word that it was asked for with.
    stems: FxHashMap<String, TermId>,
    sets: TermSets,
}

/// What it costs to look for a term, a list or a set first, by its id.
#[derive(Clone, Default)]
pub struct Costs(Vec<u32>);

/// Where no cost was put down.
const NO_COST: u32 = u32::MAX;

impl Costs {
    /// The cost, where one was put down.
    pub fn get(&self, term: TermId) -> Option<u32> {
        self.0.get(term.0 as usize).copied().filter(|&cost| cost != NO_COST)
    }

    /// Puts a cost down.
    pub fn put(&mut self, term: TermId, cost: u32) {
        let place = term.0 as usize;
        if self.0.len() <= place {
            self.0.resize(place + 1, NO_COST);
        }
        self.0[place] = cost;
    }
}

/// Which terms belong to which lists and sets. Apart from the terms themselves: sets are still made while the automaton
/// of the terms is being built.
#[derive(Default)]
pub struct TermSets {
    /// For each id: the lists that the term belongs to.
    lists: Vec<Vec<TermId>>,
    n_sets: usize,
}

impl TermSets {
    /// An id for a set of terms that no list names.
    pub fn set(&mut self) -> TermId {
        self.n_sets += 1;
        self.list()
    }

    /// An id for the single words of a list.
    pub fn list(&mut self) -> TermId {
        self.lists.push(Vec::new());
        TermId(self.lists.len() as u32 - 1)
    }

    /// Number of ids given so far.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// True before the first id.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Terms that no other is a member of.
    pub fn words(&self) -> impl Iterator<Item = TermId> {
        let mut has_members = vec![false; self.len()];
        self.lists.iter().flatten().for_each(|list| has_members[list.0 as usize] = true);
        (0..).map(TermId).zip(has_members).filter(|(_, has_members)| !has_members).map(|(term, _)| term)
    }

    /// The term, and all lists and sets that it belongs to.
    pub fn above(&self, term: TermId) -> Vec<TermId> {
        let mut all = vec![term];
        let mut next = 0;
        while next < all.len() {
            for list in &self.lists[all[next].0 as usize] {
                if !all.contains(list) {
                    all.push(*list);
                }
            }
            next += 1;
        }
        all
    }

    /// Makes a term, or all members of a list, members of a list.
    pub fn put(&mut self, term: TermId, list: TermId) {
        self.lists[term.0 as usize].push(list);
    }
}

impl TermTableBuilder {
    /// No terms yet.
    pub fn new(language: Language) -> Self {
        TermTableBuilder {
            stemmer: Stemmer::new(language),
            words: Words::default(),
            stems: FxHashMap::default(),
            sets: TermSets::default(),
        }
    }

    /// The id of a term; the same term has the same id.
    pub fn term(&mut self, term: Term<&str>) -> TermId {
        let Term::Stem(word) = term else { return self.exactly(term) };
        if let Some(&id) = self.stems.get(word) {
            return id;
        }
        let stem = self.stemmer.stem(word).into_owned();
        let id = self.exactly(Term::Stem(&stem));
        self.stems.insert(word.to_string(), id);
        id
    }

    fn exactly(&mut self, term: Term<&str>) -> TermId {
        self.words.id(term, || self.sets.list())
    }

    /// The lists and sets of the terms.
    pub fn sets(&mut self) -> &mut TermSets {
        &mut self.sets
    }

    /// The words to look for, and the sets that they are in.
    pub fn apart(self) -> (Words, TermSets) {
        (self.words, self.sets)
    }
}

/// Every single-word term with its id, by its text among those of its kind.
#[derive(Default)]
pub struct Words {
    words: FxHashMap<String, TermId>,
    globs: FxHashMap<String, TermId>,
    stems: FxHashMap<String, TermId>,
    exact: FxHashMap<String, TermId>,
    numbers: FxHashMap<String, TermId>,
}

impl Words {
    /// The terms of the same kind, and the text of this one.
    fn like<'t>(&mut self, term: Term<&'t str>) -> (&mut FxHashMap<String, TermId>, &'t str) {
        match term {
            Term::Word(word) => (&mut self.words, word),
            Term::Glob(glob) => (&mut self.globs, glob),
            Term::Stem(stem) => (&mut self.stems, stem),
            Term::Exact(text) => (&mut self.exact, text),
            Term::Number => (&mut self.numbers, ""),
        }
    }

    /// The id of a term; a new one where it has none yet.
    pub fn id(&mut self, term: Term<&str>, new: impl FnOnce() -> TermId) -> TermId {
        let (ids, text) = self.like(term);
        if let Some(&id) = ids.get(text) {
            return id;
        }
        let id = new();
        ids.insert(text.to_string(), id);
        id
    }

    /// Takes back the terms from this id on.
    pub fn forget(&mut self, from: usize) {
        let Words { words, globs, stems, exact, numbers } = self;
        let all = [words, globs, stems, exact, numbers].into_iter();
        all.for_each(|ids| ids.retain(|_, id| (id.0 as usize) < from));
    }

    /// All terms, in the order of their ids.
    fn all(self) -> Vec<(Term, TermId)> {
        let of = |ids: FxHashMap<String, TermId>, kind: fn(String) -> Term| {
            ids.into_iter().map(move |(text, id)| (kind(text), id))
        };
        let (words, globs) = (of(self.words, Term::Word), of(self.globs, Term::Glob));
        let (stems, exact) = (of(self.stems, Term::Stem), of(self.exact, Term::Exact));
        let numbers = of(self.numbers, |_| Term::Number);
        let mut terms: Vec<_> = words.chain(globs).chain(stems).chain(exact).chain(numbers).collect();
        terms.sort_unstable_by_key(|(_, id)| *id);
        terms
    }

    /// What finds them.
    ///
    /// # Errors
    /// When the terms are too many for one automaton.
    pub fn finder(self) -> Result<Finder, aho_corasick::BuildError> {
        let mut needles = Vec::new();
        let mut targets = Vec::new();
        let mut number = None;
        for (term, id) in self.all() {
            let check = match &term {
                Term::Word(_) | Term::Stem(_) => Check::None,
                Term::Glob(glob) => Check::Glob(glob.clone()),
                Term::Exact(text) => Check::Exact(text.clone()),
                Term::Number => {
                    number = Some(id);
                    continue;
                }
            };
            needles.push(needle(&term));
            targets.push((id, check));
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&needles)?;
        Ok(Finder { automaton, targets, number })
    }
}

/// What the automaton looks for: keys stand between U+0002 and U+0003, stems between U+0001 and U+0003.
fn needle(term: &Term) -> String {
    match term {
        Term::Word(word) => format!("\u{2}{word}\u{3}"),
        Term::Exact(text) => format!("\u{2}{}\u{3}", crate::token::fold(text)),
        Term::Stem(stem) => format!("\u{1}{stem}\u{3}"),
        Term::Glob(glob) => longest_literal(&format!("\u{2}{glob}\u{3}")).to_string(),
        Term::Number => String::new(),
    }
}

/// The longest stretch of a glob without wildcards.
fn longest_literal(glob: &str) -> &str {
    glob.split(['*', '?']).rev().max_by_key(|part| part.len()).unwrap_or("")
}

/// What remains to be tested after the automaton has found a needle.
enum Check {
    None,
    Glob(String),
    Exact(String),
}

/// Finds terms in the readings of a form.
pub struct Finder {
    automaton: AhoCorasick,
    targets: Vec<(TermId, Check)>,
    number: Option<TermId>,
}

/// All terms of a lexicon.
pub struct TermTable {
    finder: Finder,
    sets: TermSets,
}

impl TermTable {
    /// The terms that are found so, and are in these sets.
    pub fn new(finder: Finder, sets: TermSets) -> Self {
        TermTable { finder, sets }
    }

    /// Number of terms and lists.
    pub fn len(&self) -> usize {
        self.sets.lists.len() - self.sets.n_sets
    }

    /// True for a lexicon without terms.
    pub fn is_empty(&self) -> bool {
        self.sets.lists.is_empty()
    }
}

impl Terms for TermTable {
    fn of(&self, raw: &str, readings: &[Reading]) -> Vec<u32> {
        let mut ids = Vec::new();
        for reading in readings {
            let letters = format!("\u{2}{}\u{3}\u{1}{}\u{3}", reading.key, reading.stem);
            for found in self.finder.automaton.find_overlapping_iter(&letters) {
                let (id, check) = &self.finder.targets[found.pattern().as_usize()];
                let holds = match check {
                    Check::None => true,
                    Check::Glob(glob) => glob_matches(glob, &reading.key),
                    Check::Exact(text) => text == raw,
                };
                if holds {
                    ids.push(id.0);
                }
            }
            ids.extend(self.finder.number.filter(|_| is_number(&reading.key)).map(|id| id.0));
        }
        ids.sort_unstable();
        ids.dedup();
        let mut next = 0;
        while next < ids.len() {
            ids.extend(self.sets.lists[ids[next] as usize].iter().map(|list| list.0));
            next += 1;
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// True when a glob (`*` any letters, `?` one letter) meets the whole word. Linear in the word for each `*`.
///
/// ```
/// # use precode::lexicon::terms::glob_matches;
/// assert!(glob_matches("train*", "training") && glob_matches("w?n", "won") && !glob_matches("art", "artifact"));
/// ```
pub fn glob_matches(glob: &str, word: &str) -> bool {
    let (glob, word): (Vec<char>, Vec<char>) = (glob.chars().collect(), word.chars().collect());
    let (mut g, mut w, mut star) = (0, 0, None);
    while w < word.len() {
        if g < glob.len() && glob[g] == '*' {
            star = Some((g, w));
            g += 1;
        } else if g < glob.len() && (glob[g] == '?' || glob[g] == word[w]) {
            g += 1;
            w += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            g = at + 1;
            w = from + 1;
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|&c| c == '*')
}

/// True for digits and for number words.
fn is_number(key: &str) -> bool {
    const WORDS: [&str; 34] = [
        "billion",
        "dozen",
        "eight",
        "eighteen",
        "eighty",
        "eleven",
        "fifteen",
        "fifty",
        "five",
        "forty",
        "four",
        "fourteen",
        "hundred",
        "hundreds",
        "million",
        "nine",
        "nineteen",
        "ninety",
        "one",
        "seven",
        "seventeen",
        "seventy",
        "six",
        "sixteen",
        "sixty",
        "ten",
        "thirteen",
        "thirty",
        "thousand",
        "thousands",
        "three",
        "twelve",
        "twenty",
        "two",
    ];
    key.starts_with(|c: char| c.is_ascii_digit()) || WORDS.binary_search(&key).is_ok()
}
