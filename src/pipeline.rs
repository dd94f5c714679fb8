//! The stages from a transcript to its codings, in one place.
//!
//! Comes in: a [`Transcript`], a lexicon, choices. Goes out: rows of turns and codings. Never happens here: files,
//! clock, threads.

use crate::codebook::CodeId;
use crate::coding::{CODING_SCHEMA, Coding, Evidence, Flag, PROPOSED, TurnRow, WRITTEN};
use crate::confidence;
use crate::context::Contexts;
use crate::evidence::{self, Found, Gathered, Surroundings};
use crate::lexicon::{Context, Lexicon};
use crate::matcher::{Scene, weight_before};
use crate::segment::{self, Segment, Unit};
use crate::span::{Positions, Span};
use crate::token::{self, Forms, Token};
use crate::transcript::{SpeakerRole, Transcript};
use crate::turn::{self, Turn};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;

/// Choices of a run that change its result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Options {
    /// What is judged as one piece.
    pub unit: Unit,
}

/// Codes transcripts with one lexicon.
pub struct Coder<'a> {
    lexicon: &'a Lexicon,
    options: Options,
}

/// What came of one transcript.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coded {
    /// Every turn, in order.
    pub turns: Vec<TurnRow>,
    /// Every coding, by turn, then by place, then by code.
    pub codings: Vec<Coding>,
    /// Turns of respondents.
    pub n_answers: usize,
    /// Answers in which no code is proposed.
    pub n_uncoded: usize,
    /// Words of all turns.
    pub n_words: usize,
}

impl<'a> Coder<'a> {
    /// A coder.
    pub fn new(lexicon: &'a Lexicon, options: Options) -> Self {
        Coder { lexicon, options }
    }

    /// A worker with a memo of its own; one for each thread.
    pub fn worker(&self) -> Worker<'_> {
        Worker { coder: self, forms: Forms::new(self.lexicon.language, &self.lexicon.terms) }
    }
}

/// Codes one transcript after another.
pub struct Worker<'c> {
    coder: &'c Coder<'c>,
    forms: Forms<'c>,
}

/// A turn with its tokens and sentences.
struct Read {
    turn: Turn,
    tokens: Vec<Token>,
    sentences: Vec<Range<usize>>,
    weight_before: Vec<u32>,
}

impl Worker<'_> {
    /// Codes a transcript: split, tokenize, divide, gather, propose.
    pub fn code(&mut self, transcript: &Transcript) -> Coded {
        self.forms.trim();
        let positions = Positions::new(&transcript.text);
        let mut coded = Coded::default();
        let mut occurrences = BTreeMap::new();
        let mut question: Option<Read> = None;
        for turn in turn::split(transcript) {
            let read = self.read(transcript, turn);
            coded.n_words += read.tokens.len();
            coded.turns.push(turn_row(transcript, &positions, &read));
            match transcript.speaker(read.turn.speaker).role {
                SpeakerRole::Interviewer => question = Some(read),
                SpeakerRole::Other => {}
                SpeakerRole::Respondent => {
                    let desk =
                        Desk { transcript, positions: &positions, lexicon: self.coder.lexicon, forms: &self.forms };
                    let before = coded.codings.len();
                    for segment in segment::divide(&read.tokens, &read.sentences, self.coder.options.unit) {
                        coded.codings.extend(desk.propose(&read, &segment, question.as_ref(), &mut occurrences));
                    }
                    let proposed = coded.codings[before..].iter().any(|c| c.confidence >= PROPOSED);
                    coded.n_answers += 1;
                    coded.n_uncoded += usize::from(!proposed);
                }
            }
        }
        coded
    }

    /// The evidence of every segment, in order: what [`Worker::code`] makes its rows of.
    pub fn evidence(&mut self, transcript: &Transcript) -> Vec<Gathered> {
        self.forms.trim();
        let positions = Positions::new(&transcript.text);
        let mut all = Vec::new();
        let mut question: Option<Read> = None;
        for turn in turn::split(transcript) {
            let read = self.read(transcript, turn);
            match transcript.speaker(read.turn.speaker).role {
                SpeakerRole::Interviewer => question = Some(read),
                SpeakerRole::Other => {}
                SpeakerRole::Respondent => {
                    let desk =
                        Desk { transcript, positions: &positions, lexicon: self.coder.lexicon, forms: &self.forms };
                    let segments = segment::divide(&read.tokens, &read.sentences, self.coder.options.unit);
                    all.extend(segments.iter().map(|segment| desk.gather(&read, segment, question.as_ref()).1));
                }
            }
        }
        all
    }

    fn read(&mut self, transcript: &Transcript, turn: Turn) -> Read {
        let mut tokens = Vec::new();
        for unit in &transcript.units[turn.units.clone()] {
            token::tokenize(&transcript.text, unit.span, &mut self.forms, &mut tokens);
        }
        let sentences = segment::sentences(&transcript.text, &tokens, &self.forms);
        Read { turn, weight_before: weight_before(&tokens), tokens, sentences }
    }
}

