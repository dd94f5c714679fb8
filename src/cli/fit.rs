//! `precode fit`: the confidence that a codebook ships with, fitted on labelled speech and measured on other speech.

use super::{Console, Exit};
use crate::codebook::{CodeId, Codebook};
use crate::learn::scorecard::{self, Card};
use crate::learn::shipped::{self, Answer, Practice};
use crate::lexicon::{self, Lexicon, model};
use crate::pipeline::{Coder, Options, Worker};
use crate::store::corpus::{self, Input};
use crate::transcript::respondents::{self, Respondents};
use crate::transcript::{self, ReadOptions, SpeakerRole};
use anyhow::Context as _;
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Fit the confidence that a codebook ships with, and report how good it is on speech it has not seen
#[derive(Args)]
#[command(after_help = "Example, which makes lexicons/brokering.confidence.json, .cues.tsv and .evidence.md again:
  precode fit lexicons/brokering.toml --practice corpus/practice/brokering --practice corpus/practice/elsewhere \
    --development corpus/interviews --test corpus/test/brokering")]
pub struct FitArgs {
    /// The codebook
    #[arg(value_name = "CODEBOOK")]
    codebook: PathBuf,

    /// Labelled speech that the weights of cues are fitted on
    #[arg(long, required = true, value_name = "FOLDER")]
    practice: Vec<PathBuf>,

    /// Labelled interviews that the confidence is fitted on too, and measured on with each interview held out
    #[arg(long, value_name = "FOLDER")]
    development: Vec<PathBuf>,

    /// Labelled speech for measuring only
    #[arg(long, value_name = "FOLDER")]
    test: Vec<PathBuf>,

    /// Report only; leave the files beside the codebook as they are
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: &FitArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let lexicon = match lexicon::load_rules(&args.codebook) {
        Ok((lexicon, _)) => lexicon,
        Err(problems) => {
            problems.iter().for_each(|problem| console.warn(&problem.block()));
            return Ok(Exit::Usage);
        }
    };
    let practice_answers = answers(&lexicon, &args.practice)?;
    let development = answers(&lexicon, &args.development)?;
    let practice = Practice::new(&lexicon.codebook, &practice_answers);
    let all: Vec<&Answer> = development.iter().collect();
    let fitted_on = [(&practice_answers, "practice"), (&development, "development")].map(|(answers, name)| {
        format!("{} {name} answers of {} respondents", answers.len(), respondents_of(answers))
    });
    let fitted = practice.confidence(&all, &lexicon.digest, fitted_on.to_vec());
    let mut cards = Vec::new();
    if !development.is_empty() {
        let held_out = shipped::held_out(&practice, &development, &lexicon.digest);
        cards.push(Card::new("development interviews, each held out", &lexicon.codebook, &development, held_out));
    }
    for folder in &args.test {
        let test = answers(&lexicon, std::slice::from_ref(folder))?;
        let confidences = test.iter().map(|answer| shipped::confidences(&practice, &fitted, answer)).collect();
        let name = format!("test: {}", folder.file_name().unwrap_or_default().to_string_lossy());
        cards.push(Card::new(&name, &lexicon.codebook, &test, confidences));
    }
    let name = args.codebook.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let report = scorecard::render(&name, &fitted.fitted_on, practice.n_cues(), &cards);
    console.say(report.trim_end())?;
    if !args.dry_run {
        write(&args.codebook, &lexicon.codebook, &practice, &fitted, &report)?;
    }
    Ok(Exit::Done)
}

fn respondents_of(answers: &[Answer]) -> usize {
    answers.iter().map(|answer| &answer.interview).collect::<BTreeSet<_>>().len()
}

