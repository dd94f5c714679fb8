//! SHA-256 of what was read and what was written.
//!
//! Comes in: bytes, whole or as they stream by. Goes out: lower-case hex. Never happens here: opening a file.

use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// SHA-256 of `bytes` as 64 lower-case hex digits.
///
/// ```
/// # use precode::store::digest::sha256;
/// assert!(sha256(b"abc").starts_with("ba7816bf"));
/// ```
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A writer that passes bytes on and digests those that were taken.
#[derive(Debug)]
pub struct Digesting<W> {
    inner: W,
    hasher: Sha256,
    n_bytes: u64,
}

/// What a [`Digesting`] writer passed on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Digest {
    /// Bytes.
    pub bytes: u64,
    /// 64 hex digits.
    pub sha256: String,
}

impl<W: Write> Digesting<W> {
    /// Nothing was written yet.
    pub fn new(inner: W) -> Self {
        Digesting { inner, hasher: Sha256::new(), n_bytes: 0 }
    }

    /// The writer, and the digest of all that went through.
    pub fn finish(self) -> (W, Digest) {
        (self.inner, Digest { bytes: self.n_bytes, sha256: hex(&self.hasher.finalize()) })
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.n_bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_only_what_the_inner_writer_took() {
        let mut room = [0u8; 2];
        let mut writer = Digesting::new(&mut room[..]);
        assert_eq!(writer.write(b"abc").unwrap(), 2);
        let (_, digest) = writer.finish();
        assert_eq!(digest, Digest { bytes: 2, sha256: sha256(b"ab") });
    }
}
