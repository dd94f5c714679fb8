//! How far suggestions pull coders: the anchoring effect.
//!
//! Comes in: for every interview, how coder and machine (or two coders) agreed where suggestions were shown and where
//! they were not. Goes out: the difference with its interval. Never happens here: the two strata in one figure.

use super::Undefined;
use super::bootstrap::{Bootstrap, Estimate};
use super::pair::Table;
use serde::Serialize;

/// One interview: agreement where suggestions were hidden and where they were shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strata {
    /// Units shown without suggestions.
    pub blind: Table,
    /// Units shown with suggestions.
    pub assisted: Table,
}

/// The effect of showing suggestions on one statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Anchoring {
    /// The statistic where suggestions were hidden: the one to report.
    pub blind: f64,
    /// The statistic where they were shown.
    pub assisted: f64,
    /// `assisted − blind`: above 0, suggestions made people agree more than they do by themselves.
    pub effect: Estimate,
}

/// The anchoring effect on a statistic of two coders' tables. Interviews are drawn with both their strata, so that
/// differences between interviews do not blur the effect.
///
/// # Errors
/// What the statistic says about either stratum.
pub fn anchoring<F>(interviews: &[Strata], bootstrap: &Bootstrap, statistic: F) -> Result<Anchoring, Undefined>
where
    F: Fn(Table) -> Result<f64, Undefined>,
{
    let figures = |times: &[u32]| {
        let mut sum = Strata::default();
        for (interview, &times) in interviews.iter().zip(times) {
            sum.blind.add_table(interview.blind, u64::from(times));
            sum.assisted.add_table(interview.assisted, u64::from(times));
        }
        Ok::<_, Undefined>((statistic(sum.blind)?, statistic(sum.assisted)?))
    };
    let (blind, assisted) = figures(&vec![1; interviews.len()])?;
    let effect = bootstrap.estimate(interviews.len(), |times| figures(times).map(|(b, a)| a - b))?;
    Ok(Anchoring { blind, assisted, effect })
}

#[cfg(test)]
mod tests {
    use super::super::pair::percent;
    use super::*;

    #[test]
    fn the_effect_is_assisted_minus_blind() {
        let interview = Strata {
            blind: Table { both: 6, first_only: 2, second_only: 2, neither: 10 },
            assisted: Table { both: 9, first_only: 1, second_only: 0, neither: 10 },
        };
        let found = anchoring(&[interview; 4], &Bootstrap::default(), |t| percent(t.counts())).unwrap();
        assert!((found.effect.value - 0.15).abs() < 1e-12);
        // All interviews are alike, so resampling says nothing about how uncertain the effect is.
        assert_eq!(found.effect.interval, None);
    }
}
