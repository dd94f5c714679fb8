//! What a run was made from and what it made: `manifest.json` and `report.json`. Public contracts.
//!
//! Comes in: digests, options, outcomes. Goes out: JSON that is the same for the same inputs. Never happens here: a
//! clock, a thread count, a path of the machine.

use super::StoreError;
use super::digest::{Digest, Digesting};
use super::layout::Study;
use crate::codebook::Codebook;
use crate::diagnostic::{Diagnostic, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

/// Value of [`Manifest::schema`].
pub const MANIFEST_SCHEMA: &str = "precode.manifest/1";

/// Value of [`Report::schema`].
pub const REPORT_SCHEMA: &str = "precode.report/1";

/// Value of [`Origin::name`] for the confidence that comes with the codebook.
pub const SHIPPED: &str = "shipped";

/// Name in [`Manifest::options`] of the digest of the codebook's own confidence, where another confidence was put over it.
pub const UNDERLYING: &str = "confidence-underlying";

/// A file that a run was made from, by its name without folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// File name, or [`SHIPPED`].
    pub name: String,
    /// Digest of its bytes, and of all files that it names; empty where there is none.
    pub sha256: String,
}

/// A transcript of the study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Path below the input folder.
    pub source: String,
    /// Name of the transcript.
    pub transcript: String,
    /// Format that read it.
    pub format: String,
    /// Size of the file.
    pub bytes: u64,
    /// Digest of the file.
    pub sha256: String,
    /// Digest of `texts/<transcript>.txt`.
    pub text_sha256: String,
}

/// `manifest.json`; its list of transcripts in memory, or in another form that is written as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest<I = Vec<Source>> {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// `precode`.
    pub program: String,
    /// Version of the program.
    pub version: String,
    /// Digest over everything below and every published file: the name of the run.
    pub run: String,
    /// Options that change results, as given or by default.
    pub options: BTreeMap<String, String>,
    /// The lexicon with its context file.
    pub lexicon: Origin,
    /// Where confidences come from.
    pub confidence: Origin,
    /// Files with attributes of respondents.
    pub respondents: Vec<Origin>,
    /// What may be coded.
    pub codebook: Codebook,
    /// The transcripts, in order.
    pub inputs: I,
    /// The other published files but `texts/`.
    pub files: BTreeMap<String, Digest>,
}

impl Manifest {
    /// Reads the manifest of a study.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn load(study: &Study) -> Result<Manifest, StoreError> {
        let path = study.manifest();
        let bytes = std::fs::read(&path).map_err(|e| StoreError::io(&path, e))?;
        serde_json::from_slice(&bytes).map_err(|e| StoreError::Damaged {
            path,
            line: e.line(),
            message: e.to_string(),
        })
    }

    /// True when the run is called as its contents say.
    pub fn is_sealed(&self) -> bool {
        let mut again = self.clone();
        again.seal().is_ok_and(|()| again.run == self.run)
    }
}

impl<I: Serialize> Manifest<I> {
    /// Names the run by the digest of all that it consists of.
    ///
    /// # Errors
    /// When the list of transcripts cannot be read back.
    pub fn seal(&mut self) -> std::io::Result<()> {
        self.run.clear();
        let mut all = Digesting::new(std::io::sink());
        write_json(&mut all, self)?;
        self.run = all.finish().1.sha256[..16].to_string();
        Ok(())
    }

    /// The same with other transcripts.
    pub fn with_inputs<J>(self, inputs: J) -> Manifest<J> {
        let Manifest { schema, program, version, run, options, lexicon, confidence, respondents, codebook, .. } =
            self;
        let files = self.files;
        Manifest { schema, program, version, run, options, lexicon, confidence, respondents, codebook, inputs, files }
    }
}

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Its rows are in the study.
    Processed,
    /// Refused, with a reason; no row of it is in the study.
    Rejected,
    /// Not an input: a link, a device.
    Skipped,
    /// Its participant withdrew: no row of it is in the study, whatever the file says now.
    Forgotten,
}

/// A problem in a file, without any words of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `note`, `warning` or `error`.
    pub severity: String,
    /// Stable name.
    pub code: String,
    /// Bytes before the place.
    pub byte: Option<usize>,
    /// Line from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl From<&Diagnostic> for Problem {
    fn from(d: &Diagnostic) -> Problem {
        Problem {
            severity: d.severity_name().to_string(),
            code: d.code.to_string(),
            byte: d.byte,
            line: d.line,
            message: d.message.clone(),
            help: d.help.clone(),
        }
    }
}

