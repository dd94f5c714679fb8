//! What looks wrong in a lexicon and is no mistake in its form: words that never come, rules that never fire, entries
//! that others cover.
//!
//! Comes in: a [`Lexicon`], sound or not. Goes out: warnings with their places. Never happens here: a look at a corpus
//! or at examples; an error: what is said here may be meant.

use super::compile::COMMON;
use super::pattern::{self, Node, Term};
use super::source::{Placed, RuleSource};
use super::terms::glob_matches;
use super::{Effect, Lexicon, nearest};
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::token::{Forms, Stemmer, fold, tokenize};
use std::collections::{BTreeMap, BTreeSet};

/// How many `yes` and `no` examples a rule needs, so that a change that breaks it is noticed.
pub const LEAST_EXAMPLES: (usize, usize) = (3, 2);

/// With fewer letters before its `*` a glob meets words that nobody thought of.
const LEAST_LETTERS: usize = 3;

/// Speaker attributes that studies usually have.
const ATTRIBUTES: [&str; 7] =
    ["department", "district", "job_role", "level", "respondent_id", "school", "source_type"];

/// Levels that the program knows by itself.
const LEVELS: [&str; 3] = ["central_office", "school", "outside"];

/// Everything that looks wrong.
pub(super) fn lint(lexicon: &Lexicon) -> Vec<Diagnostic> {
    let mut lint = Lint { lexicon, stemmer: Stemmer::new(lexicon.language), found: Vec::new() };
    let sites = sites(lexicon);
    sites.iter().for_each(|site| lint.site(site));
    lint.lists(&sites);
    lint.rules();
    lint.same_patterns();
    lint.levels();
    lint.codes();
    lint.unused(&sites);
    lint.found
}

impl Lexicon {
    /// Levels of speakers that the lexicon knows: the program's own, and those of its parties.
    pub fn levels(&self) -> BTreeSet<&str> {
        let parties = self.parties.iter().flat_map(|party| [&party.first, &party.third]);
        LEVELS.into_iter().chain(parties.flatten().map(String::as_str)).collect()
    }
}

/// A pattern, where it is written, and what it reads as.
struct Site<'l> {
    text: &'l Placed<String>,
    node: Node,
    /// The list or party that it is an entry of.
    list: Option<&'l str>,
    /// True for a pattern that makes a rule fire by itself.
    fires: bool,
}

fn site<'l>(text: &'l Placed<String>, list: Option<&'l str>, fires: bool) -> Option<Site<'l>> {
    let node = pattern::parse(&text.value).ok()?;
    Some(Site { text, node, list, fires })
}

/// Every pattern of a lexicon that can be read.
fn sites(lexicon: &Lexicon) -> Vec<Site<'_>> {
    let source = &lexicon.source;
    let lists = source.lists.iter().map(|(name, entries)| (name, entries));
    let nouns = source.parties.iter().map(|party| (&party.name, &party.nouns));
    let entries = lists.chain(nouns).flat_map(|(name, entries)| {
        entries.iter().filter_map(move |entry| site(entry, Some(name.value.as_str()), false))
    });
    let fires = source
        .rules
        .iter()
        .flat_map(|rule| rule.patterns.iter().filter_map(move |text| site(text, None, !asks_for_more(rule))));
    let conditions = source.rules.iter().flat_map(conditions);
    let triggers = source.triggers.iter().flat_map(|trigger| &trigger.patterns);
    let others = conditions.chain(triggers).filter_map(|text| site(text, None, false));
    entries.chain(fires).chain(others).collect()
}

/// True when a rule asks for more than its pattern: a common word alone is then no mistake.
fn asks_for_more(rule: &RuleSource) -> bool {
    rule.asked.is_some() || !rule.with.is_empty() || !rule.without.is_empty()
}

/// The patterns of a rule besides those that make it fire.
fn conditions(rule: &RuleSource) -> impl Iterator<Item = &Placed<String>> {
    let single = [&rule.asked, &rule.not_near, &rule.not_before, &rule.not_after].into_iter().flatten();
    rule.with.iter().chain(&rule.without).chain(single)
}

struct Lint<'l> {
    lexicon: &'l Lexicon,
    stemmer: Stemmer,
    found: Vec<Diagnostic>,
}

impl<'l> Lint<'l> {
    fn warn<T>(&mut self, code: &'static str, place: &Placed<T>, message: String, help: impl Into<String>) {
        self.found.push(self.lexicon.source.warning(code, place, message).help(help));
    }

