//! Sentences, and the segments that are coded.
//!
//! Comes in: a turn's tokens. Goes out: sentences as runs of tokens, and segments as runs of whole sentences.
//! Never happens here: any look at a lexicon.

use crate::span::Span;
use crate::token::{Break, Forms, Language, Reading, Terms, Token, tokenize};
use serde::{Deserialize, Serialize};
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
    sentences_into(text, tokens, forms, &mut found);
    found
}

/// Puts the [`sentences`] of a turn into `found`, instead of what is there.
pub fn sentences_into(text: &str, tokens: &[Token], forms: &Forms, found: &mut Vec<Range<usize>>) {
    found.clear();
    let mut start = 0;
    while start < tokens.len() {
        let end = sentence_end(text, tokens, start, forms);
        found.push(start..end);
        start = end;
    }
}

/// Where the sentence ends that begins at `start`.
fn sentence_end(text: &str, tokens: &[Token], start: usize, forms: &Forms) -> usize {
    let most = tokens.len().min(start + LONGEST_SENTENCE);
    let mut next = start + 1;
    while let Some(n) = tokens[next..most].iter().position(|token| token.before.has(MAY_END)) {
        next += n;
        if ends_between(text, tokens[next - 1], tokens[next], forms) {
            return next;
        }
        next += 1;
    }
    most
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
    let between = &text[left.span().end..right.span().start];
    !(between.starts_with('.') && !gap.has(Break::ELLIPSIS) && is_abbreviation(text, left, right, forms))
}

/// True when the full stop after `left` belongs to it.
fn is_abbreviation(text: &str, left: Token, right: Token, forms: &Forms) -> bool {
    let raw = left.span().of(text);
    let plain = raw.bytes().all(|byte| byte.is_ascii_alphabetic());
    if raw.len() > LONGEST_ABBREVIATION && plain {
        return false;
    }
    // A plain word is its own key but for capitals: no need to look for its form.
    let key = if plain { raw } else { forms.get(left.form).readings[0].key.as_str() };
    let is_in = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(key));
    let number_follows = text[right.span().start..].starts_with(|c: char| c.is_ascii_digit());
    let initial = key.chars().count() == 1 && !is_in(&["i"]) && raw.chars().all(char::is_uppercase);
    // The "m" of "9 a.m. We": a capital after it starts a sentence, a small letter was seen before.
    initial || is_in(&TITLES) || (number_follows && is_in(&BEFORE_NUMBERS))
}

/// Letters of any of these at most.
const LONGEST_ABBREVIATION: usize = 4;
const TITLES: [&str; 16] =
    ["mr", "mrs", "ms", "dr", "st", "prof", "rev", "sgt", "lt", "gen", "vs", "jr", "sr", "hon", "supt", "fr"];
const BEFORE_NUMBERS: [&str; 8] = ["no", "nos", "p", "pp", "vol", "ch", "fig", "art"];

/// The segments of a turn; every sentence lies in exactly one.
pub fn divide(tokens: &[Token], sentences: &[Range<usize>], unit: Unit) -> Vec<Segment> {
    if unit == Unit::Answer && tokens.len() <= MOST_WORDS && !sentences.is_empty() {
        return vec![segment(sentences, 0..sentences.len())];
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
