//! `precode where`: every file that holds words of the participants, for a data statement and for deleting.

use super::{Console, Exit};
use crate::store::corpus;
use crate::store::forget::FORGOTTEN;
use crate::store::layout::{PARTIAL, Study};
use crate::store::manifest::Manifest;
use crate::store::places::{PLACES, Places};
use crate::store::publish;
use clap::Args;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// List every file that holds words of transcripts, or names
///
/// In the study folder, and the transcripts that it was made from. What was exported or copied elsewhere is not known.
#[derive(Args)]
#[command(after_help = "Example:\n  precode where study")]
pub struct WhereArgs {
    /// The study folder
    pub(super) study: PathBuf,
}

/// Runs the command.
pub fn list(args: &WhereArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let study = Study::at(&args.study);
    let mut files = BTreeSet::new();
    below(study.root(), &mut files)?;
    for path in &files {
        let inside = path.strip_prefix(study.root()).unwrap_or(path);
        console.say(&line(holds(inside), path))?;
    }
    inputs(&study, console)?;
    console.say("Copies and exports elsewhere, backups and the trash are not known to this program.")?;
    Ok(Exit::Done)
}

fn line(holds: &str, path: &Path) -> String {
    format!("{holds:<8} {}", crate::diagnostic::escape(&path.to_string_lossy()))
}

/// `words` of transcripts, `names` of people and files, or neither, by the place of a file in the study.
fn holds(inside: &Path) -> &'static str {
    let parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let name = parts.last().map_or("", String::as_str);
    let in_run = parts[0] == "runs" || parts[0].starts_with(PARTIAL) || parts.len() == 1 || parts[0] == "texts";
    match name {
        "manifest.json" | "turns.jsonl" | "respondents.csv" | "report.json" | PLACES if in_run => "names",
        "seen.jsonl" | "recall.jsonl" | FORGOTTEN => "names",
        ".lock" | "study.last" => "neither",
        // Weights of single words are words, where it was learned with them.
        "confidence.json" => "words",
        _ if [".review", "learn"].contains(&parts[0].as_str()) => "names",
        _ => "words",
    }
}

/// Regular files below a folder; links lead to what is listed anyway.
fn below(folder: &Path, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => below(&entry.path(), found)?,
            kind if kind.is_file() => drop(found.insert(entry.path())),
            _ => {}
        }
    }
    Ok(())
}

/// The transcripts, where they lie where they did.
fn inputs(study: &Study, console: &mut Console) -> anyhow::Result<()> {
    let manifest = Manifest::load(&publish::pin(study)?.study)?;
    let places = Places::load(study, &manifest.run);
    let roots: Vec<PathBuf> = places.inputs.iter().map(PathBuf::from).collect();
    match corpus::walk(&roots, &[study.root().to_path_buf()]) {
        Ok(corpus) if !roots.is_empty() => {
            corpus.inputs.iter().try_for_each(|input| console.say(&line("words", &input.path)))?;
            corpus.respondents.iter().try_for_each(|path| console.say(&line("names", path)))?;
        }
        _ => console.say("The transcripts that the study was made from are not where they were.")?,
    }
    Ok(())
}
