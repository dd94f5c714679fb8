//! `precode check`: a lexicon's mistakes, and its own examples run.

use super::console::Console;
use super::exit::Exit;
use crate::diagnostic::{Diagnostic, Severity};
use crate::{examples, lexicon};
use clap::Args;
use std::path::PathBuf;

/// Check codebooks: every mistake with its place, every yes/no example run.
#[derive(Args)]
#[command(after_help = "Example:\n  precode check lexicons/brokering.toml")]
pub struct CheckArgs {
    /// Codebook files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the standard output is closed or full.
pub fn check(args: &CheckArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    for file in &args.files {
        let found = match lexicon::load(file) {
            Ok((lexicon, mut found)) => {
                found.extend(examples::run(&lexicon));
                let n_examples: usize = lexicon.rules.iter().map(|rule| rule.yes.len() + rule.no.len()).sum();
                let counts = (lexicon.codebook.codes.len(), lexicon.rules.len(), lexicon.terms.len());
                let (codes, rules, terms) = counts;
                let name = file.display();
                console.say(&format!(
                    "{name}: {codes} codes, {rules} rules, {terms} terms, {n_examples} examples run"
                ))?;
                found
            }
            Err(found) => found,
        };
        found.iter().for_each(|problem: &Diagnostic| console.warn(&problem.block()));
        if found.iter().any(|problem| problem.severity == Severity::Error) {
            exit = Exit::Usage;
        }
    }
    Ok(exit)
}
