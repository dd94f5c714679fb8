//! Kills, planted faults, a model, and the order of system calls: what was acknowledged is on disk, once.

use super::client::{Client, Running};
use super::study::{self, Shape};
use super::traced::{Traced, has_strace};
use precode::review::app::App;
use precode::review::guard::Guard;
use precode::review::key::{Holder, Keys};
use precode::review::plan::Plan;
use precode::review::server;
use precode::store::journal::Journal;
use precode::store::journal::append::{AppendError, Ledger, Operation, Receipt, What};
use precode::store::layout::Study;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const CODERS: [&str; 4] = ["ana", "ben", "cho", "dee"];

/// Says that everything is saved, and saves it a little later.
struct AcknowledgesFirst(mpsc::Sender<Operation>);

impl AcknowledgesFirst {
    fn new(mut journal: Journal) -> Self {
        let (send, todo) = mpsc::channel::<Operation>();
        std::thread::spawn(move || {
            for operation in todo {
                std::thread::sleep(Duration::from_millis(2));
                let _ = journal.append(&operation);
            }
        });
        AcknowledgesFirst(send)
    }
}

impl Ledger for AcknowledgesFirst {
    fn append(&mut self, operation: &Operation) -> Result<Receipt, AppendError> {
        let _ = self.0.send(operation.clone());
        Ok(made_up(operation))
    }
}

/// Forgets every tenth operation and says that it is saved.
struct Drops(Journal, u32);

impl Ledger for Drops {
    fn append(&mut self, operation: &Operation) -> Result<Receipt, AppendError> {
        self.1 += 1;
        if self.1.is_multiple_of(10) { Ok(made_up(operation)) } else { self.0.append(operation) }
    }
}

fn made_up(operation: &Operation) -> Receipt {
    let n_rows = if let What::Steps(steps) = &operation.what { steps.len() } else { 1 };
    Receipt { repeated: false, target: None, n_rows, tick: 0 }
}

/// Fails so many times in a row, then works. `commits`: the operation is written all the same.
struct Fails {
    journal: Journal,
    left: u32,
    commits: bool,
    error: fn() -> AppendError,
}

impl Ledger for Fails {
    fn append(&mut self, operation: &Operation) -> Result<Receipt, AppendError> {
        if self.left == 0 {
            return self.journal.append(operation);
        }
        self.left -= 1;
        if self.commits {
            self.journal.append(operation)?;
        }
        Err((self.error)())
    }
}

fn io_error() -> AppendError {
    let code = rusqlite::ffi::Error { code: rusqlite::ffi::ErrorCode::SystemIoFailure, extended_code: 1034 };
    AppendError::from(rusqlite::Error::SqliteFailure(code, None))
}

/// An error, whether the operation is written all the same, and the status of the reply.
type Case = (fn() -> AppendError, bool, u16);

#[test]
fn a_failed_save_says_so_and_the_same_request_heals_it() {
    let cases: [Case; 4] = [
        (|| AppendError::Full, false, 507),
        (|| AppendError::Busy, false, 503),
        (io_error, false, 503),
        // The error came after the commit: it is there, and asking again finds it.
        (io_error, true, 503),
    ];
    for (error, commits, status) in cases {
        let home = TempDir::new().unwrap();
        study::write(home.path(), &Shape::default());
        let journal = Journal::open(&home.path().join("study.sqlite")).unwrap();
        let ledger = Box::new(Fails { journal, left: 2, commits, error });
        let plan = |plan| Plan { blind_share: 0.0, coders: vec!["coder0".into()], ..plan };
        let app = App::open_with(Study::at(home.path()), plan, ledger, false).unwrap();
        let handler = Handler::around(app);
        let (_, queue) = handler.send(0, "GET", "/api/queue", &Value::Null);
        let request = json!({ "op_id": "try-again-1", "segment": queue["ids"][0]["id"], "version": 0, "action": "memo", "note": "x" });
        for _ in 0..2 {
            assert_eq!(handler.send(0, "POST", "/api/decide", &request).0, status);
            assert_eq!(handler.send(0, "GET", "/api/progress", &Value::Null).0, 200, "reading goes on");
        }
        let (status, reply) = handler.send(0, "POST", "/api/decide", &request);
        assert_eq!((status, &reply["repeated"]), (200, &json!(commits)));
        assert_eq!(reply["item"]["memo"], "x");
        assert_eq!(Journal::open_read(&home.path().join("study.sqlite")).unwrap().n_rows().unwrap(), 1);
    }
}

