//! Which of the things that look like labels are labels, decided over the whole file.
//!
//! Comes in: every line's start. Goes out: the set of names that are speakers. Never happens here: a unit.
//!
//! A label is not "anything before a colon". A name is taken when it is a known one (`Interviewer`, `P03`), stands
//! in the header, or comes back at the starts of paragraphs; a name seen once is taken only in a file where nearly
//! every paragraph begins with a label of the same make.

use super::label::{Label, Shape, Start, capital};
use super::scheme::{self, Says};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;

/// Lines that show whether labels are set apart in a loose way.
const SAMPLE: usize = 400;

/// What was counted of one name.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    /// Times it looked like a label.
    n: usize,
    /// Of these, times at the start of a paragraph.
    n_first: usize,
    /// Times with a mark that words do not have: bold, a time.
    n_marked: usize,
    /// Times alone on a line or before a gap: proves nothing by itself.
    n_weak: usize,
    /// Times ended by a full stop.
    n_dot: usize,
    /// Times on a line that ends as a question does.
    n_asks: usize,
    /// Line of the first, from 1.
    line: usize,
}

/// Counts over a file.
#[derive(Debug, Default)]
pub(super) struct Survey {
    names: FxHashMap<String, Seen>,
    /// How often each name stands where a loose label would.
    loose: FxHashMap<String, usize>,
    n_loose: usize,
    n_lines: usize,
    n_firsts: usize,
    n_labelled_firsts: usize,
    n_labelled: usize,
    /// Lines that begin with a time, label or not.
    pub n_timed: usize,
    /// The lines are those of captions, where programs put a label on every one.
    cued: bool,
}

/// The names that are speakers in one file.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    names: FxHashSet<String>,
    /// Labels are set apart in a loose way.
    loose: bool,
    /// The one name that was taken, and the share of its labels whose line ends as a question does.
    alone: Option<(String, f64)>,
    /// Lines of names that were seen once and left in the words, from 1.
    pub doubtful: Vec<usize>,
}

impl Survey {
    /// Of captions.
    pub fn of_cues() -> Self {
        Survey { cued: true, ..Survey::default() }
    }

    /// Counts one line that is not blank. `first`: a blank line, a time or a heading stands before it.
    pub fn count(&mut self, line: &str, start: &Start, first: bool, number: usize) {
        self.n_lines += 1;
        self.n_firsts += usize::from(first);
        self.n_timed += usize::from(start.time.is_some());
        self.count_loose(line, start);
        let Some(label) = &start.label else { return };
        let name = &line[label.name.clone()];
        let seen = match self.names.get_mut(name) {
            Some(seen) => seen,
            None => self.names.entry(name.to_string()).or_default(),
        };
        if seen.n == 0 {
            seen.line = number;
        }
        seen.n += 1;
        seen.n_first += usize::from(first);
        seen.n_marked += usize::from(matches!(label.shape, Shape::Bold | Shape::Timed) || start.time.is_some());
        seen.n_dot += usize::from(label.shape == Shape::Dot);
        seen.n_asks += usize::from(line.trim_end().ends_with('?'));
        let weak = matches!(label.shape, Shape::Bare | Shape::Gap);
        seen.n_weak += usize::from(weak);
        self.n_labelled += usize::from(!weak);
        self.n_labelled_firsts += usize::from(!weak && first);
    }

    /// Looks for a loose label, as long as the file may be one that has them.
    fn count_loose(&mut self, line: &str, start: &Start) {
        if self.n_lines > SAMPLE && self.n_loose * 2 < self.n_lines {
            return;
        }
        if let Some((name, _)) = start.loose(line) {
            let name = &line[name];
            match self.loose.get_mut(name) {
                Some(n) => *n += 1,
                None => drop(self.loose.insert(name.to_string(), 1)),
            }
            self.n_loose += 1;
        }
    }

