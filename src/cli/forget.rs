//! `precode forget`: a participant withdrew, and their words leave the study.

use super::code::shown;
use super::summary::counted;
use super::{Console, Exit, review};
use crate::store::corpus;
use crate::store::forget::{self, Forgotten, Withdrawn};
use crate::store::journal::Journal;
use crate::store::layout::Study;
use crate::store::manifest::{Manifest, Report};
use crate::store::places::Places;
use crate::store::{StoreError, lock};
use anyhow::Context as _;
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Take every word of a transcript out of the study, as its participant withdrew
///
/// Rows, text and quotations leave the study folder, also those in decisions, and in what was learned. A line without
/// words stays and says so: `precode code` leaves the transcript out from then on. The transcripts themselves are not
/// touched.
#[derive(Args)]
#[command(after_help = "Example:\n  precode forget study b03\n  precode forget study b03 --yes")]
pub struct ForgetArgs {
    /// The study folder
    pub(super) study: PathBuf,

    /// Names of transcripts, as in the column `transcript`, or their paths below the input folder
    #[arg(required = true, value_name = "TRANSCRIPT")]
    transcripts: Vec<String>,

    /// Do it; without this, only tell what would go
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub fn run(args: &ForgetArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let study = Study::at(&args.study);
    let mut forgotten = Forgotten::load(&study)?;
    let Some(meant) = meant(args, &study, &forgotten, console)? else { return Ok(Exit::Usage) };
    let had = had(&study, &meant)?;
    if !args.yes {
        had.iter().try_for_each(|line| console.say(&format!("would go: {line}")))?;
        console.say("Nothing was changed. This cannot be undone. To do it, say --yes.")?;
        return Ok(Exit::Usage);
    }
    // A review, and a run, hold what is to go: neither may be under way.
    let (_review, _run) = (review::lock(&study)?, lock::take(&study)?);
    forgotten.add(&study, &meant)?;
    let left = forget::publish_without(&study, &forgotten)?;
    had.iter().try_for_each(|line| console.say(&format!("forgotten: {line}")))?;
    if study.journal().exists() {
        let n = Journal::open(&study.journal())?.forget(&forgotten.names())?;
        let rows = counted(n, "row");
        console.say(&format!("{rows} of the journal without words from now on: kept, and counting for nothing"))?;
    }
    unlearn(&study, console)?;
    rest(&study, &meant, console)?;
    left.iter().for_each(|path| console.warn(&still_there(path)));
    Ok(if left.is_empty() { Exit::Done } else { Exit::Locked })
}

fn still_there(path: &Path) -> String {
    let path = shown(path);
    format!(
        "error: {path}: a former run with the words, which another program reads; help: end it, then run this again"
    )
}

/// What the names mean; `None` after having said which means nothing.
fn meant(
    args: &ForgetArgs,
    study: &Study,
    forgotten: &Forgotten,
    console: &mut Console,
) -> anyhow::Result<Option<Vec<Withdrawn>>> {
    let (manifest, decided) = (Manifest::load(study)?, decided(study)?);
    let mut meant = Vec::new();
    for name in &args.transcripts {
        let found = find(&manifest, forgotten, &decided, name);
        if found.is_empty() {
            let known = "the names are in the column `transcript` of respondents.csv";
            console.warn(&format!("error: no transcript of the study is called {name:?}; help: {known}"));
            return Ok(None);
        }
        meant.extend(found);
    }
    Ok(Some(meant))
}

/// Transcripts that decisions speak of.
fn decided(study: &Study) -> anyhow::Result<BTreeSet<String>> {
    if !study.journal().exists() {
        return Ok(BTreeSet::new());
    }
    Ok(Journal::open_read(&study.journal())?.transcripts()?)
}

/// What is meant by a name: transcripts of the study, one that was forgotten before, or one of which only decisions are
/// left.
fn find(manifest: &Manifest, forgotten: &Forgotten, decided: &BTreeSet<String>, name: &str) -> Vec<Withdrawn> {
    let found = forget::find(manifest, name);
    if !found.is_empty() {
        return found;
    }
    let before = forgotten.of(name);
    let of_decisions = || {
        let (transcript, empty) = (name.to_owned(), String::new());
        Withdrawn { transcript, source: empty.clone(), sha256: empty }
    };
    before.cloned().or_else(|| decided.contains(name).then(of_decisions)).into_iter().collect()
}

/// What the study has of them, a line each.
fn had(study: &Study, meant: &[Withdrawn]) -> anyhow::Result<Vec<String>> {
    let path = study.report();
    let bytes = std::fs::read(&path).map_err(|e| StoreError::io(&path, e))?;
    let report: Report = serde_json::from_slice(&bytes).with_context(|| shown(&path))?;
    let line = |one: &Withdrawn| {
        let file = report.files.iter().find(|file| file.transcript.as_ref() == Some(&one.transcript));
        let rows = file.and_then(|file| file.counts).map_or("no rows in the study".to_owned(), |counts| {
            let (turns, rows) = (counted(counts.turns, "turn"), counted(counts.proposed + counts.weak, "row"));
            format!("{turns}, {rows} of codings, its text")
        });
        format!("{}: {rows}; quotations in decisions on it", crate::diagnostic::escape(&one.transcript))
    };
    Ok(meant.iter().map(line).collect())
}

/// What was learned is learned with these words too, and may hold them.
fn unlearn(study: &Study, console: &mut Console) -> anyhow::Result<()> {
    let path = study.root().join("confidence.json");
    if path.exists() {
        std::fs::remove_file(&path).map_err(|e| StoreError::io(&path, e))?;
        console.say("confidence.json was learned with them too and is removed; `precode learn` makes it again")?;
    }
    Ok(())
}

/// What is not this program's to delete.
fn rest(study: &Study, meant: &[Withdrawn], console: &mut Console) -> anyhow::Result<()> {
    let places = Places::load(study, &Manifest::load(study)?.run);
    let roots: Vec<PathBuf> = places.inputs.iter().map(PathBuf::from).collect();
    let walked = corpus::walk(&roots, &[study.root().to_path_buf()]).unwrap_or_default();
    let is_meant = |source: &str| meant.iter().any(|one| one.source == source);
    for input in walked.inputs.iter().filter(|input| is_meant(&input.source)) {
        console.say(&format!("still there, and yours to delete: {}", shown(&input.path)))?;
    }
    console.say(
        "Rows of respondents.csv, copies and exports elsewhere, backups and the trash are not known to this program.",
    )?;
    Ok(())
}
