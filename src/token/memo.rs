//! The memo of short words: most tokens are found here again, with one look at one cache line.
//!
//! Comes in: the bytes of a word of at most 15 bytes. Goes out: what was remembered under it. Never happens here: what
//! a word means.
//!
//! A word is a number: its bytes, and its length in the last one. Words are looked up by open addressing in a table that
//! is at most half full, so that a slot holds all there is to compare.

use super::form::{FormId, Light};

/// The number of a word of at most 15 bytes; never 0.
pub type Key = u128;

/// The longest word that has a number, in bytes.
const LONGEST: usize = 15;

/// The number of the word at `start..end`; none for longer ones.
#[inline]
pub fn key(bytes: &[u8], start: usize, end: usize) -> Option<Key> {
    let length = end - start;
    if length > LONGEST {
        return None;
    }
    let letters = match bytes[start..].first_chunk::<16>() {
        Some(chunk) => u128::from_le_bytes(*chunk) & ((1 << (8 * length)) - 1),
        None => bytes[start..end].iter().rev().fold(0, |all, &byte| all << 8 | u128::from(byte)),
    };
    Some(letters | (length as u128) << 120)
}

/// A word and what is remembered under it.
#[derive(Clone, Copy)]
struct Slot {
    key: Key,
    form: FormId,
    light: Light,
}

/// No word: the number of none is 0.
const EMPTY: Slot = Slot { key: 0, form: FormId(0), light: Light::No };

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
        Memo { slots: vec![EMPTY; FIRST_SIZE], n_words: 0 }
    }

    /// Forgets all words.
    pub fn clear(&mut self) {
        *self = Memo::new();
    }

    /// What is remembered under a word.
    #[inline]
    pub fn get(&self, key: Key) -> Option<(FormId, Light)> {
        let slot = &self.slots[self.place(key)];
        (slot.key == key).then_some((slot.form, slot.light))
    }

    /// The slot of a word, or the one where it would be put.
    #[inline]
    fn place(&self, key: Key) -> usize {
        let mask = self.slots.len() - 1;
        let mixed = (key as u64 ^ ((key >> 64) as u64).rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut place = (mixed >> 32) as usize & mask;
        while self.slots[place].key != key && self.slots[place].key != 0 {
            place = (place + 1) & mask;
        }
        place
    }

    /// Remembers something under a word that is not there.
    pub fn put(&mut self, key: Key, form: FormId, light: Light) {
        if (self.n_words + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let place = self.place(key);
        self.slots[place] = Slot { key, form, light };
        self.n_words += 1;
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        for slot in old.into_iter().filter(|slot| slot.key != 0) {
            let place = self.place(slot.key);
            self.slots[place] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_up_to_fifteen_bytes_have_numbers_of_their_own() {
        let text = b"a ab abc\0 abc abcdefghijklmno abcdefghijklmnop a";
        let at = |start, end| key(text, start, end);
        assert_eq!(at(0, 1), at(47, 48), "the end of the text is read another way");
        assert_ne!(at(5, 8), at(5, 9), "a zero byte counts");
        assert_eq!(at(5, 8), at(10, 13));
        assert!(at(14, 29).is_some() && at(30, 46).is_none());
    }

    #[test]
    fn remembers_every_word_while_it_grows() {
        let words: Vec<String> = (0..20_000).map(|n| format!("w{n}")).collect();
        let number = |word: &String| key(word.as_bytes(), 0, word.len()).unwrap_or_default();
        let mut memo = Memo::new();
        for (n, word) in (0..).zip(&words) {
            assert_eq!(memo.get(number(word)), None);
            memo.put(number(word), FormId(n), Light::First(3));
        }
        for (n, word) in (0..).zip(&words) {
            assert_eq!(memo.get(number(word)), Some((FormId(n), Light::First(3))), "{word}");
        }
    }
}
