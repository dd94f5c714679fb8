//! Sentences, and the segments that are coded.
//!
//! Comes in: a turn's tokens. Goes out: sentences as runs of tokens, and segments as runs of whole sentences.
//! Never happens here: any look at a lexicon.

use crate::span::Span;
use crate::token::{Break, Forms, Language, Reading, Terms, Token, tokenize};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::ops::Range;

/// What is judged as one piece.
///
/// On the answer "We train them. They train us." followed, after a blank line, by "It works.":
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// The whole answer: one segment of three sentences. Answers longer than [`MOST_WORDS`] are cut at the paragraph
    /// or sentence border nearest to equal parts.
    #[default]
    Answer,
    /// Two segments: the parts before and after the blank line.
    Paragraph,
    /// Three segments.
    Sentence,
}

/// Longest answer that is judged as one piece, in tokens.
pub const MOST_WORDS: usize = 400;

/// A run of whole sentences inside one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The tokens, as places in the turn's list.
    pub tokens: Range<usize>,
    /// The sentences, as places in the turn's list.
    pub sentences: Range<usize>,
}

/// The sentences of a turn, as runs of its tokens; every token lies in exactly one.
pub fn sentences(text: &str, tokens: &[Token], forms: &Forms) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    lay_out(text, tokens, forms, &mut found, &mut Vec::new());
    found
}

/// For each token and one more: how many tokens before it count in a gap.
pub fn weight_before(tokens: &[Token]) -> Vec<u32> {
    let (mut weights, mut weight) = (Vec::new(), 0);
    tokens.chunks(BLOCK).for_each(|block| _ = look_through(block, &mut weight, &mut weights));
    weights.push(weight);
    weights
}

/// Puts the [`sentences`] of a turn into `found` and its [`weight_before`] into `weights`, instead of what is there.
pub fn lay_out(text: &str, tokens: &[Token], forms: &Forms, found: &mut Vec<Range<usize>>, weights: &mut Vec<u32>) {
    found.clear();
    weights.clear();
    let (mut start, mut weight) = (0, 0);
    for (begin, block) in (0..).step_by(BLOCK).zip(tokens.chunks(BLOCK)) {
        let mut may_end = look_through(block, &mut weight, weights);
        while may_end != 0 {
            let next = begin + may_end.trailing_zeros() as usize;
            may_end &= may_end - 1;
            start = cut_long(start, next, found);
            if start < next && ends_between(text, tokens[next - 1], tokens[next], forms) {
                found.push(start..next);
                start = next;
            }
        }
    }
    weights.push(weight);
    start = cut_long(start, tokens.len().saturating_sub(1), found);
    found.extend((start < tokens.len()).then_some(start..tokens.len()));
}

/// Tokens that are looked through at once.
const BLOCK: usize = u64::BITS as usize;

/// Adds the weight before each token of a block; says before which of them a sentence may end: bit *i* is the *i*-th.
/// Without a branch, as speech has no pattern by which a processor could guess the next border.
fn look_through(block: &[Token], weight: &mut u32, weights: &mut Vec<u32>) -> u64 {
    let (mut borders, mut before) = (0, *weight);
    weights.extend(block.iter().enumerate().map(|(i, token)| {
        borders |= u64::from(token.before.has(MAY_END)) << i;
        let here = before;
        before += u32::from(!token.light);
        here
    }));
    *weight = before;
    borders
}

/// Cuts what is too long for a sentence, as long as a token is left; returns where the rest begins.
fn cut_long(mut start: usize, next: usize, found: &mut Vec<Range<usize>>) -> usize {
    while start + LONGEST_SENTENCE <= next {
        found.push(start..start + LONGEST_SENTENCE);
        start += LONGEST_SENTENCE;
    }
    start
}

/// Without any of these between two tokens, no sentence ends there.
const MAY_END: Break = Break(Break::STOP.0 | Break::PARAGRAPH.0);

/// Tokens of a sentence at most: speech-to-text without punctuation must not become one sentence of an hour.
pub const LONGEST_SENTENCE: usize = 80;

