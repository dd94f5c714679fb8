//! `precode verify`: whatever is changed in a study or in what it was made from is found, and nothing else is.

mod support;

use precode::diagnostic::Diagnostic;
use precode::store::StoreError;
use precode::store::journal::Journal;
use precode::store::journal::append::{Ledger as _, Operation, SegmentRef, Step, What};
use precode::store::journal::row::{Action, Shown, Verdict};
use precode::store::layout::Study;
use precode::store::places::Places;
use precode::store::verify::verify;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{PRECODE, code, corpus, run, stderr};

/// A study with everything that one can have: respondents, a codebook of several files with a fitted part, decisions.
fn study(folder: &Path) -> PathBuf {
    let corpus = corpus(folder, 3, 4);
    fs::write(
        corpus.join("respondents.csv"),
        "transcript,respondent_id,turn\np0000,R-1,a\np0001,R-2,b\np0002,R-3,c\n",
    )
    .unwrap();
    let small = fs::read_to_string(support::lexicon()).unwrap();
    fs::write(folder.join("book.toml"), small.replacen("[[facet]]", "include = [\"more.toml\"]\n[[facet]]", 1))
        .unwrap();
    fs::write(folder.join("more.toml"), "[lists]\nstaff = [\"teacher*\", \"nurse*\"]\n").unwrap();
    fs::write(folder.join("book.confidence.json"), FITTED).unwrap();
    fs::write(folder.join("book.cues.tsv"), "cue\trole.trainer\trole.data_manager\nbus\t-20\t12\n").unwrap();
    let study = folder.join("study");
    run(code(&corpus, &folder.join("book.toml"), &study).arg("-q"), 0);
    let mut journal = Journal::open(&study.join("study.sqlite")).unwrap();
    (0..12).for_each(|n| drop(journal.append(&decision(n)).unwrap()));
    journal.set_plan("{\"the plan\":7}").unwrap();
    journal.add_rules(&["the-rule-that-trains".into()], 3).unwrap();
    study
}

const FITTED: &str = r#"{"schema":"precode.fitted-confidence/1","codebook":"0","fitted_on":["made up"],"codes":{
"role.trainer":{"answers":9,"base":-1.0,"level":{},"rules":{"role.trainer":2.0},"cues":1.0},
"role.data_manager":{"answers":9,"base":-1.0,"level":{},"rules":{"role.data_manager":2.0},"cues":1.0}}}"#;

fn decision(n: usize) -> Operation {
    let segment = SegmentRef {
        transcript: "p0000".into(),
        turn: n,
        start: n * 10,
        end: n * 10 + 9,
        hash: format!("segment-hash-{n}"),
        quote: format!("the words of segment {n}"),
    };
    let step = Step::new(segment, Action::Accept, Shown::Suggestion).on("role.trainer", Verdict::Present);
    let what = What::Steps(vec![step]);
    let text = String::from;
    Operation {
        id: format!("operation-{n}"),
        coder: text("ana"),
        run: text("r1"),
        request: text("q"),
        expect: None,
        what,
    }
}

/// What `verify` finds different.
fn differences(study: &Path) -> Vec<Diagnostic> {
    match verify(&Study::at(study), &Places::default()) {
        Ok(found) => found.differences,
        Err(StoreError::Damaged { path, line, message }) => {
            vec![Diagnostic::error("E_DIFFERS", path.to_string_lossy(), message).at_line(line)]
        }
        Err(error) => panic!("{error}"),
    }
}

/// Numbers that are the same in every run of the test.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Every file that a study stands on.
fn targets(folder: &Path) -> Vec<PathBuf> {
    let names = ["book.toml", "more.toml", "book.confidence.json", "book.cues.tsv", "corpus/respondents.csv"];
    let published =
        ["manifest.json", "codings.jsonl", "codings.csv", "turns.jsonl", "respondents.csv", "report.json"];
    let mut all: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    all.extend(published.iter().map(|name| folder.join("study").join(name)));
    for n in 0..3 {
        all.push(folder.join(format!("corpus/p000{n}.txt")));
        all.push(folder.join(format!("study/texts/p000{n}.txt")));
    }
    all.push(folder.join("study/study.sqlite"));
    all
}

/// A byte of the file to change; in the journal one of a row, as a page of SQLite has bytes that say nothing.
fn byte_of(path: &Path, bytes: &[u8], dice: &mut Dice) -> usize {
    if !path.ends_with("study.sqlite") {
        return dice.below(bytes.len());
    }
    let finder = memchr::memmem::Finder::new(b"the words of segment");
    let places: Vec<usize> = finder.find_iter(bytes).collect();
    assert_eq!(places.len(), 12);
    places[dice.below(places.len())] + dice.below(20)
}

