//! What a segment is, wherever it stands; and where it stands in the texts of a new run.
//!
//! A segment is known by its words, the [`CONTEXT`] code points on either side, and, where all of that occurs more
//! than once in the transcript, by its number. Text added elsewhere moves a segment and leaves it what it is; a change
//! of its words or of what stands directly beside it makes it another one, and decisions on it are never moved there.

use super::row::digest;
use memchr::memmem;

/// Code points on either side that belong to what a segment is.
pub const CONTEXT: usize = 32;

/// SHA-256 that tells the segment `text[start..end]` (bytes) from every other segment of the transcript.
///
/// ```
/// # use precode::store::journal::carry::segment_hash;
/// let far = "x".repeat(64);
/// let old = format!("{far} We asked them.");
/// let new = format!("Added. {far} We asked them.");
/// assert_eq!(segment_hash(&old, 65, 79), segment_hash(&new, 72, 86));
/// ```
///
/// # Panics
/// When the bytes are no character borders of the text.
pub fn segment_hash(text: &str, start: usize, end: usize) -> String {
    let (from, to) = window(text, start, end);
    let number = starts_of(text, &text[from..to]).take_while(|&at| at < from).count();
    let bytes = format!("{}\u{1}{}\u{1}{}\u{1}{number}", &text[from..start], &text[start..end], &text[end..to]);
    digest(bytes.as_bytes())
}

/// Where the segment with this hash and these words stands in `text`, in bytes.
pub fn place(text: &str, quote: &str, hash: &str) -> Option<(usize, usize)> {
    starts_of(text, quote).map(|start| (start, start + quote.len())).find(|&(a, b)| segment_hash(text, a, b) == hash)
}

/// The bytes of the segment with its context.
fn window(text: &str, start: usize, end: usize) -> (usize, usize) {
    let from = text[..start].char_indices().rev().take(CONTEXT).last().map_or(start, |(at, _)| at);
    let to = text[end..].char_indices().nth(CONTEXT).map_or(text.len(), |(at, _)| end + at);
    (from, to)
}

/// Every place where `words` begin, overlapping ones included.
fn starts_of<'a>(text: &'a str, words: &'a str) -> impl Iterator<Item = usize> + 'a {
    let finder = memmem::Finder::new(words);
    let mut from = 0;
    std::iter::from_fn(move || {
        let found = from + finder.find(text.as_bytes().get(from..)?)?;
        from = found + 1;
        Some(found)
    })
    .take(if words.is_empty() { 0 } else { usize::MAX })
}

/// Converts code points of one text to bytes.
///
/// ```
/// # use precode::store::journal::carry::byte_of;
/// assert_eq!(byte_of("aé😀b", 3), Some(7));
/// assert_eq!(byte_of("aé😀b", 5), None);
/// ```
pub fn byte_of(text: &str, char: usize) -> Option<usize> {
    if text.is_ascii() {
        return (char <= text.len()).then_some(char);
    }
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_words_in_equal_surroundings_are_told_apart_by_number() {
        let text = format!("{0}Yes.{0}Yes.{0}Yes.{0}", "-".repeat(80));
        let places: Vec<usize> = starts_of(&text, "Yes.").collect();
        let hashes: Vec<String> = places.iter().map(|&at| segment_hash(&text, at, at + 4)).collect();
        assert_eq!(hashes.len(), 3);
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
        for (at, hash) in places.iter().zip(&hashes) {
            assert_eq!(place(&text, "Yes.", hash), Some((*at, at + 4)));
        }
    }

    #[test]
    fn a_changed_neighbour_makes_another_segment() {
        let (old, new) = ("They asked us. We went. Fine.", "They told us. We went. Fine.");
        let hash = segment_hash(old, 15, 23);
        assert_eq!(place(old, "We went.", &hash), Some((15, 23)));
        assert_eq!(place(new, "We went.", &hash), None);
    }

    #[test]
    fn context_is_counted_in_code_points() {
        let text = format!("{}é. Yes. {}", "😀".repeat(40), "ü".repeat(40));
        let start = text.find("Yes.").unwrap();
        let hash = segment_hash(&text, start, start + 4);
        assert_eq!(place(&text, "Yes.", &hash), Some((start, start + 4)));
    }
}
