use super::append::{Expect, SegmentRef, Step, What};
use super::present::Stand;
use super::row::{Shown, Verdict};
use super::*;
use tempfile::TempDir;

fn segment(n: usize) -> SegmentRef {
    SegmentRef {
        transcript: "b01".into(),
        turn: n,
        start: n * 10,
        end: n * 10 + 9,
        hash: format!("hash{n}"),
        quote: format!("segment {n}"),
    }
}

fn step(n: usize, action: Action, code: &str, verdict: Verdict) -> Step {
    Step::new(segment(n), action, Shown::Suggestion).on(code, verdict)
}

fn operation(id: &str, what: What) -> Operation {
    let text = String::from;
    Operation { id: text(id), coder: text("ana"), run: text("r1"), request: text("q"), expect: None, what }
}

fn accept(id: &str, n: usize) -> Operation {
    operation(id, What::Steps(vec![step(n, Action::Accept, "role.trainer", Verdict::Present)]))
}

fn journal() -> (TempDir, Journal) {
    let folder = TempDir::new().unwrap();
    let journal = Journal::open(&folder.path().join("study.sqlite")).unwrap();
    (folder, journal)
}

fn marks(journal: &Journal, n: usize) -> Vec<(String, Verdict)> {
    let rows = journal.segment_rows("b01", &format!("hash{n}")).unwrap();
    Stand::of(&rows).marks.into_iter().map(|(code, mark)| (code, mark.verdict)).collect()
}

#[test]
fn the_same_operation_twice_is_one_row() {
    let (_folder, mut journal) = journal();
    let first = journal.append(&accept("a", 1)).unwrap();
    let again = journal.append(&accept("a", 1)).unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!((again.n_rows, again.tick, journal.n_rows().unwrap()), (1, first.tick, 1));
    let other = Operation { request: "other".into(), ..accept("a", 2) };
    assert!(matches!(journal.append(&other), Err(AppendError::Reused)));
}

#[test]
fn a_stale_version_is_refused_and_undo_counts_as_a_change() {
    let (_folder, mut journal) = journal();
    let expect = |version| Some(Expect { transcript: "b01".into(), segment: "hash1".into(), version });
    journal.append(&Operation { expect: expect(0), ..accept("a", 1) }).unwrap();
    let stale = journal.append(&Operation { expect: expect(0), ..accept("b", 1) });
    assert!(matches!(stale, Err(AppendError::Stale { version: 1 })));
    journal.append(&operation("u", What::Undo(None))).unwrap();
    assert_eq!(journal.version("b01", "hash1", Some("ana")).unwrap(), 2);
    assert_eq!(journal.version("b01", "hash1", Some("ben")).unwrap(), 0);
}

#[test]
fn undo_and_redo_walk_through_whole_operations() {
    let (_folder, mut journal) = journal();
    journal.append(&accept("a", 1)).unwrap();
    let bulk = (2..6).map(|n| step(n, Action::Accept, "role.trainer", Verdict::Present)).collect();
    journal.append(&operation("bulk", What::Steps(bulk))).unwrap();
    assert_eq!(journal.decisions().unwrap().len(), 5);
    assert_eq!(journal.append(&operation("u1", What::Undo(None))).unwrap().target.as_deref(), Some("bulk"));
    assert_eq!(journal.decisions().unwrap().len(), 1);
    assert_eq!(journal.append(&operation("u2", What::Undo(None))).unwrap().target.as_deref(), Some("a"));
    assert!(matches!(journal.append(&operation("u3", What::Undo(None))), Err(AppendError::Nothing)));
    assert_eq!(journal.append(&operation("r1", What::Redo(None))).unwrap().target.as_deref(), Some("a"));
    assert_eq!(journal.append(&operation("r2", What::Redo(None))).unwrap().target.as_deref(), Some("bulk"));
    assert!(matches!(journal.append(&operation("r3", What::Redo(None))), Err(AppendError::Nothing)));
    assert_eq!(journal.decisions().unwrap().len(), 5);
    journal.append(&operation("u4", What::Undo(None))).unwrap();
    journal.append(&accept("c", 9)).unwrap();
    assert!(matches!(journal.append(&operation("r4", What::Redo(None))), Err(AppendError::Nothing)));
    let wanted = journal.append(&operation("r5", What::Redo(Some("bulk".into())))).unwrap();
    assert_eq!(wanted.target.as_deref(), Some("bulk"));
}

