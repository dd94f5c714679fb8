//! The review page in a real browser, driven by keys alone.
//!
//! Without ChromeDriver these tests say that they were skipped; with `PRECODE_REQUIRE_BROWSER=1` they fail instead.
//! `PRECODE_PICTURES=FOLDER` keeps pictures of every view, light and dark.

#![allow(clippy::print_stdout)] // Tests say what they skipped.

#[path = "review/browser.rs"]
mod browser;
#[allow(dead_code)] // The raw requests are for the other tests.
#[path = "review/client.rs"]
mod client;
#[path = "review/study.rs"]
mod study;
#[path = "review/traced.rs"]
mod traced;

use browser::Browser;
use client::{Client, Running};
use precode::review::key::Holder;
use precode::review::plan::Plan;
use precode::store::journal::Journal;
use precode::store::journal::present::DecisionRow;
use precode::store::journal::row::Verdict;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use study::Shape;
use tempfile::TempDir;

/// A browser, or nothing with the reason printed.
fn browser() -> Option<Browser> {
    match Browser::start(1360, 860) {
        Ok(browser) => Some(browser),
        Err(why) if std::env::var_os("PRECODE_REQUIRE_BROWSER").is_some() => panic!("a browser is required: {why}"),
        Err(why) => {
            println!("skipped: {why}");
            None
        }
    }
}

fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    study::write(home.path(), &Shape::default());
    home
}

fn decisions(home: &Path) -> Vec<DecisionRow> {
    Journal::open_read(&home.join("study.sqlite")).unwrap().decisions().unwrap()
}

/// Opens the page as this coder.
fn open(browser: &Browser, server: &Running, coder: &str) {
    browser.open(&format!("http://127.0.0.1:{}/#key={}", server.port, server.key(coder)));
}

const CARD: &str = "return document.querySelector('.card.now') !== null";
const SAVED: &str = "return document.getElementById('status').textContent === 'saved'";
const QUOTE: &str = "return document.querySelector('.where')?.textContent + [...document.querySelectorAll('.here .segment')].map(e => e.textContent).join('')";

/// Waits until everything is on disk.
fn saved(browser: &Browser) {
    browser.wait("saved", SAVED);
}

#[test]
fn a_queue_of_thirty_is_worked_with_keys_alone_and_found_again() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    let key = server.guard.keys.issue(Holder::Owner).unwrap();
    browser.open(&format!("http://127.0.0.1:{}/#key={key}", server.port));
    browser.wait_text("Who is reviewing?");
    assert_eq!(browser.run("return location.hash"), "", "the key stays in the address");
    browser.type_text("ana");
    browser.keys(&["Enter"]);
    browser.wait("first segment", CARD);
    let mut seen = Vec::new();
    for n in 0..30 {
        let quote = browser.wait("a segment", QUOTE);
        seen.push(quote.as_str().unwrap().to_owned());
        // One key for each proposal, or one for all that is left.
        if n % 3 == 2 {
            let open = "return document.querySelectorAll('.card:not(.is-present):not(.is-absent)').length";
            for _ in 0..browser.run(open).as_u64().unwrap() {
                browser.keys(&["a"]);
            }
        } else {
            browser.keys(&["Enter"]);
        }
        browser.wait("the next one", &format!("return ({QUOTE_OF}) !== {quote}"));
        saved(&browser);
    }
    let decided = decisions(home.path());
    let n_segments =
        decided.iter().map(|d| (&d.transcript, &d.segment)).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!((n_segments, seen.len()), (30, 30));
    assert!(decided.iter().all(|d| d.coder == "ana" && d.shown.word() == "suggestion" && d.confidence.is_some()));
    let (yes, no) = (count(&decided, Verdict::Present), count(&decided, Verdict::Absent));
    assert!(yes >= 5 && no >= 15, "{yes} accepted, {no} rejected");

    // A memo, undone, and done again.
    browser.keys(&["m"]);
    browser.wait("the memo", "return document.querySelector('dialog textarea') !== null");
    browser.type_text("ask her again");
    browser.run("document.querySelector('dialog .main').click()");
    browser.wait("the memo on the page", "return document.querySelector('.memo')?.textContent === 'ask her again'");
    saved(&browser);
    browser.keys(&["z"]);
    browser.wait("the memo gone", "return document.querySelector('.memo') === null");
    browser.keys(&["Z"]);
    browser.wait("the memo again", "return document.querySelector('.memo')?.textContent === 'ask her again'");
    let quote = browser.run(QUOTE);
    browser.keys(&["a"]);
    saved(&browser);
    let n = decisions(home.path()).len();
    browser.keys(&["z"]);
    browser.wait(
        "undone",
        &format!(
            "return document.querySelector('.toast')?.textContent.startsWith('Undone') && ({QUOTE_OF}) === {quote}"
        ),
    );
    assert_eq!(decisions(home.path()).len(), n - 1);

    // Everything is there after a reload.
    browser.reload();
    browser.wait("the page again", CARD);
    browser.keys(&["4"]);
    browser.wait_text("segments decided");
    let shown = browser
        .run("return document.querySelector('.meter b').textContent")
        .as_str()
        .unwrap()
        .parse::<usize>()
        .unwrap();
    assert!((30..=31).contains(&shown), "{shown}");
    assert_eq!(browser.console(), json!([]), "the console has something to say");
}

