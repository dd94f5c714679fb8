//! Pairs of stems that are cues: which row two neighbours have.
//!
//! Comes in: the ids of two stems. Goes out: their row. Never happens here: what a row says.
//!
//! Most neighbours are no cue: a table of bits that is small enough to stay near says so for nearly all of them. The
//! others are looked up by open addressing in a table that is at most half full.

use serde::{Deserialize, Serialize};

/// Two stems and their row.
type Slot = [u32; 3];

/// The row of no pair.
const NONE: u32 = u32::MAX;

/// No pair.
const EMPTY: Slot = [NONE; 3];

/// Slots at first.
const FIRST_SIZE: usize = 1 << 6;

/// Bits of the hints for each slot.
const HINTS: usize = 8;

/// The pairs of a table of cues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    /// By open addressing; their number is a power of two.
    slots: Vec<Slot>,
    /// A bit for each pair, by the hash that its slot is found by.
    hints: Vec<u64>,
    n_pairs: usize,
}

impl Default for Pairs {
    fn default() -> Self {
        Pairs { slots: vec![EMPTY; FIRST_SIZE], hints: vec![0; FIRST_SIZE * HINTS / 64], n_pairs: 0 }
    }
}

impl Pairs {
    /// Adds a pair; one that is there gets the new row.
    pub fn add(&mut self, first: u32, second: u32, row: u32) {
        if (self.n_pairs + 1) * 2 > self.slots.len() {
            self.grow();
        }
        self.n_pairs += usize::from(self.get(first, second).is_none());
        self.put([first, second, row]);
    }

    fn put(&mut self, slot: Slot) {
        let (place, hint) = (self.place(slot[0], slot[1]), self.hash(slot[0], slot[1]));
        self.slots[place] = slot;
        self.hints[hint / 64] |= 1 << (hint % 64);
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        self.hints = vec![0; size * HINTS / 64];
        old.into_iter().filter(|slot| *slot != EMPTY).for_each(|slot| self.put(slot));
    }

    /// False for nearly all that are no pair.
    #[inline]
    pub fn may_have(&self, first: u32, second: u32) -> bool {
        let hint = self.hash(first, second);
        self.hints[hint / 64] >> (hint % 64) & 1 != 0
    }

    /// The row of a pair.
    #[inline]
    pub fn get(&self, first: u32, second: u32) -> Option<u32> {
        Some(self.slots[self.place(first, second)][2]).filter(|row| *row != NONE)
    }

    /// Brings the slots where these are looked for near, all at once: one look does not wait for the other.
    #[inline]
    pub fn call(&self, pairs: impl Iterator<Item = (u32, u32)>) {
        let slot = |(first, second)| self.slots[self.hash(first, second) / HINTS][2];
        std::hint::black_box(pairs.fold(0, |all, pair| all ^ slot(pair)));
    }

    /// The place of a pair among the hints.
    #[inline]
    fn hash(&self, first: u32, second: u32) -> usize {
        let both = u64::from(first) << 32 | u64::from(second);
        (both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.slots.len() * HINTS - 1)
    }

    /// The slot of a pair, or the one where it would be put.
    #[inline]
    fn place(&self, first: u32, second: u32) -> usize {
        let mut place = self.hash(first, second) / HINTS;
        while self.slots[place][..2] != [first, second] && self.slots[place] != EMPTY {
            place = (place + 1) & (self.slots.len() - 1);
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_found_and_no_other() {
        let mut pairs = Pairs::default();
        let is_pair = |first: u32, second: u32| (first * 7 + second * 3).is_multiple_of(11);
        let all = || (0..150).flat_map(|first| (0..150).map(move |second| (first, second)));
        for (first, second) in all().filter(|&(first, second)| is_pair(first, second)) {
            pairs.add(first, second, 1);
            pairs.add(first, second, first * 150 + second);
        }
        for (first, second) in all() {
            let want = is_pair(first, second).then_some(first * 150 + second);
            assert_eq!(pairs.get(first, second), want, "{first} {second}");
            assert!(want.is_none() || pairs.may_have(first, second), "{first} {second}");
        }
        let idle = all().filter(|&(first, second)| pairs.may_have(first, second)).count();
        assert!(idle < pairs.n_pairs * 2, "{idle} hints for {} pairs", pairs.n_pairs);
        assert_eq!(pairs.get(u32::MAX, 3), None);
    }
}
