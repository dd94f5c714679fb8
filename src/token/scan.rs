//! The scan: one pass over the bytes that finds where words begin and end.
//!
//! Comes in: a stretch of text. Goes out: tokens with spans into the whole text. ASCII goes by a table; only runs
//! with other bytes take the Unicode path. Never happens here: folding or stemming (see [`super::form`]).

use super::memo::{self, Known};
use super::{Break, Forms, Light, Token};
use crate::span::Span;
use unicode_segmentation::UnicodeSegmentation;

/// Appends the tokens of one stretch of `text` to `tokens`.
///
/// `span` is a unit of speech; its first token carries [`Break::PARAGRAPH`]. Noise in brackets (`[inaudible]`,
/// `(laughs)`) gives no token; fillers give none either: both stay in the text and in no gap.
pub fn tokenize(text: &str, span: Span, forms: &mut Forms, tokens: &mut Vec<Token>) {
    let (at, end) = (span.start, span.end);
    // What the last token of another unit was does not matter: a paragraph's border parts it from this one.
    Scan { text, end, at, before: Break::PARAGRAPH, quoted: false, forms, tokens, first: (0, 0) }.run();
}

/// Where the scan stands.
struct Scan<'t, 'f, 'l> {
    text: &'t str,
    end: usize,
    at: usize,
    /// What stands after the last token, as far as the scan has come.
    before: Break,
    quoted: bool,
    forms: &'f mut Forms<'l>,
    tokens: &'f mut Vec<Token>,
    /// Where the second word of a filler of two must stand, after its first word, and which filler.
    first: (usize, u8),
}

/// What a byte is to the scan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A letter, a digit, or part of a character beyond ASCII.
    Word,
    /// White space.
    Space,
    /// Anything else.
    Mark,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Mark; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() || b >= 0x80 || b == b'_' {
            table[byte] = Class::Word;
        } else if b.is_ascii_whitespace() || b == 0x0b {
            table[byte] = Class::Space;
        }
        byte += 1;
    }
    table
};

/// True for the bytes that end a run of letters so that the run is a word by itself: no mark that may join it to what
/// follows, or that asks for a second look.
const ENDS_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = !matches!(CLASS[byte], Class::Word) && !matches!(byte as u8, b'\'' | b'-');
        byte += 1;
    }
    table
};

/// What a byte between two words says, where it is white space or a mark that always means the same; else nothing.
const BETWEEN: [Break; 256] = {
    let mut table = [Break(0); 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b',' => Break::COMMA,
            b';' | b':' => Break::STRONG,
            b'.' | b'?' | b'!' => Break::STOP,
            _ if matches!(CLASS[byte], Class::Space) => Break::SPACE,
            _ => Break(0),
        };
        byte += 1;
    }
    table
};

