//! Tables with a column of words: CSV, TSV, with semicolons or bars.
//!
//! Comes in: a table with a header that names its columns, or sentences after numbers. Goes out: one unit per row.
//! Never happens here: a row left out without a word, or a table read in part.

use super::draft::{Content, Context, Draft, Outcome, placed};
use super::table::{self, Row, StrayQuote};
use super::{TimeSpan, entities, time};
use crate::diagnostic::Diagnostic;
use std::borrow::Cow;

const TEXT: &[&str] = &[
    "text",
    "content",
    "words",
    "utterance",
    "transcript",
    "transcription",
    "sentence",
    "message",
    "speech",
    "dialogue",
    "caption",
    "what was said",
    "answer",
    "response",
    // As programs for coding export them.
    "excerpt",
    "quotation content",
    "quotation",
    "coded text",
    "segment",
];
const QUESTION: &[&str] = &["question", "prompt"];
const SPEAKER: &[&str] = &["speaker", "speaker name", "speaker label", "name", "participant", "who", "person"];
const START: &[&str] =
    &["start", "start time", "starttime", "start ms", "start s", "begin", "timestamp", "time", "in"];
const END: &[&str] = &["end", "end time", "endtime", "end ms", "end s", "stop", "out"];

/// Longest name of a column.
const LONGEST: usize = 40;
/// Refused rows that are listed one by one.
const LISTED: usize = 10;
/// Lines that show whether a table without a header is one.
const SAMPLE: usize = 5;

/// True for a table with a known header, or numbered sentences between tabs.
pub(super) fn is_csv(text: &str) -> bool {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    has_header(line) || is_numbered(text)
}

/// Refuses a file that is named as a table and has no known columns.
pub(super) fn check_named(text: &str, context: &Context<'_>) -> Result<(), Diagnostic> {
    let named = context.is_named("csv") || context.is_named("tsv");
    if !named || is_csv(text) {
        return Ok(());
    }
    let line = text.lines().next().unwrap_or("");
    Err(header_problem(&header(line), "no column of words", text, context))
}

/// Reads a table.
pub(super) fn read(content: Content, context: &Context<'_>) -> Outcome {
    let text = &content.text;
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let delimiter = table::delimiter(first);
    let mut draft = Draft::default();
    if delimiter != ',' && delimiter != '\t' {
        let note = context.note("W_DELIMITER", format!("the columns are separated by {delimiter:?}"));
        draft.notes.push(placed(note, text, 0));
    }
    let mut rows =
        table::rows(text, delimiter).map(|row| row.map_err(|quote| stray(quote, text, context))).peekable();
    let headed = has_header(first) && matches!(rows.peek(), Some(Ok(_)));
    let columns = match rows.peek() {
        Some(Ok(head)) if headed => Columns::find(head, text, context)?,
        Some(Ok(row)) => Columns::of_numbered(row),
        _ => Columns::of_numbered(&Row { byte: 0, cells: vec![Cow::Borrowed("")] }),
    };
    let mut problems = Vec::new();
    for row in rows.skip(usize::from(headed)) {
        match row.and_then(|row| columns.check(row, text, context)) {
            Ok(row) => columns.say(&row, text, context, &mut draft),
            Err(problem) if problems.len() < LISTED => problems.push(problem),
            Err(_) => break,
        }
    }
    if draft.speakers.iter().all(|s| s.name.is_empty()) {
        draft.note_no_speaker(context);
    }
    if problems.is_empty() { Ok(draft) } else { Err(problems) }
}

fn stray(quote: StrayQuote, text: &str, context: &Context<'_>) -> Diagnostic {
    let problem =
        context.error("E_CSV_QUOTE", "a quote opens here and does not close before a delimiter or line end");
    placed(problem.help("double the quotes within a cell and quote the whole cell"), text, quote.0)
}

/// The folded names of the columns of a header line.
fn header(line: &str) -> Vec<String> {
    line.split(table::delimiter(line)).map(fold).collect()
}

