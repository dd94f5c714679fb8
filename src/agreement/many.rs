//! Agreement of any number of coders, with missing judgements where the statistic allows them.
//!
//! Comes in: for every unit, how many coders put it into each category; equal units are counted together, so that
//! a million characters are a few rows. Goes out: one number a function.

use super::Undefined;
use super::pair::beyond_chance;

/// How many coders put a unit into each category, and the number of such units.
pub type Row<const K: usize> = ([u64; K], u64);

fn coders<const K: usize>(row: &Row<K>) -> u64 {
    row.0.iter().sum()
}

/// Rows that two coders or more judged, with something in them.
fn pairable<const K: usize>(rows: &[Row<K>]) -> impl Iterator<Item = &Row<K>> {
    rows.iter().filter(|row| row.1 > 0 && coders(row) >= 2)
}

/// Mean over units of the share of coder pairs that agree on the unit.
///
/// # Errors
/// `NoSegments` when no unit has two judgements.
pub fn percent<const K: usize>(rows: &[Row<K>]) -> Result<f64, Undefined> {
    let (mut sum, mut n) = (0.0, 0);
    for row in pairable(rows) {
        let r = coders(row);
        let pairs: u64 = row.0.iter().map(|c| c * c.saturating_sub(1)).sum();
        sum += row.1 as f64 * pairs as f64 / (r * (r - 1)) as f64;
        n += row.1;
    }
    if n == 0 { Err(Undefined::NoSegments) } else { Ok(sum / n as f64) }
}

/// Fleiss' kappa: every unit judged by the same number of coders, not necessarily the same people.
///
/// κ = (P̄ − P̄ₑ) / (1 − P̄ₑ), P̄ₑ = Σ pₖ² over all judgements. Fleiss (1971), doi:10.1037/h0031619.
///
/// # Errors
/// `NoSegments`, `NoVariation`, and `UnequalCoders` when units differ in the number of judgements.
///
/// ```
/// # use precode::agreement::many::fleiss_kappa;
/// // Three coders, four units: P̄ = (1 + 1/3 + 1/3 + 1) / 4 = 2/3, P̄ₑ = 1/2.
/// let kappa = fleiss_kappa(&[([3, 0], 1), ([2, 1], 1), ([1, 2], 1), ([0, 3], 1)])?;
/// assert!((kappa - 1.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), precode::agreement::Undefined>(())
/// ```
pub fn fleiss_kappa<const K: usize>(rows: &[Row<K>]) -> Result<f64, Undefined> {
    let mut sizes = rows.iter().filter(|row| row.1 > 0).map(coders);
    let size = sizes.next().unwrap_or(0);
    if sizes.any(|other| other != size) {
        return Err(Undefined::UnequalCoders);
    }
    let observed = percent(rows)?;
    let totals = totals(rows.iter());
    let n: u64 = totals.iter().sum();
    beyond_chance(observed, totals.iter().map(|&t| (t as f64 / n as f64).powi(2)).sum())
}

/// Krippendorff's alpha for nominal categories, any number of coders, missing judgements.
///
/// α = 1 − Dₒ/Dₑ, with Dₒ = Σᵤ Σ꜀ n꜀(r − n꜀)/(r − 1) over units that r ≥ 2 coders judged and
/// Dₑ = Σ꜀ N꜀(N − N꜀)/(N − 1) over their judgements. Krippendorff (2011), "Computing Krippendorff's
/// alpha-reliability", section B and C; (2019) Content Analysis, chapter 12.
///
/// # Errors
/// `NoSegments` when no unit has two judgements; `NoVariation` when all of those are the same.
///
/// ```
/// # use precode::agreement::many::alpha_nominal;
/// // Two coders, ten units, yes/no (Krippendorff 2011, B): Dₒ = 8, Dₑ = 14·6·2/19.
/// let rows = [([0, 2], 1), ([1, 1], 4), ([2, 0], 5)];
/// assert!((alpha_nominal(&rows)? - 0.095238).abs() < 1e-6);
/// # Ok::<(), precode::agreement::Undefined>(())
/// ```
pub fn alpha_nominal<const K: usize>(rows: &[Row<K>]) -> Result<f64, Undefined> {
    let totals = totals(pairable(rows));
    let n: u64 = totals.iter().sum();
    if n == 0 {
        return Err(Undefined::NoSegments);
    }
    let expected: f64 = totals.iter().map(|&t| t as f64 * (n - t) as f64).sum::<f64>() / (n - 1) as f64;
    if expected == 0.0 {
        return Err(Undefined::NoVariation);
    }
    let observed: f64 = pairable(rows).map(|row| row.1 as f64 * disagreement(row)).sum();
    Ok(1.0 - observed / expected)
}

