//! Rows that wait until their transcript is whole: in memory while they are few, in a file without a name beyond that.
//!
//! Comes in: bytes, or values one after the other. Goes out: the same, in the same order, as often as asked. Never
//! happens here: memory that grows with a transcript or with the corpus; a file that outlives the process.

use super::StoreError;
use serde::de::DeserializeOwned;
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::marker::PhantomData;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Bytes held in memory: about as many as the rows of an hour of talk have.
const HELD: usize = 256 << 10;

/// Bytes in order.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    held: Vec<u8>,
    file: Option<File>,
}

impl Spool {
    /// An empty one, whose file would lie in this folder.
    pub fn new(folder: &Path) -> Self {
        Spool { folder: folder.to_path_buf(), held: Vec::new(), file: None }
    }

    /// As [`Spool::new`], with room for about so many bytes.
    pub fn with_room(folder: &Path, bytes: usize) -> Self {
        Spool { held: Vec::with_capacity(bytes.min(HELD)), ..Spool::new(folder) }
    }

    /// Lets `push` add bytes.
    ///
    /// # Errors
    /// When they are too many to hold and the disk does not take them.
    pub fn add(&mut self, push: impl FnOnce(&mut Vec<u8>)) -> Result<(), StoreError> {
        push(&mut self.held);
        if self.held.len() <= HELD {
            return Ok(());
        }
        self.spill().map_err(|error| StoreError::io(&self.folder, error))
    }

    /// Moves what is held to the file.
    fn spill(&mut self) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => nameless(&self.folder)?,
        };
        self.file.insert(file).write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }

    /// Hands everything on.
    ///
    /// # Errors
    /// When it cannot be read back, or `out` does not take it.
    pub fn copy(&self, mut out: impl Write) -> io::Result<()> {
        io::copy(&mut Back { file: self.file.as_ref(), at: 0 }, &mut out)?;
        out.write_all(&self.held)
    }
}

/// A new file that no name leads to: it goes with the last handle on it, whatever stops the program.
fn nameless(folder: &Path) -> io::Result<File> {
    for n in 0.. {
        let path = folder.join(format!("spool-{n}"));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => return fs::remove_file(&path).map(|()| file),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Reads a file from its beginning, wherever it is being written.
struct Back<'f> {
    file: Option<&'f File>,
    at: u64,
}

impl Read for Back<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.file.map_or(Ok(0), |file| file.read_at(out, self.at))?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Values that are written as a list and never all in memory.
#[derive(Debug)]
pub struct List<T> {
    spool: Spool,
    kind: PhantomData<T>,
}

impl<T: Serialize> List<T> {
    /// An empty one, whose file would lie in this folder.
    pub fn new(folder: &Path) -> Self {
        List { spool: Spool::new(folder), kind: PhantomData }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// When there are too many to hold and the disk does not take them.
    pub fn push(&mut self, value: &T) -> Result<(), StoreError> {
        serde_json::to_writer(&mut self.spool.held, value)
            .map_err(|error| StoreError::io(&self.spool.folder, error.into()))?;
        self.spool.add(|held| held.push(b'\n'))
    }
}

impl<T: Serialize + DeserializeOwned> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let back = Back { file: self.spool.file.as_ref(), at: 0 };
        let mut list = serializer.serialize_seq(None)?;
        for line in BufReader::new(back.chain(&self.spool.held[..])).lines() {
            let line = line.map_err(S::Error::custom)?;
            list.serialize_element(&serde_json::from_str::<T>(&line).map_err(S::Error::custom)?)?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_in_order_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        for lines in [0, 10, 100_000] {
            let mut spool = Spool::new(folder.path());
            let mut want = Vec::new();
            for i in 0..lines {
                let line = format!("row {i}\n");
                spool.add(|held| held.extend_from_slice(line.as_bytes())).unwrap();
                want.extend_from_slice(line.as_bytes());
                assert!(spool.held.len() <= HELD);
            }
            assert_eq!(spool.file.is_some(), lines > 1000);
            for _ in 0..2 {
                let mut all = Vec::new();
                spool.copy(&mut all).unwrap();
                assert!(all == want);
            }
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_list_is_written_as_a_vector_is() {
        let folder = tempfile::tempdir().unwrap();
        for n in [0, 3, 60_000] {
            let values: Vec<(usize, String)> = (0..n).map(|i| (i, format!("\"{i}\"\n"))).collect();
            let mut list = List::new(folder.path());
            values.iter().for_each(|value| list.push(value).unwrap());
            let written = serde_json::to_string_pretty(&[&list]).unwrap();
            assert!(written == serde_json::to_string_pretty(&[&values]).unwrap());
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_is_told() {
        let mut spool = Spool::new(Path::new("/nowhere"));
        spool.add(|held| held.push(0)).unwrap();
        assert!(spool.add(|held| held.resize(HELD + 1, 0)).is_err());
    }
}