const QUOTE_OF: &str = "document.querySelector('.where')?.textContent + [...document.querySelectorAll('.here .segment')].map(e => e.textContent).join('')";

fn count(decided: &[DecisionRow], verdict: Verdict) -> usize {
    decided.iter().filter(|d| d.verdict == verdict).count()
}

#[test]
fn bulk_is_accepted_and_taken_back_with_one_key_each() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    open(&browser, &server, "ana");
    browser.wait("first segment", CARD);
    browser.keys(&["b"]);
    browser.wait(
        "the count",
        "return /undecided proposals fit/.test(document.querySelector('dialog .big')?.textContent)",
    );
    browser.keys(&["Enter"]);
    browser.wait_text("proposals in one step");
    let n = decisions(home.path()).len();
    assert!(n > 40, "{n}");
    browser.keys(&["z"]);
    browser.wait_text(&format!("({n} steps)"));
    assert!(decisions(home.path()).is_empty());
    browser.keys(&["Z"]);
    browser.wait("done again", "return document.querySelector('.toast')?.textContent.startsWith('Done again')");
    assert_eq!(decisions(home.path()).len(), n);
}

#[test]
fn a_code_is_added_to_chosen_sentences_where_no_rule_fired() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    open(&browser, &server, "ana");
    browser.wait("first segment", CARD);
    browser.keys(&["2"]);
    browser.wait_text("coded passages");
    // The chosen sentences walk down until they are the ones about the copier.
    let chosen = "return document.querySelector('.chosen')?.textContent ?? ''";
    browser.keys(&["ArrowDown"]);
    for _ in 0..60 {
        if browser.run(chosen).as_str().unwrap_or_default().starts_with("Oh, the copier") {
            break;
        }
        browser.keys(&["ArrowDown"]);
    }
    browser.keys(&["Shift+ArrowDown", "+"]);
    browser.wait("the codes", "return document.querySelector('dialog .choices') !== null");
    browser.type_text("low pri");
    browser.keys(&["Enter"]);
    browser.wait_text("Added low priority.");
    let added = &decisions(home.path())[0];
    assert_eq!(
        (added.code.as_str(), added.quote.as_str()),
        ("barrier.low_priority", "Oh, the copier. The copier and the bell schedule, if you want the truth.")
    );
    browser.reload();
    browser.wait("the margin", "return [...document.querySelectorAll('.margin .verdict.present')].length === 1");

    // In the queue: a proposal's sentences are changed, and changed to another code.
    browser.keys(&["1"]);
    browser.wait("a segment", CARD);
    browser.keys(&["s", "ArrowUp", "Enter"]);
    saved(&browser);
    let spanned = decisions(home.path());
    assert!(spanned.iter().any(|d| (d.start, d.end) != (d.segment_start, d.segment_end)), "{spanned:?}");
    browser.keys(&["ArrowUp", "ArrowUp", "c"]);
    browser.wait("the codes", "return document.querySelector('dialog .choices') !== null");
    browser.type_text("outside");
    browser.keys(&["Enter"]);
    browser.wait("changed", "return document.querySelector('dialog') === null");
    saved(&browser);
    assert!(decisions(home.path()).iter().any(|d| d.code == "community.outside" && d.verdict == Verdict::Present));
}

#[test]
fn a_blind_segment_shows_no_proposal_on_the_page() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 1.0, ..plan });
    open(&browser, &server, "ana");
    browser.wait("first segment", CARD);
    browser.wait_text("Blind.");
    assert_eq!(browser.run("return document.querySelectorAll('.evidence, .bar, .reasons, .confidence').length"), 0);
    assert_eq!(browser.run("return document.querySelectorAll('.card').length"), 11, "the whole codebook is offered");
    let quote = browser.run(QUOTE);
    browser.keys(&["ArrowDown", "ArrowDown", "a", "Enter"]);
    browser.wait("the next one", &format!("return ({QUOTE_OF}) !== {quote}"));
    saved(&browser);
    let decided = decisions(home.path());
    assert_eq!((decided.len(), decided[0].code.as_str(), decided[0].shown.word()), (1, "role.trainer", "blind"));
    browser.keys(&["3"]);
    browser.wait_text("blind segments are not listed");
    browser.keys(&["2"]);
    browser.wait_text("coded passages");
    assert!(browser.run("return document.querySelectorAll('.coded.hidden').length").as_u64().unwrap() > 3);
}

#[test]
fn coders_differ_and_a_third_settles_on_the_page() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = two_coders(&home);
    open(&browser, &server, "cho");
    browser.wait("the comparison", "return document.querySelector('.compare') !== null");
    browser.wait_text("ana");
    browser.keys(&["a", "a", "a", "Enter"]);
    browser.wait("settled", "return /settled/.test(document.querySelector('.shelf .about').textContent) && !/ 0 settled/.test(document.querySelector('.shelf .about').textContent)");
    let settled: Vec<_> = decisions(home.path()).into_iter().filter(|d| d.settled).collect();
    assert!(!settled.is_empty() && settled.iter().all(|d| d.coder == "cho"));
    browser.reload();
    browser.wait(
        "still settled",
        "return !/ 0 settled/.test(document.querySelector('.shelf .about')?.textContent ?? ' 0 settled')",
    );
}