impl Scan<'_, '_, '_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        while self.at < self.end {
            self.plain_words(bytes);
            match bytes[..self.end].get(self.at).map(|&byte| CLASS[usize::from(byte)]) {
                Some(Class::Space) => self.space(bytes),
                Some(Class::Mark) => self.mark(bytes),
                Some(Class::Word) => self.word(bytes),
                None => {}
            }
        }
    }

    /// Takes short words of ASCII letters with a single blank between them, or a mark and a blank, which most speech is;
    /// ends where anything else stands.
    fn plain_words(&mut self, bytes: &[u8]) {
        if self.at > 0 && bytes[self.at - 1] == b'\'' {
            return;
        }
        while let Some(block) = bytes[self.at..].first_chunk() {
            let within = u64::MAX >> BLOCK.saturating_sub(self.end - self.at);
            if !self.plain_block(block, letters(block) & within) {
                return;
            }
        }
    }

    /// As [`Scan::plain_words`] in one block, with a bit for each of its letters; true where only the block ends.
    #[inline]
    fn plain_block(&mut self, block: &[u8; BLOCK], letters: u64) -> bool {
        let start = self.at;
        let mut place = 0;
        while let Some(word) = block[place..].first_chunk() {
            let length = (!(letters >> place)).trailing_zeros() as usize;
            let after = usize::from(block[(place + length) % BLOCK]);
            let between = BETWEEN[after];
            if length == 0 || length > memo::LONGEST || between == Break(0) && !ENDS_WORD[after] {
                self.at = start + place;
                return false;
            }
            let (from, to) = (start + place, start + place + length);
            let known = self.forms.of_short(memo::key_of(word, length), self.text, from, to);
            self.add(known, from, to);
            place += length;
            let step = if between == Break::SPACE { 1 } else { 2 };
            let blank = step == 1 || block[(place + 1) % BLOCK] == b' ';
            if between == Break(0) || !blank || letters >> (place + step) & 1 == 0 {
                self.at = start + place;
                return false;
            }
            self.before.add(if step == 1 { between } else { Break(between.0 | Break::SPACE.0) });
            place += step;
        }
        self.at = start + place;
        true
    }

    /// A run of white space; a blank line in it is a paragraph's border.
    fn space(&mut self, bytes: &[u8]) {
        let mut lines = 0;
        while self.at < self.end && CLASS[usize::from(bytes[self.at])] == Class::Space {
            lines += usize::from(bytes[self.at] == b'\n');
            self.at += 1;
        }
        self.before.add(if lines > 1 { Break(Break::SPACE.0 | Break::PARAGRAPH.0) } else { Break::SPACE });
    }

    fn mark(&mut self, bytes: &[u8]) {
        match bytes[self.at] {
            b',' => self.before.add(Break::COMMA),
            b';' | b':' => self.before.add(Break::STRONG),
            b'.' if self.text[self.at..self.end].starts_with("..") => self.before.add(ELLIPSIS),
            b'.' | b'?' | b'!' => self.before.add(Break::STOP),
            b'-' => self.hyphen(bytes),
            b'"' => self.straight_quote(),
            b'[' | b'(' | b'<' => return self.bracket(bytes),
            _ => {}
        }
        self.at += 1;
    }

    fn hyphen(&mut self, bytes: &[u8]) {
        if self.dash(bytes) {
            self.before.add(Break::STRONG);
        }
    }

    /// A hyphen that stands for a dash: doubled, or with white space before and after it.
    fn dash(&self, bytes: &[u8]) -> bool {
        let next = bytes.get(self.at + 1).copied().unwrap_or(b' ');
        next == b'-' || (self.before.has(Break::SPACE) && next.is_ascii_whitespace())
    }

    fn straight_quote(&mut self) {
        self.quoted = !self.quoted;
        self.before.add(if self.quoted { Break::OPEN } else { Break::CLOSE });
    }

    /// Steps over noise in brackets; of other brackets, only over the bracket itself.
    fn bracket(&mut self, bytes: &[u8]) {
        let close = match bytes[self.at] {
            b'[' => b']',
            b'(' => b')',
            _ => b'>',
        };
        let window = &bytes[self.at + 1..self.end.min(self.at + 48)];
        let inner = memchr::memchr(close, window).map(|n| &window[..n]);
        match inner {
            Some(inner) if is_noise(inner) => self.at += inner.len() + 2,
            _ => self.at += 1,
        }
    }

    fn word(&mut self, bytes: &[u8]) {
        let start = self.at;
        let run = run_end(bytes, start, self.end);
        self.at = run.end;
        if run.beyond_ascii {
            self.unicode_run(start, run.end, bytes);
        } else if run.marks || bytes.get(run.end) == Some(&b'-') || start > 0 && bytes[start - 1] == b'\'' {
            self.ascii_run(start, run.end, bytes);
        } else {
            self.push_whole(start, run.end);
        }
    }

    /// A run of ASCII letters, digits and inner apostrophes: one word with its clitics.
    fn ascii_run(&mut self, start: usize, end: usize, bytes: &[u8]) {
        let end = self.cut_off(start, end, bytes).unwrap_or(end);
        self.at = end;
        let start =
            if start > 0 && bytes[start - 1] == b'\'' && &self.text[start..end] == "em" { start - 1 } else { start };
        self.push(start, end);
    }

    /// The end of the word that a hyphen before white space belongs to: a word broken at a line end, or a cut-off
    /// one; none where no word follows.
    fn cut_off(&self, start: usize, end: usize, bytes: &[u8]) -> Option<usize> {
        let next = *bytes.get(end + 1).filter(|_| end + 1 < self.end && bytes[end] == b'-')?;
        if !next.is_ascii_whitespace() || bytes[start].is_ascii_digit() {
            return None;
        }
        let gap = bytes[end + 1..self.end].iter().take(40).position(|b| !b.is_ascii_whitespace())?;
        let resume = end + 1 + gap;
        let Run { end: stop, beyond_ascii, .. } = run_end(bytes, resume, self.end);
        let letters = bytes[resume].is_ascii_lowercase() || bytes[resume].eq_ignore_ascii_case(&bytes[start]);
        (!beyond_ascii && stop > resume && letters && !CONJUNCTIONS.contains(&&self.text[resume..stop]))
            .then_some(stop)
    }

    /// A run with characters beyond ASCII: quotes, dashes and words by Unicode's rules.
    fn unicode_run(&mut self, start: usize, end: usize, bytes: &[u8]) {
        let run = &self.text[start..end];
        let mut from = 0;
        for (i, c) in run.char_indices() {
            let Some(mark) = self.unicode_mark(c, &run[i + c.len_utf8()..], i > from) else { continue };
            self.unicode_words(start + from, start + i, bytes);
            self.before.add(mark);
            from = i + c.len_utf8();
        }
        self.unicode_words(start + from, end, bytes);
    }

    /// What a punctuation character beyond ASCII means; none for letters and for an apostrophe inside a word.
    fn unicode_mark(&self, c: char, rest: &str, inside: bool) -> Option<Break> {
        let word_follows = rest.chars().next().is_some_and(char::is_alphanumeric);
        match c {
            '’' if inside && word_follows => None,
            '‘' | '“' | '„' | '«' => Some(Break::OPEN),
            '’' if !word_follows => Some(Break::CLOSE),
            '”' | '»' => Some(Break::CLOSE),
            '–' | '—' | '―' => Some(Break::STRONG),
            '…' => Some(ELLIPSIS),
            '\u{2028}' | '\u{2029}' => Some(Break::PARAGRAPH),
            _ if c.is_whitespace() => Some(Break::SPACE),
            _ => None,
        }
    }

    fn unicode_words(&mut self, start: usize, end: usize, bytes: &[u8]) {
        for (i, word) in self.text[start..end].unicode_word_indices() {
            let at = start + i;
            if at + word.len() == end && end == self.at {
                let stop = self.cut_off(at, end, bytes).unwrap_or(end);
                self.at = stop;
                self.push(at, stop);
            } else {
                self.push(at, at + word.len());
            }
        }
    }

    /// Adds a word, its clitics apart.
    fn push(&mut self, start: usize, end: usize) {
        let split = clitic(&self.text[start..end]).map_or(end, |n| start + n);
        for (start, end) in [(start, split), (split, end)] {
            if start < end {
                self.push_whole(start, end);
            }
        }
    }

    /// Adds a word as it is.
    fn push_whole(&mut self, start: usize, end: usize) {
        let key = memo::key(self.text.as_bytes(), start, end);
        let known = self.forms.of(key, self.text, start, end);
        self.add(known, start, end);
    }

    /// Adds a token. A filler is dropped, but what stood before it is kept.
    #[inline]
    fn add(&mut self, known: Known, start: usize, end: usize) {
        let mut light = false;
        if !known.counts() {
            match self.lightly(known.light(), start) {
                Some(lightly) => light = lightly,
                None => return,
            }
        }
        let before = std::mem::take(&mut self.before);
        self.tokens.push(Token { start: start as u32, end: end as u32, form: known.form, before, light });
    }

    /// Whether a word counts for nothing where it stands; none for a filler.
    fn lightly(&mut self, light: Light, start: usize) -> Option<bool> {
        match light {
            Light::Filler => None,
            Light::Alone => Some(true),
            Light::First(pair) => {
                self.first = (self.tokens.len() + 1, pair);
                Some(false)
            }
            Light::Second(pair) => Some(!parts(self.text, self.before, start) && self.second_of_filler(pair)),
            Light::No => Some(false),
        }
    }

    /// True when the last token is the first word of this filler of two; marks it as light too.
    fn second_of_filler(&mut self, pair: u8) -> bool {
        let follows = self.first == (self.tokens.len(), pair);
        if let Some(first) = self.tokens.last_mut().filter(|_| follows) {
            first.light = true;
        }
        follows
    }
}

