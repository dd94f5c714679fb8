//! What the tools around a lexicon read: folders of transcripts, or a study that was made of some.
//!
//! Never happens here: another way of reading than that of `precode code`.

use super::code::load_respondents;
use super::console::Console;
use crate::diagnostic::Severity;
use crate::lexicon::{self, Lexicon};
use crate::pipeline::Options;
use crate::segment::Unit;
use crate::store::corpus::{self, Input};
use crate::store::layout::Study;
use crate::store::manifest::Manifest;
use crate::store::reread::Reread;
use crate::store::seen::{self, Seen};
use crate::transcript::respondents::{self, Respondents};
use crate::transcript::{self, ReadOptions, Transcript};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where transcripts come from.
pub enum Folder {
    /// Files, with what is known of the respondents.
    Files(Vec<Input>, Respondents),
    /// A study.
    Study(Study, Reread),
}

impl Folder {
    /// Opens folders, files, or one study; `None` after having said what is wrong.
    pub fn open(roots: &[PathBuf], console: &mut Console) -> Option<Folder> {
        if let [root] = roots
            && root.join("turns.jsonl").exists()
        {
            let study = Study::at(root);
            let reread = Reread::open(&study).map_err(|error| console.warn(&format!("error: {error}"))).ok()?;
            return Some(Folder::Study(study, reread));
        }
        let corpus = corpus::walk(roots, &[]).map_err(|error| {
            let names: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
            console.warn(&format!("error: {}: {error}; name a folder with transcripts", names.join(", ")));
        });
        let corpus = corpus.ok()?;
        let (respondents, _) = load_respondents(&corpus.respondents, console)?;
        Some(Folder::Files(corpus.inputs.iter().collect(), respondents))
    }

    /// The study, where it is one.
    pub fn study(&self) -> Option<&Study> {
        if let Folder::Study(study, _) = self { Some(study) } else { None }
    }
}

/// Hands every transcript to `look`, in order. Files that cannot be read are told and left out.
pub fn each(folder: &Folder, console: &mut Console, mut look: impl FnMut(&Transcript)) {
    match folder {
        Folder::Files(inputs, known) => {
            inputs.iter().filter_map(|input| read(input, known, console)).for_each(|transcript| look(&transcript));
        }
        Folder::Study(_, reread) => {
            for name in reread.names() {
                match reread.transcript(name) {
                    Ok(transcript) => transcript.iter().for_each(&mut look),
                    Err(error) => console.warn(&format!("error: {error}")),
                }
            }
        }
    }
}

fn read(input: &Input, known: &Respondents, console: &mut Console) -> Option<Transcript> {
    let options = ReadOptions::default();
    let bytes = corpus::read(input, options.max_bytes).map_err(|problem| console.problems([&*problem])).ok()?;
    let read = transcript::read(&bytes, &input.source, &options).map_err(|problems| {
        console.problems(problems.iter().filter(|problem| problem.severity == Severity::Error));
    });
    let mut transcript = read.ok()?;
    transcript.name.clone_from(&input.name);
    respondents::attach(&mut transcript, known);
    Some(transcript)
}

/// A codebook; `None` after having said what is wrong with it.
pub fn codebook(path: &Path, console: &mut Console) -> Option<Lexicon> {
    let loaded = lexicon::load(path);
    loaded.map(|(lexicon, _)| lexicon).map_err(|found| found.iter().for_each(|p| console.warn(&p.block()))).ok()
}

/// The codebook of a study: the one given, else the file of its name here, in `lexicons/` or beside the study. Says
/// when it is another version than that of the study.
pub fn codebook_of(
    study: &Study,
    manifest: &Manifest,
    given: Option<&Path>,
    console: &mut Console,
) -> Option<Lexicon> {
    let name = Path::new(&manifest.lexicon.name);
    let beside = study.root().parent().unwrap_or(Path::new(""));
    let places =
        [name.to_path_buf(), Path::new("lexicons").join(name), beside.join(name), beside.join("lexicons").join(name)];
    let path = given.map(Path::to_path_buf).or_else(|| places.into_iter().find(|path| path.is_file()));
    let Some(path) = path else {
        console.warn(&format!("error: the codebook {} is not here; help: give it with --codebook", name.display()));
        return None;
    };
    let lexicon = codebook(&path, console)?;
    if lexicon.digest != manifest.lexicon.sha256 {
        let path = path.display();
        console.warn(&format!(
            "warning: {path} is another version than the study was coded with; what follows is by {path}"
        ));
    }
    Some(lexicon)
}

/// The choices that a study was coded with.
pub fn options_of(manifest: &Manifest) -> Options {
    let unit = match manifest.options.get("unit").map(String::as_str) {
        Some("paragraph") => Unit::Paragraph,
        Some("sentence") => Unit::Sentence,
        _ => Unit::Answer,
    };
    Options { unit }
}

/// Notes in the study which answers were shown, so that no figure on them passes for validation.
///
/// # Errors
/// When the note cannot be written.
pub fn remember(study: &Study, codebook: &str, by: &str, shown: BTreeSet<(String, usize)>) -> std::io::Result<()> {
    let (codebook, by) = (codebook.to_string(), by.to_string());
    let line =
        |(transcript, turn)| Seen { transcript, turn, codebook: codebook.clone(), by: by.clone(), coder: None };
    seen::append(study, shown.into_iter().map(line)).map(|_| ())
}
