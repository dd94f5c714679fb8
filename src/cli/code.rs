//! `precode code`: transcripts in, a study out.

use super::progress::Progress;
use super::summary::Summary;
use super::{Console, Exit, process};
use crate::coding::Coding;
use crate::diagnostic::Severity;
use crate::learn::model::{MODEL_SCHEMA, Model};
use crate::lexicon::cache::{Cache, Fresh};
use crate::lexicon::{self, Lexicon};
use crate::pipeline::{Coder, Options};
use crate::segment::Unit;
use crate::store::corpus::{self, Corpus};
use crate::store::forget::Forgotten;
use crate::store::layout::Study;
use crate::store::manifest::{MANIFEST_SCHEMA, Manifest, Origin, Report, SHIPPED, UNDERLYING};
use crate::store::ordered::Bounds;
use crate::store::places::{self, Places};
use crate::store::publish::{self, Partial};
use crate::store::rows::Cells;
use crate::store::run::{self, Findings, Refit, Run};
use crate::store::{digest, lock};
use crate::transcript::ReadOptions;
use crate::transcript::respondents::Respondents;
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::Builder;
use std::time::Instant;

/// Code transcripts with a lexicon and write a study folder
#[derive(Args)]
#[command(after_help = "Example, on the interviews that are shipped:
  precode code corpus/interviews --codebook lexicons/brokering.toml --out study")]
pub struct CodeArgs {
    /// Folders with transcripts, or transcripts
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// The codebook with its lexicon (TOML)
    #[arg(long, value_name = "FILE")]
    codebook: PathBuf,

    /// The study folder to make, or to bring up to date
    #[arg(long, value_name = "FOLDER", default_value = "study")]
    out: PathBuf,

    /// Attributes of the respondents (CSV); by default the respondents.csv beside the transcripts
    #[arg(long, value_name = "FILE")]
    respondents: Option<PathBuf>,

    /// Confidence fitted on decisions: the confidence.json of precode learn
    #[arg(long, value_name = "FILE")]
    confidence: Option<PathBuf>,

    /// Labels of interviewers, such as "INT,Q,Moderator"; by default found from labels, header and questions
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    interviewer: Vec<String>,

    /// Encoding of files that are not UTF-8, such as windows-1252; by default such files are refused
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,

    /// What is judged as one piece
    #[arg(long, value_enum, default_value = "answer")]
    unit: UnitArg,

    /// Write CSV files that a spreadsheet program can open without running a formula that somebody spoke
    #[arg(long)]
    spreadsheet: bool,

    /// End with exit code 3 when there is any note
    #[arg(long)]
    strict: bool,

    /// Stop at the first file that is refused, and change nothing
    #[arg(long)]
    fail_fast: bool,

    /// No progress bars, no notes; errors are still told
    #[arg(long, short)]
    quiet: bool,

    /// Files worked on at once; by default one per processor core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    #[command(flatten)]
    limits: Limits,
}

/// The unit of coding, as typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum UnitArg {
    /// The whole answer; a very long one is cut at paragraph or sentence borders
    Answer,
    /// Each paragraph of an answer
    Paragraph,
    /// Each sentence
    Sentence,
}

impl UnitArg {
    fn meant(self) -> Unit {
        match self {
            UnitArg::Answer => Unit::Answer,
            UnitArg::Paragraph => Unit::Paragraph,
            UnitArg::Sentence => Unit::Sentence,
        }
    }

    fn name(self) -> &'static str {
        ["answer", "paragraph", "sentence"][self as usize]
    }
}

/// What a file may cost. Sizes may end in K, M or G.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// Largest file
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size)]
    max_bytes: u64,

    /// Largest unpacked size of a docx or another archive
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size)]
    max_unpacked_bytes: u64,

    /// Most entries in an archive
    #[arg(long, value_name = "N", default_value_t = 4096)]
    max_entries: usize,

    /// Deepest nesting of XML and JSON
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_depth: usize,

    /// Most attributes of one XML tag
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_attributes: usize,
}

/// `512`, `64K`, `256M`, `2G`.
fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.trim_end_matches(['b', 'B']).char_indices().next_back() {
        Some((i, 'k' | 'K')) => (&text[..i], 10),
        Some((i, 'm' | 'M')) => (&text[..i], 20),
        Some((i, 'g' | 'G')) => (&text[..i], 30),
        _ => (text, 0),
    };
    let number: Option<u64> = digits.trim().parse().ok();
    number
        .and_then(|n| n.checked_mul(1 << shift))
        .ok_or_else(|| "a size is a number such as 512, 64K, 256M or 2G".to_string())
}

