//! Marks: what the words of a sentence are needed for, asked of all its words at once.
//!
//! Comes in: which sets of terms have which marks, and the sets that stand in a sentence. Goes out: whether a mark may
//! stand there. Never happens here: what a mark stands for.
//!
//! A mark is a row of bits, one for each set of terms that has it, and a sentence is one too: a look at two lines of the
//! cache, side by side, tells whether they meet. The sets of common words have bits for themselves, and all others share
//! the rest: where only those meet, the mark perhaps does not stand.

use super::sets::SetId;

/// Bits of a row.
const BITS: usize = 1024;

/// Those of them that belong to one set alone.
const OWN: SetId = 512;

/// A bit for each set, or for several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(align(64))]
pub struct Row([u64; BITS / 64]);

impl Row {
    /// Adds a set.
    #[inline]
    pub fn put(&mut self, set: SetId) {
        let bit = if set < OWN { set } else { OWN + set % (BITS as SetId - OWN) };
        self.0[bit as usize / 64 % (BITS / 64)] |= 1 << (bit % 64);
    }

    /// True when any bit is in both.
    #[inline]
    pub fn meets(&self, other: &Row) -> bool {
        self.0.iter().zip(&other.0).fold(0, |all, (own, others)| all | own & others) != 0
    }
}

/// The mark that stands in every sentence.
pub const ALWAYS: u32 = 0;

/// The rows of marks.
pub struct Rows(Vec<Row>);

impl Rows {
    /// Those of so many marks, [`ALWAYS`] among them.
    pub fn new(n_marks: usize) -> Self {
        let mut rows = vec![Row::default(); n_marks.max(1)];
        rows[ALWAYS as usize] = Row([u64::MAX; BITS / 64]);
        Rows(rows)
    }

    /// Forgets which set has which mark.
    pub fn clear(&mut self) {
        *self = Rows::new(self.0.len());
    }

    /// Notes that a set has a mark; one that is never asked for has no row.
    pub fn put(&mut self, mark: u32, set: SetId) {
        if let Some(row) = self.0.get_mut(mark as usize) {
            row.put(set);
        }
    }

    /// False when the mark stands in no set of these for certain.
    #[inline]
    pub fn may_stand(&self, mark: u32, sets: &Row) -> bool {
        self.0[mark as usize].meets(sets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sets: &[SetId]) -> Row {
        let mut row = Row::default();
        sets.iter().for_each(|&set| row.put(set));
        row
    }

    #[test]
    fn tells_common_sets_apart_and_never_misses_one() {
        let mut rows = Rows::new(3);
        (0..5_000).filter(|set| set % 7 == 0).for_each(|set| rows.put(1, set));
        for set in 0..5_000 {
            let may_stand = rows.may_stand(1, &row(&[set]));
            assert!(if set < OWN { may_stand == (set % 7 == 0) } else { may_stand || set % 7 != 0 }, "{set}");
            assert!(rows.may_stand(ALWAYS, &row(&[set])) && !rows.may_stand(2, &row(&[set])));
        }
        rows.put(3, 1);
        rows.clear();
        assert!(!rows.may_stand(1, &row(&[7])) && rows.may_stand(ALWAYS, &row(&[7])));
    }
}