/// What it takes to judge the segments of one transcript.
struct Desk<'d> {
    transcript: &'d Transcript,
    positions: &'d Positions,
    lexicon: &'d Lexicon,
    forms: &'d Forms<'d>,
}

impl<'d> Desk<'d> {
    fn scene(&self, read: &'d Read, sentences: &'d [Range<usize>], level: Option<&'d str>) -> Scene<'d> {
        Scene {
            lexicon: self.lexicon,
            text: &self.transcript.text,
            tokens: &read.tokens,
            forms: self.forms,
            weight_before: &read.weight_before,
            sentences,
            level,
        }
    }

    /// The evidence in one segment, and the segment as the matcher saw it.
    fn gather(&self, read: &'d Read, segment: &Segment, question: Option<&'d Read>) -> (Scene<'d>, Gathered) {
        let speaker = self.transcript.speaker(read.turn.speaker);
        let level = speaker.attributes.get("level").map(String::as_str).filter(|level| !level.is_empty());
        let scene = self.scene(read, &read.sentences[segment.sentences.clone()], level);
        let around = Surroundings {
            question: question.map(|question| self.scene(question, &question.sentences, None)),
            attributes: &speaker.attributes,
        };
        let gathered = evidence::gather(&scene, &around);
        (scene, gathered)
    }

    /// The codings of one segment.
    fn propose(
        &self,
        read: &'d Read,
        segment: &Segment,
        question: Option<&'d Read>,
        occurrences: &mut BTreeMap<String, usize>,
    ) -> Vec<Coding> {
        let (scene, gathered) = self.gather(read, segment, question);
        let confidences = self.confidences(&gathered);
        let rows = confidences.iter().filter(|(_, confidence)| **confidence >= WRITTEN);
        rows.map(|(&code, &confidence)| {
            let conflict = self.conflicts(&confidences, code);
            self.row(read, segment, &scene, &gathered, code, (confidence, conflict), occurrences)
        })
        .collect()
    }

    /// Confidence of every code with evidence; exclusive codes that are too close are held below a proposal.
    fn confidences(&self, gathered: &Gathered) -> BTreeMap<CodeId, f64> {
        let all: BTreeMap<CodeId, f64> =
            gathered.by_code.keys().map(|&code| (code, confidence::confidence(gathered, code))).collect();
        let settle = |&code: &CodeId| {
            let own = all[&code];
            let rival = self.rival(&all, code);
            let beaten = rival > own - TOO_CLOSE;
            (code, if beaten && own >= PROPOSED { PROPOSED - 0.01 } else { own })
        };
        all.keys().map(settle).collect()
    }

    /// The highest confidence of another code of the same exclusive facet; 0 where there is none.
    fn rival(&self, confidences: &BTreeMap<CodeId, f64>, code: CodeId) -> f64 {
        let codebook = &self.lexicon.codebook;
        if !codebook.facet(code).is_some_and(|facet| facet.exclusive) {
            return f64::NEG_INFINITY;
        }
        let rivals = confidences.iter().filter(|(other, _)| **other != code);
        let same = rivals.filter(|(other, _)| codebook.code(**other).facet() == codebook.code(code).facet());
        same.map(|(_, &confidence)| confidence).fold(f64::NEG_INFINITY, f64::max)
    }

    fn conflicts(&self, confidences: &BTreeMap<CodeId, f64>, code: CodeId) -> bool {
        (self.rival(confidences, code) - confidences[&code]).abs() < TOO_CLOSE
    }

    #[allow(clippy::too_many_arguments, reason = "a row is made of all of them, once")]
    fn row(
        &self,
        read: &Read,
        segment: &Segment,
        scene: &Scene,
        gathered: &Gathered,
        code: CodeId,
        (confidence, conflict): (f64, bool),
        occurrences: &mut BTreeMap<String, usize>,
    ) -> Coding {
        let found = gathered.by_code.get(&code).map_or(&[][..], Vec::as_slice);
        let sentences = sentences_of(read, segment, found);
        let span =
            segment::span(&self.transcript.text, &read.tokens, &read.sentences, sentences.clone(), read.turn.span);
        let words = read.sentences[sentences.clone()].iter().map(ExactSizeIterator::len).sum();
        let speaker = self.transcript.speaker(read.turn.speaker);
        let name = &self.lexicon.codebook.code(code).name;
        let text = span.of(&self.transcript.text);
        let (start, end) = (
            self.positions.at(&self.transcript.text, span.start),
            self.positions.at(&self.transcript.text, span.end),
        );
        let time = self.time(read, span);
        let mut flags = flags(found, confidence, words, conflict, speaker.guessed);
        flags.sort_unstable();
        Coding {
            schema: CODING_SCHEMA.to_string(),
            id: id(&self.transcript.name, name, text, occurrences),
            transcript: self.transcript.name.clone(),
            source: self.transcript.source.clone(),
            respondent: respondent(speaker),
            turn: read.turn.index,
            speaker: speaker.name.clone(),
            speaker_role: speaker.role,
            start: start.char,
            end: end.char,
            start_byte: span.start,
            end_byte: span.end,
            start_utf16: start.utf16,
            end_utf16: end.utf16,
            time_start_ms: time.map(|t| t.0),
            time_end_ms: time.map(|t| t.1),
            text: text.to_string(),
            code: name.clone(),
            facet: self.lexicon.codebook.code(code).facet().to_string(),
            confidence: round(confidence),
            score: round(gathered.score(code)),
            calibrated_on: 0,
            evidence: found.iter().map(|found| self.evidence(scene, found)).collect(),
            flags,
            attributes: speaker.attributes.clone(),
        }
    }

    fn evidence(&self, scene: &Scene, found: &Found) -> Evidence {
        let text = &self.transcript.text;
        let span = scene.tokens[found.hit.start].span().cover(scene.tokens[found.hit.end - 1].span());
        let echo = found.echo.then(|| "echo".to_string());
        Evidence {
            rule: self.lexicon.rules[found.rule].id.clone(),
            start: self.positions.at(text, span.start).char,
            end: self.positions.at(text, span.end).char,
            text: span.of(text).to_string(),
            weight: round(found.contribution),
            context: found.contexts.iter().map(|context| context.name().to_string()).chain(echo).collect(),
        }
    }

    /// Milliseconds of the units that the span touches.
    fn time(&self, read: &Read, span: Span) -> Option<(u64, u64)> {
        let units = &self.transcript.units[read.turn.units.clone()];
        let timed = units.iter().filter(|unit| unit.span.overlaps(span)).filter_map(|unit| unit.time);
        timed.map(|time| (time.start_ms, time.end_ms)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// Exclusive codes closer than this in confidence give no proposal.
const TOO_CLOSE: f64 = 0.1;

/// Four decimals: enough for every use, and the same bytes on every machine.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The run of whole sentences that holds the evidence for a code; the whole segment where nothing speaks for it.
fn sentences_of(read: &Read, segment: &Segment, found: &[Found]) -> Range<usize> {
    let sentence_of = |token: usize| read.sentences.partition_point(|sentence| sentence.end <= token);
    let speaking = || found.iter().filter(|f| f.contribution > 0.0);
    let first = speaking().map(|f| sentence_of(f.hit.start)).min();
    let last = speaking().map(|f| sentence_of(f.hit.end - 1)).max();
    match (first, last) {
        (Some(first), Some(last)) => first..last + 1,
        _ => segment.sentences.clone(),
    }
}

fn flags(found: &[Found], confidence: f64, words: usize, conflict: bool, guessed: bool) -> Vec<Flag> {
    let contexts = found.iter().fold(Contexts::default(), |all, f| all.union(f.contexts));
    let tests = [
        (Flag::Weak, confidence < PROPOSED),
        (Flag::Conflict, conflict),
        (Flag::Echo, found.iter().any(|f| f.echo)),
        (Flag::Reported, contexts.has(Context::Reported)),
        (Flag::Negated, contexts.has(Context::Negated)),
        (Flag::Hypothetical, contexts.has(Context::Hypothetical)),
        (Flag::Past, contexts.has(Context::Past)),
        (Flag::Short, words < 8),
        (Flag::GuessedSpeaker, guessed),
    ];
    tests.into_iter().filter(|(_, holds)| *holds).map(|(flag, _)| flag).collect()
}

/// Respondent id from the metadata, else the speaker's label.
fn respondent(speaker: &crate::transcript::Speaker) -> String {
    speaker.attributes.get("respondent_id").filter(|id| !id.is_empty()).unwrap_or(&speaker.name).clone()
}

/// 16 hex digits of SHA-256 over transcript, code, words, and how often the same words were coded so before: the id
/// survives a rerun, and whatever is added before the segment.
fn id(transcript: &str, code: &str, text: &str, occurrences: &mut BTreeMap<String, usize>) -> String {
    let key = format!("{transcript}\u{0}{code}\u{0}{text}");
    let count = occurrences.entry(key.clone()).or_insert(0);
    let digest = Sha256::digest(format!("{key}\u{0}{count}"));
    *count += 1;
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn turn_row(transcript: &Transcript, positions: &Positions, read: &Read) -> TurnRow {
    let speaker = transcript.speaker(read.turn.speaker);
    let span = read.turn.span;
    TurnRow {
        transcript: transcript.name.clone(),
        turn: read.turn.index,
        speaker: speaker.name.clone(),
        speaker_role: speaker.role,
        guessed: speaker.guessed,
        start: positions.at(&transcript.text, span.start).char,
        end: positions.at(&transcript.text, span.end).char,
        start_byte: span.start,
        end_byte: span.end,
        time_start_ms: read.turn.time.map(|time| time.start_ms),
        time_end_ms: read.turn.time.map(|time| time.end_ms),
        words: read.tokens.len(),
        respondent: respondent(speaker),
    }
}
