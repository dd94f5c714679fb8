//! Forms: everything that depends on a word's letters alone, worked out once per distinct form.
//!
//! Comes in: the raw bytes of a token. Goes out: its readings (folded key and stem), the lexicon's terms that it
//! meets, whether it is light. Never happens here: positions.

use super::marks::{Row, Rows};
use super::memo::{self, Key, Known, Memo};
use super::sets::{Column, SetId, TermSets};
use super::{Language, Stemmer};
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use unicode_normalization::UnicodeNormalization;

/// The place of a form in its [`Forms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FormId(pub u32);

impl FormId {
    /// Set where the form says nothing to the matcher and to the cues: most of a vocabulary, of which no other memory
    /// need be touched.
    const PLAIN: u32 = 1 << 31;

    fn is_plain(self) -> bool {
        self.0 & FormId::PLAIN != 0
    }

    fn place(self) -> usize {
        (self.0 & !FormId::PLAIN) as usize
    }
}

/// Whether a word counts in a gap, and what it takes for it not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// It counts.
    No,
    /// A sound (`um`): it gives no token at all.
    Filler,
    /// A word that may be matched and never counts (`like`).
    Alone,
    /// The first word of a filler of two (`you know`); the number pairs it with its second word.
    First(u8),
    /// The second word of a filler of two.
    Second(u8),
}

/// One way to read a form: as it is written, and by its stem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// In lower case, composed (NFC), with straight apostrophes.
    pub key: String,
    /// Snowball stem of the key.
    pub stem: String,
}

/// The first reading of a form, among the letters of all: few pieces of memory are sooner had, and given back, than
/// some for each word.
struct Form {
    key: Range<usize>,
    stem: Range<usize>,
}

/// Finds the terms that a form meets. A lexicon is one.
pub trait Terms: Sync {
    /// Ids of the terms that the form meets, ascending. One reading as a rule; two or three where a hyphen may join or
    /// separate (`text-⏎book`).
    fn of(&self, raw: &str, readings: &[Reading]) -> Vec<u32>;

    /// What a form that meets these terms says to the matcher.
    fn notes(&self, _terms: &[u32]) -> Notes {
        Notes::default()
    }

    /// Marks below this number are asked for.
    fn n_marks(&self) -> usize {
        0
    }

    /// The id of a stem in the table of cues; [`u32::MAX`] where no cue knows it.
    fn cue_stem(&self, _stem: &str) -> u32 {
        u32::MAX
    }
}

/// What a form says to the matcher; numbers of the matcher's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// What a sentence is marked with where the form stands.
    pub marks: Vec<u32>,
    /// Goals that are looked for where it stands.
    pub goals: Vec<Entry>,
    /// Phrases that are.
    pub phrases: Vec<Entry>,
    /// Triggers that are.
    pub triggers: Vec<Entry>,
    /// What it is the first word of two of.
    pub lefts: Vec<u32>,
    /// What it is the second word of two of.
    pub rights: Vec<u32>,
    /// A bit for each of the `rights` that may follow one of its `lefts`, by its last six bits.
    pub follow: u64,
}

/// Something to look for, and the marks that a sentence must have besides; numbers of the matcher's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its place.
    pub place: u32,
    /// The marks; [`ALWAYS`](super::ALWAYS) where there are fewer.
    pub others: [u32; 3],
}

/// What is asked about every token, apart from what is asked about few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// The terms that the form meets.
    pub set: SetId,
    /// The id of its stem in the table of cues.
    pub cue_stem: u32,
}

/// What there is to say of most forms.
const NOTHING: Brief = Brief { set: 0, cue_stem: u32::MAX };

/// What the forms that meet a set of terms say to the matcher, as far as it is asked about every token. Two of
/// them fill a line of the cache, and none lies in two.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
pub struct Hint {
    /// A bit for each of [`Notes::rights`], by its last six bits.
    pub rights: u64,
    /// [`Notes::follow`].
    pub follow: u64,
    /// Where [`Notes::goals`] are listed.
    pub goals: Listed,
    /// Where [`Notes::phrases`] are listed.
    pub phrases: Listed,
}

/// Where a list begins and ends among others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listed([u32; 2]);

