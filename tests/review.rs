//! The review server: what coders may see and do, and what strangers may not.

#![allow(clippy::print_stdout)] // Tests say what they measured and what they skipped.

#[path = "review/calls.rs"]
mod calls;
#[path = "review/client.rs"]
mod client;
#[path = "review/commands.rs"]
mod commands;
#[path = "review/faults.rs"]
mod faults;
#[path = "review/study.rs"]
mod study;
#[path = "review/traced.rs"]
mod traced;

use client::{Client, Reply, Running, encoded, raw};
use precode::review::plan::Plan;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use study::Shape;
use tempfile::TempDir;

fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape::default());
    home
}

fn open(home: &TempDir) -> Running {
    Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan })
}

/// A fresh operation id.
fn op() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-op-{:08}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn queue(client: &mut Client, filter: Value, order: &str) -> Vec<String> {
    let path = format!("/api/queue?order={order}&limit=200&filter={}", encoded(&filter.to_string()));
    let ids = client.get(&path)["ids"].clone();
    ids.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

fn item(client: &mut Client, id: &str) -> Value {
    client.get(&format!("/api/item?id={id}"))
}

fn decision(item: &Value, action: &str, code: &str) -> Value {
    json!({ "op_id": op(), "segment": item["id"], "hash": item["hash"], "version": item["version"],
            "action": action, "code": code })
}

fn first_code(item: &Value) -> String {
    item["suggestions"][0]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_decision_is_there_after_a_restart() {
    let home = home();
    let id = {
        let server = open(&home);
        let mut ana = Client::new(server.port, &server.key("ana"));
        let id = queue(&mut ana, json!({}), "uncertainty")[0].clone();
        let before = item(&mut ana, &id);
        let after = ana.done("/api/decide", &decision(&before, "accept", &first_code(&before)));
        assert_eq!(after["item"]["marks"][first_code(&before)]["verdict"], "present");
        ana.done(
            "/api/decide",
            &json!({ "op_id": op(), "segment": id, "hash": before["hash"],
            "version": after["item"]["version"], "action": "memo", "note": "ask her again" }),
        );
        id
    };
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let again = item(&mut ana, &id);
    assert_eq!(again["memo"], "ask her again");
    assert_eq!(again["marks"][first_code(&again)]["verdict"], "present");
    // The score and its reasons stay where they were when they are accepted.
    let confidence = &again["suggestions"][0]["confidence"];
    assert!(confidence.as_f64().is_some() && again["marks"][first_code(&again)]["confidence"] == *confidence);
    let quotes_match = again["suggestions"][0]["evidence"][0]["text"].as_str().unwrap();
    assert!(again["quote"].as_str().unwrap().contains(quotes_match));
}

#[test]
fn the_same_request_twice_is_one_decision_and_another_with_its_id_is_refused() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let mut ben = Client::new(server.port, &server.key("ben"));
    let id = queue(&mut ana, json!({}), "code")[0].clone();
    let shown = item(&mut ana, &id);
    let request = decision(&shown, "accept", &first_code(&shown));
    assert_eq!(ana.done("/api/decide", &request)["repeated"], false);
    assert_eq!(ana.done("/api/decide", &request)["repeated"], true);
    let mut other = request.clone();
    other["action"] = json!("reject");
    for reply in [ana.post("/api/decide", &other), ben.post("/api/decide", &request)] {
        assert_eq!((reply.status, &reply.json()["errors"][0]["code"]), (409, &json!("op_reused")));
    }
}

#[test]
fn a_stale_tab_is_told_the_present_state_and_nobody_overwrites_anybody() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let mut ben = Client::new(server.port, &server.key("ben"));
    let id = queue(&mut ana, json!({}), "uncertainty")[0].clone();
    let shown = item(&mut ana, &id);
    let code = first_code(&shown);
    ana.done("/api/decide", &decision(&shown, "accept", &code));
    let stale = ana.post("/api/decide", &decision(&shown, "reject", &code));
    assert_eq!((stale.status, &stale.json()["errors"][0]["code"]), (409, &json!("stale")));
    assert_eq!(stale.json()["present"]["marks"][&code]["verdict"], "present");
    // Ben saw the segment before Ana decided; his decision is his own.
    ben.done("/api/decide", &decision(&shown, "reject", &code));
    assert_eq!(item(&mut ana, &id)["marks"][&code]["verdict"], "present");
    assert_eq!(item(&mut ben, &id)["marks"][&code]["verdict"], "absent");
}

#[test]
fn bulk_is_one_step_and_is_undone_and_redone_as_one() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let filter = json!({ "min": 0.8, "state": "undecided" });
    let path = format!("/api/table?filter={}", encoded(&filter.to_string()));
    let n = ana.get(&path)["total"].as_u64().unwrap();
    assert!(n > 10);
    let wrong = json!({ "op_id": op(), "action": "accept", "filter": filter, "expected": n + 1 });
    assert_eq!(ana.post("/api/bulk", &wrong).status, 409);
    let bulk = json!({ "op_id": op(), "action": "accept", "filter": filter, "expected": n });
    assert_eq!(ana.done("/api/bulk", &bulk)["n"], n);
    assert_eq!(ana.done("/api/bulk", &bulk)["repeated"], true);
    assert_eq!(ana.get(&path)["total"], 0);
    assert_eq!(ana.done("/api/undo", &json!({ "op_id": op() }))["n"], n);
    assert_eq!(ana.get(&path)["total"], n);
    assert_eq!(ana.done("/api/redo", &json!({ "op_id": op() }))["n"], n);
    assert_eq!(ana.get(&path)["total"], 0);
    assert_eq!(ana.post("/api/redo", &json!({ "op_id": op() })).status, 409);
}

#[test]
fn done_rejects_what_is_left_and_every_other_action_does_what_it_says() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let ids = queue(&mut ana, json!({ "code": "role.data_manager" }), "transcript");
    let shown = item(&mut ana, &ids[0]);
    let mut change = decision(&shown, "change", "role.data_manager");
    change["to_code"] = json!("role.trainer");
    let after = ana.done("/api/decide", &change)["item"].clone();
    assert_eq!(after["marks"]["role.data_manager"]["verdict"], "absent");
    assert_eq!(after["marks"]["role.trainer"]["verdict"], "present");
    let after = ana.done("/api/decide", &decision(&after, "unsure", "role.trainer"))["item"].clone();
    let turn = after["turns"].as_array().unwrap().iter().find(|turn| turn["turn"] == after["turn"]).unwrap();
    let sentences = turn["sentences"].as_array().unwrap();
    let mut span = decision(&after, "span", "role.trainer");
    span["to_start"] = sentences[0][0].clone();
    span["to_end"] = sentences[sentences.len() - 1][1].clone();
    let after = ana.done("/api/decide", &span)["item"].clone();
    assert_eq!(after["marks"]["role.trainer"]["verdict"], "present");
    let done = ana.done("/api/decide", &decision(&after, "done", ""))["item"].clone();
    assert_eq!(done["decided"], true);
    let journal = precode::store::journal::Journal::open_read(&home.path().join("study.sqlite")).unwrap();
    let row = journal.decisions().unwrap().into_iter().find(|d| d.code == "role.trainer").unwrap();
    assert_eq!(
        (row.start as u64, row.end as u64),
        (span["to_start"].as_u64().unwrap(), span["to_end"].as_u64().unwrap())
    );
    assert_eq!(journal.judged().unwrap().len(), 1);
    journal.verify().unwrap();
}

