//! From label files, codings and decisions to [`Judgements`].
//!
//! Comes in: texts of files and rows of the study. Goes out: judgements, and diagnostics for every line that could
//! not be used. Never happens here: printing, a statistic.
//!
//! A label file says what one coder holds; what it implies about the rest depends on its form. `labels.jsonl` has one
//! line for every judged answer, so an answer without a line is missing and not denied. A CSV has one line for every
//! code given, so every respondent's answer of an interview that the coder names at all counts as judged.

use super::interviews::Interviews;
use super::judgement::{Judgement, Judgements, MACHINE, Stratum};
use super::units::Place;
use crate::codebook::facet;
use crate::coding::{Coding, TurnRow};
use crate::diagnostic::Diagnostic;
use crate::transcript::SpeakerRole;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The respondents' turns of a study, by transcript and place.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    turns: BTreeMap<String, BTreeMap<usize, (usize, usize)>>,
}

impl Answers {
    /// From the rows of `turns.jsonl`.
    pub fn of(rows: &[TurnRow]) -> Self {
        let mut turns: BTreeMap<String, BTreeMap<usize, (usize, usize)>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.speaker_role == SpeakerRole::Respondent) {
            turns.entry(row.transcript.clone()).or_default().insert(row.turn, (row.start, row.end));
        }
        Answers { turns }
    }

    /// All of them: transcript, turn, first code point, first one after it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize, usize, usize)> {
        self.turns.iter().flat_map(|(name, turns)| turns.iter().map(|(turn, at)| (name.as_str(), *turn, at.0, at.1)))
    }

    /// The study's name for a transcript: the same, or the only one that ends in it.
    pub fn name(&self, given: &str) -> Option<&str> {
        let bare = given.trim_end_matches(".txt");
        if let Some((name, _)) = self.turns.get_key_value(given).or_else(|| self.turns.get_key_value(bare)) {
            return Some(name);
        }
        let file = bare.rsplit(['/', '\\']).next().unwrap_or(bare);
        let mut ending = self.turns.keys().filter(|name| name.rsplit('/').next() == Some(file));
        ending.next().filter(|_| ending.next().is_none()).map(String::as_str)
    }

    fn turn_at(&self, transcript: &str, at: usize) -> Option<usize> {
        let turns = self.turns.get(transcript)?;
        turns.iter().find(|(_, (start, end))| *start <= at && at < *end).map(|(turn, _)| *turn)
    }

    fn has(&self, transcript: &str, turn: usize) -> bool {
        self.turns.get(transcript).is_some_and(|turns| turns.contains_key(&turn))
    }
}

/// A code that was given: transcript, turn, code points if known, code.
pub type Mark = (String, usize, Option<(usize, usize)>, String);

/// What one coder marked and what they judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels {
    /// Who.
    pub coder: String,
    /// Codes given.
    pub marks: Vec<Mark>,
    /// Answers that were judged for every code.
    pub judged: BTreeSet<(String, usize)>,
    /// Lines on which codes are given first.
    pub first_given: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct JsonLabel {
    transcript: String,
    turn: usize,
    labels: Vec<String>,
    coder: Option<String>,
}

/// Reads `labels.jsonl`: `{"transcript", "turn", "labels": [...]}`, with an optional `"coder"`; other keys are the
/// file's own business. `name` is the coder of lines that name none.
pub fn labels_jsonl(path: &str, text: &str, name: &str, answers: &Answers) -> (Vec<Labels>, Vec<Diagnostic>) {
    let (mut by_coder, mut problems) = (BTreeMap::new(), Vec::new());
    let mut at = 0;
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        if line.trim().is_empty() {
            continue;
        }
        let row: JsonLabel = match serde_json::from_str(line) {
            Ok(row) => row,
            Err(error) => {
                problems.push(bad_json(path, text, start, line, &error));
                continue;
            }
        };
        let coder = row.coder.unwrap_or_else(|| name.to_string());
        let labels: &mut Labels = by_coder.entry(coder.clone()).or_insert_with(|| of_coder(coder));
        match known_answer(answers, &row.transcript, row.turn) {
            Ok(transcript) => {
                labels.judged.insert((transcript.clone(), row.turn));
                row.labels.iter().for_each(|code| labels.gives(code, i + 1));
                labels.marks.extend(row.labels.into_iter().map(|code| (transcript.clone(), row.turn, None, code)));
            }
            Err(problem) => problems.push(problem.at(path, i + 1)),
        }
    }
    (by_coder.into_values().collect(), problems)
}

