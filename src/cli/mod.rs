//! The command line: arguments as typed, then as meant; one file per subcommand; the only place that prints.
//!
//! Never happens here: anything that another program could not do through the library.

mod agree;
mod check;
mod code;
mod completions;
mod console;
mod coverage;
mod diff;
mod exit;
mod explain;
mod fit;
mod forget;
mod import;
mod journal;
mod kwic;
mod learn;
mod process;
mod progress;
mod reading;
mod review;
mod summary;
mod triage;
mod verify;
mod whereabouts;

use crate::store::StoreError;
use crate::store::layout::Study;
use clap::{Parser, Subcommand};
use console::Console;
use exit::Exit;
use std::path::Path;
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
enum Command {
    Code(code::CodeArgs),
    Agree(agree::AgreeArgs),
    Check(check::CheckArgs),
    Kwic(kwic::KwicArgs),
    Explain(explain::ExplainArgs),
    Diff(diff::DiffArgs),
    Coverage(coverage::CoverageArgs),
    Import(import::ImportArgs),
    Review(review::ReviewArgs),
    Journal(journal::JournalArgs),
    Learn(learn::LearnArgs),
    Triage(triage::TriageArgs),
    Verify(verify::VerifyArgs),
    Where(whereabouts::WhereArgs),
    Forget(forget::ForgetArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
    Fit(fit::FitArgs),
}

/// Runs the program on the arguments that it was started with.
pub fn main() -> ExitCode {
    process::harden();
    let cli = Cli::parse();
    let mut console = Console::standard();
    let result = run(cli.command, &mut console).and_then(|exit| console.flush().map(|()| exit).map_err(Into::into));
    result.unwrap_or_else(|error| failed(&error, &mut console)).into()
}

fn run(command: Command, console: &mut Console) -> anyhow::Result<Exit> {
    if let Some(folder) = study(&command).filter(|folder| !is_study(folder)) {
        return Ok(no_study(folder, console));
    }
    match command {
        Command::Agree(args) => agree::agree(&args, console),
        Command::Check(args) => check::check(&args, console),
        Command::Kwic(args) => kwic::kwic(&args, console),
        Command::Explain(args) => explain::explain(&args, console),
        Command::Diff(args) => diff::diff(&args, console),
        Command::Coverage(args) => coverage::coverage(&args, console),
        Command::Import(args) => import::import(&args, console),
        Command::Code(args) => code::run(&args, console),
        Command::Review(args) => review::run(&args, console),
        Command::Journal(args) => journal::run(&args, console),
        Command::Learn(args) => learn::learn(&args, console),
        Command::Triage(args) => triage::triage(&args, console),
        Command::Verify(args) => verify::verify(&args, console),
        Command::Where(args) => whereabouts::list(&args, console),
        Command::Forget(args) => forget::run(&args, console),
        Command::Completions(args) => completions::completions(&args, console),
        Command::Man(args) => completions::man(&args, console),
        Command::Fit(args) => fit::run(&args, console),
    }
}

/// The study that a command works on.
fn study(command: &Command) -> Option<&Path> {
    match command {
        Command::Agree(args) => Some(&args.study),
        Command::Explain(args) => args.study.as_deref(),
        Command::Coverage(args) => Some(&args.study),
        Command::Review(args) => Some(&args.study),
        // A journal that was handed on alone can be read, too.
        Command::Journal(args) => Some(args.study.as_path()).filter(|folder| !Study::at(folder).journal().exists()),
        Command::Learn(args) => Some(&args.study),
        Command::Triage(args) => Some(&args.study),
        Command::Verify(args) => Some(&args.study),
        Command::Where(args) => Some(&args.study),
        Command::Forget(args) => Some(&args.study),
        _ => None,
    }
}

/// True for a folder in which something was published, whether it can still be read or not.
fn is_study(folder: &Path) -> bool {
    std::fs::symlink_metadata(Study::at(folder).manifest()).is_ok()
}

/// Says that a folder is no study.
fn no_study(folder: &Path, console: &mut Console) -> Exit {
    let folder = crate::diagnostic::escape(&folder.to_string_lossy());
    console.warn(&format!(
        "error: {folder}: no study, it has no manifest.json; help: name the folder that `precode code` wrote"
    ));
    Exit::Usage
}

/// What failed and why, from the first to the last cause. A cause that the one before has named is said once.
fn reasons(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        known if known.contains(&cause) => said,
        known => format!("{known}: {cause}"),
    })
}

/// Says why a command failed. A closed pipe is no failure: whoever read the output has seen enough.
fn failed(error: &anyhow::Error, console: &mut Console) -> Exit {
    if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
        return Exit::Done;
    }
    console.warn(&format!("error: {}", reasons(error)));
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Locked { .. }) => Exit::Locked,
        Some(StoreError::Damaged { .. }) => Exit::Damaged,
        Some(StoreError::Interrupted) => process::signal().map_or(Exit::Failed, Exit::Signal),
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal::JournalError;
    use anyhow::Context as _;

    #[test]
    fn a_folder_without_results_is_no_study_and_a_journal_alone_can_be_read() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        let path = folder.path().to_str().unwrap_or_default();
        let needed = |command: &str| {
            let id = ["explain", "forget"].contains(&command).then_some("b01:3");
            let arguments = ["precode", command, path].into_iter().chain(id);
            let cli = Cli::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}"));
            study(&cli.command).map(Path::to_path_buf)
        };
        let commands =
            ["agree", "explain", "coverage", "review", "journal", "learn", "triage", "verify", "where", "forget"];
        for command in commands {
            assert_eq!(needed(command).as_deref(), Some(folder.path()), "{command}");
        }
        assert!(!is_study(folder.path()));
        std::fs::write(folder.path().join("study.sqlite"), "").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((needed("journal"), needed("review").is_some()), (None, true));
        std::os::unix::fs::symlink("lost", folder.path().join("manifest.json")).unwrap_or_else(|e| panic!("{e}"));
        assert!(is_study(folder.path()), "what is damaged is told by the command");
    }

    #[test]
    fn every_cause_is_said_once() {
        let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let told = reasons(&JournalError::Io("a.sqlite".into(), denied()).into());
        assert_eq!(told, "a.sqlite: permission denied");
        let told = Err::<(), _>(denied()).context("cannot write a.md").map_err(|error| reasons(&error));
        assert_eq!(told, Err("cannot write a.md: permission denied".to_owned()));
    }
}