/// True when a sentence ends between two neighbouring tokens.
fn ends_between(text: &str, left: Token, right: Token, forms: &Forms) -> bool {
    let gap = right.before;
    if gap.has(Break::PARAGRAPH) {
        return true;
    }
    if !gap.has(Break::STOP) || !gap.has(Break::SPACE) {
        return false;
    }
    let opens = text[right.span().start..].chars().next().is_some_and(|c| !c.is_lowercase());
    let closed = gap.has(Break::OPEN) && !gap.has(Break::ELLIPSIS);
    if !opens && !closed {
        return false;
    }
    let between = &text.as_bytes()[left.span().end..right.span().start];
    let full_stop = between.first() == Some(&b'.') && !gap.has(Break::ELLIPSIS);
    !(full_stop & is_abbreviation(text, left, right, forms))
}

/// True when a full stop after `left` belongs to it. Nearly without a branch: any word may come.
fn is_abbreviation(text: &str, left: Token, right: Token, forms: &Forms) -> bool {
    let raw = left.span().of(text);
    // A plain word is its own key but for capitals: no need to look for its form.
    let plain = letters(&text.as_bytes()[left.span().start..], raw.len());
    let word = plain.unwrap_or_else(|| packed(forms.key(left.form).as_bytes()));
    let number_follows = text.as_bytes()[right.span().start].is_ascii_digit();
    let initial = match plain {
        Some(word) => (word <= 0xFF) & (word != packed(b"i")) & raw.as_bytes()[0].is_ascii_uppercase(),
        None => is_initial(raw, forms.key(left.form)),
    };
    // The "m" of "9 a.m. We": a capital after it starts a sentence, a small letter was seen before.
    initial | is_in(&TITLES, word) | (number_follows & is_in(&BEFORE_NUMBERS, word))
}

/// True for one capital.
fn is_initial(raw: &str, key: &str) -> bool {
    key.chars().count() == 1 && !key.eq_ignore_ascii_case("i") && raw.chars().all(char::is_uppercase)
}

/// The first letters of a word of so many bytes as [`packed`] gives them; nothing where the text ends or one of them is
/// no letter from A to Z.
fn letters(text: &[u8], n_bytes: usize) -> Option<u64> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 0x80;
    let head = u64::from_le_bytes(*text.first_chunk()?);
    let word = u64::MAX >> (64 - 8 * n_bytes.clamp(1, 8));
    let lower = (head | (ONES * 0x20)) & word;
    // Of every byte below 128 its highest bit says whether it is at least as much.
    let least = |byte: u8| (lower & (ONES * 0x7F)) + ONES * u64::from(128 - byte);
    let is_letter = least(b'a') & !least(b'z' + 1) & !lower;
    (is_letter & HIGH & word == HIGH & word).then_some(lower)
}

const TITLES: [u64; 16] = [
    packed(b"mr"),
    packed(b"mrs"),
    packed(b"ms"),
    packed(b"dr"),
    packed(b"st"),
    packed(b"prof"),
    packed(b"rev"),
    packed(b"sgt"),
    packed(b"lt"),
    packed(b"gen"),
    packed(b"vs"),
    packed(b"jr"),
    packed(b"sr"),
    packed(b"hon"),
    packed(b"supt"),
    packed(b"fr"),
];
const BEFORE_NUMBERS: [u64; 8] = [
    packed(b"no"),
    packed(b"nos"),
    packed(b"p"),
    packed(b"pp"),
    packed(b"vol"),
    packed(b"ch"),
    packed(b"fig"),
    packed(b"art"),
];

/// The first eight bytes of a word as one number, capitals as small letters. No other word has the number of one that
/// is all letters and has fewer of them.
const fn packed(word: &[u8]) -> u64 {
    let (mut number, mut i) = (0, 0);
    while i < word.len() && i < 8 {
        number |= ((word[i] | 0x20) as u64) << (8 * i);
        i += 1;
    }
    number
}

/// True when the word is in the list.
fn is_in(list: &[u64], word: u64) -> bool {
    list.iter().fold(false, |found, &known| found | (known == word))
}

/// The segments of a turn: nearly always one.
pub type Segments = SmallVec<[Segment; 1]>;

