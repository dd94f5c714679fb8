//! Where the patterns of a lexicon stand in a segment.
//!
//! Comes in: the tokens of a segment with their forms. Goes out: every match, as runs of tokens. Never happens here:
//! weights, or what a match means.
//!
//! A goal is tried only in sentences where a word of each of its needs stands ([`crate::lexicon::plan`]); all
//! overlapping matches are found. A sentence is short, so that a set of its places is one number, and a pattern is
//! followed from all its places at once.

use crate::lexicon::plan::{Goal, Index, Phrase};
use crate::lexicon::terms::TermId;
use crate::lexicon::{Lexicon, Pat};
use crate::segment::LONGEST_SENTENCE;
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

    /// Tokens between `from` and `to` that count.
    pub fn distance(&self, from: usize, to: usize) -> u32 {
        self.weight_before[to].saturating_sub(self.weight_before[from])
    }

    /// Every match of a pattern in the segment, ordered, at most one for each start: the shortest.
    pub fn matches(&self, pat: &Pat) -> Vec<Match> {
        self.matches_on(pat, &mut Board::new(self.lexicon))
    }

    fn matches_on(&self, pat: &Pat, board: &mut Board) -> Vec<Match> {
        match pat {
            Pat::Both(pats) => both(self, pats.iter().map(|pat| self.matches_on(pat, board)).collect()),
            Pat::Alt(pats) if pats.iter().any(|pat| matches!(pat, Pat::Both(_))) => {
                shortest(pats.iter().flat_map(|pat| self.matches_on(pat, board)).collect())
            }
            pat => self.sentences.iter().flat_map(|sentence| self.look(pat, sentence, board)).collect(),
        }
    }

    /// True when the pattern matches anywhere in the segment.
    pub fn holds(&self, pat: &Pat) -> bool {
        !self.matches(pat).is_empty()
    }

    /// Every match in one sentence.
    pub fn in_sentence(&self, pat: &Pat, sentence: &Range<usize>) -> Vec<Match> {
        self.look(pat, sentence, &mut Board::new(self.lexicon))
    }

    fn look(&self, pat: &Pat, sentence: &Range<usize>, board: &mut Board) -> Vec<Match> {
        board.read(self, sentence);
        Sheet { scene: self, sentence, board, level: self.level }.find(pat)
    }

    /// The folded word of the token at `i`.
    pub fn key(&self, i: usize) -> &'a str {
        &self.forms.get(self.tokens[i].form).readings[0].key
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

/// For each match of the first part, the nearest of the others.
fn both(scene: &Scene, parts: Vec<Vec<Match>>) -> Vec<Match> {
    joined(scene, &parts, None)
}

fn joined(scene: &Scene, parts: &[Vec<Match>], within: Option<u16>) -> Vec<Match> {
    let Some((firsts, others)) = parts.split_first() else { return Vec::new() };
    shortest(firsts.iter().filter_map(|&first| scene.nearest(first, others, within)).collect())
}

// ---- one sentence ----

/// A set of places in a sentence: bit *i* is its *i*-th token, or the place after the token before.
type Places = u128;

// A sentence and the place after it must fit.
const _: () = assert!(LONGEST_SENTENCE < Places::BITS as usize);

/// Where each term, and each phrase of a list, stands in one sentence. Reused from sentence to sentence.
pub struct Board {
    /// For each term: where it stands.
    places: Vec<Places>,
    /// Terms that stand in the sentence, one after the other.
    met: Vec<u32>,
    /// The same as one bit for each term: small enough to stay in the nearest cache.
    present: Vec<u64>,
    /// For each list: its phrases.
    phrases: Vec<Phrases>,
    /// Lists that have phrases in the sentence.
    with_phrases: Vec<usize>,
    /// Phrases that wait for the phrases in them; empty between sentences.
    deep: Vec<(u32, u32)>,
    /// Every token.
    whole: Places,
    /// Tokens that do not count in a gap.
    light: Places,
}

/// The phrases of a list that stand in the sentence.
#[derive(Default)]
struct Phrases {
    /// Where one begins.
    begins: Places,
    /// Where each begins and may end.
    runs: Vec<(u32, Places)>,
}

