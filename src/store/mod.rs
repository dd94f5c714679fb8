//! The study folder: what lies where in it.
//!
//! ```text
//! study/
//!   current -> runs/<digest>      replaced by one rename: readers see the old set or the new one, never a mix
//!   codings.jsonl -> current/codings.jsonl      (likewise every published file)
//!   runs/<digest>/manifest.json codings.jsonl codings.csv turns.jsonl respondents.csv report.json texts/<name>.txt
//!   study.sqlite                  the journal of decisions; never touched by `precode code`
//! ```

pub mod journal;
pub mod layout;