/// The segments of a turn; every sentence lies in exactly one.
pub fn divide(tokens: &[Token], sentences: &[Range<usize>], unit: Unit) -> Segments {
    if unit == Unit::Answer && tokens.len() <= MOST_WORDS && !sentences.is_empty() {
        return SmallVec::from_buf([segment(sentences, 0..sentences.len())]);
    }
    let starts = match unit {
        Unit::Answer => cuts(tokens, sentences),
        Unit::Paragraph => paragraph_starts(tokens, sentences),
        Unit::Sentence => (0..sentences.len()).collect(),
    };
    let ends = starts.iter().copied().skip(1).chain([sentences.len()]);
    let pairs = starts.iter().copied().zip(ends);
    pairs.filter(|(a, b)| a < b).map(|(a, b)| segment(sentences, a..b)).collect()
}

fn segment(sentences: &[Range<usize>], range: Range<usize>) -> Segment {
    Segment { tokens: sentences[range.start].start..sentences[range.end - 1].end, sentences: range }
}

fn paragraph_starts(tokens: &[Token], sentences: &[Range<usize>]) -> Vec<usize> {
    let starts = |i: &usize| *i == 0 || tokens[sentences[*i].start].before.has(Break::PARAGRAPH);
    (0..sentences.len()).filter(starts).collect()
}

/// Where a long answer is cut: as few parts as possible, about equal, at sentence borders.
fn cuts(tokens: &[Token], sentences: &[Range<usize>]) -> Vec<usize> {
    let parts = tokens.len().div_ceil(MOST_WORDS).max(1);
    let size = tokens.len().div_ceil(parts);
    let mut starts = vec![0];
    for (i, sentence) in sentences.iter().enumerate().skip(1) {
        if sentence.start >= size * starts.len() {
            starts.push(i);
        }
    }
    starts
}

/// Where a run of sentences stands: from its first token to the punctuation after its last one.
pub fn span(text: &str, tokens: &[Token], sentences: &[Range<usize>], range: Range<usize>, turn: Span) -> Span {
    let first = tokens[sentences[range.start].start].span();
    let last = &sentences[range.end - 1];
    let bound = tokens.get(last.end).map_or(turn.end, |next| next.span().start);
    Span::new(open(text, first.start, turn.start), close(text, tokens[last.end - 1].span().end, bound))
}

/// Takes in the quotation marks and brackets that open right before the first word.
fn open(text: &str, start: usize, bound: usize) -> usize {
    let opens = |c: char| matches!(c, '"' | '“' | '‘' | '\'' | '(' | '[' | '«' | '¿' | '¡');
    let taken: usize = text[bound..start].chars().rev().take_while(|&c| opens(c)).map(char::len_utf8).sum();
    start - taken
}

/// Takes in the punctuation right after the last word, and noise in brackets after it.
fn close(text: &str, end: usize, bound: usize) -> usize {
    let rest = &text[end..bound];
    let stop = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
    let opens = |c: char| matches!(c, '"' | '“' | '‘' | '(' | '[' | '«' | '¿' | '¡');
    end + rest[..stop].trim_end_matches(opens).len()
}

/// Sentences are cut by words alone: no lexicon has a say in it.
struct NoTerms;

impl Terms for NoTerms {
    fn of(&self, _: &str, _: &[Reading]) -> Vec<u32> {
        Vec::new()
    }
}

