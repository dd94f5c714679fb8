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
    /// Line of the first, from 1.
    line: usize,
}

/// Counts over a file.
#[derive(Debug, Default)]
pub(super) struct Survey {
    names: FxHashMap<String, Seen>,
    n_lines: usize,
    n_firsts: usize,
    n_labelled_firsts: usize,
    n_labelled: usize,
    /// Lines that begin with a time, label or not.
    pub n_timed: usize,
}

/// The names that are speakers in one file.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    names: FxHashSet<String>,
    /// Lines of names that were seen once and left in the words, from 1.
    pub doubtful: Vec<usize>,
}

impl Survey {
    /// Counts one line that is not blank. `first`: a blank line, a time or a heading stands before it.
    pub fn count(&mut self, line: &str, start: &Start, first: bool, number: usize) {
        self.n_lines += 1;
        self.n_firsts += usize::from(first);
        self.n_timed += usize::from(start.time.is_some());
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
        let weak = matches!(label.shape, Shape::Bare | Shape::Gap);
        seen.n_weak += usize::from(weak);
        self.n_labelled += usize::from(!weak);
        self.n_labelled_firsts += usize::from(!weak && first);
    }

    /// Decides. `header` holds names that the header block gives to speakers.
    pub fn decide(mut self, header: &[&str]) -> Accepted {
        if share(self.n_labelled, self.n_lines) >= 0.8 && !self.has_both_sides() {
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
        self.take_rare(&mut accepted, dense);
        accepted.doubtful.sort_unstable();
        accepted
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
        let mut rare = Vec::new();
        for (name, &seen) in &self.names {
            if accepted.names.contains(name) || seen.n_weak == seen.n || seen.n_first == 0 || !titled(name) {
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

/// True when a label is a name or the last word of it; both folded.
pub(super) fn same_person(label: &str, name: &str) -> bool {
    let label = label.trim_end_matches('.');
    label == name || name.rsplit(' ').next().is_some_and(|last| last == label && last.chars().count() > 1)
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
        self.names.contains(&line[label.name.clone()])
    }

    /// True when no name was taken.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// True when every name taken is one that asks: the answers have no label.
    pub fn only_asks(&self) -> bool {
        !self.is_empty() && self.names.iter().all(|n| scheme::says(n) == Says::Interviewer)
    }

    fn n_of(&self, names: &FxHashMap<String, Seen>) -> usize {
        self.names.iter().filter_map(|n| names.get(n)).map(|seen| seen.n_first).sum()
    }
}