impl Listed {
    /// What begins and ends there.
    pub fn new(begin: usize, end: usize) -> Self {
        Listed([begin as u32, end as u32])
    }

    /// Adds a list after others.
    fn put<T>(list: Vec<T>, all: &mut Vec<T>) -> Self {
        let begin = all.len();
        all.extend(list);
        Listed::new(begin, all.len())
    }

    /// The list, of all of them.
    #[inline]
    pub fn of<T>(self, all: &[T]) -> &[T] {
        &all[self.0[0] as usize..self.0[1] as usize]
    }

    /// True when nothing is in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0[0] == self.0[1]
    }
}

/// The memo of forms. One per worker; ids are valid until [`Forms::trim`] clears it.
pub struct Forms<'a> {
    short: Memo,
    /// Words that are too long for `short`.
    long: FxHashMap<Box<str>, Known>,
    /// Forms of which there is nothing to ask: apart, so that what is asked about the others lies close together.
    plain: Vec<Form>,
    /// All others.
    forms: Vec<Form>,
    /// Keys and stems of all.
    letters: String,
    /// Nothing, and then for each of these what is asked about it.
    briefs: Vec<Brief>,
    /// For each set of terms, what it says to the matcher.
    hints: Vec<Hint>,
    /// For each of these, what is seldom asked for: triggers, lefts, rights, the terms themselves.
    others: Vec<[Listed; 4]>,
    /// What is looked for where sets stand: side by side for each, though several have the same.
    entries: Vec<Entry>,
    /// Words of two of all sets, and their terms.
    numbers: Vec<u32>,
    /// Which set has which mark.
    marks: Rows,
    sets: TermSets,
    /// See [`Forms::era`].
    era: u64,
    stemmer: Stemmer,
    terms: &'a dyn Terms,
}

/// Forms kept before the memo is cleared: about 60 MB at the worst, several times the vocabulary of a large study.
const MOST_FORMS: usize = 300_000;

/// And what is looked for where they stand: 64 MB, which only codebooks with large lists in many rules come near.
const MOST_ENTRIES: usize = 4 << 20;

