//! `precode journal`: the audit trail for people and for programs, and the union of two copies.

use super::console::Console;
use super::exit::Exit;
use super::summary::counted;
use crate::store::forget::Forgotten;
use crate::store::journal::row::Row;
use crate::store::journal::{Journal, JournalError, describe};
use crate::store::layout::Study;
use crate::store::manifest::Manifest;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Print the audit trail of decisions, check it, or merge a colleague's copy into it.
#[derive(Args)]
#[command(after_help = "Examples:\n  precode journal study/\n  precode journal study/ --format csv > trail.csv\n  \
    precode journal study/ --merge from-ben/study.sqlite")]
pub struct JournalArgs {
    /// The study folder.
    pub(super) study: PathBuf,
    /// How to print the trail.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Lists decisions whose words are not in the present texts any more.
    #[arg(long)]
    orphans: bool,
    /// Adds the decisions of another copy of this study (its folder or its study.sqlite).
    #[arg(long, value_name = "OTHER", conflicts_with = "orphans")]
    merge: Option<PathBuf>,
    /// Checks the file and the chain of hashes, and prints nothing else.
    #[arg(long, conflicts_with_all = ["orphans", "merge"])]
    verify: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line each, for people.
    Text,
    /// One JSON object each, with everything.
    Jsonl,
    /// A table with everything.
    Csv,
}

/// Runs the command.
///
/// # Errors
/// When the journal or the standard output cannot be used.
pub fn run(args: &JournalArgs, console: &mut Console) -> anyhow::Result<Exit> {
    match print(args, console) {
        Ok(()) => Ok(Exit::Done),
        Err(error) => match error.downcast_ref::<JournalError>() {
            Some(JournalError::Damaged { .. } | JournalError::Newer { .. }) => {
                console.warn(&format!("error: {}", super::reasons(&error)));
                Ok(Exit::Damaged)
            }
            _ => Err(error),
        },
    }
}

fn print(args: &JournalArgs, console: &mut Console) -> anyhow::Result<()> {
    let study = Study::at(&args.study);
    if let Some(other) = &args.merge {
        return merge(&study, other, console);
    }
    let journal = Journal::open_read(&study.journal())?;
    journal.verify()?;
    if args.verify {
        return Ok(console.say(&format!("ok: {}, chain whole", counted(journal.n_rows()? as usize, "row")))?);
    }
    if args.orphans {
        return orphans(&study, &journal, args.format, console);
    }
    match args.format {
        Format::Text => each(&journal, |row| console.say(&text_line(row))),
        Format::Jsonl => each(&journal, |row| console.say(&serde_json::to_string(row)?)),
        Format::Csv => print_csv(&journal, console),
    }
}

/// Calls `write` with every row until it fails.
fn each(journal: &Journal, mut write: impl FnMut(&Row) -> std::io::Result<()>) -> anyhow::Result<()> {
    let mut result = Ok(());
    journal.each_row(|_, row| {
        if result.is_ok() {
            result = write(&row);
        }
    })?;
    Ok(result?)
}

fn print_csv(journal: &Journal, console: &mut Console) -> anyhow::Result<()> {
    let mut header = true;
    each(journal, |row| {
        let mut table = csv::WriterBuilder::new().has_headers(std::mem::take(&mut header)).from_writer(Vec::new());
        table.serialize(row).map_err(std::io::Error::other)?;
        console.bytes(&table.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?)
    })
}

fn text_line(row: &Row) -> String {
    let place = if row.transcript.is_empty() { "-".to_owned() } else { format!("{}:{}", row.transcript, row.turn) };
    let about = row.target.clone().unwrap_or_else(|| describe(row));
    let quote: String = row.quote.chars().take(60).collect();
    let (time, coder, action) = (&row.time, &row.coder, row.action.word());
    printable(format!("{time}  {coder}  {action:<8} {place:<16} {about}  {quote}").trim_end())
}

/// Text of transcripts must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

fn orphans(study: &Study, journal: &Journal, format: Format, console: &mut Console) -> anyhow::Result<()> {
    let run = Manifest::load(study)?.run;
    let orphans = journal.carried(study, &run)?.orphans;
    for orphan in &orphans {
        match format {
            Format::Jsonl => console.say(&serde_json::to_string(orphan)?)?,
            _ => {
                let (place, verdict) = (format!("{}:{}", orphan.transcript, orphan.turn), orphan.verdict.word());
                let line = format!("{place}  {}  {} {verdict}  {}", orphan.coder, orphan.code, orphan.quote);
                console.say(&printable(&line))?;
            }
        }
    }
    if format != Format::Jsonl && orphans.is_empty() {
        console.say("every decision has its place in the present texts")?;
    }
    Ok(())
}

fn merge(study: &Study, other: &Path, console: &mut Console) -> anyhow::Result<()> {
    let _lock = super::review::lock(study)?;
    let other = if other.is_dir() { Study::at(other).journal() } else { other.to_owned() };
    // Who withdrew here may have words there.
    let forgotten = Forgotten::load(study)?;
    let merged = Journal::open(&study.journal())?.merge(&other, &forgotten.names())?;
    Ok(console.say(&format!("{} added, {} here already", counted(merged.n_added, "row"), merged.n_known))?)
}
