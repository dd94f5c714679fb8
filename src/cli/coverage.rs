//! `precode coverage`: what no term caught, answers without a code, and how each rule does.

use super::console::Console;
use super::exit::Exit;
use super::reading::{self, Folder};
use crate::agreement::study::{self, Loaded};
use crate::coding::PROPOSED;
use crate::inspect::kwic::flat;
use crate::inspect::rates::Rates;
use crate::lexicon::Lexicon;
use crate::span::Span;
use crate::store::journal::row::Verdict;
use crate::store::layout::Study;
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Show what the codebook does not catch, and how often each rule is right
#[derive(Args)]
#[command(after_help = "Example:\n  precode coverage study --labels corpus/interviews/labels.jsonl")]
pub struct CoverageArgs {
    /// Folder that `precode code` wrote
    pub(super) study: PathBuf,
    /// Labels of people (JSON Lines or CSV), besides the study's own decisions
    #[arg(long, value_name = "FILE")]
    labels: Vec<PathBuf>,
    /// The codebook; by default the one that the study names, in this folder or in lexicons/
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    /// Words and answers shown at most
    #[arg(long, value_name = "N", default_value_t = 30)]
    most: usize,
}

/// Whether a code holds in an answer, as people said: transcript, turn, code.
type Truth = BTreeMap<(String, usize, String), bool>;

/// Runs the command.
///
/// # Errors
/// When the study or a label file cannot be read, or the standard output is closed or full.
pub fn coverage(args: &CoverageArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let study = Study::at(&args.study);
    let loaded = study::load(&study)?;
    let codebook = reading::codebook_of(&study, &loaded.manifest, args.codebook.as_deref(), console);
    let Some(lexicon) = codebook else { return Ok(Exit::Usage) };
    let Some(folder) = Folder::open(std::slice::from_ref(&args.study), console) else { return Ok(Exit::Usage) };
    let mut rates = Rates::new(&lexicon);
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    reading::each(&folder, console, |transcript| {
        rates.add(transcript);
        texts.insert(transcript.name.clone(), transcript.text.clone());
    });
    words(args, &rates, console)?;
    let shown = uncoded(args, &loaded, &texts, console)?;
    reading::remember(&study, &loaded.manifest.lexicon.sha256, "coverage", shown)?;
    let truth = truth(args, &loaded, console)?;
    rules(&lexicon, &rates, &truth, console)?;
    Ok(Exit::Done)
}

fn words(args: &CoverageArgs, rates: &Rates, console: &mut Console) -> anyhow::Result<()> {
    let mut words: Vec<_> =
        rates.uncaught.iter().map(|(stem, (n, transcripts))| (stem, *n, transcripts.len())).collect();
    // Words of many interviews before those of one.
    words.sort_by(|a, b| (b.2, b.1, a.0).cmp(&(a.2, a.1, b.0)));
    console.say(&console.bold("Stems that no term caught (times, interviews)"))?;
    for line in words.iter().take(args.most).collect::<Vec<_>>().chunks(5) {
        let cells: Vec<String> =
            line.iter().map(|(stem, n, of)| format!("{:<22}", format!("{stem} ({n}, {of})"))).collect();
        console.say(&format!("  {}", cells.join(" ").trim_end()))?;
    }
    Ok(())
}

/// Answers in which nothing is proposed; gives back those that were shown.
fn uncoded(
    args: &CoverageArgs,
    loaded: &Loaded,
    texts: &BTreeMap<String, String>,
    console: &mut Console,
) -> anyhow::Result<BTreeSet<(String, usize)>> {
    let proposed = loaded.codings.iter().filter(|coding| coding.confidence >= PROPOSED);
    let coded: BTreeSet<(&str, usize)> = proposed.map(|coding| (coding.transcript.as_str(), coding.turn)).collect();
    let all = loaded.answers.iter().count();
    let without: Vec<_> = loaded.answers.iter().filter(|(name, turn, ..)| !coded.contains(&(*name, *turn))).collect();
    console.say(&console.bold(&format!("\nAnswers without a code: {} of {all}", without.len())))?;
    let mut shown = BTreeSet::new();
    for (name, turn, start, end) in without.iter().take(args.most) {
        let text = texts.get(*name).map_or("", String::as_str);
        let words: String = flat(characters(text, *start, *end)).chars().take(90).collect();
        console.say(&format!("  {name}:{turn}  {words}"))?;
        shown.insert((name.to_string(), *turn));
    }
    if without.len() > args.most {
        console.say(&format!("  … and {} more", without.len() - args.most))?;
    }
    Ok(shown)
}

/// The text between two code points.
fn characters(text: &str, start: usize, end: usize) -> &str {
    let byte = |char: usize| text.char_indices().nth(char).map_or(text.len(), |(byte, _)| byte);
    Span { start: byte(start), end: byte(end.max(start)) }.of(text)
}

/// What people said of answers: decisions of the study, and label files.
fn truth(args: &CoverageArgs, loaded: &Loaded, console: &mut Console) -> anyhow::Result<Truth> {
    let mut truth = Truth::new();
    for row in loaded.decisions.iter().filter(|row| row.verdict != Verdict::Unsure) {
        let holds = truth.entry((row.transcript.clone(), row.turn, row.code.clone())).or_default();
        *holds |= row.verdict == Verdict::Present;
    }
    let codes: Vec<&str> = loaded.manifest.codebook.codes.iter().map(|code| code.name.as_str()).collect();
    for file in &args.labels {
        let (labels, problems) = study::labels(file, &loaded.answers)?;
        console.problems(&problems);
        for labels in labels {
            for (name, turn) in &labels.judged {
                codes.iter().for_each(|code| {
                    truth.entry((name.clone(), *turn, code.to_string())).or_default();
                });
            }
            for (name, turn, _, code) in labels.marks {
                truth.insert((name, turn, code), true);
            }
        }
    }
    Ok(truth)
}

fn rules(lexicon: &Lexicon, rates: &Rates, truth: &Truth, console: &mut Console) -> anyhow::Result<()> {
    console.say(&console.bold("\nRules: hits, interviews, answers judged, of these right"))?;
    for (place, rule) in lexicon.rules.iter().enumerate() {
        let answers = &rates.answers_of[place];
        let interviews: BTreeSet<&str> = answers.iter().map(|(name, _)| name.as_str()).collect();
        let codes = rule.codes.iter().map(|&code| &lexicon.codebook.code(code).name);
        let judged: Vec<bool> = codes
            .flat_map(|code| {
                answers.iter().filter_map(move |(name, turn)| truth.get(&(name.clone(), *turn, code.clone())))
            })
            .copied()
            .collect();
        let right = judged.iter().filter(|holds| **holds).count();
        let precision = match judged.len() {
            0 => "-".to_string(),
            n => format!("{right} ({:.0} %)", 100.0 * right as f64 / n as f64),
        };
        let (hits, interviews, judged) = (rates.hits[place], interviews.len(), judged.len());
        console.say(&format!("  {:<44} {hits:>5} {interviews:>4} {judged:>5} {precision:>12}", rule.id))?;
    }
    Ok(())
}
