//! Sets of terms: which words of a sentence meet a term, without a list of terms for each of them.
//!
//! Comes in: the ids of the terms that a form meets. Goes out: a number for the set, equal for equal sets, and whether
//! a term is in it. Never happens here: a look at a lexicon, or at a text.
//!
//! A term is a column of bits, one for each set, cut into pages of 512; an empty page is stored once, so that many
//! terms and sets that have little to do with each other cost little. The sets of common words get their numbers first:
//! most questions about a term are answered by its first page.

use rustc_hash::FxHashMap;

/// The number of a set in its [`TermSets`]; 0 is the empty set.
pub type SetId = u32;

/// Bits of a page.
const PAGE: usize = 512;

/// A bit for each of so many sets.
type Page = [u64; PAGE / 64];

/// Distinct sets of terms.
pub struct TermSets {
    ids: FxHashMap<Box<[u32]>, SetId>,
    /// For each stretch of [`PAGE`] sets, and each term: its page.
    directories: Vec<Vec<u32>>,
    /// Page 0 is empty.
    pages: Vec<Page>,
    n_sets: SetId,
}

impl TermSets {
    /// The empty set alone.
    pub fn new() -> Self {
        TermSets { ids: FxHashMap::default(), directories: Vec::new(), pages: vec![[0; PAGE / 64]], n_sets: 1 }
    }

    /// Forgets all sets but the empty one.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.directories.clear();
        self.pages.truncate(1);
        self.n_sets = 1;
    }

    /// The number of a set.
    pub fn id(&mut self, terms: &[u32]) -> SetId {
        if terms.is_empty() {
            return 0;
        }
        if let Some(&id) = self.ids.get(terms) {
            return id;
        }
        let id = self.n_sets;
        self.n_sets += 1;
        self.ids.insert(terms.into(), id);
        terms.iter().for_each(|&term| self.put(id, term as usize));
        id
    }

    fn put(&mut self, set: SetId, term: usize) {
        let set = set as usize;
        if self.directories.len() <= set / PAGE {
            self.directories.resize(set / PAGE + 1, Vec::new());
        }
        let directory = &mut self.directories[set / PAGE];
        if directory.len() <= term {
            directory.resize(term + 1, 0);
        }
        let page = &mut directory[term];
        if *page == 0 {
            *page = self.pages.len() as u32;
            self.pages.push([0; PAGE / 64]);
        }
        self.pages[*page as usize][set % PAGE / 64] |= 1 << (set % 64);
    }

    /// Everything about one term.
    #[inline]
    pub fn column(&self, term: u32) -> Column<'_> {
        Column { sets: self, term: term as usize, first: self.page(0, term as usize) }
    }

    /// The page of a term in one of the stretches of sets.
    #[inline]
    fn page(&self, stretch: usize, term: usize) -> &Page {
        let directory = self.directories.get(stretch).map_or(&[][..], Vec::as_slice);
        &self.pages[directory.get(term).map_or(0, |&page| page as usize)]
    }
}

/// One term, and the sets that it is in.
#[derive(Clone, Copy)]
pub struct Column<'s> {
    sets: &'s TermSets,
    term: usize,
    /// That of the commonest sets.
    first: &'s Page,
}

impl Column<'_> {
    /// True when the term is in the set.
    #[inline]
    pub fn is_in(self, set: SetId) -> bool {
        let set = set as usize;
        let page = if set < PAGE { self.first } else { self.sets.page(set / PAGE, self.term) };
        page[set % PAGE / 64] >> (set % 64) & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_are_one_and_hold_their_terms_only() {
        let mut sets = TermSets::new();
        let mut all: Vec<Vec<u32>> = vec![vec![], vec![3, 511, 512], vec![1999], vec![3, 1999]];
        all.extend((4..1100).map(|n| vec![n, n + 800]));
        let ids: Vec<SetId> = all.iter().map(|terms| sets.id(terms)).collect();
        assert_eq!(ids, all.iter().map(|terms| sets.id(terms)).collect::<Vec<_>>());
        assert_eq!(ids[0], 0);
        for term in 0..2000 {
            for (terms, &id) in all.iter().zip(&ids) {
                assert_eq!(sets.column(term).is_in(id), terms.contains(&term), "{term} in {terms:?}");
            }
        }
        sets.clear();
        assert!(!sets.column(1999).is_in(sets.n_sets - 1));
    }
}
