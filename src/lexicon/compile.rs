//! From names to numbers: patterns with their lists, parties and codes resolved, ready for the matcher.
//!
//! Comes in: a [`Source`]. Goes out: a [`Lexicon`], and a diagnostic for every name, pattern or setting that does not
//! hold. Never happens here: matching.

use super::model::{Model, NO_STEM};
use super::pattern::{self, Build, Node, Shape, Term};
use super::plan::{Plan, Planner};
use super::source::{Placed, RuleSource, Source, TriggerSource};
use super::terms::{Costs, MOST_BYTES, TermId, TermSets, TermTable, TermTableBuilder, Words};
use super::{Context, DEFAULT_EFFECTS, Effect, nearest};
use crate::codebook::{CodeId, Codebook};
use crate::diagnostic::Diagnostic;
use crate::token::{Language, Notes, Reading as FormReading, Terms};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A pattern ready for matching. The variants are those of [`Node`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Pat {
    /// A token that meets the term.
    Term(TermId),
    /// Any one token.
    Any,
    /// An entry of a list, by its place in [`Lexicon::lists`].
    List(usize),
    /// A party, by its place in [`Lexicon::parties`].
    Party(usize),
    /// A regular expression, anchored at its start.
    #[serde(with = "as_written")]
    Regex(Box<regex::Regex>),
    /// Items in order, each with the most words between it and the one before.
    Seq(Vec<(u16, Pat)>),
    /// One of these.
    Alt(Vec<Pat>),
    /// This or nothing.
    Opt(Box<Pat>),
    /// The first, but not as a part of one of the others.
    Except(Box<Pat>, Box<[Pat]>),
    /// All in one sentence within so many words.
    Near(Vec<Pat>, u16),
    /// All in one segment.
    Both(Vec<Pat>),
    /// Who does it, what is done, and to whom.
    Direct(Box<Pat>, Box<Pat>, Option<Box<Pat>>),
    /// Evidence for another code.
    Code(CodeId),
}

/// A list: a term that its single words share, and its phrases.
#[derive(Debug)]
pub struct List {
    /// As written, for `@name`.
    pub name: String,
    /// Met by every single word of the list.
    pub term: TermId,
    /// Entries of several words.
    pub phrases: Vec<Pat>,
}

/// A party: its nouns, and whose "we" and "they" it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Party {
    /// As written, for `@name`.
    pub name: String,
    /// Place of its nouns in [`Lexicon::lists`].
    pub nouns: usize,
    /// Level of the speakers whose "we" it is.
    pub first: Option<String>,
    /// Level of the speakers whose "they" it is.
    pub third: Option<String>,
}

/// A rule ready for matching. Its patterns are in the plan too, and not kept in a cache.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Unique name.
    pub id: String,
    /// Codes that it speaks for.
    pub codes: Vec<CodeId>,
    /// Any of these makes it fire.
    #[serde(skip)]
    pub patterns: Vec<Pat>,
    /// Share of full evidence; below 0: evidence against.
    pub weight: f64,
    /// Level of the speakers that it holds for.
    pub level: Option<String>,
    /// Other attributes of the speaker, as globs in lower case.
    pub when: Vec<(String, String)>,
    /// What the question before must match.
    #[serde(skip)]
    pub asked: Option<Pat>,
    /// What must stand in the segment too.
    #[serde(skip)]
    pub with: Vec<Pat>,
    /// What must not stand in the segment.
    #[serde(skip)]
    pub without: Vec<Pat>,
    /// What must not stand near the hit.
    #[serde(skip)]
    pub not_near: Option<Pat>,
    /// What must not follow the hit.
    #[serde(skip)]
    pub not_before: Option<Pat>,
    /// What must not precede the hit.
    #[serde(skip)]
    pub not_after: Option<Pat>,
    /// Words for `not_near` (6 by default), `not_before` and `not_after` (0).
    pub window: Option<u16>,
    /// What each context does; none where the pattern spells a trigger of that context itself.
    pub effects: [Option<Effect>; 4],
    /// True when the rule looks at other codes' evidence, and so is evaluated after the others.
    pub second_pass: bool,
    /// Where it is written: file and line, for people.
    pub place: Placed<()>,
}

/// A context trigger ready for matching. Its patterns are in the plan too, and not kept in a cache.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trigger {
    /// What it makes of the words in its scope; none for entries that end a scope or look like a trigger.
    pub kind: Option<Context>,
    /// Any of these.
    #[serde(skip)]
    pub patterns: Vec<Pat>,
    /// Words after it are in its scope.
    pub forward: bool,
    /// Words before it are in its scope.
    pub backward: bool,
    /// How many words.
    pub scope: u16,
    /// Ends a scope.
    pub stop: bool,
}

/// Everything that a lexicon says, ready for matching.
#[derive(Serialize, Deserialize)]
pub struct Lexicon {
    /// Facets and codes.
    pub codebook: Codebook,
    /// Language of stems.
    pub language: Language,
    /// SHA-256 over the files.
    pub digest: String,
    /// The files, the named one first.
    #[serde(skip)]
    pub source: Source,
    /// Single-word terms.
    pub terms: TermTable,
    /// Lists.
    #[serde(skip)]
    pub lists: Vec<List>,
    /// Parties.
    pub parties: Vec<Party>,
    /// Lists of first-person and third-person pronouns.
    pub pronouns: (usize, usize),
    /// Rules, in the order of the files, each in its place in [`Source::rules`].
    pub rules: Vec<Rule>,
    /// Context triggers.
    pub triggers: Vec<Trigger>,
    /// What the matcher follows.
    #[serde(skip)]
    pub plan: Plan,
    /// The fitted part, where there is one.
    #[serde(skip)]
    pub model: Option<Model>,
}

