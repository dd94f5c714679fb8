use super::append::{Expect, Scope, SegmentRef, Step, What};
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
    let expect =
        |version| Some(Expect { transcript: "b01".into(), segment: "hash1".into(), scope: Scope::Own, version });
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
    assert_eq!(ours.merge(&theirs_path).unwrap(), Merged { n_added: 3, n_known: 1 });
    assert_eq!(ours.merge(&theirs_path).unwrap(), Merged { n_added: 0, n_known: 4 });
    assert_eq!(theirs.merge(&ours_path).unwrap(), Merged { n_added: 1, n_known: 4 });
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
    assert!(matches!(ours.merge(&path), Err(JournalError::Damaged { .. })));
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
    assert!(matches!(Journal::open(&path), Err(JournalError::Newer { found: 99, .. })));
    assert!(matches!(Journal::open_read(&path), Err(JournalError::Newer { found: 99, .. })));
}
