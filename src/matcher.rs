//! Where the patterns of a lexicon stand in a segment.
//!
//! Comes in: the tokens of a segment with their forms. Goes out: every match, as runs of tokens. Never happens here:
//! weights, or what a match means.
//!
//! A pattern is tried only where its rarest word stands ([`Lexicon::rules_at`]); all overlapping matches are found.

use crate::lexicon::{Lexicon, Pat};
use crate::token::{Forms, Token};
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
    /// For each token and one more: how many tokens before it count in a gap.
    pub weight_before: &'a [u32],
    /// Sentences of the segment, as runs of tokens.
    pub sentences: &'a [Range<usize>],
    /// Level of the speaker, for "we" and "they".
    pub level: Option<&'a str>,
}

/// For each token and one more: how many tokens before it count in a gap.
pub fn weight_before(tokens: &[Token]) -> Vec<u32> {
    let mut counts = Vec::with_capacity(tokens.len() + 1);
    let mut count = 0;
    for token in tokens {
        counts.push(count);
        count += u32::from(!token.light);
    }
    counts.push(count);
    counts
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

/// Words that the actor, or the target, may stand away from the act.
const REACH: u32 = 6;

impl<'a> Scene<'a> {
    /// Ids of terms and lists that the token at `i` meets.
    pub fn terms(&self, i: usize) -> &'a [u32] {
        &self.forms.get(self.tokens[i].form).terms
    }

    fn meets(&self, i: usize, term: u32) -> bool {
        self.terms(i).contains(&term)
    }

    /// Tokens between `from` and `to` that count.
    pub fn distance(&self, from: usize, to: usize) -> u32 {
        self.weight_before[to].saturating_sub(self.weight_before[from])
    }

    /// Every match of a pattern in the segment, ordered, at most one for each start: the shortest.
    pub fn matches(&self, pat: &Pat) -> Vec<Match> {
        match pat {
            Pat::Both(pats) => self.both(pats),
            Pat::Alt(pats) if pats.iter().any(|pat| matches!(pat, Pat::Both(_))) => {
                shortest(pats.iter().flat_map(|pat| self.matches(pat)).collect())
            }
            pat => self.sentences.iter().flat_map(|sentence| self.in_sentence(pat, sentence)).collect(),
        }
    }

    /// True when the pattern matches anywhere in the segment.
    pub fn holds(&self, pat: &Pat) -> bool {
        !self.matches(pat).is_empty()
    }

    /// Every match in one sentence.
    pub fn in_sentence(&self, pat: &Pat, sentence: &Range<usize>) -> Vec<Match> {
        match pat {
            Pat::Near(pats, within) => self.near(pats, *within, sentence),
            Pat::Direct(actor, act, target) => self.direct(actor, act, target.as_deref(), sentence),
            Pat::Alt(pats) if pats.iter().any(is_relation) => {
                shortest(pats.iter().flat_map(|pat| self.in_sentence(pat, sentence)).collect())
            }
            pat => self.runs(pat, sentence).into_iter().map(|(start, end)| Match::plain(start, end)).collect(),
        }
    }

    /// Every run in one sentence that meets a pattern without relations: the shortest for each start.
    fn runs(&self, pat: &Pat, sentence: &Range<usize>) -> Vec<(usize, usize)> {
        let mut runs = Vec::new();
        let mut ends = Vec::new();
        for start in sentence.clone() {
            ends.clear();
            self.ends(pat, start, sentence.end, &mut ends);
            if let Some(&end) = ends.iter().filter(|&&end| end > start).min() {
                runs.push((start, end));
            }
        }
        runs
    }

    /// Adds the ends of every run that begins at `at` and meets the pattern; `limit` is the end of the sentence.
    fn ends(&self, pat: &Pat, at: usize, limit: usize, ends: &mut Vec<usize>) {
        match pat {
            Pat::Opt(pat) => {
                ends.push(at);
                self.ends(pat, at, limit, ends);
            }
            _ if at >= limit => {}
            Pat::Term(term) => ends.extend(self.meets(at, term.0).then_some(at + 1)),
            Pat::Any => ends.push(at + 1),
            Pat::List(place) => self.list_ends(*place, at, limit, ends),
            Pat::Party(place) => self.party_ends(*place, at, limit, ends),
            Pat::Regex(regex) => ends.extend(self.regex_end(regex, at, limit)),
            Pat::Seq(items) => self.seq_ends(items, at, limit, ends),
            Pat::Alt(pats) => pats.iter().for_each(|pat| self.ends(pat, at, limit, ends)),
            Pat::Except(pat, others) => {
                let mut inner = Vec::new();
                self.ends(pat, at, limit, &mut inner);
                ends.extend(inner.into_iter().filter(|&end| !self.within(others, at, end)));
            }
            // The compiler lets relations stand only outside sequences.
            Pat::Near(..) | Pat::Both(_) | Pat::Direct(..) | Pat::Code(_) => {}
        }
    }

    fn list_ends(&self, place: usize, at: usize, limit: usize, ends: &mut Vec<usize>) {
        let list = &self.lexicon.lists[place];
        let terms = self.terms(at);
        if terms.contains(&list.term.0) {
            ends.push(at + 1);
        }
        if !list.by_first.is_empty() {
            let phrases = terms.iter().filter_map(|term| list.by_first.get(term)).flatten();
            phrases.for_each(|&phrase| self.ends(&list.phrases[phrase], at, limit, ends));
        }
        list.unindexed.iter().for_each(|&phrase| self.ends(&list.phrases[phrase], at, limit, ends));
    }

    fn party_ends(&self, place: usize, at: usize, limit: usize, ends: &mut Vec<usize>) {
        let party = &self.lexicon.parties[place];
        let (first, third) = self.lexicon.pronouns;
        for (level, pronouns) in [(&party.first, first), (&party.third, third)] {
            if level.as_deref().is_some() && level.as_deref() == self.level {
                self.list_ends(pronouns, at, limit, ends);
            }
        }
        self.list_ends(party.nouns, at, limit, ends);
    }

    fn regex_end(&self, regex: &regex::Regex, at: usize, limit: usize) -> Option<usize> {
        let start = self.tokens[at].span().start;
        let stop = self.tokens[limit - 1].span().end;
        let end = start + regex.find(&self.text[start..stop])?.end();
        let last = (at..limit).find(|&i| self.tokens[i].span().end >= end)?;
        (self.tokens[last].span().end == end).then_some(last + 1)
    }

    /// Items in order. What may be left out takes the room of its gap along: `a ..2 [b] ..3 c` without `b` is
    /// `a ..5 c`, and neither a run's first nor its last word is ever a gap's.
    fn seq_ends(&self, items: &[(u16, Pat)], at: usize, limit: usize, ends: &mut Vec<usize>) {
        self.items_ends(items, at, None, limit, ends);
    }

    /// The rest of a sequence after `at`; `room` is what gaps of left-out items add, none before the first word.
    fn items_ends(&self, items: &[(u16, Pat)], at: usize, room: Option<u32>, limit: usize, ends: &mut Vec<usize>) {
        let Some(((gap, item), rest)) = items.split_first() else {
            ends.push(at);
            return;
        };
        let within = room.map(|room| room + u32::from(*gap));
        if is_nullable(item) {
            self.items_ends(rest, at, within, limit, ends);
        }
        let reach = |next: &usize| within.map_or(*next == at, |within| self.distance(at, *next) <= within);
        let mut firsts = Vec::new();
        for next in (at..limit).take_while(reach) {
            firsts.clear();
            self.ends(item, next, limit, &mut firsts);
            firsts.sort_unstable();
            firsts.dedup();
            for &end in firsts.iter().filter(|&&end| end > next) {
                self.items_ends(rest, end, Some(0), limit, ends);
            }
        }
    }

    /// True when the run lies within a run that meets one of the exceptions.
    fn within(&self, others: &[Pat], start: usize, end: usize) -> bool {
        let Some(sentence) = self.sentences.iter().find(|sentence| sentence.contains(&start)) else { return false };
        let mut ends = Vec::new();
        (sentence.start..=start).any(|at| {
            ends.clear();
            others.iter().for_each(|pat| self.ends(pat, at, sentence.end, &mut ends));
            ends.iter().any(|&other| other >= end)
        })
    }

    /// All patterns in one sentence within so many words: for each match of the first, the nearest of the others.
    fn near(&self, pats: &[Pat], within: u16, sentence: &Range<usize>) -> Vec<Match> {
        let parts: Vec<Vec<Match>> = pats.iter().map(|pat| self.in_sentence(pat, sentence)).collect();
        let Some((firsts, others)) = parts.split_first() else { return Vec::new() };
        shortest(firsts.iter().filter_map(|&first| self.nearest(first, others, Some(within))).collect())
    }

    /// All patterns in the segment.
    fn both(&self, pats: &[Pat]) -> Vec<Match> {
        let parts: Vec<Vec<Match>> = pats.iter().map(|pat| self.matches(pat)).collect();
        let Some((firsts, others)) = parts.split_first() else { return Vec::new() };
        shortest(firsts.iter().filter_map(|&first| self.nearest(first, others, None)).collect())
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

    // ---- direction: who does what to whom ----

    fn direct(&self, actor: &Pat, act: &Pat, target: Option<&Pat>, sentence: &Range<usize>) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        for (start, end) in self.runs(act, sentence) {
            let passive = self.passive_auxiliary(start, sentence);
            let ends = match passive {
                Some(auxiliary) => self.passive(actor, target, auxiliary, end, sentence),
                None => self.active(actor, target, start, end, sentence),
            };
            if let Some((from, to)) = ends {
                let (from, to) = (from.min(start), to.max(end));
                found.push(Match { start: from, end: to, focus_start: start, focus_end: end });
            }
        }
        shortest(found)
    }

    /// `A .. act .. T`, or the relative clause `the T that A act`.
    fn active(
        &self,
        actor: &Pat,
        target: Option<&Pat>,
        start: usize,
        end: usize,
        sentence: &Range<usize>,
    ) -> Option<(usize, usize)> {
        let (from, subject_end) = self.before(actor, start, sentence)?;
        let Some(target) = target else { return Some((from, subject_end)) };
        if let Some(to) = self.after(target, end, sentence) {
            return Some((from, to));
        }
        let relative = self.ending_before(target, from, sentence, 1)?;
        Some((relative, subject_end))
    }

    /// `T was act-ed by A`. Without `by`, only an actor that may be anybody is met.
    fn passive(
        &self,
        actor: &Pat,
        target: Option<&Pat>,
        auxiliary: usize,
        end: usize,
        sentence: &Range<usize>,
    ) -> Option<(usize, usize)> {
        let from = match target {
            Some(target) => self.before(target, auxiliary, sentence)?.0,
            None => auxiliary,
        };
        if matches!(actor, Pat::Any) {
            return Some((from, end));
        }
        let by =
            (end..sentence.end).take_while(|&i| self.distance(end, i) <= REACH).find(|&i| self.key(i) == "by")?;
        let mut ends = Vec::new();
        let starts = (by + 1..sentence.end).take_while(|&i| self.distance(by + 1, i) <= 3);
        starts.for_each(|at| self.ends(actor, at, sentence.end, &mut ends));
        ends.into_iter().min().map(|to| (from, to))
    }

    /// Where a form of "be" or "get" makes the act at `start` passive: before it, with at most two words between, and
    /// the act itself no `-ing` form.
    fn passive_auxiliary(&self, start: usize, sentence: &Range<usize>) -> Option<usize> {
        if self.key(start).ends_with("ing") || !is_participle(self.key(start)) {
            return None;
        }
        let from = start.saturating_sub(3).max(sentence.start);
        (from..start).rev().find(|&i| {
            AUXILIARIES.contains(&self.key(i)) && (i + 1..start).all(|j| !self.is_party_or_pronoun(j, start))
        })
    }

    /// The nearest actor that ends before `at`, unless another party stands nearer: "we asked how **they** trained us".
    fn before(&self, pat: &Pat, at: usize, sentence: &Range<usize>) -> Option<(usize, usize)> {
        let mut ends = Vec::new();
        for start in (sentence.start..at).rev().take_while(|&i| self.distance(i, at) <= REACH + 1) {
            ends.clear();
            self.ends(pat, start, at, &mut ends);
            if let Some(&end) = ends.iter().filter(|&&end| end > start && self.distance(end, at) <= REACH).max() {
                return Some((start, end));
            }
            if !matches!(pat, Pat::Any) && self.is_party_or_pronoun(start, at) {
                return None;
            }
        }
        None
    }

    /// The end of the nearest target that begins after `at`, unless another party stands nearer.
    fn after(&self, pat: &Pat, at: usize, sentence: &Range<usize>) -> Option<usize> {
        let mut ends = Vec::new();
        for start in (at..sentence.end).take_while(|&i| self.distance(at, i) <= REACH) {
            ends.clear();
            self.ends(pat, start, sentence.end, &mut ends);
            if let Some(&end) = ends.iter().filter(|&&end| end > start).min() {
                return Some(end);
            }
            if !matches!(pat, Pat::Any) && self.is_party_or_pronoun(start, sentence.end) {
                return None;
            }
        }
        None
    }

    /// The start of a match that ends before `at` with at most `gap` words between.
    fn ending_before(&self, pat: &Pat, at: usize, sentence: &Range<usize>, gap: u32) -> Option<usize> {
        let mut ends = Vec::new();
        (sentence.start..at).rev().take_while(|&i| self.distance(i, at) <= gap + 4).find(|&start| {
            ends.clear();
            self.ends(pat, start, at, &mut ends);
            ends.iter().any(|&end| end > start && self.distance(end, at) <= gap)
        })
    }

    /// True when a noun of any party, or a pronoun that stands for one, begins here and ends by `limit`.
    fn is_party_or_pronoun(&self, at: usize, limit: usize) -> bool {
        // The "I" of "I mean" is nobody.
        if self.tokens[at].light {
            return false;
        }
        let (first, third) = self.lexicon.pronouns;
        let nouns = self.lexicon.parties.iter().map(|party| party.nouns);
        let mut ends = Vec::new();
        [first, third].into_iter().chain(nouns).any(|list| {
            self.list_ends(list, at, limit, &mut ends);
            !ends.is_empty()
        })
    }

    /// The folded word of the token at `i`.
    pub fn key(&self, i: usize) -> &'a str {
        &self.forms.get(self.tokens[i].form).readings[0].key
    }
}