fn fold(cell: &str) -> String {
    let plain = cell.trim().trim_matches('"').trim().to_lowercase().replace(['_', '-'], " ");
    plain.replace(['(', ')', ':'], "").trim().to_string()
}

/// A header has two columns or more, one of words, and no cell that is long or ends as a sentence does.
fn has_header(line: &str) -> bool {
    if line.len() > LONGEST * 64 {
        return false;
    }
    let names = header(line);
    let short = |name: &String| name.chars().count() <= LONGEST && !name.ends_with(['.', '?', '!']);
    names.len() > 1 && names.iter().any(|n| TEXT.contains(&n.as_str())) && names.iter().all(short)
}

/// `0<tab>All right ...`: numbers or times, then words, and the same number of tabs in every line.
fn is_numbered(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE).peekable();
    let Some(n) = lines.peek().map(|line| line.matches('\t').count()) else { return false };
    let number = |cell: &str| cell.trim().parse::<f64>().is_ok() || time::clock(cell.trim()).is_some();
    (1..=3).contains(&n)
        && lines.all(|line| line.matches('\t').count() == n && line.split('\t').take(n.min(2)).all(number))
}

fn header_problem(names: &[String], what: &str, text: &str, context: &Context<'_>) -> Diagnostic {
    let mut found =
        names.iter().take(12).map(|n| n.chars().take(LONGEST).collect::<String>()).collect::<Vec<_>>().join(", ");
    if names.len() > 12 {
        found.push_str(&format!(" and {} more", names.len() - 12));
    }
    let problem = context.error("E_CSV_HEADER", format!("{what}; columns found: {found}"));
    placed(problem.help("name the columns speaker, text and, if known, start and end"), text, 0)
}

/// Where the columns are.
struct Columns {
    n: usize,
    text: usize,
    /// What was asked, in the row of its answer.
    question: Option<usize>,
    speaker: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
    /// Times are thousandths of a second.
    milliseconds: bool,
}

impl Columns {
    fn find(head: &Row<'_>, text: &str, context: &Context<'_>) -> Result<Self, Vec<Diagnostic>> {
        let names: Vec<String> = head.cells.iter().map(|c| fold(c)).collect();
        let doubled = names.iter().enumerate().find(|(i, name)| !name.is_empty() && names[..*i].contains(name));
        if let Some((_, name)) = doubled {
            return Err(vec![header_problem(&names, &format!("two columns are called {name:?}"), text, context)]);
        }
        let among = |list: &[&str]| list.iter().find_map(|want| names.iter().position(|n| n == want));
        let Some(words) = among(TEXT) else {
            return Err(vec![header_problem(&names, "no column of words", text, context)]);
        };
        let start = among(START);
        let milliseconds = start.is_some_and(|i| names[i].ends_with("ms"));
        Ok(Columns {
            n: names.len(),
            text: words,
            question: among(QUESTION),
            speaker: among(SPEAKER),
            start,
            end: among(END),
            milliseconds,
        })
    }

    /// Sentences after a number, or after two times.
    fn of_numbered(row: &Row<'_>) -> Self {
        let n = row.cells.len();
        let timed = n >= 3;
        let (start, end) = (timed.then_some(0), timed.then_some(1));
        Columns { n, text: n - 1, question: None, speaker: (n == 4).then_some(2), start, end, milliseconds: false }
    }

    /// Refuses a row with more or fewer cells than the header.
    fn check<'a>(&self, row: Row<'a>, text: &str, context: &Context<'_>) -> Result<Row<'a>, Diagnostic> {
        if row.cells.len() == self.n {
            return Ok(row);
        }
        let message = format!("expected {} fields, found {}", self.n, row.cells.len());
        Err(placed(
            context.error("E_CSV_RAGGED", message).help("quote cells that hold the delimiter"),
            text,
            row.byte,
        ))
    }