#[test]
fn a_change_says_no_to_one_code_and_yes_to_another() {
    let (_folder, mut journal) = journal();
    let mut change = step(1, Action::Change, "role.trainer", Verdict::Absent);
    change.to_code = Some("role.data_manager".into());
    journal.append(&operation("a", What::Steps(vec![change]))).unwrap();
    let want = [("role.data_manager".to_owned(), Verdict::Present), ("role.trainer".to_owned(), Verdict::Absent)];
    assert_eq!(marks(&journal, 1), want);
}

#[test]
fn a_chosen_span_survives_acceptance_and_moves_with_its_segment() {
    let (_folder, mut journal) = journal();
    let mut span = step(1, Action::Span, "role.trainer", Verdict::Present);
    span.to_span = Some((5, 25));
    journal.append(&operation("a", What::Steps(vec![span]))).unwrap();
    journal.append(&accept("b", 1)).unwrap();
    let rows = journal.segment_rows("b01", "hash1").unwrap();
    let place = Place { start: 110, end: 119, ..Place::of(&rows[0]) };
    let decision = &present::decisions(&rows, &place)[0];
    assert_eq!((decision.start, decision.end, decision.segment_start), (105, 125, 110));
}

#[test]
fn the_view_says_what_the_fold_says() {
    let (_folder, mut journal) = journal();
    let mut change = step(1, Action::Change, "a.x", Verdict::Absent);
    change.to_code = Some("a.y".into());
    let steps = [
        What::Steps(vec![step(1, Action::Accept, "a.x", Verdict::Present)]),
        What::Steps(vec![change]),
        What::Steps(vec![step(2, Action::Unsure, "a.x", Verdict::Unsure)]),
        What::Undo(None),
        What::Steps(vec![step(1, Action::Settle, "a.x", Verdict::Present)]),
        What::Steps(vec![step(1, Action::Settle, "a.x", Verdict::Absent)]),
    ];
    for (i, what) in steps.into_iter().enumerate() {
        journal.append(&operation(&format!("op{i}"), what)).unwrap();
    }
    let sql = "SELECT segment, code, verdict, settled FROM present ORDER BY segment, settled, code";
    let mut statement = journal.connection.prepare(sql).unwrap();
    let view: Vec<(String, String, Verdict, bool)> = statement
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let fold: Vec<_> =
        journal.decisions().unwrap().into_iter().map(|d| (d.segment, d.code, d.verdict, d.settled)).collect();
    assert_eq!(view, fold);
    assert_eq!(view.len(), 3);
}

#[test]
fn every_kind_of_damage_is_found() {
    let faults = [
        "UPDATE decision SET verdict = 'absent' WHERE seq = 2",
        "UPDATE decision SET confidence = 0.5 WHERE seq = 3",
        "DELETE FROM decision WHERE seq = 2",
        "DELETE FROM decision WHERE seq = 4",
        "DELETE FROM decision",
    ];
    for fault in faults {
        let (_folder, mut journal) = journal();
        for n in 0..4 {
            journal.append(&accept(&format!("op{n}"), n)).unwrap();
        }
        journal.verify().unwrap();
        assert!(journal.connection.execute_batch(fault).is_err(), "the triggers let pass: {fault}");
        let without = "DROP TRIGGER decision_is_never_changed; DROP TRIGGER decision_is_never_deleted;";
        journal.connection.execute_batch(&format!("{without} {fault}")).unwrap();
        assert!(matches!(journal.verify(), Err(JournalError::Damaged { .. })), "not found: {fault}");
    }
}