impl Board {
    /// An empty board.
    pub fn new(lexicon: &Lexicon) -> Self {
        Board {
            places: vec![0; lexicon.terms.n_ids()],
            met: Vec::new(),
            present: vec![0; lexicon.terms.n_ids() / 64 + 1],
            phrases: lexicon.lists.iter().map(|_| Phrases::default()).collect(),
            with_phrases: Vec::new(),
            deep: Vec::new(),
            whole: 0,
            light: 0,
        }
    }

    /// Forgets the sentence before and takes up this one.
    pub fn read(&mut self, scene: &Scene, sentence: &Range<usize>) {
        for term in self.met.drain(..) {
            self.places[term as usize] = 0;
            self.present[term as usize / 64] = 0;
        }
        for list in self.with_phrases.drain(..) {
            self.phrases[list].begins = 0;
            self.phrases[list].runs.clear();
        }
        self.light = 0;
        self.whole = upto(sentence.len()) >> 1;
        for (place, i) in sentence.clone().enumerate() {
            let bit = 1 << place;
            self.light |= if scene.tokens[i].light { bit } else { 0 };
            for &term in scene.terms(i) {
                let places = &mut self.places[term as usize];
                if *places == 0 {
                    self.met.push(term);
                    self.present[term as usize / 64] |= 1 << (term % 64);
                }
                *places |= bit;
            }
        }
        self.read_phrases(scene, sentence);
    }

    fn read_phrases(&mut self, scene: &Scene, sentence: &Range<usize>) {
        let plan = &scene.lexicon.plan;
        let mut deep = std::mem::take(&mut self.deep);
        for i in 0..self.met.len() {
            for entry in plan.phrases_at.at(self.met[i]) {
                if !self.has_term(entry.second) {
                    continue;
                }
                let phrase = &plan.phrases[entry.place as usize];
                match phrase.depth {
                    0 => self.read_phrase(scene, sentence, phrase),
                    depth => deep.push((depth, entry.place)),
                }
            }
        }
        deep.sort_unstable();
        deep.drain(..).for_each(|(_, place)| self.read_phrase(scene, sentence, &plan.phrases[place as usize]));
        self.deep = deep;
    }

    fn read_phrase(&mut self, scene: &Scene, sentence: &Range<usize>, phrase: &Phrase) {
        if !self.has(&phrase.needs) {
            return;
        }
        let follow =
            |board: &Board, from: Places| Sheet { scene, sentence, board, level: None }.ends(&phrase.pat, from);
        let begins = Sheet { scene, sentence, board: self, level: None }.begins(&phrase.pat);
        if follow(self, begins) == 0 {
            return;
        }
        for start in each(begins) {
            match follow(self, 1 << start) {
                0 => {}
                ends => self.put(&phrase.lists, start, ends),
            }
        }
    }

    fn put(&mut self, lists: &[usize], start: usize, ends: Places) {
        for &list in lists {
            let phrases = &mut self.phrases[list];
            if phrases.begins == 0 {
                self.with_phrases.push(list);
            }
            phrases.begins |= 1 << start;
            phrases.runs.push((start as u32, ends));
        }
    }

    /// True when the term stands in the sentence.
    #[inline]
    fn has_term(&self, term: TermId) -> bool {
        self.present[term.0 as usize / 64] >> (term.0 % 64) & 1 != 0
    }

    /// True when one of these terms stands in the sentence.
    fn has_any(&self, terms: &[TermId]) -> bool {
        terms.iter().any(|&term| self.has_term(term))
    }

    /// True when a word of each of these sets stands in the sentence.
    fn has(&self, needs: &[TermId]) -> bool {
        needs.iter().all(|&need| self.has_term(need))
    }
}

/// The places up to and including this one.
fn upto(place: usize) -> Places {
    (1 << place) | ((1 << place) - 1)
}

/// The places of a set, ascending.
fn each(mut places: Places) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = places.trailing_zeros();
        (places != 0).then(|| {
            places &= places - 1;
            place as usize
        })
    })
}

/// A sentence on the board, as the speaker's level makes it understood.
///
/// Patterns are followed from all their places at once: the ends of all runs that begin in a set of places are again
/// a set of places. The ends that belong to one start are found by following that start alone.
struct Sheet<'s> {
    scene: &'s Scene<'s>,
    sentence: &'s Range<usize>,
    board: &'s Board,
    level: Option<&'s str>,
}