/// Runs the command.
pub fn run(args: &CodeArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let started = Instant::now();
    process::watch()?;
    let Some(material) = gather(args, console)? else { return Ok(Exit::Usage) };
    if material.corpus.inputs.is_empty() && material.corpus.left_out.is_empty() {
        console.warn("error: no transcript found in the folders given; nothing to do");
        return Ok(Exit::Nothing);
    }
    let study = Study::at(&args.out);
    publish::prepare(&study)?;
    let _lock = lock::take(&study)?;
    warn_of_disk(&study, &material.corpus, console);
    let forgotten = Forgotten::load(&study)?;
    let mut partial = Partial::begin(&study)?;
    let mut manifest = material.manifest(args);
    let work = || code(args, &material, &forgotten, &mut partial, &mut manifest);
    let (report, findings) = material.keep_while(work)?;
    tell(args, &findings, console);
    // Said before the switch: when the summary cannot be written, nothing was changed.
    let summary = Summary { study: &args.out, report: &report, findings: &findings, took: started.elapsed() };
    say(&summary, console)?;
    for left in partial.publish(&manifest.run)? {
        console.warn(&format!("warning: could not remove {}", left.display()));
    }
    if places(args, &material, &manifest.run).keep(&study).is_err() {
        console.warn("warning: could not note where the inputs lie; `precode verify` will ask for them");
    }
    console.warn(&done(&report));
    // All is written, and the program ends: to take a large codebook apart piece by piece would only make it wait.
    std::mem::forget(material);
    Ok(exit(args, &report))
}

/// Where the files of a run lie on this machine.
fn places(args: &CodeArgs, material: &Material, run: &str) -> Places {
    let all = |paths: &[PathBuf]| paths.iter().map(|path| places::absolute(path)).collect();
    Places {
        run: run.to_string(),
        inputs: all(&args.inputs),
        codebook: places::absolute(&args.codebook),
        respondents: all(&material.respondents_at),
        confidence: args.confidence.as_deref().map(places::absolute),
    }
}

/// What a run is made from.
struct Material {
    corpus: Corpus,
    lexicon: Lexicon,
    /// Where the lexicon is to be kept.
    fresh: Option<Fresh>,
    respondents: Respondents,
    respondents_at: Vec<PathBuf>,
    respondents_from: Vec<Origin>,
    confidence: Option<(Model, Origin)>,
    read: ReadOptions,
}

/// Reads all that is not a transcript; `None` after having said what is wrong.
fn gather(args: &CodeArgs, console: &mut Console) -> anyhow::Result<Option<Material>> {
    let cache = Cache::of_user(|name| std::env::var_os(name));
    let anew = || lexicon::load(&args.codebook).map(|(lexicon, warnings)| (lexicon, warnings, None));
    let (lexicon, fresh) = match cache.map_or_else(anew, |cache| cache.open(&args.codebook)) {
        Ok((lexicon, warnings, fresh)) => {
            console.problems(warnings.iter().filter(|_| !args.quiet));
            (lexicon, fresh)
        }
        Err(problems) => {
            problems.iter().for_each(|problem| console.warn(&problem.block()));
            return Ok(None);
        }
    };
    let Some(corpus) = walk(args, &lexicon, console) else { return Ok(None) };
    let paths = args.respondents.clone().map_or_else(|| corpus.respondents.clone(), |path| vec![path]);
    let Some((respondents, respondents_from)) = load_respondents(&paths, console) else { return Ok(None) };
    let Some(confidence) = load_confidence(args, &lexicon, console) else { return Ok(None) };
    let read = read_options(args);
    let respondents_at = paths;
    Ok(Some(Material { corpus, lexicon, fresh, respondents, respondents_at, respondents_from, confidence, read }))
}

fn walk(args: &CodeArgs, lexicon: &Lexicon, console: &mut Console) -> Option<Corpus> {
    let own = lexicon.source.files.iter().map(|file| PathBuf::from(&file.path));
    let (fitted, cues) = lexicon::model::paths(&args.codebook);
    let given = args.respondents.iter().chain(&args.confidence).chain([&args.out]).cloned();
    let avoid: Vec<PathBuf> = given.chain(own).chain([fitted, cues]).collect();
    for input in &args.inputs {
        if corpus::is_study(input) {
            console.warn(&format!(
                "error: {}: a study, no transcripts; name the folder that its transcripts lie in",
                shown(input)
            ));
            return None;
        }
        if let Err(error) = std::fs::metadata(input) {
            console.warn(&format!("error: {}: {error}; name a folder with transcripts", shown(input)));
            return None;
        }
    }
    let corpus = corpus::walk(&args.inputs, &avoid).map_err(|error| console.warn(&format!("error: {error}"))).ok()?;
    if let Some(first) = corpus.studies.first().filter(|_| !args.quiet) {
        let others = corpus.studies.len() - 1;
        let others = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        console
            .warn(&format!("note: {}{others}: a study, not read as transcripts", crate::diagnostic::escape(first)));
    }
    Some(corpus)
}

