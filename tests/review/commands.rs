//! `precode review` and `precode journal` as they are typed: exit codes, files, what is printed.

use super::client::Client;
use super::study::{self, Shape};
use precode::store::journal::Journal;
use precode::store::journal::append::{Ledger, Operation, SegmentRef, Step, What};
use precode::store::journal::row::{Action, Shown, Verdict};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

fn precode(args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_precode")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape { n_transcripts: 2, ..Shape::default() });
    home
}

/// A review that runs, with the link it printed.
fn review(root: &Path, more: &[&str]) -> (Child, u16, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_precode"))
        .args(["review", "--no-open", "--print-link"])
        .args(more)
        .arg(root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let link = lines
        .find_map(|line| Some(line.split_once("http://127.0.0.1:")?.1.to_owned()).filter(|l| l.contains("#key=")));
    let link = link.expect("a link");
    let (port, key) = link.split_once("/#key=").unwrap();
    // Whoever closes the pipe first must not matter.
    std::thread::spawn(move || lines.for_each(drop));
    (child, port.parse().unwrap(), key.to_owned())
}

fn stop(mut child: Child) -> i32 {
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    child.wait().unwrap().code().unwrap_or(-1)
}

pub fn add_rows(root: &Path, coder: &str, n: usize) {
    let mut journal = Journal::open(&root.join("study.sqlite")).unwrap();
    for i in 0..n {
        let segment = SegmentRef {
            transcript: "b01".into(),
            turn: 1,
            start: i,
            end: i + 5,
            hash: format!("{coder}{i}"),
            quote: "=a,\u{1b}[31m \"b\"".into(),
        };
        let step = Step::new(segment, Action::Accept, Shown::Suggestion).on("role.trainer", Verdict::Present);
        let operation = Operation {
            id: format!("{coder}-{i:08}"),
            coder: coder.into(),
            run: "old".into(),
            request: String::new(),
            expect: None,
            what: What::Steps(vec![step]),
        };
        journal.append(&operation).unwrap();
    }
}

#[test]
fn a_review_keeps_its_files_private_its_port_and_its_lock() {
    let home = home();
    let (child, port, key) = review(home.path(), &["--coder", "ana"]);
    let mut ana = Client::new(port, &key);
    assert_eq!(ana.get("/api/session")["coder"], "ana");
    for entry in
        std::fs::read_dir(home.path().join(".review")).unwrap().chain(std::fs::read_dir(home.path()).unwrap())
    {
        let path = entry.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == ".review" {
            assert_eq!(mode, 0o700);
        } else if name.starts_with("study.sqlite") || path.parent().unwrap().ends_with(".review") {
            assert_eq!(mode, 0o600, "{name}");
        }
    }
    let root = home.path().to_str().unwrap();
    let (code, _, err) = precode(&["review", "--no-open", root]);
    assert_eq!(code, 11, "{err}");
    assert!(err.contains(&format!("process {}", child.id())), "{err}");
    let other = self::home();
    let (code, _, err) = precode(&["journal", root, "--merge", other.path().to_str().unwrap()]);
    assert_eq!(code, 11, "{err}");
    assert_eq!(stop(child), 143);
    let doors = std::fs::read_dir(home.path().join(".review")).unwrap();
    assert!(
        !doors.into_iter().any(|e| e.unwrap().path().extension().is_some_and(|x| x == "html")),
        "a key stays behind"
    );
    let (child, again, new_key) = review(home.path(), &["--coder", "ana"]);
    assert_eq!(again, port, "unsent decisions are found by the same port");
    assert_ne!(new_key, key);
    assert_eq!(Client::new(again, &key).send("GET", "/api/session", None).unwrap().status, 401, "an old key opens");
    stop(child);
}

#[test]
fn a_damaged_journal_is_shown_and_never_written() {
    let home = home();
    add_rows(home.path(), "ana", 5);
    let path = home.path().join("study.sqlite");
    {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch("DROP TRIGGER decision_is_never_changed; UPDATE decision SET coder = 'eve' WHERE seq = 3")
            .unwrap();
    }
    let root = home.path().to_str().unwrap();
    for args in [vec!["review", "--no-open", root], vec!["journal", root], vec!["journal", "--verify", root]] {
        let (code, out, err) = precode(&args);
        assert_eq!((code, out.as_str()), (12, ""), "{args:?}: {err}");
        assert!(err.contains("row 3"), "{err}");
    }
    let (child, port, key) = review(home.path(), &["--read-only"]);
    let mut owner = Client::new(port, &key);
    let ana = owner.done("/api/signin", &json!({ "name": "ana" }));
    let mut ana = Client::new(port, ana["key"].as_str().unwrap());
    assert_eq!(ana.get("/api/session")["read_only"], true);
    assert_eq!(ana.post("/api/undo", &json!({ "op_id": "try-to-undo" })).status, 503);
    assert_eq!(stop(child), 12);
}

#[test]
fn the_trail_is_printed_merged_and_checked() {
    let (home, other) = (home(), home());
    add_rows(home.path(), "ana", 3);
    add_rows(other.path(), "ben", 2);
    let (root, theirs) = (home.path().to_str().unwrap(), other.path().to_str().unwrap());
    assert_eq!(
        precode(&["journal", root, "--merge", theirs]),
        (0, "2 rows added, 0 here already\n".into(), String::new())
    );
    assert_eq!(precode(&["journal", root, "--merge", theirs]).1, "0 rows added, 2 here already\n");
    assert_eq!(precode(&["journal", root, "--verify"]).1, "ok: 5 rows, chain whole\n");
    let (code, text, _) = precode(&["journal", root]);
    assert_eq!((code, text.lines().count()), (0, 5));
    assert!(!text.contains('\u{1b}'), "text of a transcript steers the terminal");
    let (_, jsonl, _) = precode(&["journal", root, "--format", "jsonl"]);
    let rows: Vec<serde_json::Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((rows.len(), &rows[4]["coder"]), (5, &json!("ben")));
    let (_, table, _) = precode(&["journal", root, "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let quote = reader.headers().unwrap().iter().position(|name| name == "quote").unwrap();
    let quotes: Vec<String> = reader.records().map(|row| row.unwrap()[quote].to_owned()).collect();
    assert_eq!(quotes, vec!["=a,\u{1b}[31m \"b\"".to_owned(); 5]);
    let (_, orphans, _) = precode(&["journal", root, "--orphans", "--format", "jsonl"]);
    assert_eq!(orphans.lines().count(), 5, "none of these words is in the texts");
    std::fs::remove_file(home.path().join("study.sqlite")).unwrap();
    let (code, _, err) = precode(&["journal", root]);
    assert_eq!(code, 1);
    assert!(err.contains("no decisions yet"), "{err}");
}

#[test]
fn what_cannot_be_reviewed_is_said_with_its_remedy() {
    let empty = TempDir::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    for arguments in [vec!["review", "--no-open", empty], vec!["journal", empty], vec!["agree", empty]] {
        let (code, _, err) = precode(&arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(err.contains("no study") && err.contains("name the folder that `precode code` wrote"), "{err}");
    }
    let home = home();
    let root = home.path().to_str().unwrap();
    assert_eq!(precode(&["review", "--no-open", root, "--coder", "a\u{7}b"]).0, 2);
    assert_eq!(precode(&["review", "--no-open", root, "--blind-share", "1.5"]).0, 2);
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let (code, _, err) = precode(&["review", "--no-open", root]);
    assert_eq!(code, 1);
    assert!(err.contains("every user of this machine can write here"), "{err}");
}
