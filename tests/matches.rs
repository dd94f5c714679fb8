//! The matcher against a plain one: 10,000 random texts and patterns, every construct of the language.
//!
//! The plain matcher knows words and runs of words and nothing else. It tries every run of a sentence against the
//! pattern, straight from the definitions in `lexicons/README.md` and in the head of `src/lexicon/pattern.rs`.

use precode::lexicon::pattern::parse;
use precode::lexicon::{self, Lexicon};
use precode::matcher::{Scene, Search};
use precode::segment;
use precode::span::Span;
use precode::token::{Forms, tokenize};
use proptest::prelude::*;
use std::collections::BTreeSet;

// ---- the plain matcher ----

/// A pattern, as the plain matcher has it.
#[derive(Debug, Clone)]
enum P {
    Word(&'static str),
    Glob(&'static str, &'static str),
    Stem(&'static str),
    Exact(&'static str),
    Number,
    Any,
    List,
    Party(&'static str),
    /// As written, and the runs of keys that it stands for.
    Regex(&'static str, &'static [&'static [&'static str]]),
    Seq(Vec<(u16, P)>),
    Alt(Vec<P>),
    Opt(Box<P>),
    Except(Box<P>, Vec<P>),
    Near(Vec<P>, Option<u16>),
    Both(Vec<P>),
    Direct(Box<P>, Box<P>, Option<Box<P>>),
}

/// A word of the plain matcher.
#[derive(Debug, Clone, PartialEq)]
struct W {
    raw: String,
    key: String,
    light: bool,
    /// A sound stands between this word and the one before it.
    after_sound: bool,
}

/// The words of a text of known spelling: clitics and hyphens cut, sounds gone, fillers light.
fn plain_words(words: &[&str]) -> Vec<W> {
    let mut out: Vec<W> = Vec::new();
    let mut after_sound = false;
    for word in words {
        for raw in cut(word) {
            let key =
                if raw.eq_ignore_ascii_case("train- trained") { "trained".to_string() } else { raw.to_lowercase() };
            let light = match (key.as_str(), out.last_mut()) {
                ("um", _) => {
                    after_sound = true;
                    continue;
                }
                ("like", _) => true,
                ("mean", Some(i)) if i.key == "i" => {
                    i.light = true;
                    true
                }
                ("know", Some(you)) if you.key == "you" => {
                    you.light = true;
                    true
                }
                _ => false,
            };
            out.push(W { raw, key, light, after_sound: std::mem::take(&mut after_sound) });
        }
    }
    out
}

fn cut(word: &str) -> Vec<String> {
    match word {
        "in-service" => vec!["in".into(), "service".into()],
        "In-service" => vec!["In".into(), "service".into()],
        "don't" => vec!["do".into(), "n't".into()],
        "Don't" => vec!["Do".into(), "n't".into()],
        "they've" => vec!["they".into(), "'ve".into()],
        "They've" => vec!["They".into(), "'ve".into()],
        word => vec![word.to_string()],
    }
}

fn stem(key: &str) -> &str {
    match key {
        "train" | "trains" | "trained" | "training" => "train",
        "teach" | "taught" | "teaching" => "teach",
        "coach" | "coaches" | "coached" => "coach",
        key => key,
    }
}

const FIRST: [&str; 4] = ["we", "us", "our", "i"];
const THIRD: [&str; 3] = ["they", "them", "their"];

/// A text: sentences of words. `level` is the speaker's.
struct Plain<'a> {
    sentences: &'a [Vec<W>],
    level: &'a str,
}

impl Plain<'_> {
    /// True when the run of words `from..to` of the sentence meets the pattern.
    fn meets(&self, p: &P, words: &[W], from: usize, to: usize) -> bool {
        let one = |holds: &dyn Fn(&W) -> bool| to == from + 1 && holds(&words[from]);
        let keys = |run: &[&str]| to - from == run.len() && run.iter().zip(&words[from..]).all(|(k, w)| *k == w.key);
        match p {
            P::Word(word) => one(&|w| w.key == *word),
            P::Glob(head, tail) => {
                one(&|w| w.key.len() >= head.len() + tail.len() && w.key.starts_with(head) && w.key.ends_with(tail))
            }
            P::Stem(word) => one(&|w| stem(&w.key) == stem(word)),
            P::Exact(word) => one(&|w| w.raw == *word),
            P::Number => one(&|w| w.key == "three" || w.key == "12"),
            P::Any => to == from + 1,
            P::List => {
                let phrase = |words_of: &[&'static str]| self.phrase(words_of, words, from, to);
                phrase(&["guinea"]) || phrase(&["guinea", "pig"]) || one(&|w| stem(&w.key) == "coach")
            }
            P::Party(name) => self.party(name).iter().any(|noun| self.phrase(noun, words, from, to)),
            // On the text as it stands, sounds and all.
            P::Regex(_, runs) => {
                runs.iter().any(|run| keys(run)) && !words[from + 1..to].iter().any(|w| w.after_sound)
            }
            P::Seq(items) => self.seq(items, words, from, to, None),
            P::Alt(all) => all.iter().any(|p| self.meets(p, words, from, to)),
            P::Opt(p) => self.meets(p, words, from, to),
            P::Except(p, others) => {
                let covered = |other: &P| {
                    (0..=from).any(|a| (to..=words.len()).any(|b| a < b && self.meets(other, words, a, b)))
                };
                self.meets(p, words, from, to) && !others.iter().any(covered)
            }
            P::Near(..) | P::Both(_) | P::Direct(..) => false,
        }
    }

    /// Words one after another.
    fn phrase(&self, phrase: &[&'static str], words: &[W], from: usize, to: usize) -> bool {
        let items: Vec<(u16, P)> = phrase.iter().map(|word| (0, P::Word(word))).collect();
        self.seq(&items, words, from, to, None)
    }

    /// Nouns of a party, and the pronouns that stand for it when this speaker says them.
    fn party(&self, name: &str) -> Vec<Vec<&'static str>> {
        let (nouns, first, third): (&[&[&'static str]], _, _) = match name {
            "district" => (&[&["district"], &["central", "office"]], "central_office", "school"),
            _ => (&[&["principal"], &["principals"]], "school", "central_office"),
        };
        let mut all: Vec<Vec<&str>> = nouns.iter().map(|noun| noun.to_vec()).collect();
        all.extend(FIRST.iter().filter(|_| self.level == first).map(|word| vec![*word]));
        all.extend(THIRD.iter().filter(|_| self.level == third).map(|word| vec![*word]));
        all
    }

    /// Items one after another, from the end of the one before; `room` words may lie between, none before the first.
    fn seq(&self, items: &[(u16, P)], words: &[W], from: usize, to: usize, room: Option<u32>) -> bool {
        let Some(((gap, item), rest)) = items.split_first() else { return from == to };
        let room = room.map(|room| room + u32::from(*gap));
        let left_out = nullable(item) && self.seq(rest, words, from, to, room);
        let starts = (from..to).filter(|&at| room.map_or(at == from, |room| counted(words, from, at) <= room));
        left_out
            || starts.into_iter().any(|at| {
                (at + 1..=to).any(|end| self.meets(item, words, at, end) && self.seq(rest, words, end, to, Some(0)))
            })
    }

    /// Shortest run for each start, with the run that context is tested on left out.
    fn in_sentence(&self, p: &P, words: &[W]) -> BTreeSet<(usize, usize)> {
        match p {
            P::Alt(all) => shortest(all.iter().flat_map(|p| self.in_sentence(p, words))),
            P::Near(parts, within) => {
                let parts: Vec<_> = parts.iter().map(|p| self.in_sentence(p, words)).collect();
                let between = |a: (usize, usize), b: (usize, usize)| between(words, a, b);
                joined(&parts, &between, within.map(u32::from))
            }
            P::Direct(actor, act, target) => self.direct(actor, act, target.as_deref(), words),
            p => {
                let runs = (0..words.len()).flat_map(|a| (a + 1..=words.len()).map(move |b| (a, b)));
                shortest(runs.filter(|&(a, b)| self.meets(p, words, a, b)))
            }
        }
    }

    /// All matches, as places among all words.
    fn all(&self, p: &P) -> BTreeSet<(usize, usize)> {
        let words: Vec<W> = self.sentences.concat();
        match p {
            P::Both(parts) => {
                let parts: Vec<_> = parts.iter().map(|p| self.all(p)).collect();
                joined(&parts, &|a, b| between(&words, a, b), None)
            }
            P::Alt(all) if all.iter().any(|p| matches!(p, P::Both(_))) => {
                shortest(all.iter().flat_map(|p| self.all(p)))
            }
            p => {
                let mut before = 0;
                let mut found = BTreeSet::new();
                for sentence in self.sentences {
                    let shift = before;
                    found.extend(self.in_sentence(p, sentence).iter().map(|(a, b)| (a + shift, b + shift)));
                    before += sentence.len();
                }
                found
            }
        }
    }

    // ---- direction ----

    /// Who does what to whom; see the head of "direction" in `src/matcher.rs`.
    fn direct(&self, actor: &P, act: &P, target: Option<&P>, words: &[W]) -> BTreeSet<(usize, usize)> {
        let acts = self.in_sentence(act, words);
        let found = acts.iter().filter_map(|&(start, end)| {
            let (from, to) = match self.auxiliary(words, start) {
                Some(auxiliary) => self.passive(actor, target, words, auxiliary, end)?,
                None => self.active(actor, target, words, start, end)?,
            };
            Some((from.min(start), to.max(end)))
        });
        shortest(found)
    }

    fn active(&self, actor: &P, target: Option<&P>, words: &[W], start: usize, end: usize) -> Option<(usize, usize)> {
        let (from, to) = self.before(actor, words, start)?;
        let Some(target) = target else { return Some((from, to)) };
        if let Some(last) = self.after(target, words, end) {
            return Some((from, last));
        }
        // The T that A acts on: at most one word ("that") between the two.
        let relative = (0..from).rev().filter(|&a| counted(words, a, from) <= 5);
        let mut heads = relative
            .filter(|&a| (a + 1..=from).any(|b| self.meets(target, words, a, b) && counted(words, b, from) <= 1));
        heads.next().map(|head| (head, to))
    }

    fn passive(
        &self,
        actor: &P,
        target: Option<&P>,
        words: &[W],
        auxiliary: usize,
        end: usize,
    ) -> Option<(usize, usize)> {
        let from = match target {
            Some(target) => self.before(target, words, auxiliary)?.0,
            None => auxiliary,
        };
        if matches!(actor, P::Any) {
            return Some((from, end));
        }
        let by = (end..words.len()).find(|&i| words[i].key == "by" && counted(words, end, i) <= 6)?;
        let runs = (by + 1..words.len()).filter(|&a| counted(words, by + 1, a) <= 3);
        let ends = runs.flat_map(|a| (a + 1..=words.len()).filter(move |&b| self.meets(actor, words, a, b)));
        ends.min().map(|to| (from, to))
    }

    /// A form of "be" or "get" at most three words before a participle, with no party between.
    fn auxiliary(&self, words: &[W], act: usize) -> Option<usize> {
        if !["trained", "taught", "coached", "seen"].contains(&words[act].key.as_str()) {
            return None;
        }
        let near = (act.saturating_sub(3)..act).rev();
        near.filter(|&i| ["was", "were", "got"].contains(&words[i].key.as_str()))
            .find(|&i| (i + 1..act).all(|j| !self.is_party(words, j, act)))
    }

    /// The nearest run that ends before `at`, at most six words away; none when another party stands nearer.
    fn before(&self, p: &P, words: &[W], at: usize) -> Option<(usize, usize)> {
        for a in (0..at).rev().filter(|&a| counted(words, a, at) <= 7) {
            let ends = (a + 1..=at).filter(|&b| counted(words, b, at) <= 6 && self.meets(p, words, a, b));
            if let Some(b) = ends.max() {
                return Some((a, b));
            }
            if !matches!(p, P::Any) && self.is_party(words, a, at) {
                return None;
            }
        }
        None
    }

    fn after(&self, p: &P, words: &[W], at: usize) -> Option<usize> {
        for a in (at..words.len()).filter(|&a| counted(words, at, a) <= 6) {
            if let Some(b) = (a + 1..=words.len()).find(|&b| self.meets(p, words, a, b)) {
                return Some(b);
            }
            if !matches!(p, P::Any) && self.is_party(words, a, words.len()) {
                return None;
            }
        }
        None
    }

    /// A pronoun, or a noun of any party, begins here.
    fn is_party(&self, words: &[W], at: usize, limit: usize) -> bool {
        let anybody = Plain { level: "", ..*self };
        let key = words[at].key.as_str();
        let noun = |name| (at + 1..=limit).any(|b| anybody.meets(&P::Party(name), words, at, b));
        !words[at].light && (FIRST.contains(&key) || THIRD.contains(&key) || noun("district") || noun("school"))
    }
}

fn nullable(p: &P) -> bool {
    match p {
        P::Opt(_) => true,
        P::Alt(all) => all.iter().any(nullable),
        P::Seq(items) => items.iter().all(|(_, p)| nullable(p)),
        P::Except(p, _) => nullable(p),
        _ => false,
    }
}

/// Words that count between two places.
fn counted(words: &[W], from: usize, to: usize) -> u32 {
    words[from..to].iter().filter(|w| !w.light).count() as u32
}

fn between(words: &[W], a: (usize, usize), b: (usize, usize)) -> u32 {
    if a.1 <= b.0 { counted(words, a.1, b.0) } else { counted(words, b.1, a.0) }
}

/// Each run of the first part with the nearest run of each other part beside it.
fn joined(
    parts: &[BTreeSet<(usize, usize)>],
    between: &dyn Fn((usize, usize), (usize, usize)) -> u32,
    within: Option<u32>,
) -> BTreeSet<(usize, usize)> {
    let whole = |first: (usize, usize)| {
        let mut cover = first;
        for part in &parts[1..] {
            let beside = part.iter().filter(|run| run.1 <= first.0 || first.1 <= run.0);
            let near = beside.min_by_key(|run| (between(first, **run), run.0))?;
            if within.is_some_and(|within| between(first, *near) > within) {
                return None;
            }
            cover = (cover.0.min(near.0), cover.1.max(near.1));
        }
        Some(cover)
    };
    shortest(parts[0].iter().filter_map(|&first| whole(first)))
}

fn shortest(runs: impl Iterator<Item = (usize, usize)>) -> BTreeSet<(usize, usize)> {
    let all: BTreeSet<_> = runs.collect();
    all.iter().copied().filter(|run| !all.iter().any(|other| other.0 == run.0 && other.1 < run.1)).collect()
}

// ---- patterns as text ----

fn written(p: &P) -> String {
    let all = |parts: &[P]| parts.iter().map(written).collect::<Vec<_>>().join(" | ");
    match p {
        P::Word(word) => word.to_string(),
        P::Glob(head, tail) => format!("{head}*{tail}"),
        P::Stem(word) => format!("{word}~"),
        P::Exact(word) => format!("'{word}'"),
        P::Number => "@number".to_string(),
        P::Any => "_".to_string(),
        P::List => "@animals".to_string(),
        P::Party(name) => format!("@{name}"),
        P::Regex(regex, _) => format!("/{regex}/"),
        P::Seq(items) => {
            let items = items.iter().enumerate().map(|(i, (gap, item))| match (i, gap) {
                (0, _) | (_, 0) => written(item),
                (_, 4) => format!(".. {}", written(item)),
                (_, gap) => format!("..{gap} {}", written(item)),
            });
            items.collect::<Vec<_>>().join(" ")
        }
        P::Alt(parts) => format!("({})", all(parts)),
        P::Opt(p) => format!("[{}]", written(p)),
        P::Except(p, others) => format!("{} -({})", grouped(p), all(others)),
        P::Near(parts, within) => {
            let sign = within.map_or(" & ".to_string(), |n| format!(" &{n} "));
            parts.iter().map(grouped).collect::<Vec<_>>().join(&sign)
        }
        P::Both(parts) => parts.iter().map(written).collect::<Vec<_>>().join(" && "),
        P::Direct(actor, act, target) => {
            let target = target.as_ref().map(|target| format!(" > {}", written(target))).unwrap_or_default();
            format!("{} > {}{target}", written(actor), written(act))
        }
    }
}

/// A sequence or a relation in brackets, so that what is around it binds to the whole.
fn grouped(p: &P) -> String {
    match p {
        P::Seq(_) | P::Except(..) | P::Near(..) | P::Direct(..) => format!("({})", written(p)),
        p => written(p),
    }
}

// ---- what is made up ----

const WORDS: &[&str] = &[
    "we",
    "us",
    "i",
    "mean",
    "they",
    "them",
    "their",
    "they've",
    "train",
    "trained",
    "training",
    "trains",
    "taught",
    "teach",
    "coach",
    "coaches",
    "was",
    "were",
    "got",
    "by",
    "the",
    "the",
    "that",
    "central",
    "office",
    "district",
    "principal",
    "principals",
    "guinea",
    "pig",
    "in-service",
    "don't",
    "like",
    "um",
    "you",
    "know",
    "IT",
    "it",
    "three",
    "12",
    "train- trained",
    "call",
    "back",
    "call",
];

fn word() -> impl Strategy<Value = P> {
    prop_oneof![
        8 => prop::sample::select(&["we", "them", "trained", "the", "central", "office", "call", "back", "guinea", "pig", "in", "service", "do", "n't", "like", "know", "it", "principal"][..]).prop_map(P::Word),
        2 => prop::sample::select(&["train", "teach", "coach"][..]).prop_map(P::Stem),
        2 => prop::sample::select(&[("train", ""), ("", "ing"), ("c", "h"), ("princip", "")][..]).prop_map(|(a, b)| P::Glob(a, b)),
        1 => prop::sample::select(&["IT", "it", "We"][..]).prop_map(P::Exact),
        1 => Just(P::Number),
        1 => Just(P::Any),
        2 => Just(P::List),
        2 => prop::sample::select(&["district", "school"][..]).prop_map(P::Party),
        1 => Just(P::Regex("call(ed)? back", &[&["call", "back"]])),
        1 => Just(P::Regex("tr[ae]ins?", &[&["train"], &["trains"]])),
    ]
}

fn gap() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(0u16), 1 => Just(4), 4 => 1u16..4, 1 => Just(9)]
}

/// Words, lists and groups of them: what may stand in a sequence.
fn plain() -> impl Strategy<Value = P> {
    word().prop_recursive(3, 12, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            4 => prop::collection::vec((gap(), inner.clone()), 2..4).prop_map(flat),
            2 => parts.clone().prop_map(P::Alt),
            2 => inner.clone().prop_map(|p| P::Opt(Box::new(p))),
            1 => (inner, parts).prop_map(|(p, others)| P::Except(Box::new(p), others)),
        ]
    })
}