impl Sheet<'_> {
    /// Every match of a pattern that stays in a sentence.
    fn find(&self, pat: &Pat) -> Vec<Match> {
        match pat {
            Pat::Near(pats, within) => {
                let parts: Vec<Vec<Match>> = pats.iter().map(|pat| self.find(pat)).collect();
                joined(self.scene, &parts, Some(*within))
            }
            Pat::Direct(actor, act, target) => self.direct(actor, act, target.as_deref()),
            Pat::Alt(pats) if pats.iter().any(is_relation) => {
                shortest(pats.iter().flat_map(|pat| self.find(pat)).collect())
            }
            pat => {
                let base = self.sentence.start;
                self.runs(pat).map(|(start, end)| Match::plain(base + start, base + end)).collect()
            }
        }
    }

    /// Every run that meets a pattern without relations: the shortest for each start.
    fn runs(&self, pat: &Pat) -> impl Iterator<Item = (usize, usize)> {
        let starts = self.begins(pat);
        // Most patterns that are tried do not match: one pass over all starts says so.
        let several = starts & starts.wrapping_sub(1) != 0;
        let starts = if several && self.ends(pat, starts) == 0 { 0 } else { starts };
        each(starts).filter_map(|start| {
            let ends = self.ends(pat, 1 << start);
            (ends != 0).then(|| (start, ends.trailing_zeros() as usize))
        })
    }

    /// Places where a run that meets the pattern may begin: all of them are among these.
    fn begins(&self, pat: &Pat) -> Places {
        let board = self.board;
        match pat {
            Pat::Term(term) => board.places[term.0 as usize],
            Pat::Any | Pat::Regex(_) => board.whole,
            Pat::List(place) => self.list_begins(*place),
            Pat::Party(place) => self.party_lists(*place).fold(0, |all, list| all | self.list_begins(list)),
            Pat::Seq(items) => {
                let mut all = 0;
                for (_, item) in items {
                    all |= self.begins(item);
                    if !is_nullable(item) {
                        break;
                    }
                }
                all
            }
            Pat::Alt(pats) => pats.iter().fold(0, |all, pat| all | self.begins(pat)),
            Pat::Opt(pat) | Pat::Except(pat, _) => self.begins(pat),
            Pat::Near(..) | Pat::Both(_) | Pat::Direct(..) | Pat::Code(_) => 0,
        }
    }

    fn list_begins(&self, place: usize) -> Places {
        let (lexicon, board) = (self.scene.lexicon, self.board);
        let words = board.places[lexicon.lists[place].term.0 as usize];
        let loose =
            lexicon.plan.loose[place].iter().map(|&phrase| self.begins(&lexicon.lists[place].phrases[phrase]));
        loose.fold(words | board.phrases[place].begins, |all, begins| all | begins)
    }

    /// The lists whose entries are a party to a speaker of this level.
    fn party_lists(&self, place: usize) -> impl Iterator<Item = usize> {
        let lexicon = self.scene.lexicon;
        let party = &lexicon.parties[place];
        let is_own = |level: &Option<String>| level.is_some() && level.as_deref() == self.level;
        let first = is_own(&party.first).then_some(lexicon.pronouns.0);
        let third = is_own(&party.third).then_some(lexicon.pronouns.1);
        [Some(party.nouns), first, third].into_iter().flatten()
    }

    /// Where the runs end that begin at one of these places and meet the pattern; no run is empty.
    fn ends(&self, pat: &Pat, from: Places) -> Places {
        self.ends_by(pat, from, self.sentence.len())
    }

    /// As [`Sheet::ends`], of a sentence that is cut off after `limit` tokens.
    fn ends_by(&self, pat: &Pat, from: Places, limit: usize) -> Places {
        if from == 0 {
            return 0;
        }
        match pat {
            Pat::Term(term) => (from & self.board.places[term.0 as usize]) << 1,
            Pat::Any => (from & self.board.whole) << 1,
            Pat::List(place) => self.list_ends(*place, from, limit),
            Pat::Party(place) => {
                self.party_lists(*place).fold(0, |all, list| all | self.list_ends(list, from, limit))
            }
            Pat::Regex(regex) => self.regex_ends(regex, from, limit),
            Pat::Seq(items) => self.items_ends(items, from, None, limit),
            Pat::Alt(pats) => pats.iter().fold(0, |all, pat| all | self.ends_by(pat, from, limit)),
            Pat::Opt(pat) => self.ends_by(pat, from, limit),
            Pat::Except(pat, others) => each(from).fold(0, |all, start| {
                let ends = self.ends_by(pat, 1 << start, limit) & upto(limit);
                all | each(ends).filter(|&end| !self.within(others, start, end)).fold(0, |kept, end| kept | 1 << end)
            }),
            // The compiler lets relations stand only outside sequences.
            Pat::Near(..) | Pat::Both(_) | Pat::Direct(..) | Pat::Code(_) => 0,
        }
    }

    fn list_ends(&self, place: usize, from: Places, limit: usize) -> Places {
        let (lexicon, board) = (self.scene.lexicon, self.board);
        let list = &lexicon.lists[place];
        let words = (from & board.places[list.term.0 as usize]) << 1;
        let phrases = &board.phrases[place];
        let mut ends = words;
        if phrases.begins & from != 0 {
            let begun = phrases.runs.iter().filter(|(start, _)| from >> start & 1 != 0);
            ends = begun.fold(words, |all, (_, ends)| all | ends);
        }
        let loose = lexicon.plan.loose[place].iter().map(|&phrase| self.ends_by(&list.phrases[phrase], from, limit));
        loose.fold(ends, |all, ends| all | ends)
    }

    fn regex_ends(&self, regex: &regex::Regex, from: Places, limit: usize) -> Places {
        let starts = each(from & (upto(limit) >> 1));
        starts.filter_map(|start| self.regex_end(regex, start, limit)).fold(0, |all, end| all | 1 << end)
    }

    fn regex_end(&self, regex: &regex::Regex, at: usize, limit: usize) -> Option<usize> {
        let token = |place: usize| self.scene.tokens[self.sentence.start + place].span();
        let start = token(at).start;
        let end = start + regex.find(&self.scene.text[start..token(limit - 1).end])?.end();
        let last = (at..limit).find(|&place| token(place).end >= end)?;
        (token(last).end == end).then_some(last + 1)
    }

    /// Items in order, after `from`. What may be left out takes the room of its gap along: `a ..2 [b] ..3 c` without
    /// `b` is `a ..5 c`, and neither a run's first nor its last word is ever a gap's. `room` is what gaps of left-out
    /// items add, none before the first word.
    fn items_ends(&self, items: &[(u16, Pat)], from: Places, room: Option<u32>, limit: usize) -> Places {
        let Some(((gap, item), rest)) = items.split_first() else {
            return if room.is_some() { from } else { 0 };
        };
        let within = room.map(|room| room + u32::from(*gap));
        let without = if is_nullable(item) { self.items_ends(rest, from, within, limit) } else { 0 };
        let starts = within.map_or(from, |within| self.reached(from, within));
        match self.ends_by(item, starts, limit) {
            0 => without,
            ends => without | self.items_ends(rest, ends, Some(0), limit),
        }
    }

    /// Places at most so many counting words after one of these.
    fn reached(&self, from: Places, within: u32) -> Places {
        let light = self.board.light;
        let mut all = past(from, light);
        for _ in 0..within {
            let next = past(all | (all & !light) << 1, light) & (self.board.whole << 1 | 1);
            if next == all {
                break;
            }
            all = next;
        }
        all & self.board.whole
    }

    /// True when the run lies within a run that meets one of the exceptions.
    fn within(&self, others: &[Pat], start: usize, end: usize) -> bool {
        let beyond = !(upto(end) >> 1);
        others.iter().any(|pat| self.ends(pat, self.begins(pat) & upto(start)) & beyond != 0)
    }

    fn distance(&self, from: usize, to: usize) -> u32 {
        self.scene.distance(self.sentence.start + from, self.sentence.start + to)
    }

    fn key(&self, place: usize) -> &str {
        self.scene.key(self.sentence.start + place)
    }

    // ---- direction: who does what to whom ----

    fn direct(&self, actor: &Pat, act: &Pat, target: Option<&Pat>) -> Vec<Match> {
        let found = self.runs(act).filter_map(|(start, end)| {
            let (from, to) = match self.passive_auxiliary(start) {
                Some(auxiliary) => self.passive(actor, target, auxiliary, end)?,
                None => self.active(actor, target, start, end)?,
            };
            let base = self.sentence.start;
            Some(Match {
                start: base + from.min(start),
                end: base + to.max(end),
                focus_start: base + start,
                focus_end: base + end,
            })
        });
        shortest(found.collect())
    }

    /// `A .. act .. T`, or the relative clause `the T that A act`.
    fn active(&self, actor: &Pat, target: Option<&Pat>, start: usize, end: usize) -> Option<(usize, usize)> {
        let (from, subject_end) = self.before(actor, start)?;
        let Some(target) = target else { return Some((from, subject_end)) };
        if let Some(to) = self.after(target, end) {
            return Some((from, to));
        }
        let relative = self.ending_before(target, from, 1)?;
        Some((relative, subject_end))
    }

    /// `T was act-ed by A`. Without `by`, only an actor that may be anybody is met.
    fn passive(&self, actor: &Pat, target: Option<&Pat>, auxiliary: usize, end: usize) -> Option<(usize, usize)> {
        let from = match target {
            Some(target) => self.before(target, auxiliary)?.0,
            None => auxiliary,
        };
        if matches!(actor, Pat::Any) {
            return Some((from, end));
        }
        let length = self.sentence.len();
        let by = (end..length).take_while(|&i| self.distance(end, i) <= REACH).find(|&i| self.key(i) == "by")?;
        let starts = self.reached(1 << (by + 1), 3);
        if is_nullable(actor) && starts != 0 {
            return Some((from, by + 1));
        }
        let ends = self.ends(actor, starts);
        (ends != 0).then(|| (from, ends.trailing_zeros() as usize))
    }

    /// Where a form of "be" or "get" makes the act at `start` passive: before it, with at most two words between, and
    /// the act itself no `-ing` form.
    fn passive_auxiliary(&self, start: usize) -> Option<usize> {
        if self.key(start).ends_with("ing") || !is_participle(self.key(start)) {
            return None;
        }
        (start.saturating_sub(3)..start).rev().find(|&i| {
            AUXILIARIES.contains(&self.key(i)) && (i + 1..start).all(|j| !self.is_party_or_pronoun(j, start))
        })
    }

    /// The nearest actor that ends before `at`, unless another party stands nearer: "we asked how **they** trained us".
    fn before(&self, pat: &Pat, at: usize) -> Option<(usize, usize)> {
        let (begins, anybody) = (self.begins(pat), matches!(pat, Pat::Any));
        for start in (0..at).rev().take_while(|&i| self.distance(i, at) <= REACH + 1) {
            if begins >> start & 1 != 0 {
                let ends = self.ends_by(pat, 1 << start, at) & upto(at);
                let near = each(ends).filter(|&end| self.distance(end, at) <= REACH);
                if let Some(end) = near.max() {
                    return Some((start, end));
                }
            }
            if !anybody && self.is_party_or_pronoun(start, at) {
                return None;
            }
        }
        None
    }

    /// The end of the nearest target that begins after `at`, unless another party stands nearer.
    fn after(&self, pat: &Pat, at: usize) -> Option<usize> {
        let (begins, anybody) = (self.begins(pat), matches!(pat, Pat::Any));
        let length = self.sentence.len();
        for start in (at..length).take_while(|&i| self.distance(at, i) <= REACH) {
            if begins >> start & 1 != 0 {
                let ends = self.ends(pat, 1 << start);
                if ends != 0 {
                    return Some(ends.trailing_zeros() as usize);
                }
            }
            if !anybody && self.is_party_or_pronoun(start, length) {
                return None;
            }
        }
        None
    }

    /// The start of a match that ends before `at` with at most `gap` words between.
    fn ending_before(&self, pat: &Pat, at: usize, gap: u32) -> Option<usize> {
        let begins = self.begins(pat);
        let near = (0..at).rev().take_while(|&i| self.distance(i, at) <= gap + 4);
        near.filter(|&start| begins >> start & 1 != 0).find(|&start| {
            let ends = self.ends_by(pat, 1 << start, at) & upto(at);
            each(ends).any(|end| self.distance(end, at) <= gap)
        })
    }

    /// True when a noun of any party, or a pronoun that stands for one, begins here and ends by `limit`.
    fn is_party_or_pronoun(&self, at: usize, limit: usize) -> bool {
        // The "I" of "I mean" is nobody.
        if self.board.light >> at & 1 != 0 {
            return false;
        }
        let (first, third) = self.scene.lexicon.pronouns;
        let nouns = self.scene.lexicon.parties.iter().map(|party| party.nouns);
        let mut lists = [first, third].into_iter().chain(nouns);
        lists.any(|list| {
            self.list_begins(list) >> at & 1 != 0 && self.list_ends(list, 1 << at, limit) & upto(limit) != 0
        })
    }
}

