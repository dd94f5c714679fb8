//! One sentence, and the patterns that are followed through it.
//!
//! Comes in: a sentence on its board, the level of the speaker. Goes out: the runs of words that meet a pattern. Never
//! happens here: anything that reaches over sentences.

use super::board::{Board, Boards, Places, Run, each, upto};
use super::{Match, Scene, joined, shortest};
use crate::lexicon::Pat;
use crate::lexicon::plan::Group;
use crate::lexicon::terms::TermId;
use std::ops::Range;

/// Words that the actor, or the target, may stand away from the act.
const REACH: u32 = 6;

/// A sentence on the board, as the speaker's level makes it understood.
///
/// Patterns are followed from all their places at once: the ends of all runs that begin in a set of places are again
/// a set of places. The ends that belong to one start are found by following that start alone.
pub struct Sheet<'s> {
    scene: &'s Scene<'s>,
    sentence: &'s Range<usize>,
    board: &'s Board,
    level: Option<&'s str>,
}

impl<'s> Sheet<'s> {
    /// The sheet of a sentence of the segment.
    pub fn new(scene: &'s Scene<'s>, boards: &'s Boards, place: usize, level: Option<&'s str>) -> Self {
        Sheet { scene, sentence: &scene.sentences[place], board: boards.board(place), level }
    }

    /// Every match of a pattern that stays in a sentence.
    pub fn find(&self, pat: &Pat) -> Vec<Match> {
        let mut found = Vec::new();
        self.find_into(pat, &mut found);
        found
    }

    /// Adds every match of a pattern that stays in a sentence.
    pub fn find_into(&self, pat: &Pat, found: &mut Vec<Match>) {
        match pat {
            Pat::Near(pats, within) => {
                let parts: Vec<Vec<Match>> = pats.iter().map(|pat| self.find(pat)).collect();
                found.extend(joined(self.scene, &parts, Some(*within)));
            }
            Pat::Direct(actor, act, target) => found.extend(self.direct(actor, act, target.as_deref())),
            Pat::Alt(pats) if pats.iter().any(is_relation) => {
                found.extend(shortest(pats.iter().flat_map(|pat| self.find(pat)).collect()));
            }
            pat => {
                let base = self.sentence.start;
                found.extend(self.shortest_runs(pat).map(|(start, end)| Match::plain(base + start, base + end)));
            }
        }
    }

    /// Every run that meets a pattern without relations: the shortest for each start.
    fn shortest_runs(&self, pat: &Pat) -> impl Iterator<Item = (usize, usize)> {
        self.starts(pat).map(|(start, ends)| (start, ends.trailing_zeros() as usize))
    }

    /// Where runs begin that meet a pattern without relations, and where those of each start may end.
    pub fn starts(&self, pat: &Pat) -> impl Iterator<Item = (usize, Places)> {
        let starts = self.begins(pat);
        // Most sequences that are tried do not match: one pass over all starts says so.
        let several = starts & starts.wrapping_sub(1) != 0 && !matches!(pat, Pat::Term(_) | Pat::List(_));
        let starts = if several && self.ends_from(pat, starts) == 0 { 0 } else { starts };
        each(starts).map(|start| (start, self.ends_from(pat, 1 << start))).filter(|(_, ends)| *ends != 0)
    }

    /// As [`Sheet::ends`], from places that are among those where the pattern may begin: of a word at the start it is
    /// known that it stands there.
    fn ends_from(&self, pat: &Pat, from: Places) -> Places {
        match pat {
            Pat::Term(_) => from << 1,
            Pat::Seq(items) => match items.split_first() {
                Some(((_, Pat::Term(_)), rest)) if from != 0 => {
                    self.items_ends(rest, from << 1, Some(0), self.sentence.len())
                }
                _ => self.ends(pat, from),
            },
            pat => self.ends(pat, from),
        }
    }

    /// Places where a run that meets the pattern may begin: all of them are among these.
    fn begins(&self, pat: &Pat) -> Places {
        match pat {
            Pat::Term(term) => self.all_places(*term),
            Pat::Any | Pat::Regex(_) => self.board.whole,
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

    fn all_places(&self, term: TermId) -> Places {
        self.board.all_places(self.scene.forms, term.0)
    }

    fn places(&self, term: TermId, from: Places) -> Places {
        self.board.places(self.scene.forms, term.0, from)
    }

    /// Phrases of a group that stand here.
    fn phrases(&self, group: &Group, place: usize) -> impl Iterator<Item = &Run> {
        let runs = if group.has_phrases { &self.board.runs[..] } else { &[] };
        runs.iter().filter(move |run| run.group as usize == place)
    }

    fn list_begins(&self, place: usize) -> Places {
        let group = &self.scene.lexicon.plan.groups[place];
        let words = group.term.map_or(0, |term| self.all_places(term));
        let phrases = self.phrases(group, place).fold(words, |all, run| all | 1 << run.start);
        group.loose.iter().fold(phrases, |all, phrase| all | self.begins(phrase))
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
            Pat::Term(term) => self.places(*term, from) << 1,
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
        let group = &self.scene.lexicon.plan.groups[place];
        let words = group.term.map_or(0, |term| self.places(term, from) << 1);
        let begun = self.phrases(group, place).filter(|run| from >> run.start & 1 != 0);
        let ends = begun.fold(words, |all, run| all | run.ends);
        group.loose.iter().fold(ends, |all, phrase| all | self.ends_by(phrase, from, limit))
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
        let found = self.shortest_runs(act).filter_map(|(start, end)| {
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
        if self.board.is_light(at) {
            return false;
        }
        let mut lists = self.people_lists();
        self.people() >> at & 1 != 0
            && lists.any(|list| {
                self.list_begins(list) >> at & 1 != 0 && self.list_ends(list, 1 << at, limit) & upto(limit) != 0
            })
    }

    /// Where nouns of parties, and pronouns that stand for them, may begin.
    fn people(&self) -> Places {
        let loose = |list: usize| !self.scene.lexicon.plan.groups[list].loose.is_empty();
        // What depends on the level must not be remembered for another one.
        let may_begin = |list: usize| if loose(list) { self.board.whole } else { self.list_begins(list) };
        *self.board.people.get_or_init(|| self.people_lists().fold(0, |all, list| all | may_begin(list)))
    }

    fn people_lists(&self) -> impl Iterator<Item = usize> {
        let lexicon = self.scene.lexicon;
        let (first, third) = lexicon.pronouns;
        [first, third].into_iter().chain(lexicon.parties.iter().map(|party| party.nouns))
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