impl Terms for Lexicon {
    fn of(&self, raw: &str, readings: &[FormReading]) -> Vec<u32> {
        self.terms.of(raw, readings)
    }

    fn notes(&self, terms: &[u32]) -> Notes {
        self.plan.notes(terms)
    }

    fn n_marks(&self) -> usize {
        self.plan.n_marks
    }

    fn cue_stem(&self, stem: &str) -> u32 {
        self.model.as_ref().map_or(NO_STEM, |model| model.cues.stem(stem))
    }
}

const FIRST_PERSON: &[&str] = &["i", "we", "me", "us", "my", "our", "ours", "mine", "myself", "ourselves"];
const THIRD_PERSON: &[&str] = &["they", "them", "their", "theirs", "themselves"];

/// Makes a source ready; mistakes are added to `found`.
pub fn compile(source: Source, found: &mut Vec<Diagnostic>) -> Lexicon {
    compile_within(MOST_BYTES, source, found)
}

/// As [`compile`], with terms of so many bytes at most.
fn compile_within(most_bytes: usize, source: Source, found: &mut Vec<Diagnostic>) -> Lexicon {
    let language = language(&source, found);
    let mut compiler = Compiler { most_bytes, ..Compiler::new(&source, language, found) };
    compiler.declare();
    compiler.read_all();
    compiler.fill_lists();
    let rules: Vec<Rule> = source.rules.iter().map(|rule| compiler.rule(rule)).collect();
    let triggers: Vec<Trigger> = source.triggers.iter().map(|trigger| compiler.trigger(trigger)).collect();
    check_codes(&source, compiler.found);
    let lexicon = compiler.finish(rules, triggers);
    Lexicon { source, ..lexicon }
}

fn language(source: &Source, found: &mut Vec<Diagnostic>) -> Language {
    let Some(name) = &source.language else { return Language::English };
    Language::named(&name.value).unwrap_or_else(|| {
        let message = format!("language \"{}\" is not known", name.value);
        let known = format!("known languages: {}", Language::NAMES.join(", "));
        found.push(source.error("lexicon-language", name, message).help(known));
        Language::English
    })
}

/// Every code has its facet, every opposite exists, no facet is empty.
fn check_codes(source: &Source, found: &mut Vec<Diagnostic>) {
    let codebook = &source.codebook;
    for (code, &(file, at)) in codebook.codes.iter().zip(&source.code_places) {
        if !codebook.facets.iter().any(|facet| facet.name == code.facet()) {
            let message = format!("code \"{}\" belongs to no facet", code.name);
            let help = format!("add [[facet]] name = \"{}\"", code.facet());
            found.push(source.error_at("lexicon-facet", file, at, message).help(help));
        }
        if let Some(opposite) = code.opposite.as_deref().filter(|name| codebook.id(name).is_none()) {
            let message = format!("the opposite \"{opposite}\" of \"{}\" is no code", code.name);
            let near = nearest(opposite, codebook.codes.iter().map(|code| code.name.as_str()));
            let help =
                near.map_or("name a code of this codebook".to_string(), |near| format!("did you mean \"{near}\"?"));
            found.push(source.error_at("lexicon-unknown-code", file, at, message).help(help));
        }
    }
}

struct Compiler<'s> {
    source: &'s Source,
    language: Language,
    found: &'s mut Vec<Diagnostic>,
    terms: TermTableBuilder,
    lists: Vec<List>,
    parties: Vec<Party>,
    names: FxHashMap<&'s str, Name>,
    /// For each list: the terms of its single words, once it is filled.
    members: Vec<BTreeSet<TermId>>,
    /// Lists of first-person and third-person pronouns.
    pronouns: (usize, usize),
    /// What it costs to look for a term first.
    commonness: Costs,
    /// Patterns that were read and are not yet taken, by where they stand: file and first byte.
    made: FxHashMap<(usize, usize), Pat>,
    /// The most bytes that all terms may have.
    most_bytes: usize,
}

/// What a name after `@` means.
#[derive(Debug, Clone, Copy)]
enum Name {
    List(usize),
    Party(usize),
}

impl<'s> Compiler<'s> {
    fn new(source: &'s Source, language: Language, found: &'s mut Vec<Diagnostic>) -> Self {
        Compiler {
            source,
            language,
            found,
            terms: TermTableBuilder::new(language),
            lists: Vec::new(),
            parties: Vec::new(),
            names: FxHashMap::default(),
            members: Vec::new(),
            pronouns: (0, 0),
            commonness: Costs::default(),
            made: FxHashMap::default(),
            most_bytes: MOST_BYTES,
        }
    }

    /// Gives every list and party its place, before any pattern refers to it.
    fn declare(&mut self) {
        for (name, _) in &self.source.lists {
            if name.value == "number" {
                let message = "\"@number\" is built in: digits and number words";
                self.found.push(self.source.error("lexicon-reserved", name, message).help("rename the list"));
            }
            let place = self.list(&name.value);
            self.names.insert(&name.value, Name::List(place));
        }
        for party in &self.source.parties {
            let nouns = self.list(&party.name.value);
            if self.names.contains_key(party.name.value.as_str()) {
                let message = format!("\"{}\" is a list and a party", party.name.value);
                self.found.push(self.source.error("lexicon-duplicate", &party.name, message).help("rename one"));
            }
            self.names.insert(&party.name.value, Name::Party(self.parties.len()));
            let level = |level: &Option<Placed<String>>| level.as_ref().map(|level| level.value.clone());
            let (first, third) = (level(&party.first), level(&party.third));
            self.parties.push(Party { name: party.name.value.clone(), nouns, first, third });
        }
        self.pronouns =
            (self.pronoun_list("first_person", FIRST_PERSON), self.pronoun_list("third_person", THIRD_PERSON));
    }

