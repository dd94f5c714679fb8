//! The table at the end of a run, for people: at most 80 columns, numbers aligned.

use super::Console;
use crate::store::manifest::{Counts, Report};
use crate::store::run::{CodeTally, Findings, SHOWN};
use std::io;
use std::path::Path;
use std::time::Duration;

/// What a run has to tell.
pub struct Summary<'a> {
    /// The study folder, as typed.
    pub study: &'a Path,
    /// What became of every file.
    pub report: &'a Report<()>,
    /// Codes, flags and guesses.
    pub findings: &'a Findings,
    /// Since the command began.
    pub took: Duration,
}

impl Summary<'_> {
    /// Says it all.
    ///
    /// # Errors
    /// When the standard output is closed or full.
    pub fn say(&self, console: &mut Console) -> io::Result<()> {
        self.files(console)?;
        self.speech(console)?;
        self.codes(console)?;
        self.flags(console)?;
        self.uncoded(console)?;
        self.guesses(console)?;
        self.next(console)
    }

    fn files(&self, console: &mut Console) -> io::Result<()> {
        let report = self.report;
        let mut line = format!("{} read", counted(report.processed, "file"));
        if report.with_notes > 0 {
            line += &format!(", {} with notes", report.with_notes);
        }
        if report.rejected > 0 {
            line += &format!(", {} refused", report.rejected);
        }
        row(console, "Files", &line)?;
        for file in &self.findings.refused.items {
            let why = format!("{} {}", file.code.as_deref().unwrap_or(""), file.message.as_deref().unwrap_or(""));
            row(console, "", &clip(&format!("{}: {why}", tail(&file.path, 34)), WIDTH - 12))?;
        }
        more(console, self.findings.refused.n)
    }

    fn speech(&self, console: &mut Console) -> io::Result<()> {
        let counts = self.report.counts;
        let (turns, answers, words) =
            (counted(counts.turns, "turn"), grouped(counts.answers), counted(counts.words, "word"));
        row(console, "Speech", &format!("{turns}, {answers} of them by respondents; {words}"))?;
        let (segments, proposed, weak) =
            (counted(counts.segments, "segment"), counted(counts.proposed, "coding"), grouped(counts.weak));
        let line = format!("{segments} with {proposed}; weaker ones kept for review: {weak}");
        row(console, "Coded", &line)
    }

    fn codes(&self, console: &mut Console) -> io::Result<()> {
        let mut codes: Vec<(&String, &CodeTally)> = self.findings.codes.iter().collect();
        codes.sort_by(|a, b| b.1.proposed.cmp(&a.1.proposed).then(a.0.cmp(b.0)));
        codes.retain(|(_, tally)| tally.proposed > 0);
        if codes.is_empty() {
            return Ok(());
        }
        let width = codes.iter().map(|(code, _)| code.chars().count()).max().unwrap_or(0).clamp(4, 34);
        let most = codes[0].1.proposed;
        console.say("")?;
        let head = format!("{:width$}  {:>7}  {:>10}", "Code", "codings", "confidence");
        console.say(&console.bold(&head))?;
        for (code, tally) in codes {
            let mean = tally.confidence / tally.proposed as f64;
            let bar = "#".repeat((tally.proposed * 20).div_ceil(most));
            let name = clip(code, width);
            let line = format!("{name:width$}  {:>7}  {mean:>10.2}  {}", grouped(tally.proposed), console.dim(&bar));
            console.say(&line)?;
        }
        console.say("")
    }

    fn flags(&self, console: &mut Console) -> io::Result<()> {
        let flags = &self.findings.flags;
        if flags.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = flags.iter().map(|(flag, n)| format!("{} {}", flag.name(), grouped(*n))).collect();
        wrapped(console, "Flagged", &list)
    }

    /// Answers without any code, the transcripts with most of them first.
    fn uncoded(&self, console: &mut Console) -> io::Result<()> {
        let counts = self.report.counts;
        let line = format!("{} of {} answers", grouped(counts.uncoded), grouped(counts.answers));
        row(console, "No code", &line)?;
        let one = |(name, of): &(String, Counts)| format!("{} {}/{}", tail(name, 24), of.uncoded, of.answers);
        let uncoded = &self.findings.uncoded;
        let mut list: Vec<String> = uncoded.items.iter().map(one).collect();
        if uncoded.n > SHOWN {
            list.push(format!("{} more", uncoded.n - SHOWN));
        }
        wrapped(console, "", &list)
    }

    fn guesses(&self, console: &mut Console) -> io::Result<()> {
        let guessed = &self.findings.guessed;
        if guessed.n == 0 {
            return Ok(());
        }
        row(console, "Guessed", "who asks, from how they speak; check, or set --interviewer:")?;
        let one = |(name, labels): &(String, Vec<String>)| {
            let labels: Vec<String> = labels.iter().map(|label| format!("{:?}", clip(label, 20))).collect();
            format!("{}: {}", tail(name, 24), labels.join(", "))
        };
        for guess in &guessed.items {
            row(console, "", &clip(&one(guess), WIDTH - 12))?;
        }
        more(console, guessed.n)
    }

    fn next(&self, console: &mut Console) -> io::Result<()> {
        let study = crate::diagnostic::escape(&self.study.to_string_lossy());
        row(console, "Took", &duration(self.took))?;
        row(console, "Study", &format!("{study}/  (codings.csv, codings.jsonl, turns.jsonl, report.json)"))?;
        row(console, "Next", &format!("precode review {study}"))
    }
}

const WIDTH: usize = 80;

/// A heading of ten columns and what it heads.
fn row(console: &mut Console, head: &str, text: &str) -> io::Result<()> {
    let head = console.bold(&format!("{head:<10}"));
    console.say(format!("{head}  {text}").trim_end())
}

fn more(console: &mut Console, n: usize) -> io::Result<()> {
    if n <= SHOWN {
        return Ok(());
    }
    row(console, "", &format!("and {} more, in report.json", n - SHOWN))
}

/// Items separated by commas, on as many lines as needed.
fn wrapped(console: &mut Console, head: &str, items: &[String]) -> io::Result<()> {
    let (mut head, mut line) = (head, String::new());
    for (i, item) in items.iter().enumerate() {
        let item = if i + 1 < items.len() { format!("{item}, ") } else { item.clone() };
        if !line.is_empty() && line.chars().count() + item.trim_end().chars().count() > WIDTH - 12 {
            row(console, std::mem::take(&mut head), &line)?;
            line.clear();
        }
        line += &item;
    }
    if line.is_empty() { Ok(()) } else { row(console, head, &line) }
}

/// `1 file`, `2,000 files`.
pub(super) fn counted(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// `12,345`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn duration(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// The beginning of a text that fits; safe for a terminal.
fn clip(text: &str, width: usize) -> String {
    let text = crate::diagnostic::escape(text);
    if text.chars().count() <= width {
        return text;
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// The end of a path that fits: its end tells more than its beginning.
fn tail(text: &str, width: usize) -> String {
    let text = crate::diagnostic::escape(text);
    let n = text.chars().count();
    if n <= width {
        return text;
    }
    std::iter::once('…').chain(text.chars().skip(n + 1 - width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn long_names_keep_their_telling_end() {
        assert_eq!(tail("site_a/folder/interview.txt", 14), "…interview.txt");
        assert_eq!(clip("a\u{1b}b", 20), "a\\u{1b}b");
        assert_eq!(clip("abcdef", 4), "abc…");
    }
}
