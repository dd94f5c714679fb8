//! Agreement on where passages begin and end: Krippendorff's alphas for unitizing.
//!
//! Comes in: for every interview its length and, for every coder, the marked passages. Goes out: α_U of 2004 for one
//! code, and the family of 2016: ᵤα (boundaries and codes), |ᵤα (boundaries alone) and cᵤα (codes where both marked).
//!
//! **Overlaps.** A coder's passages with the same code that overlap become one passage ([`merge`]); passages that
//! only touch stay two. One code is one layer, and α_U and |ᵤα of a code see that layer alone, so codes that overlap
//! never disturb each other. Where several codes are compared at once ([`flatten`]), a stretch that one coder gave
//! several codes has the *set* of them as its value, and passages are cut where the set changes.

use super::Undefined;
use std::collections::BTreeMap;

/// A marked passage: half-open, with the place of its value in a list of the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Passage {
    /// First character.
    pub start: u64,
    /// First character after it.
    pub end: u64,
    /// What it was coded as.
    pub value: usize,
}

impl Passage {
    fn shared(self, other: Passage) -> u64 {
        self.end.min(other.end).saturating_sub(self.start.max(other.start))
    }
}

/// One interview as all coders marked it. A coder's passages are in order and never overlap ([`merge`], [`flatten`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuum {
    /// Characters that could be marked.
    pub length: u64,
    /// The passages of each coder.
    pub coders: Vec<Vec<Passage>>,
}

/// Passages of one value in order, overlapping ones made one.
pub fn merge(mut passages: Vec<Passage>) -> Vec<Passage> {
    passages.sort_unstable();
    let mut merged: Vec<Passage> = Vec::new();
    for passage in passages {
        match merged.last_mut() {
            Some(last) if passage.start < last.end => last.end = last.end.max(passage.end),
            _ if passage.start < passage.end => merged.push(passage),
            _ => {}
        }
    }
    merged
}

