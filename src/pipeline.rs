//! The stages from a transcript to its codings, in one place.
//!
//! Comes in: a [`Transcript`], a lexicon, choices. Goes out: rows of turns and codings. Never happens here: files,
//! clock, threads.

use crate::codebook::{Codebook, facet};
use crate::coding::{CODING_SCHEMA, Coding, Evidence, Flag, PROPOSED, TurnRow, WRITTEN};
use crate::confidence::{Cue, Judge, Verdict};
use crate::context::Contexts;
use crate::evidence::{Found, Gathered, Gatherer, Surroundings};
use crate::lexicon::{Context, Lexicon};
use crate::matcher::Scene;
use crate::segment::{self, Segment, Unit};
use crate::span::{Positions, Span};
use crate::token::{self, Forms, Token};
use crate::transcript::{Speaker, SpeakerRole, Transcript};
use crate::turn::{self, Turn};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::convert::Infallible;
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
    /// For each coding, how it was judged by itself.
    pub judged: Vec<Judged>,
    /// Turns of respondents.
    pub n_answers: usize,
    /// Answers in which no code is proposed.
    pub n_uncoded: usize,
    /// Words of all turns.
    pub n_words: usize,
}

/// How a coding was judged before exclusive codes were held against each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Place of its segment among all segments of the transcript that have codings.
    pub segment: usize,
    /// The confidence, rounded as rows have it.
    pub confidence: f64,
}

impl Coded {
    /// Adds the codings of the next segment, each with the confidence that it has by itself.
    fn add(&mut self, rows: Vec<(Coding, f64)>) {
        let segment = self.judged.last().map_or(0, |last| last.segment + 1);
        for (row, confidence) in rows {
            self.judged.push(Judged { segment, confidence });
            self.codings.push(row);
        }
    }

    /// Gives the codings other confidences, and then does again what follows from confidences: rows that are too weak go,
    /// exclusive codes are held against each other, flags and counts say so.
    pub fn refit(&mut self, codebook: &Codebook, refit: impl Fn(&mut [Coding])) {
        self.codings.iter_mut().zip(&self.judged).for_each(|(row, judged)| row.confidence = judged.confidence);
        refit(&mut self.codings);
        let segments = self.judged.iter().map(|judged| judged.segment);
        let mut rows: Vec<(Coding, usize)> = std::mem::take(&mut self.codings).into_iter().zip(segments).collect();
        rows.retain(|(row, _)| row.confidence >= WRITTEN);
        self.judged =
            rows.iter().map(|(row, segment)| Judged { segment: *segment, confidence: row.confidence }).collect();
        for segment in rows.chunk_by_mut(|a, b| a.1 == b.1) {
            let confidences: Vec<(&str, f64)> = segment.iter().map(|(row, _)| (&*row.code, row.confidence)).collect();
            let held = hold(codebook, &confidences);
            segment.iter_mut().zip(held).for_each(|((row, _), held)| held.put_on(row));
        }
        self.codings = rows.into_iter().map(|(row, _)| row).collect();
        let proposed = self.codings.iter().filter(|row| row.confidence >= PROPOSED).map(|row| row.turn);
        self.n_uncoded = self.n_answers - proposed.collect::<BTreeSet<usize>>().len();
    }
}

/// What becomes of a confidence among the others of its segment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Held {
    confidence: f64,
    /// An exclusive code came too close.
    conflict: bool,
}

impl Held {
    /// Gives a row this confidence, and the flags that follow from it.
    fn put_on(self, row: &mut Coding) {
        row.confidence = round(self.confidence);
        row.flags.retain(|flag| !matches!(flag, Flag::Weak | Flag::Conflict));
        let follow = [(Flag::Weak, row.confidence < PROPOSED), (Flag::Conflict, self.conflict)];
        row.flags.extend(follow.into_iter().filter(|(_, holds)| *holds).map(|(flag, _)| flag));
        row.flags.sort_unstable();
    }
}

/// Holds exclusive codes of one segment that are beaten, or too close, below a proposal; says which were too close.
fn hold(codebook: &Codebook, rows: &[(&str, f64)]) -> Vec<Held> {
    let is_exclusive = |facet: &str| codebook.facets.iter().any(|known| known.name == facet && known.exclusive);
    let rival = |code: &str| {
        let own = Some(facet(code)).filter(|facet| is_exclusive(facet));
        let same = rows.iter().filter(|(other, _)| *other != code && own == Some(facet(other)));
        same.fold(f64::NEG_INFINITY, |most, (_, confidence)| most.max(*confidence))
    };
    let held = |&(code, confidence): &(&str, f64)| {
        let rival = rival(code);
        let beaten = rival > confidence - TOO_CLOSE;
        let held = if beaten { confidence.min(PROPOSED - 0.01) } else { confidence };
        Held { confidence: held, conflict: (confidence - rival).abs() < TOO_CLOSE }
    };
    rows.iter().map(held).collect()
}

