//! What `precode agree` and `precode learn` read: a study folder and label files.
//!
//! Comes in: paths. Goes out: judgements, units, rows, and what could not be used. Never happens here: printing,
//! a change of any file.

use super::interviews::Interviews;
use super::judgement::{Judgement, Judgements, SETTLED, Stratum};
use super::read::{self, Answers, Labels};
use super::units::{Place, Unit};
use crate::coding::{Coding, TurnRow};
use crate::diagnostic::Diagnostic;
use crate::segment;
use crate::store::journal::present::{DecisionRow, Judged};
use crate::store::journal::row::{Shown, Verdict};
use crate::store::journal::{Journal, JournalError};
use crate::store::layout::Study;
use crate::store::manifest::Manifest;
use crate::store::{StoreError, rows, seen};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Why a study could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A file of the study.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal of decisions.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal of decisions, by SQLite.
    #[error("decisions could not be read: {0}")]
    Sql(#[from] rusqlite::Error),
    /// `seen.jsonl`.
    #[error("what was seen could not be read: {0}")]
    Seen(#[source] std::io::Error),
    /// A label file.
    #[error("{0}")]
    Labels(PathBuf, #[source] std::io::Error),
    /// The unit needs passages, and only whole answers were labelled.
    #[error(
        "{0} labels whole answers, so `--unit {1}` has nothing to compare; help: use `--unit answer`, or a CSV with \
         `start` and `end`"
    )]
    WholeAnswers(String, &'static str),
}

/// A study as it lies on disk.
#[derive(Debug)]
pub struct Loaded {
    /// `manifest.json`.
    pub manifest: Manifest,
    /// `codings.jsonl`.
    pub codings: Vec<Coding>,
    /// `turns.jsonl`.
    pub turns: Vec<TurnRow>,
    /// The respondents' turns.
    pub answers: Answers,
    /// Which answers belong together.
    pub interviews: Interviews,
    /// Effective decisions; empty when nobody has decided anything.
    pub decisions: Vec<DecisionRow>,
    /// Segments that were judged for every code.
    pub judged: Vec<Judged>,
    /// Decisions whose segment is not in the texts any more.
    pub orphans: usize,
    /// Answers seen under an earlier codebook.
    pub leaked: BTreeSet<(String, usize)>,
}

/// Reads the study.
///
/// # Errors
/// See [`StudyError`].
pub fn load(study: &Study) -> Result<Loaded, StudyError> {
    let manifest = Manifest::load(study)?;
    let codings: Vec<Coding> = rows::read(&study.codings())?.collect::<Result<_, _>>()?;
    let turns: Vec<TurnRow> = rows::read(&study.turns())?.collect::<Result<_, _>>()?;
    let seen = seen::read(study).map_err(StudyError::Seen)?;
    let leaked = seen::leaked(&seen, &manifest.lexicon.sha256);
    let carried = match Journal::open_read(&study.journal()) {
        Ok(journal) => {
            journal.verify()?;
            journal.carried(study, &manifest.run)?
        }
        Err(JournalError::Missing(_)) => Default::default(),
        Err(error) => return Err(error.into()),
    };
    Ok(Loaded {
        answers: Answers::of(&turns),
        interviews: Interviews::of(&turns, &manifest.inputs),
        turns,
        manifest,
        codings,
        decisions: carried.decisions,
        judged: carried.judged,
        orphans: carried.orphans.len(),
        leaked,
    })
}

/// The labels of one file, and how they were made.
#[derive(Debug, Clone)]
pub struct LabelFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Blind unless the user says that its coder saw proposals.
    pub stratum: Stratum,
}

/// The labels of every coder of a file, in order of name.
///
/// # Errors
/// When the file cannot be read.
pub fn labels(file: &Path, answers: &Answers) -> Result<(Vec<Labels>, Vec<Diagnostic>), StudyError> {
    let bytes = std::fs::read(file).map_err(|error| StudyError::Labels(file.to_path_buf(), error))?;
    let shown = file.display().to_string();
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let problem = Diagnostic::error("E_UTF8", shown, format!("byte {at} is not UTF-8"));
            return Ok((Vec::new(), vec![problem.help("save the file as UTF-8")]));
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let name = file.file_stem().map_or_else(|| "labels".to_string(), |stem| stem.to_string_lossy().into_owned());
    let is_csv = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let read = if is_csv { read::labels_csv } else { read::labels_jsonl };
    Ok(read(&shown, text, &name, answers))
}

/// Everybody's judgements: people from label files and the journal, the machine if wanted.
///
/// # Errors
/// When a label file cannot be read.
pub fn judgements(
    loaded: &Loaded,
    files: &[LabelFile],
    threshold: Option<f64>,
) -> Result<(Judgements, Vec<Diagnostic>), StudyError> {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    let known: Vec<String> = loaded.manifest.codebook.codes.iter().map(|code| code.name.clone()).collect();
    for file in files {
        let (labels, found) = labels(&file.path, &loaded.answers)?;
        problems.extend(found);
        let shown = file.path.display().to_string();
        problems.extend(labels.iter().flat_map(|labels| labels.unknown(&shown, &known)));
        sources.extend(labels.into_iter().map(|labels| (labels, file.stratum)));
    }
    if let Some(threshold) = threshold {
        sources.push((read::machine(&loaded.codings, threshold, &loaded.answers), Stratum::Neutral));
    }
    let codes = read::codes(sources.iter().map(|(labels, _)| labels), &known);
    let mut judgements = Judgements::default();
    let mut before: BTreeMap<&str, Vec<BTreeSet<&(String, usize)>>> = BTreeMap::new();
    for (labels, stratum) in &sources {
        let occasion = occasion(before.entry(&labels.coder).or_default(), labels);
        read::add(&mut judgements, labels, occasion, *stratum, &codes);
    }
    add_decisions(&mut judgements, loaded, &codes);
    judgements.settle_names();
    Ok((judgements, problems))
}