/// The server that is killed: this very program, started again for this one test.
#[test]
fn child_server() {
    let (Ok(root), Ok(mode)) = (std::env::var("PRECODE_TEST_STUDY"), std::env::var("PRECODE_TEST_LEDGER")) else {
        return;
    };
    let study = Study::at(root);
    let journal = Journal::open(&study.journal()).unwrap();
    let ledger: Box<dyn Ledger> = match mode.as_str() {
        "acknowledges-first" => Box::new(AcknowledgesFirst::new(journal)),
        "drops" => Box::new(Drops(journal, 0)),
        _ => Box::new(journal),
    };
    let app = App::open_with(study, |plan| Plan { blind_share: 0.0, ..plan }, ledger, false).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let guard = Arc::new(Guard { port: listener.local_addr().unwrap().port(), keys: Keys::default() });
    let keys: Vec<String> = CODERS.iter().map(|c| guard.keys.issue(Holder::Coder((*c).into())).unwrap()).collect();
    println!("\nready {} {}", guard.port, keys.join(" "));
    server::serve(&app, &guard, listener, std::future::pending::<()>()).unwrap();
}

struct Victim {
    child: Child,
    port: u16,
    keys: Vec<String>,
}

impl Victim {
    fn start(root: &Path, ledger: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "faults::child_server", "--nocapture"])
            .env("PRECODE_TEST_STUDY", root)
            .env("PRECODE_TEST_LEDGER", ledger)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.into_iter().find(|line| line.starts_with("ready ")).expect("the server starts");
        let words: Vec<String> = ready.split(' ').skip(1).map(str::to_owned).collect();
        Victim { child, port: words[0].parse().unwrap(), keys: words[1..].to_vec() }
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What one client knows: how many operations it began, and which were acknowledged.
#[derive(Default)]
struct Sent {
    n_begun: usize,
    acknowledged: Vec<String>,
    /// The request that got no answer: it is sent again, with the same id.
    open: Option<Value>,
}

/// Works until the server is gone.
fn work(port: u16, key: &str, coder: usize, ids: &[String], sent: &Mutex<Sent>) {
    let mut client = Client::new(port, key);
    loop {
        let request = { sent.lock().unwrap().open.clone() };
        let request = match request {
            Some(request) => request,
            None => {
                let n = { sent.lock().unwrap().n_begun };
                let id = &ids[n % ids.len()];
                let Some(shown) = client.send("GET", &format!("/api/item?id={id}"), None) else { return };
                let version = shown.json()["version"].clone();
                let request = json!({ "op_id": format!("kill-{coder}-{n:07}"), "segment": id, "version": version,
                                      "action": "memo", "note": n.to_string() });
                let mut sent = sent.lock().unwrap();
                sent.n_begun += 1;
                sent.open = Some(request.clone());
                request
            }
        };
        let Some(reply) = client.send("POST", "/api/decide", Some(&request)) else { return };
        let mut sent = sent.lock().unwrap();
        match reply.status {
            200 => sent.acknowledged.push(request["op_id"].as_str().unwrap().to_owned()),
            // A made-up receipt leaves the page with an old version: not what is tested here.
            409 => {}
            status => panic!("{status}: {}", reply.json()),
        }
        sent.open = None;
    }
}