/// Takes what comes of a transcript, as soon as it is there.
pub trait Take {
    /// Why it takes no more.
    type Error;

    /// The codings of a segment, each with the confidence that it has by itself; those of a turn come before it.
    ///
    /// # Errors
    /// Ends the work.
    fn segment(&mut self, rows: Vec<(Coding, f64)>) -> Result<(), Self::Error>;

    /// A turn, in order.
    ///
    /// # Errors
    /// Ends the work.
    fn turn(&mut self, turn: TurnRow<&str>) -> Result<(), Self::Error>;
}

/// Keeps everything.
impl Take for Coded {
    type Error = Infallible;

    fn segment(&mut self, rows: Vec<(Coding, f64)>) -> Result<(), Infallible> {
        self.add(rows);
        Ok(())
    }

    fn turn(&mut self, turn: TurnRow<&str>) -> Result<(), Infallible> {
        let answers = turn.speaker_role == SpeakerRole::Respondent;
        let mut own = self.codings.iter().rev().take_while(|coding| coding.turn == turn.turn);
        let proposed = own.any(|coding| coding.confidence >= PROPOSED);
        self.n_words += turn.words;
        self.n_answers += usize::from(answers);
        self.n_uncoded += usize::from(answers && !proposed);
        self.turns.push(turn.into_owned());
        Ok(())
    }
}

impl<'a> Coder<'a> {
    /// A coder.
    pub fn new(lexicon: &'a Lexicon, options: Options) -> Self {
        Coder { lexicon, options }
    }

    /// A worker with a memo of its own; one for each thread.
    pub fn worker(&self) -> Worker<'_> {
        let forms = Forms::new(self.lexicon.language, self.lexicon);
        let tools = Tools { gatherer: Gatherer::new(self.lexicon), judge: Judge::new(self.lexicon) };
        Worker { coder: self, forms, tools }
    }
}

/// Codes one transcript after another.
pub struct Worker<'c> {
    coder: &'c Coder<'c>,
    forms: Forms<'c>,
    tools: Tools<'c>,
}

/// What is made once for many segments.
struct Tools<'c> {
    gatherer: Gatherer<'c>,
    judge: Judge<'c>,
}

/// What a segment shows to the confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Place of the turn.
    pub turn: usize,
    /// Level of the speaker.
    pub level: Option<String>,
    /// Evidence of the rules.
    pub gathered: Gathered,
    /// Stems, by sentence.
    pub stems: Vec<Vec<String>>,
}

