//! What each stage costs on one core: megabytes of transcript and millions of tokens per second, median of several
//! rounds.
//!
//! `cargo bench --bench stages -- FOLDER [CODEBOOK]`: transcripts as `benches/end_to_end.py make` writes them, and a
//! codebook, `lexicons/brokering.toml` if none is named. Each line is one stage alone, fed with what the stages before
//! it made; the last is all of them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench speaks to a terminal")]

use precode::coding::Coding;
use precode::confidence::Judge;
use precode::evidence::{Gathered, Gatherer, Surroundings};
use precode::lexicon::{self, Lexicon};
use precode::matcher::{Scene, Search, weight_before};
use precode::pipeline::{Coder, Options};
use precode::segment::{self, Segment, Unit};
use precode::span::Positions;
use precode::store::digest::sha256;
use precode::store::rows;
use precode::token::{self, Forms, Stemmer, Token};
use precode::transcript::{self, ReadOptions, Transcript};
use precode::turn::{self, Turn};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

/// Rounds of each stage; the median is told.
const ROUNDS: usize = 5;

/// A turn with what the early stages made of it.
struct Read {
    turn: Turn,
    tokens: Vec<Token>,
    sentences: Vec<Range<usize>>,
    segments: Vec<Segment>,
    weight_before: Vec<u32>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let Some(folder) = args.first() else {
        println!("skipped: name a folder with transcripts (benches/end_to_end.py make FOLDER)");
        return;
    };
    let codebook = args.get(1).map_or("lexicons/brokering.toml", String::as_str);
    let started = Instant::now();
    let Ok((lexicon, _)) = lexicon::load(Path::new(codebook)) else {
        println!("skipped: {codebook} is no codebook");
        return;
    };
    println!("{:<12} {:>9.2} ms", "load", started.elapsed().as_secs_f64() * 1e3);
    let bytes = files(Path::new(folder));
    let total: usize = bytes.iter().map(Vec::len).sum();
    let tokens = count_tokens(&bytes, &lexicon);
    Bench { lexicon: &lexicon, bytes, megabytes: total as f64 / 1e6, megatokens: tokens as f64 / 1e6 }.run();
}

/// The text files of a folder, in order.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    let is_text = |path: &&std::path::PathBuf| path.extension().is_some_and(|e| e == "txt");
    paths.iter().filter(is_text).filter_map(|path| std::fs::read(path).ok()).collect()
}

struct Bench<'l> {
    lexicon: &'l Lexicon,
    bytes: Vec<Vec<u8>>,
    megabytes: f64,
    megatokens: f64,
}

