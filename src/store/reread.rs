//! From a study back to the transcripts that it was made from: words, turns, speakers and what is known of them.
//!
//! Comes in: `texts/`, `turns.jsonl`, `respondents.csv`. Goes out: [`Transcript`]s in which the pipeline finds the same
//! codings at the same places. Never happens here: a look at the files that the study was made from.

use super::layout::Study;
use super::{StoreError, rows};
use crate::coding::TurnRow;
use crate::span::Span;
use crate::transcript::{Speaker, SpeakerId, SpeakerRole, TimeSpan, Transcript, Unit};
use std::collections::BTreeMap;

/// Columns of `respondents.csv` that are no attributes.
const COUNTS: [&str; 6] = ["transcript", "speaker", "respondent_id", "turns", "words", "codings"];

/// Attributes by transcript and speaker.
type Attributes = BTreeMap<(String, String), BTreeMap<String, String>>;

/// The turns and attributes of a study; texts are read when they are asked for.
#[derive(Debug)]
pub struct Reread {
    study: Study,
    turns: Vec<(String, Vec<TurnRow>)>,
    attributes: Attributes,
}

impl Reread {
    /// Reads what is known of all transcripts.
    ///
    /// # Errors
    /// When a file is missing or damaged.
    pub fn open(study: &Study) -> Result<Reread, StoreError> {
        let mut turns: Vec<(String, Vec<TurnRow>)> = Vec::new();
        for row in rows::read::<TurnRow>(&study.turns())? {
            let row = row?;
            match turns.last_mut() {
                Some((name, rows)) if *name == row.transcript => rows.push(row),
                _ => turns.push((row.transcript.clone(), vec![row])),
            }
        }
        Ok(Reread { study: study.clone(), turns, attributes: attributes(study)? })
    }

    /// Names of the transcripts, in the order of the study.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.turns.iter().map(|(name, _)| name.as_str())
    }

    /// One transcript; none when the study has none of this name.
    ///
    /// # Errors
    /// When its text cannot be read.
    pub fn transcript(&self, name: &str) -> Result<Option<Transcript>, StoreError> {
        let Some((_, rows)) = self.turns.iter().find(|(known, _)| known == name) else { return Ok(None) };
        let path = self.study.text(name);
        let text = std::fs::read_to_string(&path).map_err(|error| StoreError::io(&path, error))?;
        let mut transcript = Transcript {
            name: name.to_string(),
            source: name.to_string(),
            format: "study",
            text,
            speakers: Vec::new(),
            units: Vec::new(),
            header: Vec::new(),
            notes: Vec::new(),
            verbatim: false,
        };
        rows.iter().for_each(|row| self.add(&mut transcript, row));
        Ok(Some(transcript))
    }

    fn add(&self, transcript: &mut Transcript, row: &TurnRow) {
        let known = transcript.speakers.iter().position(|s| s.name == row.speaker && s.role == row.speaker_role);
        let speaker = known.unwrap_or_else(|| {
            transcript.speakers.push(self.speaker(row));
            transcript.speakers.len() - 1
        });
        let time = row.time_start_ms.zip(row.time_end_ms).map(|(start_ms, end_ms)| TimeSpan { start_ms, end_ms });
        let whole = [Span { start: row.start_byte, end: row.end_byte }];
        let pieces = if row.pieces.is_empty() { &whole[..] } else { &row.pieces };
        transcript.units.extend(pieces.iter().map(|&span| Unit { speaker: SpeakerId(speaker as u32), span, time }));
    }

    fn speaker(&self, row: &TurnRow) -> Speaker {
        let of = (row.transcript.clone(), row.speaker.clone());
        let mut attributes = self.attributes.get(&of).cloned().unwrap_or_default();
        if row.speaker_role != SpeakerRole::Respondent {
            attributes.clear();
        } else if row.respondent != row.speaker {
            attributes.insert("respondent_id".to_string(), row.respondent.clone());
        }
        Speaker { name: row.speaker.clone(), role: row.speaker_role, guessed: row.guessed, attributes }
    }
}

fn attributes(study: &Study) -> Result<Attributes, StoreError> {
    let path = study.root().join("respondents.csv");
    let damaged = |error: csv::Error| StoreError::Damaged {
        path: path.clone(),
        line: error.position().map_or(0, |position| position.line() as usize),
        message: error.to_string(),
    };
    let bytes = std::fs::read(&path).map_err(|error| StoreError::io(&path, error))?;
    let mut reader = csv::Reader::from_reader(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes));
    let names = reader.headers().map_err(damaged)?.clone();
    let mut all = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(damaged)?;
        let cells = || names.iter().zip(record.iter());
        let cell = |name: &str| cells().find(|(n, _)| *n == name).map_or("", |(_, value)| value).to_string();
        let own = cells().filter(|(name, value)| !COUNTS.contains(name) && !value.is_empty());
        let own = own.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        all.insert((cell("transcript"), cell("speaker")), own);
    }
    Ok(all)
}
