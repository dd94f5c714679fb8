//! The plain scan that everything is compared with: an aho-corasick DFA over the same bytes, overlapping, word borders
//! checked, hits counted.
//!
//! `cargo bench --bench scan -- FOLDER TERMS`: a folder of text files, and a file with a literal on each line. Prints
//! megabytes per second and the number of hits.

#![allow(clippy::print_stdout, reason = "a bench speaks to a terminal")]

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let [folder, terms] = &args[..] else {
        println!("skipped: name a folder and a file of terms");
        return;
    };
    let terms = std::fs::read_to_string(terms).unwrap_or_default();
    let builder =
        AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).ascii_case_insensitive(true).build(terms.lines());
    let Ok(automaton) = builder else {
        println!("skipped: the terms are too many for one automaton");
        return;
    };
    let (mut bytes, mut hits) = (0, 0);
    let started = Instant::now();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(text) = std::fs::read(entry.path()) else { continue };
        let is_word = |place: usize| text.get(place).is_some_and(|b| b.is_ascii_alphanumeric());
        let whole = |start: usize, end: usize| (start == 0 || !is_word(start - 1)) && !is_word(end);
        hits += automaton.find_overlapping_iter(&text).filter(|hit| whole(hit.start(), hit.end())).count();
        bytes += text.len();
    }
    println!("{:.1} MB/s, {hits} hits", bytes as f64 / 1e6 / started.elapsed().as_secs_f64());
}
