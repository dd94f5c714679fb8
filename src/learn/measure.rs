//! How good confidences are: log loss, Brier score, calibration error, kappa, F1.
//!
//! Comes in: confidences with what is true, by interview. Goes out: figures with intervals from resampled interviews.

use crate::agreement::Undefined;
use crate::agreement::bootstrap::{Bootstrap, Estimate};
use crate::agreement::pair::{Table, cohen_kappa, positive};
use crate::coding::PROPOSED;
use serde::Serialize;
use std::collections::BTreeMap;

/// A confidence for something that is true or not, on an interview that the model had not seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Place of the interview.
    pub interview: usize,
    /// The confidence; none where the answer has no row, which counts as not proposed.
    pub confidence: Option<f64>,
    /// What is true.
    pub holds: bool,
}

/// Number of bins of equal width for the calibration error and the diagram.
pub const BINS: usize = 10;

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Forecasts in it.
    pub n: usize,
    /// Of these, true.
    pub held: usize,
    /// Sum of their confidences.
    pub confidence: f64,
}

/// Ten bins of equal width.
pub fn bins(forecasts: &[Forecast]) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for forecast in forecasts {
        if let Some(p) = forecast.confidence {
            let bin = &mut bins[((p * BINS as f64) as usize).min(BINS - 1)];
            bin.n += 1;
            bin.held += usize::from(forecast.holds);
            bin.confidence += p;
        }
    }
    bins
}

/// Expected calibration error: the mean distance between confidence and share of true ones, over bins, weighted by
/// their number. Naeini, Cooper and Hauskrecht (2015).
///
/// # Errors
/// `NoSegments` when there is no forecast.
///
/// ```
/// # use precode::learn::measure::{Forecast, calibration_error};
/// // Four forecasts of 0.75, of which one holds: |0.75 − 0.25|.
/// let four = [true, false, false, false].map(|holds| Forecast { interview: 0, confidence: Some(0.75), holds });
/// assert!((calibration_error(&four)? - 0.5).abs() < 1e-12);
/// # Ok::<(), precode::agreement::Undefined>(())
/// ```
pub fn calibration_error(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    let bins = bins(forecasts);
    let n: usize = bins.iter().map(|bin| bin.n).sum();
    if n == 0 {
        return Err(Undefined::NoSegments);
    }
    Ok(bins.iter().map(|bin| (bin.confidence - bin.held as f64).abs()).sum::<f64>() / n as f64)
}

/// Mean of a loss over forecasts that have a confidence.
fn mean(forecasts: &[Forecast], loss: fn(f64, bool) -> f64) -> Result<f64, Undefined> {
    let losses: Vec<f64> = forecasts.iter().filter_map(|f| Some(loss(f.confidence?, f.holds))).collect();
    if losses.is_empty() { Err(Undefined::NoSegments) } else { Ok(losses.iter().sum::<f64>() / losses.len() as f64) }
}

/// Mean of −ln of the probability given to what is true; confidences are held within 0.001..=0.999.
///
/// # Errors
/// `NoSegments` when there is no forecast.
pub fn log_loss(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    mean(forecasts, surprise)
}

/// −ln of the probability given to what is true.
fn surprise(p: f64, holds: bool) -> f64 {
    let p = p.clamp(0.001, 0.999);
    -(if holds { p } else { 1.0 - p }).ln()
}

/// Mean square of the distance between confidence and truth. Brier (1950).
///
/// # Errors
/// `NoSegments` when there is no forecast.
pub fn brier(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    mean(forecasts, |p, holds| (p - f64::from(u8::from(holds))).powi(2))
}

/// Proposals against the truth.
pub fn table(forecasts: &[Forecast]) -> Table {
    let mut table = Table::default();
    for forecast in forecasts {
        table.add(forecast.holds, forecast.confidence.is_some_and(|p| p >= PROPOSED), 1);
    }
    table
}

/// Cohen's kappa of proposals and truth, answers without a row included.
///
/// # Errors
/// As [`cohen_kappa`].
pub fn kappa(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    cohen_kappa(table(forecasts).counts())
}

/// F1 of proposals against the truth.
///
/// # Errors
/// `NoCases` when nothing is true and nothing proposed.
pub fn f1(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    positive(table(forecasts))
}

/// The five, in the order in which they are shown.
pub const MEASURES: [&str; 5] = ["log_loss", "brier", "ece", "kappa", "f1"];

/// Everything that the five measures need of some forecasts; adds up over interviews.
#[derive(Debug, Clone, Default, PartialEq)]
struct Tally {
    n: f64,
    loss: f64,
    brier: f64,
    /// Sum of confidences and number of true ones, by bin of equal number.
    bins: [(f64, f64); BINS],
    table: Table,
}

impl Tally {
    fn add(&mut self, forecast: &Forecast, edges: &[f64]) {
        self.table.add(forecast.holds, forecast.confidence.is_some_and(|p| p >= PROPOSED), 1);
        let Some(p) = forecast.confidence else { return };
        let truth = f64::from(u8::from(forecast.holds));
        self.n += 1.0;
        self.loss += surprise(p, forecast.holds);
        self.brier += (p - truth).powi(2);
        let bin = &mut self.bins[edges.partition_point(|edge| *edge <= p)];
        *bin = (bin.0 + p, bin.1 + truth);
    }