/// A sequence written inside a sequence without brackets is one sequence.
fn flat(items: Vec<(u16, P)>) -> P {
    let mut all = Vec::new();
    for (i, (gap, item)) in items.into_iter().enumerate() {
        let gap = if i == 0 { 0 } else { gap };
        match item {
            P::Seq(inner) => {
                all.extend(inner.into_iter().enumerate().map(|(j, (own, p))| (if j == 0 { gap } else { own }, p)))
            }
            item => all.push((gap, item)),
        }
    }
    P::Seq(all)
}

fn pattern() -> impl Strategy<Value = P> {
    let target = prop::option::of(side());
    let direct = (side(), act(), target)
        .prop_map(|(actor, act, target)| P::Direct(Box::new(actor), Box::new(act), target.map(Box::new)))
        .boxed();
    let within = prop::option::of(1u16..12);
    let near =
        (prop::collection::vec(plain(), 2..4), within).prop_map(|(parts, within)| P::Near(parts, within)).boxed();
    let both = prop::collection::vec(prop_oneof![plain(), near.clone()], 2..3).prop_map(P::Both).boxed();
    prop_oneof![
        6 => plain(),
        4 => direct.clone(),
        2 => near.clone(),
        2 => both.clone(),
        1 => prop::collection::vec(prop_oneof![plain(), direct, near], 2..3).prop_map(P::Alt),
        1 => (plain(), both).prop_map(|(a, b)| P::Alt(vec![a, b])),
    ]
}

