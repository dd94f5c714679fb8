//! What the tests of the program share: runs of the binary, corpora, digests of a study.

#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program under test.
pub const PRECODE: &str = env!("CARGO_BIN_EXE_precode");

/// A file of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A small lexicon that finds training and data.
pub fn lexicon() -> PathBuf {
    repository("tests/small.toml")
}

/// The material beside the repository, or a loud remark and nothing.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PRECODE_SHARED").map_or_else(|| repository("../shared"), PathBuf::from);
    let path = root.join(path);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Another program that a test needs, or a loud remark and nothing.
pub fn tool(name: &str) -> Option<&str> {
    let found = Command::new(name).arg("--version").output().is_ok();
    if !found {
        let required = std::env::var_os(format!("PRECODE_REQUIRE_{}", name.to_uppercase()));
        assert!(required.is_none(), "{name} is required");
        eprintln!("skipped: {name} is not installed");
    }
    found.then_some(name)
}

/// `precode code CORPUS --codebook LEXICON --out STUDY`, without a cache.
pub fn code(corpus: &Path, lexicon: &Path, study: &Path) -> Command {
    let mut command = Command::new(PRECODE);
    command.arg("code").arg(corpus).arg("--codebook").arg(lexicon).arg("--out").arg(study);
    // Codebooks of tests are of no use to the user's next run.
    command.env("PRECODE_CACHE", "off");
    command
}

/// Runs a command that must end with this exit code.
pub fn run(command: &mut Command, want: i32) -> Output {
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(want), "{command:?}\n{}", stderr(&output));
    output
}

/// What a program told the person at the terminal.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A corpus of `n` interviews of `turns` questions and answers each, all different.
pub fn corpus(folder: &Path, n: usize, turns: usize) -> PathBuf {
    let corpus = folder.join("corpus");
    fs::create_dir_all(&corpus).expect("a folder");
    for i in 0..n {
        let mut text = format!("District: D{}\n\n", i % 3);
        for turn in 0..turns {
            text += &format!("Interviewer: What happened in week {turn} of year {i}?\n\n");
            text += &format!("Respondent: We trained {} principals 😀 — the “data” came, number {turn}. ", i + turn);
            text += "They would call us whenever the buses were late, and nobody was ever surprised.\n\n";
        }
        fs::write(corpus.join(format!("p{i:04}.txt")), text).expect("a file");
    }
    corpus
}

/// Every published file with its SHA-256, links followed.
pub fn published(study: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for name in precode::store::layout::PUBLISHED {
        digest(&study.join(name), name, &mut files);
    }
    files
}

fn digest(path: &Path, name: &str, files: &mut BTreeMap<String, String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder").map(Result::unwrap) {
            digest(&entry.path(), &format!("{name}/{}", entry.file_name().to_string_lossy()), files);
        }
    } else if let Ok(bytes) = fs::read(path) {
        files.insert(name.to_string(), precode::store::digest::sha256(&bytes));
    }
}

/// What lies in a study that no finished run leaves there.
pub fn leftovers(study: &Path) -> Vec<String> {
    let names =
        fs::read_dir(study).expect("a study").map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let kept = [".lock", ".places.json"];
    let mut left: Vec<String> =
        names.filter(|name| name.starts_with('.') && !kept.contains(&name.as_str())).collect();
    let runs = fs::read_dir(study.join("runs")).expect("runs").count();
    if runs != 1 {
        left.push(format!("{runs} runs"));
    }
    left
}