    fn list(&mut self, name: &str) -> usize {
        let term = self.terms.sets().list();
        self.lists.push(List { name: name.to_string(), term, phrases: Vec::new() });
        self.members.push(BTreeSet::new());
        self.lists.len() - 1
    }

    /// The list of this name, or one of these words.
    fn pronoun_list(&mut self, name: &str, words: &[&str]) -> usize {
        if let Some(&Name::List(place)) = self.names.get(name) {
            return place;
        }
        let place = self.list(name);
        for word in words {
            let term = self.term(Term::Word(word));
            self.members[place].insert(term);
        }
        place
    }

    fn term(&mut self, term: Term<&str>) -> TermId {
        let id = self.terms.term(term);
        if self.commonness.get(id).is_none() {
            self.commonness.put(id, commonness(term));
        }
        id
    }

    /// Reads all patterns: one does not depend on another, so that all cores read.
    fn read_all(&mut self) {
        let texts = texts(self.source);
        let (names, codebook) = (&self.names, &self.source.codebook);
        let pieces = texts.par_chunks((texts.len() / PIECES).max(LEAST_IN_PIECE));
        let read: Vec<Read> = pieces.map(|texts| Reading::of(names, codebook, texts)).collect();
        self.made.reserve(texts.len());
        read.into_iter().for_each(|read| self.take_over(read));
    }

    /// Gives what was read apart the terms of the lexicon.
    fn take_over(&mut self, read: Read) {
        let ids: Vec<TermId> = read.terms.iter().map(|term| self.term(term.as_str())).collect();
        for (place, mut pat) in read.made {
            rename(&mut pat, &ids);
            self.made.insert(place, pat);
        }
    }

    fn fill_lists(&mut self) {
        let source = self.source;
        for (name, entries) in &source.lists {
            if let Some(&Name::List(place)) = self.names.get(name.value.as_str()) {
                self.fill(place, entries, &mut vec![&name.value]);
            }
        }
        for (party, place) in source.parties.iter().zip(0..) {
            let nouns = self.parties[place].nouns;
            self.fill(nouns, &party.nouns, &mut vec![&party.name.value]);
        }
        for place in 0..self.lists.len() {
            let list = &self.lists[place];
            for &term in &self.members[place] {
                self.terms.sets().put(term, list.term);
            }
            let cost = self.members[place].iter().filter_map(|&term| self.commonness.get(term)).sum();
            self.commonness.put(list.term, cost);
        }
    }

    /// Adds entries to the list at `place`; entries of lists that they refer to are added too. `path` holds the names
    /// on the way here, so that a list that refers to itself is found.
    fn fill(&mut self, place: usize, entries: &'s [Placed<String>], path: &mut Vec<&'s str>) {
        for entry in entries {
            match self.entry(entry) {
                Some(Pat::Term(term)) => drop(self.members[place].insert(term)),
                Some(Pat::List(list)) => self.fill_from(place, entry, list, path),
                phrase => self.lists[place].phrases.extend(phrase),
            }
        }
    }

    /// An entry: it stands in sequences, and something of it must stand there.
    fn entry(&mut self, text: &Placed<String>) -> Option<Pat> {
        let Some(entry) = self.read(text, is_words) else {
            self.tell(text, Self::flaw_in_words);
            return None;
        };
        if !meets_everything(&entry) {
            return Some(entry);
        }
        self.too_wide(text);
        None
    }

    fn too_wide(&mut self, text: &Placed<String>) {
        let found = self.source.error("lexicon-pattern", text, "the pattern meets everything");
        self.found.push(found.help("name at least one word or list that must be there"));
    }

    fn fill_from(&mut self, place: usize, entry: &'s Placed<String>, list: usize, path: &mut Vec<&'s str>) {
        // Lists have the places in which they are written; those after them have no entries of their own.
        let Some((name, entries)) = self.source.lists.get(list) else { return };
        if path.contains(&name.value.as_str()) {
            let message = format!("list \"{}\" refers to itself", name.value);
            let found = self.source.error("lexicon-cycle", entry, message).help("take one of the references away");
            if !self.found.contains(&found) {
                self.found.push(found);
            }
            return;
        }
        path.push(&name.value);
        self.fill(place, entries, path);
        path.pop();
    }

    fn pattern(&mut self, text: &Placed<String>) -> Option<Pat> {
        let pat = self.condition(text)?;
        if !holds_code(&pat) {
            return Some(pat);
        }
        let found = self.source.error("lexicon-pattern", text, "`#code` can stand in `with` and `without` only");
        self.found.push(found.help("write with = \"#code\" beside the pattern"));
        None
    }

    /// A pattern of `with` or `without`, where codes may stand.
    fn condition(&mut self, text: &Placed<String>) -> Option<Pat> {
        let Some(pat) = self.read(text, |_| true) else {
            self.tell(text, Self::flaw);
            return None;
        };
        if meets_everything(&pat) {
            self.too_wide(text);
            return None;
        }
        Some(pat)
    }

    /// A pattern, where it can be made and may be so.
    fn read(&mut self, text: &Placed<String>, may_be: fn(&Pat) -> bool) -> Option<Pat> {
        if let Some(pat) = self.made.remove(&(text.file, text.at)) {
            return Some(pat);
        }
        // An entry of a list that others refer to is read for each of them.
        let read = Reading::of(&self.names, &self.source.codebook, &[(text, may_be)]);
        self.take_over(read);
        self.made.remove(&(text.file, text.at))
    }

    /// Says what is wrong with a pattern that could not be made.
    fn tell(&mut self, text: &Placed<String>, flaw: fn(&mut Self, &Node, &Placed<String>) -> Option<Diagnostic>) {
        let found = match pattern::parse(&text.value) {
            Ok(node) => flaw(self, &node, text),
            Err(error) => {
                let found = self.source.error_inside("lexicon-pattern", text, error.at, &error.message);
                Some(found.help(error.help))
            }
        };
        self.found.extend(found);
    }

