//! What a researcher asks of a lexicon: where a pattern stands, why a code was given or not, what is caught and what
//! is not, what a change changed.
//!
//! Comes in: a lexicon and transcripts, or codings. Goes out: values for the command line to show. Never happens here:
//! files, printing.

pub mod diff;
pub mod explain;
pub mod kwic;
pub mod near;
pub mod rates;
