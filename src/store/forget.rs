//! A participant withdrew: their words leave the study, and a line without words says so.
//!
//! Comes in: a study, names of transcripts. Goes out: `forgotten.jsonl` at the top of the study, and a published set
//! without them. Never happens here: a change to the transcripts themselves, which lie elsewhere; a look at decisions
//! (see [`super::journal::Journal::forget`]).
//!
//! The line is written first. Whatever stops the program after that, the next `precode code` leaves the transcript out,
//! and the same command again does what is left to do.

use super::StoreError;
use super::layout::Study;
use super::manifest::{FileReport, Manifest, Outcome, Report, Source};
use super::places::Places;
use super::publish::{self, Part, Partial};
use super::rows::{self, Cells, Line};
use crate::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A line of `forgotten.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Name of the transcript.
    pub transcript: String,
    /// Path of the file below the input folder; empty where only decisions were left of it.
    pub source: String,
    /// Digest of the file, by which a copy of it is known; empty like the path.
    pub sha256: String,
}

/// Everything that a study has forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten(BTreeSet<Withdrawn>);

impl Forgotten {
    /// What `forgotten.jsonl` names; nothing where there is none.
    ///
    /// # Errors
    /// When a line is none of ours: then nothing may be read again.
    pub fn load(study: &Study) -> Result<Forgotten, StoreError> {
        let path = path(study);
        match path.exists() {
            true => Ok(Forgotten(rows::read(&path)?.collect::<Result<_, _>>()?)),
            false => Ok(Forgotten::default()),
        }
    }

    /// True for the path of a file that was forgotten.
    pub fn has_path(&self, source: &str) -> bool {
        self.0.iter().any(|one| one.source == source)
    }

    /// True for the digest of one.
    pub fn has_bytes(&self, sha256: &str) -> bool {
        self.0.iter().any(|one| one.sha256 == sha256)
    }

    /// The one with this name, or this path.
    pub fn of(&self, name: &str) -> Option<&Withdrawn> {
        self.0.iter().find(|one| one.transcript == name || one.source == name)
    }

    /// Names of the transcripts.
    pub fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(|one| one.transcript.as_str()).collect()
    }

    /// Adds these, durably.
    ///
    /// # Errors
    /// When the disk does not take it: nothing was forgotten.
    pub fn add(&mut self, study: &Study, more: &[Withdrawn]) -> Result<(), StoreError> {
        self.0.extend(more.iter().cloned());
        let mut lines = Vec::new();
        for one in &self.0 {
            serde_json::to_writer(&mut lines, one).map_err(|e| StoreError::io(path(study), e.into()))?;
            lines.push(b'\n');
        }
        publish::put(study, &path(study), &lines)
    }
}

/// `forgotten.jsonl` of a study.
fn path(study: &Study) -> PathBuf {
    study.root().join(FORGOTTEN)
}

/// Name of the file at the top of the study.
pub const FORGOTTEN: &str = "forgotten.jsonl";

/// What is said of a file that was forgotten and lies among the inputs.
pub fn note(source: &str) -> Diagnostic {
    Diagnostic::warning("W_FORGOTTEN", source, "was forgotten with `precode forget`; left out")
        .help("delete the file, or take it out of the folder")
}

/// The transcripts of the published set with this name or this path below the input folder, and those that have the
/// same bytes as one of them.
pub fn find(manifest: &Manifest, name: &str) -> Vec<Withdrawn> {
    let is_named = |digest: &str| {
        let mut same = manifest.inputs.iter().filter(|input| input.sha256 == digest);
        same.any(|input| input.transcript == name || input.source == name)
    };
    let found = manifest.inputs.iter().filter(|input| is_named(&input.sha256));
    let withdrawn = |input: &Source| Withdrawn {
        transcript: input.transcript.clone(),
        source: input.source.clone(),
        sha256: input.sha256.clone(),
    };
    found.map(withdrawn).collect()
}

/// Publishes the set anew without what was forgotten, and clears the former one away. Says what could not be cleared:
/// there the words still are. The caller holds the study's lock.
///
/// # Errors
/// When a published file cannot be read or the disk fails: the set is as it was.
pub fn publish_without(study: &Study, forgotten: &Forgotten) -> Result<Vec<PathBuf>, StoreError> {
    // Begun in any case: it removes what runs that were killed have left.
    let mut partial = Partial::begin(study)?;
    let manifest = Manifest::load(study)?;
    let names = forgotten.names();
    if !manifest.inputs.iter().any(|input| names.contains(input.transcript.as_str())) {
        drop(partial);
        return Ok(publish::former(study));
    }
    let places = Places::load(study, &manifest.run);
    let manifest = Filter { study, names: &names, cells: cells(&manifest) }.write(&mut partial, manifest)?;
    let mut left = partial.publish(&manifest.run)?;
    left.extend(publish::former(study));
    left.sort_unstable();
    left.dedup();
    // Lost, it is asked for by `precode verify`.
    let _ = Places { run: manifest.run, ..places }.keep(study);
    Ok(left)
}

/// How cells of the set's CSV files are written.
fn cells(manifest: &Manifest) -> Cells {
    let is_for_sheets = manifest.options.get("spreadsheet").is_some_and(|value| value == "true");
    if is_for_sheets { Cells::Spreadsheet } else { Cells::Exact }
}

/// What of a published set is not written again.
struct Filter<'a> {
    study: &'a Study,
    names: &'a BTreeSet<&'a str>,
    cells: Cells,
}

/// The one field that says whose row it is.
#[derive(Deserialize)]
struct Named {
    transcript: String,
}

impl Filter<'_> {
    /// Writes the whole set but for what is left out; the manifest says what it is now.
    fn write(&self, partial: &mut Partial, mut manifest: Manifest) -> Result<Manifest, StoreError> {
        let out = self.lines("codings.jsonl", partial)?;
        self.cells("codings.csv", partial, |n, _| out.contains(&n))?;
        self.lines("turns.jsonl", partial)?;
        let cells: BTreeSet<Vec<u8>> = self.names.iter().map(|name| as_cell(name, self.cells)).collect();
        self.cells("respondents.csv", partial, |_, row| row.get(0).is_some_and(|cell| cells.contains(cell)))?;
        partial.json("report.json", &self.report()?)?;
        manifest.inputs.retain(|input| !self.names.contains(input.transcript.as_str()));
        for input in &manifest.inputs {
            let path = self.study.text(&input.transcript);
            let text = std::fs::read_to_string(&path).map_err(|e| StoreError::io(&path, e))?;
            partial.text(&input.transcript, &text)?;
        }
        manifest.files = partial.files().clone();
        manifest.seal().map_err(|error| StoreError::io(partial.root(), error))?;
        partial.json("manifest.json", &manifest)?;
        partial.sync(manifest.inputs.len())?;
        Ok(manifest)
    }

    /// Copies JSON Lines but for the rows of transcripts that are left out; says which, from 0.
    fn lines(&self, name: &str, partial: &mut Partial) -> Result<BTreeSet<usize>, StoreError> {
        let path = self.study.root().join(name);
        let file = File::open(&path).map_err(|e| StoreError::io(&path, e))?;
        let (mut part, mut out) = (partial.part(name)?, BTreeSet::new());
        for (n, line) in BufReader::with_capacity(1 << 18, file).split(b'\n').enumerate() {
            let mut line = line.map_err(|e| StoreError::io(&path, e))?;
            let row: Named = serde_json::from_slice(&line).map_err(|e| StoreError::Damaged {
                path: path.clone(),
                line: n + 1,
                message: e.to_string(),
            })?;
            if self.names.contains(row.transcript.as_str()) {
                out.insert(n);
                continue;
            }
            line.push(b'\n');
            part.append(&line)?;
        }
        partial.close(part)?;
        Ok(out)
    }

    /// Copies a table byte for byte but for the rows, numbered from 0 after the header, that are left out.
    fn cells(
        &self,
        name: &str,
        partial: &mut Partial,
        is_out: impl Fn(usize, &csv::ByteRecord) -> bool,
    ) -> Result<(), StoreError> {
        let path = self.study.root().join(name);
        let failed = |error: io::Error| StoreError::io(&path, error);
        let file = File::open(&path).map_err(failed)?;
        let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
        table.byte_headers().map_err(|e| failed(e.into()))?;
        let (mut kept, mut row, mut n) = (Vec::new(), csv::ByteRecord::new(), 0);
        let mut begin = 0;
        loop {
            let end = table.position().byte();
            // The header, and then each row that stays.
            if n == 0 || !is_out(n - 1, &row) {
                kept.push(begin..end);
            }
            begin = end;
            if !table.read_byte_record(&mut row).map_err(|e| failed(e.into()))? {
                break;
            }
            n += 1;
        }
        let mut part = partial.part(name)?;
        copy(&path, joined(kept), &mut part)?;
        partial.close(part)
    }

    /// The report with a word on each file that is left out, and none of it.
    fn report(&self) -> Result<Report, StoreError> {
        let path = self.study.report();
        let bytes = std::fs::read(&path).map_err(|e| StoreError::io(&path, e))?;
        let was: Report = serde_json::from_slice(&bytes).map_err(|e| StoreError::Damaged {
            path,
            line: e.line(),
            message: e.to_string(),
        })?;
        let mut report = Report { problems: was.problems, ..Report::new(Vec::new()) };
        for file in was.files {
            let is_out = file.transcript.as_deref().is_some_and(|name| self.names.contains(name));
            let file =
                if is_out { FileReport::new(&file.path, Outcome::Forgotten, &[note(&file.path)]) } else { file };
            report.count(&file);
            report.files.push(file);
        }
        Ok(report)
    }
}

/// What a program reads in the cell of a table in which this was written.
fn as_cell(text: &str, cells: Cells) -> Vec<u8> {
    let mut line = Line::new(cells);
    line.cell(text.as_bytes());
    let line = line.end();
    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(&*line).into_byte_records();
    let row = rows.next().and_then(Result::ok).unwrap_or_default();
    row.get(0).map(<[u8]>::to_vec).unwrap_or_default()
}

/// Ranges that follow each other as one.
fn joined(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => all.push(range),
        }
    }
    all
}

fn copy(path: &Path, ranges: Vec<Range<u64>>, part: &mut Part) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::io(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut room = vec![0; 1 << 18];
    for range in ranges {
        file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
        let mut rest = (&file).take(range.end - range.start);
        loop {
            let n = rest.read(&mut room).map_err(failed)?;
            if n == 0 {
                break;
            }
            part.append(&room[..n])?;
        }
    }
    Ok(())
}
