//! The scan: one pass over the bytes that finds where words begin and end.
//!
//! Comes in: a stretch of text. Goes out: tokens with spans into the whole text. ASCII goes by a table; only runs
//! with other bytes take the Unicode path. Never happens here: folding or stemming (see [`super::form`]).

use super::{Break, Forms, Light, Token};
use crate::span::Span;
use unicode_segmentation::UnicodeSegmentation;

/// Appends the tokens of one stretch of `text` to `tokens`.
///
/// `span` is a unit of speech; its first token carries [`Break::PARAGRAPH`]. Noise in brackets (`[inaudible]`,
/// `(laughs)`) gives no token; fillers give none either: both stay in the text and in no gap.
pub fn tokenize(text: &str, span: Span, forms: &mut Forms, tokens: &mut Vec<Token>) {
    let mut scan = Scan { text, end: span.end, at: span.start, before: Break::PARAGRAPH, quoted: false };
    scan.run(forms, tokens);
}

/// Where the scan stands.
struct Scan<'t> {
    text: &'t str,
    end: usize,
    at: usize,
    before: Break,
    quoted: bool,
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

impl Scan<'_> {
    fn run(&mut self, forms: &mut Forms, tokens: &mut Vec<Token>) {
        let bytes = self.text.as_bytes();
        while self.at < self.end {
            match CLASS[usize::from(bytes[self.at])] {
                Class::Space => self.space(bytes),
                Class::Mark => self.mark(bytes),
                Class::Word => self.word(bytes, forms, tokens),
            }
        }
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
            b'-' if self.dash(bytes) => self.before.add(Break::STRONG),
            b'"' => self.straight_quote(),
            b'[' | b'(' | b'<' => return self.bracket(bytes),
            _ => {}
        }
        self.at += 1;
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

    fn word(&mut self, bytes: &[u8], forms: &mut Forms, tokens: &mut Vec<Token>) {
        let start = self.at;
        let run = run_end(bytes, start, self.end);
        self.at = run.end;
        if run.beyond_ascii {
            self.unicode_run(start, run.end, bytes, forms, tokens);
        } else if run.marks || bytes.get(run.end) == Some(&b'-') || start > 0 && bytes[start - 1] == b'\'' {
            self.ascii_run(start, run.end, bytes, forms, tokens);
        } else {
            self.push_whole(start, run.end, forms, tokens);
        }
    }

    /// A run of ASCII letters, digits and inner apostrophes: one word with its clitics.
    fn ascii_run(&mut self, start: usize, end: usize, bytes: &[u8], forms: &mut Forms, tokens: &mut Vec<Token>) {
        let end = self.cut_off(start, end, bytes).unwrap_or(end);
        self.at = end;
        let start =
            if start > 0 && bytes[start - 1] == b'\'' && &self.text[start..end] == "em" { start - 1 } else { start };
        self.push(start, end, forms, tokens);
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
    fn unicode_run(&mut self, start: usize, end: usize, bytes: &[u8], forms: &mut Forms, tokens: &mut Vec<Token>) {
        let run = &self.text[start..end];
        let mut from = 0;
        for (i, c) in run.char_indices() {
            let Some(mark) = self.unicode_mark(c, &run[i + c.len_utf8()..], i > from) else { continue };
            self.unicode_words(start + from, start + i, bytes, forms, tokens);
            self.before.add(mark);
            from = i + c.len_utf8();
        }
        self.unicode_words(start + from, end, bytes, forms, tokens);
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

    fn unicode_words(&mut self, start: usize, end: usize, bytes: &[u8], forms: &mut Forms, tokens: &mut Vec<Token>) {
        for (i, word) in self.text[start..end].unicode_word_indices() {
            let at = start + i;
            if at + word.len() == end && end == self.at {
                let stop = self.cut_off(at, end, bytes).unwrap_or(end);
                self.at = stop;
                self.push(at, stop, forms, tokens);
            } else {
                self.push(at, at + word.len(), forms, tokens);
            }
        }
    }

    /// Adds a word, its clitics apart. Fillers are dropped, but what stood before them is kept.
    fn push(&mut self, start: usize, end: usize, forms: &mut Forms, tokens: &mut Vec<Token>) {
        let split = clitic(&self.text[start..end]).map_or(end, |n| start + n);
        for (start, end) in [(start, split), (split, end)] {
            if start < end {
                self.push_whole(start, end, forms, tokens);
            }
        }
    }

    /// Adds a word as it is.
    #[inline]
    fn push_whole(&mut self, start: usize, end: usize, forms: &mut Forms, tokens: &mut Vec<Token>) {
        let (form, light) = forms.at(self.text, start, end);
        let light = match light {
            Light::Filler => return,
            Light::Alone => true,
            Light::Second(pair) => second_of_filler(pair, forms, tokens),
            Light::No | Light::First(_) => false,
        };
        let before = std::mem::take(&mut self.before);
        tokens.push(Token { start: start as u32, end: end as u32, form, before, light });
    }
}

/// True when the last token is the first word of this filler of two; marks it as light too.
fn second_of_filler(pair: u8, forms: &Forms, tokens: &mut [Token]) -> bool {
    match tokens.last_mut() {
        Some(first) if forms.get(first.form).light == Light::First(pair) => {
            first.light = true;
            true
        }
        _ => false,
    }
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
        let mut forms = Forms::new(Language::English, &NoTerms);
        let mut tokens = Vec::new();
        tokenize(text, Span::new(0, text.len()), &mut forms, &mut tokens);
        tokens.iter().map(|token| token.span().of(text)).collect()
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
        let text = "stop. Um, go";
        let mut forms = Forms::new(Language::English, &NoTerms);
        let mut tokens = Vec::new();
        tokenize(text, Span::new(0, text.len()), &mut forms, &mut tokens);
        assert!(tokens[1].before.has(Break::STOP) && tokens[1].before.has(Break::COMMA));
    }
}
