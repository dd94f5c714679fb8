//! Learning, triage and recall: on made-up studies whose truth is known.

mod made;

use made::{Made, Plan, make};
use precode::agreement::bootstrap::Bootstrap;
use precode::agreement::interviews::Interviews;
use precode::agreement::judgement::Judgements;
use precode::agreement::judgement::Stratum;
use precode::agreement::random::Random;
use precode::agreement::read::{Answers, add, codes, labels_jsonl};
use precode::learn::example::{Examples, collect};
use precode::learn::measure::Gain;
use precode::learn::recall::{self, Answer};
use precode::learn::report::{Book, Outcome, Settings, learn};
use precode::learn::{Model, apply};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

fn settings() -> Settings {
    let bootstrap = Bootstrap { resamples: 200, ..Bootstrap::default() };
    Settings { stems: false, orders: 0, seed: 1, bootstrap }
}

fn book() -> Book {
    Book { digest: "c0de".to_string(), whole: true, ..Book::default() }
}

fn examples(made: &Made, error: f64, stratum: Stratum) -> Examples {
    let answers = Answers::of(&made.turns);
    let (labels, problems) = labels_jsonl("labels.jsonl", &made.labels("ana", error, 4), "ana", &answers);
    assert_eq!(problems, []);
    let codes = codes(&labels, &[]);
    let mut judgements = Judgements::default();
    labels.iter().for_each(|labels| add(&mut judgements, labels, 1, stratum, &codes));
    judgements.settle_names();
    collect(&made.codings, &judgements, &Interviews::default())
}

fn run(plan: Plan, stratum: Stratum) -> Outcome {
    let made = make(plan);
    learn(&made.codings, &examples(&made, 0.0, stratum), &book(), &settings())
}

fn gain<'a>(gains: &'a [Gain], name: &str) -> &'a Gain {
    gains.iter().find(|gain| gain.measure == name).unwrap()
}

#[test]
fn learning_beats_a_bold_confidence_on_interviews_it_has_not_seen() {
    let outcome = run(Plan::default(), Stratum::Blind);
    let loss = gain(&outcome.report.everywhere, "log_loss").change.unwrap();
    assert!(loss.interval.unwrap().high < 0.0, "{loss:?}");
    let error = gain(&outcome.report.adopted, "ece");
    assert!(error.after < error.before, "{error:?}");
    assert!(outcome.model.unwrap().codes.values().any(|of| of.adopted));
}

#[test]
fn the_curve_comes_from_below_and_ends_above_what_is_replaced() {
    let made = make(Plan { interviews: 11, ..Plan::default() });
    let settings = Settings { orders: 1, ..settings() };
    let outcome = learn(&made.codings, &examples(&made, 0.0, Stratum::Blind), &book(), &settings);
    let curve = &outcome.report.curve;
    assert_eq!(curve.iter().map(|p| p.decisions).take(3).collect::<Vec<_>>(), [25, 50, 100]);
    assert!(curve.windows(2).all(|pair| pair[0].answers < pair[1].answers));
    let (first, last) = (curve[0].of("log_loss"), curve.last().unwrap().of("log_loss"));
    assert!(last.1 < first.1 && last.1 < last.0, "{curve:?}");
    // What trained is told: the first decisions by rank, of other folds than the one that is predicted.
    let trace = &outcome.traces[0];
    assert_eq!(
        (trace.decisions, trace.rank.len(), outcome.fold.len()),
        (25, trace.confidences.len(), trace.rank.len())
    );
}

/// Decisions that say nothing (coins) leave the confidence nearly as it was, however many there are.
#[test]
fn decisions_that_say_nothing_change_little() {
    let made = make(Plan { boldness: 1.0, ..Plan::default() });
    let mut examples = examples(&made, 0.0, Stratum::Blind);
    let mut random = Random::new(3);
    for example in &mut examples.rows {
        example.holds = random.chance(made.codings[example.row].confidence);
    }
    let outcome = learn(&made.codings, &examples, &book(), &settings());
    let loss = gain(&outcome.report.everywhere, "log_loss").change.unwrap().value;
    assert!(loss < 0.01, "{loss}");
    assert!(outcome.model.unwrap().blend["unchanged"] > 0.3);
}