/// Ana and Ben have judged a few segments and differ on some.
fn two_coders(home: &TempDir) -> Running {
    let server = Running::start(home.path(), |plan| Plan {
        blind_share: 0.0,
        coders: vec!["ana".into(), "ben".into()],
        adjudicators: vec!["cho".into()],
        ..plan
    });
    for (coder, choices) in [("ana", ["accept", "accept", "reject"]), ("ben", ["accept", "reject", "accept"])] {
        let mut client = Client::new(server.port, &server.key(coder));
        let queue = client.get("/api/queue?order=transcript&limit=12");
        for (i, entry) in queue["ids"].as_array().unwrap().iter().enumerate() {
            let item = client.get(&format!("/api/item?id={}", entry["id"].as_str().unwrap()));
            let mut version = item["version"].clone();
            for (k, suggestion) in item["suggestions"].as_array().unwrap().iter().enumerate() {
                let done = client.done(
                    "/api/decide",
                    &json!({
                    "op_id": format!("{coder}-decides-{i}-{k}"), "segment": entry["id"], "version": version,
                    "action": choices[(i + k) % 3], "code": suggestion["code"] }),
                );
                version = done["item"]["version"].clone();
            }
            client.done(
                "/api/decide",
                &json!({
                "op_id": format!("{coder}-ends-{i}"), "segment": entry["id"], "version": version, "action": "done" }),
            );
        }
    }
    server
}

#[test]
fn clicks_survive_a_server_that_dies_and_a_tab_that_is_stale() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    open(&browser, &server, "ana");
    browser.wait("first segment", CARD);
    let first = browser.run(QUOTE);
    // Another tab of the same coder decides first.
    let (old, _new) = browser.new_tab();
    open(&browser, &server, "ana");
    browser.wait("first segment", CARD);
    assert_eq!(browser.run(QUOTE), first);
    browser.keys(&["a"]);
    saved(&browser);
    browser.to_tab(&old);
    browser.keys(&["u"]);
    browser.wait_text("This segment was changed elsewhere");
    browser.keys(&["Enter"]);
    browser.wait("asked and done", "return document.querySelector('dialog') === null");
    saved(&browser);
    assert!(decisions(home.path()).iter().any(|d| d.verdict == Verdict::Unsure));

    // The server dies; clicks wait; a new one drains them.
    let port = server.port;
    drop(server);
    browser.keys(&["u"]);
    browser.wait(
        "not connected",
        "return /not connected, 1 waiting/.test(document.getElementById('status').textContent)",
    );
    let kept = browser.run("return Object.keys(localStorage).filter(k => k.startsWith('precode.op.ana.')).map(k => localStorage[k]).join()");
    let kept = kept.as_str().unwrap();
    assert!(kept.contains("unsure") && !kept.contains("quote") && kept.len() < 500, "kept: {kept}");
    let before = n_rows(home.path());
    let server = restart_on(port, &home);
    browser.wait_text("This page needs a new link");
    browser.wait_text("1 decision is kept");
    open(&browser, &server, "ana");
    browser.wait("first segment", CARD);
    saved(&browser);
    assert_eq!(n_rows(home.path()), before + 1);
}

fn n_rows(home: &Path) -> u64 {
    Journal::open_read(&home.join("study.sqlite")).unwrap().n_rows().unwrap()
}

/// A new server on the port of the old one, as `precode review` starts it.
fn restart_on(port: u16, home: &TempDir) -> Running {
    Running::start_on(port, home.path(), |plan| plan)
}

/// Ways in which text has become script elsewhere.
const PAYLOADS: [&str; 40] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"><script>alert(1)</script>",
    "'><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "javascript:alert(1)",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<iframe src=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<math><mtext></math><img src=x onerror=alert(1)>",
    "<style>@import 'http://evil.example'</style>",
    "<link rel=stylesheet href=http://evil.example>",
    "<base href=http://evil.example/>",
    "<meta http-equiv=refresh content=0;url=http://evil.example>",
    "<form action=http://evil.example><button>x</button></form>",
    "<object data=javascript:alert(1)>",
    "<embed src=http://evil.example>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "`-alert(1)-`",
    "<!--<script>alert(1)//-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "\u{2028}<script>alert(1)</script>",
    "<scr\u{0}ipt>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "<xss style=\"background:url(http://evil.example)\">",
    "<img src=\"http://evil.example/p.png\">",
    "<template><script>alert(1)</script></template>",
    "<button popovertarget=x onclick=alert(1)>",
];

