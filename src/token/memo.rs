//! The memo of short words: most tokens are found here again, with one look at one cache line.
//!
//! Comes in: the bytes of a word of at most 11 bytes. Goes out: what was remembered under it. Never happens here: what
//! a word means.
//!
//! A word is a number: its bytes, and its length above them. Words are looked up by open addressing in a table that is
//! at most five eighths full. A slot of 16 bytes holds all there is to compare and all there is to say, so that the table
//! of a large vocabulary stays small.

use super::form::{FormId, Light};

/// The number of a word of at most [`LONGEST`] bytes: the first eight, and the others with the length above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    low: u64,
    high: u64,
}

/// The longest word that has a number, in bytes.
pub const LONGEST: usize = 11;

/// Bits of [`Key::high`] that may be set: three bytes, then four bits for the length. What is remembered lies above.
const HIGH_BITS: u32 = 28;

/// The number of the word at `start..end`; none for longer ones, and for none.
#[inline]
pub fn key(bytes: &[u8], start: usize, end: usize) -> Option<Key> {
    let length = end - start;
    if length > LONGEST || length == 0 {
        return None;
    }
    let mut letters = [0; 16];
    letters[..length].copy_from_slice(&bytes[start..end]);
    Some(key_of(&letters, length))
}

/// The number of a word of `length` bytes, the first of `letters`.
#[inline]
pub fn key_of(letters: &[u8; 16], length: usize) -> Key {
    let (halves, _) = letters.as_chunks();
    let [low, high] = MASKS[length % MASKS.len()];
    let high = u64::from_le_bytes(halves[1]) & high | (length as u64) << 24;
    Key { low: u64::from_le_bytes(halves[0]) & low, high }
}

/// For each length the bits of so many bytes: sooner looked up than shifted.
const MASKS: [[u64; 2]; 16] = {
    let mut masks = [[0; 2]; 16];
    let mut length = 1;
    while length <= LONGEST {
        let all = (1u128 << (8 * length)) - 1;
        masks[length] = [all as u64, (all >> 64) as u64];
        length += 1;
    }
    masks
};

/// Where the search for a word begins, before it is cut to the size of the table.
#[inline]
fn hash(key: Key) -> usize {
    let mixed = (key.low ^ key.high.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize
}

/// What is remembered of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its form.
    pub form: FormId,
    /// Whether it is light: a place in [`LIGHTS`]; 0 for nearly every word.
    light: u8,
}

impl Known {
    /// Whether the word is light.
    pub fn light(self) -> Light {
        LIGHTS[usize::from(self.light)]
    }

    /// True for a word that is in no way light.
    #[inline]
    pub fn counts(self) -> bool {
        self.light == 0
    }

    /// As it is told.
    pub fn new(form: FormId, light: Light) -> Self {
        let place = LIGHTS.iter().position(|known| *known == light).unwrap_or(0);
        Known { form, light: place as u8 }
    }
}

/// All ways in which a word may be light.
const LIGHTS: [Light; 9] = [
    Light::No,
    Light::Filler,
    Light::Alone,
    Light::First(1),
    Light::First(2),
    Light::First(3),
    Light::Second(1),
    Light::Second(2),
    Light::Second(3),
];

/// The number of a word, and in its other bits what is remembered; nothing is set where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Slot {
    low: u64,
    high: u64,
}

impl Slot {
    fn new(key: Key, known: Known) -> Self {
        let said = u64::from(known.form.0) << 32 | u64::from(known.light) << HIGH_BITS;
        Slot { low: key.low, high: key.high | said }
    }

    fn key(self) -> Key {
        Key { low: self.low, high: self.high & ((1 << HIGH_BITS) - 1) }
    }

    #[inline]
    fn is(self, key: Key) -> bool {
        (self.low ^ key.low) | ((self.high ^ key.high) & ((1 << HIGH_BITS) - 1)) == 0
    }

    #[inline]
    fn known(self) -> Known {
        Known { form: FormId((self.high >> 32) as u32), light: (self.high >> HIGH_BITS) as u8 & 15 }
    }
}

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
        Memo { slots: vec![Slot::default(); FIRST_SIZE], n_words: 0 }
    }

    /// Forgets all words.
    pub fn clear(&mut self) {
        *self = Memo::new();
    }

    /// What is remembered under a word.
    #[inline]
    pub fn get(&self, key: Key) -> Option<Known> {
        let home = hash(key) & (self.slots.len() - 1);
        let slot = self.slots[home];
        if slot.is(key) { Some(slot.known()) } else { self.get_elsewhere(key) }
    }

    /// As [`Memo::get`], where another word has taken the place.
    #[inline(never)]
    fn get_elsewhere(&self, key: Key) -> Option<Known> {
        let slot = self.slots[self.place(key)];
        (slot != Slot::default()).then(|| slot.known())
    }

    /// The slot of a word, or the one where it would be put.
    fn place(&self, key: Key) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = hash(key) & mask;
        while !self.slots[place].is(key) && self.slots[place] != Slot::default() {
            place = (place + 1) & mask;
        }
        place
    }

    /// Remembers something under a word that is not there.
    pub fn put(&mut self, key: Key, known: Known) {
        if (self.n_words + 1) * 8 > self.slots.len() * 5 {
            self.grow();
        }
        let place = self.place(key);
        self.slots[place] = Slot::new(key, known);
        self.n_words += 1;
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|slot| *slot != Slot::default()) {
            let place = self.place(slot.key());
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
        assert_eq!(at(0, 1), at(39, 40));
        assert_ne!(at(5, 8), at(5, 9), "a zero byte counts");
        assert_eq!(at(5, 8), at(10, 13));
        assert!(at(14, 25).is_some() && at(26, 38).is_none() && at(3, 3).is_none());
    }

    #[test]
    fn remembers_every_word_while_it_grows() {
        let words: Vec<String> = (0..20_000).map(|n| format!("w{n}")).collect();
        let number = |word: &String| key(word.as_bytes(), 0, word.len()).unwrap();
        let known = |n: u32| Known::new(FormId(n), LIGHTS[n as usize % 9]);
        let mut memo = Memo::new();
        for (n, word) in (0..).zip(&words) {
            assert_eq!(memo.get(number(word)), None);
            memo.put(number(word), known(n));
        }
        for (n, word) in (0..).zip(&words) {
            assert_eq!(memo.get(number(word)), Some(known(n)), "{word}");
        }
    }
}