/// Sentences of a turn as code points from its start, blanks between them left out; cut where the segments of a run are.
///
/// ```
/// # use precode::segment::sentence_places;
/// assert_eq!(sentence_places("We met Dr. Lee. \"Why?\" I said."), [(0, 15), (16, 22), (23, 30)]);
/// ```
pub fn sentence_places(text: &str) -> Vec<(usize, usize)> {
    let (mut forms, mut tokens) = (Forms::new(Language::English, &NoTerms), Vec::new());
    let whole = Span::new(0, text.len());
    tokenize(text, whole, &mut forms, &mut tokens);
    let found = sentences(text, &tokens, &forms);
    let starts = (1..found.len()).map(|i| span(text, &tokens, &found, i..i + 1, whole).start);
    // From one start to the next, so that what is no word (an emoji, say) can be chosen too.
    let (mut at, mut from, mut spans) = (0, 0, Vec::new());
    for to in starts.chain([text.len()]) {
        let piece = &text[from..to];
        let lead = piece.chars().take_while(|c| c.is_whitespace()).count();
        let n = piece.trim().chars().count();
        if n > 0 {
            spans.push((at + lead, at + lead + n));
        }
        at += piece.chars().count();
        from = to;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let mut forms = Forms::new(Language::English, &NoTerms);
        let mut tokens = Vec::new();
        let whole = Span::new(0, text.len());
        tokenize(text, whole, &mut forms, &mut tokens);
        let found = sentences(text, &tokens, &forms);
        (0..found.len()).map(|i| span(text, &tokens, &found, i..i + 1, whole).of(text)).collect()
    }

    #[test]
    fn borders_survive_speech() {
        let cases: &[(&str, &[&str])] = &[
            ("Dr. Prieto came. We met.", &["Dr. Prieto came.", "We met."]),
            ("At 9 a.m. we met.", &["At 9 a.m. we met."]),
            ("Room No. 5 is it. Yes?", &["Room No. 5 is it.", "Yes?"]),
            ("I was... well... tired. “Go!” she says.", &["I was... well... tired.", "“Go!” she says."]),
            ("He said, “Why?” and left", &["He said, “Why?” and left"]),
            ("J. Holloway asked… Nobody knew.", &["J. Holloway asked…", "Nobody knew."]),
            ("so we went and they came", &["so we went and they came"]),
            ("“Who?” “Me.”", &["“Who?”", "“Me.”"]),
        ];
        for (text, want) in cases {
            assert_eq!(&split(text), want, "{text}");
        }
    }

    #[test]
    fn letters_are_those_from_a_to_z() {
        for n in 1..=8 {
            for (at, byte) in (0..n).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
                let mut text = *b"MrsPrOfs Lee";
                text[at] = byte;
                let want = text[..n].iter().all(u8::is_ascii_alphabetic).then(|| packed(&text[..n]));
                assert_eq!(letters(&text, n), want, "{text:?} {n}");
            }
        }
        assert_eq!((letters(b"Mr. Lee", 2), letters(b"Mr. Lee.", 2)), (None, Some(packed(b"mR"))));
    }

    #[test]
    fn borders_are_those_that_a_look_at_each_finds() {
        let mut forms = Forms::new(Language::English, &NoTerms);
        for n in [1, 2, 63, 64, 65, 79, 80, 81, 127, 128, 129, 161, 400] {
            for every in [1, 7, 60, 79, 80, 81, 200, 1000] {
                let word = |i: usize| if i % every == every - 1 { "Word. " } else { "Word, " };
                let text: String = (0..n).map(word).collect();
                let mut tokens = Vec::new();
                tokenize(&text, Span::new(0, text.len()), &mut forms, &mut tokens);
                let mut want = vec![0];
                for next in 1..n {
                    let ends = ends_between(&text, tokens[next - 1], tokens[next], &forms);
                    let start = want[want.len() - 1];
                    want.extend((ends || next - start == LONGEST_SENTENCE).then_some(next));
                }
                let found = sentences(&text, &tokens, &forms);
                let ends = want.iter().skip(1).chain([&n]);
                assert!(
                    found.iter().map(|s| (s.start, s.end)).eq(want.iter().copied().zip(ends.copied())),
                    "{n} {every}"
                );
            }
        }
    }

    fn cut(text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        sentence_places(text).into_iter().map(|(a, b)| chars[a..b].iter().collect()).collect()
    }

    #[test]
    fn cuts_speech_as_people_would() {
        assert_eq!(
            cut("So I did. Then, no. 5 came at 9 a.m. sharp! Really?"),
            ["So I did.", "Then, no. 5 came at 9 a.m. sharp!", "Really?"]
        );
        assert_eq!(cut("He said “Go.” And we did"), ["He said “Go.”", "And we did"]);
        assert_eq!(cut("no stop at all"), ["no stop at all"]);
        assert_eq!(cut(""), Vec::<String>::new());
    }

    #[test]
    fn every_word_lies_in_one_sentence() {
        let text = "A... b! C? (D.) \n\n E.  F. 😀 G.";
        let chars: Vec<char> = text.chars().collect();
        let mut last = 0;
        for (a, b) in sentence_places(text) {
            assert!(chars[last..a].iter().all(|c| c.is_whitespace()));
            last = b;
        }
        assert_eq!(last, chars.len());
    }
}