#[test]
fn what_was_judged_with_proposals_in_sight_never_measures() {
    let outcome = run(Plan::default(), Stratum::Assisted);
    assert_eq!(outcome.report.measured, 0);
    assert!(outcome.model.is_none());
    assert!(outcome.report.nothing.unwrap().contains("no decision was made blind"));
}

#[test]
fn few_decisions_leave_everything_as_it_is() {
    let outcome = run(Plan { interviews: 3, answers: 3, codes: 2, ..Plan::default() }, Stratum::Blind);
    assert!(outcome.model.is_none());
    assert!(outcome.report.nothing.unwrap().contains("at least 30 are needed"));
}

#[test]
fn a_confidence_that_is_right_already_is_hardly_touched() {
    // Calibrated but for the misleading rule: what is adopted may never be worse on held-out interviews.
    for seed in 1..5 {
        let outcome = run(Plan { boldness: 1.0, interviews: 7, seed, ..Plan::default() }, Stratum::Blind);
        let loss = gain(&outcome.report.adopted, "log_loss");
        assert!(loss.after <= loss.before, "{seed}: {loss:?}");
    }
}

#[test]
fn the_same_decisions_give_the_same_bytes_and_the_file_comes_back() {
    let model = || run(Plan { interviews: 8, ..Plan::default() }, Stratum::Blind).model.unwrap();
    let first = model();
    let json = serde_json::to_string_pretty(&first).unwrap();
    assert_eq!(json, serde_json::to_string_pretty(&model()).unwrap());
    assert_eq!(serde_json::from_str::<Model>(&json).unwrap(), first);
}

#[test]
fn applying_changes_adopted_codes_and_nothing_else() {
    let made = make(Plan::default());
    let mut model = run(Plan::default(), Stratum::Blind).model.unwrap();
    model.codes.iter_mut().for_each(|(code, of)| of.adopted = code == "role.c0");
    let mut rows = made.codings.clone();
    apply(&model, &mut rows, true);
    for (before, after) in made.codings.iter().zip(&rows) {
        assert!((0.0..=1.0).contains(&after.confidence));
        assert_eq!(before.code == "role.c0", after.calibrated_on > 0);
        assert_eq!((before.score, &before.evidence, &before.text), (after.score, &after.evidence, &after.text));
        assert!(before.code == "role.c0" || before == after);
    }
    // Twice is once: the features never look at the confidence that a row shows.
    let once = rows.clone();
    apply(&model, &mut rows, true);
    assert_eq!(once, rows);
}

#[test]
fn a_rule_that_misleads_is_named_with_quotations() {
    let outcome = run(Plan { interviews: 16, base_rate: 0.2, ..Plan::default() }, Stratum::Blind);
    let proposed: Vec<_> = outcome.report.rules.iter().filter(|rule| rule.proposal.is_some()).collect();
    assert!(!proposed.is_empty());
    for rule in &proposed {
        assert!(rule.precision < 0.8 && !rule.wrong.is_empty() && rule.wrong[0].contains('['), "{rule:?}");
    }
    assert!(proposed.iter().any(|rule| rule.rule.ends_with("misleading")), "{proposed:?}");
}

fn answers(made: &Made) -> Vec<Answer> {
    let turns = made.turns.iter().filter(|turn| turn.turn % 2 == 1);
    turns
        .map(|turn| Answer {
            transcript: turn.transcript.clone(),
            turn: turn.turn,
            start: turn.start,
            end: turn.end,
            // Made-up answers are of one length; lengths that say nothing still make two strata.
            words: turn.words + turn.turn,
        })
        .collect()
}