/// A segment of anybody's speech as the matcher sees it: for searches and explanations.
pub struct Glimpse<'g> {
    /// Place of the turn.
    pub turn: usize,
    /// Who speaks.
    pub speaker: &'g Speaker,
    /// The segment, in the text of the transcript.
    pub span: Span,
    /// Its words.
    pub scene: Scene<'g>,
    /// What rules may ask about besides.
    pub around: Surroundings<'g>,
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
        let mut coded = Coded::default();
        let Ok(()) = self.code_into(transcript, &mut coded);
        coded
    }

    /// Codes a transcript and hands everything over as soon as it is there, so that none of it need be kept.
    ///
    /// # Errors
    /// The first error of `take`.
    pub fn code_into<T: Take>(&mut self, transcript: &Transcript, take: &mut T) -> Result<(), T::Error> {
        self.forms.trim();
        let positions = Positions::new(&transcript.text);
        let mut occurrences = Occurrences::default();
        let mut question: Option<Read> = None;
        let mut spare: Vec<Read> = Vec::new();
        for turn in turn::each(transcript) {
            let read = self.read(transcript, turn, &mut spare);
            let row = turn_row(transcript, &positions, &read);
            match row.speaker_role {
                SpeakerRole::Interviewer => spare.extend(question.replace(read)),
                SpeakerRole::Other => spare.push(read),
                SpeakerRole::Respondent => {
                    let desk =
                        Desk { transcript, positions: &positions, lexicon: self.coder.lexicon, forms: &self.forms };
                    self.tools.gatherer.begin_turn();
                    for segment in segment::divide(&read.tokens, &read.sentences, self.coder.options.unit) {
                        let tools = &mut self.tools;
                        take.segment(desk.propose(tools, &read, &segment, question.as_ref(), &mut occurrences))?;
                    }
                    spare.push(read);
                }
            }
            take.turn(row)?;
        }
        Ok(())
    }

    /// Every segment as the confidence sees it, in order: for fitting, and for a lexicon's own examples.
    pub fn observe(&mut self, transcript: &Transcript) -> Vec<Observation> {
        self.forms.trim();
        let positions = Positions::new(&transcript.text);
        let mut all = Vec::new();
        let mut question: Option<Read> = None;
        let mut spare: Vec<Read> = Vec::new();
        for turn in turn::split(transcript) {
            let read = self.read(transcript, turn, &mut spare);
            match transcript.speaker(read.turn.speaker).role {
                SpeakerRole::Interviewer => spare.extend(question.replace(read)),
                SpeakerRole::Other => spare.push(read),
                SpeakerRole::Respondent => {
                    let desk =
                        Desk { transcript, positions: &positions, lexicon: self.coder.lexicon, forms: &self.forms };
                    let segments = segment::divide(&read.tokens, &read.sentences, self.coder.options.unit);
                    let gatherer = &mut self.tools.gatherer;
                    gatherer.begin_turn();
                    let observe = |segment| desk.observe(gatherer, &read, segment, question.as_ref());
                    all.extend(segments.iter().map(observe));
                    spare.push(read);
                }
            }
        }
        all
    }

    /// Shows every segment, interviewers' too, in order.
    pub fn visit(&mut self, transcript: &Transcript, mut look: impl FnMut(&Glimpse<'_>)) {
        self.forms.trim();
        let positions = Positions::new(&transcript.text);
        let mut question: Option<Read> = None;
        let mut spare: Vec<Read> = Vec::new();
        for turn in turn::split(transcript) {
            let read = self.read(transcript, turn, &mut spare);
            let desk = Desk { transcript, positions: &positions, lexicon: self.coder.lexicon, forms: &self.forms };
            for segment in segment::divide(&read.tokens, &read.sentences, self.coder.options.unit) {
                look(&desk.glimpse(&read, &segment, question.as_ref()));
            }
            match transcript.speaker(read.turn.speaker).role {
                SpeakerRole::Interviewer => spare.extend(question.replace(read)),
                _ => spare.push(read),
            }
        }
    }

    /// Reads a turn; takes the room of one of `spare` for it, where there is one.
    fn read(&mut self, transcript: &Transcript, turn: Turn, spare: &mut Vec<Read>) -> Read {
        let mut read = match spare.pop() {
            Some(old) => Read { turn, ..old },
            None => Read { turn, tokens: Vec::new(), sentences: Vec::new(), weight_before: Vec::new() },
        };
        read.tokens.clear();
        // Some five bytes to a word, so that the list seldom moves.
        read.tokens.reserve(read.turn.span.len() / 5 + 4);
        for unit in &transcript.units[read.turn.units.clone()] {
            token::tokenize(&transcript.text, unit.span, &mut self.forms, &mut read.tokens);
        }
        let Read { tokens, sentences, weight_before, .. } = &mut read;
        segment::lay_out(&transcript.text, tokens, &self.forms, sentences, weight_before);
        read
    }
}

/// What it takes to judge the segments of one transcript.
struct Desk<'d> {
    transcript: &'d Transcript,
    positions: &'d Positions,
    lexicon: &'d Lexicon,
    forms: &'d Forms<'d>,
}

/// A segment with its evidence.
struct Passage<'p> {
    read: &'p Read,
    segment: &'p Segment,
    scene: Scene<'p>,
    gathered: Gathered,
}

