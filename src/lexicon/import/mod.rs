//! Dictionaries of other programs as codebooks: categories become codes with a list and a rule each.
//!
//! Comes in: the text of a dictionary. Goes out: a codebook in TOML, and a diagnostic with its line for everything
//! that could not be carried over. Never happens here: files; an entry changed in silence.
//!
//! One program is one file of this folder plus one variant of [`Format`].

mod indented;
mod liwc;
mod quanteda;
mod wordstat;
mod yoshikoder;

use super::pattern;
use crate::diagnostic::Diagnostic;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A program whose dictionaries can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `.dic`: a legend of numbered categories between `%` lines, then a word and its numbers per line.
    Liwc,
    /// `.cat`: categories and words indented with tabs, words with their weight in brackets.
    Wordstat,
    /// `.ykd`: XML with `cnode` and `pnode`.
    Yoshikoder,
    /// YAML: nested keys and lists of patterns.
    Quanteda,
    /// `.lcd`, `.lc3`: `+CATEGORY` lines, each followed by its words.
    Lexicoder,
}

impl Format {
    /// The program's name.
    pub fn title(self) -> &'static str {
        ["LIWC", "WordStat", "Yoshikoder", "quanteda", "Lexicoder"][self as usize]
    }
}

/// A category with its entries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Category {
    /// Names from the outermost category to this one.
    pub path: Vec<String>,
    /// Entries as patterns of the lexicon language.
    pub terms: Vec<String>,
    /// Relations, which stand in the rule and not in the list.
    pub relations: Vec<String>,
}

/// A dictionary.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Imported {
    /// Categories that have entries, in the order of the file.
    pub categories: Vec<Category>,
}

/// Finds out whose form a dictionary has.
pub fn recognise(text: &str) -> Option<Format> {
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    let first = lines.next()?;
    if first.trim() == "%" || first.starts_with("DicTerm") {
        return Some(Format::Liwc);
    }
    if first.trim_start().starts_with('<') {
        return text.contains("<cnode").then_some(Format::Yoshikoder);
    }
    if first.starts_with('+') {
        return Some(Format::Lexicoder);
    }
    if text.lines().any(wordstat::is_weighted) {
        return Some(Format::Wordstat);
    }
    text.lines().any(|line| quanteda::key(line.trim()).is_some()).then_some(Format::Quanteda)
}

/// Reads a dictionary; diagnostics name what could not be carried over, in the order of the file.
pub fn read(format: Format, path: &str, text: &str) -> (Imported, Vec<Diagnostic>) {
    let mut sink = Sink { path, categories: Vec::new(), places: BTreeMap::new(), found: Vec::new() };
    match format {
        Format::Liwc => liwc::read(text, &mut sink),
        Format::Wordstat => wordstat::read(text, &mut sink),
        Format::Yoshikoder => yoshikoder::read(text, &mut sink),
        Format::Quanteda => quanteda::read(text, &mut sink),
        Format::Lexicoder => lexicoder(text, &mut sink),
    }
    sink.found.sort_by_key(|problem| problem.line);
    let mut categories = sink.categories;
    categories.retain(|category| !category.terms.is_empty() || !category.relations.is_empty());
    (Imported { categories }, sink.found)
}

/// The text of a dictionary: UTF-8 or UTF-16 by its mark, else Windows-1252, which the older programs wrote.
pub fn decode(bytes: &[u8]) -> String {
    let (text, ..) = match std::str::from_utf8(bytes) {
        Ok(_) => encoding_rs::UTF_8.decode(bytes),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes),
    };
    text.into_owned()
}

fn lexicoder(text: &str, sink: &mut Sink) {
    let mut path = Vec::new();
    for (line, words) in (1..).zip(text.lines().map(str::trim)).filter(|(_, words)| !words.is_empty()) {
        match words.strip_prefix('+') {
            Some(name) => path = vec![name.trim().to_string()],
            None => sink.term(line, &path, words),
        }
    }
}

/// What readers hand their findings to.
struct Sink<'p> {
    path: &'p str,
    categories: Vec<Category>,
    places: BTreeMap<Vec<String>, usize>,
    found: Vec<Diagnostic>,
}

impl Sink<'_> {
    fn lost(&mut self, line: usize, message: impl Into<String>, help: &str) {
        self.found.push(Diagnostic::warning("lexicon-import", self.path, message).at_line(line).help(help));
    }

    /// Adds an entry as the other program writes it: words, `*`, phrases.
    fn term(&mut self, line: usize, path: &[String], entry: &str) {
        match translate(entry) {
            Ok(pattern) => self.pattern(line, path, pattern),
            Err(why) => self.lost(line, format!("\"{entry}\" is left out: {why}"), "write a pattern for it by hand"),
        }
    }

    fn pattern(&mut self, line: usize, path: &[String], pattern: String) {
        if path.is_empty() {
            return self.lost(line, format!("\"{pattern}\" is in no category"), "put it under one");
        }
        let category = self.category(path);
        if !category.terms.contains(&pattern) {
            category.terms.push(pattern);
        }
    }

    fn category(&mut self, path: &[String]) -> &mut Category {
        let next = self.categories.len();
        let place = *self.places.entry(path.to_vec()).or_insert(next);
        if place == next {
            self.categories.push(Category { path: path.to_vec(), ..Category::default() });
        }
        &mut self.categories[place]
    }
}