#[test]
fn merging_twice_changes_nothing_and_order_does_not_matter() {
    let (home, mut ours) = journal();
    ours.append(&accept("shared", 1)).unwrap();
    let copy = home.path().join("copy.sqlite");
    ours.back_up(&copy).unwrap();
    let mut theirs = Journal::open(&copy).unwrap();
    ours.append(&accept("ours", 2)).unwrap();
    for n in 3..6 {
        theirs.append(&accept(&format!("theirs{n}"), n)).unwrap();
    }
    let (ours_path, theirs_path) = (ours.path.clone(), theirs.path.clone());
    assert_eq!(ours.merge(&theirs_path, &BTreeSet::new()).unwrap(), Merged { n_added: 3, n_known: 1 });
    assert_eq!(ours.merge(&theirs_path, &BTreeSet::new()).unwrap(), Merged { n_added: 0, n_known: 4 });
    assert_eq!(theirs.merge(&ours_path, &BTreeSet::new()).unwrap(), Merged { n_added: 1, n_known: 4 });
    assert_eq!(ours.decisions().unwrap(), theirs.decisions().unwrap());
    ours.verify().unwrap();
    theirs.verify().unwrap();
    ours.append(&accept("after", 7)).unwrap();
    ours.verify().unwrap();
}

#[test]
fn the_same_id_with_other_content_stops_a_merge_whole() {
    let (home, mut ours) = journal();
    let mut theirs = Journal::open(&home.path().join("other.sqlite")).unwrap();
    ours.append(&accept("x", 1)).unwrap();
    theirs.append(&accept("new", 1)).unwrap();
    theirs.append(&accept("x", 2)).unwrap();
    let path = theirs.path.clone();
    assert!(matches!(ours.merge(&path, &BTreeSet::new()), Err(JournalError::Damaged { .. })));
    assert_eq!(ours.n_rows().unwrap(), 1);
}

#[test]
fn decisions_are_carried_to_the_same_words_and_never_to_others() {
    let (home, mut journal) = journal();
    let study = Study::at(home.path());
    std::fs::create_dir(home.path().join("texts")).unwrap();
    let far = "So we waited. ".repeat(5);
    let old = format!("{far}We trained them.{far}We left.{far}");
    let (a, b) = (old.find("We trained").unwrap(), old.find("We left").unwrap());
    for (id, at, len) in [("a", a, 16), ("b", b, 8)] {
        let mut one = step(1, Action::Accept, "role.trainer", Verdict::Present);
        one.segment.start = at;
        one.segment.end = at + len;
        one.segment.hash = carry::segment_hash(&old, at, at + len);
        one.segment.quote = old[at..at + len].to_owned();
        journal.append(&operation(id, What::Steps(vec![one]))).unwrap();
    }
    let new = format!("É. {}", old.replace("We left.", "We stayed."));
    std::fs::write(study.text("b01"), &new).unwrap();
    let carried = journal.carried(&study, "r2").unwrap();
    assert_eq!(carried.decisions.len(), 1);
    assert_eq!((carried.decisions[0].start, carried.decisions[0].end), (a + 3, a + 19));
    assert_eq!(carried.orphans.len(), 1);
    assert_eq!(carried.orphans[0].quote, "We left.");
}

#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (home, mut journal) = journal();
    journal.append(&accept("a", 1)).unwrap();
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_newer_store_is_refused() {
    let (home, journal) = journal();
    journal.connection.pragma_update(None, "user_version", 99).unwrap();
    let path = home.path().join("study.sqlite");
    assert!(matches!(Journal::open(&path), Err(JournalError::Newer { found: 99, known: 3, .. })));
    assert!(matches!(Journal::open_read(&path), Err(JournalError::Newer { found: 99, .. })));
    journal.connection.pragma_update(None, "user_version", -1).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Damaged { .. })));
}

