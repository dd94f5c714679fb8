//! Agreement of two coders.
//!
//! Comes in: counts of units by what the first and the second coder said. Goes out: one number a function.
//! Never happens here: a number where [`Undefined`] is the answer.
//!
//! The order of categories in a two-category table is *yes*, *no*: `counts[0][0]` is "both yes".

use super::Undefined;
use serde::{Deserialize, Serialize};

/// Units by what two coders said of one code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Both say yes.
    pub both: u64,
    /// Only the first says yes.
    pub first_only: u64,
    /// Only the second says yes.
    pub second_only: u64,
    /// Neither says yes.
    pub neither: u64,
}

impl Table {
    /// As a square of counts, yes before no.
    pub fn counts(self) -> [[u64; 2]; 2] {
        [[self.both, self.first_only], [self.second_only, self.neither]]
    }

    /// Number of units.
    pub fn n(self) -> u64 {
        self.both + self.first_only + self.second_only + self.neither
    }

    /// Counts `times` units of this kind more.
    pub fn add(&mut self, first: bool, second: bool, times: u64) {
        *match (first, second) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.first_only,
            (false, true) => &mut self.second_only,
            (false, false) => &mut self.neither,
        } += times;
    }

    /// Adds another table `times` times.
    pub fn add_table(&mut self, other: Table, times: u64) {
        self.both += other.both * times;
        self.first_only += other.first_only * times;
        self.second_only += other.second_only * times;
        self.neither += other.neither * times;
    }

    /// Share of all judgements that are yes: the mean of the two coders' shares.
    ///
    /// # Errors
    /// `NoSegments` when the table is empty.
    pub fn base_rate(self) -> Result<f64, Undefined> {
        ratio(2 * self.both + self.first_only + self.second_only, 2 * self.n(), Undefined::NoSegments)
    }
}

fn ratio(part: u64, whole: u64, error: Undefined) -> Result<f64, Undefined> {
    if whole == 0 { Err(error) } else { Ok(part as f64 / whole as f64) }
}

/// Observed agreement: the share of units on which both say the same.
///
/// # Errors
/// `NoSegments` when every count is 0.
pub fn percent<const K: usize>(counts: [[u64; K]; K]) -> Result<f64, Undefined> {
    let n: u64 = counts.iter().flatten().sum();
    ratio((0..K).map(|k| counts[k][k]).sum(), n, Undefined::NoSegments)
}

/// Positive agreement: 2 × both yes over all times that somebody said yes. Cicchetti and Feinstein (1990),
/// doi:10.1016/0895-4356(90)90159-M. Equal to F1 of either coder against the other.
///
/// # Errors
/// `NoCases` when nobody said yes.
pub fn positive(table: Table) -> Result<f64, Undefined> {
    ratio(2 * table.both, 2 * table.both + table.first_only + table.second_only, Undefined::NoCases)
}

/// Negative agreement: as [`positive`], for no.
///
/// # Errors
/// `NoCases` when nobody said no.
pub fn negative(table: Table) -> Result<f64, Undefined> {
    ratio(2 * table.neither, 2 * table.neither + table.first_only + table.second_only, Undefined::NoCases)
}

/// Cohen's kappa for two coders who judged the same units.
///
/// `counts[i][j]` is the number of units that the first coder put in category `i` and the second in `j`.
/// The result is in `[-1, 1]`: 1 is perfect agreement, 0 is what chance gives.
///
/// κ = (pₒ − pₑ) / (1 − pₑ), pₑ = Σ rowₖ·columnₖ / n². Cohen (1960), doi:10.1177/001316446002000104.
///
/// # Errors
/// `NoSegments` when every count is 0; `NoVariation` when pₑ = 1. Neither 0 nor 1 stands in for them.
///
/// ```
/// # use precode::agreement::pair::cohen_kappa;
/// // 35 of 50 agreed: pₒ = 0.7, pₑ = 0.5.
/// assert!((cohen_kappa([[20, 5], [10, 15]])? - 0.4).abs() < 1e-12);
/// # Ok::<(), precode::agreement::Undefined>(())
/// ```
pub fn cohen_kappa<const K: usize>(counts: [[u64; K]; K]) -> Result<f64, Undefined> {
    let (rows, columns) = margins(&counts);
    let n: u64 = rows.iter().sum();
    let by_chance = rows.iter().zip(&columns).map(|(r, c)| *r as f64 * *c as f64).sum::<f64>();
    beyond_chance(percent(counts)?, by_chance / (n as f64 * n as f64))
}

/// Scott's pi: as Cohen's kappa, but chance is what two coders with the same mean habits would give.
///
/// pₑ = Σ ((rowₖ + columnₖ) / 2n)². Scott (1955), doi:10.1086/266577.
///
/// # Errors
/// As [`cohen_kappa`].
///
/// ```
/// # use precode::agreement::pair::scott_pi;
/// // pₒ = 0.7, pₑ = 0.55² + 0.45² = 0.505
/// assert!((scott_pi([[20, 5], [10, 15]])? - 0.195 / 0.495).abs() < 1e-12);
/// # Ok::<(), precode::agreement::Undefined>(())
/// ```
pub fn scott_pi<const K: usize>(counts: [[u64; K]; K]) -> Result<f64, Undefined> {
    let (rows, columns) = margins(&counts);
    let n: u64 = rows.iter().sum();
    let share = |k: usize| (rows[k] + columns[k]) as f64 / (2 * n) as f64;
    beyond_chance(percent(counts)?, (0..K).map(|k| share(k) * share(k)).sum())
}