/// An entry as a pattern; what the lexicon language reads otherwise is refused.
fn translate(entry: &str) -> Result<String, &'static str> {
    let entry = entry.trim().replace(['’', '‘'], "'");
    if !entry.chars().any(char::is_alphanumeric) {
        return Err("it has no letters, and signs are no words here");
    }
    if let Some(sign) = entry.chars().find(|c| "()[]|&>@#/~<{}=+^$\\\"_".contains(*c)) {
        return Err(match sign {
            '(' | ')' | '<' | '>' => "it depends on the words around it",
            '[' | ']' | '{' | '}' | '^' | '$' | '\\' => "it is a regular expression",
            _ => "it holds a sign that is no part of a word",
        });
    }
    let words: Vec<String> = entry.to_lowercase().split_whitespace().map(str::to_string).collect();
    let text = words.join(" ");
    if text.contains("..") || pattern::parse(&text).is_err() {
        return Err("it is no pattern here");
    }
    let starts_wild = words.iter().any(|word| word.trim_matches(['*', '?']).is_empty());
    if starts_wild && words.len() == 1 { Err("it meets every word") } else { Ok(text) }
}

/// The codebook in TOML.
pub fn write(imported: &Imported, name: &str, format: Format) -> String {
    let mut names = Names::default();
    let codes: Vec<(String, String)> = imported.categories.iter().map(|category| names.of(category)).collect();
    let mut out = String::new();
    let title = format.title();
    let _ = write!(
        out,
        "# Imported from {title}. There a word counts whatever is said about it: so do the rules here, until [defaults] is\n\
         # changed. Write yes and no sentences for each rule before you trust it.\n\n\
         [codebook]\nname = {}\ntitle = {}\nversion = \"1\"\nlanguage = \"en\"\nsource = {}\n\n\
         [defaults]\nnegated = \"keep\"\nhypothetical = \"keep\"\npast = \"keep\"\nreported = \"keep\"\n",
        quoted(name),
        quoted(&format!("{name}, imported from {title}")),
        quoted(&format!("{title} dictionary")),
    );
    let facets: BTreeSet<&str> = codes.iter().filter_map(|(code, _)| code.split('.').next()).collect();
    for facet in facets {
        let _ = write!(out, "\n[[facet]]\nname = {}\n", quoted(facet));
    }
    for ((code, _), category) in codes.iter().zip(&imported.categories) {
        let definition = format!("Imported category {}.", category.path.join(" > "));
        let _ = write!(out, "\n[[code]]\nname = {}\ndefinition = {}\n", quoted(code), quoted(&definition));
    }
    out += "\n[lists]\n";
    for ((_, list), category) in codes.iter().zip(&imported.categories).filter(|(_, c)| !c.terms.is_empty()) {
        let mut terms = category.terms.clone();
        terms.sort();
        let terms: Vec<String> = terms.iter().map(|term| format!("  {},\n", quoted(term))).collect();
        let _ = write!(out, "{list} = [\n{}]\n", terms.concat());
    }
    for ((code, list), category) in codes.iter().zip(&imported.categories) {
        let own = (!category.terms.is_empty()).then(|| format!("@{list}"));
        let patterns: Vec<String> =
            own.iter().chain(&category.relations).map(|pattern| format!("  {},\n", quoted(pattern))).collect();
        let _ = write!(
            out,
            "\n[[rule]]\nid = {}\ncode = {}\npatterns = [\n{}]\nweight = 0.5\nyes = []\nno = []\n",
            quoted(list),
            quoted(code),
            patterns.concat()
        );
    }
    out
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// Names of codes and lists, each given once.
#[derive(Default)]
struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// Code and list of a category: `affect.positive` and `affect_positive`. A category that stands alone gets a facet.
    fn of(&mut self, category: &Category) -> (String, String) {
        let mut parts: Vec<String> = category.path.iter().map(|part| plain(part)).collect();
        if parts.len() < 2 {
            parts.insert(0, "dictionary".to_string());
        }
        let mut code = parts.join(".");
        while !self.taken.insert(code.replace('.', "_")) {
            code.push_str("_2");
        }
        let list = code.replace('.', "_");
        (code, list)
    }
}

/// Letters, digits and `_`, in lower case.
fn plain(name: &str) -> String {
    let letters =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect::<String>();
    let trimmed: Vec<&str> = letters.split('_').filter(|part| !part.is_empty()).collect();
    if trimmed.is_empty() { "category".to_string() } else { trimmed.join("_") }
}