/// A store as version 1 of the tables had it, with `n` decisions, a plan and a rule.
fn version_1(path: &std::path::Path, n: usize) -> Vec<row::Row> {
    let (_home, mut journal) = journal();
    (0..n).for_each(|i| drop(journal.append(&accept(&format!("op{i}"), i)).unwrap()));
    let mut rows = Vec::new();
    journal.each_row(|_, row| rows.push(row)).unwrap();
    let old = rusqlite::Connection::open(path).unwrap();
    old.execute_batch(include_str!("schema.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    rows.iter().for_each(|row| row::insert(&old, row).unwrap());
    append::Head::read(&journal.connection).unwrap().save(&old).unwrap();
    old.execute_batch("INSERT INTO plan VALUES (1, 't', '{\"seed\":7}'); INSERT INTO rule VALUES ('r', 3)").unwrap();
    rows
}

fn all_rows(journal: &Journal) -> Vec<row::Row> {
    let mut rows = Vec::new();
    journal.each_row(|_, row| rows.push(row)).unwrap();
    rows
}

#[test]
fn a_store_of_version_1_is_copied_and_brought_up_whole() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("study.sqlite");
    let rows = version_1(&path, 20);
    let reader = Journal::open_read(&path).unwrap();
    reader.verify().unwrap();
    assert_eq!(
        (upgrade::version(&reader.connection).unwrap(), all_rows(&reader).len()),
        (1, 20),
        "reading changes nothing"
    );
    let mut journal = Journal::open(&path).unwrap();
    journal.verify().unwrap();
    assert_eq!(upgrade::version(&journal.connection).unwrap(), 3);
    assert_eq!(all_rows(&journal), rows);
    assert_eq!(journal.plan().unwrap().as_deref(), Some("{\"seed\":7}"));
    assert_eq!(journal.rules().unwrap(), std::collections::BTreeMap::from([("r".to_owned(), 3)]));
    journal.append(&accept("after", 30)).unwrap();
    let copy = Journal::open_read(&upgrade::copy_path(&path, 1)).unwrap();
    copy.verify().unwrap();
    assert_eq!((upgrade::version(&copy.connection).unwrap(), all_rows(&copy)), (1, rows));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy.path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // Opened again, nothing more is done.
    let before = std::fs::metadata(&copy.path).unwrap().modified().unwrap();
    drop(journal);
    Journal::open(&path).unwrap().verify().unwrap();
    assert_eq!(std::fs::metadata(&copy.path).unwrap().modified().unwrap(), before);
}

#[test]
fn an_upgrade_that_fails_leaves_the_old_version() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("study.sqlite");
    let rows = version_1(&path, 5);
    // A name that the upgrade needs is taken.
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch("CREATE TABLE decision_turn (x)").unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Sql(..))));
    let reader = Journal::open_read(&path).unwrap();
    assert_eq!((upgrade::version(&reader.connection).unwrap(), all_rows(&reader)), (1, rows));
    old.execute_batch("DROP TABLE decision_turn").unwrap();
    Journal::open(&path).unwrap().verify().unwrap();
}

#[test]
fn settings_that_were_changed_by_others_are_found() {
    for fault in
        ["UPDATE plan SET body = '{\"seed\":8}'", "UPDATE rule SET generation = 9", "UPDATE rule SET id = 's'"]
    {
        let (_home, mut journal) = journal();
        journal.set_plan("{\"seed\":7}").unwrap();
        journal.add_rules(&["r".into()], 3).unwrap();
        journal.verify().unwrap();
        journal.connection.execute_batch(fault).unwrap();
        assert!(matches!(journal.verify(), Err(JournalError::Damaged { .. })), "not found: {fault}");
    }
}

