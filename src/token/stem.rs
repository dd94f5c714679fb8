//! Stems and lemmas: which words count as forms of the same word.
//!
//! Comes in: a folded word. Goes out: its Snowball stem. English irregular forms (`taught`, `wrote`) are led back to
//! their base first, which no stemmer does. Never happens here: a span.

use rust_stemmers::Algorithm;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::LazyLock;

/// A language that words can be stemmed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// English: Snowball (Porter 2) and a table of irregular forms.
    #[default]
    English,
    /// Any other language of rust-stemmers.
    Other(OtherLanguage),
}

macro_rules! other_languages {
    ($($name:ident $text:literal),* $(,)?) => {
        /// Languages of rust-stemmers besides English.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the names of languages speak for themselves")]
        pub enum OtherLanguage { $($name),* }

        impl Language {
            /// Names that [`Language::named`] knows, in order.
            pub const NAMES: &[&str] = &["english", $($text),*];

            /// The language with this English name (`french`) or `en`.
            pub fn named(name: &str) -> Option<Language> {
                match name {
                    "english" | "en" => Some(Language::English),
                    $($text => Some(Language::Other(OtherLanguage::$name)),)*
                    _ => None,
                }
            }

            fn algorithm(self) -> Algorithm {
                match self {
                    Language::English => Algorithm::English,
                    $(Language::Other(OtherLanguage::$name) => Algorithm::$name,)*
                }
            }
        }
    };
}

other_languages! {
    Arabic "arabic", Danish "danish", Dutch "dutch", Finnish "finnish", French "french", German "german",
    Greek "greek", Hungarian "hungarian", Italian "italian", Norwegian "norwegian", Portuguese "portuguese",
    Romanian "romanian", Russian "russian", Spanish "spanish", Swedish "swedish", Tamil "tamil", Turkish "turkish",
}

/// Stems words of one language.
///
/// ```
/// # use precode::token::{Language, Stemmer};
/// let stemmer = Stemmer::new(Language::English);
/// assert_eq!(stemmer.stem("training"), "train");
/// assert_eq!(stemmer.stem("taught"), stemmer.stem("teaching"));
/// ```
pub struct Stemmer {
    language: Language,
    snowball: rust_stemmers::Stemmer,
}

impl Stemmer {
    /// A stemmer for the language.
    pub fn new(language: Language) -> Self {
        Stemmer { language, snowball: rust_stemmers::Stemmer::create(language.algorithm()) }
    }

    /// The stem of a word in lower case.
    pub fn stem<'a>(&self, word: &'a str) -> Cow<'a, str> {
        let base = match self.language {
            Language::English => base_form(word).unwrap_or(word),
            Language::Other(_) => word,
        };
        match self.snowball.stem(base) {
            Cow::Borrowed(stem) if stem.len() <= word.len() && word.starts_with(stem) => {
                Cow::Borrowed(&word[..stem.len()])
            }
            stem => Cow::Owned(stem.into_owned()),
        }
    }
}

/// The base of an irregular English form; none for regular ones.
fn base_form(word: &str) -> Option<&'static str> {
    static BASES: LazyLock<FxHashMap<&str, &str>> = LazyLock::new(|| IRREGULAR.iter().copied().collect());
    BASES.get(word).copied()
}

/// Irregular form, base; sorted by form. Forms that are common words of another kind (`found` a school, `saw` wood,
/// `left` hand, `lay`, `bit`, `wound`) are given to the verb that speech uses more.
const IRREGULAR: &[(&str, &str)] = &[
    ("ate", "eat"),
    ("beat", "beat"),
    ("became", "become"),
    ("been", "be"),
    ("began", "begin"),
    ("begun", "begin"),
    ("bent", "bend"),
    ("blew", "blow"),
    ("blown", "blow"),
    ("bought", "buy"),
    ("broke", "break"),
    ("broken", "break"),
    ("brought", "bring"),
    ("built", "build"),
    ("came", "come"),
    ("caught", "catch"),
    ("children", "child"),
    ("chose", "choose"),
    ("chosen", "choose"),
    ("dealt", "deal"),
    ("did", "do"),
    ("does", "do"),
    ("done", "do"),
    ("drawn", "draw"),
    ("drew", "draw"),
    ("driven", "drive"),
    ("drove", "drive"),
    ("eaten", "eat"),
    ("fallen", "fall"),
    ("fed", "feed"),
    ("fell", "fall"),
    ("felt", "feel"),
    ("forgot", "forget"),
    ("forgotten", "forget"),
    ("fought", "fight"),
    ("found", "find"),
    ("gave", "give"),
    ("given", "give"),
    ("goes", "go"),
    ("gone", "go"),
    ("got", "get"),
    ("gotten", "get"),
    ("grew", "grow"),
    ("grown", "grow"),
    ("had", "have"),
    ("has", "have"),
    ("heard", "hear"),
    ("held", "hold"),
    ("hid", "hide"),
    ("hidden", "hide"),
    ("kept", "keep"),
    ("knew", "know"),
    ("known", "know"),
    ("laid", "lay"),
    ("led", "lead"),
    ("left", "leave"),
    ("lent", "lend"),
    ("lost", "lose"),
    ("made", "make"),
    ("meant", "mean"),
    ("men", "man"),
    ("met", "meet"),
    ("paid", "pay"),
    ("people", "person"),
    ("ran", "run"),
    ("rang", "ring"),
    ("redid", "redo"),
    ("redone", "redo"),
    ("redrawn", "redraw"),
    ("redrew", "redraw"),
    ("rewritten", "rewrite"),
    ("rewrote", "rewrite"),
    ("ridden", "ride"),
    ("rode", "ride"),
    ("rung", "ring"),
    ("said", "say"),
    ("sat", "sit"),
    ("saw", "see"),
    ("seen", "see"),
    ("sent", "send"),
    ("shook", "shake"),
    ("shown", "show"),
    ("shut", "shut"),
    ("sold", "sell"),
    ("sought", "seek"),
    ("spent", "spend"),
    ("spoke", "speak"),
    ("spoken", "speak"),
    ("stolen", "steal"),
    ("stood", "stand"),
    ("stuck", "stick"),
    ("swore", "swear"),
    ("taken", "take"),
    ("taught", "teach"),
    ("thought", "think"),
    ("threw", "throw"),
    ("thrown", "throw"),
    ("told", "tell"),
    ("took", "take"),
    ("tore", "tear"),
    ("torn", "tear"),
    ("understood", "understand"),
    ("was", "be"),
    ("went", "go"),
    ("were", "be"),
    ("women", "woman"),
    ("won", "win"),
    ("wore", "wear"),
    ("worn", "wear"),
    ("written", "write"),
    ("wrote", "write"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn irregular_table_is_sorted_and_unique() {
        assert!(IRREGULAR.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn stems_other_languages() {
        let french = Stemmer::new(Language::named("french").unwrap_or_default());
        assert_eq!(french.stem("formations"), french.stem("formation"));
    }
}
