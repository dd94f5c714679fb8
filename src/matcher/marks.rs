//! Marks as sets of bits: which sentence has which, and which of them any sentence has.
//!
//! Comes in: the marks of forms, drawn together in blocks. Goes out: whether a sentence, or the segment, has a mark.
//! Never happens here: what a mark stands for.
//!
//! A common word has the marks of dozens of needs: a block of marks is added at once, not each by itself.

use crate::token::{BLOCK, MarkBlock};

/// A block of the marks of a sentence.
pub type Block = [u64; BLOCK / 64];

/// A set of marks.
pub fn set(marks: impl Iterator<Item = u32>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for mark in marks {
        let needed = mark as usize / BLOCK + 1;
        if blocks.len() < needed {
            blocks.resize(needed, Block::default());
        }
        put(&mut blocks, mark);
    }
    blocks
}

/// The block of a mark, the word in it, and the bit in that.
#[inline]
fn place(mark: u32) -> (usize, usize, u32) {
    let at = mark as usize;
    (at / BLOCK, at % BLOCK / 64, mark % 64)
}

fn put(blocks: &mut [Block], mark: u32) {
    let (block, word, bit) = place(mark);
    blocks[block][word] |= 1 << bit;
}

#[inline]
fn is_in(blocks: &[Block], mark: u32) -> bool {
    let (block, word, bit) = place(mark);
    blocks[block][word] >> bit & 1 != 0
}

#[inline]
fn join(all: &mut Block, more: &Block) {
    all.iter_mut().zip(more).for_each(|(all, more)| *all |= more);
}

/// The marks of a segment. Reused from segment to segment.
pub struct Found {
    /// For each block, the marks of each sentence.
    rows: Vec<Block>,
    /// Marks that any sentence has.
    all: Vec<Block>,
    n_sentences: usize,
}

impl Found {
    /// None, for a plan with so many marks.
    pub fn new(n_marks: usize) -> Self {
        Found { rows: Vec::new(), all: vec![Block::default(); n_marks.div_ceil(BLOCK)], n_sentences: 0 }
    }

    /// Forgets all marks, for a segment of so many sentences.
    pub fn begin(&mut self, n_sentences: usize) {
        self.n_sentences = n_sentences;
        self.all.fill(Block::default());
        self.rows.clear();
        self.rows.resize(n_sentences * self.all.len(), Block::default());
    }

    /// Where the marks of the words of a sentence are added.
    pub fn sentence(&mut self, sentence: usize) -> Adding<'_> {
        Adding { found: self, sentence }
    }

    /// Marks a sentence.
    pub fn put(&mut self, sentence: usize, mark: u32) {
        let (block, word, bit) = place(mark);
        self.rows[block * self.n_sentences + sentence][word] |= 1 << bit;
        put(&mut self.all, mark);
    }

    /// True when a sentence has all of these marks.
    #[inline]
    pub fn has_in(&self, sentence: usize, marks: &[u32]) -> bool {
        marks.iter().all(|&mark| {
            let (block, word, bit) = place(mark);
            self.rows[block * self.n_sentences + sentence][word] >> bit & 1 != 0
        })
    }

    /// For each sentence whether it has this mark.
    #[inline]
    pub fn of_sentences(&self, mark: u32) -> impl Iterator<Item = bool> {
        let (block, word, bit) = place(mark);
        let begin = block * self.n_sentences;
        self.rows[begin..begin + self.n_sentences].iter().map(move |block| block[word] >> bit & 1 != 0)
    }

    /// True when the segment has each of these marks somewhere.
    #[inline]
    pub fn has(&self, marks: &[u32]) -> bool {
        marks.iter().all(|&mark| is_in(&self.all, mark))
    }

    /// True when the segment has this mark somewhere.
    #[inline]
    pub fn has_one(&self, mark: u32) -> bool {
        is_in(&self.all, mark)
    }

    /// Marks of a set that the segment has somewhere, ascending.
    pub fn among<'s>(&'s self, set: &'s [Block]) -> impl Iterator<Item = u32> + 's {
        let words = self.all.as_flattened().iter().zip(set.as_flattened()).map(|(all, set)| all & set);
        (0..).zip(words).flat_map(|(place, word)| each(word).map(move |bit| place * 64 + bit))
    }
}

/// The bits of a word, ascending.
fn each(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        (word != 0).then(|| {
            word &= word - 1;
            bit
        })
    })
}

/// The marks of one sentence while its words are read.
pub struct Adding<'f> {
    found: &'f mut Found,
    sentence: usize,
}

impl Adding<'_> {
    /// Adds the marks of a word.
    #[inline]
    pub fn add(&mut self, marks: &[MarkBlock]) {
        for more in marks {
            let row = more.place as usize * self.found.n_sentences + self.sentence;
            join(&mut self.found.rows[row], &more.bits);
        }
    }

    /// Every word is read: the segment has what the sentence has.
    pub fn end(self) {
        let rows = self.found.rows.iter().skip(self.sentence).step_by(self.found.n_sentences);
        self.found.all.iter_mut().zip(rows).for_each(|(all, row)| join(all, row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sentences of a plan with 600 marks; the first has words with 3, 255, 256 and 599, the second gets 4.
    fn found() -> Found {
        let mut found = Found::new(600);
        found.begin(2);
        let word = |place: u32, marks: &[u32]| MarkBlock { place, bits: set(marks.iter().copied())[0] };
        let mut adding = found.sentence(0);
        adding.add(&[word(0, &[3, 255]), word(1, &[0]), word(2, &[87])]);
        adding.end();
        found.put(1, 4);
        found
    }

    #[test]
    fn knows_which_sentence_has_what() {
        let found = found();
        assert!(found.has_in(0, &[3, 255, 256, 599]) && !found.has_in(0, &[3, 4]));
        assert!(found.has_in(1, &[4]) && !found.has_in(1, &[3]));
        assert!(found.has(&[3, 4, 599]) && !found.has(&[3, 5]) && !found.has_one(598));
        assert_eq!(found.of_sentences(256).collect::<Vec<_>>(), [true, false]);
        assert_eq!(found.among(&set([0, 3, 4, 256, 300].into_iter())).collect::<Vec<_>>(), [3, 4, 256]);
    }

    #[test]
    fn forgets_the_segment_before() {
        let mut found = found();
        found.begin(3);
        assert!((0..600).all(|mark| !found.has_one(mark) && !found.of_sentences(mark).any(|has| has)));
    }
}
