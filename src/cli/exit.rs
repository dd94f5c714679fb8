//! Exit codes: documented, stable, tested one by one.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every input processed (notes allowed).
    Done,
    /// Failed: I/O, disk full, internal limit; nothing new published, the old set whole.
    Failed,
    /// Usage, configuration or lexicon wrong; nothing was read.
    Usage,
    /// Finished; one or more inputs rejected (or any note under `--strict`).
    Partial,
    /// Nothing to do: no input matched.
    Nothing,
    /// Project locked by another process.
    Locked,
    /// Store, provenance or schema check failed.
    Damaged,
    /// Stopped by this signal.
    Signal(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partial => 3,
            Exit::Nothing => 4,
            Exit::Locked => 11,
            Exit::Damaged => 12,
            Exit::Signal(number) => 128u8.saturating_add(number),
        })
    }
}
