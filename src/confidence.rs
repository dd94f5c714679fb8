//! From scores to confidences.
//!
//! Comes in: the scores of a segment. Goes out: a confidence in 0..=1 for each code. Never happens here: a threshold.
//!
//! Without a fitted model the confidence is the combined share of evidence, 1 − e^(−score), which is no probability.

use crate::codebook::CodeId;
use crate::evidence::Gathered;

/// The combined share of evidence: 1 − e^(−score), 0 for a score of 0 or below.
///
/// ```
/// # use precode::confidence::share;
/// // Two rules of weight 0.5: 1 − 0.5·0.5.
/// assert!((share(2.0 * 0.5f64.ln().abs()) - 0.75).abs() < 1e-12);
/// ```
pub fn share(score: f64) -> f64 {
    if score <= 0.0 { 0.0 } else { 1.0 - (-score).exp() }
}

/// The confidence of a code.
pub fn confidence(gathered: &Gathered, code: CodeId) -> f64 {
    share(gathered.score(code))
}
