//! Forms: everything that depends on a word's letters alone, worked out once per distinct form.
//!
//! Comes in: the raw bytes of a token. Goes out: its readings (folded key and stem), the lexicon's terms that it
//! meets, whether it is light. Never happens here: positions.

use super::{Language, Stemmer};
use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;

/// The place of a form in its [`Forms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FormId(pub u32);

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

/// What the program knows of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// As written where it was first seen.
    pub raw: String,
    /// One reading as a rule; two or three where a hyphen may join or separate (`text-⏎book`).
    pub readings: Vec<Reading>,
    /// Terms of the lexicon that the form meets, ascending; filled by whoever made the [`Forms`].
    pub terms: Box<[u32]>,
    /// Equal for equal stems of the first reading, in the same [`Forms`].
    pub stem: u32,
    /// The id of its stem in the table of cues.
    pub cue_stem: u32,
    /// Whether it counts in a gap.
    pub light: Light,
}

/// Finds the terms that a form meets. A lexicon is one.
pub trait Terms: Sync {
    /// Ids of the terms that the form meets, ascending.
    fn of(&self, raw: &str, readings: &[Reading]) -> Vec<u32>;

    /// The id of a stem in the table of cues; [`u32::MAX`] where no cue knows it.
    fn cue_stem(&self, _stem: &str) -> u32 {
        u32::MAX
    }
}

/// The memo of forms. One per worker; ids are valid until [`Forms::trim`] clears it.
pub struct Forms<'a> {
    ids: FxHashMap<Box<[u8]>, FormId>,
    forms: Vec<Form>,
    stems: FxHashMap<String, u32>,
    stemmer: Stemmer,
    terms: &'a dyn Terms,
}

/// Forms kept before the memo is cleared: about 60 MB at the worst, several times the vocabulary of a large study.
const MOST_FORMS: usize = 300_000;

impl<'a> Forms<'a> {
    /// An empty memo for a language and a lexicon's terms.
    pub fn new(language: Language, terms: &'a dyn Terms) -> Self {
        Forms {
            ids: FxHashMap::default(),
            forms: Vec::new(),
            stems: FxHashMap::default(),
            stemmer: Stemmer::new(language),
            terms,
        }
    }

    /// Forgets everything when the memo has grown too large. Call it between transcripts: all ids become invalid.
    pub fn trim(&mut self) {
        if self.forms.len() > MOST_FORMS {
            self.ids.clear();
            self.forms.clear();
            self.stems.clear();
        }
    }

    /// The form with this id.
    pub fn get(&self, id: FormId) -> &Form {
        &self.forms[id.0 as usize]
    }

    /// The id of a form's stem in the table of cues.
    pub fn cue_stem(&self, id: FormId) -> u32 {
        self.forms[id.0 as usize].cue_stem
    }

    /// The id of a form; works everything out when it is new.
    pub fn id(&mut self, raw: &str) -> FormId {
        if let Some(&id) = self.ids.get(raw.as_bytes()) {
            return id;
        }
        let readings: Vec<Reading> = keys(raw).into_iter().map(|key| self.reading(key)).collect();
        let light = lightness(&readings[0].key);
        let terms = self.terms.of(raw, &readings).into_boxed_slice();
        let cue_stem = self.terms.cue_stem(&readings[0].stem);
        let id = FormId(self.forms.len() as u32);
        let next = self.stems.len() as u32;
        let stem = *self.stems.entry(readings[0].stem.clone()).or_insert(next);
        self.forms.push(Form { raw: raw.to_string(), readings, terms, stem, cue_stem, light });
        self.ids.insert(raw.as_bytes().into(), id);
        id
    }

    fn reading(&self, key: String) -> Reading {
        let stem = self.stemmer.stem(&key).into_owned();
        Reading { key, stem }
    }
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
fn keys(raw: &str) -> Vec<String> {
    let Some(hyphen) = raw.find(['-', '\u{2010}', '\u{2011}']) else {
        return vec![fold(raw)];
    };
    let (head, rest) = raw.split_at(hyphen);
    let tail = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let (head, tail) = (fold(head), fold(tail));
    if head.is_empty() || tail.is_empty() {
        return vec![fold(raw)];
    }
    if tail.starts_with(&head) || head.len() < 2 {
        return vec![tail];
    }
    vec![format!("{head}{tail}"), tail, head]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hyphens_both_ways() {
        assert_eq!(keys("ware-\nhouse"), ["warehouse", "house", "ware"]);
        assert_eq!(keys("train- trained"), ["trained"]);
        assert_eq!(keys("I- I"), ["i"]);
    }
}
