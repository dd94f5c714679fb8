//! The results of one run, indexed so that half a million codings fit in memory and any of them is read in microseconds.
//!
//! Comes in: a published study folder. Goes out: segments, codings and turns by number; texts on request.
//! Never happens here: a change of any file. Words stay on disk; what is held is numbers, names and places in files.

use crate::codebook::Codebook;
use crate::coding::{Coding, Flag, TurnRow};
use crate::learn::recall;
use crate::store::journal::row::hex;
use crate::store::layout::Study;
use crate::store::publish::{Pinned, pin};
use rayon::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Bytes of `codings.jsonl` that are parsed at once.
const BLOCK: usize = 8 << 20;

/// A place in a file.
#[derive(Debug, Clone, Copy, Default)]
struct Lines {
    offset: u64,
    len: u64,
}

/// One transcript.
#[derive(Debug)]
pub struct TranscriptEntry {
    /// Its name.
    pub name: String,
    /// Its segments, as numbers.
    pub segments: Range<usize>,
    turns: Lines,
}

/// One respondent.
#[derive(Debug, Default)]
pub struct RespondentEntry {
    /// Id, or label.
    pub name: String,
    /// Attributes.
    pub attributes: BTreeMap<String, String>,
}

/// A run of sentences that at least one code is proposed for, or an answer of the sample of `precode triage`.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// Number of the transcript.
    pub transcript: u32,
    /// Number of the respondent.
    pub respondent: u32,
    /// Place of the turn among all turns.
    pub turn: u32,
    /// First code point.
    pub start: u32,
    /// First code point after it.
    pub end: u32,
    /// First coding.
    first: u32,
    /// Number of codings.
    n: u32,
}

impl Segment {
    /// Its codings, as numbers; the most confident first.
    pub fn codings(&self) -> Range<usize> {
        self.first as usize..(self.first + self.n) as usize
    }

    fn place(&self) -> (u32, u32, u32) {
        (self.transcript, self.start, self.end)
    }
}

/// What the queue needs to know of a proposal.
#[derive(Debug, Clone, Copy)]
pub struct CodingEntry {
    /// As in `codings.jsonl`.
    pub id: u64,
    /// In 0..=1.
    pub confidence: f64,
    offset: u64,
    len: u32,
    /// Number of the segment.
    pub segment: u32,
    /// Since which generation of results its newest rule has been seen.
    pub generation: u32,
    /// Number of the code in [`Results::codes`].
    pub code: u16,
    flags: u16,
}

impl CodingEntry {
    /// True when the flag is set.
    pub fn has(&self, flag: Flag) -> bool {
        self.flags & bit(flag) != 0
    }
}

fn bit(flag: Flag) -> u16 {
    1 << (flag as u16)
}

/// What tells one set of results from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(u64, u64, i64, i64, u64);

/// Everything about one run.
#[derive(Debug)]
pub struct Results {
    /// Digest id of the run.
    pub run: String,
    /// Digest of the codebook that it was made with.
    pub lexicon: String,
    /// Definitions and colours.
    pub codebook: Codebook,
    /// Names of codes: the codebook's, then any that only codings have.
    pub codes: Vec<String>,
    /// In the order of `turns.jsonl`.
    pub transcripts: Vec<TranscriptEntry>,
    /// In order of first appearance.
    pub respondents: Vec<RespondentEntry>,
    /// By transcript, then by place.
    pub segments: Vec<Segment>,
    /// By segment.
    pub codings: Vec<CodingEntry>,
    /// Rules that were not known before, sorted.
    pub new_rules: Vec<String>,
    by_name: HashMap<String, u32>,
    by_id: HashMap<u64, u32>,
    sampled: HashMap<(u32, u32), u32>,
    study: Study,
    _pinned: Pinned,
    stamp: Stamp,
    sample_stamp: Option<Stamp>,
    coding_file: File,
    turn_file: File,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    run: String,
    #[serde(default)]
    lexicon: Lexicon,
    codebook: Codebook,
}

#[derive(Default, Deserialize)]
struct Lexicon {
    sha256: String,
}