fn write(
    path: &Path,
    codebook: &Codebook,
    practice: &Practice,
    fitted: &model::Confidence,
    report: &str,
) -> anyhow::Result<()> {
    let (confidence_path, cues_path) = model::paths(path);
    let json = serde_json::to_string_pretty(fitted)? + "\n";
    for (path, text) in [
        (confidence_path, json),
        (cues_path, practice.cues().render(codebook)),
        (path.with_extension("evidence.md"), report.to_string()),
    ] {
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The labelled answers in folders: every transcript with a `labels.jsonl` beside it.
fn answers(lexicon: &Lexicon, folders: &[PathBuf]) -> anyhow::Result<Vec<Answer>> {
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let corpus = corpus::walk(folders, &[])?;
    let mut tables = Respondents::default();
    for path in &corpus.respondents {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let table = Respondents::parse(&bytes, &path.display().to_string());
        tables.extend(table.map_err(|problems| anyhow::anyhow!("{}", problems[0].line()))?);
    }
    let coder = Coder::new(lexicon, Options::default());
    let mut worker = coder.worker();
    let mut labels = Labels::default();
    let mut all = Vec::new();
    for input in corpus.inputs.iter() {
        all.extend(answers_of(lexicon, &mut worker, &tables, &mut labels, &input)?);
    }
    Ok(all)
}

fn answers_of(
    lexicon: &Lexicon,
    worker: &mut Worker,
    tables: &Respondents,
    labels: &mut Labels,
    input: &Input,
) -> anyhow::Result<Vec<Answer>> {
    let options = ReadOptions::default();
    let bytes = corpus::read(input, options.max_bytes).map_err(|problem| anyhow::anyhow!("{}", problem.line()))?;
    let mut transcript = transcript::read(&bytes, &input.source, &options)
        .map_err(|problems| anyhow::anyhow!("{}", problems[0].line()))?;
    transcript.name.clone_from(&input.name);
    respondents::attach(&mut transcript, tables);
    let given = labels.beside(&input.path, &transcript.name, lexicon)?;
    let turns = crate::turn::split(&transcript);
    let mut observed: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for segment in worker.observe(&transcript) {
        observed.entry(segment.turn).or_default().push(segment);
    }
    // An answer that is cut into several segments has labels for none of them in particular.
    let whole = observed.into_iter().filter(|(_, segments)| segments.len() == 1);
    let labelled = whole.filter_map(|(turn, segments)| Some((turn, segments, given.get(&turn)?)));
    let answers = labelled.map(|(turn, segments, codes)| {
        let speaker = transcript.speaker(turns[turn].speaker);
        debug_assert_eq!(speaker.role, SpeakerRole::Respondent);
        let respondent = speaker.attributes.get("respondent_id").unwrap_or(&speaker.name);
        let interview = format!("{}/{respondent}", transcript.name);
        Answer::new(interview, &segments[0], codes.clone(), &lexicon.codebook)
    });
    Ok(answers.collect())
}

/// Label files, read once each.
#[derive(Default)]
struct Labels {
    by_file: BTreeMap<PathBuf, BTreeMap<(String, usize), Vec<String>>>,
}

#[derive(serde::Deserialize)]
struct Row {
    transcript: String,
    turn: usize,
    labels: Vec<String>,
}

impl Labels {
    /// Codes by turn, from the `labels.jsonl` beside a transcript.
    fn beside(
        &mut self,
        path: &Path,
        transcript: &str,
        lexicon: &Lexicon,
    ) -> anyhow::Result<BTreeMap<usize, BTreeSet<CodeId>>> {
        let file = path.with_file_name("labels.jsonl");
        if !self.by_file.contains_key(&file) {
            self.by_file.insert(file.clone(), read_labels(&file)?);
        }
        let name = Path::new(transcript).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rows = self.by_file[&file].iter().filter(|((transcript, _), _)| *transcript == name);
        let codes = |labels: &Vec<String>| labels.iter().filter_map(|label| lexicon.codebook.id(label)).collect();
        Ok(rows.map(|((_, turn), labels)| (*turn, codes(labels))).collect())
    }
}

fn read_labels(file: &Path) -> anyhow::Result<BTreeMap<(String, usize), Vec<String>>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let rows = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(|(i, line)| {
        let row: Row = serde_json::from_str(line).with_context(|| format!("{}:{}", file.display(), i + 1))?;
        Ok(((row.transcript, row.turn), row.labels))
    });
    rows.collect()
}
