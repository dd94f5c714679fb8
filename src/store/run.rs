//! A corpus through the pipeline into a study: read, code, write, file by file in order.
//!
//! Comes in: the files that a walk found, a coder, the attributes of respondents. Goes out: the published files of one
//! run, made but not yet switched to, and what is worth telling. Never happens here: a row of a refused file; one
//! file's problem becoming another's.

use super::StoreError;
use super::corpus::{self, Corpus, Input};
use super::digest::sha256;
use super::manifest::{Counts, FileReport, Manifest, Outcome, Problem, Report, Source};
use super::ordered::{self, Bounds};
use super::publish::{Part, Partial};
use super::rows::{self, Cells, CodingsCsv, Line};
use crate::codebook::Codebook;
use crate::coding::{Coding, Flag, PROPOSED, TurnRow};
use crate::diagnostic::{Diagnostic, Severity};
use crate::pipeline::{Coder, Worker};
use crate::transcript::respondents::{self, Respondents};
use crate::transcript::{ReadOptions, SpeakerRole, Transcript};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Attributes that always have a column, so that a script reads studies with and without metadata alike.
pub const ATTRIBUTES: [&str; 7] =
    ["department", "district", "job_role", "level", "level_source", "school", "source_type"];

/// What a run needs to know.
pub struct Run<'a> {
    /// The files.
    pub corpus: &'a Corpus,
    /// The lexicon, ready.
    pub coder: &'a Coder<'a>,
    /// How files are read.
    pub read: &'a ReadOptions,
    /// Attributes.
    pub respondents: &'a Respondents,
    /// What may be coded.
    pub codebook: &'a Codebook,
    /// Gives the codings of a transcript other confidences.
    pub refit: Option<&'a Refit<'a>>,
    /// How much at once.
    pub bounds: Bounds,
    /// The form of CSV files.
    pub cells: Cells,
    /// End at the first refused file.
    pub fail_fast: bool,
    /// Who is told how far it is.
    pub watch: &'a (dyn Watch + Sync),
}

/// Gives the codings of one transcript other confidences, fitted elsewhere.
pub type Refit<'a> = dyn Fn(&mut [Coding]) + Sync + 'a;

/// Told how far a run is; asked whether to stop.
pub trait Watch {
    /// A file was read and coded.
    fn coded(&self, bytes: u64, codings: usize);
    /// True when the run should end and leave everything as it was.
    fn is_stopped(&self) -> bool;
}

/// How often a code was found.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CodeTally {
    /// Proposals.
    pub proposed: usize,
    /// Rows below the threshold.
    pub weak: usize,
    /// Sum of the confidences of the proposals.
    pub confidence: f64,
}

/// What is worth telling about a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// By code.
    pub codes: BTreeMap<String, CodeTally>,
    /// Proposals with a flag.
    pub flags: BTreeMap<Flag, usize>,
    /// Problems of files, in order, for the terminal.
    pub problems: Vec<Diagnostic>,
    /// Transcripts whose interviewer is a guess, with the labels that were taken for one.
    pub guessed: Vec<(String, Vec<String>)>,
}

/// Reads and codes every file and writes all that a run publishes into `partial`, durably. `manifest` comes with
/// everything but the inputs and files, and leaves sealed.
///
/// # Errors
/// When the disk fails, the run is stopped, or a file was refused and [`Run::fail_fast`] is set.
pub fn code(run: &Run<'_>, partial: &mut Partial, manifest: &mut Manifest) -> Result<(Report, Findings), StoreError> {
    let mut book = Book::open(run, partial)?;
    let sizes: Vec<u64> = run.corpus.inputs.iter().map(|input| input.bytes).collect();
    let work = |worker: &mut Worker<'_>, i: usize| code_file(run, partial, worker, &run.corpus.inputs[i]);
    ordered::run(
        &sizes,
        run.bounds,
        || run.coder.worker(),
        work,
        |done| {
            if run.watch.is_stopped() {
                return Err(StoreError::Interrupted);
            }
            let Some((i, outcome)) = done else { return Ok(()) };
            let input = &run.corpus.inputs[i];
            let file = outcome.unwrap_or_else(|_| Ok(File::panicked(input)))?;
            run.watch.coded(input.bytes, file.counts().proposed);
            book.enter(file)
        },
    )?;
    book.close(partial, manifest)
}

