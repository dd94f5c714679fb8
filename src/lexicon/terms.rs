//! The terms of a lexicon, and which of them a word meets: aho-corasick over each distinct form, once.
//!
//! Comes in: every single-word term of the patterns and lists. Goes out: for a form, the ids of the terms and lists
//! that it meets, ascending. Never happens here: anything about more than one word.

use super::numbers;
use super::pattern::Term;
use super::texts::Texts;
use crate::token::{Language, Reading, Stemmer, Terms, fold};
use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize, Serializer};

/// The place of a term, or of the single words of a list, among all terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

    /// Bytes of all terms, as written.
    pub fn n_bytes(&self) -> usize {
        let Words { words, globs, stems, exact, numbers } = self;
        [words, globs, stems, exact, numbers].into_iter().flat_map(FxHashMap::keys).map(String::len).sum()
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
    pub fn finder(self) -> Result<Finder, BuildError> {
        let mut letters = Letters::default();
        self.all().iter().for_each(|(term, id)| letters.add(term, *id));
        Finder::try_from(letters)
    }
}

/// The most bytes that the terms of a lexicon have. An automaton of as many takes about 5 GB; one of more would fill the
/// memory of the machine long before it has no numbers left for its states.
pub const MOST_BYTES: usize = 64 << 20;

/// What stands for letters in a glob.
const WILD: [char; 2] = ['*', '?'];

/// Before a word.
const WORD: &str = "\u{2}";

/// Before a stem.
const STEM: &str = "\u{1}";

/// After a word or a stem.
const END: &str = "\u{3}";

/// The longest stretch of a glob without wildcards.
fn longest_literal(glob: &str) -> &str {
    glob.split(WILD).rev().max_by_key(|part| part.len()).unwrap_or("")
}

/// A term that is found by its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Target {
    id: TermId,
    check: Check,
}

/// What remains to be tested after the automaton has found the letters, by the place of a text in [`Letters::texts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Check {
    None,
    Glob(u32),
    Exact(u32),
}

/// What the automaton looks for: keys stand between U+0002 and U+0003, stems between U+0001 and U+0003.
#[derive(Default, Serialize, Deserialize)]
struct Letters {
    needles: Texts,
    /// For each needle the term.
    targets: Vec<Target>,
    texts: Texts,
    number: Option<TermId>,
}

impl Letters {
    fn add(&mut self, term: &Term, id: TermId) {
        let (needle, check) = match term {
            Term::Word(word) => (format!("{WORD}{word}{END}"), Check::None),
            Term::Stem(stem) => (format!("{STEM}{stem}{END}"), Check::None),
            Term::Exact(text) => (format!("{WORD}{}{END}", fold(text)), Check::Exact(self.text(text))),
            Term::Glob(glob) => self.of_glob(glob),
            Term::Number => return self.number = Some(id),
        };
        self.needles.push(&needle);
        self.targets.push(Target { id, check });
    }

    fn of_glob(&mut self, glob: &str) -> (String, Check) {
        // What begins so is all that "train*" asks for.
        match glob.strip_suffix('*').filter(|head| !head.is_empty() && !head.contains(WILD)) {
            Some(head) => (format!("{WORD}{head}"), Check::None),
            None => {
                let needle = longest_literal(&format!("{WORD}{glob}{END}")).to_string();
                (needle, Check::Glob(self.text(glob)))
            }
        }
    }

    fn text(&mut self, text: &str) -> u32 {
        self.texts.push(text);
        self.texts.len() as u32 - 1
    }
}

/// Finds terms in the readings of a form.
#[derive(Deserialize)]
#[serde(try_from = "Letters")]
pub struct Finder {
    letters: Letters,
    automaton: AhoCorasick,
}

impl TryFrom<Letters> for Finder {
    type Error = BuildError;

    fn try_from(letters: Letters) -> Result<Self, BuildError> {
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(letters.needles.iter())?;
        Ok(Finder { letters, automaton })
    }
}

/// The letters alone: the automaton is built again.
impl Serialize for Finder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.letters.serialize(serializer)
    }
}

impl Finder {
    /// Adds the terms that a reading of a form meets, in any order, some perhaps twice.
    fn find(&self, raw: &str, reading: &Reading, into: &mut Vec<u32>) {
        let Letters { targets, texts, number, .. } = &self.letters;
        let holds = |check: Check| match check {
            Check::None => true,
            Check::Glob(text) => glob_matches(texts.get(text), &reading.key),
            Check::Exact(text) => texts.get(text) == raw,
        };
        let haystack = [WORD, &reading.key, END, STEM, &reading.stem, END].concat();
        for found in self.automaton.find_overlapping_iter(&haystack) {
            let target = targets[found.pattern().as_usize()];
            into.extend(holds(target.check).then_some(target.id.0));
        }
        into.extend(number.filter(|_| is_number(&reading.key)).map(|id| id.0));
    }
}

/// All terms of a lexicon.
#[derive(Serialize, Deserialize)]
pub struct TermTable {
    finder: Finder,
    /// For each term, and one more, where its lists and sets begin in `above`.
    #[serde(with = "numbers")]
    begins: Vec<u32>,
    #[serde(with = "numbers")]
    above: Vec<u32>,
    n_sets: usize,
}