#[test]
fn a_code_is_added_to_sentences_where_no_rule_fired_and_never_to_a_question() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let whole = ana.get("/api/transcript?name=b01");
    let turns = whole["turns"].as_array().unwrap();
    let copier = turns.iter().find(|turn| turn["text"].as_str().unwrap().contains("copier")).unwrap();
    let sentence = &copier["sentences"][1];
    let add = |from: &Value, to: &Value| json!({ "op_id": op(), "transcript": "b01", "start": from, "end": to, "action": "add", "code": "barrier.directives" });
    let added = ana.done("/api/decide", &add(&sentence[0], &sentence[1]))["item"].clone();
    assert_eq!(added["quote"], "The copier and the bell schedule, if you want the truth.");
    let spans = ana.get("/api/transcript?name=b01")["spans"].clone();
    assert!(spans.as_array().unwrap().iter().any(|span| span["id"] == added["id"] && span["own"] == true));
    let question = &turns[0]["sentences"][0];
    assert_eq!(ana.post("/api/decide", &add(&question[0], &question[1])).status, 422);
    assert_eq!(ana.post("/api/decide", &add(&question[0], &sentence[1])).status, 422);
    assert_eq!(ana.post("/api/decide", &add(&json!(999_999_999), &json!(9_999_999_999_u64))).status, 422);
    ana.done("/api/undo", &json!({ "op_id": op() }));
    assert_eq!(
        ana.send("GET", &format!("/api/item?id={}", added["id"].as_str().unwrap()), None).unwrap().status,
        404
    );
}

#[test]
fn a_blind_segment_carries_no_proposal_in_any_answer_until_it_is_judged() {
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 1.0, ..plan });
    let mut ana = Client::new(server.port, &server.key("ana"));
    let id = queue(&mut ana, json!({}), "random")[0].clone();
    let hidden = item(&mut ana, &id);
    let transcript = hidden["transcript"].as_str().unwrap().to_owned();
    let paths = [
        format!("/api/item?id={id}"),
        format!("/api/transcript?name={transcript}"),
        "/api/table".to_owned(),
        "/api/queue".to_owned(),
        "/api/history".to_owned(),
        format!("/api/transcripts?words={transcript}"),
        "/api/adjudication".to_owned(),
    ];
    for path in &paths {
        let text = ana.get(path).to_string();
        for word in ["role.", "orientation.", "confidence", "evidence\":[{"] {
            assert!(!text.contains(word), "{path} says {word}: {text}");
        }
    }
    let progress = ana.get("/api/progress");
    assert!(progress["codes"].as_array().unwrap().iter().all(|code| code["proposed"] == 0));
    assert_eq!(ana.post("/api/bulk", &json!({ "op_id": op(), "action": "accept", "filter": {} })).status, 422);
    assert!(queue(&mut ana, json!({ "code": "role.trainer" }), "code").is_empty(), "a filter would tell");
    // All codes that are proposed are added: whether that was all of them must not show either.
    let mut seen = hidden.clone();
    for code in ["role.trainer", "role.data_manager", "orientation.collaborative", "orientation.authoritative"] {
        seen = ana.done("/api/decide", &decision(&seen, "add", code))["item"].clone();
        assert_eq!(
            (&seen["blind"], &seen["decided"], seen["suggestions"].as_array().unwrap().len()),
            (&json!(true), &json!(false), 0)
        );
    }
    let judged = ana.done("/api/decide", &decision(&seen, "done", ""))["item"].clone();
    assert_eq!(judged["blind"], false);
    assert!(!judged["suggestions"].as_array().unwrap().is_empty());
    let journal = precode::store::journal::Journal::open_read(&home.path().join("study.sqlite")).unwrap();
    let decisions = journal.decisions().unwrap();
    assert_eq!(decisions.len(), 4);
    assert!(decisions.iter().all(|d| d.shown.word() == "blind" && d.confidence.is_none()));
    // Undoing the end hides the proposals again, but what was seen was seen.
    ana.done("/api/undo", &json!({ "op_id": op() }));
    let again = item(&mut ana, &id);
    assert_eq!(again["suggestions"], json!([]));
    ana.done("/api/decide", &decision(&again, "add", "community.outside"));
    let decisions = journal.decisions().unwrap();
    let late = decisions.iter().find(|d| d.code == "community.outside").unwrap();
    assert_eq!(late.shown.word(), "suggestion");
}

fn triage(home: &TempDir, more: &[&str]) -> String {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_precode"));
    let out = program.arg("triage").arg(home.path()).args(more).output().unwrap();
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Places of the sample, and of the segments of an item.
fn place(row: &Value) -> (String, u64) {
    (row["transcript"].as_str().unwrap().to_owned(), row["turn"].as_u64().unwrap())
}

#[test]
fn answers_drawn_for_recall_are_judged_blind_and_the_estimate_takes_them_up() {
    let home = home();
    triage(&home, &["--sample-unseen", "30"]);
    let lines = std::fs::read_to_string(home.path().join("recall.jsonl")).unwrap();
    let drawn: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let turns: BTreeSet<(String, u64)> = drawn.iter().map(place).collect();
    assert_eq!(turns.len(), 30);
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let ids = queue(&mut ana, json!({}), "uncertainty");
    let items: Vec<Value> = ids.iter().map(|id| item(&mut ana, id)).collect();
    let places: Vec<usize> = (0..items.len()).filter(|&i| items[i]["blind"] == true).collect();
    assert_eq!(places.iter().map(|&i| place(&items[i])).collect::<BTreeSet<_>>(), turns, "one for each answer");
    assert_eq!(places.len(), 30, "the proposals of a drawn answer are held back");
    assert!(places[0] < 5 && places.windows(2).all(|pair| pair[1] - pair[0] < 9), "not interleaved: {places:?}");
    let mut text = String::new();
    for &i in &places {
        text += &items[i].to_string();
        let whole = ana.get(&format!("/api/transcript?name={}", items[i]["transcript"].as_str().unwrap()));
        let spans = whole["spans"].as_array().unwrap().iter().filter(|span| span["turn"] == items[i]["turn"]);
        text += &spans.map(Value::to_string).collect::<String>();
    }
    for word in ["role.", "orientation.", "barrier.", "confidence", "evidence\":[{"] {
        assert!(!text.contains(word), "{word}");
    }
    let table = ana.get("/api/table?limit=200");
    assert!(table["rows"].as_array().unwrap().iter().all(|row| !turns.contains(&place(row))));
    for &i in &places {
        let mut now = items[i].clone();
        if now["quote"].as_str().unwrap().contains("copier") {
            now = ana.done("/api/decide", &decision(&now, "add", "barrier.directives"))["item"].clone();
        }
        let judged = ana.done("/api/decide", &decision(&now, "done", ""))["item"].clone();
        assert_eq!(judged["decided"], true);
    }
    let journal = precode::store::journal::Journal::open_read(&home.path().join("study.sqlite")).unwrap();
    let judged = journal.judged().unwrap();
    assert!(judged.len() == 30 && judged.iter().all(|row| row.shown.word() == "blind"));
    let n_missed = journal.decisions().unwrap().len();
    assert!(n_missed > 0 && journal.decisions().unwrap().iter().all(|row| row.shown.word() == "blind"));
    let report: Value = serde_json::from_str(&triage(&home, &["--json"])).unwrap();
    let missed = report["missed"].as_array().unwrap().iter().find(|m| m["code"] == "barrier.directives").unwrap();
    assert_eq!((&missed["judged"], &missed["found"]), (&json!(30), &json!(n_missed)));
    assert!(missed["missed"].as_f64() >= missed["found"].as_f64());
    // What was held back comes now, and the decided answers can be looked at again.
    let later = queue(&mut ana, json!({}), "uncertainty");
    assert!(later.len() > ids.len() && ids.iter().all(|id| later.contains(id)));
}

#[test]
fn an_answer_drawn_after_a_decision_on_its_proposal_does_not_pass_for_blind() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    for id in queue(&mut ana, json!({}), "transcript") {
        let shown = item(&mut ana, &id);
        ana.done("/api/decide", &decision(&shown, "accept", &first_code(&shown)));
    }
    triage(&home, &["--sample-unseen", "72"]);
    ana.done("/api/reload", &json!({}));
    let ids = queue(&mut ana, json!({}), "transcript");
    let hidden = ids.iter().map(|id| item(&mut ana, id)).filter(|item| item["blind"] == true);
    for item in hidden.collect::<Vec<_>>() {
        ana.done("/api/decide", &decision(&item, "done", ""));
    }
    let journal = precode::store::journal::Journal::open_read(&home.path().join("study.sqlite")).unwrap();
    let decided: BTreeSet<_> = journal.decisions().unwrap().into_iter().map(|d| (d.transcript, d.turn)).collect();
    let judged = journal.judged().unwrap();
    assert!(judged.iter().any(|row| row.shown.word() == "blind"), "answers without any proposal");
    for row in &judged {
        let seen = decided.contains(&(row.transcript.clone(), row.turn));
        assert_eq!(row.shown.word(), if seen { "suggestion" } else { "blind" });
    }
}

