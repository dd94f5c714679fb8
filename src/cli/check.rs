//! `precode check`: a lexicon's mistakes, what only looks wrong, its own examples run, its plain form.

use super::console::Console;
use super::exit::Exit;
use super::reading::{self, Folder};
use super::summary::counted;
use crate::diagnostic::{Diagnostic, Severity};
use crate::inspect::rates::Rates;
use crate::lexicon::{self, Lexicon};
use crate::{examples, store};
use clap::Args;
use std::path::{Path, PathBuf};

/// Check codebooks: every mistake with its place, every yes and no example run.
///
/// Warnings name what looks wrong and may be meant; they do not fail the check. Every kind of message is explained in
/// lexicons/README.md.
#[derive(Args)]
#[command(after_help = "Example:\n  precode check lexicons/brokering.toml")]
pub struct CheckArgs {
    /// Codebook files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Sort the entries of lists, take repeated ones out, space patterns alike, and say what was done
    #[arg(long)]
    fix: bool,
    /// Transcripts: tell of rules and words that are too frequent there
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
    /// Errors only
    #[arg(long, short)]
    quiet: bool,
}

/// Runs the command.
///
/// # Errors
/// When the standard output is closed or full, or a fixed file cannot be written.
pub fn check(args: &CheckArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    for file in &args.files {
        if args.fix {
            fix(file, console)?;
        }
        if let Some(whole) = including(file, &args.files) {
            console.say(&format!("{}: checked with {}", shown(file), shown(whole)))?;
            continue;
        }
        if lexicon::outline(file).part {
            console.warn(&part(file).block());
            exit = Exit::Usage;
            continue;
        }
        let (lexicon, mut found) = lexicon::check(file);
        if let Some(lexicon) = &lexicon {
            found.extend(examples::run(lexicon));
            found.extend(args.corpus.iter().flat_map(|corpus| frequent(lexicon, corpus, console)));
            lexicon::in_order(&lexicon.source, &mut found);
        }
        found.retain(|problem| !args.quiet || problem.severity == Severity::Error);
        found.iter().for_each(|problem| console.warn(&problem.block()));
        console.say(&summary(args, file, lexicon.as_ref(), &found))?;
        if found.iter().any(|problem| problem.severity == Severity::Error) {
            exit = Exit::Usage;
        }
    }
    Ok(exit)
}

/// The one of these files that includes a file.
fn including<'f>(file: &Path, files: &'f [PathBuf]) -> Option<&'f PathBuf> {
    // Paths may be written in two ways: "a.toml", "./a.toml".
    let real = |path: &Path| path.canonicalize().ok();
    let sought = real(file)?;
    let includes = |whole: &&PathBuf| {
        real(whole).is_some_and(|whole| whole != sought)
            && lexicon::outline(whole).files.iter().any(|part| real(part).as_ref() == Some(&sought))
    };
    files.iter().find(includes)
}

/// What is said of a part that is given without its codebook.
fn part(file: &Path) -> Diagnostic {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut beside: Vec<PathBuf> = beside.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    beside.sort();
    let whole = including(file, &beside).map_or_else(|| "CODEBOOK.toml".to_string(), |whole| shown(whole));
    let message = "a part of a codebook, without [codebook] and codes: alone it cannot be checked";
    Diagnostic::error("lexicon-part", file.display().to_string(), message)
        .help(format!("check it with the codebook that includes it: `precode check {whole}`"))
}

fn shown(path: &Path) -> String {
    crate::diagnostic::escape(&path.display().to_string())
}

fn summary(args: &CheckArgs, file: &Path, lexicon: Option<&Lexicon>, found: &[Diagnostic]) -> String {
    let name = shown(file);
    let count = |severity| found.iter().filter(|problem| problem.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let Some(lexicon) = lexicon else { return format!("{name}: not read") };
    let examples: usize = lexicon.source.rules.iter().map(|rule| rule.yes.len() + rule.no.len()).sum();
    let (codes, rules, terms) = (lexicon.codebook.codes.len(), lexicon.rules.len(), lexicon.terms.len());
    let parts = [(codes, "code"), (rules, "rule"), (terms, "term"), (examples, "example")];
    let parts = parts.map(|(n, noun)| counted(n, noun)).join(", ");
    let warnings = if args.quiet { String::new() } else { format!(", {}", counted(warnings, "warning")) };
    format!("{name}: {parts}; {}{warnings}", counted(errors, "error"))
}

/// Writes the plain form of a file beside it and moves it there.
fn fix(file: &Path, console: &mut Console) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).map_err(|error| store::StoreError::io(file, error))?;
    // What is not TOML is told by the check that follows.
    let Ok(fixed) = lexicon::fix(&text) else { return Ok(()) };
    if fixed.text == text {
        return Ok(());
    }
    let beside = file.with_extension(format!("toml.{}", std::process::id()));
    std::fs::write(&beside, &fixed.text).map_err(|error| store::StoreError::io(&beside, error))?;
    std::fs::rename(&beside, file).map_err(|error| store::StoreError::io(file, error))?;
    for line in fixed.done {
        console.say(&format!("{}: fixed: {line}", file.display()))?;
    }
    Ok(())
}

/// Rules and words that are found too often to tell anything.
fn frequent(lexicon: &Lexicon, corpus: &Path, console: &mut Console) -> Vec<Diagnostic> {
    let Some(folder) = Folder::open(&[corpus.to_path_buf()], console) else { return Vec::new() };
    let mut rates = Rates::new(lexicon);
    reading::each(&folder, console, |transcript| rates.add(transcript));
    rates.frequent()
}
