//! LIWC dictionaries: a legend of numbered categories between `%` lines, then entries with their numbers.

use super::Sink;
use super::indented::Levels;
use std::collections::BTreeMap;

/// Reads both forms: `.dic`, and the table of LIWC-22 (`DicTerm,category,…` with an X per category).
pub fn read(text: &str, sink: &mut Sink) {
    if text.trim_start().starts_with("DicTerm") {
        return table(text, sink);
    }
    let mut categories: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut levels = Levels::default();
    let mut marks = 0;
    for (line, raw) in (1..).zip(text.lines()).filter(|(_, raw)| !raw.trim().is_empty()) {
        match (raw.trim(), marks) {
            ("%", _) => marks += 1,
            (_, 0) => sink.lost(line, "a line before the legend", "begin the file with a line `%`"),
            (words, 1) => legend(line, raw, words, &mut levels, &mut categories, sink),
            (words, _) => entry(line, words, &categories, sink),
        }
    }
}

fn legend<'t>(
    line: usize,
    raw: &str,
    words: &'t str,
    levels: &mut Levels,
    categories: &mut BTreeMap<&'t str, Vec<String>>,
    sink: &mut Sink,
) {
    let Some((number, name)) = words.split_once(char::is_whitespace) else {
        return sink.lost(line, format!("\"{words}\" is no category"), "write its number, a tab and its name");
    };
    // `posemo (Positive Emotions)`: the short name is the first word.
    let name = name.split('(').next().unwrap_or(name).trim();
    levels.open(raw.len() - raw.trim_start().len(), name);
    categories.insert(number, levels.path());
}

fn entry(line: usize, words: &str, categories: &BTreeMap<&str, Vec<String>>, sink: &mut Sink) {
    let is_number = |word: &&str| word.bytes().all(|b| b.is_ascii_digit());
    let (term, numbers): (String, Vec<&str>) = match words.split_once('\t') {
        Some((term, rest)) => (term.trim().to_string(), rest.split_whitespace().collect()),
        None => {
            let parts: Vec<&str> = words.split_whitespace().collect();
            let first = parts.len() - parts.iter().rev().take_while(|word| is_number(word)).count();
            (parts[..first].join(" "), parts[first..].to_vec())
        }
    };
    if numbers.is_empty() {
        return sink.lost(line, format!("\"{words}\" has no category"), "add a number of the legend");
    }
    // LIWC 2007 writes `like	(02 134)125/464`: another category after certain words.
    if !numbers.iter().all(is_number) {
        let message = format!("\"{words}\" is left out: its category depends on the words around it");
        return sink.lost(line, message, "write a rule with `with` or `not_near` by hand");
    }
    for number in numbers {
        match categories.get(number) {
            Some(path) => sink.term(line, path, &term),
            None => {
                sink.lost(line, format!("\"{term}\": the legend has no category {number}"), "add it to the legend");
            }
        }
    }
}

fn table(text: &str, sink: &mut Sink) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.trim_start().as_bytes());
    let names: Vec<String> = reader.headers().map(|row| row.iter().map(str::to_string).collect()).unwrap_or_default();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, |at| at.line() as usize);
                sink.lost(line, error.to_string(), "mend the row");
                continue;
            }
        };
        let line = record.position().map_or(0, |at| at.line() as usize);
        let term = record.get(0).unwrap_or_default();
        for (name, cell) in names.iter().zip(&record).skip(1) {
            if !cell.trim().is_empty() && cell.trim() != "0" {
                sink.term(line, std::slice::from_ref(name), term);
            }
        }
    }
}
