//! The memo of short words: most tokens are found here again, with one look at one cache line.
//!
//! Comes in: the bytes of a word of at most 11 bytes. Goes out: what was remembered under it. Never happens here: what
//! a word means.
//!
//! A word is a number: its bytes, and its length above them. Words are looked up by open addressing in a table that is
//! at most five eighths full. A slot of 16 bytes holds all there is to compare and all there is to say, so that the table
//! of a large vocabulary stays small; what still lies far away is called for in time ([`Memo::call`]).

use super::form::{FormId, Light};

/// The number of a word of at most [`LONGEST`] bytes; never 0.
pub type Key = u128;

/// The longest word that has a number, in bytes.
pub const LONGEST: usize = 11;

/// Bits of a number: its bytes, then four for the length. Those above belong to what is remembered.
const KEY_BITS: u32 = 8 * LONGEST as u32 + 4;

/// The number of the word at `start..end`; none for longer ones, and for none.
#[inline]
pub fn key(bytes: &[u8], start: usize, end: usize) -> Option<Key> {
    let length = end - start;
    if length > LONGEST || length == 0 {
        return None;
    }
    let letters = match bytes[start..].first_chunk::<16>() {
        Some(chunk) => u128::from_le_bytes(*chunk),
        None => bytes[start..end].iter().rev().fold(0, |all, &byte| all << 8 | u128::from(byte)),
    };
    Some(key_of(letters, length))
}

/// The number of a word of `length` bytes, the first of `letters`.
#[inline]
pub fn key_of(letters: u128, length: usize) -> Key {
    let (mask, above) = LENGTHS[length % LENGTHS.len()];
    letters & mask | above
}

/// For each length the bits of so many bytes, and the length above them: sooner looked up than shifted.
const LENGTHS: [(Key, Key); 16] = {
    let mut lengths = [(0, 0); 16];
    let mut length = 1;
    while length <= LONGEST {
        lengths[length] = ((1 << (8 * length)) - 1, (length as Key) << (8 * LONGEST));
        length += 1;
    }
    lengths
};

/// Where the search for a word begins, before it is cut to the size of the table.
#[inline]
fn hash(key: Key) -> usize {
    let mixed = (key as u64 ^ ((key >> 64) as u64).rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize
}

/// All ways in which a word may be light, filled up to what four bits can say: a slot holds the place in this list.
const LIGHTS: [Light; 16] = [
    Light::No,
    Light::Filler,
    Light::Alone,
    Light::First(1),
    Light::First(2),
    Light::First(3),
    Light::Second(1),
    Light::Second(2),
    Light::Second(3),
    Light::No,
    Light::No,
    Light::No,
    Light::No,
    Light::No,
    Light::No,
    Light::No,
];

/// Above the number of a word, its place in [`LIGHTS`] and the id of its form; 0 where nothing is remembered.
type Slot = u128;

/// Slots at first.
const FIRST_SIZE: usize = 1 << 12;

/// The table; its size is a power of two.
pub struct Memo {
    slots: Vec<Slot>,
    n_words: usize,
}

impl Memo {
    /// An empty table.
    pub fn new() -> Self {
        Memo { slots: vec![0; FIRST_SIZE], n_words: 0 }
    }

    /// Forgets all words.
    pub fn clear(&mut self) {
        *self = Memo::new();
    }

    /// Brings the slots where these words are looked for near, all at once: one look does not wait for the other. The
    /// number that comes back means nothing, but that they were read.
    #[inline]
    pub fn call(&self, keys: impl Iterator<Item = Key>) -> u64 {
        let mask = self.slots.len() - 1;
        keys.fold(0, |all, key| all ^ self.slots[hash(key) & mask] as u64)
    }

    /// What is remembered under a word.
    #[inline]
    pub fn get(&self, key: Key) -> Option<(FormId, Light)> {
        let slot = self.slots[self.place(key)];
        let light = LIGHTS[(slot >> KEY_BITS) as usize % LIGHTS.len()];
        (slot != 0).then_some((FormId((slot >> 96) as u32), light))
    }

    /// The slot of a word, or the one where it would be put.
    #[inline]
    fn place(&self, key: Key) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = hash(key) & mask;
        while (self.slots[place] ^ key) << (128 - KEY_BITS) != 0 && self.slots[place] != 0 {
            place = (place + 1) & mask;
        }
        place
    }

    /// Remembers something under a word that is not there.
    pub fn put(&mut self, key: Key, form: FormId, light: Light) {
        if (self.n_words + 1) * 8 > self.slots.len() * 5 {
            self.grow();
        }
        let light = LIGHTS.iter().position(|known| *known == light).unwrap_or(0);
        let place = self.place(key);
        self.slots[place] = key | (light as u128) << KEY_BITS | u128::from(form.0) << 96;
        self.n_words += 1;
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![0; size]);
        for slot in old.into_iter().filter(|slot| *slot != 0) {
            let place = self.place(slot << (128 - KEY_BITS) >> (128 - KEY_BITS));
            self.slots[place] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_up_to_eleven_bytes_have_numbers_of_their_own() {
        let text = b"a ab abc\0 abc abcdefghijk abcdefghijkl a";
        let at = |start, end| key(text, start, end);
        assert_eq!(at(0, 1), at(39, 40), "the end of the text is read another way");
        assert_ne!(at(5, 8), at(5, 9), "a zero byte counts");
        assert_eq!(at(5, 8), at(10, 13));
        assert!(at(14, 25).is_some() && at(26, 38).is_none() && at(3, 3).is_none());
    }

    #[test]
    fn remembers_every_word_while_it_grows() {
        let words: Vec<String> = (0..20_000).map(|n| format!("w{n}")).collect();
        let number = |word: &String| key(word.as_bytes(), 0, word.len()).unwrap_or_default();
        let mut memo = Memo::new();
        for (n, word) in (0..).zip(&words) {
            assert_eq!(memo.get(number(word)), None);
            memo.put(number(word), FormId(n), LIGHTS[n as usize % 9]);
        }
        for (n, word) in (0..).zip(&words) {
            assert_eq!(memo.get(number(word)), Some((FormId(n), LIGHTS[n as usize % 9])), "{word}");
        }
    }
}
