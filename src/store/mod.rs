//! The study folder: what lies where in it, how a run gets there whole, and who may write.
//!
//! ```text
//! study/
//!   current -> runs/<digest>      replaced by one rename: readers see the old set or the new one, never a mix
//!   codings.jsonl -> current/codings.jsonl      (likewise every published file)
//!   runs/<digest>/manifest.json codings.jsonl codings.csv turns.jsonl respondents.csv report.json texts/<name>.txt
//!   .places.json                  where the inputs lay on this machine; not published
//!   forgotten.jsonl               transcripts whose participants withdrew; not published
//!   study.sqlite                  the journal of decisions; never touched by `precode code`
//!   .lock                         held by the run under way
//! ```

mod copies;
pub mod corpus;
pub mod digest;
pub mod forget;
pub mod journal;
pub mod layout;
pub mod lock;
pub mod manifest;
pub mod ordered;
pub mod places;
pub mod publish;
pub mod reread;
pub mod rows;
pub mod seen;
pub mod run;
pub mod spool;
pub mod verify;

use std::path::{Path, PathBuf};

/// Why a study could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("{path}: {}", describe(.source), path = shown(.path))]
    Io {
        /// What was opened, written or moved.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another run is under way.
    #[error("{path}: another run is under way: {holder}", path = shown(.path))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Process id and start, as the holder signed.
        holder: String,
    },
    /// Something lies where a published file goes, and it is not ours.
    #[error("{path}: not made by this program; move it away or choose another --out folder", path = shown(.0))]
    Foreign(PathBuf),
    /// Any user of the machine could change the study.
    #[error("{path}: the folder is writable by every user of this machine; run: chmod o-w on it", path = shown(.0))]
    Exposed(PathBuf),
    /// A published file does not say what it should.
    #[error("{path}: line {line}: {message}", path = shown(.path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line from 1.
        line: usize,
        /// What was expected.
        message: String,
    },
    /// An input was refused and the user asked to stop there.
    #[error("stopped with nothing changed, as asked, at {0}")]
    Refused(String),
    /// A signal asked the run to stop.
    #[error("stopped; nothing was changed")]
    Interrupted,
}

impl StoreError {
    /// An operation on `path` failed.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        StoreError::Io { path: path.as_ref().to_path_buf(), source }
    }
}

/// The words of the operating system, with the remedy where there is a plain one.
fn describe(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "no space left; free some and run again".to_string(),
        ErrorKind::PermissionDenied => "no permission to write here; choose another --out folder".to_string(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only; choose another --out folder".to_string(),
        _ => error.to_string(),
    }
}

/// A path as a terminal may show it.
fn shown(path: &Path) -> String {
    crate::diagnostic::escape(&path.to_string_lossy())
}
