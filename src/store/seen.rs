//! Which answers people saw while they worked on the codebook, so that no validation figure is computed on them.
//!
//! `kwic`, `explain`, `coverage` and review call [`append`] (review, which remembers: [`add`]) with the answers that they show and the digest of the
//! codebook at that time; `agree` and `learn` call [`read`]. An answer seen under an earlier codebook may have shaped
//! the present one: a figure on it would flatter. Comes in and goes out: `seen.jsonl` in the study, one line an answer
//! and codebook. A review says also which coder saw the proposals of an answer: drawn for blind judgement later, it is not
//! blind to them. Never happens here: words of a transcript, names of respondents, the clock.

use super::layout::Study;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// An answer that was shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    /// Name of the transcript.
    pub transcript: String,
    /// Place of the turn among all turns.
    pub turn: usize,
    /// Digest of the codebook with which it was shown.
    pub codebook: String,
    /// The command that showed it: `kwic`, `explain`, `coverage`, `review`.
    pub by: String,
    /// The coder who saw its proposals in a review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coder: Option<String>,
}

/// True when this coder ever saw a proposal in this answer, under whatever codebook.
pub fn by_coder(seen: &BTreeSet<Seen>, coder: &str, transcript: &str, turn: usize) -> bool {
    let empty = String::new;
    let first = Seen { transcript: transcript.to_owned(), turn, codebook: empty(), by: empty(), coder: None };
    let same = |line: &&Seen| line.transcript == transcript && line.turn == turn;
    seen.range(first..).take_while(same).any(|line| line.coder.as_deref() == Some(coder))
}

/// `seen.jsonl` of a study.
pub fn path(study: &Study) -> PathBuf {
    study.root().join("seen.jsonl")
}

/// Everything that was seen; empty when nothing was.
///
/// # Errors
/// When the file cannot be read, or a line is not one of ours: then nothing may be called unseen. A last line without
/// its end was never written: what it was to note was not shown.
pub fn read(study: &Study) -> io::Result<BTreeSet<Seen>> {
    let path = path(study);
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        other => other?,
    };
    let wrong = |line: usize, error| io::Error::other(format!("{}:{}: {error}", path.display(), line + 1));
    let lines = finished(&bytes).split_inclusive(|&byte| byte == b'\n').enumerate();
    lines.map(|(i, line)| serde_json::from_slice(line).map_err(|e| wrong(i, e))).collect()
}

/// Adds what is not yet there. Returns how many lines were new.
///
/// # Errors
/// When the file cannot be read or written.
pub fn append(study: &Study, seen: impl IntoIterator<Item = Seen>) -> io::Result<usize> {
    let known = read(study)?;
    let new: BTreeSet<Seen> = seen.into_iter().filter(|line| !known.contains(line)).collect();
    add(study, &new)?;
    Ok(new.len())
}

/// Adds these lines without a look at what is there, for a caller who has read it.
///
/// # Errors
/// When the file cannot be written.
pub fn add(study: &Study, new: &BTreeSet<Seen>) -> io::Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let mut lines = String::new();
    for line in new {
        lines.push_str(&serde_json::to_string(line)?);
        lines.push('\n');
    }
    // One write of whole lines at the end of the file: two programs at once never mix their lines.
    let mut file = private().read(true).append(true).create(true).open(path(study))?;
    // What is cut off below is of nobody who is still writing. Not every file system knows locks.
    let _ = file.lock();
    let end = cut_unfinished(&file)?;
    let written = file.write_all(lines.as_bytes());
    if written.is_err() {
        // Where this fails too, whoever adds the next line cuts off what is left of this one.
        let _ = file.set_len(end);
    }
    written.and_then(|()| file.sync_all())
}

/// Cuts off a line without its end, and says where the file ends then. A disk that is full takes a part of a line, and
/// what was to be shown then was not.
fn cut_unfinished(file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    file.read_at(&mut last, length.saturating_sub(1))?;
    if last == *b"\n" {
        return Ok(length);
    }
    let mut all = vec![0; length as usize];
    file.read_exact_at(&mut all, 0)?;
    let end = finished(&all).len() as u64;
    file.set_len(end).map(|()| end)
}

/// All up to the last line end.
fn finished(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1)]
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The answers that were seen under another codebook than this one.
pub fn leaked(seen: &BTreeSet<Seen>, codebook: &str) -> BTreeSet<(String, usize)> {
    let earlier = seen.iter().filter(|line| line.codebook != codebook);
    earlier.map(|line| (line.transcript.clone(), line.turn)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(turn: usize, codebook: &str) -> Seen {
        Seen {
            transcript: "b01".to_string(),
            turn,
            codebook: codebook.to_string(),
            by: "kwic".to_string(),
            coder: None,
        }
    }

    #[test]
    fn what_was_seen_is_kept_once_and_only_earlier_codebooks_leak() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path());
        assert_eq!(append(&study, [seen(1, "old"), seen(3, "new")]).unwrap(), 2);
        assert_eq!(append(&study, [seen(1, "old"), seen(5, "old")]).unwrap(), 1);
        let all = read(&study).unwrap();
        assert_eq!(all.len(), 3);
        let leaked: Vec<usize> = leaked(&all, "new").into_iter().map(|(_, turn)| turn).collect();
        assert_eq!(leaked, [1, 5]);
    }

    #[test]
    fn who_saw_a_proposal_is_known_by_answer_and_coder() {
        let ana = Seen { by: "review".into(), coder: Some("ana".into()), ..seen(3, "old") };
        let all = BTreeSet::from([seen(2, "old"), ana.clone(), seen(3, "new"), seen(4, "old")]);
        let found: Vec<bool> = (2..5).map(|turn| by_coder(&all, "ana", "b01", turn)).collect();
        assert_eq!(found, [false, true, false]);
        assert!(!by_coder(&all, "ben", "b01", 3) && !by_coder(&all, "ana", "b02", 3));
        let line = serde_json::to_string(&seen(2, "old")).unwrap();
        assert!(!line.contains("coder"), "{line}");
        assert_eq!(serde_json::from_str::<Seen>(&serde_json::to_string(&ana).unwrap()).unwrap(), ana);
    }

    #[test]
    fn a_line_that_found_no_room_is_not_seen_and_breaks_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path());
        append(&study, [seen(1, "old")]).unwrap();
        let one = std::fs::read(path(&study)).unwrap();
        for cut in 1..one.len() {
            std::fs::write(path(&study), [&one, &one[..cut]].concat()).unwrap();
            assert_eq!(read(&study).unwrap(), BTreeSet::from([seen(1, "old")]), "{cut}");
            assert_eq!(append(&study, [seen(2, "old")]).unwrap(), 1);
            assert_eq!(read(&study).unwrap(), BTreeSet::from([seen(1, "old"), seen(2, "old")]), "{cut}");
        }
        std::fs::write(path(&study), &one[..9]).unwrap();
        assert_eq!(append(&study, [seen(1, "old")]).unwrap(), 1);
        assert_eq!(std::fs::read(path(&study)).unwrap(), one);
    }

    #[test]
    fn a_broken_line_is_an_error_and_not_nothing_seen() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path());
        std::fs::write(path(&study), "{\n").unwrap();
        assert!(read(&study).unwrap_err().to_string().contains("seen.jsonl:1"));
    }
}
