//! Pairs of stems that are cues: which row two neighbours have.
//!
//! Comes in: the ids of two stems. Goes out: their row. Never happens here: what a row says.
//!
//! Most neighbours are no cue: for each stem, two words of bits say which stems may stand beside it, by the last six bits
//! of their ids. Those that may be one are looked up by open addressing.

use super::numbers::{self, Number};
use serde::{Deserialize, Serialize};

/// Two stems and their row.
type Slot = [u32; 3];

/// The row of no pair.
const NONE: u32 = u32::MAX;

/// No pair.
const EMPTY: Slot = [NONE; 3];

/// Slots at first.
const FIRST_SIZE: usize = 1 << 6;

/// Which stems may stand beside a stem: a bit for each, by the last six bits of its id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides {
    /// Those before it.
    before: u64,
    /// Those after it.
    after: u64,
}

impl Sides {
    /// False for nearly all neighbours that are no pair; `self` are the sides of `first`, `next` those of `second`.
    #[inline]
    pub fn may_meet(self, first: u32, second: u32, next: Sides) -> bool {
        self.after >> (second % 64) & next.before >> (first % 64) & 1 != 0
    }
}

impl Number for Sides {
    type Bytes = <[u64; 2] as Number>::Bytes;

    fn bytes(self) -> Self::Bytes {
        [self.before, self.after].bytes()
    }

    #[inline]
    fn of(bytes: &Self::Bytes) -> Self {
        let [before, after] = Number::of(bytes);
        Sides { before, after }
    }
}

/// The pairs of a table of cues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    /// By open addressing; their number is a power of two.
    #[serde(with = "numbers")]
    slots: Vec<Slot>,
    /// By the id of a stem; the last one is that of all others.
    #[serde(with = "numbers")]
    sides: Vec<Sides>,
    n_pairs: usize,
}

impl Default for Pairs {
    fn default() -> Self {
        Pairs { slots: vec![EMPTY; FIRST_SIZE], sides: vec![Sides::default()], n_pairs: 0 }
    }
}

impl Pairs {
    /// Adds a pair; one that is there gets the new row.
    pub fn add(&mut self, first: u32, second: u32, row: u32) {
        if (self.n_pairs + 1) * 5 > self.slots.len() * 4 {
            self.grow();
        }
        self.n_pairs += usize::from(self.get(first, second).is_none());
        self.put([first, second, row]);
        let least = first.max(second) as usize + 2;
        self.sides.resize(least.max(self.sides.len()), Sides::default());
        self.sides[first as usize].after |= 1 << (second % 64);
        self.sides[second as usize].before |= 1 << (first % 64);
    }

    fn put(&mut self, slot: Slot) {
        let place = self.place(slot[0], slot[1]);
        self.slots[place] = slot;
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        old.into_iter().filter(|slot| *slot != EMPTY).for_each(|slot| self.put(slot));
    }

    /// Which stems may stand beside a stem.
    #[inline]
    pub fn sides(&self, stem: u32) -> Sides {
        self.sides[(stem as usize).min(self.sides.len() - 1)]
    }

    /// The row of a pair.
    #[inline]
    pub fn get(&self, first: u32, second: u32) -> Option<u32> {
        Some(self.slots[self.place(first, second)][2]).filter(|row| *row != NONE)
    }

    /// Brings the slots where these are looked for near, all at once: one look does not wait for the other. Of each,
    /// the last two are the pair.
    #[inline]
    pub fn call(&self, pairs: &[[u32; 3]]) {
        let mut all = 0;
        for &[_, first, second] in pairs {
            all ^= self.slots[self.hash(first, second)][2];
        }
        std::hint::black_box(all);
    }

    /// The slot where the search for a pair begins.
    #[inline]
    fn hash(&self, first: u32, second: u32) -> usize {
        let both = u64::from(first) << 32 | u64::from(second);
        (both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.slots.len() - 1)
    }

    /// The slot of a pair, or the one where it would be put.
    #[inline]
    fn place(&self, first: u32, second: u32) -> usize {
        let mut place = self.hash(first, second);
        loop {
            let [a, b, row] = self.slots[place];
            if (a, b) == (first, second) || row == NONE {
                return place;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
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
            assert!(want.is_none() || may_meet(&pairs, first, second), "{first} {second}");
        }
        assert_eq!(pairs.get(u32::MAX, 3), None);
    }

    fn may_meet(pairs: &Pairs, first: u32, second: u32) -> bool {
        pairs.sides(first).may_meet(first, second, pairs.sides(second))
    }

    #[test]
    fn few_others_may_be_one() {
        let mut pairs = Pairs::default();
        (0..2000).for_each(|stem| pairs.add(stem, stem * 7 % 2003, stem));
        let neighbours = || (0..2000).flat_map(|first| [5, 13, 1999].map(|step| (first, (first + step) % 2000)));
        let idle = neighbours().filter(|&(first, second)| may_meet(&pairs, first, second)).count();
        assert!(idle < 300, "{idle}");
        assert!(neighbours().all(|(stem, _)| !may_meet(&pairs, stem, u32::MAX) && !may_meet(&pairs, u32::MAX, stem)));
    }
}
