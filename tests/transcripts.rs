//! Whole files through `transcript::read`: the shared interviews and transcripts, hostile files, properties.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they skip and show their tables")]

#[path = "support/growth.rs"]
mod growth;

use growth::{outgrows, worked};
use precode::diagnostic::{Diagnostic, Severity};
use precode::transcript::respondents::{self, Respondents};
use precode::transcript::{ReadOptions, SpeakerRole, Transcript, read};
use precode::turn;
use proptest::prelude::*;
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

fn corpus(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(part)
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
    let fits = accepted.contains(&got) || got == "note" && accepted.contains(&"ok");
    if !fits {
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

/// Speakers' roles of the turns, and their words without white space and hyphens: formats wrap lines differently.
fn spoken(transcript: &Transcript) -> Vec<(SpeakerRole, String)> {
    let words = |turn: &turn::Turn| {
        let units = transcript.units[turn.units.clone()].iter();
        units.flat_map(|u| u.span.of(&transcript.text).split(|c: char| c.is_whitespace() || c == '-')).collect()
    };
    turn::split(transcript).iter().map(|t| (transcript.speaker(t.speaker).role, words(t))).collect()
}

#[test]
fn corpus_in_other_formats_says_the_same() {
    let formats = [
        ("b01-zoom.vtt", "vtt"),
        ("b05-captions.srt", "srt"),
        ("b06-word.docx", "docx"),
        ("b08-table.csv", "csv"),
        ("b15-whisperx.json", "whisper"),
    ];
    for (file, format) in formats {
        let original = load(&corpus("interviews").join(format!("{}.txt", &file[..3]))).unwrap();
        let other = load(&corpus("formats").join(file)).unwrap();
        check(&other);
        assert_eq!(other.format, format);
        assert_eq!(spoken(&other), spoken(&original), "{file}");
    }
}

#[test]
fn corpus_in_other_formats_is_what_its_script_writes() {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/make_corpus.py");
    let made =
        std::process::Command::new("python3").arg(script).arg(corpus("interviews")).arg(folder.path()).output();
    let Ok(made) = made else { return eprintln!("skipped: no python3 to write the corpus again") };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for entry in std::fs::read_dir(corpus("formats")).unwrap() {
        let name = entry.unwrap().file_name();
        let is = std::fs::read(folder.path().join(&name)).unwrap();
        assert!(is == std::fs::read(corpus("formats").join(&name)).unwrap(), "{name:?} differs");
    }
}

#[test]
fn corpus_respondents_are_attached() {
    let table = std::fs::read(corpus("interviews").join("respondents.csv")).unwrap();
    let respondents = Respondents::parse(&table, "respondents.csv").unwrap();
    let mut files = Vec::new();
    for row in respondents.rows() {
        let path = corpus("interviews").join(format!("{}.txt", row.transcript));
        let mut with_row = load(&path).unwrap();
        let mut without = with_row.clone();
        respondents::attach(&mut with_row, &respondents);
        respondents::attach(&mut without, &Respondents::default());
        let level = |t: &Transcript| t.speakers[1].attributes["level"].clone();
        // The header alone says as much of the level as the table does.
        assert_eq!(level(&with_row), level(&without), "{}", row.transcript);
        assert_eq!(with_row.speakers[1].attributes["level_source"], "respondents");
        assert_eq!(without.speakers[1].attributes["level_source"], "header");
        assert_eq!(with_row.speakers[0].attributes.len(), 0);
        files.push((with_row.name, with_row.source));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(n, s)| (n.as_str(), s.as_str())).collect();
    assert_eq!(respondents.check(&files), []);
}

#[test]
fn windows_1252_is_read_when_it_is_asked_for() {
    let bytes = b"I: How?\nR: It\x92s a \x93na\xefve\x94 caf\xe9 \x97 \x805\n";
    let refused = read(bytes, "a.txt", &ReadOptions::default()).unwrap_err();
    assert!(refused[0].line().contains("--encoding windows-1252"), "{}", refused[0].line());
    let asked = ReadOptions { encoding: Some("windows-1252".to_string()), ..ReadOptions::default() };
    let transcript = read(bytes, "a.txt", &asked).unwrap();
    let want = "It\u{2019}s a \u{201c}na\u{ef}ve\u{201d} caf\u{e9} \u{2014} \u{20ac}5";
    assert_eq!(transcript.units[1].span.of(&transcript.text), want);
    assert!(transcript.notes.iter().any(|n| n.code == "W_ENCODING"));
}

#[test]
fn interviewers_are_named_labelled_or_guessed() {
    let talk = "Ann: What did you do?\nBo: We trained them all, over years.\nAnn: And then?\nBo: We stopped.\n";
    let role = |options: &ReadOptions, text: &str, i: usize| {
        let transcript = read(text.as_bytes(), "a.txt", options).unwrap();
        (transcript.speakers[i].role, transcript.speakers[i].guessed, transcript.notes.len())
    };
    let plain = ReadOptions::default();
    assert_eq!(role(&plain, talk, 0), (SpeakerRole::Interviewer, true, 1));
    let header = format!("Interviewed by: Ann Lee; Date: May 3\n\n{}", talk.replace("Ann:", "LEE:"));
    assert_eq!(role(&plain, &header, 0), (SpeakerRole::Interviewer, false, 0));
    let bo = ReadOptions { interviewers: vec!["bo".to_string()], ..ReadOptions::default() };
    assert_eq!(role(&bo, talk, 0), (SpeakerRole::Respondent, false, 0));
    assert_eq!(role(&bo, talk, 1), (SpeakerRole::Interviewer, false, 0));
    let group = "Moderator: How?\nP1: Well.\nP2: Badly?\nMusic: (plays)\nP1: So.\n";
    assert_eq!(role(&plain, group, 2), (SpeakerRole::Respondent, false, 0));
    assert_eq!(role(&plain, group, 3), (SpeakerRole::Other, false, 0));
}

/// Pieces that transcripts are made of, and some that break them.
fn piece() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("Interviewer: ".to_string()),
        Just("**P1:** ".to_string()),
        Just("P2 [00:01:02] ".to_string()),
        Just("[00:00:99]\n".to_string()),
        Just("WEBVTT\n\n".to_string()),
        Just("00:00:01.000 --> 00:00:02.000\n".to_string()),
        Just("speaker,text\n".to_string()),
        Just("{\"segments\":[{\"text\":\"a\"}]}".to_string()),
        Just("Date: May 3\n".to_string()),
        Just("\n".to_string()),
        Just("\r\n\r".to_string()),
        Just("\"".to_string()),
        Just("<v Ann>".to_string()),
        Just("Name  0:21\n".to_string()),
        "[a-z :.?,\\-\\*\\[\\]()#]{0,12}",
        "\\PC{0,8}",
        any::<String>(),
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn units_are_ordered_disjoint_and_rebuild_the_text(text in piece(), name in "[a-z]{1,4}\\.(txt|csv|vtt|docx|json)") {
        if let Ok(transcript) = read(text.as_bytes(), &name, &ReadOptions::default()) {
            check(&transcript);
            let mut rebuilt = String::new();
            for unit in &transcript.units {
                rebuilt.push_str(&transcript.text[rebuilt.len()..unit.span.start]);
                rebuilt.push_str(unit.span.of(&transcript.text));
            }
            rebuilt.push_str(&transcript.text[rebuilt.len()..]);
            prop_assert_eq!(&rebuilt, &transcript.text);
            if transcript.format == "text" {
                let lines = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
                prop_assert_eq!(&transcript.text, &lines);
            }
            let turns = turn::split(&transcript);
            let units: usize = turns.iter().map(|t| t.units.len()).sum();
            prop_assert_eq!(units, transcript.units.len());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), encoding in any::<bool>()) {
        let encoding = encoding.then(|| "windows-1252".to_string());
        let options = ReadOptions { encoding, ..ReadOptions::default() };
        let _ = read(&bytes, "x", &options);
        let _ = Respondents::parse(&bytes, "r.csv");
    }

    #[test]
    fn a_damaged_word_file_never_panics(at in 0usize..40_000, byte in any::<u8>(), cut in 0usize..40_000) {
        let mut bytes = std::fs::read(corpus("formats/b06-word.docx")).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len().saturating_sub(cut % 97));
        if let Ok(transcript) = read(&bytes, "x.docx", &ReadOptions::default()) {
            check(&transcript);
        }
    }
}