/// PABAK, the prevalence-adjusted bias-adjusted kappa: chance is 1/K whatever the base rate.
/// (K·pₒ − 1) / (K − 1); for yes and no 2pₒ − 1. Byrt, Bishop and Carlin (1993), doi:10.1016/0895-4356(93)90018-V.
///
/// # Errors
/// `NoSegments` when every count is 0.
pub fn pabak<const K: usize>(counts: [[u64; K]; K]) -> Result<f64, Undefined> {
    Ok((K as f64 * percent(counts)? - 1.0) / (K as f64 - 1.0))
}

/// Precision of the second coder against the first: of its yes, the share that the first said too.
///
/// # Errors
/// `NoCases` when the second coder never said yes.
pub fn precision(table: Table) -> Result<f64, Undefined> {
    ratio(table.both, table.both + table.second_only, Undefined::NoCases)
}

/// Recall of the second coder against the first: of the first one's yes, the share that the second said too.
///
/// # Errors
/// `NoCases` when the first coder never said yes.
pub fn recall(table: Table) -> Result<f64, Undefined> {
    ratio(table.both, table.both + table.first_only, Undefined::NoCases)
}

/// One kappa for many codes: pₒ and pₑ are averaged over the codes, then put into kappa's formula.
/// De Vries, Elliott, Kanouse and Teleki (2008), doi:10.1177/1525822X08317166. Empty tables are left out.
///
/// # Errors
/// `NoSegments` when all tables are empty; `NoVariation` when chance agrees everywhere.
pub fn pooled_kappa(tables: &[Table]) -> Result<f64, Undefined> {
    let parts: Vec<(f64, f64)> = tables.iter().filter_map(|table| observed_and_chance(*table).ok()).collect();
    if parts.is_empty() {
        return Err(Undefined::NoSegments);
    }
    let mean = |pick: fn(&(f64, f64)) -> f64| parts.iter().map(pick).sum::<f64>() / parts.len() as f64;
    beyond_chance(mean(|part| part.0), mean(|part| part.1))
}

/// The plain mean of the codes' kappas, of those that have one.
///
/// # Errors
/// `NoVariation` when no code has a kappa.
pub fn mean_kappa(tables: &[Table]) -> Result<f64, Undefined> {
    let kappas: Vec<f64> = tables.iter().filter_map(|table| cohen_kappa(table.counts()).ok()).collect();
    if kappas.is_empty() {
        return Err(Undefined::NoVariation);
    }
    Ok(kappas.iter().sum::<f64>() / kappas.len() as f64)
}

fn observed_and_chance(table: Table) -> Result<(f64, f64), Undefined> {
    let n = table.n() as f64;
    let first = (table.both + table.first_only) as f64 / n;
    let second = (table.both + table.second_only) as f64 / n;
    Ok((percent(table.counts())?, first * second + (1.0 - first) * (1.0 - second)))
}

fn margins<const K: usize>(counts: &[[u64; K]; K]) -> ([u64; K], [u64; K]) {
    let rows = std::array::from_fn(|i| counts[i].iter().sum());
    let columns = std::array::from_fn(|j| (0..K).map(|i| counts[i][j]).sum());
    (rows, columns)
}

/// (pₒ − pₑ) / (1 − pₑ). With whole counts, pₑ = 1 is met exactly: one category holds everything.
pub(super) fn beyond_chance(observed: f64, by_chance: f64) -> Result<f64, Undefined> {
    if by_chance >= 1.0 { Err(Undefined::NoVariation) } else { Ok((observed - by_chance) / (1.0 - by_chance)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RARE: Table = Table { both: 2, first_only: 4, second_only: 3, neither: 91 };

    #[test]
    fn rare_code_has_high_agreement_and_low_kappa() {
        assert_eq!(percent(RARE.counts()), Ok(0.93));
        assert!((cohen_kappa(RARE.counts()).unwrap() - 0.327).abs() < 5e-4);
        assert!((pabak(RARE.counts()).unwrap() - 0.86).abs() < 1e-12);
    }

    #[test]
    fn the_three_cases_that_a_wrong_kappa_gets_wrong() {
        // One codes everything, the other half; two independent at one half; a rare code that half overlaps.
        assert_eq!(cohen_kappa([[50, 50], [0, 0]]), Ok(0.0));
        assert_eq!(cohen_kappa([[25, 25], [25, 25]]), Ok(0.0));
        assert!((cohen_kappa([[1, 1], [1, 97]]).unwrap() - 0.4898).abs() < 1e-4);
    }

    #[test]
    fn what_cannot_be_computed_says_why() {
        assert_eq!(cohen_kappa([[0, 0], [0, 0]]), Err(Undefined::NoSegments));
        assert_eq!(cohen_kappa([[0, 0], [0, 7]]), Err(Undefined::NoVariation));
        assert_eq!(scott_pi([[9, 0], [0, 0]]), Err(Undefined::NoVariation));
        assert_eq!(positive(Table { neither: 5, ..Table::default() }), Err(Undefined::NoCases));
        assert_eq!(mean_kappa(&[Table { neither: 5, ..Table::default() }]), Err(Undefined::NoVariation));
    }

    #[test]
    fn pooled_and_mean_kappa_differ_and_are_both_right() {
        let other = Table { both: 40, first_only: 10, second_only: 10, neither: 40 };
        // pₒ: 0.93 and 0.8; pₑ: 0.8960 and 0.5.
        let pooled = pooled_kappa(&[RARE, other]).unwrap();
        assert!((pooled - (0.865 - 0.698) / (1.0 - 0.698)).abs() < 1e-9, "{pooled}");
        let mean = mean_kappa(&[RARE, other]).unwrap();
        assert!((mean - (0.326923 + 0.6) / 2.0).abs() < 1e-6, "{mean}");
    }
}
