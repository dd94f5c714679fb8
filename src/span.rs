//! Half-open byte spans, and the only place that converts between the units of position.
//!
//! Comes in: a text and byte offsets into it. Goes out: code points, UTF-16 units, lines and columns.
//! Never happens here: a change of the text.

use serde::{Deserialize, Serialize};

/// A half-open range of bytes in one text: `start` is the first byte, `end` the first one after it.
///
/// Both lie on character borders of the text they were made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte after the span.
    pub end: usize,
}

impl Span {
    /// The span from `start` to `end`.
    ///
    /// # Panics
    /// When `start > end`: such a span is a broken invariant of the caller.
    pub fn new(start: usize, end: usize) -> Self {
        assert!(start <= end, "span starts at {start} after its end {end}");
        Span { start, end }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// True when no byte lies in the span.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The words of the span.
    ///
    /// ```
    /// # use precode::span::Span;
    /// assert_eq!(Span::new(3, 7).of("we trained"), "trai");
    /// ```
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }

    /// The smallest span that holds both.
    pub fn cover(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// True when `other` lies wholly within this span.
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// True when the two share at least one byte.
    pub fn overlaps(self, other: Span) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// One place in a text in every unit that exports need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes before the place.
    pub byte: usize,
    /// Unicode code points before the place.
    pub char: usize,
    /// UTF-16 units before the place.
    pub utf16: usize,
}

/// Converts byte offsets of one text in constant time.
///
/// ```
/// # use precode::span::Positions;
/// let positions = Positions::new("a😀b");
/// let b = positions.at("a😀b", 5);
/// assert_eq!((b.byte, b.char, b.utf16), (5, 2, 3));
/// ```
#[derive(Debug, Clone)]
pub struct Positions {
    /// Code points and UTF-16 units before every `STRIDE`-th byte; empty when the text is ASCII.
    marks: Vec<(u32, u32)>,
}

const STRIDE: usize = 256;

impl Positions {
    /// Reads the text once.
    pub fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Positions { marks: Vec::new() };
        }
        let mut marks = Vec::with_capacity(text.len() / STRIDE + 1);
        let (mut chars, mut units) = (0u32, 0u32);
        for block in text.as_bytes().chunks(STRIDE) {
            marks.push((chars, units));
            let (c, u) = weight(block);
            chars += c;
            units += u;
        }
        Positions { marks }
    }

    /// The place of byte `byte` of `text`, which must be the text given to [`Positions::new`].
    ///
    /// # Panics
    /// When `byte` lies after the end of the text.
    pub fn at(&self, text: &str, byte: usize) -> Position {
        if self.marks.is_empty() {
            assert!(byte <= text.len(), "byte {byte} lies after the end {}", text.len());
            return Position { byte, char: byte, utf16: byte };
        }
        let mark = (byte / STRIDE).min(self.marks.len() - 1);
        let (char, utf16) = self.marks[mark];
        let (c, u) = weight(&text.as_bytes()[mark * STRIDE..byte]);
        Position { byte, char: (char + c) as usize, utf16: (utf16 + u) as usize }
    }
}

/// Code points and UTF-16 units that begin in these bytes. Continuation bytes begin none; a four-byte character takes
/// two UTF-16 units.
fn weight(bytes: &[u8]) -> (u32, u32) {
    // Few enough at a time for counts of one byte, of which the compiler adds many at once.
    bytes.chunks(128).fold((0, 0), |(chars, units), part| {
        let (c, wide) = (count(part, |b| b & 0xC0 != 0x80), count(part, |b| b >= 0xF0));
        (chars + c, units + c + wide)
    })
}

/// How many of at most 255 bytes are of a kind.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> u32 {
    u32::from(bytes.iter().map(|&b| u8::from(is(b))).sum::<u8>())
}

/// Line and column, both from 1, of byte `byte`; columns count code points.
///
/// ```
/// # use precode::span::line_column;
/// assert_eq!(line_column("ab\nçd", 5), (2, 2));
/// ```
pub fn line_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..byte.min(text.len())];
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_unit_of_mixed_text() {
        for text in ["é😀x".repeat(300), format!("{}é", "x".repeat(1000)), "😀".repeat(300)] {
            let positions = Positions::new(&text);
            let (mut char, mut utf16) = (0, 0);
            for (byte, c) in text.char_indices() {
                assert_eq!(positions.at(&text, byte), Position { byte, char, utf16 });
                char += 1;
                utf16 += c.len_utf16();
            }
            assert_eq!(positions.at(&text, text.len()), Position { byte: text.len(), char, utf16 });
        }
    }

    #[test]
    fn ascii_text_needs_no_marks() {
        let positions = Positions::new("plain");
        assert!(positions.marks.is_empty());
        assert_eq!(positions.at("plain", 5).utf16, 5);
    }
}
