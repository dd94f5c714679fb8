//! What each stage costs on one core, and what the machine allows for work of that kind.
//!
//! `cargo bench --bench stages [-- NAME]`: every stage alone, fed with what the stages before it made; transcript bytes
//! and tokens per second. It makes 4 MB of interviews with `benches/end_to_end.py`, or reads the text files of
//! PRECODE_BENCH_FOLDER; the codebook is `lexicons/brokering.toml`, or PRECODE_BENCH_CODEBOOK. The figures stay behind
//! for the table of `benches/end_to_end.py stages`.
//!
//! `rules`, `context` and `evidence` do `matching` again: what they add is the difference.
//!
//! `cargo bench --bench stages start` times what comes before the first file: `automata`, `compile` and `kept`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench speaks to a terminal")]

use criterion::BatchSize::PerIteration;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use precode::coding::{Coding, TurnRow, WRITTEN};
use precode::confidence::Judge;
use precode::evidence::{Gathered, Gatherer, Surroundings};
use precode::lexicon::cache::Cache;
use precode::lexicon::pattern::{self, Node};
use precode::lexicon::terms::TermTableBuilder;
use precode::lexicon::{self, Lexicon};
use precode::matcher::{OpenGate, Scene, Search};
use precode::pipeline::{Coder, Options, Take};
use precode::segment::{self, Segments, Unit, weight_before};
use precode::span::Positions;
use precode::store::digest::sha256;
use precode::store::rows::{self, Cells, CodingsCsv};
use precode::store::run::ATTRIBUTES;
use precode::token::{self, Forms, Stemmer, Token};
use precode::transcript::{self, ReadOptions, SpeakerRole, Transcript};
use precode::turn;
use rustc_hash::FxHashMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A group of benches.
type Group<'c> = BenchmarkGroup<'c, WallTime>;

fn main() {
    let folder = std::env::var_os("PRECODE_BENCH_FOLDER").map(PathBuf::from).or_else(made);
    let bytes = folder.map_or(Vec::new(), |folder| files(&folder));
    let codebook = std::env::var("PRECODE_BENCH_CODEBOOK").unwrap_or_else(|_| "lexicons/brokering.toml".into());
    match lexicon::load(Path::new(&codebook)) {
        Err(_) => println!("skipped: {codebook} is no codebook"),
        Ok(_) if bytes.is_empty() => println!("skipped: no interviews; name their folder in PRECODE_BENCH_FOLDER"),
        Ok((lexicon, _)) => bench(&bytes, &lexicon, Path::new(&codebook)),
    }
}

/// Makes interviews.
fn made() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interviews");
    // What another size left there would be read too.
    let _ = std::fs::remove_dir_all(&folder);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/end_to_end.py");
    let made = Command::new("python3").args([script, "make"]).arg(&folder).arg("4").status();
    made.is_ok_and(|status| status.success()).then_some(folder)
}

/// The text files of a folder, in order.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    let is_text = |path: &&PathBuf| path.extension().is_some_and(|e| e == "txt");
    paths.iter().filter(is_text).filter_map(|path| std::fs::read(path).ok()).collect()
}

/// What the early stages make of the files.
struct Corpus<'l> {
    lexicon: &'l Lexicon,
    bytes: &'l [Vec<u8>],
    transcripts: Vec<Transcript>,
    /// By transcript.
    turns: Vec<Vec<Read>>,
    forms: Forms<'l>,
}

/// A turn with what the early stages make of it.
struct Read {
    role: SpeakerRole,
    tokens: Vec<Token>,
    sentences: Vec<Range<usize>>,
    segments: Segments,
    weight_before: Vec<u32>,
}

fn bench(bytes: &[Vec<u8>], lexicon: &Lexicon, codebook: &Path) {
    let corpus = Corpus::new(bytes, lexicon);
    let tokens: usize = corpus.reads().map(|(_, read)| read.tokens.len()).sum();
    let size = bytes.iter().map(|bytes| bytes.len() as u64).sum();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("stage");
    group.throughput(Throughput::ElementsAndBytes { elements: tokens as u64, bytes: size });
    corpus.bench_reading(&mut group);
    corpus.bench_words(&mut group);
    corpus.bench_answers(&mut group);
    corpus.bench_rows(&mut group);
    group.finish();
    let mut group = criterion.benchmark_group("limit");
    group.throughput(Throughput::ElementsAndBytes { elements: tokens as u64, bytes: size });
    corpus.bench_limits(&mut group);
    group.finish();
    let mut group = criterion.benchmark_group("start");
    bench_start(&mut group, lexicon, codebook);
    group.finish();
    criterion.final_summary();
}

