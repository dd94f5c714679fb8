//! Where on this machine the files of a run lay, so that `precode verify` can look at them again.
//!
//! Comes in: paths as typed. Goes out: `.places.json` at the top of the study. It is no published file and lies in no
//! run, since it names folders of this machine: it says which run it speaks of, and is not believed about another.
//! Never happens here: a look at the files.

use super::layout::{PARTIAL, Study};
use super::manifest::write_json;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Name of the file at the top of the study.
pub const PLACES: &str = ".places.json";

/// Absolute paths of what a run was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The run that was made from them.
    pub run: String,
    /// Folders and transcripts, as given.
    pub inputs: Vec<String>,
    /// The codebook.
    pub codebook: String,
    /// Tables of respondents.
    pub respondents: Vec<String>,
    /// The fitted confidence, where one was given.
    pub confidence: Option<String>,
}

impl Places {
    /// What `run` was made from; nothing where that is not known, as in a copy of the published files alone.
    pub fn load(study: &Study, run: &str) -> Places {
        let bytes = std::fs::read(study.root().join(PLACES)).unwrap_or_default();
        let noted: Places = serde_json::from_slice(&bytes).unwrap_or_default();
        if noted.run == run { noted } else { Places::default() }
    }

    /// Keeps them with the study. Written beside and moved there, so that a reader finds the old or the new ones.
    ///
    /// # Errors
    /// When the disk does not take it; the study is whole without.
    pub fn keep(&self, study: &Study) -> std::io::Result<()> {
        let beside = study.root().join(format!("{PARTIAL}{}.json", std::process::id()));
        let mut bytes = Vec::new();
        write_json(&mut bytes, self)?;
        std::fs::write(&beside, bytes)?;
        std::fs::rename(&beside, study.root().join(PLACES))
    }
}

/// The path from the root of the machine. One that is not UTF-8 is not found again, which `verify` says.
pub fn absolute(path: &Path) -> String {
    let found = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    found.unwrap_or_else(|_| PathBuf::from(path)).to_string_lossy().into_owned()
}
