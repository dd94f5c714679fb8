//! `precode agree`: reliability between coders, and between coders and the machine.

use super::console::Console;
use super::exit::Exit;
use crate::agreement::judgement::Stratum;
use crate::agreement::measure::{Request, measure};
use crate::agreement::panel::Settings;
use crate::agreement::study::{self, LabelFile};
use crate::agreement::units::Unit;
use crate::agreement::{bootstrap::Bootstrap, render, rho::Rho};
use crate::coding::PROPOSED;
use crate::store::layout::Study;
use std::path::PathBuf;

/// How well coders agree, with intervals; the machine is a coder too.
///
/// Coders come from the study's decisions and from label files. Blind and assisted judgements are never mixed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  precode agree study --labels corpus/interviews/labels.jsonl --reference labels")]
pub struct AgreeArgs {
    /// Folder that `precode code` wrote
    pub(super) study: PathBuf,
    /// Labels of coders who saw no proposals: JSON Lines (transcript, turn, labels, coder) or CSV (coder, transcript,
    /// turn or start and end, code). The same coder in two files is compared with themself
    #[arg(long, value_name = "FILE")]
    labels: Vec<PathBuf>,
    /// Labels of coders who saw the machine's proposals
    #[arg(long, value_name = "FILE")]
    assisted: Vec<PathBuf>,
    /// The coder that the others are held against: adds precision, recall and F1
    #[arg(long, value_name = "NAME")]
    reference: Option<String>,
    /// Only these codes, and codes of these facets: "role,barrier.directives"
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// What is counted
    #[arg(long, value_enum, default_value = "answer")]
    unit: Unit,
    /// How the report is written
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// The machine gives a code at this confidence or more
    #[arg(long, default_value_t = PROPOSED)]
    threshold: f64,
    /// Leave the machine out
    #[arg(long)]
    people_only: bool,
    /// The kappa that Shaffer's rho is asked about
    #[arg(long, value_name = "KAPPA", default_value_t = Rho::default().threshold)]
    rho_threshold: f64,
    /// Plan: how many units two people must code for a 95 % interval of kappa of this width
    #[arg(long, value_name = "WIDTH")]
    plan: Option<f64>,
    /// The kappa that the plan assumes
    #[arg(long, value_name = "KAPPA", default_value_t = 0.8)]
    plan_kappa: f64,
    /// Use answers that were seen under an earlier codebook all the same; such figures are no validation
    #[arg(long)]
    include_seen: bool,
    /// Resamples of the bootstrap
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().resamples)]
    resamples: usize,
    /// Seed of the bootstrap
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One line a figure
    Csv,
    /// Everything
    Json,
    /// For a methods section, with formula and source
    Markdown,
}

/// Runs the command.
pub fn agree(args: &AgreeArgs, console: &mut Console) -> anyhow::Result<Exit> {
    if let Some(wrong) = wrong_number(args) {
        console.warn(&format!("error: {wrong}"));
        return Ok(Exit::Usage);
    }
    let study = Study::at(&args.study);
    let loaded = study::load(&study)?;
    let threshold = (!args.people_only).then_some(args.threshold);
    let (mut judgements, problems) = study::judgements(&loaded, &files(args), threshold)?;
    console.problems(&problems);
    if judgements.coders.len() < 2 {
        console.warn("error: only one coder; help: give labels with --labels, or decide with `precode review`");
        return Ok(Exit::Nothing);
    }
    if let Some(name) = args.reference.as_ref().filter(|name| !judgements.coders.iter().any(|c| c.name == **name)) {
        let known: Vec<String> = judgements.coders.iter().map(|coder| format!("`{}`", coder.name)).collect();
        console.warn(&format!("error: no coder `{name}`; there are {}", known.join(", ")));
        return Ok(Exit::Usage);
    }
    if loaded.orphans > 0 {
        let lost = format!("{} decisions are on passages that this run does not have; left out", loaded.orphans);
        console.warn(&format!("warning: {lost}"));
    }
    if !args.only.is_empty() {
        judgements.keep_only(&args.only);
    }
    if judgements.codes.is_empty() {
        console.warn("error: no code of this name; help: give full names or facets, as in the codebook");
        return Ok(Exit::Usage);
    }
    let places = study::places(&study, &loaded, &mut judgements, args.unit)?;
    let report = measure(&judgements, &places, &loaded.leaked, &request(args));
    let text = match args.format {
        Format::Table => render::table(&report),
        Format::Csv => render::csv(&report)?,
        Format::Json => render::json(&report)?,
        Format::Markdown => render::markdown(&report),
    };
    console.bytes(text.as_bytes())?;
    let partial = !problems.is_empty() || report.refused.is_some();
    Ok(if partial { Exit::Partial } else { Exit::Done })
}

/// Numbers that no figure could be made from.
fn wrong_number(args: &AgreeArgs) -> Option<String> {
    let share = |name: &str, value: f64| {
        (!(0.0..=1.0).contains(&value)).then(|| format!("`--{name}` must be between 0 and 1, found {value}"))
    };
    let width = args.plan.filter(|width| !(*width > 0.0 && *width < 2.0));
    width
        .map(|width| format!("`--plan` must be above 0 and below 2, found {width}"))
        .or_else(|| share("threshold", args.threshold))
        .or_else(|| share("rho-threshold", args.rho_threshold))
        .or_else(|| share("plan-kappa", args.plan_kappa))
        .or_else(|| (args.resamples < 100).then(|| "`--resamples` must be at least 100".to_string()))
        .or_else(|| (args.rho_threshold <= 0.4).then(|| "`--rho-threshold` must be above 0.4".to_string()))
}

fn files(args: &AgreeArgs) -> Vec<LabelFile> {
    let of = |paths: &[PathBuf], stratum| {
        paths.iter().map(|path| LabelFile { path: path.clone(), stratum }).collect::<Vec<_>>()
    };
    let mut files = of(&args.labels, Stratum::Blind);
    files.extend(of(&args.assisted, Stratum::Assisted));
    files
}

fn request(args: &AgreeArgs) -> Request {
    let bootstrap = Bootstrap { resamples: args.resamples, seed: args.seed, ..Bootstrap::default() };
    let rho = Rho { threshold: args.rho_threshold, ..Rho::default() };
    Request {
        unit: args.unit,
        reference: args.reference.clone(),
        settings: Settings { bootstrap, rho },
        plan: args.plan.map(|width| (width, args.plan_kappa)),
        include_seen: args.include_seen,
    }
}
