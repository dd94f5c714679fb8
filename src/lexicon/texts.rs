//! Many short texts in little memory: one after another, and found again by their letters.
//!
//! Comes in: texts, in an order. Goes out: the text of a number, or the numbers of a text. Never happens here: a piece of
//! memory for each text, which would take longer to have than to fill.

use serde::{Deserialize, Serialize};

/// Texts by their number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// All texts, one after another.
    letters: String,
    /// Where each text ends.
    ends: Vec<u32>,
}

impl Texts {
    /// Adds a text, with the next number.
    pub fn push(&mut self, text: &str) {
        self.letters.push_str(text);
        self.ends.push(self.letters.len() as u32);
    }

    /// The text with this number.
    #[inline]
    pub fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let begin = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.letters[begin..self.ends[number] as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True before the first.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as u32).map(|number| self.get(number))
    }
}

/// The hash of a text, letter by letter: on the way to that of a text are those of all its beginnings.
#[derive(Debug, Clone, Copy)]
pub struct Hash(u64);

impl Hash {
    /// Of no letters.
    pub const NOTHING: Hash = Hash(0xcbf2_9ce4_8422_2325);

    /// With another byte at the end.
    #[inline]
    pub fn and(self, byte: u8) -> Hash {
        Hash((self.0 ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23))
    }

    /// Of a text.
    pub fn of(text: &str) -> Hash {
        text.bytes().fold(Hash::NOTHING, Hash::and)
    }
}

/// Texts that are found by open addressing. The same text may be there several times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    texts: Texts,
    /// For each slot the number of a text and 1 more; their number is a power of two, at least twice that of the texts.
    slots: Vec<u32>,
}

impl Table {
    /// Adds a text, with the next number.
    pub fn push(&mut self, text: &str) {
        self.texts.push(text);
        let n_texts = self.texts.len() as u32;
        if self.texts.len() * 2 > self.slots.len() {
            self.slots = vec![0; (self.slots.len() * 2).max(16)];
            (0..n_texts).for_each(|number| self.put(number));
        } else {
            self.put(n_texts - 1);
        }
    }

    fn put(&mut self, number: u32) {
        let mut slot = self.first(Hash::of(self.texts.get(number)));
        while self.slots[slot] != 0 {
            slot = self.after(slot);
        }
        self.slots[slot] = number + 1;
    }

    #[inline]
    fn first(&self, hash: Hash) -> usize {
        (hash.0 >> 32) as usize & (self.slots.len() - 1)
    }

    #[inline]
    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    /// The numbers of the texts with this hash that are the wanted one.
    #[inline]
    pub fn each(&self, hash: Hash, is_wanted: impl Fn(&str) -> bool, mut show: impl FnMut(u32)) {
        if self.slots.is_empty() {
            return;
        }
        let mut slot = self.first(hash);
        while let Some(number) = self.slots[slot].checked_sub(1) {
            if is_wanted(self.texts.get(number)) {
                show(number);
            }
            slot = self.after(slot);
        }
    }

    /// The number of a text that is there at most once.
    pub fn number(&self, text: &str) -> Option<u32> {
        let mut found = None;
        self.each(Hash::of(text), |other| other == text, |number| found = Some(number));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_their_letters_and_by_their_numbers() {
        let mut table = Table::default();
        let text = |i: u32| ["", "é", "ab"][i as usize % 3].repeat(i as usize / 3 % 40) + &(i / 2).to_string();
        let all: Vec<String> = (0..1000).map(text).collect();
        assert_eq!(table.number("1"), None);
        all.iter().for_each(|text| table.push(text));
        for text in &all {
            let mut found = Vec::new();
            table.each(Hash::of(text), |other| other == text, |number| found.push(number as usize));
            found.sort_unstable();
            assert_eq!(found, (0..1000).filter(|&i| all[i] == *text).collect::<Vec<_>>(), "{text}");
        }
        assert!(table.texts.iter().eq(&all));
        assert_eq!(table.number("none of these"), None);
    }
}
