//! A corpus through the pipeline into a study: read, code, write, file by file in order.
//!
//! Comes in: the files that a walk found, a coder, the attributes of respondents. Goes out: the published files of one
//! run, made but not yet switched to, and what is worth telling. Never happens here: a row of a refused file; one
//! file's problem becoming another's.

use super::StoreError;
use super::copies::Copies;
use super::corpus::{self, Corpus, Input};
use super::digest::sha256;
use super::forget::{self, Forgotten};
use super::manifest::{Counts, FileReport, Manifest, Outcome, Problem, Report, Source};
use super::ordered::{self, Bounds};
use super::publish::{Part, Partial};
use super::rows::{self, Cells, CodingsCsv, Line};
use super::spool::{List, Spool};
use crate::codebook::Codebook;
use crate::coding::{Coding, Flag, PROPOSED, TurnRow};
use crate::diagnostic::{Diagnostic, Severity};
use crate::pipeline::{Coded, Coder, Take, Worker};
use crate::transcript::respondents::{self, Respondents};
use crate::transcript::{ReadOptions, Speaker, SpeakerRole, Transcript, labels_met};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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
    /// What is left out whatever it says, as its participant withdrew.
    pub forgotten: &'a Forgotten,
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

/// What is worth telling about a run. What does not fit here is in the report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// By code.
    pub codes: BTreeMap<String, CodeTally>,
    /// Proposals with a flag.
    pub flags: BTreeMap<Flag, usize>,
    /// Warnings and errors, in order: the first [`TOLD`] of each kind.
    pub problems: Vec<Diagnostic>,
    /// How many there are of each kind.
    pub n_problems: BTreeMap<&'static str, usize>,
    /// How many notes there are.
    pub n_notes: usize,
    /// Transcripts whose interviewer is a guess, with the labels that were taken for one.
    pub guessed: First<(String, Vec<String>)>,
    /// Refused files, in order.
    pub refused: First<FileReport>,
    /// Transcripts with answers without a code, those with most of them first.
    pub uncoded: First<(String, Counts)>,
}

/// Most problems of one kind that are kept for the terminal.
const TOLD: usize = 100;

/// Most items in other lists for people.
pub const SHOWN: usize = 8;

/// The first items of a list, and how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub struct First<T> {
    /// The first [`SHOWN`].
    pub items: Vec<T>,
    /// All.
    pub n: usize,
}

impl<T> Default for First<T> {
    fn default() -> Self {
        First { items: Vec::new(), n: 0 }
    }
}

impl<T> First<T> {
    fn push(&mut self, item: T) {
        self.n += 1;
        if self.items.len() < SHOWN {
            self.items.push(item);
        }
    }
}

impl First<(String, Counts)> {
    /// Keeps the order by answers without a code; of equals the first stays first.
    fn rank(&mut self, name: &str, counts: Counts) {
        self.n += 1;
        let at = self.items.partition_point(|(_, other)| other.uncoded >= counts.uncoded);
        if at < SHOWN {
            self.items.insert(at, (name.to_string(), counts));
            self.items.truncate(SHOWN);
        }
    }
}

/// Reads and codes every file and writes all that a run publishes into `partial`, durably. `manifest` comes with
/// everything but the inputs and files, and leaves with the name of the run.
///
/// # Errors
/// When the disk fails, the run is stopped, or a file was refused and [`Run::fail_fast`] is set.
pub fn code(
    run: &Run<'_>,
    partial: &mut Partial,
    manifest: &mut Manifest,
) -> Result<(Report<()>, Findings), StoreError> {
    let plan = Plan::new(run);
    let mut book = Book::open(&plan, partial)?;
    let mut ahead = partial.ahead();
    let inputs = &run.corpus.inputs;
    let work = |worker: &mut Worker<'_>, i: usize| code_file(&plan, partial, worker, &inputs.get(i));
    ordered::run(
        inputs.len(),
        |i| inputs.bytes(i),
        run.bounds,
        || run.coder.worker(),
        work,
        |done| {
            if run.watch.is_stopped() {
                return Err(StoreError::Interrupted);
            }
            let Some((i, outcome)) = done else { return Ok(()) };
            let file = outcome.unwrap_or_else(|_| Ok(File::panicked(&inputs.get(i))))?;
            run.watch.coded(inputs.bytes(i), file.counts().proposed);
            ahead.wrote(inputs.bytes(i));
            book.enter(i, file)
        },
    )?;
    book.close(partial, manifest)
}