    /// A warning at a word of a pattern.
    fn warn_at(&mut self, code: &'static str, text: &Placed<String>, word: &str, message: String, help: String) {
        let inside = text.value.to_lowercase().find(&word.to_lowercase()).unwrap_or(0);
        let found = self.lexicon.source.error_inside(code, text, inside, message).help(help);
        self.found.push(Diagnostic { severity: crate::diagnostic::Severity::Warning, ..found });
    }

    // ---- single words ----

    fn site(&mut self, site: &Site) {
        for node in site.node.all() {
            match node {
                Node::Term(term) => self.term(site.text, term),
                Node::Alt(nodes) => self.covered(site.text, nodes, "this group"),
                _ => {}
            }
        }
        if let (true, Some(word)) = (site.fires, lone_common_word(&site.node)) {
            let message = format!("\"{word}\" alone is one of the commonest words of speech");
            self.warn("lexicon-frequent", site.text, message, "say what must stand beside it");
        }
    }

    fn term(&mut self, text: &Placed<String>, term: &Term) {
        let written = term.to_string();
        if let Some(pieces) = self.cut(term) {
            let (message, help) = match pieces.is_empty() {
                true => {
                    (format!("\"{written}\" never stands in a text: it is passed over"), "take it away".to_string())
                }
                false => {
                    let help = format!("write `{}`", pieces.join(" "));
                    (
                        format!("\"{written}\" is never one word: texts are cut into \"{}\"", pieces.join("\" \"")),
                        help,
                    )
                }
            };
            self.warn_at("lexicon-unreachable", text, written.trim_matches('\''), message, help);
        }
        if let Term::Glob(glob) = term {
            self.bare(text, glob);
        }
    }

    fn bare(&mut self, text: &Placed<String>, glob: &str) {
        let letters = glob.chars().filter(|c| !"*?".contains(*c)).count();
        if glob.contains('*') && letters < LEAST_LETTERS {
            let message = format!("\"{glob}\" meets every word with these {letters} letters");
            self.warn_at(
                "lexicon-bare",
                text,
                glob,
                message,
                "write the words that are meant, or `word~`".to_string(),
            );
        }
    }

    /// The words that a text's reader makes of a term, where they are not the term itself.
    fn cut(&self, term: &Term) -> Option<Vec<String>> {
        let word = match term {
            Term::Word(word) | Term::Stem(word) => word.clone(),
            Term::Glob(glob) => glob.replace(['*', '?'], "a"),
            Term::Exact(text) => fold(text),
            Term::Number => return None,
        };
        // A clitic stands after a word only.
        let (text, from) = if word.starts_with('\'') { (format!("x{word}"), 1) } else { (word.clone(), 0) };
        let keys = self.keys(&text);
        (keys.get(from..) != Some(&[word])).then(|| keys.into_iter().skip(from).collect())
    }

    fn keys(&self, text: &str) -> Vec<String> {
        let mut forms = Forms::new(self.lexicon.language, self.lexicon);
        let mut tokens = Vec::new();
        tokenize(text, Span::new(0, text.len()), &mut forms, &mut tokens);
        tokens.iter().map(|token| forms.key(token.form).to_string()).collect()
    }

    // ---- what covers what ----

    /// Warns of alternatives that another one covers.
    fn covered(&mut self, text: &Placed<String>, nodes: &[Node], place: &str) {
        for (i, node) in nodes.iter().enumerate() {
            let others = nodes.iter().enumerate().filter(|(j, _)| *j != i);
            let cover = others
                .into_iter()
                .find(|(j, other)| self.covers(other, node) && (!self.covers(node, other) || *j < i));
            let Some((_, cover)) = cover else { continue };
            if cover == node {
                let message = format!("\"{node}\" is in {place} twice");
                self.warn_at("lexicon-repeated", text, &node.to_string(), message, "take one away".to_string());
            } else {
                let message = format!("\"{node}\" is met by \"{cover}\" in {place} already");
                self.warn_at("lexicon-shadowed", text, &node.to_string(), message, "take it away".to_string());
            }
        }
    }

    /// True when `a` meets whatever `b` meets.
    fn covers(&self, a: &Node, b: &Node) -> bool {
        match (a, b) {
            (Node::Term(a), Node::Term(b)) => self.term_covers(a, b),
            (Node::Seq(a), Node::Seq(b)) => {
                let same =
                    |((gap_a, a), (gap_b, b)): (&(u16, Node), &(u16, Node))| gap_a >= gap_b && self.covers(a, b);
                a.len() == b.len() && a.iter().zip(b).all(same)
            }
            (a, b) => a == b,
        }
    }