/// True where what stands before a word parts it from the word before: nobody says half a filler in one sentence and
/// half in the next.
fn parts(text: &str, before: Break, start: usize) -> bool {
    const APART: Break = Break(Break::PARAGRAPH.0 | Break::OPEN.0 | Break::CLOSE.0);
    before.has(APART) || before.has(Break::STOP) && !text.as_bytes()[start].is_ascii_lowercase()
}

/// Bytes of which the letters are found at once: with no branch, several words and what stands between them.
const BLOCK: usize = 64;

/// A bit for each byte of a block that is an ASCII letter.
#[inline]
fn letters(block: &[u8; BLOCK]) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const TOGETHER: u64 = 0x0102_0408_1020_4080;
    let mut is_letter = [0; BLOCK];
    is_letter.iter_mut().zip(block).for_each(|(is, byte)| *is = u8::from((byte | 0x20).wrapping_sub(b'a') < 26));
    let (eights, _) = is_letter.as_chunks::<8>();
    let bits = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(TOGETHER) >> 56;
    eights.iter().rev().fold(0, |all, eight| all << 8 | bits(eight))
}

const ELLIPSIS: Break = Break(Break::STOP.0 | Break::ELLIPSIS.0);

/// Words after a hanging hyphen that share its head ("pre- and post-test"), so that nothing was cut off.
const CONJUNCTIONS: [&str; 3] = ["and", "or", "to"];