fn read_options(args: &CodeArgs) -> ReadOptions {
    ReadOptions {
        max_bytes: args.limits.max_bytes,
        max_unpacked_bytes: args.limits.max_unpacked_bytes,
        max_entries: args.limits.max_entries,
        max_depth: args.limits.max_depth,
        max_attributes: args.limits.max_attributes,
        encoding: args.encoding.clone(),
        interviewers: args.interviewer.iter().map(|label| label.trim().to_string()).collect(),
    }
}

/// The fitted confidence, where one is asked for; `None` after having said what is wrong.
fn load_confidence(args: &CodeArgs, lexicon: &Lexicon, console: &mut Console) -> Option<Option<(Model, Origin)>> {
    let Some(path) = &args.confidence else { return Some(None) };
    let mut refuse = |why: String| {
        console.warn(&format!("error: {}: {why}; name the confidence.json of precode learn", shown(path)))
    };
    let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string())).ok()?;
    let model: Model = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string())).ok()?;
    if model.schema != MODEL_SCHEMA {
        refuse(format!("expected schema {MODEL_SCHEMA}"));
        return None;
    }
    if model.codebook != lexicon.digest {
        let path = shown(path);
        console.warn(&format!(
            "error: {path}: fitted with another version of the codebook; fit it anew with precode learn, or carry it over \
             with precode learn STUDY --from {path} --other-codebook"
        ));
        return None;
    }
    Some(Some((model, Origin { name: file_name(path), sha256: digest::sha256(&bytes) })))
}

/// The rows of all tables together; `None` after having said what is wrong.
pub(super) fn load_respondents(paths: &[PathBuf], console: &mut Console) -> Option<(Respondents, Vec<Origin>)> {
    let (mut all, mut origins) = (Respondents::default(), Vec::new());
    for path in paths {
        let bytes = std::fs::read(path)
            .map_err(|error| console.warn(&format!("error: {}: {error}; name a CSV file", shown(path))))
            .ok()?;
        // Named without its folders: messages about it are published.
        let name = file_name(path);
        let table = Respondents::parse(&bytes, &name).map_err(|problems| console.problems(&problems)).ok()?;
        origins.push(Origin { sha256: digest::sha256(&bytes), name });
        all.extend(table);
    }
    Some((all, origins))
}