/// A line that is not one of ours, at the character where reading ended.
fn bad_json(path: &str, text: &str, start: usize, line: &str, error: &serde_json::Error) -> Diagnostic {
    let told = error.to_string();
    let what = told.split(" at line ").next().unwrap_or(&told).replace("usize", "a whole number");
    let what = if error.is_data() { what } else { format!("no line of JSON: {what}") };
    let mut byte = start + error.column().saturating_sub(1).min(line.trim_end().len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    Diagnostic::error("E_LABEL_FILE", path, what)
        .at_byte(text, byte)
        .help("the line is left out; write {\"transcript\": \"b01\", \"turn\": 3, \"labels\": [\"role.trainer\"]}")
}

impl Labels {
    /// Remembers where a code is given first.
    fn gives(&mut self, code: &str, line: usize) {
        self.first_given.entry(code.to_string()).or_insert(line);
    }

    /// A warning for every code given that the codebook does not have, with the codes that may be meant.
    pub fn unknown(&self, path: &str, known: &[String]) -> Vec<Diagnostic> {
        let strange = self.first_given.iter().filter(|(code, _)| !known.contains(code));
        let warn = |(code, line): (&String, &usize)| {
            let same = known.iter().filter(|other| facet(other) == facet(code)).map(String::as_str);
            let same: Vec<&str> = same.collect();
            let help = match same.is_empty() {
                true => {
                    "it is counted as a code of its own; name codes in full, as `precode check` shows them".into()
                }
                false => format!("it is counted as a code of its own; the codebook has {}", same.join(", ")),
            };
            let message = format!("the codebook has no code `{code}`");
            Diagnostic::warning("W_LABEL_CODE", path, message).at_line(*line).help(help)
        };
        strange.map(warn).collect()
    }
}

fn of_coder(coder: String) -> Labels {
    Labels { coder, ..Labels::default() }
}

/// Why a line of a label file could not be used.
struct Misplaced(String);

impl Misplaced {
    fn at(self, path: &str, line: usize) -> Diagnostic {
        Diagnostic::warning("W_LABEL_PLACE", path, self.0).at_line(line).help("the line is left out")
    }
}

fn known_answer(answers: &Answers, transcript: &str, turn: usize) -> Result<String, Misplaced> {
    let Some(name) = answers.name(transcript) else {
        return Err(Misplaced(format!("the study has no transcript `{transcript}`")));
    };
    if answers.has(name, turn) {
        return Ok(name.to_string());
    }
    Err(Misplaced(format!(
        "turn {turn} of `{name}` is no respondent's turn (turns count from 0, interviewers' included)"
    )))
}

/// A line of a CSV of labels.
struct CsvLabel {
    coder: Option<String>,
    transcript: String,
    turn: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
    code: String,
}

/// Where the columns of a CSV of labels stand.
struct Columns(BTreeMap<String, usize>);

/// What a CSV of labels is like, for people.
const CSV_FORM: &str = "columns, separated by commas: coder, transcript, turn or start and end, code";

impl Columns {
    /// From the head; the columns that must be there are.
    fn of(head: &csv::StringRecord, path: &str) -> Result<Self, Diagnostic> {
        let columns: BTreeMap<String, usize> = head.iter().map(|name| name.trim().to_string()).zip(0..).collect();
        let has = |name: &str| columns.contains_key(name);
        let missing = ["transcript", "code"].into_iter().find(|name| !has(name));
        let placed = has("turn") || has("start") && has("end");
        let missing = missing.or((!placed).then_some("turn"));
        match missing {
            None => Ok(Columns(columns)),
            Some(name) => {
                let found: Vec<&str> = head.iter().collect();
                let what = format!("no column `{name}`; found {}", found.join(", "));
                Err(Diagnostic::error("E_LABEL_FILE", path, what).at_line(1).help(CSV_FORM))
            }
        }
    }

    fn cell<'r>(&self, row: &'r csv::StringRecord, name: &str) -> Option<&'r str> {
        row.get(*self.0.get(name)?).map(str::trim).filter(|cell| !cell.is_empty())
    }

    fn number(&self, row: &csv::StringRecord, name: &str) -> Result<Option<usize>, (usize, String)> {
        let Some(cell) = self.cell(row, name) else { return Ok(None) };
        let wrong = |_| (self.0[name], format!("`{name}` must be a whole number, found `{cell}`"));
        cell.parse().map(Some).map_err(wrong)
    }

    /// One line, or the place of the cell that is wrong and what is wrong with it.
    fn read(&self, row: &csv::StringRecord) -> Result<CsvLabel, (usize, String)> {
        if row.len() != self.0.len() {
            return Err((0, format!("{} cells, the head has {}", row.len(), self.0.len())));
        }
        let transcript = self.cell(row, "transcript");
        Ok(CsvLabel {
            coder: self.cell(row, "coder").map(str::to_string),
            transcript: transcript.ok_or((self.0["transcript"], "`transcript` is empty".to_string()))?.to_string(),
            turn: self.number(row, "turn")?,
            start: self.number(row, "start")?,
            end: self.number(row, "end")?,
            code: self.cell(row, "code").unwrap_or_default().to_string(),
        })
    }
}