/// Kills a server `n` times under four clients; says what was acknowledged and what is wrong afterwards.
fn kill_many(ledger: &str, n: usize) -> (usize, Vec<String>) {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape { n_transcripts: 3, ..Shape::default() });
    let sent: [Mutex<Sent>; 4] = Default::default();
    let mut wrong = Vec::new();
    for round in 0..n {
        let mut victim = Victim::start(home.path(), ledger);
        let (port, keys) = (victim.port, victim.keys.clone());
        let mut client = Client::new(victim.port, &victim.keys[0]);
        let queue = client.get("/api/queue?limit=100");
        let ids: Vec<String> =
            queue["ids"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
        std::thread::scope(|scope| {
            for (coder, sent) in sent.iter().enumerate() {
                let (key, ids) = (&keys[coder], &ids);
                scope.spawn(move || work(port, key, coder, ids, sent));
            }
            // Not after the same number of decisions every time, nor at the same moment of one.
            let enough = n_acknowledged(&sent) + 5 + (round * 37) % 40;
            let since = Instant::now();
            while n_acknowledged(&sent) < enough && since.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_micros(300 + (round as u64 * 211) % 700));
            }
            victim.kill();
        });
        wrong.extend(check(home.path(), &sent).into_iter().map(|what| format!("kill {round}: {what}")));
        if wrong.len() > 3 {
            break;
        }
    }
    (n_acknowledged(&sent), wrong)
}

fn n_acknowledged(sent: &[Mutex<Sent>; 4]) -> usize {
    sent.iter().map(|sent| sent.lock().unwrap().acknowledged.len()).sum()
}