impl Material {
    /// Does the work, and keeps the lexicon meanwhile where it was made anew.
    fn keep_while<T>(&self, work: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            let keep = |fresh| Builder::new().spawn_scoped(scope, move || Fresh::keep(fresh, &self.lexicon)).ok();
            let keeper = self.fresh.as_ref().and_then(keep);
            let done = work();
            // It is only the next run that may have to do without.
            let _ = keeper.map(|keeper| keeper.join());
            done
        })
    }

    fn manifest(&self, args: &CodeArgs) -> Manifest {
        Manifest {
            schema: MANIFEST_SCHEMA.to_string(),
            program: env!("CARGO_PKG_NAME").to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            run: String::new(),
            options: self.options(args),
            lexicon: Origin { name: file_name(&args.codebook), sha256: self.lexicon.digest.clone() },
            confidence: self.confidence.as_ref().map_or_else(|| self.shipped(), |(_, origin)| origin.clone()),
            respondents: self.respondents_from.clone(),
            codebook: self.lexicon.codebook.clone(),
            inputs: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// The confidence that comes with the codebook; without a digest where it has none.
    fn shipped(&self) -> Origin {
        let fitted = self.lexicon.model.as_ref().map(|model| model.digest.clone());
        Origin { name: SHIPPED.to_string(), sha256: fitted.unwrap_or_default() }
    }

    /// The options, and the confidence of the codebook where another one was put over it.
    fn options(&self, args: &CodeArgs) -> BTreeMap<String, String> {
        let mut options = options(args);
        if self.confidence.is_some() {
            options.insert(UNDERLYING.to_string(), self.shipped().sha256);
        }
        options
    }
}

/// Options that change results; not threads, not folders.
fn options(args: &CodeArgs) -> BTreeMap<String, String> {
    let limits = &args.limits;
    let pairs = [
        ("interviewer", args.interviewer.join(",")),
        ("unit", args.unit.name().to_string()),
        ("encoding", args.encoding.clone().unwrap_or_else(|| "utf-8".to_string())),
        ("spreadsheet", args.spreadsheet.to_string()),
        ("max-bytes", limits.max_bytes.to_string()),
        ("max-unpacked-bytes", limits.max_unpacked_bytes.to_string()),
        ("max-entries", limits.max_entries.to_string()),
        ("max-depth", limits.max_depth.to_string()),
        ("max-attributes", limits.max_attributes.to_string()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Without its folders: where a file lies on this machine is nobody's business.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn warn_of_disk(study: &Study, corpus: &Corpus, console: &mut Console) {
    if let Some(kind) = publish::network(study) {
        let place = shown(study.root());
        console.warn(&format!("warning[W_NETWORK]: {place} lies on a {kind} file system, where locks may not hold; help: use a folder on this machine"));
    }
    let wanted: u64 = corpus.inputs.sizes().sum();
    if let Some(free) = publish::free_bytes(study).filter(|&free| free < wanted) {
        console.warn(&format!(
            "warning[W_SPACE]: the transcripts have {wanted} bytes and {free} are free; help: make room"
        ));
    }
}

fn code(
    args: &CodeArgs,
    material: &Material,
    forgotten: &Forgotten,
    partial: &mut Partial,
    manifest: &mut Manifest,
) -> anyhow::Result<(Report<()>, Findings)> {
    let coder = Coder::new(&material.lexicon, Options { unit: args.unit.meant() });
    let progress = Progress::new(&material.corpus, args.quiet);
    // One file needs one thread: how many cores there are takes a while to ask.
    let cores = || match material.corpus.inputs.len() {
        0..=1 => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let refit = material.confidence.as_ref().map(|(model, _)| move |codings: &mut [Coding]| put(model, codings));
    let run = Run {
        refit: refit.as_ref().map(|refit| refit as &Refit<'_>),
        corpus: &material.corpus,
        coder: &coder,
        codebook: &material.lexicon.codebook,
        read: &material.read,
        respondents: &material.respondents,
        forgotten,
        bounds: Bounds { threads: args.threads.map_or_else(cores, usize::from), bytes: UNDER_WAY },
        cells: if args.spreadsheet { Cells::Spreadsheet } else { Cells::Exact },
        fail_fast: args.fail_fast,
        watch: &progress,
    };
    Ok(run::code(&run, partial, manifest)?)
}

/// Gives rows the learned confidence of their codes; what follows from it is settled where the segments are known.
fn put(model: &Model, codings: &mut [Coding]) {
    let confidences = model.confidences(codings);
    for (row, confidence) in codings.iter_mut().zip(confidences) {
        row.confidence = confidence;
        let learned = model.codes.get(&row.code).filter(|of| of.adopted);
        row.calibrated_on = learned.map_or(row.calibrated_on, |of| of.decisions);
    }
}

/// Bytes of transcripts in memory at once, over all threads; a larger file is read alone.
const UNDER_WAY: u64 = 64 << 20;

/// Refusals always; notes unless the user wants quiet.
fn tell(args: &CodeArgs, findings: &Findings, console: &mut Console) {
    let least = if args.quiet { Severity::Error } else { Severity::Warning };
    let told: Vec<_> = findings.problems.iter().filter(|problem| problem.severity >= least).collect();
    console.grouped(&told, &findings.n_problems, "report.json");
    let notes = findings.n_notes;
    if notes > 0 && !args.quiet {
        let plural = if notes == 1 { " is" } else { "s are" };
        console.warn(&format!("{notes} smaller note{plural} in report.json"));
    }
}

/// A closed pipe has seen enough; the study is still wanted.
fn say(summary: &Summary<'_>, console: &mut Console) -> std::io::Result<()> {
    match summary.say(console).and_then(|()| console.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn done(report: &Report<()>) -> String {
    let Report { processed, rejected, with_notes, .. } = report;
    format!("done: {processed} processed, {rejected} rejected, {with_notes} with notes (report.json)")
}

fn exit(args: &CodeArgs, report: &Report<()>) -> Exit {
    let noted = report.with_notes > 0 || !report.problems.is_empty();
    if report.rejected > 0 || (args.strict && noted) { Exit::Partial } else { Exit::Done }
}

pub(super) fn shown(path: &Path) -> String {
    crate::diagnostic::escape(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_unit() {
        for (text, want) in [("512", 512), ("64K", 65_536), ("256M", 256 << 20), ("2g", 2 << 30), ("1KB", 1024)] {
            assert_eq!(size(text), Ok(want));
        }
        for text in ["", "M", "-1", "1.5M", "99999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