#[test]
fn no_text_from_anywhere_becomes_an_element() {
    let Some(browser) = browser() else { return };
    let home = TempDir::new().unwrap();
    study::write_with(home.path(), &Shape { n_transcripts: 4, n_answers: 10, ..Shape::default() }, |_, sentence| {
        let n = sentence.len();
        format!("{sentence} {} {}", PAYLOADS[n % 40], PAYLOADS[(n * 7 + 3) % 40])
    });
    poison_names(home.path());
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    let coder = "<img src=x onerror=alert(1)>";
    open(&browser, &server, coder);
    browser.wait("first segment", CARD);
    browser.run("window.alert = () => { document.documentElement.dataset.broken = 'yes'; }");
    let mut client = Client::new(server.port, &server.key(coder));
    let ids = client.get("/api/queue?order=transcript&limit=100")["ids"].clone();
    // Every payload once as a memo, on a segment of its own.
    for (payload, entry) in PAYLOADS.iter().zip(ids.as_array().unwrap().iter().cycle()) {
        let item = client.get(&format!("/api/item?id={}", entry["id"].as_str().unwrap()));
        client.done("/api/decide", &json!({ "op_id": format!("memo-{:04}-{}", payload.len(), precode::store::journal::row::digest(payload.as_bytes())[..20].to_owned()),
            "segment": entry["id"], "version": item["version"], "action": "memo", "note": payload }));
        browser.run(
            "sessionStorage.setItem('precode.choice', JSON.stringify({order:'transcript',filter:{state:'memo'}}))",
        );
    }
    browser.reload();
    browser.wait("a memo", "return document.querySelector('.memo') !== null");
    let mut shown = String::new();
    for _ in 0..12 {
        shown += browser.run("return document.body.innerText").as_str().unwrap_or_default();
        check_inert(&browser);
        browser.keys(&["h"]);
        browser.wait("history", "return document.querySelector('.history') !== null");
        check_inert(&browser);
        browser.keys(&["Escape", "d"]);
        check_inert(&browser);
        browser.keys(&["Escape", "ArrowRight"]);
    }
    for key in ["2", "3", "4", "5", "6"] {
        browser.keys(&[key]);
        std::thread::sleep(std::time::Duration::from_millis(250));
        check_inert(&browser);
        shown += browser.run("return document.body.innerText").as_str().unwrap_or_default();
    }
    assert!(shown.contains("<script>alert(1)</script>"), "the payloads are not even there as text");
    assert_eq!(browser.console(), json!([]), "a breach of the page's policy, or an error");
}

/// Puts payloads into names: of speakers, respondents, rules, attributes, codes and definitions.
fn poison_names(root: &Path) {
    let change = |file: &str, edit: &dyn Fn(&mut Value)| edit_lines(root, file, edit);
    change("turns.jsonl", &|turn| {
        turn["speaker"] = json!(PAYLOADS[turn["turn"].as_u64().unwrap() as usize % 40]);
        turn["respondent"] = json!(PAYLOADS[2]);
    });
    change("codings.jsonl", &|coding| {
        let n = coding["turn"].as_u64().unwrap() as usize;
        coding["attributes"] = json!({ "<b>level</b>": PAYLOADS[n % 40] });
        coding["respondent"] = json!(PAYLOADS[(n + 1) % 40]);
        for evidence in coding["evidence"].as_array_mut().unwrap() {
            evidence["rule"] = json!(PAYLOADS[(n + 2) % 40]);
        }
    });
    change("manifest.json", &|manifest| {
        manifest["codebook"]["title"] = json!(PAYLOADS[3]);
        for (i, code) in manifest["codebook"]["codes"].as_array_mut().unwrap().iter_mut().enumerate() {
            code["definition"] = json!(PAYLOADS[i]);
            code["include"] = json!(PAYLOADS[i + 11]);
            code["exclude"] = json!(PAYLOADS[i + 22]);
            code["color"] = json!("red;background:url(http://evil.example)");
        }
    });
}