/// Every acknowledged operation is there once, every client's operations are there without a gap, the chain is whole.
fn check(root: &Path, sent: &[Mutex<Sent>; 4]) -> Vec<String> {
    let mut wrong = Vec::new();
    let journal = Journal::open(&root.join("study.sqlite")).unwrap();
    if let Err(error) = journal.verify() {
        wrong.push(error.to_string());
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    journal.each_row(|_, row| *counts.entry(row.batch).or_default() += 1).unwrap();
    for sent in sent {
        let sent = sent.lock().unwrap();
        for op in &sent.acknowledged {
            match counts.get(op) {
                Some(1) => {}
                Some(n) => wrong.push(format!("{op} is there {n} times")),
                None => wrong.push(format!("{op} was acknowledged and is lost")),
            }
        }
    }
    wrong
}

/// How often to kill: 100 in CI, 1,000 for a bench; a few where nobody says.
fn n_kills() -> usize {
    std::env::var("PRECODE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let mut acknowledged = 0;
    // A new store every hundred kills: the check after each kill reads the whole journal.
    for start in (0..n_kills()).step_by(100) {
        let (n, wrong) = kill_many("honest", (n_kills() - start).min(100));
        assert!(wrong.is_empty(), "{wrong:#?}");
        acknowledged += n;
    }
    assert!(acknowledged > 10 * n_kills(), "only {acknowledged} decisions were acknowledged: nothing is tested");
    println!("{} kills, {acknowledged} acknowledged, 0 lost", n_kills());
}

#[test]
fn the_same_harness_catches_an_acknowledgement_before_the_commit() {
    let (_, wrong) = kill_many("acknowledges-first", 12);
    assert!(wrong.iter().any(|what| what.contains("is lost")), "the planted fault was not seen");
}

#[test]
fn the_same_harness_catches_a_dropped_decision() {
    let (_, wrong) = kill_many("drops", 6);
    assert!(wrong.iter().any(|what| what.contains("is lost")), "the planted fault was not seen");
}

/// A plain generator of numbers, so that a seed says everything.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

/// One operation as the model sees it.
struct Done {
    coder: usize,
    segment: String,
    code: String,
    verdict: &'static str,
    stands: bool,
}

/// What should be there: all operations in order, and which of them stand.
#[derive(Default)]
struct Model {
    done: Vec<Done>,
    redo: HashMap<usize, Vec<usize>>,
}

impl Model {
    fn add(&mut self, done: Done) {
        self.redo.remove(&done.coder);
        self.done.push(done);
    }

    fn undo(&mut self, coder: usize) -> bool {
        let Some(i) = self.done.iter().rposition(|done| done.coder == coder && done.stands) else { return false };
        self.done[i].stands = false;
        self.redo.entry(coder).or_default().push(i);
        true
    }

    fn redo(&mut self, coder: usize) -> bool {
        let Some(i) = self.redo.get_mut(&coder).and_then(Vec::pop) else { return false };
        self.done[i].stands = true;
        true
    }

    fn state(&self) -> BTreeMap<(String, String, String), String> {
        let standing = self.done.iter().filter(|done| done.stands);
        standing
            .map(|d| ((format!("coder{}", d.coder), d.segment.clone(), d.code.clone()), d.verdict.to_owned()))
            .collect()
    }
}

/// Sends a request to the handler itself, without a socket.
struct Handler {
    runtime: tokio::runtime::Runtime,
    app: Arc<App>,
    guard: Arc<Guard>,
    keys: Vec<String>,
}

impl Handler {
    fn open(root: &Path) -> Self {
        let plan = |plan| Plan {
            blind_share: 0.0,
            double_share: Some(1.0),
            coders: (0..8).map(|i| format!("coder{i}")).collect(),
            ..plan
        };
        Self::around(App::open(Study::at(root), plan).unwrap())
    }

    fn around(app: Arc<App>) -> Self {
        let guard = Arc::new(Guard { port: 9, keys: Keys::default() });
        let keys = (0..8).map(|i| guard.keys.issue(Holder::Coder(format!("coder{i}"))).unwrap()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Handler { runtime, app, guard, keys }
    }

    fn send(&self, coder: usize, method: &str, path: &str, body: &Value) -> (u16, Value) {
        use tower::ServiceExt;
        let request = axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:9")
            .header("authorization", format!("Bearer {}", self.keys[coder]))
            .header("content-type", "application/json")
            .body(axum::body::Body::from(if method == "POST" { body.to_string() } else { String::new() }))
            .unwrap();
        let router = precode::review::api::router(Arc::clone(&self.app), Arc::clone(&self.guard));
        self.runtime.block_on(async {
            let reply = router.oneshot(request).await.unwrap();
            let status = reply.status().as_u16();
            let bytes = axum::body::to_bytes(reply.into_body(), 1 << 24).await.unwrap();
            (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
        })
    }
}

/// A request with what the model expects of it.
struct Planned {
    coder: usize,
    path: &'static str,
    body: Value,
    done: Option<(String, String, &'static str)>,
}

#[test]
fn eight_reviewers_end_where_the_model_ends() {
    let n_ops = std::env::var("PRECODE_MODEL_OPS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    for seed in [1, 2, 3] {
        model_run(seed, n_ops);
    }
}

fn model_run(seed: u64, n_ops: usize) {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape::default());
    let mut dice = Dice(seed);
    let mut handler = Handler::open(home.path());
    let mut model = Model::default();
    let segments: Vec<Vec<String>> = (0..8)
        .map(|coder| {
            let (_, queue) = handler.send(coder, "GET", "/api/queue?limit=200", &Value::Null);
            queue["ids"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect()
        })
        .collect();
    assert!(segments.iter().all(|mine| mine.len() > 10));
    let (mut n_sent, mut n_stale, mut round) = (0, 0, 0);
    while n_sent < n_ops {
        round += 1;
        // One request of each of a few coders, each sent one to three times, all in any order.
        let mut batch: Vec<usize> = Vec::new();
        let mut planned: Vec<Planned> = Vec::new();
        for (coder, mine) in segments.iter().enumerate() {
            if dice.roll(3) == 0 {
                continue;
            }
            let request = plan_one(&mut dice, &handler, coder, mine, &format!("model-{seed}-{round}-{coder}"));
            batch.extend(std::iter::repeat_n(planned.len(), 1 + dice.roll(3)));
            planned.push(request);
        }
        for i in (1..batch.len()).rev() {
            batch.swap(i, dice.roll(i + 1));
        }
        let mut first: HashMap<usize, u16> = HashMap::new();
        for i in batch {
            let one = &planned[i];
            let (status, reply) = handler.send(one.coder, "POST", one.path, &one.body);
            n_sent += 1;
            if let Some(&before) = first.get(&i) {
                assert_eq!(status, before, "a repeated request is answered otherwise: {reply}");
                assert!(status != 200 || reply["repeated"] == true, "{reply}");
                continue;
            }
            first.insert(i, status);
            n_stale += usize::from(status == 409 && one.path == "/api/decide");
            let expected = match (&one.done, one.path) {
                (Some((segment, code, verdict)), _) if status == 200 => {
                    let (segment, code, verdict) = (segment.clone(), code.clone(), *verdict);
                    model.add(Done { coder: one.coder, segment, code, verdict, stands: true });
                    true
                }
                (_, "/api/undo") => model.undo(one.coder) == (status == 200),
                (_, "/api/redo") => model.redo(one.coder) == (status == 200),
                _ => status == 409,
            };
            assert!(expected, "{status} {} {reply}", one.path);
        }
        // Now and then the server is gone and comes back, with every reply of this round forgotten.
        if dice.roll(40) == 0 {
            handler = Handler::open(home.path());
        }
    }
    compare(&handler, &model, home.path());
    println!("seed {seed}: {n_sent} requests, {n_stale} stale ones refused, {} decisions stand", model.state().len());
    assert!(n_stale > n_ops / 100, "stale requests were hardly tried: {n_stale}");
}

fn plan_one(dice: &mut Dice, handler: &Handler, coder: usize, segments: &[String], op_id: &str) -> Planned {
    match dice.roll(10) {
        0 => return Planned { coder, path: "/api/undo", body: json!({ "op_id": op_id }), done: None },
        1 => return Planned { coder, path: "/api/redo", body: json!({ "op_id": op_id }), done: None },
        _ => {}
    }
    let segment = &segments[dice.roll(segments.len().min(12))];
    let (_, item) = handler.send(coder, "GET", &format!("/api/item?id={segment}"), &Value::Null);
    let seen = item["version"].as_u64().unwrap();
    // A stale tab: it saw the segment before something that was done since.
    let version = if dice.roll(6) == 0 && seen > 0 { seen - 1 } else { seen };
    let (action, verdict) = [("accept", "present"), ("reject", "absent"), ("unsure", "unsure")][dice.roll(3)];
    let code = ["role.trainer", "role.data_manager", "barrier.directives"][dice.roll(3)];
    let body = json!({ "op_id": op_id, "segment": segment, "hash": item["hash"], "version": version, "action": action, "code": code });
    Planned { coder, path: "/api/decide", body, done: Some((segment.clone(), code.to_owned(), verdict)) }
}

/// The journal, and every item that the handler shows, say what the model says.
fn compare(handler: &Handler, model: &Model, root: &Path) {
    let journal = Journal::open_read(&root.join("study.sqlite")).unwrap();
    journal.verify().unwrap();
    let found: BTreeMap<_, _> = journal
        .decisions()
        .unwrap()
        .into_iter()
        .map(|d| {
            let id = precode::review::results::segment_id(&d.transcript, d.segment_start, d.segment_end);
            ((d.coder, precode::review::results::id_text(id), d.code), d.verdict.word().to_owned())
        })
        .collect();
    let wanted = model.state();
    assert_eq!(found, wanted);
    for (coder, segment, _) in wanted.keys() {
        let number: usize = coder.trim_start_matches("coder").parse().unwrap();
        let (_, item) = handler.send(number, "GET", &format!("/api/item?id={segment}"), &Value::Null);
        for (code, mark) in item["marks"].as_object().unwrap() {
            let key = (coder.clone(), segment.clone(), code.clone());
            assert_eq!(mark["verdict"].as_str(), wanted.get(&key).map(String::as_str));
        }
    }
}

#[test]
fn every_reply_comes_after_its_bytes_are_on_disk() {
    if !has_strace() {
        return;
    }
    let home = TempDir::new().unwrap();
    let root = home.path().join("study");
    study::write(&root, &Shape::default());
    let trace = home.path().join("trace");
    let traced = ["-y", "-e", "trace=pwrite64,fdatasync,fsync,write,writev,sendto"];
    let traced = Traced::start(&root, &trace, &traced);
    let mut ana = Client::new(traced.port, &traced.key);
    let queue = ana.get("/api/queue?limit=100");
    let ids: Vec<&str> = queue["ids"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap()).collect();
    for n in 0..200 {
        let id = ids[n % ids.len()];
        let version = ana.get(&format!("/api/item?id={id}"))["version"].clone();
        ana.done("/api/decide", &json!({ "op_id": format!("traced-{n:05}"), "segment": id, "version": version, "action": "memo", "note": n.to_string() }));
    }
    assert_eq!(traced.stop(), Some(143));
    let (replies, early) = check_trace(&std::fs::read_to_string(&trace).unwrap());
    assert!(replies >= 200, "{replies} saving replies in the trace");
    assert_eq!(early, 0, "{early} of {replies} replies came before their fdatasync");
    assert!(
        !root.join(".review").read_dir().unwrap().any(|e| e.unwrap().path().extension().is_some_and(|x| x == "html"))
    );
}

/// Replies that followed a write to the log, and how many of them came before its fdatasync had ended.
fn check_trace(trace: &str) -> (usize, usize) {
    let (mut dirty, mut written, mut replies, mut early) = (false, false, 0, 0);
    for line in trace.lines() {
        if line.contains("pwrite64(") && line.contains("-wal>") {
            (dirty, written) = (true, true);
        } else if (line.contains("fdatasync(") || line.contains("fsync("))
            && line.contains("-wal>")
            && !line.contains("unfinished")
            || line.contains("sync resumed")
        {
            dirty = false;
        } else if line.contains("HTTP/1.1 200") && written {
            replies += 1;
            early += usize::from(dirty);
            written = false;
        }
    }
    (replies, early)
}

#[test]
fn the_trace_check_sees_a_missing_fdatasync() {
    let good = "1 pwrite64(7</s/study.sqlite-wal>, ...) = 1\n1 fdatasync(7</s/study.sqlite-wal>) = 0\n2 writev(9<socket>, \"HTTP/1.1 200 OK\") = 1\n";
    let bad = "1 pwrite64(7</s/study.sqlite-wal>, ...) = 1\n2 writev(9<socket>, \"HTTP/1.1 200 OK\") = 1\n1 fdatasync(7</s/study.sqlite-wal>) = 0\n";
    assert_eq!((check_trace(good), check_trace(bad)), ((1, 0), (1, 1)));
}

/// What 1, 100 and 10,000 transcripts cost, the last ones with 500,000 codings. Run by name, in the release profile.
#[test]
#[ignore = "writes more than a gigabyte; cargo test --release --test review -- --ignored --nocapture ten_thousand"]
fn ten_thousand_transcripts_stay_quick() {
    for n_transcripts in [1, 100, 10_000] {
        stays_quick(n_transcripts);
    }
}

fn stays_quick(n_transcripts: usize) {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape { n_transcripts, n_answers: 26, ..Shape::default() });
    let since = Instant::now();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.1, ..plan });
    let opened = since.elapsed();
    let mut ana = Client::new(server.port, &server.key("ana"));
    let since = Instant::now();
    let session = ana.get("/api/session");
    let queue = ana.get("/api/queue?order=uncertainty&limit=20&filter=%7B%22state%22%3A%22undecided%22%7D");
    let first = queue["ids"][0]["id"].as_str().unwrap().to_owned();
    ana.get(&format!("/api/item?id={first}"));
    let view = since.elapsed();
    let (mut next, mut save) = (Vec::new(), Vec::new());
    let mut at = 0;
    for n in 0..1000 {
        let since = Instant::now();
        let queue = ana.get(&format!(
            "/api/queue?order=uncertainty&limit=20&from={at}&filter=%7B%22state%22%3A%22undecided%22%7D"
        ));
        let entry = queue["ids"][0].clone();
        if entry.is_null() {
            break;
        }
        at = entry["at"].as_u64().unwrap() + 1;
        let item = ana.get(&format!("/api/item?id={}", entry["id"].as_str().unwrap()));
        next.push(since.elapsed());
        let since = Instant::now();
        ana.done("/api/decide", &json!({ "op_id": format!("big-{n:06}"), "segment": item["id"], "hash": item["hash"], "version": item["version"], "action": "done" }));
        save.push(since.elapsed());
    }
    for (name, path) in [
        ("table", "/api/table"),
        ("table by confidence", "/api/table?sort=%7B%22by%22%3A%22confidence%22%7D"),
        ("progress", "/api/progress"),
        ("transcripts", "/api/transcripts"),
        ("transcript", if n_transcripts > 1000 { "/api/transcript?name=t09999" } else { "/api/transcript?name=b01" }),
        ("order by respondent", "/api/queue?order=respondent"),
    ] {
        let since = Instant::now();
        ana.get(path);
        println!("{name}: {:?}", since.elapsed());
    }
    next.sort();
    save.sort();
    println!(
        "{} transcripts, {} codings, {} segments: opened in {opened:?}, first view {view:?}, next item p50 {:?} p99 {:?}, save p50 {:?} p99 {:?}, peak {}",
        session["n_transcripts"],
        session["n_codings"],
        session["n_segments"],
        of_hundred(&next, 50),
        of_hundred(&next, 99),
        of_hundred(&save, 50),
        of_hundred(&save, 99),
        peak_memory()
    );
    assert!(
        view < Duration::from_secs(1)
            && of_hundred(&next, 99) < Duration::from_millis(50)
            && of_hundred(&save, 99) < Duration::from_millis(50)
    );
}

/// So many of a hundred took no longer than this; the times are sorted.
fn of_hundred(times: &[Duration], n: usize) -> Duration {
    times[(times.len() * n / 100).min(times.len() - 1)]
}

/// What a step of 100,000 rows costs, and what the page feels of it meanwhile. Run by name, in the release profile.
#[test]
#[ignore = "writes a hundred megabytes; cargo test --release --test review -- --ignored --nocapture large_steps"]
fn large_steps_leave_the_page_usable() {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape { n_transcripts: 2000, n_answers: 26, ..Shape::default() });
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    let mut ana = Client::new(server.port, &server.key("ana"));
    let n = ana.get("/api/table?limit=1")["total"].as_u64().unwrap();
    let steps = [
        ("bulk", json!({ "op_id": "large-bulk", "action": "accept", "filter": {}, "expected": n })),
        ("undo", json!({ "op_id": "large-undo" })),
        ("redo", json!({ "op_id": "large-redo" })),
    ];
    for (kind, body) in steps {
        let over = std::sync::atomic::AtomicBool::new(false);
        let (took, slowest) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| slowest_reading(&server, &over, n));
            let since = Instant::now();
            assert_eq!(ana.done(&format!("/api/{kind}"), &body)["n"], n);
            let took = since.elapsed();
            over.store(true, std::sync::atomic::Ordering::SeqCst);
            (took, reader.join().unwrap())
        });
        println!("{kind} of {n} rows: {took:?}; slowest reading beside it {slowest:?}");
        assert!(slowest < Duration::from_millis(400), "the page stood still");
    }
    let since = Instant::now();
    ana.get("/api/history");
    println!("history after it: {:?}", since.elapsed());
    let decided = ana.get("/api/progress")["decided"].clone();
    drop(server);
    let server = Running::start(home.path(), |plan| plan);
    let mut ana = Client::new(server.port, &server.key("ana"));
    assert_eq!(ana.get("/api/progress")["decided"], decided, "what the server remembers is what the journal says");
}

/// Works through items until told to stop; the longest that one took. How far the step is can be asked meanwhile.
fn slowest_reading(server: &Running, over: &std::sync::atomic::AtomicBool, n: u64) -> Duration {
    let mut ben = Client::new(server.port, &server.key("ben"));
    let queue = ben.get("/api/queue?limit=100");
    let ids: Vec<&str> = queue["ids"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap()).collect();
    let (mut slowest, mut halfway) = (Duration::ZERO, 0);
    for id in ids.iter().cycle() {
        if over.load(std::sync::atomic::Ordering::SeqCst) {
            break;
        }
        let since = Instant::now();
        ben.get(&format!("/api/item?id={id}"));
        slowest = slowest.max(since.elapsed());
        let underway = ben.get("/api/underway");
        if underway["all"] == n && underway["done"].as_u64().is_some_and(|done| 0 < done && done < n) {
            halfway += 1;
        }
    }
    assert!(halfway > 5, "nobody could see how far it was");
    slowest
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("unknown").to_owned()
}
