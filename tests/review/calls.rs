//! System calls that fail, and a program that is killed in one: no decision is lost, none is doubled.

use super::client::Client;
use super::study::{self, Shape};
use super::traced::{Traced, has_strace};
use precode::store::journal::Journal;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Saves until every decision is answered with 200, each with its first id; gives the statuses on the way.
fn save_all(traced: &Traced, n: usize) -> BTreeMap<u16, usize> {
    let mut ana = Client::new(traced.port, &traced.key);
    // Few segments: what was shown is synced too, and that is not what shall fail here.
    let queue = ana.get("/api/queue?limit=8");
    let ids: Vec<&str> = queue["ids"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap()).collect();
    let mut statuses = BTreeMap::new();
    for n in 0..n {
        let id = ids[n % ids.len()];
        let version = ana.get(&format!("/api/item?id={id}"))["version"].clone();
        let request = json!({ "op_id": format!("failing-{n:05}"), "segment": id, "version": version, "action": "memo", "note": n.to_string() });
        for round in 0.. {
            let reply = ana.post("/api/decide", &request);
            *statuses.entry(reply.status).or_insert(0) += 1;
            if reply.status == 200 {
                assert_eq!(reply.json()["item"]["memo"], n.to_string());
                break;
            }
            assert!(matches!(reply.status, 503 | 507), "{}", reply.json());
            assert!(round < 40, "no space came back: {}", reply.json());
            // Reading goes on.
            ana.get("/api/progress");
            assert_eq!(ana.get(&format!("/api/item?id={id}"))["id"], id);
        }
    }
    statuses
}

/// One decision, one row, whatever failed on the way.
fn check_rows(root: &Path, n: usize) {
    let journal = Journal::open(&root.join("study.sqlite")).unwrap();
    journal.verify().unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    journal.each_row(|_, row| *counts.entry(row.batch).or_default() += 1).unwrap();
    assert_eq!(counts.len(), n);
    assert!(counts.values().all(|&n| n == 1), "{counts:?}");
}

/// Which call fails, with what, how often; the status that the page must see for it.
const FAULTS: [(&str, &str, u16); 10] = [
    ("pwrite64", "error=ENOSPC:when=60+37", 507),
    ("pwrite64", "error=ENOSPC:when=61+41", 507),
    ("pwrite64", "error=ENOSPC:when=64+53", 507),
    ("pwrite64", "error=ENOSPC:when=90..110", 507),
    ("pwrite64", "error=EIO:when=60+43", 503),
    ("pwrite64", "error=EDQUOT:when=60+47", 507),
    ("pwrite64", "error=EDQUOT:when=90..110", 507),
    ("fsync", "error=EDQUOT:when=20+3", 507),
    ("fsync", "error=EIO:when=20+2", 503),
    ("fsync", "error=EIO:when=21+3", 503),
];

#[test]
fn a_call_that_fails_costs_no_decision_and_no_reading() {
    if !has_strace() {
        return;
    }
    let n_saves = 90;
    let run = |(call, fault, status): (&str, &str, u16)| {
        let home = TempDir::new().unwrap();
        let (root, trace) = (home.path().join("study"), home.path().join("trace"));
        study::write(&root, &Shape { n_transcripts: 2, ..Shape::default() });
        let (traced, inject) = (format!("trace={call}"), format!("inject={call}:{fault}"));
        let traced = Traced::start(&root, &trace, &["-e", &traced, "-e", &inject]);
        let statuses = save_all(&traced, n_saves);
        traced.stop();
        check_rows(&root, n_saves);
        let n_failed = std::fs::read_to_string(&trace).unwrap().matches("(INJECTED)").count();
        assert!(statuses.contains_key(&status), "{call} {fault}: {statuses:?}");
        println!("{call} {fault}: {n_failed} calls failed, replies {statuses:?}");
        n_failed
    };
    let n_failed: usize = std::thread::scope(|scope| {
        let halves = FAULTS.chunks(2).map(|some| scope.spawn(move || some.iter().map(|&f| run(f)).sum::<usize>()));
        halves.collect::<Vec<_>>().into_iter().map(|half| half.join().unwrap()).sum()
    });
    println!("{n_failed} failed calls, {} decisions, each there once", n_saves * FAULTS.len());
    assert!(n_failed >= 300, "{n_failed} failed calls");
}