/// Nothing on the page is there that the page itself did not make.
fn check_inert(browser: &Browser) {
    let strange = browser.run(
        "const known = new Set('A ARTICLE ASIDE B BODY BUTTON CODE DD DIALOG DIV DL DT FOOTER FORM H1 H2 H3 HEAD HEADER HTML INPUT KBD LABEL LI LINK MAIN META NAV NOSCRIPT OL OPTION P Q SCRIPT SECTION SELECT SPAN SUP TABLE TBODY TD TEXTAREA TH THEAD TITLE TR UL'.split(' '));
         const bad = [];
         for (const e of document.querySelectorAll('*')) {
           if (!known.has(e.tagName.toUpperCase())) bad.push(e.tagName);
           for (const a of e.attributes) if (/^on|^srcdoc$|^action$/.test(a.name) || (/^(src|href)$/.test(a.name) && !/^(\\/|#)/.test(a.value))) bad.push(e.tagName + ' ' + a.name);
         }
         if (document.querySelectorAll('script').length !== 1) bad.push('scripts');
         if (document.documentElement.dataset.broken) bad.push('alert');
         return bad.join();",
    );
    assert_eq!(strange, "", "an element or attribute came of text");
}

#[test]
fn every_view_is_drawn_light_dark_and_at_twice_the_size() {
    let Some(browser) = browser() else { return };
    let keep = std::env::var_os("PRECODE_PICTURES").map(PathBuf::from);
    let home = home();
    let server = two_coders(&home);
    for (scheme, zoom) in [("light", 1.0), ("dark", 1.0), ("light", 2.0)] {
        browser.prefer(scheme);
        browser.resize(1360, 860, zoom);
        open(&browser, &server, "ana");
        let key_of_view = [("queue", "1"), ("transcript", "2"), ("table", "3"), ("progress", "4"), ("codebook", "6")];
        for (view, key) in key_of_view {
            browser.wait("the page", "return document.querySelector('main.view') !== null");
            browser.keys(&[key]);
            browser.wait(
                view,
                &format!("return document.querySelector('main.{view} :is(h1, .card, .choice, .whole)') !== null"),
            );
            check_layout(&browser, view);
            check_contrast(&browser, view);
            shot(&browser, keep.as_deref(), &format!("{view}-{scheme}-{zoom}"));
        }
        browser.keys(&["1"]);
        browser.wait("a card", CARD);
        browser.keys(&["?"]);
        browser.wait_text("All keys");
        shot(&browser, keep.as_deref(), &format!("keys-{scheme}-{zoom}"));
        browser.keys(&["Escape", "f"]);
        browser.wait_text("Order and filter");
        shot(&browser, keep.as_deref(), &format!("filter-{scheme}-{zoom}"));
        browser.keys(&["Escape"]);
        open(&browser, &server, "cho");
        browser.wait("the comparison", "return document.querySelector('.compare') !== null");
        browser.keys(&["a"]);
        check_layout(&browser, "adjudicate");
        shot(&browser, keep.as_deref(), &format!("adjudicate-{scheme}-{zoom}"));
        browser.run("sessionStorage.removeItem('precode.view')");
    }
    browser.prefer("light");
    browser.resize(1240, 620, 1.0);
    open(&browser, &server, "ben");
    let choice = json!({ "order": "code", "filter": { "state": "undecided", "code": "community.school_staff" } });
    browser.run(&format!("sessionStorage.setItem('precode.choice', JSON.stringify({choice}))"));
    browser.wait("the page", "return document.querySelector('.who')?.textContent === 'ben'");
    browser.keys(&["1"]);
    browser.wait("three proposals", "return document.querySelectorAll('.card').length === 3");
    browser.keys(&["a"]);
    saved(&browser);
    shot(&browser, keep.as_deref(), "review");
    browser.run("sessionStorage.removeItem('precode.choice')");
    let blind_home = self::home();
    let blind = Running::start(blind_home.path(), |plan| Plan { blind_share: 1.0, ..plan });
    browser.prefer("light");
    browser.resize(1360, 860, 1.0);
    open(&browser, &blind, "ana");
    browser.wait("a card", CARD);
    shot(&browser, keep.as_deref(), "blind-light-1");
    assert_eq!(browser.console(), json!([]));
}

/// A study that strains the page: very long names and answers, Arabic, and a proposal of every code for one segment.
fn strained(root: &Path) {
    let arabic = "قمنا بأحد عشر ورشة عمل للمديرين هذا الخريف، وشملنا كل واحد منهم.";
    study::write_with(root, &Shape { n_transcripts: 3, ..Shape::default() }, |number, sentence| match number {
        1 => arabic.to_owned(),
        2 => format!("{sentence} ").repeat(40).trim_end().to_owned(),
        _ => sentence,
    });
    let long = "Superintendent-Kommunikationsbeauftragte".repeat(3);
    edit_lines(root, "turns.jsonl", &|turn| {
        if turn["speaker"] == "Respondent" {
            turn["speaker"] = json!(long);
        }
    });
    edit_lines(root, "codings.jsonl", &|coding| {
        coding["attributes"]["district"] = json!(format!("{long} of the Northern and Eastern Lakes"));
        coding["respondent"] = json!(long);
    });
    // The first coding once for every other code.
    let path = root.join("codings.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(root.join("manifest.json")).unwrap()).unwrap();
    let codes = manifest["codebook"]["codes"].as_array().unwrap().iter().map(|code| code["name"].clone());
    let same = |row: &Value| row["turn"] == first["turn"] && row["transcript"] == first["transcript"];
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(same);
    let there: Vec<Value> = rows.map(|row| row["code"].clone()).collect();
    let copies = codes.filter(|code| !there.contains(code)).enumerate().map(|(i, code)| {
        let mut copy = first.clone();
        (copy["code"], copy["id"]) = (code, json!(format!("{:016x}", 0xB000 + i)));
        copy.to_string() + "\n"
    });
    let all: String = copies.chain([text.clone()]).collect();
    std::fs::write(path, all).unwrap();
}

fn edit_lines(root: &Path, file: &str, edit: &dyn Fn(&mut Value)) {
    let path = root.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(|line| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        edit(&mut value);
        value.to_string() + "\n"
    });
    let changed: String = lines.collect();
    std::fs::write(path, changed).unwrap();
}

/// Every pair of text and background that is shown, against the least contrast of WCAG 2.2 AA; gives the worst ones.
const CONTRAST: &str = r#"
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
canvas.canvas.width = canvas.canvas.height = 1;
const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const behind = (e) => { const all = []; for (; e; e = e.parentElement) all.push(rgba(getComputedStyle(e).backgroundColor)); return all.reverse().reduce((low, high) => over(high, low), [255, 255, 255, 1]); };
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !e.checkVisibility() || e.closest(".quiet, .skip, noscript, script")) continue;
  const style = getComputedStyle(e);
  const ground = behind(e);
  const [a, b] = [light(over(rgba(style.color), ground)), light(ground)];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5) - 0.01) bad.push(`${ratio.toFixed(2)} ${e.className || e.tagName}: ${walker.currentNode.textContent.slice(0, 30)}`);
}
return [...new Set(bad)].slice(0, 8).join("\n");
"#;

fn check_contrast(browser: &Browser, view: &str) {
    assert_eq!(browser.run(CONTRAST), "", "{view}: text that is hard to read");
}