/// Ways to look at proposals without deciding anything.
#[test]
fn an_answer_whose_proposals_a_coder_only_looked_at_does_not_count_as_blind() {
    for look in ["item", "transcript", "table"] {
        let home = home();
        let (looked_at, server_of_ana) = {
            let server = open(&home);
            let mut ana = Client::new(server.port, &server.key("ana"));
            match look {
                "item" => {
                    let ids = queue(&mut ana, json!({ "transcript": "b02" }), "transcript");
                    ids.iter().for_each(|id| drop(item(&mut ana, id)));
                }
                "transcript" => drop(ana.get("/api/transcript?name=b02")),
                _ => drop(ana.get("/api/table?limit=200&filter=%7B%22transcript%22%3A%22b02%22%7D")),
            }
            (noted(&home, "ana"), server)
        };
        assert!(!looked_at.is_empty() && looked_at.iter().all(|(name, _)| name == "b02"), "{look}: {looked_at:?}");
        // A look is remembered by the server as it runs, and by the next one.
        let mut server = Some(server_of_ana);
        triage(&home, &["--sample-unseen", "72"]);
        if look == "table" {
            server = None;
        }
        let server = server.unwrap_or_else(|| open(&home));
        for coder in ["ana", "ben"] {
            let mut client = Client::new(server.port, &server.key(coder));
            for id in queue(&mut client, json!({ "transcript": "b02" }), "transcript") {
                let shown = item(&mut client, &id);
                let seen = coder == "ana" && looked_at.contains(&place(&shown));
                assert_eq!((&shown["blind"], &shown["seen"]), (&json!(true), &json!(seen)), "{look}, {coder}");
                client.done("/api/decide", &decision(&shown, "done", ""));
            }
        }
        let journal = precode::store::journal::Journal::open_read(&home.path().join("study.sqlite")).unwrap();
        let judged = journal.judged().unwrap();
        let blind = |coder: &str| judged.iter().filter(|j| j.coder == coder && j.shown.word() == "blind").count();
        let all = judged.iter().filter(|j| j.coder == "ben").count();
        assert_eq!((blind("ben"), blind("ana")), (all, all - looked_at.len()), "{look}");
    }
}

/// Answers whose proposals this coder has had in sight.
fn noted(home: &TempDir, coder: &str) -> BTreeSet<(String, u64)> {
    use precode::store::{layout::Study, seen};
    let seen = seen::read(&Study::at(home.path())).unwrap().into_iter();
    seen.filter(|s| s.coder.as_deref() == Some(coder)).map(|s| (s.transcript, s.turn as u64)).collect()
}

#[test]
fn answers_drawn_while_the_server_runs_are_taken_up_without_a_restart() {
    let home = home();
    let server = open(&home);
    let (mut ana, mut ben) =
        (Client::new(server.port, &server.key("ana")), Client::new(server.port, &server.key("ben")));
    let before = queue(&mut ana, json!({}), "transcript");
    let edition = ana.get("/api/session")["edition"].clone();
    let first = item(&mut ana, &before[0]);
    ana.done("/api/decide", &decision(&first, "accept", &first_code(&first)));
    triage(&home, &["--sample-unseen", "20"]);
    let lines = std::fs::read_to_string(home.path().join("recall.jsonl")).unwrap();
    let drawn: BTreeSet<(String, u64)> =
        lines.lines().map(|line| place(&serde_json::from_str::<Value>(line).unwrap())).collect();
    for client in [&mut ana, &mut ben] {
        let ids = queue(client, json!({}), "transcript");
        let blind = ids.iter().map(|id| item(client, id)).filter(|item| item["blind"] == true);
        assert_eq!(blind.map(|item| place(&item)).collect::<BTreeSet<_>>(), drawn);
    }
    let session = ana.get("/api/session");
    assert!(session["edition"] != edition && session["new_results"] == false);
    assert_eq!(ana.get("/api/session")["edition"], session["edition"], "taken up once");
    assert_eq!(ana.get("/api/progress")["coders"][0]["coder"], "ana", "what was decided is still on the desk");
    // A sample that cannot be read is said, and the old one stays.
    std::fs::write(home.path().join("recall.jsonl"), "{\n").unwrap();
    assert_eq!(ana.send("GET", "/api/queue", None).unwrap().status, 503);
    std::fs::write(home.path().join("recall.jsonl"), lines).unwrap();
    assert_eq!(ana.get("/api/queue")["total"].as_u64().unwrap() as usize, queue(&mut ana, json!({}), "code").len());
}