/// What one file gave.
struct File {
    report: FileReport,
    found: Vec<Diagnostic>,
    rows: Option<Rows>,
}

/// The rows of one transcript, ready to be written.
struct Rows {
    source: Source,
    codings: Vec<u8>,
    csv: Vec<u8>,
    turns: Vec<u8>,
    respondents: Vec<u8>,
    codes: BTreeMap<String, CodeTally>,
    flags: BTreeMap<Flag, usize>,
    guessed: Vec<String>,
}

impl File {
    fn refused(input: &Input, digest: Option<String>, found: Vec<Diagnostic>) -> File {
        let report = FileReport { sha256: digest, ..FileReport::new(&input.source, Outcome::Rejected, &found) };
        File { report, found, rows: None }
    }

    /// The place of the panic was told when it happened; its words might be those of the file.
    fn panicked(input: &Input) -> File {
        let found = Diagnostic::error("E_INTERNAL", &*input.source, "the program failed on this file; file left out")
            .help("this is a bug: please report it, with the line above and without the file");
        File::refused(input, None, vec![found])
    }

    fn counts(&self) -> Counts {
        self.report.counts.unwrap_or_default()
    }
}

/// Reads and codes one file. Its text is written last, so that a file that fails on the way leaves nothing.
fn code_file(run: &Run<'_>, partial: &Partial, worker: &mut Worker<'_>, input: &Input) -> Result<File, StoreError> {
    let bytes = match corpus::read(input, run.read.max_bytes) {
        Ok(bytes) => bytes,
        Err(found) => return Ok(File::refused(input, None, vec![*found])),
    };
    let digest = sha256(&bytes);
    let mut transcript = match crate::transcript::read(&bytes, &input.source, run.read) {
        Ok(transcript) => transcript,
        Err(found) => return Ok(File::refused(input, Some(digest), found)),
    };
    drop(bytes);
    transcript.name.clone_from(&input.name);
    respondents::attach(&mut transcript, run.respondents);
    let mut found = input.notes.clone();
    found.append(&mut transcript.notes);
    let mut coded = worker.code(&transcript);
    if let Some(refit) = run.refit {
        coded.refit(run.codebook, refit);
    }
    let counts = count(&coded);
    let rows = Rows::new(run, &transcript, &coded, input, &digest);
    partial.text(&transcript.name, &transcript.text)?;
    let mut report = FileReport::new(&input.source, Outcome::Processed, &found);
    report.sha256 = Some(digest);
    report.transcript = Some(transcript.name);
    report.counts = Some(counts);
    Ok(File { report, found, rows: Some(rows) })
}

fn count(coded: &crate::pipeline::Coded) -> Counts {
    let proposed = || coded.codings.iter().filter(|coding| coding.confidence >= PROPOSED);
    let segments: BTreeSet<_> = proposed().map(|coding| (coding.start, coding.end)).collect();
    Counts {
        turns: coded.turns.len(),
        answers: coded.n_answers,
        uncoded: coded.n_uncoded,
        words: coded.n_words,
        segments: segments.len(),
        proposed: proposed().count(),
        weak: coded.codings.len() - proposed().count(),
    }
}

impl Rows {
    fn new(
        run: &Run<'_>,
        transcript: &Transcript,
        coded: &crate::pipeline::Coded,
        input: &Input,
        digest: &str,
    ) -> Rows {
        let table = columns(run);
        let (mut codings, mut csv, mut turns) = (Vec::new(), Vec::new(), Vec::new());
        for coding in &coded.codings {
            rows::push_coding(&mut codings, coding);
            table.push(&mut csv, coding);
        }
        coded.turns.iter().for_each(|turn| rows::push_turn(&mut turns, turn));
        let source = Source {
            source: input.source.clone(),
            transcript: transcript.name.clone(),
            format: transcript.format.to_string(),
            bytes: input.bytes,
            sha256: digest.to_string(),
            text_sha256: sha256(transcript.text.as_bytes()),
        };
        let mut rows = Rows {
            source,
            codings,
            csv,
            turns,
            respondents: respondent_rows(run, &speaking(transcript, coded)),
            codes: BTreeMap::new(),
            flags: BTreeMap::new(),
            guessed: guessed(transcript),
        };
        coded.codings.iter().for_each(|coding| rows.tally(coding));
        rows
    }