fn disagreement<const K: usize>(row: &Row<K>) -> f64 {
    let r = coders(row);
    row.0.iter().map(|&c| (c * (r - c)) as f64).sum::<f64>() / (r - 1) as f64
}

/// Gwet's AC1, any number of coders, missing judgements.
///
/// Agreement as in [`percent`]; chance is Σ πₖ(1 − πₖ)/(K − 1), πₖ the mean share of category k over units with at
/// least one judgement. Gwet (2008), doi:10.1348/000711006X126600; missing values as in Gwet (2014), 4th edition.
/// It is defined even when everything is one category, as chance is then 0.
///
/// # Errors
/// `NoSegments` when no unit has two judgements.
///
/// ```
/// # use precode::agreement::many::gwet_ac1;
/// // Two coders, yes/no: 2 both, 7 one of them, 91 neither. π = 11/200, chance = 2π(1 − π) = 0.10395.
/// let rows = [([2, 0], 2), ([1, 1], 7), ([0, 2], 91)];
/// assert!((gwet_ac1(&rows)? - (0.93 - 0.10395) / (1.0 - 0.10395)).abs() < 1e-12); // 0.922
/// # Ok::<(), precode::agreement::Undefined>(())
/// ```
pub fn gwet_ac1<const K: usize>(rows: &[Row<K>]) -> Result<f64, Undefined> {
    let observed = percent(rows)?;
    let judged = || rows.iter().filter(|row| coders(row) >= 1);
    let n: u64 = judged().map(|row| row.1).sum();
    let share =
        |k: usize| judged().map(|row| row.1 as f64 * row.0[k] as f64 / coders(row) as f64).sum::<f64>() / n as f64;
    let spread: f64 = (0..K).map(share).map(|p| p * (1.0 - p)).sum();
    beyond_chance(observed, spread / (K as f64 - 1.0))
}

/// Judgements in each category.
fn totals<'a, const K: usize>(rows: impl Iterator<Item = &'a Row<K>>) -> [u64; K] {
    let mut totals = [0; K];
    for (counts, times) in rows {
        (0..K).for_each(|k| totals[k] += counts[k] * times);
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_computed_says_why() {
        assert_eq!(alpha_nominal::<2>(&[]), Err(Undefined::NoSegments));
        assert_eq!(alpha_nominal(&[([1, 0], 9)]), Err(Undefined::NoSegments));
        assert_eq!(alpha_nominal(&[([3, 0], 9)]), Err(Undefined::NoVariation));
        assert_eq!(fleiss_kappa(&[([3, 0], 9)]), Err(Undefined::NoVariation));
        assert_eq!(fleiss_kappa(&[([3, 0], 9), ([1, 1], 1)]), Err(Undefined::UnequalCoders));
        assert_eq!(gwet_ac1(&[([3, 0], 9)]), Ok(1.0));
    }

    #[test]
    fn a_unit_with_one_judgement_never_moves_alpha() {
        let rows = [([2, 1], 3), ([0, 3], 4)];
        let more = [([2, 1], 3), ([0, 3], 4), ([1, 0], 50)];
        assert_eq!(alpha_nominal(&rows), alpha_nominal(&more));
    }
}