/// The places, and those that only light words part from them.
fn past(mut places: Places, light: Places) -> Places {
    loop {
        let next = places | (places & light) << 1;
        if next == places {
            return places;
        }
        places = next;
    }
}

// ---- a segment ----

/// Where the goals of a plan stand in one segment. Reused from segment to segment.
pub struct Search {
    /// The sentence read last.
    pub board: Board,
    /// For each goal within sentences, its matches.
    hits: Vec<Vec<Match>>,
    /// Goals that have matches.
    met: Vec<u32>,
}

impl Search {
    /// Nothing found yet.
    pub fn new(lexicon: &Lexicon) -> Self {
        let hits = vec![Vec::new(); lexicon.plan.goals.len()];
        Search { board: Board::new(lexicon), hits, met: Vec::new() }
    }

    /// Forgets what was found, and finds the goals of `index` in the segment.
    pub fn run(&mut self, scene: &Scene, index: &Index) {
        self.clear();
        for sentence in scene.sentences {
            self.sentence(scene, sentence, index);
        }
    }

    /// Forgets what was found.
    pub fn clear(&mut self) {
        self.met.drain(..).for_each(|goal| self.hits[goal as usize].clear());
    }

    /// Adds what one sentence holds.
    pub fn sentence(&mut self, scene: &Scene, sentence: &Range<usize>, index: &Index) {
        self.board.read(scene, sentence);
        for i in 0..self.board.met.len() {
            for entry in index.at(self.board.met[i]) {
                if self.board.has_term(entry.second) {
                    self.look_for(scene, sentence, entry.place);
                }
            }
        }
        index.anywhere.iter().for_each(|&goal| self.look_for(scene, sentence, goal));
    }