impl TermTable {
    /// The terms that are found so, and are in these sets.
    pub fn new(finder: Finder, sets: TermSets) -> Self {
        let (mut begins, mut above) = (vec![0], Vec::new());
        for lists in &sets.lists {
            above.extend(lists.iter().map(|list| list.0));
            begins.push(above.len() as u32);
        }
        TermTable { finder, begins, above, n_sets: sets.n_sets }
    }

    /// The lists and sets that a term is put in.
    fn above(&self, term: u32) -> &[u32] {
        &self.above[self.begins[term as usize] as usize..self.begins[term as usize + 1] as usize]
    }

    /// Number of terms and lists.
    pub fn len(&self) -> usize {
        self.begins.len() - 1 - self.n_sets
    }

    /// True for a lexicon without terms.
    pub fn is_empty(&self) -> bool {
        self.begins.len() == 1
    }
}

impl Terms for TermTable {
    fn of(&self, raw: &str, readings: &[Reading]) -> Vec<u32> {
        let mut ids = Vec::new();
        readings.iter().for_each(|reading| self.finder.find(raw, reading, &mut ids));
        ids.sort_unstable();
        ids.dedup();
        let mut next = 0;
        while next < ids.len() {
            ids.extend_from_slice(self.above(ids[next]));
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
    if glob.is_ascii() && word.is_ascii() {
        return meets(glob.as_bytes(), word.as_bytes(), (b'*', b'?'));
    }
    let (glob, word): (Vec<char>, Vec<char>) = (glob.chars().collect(), word.chars().collect());
    meets(&glob, &word, ('*', '?'))
}

/// The same for letters of any kind, with those that stand for many and for one.
fn meets<L: Copy + PartialEq>(glob: &[L], word: &[L], (many, one): (L, L)) -> bool {
    let (mut g, mut w, mut star) = (0, 0, None);
    while w < word.len() {
        if g < glob.len() && glob[g] == many {
            star = Some((g, w));
            g += 1;
        } else if g < glob.len() && (glob[g] == one || glob[g] == word[w]) {
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
    glob[g..].iter().all(|&letter| letter == many)
}

/// True for digits and for number words.
fn is_number(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_digit())
        || matches!(
            key,
            "billion"
                | "dozen"
                | "eight"
                | "eighteen"
                | "eighty"
                | "eleven"
                | "fifteen"
                | "fifty"
                | "five"
                | "forty"
                | "four"
                | "fourteen"
                | "hundred"
                | "hundreds"
                | "million"
                | "nine"
                | "nineteen"
                | "ninety"
                | "one"
                | "seven"
                | "seventeen"
                | "seventy"
                | "six"
                | "sixteen"
                | "sixty"
                | "ten"
                | "thirteen"
                | "thirty"
                | "thousand"
                | "thousands"
                | "three"
                | "twelve"
                | "twenty"
                | "two"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain meaning of a term.
    fn is_met(term: &Term, raw: &str, reading: &Reading) -> bool {
        match term {
            Term::Word(word) => *word == reading.key,
            Term::Glob(glob) => glob_matches(glob, &reading.key),
            Term::Stem(stem) => *stem == reading.stem,
            Term::Exact(text) => text == raw,
            Term::Number => is_number(&reading.key),
        }
    }

    #[test]
    fn every_term_is_found_as_if_each_were_looked_at() {
        let text = |i: usize| ["ta", "tax", "taxes", "é", "élan", "a", "at", "ten", "tata", "xé"][i % 10].to_string();
        let globs = ["ta*", "t?x", "*x", "*", "é*", "?", "t*a", "ta*a*", "**", "a?", "*tax*", "ta?*", "tax*"];
        let mut terms: Vec<Term> = globs.iter().map(|glob| Term::Glob(glob.to_string())).collect();
        terms.extend((0..5).flat_map(|i| [Term::Word(text(i)), Term::Stem(text(i + 1)), Term::Exact(text(i * 3))]));
        terms.extend(["TAX", "Tax", "ÉLAN"].map(|text| Term::Exact(text.to_string())));
        terms.extend((0..200).map(|i| Term::Word(format!("word{i}"))));
        terms.push(Term::Number);
        let mut builder = TermTableBuilder::new(Language::English);
        let ids: Vec<TermId> = terms.iter().map(|term| builder.exactly(term.as_str())).collect();
        let list = builder.sets().list();
        ids.iter().step_by(3).for_each(|&id| builder.sets().put(id, list));
        let (words, sets) = builder.apart();
        let table = TermTable::new(words.finder().unwrap(), sets);
        let raws =
            (0..10).map(text).chain(["TAX", "Taxes", "taxi", "ÉLAN", "word7", "word199", "7", ""].map(String::from));
        for raw in raws {
            let reading = Reading { key: fold(&raw), stem: fold(&raw).trim_end_matches("es").to_string() };
            let met = terms.iter().zip(&ids).enumerate().filter(|(_, (term, _))| is_met(term, &raw, &reading));
            let met: Vec<(usize, u32)> = met.map(|(place, (_, id))| (place, id.0)).collect();
            let in_list = met.iter().any(|(place, _)| place % 3 == 0).then_some(list.0);
            let mut want: Vec<u32> = met.into_iter().map(|(_, id)| id).chain(in_list).collect();
            want.sort_unstable();
            assert_eq!(table.of(&raw, &[reading]), want, "{raw}");
        }
    }
}