/// A number that no other forms have had, from 1.
fn new_era() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl<'a> Forms<'a> {
    /// An empty memo for a language and a lexicon's terms.
    pub fn new(language: Language, terms: &'a dyn Terms) -> Self {
        Forms {
            short: Memo::new(),
            long: FxHashMap::default(),
            plain: Vec::new(),
            forms: Vec::new(),
            letters: String::new(),
            briefs: vec![NOTHING],
            hints: vec![Hint::default()],
            others: vec![Default::default()],
            entries: Vec::new(),
            numbers: Vec::new(),
            marks: Rows::new(terms.n_marks()),
            sets: TermSets::new(),
            era: new_era(),
            stemmer: Stemmer::new(language),
            terms,
        }
    }

    /// Forgets everything when the memo has grown too large. Call it between transcripts: all ids become invalid.
    pub fn trim(&mut self) {
        if self.plain.len() + self.forms.len() > MOST_FORMS || self.entries.len() > MOST_ENTRIES {
            self.short.clear();
            self.long.clear();
            self.plain.clear();
            self.forms.clear();
            self.letters.clear();
            self.briefs.truncate(1);
            self.hints.truncate(1);
            self.others.truncate(1);
            self.entries.clear();
            self.numbers.clear();
            self.marks.clear();
            self.sets.clear();
            self.era = new_era();
        }
    }

    /// As long as this is the same number, so is what the number of a set stands for; no other forms have it.
    pub fn era(&self) -> u64 {
        self.era
    }

    fn get(&self, id: FormId) -> &Form {
        if id.is_plain() { &self.plain[id.place()] } else { &self.forms[id.place() - 1] }
    }

    /// The key of a form's first reading.
    pub fn key(&self, id: FormId) -> &str {
        &self.letters[self.get(id).key.clone()]
    }

    /// The stem of a form's first reading.
    pub fn stem(&self, id: FormId) -> &str {
        &self.letters[self.get(id).stem.clone()]
    }

    /// The terms of the lexicon that a form meets, ascending.
    pub fn terms(&self, id: FormId) -> &[u32] {
        self.others[self.brief(id).set as usize][3].of(&self.numbers)
    }

    /// What is asked about every token of this form.
    #[inline]
    pub fn brief(&self, id: FormId) -> Brief {
        // By a sum and not by a choice: the processor could hardly guess which of them comes next.
        let told = (id.0 >> 31).wrapping_sub(1);
        self.briefs[(id.0 & told) as usize]
    }

    /// What a set of terms says to the matcher.
    #[inline]
    pub fn hint(&self, set: SetId) -> &Hint {
        &self.hints[set as usize]
    }

    /// What is listed there.
    #[inline]
    pub fn entries(&self, listed: Listed) -> &[Entry] {
        listed.of(&self.entries)
    }

    /// False when a mark stands in no set of these for certain.
    #[inline]
    pub fn may_stand(&self, mark: u32, sets: &Row) -> bool {
        self.marks.may_stand(mark, sets)
    }

    /// [`Notes::triggers`] of a set.
    pub fn triggers(&self, set: SetId) -> &[Entry] {
        self.entries(self.others[set as usize][0])
    }

    /// [`Notes::lefts`] of a set.
    #[inline]
    pub fn lefts(&self, set: SetId) -> &[u32] {
        self.others[set as usize][1].of(&self.numbers)
    }

    /// [`Notes::rights`] of a set.
    #[inline]
    pub fn rights(&self, set: SetId) -> &[u32] {
        self.others[set as usize][2].of(&self.numbers)
    }

    /// Which sets of terms hold this one.
    #[inline]
    pub fn column(&self, term: u32) -> Column<'_> {
        self.sets.column(term)
    }

    /// The id of a form; works everything out when it is new.
    pub fn id(&mut self, raw: &str) -> FormId {
        self.of(memo::key(raw.as_bytes(), 0, raw.len()), raw, 0, raw.len()).form
    }

    /// What is known of the word at `start..end` of a text; `key` is its number, which longer words have not.
    pub(super) fn of(&mut self, key: Option<Key>, text: &str, start: usize, end: usize) -> Known {
        match key {
            Some(key) => self.of_short(key, text, start, end),
            None => self.of_long(&text[start..end]),
        }
    }

    /// As [`Forms::of`] for a short word.
    #[inline]
    pub(super) fn of_short(&mut self, key: Key, text: &str, start: usize, end: usize) -> Known {
        match self.short.get(key) {
            Some(known) => known,
            None => self.add_short(key, &text[start..end]),
        }
    }

    #[cold]
    fn add_short(&mut self, key: Key, raw: &str) -> Known {
        let known = self.add(raw);
        self.short.put(key, known);
        known
    }

    fn of_long(&mut self, raw: &str) -> Known {
        if let Some(&known) = self.long.get(raw) {
            return known;
        }
        let known = self.add(raw);
        self.long.insert(raw.into(), known);
        known
    }

    fn add(&mut self, raw: &str) -> Known {
        let readings: SmallVec<[Reading; 1]> = keys(raw).into_iter().map(|key| self.reading(raw, key)).collect();
        let terms = self.terms.of(raw, &readings);
        let brief = self.brief_of(&terms, &readings[0].stem);
        Known::new(self.put(&readings[0], brief), lightness(&readings[0].key))
    }

    fn put(&mut self, Reading { key, stem }: &Reading, brief: Brief) -> FormId {
        let key = push(key, &mut self.letters);
        // Most words begin with their stem.
        let is_head = self.letters[key.clone()].starts_with(stem);
        let stem = if is_head { key.start..key.start + stem.len() } else { push(stem, &mut self.letters) };
        if brief == NOTHING {
            self.plain.push(Form { key, stem });
            return FormId((self.plain.len() - 1) as u32 | FormId::PLAIN);
        }
        self.forms.push(Form { key, stem });
        self.briefs.push(brief);
        FormId(self.forms.len() as u32)
    }

    fn brief_of(&mut self, terms: &[u32], stem: &str) -> Brief {
        let brief = Brief { set: self.sets.id(terms), cue_stem: self.terms.cue_stem(stem) };
        if brief.set as usize == self.hints.len() {
            self.add_hint(terms);
        }
        brief
    }

    fn add_hint(&mut self, terms: &[u32]) {
        let set = self.hints.len() as SetId;
        let Notes { marks, goals, phrases, triggers, lefts, rights, follow } = self.terms.notes(terms);
        marks.into_iter().for_each(|mark| self.marks.put(mark, set));
        let bits = rights.iter().fold(0, |all, right| all | 1 << (right % 64));
        let [goals, phrases, triggers] = [goals, phrases, triggers].map(|list| Listed::put(list, &mut self.entries));
        let [lefts, rights, terms] = [lefts, rights, terms.to_vec()].map(|list| Listed::put(list, &mut self.numbers));
        self.hints.push(Hint { rights: bits, follow, goals, phrases });
        self.others.push([triggers, lefts, rights, terms]);
    }

    fn reading(&self, raw: &str, key: String) -> Reading {
        let stem = match self.stem_of(raw, &key) {
            Some(stem) => stem.to_string(),
            None => self.stemmer.stem(&key).into_owned(),
        };
        Reading { key, stem }
    }

    /// The stem of a key that is written in another way (`Train`) and was seen as it is: stemming is what costs most.
    fn stem_of(&self, raw: &str, key: &str) -> Option<&str> {
        if raw == key {
            return None;
        }
        let known = match memo::key(key.as_bytes(), 0, key.len()) {
            Some(number) => self.short.get(number),
            None => self.long.get(key).copied(),
        };
        let form = known?.form;
        (self.key(form) == key).then(|| self.stem(form))
    }
}