    /// Adds the matches of one goal in the sentence on the board.
    fn look_for(&mut self, scene: &Scene, sentence: &Range<usize>, goal: u32) {
        let Goal::Words { pat, level, needs, also } = &scene.lexicon.plan.goals[goal as usize] else { return };
        let board = &self.board;
        if !board.has(needs) || !also.iter().all(|set| board.has_any(set)) {
            return;
        }
        let sheet = Sheet { scene, sentence, board, level: scene.level.or(level.as_deref()) };
        let found = sheet.find(pat);
        if !found.is_empty() {
            let hits = &mut self.hits[goal as usize];
            if hits.is_empty() {
                self.met.push(goal);
            }
            hits.extend(found);
        }
    }

    /// Goals within sentences that were found, in no order.
    pub fn met(&self) -> &[u32] {
        &self.met
    }

    /// Matches of a goal within sentences.
    pub fn hits(&self, goal: u32) -> &[Match] {
        &self.hits[goal as usize]
    }

    /// Every match of a goal, as [`Scene::matches`] gives those of its pattern.
    pub fn matches(&self, scene: &Scene, goal: u32) -> Vec<Match> {
        match &scene.lexicon.plan.goals[goal as usize] {
            Goal::Words { .. } => self.hits(goal).to_vec(),
            Goal::Both(parts) | Goal::Each(parts) => {
                both(scene, parts.iter().map(|&part| self.matches(scene, part)).collect())
            }
            Goal::Either(parts) => shortest(parts.iter().flat_map(|&part| self.matches(scene, part)).collect()),
            Goal::Code(_) => Vec::new(),
        }
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
#[inline]
fn is_nullable(pat: &Pat) -> bool {
    match pat {
        Pat::Term(_) | Pat::List(_) => false,
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