/// What is done before the first file is read: what finds the terms, the whole codebook from its files, and the same as
/// it was kept by an earlier run.
fn bench_start(group: &mut Group, lexicon: &Lexicon, codebook: &Path) {
    let patterns =
        lexicon.source.entries().chain(lexicon.source.patterns()).filter_map(|text| pattern::parse(&text.value).ok());
    let patterns: Vec<Node> = patterns.collect();
    let words = || {
        let mut terms = TermTableBuilder::new(lexicon.language);
        for node in patterns.iter().flat_map(Node::all) {
            if let Node::Term(term) = node {
                terms.term(term.as_str());
            }
        }
        terms.apart().0
    };
    group.bench_function("automata", |timer| timer.iter_batched(words, |words| words.finder().is_ok(), PerIteration));
    group.bench_function("compile", |timer| timer.iter(|| lexicon::load(codebook).is_ok()));
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept");
    let Some(cache) = Cache::at(&kept) else { return };
    group.bench_function("kept", |timer| timer.iter(|| cache.load(codebook).is_ok()));
}

/// Times what is done to every item.
fn stage<I: Iterator, R>(group: &mut Group, name: &str, items: impl Fn() -> I, mut work: impl FnMut(I::Item) -> R) {
    group.bench_function(name, |timer| timer.iter(|| items().for_each(|item| drop(black_box(work(item))))));
}

fn decode(bytes: &[u8]) -> Option<Transcript> {
    transcript::read(bytes, "t.txt", &ReadOptions::default()).ok()
}

/// Puts the tokens of these units into `tokens`, instead of what is there.
fn tokenize(transcript: &Transcript, units: Range<usize>, forms: &mut Forms, tokens: &mut Vec<Token>) {
    tokens.clear();
    transcript.units[units].iter().for_each(|unit| token::tokenize(&transcript.text, unit.span, forms, tokens));
}

fn read(transcript: &Transcript, forms: &mut Forms) -> Vec<Read> {
    let read = |turn: turn::Turn| {
        let mut tokens = Vec::new();
        tokenize(transcript, turn.units, forms, &mut tokens);
        let sentences = segment::sentences(&transcript.text, &tokens, forms);
        let segments = segment::divide(&tokens, &sentences, Unit::Answer);
        let role = transcript.speaker(turn.speaker).role;
        Read { role, weight_before: weight_before(&tokens), tokens, sentences, segments }
    };
    turn::each(transcript).map(read).collect()
}

impl<'l> Corpus<'l> {
    fn new(bytes: &'l [Vec<u8>], lexicon: &'l Lexicon) -> Self {
        let transcripts: Vec<Transcript> = bytes.iter().filter_map(|bytes| decode(bytes)).collect();
        let mut forms = Forms::new(lexicon.language, lexicon);
        let turns = transcripts.iter().map(|transcript| read(transcript, &mut forms)).collect();
        Corpus { lexicon, bytes, transcripts, turns, forms }
    }

    /// Every turn.
    fn reads(&self) -> impl Iterator<Item = (&Transcript, &Read)> {
        let each = self.transcripts.iter().zip(&self.turns);
        each.flat_map(|(transcript, reads)| reads.iter().map(move |read| (transcript, read)))
    }

    /// Every word.
    fn words(&self) -> impl Iterator<Item = &str> {
        self.reads().flat_map(|(t, read)| read.tokens.iter().map(|token| token.span().of(&t.text)))
    }

