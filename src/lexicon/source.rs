//! Lexicon files as written: every value with its place, every mistake collected.
//!
//! Comes in: TOML text. Goes out: a [`Source`] with places, and diagnostics for whatever is not as it should be.
//! Never happens here: reading patterns, or checking that a name exists (see [`super::compile`]).

use crate::codebook::{Code, Codebook, Facet};
use crate::diagnostic::{Diagnostic, Severity};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeString, DeTable as Table, DeValue};

/// A value of a file, with its place.
type Item<'t> = Spanned<DeValue<'t>>;

/// A value and where it stands: the file (as a place in [`Source::files`]) and its bytes there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// The file, as a place in [`Source::files`].
    pub file: usize,
    /// First byte of the value.
    pub at: usize,
}

/// A file that a lexicon is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// As the user named it, or beside what the user named.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A party: who "we" and "they" are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartySource {
    /// Name, for `@name`.
    pub name: Placed<String>,
    /// Patterns that name the party.
    pub nouns: Vec<Placed<String>>,
    /// Level of the speakers whose "we" is this party.
    pub first: Option<Placed<String>>,
    /// Level of the speakers whose "they" is this party.
    pub third: Option<Placed<String>>,
}

/// A rule as written.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSource {
    /// Unique name.
    pub id: Placed<String>,
    /// Codes that it speaks for.
    pub codes: Vec<Placed<String>>,
    /// Any of these makes it fire.
    pub patterns: Vec<Placed<String>>,
    /// Share of full evidence; below 0: evidence against.
    pub weight: f64,
    /// Level of the speakers that it holds for.
    pub level: Option<Placed<String>>,
    /// Other attributes of the speaker, as globs.
    pub when: Vec<(Placed<String>, String)>,
    /// What the question before must match.
    pub asked: Option<Placed<String>>,
    /// What must stand in the segment too.
    pub with: Vec<Placed<String>>,
    /// What must not stand in the segment.
    pub without: Vec<Placed<String>>,
    /// What must not stand near the hit.
    pub not_near: Option<Placed<String>>,
    /// What must not follow the hit.
    pub not_before: Option<Placed<String>>,
    /// What must not precede the hit.
    pub not_after: Option<Placed<String>>,
    /// Words for `not_near`, `not_before`, `not_after`.
    pub window: Option<u16>,
    /// What each context does, in the order of [`super::Context::ALL`]; none: the default.
    pub effects: Vec<Option<super::Effect>>,
    /// Sentences in which the rule must fire.
    pub yes: Vec<Placed<String>>,
    /// Sentences in which it must not.
    pub no: Vec<Placed<String>>,
}

/// A context trigger as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerSource {
    /// What it makes of the words in its scope; none for `stop` and `pseudo` entries.
    pub kind: Option<super::Context>,
    /// Any of these.
    pub patterns: Vec<Placed<String>>,
    /// Words after it are in its scope.
    pub forward: bool,
    /// Words before it are in its scope.
    pub backward: bool,
    /// How many words.
    pub scope: u16,
    /// True for `[[stop]]`: ends a scope.
    pub stop: bool,
}

/// Everything that the files of one lexicon say.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The files, the named one first.
    pub files: Vec<SourceFile>,
    /// Facets and codes.
    pub codebook: Codebook,
    /// Places of the codes, in their order.
    pub code_places: Vec<(usize, usize)>,
    /// Language name.
    pub language: Option<Placed<String>>,
    /// Files to read too, beside the first.
    pub include: Vec<Placed<String>>,
    /// Defaults for contexts, in the order of [`super::Context::ALL`].
    pub defaults: Vec<Option<super::Effect>>,
    /// Named lists.
    pub lists: Vec<(Placed<String>, Vec<Placed<String>>)>,
    /// Parties.
    pub parties: Vec<PartySource>,
    /// Rules.
    pub rules: Vec<RuleSource>,
    /// Context triggers.
    pub triggers: Vec<TriggerSource>,
}

impl Source {
    /// A diagnostic at a place.
    pub fn error<T>(&self, code: &'static str, place: &Placed<T>, message: impl Into<String>) -> Diagnostic {
        self.error_at(code, place.file, place.at, message)
    }

    /// A diagnostic at a byte of a file.
    pub fn error_at(&self, code: &'static str, file: usize, at: usize, message: impl Into<String>) -> Diagnostic {
        let file = &self.files[file];
        Diagnostic::error(code, &file.path, message).at_byte(&file.text, at)
    }