/// A run of word bytes.
struct Run {
    end: usize,
    /// True when there are bytes beyond ASCII in it.
    beyond_ascii: bool,
    /// True when there are apostrophes, points or commas in it.
    marks: bool,
}

/// The run of word bytes that begins at `start`, with apostrophes, points and commas inside it where they join.
fn run_end(bytes: &[u8], start: usize, end: usize) -> Run {
    let (mut at, mut all, mut marks) = (start, 0, false);
    loop {
        while at < end && CLASS[usize::from(bytes[at])] == Class::Word {
            all |= bytes[at];
            at += 1;
        }
        if at == start || at + 1 >= end || !joins(bytes[at - 1], bytes[at], bytes[at + 1]) {
            return Run { end: at, beyond_ascii: all >= 0x80, marks };
        }
        marks = true;
        at += 1;
    }
}

/// True when `mark` between two bytes is part of a word: `don't`, `3.5`, `1,000`.
fn joins(left: u8, mark: u8, right: u8) -> bool {
    match mark {
        b'\'' => CLASS[usize::from(left)] == Class::Word && CLASS[usize::from(right)] == Class::Word,
        b'.' | b',' => left.is_ascii_digit() && right.is_ascii_digit(),
        _ => false,
    }
}

/// Where the clitic of a word begins: `they|'ve`, `do|n't`, `teacher|'s`.
pub fn clitic(word: &str) -> Option<usize> {
    let at = word.find(['\'', '’'])?;
    let tail = word[at..].trim_start_matches(['\'', '’']);
    if tail.eq_ignore_ascii_case("t") && word[..at].ends_with(['n', 'N']) && at > 1 {
        return Some(at - 1);
    }
    let known = ["s", "re", "ve", "d", "ll", "m"].iter().any(|c| tail.eq_ignore_ascii_case(c));
    (known && at > 0).then_some(at)
}

/// True for what a transcriber puts in brackets that nobody said.
fn is_noise(inner: &[u8]) -> bool {
    const NOISE: [&str; 15] = [
        "inaudible",
        "unintelligible",
        "crosstalk",
        "cross talk",
        "laugh",
        "chuckl",
        "pause",
        "sigh",
        "cough",
        "applause",
        "silence",
        "music",
        "sic",
        "indistinct",
        "overlapping",
    ];
    let lower = inner.to_ascii_lowercase();
    let starts = NOISE.iter().any(|noise| lower.starts_with(noise.as_bytes()));
    starts || (!lower.is_empty() && lower.iter().all(|b| b.is_ascii_digit() || b": .".contains(b)))
}

#[cfg(test)]
mod tests {
    use super::super::{Language, Reading, Terms};
    use super::*;

    struct NoTerms;

    impl Terms for NoTerms {
        fn of(&self, _: &str, _: &[Reading]) -> Vec<u32> {
            Vec::new()
        }
    }

