//! `precode forget`: after it no word of the participant is in the study, and everything else is as it was.

mod support;

use precode::store::journal::Journal;
use precode::store::journal::append::{Ledger as _, Operation, SegmentRef, Step, What};
use precode::store::journal::row::{Action, Shown, Verdict};
use precode::store::publish;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{PRECODE, code, corpus, leftovers, lexicon, published, run, stderr};

const CANARY: &str = "zanzibarquokka";

/// A study of five interviews, two of which are the same one of a participant whose every word is a canary.
fn study(folder: &Path) -> (PathBuf, PathBuf) {
    let corpus = corpus(folder, 3, 4);
    let talk = format!(
        "Interviewer: And {CANARY}?\n\nRespondent: We trained {CANARY} principals, \"every {CANARY}, each week\".\n"
    );
    fs::write(corpus.join("=quokka.txt"), &talk).unwrap();
    fs::write(corpus.join("p0001-copy.txt"), &talk).unwrap();
    let rows = "transcript,respondent_id,level\n=quokka,R-9,school\np0002,R-2,school\n";
    fs::write(corpus.join("respondents.csv"), rows).unwrap();
    let study = folder.join("study");
    run(code(&corpus, &lexicon(), &study).args(["-q", "--spreadsheet"]), 0);
    (corpus, study)
}

fn decide(study: &Path, transcript: &str, id: &str) {
    let mut journal = Journal::open(&study.join("study.sqlite")).unwrap();
    let text = String::from;
    let quote = format!("the data of {transcript}, of {CANARY}");
    let segment = SegmentRef { transcript: text(transcript), turn: 1, start: 0, end: 9, hash: text("h"), quote };
    let step = Step { note: Some(CANARY.into()), ..Step::new(segment, Action::Accept, Shown::Suggestion) };
    let what = What::Steps(vec![step.on("role.trainer", Verdict::Present)]);
    let (coder, run, request) = (text("ana"), text("r"), text("q"));
    journal.append(&Operation { id: text(id), coder, run, request, expect: None, what }).unwrap();
}

fn forget(study: &Path, names: &[&str], want: i32) -> Output {
    run(Command::new(PRECODE).arg("forget").arg(study).args(names), want)
}

/// Files below a folder whose bytes hold the canary.
fn holding(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(holding(&entry.path()));
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            found.extend(memchr::memmem::find(&bytes, CANARY.as_bytes()).map(|_| entry.path()));
        }
    }
    found
}

#[test]
fn no_word_is_left_and_all_others_are() {
    let folder = tempfile::tempdir().unwrap();
    let (corpus, study) = study(folder.path());
    decide(&study, "=quokka", "a");
    fs::write(study.join("confidence.json"), format!("{{\"{CANARY}\": 1}}")).unwrap();
    fs::create_dir(study.join(".partial-1")).unwrap();
    fs::write(study.join(".partial-1/codings.jsonl"), CANARY).unwrap();
    let before = published(&study);

    let told = String::from_utf8(forget(&study, &["=quokka"], 2).stdout).unwrap();
    assert!(told.contains("would go: p0001-copy: 2 turns") && told.contains("--yes"), "{told}");
    assert_eq!(published(&study), before);

    let told = String::from_utf8(forget(&study, &["=quokka", "--yes"], 0).stdout).unwrap();
    assert_eq!(holding(&study), Vec::<PathBuf>::new());
    assert!(told.contains("1 row of the journal") && told.contains("yours to delete"), "{told}");
    assert!(fs::read_to_string(study.join("forgotten.jsonl")).unwrap().contains("=quokka"));
    assert_eq!(leftovers(&study), [".review"]);
    assert_eq!(Journal::open_read(&study.join("study.sqlite")).unwrap().n_rows().unwrap(), 1);
    run(Command::new(PRECODE).args(["journal", "--verify"]).arg(&study), 0);

    // The set is that of a study which never had them, but for what the report says.
    let other = folder.path().join("other");
    for name in ["=quokka.txt", "p0001-copy.txt"] {
        fs::rename(corpus.join(name), folder.path().join(name)).unwrap();
    }
    run(code(&corpus, &lexicon(), &other).args(["-q", "--spreadsheet"]), 0);
    let (mut is, mut want) = (published(&study), published(&other));
    for name in ["manifest.json", "report.json"] {
        assert_ne!(is.remove(name), want.remove(name));
    }
    assert_eq!(is, want);
    run(Command::new(PRECODE).arg("verify").arg(&study), 0);
}

#[test]
fn a_run_leaves_out_what_was_forgotten_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (corpus, study) = study(folder.path());
    forget(&study, &["p0001-copy.txt", "--yes"], 0);
    let again = |want: &str| {
        let output = run(&mut code(&corpus, &lexicon(), &study), 0);
        assert!(stderr(&output).contains("W_FORGOTTEN") && stderr(&output).contains(want), "{}", stderr(&output));
        assert_eq!(holding(&study), Vec::<PathBuf>::new());
        let report = fs::read_to_string(study.join("report.json")).unwrap();
        assert_eq!(report.matches("\"outcome\": \"forgotten\"").count(), 2);
    };
    again("3 processed, 0 rejected");
    // The same file under another name, and another one under its name.
    fs::rename(corpus.join("p0001-copy.txt"), corpus.join("zz.txt")).unwrap();
    fs::write(corpus.join("=quokka.txt"), format!("Respondent: {CANARY} again\n")).unwrap();
    again("3 processed, 0 rejected");
}

#[test]
fn decisions_that_come_later_have_no_words_either() {
    let folder = tempfile::tempdir().unwrap();
    let (_, study) = study(folder.path());
    decide(&study, "p0001-copy", "a");
    let other = folder.path().join("of-ben.sqlite");
    Journal::open(&study.join("study.sqlite")).unwrap().back_up(&other).unwrap();
    let mut theirs = folder.path().join("of-ben");
    fs::create_dir(&theirs).unwrap();
    theirs.push("study.sqlite");
    fs::rename(&other, &theirs).unwrap();
    decide(theirs.parent().unwrap(), "p0001-copy", "b");
    forget(&study, &["p0001-copy", "--yes"], 0);
    run(Command::new(PRECODE).arg("journal").arg(&study).arg("--merge").arg(&theirs), 0);
    assert_eq!(holding(&study), Vec::<PathBuf>::new());
    assert_eq!(Journal::open_read(&study.join("study.sqlite")).unwrap().n_rows().unwrap(), 2);
    run(Command::new(PRECODE).arg("verify").arg(&study), 0);
}

#[test]
fn a_former_run_that_somebody_reads_is_told_and_taken_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let (_, study) = study(folder.path());
    let reader = publish::pin(&precode::store::layout::Study::at(&study)).unwrap();
    let output = forget(&study, &["p0001-copy", "--yes"], 11);
    assert!(stderr(&output).contains("another program reads") && !holding(&study).is_empty(), "{}", stderr(&output));
    drop(reader);
    forget(&study, &["p0001-copy", "--yes"], 0);
    assert_eq!(holding(&study), Vec::<PathBuf>::new());
}

#[test]
fn names_that_nothing_has_are_refused_and_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let (_, study) = study(folder.path());
    let before = published(&study);
    let output = forget(&study, &["p0001-copy", "p9", "--yes"], 2);
    assert!(stderr(&output).contains("p9"), "{}", stderr(&output));
    assert_eq!(published(&study), before);
}