    /// A diagnostic that does not fail a check, at a place.
    pub fn warning<T>(&self, code: &'static str, place: &Placed<T>, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..self.error(code, place, message) }
    }

    /// A diagnostic at byte `inside` of a text as it is meant: quotes and escapes before it are stepped over.
    pub fn error_inside(
        &self,
        code: &'static str,
        text: &Placed<String>,
        inside: usize,
        message: impl Into<String>,
    ) -> Diagnostic {
        let at = text.at + written_at(&self.files[text.file].text[text.at..], inside);
        self.error_at(code, text.file, at, message)
    }

    /// The entries of all lists and parties.
    pub fn entries(&self) -> impl Iterator<Item = &Placed<String>> {
        let lists = self.lists.iter().map(|(_, entries)| entries);
        lists.chain(self.parties.iter().map(|party| &party.nouns)).flatten()
    }

    /// The patterns of all rules and triggers.
    pub fn patterns(&self) -> impl Iterator<Item = &Placed<String>> {
        let rules = self.rules.iter().flat_map(|rule| {
            let several = [&rule.patterns, &rule.with, &rule.without].into_iter().flatten();
            several.chain([&rule.asked, &rule.not_near, &rule.not_before, &rule.not_after].into_iter().flatten())
        });
        rules.chain(self.triggers.iter().flat_map(|trigger| &trigger.patterns))
    }

    /// Adds what one file says.
    pub fn read(&mut self, path: &str, text: String) -> Vec<Diagnostic> {
        let place = Place { file: self.files.len(), path, text: &text, at: 0 };
        let found = match in_pieces(place) {
            Some((root, rules)) => Reader::read(place, self, &root, rules),
            None => self.read_whole(place),
        };
        self.files.push(SourceFile { path: path.to_string(), text });
        found
    }

    fn read_whole(&mut self, place: Place) -> Vec<Diagnostic> {
        match Table::parse(place.text) {
            Ok(root) => Reader::read(place, self, root.get_ref(), Vec::new()),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let message = format!("not TOML: {}", error.message().trim());
                vec![Diagnostic::error("lexicon-syntax", place.path, message).at_byte(place.text, at)]
            }
        }
    }
}

/// Bytes of a file that are read as one.
const PIECE: usize = 48 << 10;

/// How a piece begins that is read by itself: nothing in TOML goes on over it but a text of several lines.
const RULE_BEGINS: &str = "\n[[rule]]";

/// What a large file says, read by all cores: the table of its first piece, and the rules of the others. None where
/// they hold more than sound rules, or where it is no TOML cut so; it is read as a whole then.
fn in_pieces(place: Place<'_>) -> Option<(Table<'_>, Vec<RuleSource>)> {
    let cuts = cuts(place.text);
    if cuts.is_empty() {
        return None;
    }
    let (first, others) = rayon::join(
        || Table::parse(&place.text[..cuts[0]]).ok(),
        || {
            let ends = cuts[1..].par_iter().copied().chain([place.text.len()]);
            let pieces = cuts.par_iter().zip(ends).map(|(&at, end)| rules(Place { at, ..place }, end));
            pieces.collect::<Option<Vec<_>>>()
        },
    );
    let root = first?.into_inner();
    let sound = root.get("rule").is_none_or(|rules| place.tables(rules).is_some());
    if sound { Some((root, others?.into_iter().flatten().collect())) } else { None }
}

/// Places at which a file is cut, each where a rule begins.
fn cuts(text: &str) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut at = PIECE;
    while let Some(found) =
        text.as_bytes().get(at..).and_then(|rest| memchr::memmem::find(rest, RULE_BEGINS.as_bytes()))
    {
        cuts.push(at + found + 1);
        at += found + PIECE;
    }
    cuts
}

/// The rules of a piece that holds nothing else; none where anything is the matter with it.
fn rules(place: Place<'_>, end: usize) -> Option<Vec<RuleSource>> {
    let root = Table::parse(&place.text[place.at..end]).ok()?;
    let mut read = Source::default();
    let mut reader = Reader { place, source: &mut read, found: Vec::new() };
    let only = root.get_ref().keys().all(|key| key.get_ref() == "rule");
    reader.each(root.get_ref(), "rule", Reader::rule);
    if only && reader.found.is_empty() { Some(read.rules) } else { None }
}