    fn term_covers(&self, a: &Term, b: &Term) -> bool {
        match (a, b) {
            (Term::Glob(glob), Term::Word(word)) => glob_matches(glob, word),
            (Term::Stem(stem), Term::Word(word) | Term::Stem(word)) => {
                self.stemmer.stem(stem) == self.stemmer.stem(word)
            }
            (Term::Glob(a), Term::Glob(b)) => {
                let open = a.ends_with('*') || !b.ends_with('*');
                open && !b.contains('?')
                    && ["", "q", "qqqqq"].iter().all(|fill| glob_matches(a, &b.replace('*', fill)))
            }
            (a, b) => a == b,
        }
    }

    fn lists(&mut self, sites: &[Site]) {
        let mut lists: BTreeMap<&str, Vec<&Site>> = BTreeMap::new();
        for site in sites {
            if let Some(list) = site.list {
                lists.entry(list).or_default().push(site);
            }
        }
        for (name, entries) in lists {
            let place = format!("list \"{name}\"");
            for (i, entry) in entries.iter().enumerate() {
                let cover = entries.iter().enumerate().find(|(j, other)| {
                    *j != i
                        && self.covers(&other.node, &entry.node)
                        && (!self.covers(&entry.node, &other.node) || *j < i)
                });
                let Some((_, cover)) = cover else { continue };
                let (code, message) = if cover.node == entry.node {
                    ("lexicon-repeated", format!("\"{}\" is in {place} twice", entry.text.value))
                } else {
                    let (entry, cover) = (&entry.text.value, &cover.text.value);
                    ("lexicon-shadowed", format!("\"{entry}\" is met by \"{cover}\" in {place} already"))
                };
                self.warn(
                    code,
                    entry.text,
                    message,
                    "take it away; `precode check --fix` removes what is there twice",
                );
            }
        }
    }

    // ---- rules ----

    fn rules(&mut self) {
        let lexicon = self.lexicon;
        for rule in &lexicon.source.rules {
            self.examples(rule);
            self.contradictions(rule);
            self.idle(rule);
            self.order(rule);
        }
    }

    fn examples(&mut self, rule: &RuleSource) {
        let (yes, no) = LEAST_EXAMPLES;
        if rule.yes.len() < yes || rule.no.len() < no {
            let has = format!("{} yes and {} no", rule.yes.len(), rule.no.len());
            let message = format!("rule \"{}\" has {has} examples", rule.id.value);
            self.warn("lexicon-few-examples", &rule.id, message, format!("write at least {yes} yes and {no} no"));
        }
        let mut seen = BTreeSet::new();
        for example in rule.yes.iter().chain(&rule.no) {
            self.example(example);
            if !seen.insert(&example.value) {
                let message = format!("rule \"{}\" has the example \"{}\" twice", rule.id.value, example.value);
                self.warn("lexicon-repeated", example, message, "write another one");
            }
        }
    }