/// Passages of several values as stretches that never overlap; the value of a stretch is the place of its set of
/// values in `sets`, which grows as needed.
pub fn flatten(layers: &[Vec<Passage>], sets: &mut Vec<Vec<usize>>) -> Vec<Passage> {
    let all: Vec<Passage> = layers.iter().flatten().copied().collect();
    let mut cuts: Vec<u64> = all.iter().flat_map(|p| [p.start, p.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut stretches = Vec::new();
    for pair in cuts.windows(2) {
        let mut set: Vec<usize> =
            all.iter().filter(|p| p.start <= pair[0] && pair[1] <= p.end).map(|p| p.value).collect();
        set.sort_unstable();
        set.dedup();
        if !set.is_empty() {
            let value = sets.iter().position(|known| *known == set).unwrap_or_else(|| {
                sets.push(set);
                sets.len() - 1
            });
            stretches.push(Passage { start: pair[0], end: pair[1], value });
        }
    }
    stretches
}

/// Krippendorff's α_U for one code, by the squared distances of 1995 and 2004.
///
/// α_U = 1 − Dₒ/Dₑ. Krippendorff (1995), doi:10.2307/271061; (2004) Content Analysis, 2nd edition, 251–256. Gaps end
/// with their interview.
///
/// # Errors
/// `NoSegments` with fewer than two coders or no text; `NoVariation` when nobody marked anything.
///
/// ```
/// # use precode::agreement::unitizing::{Continuum, Passage, alpha_u};
/// // The code "c" of the example of 2004, p. 254: Dₒ = 0.0144, Dₑ = 0.0532.
/// let at = |start, length| Passage { start, end: start + length, value: 0 };
/// let coders = vec![vec![at(75, 70), at(220, 30)], vec![at(70, 80), at(205, 20), at(250, 20)]];
/// assert!((alpha_u(&[Continuum { length: 300, coders }])? - 0.7286).abs() < 1e-4);
/// # Ok::<(), precode::agreement::Undefined>(())
/// ```
pub fn alpha_u(continua: &[Continuum]) -> Result<f64, Undefined> {
    let (observed, expected) = disagreements_u(continua)?;
    if expected == 0.0 { Err(Undefined::NoVariation) } else { Ok(1.0 - observed / expected) }
}

/// Observed and expected disagreement of [`alpha_u`].
///
/// # Errors
/// `NoSegments` with fewer than two coders or no text.
pub fn disagreements_u(continua: &[Continuum]) -> Result<(f64, f64), Undefined> {
    let length: u64 = continua.iter().map(|c| c.length).sum();
    let coders = continua.first().map_or(0, |c| c.coders.len());
    if coders < 2 || length == 0 {
        return Err(Undefined::NoSegments);
    }
    let (l, m) = (length as f64, coders as f64);
    let observed: f64 = continua.iter().map(observed_u).sum();
    Ok((2.0 * observed / (m * (m - 1.0) * l * l), expected_u(continua, l, m)))
}

/// Squared distances of all pairs of coders in one interview.
fn observed_u(continuum: &Continuum) -> f64 {
    let sections: Vec<_> = continuum.coders.iter().map(|c| sections(c, continuum.length)).collect();
    let mut sum = 0.0;
    for (i, first) in sections.iter().enumerate() {
        for second in &sections[i + 1..] {
            sum += first.iter().flat_map(|a| second.iter().map(move |b| distance(*a, *b))).sum::<f64>();
        }
    }
    sum
}

/// A passage or the gap between two, which has no value.
type Section = (u64, u64, Option<usize>);

fn sections(passages: &[Passage], length: u64) -> Vec<Section> {
    let mut out = Vec::with_capacity(2 * passages.len() + 1);
    let mut at = 0;
    for passage in passages {
        if passage.start > at {
            out.push((at, passage.start, None));
        }
        out.push((passage.start, passage.end, Some(passage.value)));
        at = passage.end;
    }
    if at < length {
        out.push((at, length, None));
    }
    out
}

/// δ²: two passages that overlap differ by the squares of their overhangs; a passage within a gap by its square.
fn distance(a: Section, b: Section) -> f64 {
    let square = |x: u64, y: u64| (x as f64 - y as f64).powi(2);
    let overlap = a.0 < b.1 && b.0 < a.1;
    match (a.2, b.2) {
        (Some(_), Some(_)) if overlap => square(a.0, b.0) + square(a.1, b.1),
        (Some(_), None) if b.0 <= a.0 && a.1 <= b.1 => square(a.1, a.0),
        (None, Some(_)) if a.0 <= b.0 && b.1 <= a.1 => square(b.1, b.0),
        _ => 0.0,
    }
}

fn expected_u(continua: &[Continuum], l: f64, m: f64) -> f64 {
    let (mut passages, mut gaps) = (Vec::new(), Vec::new());
    for continuum in continua {
        for coder in &continuum.coders {
            for section in sections(coder, continuum.length) {
                let list = if section.2.is_some() { &mut passages } else { &mut gaps };
                list.push((section.1 - section.0) as f64);
            }
        }
    }
    let others = passages.len() as f64 - 1.0;
    let sum: f64 = passages
        .iter()
        .map(|&u| {
            let room: f64 = gaps.iter().filter(|&&gap| gap >= u).map(|gap| gap - u + 1.0).sum();
            others / 3.0 * (2.0 * u * u * u - 3.0 * u * u + u) + u * u * room
        })
        .sum();
    let own: f64 = passages.iter().map(|u| u * (u - 1.0)).sum();
    2.0 / l * sum / (m * l * (m * l - 1.0) - own)
}

/// The sums of one interview from which the family of 2016 is computed; those of several interviews add up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    /// Characters that one coder coded as the first and another as the second value, over m − 1; `None` is unmarked.
    coincidences: BTreeMap<(Option<usize>, Option<usize>), f64>,
    /// What a passage contributes to agreement with itself, by value.
    own: BTreeMap<Option<usize>, f64>,
    /// The same for marked stretches that another coder marked too.
    own_marked: BTreeMap<usize, f64>,
}

impl Sums {
    /// The sums of one interview.
    pub fn of(continuum: &Continuum) -> Self {
        let mut sums = Sums::default();
        let sections: Vec<_> = continuum.coders.iter().map(|c| sections(c, continuum.length)).collect();
        let others = continuum.coders.len().saturating_sub(1).max(1) as f64;
        for (i, first) in sections.iter().enumerate() {
            for (j, second) in sections.iter().enumerate() {
                if i != j {
                    sums.add_pair(first, second, others);
                }
            }
            first.iter().for_each(|&section| sums.add_own(section));
            for passage in &continuum.coders[i] {
                let paired = paired_length(*passage, i, &continuum.coders) as f64 / others;
                *sums.own_marked.entry(passage.value).or_default() += paired * paired;
            }
        }
        sums
    }

    fn add_pair(&mut self, first: &[Section], second: &[Section], others: f64) {
        let mut from = 0;
        for a in first {
            while from < second.len() && second[from].1 <= a.0 {
                from += 1;
            }
            for b in second[from..].iter().take_while(|b| b.0 < a.1) {
                let shared = a.1.min(b.1) - a.0.max(b.0);
                *self.coincidences.entry((a.2, b.2)).or_default() += shared as f64 / others;
            }
        }
    }

    /// Unmarked text is no passage: each of its characters stands for itself.
    fn add_own(&mut self, section: Section) {
        let length = (section.1 - section.0) as f64;
        *self.own.entry(section.2).or_default() += if section.2.is_some() { length * length } else { length };
    }

    /// Adds the sums of another interview `times` times.
    pub fn add(&mut self, other: &Sums, times: f64) {
        other.coincidences.iter().for_each(|(k, v)| *self.coincidences.entry(*k).or_default() += v * times);
        other.own.iter().for_each(|(k, v)| *self.own.entry(*k).or_default() += v * times);
        other.own_marked.iter().for_each(|(k, v)| *self.own_marked.entry(*k).or_default() += v * times);
    }

    /// ᵤα: agreement on boundaries and codes together.
    ///
    /// 1 − Dₒ/Dₑ over the lengths of intersections; a passage is never compared with itself. Krippendorff, Mathet,
    /// Bouvry and Widlöcher (2016), doi:10.1007/s11135-015-0266-1; Krippendorff (2019), 12.6.3.
    ///
    /// # Errors
    /// `NoSegments` when nothing was compared; `NoVariation` when all of the text has one value.
    pub fn nominal(&self) -> Result<f64, Undefined> {
        alpha(&self.coincidences, &self.own)
    }

    /// |ᵤα: agreement on what is marked at all (ibid., 12.6.4).
    ///
    /// # Errors
    /// As [`Sums::nominal`].
    pub fn binary(&self) -> Result<f64, Undefined> {
        let total: f64 = self.coincidences.values().sum();
        let expected = expected(&self.coincidences, &self.own);
        let across = |table: &BTreeMap<(Option<usize>, Option<usize>), f64>| {
            table.iter().filter(|((a, b), _)| a.is_some() != b.is_some()).map(|(_, v)| v).sum::<f64>()
        };
        ratio(total, across(&self.coincidences), across(&expected))
    }

    /// cᵤα: agreement on the code of what two coders marked (ibid., 12.6.5). A passage's agreement with itself counts
    /// the part of it that the others marked, on average over them.
    ///
    /// # Errors
    /// `NoSegments` when no character was marked by two coders; `NoVariation` when all of those have one code.
    pub fn coding(&self) -> Result<f64, Undefined> {
        let marked: BTreeMap<_, f64> = self
            .coincidences
            .iter()
            .filter(|((a, b), _)| a.is_some() && b.is_some())
            .map(|(key, length)| (*key, *length))
            .collect();
        let own = self.own_marked.iter().map(|(value, length)| (Some(*value), *length)).collect();
        alpha(&marked, &own)
    }
}

/// Characters of the passage that others marked, counted once for each of the others.
fn paired_length(passage: Passage, coder: usize, coders: &[Vec<Passage>]) -> u64 {
    let others = coders.iter().enumerate().filter(|(j, _)| *j != coder);
    others.flat_map(|(_, passages)| passages).map(|other| passage.shared(*other)).sum()
}

type Pairs = BTreeMap<(Option<usize>, Option<usize>), f64>;

fn alpha(coincidences: &Pairs, own: &BTreeMap<Option<usize>, f64>) -> Result<f64, Undefined> {
    let total: f64 = coincidences.values().sum();
    let off = |table: &Pairs| table.iter().filter(|((a, b), _)| a != b).map(|(_, v)| v).sum::<f64>();
    ratio(total, off(coincidences), off(&expected(coincidences, own)))
}

fn ratio(total: f64, observed: f64, expected: f64) -> Result<f64, Undefined> {
    if total <= 0.0 {
        return Err(Undefined::NoSegments);
    }
    if expected <= 0.0 { Err(Undefined::NoVariation) } else { Ok(1.0 - observed / expected) }
}

/// ε(c, k) = ℓ·(ℓ(c)ℓ(k) − [c = k] own(c)) / (ℓ² − Σ own)
fn expected(coincidences: &Pairs, own: &BTreeMap<Option<usize>, f64>) -> Pairs {
    let mut lengths: BTreeMap<Option<usize>, f64> = BTreeMap::new();
    coincidences.iter().for_each(|((value, _), length)| *lengths.entry(*value).or_default() += length);
    let total: f64 = lengths.values().sum();
    let scale = total / (total * total - own.values().sum::<f64>());
    let mut out = BTreeMap::new();
    for (c, length_c) in &lengths {
        for (k, length_k) in &lengths {
            let itself = if c == k { own.get(c).copied().unwrap_or(0.0) } else { 0.0 };
            out.insert((*c, *k), scale * (length_c * length_k - itself));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passages(list: &[(u64, u64, usize)]) -> Vec<Passage> {
        list.iter().map(|&(start, end, value)| Passage { start: start - 1, end, value }).collect()
    }

    /// Krippendorff (2019), figure 12.11: three coders, 60 characters, values 1 to 7.
    fn figure() -> Continuum {
        let alex = [(1, 7, 1), (8, 13, 2), (31, 32, 5), (33, 37, 6), (38, 44, 6), (45, 60, 7)];
        let paul = [(1, 7, 1), (8, 13, 3), (14, 21, 5), (33, 44, 6)];
        let suzan = [(1, 7, 1), (8, 13, 4), (14, 21, 5), (33, 37, 6), (38, 41, 6), (42, 44, 6)];
        Continuum { length: 60, coders: vec![passages(&alex), passages(&paul), passages(&suzan)] }
    }

    #[test]
    fn the_family_is_as_published() {
        let sums = Sums::of(&figure());
        assert!((sums.nominal().unwrap() - 0.510).abs() < 5e-4, "{:?}", sums.nominal());
        assert!((sums.binary().unwrap() - 0.413).abs() < 1e-3, "{:?}", sums.binary());
        assert!((sums.coding().unwrap() - 0.724).abs() < 5e-4, "{:?}", sums.coding());
    }

    #[test]
    fn sums_of_interviews_add_up() {
        let mut twice = Sums::of(&figure());
        twice.add(&Sums::of(&figure()), 1.0);
        let mut counted = Sums::default();
        counted.add(&Sums::of(&figure()), 2.0);
        assert_eq!(twice.nominal(), counted.nominal());
    }

    #[test]
    fn overlaps_of_one_code_become_one_passage_and_touching_ones_stay_two() {
        let p = |start, end| Passage { start, end, value: 0 };
        assert_eq!(merge(vec![p(5, 9), p(0, 6), p(9, 12)]), vec![p(0, 9), p(9, 12)]);
    }

    #[test]
    fn a_stretch_with_two_codes_has_their_set_as_its_value() {
        let mut sets = Vec::new();
        let one = vec![Passage { start: 0, end: 10, value: 1 }];
        let two = vec![Passage { start: 6, end: 14, value: 2 }];
        let flat = flatten(&[one, two], &mut sets);
        let bounds: Vec<_> = flat.iter().map(|p| (p.start, p.end, sets[p.value].clone())).collect();
        assert_eq!(bounds, [(0, 6, vec![1]), (6, 10, vec![1, 2]), (10, 14, vec![2])]);
    }

    #[test]
    fn what_cannot_be_computed_says_why() {
        let nothing = Continuum { length: 10, coders: vec![vec![], vec![]] };
        assert_eq!(alpha_u(std::slice::from_ref(&nothing)), Err(Undefined::NoVariation));
        assert_eq!(Sums::of(&nothing).nominal(), Err(Undefined::NoVariation));
        assert_eq!(Sums::of(&nothing).coding(), Err(Undefined::NoSegments));
        assert_eq!(alpha_u(&[]), Err(Undefined::NoSegments));
    }
}
