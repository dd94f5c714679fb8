//! `precode triage`: which proposals may be accepted unseen, which need people, and what was missed.

use super::console::Console;
use super::exit::Exit;
use super::learn::{LabelArgs, codebook, is_whole, write_whole};
use crate::agreement::bootstrap::Bootstrap;
use crate::agreement::study::{self, Loaded};
use crate::coding::PROPOSED;
use crate::learn::example::Examples;
use crate::learn::measure::Forecast;
use crate::learn::model::{Model, apply};
use crate::learn::recall::{self, Answer, Missed};
use crate::learn::report::{Settings, learn};
use crate::learn::triage::{Accept, Share, accept_above, share};
use crate::learn::validate::forecasts;
use crate::store::layout::Study;
use crate::transcript::SpeakerRole;
use anyhow::Context;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

/// Say which proposals may be accepted unseen, and measure what was missed.
///
/// The bound on wrong proposals comes from blind decisions on interviews that the confidence was not fitted on.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  precode triage study --labels corpus/interviews/labels.jsonl --max-wrong 0.2")]
pub struct TriageArgs {
    /// Folder that `precode code` wrote
    pub(super) study: PathBuf,
    #[command(flatten)]
    labels: LabelArgs,
    /// The share of accepted proposals that may be wrong
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    max_wrong: f64,
    /// Write this many answers to `recall.jsonl`, drawn at random with likely misses favoured, to be judged blind
    #[arg(long, value_name = "N")]
    sample_unseen: Option<usize>,
    /// Write the report as JSON and not for people
    #[arg(long)]
    json: bool,
    /// Seed of the sample
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed)]
    seed: u64,
}

/// One line: all codes together, or one.
#[derive(Serialize)]
struct Line {
    code: Option<String>,
    accept: Option<Accept>,
    rows: Share,
}

#[derive(Serialize)]
struct Report {
    max_wrong: f64,
    confidence: &'static str,
    decisions: usize,
    lines: Vec<Line>,
    missed: Vec<Missed>,
}

/// Runs the command.
pub fn triage(args: &TriageArgs, console: &mut Console) -> anyhow::Result<Exit> {
    if !(args.max_wrong > 0.0 && args.max_wrong < 1.0) {
        console.warn(&format!("error: `--max-wrong` must lie between 0 and 1, found {}", args.max_wrong));
        return Ok(Exit::Usage);
    }
    let study = Study::at(&args.study);
    let loaded = study::load(&study)?;
    let examples = args.labels.examples(&loaded, console)?;
    if let Some(n) = args.sample_unseen {
        return sample(args, &study, &loaded, &examples, n, console);
    }
    let report = report(args, &study, &loaded, &examples)?;
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { render(&report) };
    console.bytes(text.as_bytes())?;
    Ok(if report.decisions == 0 { Exit::Nothing } else { Exit::Done })
}

fn report(args: &TriageArgs, study: &Study, loaded: &Loaded, examples: &Examples) -> anyhow::Result<Report> {
    let (confidence, held_out, rows) = confidences(study, loaded, examples, args.seed)?;
    let codes: BTreeSet<&str> = loaded.codings.iter().map(|row| row.code.as_str()).collect();
    let line = |code: Option<&str>| {
        let keep = |other: &str| code.is_none_or(|code| code == other);
        let measured: Vec<Forecast> = forecasts(examples, &held_out, keep);
        let accept = accept_above(&measured, args.max_wrong);
        let own = loaded.codings.iter().zip(&rows).filter(|(row, _)| keep(&row.code)).map(|(_, p)| *p);
        Line { code: code.map(str::to_string), accept, rows: share(own, accept, PROPOSED) }
    };
    let lines = std::iter::once(line(None)).chain(codes.iter().map(|code| line(Some(code)))).collect();
    let decisions = examples.rows.iter().filter(|e| e.measures).count();
    let missed = missed(study, loaded, examples, args.seed)?;
    Ok(Report { max_wrong: args.max_wrong, confidence, decisions, lines, missed })
}

/// Held-out confidences of the examples and the confidences of all rows: the learned ones if the study has them.
fn confidences(
    study: &Study,
    loaded: &Loaded,
    examples: &Examples,
    seed: u64,
) -> anyhow::Result<(&'static str, Vec<f64>, Vec<f64>)> {
    let path = study.root().join("confidence.json");
    let shown: Vec<f64> = loaded.codings.iter().map(|row| row.confidence).collect();
    if !path.exists() {
        return Ok(("as coded", examples.rows.iter().map(|e| shown[e.row]).collect(), shown));
    }
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let model: Model = serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?;
    let bootstrap = Bootstrap { resamples: 1, ..Bootstrap::default() };
    let settings = Settings { stems: model.stems, orders: 0, seed, bootstrap };
    let outcome = learn(&loaded.codings, examples, &codebook(loaded), &settings);
    let adopted = |code: &str| model.codes.get(code).is_some_and(|of| of.adopted);
    let held_out = examples.rows.iter().zip(&outcome.held_out);
    let held_out = held_out.map(|(e, (before, after))| if adopted(&e.code) { *after } else { *before }).collect();
    let mut rows = loaded.codings.clone();
    apply(&model, &mut rows, is_whole(loaded));
    Ok(("learned, held out", held_out, rows.iter().map(|row| row.confidence).collect()))
}

