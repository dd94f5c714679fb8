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
    has_header(first(text).1) || is_numbered(text)
}

/// The first line with anything in it, and its first byte.
fn first(text: &str) -> (usize, &str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            return (at, line.trim_end_matches('\n'));
        }
        at += line.len();
    }
    (0, "")
}

/// Refuses a file that is named as a table and has no known columns.
pub(super) fn check_named(text: &str, context: &Context<'_>) -> Result<(), Diagnostic> {
    let named = context.is_named("csv") || context.is_named("tsv");
    if !named || is_csv(text) {
        return Ok(());
    }
    Err(no_words(text, context))
}

/// Reads a table.
pub(super) fn read(content: Content, context: &Context<'_>) -> Outcome {
    let text = &content.text;
    let (_, first) = first(text);
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
    names.len() > 1 && names.iter().any(|n| TEXT.contains(&n.as_str())) && names.iter().all(|name| is_short(name))
}

/// True for what may name a column: it is not long and does not end as a sentence does.
fn is_short(name: &str) -> bool {
    name.chars().count() <= LONGEST && !name.ends_with(['.', '?', '!'])
}

/// `0<tab>All right ...`: numbers or times, then words, and the same number of tabs in every line.
fn is_numbered(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE).peekable();
    let Some(n) = lines.peek().map(|line| line.matches('\t').count()) else { return false };
    let number = |cell: &str| cell.trim().parse::<f64>().is_ok() || time::clock(cell.trim()).is_some();
    (1..=3).contains(&n)
        && lines.all(|line| line.matches('\t').count() == n && line.split('\t').take(n.min(2)).all(number))
}

/// A refusal of a table in which no column is known to hold words. Its cells are shown where they are names: without a
/// header they are what somebody said.
fn no_words(text: &str, context: &Context<'_>) -> Diagnostic {
    let (at, line) = first(text);
    let (names, delimiter) = (header(line), table::delimiter(line));
    if names_columns(&names) {
        let problem = context.error("E_CSV_HEADER", format!("no column of words; columns found: {}", shown(&names)));
        return placed(
            problem.help("call the column of the words text; speaker, start and end are known, too"),
            text,
            at,
        );
    }
    let row = table::rows(text, delimiter).next();
    let n = row.map_or(names.len(), |row| row.map_or(names.len(), |row| row.cells.len()));
    let example = example(n, if n == 1 { ',' } else { delimiter });
    let message = "no header: the first line names none of the columns speaker, text, start, end";
    let help = match n {
        1 => format!("give speaker and words a column each, below a line \"{example}\""),
        _ => format!("add a line above the first that names its {n} columns in their order, such as \"{example}\""),
    };
    let problem = context.error("E_CSV_HEADER", message);
    placed(problem.help(help + "; if this is no table, name the file .txt"), text, at)
}

/// True for short cells one of which is the name of a known column.
fn names_columns(names: &[String]) -> bool {
    let known = |name: &String| [TEXT, QUESTION, SPEAKER, START, END].iter().any(|of| of.contains(&name.as_str()));
    names.iter().any(known) && names.iter().all(|name| is_short(name))
}

/// A header for so many columns.
fn example(n: usize, delimiter: char) -> String {
    let usual: &[&str] = match n {
        ..=2 => &["speaker", "text"],
        3 => &["start", "speaker", "text"],
        _ => &["start", "end", "speaker", "text"],
    };
    let others = (usual.len() + 1..=n.min(8)).map(|i| format!("column{i}"));
    let delimiter = if delimiter == '\t' { "<tab>".to_string() } else { delimiter.to_string() };
    usual.iter().map(ToString::to_string).chain(others).collect::<Vec<_>>().join(&delimiter)
}

/// The first names of columns, as a message may hold them.
fn shown(names: &[String]) -> String {
    let short = names.iter().take(12).map(|name| name.chars().take(LONGEST).collect::<String>());
    let found = short.collect::<Vec<_>>().join(", ");
    match names.len() {
        ..=12 => found,
        n => format!("{found} and {} more", n - 12),
    }
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
        let twice = names.iter().enumerate().find(|(i, name)| !name.is_empty() && names[..*i].contains(name));
        if let Some((_, name)) = twice {
            let message = format!("two columns are called {name:?}; columns found: {}", shown(&names));
            let problem = context.error("E_CSV_HEADER", message).help("rename one of the two");
            return Err(vec![placed(problem, text, first(text).0)]);
        }
        let among = |list: &[&str]| list.iter().find_map(|want| names.iter().position(|n| n == want));
        let Some(words) = among(TEXT) else { return Err(vec![no_words(text, context)]) };
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

    /// The one problem of a table that is not read.
    fn refused(table: &str, name: &str) -> String {
        let problems = read(table.as_bytes(), name, &ReadOptions::default()).err().unwrap_or_default();
        assert_eq!(problems.len(), 1, "{table}: {problems:?}");
        problems[0].line()
    }

    #[test]
    fn a_table_without_a_header_is_told_which_one_to_add() {
        let cases = [
            (
                "Ann,How was it\nBob,\"So, so\"\n",
                "x.csv:1:1:",
                "its 2 columns in their order, such as \"speaker,text\"",
            ),
            (
                "Ann,\"Well, how was it\"\nBob,So\n",
                "x.csv:1:1:",
                "its 2 columns in their order, such as \"speaker,text\"",
            ),
            (
                "\n \n00:01;Ann;How was it\n",
                "x.csv:3:1:",
                "its 3 columns in their order, such as \"start;speaker;text\"",
            ),
            ("1\t2\tAnn\tHow was it\tx\n", "x.tsv:1:1:", "\"start<tab>end<tab>speaker<tab>text<tab>column5\""),
            ("How was it then\n", "x.csv:1:1:", "a column each, below a line \"speaker,text\""),
        ];
        for (table, place, help) in cases {
            let told = refused(table, if table.contains('\t') { "x.tsv" } else { "x.csv" });
            assert!(told.starts_with(&format!("{place} error[E_CSV_HEADER]: no header: the first line")), "{told}");
            assert!(told.contains(help) && told.ends_with("if this is no table, name the file .txt"), "{told}");
            // Without a header the cells are somebody's words.
            assert!(!told.to_lowercase().contains("how was it") && !told.contains("nn"), "{told}");
        }
    }

    #[test]
    fn a_header_that_lacks_words_or_names_a_column_twice_is_shown() {
        let told = refused("\nwho,what\nAnn,Yes\n", "x.csv");
        assert!(
            told.starts_with(
                "x.csv:2:1: error[E_CSV_HEADER]: no column of words; columns found: who, what; help: call"
            )
        );
        let told = refused("Speaker;Text;speaker\nAnn;Yes;Bob\n", "x.csv");
        assert!(told.starts_with("x.csv:1:1: error[E_CSV_HEADER]: two columns are called \"speaker\""), "{told}");
        assert!(told.contains("columns found: speaker, text, speaker"), "{told}");
    }
}