    fn tally(&mut self, coding: &Coding) {
        let code = self.codes.entry(coding.code.clone()).or_default();
        if coding.confidence < PROPOSED {
            code.weak += 1;
            return;
        }
        code.proposed += 1;
        code.confidence += coding.confidence;
        for &flag in &coding.flags {
            *self.flags.entry(flag).or_default() += 1;
        }
    }
}

/// The columns of `codings.csv` as known before any transcript is read.
fn columns(run: &Run<'_>) -> CodingsCsv {
    CodingsCsv::new(&known_attributes(run), run.cells)
}

fn known_attributes(run: &Run<'_>) -> BTreeSet<String> {
    let named = run.respondents.rows().iter().flat_map(|row| row.attributes.keys());
    named.filter(|name| *name != "speaker_role").cloned().chain(ATTRIBUTES.map(String::from)).collect()
}

/// Labels that were taken for an interviewer by how they speak.
fn guessed(transcript: &Transcript) -> Vec<String> {
    let interviewers = transcript.speakers.iter().filter(|s| s.guessed && s.role == SpeakerRole::Interviewer);
    interviewers.map(|speaker| speaker.name.clone()).collect()
}

/// A row of `respondents.csv`: a respondent as used in one transcript.
struct Respondent {
    transcript: String,
    speaker: String,
    respondent: String,
    attributes: BTreeMap<String, String>,
    turns: usize,
    words: usize,
    proposed: usize,
}

fn speaking(transcript: &Transcript, coded: &crate::pipeline::Coded) -> Vec<Respondent> {
    let mut found: BTreeMap<&str, Respondent> = BTreeMap::new();
    for turn in coded.turns.iter().filter(|turn| turn.speaker_role == SpeakerRole::Respondent) {
        let respondent = found.entry(&turn.speaker).or_insert_with(|| respondent(transcript, turn));
        respondent.turns += 1;
        respondent.words += turn.words;
    }
    for coding in coded.codings.iter().filter(|coding| coding.confidence >= PROPOSED) {
        if let Some(respondent) = found.get_mut(coding.speaker.as_str()) {
            respondent.proposed += 1;
        }
    }
    found.into_values().collect()
}

fn respondent(transcript: &Transcript, turn: &TurnRow) -> Respondent {
    let speaker = transcript.speakers.iter().find(|speaker| speaker.name == turn.speaker);
    Respondent {
        transcript: turn.transcript.clone(),
        speaker: turn.speaker.clone(),
        respondent: turn.respondent.clone(),
        attributes: speaker.map(|speaker| speaker.attributes.clone()).unwrap_or_default(),
        turns: 0,
        words: 0,
        proposed: 0,
    }
}

/// The files of a run as they grow, in the order of the corpus.
struct Book<'a> {
    run: &'a Run<'a>,
    codings: Part,
    csv: Part,
    turns: Part,
    inputs: Vec<Source>,
    files: Vec<FileReport>,
    respondents: Part,
    findings: Findings,
    /// First file with these bytes, by the beginning of its digest.
    seen: HashMap<u128, u32>,
}

impl<'a> Book<'a> {
    fn open(run: &'a Run<'a>, partial: &Partial) -> Result<Self, StoreError> {
        let mut csv = partial.part("codings.csv")?;
        csv.append(&columns(run).header())?;
        let mut respondents = partial.part("respondents.csv")?;
        respondents.append(&respondents_header(run))?;
        Ok(Book {
            run,
            codings: partial.part("codings.jsonl")?,
            csv,
            turns: partial.part("turns.jsonl")?,
            inputs: Vec::new(),
            files: Vec::new(),
            respondents,
            findings: Findings::default(),
            seen: HashMap::new(),
        })
    }

