//! `precode review`: opens the page, and keeps the server up until it is told to stop.

use super::console::Console;
use super::exit::Exit;
use super::process;
use crate::review::app::{App, OpenError};
use crate::review::guard::Guard;
use crate::review::key::{Doors, Holder, checked_name};
use crate::review::plan::Plan;
use crate::review::server;
use crate::store::StoreError;
use crate::store::layout::Study;
use crate::store::lock::{self, Lock};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Open the review page in your browser: check the proposals by keys, nothing lost.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  precode review study/\n  precode review study/ --coder ana --coder ben --double-share 0.2\n\n\
    The page is served to this machine alone. Ctrl-C ends it; everything that was shown as saved is on disk."
)]
pub struct ReviewArgs {
    /// The study folder.
    pub(super) study: PathBuf,
    /// A coder, who gets a link of their own; give it once for each. Without it the page asks for a name.
    #[arg(long, value_name = "NAME")]
    coder: Vec<String>,
    /// Somebody who only settles what coders differ about, and has no queue.
    #[arg(long, value_name = "NAME")]
    adjudicator: Vec<String>,
    /// Share of the answers that are shown without proposals, for honest reliability figures [default: 0.1].
    #[arg(long, value_name = "SHARE", value_parser = share)]
    blind_share: Option<f64>,
    /// Share of the answers that go to two coders; the others go to one. Without it everybody gets everything.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    double_share: Option<f64>,
    /// File with answers that go to two coders: one transcript (`b01`) or turn (`b01:12`) a line.
    #[arg(long, value_name = "FILE")]
    double_list: Option<PathBuf>,
    /// Changes which answers are drawn [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// Does not open the browser.
    #[arg(long)]
    no_open: bool,
    /// Prints the links with their keys. Whoever sees one can review in that name.
    #[arg(long)]
    print_link: bool,
    /// Shows a study whose journal is damaged; nothing can be saved.
    #[arg(long)]
    read_only: bool,
}

/// A share between 0 and 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share lies between 0 and 1".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// When the study, the journal or a port cannot be used.
pub fn run(args: &ReviewArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let (Some(coders), Some(adjudicators)) = (names(&args.coder), names(&args.adjudicator)) else {
        console.warn("error: a name has 1 to 40 characters");
        return Ok(Exit::Usage);
    };
    match review(args, &coders, &adjudicators, console) {
        Ok(exit) => Ok(exit),
        Err(error) if is_damage(&error) => {
            console
                .warn(&format!("error: {}; help: nothing was changed; --read-only shows it", super::reasons(&error)));
            Ok(Exit::Damaged)
        }
        Err(error) => Err(error),
    }
}

fn is_damage(error: &anyhow::Error) -> bool {
    error.downcast_ref::<OpenError>().is_some_and(OpenError::is_damage)
}

fn review(
    args: &ReviewArgs,
    coders: &[String],
    adjudicators: &[String],
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let double_list = args.double_list.as_deref().map(read_list).transpose()?;
    refuse_shared_folder(&args.study)?;
    let study = Study::at(&args.study);
    let _lock = lock(&study)?;
    let mut doors = Doors::in_study(study.root())?;
    let app = if args.read_only {
        App::open_read_only(study)?
    } else {
        App::open(study, |plan| planned(plan, args, coders, adjudicators, double_list))?
    };
    let listener = server::listen(doors.folder())?;
    let guard = server::guard(&listener)?;
    let people: Vec<&String> = coders.iter().chain(adjudicators).collect();
    open_doors(args, &guard, &mut doors, &people, console)?;
    process::watch()?;
    server::serve(&app, &guard, listener, stop())?;
    drop(doors);
    console.say("stopped; every decision that was shown as saved is on disk")?;
    let signal = process::signal().unwrap_or(0);
    Ok(if args.read_only { Exit::Damaged } else { Exit::Signal(signal) })
}

fn names(given: &[String]) -> Option<Vec<String>> {
    given.iter().map(|name| checked_name(name)).collect()
}

fn read_list(path: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|error| StoreError::io(path, error))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// The plan in force, with what the user wants changed.
fn planned(
    old: Plan,
    args: &ReviewArgs,
    coders: &[String],
    adjudicators: &[String],
    list: Option<Vec<String>>,
) -> Plan {
    let mut plan = Plan {
        seed: args.seed.unwrap_or(old.seed),
        blind_share: args.blind_share.unwrap_or(old.blind_share),
        double_share: args.double_share.or(old.double_share),
        double_list: list.unwrap_or(old.double_list),
        ..old
    };
    plan.adjudicators = joined(plan.adjudicators, adjudicators);
    plan.coders = joined(plan.coders, coders);
    plan
}

fn joined(mut known: Vec<String>, new: &[String]) -> Vec<String> {
    for name in new {
        if !known.contains(name) {
            known.push(name.clone());
        }
    }
    known
}

/// Others who can write into the folder could put links and files there.
fn refuse_shared_folder(study: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(study).map_err(|error| StoreError::io(study, error))?;
    let shared = found.permissions().mode() & 0o002 != 0;
    anyhow::ensure!(!shared, "{}: every user of this machine can write here; help: chmod o-w", study.display());
    Ok(())
}

/// Holds the study for one review or merge at a time. Coding again is another lock: it may go on meanwhile.
pub(super) fn lock(study: &Study) -> anyhow::Result<Lock> {
    let doors = Doors::in_study(study.root())?;
    Ok(lock::take(&Study::at(doors.folder()))?)
}

/// Makes a key and a door for everybody, and opens the browser at the first one.
fn open_doors(
    args: &ReviewArgs,
    guard: &Guard,
    doors: &mut Doors,
    people: &[&String],
    console: &mut Console,
) -> anyhow::Result<()> {
    let holders: Vec<(&str, Holder)> = if people.is_empty() {
        vec![("review", Holder::Owner)]
    } else {
        people.iter().map(|name| (name.as_str(), Holder::Coder((*name).clone()))).collect()
    };
    console.say(&format!("review of {} at http://127.0.0.1:{}/", args.study.display(), guard.port))?;
    for (i, (name, holder)) in holders.into_iter().enumerate() {
        let link = format!("http://127.0.0.1:{}/#key={}", guard.port, guard.keys.issue(holder)?);
        let door = doors.open(name, &link)?;
        console.say(&format!("  {name}: open {}", door.display()))?;
        if args.print_link {
            console.say(&format!("  {name}: {link}"))?;
        }
        if i == 0 && !args.no_open {
            open_browser(&door);
        }
    }
    console.say("Ctrl-C ends it.")?;
    Ok(console.flush()?)
}

/// The key is in the file, not in the argument. Where no browser can be opened the user opens the file.
fn open_browser(door: &Path) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let nothing = std::process::Stdio::null;
    let _ = Command::new(opener).arg(door).stdin(nothing()).stdout(nothing()).stderr(nothing()).spawn();
}

/// Ends when a signal asks for it.
async fn stop() {
    while process::signal().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
