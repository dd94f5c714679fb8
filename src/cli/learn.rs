//! `precode learn`: confidence fitted on the study's decisions.

use super::console::Console;
use super::exit::Exit;
use crate::agreement::bootstrap::Bootstrap;
use crate::agreement::judgement::Stratum;
use crate::agreement::study::{self, LabelFile, Loaded};
use crate::learn::example::{Examples, collect};
use crate::learn::model::{MODEL_SCHEMA, Model};
use crate::learn::report::{self, Book, Outcome, Settings};
use crate::store::layout::Study;
use crate::store::manifest::SHIPPED;
use anyhow::Context;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Fit confidence on the study's decisions, and say what that gained on interviews it had not seen.
///
/// Writes `confidence.json` into the study, for `precode code --confidence`, and the folder `learn` with the report and
/// its pictures; changes nothing else. The learned confidence is used for a code only where it was better.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  precode learn study --labels corpus/interviews/labels.jsonl")]
pub struct LearnArgs {
    /// Folder that `precode code` wrote
    pub(super) study: PathBuf,
    #[command(flatten)]
    labels: LabelArgs,
    /// Use this fitted confidence of another study and measure it on this study's decisions
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// With --from: carry it over although the codebook differs
    #[arg(long, requires = "from")]
    other_codebook: bool,
    /// Word stems of the passages as evidence too; needs many decisions
    #[arg(long)]
    stems: bool,
    /// Write the report as JSON and not for people
    #[arg(long)]
    json: bool,
    /// Write every held-out confidence to this CSV
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Resamples of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: usize,
    /// Random orders of the decisions that the learning curve is averaged over; 0 leaves the curve out
    #[arg(long, value_name = "N", default_value_t = 5)]
    orders: u64,
    /// Seed of groups, orders and resamples
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed)]
    seed: u64,
}

/// Label files, as `learn` and `triage` take them.
#[derive(clap::Args)]
pub struct LabelArgs {
    /// Labels of coders who saw no proposals (see `precode agree --help`)
    #[arg(long, value_name = "FILE")]
    labels: Vec<PathBuf>,
    /// Labels of coders who saw the machine's proposals: they train and never measure
    #[arg(long, value_name = "FILE")]
    assisted: Vec<PathBuf>,
}

impl LabelArgs {
    /// The files with how they were made.
    fn files(&self) -> Vec<LabelFile> {
        let of = |(path, stratum): (&PathBuf, Stratum)| LabelFile { path: path.clone(), stratum };
        let blind = self.labels.iter().map(|path| (path, Stratum::Blind));
        blind.chain(self.assisted.iter().map(|path| (path, Stratum::Assisted))).map(of).collect()
    }

    /// Everything that people judged, with what cannot be used told to the user.
    pub fn examples(&self, loaded: &Loaded, console: &mut Console) -> anyhow::Result<Examples> {
        let (judgements, problems) = study::judgements(loaded, &self.files(), None)?;
        console.problems(&problems);
        let mut examples = collect(&loaded.codings, &judgements, &loaded.interviews);
        examples.unmeasure(&loaded.codings, &loaded.leaked);
        Ok(examples)
    }
}

/// Runs the command.
pub fn learn(args: &LearnArgs, console: &mut Console) -> anyhow::Result<Exit> {
    if args.resamples < 100 {
        console.warn("error: `--resamples` must be at least 100");
        return Ok(Exit::Usage);
    }
    let study = Study::at(&args.study);
    let loaded = study::load(&study)?;
    let examples = args.labels.examples(&loaded, console)?;
    let bootstrap = Bootstrap { resamples: args.resamples, seed: args.seed, ..Bootstrap::default() };
    if let Some(from) = &args.from {
        return carry(args, from, &study, &loaded, &examples, &bootstrap, console);
    }
    warn_of_own_confidence(&loaded, console);
    let settings = Settings { stems: args.stems, orders: args.orders, seed: args.seed, bootstrap };
    let outcome = report::learn(&loaded.codings, &examples, &codebook(&loaded), &settings);
    write(&study, &outcome)?;
    if let Some(path) = &args.predictions {
        write_whole(path, predictions(&loaded, &examples, &outcome).as_bytes())?;
    }
    let text = if args.json {
        serde_json::to_string_pretty(&outcome.report)? + "\n"
    } else {
        report::render(&outcome.report)
    };
    console.bytes(text.as_bytes())?;
    Ok(if examples.rows.is_empty() { Exit::Nothing } else { Exit::Done })
}

/// What learning must know of the codebook and of how the study was coded.
pub fn codebook(loaded: &Loaded) -> Book {
    let manifest = &loaded.manifest;
    let exclusive = manifest.codebook.facets.iter().filter(|facet| facet.exclusive);
    Book {
        digest: manifest.lexicon.sha256.clone(),
        exclusive: exclusive.map(|facet| facet.name.clone()).collect(),
        whole: is_whole(loaded),
    }
}