    /// Decides. `header` holds names that the header block gives to speakers.
    pub fn decide(mut self, header: &[&str]) -> Accepted {
        let by_line = share(self.n_labelled, self.n_lines) >= 0.8;
        let both = by_line && self.has_both_sides();
        if by_line && !both {
            // One turn a line: every line is a paragraph of its own. Where both sides have labels that say so, a
            // line that looks like a label is more likely a line of the answer.
            self.n_firsts = self.n_lines;
            self.n_labelled_firsts = self.n_labelled;
            self.names.values_mut().for_each(|seen| seen.n_first = seen.n);
        }
        let dense = self.n_labelled_firsts >= 2 && share(self.n_labelled_firsts, self.n_firsts) >= 0.8;
        let mut accepted = Accepted::default();
        for (name, &seen) in &self.names {
            if scheme_says(name, seen) || recurs(name, seen) || in_header(name, seen, header) {
                accepted.names.insert(name.clone());
            }
        }
        if both || by_line && self.has_both_sides() {
            let once = self
                .names
                .iter()
                .filter(|(name, seen)| seen.n_first == 0 && seen.n_weak == 0 && titled(name) && capital(name));
            let unknown = once.filter(|(name, _)| !accepted.names.contains(*name));
            accepted.doubtful = unknown.map(|(_, seen)| seen.line).collect();
        }
        self.take_rare(&mut accepted, dense);
        accepted.doubtful.sort_unstable();
        let mut accepted = self.loosely(&accepted).unwrap_or(accepted);
        if let (1, Some(name)) = (accepted.names.len(), accepted.names.iter().next()) {
            let seen = self.names.get(name).copied().unwrap_or_default();
            accepted.alone = (seen.n > 1).then(|| (name.clone(), share(seen.n_asks, seen.n)));
        }
        accepted
    }

    /// Labels that are set apart in a loose way, where there are more of them than of the others: only known ones, or
    /// every one where nearly every line has one.
    fn loosely(&self, solid: &Accepted) -> Option<Accepted> {
        let n_solid: usize = solid.names.iter().filter_map(|name| self.names.get(name)).map(|seen| seen.n).sum();
        let known = |name: &str| scheme::is_sure(name) && capital(name) && scheme::says(name) != Says::Other;
        let all = share(self.n_loose, self.n_lines) >= 0.8;
        let n_known: usize = self.loose.iter().filter(|(name, _)| known(name)).map(|(_, n)| n).sum();
        let names = self.loose.iter().filter(|(name, n)| known(name) || all && (**n > 1 || titled(name)));
        let names: FxHashSet<String> = names.map(|(name, _)| name.clone()).collect();
        let recur = all && self.n_lines >= 4 && names.len() * 2 <= self.n_loose;
        let asked = names.iter().any(|name| scheme::says(name) == Says::Interviewer);
        let enough = n_known >= 2 && n_known > n_solid && (asked || recur) || recur && n_solid == 0;
        enough.then(|| Accepted { names, loose: true, ..Accepted::default() })
    }

    /// True when somebody asks and somebody answers by their labels.
    fn has_both_sides(&self) -> bool {
        let known =
            |says| self.names.iter().any(|(name, seen)| scheme_says(name, *seen) && scheme::says(name) == says);
        known(Says::Interviewer) && known(Says::Respondent)
    }

    /// Names that were seen once: taken in a file where labels are everywhere, named otherwise.
    fn take_rare(&self, accepted: &mut Accepted, dense: bool) {
        let capitals = accepted.names.iter().filter(|n| is_upper(n)).count() * 2 > accepted.names.len();
        let very_dense = share(self.n_labelled_firsts, self.n_firsts) >= 0.95;
        let labelled = accepted.n_of(&self.names);
        let mostly = share(labelled, self.n_firsts) >= 0.6;
        let every_cue = self.cued && self.n_labelled_firsts == self.n_firsts && self.n_firsts >= 2;
        let mut rare = Vec::new();
        for (name, &seen) in &self.names {
            // `iPhone (2)`, `user 17`: nobody chose these names, and they come back.
            let device = every_cue || very_dense && seen.n - seen.n_weak >= 2 && seen.n == seen.n_first;
            if accepted.names.contains(name)
                || seen.n_weak == seen.n
                || seen.n_first == 0
                || !(titled(name) || device)
            {
                continue;
            }
            let same_make = mostly && capital(name) && (!capitals || is_upper(name));
            let marked = seen.n_marked > 0 && mostly;
            match (dense && (capital(name) || very_dense)) || same_make || marked {
                true => rare.push(name.clone()),
                false if capital(name) => accepted.doubtful.push(seen.line),
                false => {}
            }
        }
        accepted.names.extend(rare);
    }
}