/// The fields of a coding that are held in memory.
#[derive(Deserialize)]
struct Slim<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    transcript: Cow<'a, str>,
    #[serde(borrow)]
    respondent: Cow<'a, str>,
    turn: u32,
    start: u32,
    end: u32,
    #[serde(borrow)]
    code: Cow<'a, str>,
    confidence: f64,
    flags: Vec<Flag>,
    #[serde(borrow)]
    evidence: Vec<SlimEvidence<'a>>,
}

#[derive(Deserialize)]
struct SlimEvidence<'a> {
    #[serde(borrow)]
    rule: Cow<'a, str>,
}

/// The 16 hex digits by which the page speaks of a segment: they depend on its place alone.
pub fn segment_id(transcript: &str, start: usize, end: usize) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(transcript.as_bytes());
    hasher.update([0]);
    hasher.update((start as u64).to_le_bytes());
    hasher.update((end as u64).to_le_bytes());
    let digest = hasher.finalize();
    digest.iter().take(8).fold(0, |id, &byte| id << 8 | u64::from(byte))
}

/// A file could not be understood.
fn bad(path: &Path, what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()))
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let found = std::fs::metadata(path).map_err(|error| named(path, error))?;
    Ok(Stamp(found.dev(), found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
}

impl Results {
    /// Reads the results of a study. `rules`: since which generation each rule has been known.
    ///
    /// # Errors
    /// When a file is missing or is not what `precode code` writes; the message names it and the line.
    pub fn load(study: &Study, rules: &BTreeMap<String, u32>) -> io::Result<Self> {
        let (sample_stamp, stamp) = (stamp(&recall::path(study)).ok(), stamp(&study.manifest())?);
        // A new run replaces a link: what is pinned here stays the old run, whole, and is removed only after this.
        let pinned = pin(study).map_err(io::Error::other)?;
        let fixed = pinned.study.clone();
        let path = fixed.manifest();
        let manifest: Manifest = serde_json::from_slice(&std::fs::read(&path).map_err(|error| named(&path, error))?)
            .map_err(|error| bad(&path, error))?;
        let open = |path: PathBuf| File::open(&path).map_err(|error| named(&path, error));
        let mut results = Results {
            run: manifest.run,
            lexicon: manifest.lexicon.sha256,
            codes: manifest.codebook.codes.iter().map(|code| code.name.clone()).collect(),
            codebook: manifest.codebook,
            transcripts: Vec::new(),
            respondents: Vec::new(),
            segments: Vec::new(),
            codings: Vec::new(),
            new_rules: Vec::new(),
            by_name: HashMap::new(),
            by_id: HashMap::new(),
            sampled: HashMap::new(),
            stamp,
            sample_stamp,
            coding_file: open(fixed.codings())?,
            turn_file: open(fixed.turns())?,
            study: fixed,
            _pinned: pinned,
        };
        results.index_turns()?;
        let rows = results.read_codings(rules)?;
        let sample = results.read_sample(study, &rows)?;
        results.group(rows, &sample);
        results.read_attributes()?;
        Ok(results)
    }

    /// True when the study has published another run since.
    pub fn is_outdated(&self, study: &Study) -> bool {
        stamp(&study.manifest()).is_ok_and(|found| found != self.stamp)
    }

    /// True when other answers were drawn since for the measure of recall.
    pub fn has_new_sample(&self, study: &Study) -> bool {
        stamp(&recall::path(study)).ok() != self.sample_stamp
    }

    /// Finds where each transcript's rows lie in `turns.jsonl`; rows of one transcript stand together.
    fn index_turns(&mut self) -> io::Result<()> {
        let path = self.study.turns();
        let mut offset = 0;
        let mut last_key: Vec<u8> = Vec::new();
        let mut error = None;
        let (transcripts, by_name) = (&mut self.transcripts, &mut self.by_name);
        each_block(&self.turn_file, |block| {
            for line in block.split_inclusive(|&byte| byte == b'\n') {
                // The name stands first in what `precode code` writes: most lines need not be parsed.
                if !line.starts_with(&last_key) || last_key.is_empty() {
                    match serde_json::from_slice::<TurnName>(line) {
                        Ok(row) if transcripts.last().is_some_and(|entry| entry.name == row.transcript) => {}
                        Ok(row) => {
                            by_name.insert(row.transcript.to_string(), transcripts.len() as u32);
                            last_key = transcript_key(&row.transcript);
                            let turns = Lines { offset, len: 0 };
                            let name = row.transcript.into_owned();
                            transcripts.push(TranscriptEntry { name, segments: 0..0, turns });
                        }
                        Err(found) => error = Some(bad(&path, found)),
                    }
                }
                if let Some(entry) = transcripts.last_mut() {
                    entry.turns.len += line.len() as u64;
                }
                offset += line.len() as u64;
            }
        })?;
        error.map_or(Ok(()), Err)
    }

    /// Reads `codings.jsonl` in blocks, the lines of a block in parallel, and numbers the names in order.
    fn read_codings(&mut self, rules: &BTreeMap<String, u32>) -> io::Result<Vec<Numbered>> {
        let path = self.study.codings();
        let generation = rules.values().max().map_or(0, |newest| newest + 1);
        let mut names = Names::default();
        let mut code_numbers: HashMap<String, u16> =
            self.codes.iter().enumerate().map(|(i, name)| (name.clone(), i as u16)).collect();
        let (mut numbered, mut offset, mut n_lines) = (Vec::new(), 0u64, 0usize);
        let mut new_rules = std::collections::BTreeSet::new();
        let mut failure = None;
        each_block(&self.coding_file, |block| {
            let lines: Vec<&[u8]> = block.split_inclusive(|&byte| byte == b'\n').collect();
            let rows: Vec<_> = lines.par_iter().map(|line| serde_json::from_slice::<Slim>(line)).collect();
            for (line, row) in lines.iter().zip(rows) {
                n_lines += 1;
                let row = match row {
                    Ok(row) => row,
                    Err(error) => {
                        failure.get_or_insert_with(|| bad(&path, format!("line {n_lines}: {error}")));
                        break;
                    }
                };
                let newest = row.evidence.iter().map(|evidence| {
                    rules.get(evidence.rule.as_ref()).copied().unwrap_or_else(|| {
                        if !new_rules.contains(evidence.rule.as_ref()) {
                            new_rules.insert(evidence.rule.to_string());
                        }
                        generation
                    })
                });
                let entry = CodingEntry {
                    id: u64::from_str_radix(&row.id, 16).unwrap_or(0),
                    confidence: row.confidence,
                    offset,
                    len: line.len() as u32,
                    segment: 0,
                    generation: newest.max().unwrap_or(0),
                    code: number(&mut code_numbers, &mut self.codes, &row.code),
                    flags: row.flags.iter().fold(0, |flags, &flag| flags | bit(flag)),
                };
                let transcript = match self.by_name.get(row.transcript.as_ref()) {
                    Some(&transcript) => transcript,
                    None => {
                        let what = format!("line {n_lines}: transcript {:?} has no turns", row.transcript);
                        failure.get_or_insert_with(|| bad(&path, what));
                        break;
                    }
                };
                let respondent = names.number(transcript, &row.respondent);
                let place = (transcript, row.start, row.end);
                numbered.push(Numbered { place, turn: row.turn, respondent, entry });
                offset += line.len() as u64;
            }
        })?;
        self.respondents = names.entries;
        self.new_rules = new_rules.into_iter().collect();
        failure.map_or(Ok(numbered), Err)
    }

    /// The answers of the sample that are answers of this run, by place. The sample is no part of a run: it lies beside
    /// the published files.
    fn read_sample(&mut self, study: &Study, rows: &[Numbered]) -> io::Result<Vec<Segment>> {
        let mut respondents: HashMap<(u32, String), u32> = HashMap::new();
        for row in rows {
            let name = &self.respondents[row.respondent as usize].name;
            respondents.entry((row.place.0, name.clone())).or_insert(row.respondent);
        }
        let mut sample = Vec::new();
        let mut turns: (Option<usize>, Vec<TurnRow>) = (None, Vec::new());
        for answer in recall::read(study)? {
            let Some(transcript) = self.transcript(&answer.transcript) else { continue };
            if turns.0 != Some(transcript) {
                turns = (Some(transcript), self.turns(transcript)?);
            }
            let is_it = |row: &&TurnRow| (row.turn, row.start, row.end) == (answer.turn, answer.start, answer.end);
            let Some(row) = turns.1.iter().find(is_it) else { continue };
            let respondent = *respondents.entry((transcript as u32, row.respondent.clone())).or_insert_with(|| {
                self.respondents.push(RespondentEntry { name: row.respondent.clone(), ..RespondentEntry::default() });
                self.respondents.len() as u32 - 1
            });
            let [turn, start, end] = [row.turn, row.start, row.end].map(|n| n as u32);
            sample.push(Segment { transcript: transcript as u32, respondent, turn, start, end, first: 0, n: 0 });
        }
        sample.sort_unstable_by_key(Segment::place);
        Ok(sample)
    }

    /// Puts codings of the same words together, and sampled answers among them.
    fn group(&mut self, mut rows: Vec<Numbered>, sample: &[Segment]) {
        rows.sort_by(|a, b| {
            (a.place, a.turn).cmp(&(b.place, b.turn)).then(b.entry.confidence.total_cmp(&a.entry.confidence))
        });
        self.codings.reserve_exact(rows.len());
        let mut answers = sample.iter().peekable();
        for row in rows {
            while let Some(answer) = answers.next_if(|answer| answer.place() <= row.place) {
                if answer.place() < row.place {
                    self.segments.push(Segment { first: self.codings.len() as u32, ..*answer });
                }
            }
            let (transcript, start, end) = row.place;
            let fits = |last: &&mut Segment| (last.transcript, last.start, last.end) == row.place;
            match self.segments.last_mut().filter(fits) {
                Some(segment) => segment.n += 1,
                None => self.segments.push(Segment {
                    transcript,
                    respondent: row.respondent,
                    turn: row.turn,
                    start,
                    end,
                    first: self.codings.len() as u32,
                    n: 1,
                }),
            }
            let segment = self.segments.len() as u32 - 1;
            self.codings.push(CodingEntry { segment, ..row.entry });
        }
        let first = self.codings.len() as u32;
        self.segments.extend(answers.map(|answer| Segment { first, ..*answer }));
        self.number_segments();
        let place = |answer: &Segment| self.segments.binary_search_by_key(&answer.place(), Segment::place);
        let found = sample.iter().filter_map(|a| Some(((a.transcript, a.turn), place(a).ok()? as u32)));
        self.sampled = found.collect();
    }

    /// True when any answer of this run is sampled.
    pub fn has_sample(&self) -> bool {
        !self.sampled.is_empty()
    }

    /// The sampled answer that this segment is, or is part of.
    pub fn sampled(&self, segment: &Segment) -> Option<usize> {
        self.sampled_turn(segment.transcript, segment.turn)
    }

    /// The sampled answer that is this turn.
    pub fn sampled_turn(&self, transcript: u32, turn: u32) -> Option<usize> {
        self.sampled.get(&(transcript, turn)).map(|&i| i as usize)
    }

    fn number_segments(&mut self) {
        for (i, segment) in self.segments.iter().enumerate() {
            let entry = &mut self.transcripts[segment.transcript as usize];
            if entry.segments.is_empty() {
                entry.segments = i..i;
            }
            entry.segments.end = i + 1;
        }
        let ids: Vec<u64> = (0..self.segments.len()).into_par_iter().map(|i| self.id(i)).collect();
        self.by_id = ids.into_iter().enumerate().map(|(i, id)| (id, i as u32)).collect();
    }

    /// Attributes are the same on every row of a respondent: one row of each is read.
    fn read_attributes(&mut self) -> io::Result<()> {
        let mut samples: Vec<Option<usize>> = vec![None; self.respondents.len()];
        for (i, coding) in self.codings.iter().enumerate() {
            let respondent = self.segments[coding.segment as usize].respondent as usize;
            samples[respondent].get_or_insert(i);
        }
        let read: io::Result<Vec<_>> = samples
            .par_iter()
            .map(|sample| sample.map(|i| self.coding(i)).transpose().map(|row| row.map(|row| row.attributes)))
            .collect();
        for (entry, attributes) in self.respondents.iter_mut().zip(read?) {
            entry.attributes = attributes.unwrap_or_default();
        }
        Ok(())
    }

    /// The id of segment `i`.
    pub fn id(&self, i: usize) -> u64 {
        let segment = &self.segments[i];
        segment_id(self.name_of(segment), segment.start as usize, segment.end as usize)
    }

    /// The number of the segment with this id.
    pub fn find(&self, id: u64) -> Option<usize> {
        self.by_id.get(&id).map(|&i| i as usize)
    }

    /// The name of a segment's transcript.
    pub fn name_of(&self, segment: &Segment) -> &str {
        &self.transcripts[segment.transcript as usize].name
    }

    /// The number of a transcript.
    pub fn transcript(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).map(|&i| i as usize)
    }

    /// The number of a code.
    pub fn code(&self, name: &str) -> Option<u16> {
        self.codes.iter().position(|code| code == name).map(|i| i as u16)
    }

    /// The whole row of coding `i`, from disk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn coding(&self, i: usize) -> io::Result<Coding> {
        let entry = &self.codings[i];
        let line = read_at(&self.coding_file, Lines { offset: entry.offset, len: u64::from(entry.len) })?;
        serde_json::from_slice(&line).map_err(|error| bad(&self.study.codings(), error))
    }

    /// The turns of transcript `i`, from disk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn turns(&self, i: usize) -> io::Result<Vec<TurnRow>> {
        let lines = read_at(&self.turn_file, self.transcripts[i].turns)?;
        let rows = serde_json::Deserializer::from_slice(&lines).into_iter();
        rows.collect::<Result<_, _>>().map_err(|error| bad(&self.study.turns(), error))
    }

    /// The text of a transcript, from disk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn text(&self, name: &str) -> io::Result<String> {
        let path = self.study.text(name);
        std::fs::read_to_string(&path).map_err(|error| named(&path, error))
    }

    /// Values of every attribute, at most 200 each.
    pub fn attribute_values(&self) -> BTreeMap<&str, std::collections::BTreeSet<&str>> {
        let mut values: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
        for (name, value) in self.respondents.iter().flat_map(|respondent| &respondent.attributes) {
            let known = values.entry(name).or_default();
            if known.len() < 200 {
                known.insert(value);
            }
        }
        values
    }
}

