//! Files with the same bytes, in a few bytes each: there may be millions.
//!
//! Comes in: the places of files, in order, with their digests. Goes out: the first one of the same digest. Never
//! happens here: a look at the bytes.

/// The files that were seen, by open addressing.
#[derive(Debug)]
pub struct Copies {
    /// One more than the place of a file, and a part of its digest; a number of slots that stays.
    slots: Vec<[u32; 2]>,
}

/// Nothing stands here.
const FREE: [u32; 2] = [0; 2];

impl Copies {
    /// Room for so many files.
    pub fn of(n_files: usize) -> Self {
        Copies { slots: vec![FREE; n_files + n_files / 4 + 1] }
    }

    /// The first file of the digest, which begins with these hexadecimal digits, and of which `alike` does not say that
    /// it is another; this one where there was none.
    pub fn first(&mut self, digest: &str, place: usize, alike: impl Fn(usize) -> bool) -> usize {
        let part =
            |at: usize| digest.get(at..at + 8).and_then(|part| u32::from_str_radix(part, 16).ok()).unwrap_or(0);
        let (begin, mark) = (part(0), part(8));
        // The digest says where a file stands as well as how it is marked: both have to agree.
        let begin = ((u64::from(begin) * self.slots.len() as u64) >> 32) as usize;
        for slot in (begin..self.slots.len()).chain(0..begin) {
            let [next, other] = self.slots[slot];
            if next == 0 {
                self.slots[slot] = [place as u32 + 1, mark];
                return place;
            }
            if other == mark && alike(next as usize - 1) {
                return next as usize - 1;
            }
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::digest::sha256;

    #[test]
    fn the_first_of_equal_digests_is_found_as_in_a_map() {
        for n in [1, 2, 7, 1000] {
            let (mut copies, mut map) = (Copies::of(n), std::collections::BTreeMap::new());
            for place in 0..n {
                let digest = sha256((place * place % 37).to_string().as_bytes());
                let want = *map.entry(digest.clone()).or_insert(place);
                assert_eq!(copies.first(&digest, place, |_| true), want, "{n} {place}");
            }
        }
    }

    #[test]
    fn other_files_are_no_copies() {
        let mut copies = Copies::of(3);
        let digest = sha256(b"one");
        assert_eq!(copies.first(&digest, 0, |_| true), 0);
        assert_eq!(copies.first(&digest, 1, |first| first != 0), 1);
        assert_eq!(copies.first(&digest, 2, |first| first != 0), 1);
    }
}
