//! How many units must be coded twice, for an interval that is narrow enough to say something.
//!
//! Comes in: the base rate of a code, the kappa that is hoped for, the width that the interval may have. Goes out: a
//! number of units. Never happens here: a promise for very rare codes without saying how few cases there will be.

use super::Undefined;
use super::distribution::normal_quantile;
use serde::Serialize;

/// What the number of units depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// Share of units that have the code.
    pub base_rate: f64,
    /// The kappa that is hoped for.
    pub kappa: f64,
    /// Distance between the bounds of the 95 % interval.
    pub width: f64,
    /// By how much answers of one interview resemble each other: variance of the clustered over that of the simple
    /// sample; 1 when units are unrelated.
    pub design_effect: f64,
}

/// The answer of the planner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Plan {
    /// Units to be coded by two people.
    pub units: u64,
    /// Of these, units that can be expected to have the code.
    pub cases: f64,
}

/// Units needed so that kappa's 95 % interval has the width asked for.
///
/// n = deff·(2·1.96/width)²·σ², σ² the large-sample variance of kappa times n for two coders with the same base rate.
/// Fleiss, Cohen and Everitt (1969), doi:10.1037/h0028106.
///
/// # Errors
/// `NoVariation` when the base rate is 0 or 1.
///
/// ```
/// # use precode::agreement::plan::{Question, units_needed};
/// let common = Question { base_rate: 0.5, kappa: 0.8, width: 0.2, design_effect: 1.0 };
/// assert_eq!(units_needed(common)?.units, 139); // σ² = 1 − 0.8²
/// assert!(units_needed(Question { base_rate: 0.05, ..common })?.units > 600);
/// # Ok::<(), precode::agreement::Undefined>(())
/// ```
pub fn units_needed(question: Question) -> Result<Plan, Undefined> {
    let variance = kappa_variance(question.base_rate, question.kappa)?;
    let z = normal_quantile(0.975);
    let units = question.design_effect.max(1.0) * (2.0 * z / question.width).powi(2) * variance;
    let units = units.ceil().max(2.0) as u64;
    Ok(Plan { units, cases: units as f64 * question.base_rate })
}

/// The large-sample variance of kappa, times the number of units, for two coders who share a base rate.
///
/// # Errors
/// `NoVariation` when the base rate is 0 or 1.
pub fn kappa_variance(base_rate: f64, kappa: f64) -> Result<f64, Undefined> {
    let (p, q) = (base_rate, 1.0 - base_rate);
    if p <= 0.0 || q <= 0.0 {
        return Err(Undefined::NoVariation);
    }
    let chance = p * p + q * q;
    let apart = p * q * (1.0 - kappa);
    let same = |share: f64| {
        let agreed = share * share + kappa * p * q;
        agreed * (1.0 - 2.0 * share * (1.0 - kappa)).powi(2)
    };
    // Off the diagonal, the two margins that meet are one of each category: together 1.
    let differ = (1.0 - kappa).powi(2) * 2.0 * apart;
    let centre = (kappa - chance * (1.0 - kappa)).powi(2);
    Ok((same(p) + same(q) + differ - centre) / (1.0 - chance).powi(2))
}

#[cfg(test)]
mod tests {
    use super::super::pair::{Table, cohen_kappa};
    use super::super::random::Random;
    use super::*;

    #[test]
    fn simulated_kappas_spread_as_the_formula_says() {
        for (p, kappa) in [(0.5, 0.8), (0.2, 0.6), (0.1, 0.7)] {
            let mut random = Random::new(11);
            let (n, runs) = (400, 3000);
            let both = p * p + kappa * p * (1.0 - p);
            let one = p * (1.0 - p) * (1.0 - kappa);
            let kappas: Vec<f64> = (0..runs).map(|_| draw(both, one, n, &mut random)).collect();
            let mean = kappas.iter().sum::<f64>() / f64::from(runs);
            let variance = kappas.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / f64::from(runs);
            let expected = kappa_variance(p, kappa).unwrap() / n as f64;
            assert!((variance / expected - 1.0).abs() < 0.12, "{p} {kappa}: {variance} {expected}");
        }
    }

    fn draw(both: f64, one: f64, n: usize, random: &mut Random) -> f64 {
        let mut table = Table::default();
        for _ in 0..n {
            let u = random.unit();
            table.add(u < both + one, u < both || (u >= both + one && u < both + 2.0 * one), 1);
        }
        cohen_kappa(table.counts()).unwrap()
    }
}
