//! Names and paths in a study folder, in one place.

use std::path::{Path, PathBuf};

/// Files that a run publishes, as named at the top of the study folder.
pub const PUBLISHED: [&str; 7] =
    ["manifest.json", "codings.jsonl", "codings.csv", "turns.jsonl", "respondents.csv", "report.json", "texts"];

/// Folders of runs that were not finished begin so.
pub const PARTIAL: &str = ".partial-";

/// A study folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    root: PathBuf,
}

impl Study {
    /// The study at this path; nothing is read or made.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Study { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `codings.jsonl`.
    pub fn codings(&self) -> PathBuf {
        self.root.join("codings.jsonl")
    }

    /// `turns.jsonl`.
    pub fn turns(&self) -> PathBuf {
        self.root.join("turns.jsonl")
    }

    /// `manifest.json`.
    pub fn manifest(&self) -> PathBuf {
        self.root.join("manifest.json")
    }

    /// `report.json`.
    pub fn report(&self) -> PathBuf {
        self.root.join("report.json")
    }

    /// The plain text of a transcript; its name may hold a folder.
    pub fn text(&self, transcript: &str) -> PathBuf {
        self.root.join("texts").join(format!("{transcript}.txt"))
    }

    /// The journal of decisions.
    pub fn journal(&self) -> PathBuf {
        self.root.join("study.sqlite")
    }

    /// The link to the run that is published.
    pub fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    /// Where runs lie, by digest.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The lock file of the run under way.
    pub fn lock(&self) -> PathBuf {
        self.root.join(".lock")
    }

    /// Where the run of this process is made.
    pub fn partial(&self) -> PathBuf {
        self.root.join(format!("{PARTIAL}{}", std::process::id()))
    }
}
