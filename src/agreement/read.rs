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
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: JsonLabel = match serde_json::from_str(line) {
            Ok(row) => row,
            Err(error) => {
                let expected = "expected {\"transcript\": …, \"turn\": …, \"labels\": [\"…\"]}";
                problems.push(Diagnostic::error("E_LABEL", path, error.to_string()).at_line(i + 1).help(expected));
                continue;
            }
        };
        let coder = row.coder.unwrap_or_else(|| name.to_string());
        let labels: &mut Labels = by_coder.entry(coder.clone()).or_insert_with(|| of_coder(coder));
        match known_answer(answers, &row.transcript, row.turn) {
            Ok(transcript) => {
                labels.judged.insert((transcript.clone(), row.turn));
                labels.marks.extend(row.labels.into_iter().map(|code| (transcript.clone(), row.turn, None, code)));
            }
            Err(problem) => problems.push(problem.at(path, i + 1)),
        }
    }
    (by_coder.into_values().collect(), problems)
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

#[derive(Deserialize)]
struct CsvLabel {
    coder: Option<String>,
    transcript: String,
    turn: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
    code: String,
}

/// Reads a CSV with the columns `transcript`, `code`, and `turn` or `start` and `end` (code points); `coder` is
/// optional, other columns are ignored. A line without a code says that the interview was judged.
pub fn labels_csv(path: &str, text: &str, name: &str, answers: &Answers) -> (Vec<Labels>, Vec<Diagnostic>) {
    let (mut by_coder, mut problems) = (BTreeMap::new(), Vec::new());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for (i, row) in reader.deserialize::<CsvLabel>().enumerate() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let help = "columns: coder, transcript, turn or start and end, code";
                problems.push(Diagnostic::error("E_LABEL", path, error.to_string()).at_line(i + 2).help(help));
                continue;
            }
        };
        let coder = row.coder.clone().filter(|c| !c.is_empty()).unwrap_or_else(|| name.to_string());
        let labels: &mut Labels = by_coder.entry(coder.clone()).or_insert_with(|| of_coder(coder));
        if let Err(problem) = add_csv(labels, &row, answers) {
            problems.push(problem.at(path, i + 2));
        }
    }
    (by_coder.into_values().collect(), problems)
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
    Labels { coder: MACHINE.to_string(), marks: proposed.map(mark).collect(), judged }
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