/// Counts of one transcript.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All turns.
    pub turns: usize,
    /// Turns of respondents.
    pub answers: usize,
    /// Answers without any code.
    pub uncoded: usize,
    /// Words of all turns.
    pub words: usize,
    /// Segments with at least one proposed code.
    pub segments: usize,
    /// Proposed codings.
    pub proposed: usize,
    /// Codings below the threshold.
    pub weak: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.turns += other.turns;
        self.answers += other.answers;
        self.uncoded += other.uncoded;
        self.words += other.words;
        self.segments += other.segments;
        self.proposed += other.proposed;
        self.weak += other.weak;
    }
}

/// One file in `report.json`. `code`, `byte`, `line` and `message` are those of its first and gravest problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Path below the input folder.
    pub path: String,
    /// Digest of the file, when it could be read.
    pub sha256: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Name of the transcript, when it is in the study.
    pub transcript: Option<String>,
    /// Stable name of the problem.
    pub code: Option<String>,
    /// Bytes before the place.
    pub byte: Option<usize>,
    /// Line from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: Option<String>,
    /// All problems, in the order in which they were found.
    pub problems: Vec<Problem>,
    /// Counts, when it is in the study.
    pub counts: Option<Counts>,
}

impl FileReport {
    /// A file that ended so, with what was found in it.
    pub fn new(path: &str, outcome: Outcome, found: &[Diagnostic]) -> Self {
        let gravest = found.iter().rev().max_by_key(|d| d.severity);
        FileReport {
            path: path.to_string(),
            sha256: None,
            outcome,
            transcript: None,
            code: gravest.map(|d| d.code.to_string()),
            byte: gravest.and_then(|d| d.byte),
            line: gravest.and_then(|d| d.line),
            message: gravest.map(|d| d.message.clone()),
            problems: found.iter().map(Problem::from).collect(),
            counts: None,
        }
    }

    /// What a walk left out.
    pub fn left_out(found: &Diagnostic) -> Self {
        let outcome = if found.severity == Severity::Error { Outcome::Rejected } else { Outcome::Skipped };
        FileReport::new(&found.path, outcome, std::slice::from_ref(found))
    }
}

/// `report.json`: what became of every file; its list of files in memory, or in another form that is written as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report<F = Vec<FileReport>> {
    /// [`REPORT_SCHEMA`].
    pub schema: String,
    /// Files whose rows are in the study.
    pub processed: usize,
    /// Files refused.
    pub rejected: usize,
    /// Files processed, with something to look at.
    pub with_notes: usize,
    /// Counts over all transcripts.
    pub counts: Counts,
    /// The files, in order; then what the walk left out.
    pub files: F,
    /// Problems of the study as a whole: rows of `respondents.csv` without a file, and the like.
    pub problems: Vec<Problem>,
}

impl<F> Report<F> {
    /// Nothing was counted yet.
    pub fn new(files: F) -> Self {
        Report {
            schema: REPORT_SCHEMA.to_string(),
            processed: 0,
            rejected: 0,
            with_notes: 0,
            counts: Counts::default(),
            files,
            problems: Vec::new(),
        }
    }

    /// The same with other files.
    pub fn with_files<G>(self, files: G) -> Report<G> {
        let Report { schema, processed, rejected, with_notes, counts, problems, .. } = self;
        Report { schema, processed, rejected, with_notes, counts, files, problems }
    }

    /// Counts the outcome of one file.
    pub fn count(&mut self, file: &FileReport) {
        self.processed += usize::from(file.outcome == Outcome::Processed);
        self.rejected += usize::from(file.outcome == Outcome::Rejected);
        self.with_notes += usize::from(file.outcome == Outcome::Processed && !file.problems.is_empty());
        self.counts += file.counts.unwrap_or_default();
    }
}

/// Indented JSON with a line end.
///
/// # Errors
/// When the writer fails.
pub fn write_json<T: Serialize>(out: impl Write, value: &T) -> std::io::Result<()> {
    // A digest takes many bytes at once far sooner than a few at a time.
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_problem_stands_for_the_file() {
        let found = [
            Diagnostic::note("W_BOM", "a", "a mark"),
            Diagnostic::error("E_UTF8", "a", "not UTF-8").at_line(3),
            Diagnostic::error("E_LATER", "a", "later"),
        ];
        let report = FileReport::new("a", Outcome::Rejected, &found);
        assert_eq!((report.code.as_deref(), report.line, report.problems.len()), (Some("E_UTF8"), Some(3), 3));
    }

    #[test]
    fn outcomes_are_counted() {
        let note = Diagnostic::note("W_BOM", "a", "a mark");
        let files = [
            FileReport::new("a", Outcome::Processed, &[]),
            FileReport::new("b", Outcome::Processed, std::slice::from_ref(&note)),
            FileReport::left_out(&note),
            FileReport::left_out(&Diagnostic::error("E_IO", "c", "cannot be listed")),
        ];
        let mut report = Report::new(());
        files.iter().for_each(|file| report.count(file));
        assert_eq!((report.processed, report.rejected, report.with_notes), (2, 1, 1));
    }
}