/// Whether answers were judged as one piece.
pub fn is_whole(loaded: &Loaded) -> bool {
    loaded.manifest.options.get("unit").is_none_or(|unit| unit == "answer")
}

/// A study that was coded with a fitted confidence: decisions that it was fitted on flatter it as what is replaced.
fn warn_of_own_confidence(loaded: &Loaded, console: &mut Console) {
    let confidence = &loaded.manifest.confidence;
    if confidence.name != SHIPPED {
        console.warn(&format!(
            "warning: the study was coded with the fitted confidence {}; where it was fitted on decisions of this study, \
             \"before\" is not held out, and what learning gains is understated; help: code the study again without \
             --confidence, then learn",
            confidence.name
        ));
    }
}

/// `confidence.json`, and the report with its pictures in `learn/`.
fn write(study: &Study, outcome: &Outcome) -> anyhow::Result<()> {
    let folder = study.root().join("learn");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    if let Some(model) = &outcome.model {
        write_model(study, model)?;
    }
    let json = serde_json::to_string_pretty(&outcome.report)? + "\n";
    write_whole(&folder.join("report.json"), json.as_bytes())?;
    for (name, picture) in report::pictures(&outcome.report) {
        write_whole(&folder.join(name), picture.as_bytes())?;
    }
    Ok(())
}

fn write_model(study: &Study, model: &Model) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(model)? + "\n";
    write_whole(&study.root().join("confidence.json"), json.as_bytes())
}

/// Written beside its name and moved there when whole; readable by its owner alone.
pub fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".partial-{}", std::process::id()));
    let partial = path.with_file_name(name);
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.write(true).create(true).truncate(true).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().inspect_err(|_| drop(std::fs::remove_file(&partial))).with_context(|| path.display().to_string())
}

/// Held-out confidences, one line a decision; then those of the learning curve, after so many decisions in each order.
/// What trained is known from it: of the decisions in another fold, the first ones by `rank`.
fn predictions(loaded: &Loaded, examples: &Examples, outcome: &Outcome) -> String {
    let mut out = String::from("decisions,order,transcript,turn,code,holds,measures,fold,rank,before,learned\n");
    let all = (String::from("all"), None, outcome.held_out.iter().map(|(_, learned)| *learned).collect::<Vec<_>>());
    let curve =
        outcome.traces.iter().map(|t| (format!("{},{}", t.decisions, t.order), Some(&t.rank), t.confidences.clone()));
    for (name, rank, learned) in std::iter::once(all).chain(curve) {
        let name = if rank.is_none() { format!("{name},") } else { name };
        for (i, example) in examples.rows.iter().enumerate() {
            let row = &loaded.codings[example.row];
            let transcript = row.transcript.replace('"', "\"\"");
            let place = format!("\"{transcript}\",{},{}", row.turn, row.code);
            let said = format!("{},{}", u8::from(example.holds), u8::from(example.measures));
            let rank = rank.map_or_else(String::new, |rank| rank[i].to_string());
            let (fold, before) = (outcome.fold[i], outcome.held_out[i].0);
            let _ = writeln!(out, "{name},{place},{said},{fold},{rank},{before},{}", learned[i]);
        }
    }
    out
}

fn carry(
    args: &LearnArgs,
    from: &Path,
    study: &Study,
    loaded: &Loaded,
    examples: &Examples,
    bootstrap: &Bootstrap,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let bytes = std::fs::read(from).with_context(|| from.display().to_string())?;
    let mut model: Model = serde_json::from_slice(&bytes).with_context(|| from.display().to_string())?;
    if model.schema != MODEL_SCHEMA {
        console.warn(&format!("error: {}: expected schema {MODEL_SCHEMA}", from.display()));
        return Ok(Exit::Usage);
    }
    let codebook = &loaded.manifest.lexicon.sha256;
    if model.codebook != *codebook && !args.other_codebook {
        console.warn(&format!(
            "error: {}: was fitted with another version of the codebook; help: fit it anew, or carry it over all the \
             same with --other-codebook",
            from.display()
        ));
        return Ok(Exit::Usage);
    }
    model.codebook.clone_from(codebook);
    let adopted = model.codes.values().filter(|of| of.adopted).count();
    let mut text = String::new();
    let mut is_worse = false;
    if examples.rows.iter().any(|e| e.measures) {
        let gains = report::carried(&model, &loaded.codings, examples, is_whole(loaded), bootstrap);
        report::gain_lines(&mut text, "On this study's decisions, none of which it was fitted on", &gains);
        let loss = gains.iter().find(|gain| gain.measure == "log_loss");
        is_worse = examples.rows.len() >= report::FEWEST && loss.is_some_and(|gain| gain.after >= gain.before);
    }
    if is_worse {
        console.say("not carried over: on this study's decisions it is not better than the present confidence")?;
    } else {
        write_model(study, &model)?;
        console.say(&format!("carried over: {adopted} codes, fitted on {} decisions", model.decisions))?;
    }
    console.bytes(text.as_bytes())?;
    Ok(if is_worse { Exit::Nothing } else { Exit::Done })
}