/// A run, and the columns that follow from it.
struct Plan<'a> {
    run: &'a Run<'a>,
    codings: CodingsCsv,
    /// Columns of `respondents.csv` between the id and the counts.
    respondents: Vec<String>,
}

impl<'a> Plan<'a> {
    fn new(run: &'a Run<'a>) -> Self {
        let named = run.respondents.rows().iter().flat_map(|row| row.attributes.keys());
        let named = named.filter(|name| *name != "speaker_role").cloned();
        let attributes: BTreeSet<String> = named.chain(ATTRIBUTES.map(String::from)).collect();
        let codings = CodingsCsv::new(&attributes, run.cells);
        Plan { run, codings, respondents: attributes.into_iter().filter(|name| name != "respondent_id").collect() }
    }

    /// The first line of `respondents.csv`.
    fn respondents_header(&self) -> Vec<u8> {
        let mut line = Line::new(self.run.cells);
        let names = self.respondents.iter().map(String::as_str);
        let names = ["transcript", "speaker", "respondent_id"].into_iter().chain(names);
        names.chain(["turns", "words", "codings"]).for_each(|name| line.cell(name.as_bytes()));
        line.end()
    }
}

/// What one file gave.
struct File {
    report: FileReport,
    found: Vec<Diagnostic>,
    rows: Option<(Source, Rows)>,
}

impl File {
    fn refused(input: &Input, digest: Option<String>, found: Vec<Diagnostic>) -> File {
        let report = FileReport { sha256: digest, ..FileReport::new(&input.source, Outcome::Rejected, &found) };
        File { report, found, rows: None }
    }