    fn scene<'s>(&'s self, transcript: &'s Transcript, read: &'s Read, sentences: Range<usize>) -> Scene<'s> {
        Scene {
            lexicon: self.lexicon,
            text: &transcript.text,
            tokens: &read.tokens,
            forms: &self.forms,
            weight_before: &read.weight_before,
            sentences: &read.sentences[sentences],
            level: None,
        }
    }

    /// Every answer's segments, each with the question before; the first of an answer is told apart.
    fn segments(&self) -> impl Iterator<Item = (Scene<'_>, Option<Scene<'_>>, bool)> {
        let mut question = None;
        self.reads().flat_map(move |(transcript, read)| {
            if read.role == SpeakerRole::Interviewer {
                question = Some(self.scene(transcript, read, 0..read.sentences.len()));
            }
            let asked = question;
            let answers = read.segments.iter().filter(|_| read.role == SpeakerRole::Respondent).enumerate();
            answers.map(move |(i, segment)| (self.scene(transcript, read, segment.sentences.clone()), asked, i == 0))
        })
    }

    fn scenes(&self) -> impl Iterator<Item = Scene<'_>> {
        self.segments().map(|(scene, _, _)| scene)
    }

    fn bench_reading(&self, group: &mut Group) {
        stage(group, "digest", || self.bytes.iter(), |bytes| sha256(bytes));
        stage(group, "decode", || self.bytes.iter(), |bytes| decode(bytes));
        stage(group, "turns", || self.transcripts.iter(), turn::split);
        stage(group, "positions", || self.transcripts.iter(), |transcript| Positions::new(&transcript.text));
    }

    fn bench_words(&self, group: &mut Group) {
        let mut forms = Forms::new(self.lexicon.language, self.lexicon);
        // The lists are kept for their room, as a worker keeps them.
        let mut tokens = Vec::new();
        let all = |t: &Transcript| tokenize(t, 0..t.units.len(), &mut forms, &mut tokens);
        stage(group, "tokens", || self.transcripts.iter(), all);
        let stemmer = Stemmer::new(self.lexicon.language);
        stage(group, "stems", || self.words(), |word| stemmer.stem(word).len());
        let (mut sentences, mut weights) = (Vec::new(), Vec::new());
        let divide = |(transcript, read): (&Transcript, &Read)| {
            segment::lay_out(&transcript.text, &read.tokens, &self.forms, &mut sentences, &mut weights);
            segment::divide(&read.tokens, &sentences, Unit::Answer)
        };
        stage(group, "sentences", || self.reads(), divide);
    }

    fn bench_answers(&self, group: &mut Group) {
        let mut search = Search::new(self.lexicon);
        stage(group, "matching", || self.scenes(), |scene| search.read(&scene));
        let mut gates = Vec::new();
        let rules = |scene: Scene| {
            search.read(&scene);
            search.open_gates(&scene, &mut gates);
            let of_gate = |open: &OpenGate| &self.lexicon.plan.gates[open.gate as usize];
            let by_rule = gates.chunk_by(|a, b| of_gate(a).rule == of_gate(b).rule);
            by_rule.filter(|gates| gates.iter().any(|open| search.stands(&scene, of_gate(open).goal))).count()
        };
        stage(group, "rules", || self.scenes(), rules);
        let context = |scene: Scene| {
            search.read(&scene);
            (0..scene.sentences.len()).map(|i| search.triggers(&scene, i).len()).sum::<usize>()
        };
        stage(group, "context", || self.scenes(), context);
        stage(group, "evidence", || self.segments(), self.gather());
        let gathered: Vec<Gathered> = self.segments().map(self.gather()).collect();
        let mut judge = Judge::new(self.lexicon);
        let judged = |(scene, gathered): (Scene, &Gathered)| judge.judge(&scene, gathered, WRITTEN);
        stage(group, "confidence", || self.scenes().zip(&gathered), judged);
        // Both together, as far as coding needs them.
        let (mut gatherer, mut judge) = (Gatherer::new(self.lexicon), Judge::new(self.lexicon));
        let weigh = |(scene, question, first): (Scene, Option<Scene>, bool)| {
            if first {
                gatherer.begin_turn();
            }
            let around = Surroundings { question, attributes: &Default::default() };
            judge.weigh(&mut gatherer, &scene, &around, WRITTEN)
        };
        stage(group, "weighing", || self.segments(), weigh);
    }

    /// Gathers the evidence of one segment after another.
    fn gather(&self) -> impl FnMut((Scene<'_>, Option<Scene<'_>>, bool)) -> Gathered {
        let mut gatherer = Gatherer::new(self.lexicon);
        move |(scene, question, first)| {
            if first {
                gatherer.begin_turn();
            }
            gatherer.gather(&scene, &Surroundings { question, attributes: &Default::default() })
        }
    }

    fn bench_rows(&self, group: &mut Group) {
        let coder = Coder::new(self.lexicon, Options::default());
        let mut worker = coder.worker();
        stage(group, "codings", || self.transcripts.iter(), |transcript| worker.code(transcript));
        let coded: Vec<_> = self.transcripts.iter().map(|transcript| worker.code(transcript)).collect();
        let mut out = Rows::new();
        let jsonl = |coded: &precode::pipeline::Coded| {
            out.clear();
            coded.codings.iter().for_each(|coding| rows::push_coding(&mut out.jsonl, coding));
            coded.turns.iter().for_each(|turn| rows::push_turn(&mut out.turns, turn));
        };
        stage(group, "JSONL", || coded.iter(), jsonl);
        let mut out = Rows::new();
        let csv = |coded: &precode::pipeline::Coded| {
            out.clear();
            coded.codings.iter().for_each(|coding| out.columns.push(&mut out.csv, coding));
        };
        stage(group, "CSV", || coded.iter(), csv);
        let mut out = Rows::new();
        let whole = |bytes: &Vec<u8>| {
            out.clear();
            let transcript = decode(bytes)?;
            let Ok(()) = worker.code_into(&transcript, &mut out);
            Some(sha256(bytes))
        };
        stage(group, "whole", || self.bytes.iter(), whole);
    }

    /// What no stage can do without, done in the plainest way.
    fn bench_limits(&self, group: &mut Group) {
        let lines = |bytes: &Vec<u8>| (std::str::from_utf8(bytes).is_ok(), memchr::memchr_iter(b'\n', bytes).count());
        stage(group, "UTF-8 and lines", || self.bytes.iter(), lines);
        let is_word: [bool; 256] =
            std::array::from_fn(|byte| !(byte as u8).is_ascii() || (byte as u8).is_ascii_alphanumeric());
        let begins = |bytes: &Vec<u8>| {
            let is_word = bytes.iter().map(|&byte| is_word[usize::from(byte)]);
            is_word.fold((0, false), |(n, before), now| (n + usize::from(now && !before), now))
        };
        stage(group, "words by a table", || self.bytes.iter(), begins);
        let forms: FxHashMap<&str, usize> = self.words().enumerate().map(|(i, word)| (word, i)).collect();
        stage(group, "words in a hash table", || self.words(), |word| forms.get(word).copied());
        stage(
            group,
            "words looked at",
            || self.reads(),
            |(_, read)| read.tokens.iter().map(|t| t.end - t.start).max(),
        );
        let mut out = Rows::new();
        let coder = Coder::new(self.lexicon, Options::default());
        let mut worker = coder.worker();
        for transcript in &self.transcripts {
            let Ok(()) = worker.code_into(transcript, &mut out);
        }
        stage(group, "rows copied", || [&out.jsonl, &out.turns, &out.csv].into_iter(), Clone::clone);
    }
}

/// Rows as a study holds them, in memory.
struct Rows {
    columns: CodingsCsv,
    jsonl: Vec<u8>,
    csv: Vec<u8>,
    turns: Vec<u8>,
}

impl Rows {
    fn new() -> Self {
        let columns = CodingsCsv::new(&ATTRIBUTES.map(String::from).into(), Cells::Exact);
        Rows { columns, jsonl: Vec::new(), csv: Vec::new(), turns: Vec::new() }
    }

    fn clear(&mut self) {
        [&mut self.jsonl, &mut self.csv, &mut self.turns].into_iter().for_each(Vec::clear);
    }
}

impl Take for Rows {
    type Error = Infallible;

    fn segment(&mut self, rows: Vec<(Coding, f64)>) -> Result<(), Infallible> {
        for (coding, _) in &rows {
            rows::push_coding(&mut self.jsonl, coding);
            self.columns.push(&mut self.csv, coding);
        }
        Ok(())
    }

    fn turn(&mut self, turn: TurnRow<&str>) -> Result<(), Infallible> {
        rows::push_turn(&mut self.turns, &turn);
        Ok(())
    }
}