#[test]
fn a_very_long_line_costs_what_its_bytes_cost() {
    let time = |n: usize| {
        let text = format!("Participant: {}", "and then I said that we could go ".repeat(n));
        let began = std::time::Instant::now();
        let transcript = read(text.as_bytes(), "x.txt", &ReadOptions::default()).unwrap();
        assert_eq!(transcript.units.len(), 1);
        began.elapsed().as_secs_f64()
    };
    let (once, eight) = (time(30_000).max(0.005), time(240_000));
    assert!(eight / once < 32.0, "8 times the bytes took {eight} s, once {once} s");
}

/// Name of the file, its beginning, what the bait is, and its lines.
type Bait = (&'static str, &'static str, &'static str, Box<dyn Fn(usize) -> String>);

#[test]
fn a_bait_doubled_costs_double() {
    let cue = |i: usize, times: &str, words: &str| format!("{i}\n{times}\n{words}\n\n");
    let (right, wrong) = ("00:00:02.000 --> 00:00:03.000", "00:00:03.000 --> 00:00:02.000");
    let wide = |n: usize| "1,2,".repeat(n);
    let baits: [Bait; 16] = [
        ("x.vtt", "WEBVTT\n\n", "cues that end before they start", Box::new(move |i| cue(i, wrong, "words"))),
        ("x.vtt", "WEBVTT\n\n", "arrows in the words", Box::new(move |i| cue(i, right, "a --> b"))),
        ("x.vtt", "WEBVTT\n\n", "captions that roll", Box::new(move |i| cue(i, right, "again\nagain\nagain"))),
        ("x.vtt", "WEBVTT\n\n00:00:02.000 --> 00:00:03.000\n", "one cue of equal lines", Box::new(|_| "a\n".into())),
        ("x.vtt", "WEBVTT\n\n", "open tags", Box::new(move |i| cue(i, right, "<v <v <{<"))),
        ("x.srt", "", "a speaker in every cue", Box::new(move |i| cue(i, right, &format!("Ann{i}: words")))),
        ("x.csv", "speaker,start,text\n", "references", Box::new(|_| "I,1,a &amp; b\n".into())),
        ("x.csv", "speaker,start,text\n", "no times", Box::new(|_| "I,x,words\n".into())),
        ("x.csv", "speaker,start,text\n", "no words", Box::new(|_| "I,1,\n".into())),
        ("x.txt", "", "a speaker in every line", Box::new(|i| format!("Ann{i}: words\n"))),
        ("x.txt", "", "what looks like a header", Box::new(|i| format!("Key {i}: value\n"))),
        ("x.txt", "I: so\n", "times that are none", Box::new(|_| "[99:99:99] I: so\n".into())),
        ("x.txt", "I: ", "colons and brackets", Box::new(|_| "::[(<*_".into())),
        ("x.txt", "I: ", "white space", Box::new(|_| " \u{a0}\t".into())),
        ("x.txt", "I: so\n", "odd characters", Box::new(|_| "\u{202e}\u{200b}\u{7f}\r\n".into())),
        (
            "x.json",
            "[{\"text\":\"a\"}",
            "segments",
            Box::new(move |i| format!(",{{\"text\":\"{}\",\"start\":-{i}}}", wide(3))),
        ),
    ];
    for (name, head, what, bait) in baits {
        let time = |bytes: usize| {
            let (mut text, mut i) = (head.to_string(), 0);
            while text.len() < bytes {
                text += &bait(i);
                i += 1;
            }
            text += if name == "x.json" { "]" } else { "end\n" };
            let read = || drop(read(text.as_bytes(), name, &ReadOptions::default()));
            read();
            worked(|| (0..2).for_each(|_| read()))
        };
        assert!(!outgrows(25_000, time), "{what}: four times of it cost more than 2.5 times 2.5");
    }
}

/// A Word file of these parts; `body` goes into `word/document.xml`.
fn word_file(body: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write as _;
    const SPACES: &str = "xmlns:w=\"w\" xmlns:m=\"m\" xmlns:mc=\"mc\" xmlns:wps=\"wps\"";
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let document = format!("<w:document {SPACES}><w:body>{body}</w:body></w:document>");
    let main =
        if parts.iter().any(|(name, _)| *name == "numbered") { "word/document2.xml" } else { "word/document.xml" };
    for (name, text) in parts.iter().copied().chain([(main, &*document)]) {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// `speaker|words` of every unit, then the codes of the notes with the paragraph that they name.
fn shown(transcript: &Transcript) -> Vec<String> {
    let unit = |u: &precode::transcript::Unit| {
        format!("{}|{}", transcript.speaker(u.speaker).name, u.span.of(&transcript.text))
    };
    let note = |n: &Diagnostic| {
        let place = n.message.split_once("paragraph ").map(|(_, number)| format!(" {number}"));
        format!("{}{}", n.code, place.unwrap_or_default())
    };
    transcript.units.iter().map(unit).chain(transcript.notes.iter().map(note)).collect()
}

const LISTS: &str = "<w:numbering xmlns:w=\"w\">\
    <w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"Q%1:\"/></w:lvl></w:abstractNum>\
    <w:abstractNum w:abstractNumId=\"1\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"%1.\"/></w:lvl></w:abstractNum>\
    <w:abstractNum w:abstractNumId=\"2\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"none\"/><w:lvlText w:val=\"Participant\"/></w:lvl></w:abstractNum>\
    <w:abstractNum w:abstractNumId=\"3\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"bullet\"/><w:lvlText w:val=\"-\"/></w:lvl></w:abstractNum>\
    <w:abstractNum w:abstractNumId=\"4\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"upperLetter\"/><w:lvlText w:val=\"Speaker %1\"/></w:lvl></w:abstractNum>\
    <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"1\"/></w:num>\
    <w:num w:numId=\"3\"><w:abstractNumId w:val=\"2\"/></w:num><w:num w:numId=\"4\"><w:abstractNumId w:val=\"3\"/></w:num>\
    <w:num w:numId=\"5\"><w:abstractNumId w:val=\"4\"/></w:num><w:num w:numId=\"6\"><w:abstractNumId w:val=\"0\"/>\
    <w:lvlOverride w:ilvl=\"0\"><w:startOverride w:val=\"7\"/></w:lvlOverride></w:num></w:numbering>";

#[test]
fn questions_in_bold_are_the_interviewers_where_nobody_has_a_label() {
    let plain = |words: &str| format!("<w:p><w:r><w:t>{words}</w:t></w:r></w:p>");
    let bold = |words: &str| format!("<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>{words}</w:t></w:r></w:p>");
    let off = |words: &str| format!("<w:p><w:r><w:rPr><w:b w:val=\"0\"/></w:rPr><w:t>{words}</w:t></w:r></w:p>");
    let part = "<w:p><w:r><w:rPr><w:i/></w:rPr><w:t>Really</w:t></w:r><w:r><w:t> it was?</w:t></w:r></w:p>";
    let cases: [(&str, String, &[&str]); 3] = [
        (
            "questions in bold",
            bold("Interview 4")
                + &bold("How was it?")
                + &plain("We trained.")
                + part
                + &bold("Tell me more.")
                + &off("So.")
                + &bold("And?")
                + &plain("No."),
            &[
                "|Interview 4",
                "Question|How was it?",
                "|We trained.",
                "|Really it was?",
                "Question|Tell me more.",
                "|So.",
                "Question|And?",
                "|No.",
                "W_SPEAKER_GUESS",
            ],
        ),
        (
            "headings in bold",
            bold("Work") + &plain("We trained.") + &bold("Life") + &plain("So."),
            &["|Work", "|We trained.", "|Life", "|So.", "W_NO_SPEAKER"],
        ),
        (
            "labels count more",
            bold("I: How?") + &plain("R: So.") + &bold("I: And?") + &plain("R: No."),
            &["I|How?", "R|So.", "I|And?", "R|No."],
        ),
    ];
    for (name, body, want) in cases {
        let transcript = read(&word_file(&body, &[]), "x.docx", &ReadOptions::default()).unwrap();
        check(&transcript);
        assert_eq!(shown(&transcript), want, "{name}");
        let asks = |s: &&precode::transcript::Speaker| s.role == SpeakerRole::Interviewer;
        assert_eq!(transcript.speakers.iter().any(|s| asks(&s)), name != "headings in bold");
    }
}

#[test]
fn nothing_of_a_word_file_is_lost_without_a_word() {
    let plain = |words: &str| format!("<w:p><w:r><w:t>{words}</w:t></w:r></w:p>");
    let with = |properties: &str, words: &str| {
        format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{words}</w:t></w:r></w:p>")
    };
    let list = |list: &str, words: &str| {
        with(&format!("<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"{list}\"/></w:numPr>"), words)
    };
    let inside = |words: &str, more: &str| format!("<w:p><w:r><w:t>{words}</w:t>{more}</w:r></w:p>");
    let symbol = |font: &str, code: &str| format!("<w:sym w:font=\"{font}\" w:char=\"{code}\"/>");
    let talk = plain("I: So?");
    let numbering: &[(&str, &str)] = &[("word/numbering.xml", LISTS)];
    let styled: &[(&str, &str)] = &[
        ("word/numbering.xml", LISTS),
        (
            "word/styles.xml",
            "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"Base\"><w:pPr><w:numPr><w:numId w:val=\"3\"/></w:numPr></w:pPr></w:style>\
             <w:style w:styleId=\"Answer\"><w:basedOn w:val=\"Base\"/></w:style></w:styles>",
        ),
    ];
    // What it is about, its body, its other parts, what is shown.
    type Case<'a> = (&'a str, String, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 12] = [
        (
            "symbols",
            talk.clone()
                + &inside(
                    "R: so ",
                    &(symbol("Wingdings", "F0E0") + &symbol("Arial", "2014") + &symbol("Wingdings", "F028")),
                ),
            &[],
            &["I|So?", "R|so \u{2192}\u{2014}", "W_SYMBOL 2"],
        ),
        (
            "labels of a list",
            list("1", "Why?")
                + &plain("A: One.")
                + &list("1", "How?")
                + &plain("A: Two.")
                + &list("6", "And?")
                + &plain("A: Three."),
            numbering,
            &["Q|Why?", "A|One.", "Q|How?", "A|Two.", "Q|And?", "A|Three."],
        ),
        (
            "letters",
            list("5", "Why?") + &list("5", "Because.") + &plain("Speaker A: How?") + &plain("Speaker B: So."),
            numbering,
            &["Speaker A|Why?", "Speaker B|Because.", "Speaker A|How?", "Speaker B|So.", "W_SPEAKER_GUESS"],
        ),
        (
            "labels of a style",
            talk.clone()
                + &with("<w:pStyle w:val=\"Answer\"/>", "Yes.")
                + &talk
                + &with("<w:pStyle w:val=\"Answer\"/>", "No."),
            styled,
            &["I|So?", "Participant|Yes.", "I|So?", "Participant|No."],
        ),
        (
            "numbers",
            talk.clone() + &list("2", "R: One.") + &talk + &list("2", "R: Two."),
            numbering,
            &["I|So?", "R|One.", "I|So?", "R|Two.", "W_NUMBERING 2"],
        ),
        ("bullets", talk.clone() + &list("4", "R: One."), numbering, &["I|So?", "R|One."]),
        ("a list that is not there", talk.clone() + &list("99", "R: One."), numbering, &["I|So?", "R|One."]),
        (
            "footnotes",
            talk.clone() + &inside("R: One.", "<w:footnoteReference w:id=\"2\"/><w:commentReference w:id=\"1\"/>"),
            &[],
            &["I|So?", "R|One.", "W_ASIDE 2"],
        ),
        (
            "how it was formatted before",
            talk.clone()
                + "<w:p><w:pPr><w:pPrChange w:id=\"1\"><w:pPr><w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr></w:pPrChange></w:pPr>\
                   <w:r><w:rPr><w:b/><w:rPrChange w:id=\"2\"><w:rPr><w:vanish/></w:rPr></w:rPrChange></w:rPr><w:t>R: Kept.</w:t></w:r></w:p>",
            numbering,
            &["I|So?", "R|Kept."],
        ),
        (
            "a text box, twice",
            talk.clone()
                + &inside(
                    "R: One.",
                    "<mc:AlternateContent><mc:Choice><wps:txbx><w:txbxContent><w:p><w:r><w:t>Two.</w:t></w:r></w:p>\
                   </w:txbxContent></wps:txbx></mc:Choice><mc:Fallback><w:p><w:r><w:t>Two.</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>",
                ),
            &[],
            &["I|So?", "R|One.\nTwo."],
        ),
        (
            "an embedded document",
            talk.clone() + &plain("R: One.") + "<w:altChunk/>",
            &[],
            &["I|So?", "R|One.", "W_ASIDE 2"],
        ),
        ("a main part with a number", talk.clone() + &plain("R: One."), &[("numbered", "")], &["I|So?", "R|One."]),
    ];
    for (name, body, parts, want) in cases {
        let transcript = read(&word_file(&body, parts), "x.docx", &ReadOptions::default())
            .unwrap_or_else(|problems| panic!("{name}: {}", problems[0].line()));
        check(&transcript);
        assert_eq!(shown(&transcript), want, "{name}");
    }
}