    /// The first thing that is wrong with a node. The words before it are terms of the lexicon.
    fn flaw(&mut self, node: &Node, text: &Placed<String>) -> Option<Diagnostic> {
        let mut in_words = |node: &Node| self.flaw_in_words(node, text);
        match node {
            Node::Seq(items) => items.iter().find_map(|(_, item)| in_words(item)),
            Node::Opt(node) => in_words(node),
            Node::Except(node, others) => others.iter().chain([node.as_ref()]).find_map(in_words),
            Node::Direct(..) => node.parts().into_iter().find_map(in_words),
            Node::Near(nodes, _) => nodes.iter().find_map(|node| self.flaw_in_sentence(node, text)),
            Node::Alt(nodes) | Node::Both(nodes) => nodes.iter().find_map(|node| self.flaw(node, text)),
            Node::List(name) => self.unknown_list(name, text),
            Node::Regex(regex) => self.flaw_of_regex(regex, text),
            Node::Code(name) => self.unknown_code(name, text),
            Node::Any => None,
            Node::Term(term) => {
                self.term(term.as_str());
                None
            }
        }
    }

    /// That of a node inside a sequence, where only words, lists and groups of them make sense.
    fn flaw_in_words(&mut self, node: &Node, text: &Placed<String>) -> Option<Diagnostic> {
        if !holds_relation(node) {
            return self.flaw(node, text);
        }
        let message = "`&`, `&&`, `>` and `#code` cannot stand inside a sequence";
        let found = self.source.error("lexicon-pattern", text, message);
        Some(found.help("write the relation at the outside of the pattern, or use `with`"))
    }

    /// That of a node beside `&`, which stays in one sentence.
    fn flaw_in_sentence(&mut self, node: &Node, text: &Placed<String>) -> Option<Diagnostic> {
        if !reaches_over_sentences(node) {
            return self.flaw(node, text);
        }
        let found = self.source.error("lexicon-pattern", text, "`&&` and `#code` cannot stand inside `&`");
        Some(found.help("use `&&` between all of them: it looks at the whole segment"))
    }

    fn unknown_list(&self, name: &str, text: &Placed<String>) -> Option<Diagnostic> {
        if self.names.contains_key(name) {
            return None;
        }
        let near = nearest(name, self.names.keys().copied());
        let help = near.map_or("add it to [lists]".to_string(), |near| format!("did you mean \"@{near}\"?"));
        Some(self.source.error("lexicon-unknown-list", text, format!("there is no list \"@{name}\"")).help(help))
    }

    fn unknown_code(&self, name: &str, text: &Placed<String>) -> Option<Diagnostic> {
        let codebook = &self.source.codebook;
        if codebook.id(name).is_some() {
            return None;
        }
        let near = nearest(name, codebook.codes.iter().map(|code| code.name.as_str()));
        let help = near.map_or("add it with [[code]]".to_string(), |near| format!("did you mean \"{near}\"?"));
        Some(self.source.error("lexicon-unknown-code", text, format!("codebook has no code \"{name}\"")).help(help))
    }

    fn code(&mut self, name: &Placed<String>) -> Option<CodeId> {
        self.found.extend(self.unknown_code(&name.value, name));
        self.source.codebook.id(&name.value)
    }

    fn flaw_of_regex(&self, pattern: &str, text: &Placed<String>) -> Option<Diagnostic> {
        let error = regex(pattern).err()?;
        let reason = error.to_string().lines().last().unwrap_or_default().trim().to_string();
        let found = self.source.error("lexicon-regex", text, format!("not a regular expression: {reason}"));
        Some(found.help("see the syntax of the regex crate; look-around is not in it"))
    }

    fn rule(&mut self, rule: &RuleSource) -> Rule {
        let codes = rule.codes.iter().filter_map(|name| self.code(name)).collect();
        let patterns: Vec<Pat> = rule.patterns.iter().filter_map(|text| self.pattern(text)).collect();
        let with: Vec<Pat> = rule.with.iter().filter_map(|text| self.condition(text)).collect();
        let without: Vec<Pat> = rule.without.iter().filter_map(|text| self.condition(text)).collect();
        let second_pass = with.iter().chain(&without).any(holds_code);
        let mut one = |text: &Option<Placed<String>>| text.as_ref().and_then(|text| self.pattern(text));
        let (asked, not_near) = (one(&rule.asked), one(&rule.not_near));
        let (not_before, not_after) = (one(&rule.not_before), one(&rule.not_after));
        let effects = std::array::from_fn(|i| {
            let own = rule.effects.get(i).copied().flatten();
            let default = self.source.defaults.get(i).copied().flatten().unwrap_or(DEFAULT_EFFECTS[i]);
            Some(own.unwrap_or(default))
        });
        Rule {
            codes,
            patterns,
            weight: rule.weight,
            level: rule.level.as_ref().map(|level| level.value.clone()),
            when: rule.when.iter().map(|(key, glob)| (key.value.clone(), glob.to_lowercase())).collect(),
            asked,
            with,
            without,
            not_near,
            not_before,
            not_after,
            window: rule.window,
            effects,
            second_pass,
            place: Placed { value: (), file: rule.id.file, at: rule.id.at },
            id: rule.id.value.clone(),
        }
    }

    /// A pattern with a word to look for: context is tested in every sentence.
    fn anchored(&mut self, text: &Placed<String>) -> Option<Pat> {
        let pat = self.pattern(text)?;
        if self.is_anchored(&pat) {
            return Some(pat);
        }
        let found =
            self.source.error("lexicon-pattern", text, "a regular expression alone cannot be a context entry");
        self.found.push(found.help("write the words instead"));
        None
    }