#[test]
fn settings_that_were_taken_away_or_put_elsewhere_are_found() {
    for fault in [
        "DELETE FROM plan WHERE seq = 1",
        "DELETE FROM plan WHERE seq = (SELECT max(seq) FROM plan)",
        "DELETE FROM rule WHERE rowid = (SELECT max(rowid) FROM rule)",
        "UPDATE plan SET seq = 3 WHERE seq = 1",
        "DELETE FROM rule WHERE id = 'r1'",
    ] {
        let (_home, mut journal) = journal();
        journal.set_plan("{\"seed\":7}").and_then(|()| journal.set_plan("{\"seed\":8}")).unwrap();
        journal.add_rules(&["r1".into(), "r2".into()], 3).unwrap();
        journal.add_rules(&["r2".into(), "r3".into()], 4).unwrap();
        journal.verify().unwrap();
        journal.connection.execute_batch(fault).unwrap();
        assert!(matches!(journal.verify(), Err(JournalError::Damaged { .. })), "not found: {fault}");
    }
}

/// First bytes of a page of a store, and of those in use: the head of the page with the places of its cells, and the
/// cells, as SQLite lays out a leaf.
fn used(store: &[u8], page: usize) -> Vec<usize> {
    let number = |at: usize| usize::from(u16::from_be_bytes([store[at], store[at + 1]]));
    let (size, begin) = (number(16), (page - 1) * number(16));
    let (n_cells, cells) = (number(begin + 3), number(begin + 5));
    (0..8 + 2 * n_cells).chain(cells..size).map(|at| begin + at).collect()
}

#[test]
fn every_byte_of_the_settings_and_of_the_chain_counts() {
    let (home, mut journal) = journal();
    let path = home.path().join("study.sqlite");
    journal.set_plan("{\"seed\":7}").and_then(|()| journal.set_plan("{\"seed\":8}")).unwrap();
    journal.add_rules(&["r1".into(), "r2".into()], 3).unwrap();
    (0..3).for_each(|n| drop(journal.append(&accept(&format!("op{n}"), n)).unwrap()));
    let page = |table: &str| {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        journal.connection.query_row(sql, [table], |row| row.get::<_, i64>(0)).unwrap() as usize
    };
    let pages = ["plan", "rule", "head", "decision"].map(page);
    drop(journal);
    let store = std::fs::read(&path).unwrap();
    let mut bytes: Vec<usize> = pages.iter().flat_map(|page| used(&store, *page)).collect();
    // The number of the only row of `head`, the second byte of its cell, means nothing.
    let number = used(&store, pages[2])[8 + 2] + 1;
    bytes.retain(|at| *at != number);
    assert!(bytes.len() > 1000, "{} bytes", bytes.len());
    for at in bytes {
        let mut changed = store.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&path, changed).unwrap();
        let found = Journal::open_read(&path).and_then(|journal| journal.verify());
        assert!(matches!(found, Err(JournalError::Damaged { .. })), "byte {at}: {found:?}");
    }
    std::fs::write(&path, store).unwrap();
    Journal::open_read(&path).unwrap().verify().unwrap();
}

#[test]
fn a_check_while_somebody_writes_finds_no_damage() {
    let (home, mut journal) = journal();
    let path = home.path().join("study.sqlite");
    let writer = std::thread::spawn(move || {
        (0..400).for_each(|n| drop(journal.append(&accept(&format!("op{n}"), n)).unwrap()))
    });
    let reader = Journal::open_read(&path).unwrap();
    let mut n_checks = 0;
    while !writer.is_finished() {
        reader.verify().unwrap();
        n_checks += 1;
    }
    writer.join().unwrap();
    assert!(n_checks > 3, "{n_checks} checks while it was written");
}

#[test]
fn a_store_without_its_log_is_missed_and_nothing_is_thrown_away() {
    let (home, mut journal) = journal();
    (0..5).for_each(|n| drop(journal.append(&accept(&format!("op{n}"), n)).unwrap()));
    let copy = TempDir::new().unwrap();
    // Copied while it is open, without the log: a common mistake.
    for name in ["study.sqlite", "study.last"] {
        std::fs::copy(home.path().join(name), copy.path().join(name)).unwrap();
    }
    let path = copy.path().join("study.sqlite");
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Damaged { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before, "a store that is refused is not written");
    // Said to be meant so, it is used as it is.
    std::fs::remove_file(last::path(&path)).unwrap();
    Journal::open(&path).unwrap().verify().unwrap();
}