/// The first occasion on which a coder had not yet judged any of these answers: two files on different interviews are
/// one coding, two files on the same ones are the same coder twice.
fn occasion<'a>(before: &mut Vec<BTreeSet<&'a (String, usize)>>, labels: &'a Labels) -> usize {
    let again = |judged: &BTreeSet<&(String, usize)>| labels.judged.iter().any(|answer| judged.contains(answer));
    let place = before.iter().position(|judged| !again(judged)).unwrap_or(before.len());
    if place == before.len() {
        before.push(BTreeSet::new());
    }
    before[place].extend(&labels.judged);
    place + 1
}

fn stratum(shown: Shown) -> Stratum {
    match shown {
        Shown::Blind => Stratum::Blind,
        Shown::Suggestion => Stratum::Assisted,
    }
}

/// Decisions of the journal: what was decided, and a no for every other code of a segment judged to its end.
fn add_decisions(to: &mut Judgements, loaded: &Loaded, codes: &BTreeSet<String>) {
    for row in loaded.decisions.iter().filter(|row| row.verdict != Verdict::Unsure) {
        let (coder, stratum) = if row.settled {
            (to.coder(SETTLED, 1), Stratum::Neutral)
        } else {
            (to.coder(&row.coder, 1), stratum(row.shown))
        };
        let (transcript, code) = (to.transcript(&row.transcript), to.code(&row.code));
        let base = Judgement { coder, transcript, turn: row.turn as u32, span: None, code, holds: false, stratum };
        // The segment was judged; the code holds for the sentences chosen in it.
        to.rows.push(Judgement { span: Some((row.segment_start as u32, row.segment_end as u32)), ..base });
        if row.verdict == Verdict::Present {
            to.rows.push(Judgement { span: Some((row.start as u32, row.end as u32)), holds: true, ..base });
        }
    }
    let unsure: BTreeSet<(&str, &str, &str)> = loaded
        .decisions
        .iter()
        .filter(|row| row.verdict == Verdict::Unsure && !row.settled)
        .map(|row| (row.coder.as_str(), row.segment.as_str(), row.code.as_str()))
        .collect();
    for row in &loaded.judged {
        let (coder, transcript) = (to.coder(&row.coder, 1), to.transcript(&row.transcript));
        let (span, stratum) = (Some((row.start as u32, row.end as u32)), stratum(row.shown));
        for name in codes.iter().filter(|name| !unsure.contains(&(&row.coder, &row.segment, name))) {
            let code = to.code(name);
            to.rows.push(Judgement { coder, transcript, turn: row.turn as u32, span, code, holds: false, stratum });
        }
    }
}

/// The places of the units that are counted.
///
/// # Errors
/// When a text cannot be read; when passages are needed and a coder labelled whole answers.
pub fn places(
    study: &Study,
    loaded: &Loaded,
    judgements: &mut Judgements,
    unit: Unit,
) -> Result<Vec<Place>, StudyError> {
    let answers = read::answer_places(judgements, &loaded.answers, &loaded.interviews);
    match unit {
        Unit::Answer => Ok(answers),
        Unit::Span => refuse_whole_answers(judgements, "span").map(|()| answers),
        Unit::Sentence => {
            refuse_whole_answers(judgements, "sentence")?;
            sentences(study, judgements, &answers)
        }
        Unit::Segment => {
            refuse_whole_answers(judgements, "segment")?;
            Ok(segments(loaded, judgements, &answers))
        }
    }
}

/// A coder who labelled whole answers says nothing about parts of them.
fn refuse_whole_answers(judgements: &Judgements, unit: &'static str) -> Result<(), StudyError> {
    match judgements.rows.iter().find(|row| row.holds && row.span.is_none()) {
        Some(row) => Err(StudyError::WholeAnswers(judgements.coders[usize::from(row.coder)].label(), unit)),
        None => Ok(()),
    }
}

fn segments(loaded: &Loaded, judgements: &mut Judgements, answers: &[Place]) -> Vec<Place> {
    let by_turn: BTreeMap<(u32, u32), u32> = answers.iter().map(|p| ((p.transcript, p.turn), p.interview)).collect();
    let place = |row: &Coding| {
        let (transcript, turn) = (judgements.transcript(&row.transcript), row.turn as u32);
        let interview = *by_turn.get(&(transcript, turn))?;
        Some(Place { transcript, turn, interview, start: row.start as u32, end: row.end as u32 })
    };
    loaded.codings.iter().filter_map(place).collect::<BTreeSet<_>>().into_iter().collect()
}

fn sentences(study: &Study, judgements: &Judgements, answers: &[Place]) -> Result<Vec<Place>, StudyError> {
    let mut out = Vec::new();
    let mut text: (Option<u32>, Vec<char>) = (None, Vec::new());
    for answer in answers {
        if text.0 != Some(answer.transcript) {
            let path = study.text(&judgements.transcripts[answer.transcript as usize]);
            let words = std::fs::read_to_string(&path).map_err(|error| StoreError::io(&path, error))?;
            text = (Some(answer.transcript), words.chars().collect());
        }
        let (from, to) = (answer.start as usize, (answer.end as usize).min(text.1.len()));
        let words: String = text.1[from.min(to)..to].iter().collect();
        let places = segment::sentence_places(&words).into_iter();
        out.extend(places.map(|(start, end)| Place {
            start: answer.start + start as u32,
            end: answer.start + end as u32,
            ..*answer
        }));
    }
    Ok(out)
}