#[test]
fn one_changed_byte_anywhere_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    assert_eq!(differences(&study), []);
    let (targets, mut dice) = (targets(folder.path()), Dice(7));
    let mut missed = Vec::new();
    for i in 0..100 {
        let path = &targets[i % targets.len()];
        let whole = fs::read(path).unwrap();
        let mut bytes = whole.clone();
        let at = byte_of(path, &bytes, &mut dice);
        bytes[at] ^= 1 << dice.below(7);
        fs::write(path, &bytes).unwrap();
        let found = differences(&study);
        let name = path.file_name().unwrap().to_string_lossy();
        // One digest stands for the codebook with its files, one for the two fitted ones.
        let stands = name.replace("more.toml", "book.toml").replace("book.cues.tsv", "book.confidence.json");
        if !found.iter().any(|d| d.path.ends_with(&*name) || d.path.ends_with(&stands)) {
            missed.push(format!("{}, byte {at}: {found:?}", path.display()));
        }
        fs::write(path, &whole).unwrap();
    }
    assert!(missed.is_empty(), "{missed:#?}");
    assert_eq!(differences(&study), []);
}

#[test]
fn a_changed_byte_in_the_settings_of_a_review_is_told_even_where_it_is_no_text_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = study(folder.path()).join("study.sqlite");
    let whole = fs::read(&path).unwrap();
    for (words, told) in [("the plan", "row 1 of the plans was changed"), ("the-rule-that-trains", "the rules")] {
        for (place, bit) in memchr::memmem::find_iter(&whole, words).flat_map(|place| [(place, 0), (place + 2, 7)]) {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            fs::write(&path, &bytes).unwrap();
            let output = Command::new(PRECODE).arg("verify").arg(path.parent().unwrap()).output().unwrap();
            let (summary, problems) = (String::from_utf8_lossy(&output.stdout), stderr(&output));
            assert_eq!(output.status.code(), Some(12), "{words} {place}: {problems}");
            assert!(problems.contains("study.sqlite: error[E_DIFFERS]: "), "{words} {place}: {problems}");
            // The name of a rule stands in an index, too: there it is the index that is told.
            assert!(problems.contains(told) || problems.contains("index"), "{words} {place}: {problems}");
            assert!(summary.contains("12 rows of the journal"), "{summary}");
        }
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(differences(path.parent().unwrap()), []);
}

#[test]
fn differences_are_told_with_path_and_line_and_exit_code_12() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let verify = || Command::new(PRECODE).arg("verify").arg(&study).output().unwrap();
    let output = verify();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("ok: nothing differs\n"));
    let rows = fs::read_to_string(study.join("codings.jsonl")).unwrap();
    let last = rows.lines().last().unwrap();
    let (before, after) = last.split_once("\"start_utf16\":").unwrap();
    let wrong = format!("{before}\"start_utf16\":1{after}");
    fs::write(study.join("codings.jsonl"), rows.replace(last, &wrong)).unwrap();
    // A table that somebody opened and saved is a file and no link any more.
    let table = fs::read_to_string(study.join("codings.csv")).unwrap();
    fs::remove_file(study.join("codings.csv")).unwrap();
    fs::write(study.join("codings.csv"), table.replacen("p0001", "P0001", 1)).unwrap();
    fs::write(study.join("texts/added.txt"), "more").unwrap();
    fs::remove_file(folder.path().join("corpus/p0001.txt")).unwrap();
    let output = verify();
    assert_eq!(output.status.code(), Some(12));
    let told = stderr(&output);
    let wants = [
        format!("codings.jsonl:{}: error[E_DIFFERS]: its code points, bytes and UTF-16", rows.lines().count()),
        format!(
            "codings.csv:{}: error[E_DIFFERS]: the first line",
            1 + table.lines().position(|l| l.contains("p0001")).unwrap()
        ),
        "texts/added.txt: error[E_DIFFERS]: not one of the published texts".to_string(),
        "p0001.txt: note[W_NOT_CHECKED]: 1 of 3 transcripts not found, not checked".to_string(),
    ];
    for want in wants {
        assert!(told.contains(&want), "{want}\n{told}");
    }
}

#[test]
fn a_copy_elsewhere_is_checked_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let copy = folder.path().join("copy");
    run(Command::new("cp").arg("-rL").arg(&study).arg(&copy), 0);
    fs::remove_dir_all(copy.join("runs")).unwrap();
    fs::remove_dir_all(copy.join("current")).unwrap();
    fs::remove_file(copy.join(".places.json")).unwrap();
    let verify =
        |more: &[&str]| run(Command::new(PRECODE).current_dir(folder.path()).args(["verify", "copy"]).args(more), 0);
    assert!(stderr(&verify(&[])).contains("p0000.txt: note[W_NOT_CHECKED]: 3 of 3"));
    let output = verify(&["--inputs", "corpus", "--codebook", "book.toml"]);
    assert_eq!(stderr(&output).lines().count(), 1, "the table of respondents alone: {}", stderr(&output));
    let book = fs::read_to_string(folder.path().join("book.toml")).unwrap();
    fs::write(folder.path().join("book.toml"), book + "# changed\n").unwrap();
    let output =
        run(Command::new(PRECODE).current_dir(folder.path()).args(["verify", "copy", "--codebook", "book.toml"]), 12);
    assert!(stderr(&output).contains("book.toml: error[E_DIFFERS]"), "{}", stderr(&output));
    run(Command::new(PRECODE).arg("verify").arg(folder.path()), 2);
}