/// How often the same words of a transcript were given the same code so far, by their SHA-256.
type Occurrences = FxHashMap<[u8; 32], usize>;

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

    fn observe(
        &self,
        gatherer: &mut Gatherer,
        read: &'d Read,
        segment: &Segment,
        question: Option<&'d Read>,
    ) -> Observation {
        let (_, gathered) = self.gather(gatherer, read, segment, question);
        let stem = |i: usize| self.forms.stem(read.tokens[i].form).to_string();
        let sentences = &read.sentences[segment.sentences.clone()];
        let stems = sentences.iter().map(|sentence| sentence.clone().map(stem).collect()).collect();
        let level = self.transcript.speaker(read.turn.speaker).attributes.get("level").cloned();
        Observation { turn: read.turn.index, level, gathered, stems }
    }

    /// The segment as the matcher sees it.
    fn glimpse(&self, read: &'d Read, segment: &Segment, question: Option<&'d Read>) -> Glimpse<'d> {
        let speaker = self.transcript.speaker(read.turn.speaker);
        let level = speaker.attributes.get("level").map(String::as_str).filter(|level| !level.is_empty());
        let sentences = segment.sentences.clone();
        Glimpse {
            turn: read.turn.index,
            speaker,
            span: segment::span(
                &self.transcript.text,
                &read.tokens,
                &read.sentences,
                sentences.clone(),
                read.turn.span,
            ),
            scene: self.scene(read, &read.sentences[sentences], level),
            around: Surroundings {
                question: question.map(|question| self.scene(question, &question.sentences, None)),
                attributes: &speaker.attributes,
            },
        }
    }

    /// The evidence in one segment, and the segment as the matcher saw it.
    fn gather(
        &self,
        gatherer: &mut Gatherer,
        read: &'d Read,
        segment: &Segment,
        question: Option<&'d Read>,
    ) -> (Scene<'d>, Gathered) {
        let glimpse = self.glimpse(read, segment, question);
        let gathered = gatherer.gather(&glimpse.scene, &glimpse.around);
        (glimpse.scene, gathered)
    }

    /// The codings of one segment, each with the confidence that it has by itself.
    fn propose(
        &self,
        tools: &mut Tools,
        read: &'d Read,
        segment: &Segment,
        question: Option<&'d Read>,
        occurrences: &mut Occurrences,
    ) -> Vec<(Coding, f64)> {
        let Glimpse { scene, around, .. } = self.glimpse(read, segment, question);
        let weighed = tools.judge.weigh(&mut tools.gatherer, &scene, &around, WRITTEN);
        let Some((gathered, verdicts)) = weighed else { return Vec::new() };
        let codebook = &self.lexicon.codebook;
        let judged: Vec<(&str, f64)> =
            verdicts.iter().map(|v| (&*codebook.code(v.code).name, v.confidence)).collect();
        let held = hold(codebook, &judged);
        let passage = Passage { read, segment, scene, gathered };
        let row = |(verdict, held)| (self.row(&passage, verdict, held, occurrences), round(verdict.confidence));
        verdicts.iter().zip(held).map(row).collect()
    }

    fn row(&self, passage: &Passage, verdict: &Verdict, held: Held, occurrences: &mut Occurrences) -> Coding {
        let Passage { read, segment, scene, gathered } = passage;
        let transcript = self.transcript;
        let all = gathered.by_code.get(&verdict.code).map_or(&[][..], Vec::as_slice);
        // A third hit of a rule adds nothing; it would only widen the segment.
        let found: Vec<&Found> = all.iter().filter(|found| found.contribution != 0.0).collect();
        let sentences = sentences_of(read, segment, &found, verdict);
        let tokens = read.sentences[sentences.start].start..read.sentences[sentences.end - 1].end;
        let span = segment::span(&transcript.text, &read.tokens, &read.sentences, sentences.clone(), read.turn.span);
        let words = read.sentences[sentences].iter().map(ExactSizeIterator::len).sum();
        let speaker = transcript.speaker(read.turn.speaker);
        let code = self.lexicon.codebook.code(verdict.code);
        let text = span.of(&transcript.text);
        let start = self.positions.at(&transcript.text, span.start);
        let end = self.positions.at(&transcript.text, span.end);
        let time = self.time(read, span);
        let rules = found.iter().map(|found| self.rule_evidence(scene, found, verdict.rule_weight));
        let inside = verdict.cues.iter().filter(|(cue, _)| tokens.start <= cue.start && cue.end <= tokens.end);
        let cues = inside.map(|(cue, weight)| self.cue_evidence(scene, cue, *weight));
        Coding {
            schema: CODING_SCHEMA.to_string(),
            id: id(&transcript.name, &code.name, text, occurrences),
            transcript: transcript.name.clone(),
            source: transcript.source.clone(),
            respondent: respondent(speaker).to_string(),
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
            code: code.name.clone(),
            facet: code.facet().to_string(),
            confidence: round(held.confidence),
            score: round(verdict.score),
            calibrated_on: verdict.calibrated_on,
            evidence: rules.chain(cues).collect(),
            flags: flags(&found, held, words, speaker.guessed),
            attributes: speaker.attributes.clone(),
        }
    }

    fn rule_evidence(&self, scene: &Scene, found: &Found, rule_weight: f64) -> Evidence {
        let echo = found.echo.then(|| "echo".to_string());
        let context = found.contexts.iter().map(|context| context.name().to_string()).chain(echo).collect();
        let rule = self.lexicon.rules[found.rule].id.clone();
        self.evidence(scene, rule, found.hit.start..found.hit.end, found.contribution * rule_weight, context)
    }

    fn cue_evidence(&self, scene: &Scene, cue: &Cue, weight: f64) -> Evidence {
        let name = self.lexicon.model.as_ref().map_or("", |model| model.cues.name(cue.row));
        self.evidence(scene, format!("cue:{name}"), cue.start..cue.end, weight, Vec::new())
    }

    fn evidence(
        &self,
        scene: &Scene,
        rule: String,
        tokens: Range<usize>,
        weight: f64,
        context: Vec<String>,
    ) -> Evidence {
        let text = &self.transcript.text;
        let span = scene.tokens[tokens.start].span().cover(scene.tokens[tokens.end - 1].span());
        Evidence {
            rule,
            start: self.positions.at(text, span.start).char,
            end: self.positions.at(text, span.end).char,
            text: span.of(text).to_string(),
            weight: round(weight),
            context,
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
pub const TOO_CLOSE: f64 = 0.1;

/// Four decimals: enough for every use, and the same bytes on every machine.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The run of whole sentences that holds the evidence on a code: that of its rules, else that of its cues; the whole
/// segment where nothing in particular speaks for it. Cues outside of it count and are not listed.
fn sentences_of(read: &Read, segment: &Segment, found: &[&Found], verdict: &Verdict) -> Range<usize> {
    let sentence_of = |token: usize| read.sentences.partition_point(|sentence| sentence.end <= token);
    let mut words: Vec<Range<usize>> = found.iter().map(|f| f.hit.start..f.hit.end).collect();
    if words.is_empty() {
        words = verdict.cues.iter().map(|(cue, _)| cue.start..cue.end).collect();
    }
    let first = words.iter().map(|range| sentence_of(range.start)).min();
    let last = words.iter().map(|range| sentence_of(range.end - 1)).max();
    match (first, last) {
        (Some(first), Some(last)) => first..last + 1,
        _ => segment.sentences.clone(),
    }
}

fn flags(found: &[&Found], held: Held, words: usize, guessed: bool) -> Vec<Flag> {
    let contexts = found.iter().fold(Contexts::default(), |all, f| all.union(f.contexts));
    let tests = [
        (Flag::Weak, held.confidence < PROPOSED),
        (Flag::Conflict, held.conflict),
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
fn respondent(speaker: &Speaker) -> &str {
    speaker.attributes.get("respondent_id").filter(|id| !id.is_empty()).unwrap_or(&speaker.name)
}

/// 16 hex digits of SHA-256 over transcript, code, words, and how often the same words were coded so before: the id
/// survives a rerun, and whatever is added before the segment.
fn id(transcript: &str, code: &str, text: &str, occurrences: &mut Occurrences) -> String {
    let mut key = Sha256::new();
    for part in [transcript, "\u{0}", code, "\u{0}", text] {
        key.update(part);
    }
    let count = occurrences.entry(key.clone().finalize().into()).or_insert(0);
    let digest = key.chain_update(format!("\u{0}{count}")).finalize();
    *count += 1;
    digest.iter().take(8).fold(String::with_capacity(16), |mut id, byte| {
        let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
        id.extend([digit(byte >> 4), digit(byte & 15)]);
        id
    })
}

/// The spans of several units; none for one, which is the turn.
fn pieces(units: &[crate::transcript::Unit]) -> Vec<Span> {
    if units.len() < 2 { Vec::new() } else { units.iter().map(|unit| unit.span).collect() }
}

fn turn_row<'t>(transcript: &'t Transcript, positions: &Positions, read: &Read) -> TurnRow<&'t str> {
    let speaker = transcript.speaker(read.turn.speaker);
    let span = read.turn.span;
    TurnRow {
        transcript: &transcript.name,
        turn: read.turn.index,
        speaker: &speaker.name,
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
        pieces: pieces(&transcript.units[read.turn.units.clone()]),
    }
}
