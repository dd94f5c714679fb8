//! Where on this machine the files of a run lay, so that `precode verify` can look at them again.
//!
//! Comes in: paths as typed. Goes out: `places.json` beside the published files of the run, switched to with them. It
//! is not one of them and no digest covers it: it names folders of this machine. Never happens here: a look at the
//! files.

use super::layout::Study;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Name of the file in the folder of a run.
pub const PLACES: &str = "places.json";

/// Absolute paths of what a run was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
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
    /// What the set that `pinned` leads to was made from; nothing where that is not known, as in a copy of the published
    /// files alone.
    pub fn load(pinned: &Study) -> Places {
        let bytes = std::fs::read(pinned.root().join(PLACES)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

/// The path from the root of the machine. One that is not UTF-8 is not found again, which `verify` says.
pub fn absolute(path: &Path) -> String {
    let found = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    found.unwrap_or_else(|_| PathBuf::from(path)).to_string_lossy().into_owned()
}