/// An id as the page writes it.
pub fn id_text(id: u64) -> String {
    hex(&id.to_be_bytes())
}

/// Reads an id as the page writes it.
pub fn parse_id(text: &str) -> Option<u64> {
    (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// A coding whose names are numbers, not yet grouped.
struct Numbered {
    place: (u32, u32, u32),
    turn: u32,
    respondent: u32,
    entry: CodingEntry,
}

#[derive(Deserialize)]
struct TurnName<'a> {
    #[serde(borrow)]
    transcript: Cow<'a, str>,
}

/// Respondents, numbered: the same label in another transcript may be another person with other attributes.
#[derive(Default)]
struct Names {
    entries: Vec<RespondentEntry>,
    numbers: HashMap<(u32, String), u32>,
    last: Option<(u32, u32)>,
}

impl Names {
    fn number(&mut self, transcript: u32, name: &str) -> u32 {
        if let Some((last, number)) = self.last
            && last == transcript
            && self.entries[number as usize].name == name
        {
            return number;
        }
        let entries = &mut self.entries;
        let number = *self.numbers.entry((transcript, name.to_owned())).or_insert_with(|| {
            entries.push(RespondentEntry { name: name.to_owned(), ..RespondentEntry::default() });
            entries.len() as u32 - 1
        });
        self.last = Some((transcript, number));
        number
    }
}

fn number(numbers: &mut HashMap<String, u16>, names: &mut Vec<String>, name: &str) -> u16 {
    match numbers.get(name) {
        Some(&number) => number,
        None => {
            numbers.insert(name.to_owned(), names.len() as u16);
            names.push(name.to_owned());
            names.len() as u16 - 1
        }
    }
}

/// How a line of this transcript begins when the name stands first.
fn transcript_key(name: &str) -> Vec<u8> {
    let quoted = serde_json::to_string(name).unwrap_or_default();
    format!("{{\"transcript\":{quoted},").into_bytes()
}

/// Calls `each` with blocks of whole lines.
fn each_block(mut file: &File, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(BLOCK);
    loop {
        let n_read = file.by_ref().take(BLOCK as u64).read_to_end(&mut buffer)?;
        let whole = if n_read == 0 { buffer.len() } else { memchr::memrchr(b'\n', &buffer).map_or(0, |at| at + 1) };
        each(&buffer[..whole]);
        buffer.drain(..whole);
        if n_read == 0 {
            return Ok(());
        }
    }
}

fn read_at(file: &File, lines: Lines) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; lines.len as usize];
    file.read_exact_at(&mut bytes, lines.offset)?;
    Ok(bytes)
}
