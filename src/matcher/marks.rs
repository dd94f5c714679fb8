//! Marks as sets of bits: which sentence has which.
//!
//! Comes in: the marks of forms, drawn together in blocks. Goes out: whether a sentence has a mark. Never happens here:
//! what a mark stands for.
//!
//! A common word has the marks of dozens of needs: a block of marks is added at once, not each by itself.

use crate::token::{BLOCK, MarkBlock};

/// Bits of marks.
pub type Word = u64;

/// Marks that are added at once.
type Block = [Word; BLOCK / Word::BITS as usize];

/// A set of marks: the words of it that are not empty, each with its place.
pub type Set = Vec<(u32, Word)>;

/// The set of these marks, which come ascending.
pub fn set(marks: impl Iterator<Item = u32>) -> Set {
    let mut words: Set = Vec::new();
    for mark in marks {
        let (word, bit) = place(mark);
        match words.last_mut() {
            Some((last, bits)) if *last as usize == word => *bits |= 1 << bit,
            _ => words.push((word as u32, 1 << bit)),
        }
    }
    words
}

/// The word of a mark, and the bit in it.
#[inline]
fn place(mark: u32) -> (usize, u32) {
    (mark as usize / Word::BITS as usize, mark % Word::BITS)
}

/// The marks of one sentence.
#[derive(Clone, Copy)]
pub struct Row<'f>(&'f [Word]);

impl<'f> Row<'f> {
    /// True when the sentence has all of these marks.
    #[inline]
    pub fn has(self, marks: &[u32]) -> bool {
        marks.iter().all(|&mark| {
            let (word, bit) = place(mark);
            self.0[word] >> bit & 1 != 0
        })
    }

    /// Shows every mark of a set that the sentence has, ascending.
    #[inline]
    pub fn each(self, set: &[(u32, Word)], mut show: impl FnMut(u32)) {
        for &(place, bits) in set {
            let mut bits = self.0[place as usize] & bits;
            while bits != 0 {
                show(place * Word::BITS + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }
}

/// The marks of the sentences of a segment. Reused from segment to segment.
pub struct Found {
    /// The blocks of one sentence after those of the other.
    rows: Vec<Block>,
    n_blocks: usize,
}

impl Found {
    /// None, for a plan with so many marks.
    pub fn new(n_marks: usize) -> Self {
        Found { rows: Vec::new(), n_blocks: n_marks.div_ceil(BLOCK) }
    }

    /// Forgets all marks, for a segment of so many sentences.
    pub fn begin(&mut self, n_sentences: usize) {
        self.rows.clear();
        self.rows.resize(n_sentences * self.n_blocks, Block::default());
    }

    /// The marks of a sentence.
    #[inline]
    pub fn row(&self, sentence: usize) -> Row<'_> {
        Row(self.rows[sentence * self.n_blocks..][..self.n_blocks].as_flattened())
    }

    /// Where the marks of the words of a sentence are added.
    #[inline]
    pub fn adding(&mut self, sentence: usize) -> Adding<'_> {
        Adding(&mut self.rows[sentence * self.n_blocks..][..self.n_blocks])
    }
}

/// The marks of one sentence while they are found.
pub struct Adding<'f>(&'f mut [Block]);

impl Adding<'_> {
    /// Adds the marks of a word.
    #[inline]
    pub fn add(&mut self, marks: &[MarkBlock]) {
        for more in marks {
            let [a, b, c, d] = &mut self.0[more.place as usize];
            let [e, f, g, h] = more.bits;
            (*a, *b, *c, *d) = (*a | e, *b | f, *c | g, *d | h);
        }
    }

    /// Adds a mark.
    pub fn put(&mut self, mark: u32) {
        let (word, bit) = place(mark);
        self.0.as_flattened_mut()[word] |= 1 << bit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sentences of a plan with 600 marks; the first has words with 3, 255, 256 and 599, the second gets 4.
    fn found() -> Found {
        let mut found = Found::new(600);
        found.begin(2);
        let word = |place: u32, marks: &[u32]| {
            let mut block = MarkBlock { place, bits: [0; BLOCK / 64] };
            set(marks.iter().copied()).iter().for_each(|&(place, bits)| block.bits[place as usize] = bits);
            block
        };
        found.adding(0).add(&[word(0, &[3, 255]), word(1, &[0]), word(2, &[87])]);
        found.adding(1).put(4);
        found
    }

    #[test]
    fn knows_which_sentence_has_what() {
        let found = found();
        assert!(found.row(0).has(&[3, 255, 256, 599]) && !found.row(0).has(&[3, 4]));
        assert!(found.row(1).has(&[4]) && !found.row(1).has(&[3]));
        let asked = set([0, 3, 4, 256, 300].into_iter());
        let of = |sentence| {
            let mut all = Vec::new();
            found.row(sentence).each(&asked, |mark| all.push(mark));
            all
        };
        assert_eq!((of(0), of(1)), (vec![3, 256], vec![4]));
    }

    #[test]
    fn forgets_the_segment_before() {
        let mut found = found();
        found.begin(3);
        assert!((0..3).all(|sentence| (0..600).all(|mark| !found.row(sentence).has(&[mark]))));
    }
}
