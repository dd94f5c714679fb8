//! `precode diff`: what a change of the codebook changed, or how two studies differ.

use super::console::Console;
use super::exit::Exit;
use super::reading::{self, Folder};
use crate::coding::Coding;
use crate::inspect::diff::{self, Change};
use crate::inspect::kwic::flat;
use crate::lexicon::Lexicon;
use crate::pipeline::{Coder, Options};
use crate::store::layout::Study;
use crate::store::rows;
use clap::Args;
use std::path::{Path, PathBuf};

/// Show codings gained and lost between two studies, or two versions of a codebook, by rule
#[derive(Args)]
#[command(after_help = "Examples:
  precode diff study-before study-after
  precode diff old.toml lexicons/brokering.toml --corpus corpus/interviews")]
pub struct DiffArgs {
    /// A study, or a codebook
    #[arg(value_name = "BEFORE")]
    first: PathBuf,
    /// Another study, or codebook
    #[arg(value_name = "AFTER")]
    second: PathBuf,
    /// Transcripts, for two codebooks
    #[arg(long, value_name = "FOLDER")]
    corpus: Vec<PathBuf>,
    /// Quotations for each rule at most
    #[arg(long, value_name = "N", default_value_t = 3)]
    quotes: usize,
}

/// Runs the command.
///
/// # Errors
/// When a study cannot be read, or the standard output is closed or full.
pub fn diff(args: &DiffArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let studies = args.first.is_dir() && args.second.is_dir();
    let (first, second) = if studies {
        (codings(&args.first)?, codings(&args.second)?)
    } else {
        if args.corpus.is_empty() {
            console.warn("error: two codebooks are compared on transcripts; help: give them with --corpus");
            return Ok(Exit::Usage);
        }
        let Some(pair) = coded(args, console) else { return Ok(Exit::Usage) };
        pair
    };
    let diff = diff::diff(&first, &second);
    for (title, sign, changes) in [("gained", '+', &diff.gained), ("lost", '-', &diff.lost)] {
        console.say(&console.bold(&format!("{} {title}", changes.len())))?;
        for (rule, changes) in diff::by_rule(changes) {
            console.say(&rule_lines(args, rule, sign, &changes))?;
        }
    }
    let (gained, lost) = (diff.gained.len(), diff.lost.len());
    console.say(&format!("{} proposals kept, {gained} gained, {lost} lost", diff.kept))?;
    Ok(Exit::Done)
}

fn codings(study: &Path) -> anyhow::Result<Vec<Coding>> {
    Ok(rows::read(&Study::at(study).codings())?.collect::<Result<_, _>>()?)
}

/// The codings of both codebooks on the corpus.
fn coded(args: &DiffArgs, console: &mut Console) -> Option<(Vec<Coding>, Vec<Coding>)> {
    let (first, second) = (reading::codebook(&args.first, console)?, reading::codebook(&args.second, console)?);
    let folder = Folder::open(&args.corpus, console)?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let code =
        |lexicon: &Lexicon, transcript: &_| Coder::new(lexicon, Options::default()).worker().code(transcript).codings;
    reading::each(&folder, console, |transcript| {
        a.extend(code(&first, transcript));
        b.extend(code(&second, transcript));
    });
    Some((a, b))
}

fn rule_lines(args: &DiffArgs, rule: &str, sign: char, changes: &[&Change]) -> String {
    let mut lines = vec![format!("  {rule}: {}", changes.len())];
    for change in changes.iter().take(args.quotes) {
        let coding = change.coding;
        let other = change.other.map_or(String::new(), |other| format!(", {other:.2} on the other side"));
        let place = format!("{}:{}", coding.transcript, coding.turn);
        lines.push(format!("    {sign} {place} {} ({:.2}{other})", coding.code, coding.confidence));
        let words = coding.evidence.iter().find(|evidence| evidence.rule == rule);
        lines.push(format!("      \"{}\"", flat(words.map_or(&coding.text, |evidence| &evidence.text))));
    }
    if changes.len() > args.quotes {
        lines.push(format!("    … and {} more", changes.len() - args.quotes));
    }
    lines.join("\n")
}