/// Reads a CSV with the columns `transcript`, `code`, and `turn` or `start` and `end` (code points); `coder` is
/// optional, other columns are ignored. A line without a code says that the interview was judged.
pub fn labels_csv(path: &str, text: &str, name: &str, answers: &Answers) -> (Vec<Labels>, Vec<Diagnostic>) {
    let (mut by_coder, mut problems) = (BTreeMap::new(), Vec::new());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    // The text is UTF-8 and the reader flexible: a head is always there, if only an empty one.
    let columns = match Columns::of(&reader.headers().cloned().unwrap_or_default(), path) {
        Ok(columns) => columns,
        Err(problem) => return (Vec::new(), vec![problem]),
    };
    for record in reader.records().filter_map(Result::ok) {
        let line = record.position().map_or(1, |at| at.line() as usize);
        let row = match columns.read(&record) {
            Ok(row) => row,
            Err((cell, what)) => {
                let byte = byte_of(text, &record, cell);
                problems.push(Diagnostic::error("E_LABEL_FILE", path, what).at_byte(text, byte).help(LEFT_OUT));
                continue;
            }
        };
        let coder = row.coder.clone().unwrap_or_else(|| name.to_string());
        let labels: &mut Labels = by_coder.entry(coder.clone()).or_insert_with(|| of_coder(coder));
        match add_csv(labels, &row, answers) {
            Ok(()) if !row.code.is_empty() => labels.gives(&row.code, line),
            Ok(()) => {}
            Err(problem) => problems.push(problem.at(path, line)),
        }
    }
    (by_coder.into_values().collect(), problems)
}

const LEFT_OUT: &str = "the line is left out; columns: coder, transcript, turn or start and end, code";

/// The first byte of a cell: exact where no cell before it is quoted, else that of the line.
fn byte_of(text: &str, row: &csv::StringRecord, cell: usize) -> usize {
    let start = row.position().map_or(0, |at| at.byte() as usize).min(text.len());
    let before: usize = row.iter().take(cell).map(|cell| cell.len() + 1).sum();
    let quoted = text[start..].lines().next().is_none_or(|line| line.contains('"'));
    if quoted { start } else { start + before }
}