/// Known labels need one occurrence, and a capital or a second occurrence.
fn scheme_says(name: &str, seen: Seen) -> bool {
    let strong = seen.n - seen.n_weak;
    let often_alone = seen.n_weak >= 2 && name.chars().count() > 1 && seen.n_first >= 2;
    let gaps = seen.n_weak >= 2 && (name == "Q" || name == "A");
    scheme::is_sure(name) && (strong > 0 && (capital(name) || strong > 1) || often_alone || gaps)
}

/// A name that comes back where paragraphs begin.
fn recurs(name: &str, seen: Seen) -> bool {
    let strong = seen.n - seen.n_weak;
    if strong == 0 || name.bytes().all(|b| b.is_ascii_digit()) && strong < 3 {
        return false;
    }
    let first = share(seen.n_first, seen.n);
    match capital(name) {
        true if seen.n_marked > 0 => strong >= 2 || seen.n_weak > 0,
        true => strong >= 2 && first >= 0.5,
        false => strong >= 3 && first >= 0.9,
    }
}

/// True for one word, or for words that all begin as names do.
fn titled(name: &str) -> bool {
    const PARTICLES: [&str; 10] = ["de", "da", "di", "la", "van", "von", "der", "den", "of", "the"];
    let mut words = name.split_whitespace();
    words.clone().count() == 1 || words.all(|w| capital(w.trim_start_matches('(')) || PARTICLES.contains(&w))
}

fn in_header(name: &str, seen: Seen, header: &[&str]) -> bool {
    let folded = scheme::fold(name);
    seen.n > seen.n_weak && header.iter().any(|h| same_person(&folded, &scheme::fold(h)))
}

/// True when a label is a name, its last or its first word, its initials, or what stands in brackets behind it; both
/// folded.
pub(super) fn same_person(label: &str, name: &str) -> bool {
    let label = label.trim_end_matches('.');
    let (name, short) =
        name.split_once('(').map_or((name, ""), |(name, short)| (name.trim(), short.trim_end_matches(')')));
    let words: Vec<&str> = name.split_whitespace().collect();
    let initials: String = words.iter().filter_map(|word| word.chars().next()).collect();
    let end =
        [words.last(), words.first()].into_iter().flatten().any(|word| *word == label && word.chars().count() > 1);
    !label.is_empty() && (label == name || label == short || end || words.len() > 1 && label == initials)
}

fn is_upper(name: &str) -> bool {
    !name.chars().any(char::is_lowercase)
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Accepted {
    /// True when the label is a speaker's.
    pub fn has(&self, line: &str, label: &Label) -> bool {
        !self.loose && self.names.contains(&line[label.name.clone()])
    }

    /// The name that a line begins with and where its words begin, if it is a speaker's.
    pub fn label_of(&self, line: &str, start: &Start) -> Option<(Range<usize>, usize)> {
        if self.loose {
            return start.loose(line).filter(|(name, _)| self.names.contains(&line[name.clone()]));
        }
        let label = start.label.as_ref().filter(|label| self.has(line, label))?;
        Some((label.name.clone(), start.after_label))
    }

    /// True when no name was taken.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// True when every name taken is one that asks: the answers have no label.
    pub fn only_asks(&self) -> bool {
        let asks =
            self.alone.as_ref().is_some_and(|(name, asks)| *asks >= 0.6 && scheme::says(name) != Says::Respondent);
        asks || !self.is_empty() && self.names.iter().all(|n| scheme::says(n) == Says::Interviewer)
    }

    /// True when nobody who asks has a label: the questions may have none.
    pub fn only_answers(&self) -> bool {
        let answers = self.alone.as_ref().is_some_and(|(_, asks)| *asks <= 0.3);
        !self.only_asks()
            && (answers || !self.is_empty() && self.names.iter().all(|n| scheme::says(n) == Says::Respondent))
    }

    fn n_of(&self, names: &FxHashMap<String, Seen>) -> usize {
        self.names.iter().filter_map(|n| names.get(n)).map(|seen| seen.n_first).sum()
    }
}
