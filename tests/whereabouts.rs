//! `precode where`: no file with a participant's words is left out of the list.

mod support;

use precode::store::journal::Journal;
use precode::store::journal::append::{Ledger as _, Operation, SegmentRef, Step, What};
use precode::store::journal::row::{Action, Shown, Verdict};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{PRECODE, code, corpus, lexicon, run};

const CANARY: &str = "zanzibarquokka";

#[test]
fn every_file_with_words_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), 1, 2);
    let talk = format!("Interviewer: And {CANARY}?\n\nRespondent: We trained {CANARY} and the data of {CANARY}.\n");
    fs::write(corpus.join("quokka.txt"), talk).unwrap();
    let study = folder.path().join("study");
    run(code(&corpus, &lexicon(), &study).arg("-q"), 0);
    decide(&study);
    // What a killed run leaves, and what somebody put there.
    fs::create_dir(study.join(".partial-1")).unwrap();
    fs::write(study.join(".partial-1/codings.jsonl"), CANARY).unwrap();
    fs::write(study.join("notes.docx"), CANARY).unwrap();
    let output = run(Command::new(PRECODE).arg("where").arg(&study), 0);
    let told = String::from_utf8(output.stdout).unwrap();
    let words = |line: &str| line.strip_prefix("words").map(|path| PathBuf::from(path.trim()));
    let listed: BTreeSet<PathBuf> = told.lines().filter_map(words).collect();
    let mut holding = BTreeSet::new();
    [&study, &corpus].into_iter().for_each(|root| search(root, &mut holding));
    assert!(holding.len() >= 7, "{holding:?}");
    assert!(holding.is_subset(&listed), "{:?}\n{told}", holding.difference(&listed));
    for name in ["report.json", "manifest.json", "turns.jsonl"] {
        assert!(!listed.iter().any(|path| path.ends_with(name)), "{name} holds no words");
    }
    run(Command::new(PRECODE).arg("where").arg(folder.path()), 2);
}

fn decide(study: &Path) {
    let mut journal = Journal::open(&study.join("study.sqlite")).unwrap();
    let text = String::from;
    let quote = format!("the data of {CANARY}");
    let segment = SegmentRef { transcript: text("quokka"), turn: 1, start: 0, end: 9, hash: text("h"), quote };
    let step = Step::new(segment, Action::Accept, Shown::Suggestion).on("role.trainer", Verdict::Present);
    let what = What::Steps(vec![step]);
    journal
        .append(&Operation {
            id: text("a"),
            coder: text("ana"),
            run: text("r"),
            request: text("q"),
            expect: None,
            what,
        })
        .unwrap();
}

/// Regular files below a folder whose bytes hold the canary.
fn search(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            search(&entry.path(), found);
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            if memchr::memmem::find(&bytes, CANARY.as_bytes()).is_some() {
                found.insert(entry.path());
            }
        }
    }
}
