//! The command line: arguments as typed, then as meant; one file per subcommand; the only place that prints.
//!
//! Never happens here: anything that another program could not do through the library.

mod exit;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Pre-codes interview transcripts on your own machine, with evidence behind every code.
#[derive(Parser)]
#[command(name = "precode", version, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The researcher's verbs.
#[derive(Subcommand)]
enum Command {}

/// Runs the program on the arguments that it was started with.
pub fn main() -> ExitCode {
    match Cli::parse().command {}
}
