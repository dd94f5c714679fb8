//! A lexicon file in its plain form: lists sorted, entries once, patterns spaced alike.
//!
//! Comes in: the text of a lexicon file. Goes out: the text with these changes and nothing else, and what they are.
//! Never happens here: a change of what a pattern means; a lost comment; writing.

use super::pattern;
use std::collections::BTreeSet;
use toml_edit::{Array, DocumentMut, Item, TableLike, Value};

/// A file in its plain form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The new text.
    pub text: String,
    /// What was done, one line each.
    pub done: Vec<String>,
}

/// Keys of rules and context entries that hold patterns.
const PATTERNS: [&str; 8] =
    ["pattern", "patterns", "asked", "with", "without", "not_near", "not_before", "not_after"];

/// Sorts the entries of lists and nouns, takes repeated ones out, and spaces patterns alike. A comment in a list begins
/// a group of its own, which is sorted by itself.
///
/// # Errors
/// When the text is not TOML; the reader says where.
pub fn fix(text: &str) -> Result<Fixed, toml_edit::TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let mut done = Vec::new();
    if let Some(lists) = document.get_mut("lists").and_then(Item::as_table_like_mut) {
        for (name, item) in lists.iter_mut() {
            let name = format!("lists.{}", name.get());
            entries(item, &name, &mut done);
        }
    }
    if let Some(parties) = document.get_mut("party").and_then(Item::as_table_like_mut) {
        for (name, item) in parties.iter_mut() {
            let name = format!("party.{}.nouns", name.get());
            if let Some(nouns) = item.get_mut("nouns") {
                entries(nouns, &name, &mut done);
            }
        }
    }
    for kind in ["rule", "trigger", "stop", "pseudo"] {
        let tables = document.get_mut(kind).and_then(Item::as_array_of_tables_mut);
        for table in tables.into_iter().flat_map(|tables| tables.iter_mut()) {
            patterns(table, &mut done);
        }
    }
    Ok(Fixed { text: document.to_string(), done })
}

fn patterns(table: &mut dyn TableLike, done: &mut Vec<String>) {
    let id = table.get("id").and_then(Item::as_str).unwrap_or("context").to_string();
    for key in PATTERNS {
        let Some(item) = table.get_mut(key) else { continue };
        if let Some(array) = item.as_array_mut() {
            array.iter_mut().for_each(|value| plain(value, &id, done));
        } else if let Some(value) = item.as_value_mut() {
            plain(value, &id, done);
        }
    }
}

/// Spaces a pattern as its parts are read.
fn plain(value: &mut Value, place: &str, done: &mut Vec<String>) {
    let Some(old) = value.as_str() else { return };
    let new = spaced(old);
    if new == old || pattern::parse(&new) != pattern::parse(old) {
        return;
    }
    done.push(format!("{place}: \"{old}\" is written \"{new}\""));
    let decor = value.decor().clone();
    *value = Value::from(new);
    *value.decor_mut() = decor;
}

/// One space between parts, around `|`, `&` and `>`, none inside brackets; straight quotes.
fn spaced(pattern: &str) -> String {
    if pattern.contains('/') {
        return pattern.to_string();
    }
    let mut out = String::new();
    for c in pattern.chars() {
        match c {
            '’' | '‘' => out.push('\''),
            '|' | '>' => out.extend([' ', c, ' ']),
            '(' | '[' if !out.is_empty() && !out.ends_with([' ', '(', '[', '-']) => out.extend([' ', c]),
            c => out.push(c),
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    let joined = words.join(" ");
    joined.replace("( ", "(").replace(" )", ")").replace("[ ", "[").replace(" ]", "]")
}

/// Sorts the entries of a list, each group between comments by itself, and takes repeated ones out.
fn entries(item: &mut Item, name: &str, done: &mut Vec<String>) {
    let Some(array) = item.as_array_mut() else { return };
    array.iter_mut().for_each(|value| plain(value, name, done));
    repeated(array, name, done);
    let begins_group = |value: &Value| {
        let before = value.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
        let after = value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default();
        before.contains('#') || after.contains('#')
    };
    let starts: Vec<usize> =
        (0..array.len()).filter(|&i| i == 0 || array.get(i).is_some_and(begins_group)).chain([array.len()]).collect();
    let sorted = starts.windows(2).filter(|group| sort(array, group[0]..group[1])).count();
    if sorted > 0 {
        done.push(format!("{name}: sorted"));
    }
}

fn repeated(array: &mut Array, name: &str, done: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    let mut at = 0;
    while let Some(value) = array.get(at) {
        let text = value.as_str().unwrap_or_default().to_lowercase();
        let has_comment = value.decor().prefix().and_then(|p| p.as_str()).is_some_and(|p| p.contains('#'));
        if !seen.insert(text.clone()) && !has_comment {
            array.remove(at);
            done.push(format!("{name}: \"{text}\" was there twice"));
        } else {
            at += 1;
        }
    }
}

/// Sorts values of an array; the spacing stays where it is. True when anything moved.
fn sort(array: &mut Array, range: std::ops::Range<usize>) -> bool {
    let old: Vec<Value> = range.clone().filter_map(|i| array.get(i).cloned()).collect();
    let key = |value: &Value| value.as_str().unwrap_or_default().trim_start_matches('@').to_lowercase();
    let mut new = old.clone();
    new.sort_by_key(key);
    let moved = old.iter().map(key).ne(new.iter().map(key));
    for ((mut value, place), i) in new.into_iter().zip(&old).zip(range) {
        *value.decor_mut() = place.decor().clone();
        array.replace_formatted(i, value);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_within_comments_and_keeps_everything_else() {
        let text = "# head\n[lists]\na = [\n  \"b\", \"a\", \"B\", # why b\n  # others\n  \"z\", \"y\",\n] # end\n\n[[rule]]\n\
                    id = \"r\" # note\npattern = \"( a|b )   c\"\n";
        let fixed = fix(text).unwrap();
        assert_eq!(
            fixed.text,
            "# head\n[lists]\na = [\n  \"a\", \"b\", # why b\n  # others\n  \"y\", \"z\",\n] # end\n\n[[rule]]\n\
             id = \"r\" # note\npattern = \"(a | b) c\"\n"
        );
        assert_eq!(fixed.done.len(), 3, "{:?}", fixed.done);
        assert_eq!(fix(&fixed.text).unwrap().done, Vec::<String>::new());
    }
}
