//! Confidence fitted on people's decisions.
//!
//! Comes in: the rows of a study and what people said of them. Goes out: a [`model::Model`] that turns the evidence of
//! a row into a confidence, with what it gained on interviews it had not seen; what each rule is worth; how far
//! proposals may be trusted unseen; what was missed. Never happens here: a figure measured on what a coder judged with
//! proposals in sight, or on an interview that the model was fitted on.

pub mod curve;
pub mod diagram;
pub mod example;
pub mod features;
pub mod logistic;
pub mod measure;
pub mod model;
pub mod recall;
pub mod report;
pub mod rivals;
pub mod rules;
pub mod scorecard;
pub mod shipped;
pub mod triage;
pub mod validate;

pub use model::{Model, apply};