    fn words(text: &str) -> Vec<&str> {
        tokens(text, text.len()).iter().map(|token| token.span().of(text)).collect()
    }

    #[test]
    fn splits_words_as_the_field_does() {
        let cases: &[(&str, &[&str])] = &[
            ("They've trained us.", &["They", "'ve", "trained", "us"]),
            ("We don't, can’t.", &["We", "do", "n't", "ca", "n’t"]),
            ("the teacher's in-service", &["the", "teacher", "'s", "in", "service"]),
            ("we, um, we like train- trained 'em", &["we", "we", "like", "train- trained", "'em"]),
            ("ware-\nhouse and pre- and post", &["ware-\nhouse", "and", "pre", "and", "post"]),
            ("Ja [inaudible 00:12] (laughs) [and] so", &["Ja", "and", "so"]),
            ("3.5 of 1,000—no", &["3.5", "of", "1,000", "no"]),
            ("“Café” señora’s naïve…then", &["Café", "señora", "’s", "naïve", "then"]),
            ("that’s ‘own it’ talk", &["that", "’s", "own", "it", "talk"]),
            ("日本語 text", &["日", "本", "語", "text"]),
            ("a - b -- c", &["a", "b", "c"]),
        ];
        for (text, want) in cases {
            assert_eq!(&words(text), want, "{text}");
        }
    }

    #[test]
    fn keeps_what_stood_before_a_filler() {
        let tokens = tokens("stop. Um, go", 12);
        assert!(tokens[1].before.has(Break::STOP) && tokens[1].before.has(Break::COMMA));
    }

    #[test]
    fn a_filler_of_two_words_lies_in_one_sentence() {
        let cases = [
            ("We, I mean, they", 2),
            ("It is you... know", 2),
            ("So do I. Mean people came", 0),
            ("Not you! Know that", 0),
            ("Not you.\n\nknow that", 0),
            ("They say you “know it”", 0),
        ];
        for (text, want) in cases {
            assert_eq!(tokens(text, text.len()).iter().filter(|token| token.light).count(), want, "{text}");
        }
    }

    fn tokens(text: &str, end: usize) -> Vec<Token> {
        let mut forms = Forms::new(Language::English, &NoTerms);
        let mut tokens = Vec::new();
        tokenize(text, Span::new(0, end), &mut forms, &mut tokens);
        tokens
    }

    #[test]
    fn letters_are_found_as_one_by_one() {
        for byte in 0..=u8::MAX {
            for place in 0..BLOCK {
                let mut block = [b'7'; BLOCK];
                block[place] = byte;
                assert_eq!(letters(&block), u64::from(byte.is_ascii_alphabetic()) << place, "{byte} at {place}");
            }
        }
    }

    /// Words at the end of a text are read one byte at a time, others a block at a time.
    #[test]
    fn tokens_are_the_same_wherever_the_text_ends() {
        let text = "We've 3.5 um, 'em O'Neill's ab-cd, x_y2 counterrevolutionaries; collabo-\nration señora (sic) \
            like you know. \"So\", he, um,\nsaid? Sort of!  No,so ... we.. I mean: it (was) \n\ngood.\n\nYes ,ok \u{201c}do I\u{201d}";
        for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
            let short = &text[..end];
            for tail in [" ", "n", "'", "-", ". ", "\n\n"] {
                let longer = format!("{short}{}", tail.repeat(BLOCK));
                // What stands behind a unit is not spoken in it, but tells whether its last word is cut off.
                let shorter = format!("{short}{tail}");
                assert_eq!(tokens(&shorter, end), tokens(&longer, end), "up to {end}, before {tail:?}");
            }
        }
    }

    #[test]
    fn fillers_count_for_nothing_wherever_a_block_ends() {
        for n in 0..2 * BLOCK / 3 {
            let text = format!("{}? Um- You know.{}", "so ".repeat(n), " ".repeat(BLOCK));
            let tokens = tokens(&text, text.len());
            let [.., you, know] = &tokens[..] else { panic!("no words") };
            assert_eq!(tokens.len(), n + 2);
            assert!(you.light && know.light && (n == 0 || !tokens[n - 1].light));
            assert!(you.before.has(Break::STOP) && you.before.has(Break::STRONG) && !know.before.has(Break::STOP));
        }
    }
}