#[test]
fn long_names_arabic_and_many_codes_fit_every_window() {
    let Some(browser) = browser() else { return };
    let keep = std::env::var_os("PRECODE_PICTURES").map(PathBuf::from);
    let home = TempDir::new().unwrap();
    strained(home.path());
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    let coder = "Anastasia Konstantinowna von Hohenlohe-S";
    for (width, height, zoom, scheme) in
        [(1280, 800, 1.0, "light"), (1280, 800, 2.0, "dark"), (420, 800, 1.0, "light")]
    {
        browser.prefer(scheme);
        browser.resize(width, height, zoom);
        open(&browser, &server, coder);
        for (name, order) in [("many", "transcript"), ("arabic", "b02"), ("long", "b03")] {
            let filter = if name == "many" { json!({}) } else { json!({ "transcript": order }) };
            let choice = json!({ "order": "transcript", "filter": filter }).to_string();
            browser.run(&format!(
                "sessionStorage.setItem('precode.view', 'queue'); sessionStorage.setItem('precode.choice', {})",
                json!(choice)
            ));
            browser.reload();
            browser.wait("a card", CARD);
            check_layout(&browser, name);
            check_contrast(&browser, name);
            if name == "arabic" {
                let direction = "return getComputedStyle(document.querySelector('.here .words')).direction";
                assert_eq!(browser.run(direction), "rtl");
            }
            shot(&browser, keep.as_deref(), &format!("{name}-{width}-{zoom}"));
        }
        for (view, key) in
            [("transcript", "2"), ("table", "3"), ("progress", "4"), ("adjudicate", "5"), ("codebook", "6")]
        {
            browser.keys(&[key]);
            browser.wait(view, &format!("return document.querySelector('main.{view} :is(h1, .whole)') !== null"));
            check_layout(&browser, view);
            check_contrast(&browser, view);
            shot(&browser, keep.as_deref(), &format!("strained-{view}-{width}-{zoom}"));
        }
    }
    assert_eq!(browser.console(), json!([]));
}

/// Dialogs and the small views, each with a look at its contrast and the edges of the window.
#[test]
fn dialogs_and_small_views_are_legible_and_lead_back() {
    let Some(browser) = browser() else { return };
    let keep = std::env::var_os("PRECODE_PICTURES").map(PathBuf::from);
    let home = home();
    let server = two_coders(&home);
    let blind_home = self::home();
    let blind = Running::start(blind_home.path(), |plan| Plan { blind_share: 1.0, ..plan });
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        browser.resize(1280, 800, 1.0);
        let look = |name: &str| {
            check_layout(&browser, name);
            check_contrast(&browser, name);
            shot(&browser, keep.as_deref(), &format!("{name}-{scheme}"));
        };
        let key = server.guard.keys.issue(Holder::Owner).unwrap();
        browser.open(&format!("http://127.0.0.1:{}/#key={key}", server.port));
        browser.wait_text("Who is reviewing?");
        look("signin");
        open(&browser, &server, "ana");
        browser.wait("a card", CARD);
        browser.keys(&["u"]);
        saved(&browser);
        for (name, key, shown) in [
            ("memo", "m", "textarea"),
            ("history", "h", ".history"),
            ("definition", "d", ".definition"),
            ("pick", "+", ".choices"),
            ("filter", "f", ".form"),
            ("keys", "?", ".keys"),
        ] {
            browser.keys(&[key]);
            browser.wait(name, &format!("return document.querySelector('dialog {shown}') !== null"));
            look(name);
            browser.keys(&["Escape"]);
            browser.wait("closed", "return document.querySelector('dialog') === null");
        }
        browser.keys(&["b"]);
        browser.wait("the count", "return document.querySelector('dialog .big') !== null");
        look("bulk");
        browser.keys(&["Escape"]);
        // Three states in one place.
        browser.keys(&["3", "a", "r", "u"]);
        browser.wait("three states", "return document.querySelectorAll('td.said .verdict').length === 3");
        saved(&browser);
        look("states");
        browser.keys(&["z", "z", "z"]);
        browser.wait("undone", "return /Undone: accept/.test(document.querySelector('.toast')?.textContent)");
        browser.wait("shown so", "return document.querySelectorAll('td.said .verdict').length === 0");
        browser.keys(&["1"]);
        browser.wait("a card", CARD);
        browser.keys(&["s"]);
        browser.wait_text("Choose sentences.");
        look("sentences");
        browser.run("sessionStorage.removeItem('precode.view')");
        open(&browser, &server, "cho");
        browser.wait("the comparison", "return document.querySelector('.compare') !== null");
        look("settle");
        browser.run("sessionStorage.removeItem('precode.view')");
        open(&browser, &blind, "ana");
        browser.wait("a card", CARD);
        browser.keys(&["ArrowDown", "a"]);
        saved(&browser);
        look("blind");
        browser.keys(&["4"]);
        browser.wait_text("Progress");
        look("progress-empty");
        browser.run("sessionStorage.removeItem('precode.view')");
    }
    assert_eq!(browser.console(), json!([]));
}