fn add_csv(labels: &mut Labels, row: &CsvLabel, answers: &Answers) -> Result<(), Misplaced> {
    let Some(name) = answers.name(&row.transcript).map(str::to_string) else {
        return Err(Misplaced(format!("the study has no transcript `{}`", row.transcript)));
    };
    labels.judged.extend(answers.turns[&name].keys().map(|turn| (name.clone(), *turn)));
    if row.code.is_empty() {
        return Ok(());
    }
    let span = row.start.zip(row.end);
    let turn = match (row.turn, span) {
        (Some(turn), _) => turn,
        (None, Some((start, _))) => answers
            .turn_at(&name, start)
            .ok_or_else(|| Misplaced(format!("code point {start} of `{name}` lies in no respondent's turn")))?,
        (None, None) => return Err(Misplaced("neither `turn` nor `start` and `end` is given".to_string())),
    };
    if let Some((start, end)) = span.filter(|(start, end)| start >= end) {
        return Err(Misplaced(format!("the passage ends at {end}, before or at its start {start}")));
    }
    known_answer(answers, &name, turn)?;
    labels.marks.push((name, turn, span, row.code.clone()));
    Ok(())
}

/// What the machine proposes: rows at `threshold` or more; every answer of the study is judged.
pub fn machine(codings: &[Coding], threshold: f64, answers: &Answers) -> Labels {
    let proposed = codings.iter().filter(|row| row.confidence >= threshold);
    let mark = |row: &Coding| (row.transcript.clone(), row.turn, Some((row.start, row.end)), row.code.clone());
    let judged = answers.iter().map(|(name, turn, ..)| (name.to_string(), turn)).collect();
    Labels { coder: MACHINE.to_string(), marks: proposed.map(mark).collect(), judged, ..Labels::default() }
}

/// Codes that anybody gives, and those given: every judgement is about one of these.
pub fn codes<'a>(labels: impl IntoIterator<Item = &'a Labels>, known: &[String]) -> BTreeSet<String> {
    let given = labels.into_iter().flat_map(|labels| labels.marks.iter().map(|mark| mark.3.clone()));
    given.chain(known.iter().cloned()).collect()
}

/// Adds a coder's labels: the codes given, and a no for every code and answer that was judged.
pub fn add(to: &mut Judgements, labels: &Labels, occasion: usize, stratum: Stratum, codes: &BTreeSet<String>) {
    let coder = to.coder(&labels.coder, occasion);
    for (transcript, turn) in &labels.judged {
        let transcript = to.transcript(transcript);
        for code in codes {
            let code = to.code(code);
            to.rows.push(Judgement {
                coder,
                transcript,
                turn: *turn as u32,
                span: None,
                code,
                holds: false,
                stratum,
            });
        }
    }
    for (transcript, turn, span, code) in labels.marks.iter().filter(|mark| codes.contains(&mark.3)) {
        let (transcript, code) = (to.transcript(transcript), to.code(code));
        let span = span.map(|(start, end)| (start as u32, end as u32));
        to.rows.push(Judgement { coder, transcript, turn: *turn as u32, span, code, holds: true, stratum });
    }
}

