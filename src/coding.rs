//! The rows that a study consists of: proposals with their evidence, and turns. A public contract.
//!
//! Comes in: what the pipeline found. Goes out: rows, as `codings.jsonl` and `turns.jsonl` hold them
//! (`schema/coding.schema.json`). Positions are half-open; `start`/`end` count code points in `texts/<transcript>.txt`.

use crate::span::Span;
use crate::transcript::SpeakerRole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Value of [`Coding::schema`].
pub const CODING_SCHEMA: &str = "precode.coding/1";

/// A proposal is made at this confidence or more.
pub const PROPOSED: f64 = 0.5;

/// Rows are written down to this confidence, flagged [`Flag::Weak`] below [`PROPOSED`].
pub const WRITTEN: f64 = 0.2;

/// What a reader of a coding should know before trusting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Below the threshold of a proposal; kept for review and for learning.
    Weak,
    /// Another code of the same exclusive facet came too close; none is proposed.
    Conflict,
    /// The respondent repeats a word of the interviewer's question.
    Echo,
    /// Part of the evidence is quoted or reported speech.
    Reported,
    /// Part of the evidence is negated.
    Negated,
    /// Part of the evidence is hypothetical or normative.
    Hypothetical,
    /// Part of the evidence is about the past.
    Past,
    /// The segment has fewer than eight words.
    Short,
    /// The speaker's role is a guess.
    GuessedSpeaker,
}

impl Flag {
    /// All flags, in order.
    pub const ALL: [Flag; 9] = [
        Flag::Weak,
        Flag::Conflict,
        Flag::Echo,
        Flag::Reported,
        Flag::Negated,
        Flag::Hypothetical,
        Flag::Past,
        Flag::Short,
        Flag::GuessedSpeaker,
    ];

    /// As rows name it.
    pub fn name(self) -> &'static str {
        match self {
            Flag::Weak => "weak",
            Flag::Conflict => "conflict",
            Flag::Echo => "echo",
            Flag::Reported => "reported",
            Flag::Negated => "negated",
            Flag::Hypothetical => "hypothetical",
            Flag::Past => "past",
            Flag::Short => "short",
            Flag::GuessedSpeaker => "guessed_speaker",
        }
    }
}

/// One rule that spoke for a code, with the words that met it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Rule id in the lexicon.
    pub rule: String,
    /// First code point of the words in the transcript's text.
    pub start: usize,
    /// First code point after them.
    pub end: usize,
    /// The words, exactly.
    pub text: String,
    /// What the rule contributed, after context.
    pub weight: f64,
    /// Context tests: `negated`, `hypothetical`, `past`, `reported`, `echo`; empty when the words stand plainly.
    pub context: Vec<String>,
}

/// One coded segment and code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coding {
    /// [`CODING_SCHEMA`].
    pub schema: String,
    /// 16 hex digits that depend on the content alone (transcript, span's words, their occurrence, code).
    pub id: String,
    /// Name of the transcript.
    pub transcript: String,
    /// Path of the file as the user gave it.
    pub source: String,
    /// Respondent id from the metadata, else the speaker's label.
    pub respondent: String,
    /// Place of the turn among all turns, from 0.
    pub turn: usize,
    /// Label of the speaker.
    pub speaker: String,
    /// Always `respondent` in practice: other turns are never coded.
    pub speaker_role: SpeakerRole,
    /// First code point.
    pub start: usize,
    /// First code point after the segment.
    pub end: usize,
    /// First byte.
    pub start_byte: usize,
    /// First byte after the segment.
    pub end_byte: usize,
    /// First UTF-16 unit.
    pub start_utf16: usize,
    /// First UTF-16 unit after the segment.
    pub end_utf16: usize,
    /// Milliseconds, where the source is timed.
    pub time_start_ms: Option<u64>,
    /// Milliseconds, where the source is timed.
    pub time_end_ms: Option<u64>,
    /// The words of the segment, exactly.
    pub text: String,
    /// Full name of the code.
    pub code: String,
    /// Facet of the code.
    pub facet: String,
    /// In 0..=1. Not a probability unless `calibrated_on` is above 0.
    pub confidence: f64,
    /// Raw score, in log-odds before calibration.
    pub score: f64,
    /// Number of human judgements that the confidence of this code was fitted on; 0: not calibrated.
    pub calibrated_on: usize,
    /// Everything that spoke for (or, with a weight below 0, against) the code.
    pub evidence: Vec<Evidence>,
    /// In the order of [`Flag`].
    pub flags: Vec<Flag>,
    /// Attributes of the respondent.
    pub attributes: BTreeMap<String, String>,
}

/// One turn, as `turns.jsonl` lists it; the words are in `texts/`. Names are the transcript's own (`&str`) where the row
/// is written at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnRow<S = String> {
    /// Name of the transcript.
    pub transcript: S,
    /// Place among all turns, from 0.
    pub turn: usize,
    /// Label of the speaker.
    pub speaker: S,
    /// What the speaker does.
    pub speaker_role: SpeakerRole,
    /// True when the role is a guess.
    pub guessed: bool,
    /// First code point.
    pub start: usize,
    /// First code point after the turn.
    pub end: usize,
    /// First byte.
    pub start_byte: usize,
    /// First byte after the turn.
    pub end_byte: usize,
    /// Milliseconds, where the source is timed.
    pub time_start_ms: Option<u64>,
    /// Milliseconds, where the source is timed.
    pub time_end_ms: Option<u64>,
    /// Tokens of the turn, fillers and brackets not counted.
    pub words: usize,
    /// Respondent id from the metadata, else the speaker's label.
    pub respondent: S,
    /// Bytes of the pieces that the turn consists of, where there are several; labels and time marks lie between.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Span>,
}

impl TurnRow<&str> {
    /// The row with names of its own.
    pub fn into_owned(self) -> TurnRow {
        let [transcript, speaker, respondent] = [self.transcript, self.speaker, self.respondent].map(str::to_string);
        let TurnRow { turn, speaker_role, guessed, start, end, start_byte, end_byte, .. } = self;
        let TurnRow { time_start_ms, time_end_ms, words, pieces, .. } = self;
        TurnRow {
            transcript,
            turn,
            speaker,
            speaker_role,
            guessed,
            start,
            end,
            start_byte,
            end_byte,
            time_start_ms,
            time_end_ms,
            words,
            respondent,
            pieces,
        }
    }
}
