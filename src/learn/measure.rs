//! How good confidences are: log loss, Brier score, calibration error, kappa, F1.
//!
//! Comes in: confidences with what is true, by interview. Goes out: figures with intervals from resampled interviews.

use crate::agreement::Undefined;
use crate::agreement::bootstrap::{Bootstrap, Estimate};
use crate::agreement::pair::{Table, cohen_kappa, positive};
use crate::coding::PROPOSED;
use serde::Serialize;

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
    mean(forecasts, |p, holds| {
        let p = p.clamp(0.001, 0.999);
        -(if holds { p } else { 1.0 - p }).ln()
    })
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

/// A measure by name.
pub type Measure = (&'static str, fn(&[Forecast]) -> Result<f64, Undefined>);

/// The five, in the order in which they are shown.
pub const MEASURES: [Measure; 5] =
    [("log_loss", log_loss), ("brier", brier), ("ece", calibration_error), ("kappa", kappa), ("f1", f1)];

/// One measure before and after learning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gain {
    /// Name of the measure.
    pub measure: &'static str,
    /// Of the confidence that is replaced.
    pub before: Option<f64>,
    /// Of the learned one.
    pub after: Option<f64>,
    /// `after − before`, with interval.
    pub change: Option<Estimate>,
}

/// All measures of two lists of forecasts about the same things, in the same order.
pub fn gains(before: &[Forecast], after: &[Forecast], bootstrap: &Bootstrap) -> Vec<Gain> {
    let groups = Groups::of(before);
    let one = |(measure, of): &Measure| {
        let change = |times: &[u32]| Ok(of(&groups.draw(after, times))? - of(&groups.draw(before, times))?);
        Gain {
            measure,
            before: of(before).ok(),
            after: of(after).ok(),
            change: bootstrap.estimate(groups.members.len(), change).ok(),
        }
    };
    MEASURES.iter().map(one).collect()
}

/// Places of forecasts by interview.
struct Groups {
    members: Vec<Vec<usize>>,
}

impl Groups {
    fn of(forecasts: &[Forecast]) -> Self {
        let mut by_interview: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
        forecasts.iter().enumerate().for_each(|(i, f)| by_interview.entry(f.interview).or_default().push(i));
        Groups { members: by_interview.into_values().collect() }
    }

    fn draw(&self, forecasts: &[Forecast], times: &[u32]) -> Vec<Forecast> {
        let mut out = Vec::with_capacity(forecasts.len());
        for (members, &times) in self.members.iter().zip(times) {
            (0..times).for_each(|_| out.extend(members.iter().map(|&i| forecasts[i])));
        }
        out
    }
}