/// What those hear who do not see the page, from Chromium's own tree.
#[test]
fn the_page_can_be_worked_by_ear_and_without_motion() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    open(&browser, &server, "ana");
    browser.wait("a card", CARD);
    for (view, key) in [
        ("queue", "1"),
        ("transcript", "2"),
        ("table", "3"),
        ("progress", "4"),
        ("adjudicate", "5"),
        ("codebook", "6"),
    ] {
        browser.keys(&[key]);
        browser.wait(view, &format!("return document.querySelector('main.{view} :is(h1, .card, .whole)') !== null"));
        let nodes = browser.heard();
        let nameless: Vec<&(String, String)> = nodes
            .iter()
            .filter(|(role, name)| {
                name.trim().is_empty()
                    && [
                        "button",
                        "link",
                        "textbox",
                        "searchbox",
                        "combobox",
                        "listbox",
                        "option",
                        "checkbox",
                        "image",
                        "progressbar",
                        "dialog",
                        "region",
                        "navigation",
                    ]
                    .contains(&role.as_str())
            })
            .collect();
        assert!(nameless.is_empty(), "{view}: {nameless:?}");
        assert!(nodes.iter().any(|(role, _)| role == "main"), "{view} has no main part");
        if view == "queue" {
            let option = nodes.iter().find(|(role, _)| role == "option").unwrap();
            assert!(option.1.contains("confidence 0.") && option.1.contains("not judged"), "{option:?}");
        }
    }
    browser.keys(&["1"]);
    browser.wait("a card", CARD);
    let live = "return document.getElementById('live').textContent";
    let first = browser.wait("what is said", live);
    browser.keys(&["ArrowRight"]);
    browser.wait(
        "the next one is said",
        &format!("const now = document.getElementById('live').textContent; return now && now !== {first}"),
    );
    // Everything is reached with Tab, and the focus is seen.
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..25 {
        browser.keys(&["Tab"]);
        let focus = browser.run("const e = document.activeElement; const s = getComputedStyle(e); return [e === document.body ? 'BODY' : (e.textContent.trim().slice(0, 20) || e.tagName), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]");
        if focus[0] != "BODY" {
            assert_eq!(focus[1], json!(true), "no focus ring on {}", focus[0]);
        }
        reached.insert(focus[0].as_str().unwrap().to_owned());
    }
    for name in ["Queue", "Transcript", "Table", "Progress", "Adjudication", "Codebook", "?"] {
        assert!(reached.contains(name), "Tab does not reach {name}: {reached:?}");
    }
    browser.calm();
    let moving = "return [...document.querySelectorAll('*')].flatMap(e => [getComputedStyle(e), getComputedStyle(e, '::before')]).filter(s => parseFloat(s.transitionDuration) > 0 || (s.animationName !== 'none' && parseFloat(s.animationDuration) > 0)).length";
    assert_eq!(browser.run(moving), 0, "something moves for those who asked that nothing does");
}

/// Nothing runs out of the window, and every control has a name.
fn check_layout(browser: &Browser, view: &str) {
    let wide = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert!(wide.as_i64().unwrap_or(0) <= 1, "{view} is {wide} pixels too wide");
    let nameless = browser.run(
        "return [...document.querySelectorAll('button, input, select, textarea, [role=img], [role=progressbar], nav, section[role]')]
           .filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label')))
           .map(e => e.outerHTML.slice(0, 80)).join()",
    );
    assert_eq!(nameless, "", "{view}: without a name for those who listen");
}

fn shot(browser: &Browser, keep: Option<&Path>, name: &str) {
    if let Some(folder) = keep {
        std::fs::create_dir_all(folder).unwrap();
        browser.picture(&folder.join(format!("{name}.png")));
    }
}

const KEY_OF_REJECT: &str = "return document.querySelector('[data-action=reject] kbd').textContent";

/// Gives an action another key, in the dialog that `?` opens.
fn give_key(browser: &Browser, action: &str, key: &str) {
    browser.run(&format!("document.querySelector('[data-action={action}]').focus()"));
    browser.keys(&["Enter"]);
    browser.wait("asked for the key", "return document.querySelector('.keyrow .wait') !== null");
    browser.keys(&[key]);
    browser.wait("answered", "return document.querySelector('.keyrow .wait') === null");
}

#[test]
fn keys_are_remapped_and_no_key_does_two_things() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    open(&browser, &server, "ana");
    browser.wait("first segment", CARD);
    browser.keys(&["?"]);
    browser.wait("the keys", "return document.querySelector('.keys') !== null");
    give_key(&browser, "reject", "a");
    let refusal = browser.run("return document.querySelector('dialog .wrong').textContent");
    assert!(refusal.as_str().unwrap().contains("a is taken by “Accept"), "{refusal}");
    assert_eq!(browser.run(KEY_OF_REJECT), "r", "a conflict changes nothing");
    for reserved in ["Tab", "Enter"] {
        give_key(&browser, "reject", reserved);
        assert_eq!(browser.run(KEY_OF_REJECT), "r");
    }
    give_key(&browser, "reject", "Escape");
    assert_eq!(browser.run("return document.querySelector('dialog .wrong').textContent"), "", "Esc leaves it");
    assert_eq!(browser.run("return document.querySelectorAll('dialog[open]').length"), 1);
    give_key(&browser, "reject", "x");
    assert_eq!(browser.run(KEY_OF_REJECT), "x");
    let hint =
        "return [...document.querySelectorAll('#hints .hint')].find(e => /reject/.test(e.textContent)).textContent";
    assert_eq!(browser.run(hint), "x reject");
    browser.keys(&["Escape"]);
    let rejected = || decisions(home.path()).iter().filter(|d| d.verdict == Verdict::Absent).count();
    browser.keys(&["r", "x"]);
    browser.wait("rejected", "return document.querySelectorAll('.toast.bad').length === 0");
    saved(&browser);
    assert_eq!(rejected(), 1, "the old key does nothing, the new one rejects");
    browser.reload();
    browser.wait("the page again", CARD);
    assert_eq!(browser.run(hint), "x reject", "the key survives a reload");
    browser.keys(&["x"]);
    saved(&browser);
    assert_eq!(rejected(), 2);
    browser.keys(&["?"]);
    browser.wait("the keys", "return document.querySelector('.keys') !== null");
    // A key that became free may be taken; then everything goes back at once.
    give_key(&browser, "memo", "r");
    browser.run("document.querySelector('dialog .reset').click()");
    assert_eq!(browser.run(KEY_OF_REJECT), "r");
    browser.keys(&["Escape", "r"]);
    saved(&browser);
    assert_eq!(rejected(), 3);
    browser.reload();
    browser.wait("the page again", CARD);
    assert_eq!(browser.run(hint), "r reject");
    assert_eq!(browser.console(), json!([]));
}

