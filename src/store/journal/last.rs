//! The last row that was written, noted beside the store: rows that a damaged or forgotten log took with it are missed.
//!
//! SQLite drops everything behind the first damaged byte of its log without a word, and what is left is a whole, older
//! store. The note is written after the commit and not synced: after a power cut it may be older than the store, never
//! newer. Lost, it is made again with the next decision.

use super::append::Head;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The note of the store at `path`.
pub(super) fn path(store: &Path) -> PathBuf {
    store.with_extension("last")
}

/// Opens the note for writing, making it if it is not there.
pub(super) fn open(store: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path(store))
}

/// Notes the end of the chain, in one write at the beginning of the file.
pub(super) fn write(file: &File, head: &Head) -> io::Result<()> {
    file.write_all_at(format!("{:020} {:64}\n", head.n_rows, head.hash).as_bytes(), 0)
}

/// Number of rows and hash of the last one; nothing where nothing was noted. What cannot be read counts as a row that
/// no store has.
pub(super) fn read(store: &Path) -> Option<(u64, String)> {
    let bytes = std::fs::read(path(store)).ok()?;
    if bytes.iter().all(|&byte| byte == 0) {
        return None;
    }
    let text = String::from_utf8_lossy(&bytes);
    let (n_rows, hash) = text.trim_end().split_once(' ').unwrap_or(("", ""));
    Some((n_rows.parse().unwrap_or(u64::MAX), hash.trim().to_owned()))
}