impl Bench<'_> {
    /// Times a stage.
    fn stage(&self, name: &str, mut work: impl FnMut()) {
        let mut seconds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let started = Instant::now();
                work();
                started.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let spread = (seconds[ROUNDS - 1] - seconds[0]) / seconds[ROUNDS / 2] * 100.0;
        let (bytes, tokens) = (self.megabytes / seconds[ROUNDS / 2], self.megatokens / seconds[ROUNDS / 2]);
        println!("{name:<12} {bytes:>9.1} MB/s  {tokens:>8.1} M tokens/s   spread {spread:>3.0} %");
    }

    fn run(&self) {
        let options = ReadOptions::default();
        let read = |bytes: &Vec<u8>| transcript::read(bytes, "t.txt", &options).ok();
        self.stage("digest", || self.bytes.iter().for_each(|bytes| drop(black_box(sha256(bytes)))));
        self.stage("decode", || self.bytes.iter().for_each(|bytes| drop(black_box(read(bytes)))));
        let transcripts: Vec<Transcript> = self.bytes.iter().filter_map(read).collect();
        self.stage("turns", || transcripts.iter().for_each(|t| drop(black_box(turn::split(t)))));
        self.stage("positions", || transcripts.iter().for_each(|t| drop(black_box(Positions::new(&t.text)))));
        self.words(&transcripts);
        let coder = Coder::new(self.lexicon, Options::default());
        let mut worker = coder.worker();
        let coded: Vec<Vec<Coding>> = transcripts.iter().map(|t| worker.code(t).codings).collect();
        self.stage("rows", || {
            let mut out = Vec::new();
            for coding in coded.iter().flatten() {
                rows::push_coding(&mut out, coding);
            }
            black_box(out);
        });
        self.stage("whole", || transcripts.iter().for_each(|t| drop(black_box(worker.code(t)))));
    }

    fn words(&self, transcripts: &[Transcript]) {
        let mut forms = Forms::new(self.lexicon.language, self.lexicon);
        self.stage("tokens", || transcripts.iter().for_each(|t| drop(black_box(tokens(t, &mut forms)))));
        let reads: Vec<Vec<Read>> = transcripts.iter().map(|t| read(t, &mut forms)).collect();
        let forms = &forms;
        let stemmer = Stemmer::new(self.lexicon.language);
        let key = |token: &Token| forms.get(token.form).readings[0].key.as_str();
        self.stage("stems", || {
            let all = reads.iter().flatten().flat_map(|read| &read.tokens);
            all.for_each(|token| drop(black_box(stemmer.stem(key(token)))));
        });
        self.stage("sentences", || {
            for (transcript, reads) in transcripts.iter().zip(&reads) {
                for read in reads {
                    let sentences = segment::sentences(&transcript.text, &read.tokens, forms);
                    black_box(segment::divide(&read.tokens, &sentences, Unit::Answer));
                }
            }
        });
        let each = |look: &mut dyn FnMut(&Scene, bool)| {
            for (transcript, reads) in transcripts.iter().zip(&reads) {
                for read in reads {
                    for (i, segment) in read.segments.iter().enumerate() {
                        look(&self.scene(transcript, read, segment, forms), i == 0);
                    }
                }
            }
        };
        let mut search = Search::new(self.lexicon);
        self.stage("matching", || each(&mut |scene, _| search.read(scene)));
        let mut gates = Vec::new();
        self.stage("rules", || {
            each(&mut |scene, _| {
                search.read(scene);
                search.open_gates(scene, &mut gates);
                let goals = gates.iter().map(|&gate| self.lexicon.plan.gates[gate as usize].goal);
                goals.for_each(|goal| {
                    black_box(search.stands(scene, goal));
                });
            });
        });
        self.stage("context", || {
            each(&mut |scene, _| {
                search.read(scene);
                (0..scene.sentences.len()).for_each(|i| drop(black_box(search.triggers(scene, i))));
            });
        });
        let nobody = BTreeMap::new();
        let around = Surroundings { question: None, attributes: &nobody };
        let mut gatherer = Gatherer::new(self.lexicon);
        let mut gather = |scene: &Scene, first: bool| {
            if first {
                gatherer.begin_turn();
            }
            gatherer.gather(scene, &around)
        };
        self.stage("evidence", || each(&mut |scene, first| drop(black_box(gather(scene, first)))));
        let mut judge = Judge::new(self.lexicon);
        let nothing = Gathered::default();
        self.stage("confidence", || each(&mut |scene, _| drop(black_box(judge.judge(scene, &nothing, 0.2)))));
    }

    fn scene<'s>(
        &'s self,
        transcript: &'s Transcript,
        read: &'s Read,
        segment: &Segment,
        forms: &'s Forms<'s>,
    ) -> Scene<'s> {
        Scene {
            lexicon: self.lexicon,
            text: &transcript.text,
            tokens: &read.tokens,
            forms,
            weight_before: &read.weight_before,
            sentences: &read.sentences[segment.sentences.clone()],
            level: None,
        }
    }
}

/// Tokens of all transcripts.
fn count_tokens(bytes: &[Vec<u8>], lexicon: &Lexicon) -> usize {
    let mut forms = Forms::new(lexicon.language, lexicon);
    let read = |bytes: &Vec<u8>| transcript::read(bytes, "t.txt", &ReadOptions::default()).ok();
    bytes.iter().filter_map(read).map(|transcript| tokens(&transcript, &mut forms).len()).sum()
}

fn tokens(transcript: &Transcript, forms: &mut Forms) -> Vec<Token> {
    let mut tokens = Vec::new();
    transcript.units.iter().for_each(|unit| token::tokenize(&transcript.text, unit.span, forms, &mut tokens));
    tokens
}

fn read(transcript: &Transcript, forms: &mut Forms) -> Vec<Read> {
    let mut reads = Vec::new();
    for turn in turn::split(transcript) {
        let mut tokens = Vec::new();
        for unit in &transcript.units[turn.units.clone()] {
            token::tokenize(&transcript.text, unit.span, forms, &mut tokens);
        }
        let sentences = segment::sentences(&transcript.text, &tokens, forms);
        let segments = segment::divide(&tokens, &sentences, Unit::Answer);
        reads.push(Read { turn, weight_before: weight_before(&tokens), tokens, sentences, segments });
    }
    reads.retain(|read| !transcript.speaker(read.turn.speaker).role.eq(&transcript::SpeakerRole::Interviewer));
    reads
}