const AUXILIARIES: [&str; 14] =
    ["am", "are", "is", "was", "were", "be", "been", "being", "'re", "'s", "get", "gets", "got", "getting"];

/// True for forms that can be a past participle.
fn is_participle(key: &str) -> bool {
    const IRREGULAR: [&str; 22] = [
        "brought", "built", "caught", "found", "fed", "felt", "got", "heard", "held", "kept", "left", "led", "made",
        "met", "paid", "put", "sent", "shut", "sold", "taught", "thought", "told",
    ];
    key.ends_with("ed")
        || key.ends_with("en")
        || key.ends_with("wn")
        || IRREGULAR.contains(&key)
        || key.ends_with("ne")
}

/// One match for each start: the shortest.
fn shortest(mut found: Vec<Match>) -> Vec<Match> {
    found.sort_unstable();
    found.dedup_by_key(|hit| hit.start);
    found
}

/// True for what may be left out.
fn is_nullable(pat: &Pat) -> bool {
    match pat {
        Pat::Opt(_) => true,
        Pat::Alt(pats) => pats.iter().any(is_nullable),
        Pat::Seq(items) => items.iter().all(|(_, item)| is_nullable(item)),
        Pat::Except(pat, _) => is_nullable(pat),
        _ => false,
    }
}

fn is_relation(pat: &Pat) -> bool {
    match pat {
        Pat::Near(..) | Pat::Both(_) | Pat::Direct(..) => true,
        Pat::Alt(pats) => pats.iter().any(is_relation),
        _ => false,
    }
}