    /// True when some word must stand wherever the pattern matches.
    fn is_anchored(&self, pat: &Pat) -> bool {
        let list = |place: usize| self.lists[place].phrases.iter().all(|phrase| self.is_anchored(phrase));
        match pat {
            Pat::Term(_) => true,
            Pat::Any | Pat::Opt(_) | Pat::Regex(_) | Pat::Code(_) => false,
            Pat::List(place) => list(*place),
            Pat::Party(place) => [self.parties[*place].nouns, self.pronouns.0, self.pronouns.1].into_iter().all(list),
            Pat::Seq(items) => items.iter().any(|(_, item)| self.is_anchored(item)),
            Pat::Near(pats, _) | Pat::Both(pats) => pats.iter().any(|pat| self.is_anchored(pat)),
            Pat::Alt(pats) => pats.iter().all(|pat| self.is_anchored(pat)),
            Pat::Except(pat, _) => self.is_anchored(pat),
            Pat::Direct(actor, act, target) => {
                [actor, act].into_iter().chain(target).any(|part| self.is_anchored(part))
            }
        }
    }

    fn trigger(&mut self, trigger: &TriggerSource) -> Trigger {
        Trigger {
            kind: trigger.kind,
            patterns: trigger.patterns.iter().filter_map(|text| self.anchored(text)).collect(),
            forward: trigger.forward,
            backward: trigger.backward,
            scope: trigger.scope,
            stop: trigger.stop,
        }
    }

    /// The words that a trigger consists of, one list for each way to say it; none for what is no plain run of words.
    fn runs_of_words(&self, pat: &Pat) -> Vec<Vec<TermId>> {
        match pat {
            Pat::Term(term) => vec![vec![*term]],
            Pat::List(place) => {
                let singles = self.members[*place].iter().map(|term| vec![*term]);
                singles
                    .chain(self.lists[*place].phrases.iter().flat_map(|phrase| self.runs_of_words(phrase)))
                    .collect()
            }
            Pat::Alt(pats) => pats.iter().flat_map(|pat| self.runs_of_words(pat)).collect(),
            Pat::Seq(items) => {
                let term = |(_, item): &(u16, Pat)| if let Pat::Term(term) = item { Some(*term) } else { None };
                items.iter().map(term).collect::<Option<_>>().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn planner<'c>(&'c self, sets: &'c mut TermSets) -> Planner<'c> {
        let has_words = self.members.iter().map(|members| !members.is_empty()).collect();
        Planner::new(&self.lists, has_words, &self.parties, self.pronouns, self.commonness.clone(), sets)
    }

    /// A rule whose pattern spells a trigger itself is not tested for that context.
    fn exempt(&self, rules: &mut [Rule], triggers: &[Trigger]) {
        let spelled = Spelled::new(self, triggers);
        for rule in rules {
            let contexts = spelled.by_any(&rule.patterns);
            for (_, effect) in rule.effects.iter_mut().enumerate().filter(|(i, _)| contexts >> i & 1 == 1) {
                *effect = None;
            }
        }
    }

    fn finish(mut self, mut rules: Vec<Rule>, triggers: Vec<Trigger>) -> Lexicon {
        let (words, mut sets) = std::mem::replace(&mut self.terms, TermTableBuilder::new(self.language)).apart();
        let (n_bytes, most) = (words.n_bytes(), self.most_bytes);
        let (mut finder, mut digest) = (None, String::new());
        // Planning makes many small pieces. They are had sooner on the thread that asks for them.
        let plan = rayon::in_place_scope(|scope| {
            scope.spawn(|_| finder = if n_bytes > most { None } else { words.finder().ok() });
            scope.spawn(|_| digest = super::digest(self.source));
            self.exempt(&mut rules, &triggers);
            self.planner(&mut sets).plan(&rules, &triggers)
        });
        let finder = finder.unwrap_or_else(|| {
            let message = format!("the terms have {n_bytes} bytes, an automaton takes {most} at most");
            let found = Diagnostic::error("lexicon-size", &self.source.files[0].path, message);
            self.found.push(found.help("take long lists away, or make several codebooks of it"));
            Words::default().finder().unwrap_or_else(|_| unreachable!("an empty automaton builds"))
        });
        let terms = TermTable::new(finder, sets);
        Lexicon {
            codebook: self.source.codebook.clone(),
            language: self.language,
            digest,
            plan,
            terms,
            lists: self.lists,
            parties: self.parties,
            pronouns: self.pronouns,
            rules,
            triggers,
            model: None,
            source: Source::default(),
        }
    }
}

/// Into how many pieces the patterns of a large codebook are parted, so that all cores have about as much to do.
const PIECES: usize = 24;

/// Fewer patterns are read by one core.
const LEAST_IN_PIECE: usize = 64;

/// A pattern as written, and what it may be.
type Text<'s> = (&'s Placed<String>, fn(&Pat) -> bool);

/// All patterns of a source.
fn texts(source: &Source) -> Vec<Text<'_>> {
    let entries = source.entries().map(|text| (text, is_words as fn(&Pat) -> bool));
    entries.chain(source.patterns().map(|text| (text, (|_| true) as fn(&Pat) -> bool))).collect()
}

/// Patterns that were read apart from others: their terms are numbered among themselves.
#[derive(Default)]
struct Read {
    /// The terms, as they were first written.
    terms: Vec<Term>,
    /// The patterns, each with its file and first byte.
    made: Vec<((usize, usize), Pat)>,
}

/// Makes patterns while they are read. What cannot be made is left out; [`Compiler::tell`] says why.
struct Reading<'c> {
    names: &'c FxHashMap<&'c str, Name>,
    codebook: &'c Codebook,
    words: Words,
    read: Read,
}