/// Writes the sample.
fn sample(
    args: &TriageArgs,
    study: &Study,
    loaded: &Loaded,
    examples: &Examples,
    n: usize,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let judged = judged_blind(loaded, examples);
    let answers: Vec<Answer> = loaded
        .turns
        .iter()
        .filter(|turn| turn.speaker_role == SpeakerRole::Respondent)
        .map(|turn| Answer {
            transcript: turn.transcript.clone(),
            turn: turn.turn,
            start: turn.start,
            end: turn.end,
            words: turn.words,
        })
        .collect();
    let sampled = recall::sample(&answers, &loaded.codings, &judged, n, args.seed);
    let mut lines = String::new();
    for answer in &sampled {
        let _ = writeln!(lines, "{}", serde_json::to_string(answer)?);
    }
    write_whole(&recall::path(study), lines.as_bytes())?;
    console.say(&format!(
        "{} answers to be judged blind, in recall.jsonl; `precode review` serves them, `precode triage` reads the result",
        sampled.len()
    ))?;
    Ok(if sampled.is_empty() { Exit::Nothing } else { Exit::Done })
}

/// Answers that somebody judged without proposals in sight.
fn judged_blind(loaded: &Loaded, examples: &Examples) -> BTreeSet<(String, usize)> {
    let rows = examples.rows.iter().filter(|e| e.measures);
    let rows = rows.map(|e| (loaded.codings[e.row].transcript.clone(), e.turn));
    let untouched = examples.untouched.iter().filter(|u| u.measures);
    rows.chain(untouched.map(|u| (u.transcript.clone(), u.turn))).collect()
}

/// What was missed, once answers of the sample were judged.
fn missed(study: &Study, loaded: &Loaded, examples: &Examples, seed: u64) -> anyhow::Result<Vec<Missed>> {
    let sampled = recall::read(study)?;
    let mut verdicts: BTreeMap<(&str, usize, &str), bool> = BTreeMap::new();
    for e in examples.rows.iter().filter(|e| e.measures) {
        *verdicts.entry((&loaded.codings[e.row].transcript, e.turn, &e.code)).or_default() |= e.holds;
    }
    for u in examples.untouched.iter().filter(|u| u.measures) {
        *verdicts.entry((&u.transcript, u.turn, &u.code)).or_default() |= u.holds;
    }
    let codes: Vec<String> = loaded.manifest.codebook.codes.iter().map(|code| code.name.clone()).collect();
    let verdict = |transcript: &str, turn: usize, code: &str| verdicts.get(&(transcript, turn, code)).copied();
    Ok(recall::estimate(&sampled, &codes, verdict, seed))
}

fn render(report: &Report) -> String {
    let mut out = format!(
        "At most {:.1} % of what is accepted unseen may be wrong (95 % certainty; {} blind decisions; confidence: {})\n",
        100.0 * report.max_wrong,
        report.decisions,
        report.confidence
    );
    let _ = writeln!(
        out,
        "  {:<28}{:>9}{:>14}{:>9}{:>10}{:>8}{:>9}",
        "code", "accept at", "wrong/judged", "at most", "accepted", "people", "abstain"
    );
    for line in &report.lines {
        let name = line.code.as_deref().unwrap_or("all codes");
        let (at, judged, most) = match line.accept {
            Some(a) => {
                (format!("{:.2}", a.at_least), format!("{}/{}", a.wrong, a.judged), format!("{:.3}", a.at_most_wrong))
            }
            None => ("nowhere".to_string(), "-".to_string(), "-".to_string()),
        };
        let Share { accepted, people, abstained } = line.rows;
        let _ = writeln!(out, "  {name:<28}{at:>9}{judged:>14}{most:>9}{accepted:>10}{people:>8}{abstained:>9}");
    }
    if !report.missed.is_empty() {
        let _ = writeln!(out, "\nMissed: answers that have a code which is not proposed there");
        let _ = writeln!(out, "  {:<28}{:>8}{:>7}   estimate [95 %]", "code", "judged", "found");
        for m in &report.missed {
            let _ = writeln!(
                out,
                "  {:<28}{:>8}{:>7}   {:.1} [{:.0}, {:.0}]",
                m.code, m.judged, m.found, m.missed, m.interval.low, m.interval.high
            );
        }
    }
    out
}
