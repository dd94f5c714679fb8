//! Shaffer's rho: may a kappa from a small test set be taken for the kappa of the whole?
//!
//! Comes in: the observed kappa, the base rate, the size of the test set, and the threshold that the true kappa should
//! exceed. Goes out: how often a pair of coders *below* that threshold would show such a kappa by luck.

use super::Undefined;
use super::pair::{Table, cohen_kappa};
use super::random::Random;

/// What is asked and how it is simulated. The defaults are those of the R package rhoR, but for the threshold, which
/// is the reader's to choose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rho {
    /// The kappa that the coders must exceed in truth.
    pub threshold: f64,
    /// The least kappa of the simulated coders.
    pub least_kappa: f64,
    /// The least precision of the simulated coders; the largest is 1.
    pub least_precision: f64,
    /// Units in each simulated whole.
    pub whole: u64,
    /// Simulated pairs of coders.
    pub replicates: usize,
    /// Share of units of the test set that are drawn from the first coder's yes (base-rate inflation); usually 0.
    pub inflation: f64,
    /// Seed of the simulation.
    pub seed: u64,
}

impl Default for Rho {
    fn default() -> Self {
        Rho {
            threshold: 0.65,
            least_kappa: 0.40,
            least_precision: 0.6,
            whole: 10_000,
            replicates: 800,
            inflation: 0.0,
            seed: 1,
        }
    }
}

impl Rho {
    /// The share of simulated pairs of coders with a true kappa between `least_kappa` and `threshold` whose test set
    /// of `n` units shows at least `observed`; 1 when `observed` is below the mean of what they show. Below 0.05 one
    /// says that the true kappa exceeds the threshold.
    ///
    /// Shaffer (2017) Quantitative Ethnography; Eagan, Brohinsky, Wang and Shaffer (2020),
    /// doi:10.1145/3375462.3375513. Test sets are drawn without replacement; one without variation shows no kappa and
    /// counts as not reaching it.
    ///
    /// # Errors
    /// `NoSegments` when `n` is 0; `OutOfReach` when no coders with this base rate have such kappas.
    ///
    /// ```
    /// # use precode::agreement::rho::Rho;
    /// // The threshold counts: 0.8 from 80 units is luck for a threshold of 0.8 and hardly for 0.65.
    /// let rho = |threshold| Rho { threshold, ..Rho::default() }.of(0.8, 0.2, 80);
    /// assert!(rho(0.65)? < 0.05 && rho(0.80)? > 0.05);
    /// # Ok::<(), precode::agreement::Undefined>(())
    /// ```
    pub fn of(&self, observed: f64, base_rate: f64, n: u64) -> Result<f64, Undefined> {
        if n == 0 {
            return Err(Undefined::NoSegments);
        }
        let mut random = Random::new(self.seed);
        let mut shown = Vec::with_capacity(self.replicates);
        for _ in 0..self.replicates {
            let whole = self.coders(base_rate, &mut random).ok_or(Undefined::OutOfReach)?;
            let test = self.test_set(whole, n, &mut random);
            shown.extend(cohen_kappa(test.counts()).ok());
        }
        let mean = shown.iter().sum::<f64>() / shown.len().max(1) as f64;
        if observed < mean {
            return Ok(1.0);
        }
        let reached = shown.iter().filter(|&&kappa| kappa >= observed).count();
        Ok(reached as f64 / self.replicates as f64)
    }

    /// A pair of coders: kappa and precision are drawn evenly from what is possible at this base rate.
    fn coders(&self, base_rate: f64, random: &mut Random) -> Option<Table> {
        const TRIES: usize = 1000;
        (0..TRIES).find_map(|_| {
            let kappa = self.least_kappa + random.unit() * (self.threshold - self.least_kappa);
            let possible = (2.0 * base_rate * kappa - 2.0 * base_rate - kappa) / (kappa - 2.0);
            let least = self.least_precision.max(possible);
            let precision = least + random.unit() * (1.0 - least);
            let recall = kappa * precision / (2.0 * precision - 2.0 * base_rate - kappa + 2.0 * base_rate * kappa);
            let fits = least < 1.0 && recall > 0.0 && recall <= 1.0 && precision > possible;
            fits.then(|| self.whole_of(base_rate, precision, recall))
        })
    }

    fn whole_of(&self, base_rate: f64, precision: f64, recall: f64) -> Table {
        let yes = ((base_rate * self.whole as f64).round() as u64).clamp(1, self.whole);
        let both = ((yes as f64 * recall).round() as u64).clamp(1, yes);
        let wrong = (both as f64 * (1.0 - precision) / precision).round() as u64;
        let second_only = wrong.max(1).min(self.whole - yes);
        Table { both, first_only: yes - both, second_only, neither: self.whole - yes - second_only }
    }

    fn test_set(&self, mut left: Table, n: u64, random: &mut Random) -> Table {
        let mut test = Table::default();
        let inflated = (n as f64 * self.inflation).ceil() as u64;
        for i in 0..n.min(left.n()) {
            let among = if i < inflated { left.both + left.first_only } else { left.n() };
            let drawn = random.below(among as usize) as u64;
            let bounds = [left.both, left.both + left.first_only, left.n() - left.neither];
            let (from, to) = match bounds.iter().position(|&bound| drawn < bound) {
                Some(0) => (&mut left.both, &mut test.both),
                Some(1) => (&mut left.first_only, &mut test.first_only),
                Some(_) => (&mut left.second_only, &mut test.second_only),
                None => (&mut left.neither, &mut test.neither),
            };
            *from -= 1;
            *to += 1;
        }
        test
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_honoured() {
        let rho = |threshold| Rho { threshold, ..Rho::default() }.of(0.85, 0.2, 80).unwrap();
        assert!(rho(0.65) < rho(0.80) && rho(0.80) < rho(0.90), "{} {} {}", rho(0.65), rho(0.80), rho(0.90));
    }

    #[test]
    fn a_kappa_below_what_bad_coders_show_is_no_evidence() {
        assert_eq!(Rho::default().of(0.3, 0.2, 80), Ok(1.0));
        assert_eq!(Rho::default().of(0.9, 0.2, 0), Err(Undefined::NoSegments));
    }

    #[test]
    fn more_units_make_the_same_kappa_more_convincing() {
        let rho = |n| Rho::default().of(0.75, 0.2, n).unwrap();
        assert!(rho(400) < rho(40));
    }

    #[test]
    fn a_test_set_takes_no_unit_twice() {
        let whole = Table { both: 3, first_only: 2, second_only: 1, neither: 4 };
        let all = Rho::default().test_set(whole, 10, &mut Random::new(3));
        assert_eq!(all, whole);
    }
}