fn side() -> impl Strategy<Value = P> {
    prop_oneof![
        6 => prop::sample::select(&["district", "school"][..]).prop_map(P::Party),
        1 => Just(P::Any),
        1 => word(),
    ]
}

fn act() -> impl Strategy<Value = P> {
    prop_oneof![
        4 => prop::sample::select(&["train", "teach", "coach"][..]).prop_map(P::Stem),
        1 => Just(P::Seq(vec![(0, P::Word("call")), (0, P::Word("back"))])),
        1 => Just(P::Alt(vec![P::Word("trained"), P::Word("taught")])),
    ]
}

/// Sentences in which the pattern has a chance: every other word is one of its own.
fn sentences(pattern: &P) -> impl Strategy<Value = Vec<Vec<&'static str>>> + use<> {
    let own = own_words(pattern);
    let word = if own.is_empty() {
        prop::sample::select(WORDS).boxed()
    } else {
        prop_oneof![prop::sample::select(own), prop::sample::select(WORDS)].boxed()
    };
    prop::collection::vec(prop::collection::vec(word, 1..14), 1..4)
}

/// Words of the text that elements of the pattern meet.
fn own_words(p: &P) -> Vec<&'static str> {
    let all = |parts: &[P]| parts.iter().flat_map(own_words).collect::<Vec<_>>();
    match p {
        P::Seq(items) => items.iter().flat_map(|(_, p)| own_words(p)).collect(),
        P::Alt(parts) | P::Near(parts, _) | P::Both(parts) => all(parts),
        P::Opt(p) => own_words(p),
        P::Except(p, others) => [own_words(p), all(others)].concat(),
        P::Direct(actor, act, target) => {
            let target = target.as_ref().map_or(Vec::new(), |target| own_words(target));
            [own_words(actor), own_words(act), target, vec!["was", "by", "that"]].concat()
        }
        P::List => vec!["guinea", "pig", "coach"],
        P::Party("district") => vec!["we", "they", "district", "central", "office"],
        P::Party(_) => vec!["we", "them", "principals"],
        P::Regex(..) => vec!["call", "back", "train"],
        P::Any => vec!["like", "it"],
        p => WORDS.iter().copied().filter(|word| meets_alone(p, word)).collect(),
    }
}

