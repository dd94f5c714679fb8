//! Exclusive codes that compete for the same words: at most one of them is proposed.
//!
//! Comes in: rows, and the facets of which an answer has one code at most. Goes out: for each row its rivals, and what
//! they leave of a confidence, as `pipeline` does it. Never happens here: fitting.

use crate::coding::{Coding, PROPOSED};
use crate::pipeline::TOO_CLOSE;
use std::collections::{BTreeMap, BTreeSet};

/// For each row, the rows of other codes of its exclusive facet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rivals {
    by_row: Vec<Vec<usize>>,
}

impl Rivals {
    /// `whole`: anywhere in the answer; else only on the same words.
    pub fn of(codings: &[Coding], exclusive: &BTreeSet<String>, whole: bool) -> Self {
        let mut answers: BTreeMap<(&str, usize, &str), Vec<usize>> = BTreeMap::new();
        for (i, row) in codings.iter().enumerate().filter(|(_, row)| exclusive.contains(&row.facet)) {
            answers.entry((&row.transcript, row.turn, &row.facet)).or_default().push(i);
        }
        let mut by_row = vec![Vec::new(); codings.len()];
        for members in answers.values() {
            for &i in members {
                let meets = |j: &usize| whole || overlap(&codings[i], &codings[*j]);
                let others = members.iter().copied().filter(|&j| codings[j].code != codings[i].code);
                by_row[i] = others.filter(meets).collect();
            }
        }
        Rivals { by_row }
    }

    /// Rows that compete with this one.
    pub fn of_row(&self, row: usize) -> &[usize] {
        &self.by_row[row]
    }
}

fn overlap(a: &Coding, b: &Coding) -> bool {
    a.start < b.end && b.start < a.end
}

/// What is left of a confidence beside its rivals, and whether one is too close to tell.
///
/// ```
/// # use precode::learn::rivals::held_down;
/// assert_eq!(held_down(0.8, [0.3].into_iter()), (0.8, false));
/// assert_eq!(held_down(0.8, [0.75].into_iter()), (0.49, true));
/// assert_eq!(held_down(0.6, [0.9].into_iter()), (0.49, false));
/// ```
pub fn held_down(confidence: f64, rivals: impl Iterator<Item = f64>) -> (f64, bool) {
    let rival = rivals.fold(f64::NEG_INFINITY, f64::max);
    let beaten = rival > confidence - TOO_CLOSE;
    let left = if beaten { confidence.min(PROPOSED - 0.01) } else { confidence };
    (left, (confidence - rival).abs() < TOO_CLOSE)
}
