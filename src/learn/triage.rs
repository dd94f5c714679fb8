//! How far proposals may be accepted unseen.
//!
//! Comes in: held-out confidences with what is true. Goes out: the confidence above which at most so many proposals
//! are wrong, or that there is none. Never happens here: a bound from decisions that the confidence was fitted on.

use super::measure::Forecast;
use crate::agreement::distribution::share_at_most;
use serde::Serialize;

/// The confidence above which proposals may be accepted unseen, with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Accept {
    /// Accept at this confidence or more.
    pub at_least: f64,
    /// Held-out proposals there.
    pub judged: usize,
    /// Of these, wrong.
    pub wrong: usize,
    /// The share of wrong ones is at most this, with 95 % certainty.
    pub at_most_wrong: f64,
}

/// The lowest confidence above which, with 95 % certainty, at most `most_wrong` of the proposals are wrong; none when
/// the decisions do not carry one: then everything is left to people.
///
/// Thresholds 0.95, 0.90 … 0.50 are tested in this order, each by the one-sided bound of Clopper and Pearson (1934),
/// until one fails: tested in a fixed order, all that pass hold together with 95 % certainty (fixed-sequence testing;
/// Angelopoulos and others 2021, arXiv 2110.01052). Too few proposals above 0.95 do not end the sequence, as they can
/// only be uncertain: the sequence starts at the first threshold with enough of them that all being right would do.
///
/// ```
/// # use precode::learn::{measure::Forecast, triage::accept_above};
/// let right = |p| Forecast { interview: 0, confidence: Some(p), holds: true };
/// let found = accept_above(&vec![right(0.9); 60], 0.05).unwrap();
/// // None of 60 wrong: at most 1 − 0.05^(1/60) = 4.9 % are. Below 0.9 nothing is left to go wrong.
/// assert_eq!((found.at_least, found.judged, found.wrong), (0.5, 60, 0));
/// assert!(accept_above(&vec![right(0.9); 50], 0.05).is_none());
/// ```
pub fn accept_above(forecasts: &[Forecast], most_wrong: f64) -> Option<Accept> {
    const TAIL: f64 = 0.05;
    let mut accepted = None;
    for step in 0..10 {
        let at_least = (95 - 5 * step) as f64 / 100.0;
        let above = || forecasts.iter().filter(|f| f.confidence.is_some_and(|p| p >= at_least));
        let (judged, wrong) = (above().count(), above().filter(|f| !f.holds).count());
        if share_at_most(0, judged, TAIL) > most_wrong {
            continue;
        }
        let at_most_wrong = share_at_most(wrong, judged, TAIL);
        if at_most_wrong > most_wrong {
            break;
        }
        accepted = Some(Accept { at_least, judged, wrong, at_most_wrong });
    }
    accepted
}

/// What a threshold does to the rows of a study.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Proposals above: accepted unseen.
    pub accepted: usize,
    /// Proposals below: left to people.
    pub people: usize,
    /// Rows that are no proposals: rejected unseen, as the machine abstains.
    pub abstained: usize,
}

/// Sorts confidences into the three.
pub fn share(confidences: impl Iterator<Item = f64>, accept: Option<Accept>, proposed: f64) -> Share {
    let mut share = Share::default();
    for p in confidences {
        if accept.is_some_and(|accept| p >= accept.at_least) {
            share.accepted += 1;
        } else if p >= proposed {
            share.people += 1;
        } else {
            share.abstained += 1;
        }
    }
    share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::random::Random;

    #[test]
    fn a_run_of_wrong_ones_ends_the_sequence() {
        let mut forecasts = vec![Forecast { interview: 0, confidence: Some(0.92), holds: true }; 100];
        forecasts.extend([Forecast { interview: 0, confidence: Some(0.72), holds: false }; 30]);
        let found = accept_above(&forecasts, 0.05).unwrap();
        assert_eq!((found.at_least, found.wrong), (0.75, 0));
    }

    #[test]
    fn the_bound_holds_in_19_of_20_runs() {
        let mut random = Random::new(8);
        let mut broken = 0;
        for _ in 0..400 {
            let draw = |random: &mut Random| {
                let p = random.unit();
                Forecast { interview: 0, confidence: Some(p), holds: random.chance(p) }
            };
            let forecasts: Vec<Forecast> = (0..500).map(|_| draw(&mut random)).collect();
            // Calibrated: above t, a share of (1 − t)/2 is wrong in truth.
            if let Some(found) = accept_above(&forecasts, 0.10) {
                broken += usize::from((1.0 - found.at_least) / 2.0 > 0.10 + 1e-9);
            }
        }
        assert!(broken <= 28, "{broken} of 400");
    }
}
