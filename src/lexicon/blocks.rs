//! Values in a file, in blocks that each have a checksum: read without the whole in memory, and no byte before it is known
//! to be what was written.
//!
//! Comes in: values. Goes out: the same, or nothing where a bit of them is another. Never happens here: a look at what the
//! values mean.

use postcard::de_flavors::Flavor;
use postcard::{Deserializer, Error};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// Bytes of a block but the last.
const BLOCK: usize = 1 << 16;

/// Bytes before a block: its checksum.
const CHECKSUM: usize = 4;

/// Bytes that so many take in blocks.
pub fn stored(bytes: usize) -> usize {
    bytes + bytes.div_ceil(BLOCK) * CHECKSUM
}

/// Adds bytes in blocks.
pub fn push(bytes: &[u8], into: &mut Vec<u8>) {
    into.reserve(stored(bytes.len()));
    for block in bytes.chunks(BLOCK) {
        into.extend_from_slice(&crc32fast::hash(block).to_le_bytes());
        into.extend_from_slice(block);
    }
}

/// The value whose bytes, so many, begin here in blocks.
pub fn read<T: DeserializeOwned>(file: &File, at: usize, bytes: usize) -> Option<T> {
    let blocks = Blocks { file, at: at as u64, left: bytes, block: Vec::new(), next: 0, joined: Vec::new() };
    let mut deserializer = Deserializer::from_flavor(blocks);
    let value = T::deserialize(&mut deserializer).ok()?;
    deserializer.finalize().ok().map(|()| value)
}

/// Reads blocks, one after another.
struct Blocks<'f> {
    file: &'f File,
    /// Where the next block begins.
    at: u64,
    /// Bytes in the blocks from there on.
    left: usize,
    block: Vec<u8>,
    /// The first byte of the block that was not taken.
    next: usize,
    /// Bytes that were taken at once and stand in several blocks.
    joined: Vec<u8>,
}

impl Blocks<'_> {
    /// Goes on to the next block.
    fn turn(&mut self) -> Result<(), Error> {
        let n = self.left.min(BLOCK);
        if n == 0 {
            return Err(Error::DeserializeUnexpectedEnd);
        }
        self.block.resize(CHECKSUM + n, 0);
        self.file.read_exact_at(&mut self.block, self.at).map_err(|_| Error::DeserializeUnexpectedEnd)?;
        let (checksum, contents) = self.block.split_at(CHECKSUM);
        if crc32fast::hash(contents).to_le_bytes() != checksum {
            return Err(Error::DeserializeBadCrc);
        }
        (self.at, self.left, self.next) = (self.at + self.block.len() as u64, self.left - n, CHECKSUM);
        Ok(())
    }

    /// Joins so many bytes of this block and those after it.
    fn join(&mut self, n: usize) -> Result<(), Error> {
        // What is not there needs no room.
        if n > self.block.len() - self.next + self.left {
            return Err(Error::DeserializeUnexpectedEnd);
        }
        self.joined.clear();
        while self.joined.len() < n {
            if self.next == self.block.len() {
                self.turn()?;
            }
            let end = self.block.len().min(self.next + n - self.joined.len());
            self.joined.extend_from_slice(&self.block[self.next..end]);
            self.next = end;
        }
        Ok(())
    }
}

impl<'f> Flavor<'f> for Blocks<'f> {
    type Remainder = ();
    type Source = ();

    #[inline]
    fn pop(&mut self) -> Result<u8, Error> {
        if self.next == self.block.len() {
            self.turn()?;
        }
        self.next += 1;
        Ok(self.block[self.next - 1])
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.block.len() - self.next + self.left)
    }

    /// No value is borrowed: a block gives way to the next.
    fn try_take_n(&mut self, _: usize) -> Result<&'f [u8], Error> {
        Err(Error::WontImplement)
    }

    #[inline]
    fn try_take_n_temp<'a>(&'a mut self, n: usize) -> Result<&'a [u8], Error>
    where
        'f: 'a,
    {
        if n > self.block.len() - self.next {
            return self.join(n).map(|()| &self.joined[..]);
        }
        self.next += n;
        Ok(&self.block[self.next - n..self.next])
    }

    fn finalize(self) -> Result<(), Error> {
        if self.left == 0 && self.next == self.block.len() { Ok(()) } else { Err(Error::DeserializeBadEncoding) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn values_come_back_and_no_other_bit_is_taken_for_one() {
        let texts: Vec<String> = [0, 1, BLOCK - 3, 3 * BLOCK, 7].iter().map(|&n| "é".repeat(n)).collect();
        let value = (texts, (0..40_000u64).map(|i| i * i).collect::<Vec<u64>>(), -0.5f32);
        let bytes = postcard::to_stdvec(&value).unwrap();
        let mut whole = b"before".to_vec();
        push(&bytes, &mut whole);
        assert_eq!(whole.len(), 6 + stored(bytes.len()));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&whole).unwrap();
        let read = |n: usize| read::<(Vec<String>, Vec<u64>, f32)>(&file, 6, n);
        assert!(read(bytes.len()) == Some(value));
        assert!(read(bytes.len() - 1).is_none() && read(bytes.len() + 1).is_none());
        for at in (6..whole.len()).step_by(whole.len() / 40) {
            file.write_all_at(&[whole[at] ^ 1], at as u64).unwrap();
            assert!(read(bytes.len()).is_none(), "{at}");
            file.write_all_at(&[whole[at]], at as u64).unwrap();
        }
        assert!(read(bytes.len()).is_some());
    }
}