#[test]
fn answers_shown_with_a_proposal_are_no_holdout_once_the_codebook_is_changed() {
    use precode::{agreement::study::load, store::layout::Study, store::seen};
    let home = home();
    let study = Study::at(home.path());
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.3, ..plan });
    let mut ana = Client::new(server.port, &server.key("ana"));
    let items: Vec<Value> =
        queue(&mut ana, json!({}), "uncertainty").iter().take(30).map(|id| item(&mut ana, id)).collect();
    let of =
        |blind: bool| items.iter().filter(move |item| item["blind"] == blind).map(place).collect::<BTreeSet<_>>();
    let noted = || seen::read(&study).unwrap().into_iter().map(|s| (s.transcript, s.turn as u64)).collect();
    assert!(of(true).len() > 3 && of(false).len() > 3);
    assert_eq!(of(false), noted(), "every proposal that was shown, and no blind answer");
    let table = ana.get("/api/table?limit=5");
    let rows: BTreeSet<_> = table["rows"].as_array().unwrap().iter().map(place).collect();
    assert!(rows.is_subset(&noted()));
    let whole = ana.get("/api/transcript?name=b03");
    let open = whole["spans"].as_array().unwrap().iter().filter(|span| span["blind"] == false);
    let open: BTreeSet<_> = open.map(|span| ("b03".to_owned(), span["turn"].as_u64().unwrap())).collect();
    assert!(!open.is_empty() && open.is_subset(&noted()));
    assert_eq!(noted().intersection(&of(true)).count(), 0);
    assert_eq!(load(&study).unwrap().leaked.len(), 0, "the present codebook was not shaped by them");
    let manifest = std::fs::read_to_string(study.manifest()).unwrap();
    let changed = manifest.replace(r#""name":"made for a test","sha256":"""#, r#""name":"changed","sha256":"c0de""#);
    std::fs::write(study.manifest(), changed).unwrap();
    let leaked: BTreeSet<_> = load(&study).unwrap().leaked.into_iter().map(|(t, turn)| (t, turn as u64)).collect();
    assert_eq!(leaked, noted());
    // Judging a blind answer uncovers its proposals.
    let blind = items.iter().find(|item| item["blind"] == true).unwrap();
    ana.done("/api/decide", &decision(blind, "done", ""));
    assert!(noted().contains(&place(blind)));
}

#[test]
fn coders_see_nothing_of_each_other_until_both_have_judged_and_a_third_settles() {
    let home = home();
    let server = Running::start(home.path(), |plan| Plan {
        blind_share: 0.0,
        double_share: Some(0.5),
        coders: vec!["ana".into(), "ben".into()],
        adjudicators: vec!["cho".into()],
        ..plan
    });
    let (mut ana, mut ben) =
        (Client::new(server.port, &server.key("ana")), Client::new(server.port, &server.key("ben")));
    let mut cho = Client::new(server.port, &server.key("cho"));
    let of_ana: BTreeSet<String> = queue(&mut ana, json!({}), "transcript").into_iter().collect();
    let of_ben: BTreeSet<String> = queue(&mut ben, json!({}), "transcript").into_iter().collect();
    let both: Vec<&String> = of_ana.intersection(&of_ben).collect();
    assert!(both.len() > 10 && of_ana.len() > both.len() && of_ben.len() > both.len());
    assert!(queue(&mut cho, json!({}), "transcript").is_empty());
    let id =
        both.into_iter().find(|id| item(&mut ana, id)["suggestions"][0]["code"] == "role.trainer").unwrap().clone();
    let shown = item(&mut ana, &id);
    let first = ana.done("/api/decide", &decision(&shown, "accept", "role.trainer"))["item"].clone();
    ana.done("/api/decide", &decision(&first, "done", ""));
    for client in [&mut ben, &mut cho] {
        let text = item(client, &id).to_string() + &client.get("/api/adjudication").to_string();
        assert!(!text.contains("\"coder\":\"ana\"") && !text.contains(&format!("{id}\",\"quote")), "{text}");
        assert_eq!(client.send("GET", &format!("/api/adjudication/item?id={id}"), None).unwrap().status, 404);
    }
    let shown = item(&mut ben, &id);
    ben.done("/api/decide", &decision(&shown, "done", ""));
    let list = cho.get("/api/adjudication");
    assert_eq!((&list["open"], &list["segments"][0]["differing"][0]), (&json!(1), &json!("role.trainer")));
    let side = cho.get(&format!("/api/adjudication/item?id={id}"));
    assert_eq!(side["coders"].as_array().unwrap().len(), 2);
    let settle = json!({ "op_id": op(), "segment": id, "hash": side["hash"], "version": side["version"],
                         "verdicts": { "role.trainer": "present" }, "note": "workshops" });
    cho.done("/api/settle", &settle);
    assert_eq!(cho.get("/api/adjudication")["settled"], 1);
    let mut stale = settle.clone();
    stale["op_id"] = json!(op());
    assert_eq!(cho.post("/api/settle", &stale).status, 409);
    let journal = precode::store::journal::Journal::open_read(&home.path().join("study.sqlite")).unwrap();
    let settled: Vec<_> = journal.decisions().unwrap().into_iter().filter(|d| d.settled).collect();
    assert_eq!((settled.len(), settled[0].coder.as_str(), settled[0].verdict.word()), (1, "cho", "present"));
}

/// Two coders and somebody who settles; everybody judges everything.
fn two_and_a_third(home: &TempDir) -> (Running, [Client; 3]) {
    let server = Running::start(home.path(), |plan| Plan {
        blind_share: 0.0,
        coders: vec!["ana".into(), "ben".into()],
        adjudicators: vec!["cho".into()],
        ..plan
    });
    let clients = ["ana", "ben", "cho"].map(|coder| Client::new(server.port, &server.key(coder)));
    (server, clients)
}

/// Ends every segment of a transcript.
fn finish(client: &mut Client, transcript: &str) {
    for id in queue(client, json!({ "transcript": transcript, "state": "undecided" }), "transcript") {
        let shown = item(client, &id);
        client.done("/api/decide", &decision(&shown, "done", ""));
    }
}

fn settled_rows(home: &TempDir) -> Vec<precode::store::journal::present::DecisionRow> {
    let journal = precode::store::journal::Journal::open_read(&home.path().join("study.sqlite")).unwrap();
    journal.verify().unwrap();
    journal.decisions().unwrap().into_iter().filter(|d| d.settled).collect()
}