/// Where a piece of a file stands.
#[derive(Clone, Copy)]
struct Place<'t> {
    file: usize,
    path: &'t str,
    /// All of the file.
    text: &'t str,
    /// Where the piece begins in it.
    at: usize,
}

impl Place<'_> {
    /// First byte of a value.
    fn start<T>(self, value: &Spanned<T>) -> usize {
        self.at + value.span().start
    }

    /// The tables of `[[NAME]]`, each with its first byte.
    fn tables<'i, 'v>(self, item: &'i Item<'v>) -> Option<Vec<(&'i Table<'v>, usize)>> {
        let written = self.text[self.start(item)..].starts_with("[[");
        let tables = item.get_ref().as_array().filter(|_| written)?;
        tables.iter().map(|table| Some((table.get_ref().as_table()?, self.start(table)))).collect()
    }
}

/// Reads one file into the source.
struct Reader<'s> {
    place: Place<'s>,
    source: &'s mut Source,
    found: Vec<Diagnostic>,
}

const ROOT: &[&str] =
    &["codebook", "context", "facet", "code", "lists", "party", "defaults", "rule", "trigger", "stop", "pseudo"];
const CODEBOOK: &[&str] = &["name", "title", "version", "language", "source", "include", "context"];
const FACET: &[&str] = &["name", "definition", "exclusive"];
const CODE: &[&str] = &["name", "definition", "include", "exclude", "color", "source", "opposite"];
const PARTY: &[&str] = &["nouns", "first", "third"];
const EFFECTS: &[&str] = &["negated", "hypothetical", "past", "reported"];
const RULE: &[&str] = &[
    "id",
    "code",
    "codes",
    "pattern",
    "patterns",
    "weight",
    "level",
    "when",
    "asked",
    "with",
    "without",
    "not_near",
    "not_before",
    "not_after",
    "window",
    "negated",
    "hypothetical",
    "past",
    "reported",
    "yes",
    "no",
    "note",
];
const TRIGGER: &[&str] = &["kind", "patterns", "direction", "scope", "note"];

