//! WordStat dictionaries: categories and words indented with tabs; words have their weight in brackets.
//!
//! Of the proximity rules (`@RULE [A NEAR B /S5]`) those of two parts with NEAR, BEFORE or AFTER are carried over.

use super::indented::Levels;
use super::{Sink, translate};

/// True for `WORD (1)`.
pub fn is_weighted(line: &str) -> bool {
    weighted(line).is_some()
}

/// The word and the weight of a line.
fn weighted(line: &str) -> Option<(&str, f64)> {
    let (word, weight) = line.trim().strip_suffix(')')?.rsplit_once('(')?;
    Some((word.strip_suffix(' ')?.trim(), weight.trim().parse().ok()?))
}

/// Reads a `.cat` file.
pub fn read(text: &str, sink: &mut Sink) {
    let mut levels = Levels::default();
    for (line, raw) in (1..).zip(text.lines()).filter(|(_, raw)| !raw.trim().is_empty()) {
        let indent = raw.len() - raw.trim_start().len();
        let Some((word, weight)) = weighted(raw) else {
            levels.open(indent, raw.trim());
            continue;
        };
        levels.close(indent);
        let path = levels.path();
        if (weight - 1.0).abs() > f64::EPSILON {
            let message = format!("the weight {weight} of \"{word}\" is not carried over");
            sink.lost(line, message, "give it a rule of its own with a weight");
        }
        match word.strip_prefix('@') {
            Some(rule) => relation(line, &path, rule, sink),
            None => sink.term(line, &path, &word.replace('_', " ")),
        }
    }
}

/// `NAME [A NEAR B /S n]`: two words or phrases.
fn relation(line: usize, path: &[String], rule: &str, sink: &mut Sink) {
    let body = rule.split_once('[').and_then(|(_, body)| body.trim_end().strip_suffix(']'));
    match body.and_then(two_parts) {
        Some(pattern) if !path.is_empty() => sink.category(path).relations.push(pattern),
        _ => {
            let message =
                format!("the rule \"@{rule}\" is left out: only NEAR, BEFORE and AFTER of two words are read");
            sink.lost(line, message, "write it by hand with `&`, `..`, not_near, with or without");
        }
    }
}

fn two_parts(body: &str) -> Option<String> {
    let (body, options) = body.split_once('/').map_or((body, ""), |(body, options)| (body, options));
    let within = options.trim_start_matches(['S', 's', 'C', 'c', 'P', 'p', 'D', 'd', ' ']).trim();
    let within: Option<u16> = if within.is_empty() { None } else { Some(within.parse().ok()?) };
    let words: Vec<&str> = body.split_whitespace().collect();
    let [first, operator, second] = words[..] else { return None };
    let part = |word: &str| translate(&word.replace('_', " ")).ok();
    let (first, second) = (part(first)?, part(second)?);
    let gap = within.map_or(String::new(), |n| n.to_string());
    match operator {
        "NEAR" => Some(format!("{first} &{gap} {second}")),
        "BEFORE" => Some(format!("{first} ..{gap} {second}")),
        "AFTER" => Some(format!("{second} ..{gap} {first}")),
        _ => None,
    }
}