/// A study whose store is of version 1, with `n` decisions.
fn version_1(root: &Path, n: usize) {
    super::commands::add_rows(root, "ana", n);
    let path = root.join("study.sqlite");
    let new = root.join("new.sqlite");
    Journal::open_read(&path).unwrap().back_up(&new).unwrap();
    for name in ["study.sqlite", "study.sqlite-wal", "study.sqlite-shm", "study.last"] {
        let _ = std::fs::remove_file(root.join(name));
    }
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../src/store/journal/schema.sql")).unwrap();
    old.execute("ATTACH ?1 AS new", [new.to_string_lossy()]).unwrap();
    old.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA user_version = 1;
         INSERT INTO decision SELECT * FROM new.decision; DELETE FROM head; INSERT INTO head SELECT n_rows, hash, tick FROM new.head;
         INSERT INTO plan VALUES (1, 't', '{}'); INSERT INTO rule VALUES ('r', 1);",
    )
    .unwrap();
    drop(old);
    std::fs::remove_file(new).unwrap();
}

fn schema(path: &Path) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// `precode journal --merge` opens for writing, and so upgrades; strace does this to it.
fn merge_under(root: &Path, other: &Path, trace: &Path, option: &str) {
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", option, "-o"])
        .arg(trace)
        .args([env!("CARGO_BIN_EXE_precode"), "journal", "--merge"])
        .args([other, root])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap();
}

#[test]
fn an_upgrade_that_is_killed_leaves_the_old_version_or_the_new_one() {
    const CALLS: [&str; 5] = ["pwrite64", "fsync", "openat", "rename", "unlink"];
    const N_ROWS: usize = 40;
    if !has_strace() {
        return;
    }
    let other = TempDir::new().unwrap();
    super::commands::add_rows(other.path(), "ben", 1);
    let mut points = Vec::new();
    {
        let home = TempDir::new().unwrap();
        version_1(home.path(), N_ROWS);
        let trace = other.path().join("trace");
        merge_under(home.path(), other.path(), &trace, &format!("trace={}", CALLS.join(",")));
        let trace = std::fs::read_to_string(&trace).unwrap();
        for call in CALLS {
            let n = trace.matches(&format!(" {call}(")).count();
            // The first files that are opened are the program's own.
            let first = if call == "openat" { n / 2 } else { 1 };
            points.extend((first..=n).map(|k| (call, k)));
        }
    }
    assert!(points.len() >= 50, "{} points", points.len());
    let step = (points.len() / 60).max(1);
    let chosen: Vec<_> = points.into_iter().step_by(step).collect();
    let kill = |&(call, k): &(&str, usize)| {
        let home = TempDir::new().unwrap();
        version_1(home.path(), N_ROWS);
        let (path, trace) = (home.path().join("study.sqlite"), home.path().join("trace"));
        merge_under(home.path(), other.path(), &trace, &format!("inject={call}:signal=KILL:when={k}"));
        let found = schema(&path);
        assert!(matches!(found, 1 | 3), "{call} {k}: version {found}");
        let copy = home.path().join("study.sqlite.version-1");
        if copy.exists() {
            let copy = Journal::open_read(&copy).unwrap();
            copy.verify().unwrap();
            assert_eq!(copy.n_rows().unwrap() as usize, N_ROWS, "{call} {k}: the copy is not whole");
        }
        let journal = Journal::open(&path).unwrap_or_else(|error| panic!("{call} {k}: {error}"));
        journal.verify().unwrap_or_else(|error| panic!("{call} {k}: {error}"));
        let n_rows = journal.n_rows().unwrap() as usize;
        assert!(n_rows == N_ROWS || n_rows == N_ROWS + 1, "{call} {k}: {n_rows} rows");
        assert!(copy.exists() && schema(&path) == 3 && !home.path().join("study.sqlite.version-1.partial").exists());
        found
    };
    let kill = &kill;
    let found: Vec<i64> = std::thread::scope(|scope| {
        let parts =
            chosen.chunks(chosen.len().div_ceil(3)).map(|some| scope.spawn(move || some.iter().map(kill).collect()));
        let parts: Vec<_> = parts.collect();
        parts.into_iter().flat_map(|part| -> Vec<i64> { part.join().unwrap() }).collect()
    });
    let n_old = found.iter().filter(|&&version| version == 1).count();
    println!("{} kills: {n_old} times the old version, {} times the new one", found.len(), found.len() - n_old);
    assert!(found.len() >= 50 && n_old > 5 && n_old < found.len());
}

#[test]
fn a_store_of_a_newer_program_is_refused_with_exit_12() {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape::default());
    super::commands::add_rows(home.path(), "ana", 3);
    let path = home.path().join("study.sqlite");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 4).unwrap();
    let before = std::fs::read(&path).unwrap();
    let root = home.path().to_str().unwrap();
    for args in [vec!["review", "--no-open", root], vec!["journal", root], vec!["journal", "--merge", root, root]] {
        let out = Command::new(env!("CARGO_BIN_EXE_precode")).args(&args).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(12), "{args:?}: {said}");
        assert!(said.contains("version 4, this program knows 3") && said.contains("newer precode"), "{said}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
