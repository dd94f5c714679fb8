//! Many short texts in little memory: one after another, and found again by their letters.
//!
//! Comes in: texts, in an order. Goes out: the text of a number, or the numbers of a text. Never happens here: a piece of
//! memory for each text, which would take longer to have than to fill.

use super::numbers;
use serde::{Deserialize, Serialize};

/// Texts by their number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// All texts, one after another.
    letters: String,
    /// Where each text ends.
    #[serde(with = "numbers")]
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

/// Texts that are found by open addressing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    texts: Texts,
    /// For each slot the number of a text and 1 more; their number is a power of two, at least twice that of the texts.
    #[serde(with = "numbers")]
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
        let slot = self.slots_of(self.texts.get(number)).find(|&slot| self.slots[slot] == 0);
        slot.into_iter().for_each(|slot| self.slots[slot] = number + 1);
    }

    /// The slots where a text may stand, in the order in which it is looked for.
    fn slots_of(&self, text: &str) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        (hash as usize >> 32..).map(move |slot| slot & mask)
    }

    /// The number of a text; the last one of a text that was added several times.
    pub fn number(&self, text: &str) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let numbers = self.slots_of(text).map_while(|slot| self.slots[slot].checked_sub(1));
        numbers.filter(|&number| self.texts.get(number) == text).last()
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
            assert_eq!(table.number(text).map(|number| number as usize), all.iter().rposition(|other| other == text));
        }
        assert!(table.texts.iter().eq(&all));
        assert_eq!(table.number("none of these"), None);
    }
}
