//! Where the patterns of a lexicon stand in a segment.
//!
//! Comes in: the tokens of a segment with their forms. Goes out: every match, as runs of tokens. Never happens here:
//! weights, or what a match means.
//!
//! Nothing is looked for before it is asked for, and then only in sentences where its needs may stand
//! ([`crate::lexicon::plan`]); all overlapping matches are found. A sentence is short, so that a set of its places is
//! one number, and a pattern is followed from all its places at once.

mod beside;
mod board;
mod search;
mod sheet;

pub use board::Boards;
pub use search::{OpenGate, Search};

use crate::lexicon::{Lexicon, Pat};
use crate::token::{Forms, Token};
use sheet::Sheet;
use std::ops::Range;

/// What a segment shows to the matcher.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The lexicon whose term ids the forms hold.
    pub lexicon: &'a Lexicon,
    /// Text of the transcript.
    pub text: &'a str,
    /// Tokens of the turn.
    pub tokens: &'a [Token],
    /// Their forms.
    pub forms: &'a Forms<'a>,
    /// As [`crate::segment::weight_before`] has it.
    pub weight_before: &'a [u32],
    /// Sentences of the segment, as runs of tokens.
    pub sentences: &'a [Range<usize>],
    /// Level of the speaker, for "we" and "they".
    pub level: Option<&'a str>,
}

/// A run of tokens that meets a pattern, and the part of it that context is tested on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// First token.
    pub start: usize,
    /// First token after it.
    pub end: usize,
    /// First token of the act, or of the match where the pattern names no act.
    pub focus_start: usize,
    /// First token after the act.
    pub focus_end: usize,
}

impl Match {
    fn plain(start: usize, end: usize) -> Self {
        Match { start, end, focus_start: start, focus_end: end }
    }

    fn cover(self, other: Match) -> Match {
        Match {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
            focus_start: self.focus_start.min(other.focus_start),
            focus_end: self.focus_end.max(other.focus_end),
        }
    }
}

impl<'a> Scene<'a> {
    /// Ids of terms and lists that the token at `i` meets.
    pub fn terms(&self, i: usize) -> &'a [u32] {
        self.forms.terms(self.tokens[i].form)
    }

    /// Tokens between `from` and `to` that count.
    pub fn distance(&self, from: usize, to: usize) -> u32 {
        self.weight_before[to].saturating_sub(self.weight_before[from])
    }

    /// Every match of a pattern in the segment, ordered, at most one for each start: the shortest.
    pub fn matches(&self, pat: &Pat) -> Vec<Match> {
        Look { scene: *self, boards: &Boards::of(self) }.matches(pat)
    }

    /// True when the pattern matches anywhere in the segment.
    pub fn holds(&self, pat: &Pat) -> bool {
        !self.matches(pat).is_empty()
    }

    /// The folded word of the token at `i`.
    pub fn key(&self, i: usize) -> &'a str {
        self.forms.key(self.tokens[i].form)
    }

    /// The stem of the token at `i`.
    pub fn stem(&self, i: usize) -> &'a str {
        self.forms.stem(self.tokens[i].form)
    }

    /// `first` together with the nearest match of each other part, none of them overlapping the first.
    fn nearest(&self, first: Match, others: &[Vec<Match>], within: Option<u16>) -> Option<Match> {
        others.iter().try_fold(first, |covered, part| {
            let apart = part.iter().filter(|hit| hit.end <= first.start || hit.start >= first.end);
            let near = apart.min_by_key(|hit| (self.between(first, **hit), hit.start))?;
            let close = within.is_none_or(|within| self.between(first, *near) <= u32::from(within));
            close.then(|| covered.cover(*near))
        })
    }

    /// Words between two matches that do not overlap.
    fn between(&self, a: Match, b: Match) -> u32 {
        if a.end <= b.start { self.distance(a.end, b.start) } else { self.distance(b.end, a.start) }
    }
}

/// A segment laid out once, for many patterns: for explanations.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The segment; its level may be another than it was laid out with.
    pub scene: Scene<'a>,
    /// As [`Boards::of`] lays it out.
    pub boards: &'a Boards,
}

impl Look<'_> {
    /// As [`Scene::matches`].
    pub fn matches(&self, pat: &Pat) -> Vec<Match> {
        match pat {
            Pat::Both(pats) => both(&self.scene, pats.iter().map(|pat| self.matches(pat)).collect()),
            Pat::Alt(pats) if pats.iter().any(|pat| matches!(pat, Pat::Both(_))) => {
                shortest(pats.iter().flat_map(|pat| self.matches(pat)).collect())
            }
            pat => (0..self.scene.sentences.len()).flat_map(|sentence| self.in_sentence(pat, sentence)).collect(),
        }
    }

    /// As [`Scene::holds`].
    pub fn holds(&self, pat: &Pat) -> bool {
        !self.matches(pat).is_empty()
    }

    /// Every match in one sentence of the segment.
    pub fn in_sentence(&self, pat: &Pat, sentence: usize) -> Vec<Match> {
        Sheet::new(&self.scene, self.boards, sentence, self.scene.level).find(pat)
    }
}

/// For each match of the first part, the nearest of the others.
fn both(scene: &Scene, parts: Vec<Vec<Match>>) -> Vec<Match> {
    joined(scene, &parts, None)
}

fn joined(scene: &Scene, parts: &[Vec<Match>], within: Option<u16>) -> Vec<Match> {
    let Some((firsts, others)) = parts.split_first() else { return Vec::new() };
    shortest(firsts.iter().filter_map(|&first| scene.nearest(first, others, within)).collect())
}

/// One match for each start: the shortest.
pub(crate) fn shortest(mut found: Vec<Match>) -> Vec<Match> {
    if found.len() > 1 {
        found.sort_unstable();
        found.dedup_by_key(|hit| hit.start);
    }
    found
}