impl<'c> Reading<'c> {
    fn of(names: &'c FxHashMap<&'c str, Name>, codebook: &'c Codebook, texts: &[Text]) -> Read {
        let read = Read { made: Vec::with_capacity(texts.len()), terms: Vec::new() };
        let mut reading = Reading { names, codebook, words: Words::default(), read };
        for &(text, may_be) in texts {
            let before = reading.read.terms.len();
            match pattern::read(&text.value, &mut reading).ok().filter(may_be) {
                Some(pat) => reading.read.made.push(((text.file, text.at), pat)),
                None => reading.forget(before),
            }
        }
        reading.read
    }

    /// Takes back the terms from this one on: those of a pattern that cannot be made.
    fn forget(&mut self, from: usize) {
        self.read.terms.truncate(from);
        self.words.forget(from);
    }

    fn term(&mut self, term: Term<&str>) -> TermId {
        let next = TermId(self.read.terms.len() as u32);
        let id = self.words.id(term, || next);
        if id == next {
            self.read.terms.push(term.owned());
        }
        id
    }

    fn made(&mut self, shape: Shape<'_, Pat>) -> Option<Pat> {
        Some(match shape {
            Shape::Term(term) => Pat::Term(self.term(term)),
            Shape::Any => Pat::Any,
            Shape::List(name) => match *self.names.get(name)? {
                Name::List(place) => Pat::List(place),
                Name::Party(place) => Pat::Party(place),
            },
            Shape::Regex(pattern) => Pat::Regex(Box::new(regex(pattern).ok()?)),
            Shape::Code(name) => Pat::Code(self.codebook.id(name)?),
            Shape::Seq(items) => Pat::Seq(items),
            Shape::Alt(pats) => Pat::Alt(pats),
            Shape::Opt(pat) => Pat::Opt(Box::new(pat)),
            Shape::Except(pat, others) => Pat::Except(Box::new(pat), others.into()),
            Shape::Near(pats, within) => Pat::Near(pats, within),
            Shape::Both(pats) => Pat::Both(pats),
            Shape::Direct(actor, act, target) => Pat::Direct(Box::new(actor), Box::new(act), target.map(Box::new)),
        })
    }
}

impl Build for Reading<'_> {
    type Part = Pat;

    fn part(&mut self, shape: Shape<'_, Pat>) -> Option<Pat> {
        let sound = match &shape {
            Shape::Seq(items) => items.iter().all(|(_, item)| is_words(item)),
            Shape::Opt(pat) => is_words(pat),
            Shape::Except(pat, others) => is_words(pat) && others.iter().all(is_words),
            Shape::Direct(actor, act, target) => [actor, act].into_iter().chain(target).all(is_words),
            Shape::Near(pats, _) => pats.iter().all(stays_in_sentence),
            _ => true,
        };
        if sound { self.made(shape) } else { None }
    }

    fn items(pat: Pat) -> Result<Vec<(u16, Pat)>, Pat> {
        if let Pat::Seq(items) = pat { Ok(items) } else { Err(pat) }
    }
}

/// Gives the terms of a pattern other ids.
fn rename(pat: &mut Pat, ids: &[TermId]) {
    match pat {
        Pat::Term(term) => *term = ids[term.0 as usize],
        Pat::Seq(items) => items.iter_mut().for_each(|(_, item)| rename(item, ids)),
        Pat::Alt(pats) | Pat::Near(pats, _) | Pat::Both(pats) => pats.iter_mut().for_each(|pat| rename(pat, ids)),
        Pat::Opt(pat) => rename(pat, ids),
        Pat::Except(pat, others) => {
            rename(pat, ids);
            others.iter_mut().for_each(|pat| rename(pat, ids));
        }
        Pat::Direct(actor, act, target) => {
            [actor, act].into_iter().chain(target).for_each(|part| rename(part, ids));
        }
        Pat::Any | Pat::List(_) | Pat::Party(_) | Pat::Regex(_) | Pat::Code(_) => {}
    }
}

/// A regular expression of a pattern.
fn regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    as_it_stands(&format!("^(?:{pattern})"))
}

/// A regular expression whose anchor is written already.
fn as_it_stands(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).case_insensitive(true).build()
}

/// Regular expressions as they are written.
mod as_written {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(regex: &regex::Regex, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(regex.as_str())
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Box<regex::Regex>, D::Error> {
        let pattern = String::deserialize(deserializer)?;
        super::as_it_stands(&pattern).map(Box::new).map_err(D::Error::custom)
    }
}

/// True for words, lists and groups of them. What stands in sequences was looked at when they were made.
fn is_words(pat: &Pat) -> bool {
    match pat {
        Pat::Near(..) | Pat::Both(_) | Pat::Direct(..) | Pat::Code(_) => false,
        Pat::Alt(pats) => pats.iter().all(is_words),
        _ => true,
    }
}

/// True for what is found in one sentence.
fn stays_in_sentence(pat: &Pat) -> bool {
    match pat {
        Pat::Both(_) | Pat::Code(_) => false,
        Pat::Alt(pats) => pats.iter().all(stays_in_sentence),
        _ => true,
    }
}

/// Contexts as bits, in the order of [`Context::ALL`].
type Contexts = u8;

/// Which contexts have a trigger that a pattern spells, word by word.
struct Spelled {
    /// Triggers by their first words: the words after it, and the context.
    triggers: FxHashMap<TermId, Vec<(Vec<TermId>, Contexts)>>,
    /// For each list, what its entries spell.
    of_list: Vec<Contexts>,
}

impl Spelled {
    fn new(compiler: &Compiler, triggers: &[Trigger]) -> Self {
        let mut spelled = Spelled { triggers: FxHashMap::default(), of_list: vec![0; compiler.lists.len()] };
        for trigger in triggers {
            let Some(context) = trigger.kind else { continue };
            for run in trigger.patterns.iter().flat_map(|pat| compiler.runs_of_words(pat)) {
                let Some((&first, after)) = run.split_first() else { continue };
                spelled.triggers.entry(first).or_default().push((after.to_vec(), 1 << context as u8));
            }
        }
        spelled.read_lists(compiler);
        spelled
    }