    fn forgotten(input: &Input) -> File {
        let found = vec![forget::note(&input.source)];
        File { report: FileReport::new(&input.source, Outcome::Forgotten, &found), found, rows: None }
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
fn code_file(plan: &Plan<'_>, partial: &Partial, worker: &mut Worker<'_>, input: &Input) -> Result<File, StoreError> {
    let run = plan.run;
    if run.forgotten.has_path(&input.source) {
        return Ok(File::forgotten(input));
    }
    let bytes = match corpus::read(input, run.read.max_bytes) {
        Ok(bytes) => bytes,
        Err(found) => return Ok(File::refused(input, None, vec![*found])),
    };
    let digest = sha256(&bytes);
    if run.forgotten.has_bytes(&digest) {
        return Ok(File::forgotten(input));
    }
    let mut transcript = match crate::transcript::take(bytes, &input.source, run.read) {
        Ok(transcript) => transcript,
        Err(found) => return Ok(File::refused(input, Some(digest), found)),
    };
    transcript.name.clone_from(&input.name);
    respondents::attach(&mut transcript, run.respondents);
    let mut found = input.notes.clone();
    found.append(&mut transcript.notes);
    let mut scribe = Scribe::new(plan, &transcript, partial.root());
    worker.code_into(&transcript, &mut scribe)?;
    let rows = scribe.finish()?;
    partial.text(&transcript.name, &transcript.text)?;
    let mut report = FileReport::new(&input.source, Outcome::Processed, &found);
    report.sha256 = Some(digest.clone());
    report.transcript = Some(transcript.name.clone());
    report.counts = Some(rows.counts);
    Ok(File { report, found, rows: Some((source(input, transcript, digest), rows)) })
}

fn source(input: &Input, transcript: Transcript, sha256_of_file: String) -> Source {
    let text_sha256 = match transcript.verbatim {
        true => sha256_of_file.clone(),
        false => sha256(transcript.text.as_bytes()),
    };
    Source {
        source: input.source.clone(),
        text_sha256,
        transcript: transcript.name,
        format: transcript.format.to_string(),
        bytes: input.bytes,
        sha256: sha256_of_file,
    }
}

/// Bytes of the row of a turn, about.
const TURN: usize = 320;

/// The rows of one transcript, ready to be written, and what they add up to.
struct Rows {
    codings: Spool,
    csv: Spool,
    turns: Spool,
    respondents: Vec<u8>,
    counts: Counts,
    codes: BTreeMap<String, CodeTally>,
    flags: BTreeMap<Flag, usize>,
    guessed: Vec<String>,
    /// Places of the labels of interviewers that the user named and this transcript has.
    met: Vec<usize>,
}

impl Rows {
    fn new(transcript: &Transcript, interviewers: &[String], folder: &Path) -> Self {
        Rows {
            codings: Spool::new(folder),
            csv: Spool::new(folder),
            turns: Spool::with_room(folder, transcript.units.len() * TURN),
            respondents: Vec::new(),
            counts: Counts::default(),
            codes: BTreeMap::new(),
            flags: BTreeMap::new(),
            guessed: guessed(transcript),
            met: labels_met(transcript, interviewers),
        }
    }

    fn tally(&mut self, coding: &Coding) {
        let code = self.codes.entry(coding.code.clone()).or_default();
        if coding.confidence < PROPOSED {
            self.counts.weak += 1;
            code.weak += 1;
            return;
        }
        self.counts.proposed += 1;
        code.proposed += 1;
        code.confidence += coding.confidence;
        for &flag in &coding.flags {
            *self.flags.entry(flag).or_default() += 1;
        }
    }
}

/// Labels that were taken for an interviewer by how they speak.
fn guessed(transcript: &Transcript) -> Vec<String> {
    let interviewers = transcript.speakers.iter().filter(|s| s.guessed && s.role == SpeakerRole::Interviewer);
    interviewers.map(|speaker| speaker.name.clone()).collect()
}

/// How much a respondent said in one transcript.
#[derive(Default)]
struct Spoken {
    respondent: String,
    turns: usize,
    words: usize,
    proposed: usize,
}

/// Writes the rows of one transcript as they come and keeps none of them.
struct Scribe<'s> {
    plan: &'s Plan<'s>,
    transcript: &'s Transcript,
    rows: Rows,
    /// Codings that wait for other confidences: those see all of an interview at once.
    waiting: Coded,
    spoken: BTreeMap<String, Spoken>,
    /// Turn of the last proposal, and the segments with a proposal in it.
    last: (Option<usize>, BTreeSet<(usize, usize)>),
    /// Turns with a proposal.
    coded: usize,
}

impl<'s> Scribe<'s> {
    fn new(plan: &'s Plan<'s>, transcript: &'s Transcript, folder: &Path) -> Self {
        Scribe {
            plan,
            transcript,
            rows: Rows::new(transcript, &plan.run.read.interviewers, folder),
            waiting: Coded::default(),
            spoken: BTreeMap::new(),
            last: Default::default(),
            coded: 0,
        }
    }

    fn write(&mut self, coding: &Coding) -> Result<(), StoreError> {
        self.rows.tally(coding);
        if coding.confidence >= PROPOSED {
            self.proposal(coding);
        }
        self.rows.codings.add(|out| rows::push_coding(out, coding))?;
        self.rows.csv.add(|out| self.plan.codings.push(out, coding))
    }

    /// Adds to what is known of a speaker.
    fn spoke(&mut self, speaker: &str, add: impl FnOnce(&mut Spoken)) {
        match self.spoken.get_mut(speaker) {
            Some(spoken) => add(spoken),
            None => add(self.spoken.entry(speaker.to_string()).or_default()),
        }
    }

    fn proposal(&mut self, coding: &Coding) {
        self.spoke(&coding.speaker, |spoken| spoken.proposed += 1);
        let (turn, segments) = &mut self.last;
        if turn.replace(coding.turn) != Some(coding.turn) {
            self.coded += 1;
            segments.clear();
        }
        self.rows.counts.segments += usize::from(segments.insert((coding.start, coding.end)));
    }

    fn finish(mut self) -> Result<Rows, StoreError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        if let Some(refit) = self.plan.run.refit {
            waiting.n_answers = self.rows.counts.answers;
            waiting.refit(self.plan.run.codebook, refit);
        }
        waiting.codings.iter().try_for_each(|coding| self.write(coding))?;
        self.rows.counts.uncoded = self.rows.counts.answers - self.coded;
        self.rows.respondents = self.respondents();
        Ok(self.rows)
    }