#[test]
fn sentences_that_only_people_coded_are_settled_too() {
    let home = home();
    let (server, [mut ana, mut ben, mut cho]) = two_and_a_third(&home);
    let whole = ana.get("/api/transcript?name=b01");
    let turns = whole["turns"].as_array().unwrap();
    let copier = turns.iter().find(|turn| turn["text"].as_str().unwrap().contains("copier")).unwrap();
    let sentences: Vec<(u64, u64)> = copier["sentences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s[0].as_u64().unwrap(), s[1].as_u64().unwrap()))
        .collect();
    let add_to = |client: &mut Client, (start, end): (u64, u64), code: &str, version: &Value| {
        client.done("/api/decide", &json!({ "op_id": op(), "transcript": "b01", "start": start, "end": end, "version": version, "action": "add", "code": code }))["item"].clone()
    };
    let add = |client: &mut Client, place: (u64, u64), code: &str| add_to(client, place, code, &json!(0));
    // Ana codes two sentences, Ben only the second of them and with another code besides.
    let wide = (sentences[0].0, sentences[1].1);
    let of_ana = add(&mut ana, wide, "barrier.directives");
    for client in [&mut ana, &mut ben, &mut cho] {
        assert_eq!(client.get("/api/adjudication")["segments"], json!([]), "nobody else has spoken");
    }
    let of_ben = add(&mut ben, sentences[1], "barrier.directives");
    let late = add_to(&mut ben, sentences[1], "barrier.low_priority", &of_ben["version"]);
    assert_eq!(late["marks"].as_object().unwrap().len(), 2);
    let list = cho.get("/api/adjudication");
    assert_eq!((&list["open"], &list["segments"][0]["by_hand"]), (&json!(1), &json!(true)), "{list}");
    assert_eq!(list["segments"][0]["differing"], json!(["barrier.directives", "barrier.low_priority"]));
    let id = list["segments"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(json!(id), of_ana["id"]);
    let side = cho.get(&format!("/api/adjudication/item?id={id}"));
    let span = &side["coders"][1]["stand"]["marks"]["barrier.directives"]["span"];
    assert_eq!(
        span,
        &json!([sentences[1].0 - wide.0, wide.1 - wide.0]),
        "Ben's sentences, from the start of the case"
    );
    let settle = json!({ "op_id": op(), "segment": id, "hash": side["hash"], "version": side["version"],
        "verdicts": { "barrier.directives": "present", "barrier.low_priority": "absent" },
        "spans": { "barrier.directives": [sentences[1].0, sentences[1].1] } });
    let mut elsewhere = settle.clone();
    elsewhere["spans"] = json!({ "barrier.directives": [sentences[0].0, wide.1 + 4000] });
    assert_eq!(cho.post("/api/settle", &elsewhere).status, 422);
    assert_eq!(cho.done("/api/settle", &settle)["repeated"], false);
    assert_eq!(cho.done("/api/settle", &settle)["repeated"], true);
    let mut stale = settle.clone();
    stale["op_id"] = json!(op());
    assert_eq!(cho.post("/api/settle", &stale).status, 409);
    let said = |code: &str| -> BTreeSet<(u64, u64, &str)> {
        let rows = settled_rows(&home).into_iter().filter(|d| d.code == code);
        rows.map(|d| (d.start as u64, d.end as u64, d.verdict.word())).collect()
    };
    assert_eq!(said("barrier.directives"), BTreeSet::from([(sentences[1].0, sentences[1].1, "present")]));
    assert_eq!(said("barrier.low_priority"), BTreeSet::from([(sentences[1].0, sentences[1].1, "absent")]));
    let list = cho.get("/api/adjudication");
    assert_eq!((&list["open"], &list["settled"]), (&json!(0), &json!(1)));
    cho.done("/api/undo", &json!({ "op_id": op() }));
    assert_eq!(cho.get("/api/adjudication")["open"], 1);
    // A sentence that one coded and the other passed over comes once the other is through with the interview.
    let lone = sentences.last().copied().filter(|s| s.0 >= wide.1);
    let other = turns.iter().find(|turn| {
        turn["role"] == "respondent"
            && turn["turn"] != copier["turn"]
            && whole["spans"].as_array().unwrap().iter().all(|s| s["turn"] != turn["turn"])
    });
    let lone = lone.or_else(|| {
        other.map(|turn| (turn["sentences"][0][0].as_u64().unwrap(), turn["sentences"][0][1].as_u64().unwrap()))
    });
    add(&mut ana, lone.expect("a sentence that nobody coded"), "barrier.low_priority");
    assert_eq!(cho.get("/api/adjudication")["open"], 1);
    finish(&mut ben, "b01");
    assert_eq!(cho.get("/api/adjudication")["open"], 2);
    // Ben, who has to judge it and has, may see it; a coder who has not may not.
    assert_eq!(ben.get("/api/adjudication")["open"], 2);
    let mut dee = Client::new(server.port, &server.key("dee"));
    assert_eq!(dee.get("/api/adjudication")["open"], 0);
}

#[test]
fn the_same_code_for_other_sentences_is_a_difference_and_is_settled_with_its_sentences() {
    let home = home();
    let (_server, [mut ana, mut ben, mut cho]) = two_and_a_third(&home);
    let ids = queue(&mut ana, json!({ "transcript": "b01" }), "transcript");
    let of = |client: &mut Client| ids.iter().map(|id| item(client, id)).collect::<Vec<_>>();
    let several = |shown: &Value| {
        let turn = shown["turns"].as_array().unwrap().iter().find(|t| t["turn"] == shown["turn"]).unwrap().clone();
        let sentences = turn["sentences"].as_array().unwrap().clone();
        (sentences.len() > 1 && shown["suggestions"].as_array().unwrap().len() == 1)
            .then_some((shown.clone(), sentences))
    };
    let mine = of(&mut ana);
    let found: Vec<_> = mine.iter().filter_map(several).take(2).collect();
    let [(first, sentences), (second, more)] = [found[0].clone(), found[1].clone()];
    let (code, other_code) = (first_code(&first), first_code(&second));
    // In the first segment Ana chose other sentences; both accept the code.
    let mut span = decision(&first, "span", &code);
    (span["to_start"], span["to_end"]) = (sentences[0][0].clone(), sentences[sentences.len() - 1][1].clone());
    ana.done("/api/decide", &span);
    let shown = item(&mut ben, first["id"].as_str().unwrap());
    ben.done("/api/decide", &decision(&shown, "accept", &code));
    // In the second one Ana codes by hand, beside the segment, what Ben accepts in it.
    ana.done("/api/decide", &decision(&second, "reject", &other_code));
    let hand = (more[0][0].clone(), more[more.len() - 1][1].clone());
    assert_ne!((&hand.0, &hand.1), (&second["start"], &second["end"]));
    ana.done("/api/decide", &json!({ "op_id": op(), "transcript": "b01", "start": hand.0, "end": hand.1, "action": "add", "code": other_code }));
    let shown = item(&mut ben, second["id"].as_str().unwrap());
    ben.done("/api/decide", &decision(&shown, "accept", &other_code));
    let list = cho.get("/api/adjudication");
    assert_eq!(list["open"], 2, "{list}");
    for (id, code, chosen) in
        [(&first["id"], &code, (&sentences[0][0], &span["to_end"])), (&second["id"], &other_code, (&hand.0, &hand.1))]
    {
        let side = cho.get(&format!("/api/adjudication/item?id={}", id.as_str().unwrap()));
        assert_eq!(side["differing"], json!([code]));
        let marks: Vec<_> =
            side["coders"].as_array().unwrap().iter().map(|c| c["stand"]["marks"][code]["verdict"].clone()).collect();
        assert_eq!(marks, ["present", "present"], "they differ about the sentences alone");
        cho.done(
            "/api/settle",
            &json!({ "op_id": op(), "segment": id, "hash": side["hash"], "version": side["version"],
            "verdicts": { code: "present" }, "spans": { code: [chosen.0, chosen.1] } }),
        );
        let again = cho.get(&format!("/api/adjudication/item?id={}", id.as_str().unwrap()));
        let start = again["start"].as_i64().unwrap();
        let want = json!([chosen.0.as_i64().unwrap() - start, chosen.1.as_i64().unwrap() - start]);
        assert_eq!(again["settled"][code]["span"], want);
        let rows = settled_rows(&home)
            .into_iter()
            .filter(|d| d.code == *code && d.turn as u64 == side["turn"].as_u64().unwrap());
        let places: BTreeSet<_> = rows.map(|d| (d.start as u64, d.end as u64)).collect();
        assert_eq!(places, BTreeSet::from([(chosen.0.as_u64().unwrap(), chosen.1.as_u64().unwrap())]));
    }
    assert_eq!(cho.get("/api/adjudication")["settled"], 2);
}

#[test]
fn more_differences_than_fit_on_a_page_are_all_counted_and_reached() {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape { n_transcripts: 120, n_answers: 60, ..Shape::default() });
    let (_server, [mut ana, mut ben, mut cho]) = two_and_a_third(&home);
    let bulk = |client: &mut Client, action: &str| {
        client.done("/api/bulk", &json!({ "op_id": op(), "action": action, "filter": {} }))["n"].as_u64().unwrap()
    };
    assert_eq!(bulk(&mut ana, "accept"), bulk(&mut ben, "reject"));
    let n = cho.get("/api/queue").clone();
    assert_eq!(n["total"], 0);
    let list = cho.get("/api/adjudication?limit=100");
    let n_open = list["open"].as_u64().unwrap() as usize;
    assert!(n_open > 10_000 && list["segments"].as_array().unwrap().len() == 100, "{n_open}");
    let mut ids = BTreeSet::new();
    for from in (0..n_open).step_by(200).take(3).chain([n_open - 1]) {
        let page = cho.get(&format!("/api/adjudication?limit=200&from={from}"));
        ids.extend(page["segments"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(ids.len(), 601, "pages hold different segments, and the last one is reached");
    // The last one is settled; it is counted, and still there.
    let last = cho.get(&format!("/api/adjudication?from={}", n_open - 1))["segments"][0].clone();
    let side = cho.get(&format!("/api/adjudication/item?id={}", last["id"].as_str().unwrap()));
    let verdicts: serde_json::Map<String, Value> = side["differing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c.as_str().unwrap().to_owned(), json!("present")))
        .collect();
    cho.done("/api/settle", &json!({ "op_id": op(), "segment": last["id"], "hash": side["hash"], "version": side["version"], "verdicts": verdicts }));
    let since = Instant::now();
    let list = cho.get(&format!("/api/adjudication?from={}", n_open - 1));
    println!("{n_open} differences: a page in {:?}", since.elapsed());
    assert_eq!(
        (list["open"].as_u64(), &list["settled"], &list["segments"][0]["settled"]),
        (Some(n_open as u64 - 1), &json!(1), &json!(true))
    );
}

#[test]
fn a_new_run_carries_decisions_over_and_refuses_clicks_on_words_that_changed() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let ids = queue(&mut ana, json!({ "transcript": "b01" }), "transcript");
    let (kept, changed) = (item(&mut ana, &ids[0]), item(&mut ana, &ids[4]));
    for shown in [&kept, &changed] {
        ana.done("/api/decide", &decision(shown, "accept", &first_code(shown)));
    }
    let quote = changed["quote"].as_str().unwrap().to_owned();
    let shape = Shape { run: "run-two", before: "Transcribed again: één 😀\n\n", ..Shape::default() };
    study::write_with(home.path(), &shape, |_, sentence| {
        if quote.contains(&sentence) { sentence.replace(' ', "  ") } else { sentence }
    });
    assert_eq!(ana.get("/api/session")["new_results"], true);
    ana.done("/api/reload", &json!({}));
    let session = ana.get("/api/session");
    assert_eq!(
        (&session["run"], &session["new_results"], &session["orphans"]),
        (&json!("run-two"), &json!(false), &json!(1))
    );
    let decided = queue(&mut ana, json!({ "transcript": "b01", "state": "decided" }), "transcript");
    let partly = queue(&mut ana, json!({ "transcript": "b01" }), "transcript");
    let moved = partly.iter().map(|id| item(&mut ana, id)).find(|now| now["hash"] == kept["hash"]).unwrap();
    assert_eq!(moved["start"].as_u64().unwrap(), kept["start"].as_u64().unwrap() + 26);
    assert_eq!(moved["marks"][first_code(&kept)]["verdict"], "present");
    assert!(decided.len() <= partly.len());
    let now = partly.iter().map(|id| item(&mut ana, id)).find(|now| now["hash"] != kept["hash"]).unwrap();
    let mut late = decision(&now, "accept", &first_code(&now));
    late["hash"] = changed["hash"].clone();
    let reply = ana.post("/api/decide", &late);
    assert_eq!((reply.status, &reply.json()["errors"][0]["code"]), (409, &json!("segment_changed")));
}

#[test]
fn orders_and_filters_do_what_they_say() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let all = queue(&mut ana, json!({}), "transcript");
    for order in ["uncertainty", "code", "respondent", "random", "newest"] {
        let mut ids = queue(&mut ana, json!({}), order);
        assert_ne!(ids, all, "{order}");
        ids.sort();
        let mut sorted = all.clone();
        sorted.sort();
        assert_eq!(ids, sorted, "{order} loses or doubles segments");
    }
    let first = queue(&mut ana, json!({}), "uncertainty")[0].clone();
    let nearest = item(&mut ana, &first);
    let confidence = |c: &Value| (c["confidence"].as_f64().unwrap() - 0.5).abs();
    assert!(nearest["suggestions"].as_array().unwrap().iter().any(|c| confidence(c) < 0.03));
    let schools = queue(&mut ana, json!({ "attributes": { "level": "school" } }), "transcript");
    assert!(!schools.is_empty() && schools.len() < all.len());
    assert_eq!(item(&mut ana, &schools[0])["attributes"]["level"], "school");
    let conflicts = queue(&mut ana, json!({ "flag": "conflict" }), "transcript");
    assert!(!conflicts.is_empty() && conflicts.len() < all.len());
    assert!(queue(&mut ana, json!({ "min": 0.9, "max": 0.5 }), "code").is_empty());
    assert!(queue(&mut ana, json!({ "code": "no.such" }), "code").is_empty());
}

#[test]
fn reading_leaves_the_journal_as_it_is() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let files = ["study.sqlite", "study.sqlite-wal"];
    let bytes = || files.map(|file| std::fs::read(home.path().join(file)).unwrap_or_default());
    let before = bytes();
    let id = queue(&mut ana, json!({}), "code")[0].clone();
    for path in
        ["/api/session", "/api/progress", "/api/history", "/api/adjudication", "/api/table", "/api/transcripts"]
    {
        ana.get(path);
    }
    item(&mut ana, &id);
    ana.get("/api/transcript?name=b02");
    assert!(before == bytes(), "a question changed the store");
}

#[test]
fn unknown_things_have_their_status() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let id = queue(&mut ana, json!({}), "code")[0].clone();
    let shown = item(&mut ana, &id);
    let with = |name: &str, value: Value| {
        let mut request = decision(&shown, "accept", "role.trainer");
        request[name] = value;
        request
    };
    let cases = [
        (with("segment", json!("0000000000000000")), 404),
        (with("segment", json!("../etc/passwd")), 404),
        (with("code", json!("no.such")), 422),
        (with("code", Value::Null), 400),
        (with("op_id", json!("x")), 400),
        (with("op_id", json!("aaaaaaaa#1")), 400),
        (with("action", json!("destroy")), 400),
        (with("action", json!("settle")), 400),
        (with("surprise", json!(1)), 400),
        (with("version", json!(77)), 409),
        (with("hash", json!("other")), 409),
        (with("start", json!(1)), 400),
    ];
    for (request, status) in cases {
        assert_eq!(ana.post("/api/decide", &request).status, status, "{request}");
    }
    let note = json!({ "op_id": op(), "segment": id, "version": 0, "action": "memo", "note": "x".repeat(30_000) });
    assert_eq!(ana.post("/api/decide", &note).status, 422);
    for (path, status) in [
        ("/api/item?id=zz", 404),
        ("/api/item", 400),
        ("/api/item?id=1&id=2", 400),
        ("/api/queue?from=-1", 400),
        ("/api/queue?order=alphabet", 400),
        ("/api/queue?filter=%7B%22drop%22%3A1%7D", 400),
        ("/api/transcript?name=..%2F..%2Fetc%2Fpasswd", 404),
        ("/api/nothing", 404),
    ] {
        assert_eq!(ana.send("GET", path, None).unwrap().status, status, "{path}");
    }
}

/// The request that opens the page, with these headers put in place of the usual ones.
fn request(server: &Running, line: &str, host: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let host = host.replace("PORT", &server.port.to_string());
    let mut bytes = format!("{line}\r\n{host}{headers}\r\n").replace("PORT", &server.port.to_string()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn every_attack_gets_its_status_and_every_reply_its_headers() {
    let home = home();
    let server = open(&home);
    let key = server.key("ana");
    let host = "host: 127.0.0.1:PORT\r\n";
    let auth = format!("authorization: Bearer {key}\r\n");
    let json_type = "content-type: application/json\r\n";
    let get = "GET /api/session HTTP/1.1";
    let post = "POST /api/undo HTTP/1.1";
    let body = br#"{"op_id":"attack-0001"}"#;
    let length = format!("content-length: {}\r\n", body.len());
    let post_headers = format!("{auth}{json_type}{length}");
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let mut cases: Vec<(String, Vec<u8>, &[u16])> = Vec::new();
    let mut case =
        |name: &str, bytes: Vec<u8>, statuses: &'static [u16]| cases.push((name.to_owned(), bytes, statuses));

    // The address of this server in its lawful forms.
    for good in ["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT", "[::1]:PORT"] {
        case(good, request(&server, get, &format!("host: {good}\r\n"), &auth, b""), &[200]);
    }
    // DNS rebinding.
    for bad in [
        "evil.example",
        "evil.example:PORT",
        "127.0.0.1.evil.example:PORT",
        "localhost.evil.example:PORT",
        "127.0.0.1",
        "127.0.0.1:1",
        "0.0.0.0:PORT",
        "127.0.0.2:PORT",
        "[::]:PORT",
        "127.1:PORT",
        "2130706433:PORT",
        "localhost.:PORT",
        "a@127.0.0.1:PORT",
        "",
        "127.0.0.1:PORT:PORT",
    ] {
        for path in ["/", "/api/session", "/assets/app.js", "/nothing"] {
            let line = format!("GET {path} HTTP/1.1");
            case(
                &format!("host {bad} {path}"),
                request(&server, &line, &format!("host: {bad}\r\n"), &auth, b""),
                &[421, 400],
            );
        }
    }
    case("no host", request(&server, get, "", &auth, b""), &[421]);
    case("two hosts", request(&server, get, &format!("{host}host: evil.example\r\n"), &auth, b""), &[421, 400]);
    case("two equal hosts", request(&server, get, &format!("{host}{host}"), &auth, b""), &[421, 400]);
    case(
        "absolute target",
        request(&server, "GET http://evil.example/api/session HTTP/1.1", host, &auth, b""),
        &[421],
    );
    case(
        "absolute target of ours",
        request(&server, "GET http://127.0.0.1:PORT/ HTTP/1.1", host, &auth, b""),
        &[421],
    );
    case("http 1.0", request(&server, "GET /api/session HTTP/1.0", host, &auth, b""), &[421]);
    case("connect", request(&server, "CONNECT evil.example:443 HTTP/1.1", host, "", b""), &[421, 400]);
    // Keys.
    case("no key", request(&server, get, host, "", b""), &[401]);
    for (name, wrong) in [
        ("empty", String::new()),
        ("wrong", "0".repeat(64)),
        ("shortened", key[..63].to_owned()),
        ("longer", format!("{key}0")),
        ("upper case", key.to_uppercase() + "x"),
    ] {
        case(
            &format!("{name} key"),
            request(&server, get, host, &format!("authorization: Bearer {wrong}\r\n"), b""),
            &[401],
        );
    }
    case("basic", request(&server, get, host, &format!("authorization: Basic {key}\r\n"), b""), &[401]);
    case("cookie", request(&server, get, host, &format!("cookie: key={key}\r\n"), b""), &[401]);
    case("key in query", request(&server, &format!("GET /api/session?key={key} HTTP/1.1"), host, "", b""), &[401]);
    // Cross-site requests, without and with the key.
    case(
        "form post",
        request(&server, post, host, &format!("content-type: application/x-www-form-urlencoded\r\n{length}"), body),
        &[401],
    );
    case(
        "form post with key",
        request(
            &server,
            post,
            host,
            &format!("{auth}content-type: application/x-www-form-urlencoded\r\n{length}"),
            body,
        ),
        &[415],
    );
    case(
        "plain json",
        request(&server, post, host, &format!("{auth}content-type: text/plain\r\n{length}"), body),
        &[415],
    );
    case("no type", request(&server, post, host, &format!("{auth}{length}"), body), &[415]);
    for origin in
        ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:PORT", "http://127.0.0.1", "file://"]
    {
        case(
            &format!("origin {origin}"),
            request(&server, post, host, &format!("origin: {origin}\r\n{post_headers}"), body),
            &[403],
        );
        case(
            &format!("get, origin {origin}"),
            request(&server, get, host, &format!("origin: {origin}\r\n{auth}"), b""),
            &[403],
        );
    }
    for site in ["cross-site", "same-site", "nonsense"] {
        case(site, request(&server, post, host, &format!("sec-fetch-site: {site}\r\n{post_headers}"), body), &[403]);
    }
    case(
        "preflight",
        request(
            &server,
            "OPTIONS /api/undo HTTP/1.1",
            host,
            "origin: http://evil.example\r\naccess-control-request-method: POST\r\n",
            b"",
        ),
        &[401],
    );
    case("jsonp", request(&server, "GET /api/session?callback=x HTTP/1.1", host, &auth, b""), &[400]);
    case(
        "websocket",
        request(
            &server,
            get,
            host,
            "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: x\r\nsec-websocket-version: 13\r\n",
            b"",
        ),
        &[401],
    );
    // Traversal and redirects.
    for path in [
        "/../etc/passwd",
        "/assets/../../etc/passwd",
        "/%2e%2e%2fetc/passwd",
        "/%252e%252e/x",
        "/..%5c..%5cx",
        "//etc/passwd",
        "/%00",
        "/assets/%2e%2e/app.js",
        "//evil.example",
        "/\\evil.example",
        "/assets/",
        "/study.sqlite",
        "/.review/port",
    ] {
        case(path, request(&server, &format!("GET {path} HTTP/1.1"), host, "", b""), &[404, 400, 421]);
    }
    case("post to the page", request(&server, "POST / HTTP/1.1", host, "content-length: 0\r\n", b""), &[405]);
    case("delete", request(&server, "DELETE /api/item HTTP/1.1", host, &auth, b""), &[405]);
    case("trace", request(&server, "TRACE /api/item HTTP/1.1", host, &auth, b""), &[405]);
    case("get changes nothing", request(&server, "GET /api/undo HTTP/1.1", host, &auth, b""), &[404]);
    // Sizes and shapes.
    case(
        "1 GB",
        request(&server, post, host, &format!("{auth}{json_type}content-length: 1073741824\r\n"), b""),
        &[413],
    );
    case(
        "2 MB sent",
        request(&server, post, host, &format!("{auth}{json_type}content-length: 2097152\r\n"), &vec![b' '; 2 << 20]),
        &[413],
    );
    case("many headers", request(&server, get, host, &format!("{auth}{}", "x: y\r\n".repeat(100)), b""), &[431]);
    case(
        "endless headers",
        request(&server, get, host, &"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(9000), b""),
        &[431],
    );
    case(
        "one long header",
        request(&server, get, host, &format!("{auth}x: {}\r\n", "y".repeat(20_000)), b""),
        &[431],
    );
    case(
        "chunked",
        request(&server, post, host, &format!("{auth}{json_type}transfer-encoding: chunked\r\n"), b"0\r\n\r\n"),
        &[400],
    );
    case(
        "length and chunked",
        request(
            &server,
            post,
            host,
            &format!("{auth}{json_type}{length}transfer-encoding: chunked\r\n"),
            b"0\r\n\r\n",
        ),
        &[400],
    );
    case(
        "chunked and length",
        request(
            &server,
            post,
            host,
            &format!("{auth}{json_type}transfer-encoding: chunked\r\n{length}"),
            b"0\r\n\r\n",
        ),
        &[400],
    );
    case(
        "two lengths",
        request(&server, post, host, &format!("{auth}{json_type}content-length: 1\r\ncontent-length: 2\r\n"), b"{}"),
        &[400],
    );
    case(
        "deep json",
        request(&server, post, host, &format!("{auth}{json_type}content-length: {}\r\n", deep.len()), &deep),
        &[400],
    );
    case(
        "bad utf-8",
        request(
            &server,
            post,
            host,
            &format!("{auth}{json_type}content-length: 15\r\n"),
            b"{\"op_id\":\"\xff\xfe\"}\n",
        ),
        &[400],
    );
    case(
        "unknown field",
        request(
            &server,
            post,
            host,
            &format!("{auth}{json_type}content-length: 16\r\n"),
            br#"{"op_id":"a","b":1}"#.get(..16).unwrap(),
        ),
        &[400],
    );
    for line in [
        "GET",
        "GET  / HTTP/1.1",
        "GET / HTTP/9.9",
        "GET / HTTP/1.1 x",
        "G\u{1}T / HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "/ GET",
        "hello",
        "\u{0}",
    ] {
        case(&format!("request line {line:?}"), request(&server, line, host, &auth, b""), &[400]);
    }
    case("header without a colon", request(&server, get, host, "nonsense\r\n", b""), &[400]);
    case("folded header", request(&server, get, host, "x: a\r\n b\r\n", b""), &[400]);
    case("NUL in a header", request(&server, get, host, "x: a\u{0}b\r\n", b""), &[400]);
    case("space before the colon", request(&server, get, host, "x : a\r\n", b""), &[400]);
    case(
        "bad length",
        request(&server, post, host, &format!("{auth}{json_type}content-length: x\r\n"), b"{}"),
        &[400],
    );
    case(
        "long target",
        request(&server, &format!("GET /{} HTTP/1.1", "a".repeat(70_000)), host, "", b""),
        &[414, 431],
    );
    case(
        "continue",
        request(&server, "POST / HTTP/1.1", host, "expect: 100-continue\r\ncontent-length: 2\r\n", b"{}"),
        &[405],
    );
    case("not http", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n".to_vec(), &[400]);

    let n = cases.len();
    assert!(n >= 60, "{n} attacks");
    let mut statuses = std::collections::BTreeMap::new();
    for (name, bytes, wanted) in cases {
        let reply = raw(server.port, &bytes).unwrap_or_else(|| panic!("{name}: no reply"));
        assert!(wanted.contains(&reply.status), "{name}: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        check_headers(&name, &reply);
        *statuses.entry(reply.status).or_insert(0) += 1;
    }
    println!("{n} attacks, all headers on every reply; replies by status: {statuses:?}");
}

/// Two requests on one connection, the second one broken: the reply to it comes after the body of the first one.
#[test]
fn a_broken_request_after_a_good_one_gets_its_headers_too() {
    let home = home();
    let server = open(&home);
    let mut stream = std::io::BufReader::new(TcpStream::connect(("127.0.0.1", server.port)).unwrap());
    stream.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let good = format!("GET /assets/style.css HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n", server.port);
    stream.get_mut().write_all(format!("{good}{good}nonsense\r\n\r\n").as_bytes()).unwrap();
    for status in [200, 200, 400] {
        let reply = client::read_reply(&mut stream).expect("a reply");
        assert_eq!(reply.status, status);
        check_headers("pipelined", &reply);
    }
}

fn check_headers(name: &str, reply: &Reply) {
    let wanted = [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (header, value) in wanted {
        assert_eq!(reply.header(header), Some(value), "{name}: {header}");
    }
    let csp = reply.header("content-security-policy").unwrap_or_default();
    for part in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]
    {
        assert!(csp.contains(part), "{name}: {csp}");
    }
    assert!(reply.header("permissions-policy").is_some() && reply.header("x-precode-version").is_some(), "{name}");
    for forbidden in ["set-cookie", "location", "access-control-allow-origin", "server"] {
        assert_eq!(reply.header(forbidden), None, "{name}: {forbidden}");
    }
}

#[test]
fn two_hundred_slow_clients_do_not_keep_others_waiting() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    let slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nx").unwrap();
            stream
        })
        .collect();
    let since = Instant::now();
    ana.get("/api/session");
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    drop(slow);
}

#[test]
fn one_coders_key_is_no_key_to_another_coder() {
    let home = home();
    let server = open(&home);
    let mut ana = Client::new(server.port, &server.key("ana"));
    assert_eq!(ana.post("/api/signin", &json!({ "name": "ben" })).status, 403);
    let owner = server.guard.keys.issue(precode::review::key::Holder::Owner).unwrap();
    let mut owner = Client::new(server.port, &owner);
    assert_eq!(owner.get("/api/session"), json!({ "needs_name": true }));
    assert_eq!(owner.send("GET", "/api/queue", None).unwrap().status, 403);
    assert_eq!(owner.post("/api/signin", &json!({ "name": " \u{7}" })).status, 422);
    let ben = owner.done("/api/signin", &json!({ "name": " ben " }));
    let mut ben = Client::new(server.port, ben["key"].as_str().unwrap());
    assert_eq!(ben.get("/api/session")["coder"], "ben");
}