    /// Lists name other lists, so that it takes as many rounds as they are deep.
    fn read_lists(&mut self, compiler: &Compiler) {
        for (own, members) in self.of_list.iter_mut().zip(&compiler.members) {
            let triggers = members.iter().filter_map(|member| self.triggers.get(member)).flatten();
            *own = triggers.filter(|(after, _)| after.is_empty()).fold(0, |all, (_, context)| all | context);
        }
        loop {
            let before = self.of_list.clone();
            for (place, list) in compiler.lists.iter().enumerate() {
                self.of_list[place] |= self.by_any(&list.phrases);
            }
            if before == self.of_list {
                return;
            }
        }
    }

    fn by_any(&self, pats: &[Pat]) -> Contexts {
        pats.iter().fold(0, |all, pat| all | self.by(pat))
    }

    fn by(&self, pat: &Pat) -> Contexts {
        match pat {
            Pat::Term(term) => self.at(*term, &[]),
            Pat::List(place) => self.of_list[*place],
            Pat::Seq(items) => (0..items.len()).fold(0, |all, at| all | self.in_sequence(&items[at..])),
            Pat::Alt(pats) | Pat::Near(pats, _) | Pat::Both(pats) => self.by_any(pats),
            Pat::Opt(pat) | Pat::Except(pat, _) => self.by(pat),
            Pat::Direct(actor, act, target) => {
                [actor, act].into_iter().chain(target).fold(0, |all, part| all | self.by(part))
            }
            Pat::Any | Pat::Party(_) | Pat::Regex(_) | Pat::Code(_) => 0,
        }
    }

    /// What the first item of these spells, by itself or with those after it.
    fn in_sequence(&self, items: &[(u16, Pat)]) -> Contexts {
        match &items[0].1 {
            Pat::Term(first) => self.at(*first, &items[1..]),
            pat => self.by(pat),
        }
    }