    /// The rows of `respondents.csv`: a respondent as used in this transcript.
    fn respondents(&self) -> Vec<u8> {
        let known: FxHashMap<&str, &Speaker> = self.transcript.speakers.iter().map(|s| (&*s.name, s)).collect();
        let mut out = Vec::new();
        for (speaker, spoken) in self.spoken.iter().filter(|(_, spoken)| spoken.turns > 0) {
            let mut line = Line::new(self.plan.run.cells);
            for text in [&self.transcript.name, speaker, &spoken.respondent] {
                line.cell(text.as_bytes());
            }
            let value = |name| known.get(speaker.as_str()).and_then(|known| known.attributes.get(name));
            let values = self.plan.respondents.iter().map(|name| value(name).map_or("", String::as_str));
            values.for_each(|value| line.cell(value.as_bytes()));
            for n in [spoken.turns, spoken.words, spoken.proposed] {
                line.cell(n.to_string().as_bytes());
            }
            out.extend(line.end());
        }
        out
    }
}

impl Take for Scribe<'_> {
    type Error = StoreError;

    fn segment(&mut self, rows: Vec<(Coding, f64)>) -> Result<(), StoreError> {
        if self.plan.run.refit.is_none() {
            return rows.iter().try_for_each(|(coding, _)| self.write(coding));
        }
        let Ok(()) = self.waiting.segment(rows);
        Ok(())
    }

    fn turn(&mut self, turn: TurnRow<&str>) -> Result<(), StoreError> {
        let counts = &mut self.rows.counts;
        counts.turns += 1;
        counts.words += turn.words;
        if turn.speaker_role == SpeakerRole::Respondent {
            counts.answers += 1;
            self.spoke(turn.speaker, |spoken| {
                turn.respondent.clone_into(&mut spoken.respondent);
                spoken.turns += 1;
                spoken.words += turn.words;
            });
        }
        self.rows.turns.add(|out| rows::push_turn(out, &turn))
    }
}

/// The files of a run as they grow, in the order of the corpus.
struct Book<'a> {
    plan: &'a Plan<'a>,
    codings: Part,
    csv: Part,
    turns: Part,
    respondents: Part,
    inputs: List<Source>,
    report: Report<List<FileReport>>,
    findings: Findings,
    /// Places in the corpus of the files that were processed, where there is a table of respondents.
    processed: Vec<u32>,
    /// Places of the labels of interviewers that some transcript has.
    met: BTreeSet<usize>,
    copies: Copies,
}

impl<'a> Book<'a> {
    fn open(plan: &'a Plan<'a>, partial: &Partial) -> Result<Self, StoreError> {
        let mut csv = partial.part("codings.csv")?;
        csv.append(&plan.codings.header())?;
        let mut respondents = partial.part("respondents.csv")?;
        respondents.append(&plan.respondents_header())?;
        Ok(Book {
            plan,
            codings: partial.part("codings.jsonl")?,
            csv,
            turns: partial.part("turns.jsonl")?,
            respondents,
            inputs: List::new(partial.root()),
            report: Report::new(List::new(partial.root())),
            findings: Findings::default(),
            processed: Vec::new(),
            met: BTreeSet::new(),
            copies: Copies::of(plan.run.corpus.inputs.len()),
        })
    }

    fn enter(&mut self, i: usize, mut file: File) -> Result<(), StoreError> {
        self.note_copy(i, &mut file);
        let refusal = file.found.iter().find(|d| d.severity == Severity::Error);
        if let (Some(refusal), true) = (refusal, self.plan.run.fail_fast) {
            return Err(StoreError::Refused(refusal.line()));
        }
        if let Some((source, rows)) = file.rows {
            self.codings.spooled(&rows.codings)?;
            self.csv.spooled(&rows.csv)?;
            self.turns.spooled(&rows.turns)?;
            self.respondents.append(&rows.respondents)?;
            self.inputs.push(&source)?;
            self.processed.extend((!self.plan.run.respondents.rows().is_empty()).then_some(i as u32));
            self.tell(&source.transcript, rows);
        }
        file.found.into_iter().for_each(|problem| self.problem(problem));
        self.report(file.report)
    }