    fn add_tally(&mut self, other: &Tally, times: u32) {
        let by = f64::from(times);
        self.n += by * other.n;
        self.loss += by * other.loss;
        self.brier += by * other.brier;
        self.table.add_table(other.table, u64::from(times));
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            *bin = (bin.0 + by * more.0, bin.1 + by * more.1);
        }
    }

    /// The measure at this place of [`MEASURES`].
    fn measure(&self, place: usize) -> Result<f64, Undefined> {
        let mean = |sum: f64| if self.n > 0.0 { Ok(sum / self.n) } else { Err(Undefined::NoSegments) };
        match place {
            0 => mean(self.loss),
            1 => mean(self.brier),
            2 => mean(self.bins.iter().map(|(confidence, held)| (confidence - held).abs()).sum()),
            3 => cohen_kappa(self.table.counts()),
            _ => positive(self.table),
        }
    }
}

/// Where to cut confidences, so that every one of [`BINS`] bins holds as many.
fn edges(forecasts: &[Forecast]) -> Vec<f64> {
    let mut sorted: Vec<f64> = forecasts.iter().filter_map(|f| f.confidence).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    (1..BINS).filter_map(|i| sorted.get(i * sorted.len() / BINS).copied()).collect()
}

/// Bins of equal number, for the diagram and for the calibration error of [`gains`].
pub fn even_bins(forecasts: &[Forecast]) -> [Bin; BINS] {
    let edges = edges(forecasts);
    let mut bins = [Bin::default(); BINS];
    for (p, holds) in forecasts.iter().filter_map(|f| Some((f.confidence?, f.holds))) {
        let bin = &mut bins[edges.partition_point(|edge| *edge <= p)];
        bin.n += 1;
        bin.held += usize::from(holds);
        bin.confidence += p;
    }
    bins
}

/// The forecasts of one run, by interview.
struct ByInterview {
    tallies: Vec<Tally>,
}

impl ByInterview {
    fn of(forecasts: &[Forecast]) -> Self {
        let edges = edges(forecasts);
        let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
        forecasts.iter().for_each(|f| tallies.entry(f.interview).or_default().add(f, &edges));
        ByInterview { tallies: tallies.into_values().collect() }
    }

    fn measure(&self, place: usize, times: &[u32]) -> Result<f64, Undefined> {
        let mut sum = Tally::default();
        self.tallies.iter().zip(times).for_each(|(tally, &times)| sum.add_tally(tally, times));
        sum.measure(place)
    }
}

/// One measure before and after learning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gain {
    /// Name of the measure. `ece` is the calibration error over ten bins of equal number.
    pub measure: &'static str,
    /// Of the confidence that is replaced.
    pub before: Option<f64>,
    /// Of the learned one.
    pub after: Option<f64>,
    /// `after − before`, with interval.
    pub change: Option<Estimate>,
}

/// All measures of what was before and of one or more runs of learning, about the same things in the same order;
/// several runs are averaged.
pub fn gains(before: &[Forecast], runs: &[Vec<Forecast>], bootstrap: &Bootstrap) -> Vec<Gain> {
    let was = ByInterview::of(before);
    let is: Vec<ByInterview> = runs.iter().map(|run| ByInterview::of(run)).collect();
    let once = vec![1; was.tallies.len()];
    let after = |place: usize, times: &[u32]| {
        let values: Result<Vec<f64>, Undefined> = is.iter().map(|run| run.measure(place, times)).collect();
        values.map(|values| values.iter().sum::<f64>() / values.len().max(1) as f64)
    };
    let one = |(place, measure): (usize, &&'static str)| {
        let change = |times: &[u32]| Ok(after(place, times)? - was.measure(place, times)?);
        Gain {
            measure,
            before: was.measure(place, &once).ok(),
            after: after(place, &once).ok(),
            change: bootstrap.estimate(was.tallies.len(), change).ok(),
        }
    };
    MEASURES.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecasts() -> Vec<Forecast> {
        let one = |i: usize| Forecast {
            interview: i % 7,
            confidence: (!i.is_multiple_of(11)).then_some((i * 37 % 100) as f64 / 100.0),
            holds: i * 53 % 100 < i * 37 % 100,
        };
        (0..200).map(one).collect()
    }

    #[test]
    fn figures_by_interview_add_up_to_those_of_all() {
        let all = forecasts();
        let gains = gains(&all, &[all.clone(), all.clone()], &Bootstrap { resamples: 100, ..Bootstrap::default() });
        let want = [log_loss(&all), brier(&all), Err(Undefined::NoSegments), kappa(&all), f1(&all)];
        for (gain, want) in gains.iter().zip(want) {
            assert_eq!(gain.before, gain.after);
            assert!(gain.measure == "ece" || (gain.before.unwrap() - want.unwrap()).abs() < 1e-12, "{gain:?}");
        }
    }

    #[test]
    fn even_bins_hold_about_as_many_each_and_give_the_calibration_error() {
        let all = forecasts();
        let bins = even_bins(&all);
        let n: usize = bins.iter().map(|bin| bin.n).sum();
        assert!(bins.iter().all(|bin| bin.n.abs_diff(n / BINS) <= 3), "{bins:?}");
        let error: f64 = bins.iter().map(|bin| (bin.confidence - bin.held as f64).abs()).sum::<f64>() / n as f64;
        let gains = gains(&all, std::slice::from_ref(&all), &Bootstrap { resamples: 100, ..Bootstrap::default() });
        assert!((gains[2].before.unwrap() - error).abs() < 1e-12);
    }
}