fn meets_alone(p: &P, word: &'static str) -> bool {
    let words = plain_words(&[word]);
    let plain = Plain { sentences: &[], level: "" };
    (0..words.len()).any(|at| plain.meets(p, &words, at, at + 1))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |c| c.to_uppercase().chain(letters).collect())
}

const HEAD: &str = "[codebook]\nname = \"t\"\n[lists]\nanimals = [\"guinea\", \"guinea pig\", \"coach~\"]\n\
    first_person = [\"we\", \"us\", \"our\", \"i\"]\nthird_person = [\"they\", \"them\", \"their\"]\n\
    [party.district]\nnouns = [\"district\", \"central office\"]\nfirst = \"central_office\"\nthird = \"school\"\n\
    [party.school]\nnouns = [\"principal\", \"principals\"]\nfirst = \"school\"\nthird = \"central_office\"\n\
    [[facet]]\nname = \"f\"\n[[code]]\nname = \"f.c\"\ndefinition = \"d\"\n";

/// A lexicon with one rule of this pattern; none where the pattern meets everything.
fn lexicon_of(pattern: &str) -> Option<Lexicon> {
    let text = format!("{HEAD}[[rule]]\nid = \"r\"\ncode = \"f.c\"\nweight = 0.5\npattern = \"{pattern}\"\n");
    match lexicon::parse("t.toml", &text) {
        Ok((lexicon, _)) => Some(lexicon),
        Err(found) => {
            let lines: Vec<String> = found.iter().map(precode::diagnostic::Diagnostic::line).collect();
            assert!(lines.iter().all(|line| line.contains("meets everything")), "{pattern}: {lines:?}");
            None
        }
    }
}