    /// What a word and those after it spell.
    fn at(&self, first: TermId, rest: &[(u16, Pat)]) -> Contexts {
        let stands = |(item, word): (&(u16, Pat), &TermId)| matches!(&item.1, Pat::Term(term) if term == word);
        let holds = |after: &[TermId]| after.len() <= rest.len() && rest.iter().zip(after).all(stands);
        let triggers = self.triggers.get(&first).into_iter().flatten();
        triggers.filter(|(after, _)| holds(after)).fold(0, |all, (_, context)| all | context)
    }
}

fn holds_relation(node: &Node) -> bool {
    node.any(&|node| matches!(node, Node::Near(..) | Node::Both(_) | Node::Direct(..) | Node::Code(_)))
}

/// True where `&&` or `#code` stands.
fn reaches_over_sentences(node: &Node) -> bool {
    node.any(&|node| matches!(node, Node::Both(_) | Node::Code(_)))
}

fn holds_code(pat: &Pat) -> bool {
    match pat {
        Pat::Code(_) => true,
        Pat::Alt(pats) | Pat::Near(pats, _) | Pat::Both(pats) => pats.iter().any(holds_code),
        _ => false,
    }
}

/// True for a pattern that no word need be there for.
fn meets_everything(pat: &Pat) -> bool {
    match pat {
        Pat::Any | Pat::Opt(_) => true,
        Pat::Seq(items) => items.iter().all(|(_, item)| meets_everything(item)),
        Pat::Alt(pats) => pats.iter().any(meets_everything),
        Pat::Near(pats, _) | Pat::Both(pats) => pats.iter().all(meets_everything),
        Pat::Except(pat, _) => meets_everything(pat),
        Pat::Direct(actor, act, target) => {
            meets_everything(actor) && meets_everything(act) && target.as_deref().is_none_or(meets_everything)
        }
        Pat::Term(_) | Pat::List(_) | Pat::Party(_) | Pat::Regex(_) | Pat::Code(_) => false,
    }
}

/// About how often a term stands in ten thousand words of speech, for choosing what to look for first.
fn commonness(term: Term<&str>) -> u32 {
    match term {
        Term::Word(word) => FREQUENT.binary_search_by_key(&word, |pair| pair.0).map_or(1, |i| FREQUENT[i].1),
        Term::Stem(word) => begin_with(word) + 2,
        Term::Glob(glob) => match glob.find(['*', '?']) {
            Some(wild) if wild > 1 => begin_with(&glob[..wild]) + 3,
            _ => 200,
        },
        Term::Number => 100,
        Term::Exact(_) => 1,
    }
}

/// About how often words with this beginning stand in ten thousand words of speech.
fn begin_with(head: &str) -> u32 {
    let first = FREQUENT.partition_point(|(word, _)| *word < head);
    FREQUENT[first..].iter().take_while(|(word, _)| word.starts_with(head)).map(|pair| pair.1).sum()
}

/// Words of interviews, each with how often it stands in ten thousand; sorted. Counted in made-up interviews; it decides
/// what is looked for first and never what is found.
const FREQUENT: &[(&str, u32)] = &[
    ("'d", 59),
    ("'ll", 18),
    ("'m", 26),
    ("'re", 24),
    ("'s", 226),
    ("'ve", 71),
    ("a", 288),
    ("about", 43),
    ("all", 26),
    ("an", 18),
    ("and", 355),
    ("any", 11),
    ("anything", 11),
    ("are", 24),
    ("as", 17),
    ("ask", 12),
    ("asked", 18),
    ("at", 65),
    ("back", 17),
    ("be", 28),
    ("because", 14),
    ("been", 32),
    ("before", 11),
    ("but", 21),
    ("by", 31),
    ("ca", 10),
    ("call", 10),
    ("came", 17),
    ("can", 16),
    ("child", 11),
    ("come", 20),
    ("could", 18),
    ("day", 13),
    ("did", 28),
    ("district", 13),
    ("do", 89),
    ("does", 18),
    ("down", 18),
    ("each", 18),
    ("eleven", 10),
    ("every", 26),
    ("first", 15),
    ("five", 12),
    ("for", 79),
    ("forty", 9),
    ("four", 21),
    ("from", 43),
    ("get", 21),
    ("go", 21),
    ("goes", 10),
    ("going", 11),
    ("good", 10),
    ("got", 66),
    ("grade", 11),
    ("had", 57),
    ("has", 23),
    ("have", 46),
    ("he", 81),
    ("her", 30),
    ("here", 19),
    ("him", 16),
    ("his", 12),
    ("how", 37),
    ("hundred", 13),
    ("i", 370),
    ("if", 26),
    ("in", 171),
    ("is", 73),
    ("it", 279),
    ("just", 13),
    ("kid", 8),
    ("kids", 14),
    ("know", 27),
    ("last", 11),
    ("like", 26),
    ("look", 8),
    ("man", 8),
    ("me", 61),
    ("my", 61),
    ("n't", 80),
    ("never", 11),
    ("new", 8),
    ("nine", 9),
    ("no", 21),
    ("nobody", 11),
    ("not", 27),
    ("now", 20),
    ("of", 114),
    ("off", 12),
    ("office", 12),
    ("on", 97),
    ("one", 87),
    ("only", 9),
    ("or", 11),
    ("other", 12),
    ("our", 12),
    ("out", 37),
    ("over", 15),
    ("own", 9),
    ("people", 18),
    ("plan", 8),
    ("principal", 9),
    ("put", 19),
    ("read", 11),
    ("reading", 11),
    ("right", 8),
    ("room", 10),
    ("said", 34),
    ("same", 12),
    ("say", 27),
    ("says", 16),
    ("school", 27),
    ("schools", 14),
    ("see", 14),
    ("she", 77),
    ("since", 11),
    ("six", 13),
    ("so", 64),
    ("some", 10),
    ("somebody", 12),
    ("something", 8),
    ("take", 8),
    ("teacher", 12),
    ("teachers", 18),
    ("tell", 20),
    ("ten", 8),
    ("that", 131),
    ("the", 501),
    ("their", 12),
    ("them", 44),
    ("then", 30),
    ("there", 81),
    ("they", 120),
    ("thing", 16),
    ("think", 10),
    ("thirty", 10),
    ("this", 29),
    ("those", 8),
    ("three", 22),
    ("through", 8),
    ("time", 12),
    ("to", 171),
    ("told", 17),
    ("took", 8),
    ("twenty", 10),
    ("two", 36),
    ("up", 35),
    ("us", 23),
    ("used", 8),
    ("want", 10),
    ("was", 88),
    ("we", 96),
    ("week", 8),
    ("well", 9),
    ("went", 14),
    ("were", 17),
    ("what", 85),
    ("when", 23),
    ("where", 14),
    ("which", 15),
    ("who", 46),
    ("with", 88),
    ("work", 11),
    ("would", 20),
    ("write", 8),
    ("wrote", 10),
    ("year", 17),
    ("years", 23),
    ("you", 130),
    ("your", 23),
];

/// The commonest words of speech.
pub(super) const COMMON: &[&str] = &[
    "'s", "'m", "'ve", "'re", "'d", "'ll", "n't", "a", "about", "all", "also", "an", "and", "any", "are", "as", "at",
    "back", "be", "because", "been", "but", "by", "can", "come", "could", "did", "do", "for", "from", "get", "go",
    "had", "has", "have", "he", "her", "him", "his", "how", "i", "if", "in", "is", "it", "just", "know", "like",
    "make", "me", "more", "my", "no", "not", "now", "of", "on", "one", "or", "our", "out", "over", "people", "said",
    "say", "see", "she", "so", "some", "take", "than", "that", "the", "their", "them", "then", "there", "they",
    "thing", "this", "to", "up", "us", "was", "we", "well", "were", "what", "when", "which", "who", "will", "with",
    "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a codebook whose terms have 14 bytes in all and may have so many; the pronouns are always there.
    fn said(most_bytes: usize) -> Vec<String> {
        let mut source = Source::default();
        let text = "[codebook]\nname = \"a\"\n[[facet]]\nname = \"f\"\n[[code]]\nname = \"f.c\"\ndefinition = \"d\"\n\
                    [[rule]]\nid = \"r\"\ncode = \"f.c\"\nweight = 0.5\npatterns = [\"policy\", \"teach*\", \"'IT'\"]\n";
        let mut found = source.read("a.toml", text.to_string());
        compile_within(most_bytes, source, &mut found);
        found.iter().map(Diagnostic::line).collect()
    }

    #[test]
    fn terms_that_would_fill_the_memory_are_refused() {
        let pronouns: usize = FIRST_PERSON.iter().chain(THIRD_PERSON).map(|word| word.len()).sum();
        let all = pronouns + 14;
        assert_eq!(said(all), [""; 0]);
        let told = format!(
            "a.toml: error[lexicon-size]: the terms have {all} bytes, an automaton takes {} at most; help: take long \
             lists away, or make several codebooks of it",
            all - 1
        );
        assert_eq!(said(all - 1), [told]);
    }
}