impl Reader<'_> {
    fn problem(&mut self, code: &'static str, at: usize, message: impl Into<String>, help: impl Into<String>) {
        let help = help.into();
        let found = Diagnostic::error(code, self.place.path, message).at_byte(self.place.text, at);
        self.found.push(if help.is_empty() { found } else { found.help(help) });
    }

    /// Reads a file, of which some rules were read before.
    fn read(place: Place, source: &mut Source, root: &Table, rules: Vec<RuleSource>) -> Vec<Diagnostic> {
        let mut reader = Reader { place, source, found: Vec::new() };
        reader.root(root, rules);
        reader.found
    }

    fn root(&mut self, root: &Table, rules: Vec<RuleSource>) {
        self.known(root, ROOT, "a lexicon file");
        if let Some(table) = self.table(root, "codebook") {
            self.codebook(table);
        }
        if let Some(table) = self.table(root, "context") {
            self.known(table, CODEBOOK, "[context]");
        }
        self.each(root, "facet", Self::facet);
        self.each(root, "code", Self::code);
        if let Some(lists) = self.table(root, "lists") {
            self.lists(lists);
        }
        if let Some(parties) = self.table(root, "party") {
            self.parties(parties);
        }
        if let Some(table) = self.table(root, "defaults") {
            self.known(table, EFFECTS, "[defaults]");
            self.source.defaults = self.effects(table);
        }
        self.each(root, "rule", Self::rule);
        for rule in rules {
            if !self.is_twice(&rule.id) {
                self.source.rules.push(rule);
            }
        }
        self.each(root, "trigger", |reader, table, _| reader.trigger(table, TriggerKind::Scope));
        self.each(root, "stop", |reader, table, _| reader.trigger(table, TriggerKind::Stop));
        self.each(root, "pseudo", |reader, table, _| reader.trigger(table, TriggerKind::Pseudo));
    }

    fn codebook(&mut self, table: &Table) {
        self.known(table, CODEBOOK, "[codebook]");
        let mut include = self.texts(table, "include");
        include.extend(self.text(table, "context"));
        self.source.include.append(&mut include);
        // A file that is included adds to the codebook and does not rename it.
        if self.place.file > 0 {
            return;
        }
        let text = |reader: &mut Self, key| reader.text(table, key).map(|placed| placed.value).unwrap_or_default();
        self.source.codebook.name = text(self, "name");
        self.source.codebook.title = text(self, "title");
        self.source.codebook.version = text(self, "version");
        self.source.language = self.text(table, "language");
    }

    fn facet(&mut self, table: &Table, at: usize) {
        self.known(table, FACET, "[[facet]]");
        let Some(name) = self.required((table, at), "name", "[[facet]]") else { return };
        if self.source.codebook.facets.iter().any(|facet| facet.name == name.value) {
            return self.problem(
                "lexicon-duplicate",
                name.at,
                format!("facet \"{}\" is there twice", name.value),
                "take one away",
            );
        }
        let definition = self.text(table, "definition").map(|d| d.value).unwrap_or_default();
        let exclusive = self.boolean(table, "exclusive").unwrap_or(false);
        self.source.codebook.facets.push(Facet { name: name.value, definition, exclusive });
    }

    fn code(&mut self, table: &Table, at: usize) {
        self.known(table, CODE, "[[code]]");
        let Some(name) = self.required((table, at), "name", "[[code]]") else { return };
        if self.source.codebook.id(&name.value).is_some() {
            return self.problem(
                "lexicon-duplicate",
                name.at,
                format!("code \"{}\" is there twice", name.value),
                "take one away",
            );
        }
        if self.text(table, "definition").is_none() {
            let message = format!("code \"{}\" has no definition", name.value);
            self.problem("lexicon-missing", name.at, message, "say in one sentence what it means");
        }
        let text = |reader: &mut Self, key| reader.text(table, key).map(|placed| placed.value).unwrap_or_default();
        let color = self.color(table);
        let opposite = self.text(table, "opposite").map(|placed| placed.value);
        let code = Code {
            name: name.value,
            definition: text(self, "definition"),
            include: text(self, "include"),
            exclude: text(self, "exclude"),
            color,
            source: text(self, "source"),
            opposite,
        };
        self.source.codebook.codes.push(code);
        self.source.code_places.push((self.place.file, name.at));
    }

    fn color(&mut self, table: &Table) -> String {
        let Some(color) = self.text(table, "color") else { return String::new() };
        let digits = color.value.strip_prefix('#').unwrap_or("");
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            let message = format!("a colour is #RRGGBB, found \"{}\"", color.value);
            self.problem("lexicon-color", color.at, message, "write six hexadecimal digits, as in \"#0072B2\"");
        }
        color.value
    }

    fn lists(&mut self, lists: &Table) {
        for (name, item) in in_order(lists) {
            let at = self.place.start(name);
            let name = name.get_ref().as_ref();
            if self.source.lists.iter().any(|list| list.0.value == name) {
                self.problem(
                    "lexicon-duplicate",
                    at,
                    format!("list \"{name}\" is there twice"),
                    "join the two, or rename one",
                );
                continue;
            }
            let entries = self.strings_of(item, name);
            if entries.is_empty() {
                self.problem(
                    "lexicon-empty",
                    at,
                    format!("list \"{name}\" has no entries"),
                    "add words, or take it away",
                );
            }
            self.source.lists.push((Placed { value: name.to_string(), file: self.place.file, at }, entries));
        }
    }

    fn parties(&mut self, parties: &Table) {
        for (name, item) in in_order(parties) {
            let at = self.place.start(name);
            let name = name.get_ref().as_ref();
            let Some(table) = item.get_ref().as_table() else {
                self.problem("lexicon-type", at, format!("party.{name} must be a table"), "write [party.NAME]");
                continue;
            };
            self.known(table, PARTY, "[party]");
            let party = PartySource {
                name: Placed { value: name.to_string(), file: self.place.file, at },
                nouns: self.texts(table, "nouns"),
                first: self.text(table, "first"),
                third: self.text(table, "third"),
            };
            self.source.parties.push(party);
        }
    }

    fn rule(&mut self, table: &Table, at: usize) {
        self.known(table, RULE, "[[rule]]");
        let Some(id) = self.required((table, at), "id", "[[rule]]") else { return };
        if self.is_twice(&id) {
            return;
        }
        let codes = self.one_or_many(table, "code", "codes");
        let patterns = self.one_or_many(table, "pattern", "patterns");
        for (empty, key) in [(codes.is_empty(), "code"), (patterns.is_empty(), "pattern")] {
            if empty {
                let message = format!("rule \"{}\" has no {key}", id.value);
                self.problem("lexicon-missing", id.at, message, format!("add {key} = \"…\""));
            }
        }
        let rule = RuleSource {
            codes,
            patterns,
            weight: self.weight(table, &id),
            level: self.text(table, "level"),
            when: self.when(table),
            asked: self.text(table, "asked"),
            with: self.texts(table, "with"),
            without: self.texts(table, "without"),
            not_near: self.text(table, "not_near"),
            not_before: self.text(table, "not_before"),
            not_after: self.text(table, "not_after"),
            window: self.words(table, "window"),
            effects: self.effects(table),
            yes: self.texts(table, "yes"),
            no: self.texts(table, "no"),
            id,
        };
        self.source.rules.push(rule);
    }

    /// True, and said, when a rule of this name was read before.
    fn is_twice(&mut self, id: &Placed<String>) -> bool {
        let twice = self.source.rules.iter().any(|rule| rule.id.value == id.value);
        if twice {
            let message = format!("rule \"{}\" is there twice", id.value);
            self.problem("lexicon-duplicate", id.at, message, "rename one");
        }
        twice
    }

    fn weight(&mut self, table: &Table, id: &Placed<String>) -> f64 {
        let Some(item) = table.get("weight") else {
            self.problem(
                "lexicon-missing",
                id.at,
                format!("rule \"{}\" has no weight", id.value),
                "add weight = 0.5",
            );
            return 0.5;
        };
        let at = self.place.start(item);
        let Some(weight) = float(item).or_else(|| integer(item).map(|n| n as f64)) else {
            self.problem("lexicon-type", at, "weight must be a number", "write weight = 0.5");
            return 0.5;
        };
        if weight == 0.0 || !(-1.0..=1.0).contains(&weight) {
            let message =
                format!("weight must be above 0 and at most 1 (below 0 for evidence against), found {weight}");
            self.problem(
                "lexicon-weight",
                at,
                message,
                "weights are shares of full evidence; a decisive rule is 1.0",
            );
            return 0.5;
        }
        weight
    }

    fn when(&mut self, table: &Table) -> Vec<(Placed<String>, String)> {
        let Some(item) = table.get("when") else { return Vec::new() };
        let Some(conditions) = item.get_ref().as_table() else {
            self.problem(
                "lexicon-type",
                self.place.start(item),
                "when must be a table",
                "write when = { department = \"Title I*\" }",
            );
            return Vec::new();
        };
        let pairs = in_order(conditions).into_iter().filter_map(|(key, _)| {
            let value = self.text(conditions, key.get_ref())?.value;
            Some((Placed { value: key.to_string(), file: self.place.file, at: self.place.start(key) }, value))
        });
        pairs.collect()
    }

    fn effects(&mut self, table: &Table) -> Vec<Option<super::Effect>> {
        EFFECTS.iter().map(|key| self.effect(table, key)).collect()
    }

    fn effect(&mut self, table: &Table, key: &str) -> Option<super::Effect> {
        let name = self.text(table, key)?;
        let effect = super::Effect::named(&name.value);
        if effect.is_none() {
            let message =
                format!("{key} must be \"drop\", \"weaken\", \"keep\" or \"opposite\", found \"{}\"", name.value);
            self.problem("lexicon-effect", name.at, message, "choose one of the four");
        }
        effect
    }

    fn trigger(&mut self, table: &Table, kind: TriggerKind) {
        self.known(table, TRIGGER, "a context entry");
        let context = if kind == TriggerKind::Stop { None } else { self.context(table) };
        if kind == TriggerKind::Scope && context.is_none() {
            return;
        }
        let direction = self.direction(table);
        let patterns = self.texts(table, "patterns");
        let pseudo = kind == TriggerKind::Pseudo;
        let trigger = TriggerSource {
            kind: if pseudo { None } else { context },
            patterns,
            forward: direction != "backward" && !pseudo,
            backward: direction != "forward" && !pseudo,
            scope: self.words(table, "scope").unwrap_or(6),
            stop: kind == TriggerKind::Stop,
        };
        self.source.triggers.push(trigger);
    }

    fn direction(&mut self, table: &Table) -> String {
        let Some(name) = self.text(table, "direction") else { return "forward".to_string() };
        if !["forward", "backward", "both"].contains(&name.value.as_str()) {
            let message =
                format!("direction must be \"forward\", \"backward\" or \"both\", found \"{}\"", name.value);
            self.problem("lexicon-direction", name.at, message, "say where the words lie that the trigger speaks of");
        }
        name.value
    }

    fn context(&mut self, table: &Table) -> Option<super::Context> {
        let name = self.text(table, "kind")?;
        let context = super::Context::named(&name.value);
        if context.is_none() {
            let message = format!("kind must be one of {}, found \"{}\"", EFFECTS.join(", "), name.value);
            self.problem("lexicon-context", name.at, message, "choose one of the four");
        }
        context
    }

    // ---- values ----

    /// Reports keys that are not known, with the nearest known one.
    fn known(&mut self, table: &Table, known: &[&str], what: &str) {
        if table.keys().all(|key| known.contains(&key.get_ref().as_ref())) {
            return;
        }
        for (key, _) in in_order(table).into_iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let at = self.place.start(key);
            let help = super::nearest(key.get_ref(), known.iter().copied()).map_or_else(
                || format!("known keys: {}", known.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            self.problem("lexicon-unknown-key", at, format!("{what} has no key \"{key}\""), help);
        }
    }

    fn table<'i, 'v>(&mut self, root: &'i Table<'v>, key: &str) -> Option<&'i Table<'v>> {
        let item = root.get(key)?;
        let table = item.get_ref().as_table();
        if table.is_none() {
            let at = self.place.start(item);
            self.problem("lexicon-type", at, format!("{key} must be a table"), format!("write [{key}]"));
        }
        table
    }

    fn each(&mut self, root: &Table, key: &str, mut read: impl FnMut(&mut Self, &Table, usize)) {
        let Some(item) = root.get(key) else { return };
        let Some(tables) = self.place.tables(item) else {
            let at = self.place.start(item);
            let message = format!("{key} must be a list of tables");
            return self.problem("lexicon-type", at, message, format!("write [[{key}]]"));
        };
        tables.into_iter().for_each(|(table, at)| read(self, table, at));
    }

    fn required(&mut self, (table, at): (&Table, usize), key: &str, what: &str) -> Option<Placed<String>> {
        if !table.contains_key(key) {
            self.problem("lexicon-missing", at, format!("{what} has no {key}"), format!("add {key} = \"…\""));
        }
        self.text(table, key)
    }

    /// A text where it stands; none where the value is another.
    fn placed(&self, item: &Item) -> Option<Placed<String>> {
        let value = item.get_ref().as_str()?.to_string();
        Some(Placed { value, file: self.place.file, at: self.place.start(item) })
    }

    fn text(&mut self, table: &Table, key: &str) -> Option<Placed<String>> {
        let item = table.get(key)?;
        let text = self.placed(item);
        if text.is_none() {
            let at = self.place.start(item);
            self.problem("lexicon-type", at, format!("{key} must be text"), format!("write {key} = \"…\""));
        }
        text
    }

    fn boolean(&mut self, table: &Table, key: &str) -> Option<bool> {
        let item = table.get(key)?;
        let value = item.get_ref().as_bool();
        if value.is_none() {
            self.problem("lexicon-type", self.place.start(item), format!("{key} must be true or false"), "");
        }
        value
    }

    fn words(&mut self, table: &Table, key: &str) -> Option<u16> {
        let item = table.get(key)?;
        let number = integer(item).and_then(|n| u16::try_from(n).ok());
        if number.is_none() {
            let at = self.place.start(item);
            let message = format!("{key} must be a number of words");
            self.problem("lexicon-type", at, message, "write a whole number from 0");
        }
        number
    }

    /// One text or a list of texts.
    fn texts(&mut self, table: &Table, key: &str) -> Vec<Placed<String>> {
        table.get(key).map(|item| self.strings_of(item, key)).unwrap_or_default()
    }

    fn strings_of(&mut self, item: &Item, key: &str) -> Vec<Placed<String>> {
        if let Some(text) = self.placed(item) {
            return vec![text];
        }
        let Some(values) = item.get_ref().as_array() else {
            let at = self.place.start(item);
            self.problem("lexicon-type", at, format!("{key} must be a list of texts"), "write [\"…\", \"…\"]");
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(values.len());
        for value in values.iter() {
            let text = self.placed(value);
            if text.is_none() {
                let at = self.place.start(value);
                self.problem("lexicon-type", at, format!("{key} may hold texts only"), "put it in quotes");
            }
            texts.extend(text);
        }
        texts
    }

    fn one_or_many(&mut self, table: &Table, one: &str, many: &str) -> Vec<Placed<String>> {
        let mut texts = self.texts(table, one);
        texts.extend(self.texts(table, many));
        texts
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TriggerKind {
    Scope,
    Stop,
    Pseudo,
}

/// Where byte `inside` of a TOML text stands in `raw`, which begins with its quotes.
fn written_at(raw: &str, inside: usize) -> usize {
    let quote = raw.chars().next().unwrap_or('"');
    let triple: String = [quote; 3].iter().collect();
    let mut at = if raw.starts_with(&triple) { 3 + usize::from(raw[3..].starts_with('\n')) } else { 1 };
    let mut meant = 0;
    while meant < inside && at < raw.len() {
        let escaped = quote == '"' && raw[at..].starts_with('\\');
        let step = if escaped { 2 } else { raw[at..].chars().next().map_or(1, char::len_utf8) };
        meant += if escaped { 1 } else { step };
        at += step;
    }
    at
}

/// Keys and values as they stand in the file.
fn in_order<'i, 'v>(table: &'i Table<'v>) -> Vec<(&'i Spanned<DeString<'v>>, &'i Item<'v>)> {
    let mut pairs: Vec<_> = table.iter().collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    pairs
}

fn integer(item: &Item) -> Option<i64> {
    let number = item.get_ref().as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn float(item: &Item) -> Option<f64> {
    item.get_ref().as_float()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of many rules, after which this stands.
    fn large(end: &str) -> String {
        let rule = |i| {
            format!(
                "[[rule]]\nid = \"rule-{i}\"\ncode = \"a.b\"\nweight = 0.5\npattern = \"train~ ..{i} teachers\"\n"
            )
        };
        let rules: String = (0..2000).map(rule).collect();
        format!(
            "[lists]\na = [\"one\", \"two\"]\n{rules}{end}\n[[rule]]\nid = \"last\"\ncode = \"a.b\"\nweight = 1\npattern = \"a\"\n"
        )
    }

    /// What is read as a whole, and what is read as it comes.
    fn both(text: &str) -> [String; 2] {
        let (mut whole, mut source) = (Source::default(), Source::default());
        let found = whole.read_whole(Place { file: 0, path: "t", text, at: 0 });
        let in_whole = format!("{:?} {:?} {found:?}", whole.lists, whole.rules);
        let found = source.read("t", text.to_string());
        [in_whole, format!("{:?} {:?} {found:?}", source.lists, source.rules)]
    }

    fn is_cut(text: &str) -> bool {
        in_pieces(Place { file: 0, path: "t", text, at: 0 }).is_some()
    }

    #[test]
    fn a_large_file_is_read_in_pieces_and_says_the_same() {
        for end in ["", "[[rule]]\nid = \"rule-7\"\ncode = \"a.b\"\nweight = 0.5\npattern = \"twice\"\n"] {
            let text = large(end);
            assert!(cuts(&text).len() > 2 && is_cut(&text));
            let [whole, pieces] = both(&text);
            assert_eq!(whole, pieces);
        }
    }

    #[test]
    fn what_cannot_be_cut_is_read_as_a_whole() {
        let ends = [
            "[[rule]]\nid = \"typo\"\ncode = \"a.b\"\nwait = 0.5\npattern = \"x\"\n",
            "[[trigger]]\nkind = \"negated\"\npatterns = [\"not\"]\n",
            "[lists.b]\n",
            "x = ",
        ];
        for end in ends {
            let text = large(end);
            assert!(!is_cut(&text), "{end}");
            let [whole, read] = both(&text);
            assert_eq!(whole, read);
        }
        let lines = "\n[[rule]]\nid = \"inside\"\n".repeat(4000);
        let text = format!(
            "[[rule]]\nid = \"a\"\nnote = \"\"\"{lines}\"\"\"\ncode = \"a.b\"\nweight = 1\npattern = \"a\"\n"
        );
        assert!(!cuts(&text).is_empty() && !is_cut(&text));
        let [whole, read] = both(&text);
        assert_eq!(whole, read);
    }
}