/// The answers as places, in the order of the judgements' transcripts.
pub fn answer_places(judgements: &mut Judgements, answers: &Answers, interviews: &Interviews) -> Vec<Place> {
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    let mut number = |transcript: &str, turn: usize| {
        let next = numbers.len() as u32;
        *numbers.entry(interviews.name(transcript, turn)).or_insert(next)
    };
    let mut places: Vec<Place> = answers
        .iter()
        .map(|(name, turn, start, end)| Place {
            transcript: judgements.transcript(name),
            turn: turn as u32,
            interview: number(name, turn),
            start: start as u32,
            end: end as u32,
        })
        .collect();
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Answers {
        let mut answers = Answers::default();
        answers.turns.insert("set/b01".to_string(), BTreeMap::from([(1, (10, 50)), (3, (60, 90))]));
        answers
    }

    #[test]
    fn an_answer_without_a_line_is_not_judged() {
        let text = "{\"transcript\":\"b01\",\"turn\":1,\"labels\":[\"role.trainer\"],\"trap\":\"\"}\n";
        let (labels, problems) = labels_jsonl("l.jsonl", text, "ana", &answers());
        assert_eq!(problems, []);
        assert_eq!(labels[0].judged, BTreeSet::from([("set/b01".to_string(), 1)]));
    }

    #[test]
    fn every_bad_line_is_named_and_the_others_are_used() {
        let text = "{\"turn\":1}\n{\"transcript\":\"b01\",\"turn\":2,\"labels\":[]}\n\
                    {\"transcript\":\"b01\",\"turn\":3,\"labels\":[]}\n";
        let (labels, problems) = labels_jsonl("l.jsonl", text, "ana", &answers());
        assert_eq!(problems.iter().map(|p| p.line).collect::<Vec<_>>(), [Some(1), Some(2)]);
        assert_eq!(labels[0].judged.len(), 1);
    }

    #[test]
    fn a_wrong_cell_is_told_with_line_column_and_what_to_do() {
        let lines = |problems: Vec<Diagnostic>| problems.iter().map(Diagnostic::line).collect::<Vec<_>>();
        let csv = "coder,transcript,turn,code\nana,b01,x,role.trainer\nana,b01\n";
        let found = lines(labels_csv("l.csv", csv, "x", &answers()).1);
        assert!(
            found[0].starts_with("l.csv:2:9: error[E_LABEL_FILE]: `turn` must be a whole number, found `x`; help: ")
        );
        assert!(found[1].starts_with("l.csv:3:1: error[E_LABEL_FILE]: 2 cells, the head has 4; help: "), "{found:?}");
        let found = lines(labels_csv("l.csv", "who;file\na;b\n", "x", &answers()).1);
        assert!(found[0].starts_with("l.csv:1: error[E_LABEL_FILE]: no column `transcript`; found who;file"));
        let json = "\n{\"transcript\":\"b01\",\"turn\":\"x\",\"labels\":[]}\n";
        let found = lines(labels_jsonl("l.jsonl", json, "x", &answers()).1);
        let want = "l.jsonl:2:30: error[E_LABEL_FILE]: invalid type: string \"x\", expected a whole number; help: ";
        assert!(found[0].starts_with(want), "{found:?}");
    }

    #[test]
    fn a_code_that_the_codebook_lacks_is_named_once_with_those_that_may_be_meant() {
        let csv = "transcript,turn,code\nb01,1,role.trainr\nb01,3,role.trainr\nb01,3,role.trainer\n";
        let (labels, problems) = labels_csv("l.csv", csv, "x", &answers());
        assert_eq!(problems, []);
        let found = labels[0].unknown("l.csv", &["role.trainer".to_string(), "other.code".to_string()]);
        assert_eq!(found.len(), 1);
        let line = found[0].line();
        assert!(line.starts_with("l.csv:2: warning[W_LABEL_CODE]: the codebook has no code `role.trainr`; help: "));
        assert!(line.ends_with("the codebook has role.trainer"), "{line}");
    }

    #[test]
    fn a_csv_judges_every_answer_of_an_interview_it_names() {
        let text = "coder,transcript,start,end,code\nben,b01,62,70,role.trainer\n";
        let (labels, problems) = labels_csv("l.csv", text, "x", &answers());
        assert_eq!(problems, []);
        assert_eq!((labels[0].coder.as_str(), labels[0].judged.len()), ("ben", 2));
        assert_eq!(labels[0].marks, [("set/b01".to_string(), 3, Some((62, 70)), "role.trainer".to_string())]);
    }

    #[test]
    fn a_passage_outside_of_every_answer_is_left_out_with_its_line() {
        let text = "transcript,start,end,code\nb01,52,55,role.trainer\nb01,70,70,role.trainer\n";
        let (_, problems) = labels_csv("l.csv", text, "x", &answers());
        assert_eq!(problems.iter().map(|p| p.line).collect::<Vec<_>>(), [Some(2), Some(3)]);
    }
}
