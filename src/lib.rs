//! Fast, local, trustworthy pre-coding of interview transcripts.
//!
//! The line that the data travels, each step pure:
//!
//! ```text
//! bytes ─read→ Transcript ─split→ [Turn] ─divide→ [Segment] ─tokenize→ [Token]
//!       ─find (Lexicon)→ [Hit] ─gather→ Evidence ─propose (Codebook, Confidence)→ [Coding]
//!       ─decide (a person)→ Decision ─measure→ Agreement ─write→ report, export
//! ```
//!
//! [`pipeline`] shows the stages up to `Coding` in one function. A module uses only modules above it in this list;
//! `tests/layers.rs` holds that order. Only [`cli`] prints.

pub mod span;
pub mod diagnostic;
pub mod codebook;
pub mod transcript;
pub mod turn;
pub mod token;
pub mod segment;
pub mod lexicon;
pub mod matcher;
pub mod context;
pub mod evidence;
pub mod confidence;
pub mod coding;
pub mod pipeline;
pub mod examples;
pub mod inspect;
pub mod store;
pub mod agreement;
pub mod learn;
pub mod review;
pub mod cli;