    fn example(&mut self, example: &Placed<String>) {
        let text = example.value.trim();
        if text.is_empty() {
            self.warn(
                "lexicon-example",
                example,
                "the example is empty".to_string(),
                "write a sentence that somebody might say",
            );
        }
        let level = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(level, _)| level);
        let known = self.lexicon.levels();
        if let Some(level) = level.filter(|level| !known.contains(level)) {
            let message = format!("\"[{level}]\" is read as a part of the sentence: no level has this name");
            self.warn("lexicon-example", example, message, did_you_mean(level, known, "levels"));
        }
        let body = text.split_once(']').map_or(text, |(_, rest)| rest.trim());
        if body.starts_with("Q:") && !body.contains("A:") {
            let message = "the example asks and nobody answers".to_string();
            self.warn("lexicon-example", example, message, "write \"Q: … A: …\"");
        }
    }

    /// Conditions that can never hold together.
    fn contradictions(&mut self, rule: &RuleSource) {
        let patterns: Vec<_> = rule.patterns.iter().filter_map(|text| pattern::parse(&text.value).ok()).collect();
        for text in &rule.without {
            let Ok(node) = pattern::parse(&text.value) else { continue };
            let with = rule.with.iter().any(|with| pattern::parse(&with.value).as_ref() == Ok(&node));
            if with || (!patterns.is_empty() && patterns.iter().all(|pattern| self.covers(&node, pattern))) {
                let what = if with { "`with` asks for" } else { "the rule looks for" };
                let message = format!("rule \"{}\" never fires: `without` forbids what {what}", rule.id.value);
                self.warn("lexicon-contradiction", text, message, "take one of the two away");
            }
        }
        let both = rule.yes.iter().find(|yes| rule.no.iter().any(|no| no.value == yes.value));
        if let Some(both) = both {
            let message = format!("\"{}\" is a yes and a no example of rule \"{}\"", both.value, rule.id.value);
            self.warn("lexicon-contradiction", both, message, "decide which");
        }
    }

    /// Settings that change nothing.
    fn idle(&mut self, rule: &RuleSource) {
        let codebook = &self.lexicon.codebook;
        let near = [&rule.not_near, &rule.not_before, &rule.not_after].iter().any(|text| text.is_some());
        if rule.window.is_some() && !near {
            let message = format!("rule \"{}\" has a window and nothing that it is for", rule.id.value);
            self.warn("lexicon-idle", &rule.id, message, "take it away, or add not_near, not_before or not_after");
        }
        let turns = rule.effects.contains(&Some(Effect::Opposite));
        let codes = || rule.codes.iter().filter_map(|name| codebook.id(&name.value));
        // Of several codes, those without an opposite are dropped and the others turned: that may be all that is meant.
        let none_turns = turns && codes().all(|code| codebook.opposite(code).is_none());
        for name in rule.codes.iter().filter(|name| none_turns && codebook.id(&name.value).is_some()) {
            let message = format!("\"opposite\" drops the evidence: \"{}\" has no opposite", name.value);
            let help = "name one with opposite = \"…\" in its [[code]], or write \"drop\"";
            self.warn("lexicon-idle", name, message, help);
        }
    }

    /// `#code` sees what rules without `#code` found, and nothing else.
    fn order(&mut self, rule: &RuleSource) {
        let lexicon = self.lexicon;
        for text in rule.with.iter().chain(&rule.without) {
            let Ok(node) = pattern::parse(&text.value) else { continue };
            for name in
                node.all().into_iter().filter_map(|node| if let Node::Code(name) = node { Some(name) } else { None })
            {
                let Some(code) = lexicon.codebook.id(name) else { continue };
                if !lexicon.rules.iter().any(|rule| !rule.second_pass && rule.codes.contains(&code)) {
                    let message =
                        format!("`#{name}` never holds here: every rule for it waits for another code itself");
                    self.warn("lexicon-order", text, message, format!("add a rule for \"{name}\" without `#`"));
                }
            }
        }
    }

    /// The same pattern in two rules for the same codes and speakers, or twice in one.
    fn same_patterns(&mut self) {
        let lexicon = self.lexicon;
        let mut seen: BTreeMap<String, &RuleSource> = BTreeMap::new();
        for rule in &lexicon.source.rules {
            let mut codes: Vec<&str> = rule.codes.iter().map(|code| code.value.as_str()).collect();
            codes.sort_unstable();
            let level = rule.level.as_ref().map(|level| &level.value);
            let around: Vec<&str> = conditions(rule).map(|text| text.value.as_str()).collect();
            for text in &rule.patterns {
                let Ok(node) = pattern::parse(&text.value) else { continue };
                let key = format!("{codes:?} {level:?} {:?} {around:?} {node}", rule.when);
                match seen.get(&key) {
                    None => {
                        seen.insert(key, rule);
                    }
                    Some(first) => {
                        let message =
                            format!("the pattern is in rule \"{}\" too, for the same codes", first.id.value);
                        self.warn(
                            "lexicon-repeated",
                            text,
                            message,
                            "take one away: a second hit of the same words counts anew",
                        );
                    }
                }
            }
        }
    }

    // ---- names ----

    fn levels(&mut self) {
        let lexicon = self.lexicon;
        let known = lexicon.levels();
        for rule in &lexicon.source.rules {
            if let Some(level) = rule.level.as_ref().filter(|level| !known.contains(level.value.as_str())) {
                let message = format!("no party speaks at level \"{}\"", level.value);
                self.warn(
                    "lexicon-level",
                    level,
                    message,
                    did_you_mean(&level.value, known.iter().copied(), "levels"),
                );
            }
            for (name, _) in &rule.when {
                let near = nearest(&name.value, ATTRIBUTES).filter(|near| *near != name.value);
                if let Some(near) = near {
                    let message = format!("no study has the attribute \"{}\"", name.value);
                    self.warn("lexicon-attribute", name, message, format!("did you mean \"{near}\"?"));
                }
            }
        }
        let parties = lexicon.source.parties.iter().flat_map(|party| [&party.first, &party.third]);
        for level in parties.flatten() {
            let near = nearest(&level.value, LEVELS).filter(|near| *near != level.value);
            if let Some(near) = near {
                let message = format!("\"{}\" looks like a level of the program", level.value);
                self.warn("lexicon-level", level, message, format!("did you mean \"{near}\"?"));
            }
        }
    }

    fn codes(&mut self) {
        let lexicon = self.lexicon;
        let codebook = &lexicon.codebook;
        let turned = |rule: &super::Rule| rule.effects.contains(&Some(Effect::Opposite));
        for (id, &(file, at)) in codebook.ids().zip(&lexicon.source.code_places) {
            let place = Placed { value: (), file, at };
            let name = &codebook.code(id).name;
            let direct = lexicon.source.rules.iter().any(|rule| rule.codes.iter().any(|code| code.value == *name));
            let mut turning = lexicon.rules.iter().filter(|rule| turned(rule)).flat_map(|rule| &rule.codes);
            if !direct && !turning.any(|&code| codebook.opposite(code) == Some(id)) {
                let message = format!("no rule speaks for code \"{name}\"");
                self.warn("lexicon-unused", &place, message, format!("write a [[rule]] with code = \"{name}\""));
            }
            if let Some(opposite) = codebook.opposite(id).filter(|&other| codebook.opposite(other) != Some(id)) {
                let other = &codebook.code(opposite).name;
                let message = format!("\"{other}\" is the opposite of \"{name}\", and not the other way round");
                self.warn("lexicon-opposite", &place, message, format!("add opposite = \"{name}\" to \"{other}\""));
            }
        }
    }

    /// Lists, parties and facets that nothing refers to, and a codebook without context.
    fn unused(&mut self, sites: &[Site]) {
        let lexicon = self.lexicon;
        if lexicon.source.rules.is_empty() {
            return;
        }
        let used: BTreeSet<&str> = sites.iter().flat_map(|site| site.node.all()).filter_map(list_name).collect();
        // A party that no pattern names still stands between actor and act: "we asked how the state trained them".
        let directed = sites.iter().flat_map(|site| site.node.all()).any(|node| matches!(node, Node::Direct(..)));
        let parties = lexicon.source.parties.iter().filter(|_| !directed).map(|party| ("party", &party.name));
        let lists = lexicon.source.lists.iter().map(|(name, _)| ("list", name));
        for (what, name) in lists.chain(parties) {
            let is_built_in = ["first_person", "third_person"].contains(&name.value.as_str());
            if !used.contains(name.value.as_str()) && !is_built_in {
                let message = format!("nothing refers to {what} \"@{}\"", name.value);
                self.warn("lexicon-unused", name, message, "use it in a pattern, or take it away");
            }
        }
        for facet in &lexicon.codebook.facets {
            if !lexicon.codebook.codes.iter().any(|code| code.facet() == facet.name) {
                let message = format!("facet \"{}\" has no codes", facet.name);
                let path = lexicon.source.files[0].path.clone();
                let help = format!("add a [[code]] with name = \"{}.…\"", facet.name);
                self.found.push(Diagnostic::warning("lexicon-unused", path, message).help(help));
            }
        }
        if lexicon.triggers.is_empty() {
            let message = "no context file: \"we don't train\" counts as training";
            let found = Diagnostic::warning("lexicon-no-context", lexicon.source.files[0].path.clone(), message);
            self.found.push(found.help("add context = \"context.en.toml\" to [codebook]"));
        }
    }
}

fn list_name(node: &Node) -> Option<&str> {
    if let Node::List(name) = node { Some(name) } else { None }
}

/// The word of a pattern that consists of one very common word.
fn lone_common_word(node: &Node) -> Option<&str> {
    match node {
        Node::Term(Term::Word(word)) if COMMON.contains(&word.as_str()) => Some(word),
        Node::Alt(nodes) => nodes.iter().find_map(lone_common_word),
        _ => None,
    }
}

fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>, what: &str) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    nearest(name, known.iter().copied())
        .map_or_else(|| format!("known {what}: {}", known.join(", ")), |near| format!("did you mean \"{near}\"?"))
}