    fn enter(&mut self, mut file: File) -> Result<(), StoreError> {
        self.note_copy(&mut file);
        let refusal = file.found.iter().find(|d| d.severity == Severity::Error);
        if let (Some(refusal), true) = (refusal, self.run.fail_fast) {
            return Err(StoreError::Refused(refusal.line()));
        }
        if let Some(rows) = file.rows {
            self.codings.append(&rows.codings)?;
            self.csv.append(&rows.csv)?;
            self.turns.append(&rows.turns)?;
            self.respondents.append(&rows.respondents)?;
            self.tell(rows);
        }
        self.findings.problems.append(&mut file.found);
        self.files.push(file.report);
        Ok(())
    }

    /// Two files with the same bytes are usually one interview given twice.
    fn note_copy(&mut self, file: &mut File) {
        let (Some(digest), Some(_)) = (&file.report.sha256, &file.rows) else { return };
        let key = u128::from_str_radix(&digest[..32], 16).unwrap_or_default();
        match self.seen.get(&key).and_then(|&i| self.files.get(i as usize)) {
            None => {
                self.seen.insert(key, self.files.len() as u32);
            }
            Some(FileReport { path: first, .. }) => {
                let message = format!("the same bytes as {first}; both are in the study");
                file.found
                    .push(Diagnostic::note("W_DUPLICATE", &*file.report.path, message).help("remove one of them"));
                let kept = (file.report.sha256.take(), file.report.transcript.take(), file.report.counts);
                file.report = FileReport::new(&file.report.path, Outcome::Processed, &file.found);
                (file.report.sha256, file.report.transcript, file.report.counts) = kept;
            }
        }
    }

    fn tell(&mut self, rows: Rows) {
        for (code, one) in rows.codes {
            let all = self.findings.codes.entry(code).or_default();
            all.proposed += one.proposed;
            all.weak += one.weak;
            all.confidence += one.confidence;
        }
        for (flag, n) in rows.flags {
            *self.findings.flags.entry(flag).or_default() += n;
        }
        if !rows.guessed.is_empty() {
            self.findings.guessed.push((rows.source.transcript.clone(), rows.guessed));
        }
        self.inputs.push(rows.source);
    }

    fn close(mut self, partial: &mut Partial, manifest: &mut Manifest) -> Result<(Report, Findings), StoreError> {
        partial.close(self.codings)?;
        partial.close(self.csv)?;
        partial.close(self.turns)?;
        partial.close(self.respondents)?;
        let read: Vec<_> = self.inputs.iter().map(|i| (i.transcript.as_str(), i.source.as_str())).collect();
        let unused = self.run.respondents.check(&read);
        self.files.extend(self.run.corpus.left_out.iter().map(FileReport::left_out));
        let report = Report::new(self.files, unused.iter().map(Problem::from).collect());
        partial.json("report.json", &report)?;
        self.findings.problems.extend(self.run.corpus.left_out.iter().cloned());
        self.findings.problems.extend(unused);
        manifest.inputs = self.inputs;
        manifest.files = partial.files().clone();
        manifest.seal();
        partial.json("manifest.json", manifest)?;
        partial.sync(report.processed)?;
        Ok((report, self.findings))
    }
}

/// Columns of `respondents.csv` between the id and the counts.
fn respondent_attributes(run: &Run<'_>) -> Vec<String> {
    known_attributes(run).into_iter().filter(|name| name != "respondent_id").collect()
}

fn respondents_header(run: &Run<'_>) -> Vec<u8> {
    let mut line = Line::new(run.cells);
    let attributes = respondent_attributes(run);
    let names = attributes.iter().map(String::as_str);
    let names = ["transcript", "speaker", "respondent_id"].into_iter().chain(names);
    names.chain(["turns", "words", "codings"]).for_each(|name| line.cell(name.as_bytes()));
    line.end()
}

fn respondent_rows(run: &Run<'_>, respondents: &[Respondent]) -> Vec<u8> {
    let attributes = respondent_attributes(run);
    let mut out = Vec::new();
    for respondent in respondents {
        let mut line = Line::new(run.cells);
        for text in [&respondent.transcript, &respondent.speaker, &respondent.respondent] {
            line.cell(text.as_bytes());
        }
        let value = |name| respondent.attributes.get(name).map_or(&b""[..], |value| value.as_bytes());
        attributes.iter().for_each(|name| line.cell(value(name)));
        for n in [respondent.turns, respondent.words, respondent.proposed] {
            line.cell(n.to_string().as_bytes());
        }
        out.extend(line.end());
    }
    out
}