/// Adds a text after others: where it stands.
fn push(text: &str, all: &mut String) -> Range<usize> {
    let begin = all.len();
    all.push_str(text);
    begin..all.len()
}

/// Sounds that speakers make to hold the floor.
const FILLERS: &[&str] = &["um", "uh", "uhm", "umm", "er", "erm", "hm", "hmm", "mm", "mhm", "ah", "eh", "mmhmm"];

/// Whether a key counts in a gap.
fn lightness(key: &str) -> Light {
    match key {
        "like" => Light::Alone,
        "you" => Light::First(1),
        "know" => Light::Second(1),
        "i" => Light::First(2),
        "mean" => Light::Second(2),
        "sort" | "kind" => Light::First(3),
        "of" => Light::Second(3),
        _ if FILLERS.contains(&key) => Light::Filler,
        _ => Light::No,
    }
}

/// Lower case, composed, straight apostrophes. The clitics that English spells apart get the word they stand for.
///
/// ```
/// # use precode::token::fold;
/// assert_eq!(fold("They’VE"), "they've");
/// ```
pub fn fold(raw: &str) -> String {
    let lower = if raw.is_ascii() {
        raw.to_ascii_lowercase()
    } else {
        let plain = raw.nfc().filter(|&c| c != '\u{ad}' && c != '\u{200b}');
        plain.flat_map(char::to_lowercase).map(|c| if matches!(c, '’' | 'ʼ' | '‘') { '\'' } else { c }).collect()
    };
    match lower.as_str() {
        "'em" => "them".to_string(),
        "'cause" | "'cuz" => "because".to_string(),
        _ => lower,
    }
}

/// The keys that a raw token can be read as. A hyphen inside it stands before white space: at a line end, or after a
/// cut-off word.
fn keys(raw: &str) -> SmallVec<[String; 1]> {
    let Some(hyphen) = raw.find(['-', '\u{2010}', '\u{2011}']) else {
        return smallvec![fold(raw)];
    };
    let (head, rest) = raw.split_at(hyphen);
    let tail = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let (head, tail) = (fold(head), fold(tail));
    if head.is_empty() || tail.is_empty() {
        return smallvec![fold(raw)];
    }
    if tail.starts_with(&head) || head.len() < 2 {
        return smallvec![tail];
    }
    smallvec![format!("{head}{tail}"), tail, head]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hyphens_both_ways() {
        assert_eq!(keys("ware-\nhouse").as_slice(), ["warehouse", "house", "ware"]);
        assert_eq!(keys("train- trained").as_slice(), ["trained"]);
        assert_eq!(keys("I- I").as_slice(), ["i"]);
    }
}