#[test]
fn a_full_disk_is_said_and_the_click_is_kept_until_there_is_room() {
    let Some(browser) = browser() else { return };
    if !traced::has_strace() {
        return;
    }
    let home = TempDir::new().unwrap();
    let (root, trace) = (home.path().join("study"), home.path().join("trace"));
    study::write(&root, &Shape::default());
    // The disk is full for three tries; the page tries again every three seconds.
    let full = "inject=pwrite64:error=ENOSPC:when=250..252";
    let server = traced::Traced::start(&root, &trace, &["-e", "trace=pwrite64", "-e", full]);
    browser.open(&format!("http://127.0.0.1:{}/#key={}", server.port, server.key));
    browser.wait("first segment", CARD);
    let status = "return document.getElementById('status').textContent";
    let mut n_pressed = 0;
    while !browser.run(status).as_str().unwrap().contains("NOT saved") {
        assert!(n_pressed < 60, "the disk was never full");
        browser.keys(&["u"]);
        n_pressed += 1;
        browser.wait("an answer", "return !/saving/.test(document.getElementById('status').textContent)");
    }
    assert_eq!(browser.run(status), "NOT saved: the disk is full, 1 waiting");
    assert_eq!(browser.run("return document.getElementById('status').getAttribute('role')"), "alert");
    let kept = "return Object.keys(localStorage).filter(k => k.startsWith('precode.op.ana.')).length";
    assert_eq!(browser.run(kept), 1);
    // Reading goes on: another view, and back.
    browser.keys(&["4"]);
    browser.wait_text("segments decided");
    browser.keys(&["1"]);
    browser.wait("a segment", CARD);
    saved(&browser);
    assert_eq!(browser.run(kept), 0);
    server.stop();
    let journal = Journal::open(&root.join("study.sqlite")).unwrap();
    journal.verify().unwrap();
    assert_eq!(journal.n_rows().unwrap(), n_pressed, "every click is there once");
}

#[test]
fn an_undo_right_after_a_decision_in_the_table_takes_that_one_back() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan { blind_share: 0.0, ..plan });
    open(&browser, &server, "ana");
    browser.wait("first segment", CARD);
    browser.keys(&["u"]);
    saved(&browser);
    let before = decisions(home.path());
    // All at once: the view is not even there when the keys are pressed.
    browser.keys(&["3", "a", "r", "u", "z", "z", "z"]);
    browser.wait("undone", "return /Undone: accept/.test(document.querySelector('.toast')?.textContent)");
    saved(&browser);
    assert_eq!(decisions(home.path()), before, "the decision before them still stands");
    assert_eq!(n_rows(home.path()), before.len() as u64 + 6);
}

#[test]
fn other_sentences_for_one_code_are_settled_on_the_page() {
    let Some(browser) = browser() else { return };
    let home = home();
    let server = Running::start(home.path(), |plan| Plan {
        blind_share: 0.0,
        coders: vec!["ana".into(), "ben".into()],
        adjudicators: vec!["cho".into()],
        ..plan
    });
    // No rule found these words: Ana codes the whole answer, Ben its last sentence.
    let mut chosen = Vec::new();
    for (coder, first) in [("ana", 0), ("ben", 1)] {
        let mut client = Client::new(server.port, &server.key(coder));
        let whole = client.get("/api/transcript?name=b01");
        let turns = whole["turns"].as_array().unwrap();
        let copier = turns.iter().find(|turn| turn["text"].as_str().unwrap().contains("copier")).unwrap();
        let (start, end) = (copier["sentences"][first][0].clone(), copier["sentences"][1][1].clone());
        chosen.push((start.as_u64().unwrap() as usize, end.as_u64().unwrap() as usize));
        client.done("/api/decide", &json!({ "op_id": format!("{coder}-by-hand"), "transcript": "b01", "start": start, "end": end, "action": "add", "code": "barrier.directives" }));
    }
    open(&browser, &server, "cho");
    browser.wait_text("by hand");
    browser.wait("the comparison", "return document.querySelectorAll('.compare .verdict.present').length === 2");
    browser.keys(&["a", "s"]);
    browser.wait("Ben's sentences", "return /as ben/.test(document.querySelector('.compare .settled').textContent)");
    let shown = browser.run("return [...document.querySelectorAll('.chosen')].map(e => e.textContent).join('')");
    assert!(shown.as_str().unwrap().starts_with("The copier and"), "{shown}");
    browser.keys(&["Enter"]);
    browser.wait("settled", "return / 1 settled/.test(document.querySelector('.shelf .about').textContent)");
    let settled: Vec<_> =
        decisions(home.path()).into_iter().filter(|d| d.settled).map(|d| (d.start, d.end)).collect();
    assert_eq!(settled, [chosen[1], chosen[1]], "where either had coded it, for the sentences of Ben");
    assert_eq!(browser.console(), json!([]));
}