/// Runs in which the interval of the first code holds the true number of missed answers.
fn recovered(runs: u64) -> (usize, f64) {
    let mut seeds = Random::new(1);
    let (mut held, mut width) = (0, 0.0);
    for _ in 0..runs {
        let seed = seeds.next();
        let made = make(Plan { interviews: 25, signal: 1.2, seed, ..Plan::default() });
        let proposed: BTreeSet<(&str, usize, &str)> = made
            .codings
            .iter()
            .filter(|row| row.confidence >= 0.5)
            .map(|row| (row.transcript.as_str(), row.turn, row.code.as_str()))
            .collect();
        let code = "role.c0";
        let missed = made.truth.iter().filter(|((transcript, turn, own), holds)| {
            **holds && own == code && !proposed.contains(&(transcript.as_str(), *turn, own.as_str()))
        });
        let truth = missed.count() as f64;
        let sampled = recall::sample(&answers(&made), &made.codings, &BTreeSet::new(), 80, seed);
        assert_eq!(sampled.len(), 80);
        let verdict = |transcript: &str, turn: usize, code: &str| {
            made.truth.get(&(transcript.to_string(), turn, code.to_string())).copied()
        };
        let found = recall::estimate(&sampled, &[code.to_string()], verdict, seed);
        held += usize::from(found[0].interval.contains(truth));
        width += found[0].interval.high - found[0].interval.low;
    }
    (held, width / runs as f64)
}

/// The seed (1) was chosen before looking, and stays.
#[test]
fn the_recall_estimate_is_recovered() {
    let (held, _) = recovered(100);
    println!("recall estimate recovered in {held} of 100 runs");
    assert!(held >= 95, "{held} of 100");
}

/// At full size: `cargo test --test learn -- --ignored --nocapture`.
#[test]
#[ignore = "minutes; the fast form above runs always"]
fn the_recall_estimate_is_recovered_at_full_size() {
    let (held, width) = recovered(2000);
    println!("recall estimate recovered in {held} of 2000 runs, mean width {width:.2} answers");
}

#[test]
fn a_sample_takes_no_answer_twice_and_none_that_was_judged() {
    let made = make(Plan::default());
    let all = answers(&made);
    let judged: BTreeSet<(String, usize)> =
        all.iter().take(60).map(|answer| (answer.transcript.clone(), answer.turn)).collect();
    let sampled = recall::sample(&all, &made.codings, &judged, 1000, 3);
    assert_eq!(sampled.len(), all.len() - 60);
    let places: BTreeSet<_> = sampled.iter().map(|s| (s.transcript.clone(), s.turn)).collect();
    assert_eq!(places.len(), sampled.len());
    assert!(places.is_disjoint(&judged));
    let mut strata: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    sampled.iter().for_each(|s| strata.entry(s.stratum).or_insert((s.of, 0)).1 += 1);
    assert!(strata.values().all(|(of, n)| of == n), "{strata:?}");
}

fn precode(args: &[&str]) -> (String, String, Option<i32>) {
    let done = Command::new(env!("CARGO_BIN_EXE_precode")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(done.stdout), text(done.stderr), done.status.code())
}

fn study() -> (tempfile::TempDir, Made) {
    let folder = tempfile::tempdir().unwrap();
    let made = make(Plan { interviews: 9, ..Plan::default() });
    made.write(folder.path());
    std::fs::write(folder.path().join("labels.jsonl"), made.labels("ana", 0.02, 1)).unwrap();
    (folder, made)
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_string()
}

fn files(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_command_writes_the_model_and_its_report_and_changes_nothing_else() {
    let (folder, _) = study();
    let (study, labels) = (path(folder.path(), ""), path(folder.path(), "labels.jsonl"));
    let before = files(folder.path());
    let rows = std::fs::read(folder.path().join("codings.jsonl")).unwrap();
    let (out, err, code) = precode(&["learn", &study, "--labels", &labels, "--resamples", "100", "--orders", "1"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("Learning curve") && out.contains("log_loss"), "{out}");
    let new: Vec<String> = files(folder.path()).difference(&before).cloned().collect();
    assert_eq!(new, ["confidence.json", "learn"]);
    assert_eq!(std::fs::read(folder.path().join("codings.jsonl")).unwrap(), rows);
    let pictures = files(&folder.path().join("learn"));
    assert_eq!(pictures, ["curve.svg", "reliability.svg", "report.json"].map(str::to_string).into());
    let model: Model =
        serde_json::from_slice(&std::fs::read(folder.path().join("confidence.json")).unwrap()).unwrap();
    assert_eq!(model.codebook, "c0de");
    for picture in ["learn/curve.svg", "learn/reliability.svg"] {
        let text = std::fs::read_to_string(folder.path().join(picture)).unwrap();
        assert!(text.starts_with("<svg") && text.ends_with("</svg>\n") && !text.contains("NaN"), "{picture}");
    }
}

#[test]
fn a_study_coded_with_a_fitted_confidence_is_no_fair_before() {
    let (folder, _) = study();
    let manifest = folder.path().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"shipped\"", "\"confidence.json\"")).unwrap();
    let (study, labels) = (path(folder.path(), ""), path(folder.path(), "labels.jsonl"));
    let (_, err, code) = precode(&["learn", &study, "--labels", &labels, "--resamples", "100", "--orders", "1"]);
    assert_eq!(code, Some(0));
    assert!(err.starts_with("warning: ") && err.contains("\"before\" is not held out"), "{err}");
}

