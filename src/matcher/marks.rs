//! Marks as sets of bits: which sentence has which.
//!
//! Comes in: the marks of forms, drawn together in blocks. Goes out: whether a sentence has a mark. Never happens here:
//! what a mark stands for.
//!
//! A common word has the marks of dozens of needs: a block of marks is added at once, not each by itself.

use crate::token::{BLOCK, MarkBlock};

/// Bits of marks.
pub type Word = u64;

/// A set of marks.
pub fn set(marks: impl Iterator<Item = u32>) -> Vec<Word> {
    let mut words = Vec::new();
    for mark in marks {
        let (word, bit) = place(mark);
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        words[word] |= 1 << bit;
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

    /// Marks of a set that the sentence has, ascending.
    #[inline]
    pub fn among(self, set: &'f [Word]) -> impl Iterator<Item = u32> + 'f {
        let words = self.0.iter().zip(set).map(|(row, set)| row & set);
        (0..).zip(words).flat_map(|(place, word)| each(word).map(move |bit| place * Word::BITS + bit))
    }
}

/// The bits of a word, ascending.
#[inline]
fn each(mut word: Word) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        (word != 0).then(|| {
            word &= word - 1;
            bit
        })
    })
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
        Found { rows: Vec::new(), n_words: n_marks.div_ceil(BLOCK) * BLOCK / Word::BITS as usize }
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
    pub fn add(&mut self, marks: &[MarkBlock]) {
        for more in marks {
            let begin = more.place as usize * more.bits.len();
            let all = &mut self.0[begin..begin + more.bits.len()];
            all.iter_mut().zip(&more.bits).for_each(|(all, more)| *all |= more);
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
        let word = |place: u32, marks: &[u32]| {
            let mut bits = set(marks.iter().copied());
            bits.resize(BLOCK / 64, 0);
            MarkBlock { place, bits: bits.try_into().unwrap() }
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
        assert_eq!(found.row(0).among(&asked).collect::<Vec<_>>(), [3, 256]);
        assert_eq!(found.row(1).among(&asked).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn forgets_the_segment_before() {
        let mut found = found();
        found.begin(3);
        assert!((0..3).all(|sentence| (0..600).all(|mark| !found.row(sentence).has(&[mark]))));
    }
}
