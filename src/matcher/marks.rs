//! Marks as sets of bits: which sentence has which.
//!
//! Comes in: the marks of forms. Goes out: whether a sentence has a mark. Never happens here: what a mark stands for.
//!
//! A common word has the marks of dozens of needs: those that lie in one word of the set are added at once.

use crate::token::Marks;

/// Bits of marks.
pub type Word = u64;

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
    /// True when the sentence has all of these marks. All are looked up: where the first is missing is hard to guess.
    #[inline]
    pub fn has(self, marks: &[u32]) -> bool {
        let has = |&mark: &u32| {
            let (word, bit) = place(mark);
            self.0[word] >> bit & 1
        };
        marks.iter().fold(1, |all, mark| all & has(mark)) != 0
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
    /// The words of one sentence after those of the other.
    rows: Vec<Word>,
    n_words: usize,
}

impl Found {
    /// None, for a plan with so many marks.
    pub fn new(n_marks: usize) -> Self {
        Found { rows: Vec::new(), n_words: n_marks.div_ceil(Word::BITS as usize) }
    }

    /// Forgets all marks, for a segment of so many sentences.
    pub fn begin(&mut self, n_sentences: usize) {
        self.rows.clear();
        self.rows.resize(n_sentences * self.n_words, 0);
    }

    /// The marks of a sentence.
    #[inline]
    pub fn row(&self, sentence: usize) -> Row<'_> {
        Row(&self.rows[sentence * self.n_words..][..self.n_words])
    }

    /// Where the marks of the words of a sentence are added.
    #[inline]
    pub fn adding(&mut self, sentence: usize) -> Adding<'_> {
        Adding(&mut self.rows[sentence * self.n_words..][..self.n_words])
    }
}

/// The marks of one sentence while they are found.
pub struct Adding<'f>(&'f mut [Word]);

impl Adding<'_> {
    /// Adds the marks of a word.
    #[inline]
    pub fn add(&mut self, marks: &[Marks]) {
        for more in marks {
            self.0[more.place as usize] |= more.bits;
        }
    }

    /// Adds a mark.
    pub fn put(&mut self, mark: u32) {
        let (word, bit) = place(mark);
        self.0[word] |= 1 << bit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sentences of a plan with 600 marks; the first has words with 3, 255, 256 and 599, the second gets 4.
    fn found() -> Found {
        let mut found = Found::new(600);
        found.begin(2);
        let word = |place: u32, bit: u32| Marks { place, bits: 1 << bit };
        found.adding(0).add(&[word(0, 3), word(3, 63), word(4, 0), word(9, 23)]);
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
