//! quanteda dictionaries in YAML: nested keys, lists of patterns. Of YAML what dictionaries use: keys, `- item`,
//! `[a, b]`, quotes, comments.

use super::Sink;
use super::indented::Levels;

/// The key of a line `key:` or `key: value`, and the value.
pub fn key(line: &str) -> Option<(String, &str)> {
    if line.starts_with(['-', '#', '[', '{']) {
        return None;
    }
    if let Some(rest) = line.strip_prefix('"') {
        let (name, rest) = rest.split_once('"')?;
        return Some((name.to_string(), rest.trim_start().strip_prefix(':')?.trim()));
    }
    let (name, value) = line.strip_suffix(':').map(|name| (name, "")).or_else(|| line.split_once(": "))?;
    Some((unquoted(name), value.trim()))
}

/// Reads a YAML dictionary.
pub fn read(text: &str, sink: &mut Sink) {
    let mut levels = Levels::default();
    for (line, raw) in (1..).zip(text.lines()) {
        let words = without_comment(raw);
        let indent = words.len() - words.trim_start().len();
        let words = words.trim();
        if words.is_empty() || words == "---" || words == "..." {
            continue;
        }
        if let Some(item) = words.strip_prefix('-').filter(|item| item.is_empty() || item.starts_with(' ')) {
            // A list may stand as far out as its key.
            levels.close(indent + 1);
            item_of(line, &levels.path(), item.trim(), sink);
        } else if let Some((name, value)) = key(words) {
            levels.open(indent, &name);
            values(line, &levels.path(), value, sink);
        } else {
            sink.lost(line, format!("\"{words}\" is neither a key nor an item"), "write `key:` or `- item`");
        }
    }
}

fn item_of(line: usize, path: &[String], item: &str, sink: &mut Sink) {
    match key(item) {
        Some((name, _)) if !item.starts_with('"') || item.ends_with(':') => {
            let message = format!("the key \"{name}\" inside a list is left out");
            sink.lost(line, message, "write it as a key, indented below its parent");
        }
        _ if item.starts_with(['&', '*', '!', '|', '>']) && !item.contains(char::is_alphanumeric) => {
            sink.lost(line, format!("\"{item}\" is left out: anchors and blocks are not read"), "write the words");
        }
        _ => values(line, path, item, sink),
    }
}

/// One value, or several in brackets.
fn values(line: usize, path: &[String], value: &str, sink: &mut Sink) {
    match value.strip_prefix('[') {
        _ if value.is_empty() => {}
        None => sink.term(line, path, &unquoted(value)),
        Some(rest) => match rest.strip_suffix(']') {
            Some(items) => items
                .split(',')
                .map(unquoted)
                .filter(|item| !item.is_empty())
                .for_each(|item| sink.term(line, path, &item)),
            None => sink.lost(line, "a list over several lines is left out", "write each entry as `- entry`"),
        },
    }
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (i, c) in line.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) if line[..i].ends_with([' ', '[', ',']) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('#', None) if line[..i].trim().is_empty() || line[..i].ends_with(' ') => return &line[..i],
            _ => {}
        }
    }
    line
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = |mark: char| text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    inner('"').or_else(|| inner('\'')).unwrap_or(text).to_string()
}