    fn problem(&mut self, problem: Diagnostic) {
        if problem.severity == Severity::Note {
            self.findings.n_notes += 1;
            return;
        }
        let n = self.findings.n_problems.entry(problem.code).or_default();
        *n += 1;
        if *n <= TOLD {
            self.findings.problems.push(problem);
        }
    }

    fn report(&mut self, file: FileReport) -> Result<(), StoreError> {
        self.report.count(&file);
        self.report.files.push(&file)?;
        if file.outcome == Outcome::Rejected {
            self.findings.refused.push(file);
        }
        Ok(())
    }

    /// Two files with the same bytes are usually one interview given twice.
    fn note_copy(&mut self, i: usize, file: &mut File) {
        let (Some(digest), Some(_)) = (&file.report.sha256, &file.rows) else { return };
        let inputs = &self.plan.run.corpus.inputs;
        let first = self.copies.first(digest, i, |other| inputs.bytes(other) == inputs.bytes(i));
        if first == i {
            return;
        }
        let message = format!("the same bytes as {}; both are in the study", inputs.get(first).source);
        file.found.push(Diagnostic::note("W_DUPLICATE", &*file.report.path, message).help("remove one of them"));
        let kept = (file.report.sha256.take(), file.report.transcript.take(), file.report.counts);
        file.report = FileReport::new(&file.report.path, Outcome::Processed, &file.found);
        (file.report.sha256, file.report.transcript, file.report.counts) = kept;
    }

    fn tell(&mut self, transcript: &str, rows: Rows) {
        for (code, one) in rows.codes {
            let all = self.findings.codes.entry(code).or_default();
            all.proposed += one.proposed;
            all.weak += one.weak;
            all.confidence += one.confidence;
        }
        for (flag, n) in rows.flags {
            *self.findings.flags.entry(flag).or_default() += n;
        }
        self.met.extend(rows.met);
        if !rows.guessed.is_empty() {
            self.findings.guessed.push((transcript.to_string(), rows.guessed));
        }
        if rows.counts.uncoded > 0 {
            self.findings.uncoded.rank(transcript, rows.counts);
        }
    }

    /// Labels of interviewers that the user named and no transcript has.
    fn unmet(&self) -> impl Iterator<Item = Diagnostic> {
        let labels = self.plan.run.read.interviewers.iter().enumerate();
        labels.filter(|(i, label)| !label.is_empty() && !self.met.contains(i)).map(|(_, label)| {
            let message = format!("no transcript has a speaker called {label:?}");
            Diagnostic::warning("W_INTERVIEWER", "--interviewer", message)
                .help("write the label as the transcripts do")
        })
    }

    /// Rows of `respondents.csv` without a transcript, and the other way round.
    fn unused(&self) -> Vec<Diagnostic> {
        let run = self.plan.run;
        if run.respondents.rows().is_empty() {
            return Vec::new();
        }
        let read: Vec<Input> = self.processed.iter().map(|&i| run.corpus.inputs.get(i as usize)).collect();
        let read: Vec<_> = read.iter().map(|input| (input.name.as_str(), input.source.as_str())).collect();
        run.respondents.check(&read)
    }

    fn close(mut self, partial: &mut Partial, manifest: &mut Manifest) -> Result<(Report<()>, Findings), StoreError> {
        let mut unused = self.unused();
        unused.extend(self.unmet());
        for found in &self.plan.run.corpus.left_out {
            self.report(FileReport::left_out(found))?;
        }
        let left_out = self.plan.run.corpus.left_out.iter();
        left_out.chain(&unused).cloned().for_each(|problem| self.problem(problem));
        for part in [self.codings, self.csv, self.turns, self.respondents] {
            partial.close(part)?;
        }
        self.report.problems = unused.iter().map(Problem::from).collect();
        partial.json("report.json", &self.report)?;
        let mut whole = manifest.clone().with_inputs(self.inputs);
        whole.files = partial.files().clone();
        whole.seal().map_err(|error| StoreError::io(partial.root(), error))?;
        partial.json("manifest.json", &whole)?;
        manifest.run = whole.run;
        partial.sync(self.report.processed)?;
        Ok((self.report.with_files(()), self.findings))
    }
}
