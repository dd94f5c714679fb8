//! How well coders agree, with intervals, and what the figures can and cannot say.
//!
//! Comes in: judgements (who says that a code holds for a unit of an interview), from label files, from the review
//! journal, and from the machine's own codings. Goes out: reliability statistics with their counts and intervals.
//! Never happens here: a figure in place of one that cannot be computed ([`Undefined`] says why), anything about
//! lexicons, the clock.
//!
//! One family of statistics is one file; each names its source and shows an example that can be checked by hand.

pub mod anchoring;
pub mod bootstrap;
pub mod distribution;
pub mod explain;
pub mod interviews;
pub mod judgement;
pub mod many;
pub mod measure;
pub mod pair;
pub mod panel;
pub mod plan;
pub mod random;
pub mod read;
pub mod render;
pub mod rho;
pub mod statistic;
pub mod study;
pub mod unitizing;
pub mod units;

/// Why a statistic has no value. Neither 0 nor 1 ever stands in for one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// There is nothing that two coders judged.
    #[error("no unit was judged by two coders")]
    NoSegments,
    /// Everything got the same judgement, so that chance alone would agree everywhere.
    #[error("every judgement is the same, so agreement beyond chance has no meaning")]
    NoVariation,
    /// Fleiss' kappa needs the same number of coders for every unit.
    #[error("units were judged by different numbers of coders")]
    UnequalCoders,
    /// No unit has the code in the judgement that the figure divides by.
    #[error("no case of the code to divide by")]
    NoCases,
    /// The figure needs at least two interviews.
    #[error("an interval needs at least two interviews")]
    TooFewInterviews,
    /// No set of judgements with such a base rate and kappa exists.
    #[error("no judgements with this base rate reach the kappas to be ruled out")]
    OutOfReach,
}