    fn say(&self, row: &Row<'_>, text: &str, context: &Context<'_>, draft: &mut Draft) {
        let time = self.time(row).unwrap_or_else(|()| {
            let warning = context.warning("W_TIME", "no such time; the words are kept");
            draft.note_at(warning, text, row.byte, LISTED);
            None
        });
        let cell = self.speaker.map_or("", |i| row.cells[i].trim().trim_end_matches(':').trim_end());
        if let Some(question) = self.question {
            draft.say("Question", &entities::decode(row.cells[question].trim()), time);
        }
        let words = entities::decode(row.cells[self.text].trim());
        if matches!(words, Cow::Owned(_)) {
            let note = context.note("W_ENTITIES", "references such as &amp; were replaced by their characters");
            draft.note_at(note, text, row.byte, 1);
        }
        let name = match (cell.is_empty() && self.speaker.is_some(), draft.units.last()) {
            (true, _) if in_brackets(&words) => "Description".to_string(),
            // A row without a speaker goes on with the one before.
            (true, Some(unit)) => draft.speakers[unit.speaker.0 as usize].name.clone(),
            _ => cell.to_string(),
        };
        if !draft.say(&name, &words, time) {
            draft.note_at(context.note("W_EMPTY_TURN", "a row without words"), text, row.byte, 1);
        }
    }

    fn time(&self, row: &Row<'_>) -> Result<Option<TimeSpan>, ()> {
        let ms = |column: Option<usize>| match column.map(|i| row.cells[i].trim()) {
            None | Some("") => Ok(None),
            Some(cell) => milliseconds(cell, self.milliseconds).map(Some).ok_or(()),
        };
        let (start, end) = (ms(self.start)?, ms(self.end)?);
        Ok(start.map(|start_ms| TimeSpan { start_ms, end_ms: end.filter(|&e| e >= start_ms).unwrap_or(start_ms) }))
    }
}

fn in_brackets(words: &str) -> bool {
    words.starts_with('(') && words.ends_with(')') || words.starts_with('[') && words.ends_with(']')
}

/// Seconds with a fraction, or a clock time.
fn milliseconds(cell: &str, thousandths: bool) -> Option<u64> {
    if let Some(ms) = time::clock(cell) {
        return Some(ms);
    }
    let number: f64 = cell.parse().ok()?;
    time::of_seconds(if thousandths { number / 1000.0 } else { number })
}

#[cfg(test)]
mod tests {
    use super::super::{ReadOptions, read};

    #[test]
    fn rows_are_units() {
        let table = "Speaker;Start (s);Text\n Ann :;1.5;One; two\n".replace("One; two", "\"One; two\"")
            + ";2;goes on\n;3;(laughs)\n";
        let transcript = read(table.as_bytes(), "x.csv", &ReadOptions::default()).unwrap();
        let name = |u: &super::super::Unit| transcript.speaker(u.speaker).name.clone();
        let shown: Vec<String> =
            transcript.units.iter().map(|u| format!("{}|{}", name(u), u.span.of(&transcript.text))).collect();
        assert_eq!(shown, ["Ann|One; two", "Ann|goes on", "Description|(laughs)"]);
        assert_eq!(transcript.units[0].time.map(|t| t.start_ms), Some(1500));
        assert_eq!(transcript.text, "Ann: One; two\n\nAnn: goes on\n\nDescription: (laughs)\n\n");
    }

    #[test]
    fn every_bad_row_is_named() {
        let problems = read(b"speaker,text\nI,a\nP\nI,b,c\nP,\"d\n", "x.csv", &ReadOptions::default()).unwrap_err();
        let places: Vec<_> = problems.iter().map(|p| (p.code, p.line.unwrap())).collect();
        assert_eq!(places, [("E_CSV_RAGGED", 3), ("E_CSV_RAGGED", 4), ("E_CSV_QUOTE", 5)]);
        let problems = read(b"\"speaker,text\nI,a\n", "x.csv", &ReadOptions::default()).unwrap_err();
        assert_eq!(problems[0].code, "E_CSV_QUOTE");
    }
}