/// Matches of the engine, with the words that it saw.
fn engine(lexicon: &Lexicon, text: &str, level: &str) -> (Vec<(usize, usize)>, Vec<String>) {
    let mut forms = Forms::new(lexicon.language, lexicon);
    let mut tokens = Vec::new();
    tokenize(text, Span::new(0, text.len()), &mut forms, &mut tokens);
    let sentences = segment::sentences(text, &tokens, &forms);
    let weight_before = segment::weight_before(&tokens);
    let scene = Scene {
        lexicon,
        text,
        tokens: &tokens,
        forms: &forms,
        weight_before: &weight_before,
        sentences: &sentences,
        level: Some(level),
    };
    let found = scene.matches(&lexicon.rules[0].patterns[0]);
    // What a run does: only where a word of each need stands.
    let mut search = Search::new(lexicon);
    search.read(&scene);
    let goal = lexicon.plan.of_rule[0].patterns[0];
    let mut gates = Vec::new();
    search.open_gates(&scene, &mut gates);
    assert!(found.is_empty() || !gates.is_empty(), "no gate of a rule that matches is open");
    assert_eq!(search.stands(&scene, goal), !found.is_empty(), "goal and pattern differ in whether they stand");
    assert_eq!(search.matches(&scene, goal), found, "goal and pattern differ");
    let found = found.iter().map(|hit| (hit.start, hit.end)).collect();
    let words = tokens.iter().map(|token| token.span().of(text).to_string()).collect();
    (found, words)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_the_plain_matcher_finds(
        (pattern, said) in pattern().prop_flat_map(|p| (Just(p.clone()), sentences(&p))),
        level in prop::sample::select(&["central_office", "school"][..]),
    ) {
        let node = parse(&written(&pattern)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(parse(&node.to_string()), Ok(node), "written again");
        let Some(lexicon) = lexicon_of(&written(&pattern)) else { return Ok(()) };
        let spoken: Vec<Vec<String>> = said.iter().map(|words| {
            // A sound at the head of a sentence gives no word: the next one begins it.
            let first = words.iter().position(|word| *word != "um");
            words.iter().enumerate().map(|(i, word)| if Some(i) == first { capital(word) } else { word.to_string() }).collect()
        }).collect();
        let text: String = spoken.iter().map(|words| format!("{}. ", words.join(" "))).collect();
        let sentences: Vec<Vec<W>> = spoken.iter().map(|words| {
            plain_words(&words.iter().map(String::as_str).collect::<Vec<_>>())
        }).filter(|words| !words.is_empty()).collect();
        let (found, words) = engine(&lexicon, &text, level);
        let expected_words: Vec<String> = sentences.concat().into_iter().map(|w| w.raw).collect();
        prop_assert_eq!(&words, &expected_words, "words of {:?}", text);
        let plain = Plain { sentences: &sentences, level };
        let wanted: Vec<(usize, usize)> = plain.all(&pattern).into_iter().collect();
        prop_assert_eq!(found, wanted, "{} in {:?} ({})", written(&pattern), text, level);
    }
}

// ---- cases

/// What must stand, what is found: words of each match.
const CASES: &[(&str, &str, &[&str])] = &[
    ("call .. back", "Call me up and then back.", &["Call me up and then back"]),
    ("call ..3 back", "Call me up and then back.", &[]),
    ("call ..2 [me] ..2 back", "Call him up and then back.", &["Call him up and then back"]),
    ("call ..2 [me] ..2 back", "Call him up and then right back.", &[]),
    ("[the] ..4 train~", "Like it or not, they train.", &["train"]),
    ("train~ [the]", "Train um the dog.", &["Train"]),
    ("guinea -(guinea pig | new guinea)", "Guinea, a guinea pig, New Guinea.", &["Guinea"]),
    ("art", "The artifact of art.", &["art"]),
    ("art*", "The artifact of art.", &["artifact", "art"]),
    ("in-service", "An in-service, in service, inservice.", &["in-service", "in service"]),
    ("'IT'", "IT fixed it.", &["IT"]),
    ("@number teachers", "Three teachers, 1,200 teachers, some teachers.", &["Three teachers", "1,200 teachers"]),
    ("we && them", "We came. It rained on them.", &["We came. It rained on them"]),
    ("(we && them) | rained", "We came. It rained.", &["rained"]),
    ("(a | b) && (c | d)", "A came. D left.", &["A came. D"]),
    ("collaborative", "It is collabo-\nrative work.", &["collabo-\nrative"]),
    ("trained them", "We train- trained 'em.", &["train- trained 'em"]),
    ("/p\\.?m\\.?/ meeting", "The 9 p.m. meeting.", &[]),
    ("principals && trained", "We trained. Our principals, I. Mean people trained.", &["trained. Our principals"]),
    ("principals && trained", "We trained. Our principals, I mean, trained.", &["principals, I mean, trained"]),
];

#[test]
fn cases_in_one_table() {
    for (pattern, text, want) in CASES {
        let lexicon = lexicon::with_pattern(None, pattern).map_err(|found| format!("{pattern}: {found:?}")).unwrap();
        let transcript = precode::examples::transcript(&lexicon, text, None);
        let whose = precode::inspect::kwic::Whose::All;
        let lines = precode::inspect::kwic::find(&lexicon, &transcript, whose, None, 0);
        let found: Vec<&str> = lines.iter().map(|line| line.span.of(&transcript.text)).collect();
        assert_eq!(&found, want, "{pattern} in {text:?}");
    }
}

/// A regular expression has no word to look for, and fires all the same.
#[test]
fn a_rule_of_a_regular_expression_alone_fires() {
    let lexicon = lexicon_of("/r[eo]llback/").unwrap();
    let coder = precode::pipeline::Coder::new(&lexicon, precode::pipeline::Options::default());
    let of = |text| coder.worker().code(&precode::examples::transcript(&lexicon, text, None)).codings.len();
    assert_eq!((of("The rollback of it."), of("The roll back of it.")), (1, 0));
}