/// A plain generator of numbers, so that a seed says everything.
fn roll(seed: &mut u64, n: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    ((*seed >> 33) as usize) % n
}

/// One damaged byte, anywhere in the store or in its log: an error, or everything.
#[test]
fn a_damaged_byte_is_found_or_does_no_harm() {
    let (home, mut journal) = journal();
    let batch =
        |from: usize| (from..from + 60).map(|n| step(n, Action::Accept, "role.trainer", Verdict::Present)).collect();
    journal.append(&operation("one", What::Steps(batch(0)))).unwrap();
    journal.set_plan("{\"seed\":7}").unwrap();
    journal.add_rules(&["r1".into(), "r2".into()], 1).unwrap();
    journal.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    journal.append(&operation("two", What::Steps(batch(60)))).unwrap();
    (0..20).for_each(|n| drop(journal.append(&accept(&format!("op{n}"), 200 + n)).unwrap()));
    let all = |j: &Journal| (all_rows(j), j.decisions().unwrap(), j.plan().unwrap(), j.rules().unwrap());
    let whole = all(&journal);
    let n_damages = std::env::var("PRECODE_DAMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let (mut seed, mut n_found) = (7, 0);
    for i in 0..n_damages {
        let copy = TempDir::new().unwrap();
        for name in ["study.sqlite", "study.sqlite-wal", "study.last"] {
            std::fs::copy(home.path().join(name), copy.path().join(name)).unwrap();
        }
        let file = copy.path().join(["study.sqlite", "study.sqlite-wal"][i % 2]);
        let mut bytes = std::fs::read(&file).unwrap();
        let at = roll(&mut seed, bytes.len());
        bytes[at] ^= 1 << roll(&mut seed, 8);
        std::fs::write(&file, &bytes).unwrap();
        let path = copy.path().join("study.sqlite");
        match Journal::open(&path).and_then(|journal| journal.verify().map(|()| journal)) {
            Ok(found) => {
                assert!(all(&found) == whole, "{}: byte {at} lost something without a word", file.display());
            }
            Err(_) => n_found += 1,
        }
        // Shown for reading alone it may fail, and never by a panic.
        if let Ok(journal) = Journal::open_read(&path) {
            let _ = (journal.decisions(), journal.history("ana", 100), journal.plan());
        }
    }
    assert!(n_found > n_damages / 4, "only {n_found} of {n_damages} were damage at all");
}

fn memo(id: &str, n: usize, note: &str) -> Operation {
    let step = Step { note: Some(note.into()), ..Step::new(segment(n), Action::Memo, Shown::Blind) };
    operation(id, What::Steps(vec![step]))
}

/// An acceptance in another interview.
fn elsewhere(id: &str, n: usize) -> Operation {
    let segment = SegmentRef { transcript: "b02".into(), ..segment(n) };
    let step = Step::new(segment, Action::Accept, Shown::Suggestion).on("role.trainer", Verdict::Present);
    operation(id, What::Steps(vec![step]))
}

/// Files below a folder that hold these bytes.
fn holding(folder: &TempDir, word: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let holds = |path: &PathBuf| memchr::memmem::find(&std::fs::read(path).unwrap(), word.as_bytes()).is_some();
    files.filter(holds).collect()
}

#[test]
fn forgotten_words_are_nowhere_and_every_row_is_still_there() {
    let (home, mut journal) = journal();
    for n in 0..40 {
        journal.append(&accept(&format!("a{n}"), n)).unwrap();
        journal.append(&memo(&format!("m{n}"), n, "xylophone")).unwrap();
        journal.append(&elsewhere(&format!("e{n}"), n)).unwrap();
    }
    let copy = upgrade::copy_path(&journal.path, 2);
    journal.back_up(&copy).unwrap();
    assert!(!holding(&home, "xylophone").is_empty());
    let before = all_rows(&journal);
    assert_eq!(journal.forget(&BTreeSet::from(["b01"])).unwrap(), 80);
    assert_eq!((holding(&home, "xylophone"), copy.exists()), (vec![], false));
    let after = all_rows(&journal);
    for (is, was) in after.iter().zip(&before) {
        let gone = was.transcript == "b01";
        let quote = if gone { "" } else { &was.quote };
        let note = was.note.as_ref().map(|note| if gone { String::new() } else { note.clone() });
        assert_eq!(*is, row::Row { quote: quote.into(), note, ..was.clone() });
    }
    journal.verify().unwrap();
    assert_eq!((after.len(), journal.forget(&BTreeSet::from(["b01"])).unwrap()), (120, 0));
    journal.append(&accept("later", 50)).unwrap();
    journal.verify().unwrap();
    assert_eq!(journal.transcripts().unwrap(), BTreeSet::from(["b01".to_owned(), "b02".to_owned()]));
    assert!(journal.connection.execute("UPDATE decision SET code = 'x' WHERE seq = 1", []).is_err());
}

#[test]
fn an_emptied_row_that_was_changed_besides_is_found() {
    for fault in ["code = 'role.data_manager'", "quote = 'other words'", "coder = 'ben'"] {
        let (_home, mut journal) = journal();
        (0..5).for_each(|n| drop(journal.append(&accept(&format!("a{n}"), n)).unwrap()));
        journal.forget(&BTreeSet::from(["b01"])).unwrap();
        journal.connection.execute_batch("DROP TRIGGER decision_is_never_changed").unwrap();
        journal.connection.execute(&format!("UPDATE decision SET {fault} WHERE seq = 3"), []).unwrap();
        assert!(matches!(journal.verify(), Err(JournalError::Damaged { .. })), "not found: {fault}");
    }
}

#[test]
fn what_one_copy_forgot_comes_to_another_without_words() {
    let (home, mut ours) = journal();
    let (_other, mut theirs) = journal();
    (0..5).for_each(|n| drop(theirs.append(&accept(&format!("a{n}"), n)).unwrap()));
    theirs.forget(&BTreeSet::from(["b01"])).unwrap();
    assert_eq!(ours.merge(&theirs.path, &BTreeSet::new()).unwrap().n_added, 5);
    ours.verify().unwrap();
    assert!(all_rows(&ours).iter().all(|row| row.quote.is_empty()));
    assert_eq!(holding(&home, "segment 3"), Vec::<PathBuf>::new());
}

#[test]
fn what_was_forgotten_here_comes_from_another_copy_without_words() {
    let (home, mut ours) = journal();
    let (_other, mut theirs) = journal();
    (0..5).for_each(|n| drop(theirs.append(&accept(&format!("a{n}"), n)).unwrap()));
    theirs.append(&elsewhere("e", 7)).unwrap();
    assert_eq!(ours.merge(&theirs.path, &BTreeSet::from(["b01"])).unwrap().n_added, 6);
    ours.verify().unwrap();
    assert_eq!((holding(&home, "segment 3"), holding(&home, "segment 7").is_empty()), (vec![], false));
    assert_eq!(ours.merge(&theirs.path, &BTreeSet::from(["b01"])).unwrap(), Merged { n_added: 0, n_known: 6 });
}

#[test]
fn a_log_that_somebody_reads_is_not_called_empty() {
    let (_home, mut journal) = journal();
    journal.append(&accept("a", 1)).unwrap();
    let reader = Journal::open_read(&journal.path).unwrap();
    let _moment = reader.connection.unchecked_transaction().unwrap();
    reader.n_rows().unwrap();
    journal.connection.busy_timeout(Duration::from_millis(50)).unwrap();
    assert!(matches!(journal.forget(&BTreeSet::from(["b01"])), Err(JournalError::InUse(_))));
}