#[test]
fn a_model_is_carried_to_another_study_of_the_same_codebook() {
    let (folder, made) = study();
    let (here, labels) = (path(folder.path(), ""), path(folder.path(), "labels.jsonl"));
    precode(&["learn", &here, "--labels", &labels, "--resamples", "100", "--orders", "1"]);
    let model = path(folder.path(), "confidence.json");
    let other = tempfile::tempdir().unwrap();
    let there = make(Plan { seed: 99, interviews: 9, ..Plan::default() });
    there.write(other.path());
    std::fs::write(other.path().join("labels.jsonl"), there.labels("ben", 0.0, 1)).unwrap();
    let (study, labels) = (path(other.path(), ""), path(other.path(), "labels.jsonl"));
    let (out, err, code) = precode(&["learn", &study, "--labels", &labels, "--from", &model, "--resamples", "100"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("none of which it was fitted on"), "{out}");
    let manifest = other.path().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap().replace("c0de", "0ther");
    std::fs::write(&manifest, text).unwrap();
    let (_, err, code) = precode(&["learn", &study, "--from", &model]);
    assert_eq!(code, Some(2));
    assert!(err.contains("another version of the codebook"), "{err}");
    let (_, _, code) = precode(&["learn", &study, "--from", &model, "--other-codebook"]);
    assert_eq!(code, Some(0));
    drop(made);
}

#[test]
fn triage_bounds_what_is_accepted_unseen_and_counts_what_was_missed() {
    let (folder, made) = study();
    let (study, labels) = (path(folder.path(), ""), path(folder.path(), "labels.jsonl"));
    let (out, err, code) = precode(&["triage", &study, "--labels", &labels, "--max-wrong", "0.2"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("all codes") && out.contains("blind decisions"), "{out}");
    let (strict, ..) = precode(&["triage", &study, "--labels", &labels, "--max-wrong", "0.001"]);
    assert!(strict.lines().nth(2).unwrap().contains("nowhere"), "{strict}");
    let (out, err, code) = precode(&["triage", &study, "--sample-unseen", "40"]);
    assert_eq!(code, Some(0), "{err}{out}");
    let sampled = std::fs::read_to_string(folder.path().join("recall.jsonl")).unwrap();
    assert_eq!(sampled.lines().count(), 40);
    let (out, ..) = precode(&["triage", &study, "--labels", &labels, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["missed"].as_array().unwrap().len(), 3);
    assert!(report["missed"][0]["interval"]["low"].as_f64() <= report["missed"][0]["missed"].as_f64());
    drop(made);
}

#[test]
fn a_model_that_is_worse_here_is_not_carried_over() {
    let (folder, _) = study();
    let (here, labels) = (path(folder.path(), ""), path(folder.path(), "labels.jsonl"));
    precode(&["learn", &here, "--labels", &labels, "--resamples", "100", "--orders", "0"]);
    let file = folder.path().join("confidence.json");
    let mut model: Model = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    model.codes.values_mut().for_each(|of| of.adopted = true);
    model.weights.insert("always".to_string(), 9.0);
    let wrong = path(folder.path(), "wrong.json");
    std::fs::write(&wrong, serde_json::to_string(&model).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    let (out, err, code) = precode(&["learn", &here, "--labels", &labels, "--from", &wrong, "--resamples", "100"]);
    assert_eq!(code, Some(4), "{err}");
    assert!(out.starts_with("not carried over: ") && !file.exists(), "{out}");
}
