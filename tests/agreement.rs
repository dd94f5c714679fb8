//! Agreement: against published examples, independent implementations, and coders whose errors are known.

mod made;

use precode::agreement::Undefined;
use precode::agreement::anchoring::{Strata, anchoring};
use precode::agreement::bootstrap::Bootstrap;
use precode::agreement::distribution::Interval;
use precode::agreement::explain::{explain, rows};
use precode::agreement::many::{self, Row};
use precode::agreement::pair::{self, Table};
use precode::agreement::random::Random;
use precode::agreement::rho::Rho;
use precode::agreement::unitizing::{Continuum, Passage, alpha_u, disagreements_u};
use std::process::Command;

type Answer = Result<f64, Undefined>;

/// The figure says what the fixture says: the same number to 1e-9, or the same reason for none.
fn same(found: Answer, cell: &str) -> bool {
    match (found, cell.parse::<f64>()) {
        (Ok(value), Ok(want)) => (value - want).abs() < 1e-9,
        (Err(why), Err(_)) => format!("{why:?}") == cell,
        _ => false,
    }
}

fn square<const K: usize>(random: &mut Random, bounds: [[usize; K]; K]) -> [[u64; K]; K] {
    bounds.map(|row| row.map(|bound| random.below(bound) as u64))
}

/// Each unit of a table as counts of its two judgements.
fn units<const K: usize>(counts: [[u64; K]; K]) -> Vec<Row<K>> {
    let mut rows = Vec::new();
    for (i, row) in counts.iter().enumerate() {
        for (j, times) in row.iter().enumerate() {
            let mut unit = [0; K];
            unit[i] += 1;
            unit[j] += 1;
            rows.push((unit, *times));
        }
    }
    rows
}

fn of_two(counts: [[u64; 2]; 2]) -> Vec<Answer> {
    let [[both, first_only], [second_only, neither]] = counts;
    let table = Table { both, first_only, second_only, neither };
    vec![
        pair::percent(counts),
        pair::positive(table),
        pair::negative(table),
        pair::cohen_kappa(counts),
        pair::scott_pi(counts),
        many::alpha_nominal(&units(counts)),
        many::gwet_ac1(&units(counts)),
        pair::pabak(counts),
        pair::precision(table),
        pair::recall(table),
    ]
}

fn of_three(counts: [[u64; 3]; 3]) -> Vec<Answer> {
    vec![
        pair::percent(counts),
        pair::cohen_kappa(counts),
        pair::scott_pi(counts),
        many::alpha_nominal(&units(counts)),
        many::gwet_ac1(&units(counts)),
        pair::pabak(counts),
    ]
}

fn of_many(random: &mut Random) -> Vec<Answer> {
    let (coders, units) = (3 + random.below(3), 5 + random.below(40));
    let missing = random.below(4) as f64 / 10.0;
    let mut rows: Vec<Row<3>> = Vec::new();
    for _ in 0..units {
        let truth = random.below(3);
        let mut unit = [0; 3];
        for _ in 0..coders {
            let value = if random.chance(0.6) { truth } else { random.below(3) };
            if !random.chance(missing) {
                unit[value] += 1;
            }
        }
        rows.push((unit, 1));
    }
    vec![many::percent(&rows), many::alpha_nominal(&rows), many::gwet_ac1(&rows), many::fleiss_kappa(&rows)]
}

#[test]
fn ten_thousand_random_tables_agree_with_independent_implementations() {
    let fixture = include_str!("fixtures/agreement/tables.txt");
    let mut checked = 0;
    for (i, line) in fixture.lines().enumerate() {
        let random = &mut Random::new(0xA9EE + i as u64);
        let found = match i % 5 {
            0 => of_two(square(random, [[31, 31], [31, 31]])),
            1 => of_two(square(random, [[4, 6], [6, 200]])),
            2 => of_two(square(random, [[3, 3], [3, 3]])),
            3 => of_three(square(random, [[15; 3]; 3])),
            _ => of_many(random),
        };
        let want: Vec<&str> = line.split(' ').skip(1).collect();
        assert_eq!(found.len(), want.len(), "line {}", i + 1);
        for (n, (found, want)) in found.into_iter().zip(want).enumerate() {
            assert!(same(found, want), "line {}, figure {}: found {found:?}, want {want}", i + 1, n + 1);
            checked += 1;
        }
    }
    assert_eq!(fixture.lines().count(), 10_000);
    println!("{checked} figures of 10,000 tables agree to 1e-9");
}

/// Krippendorff (2011), D: four coders, twelve units, five values, missing judgements. Gwet (2014) uses the same data.
fn twelve_units() -> Vec<Row<5>> {
    // By unit, one character a coder; a space is a missing judgement.
    let units = ["11 1", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", " 555", "  11", "  3 "];
    let count = |unit: &&str| {
        let mut counts = [0; 5];
        unit.bytes().filter(u8::is_ascii_digit).for_each(|c| counts[usize::from(c - b'1')] += 1);
        (counts, 1)
    };
    units.iter().map(count).collect()
}

#[test]
fn krippendorffs_published_example() {
    assert!((many::alpha_nominal(&twelve_units()).unwrap() - 0.743).abs() < 5e-4);
}

#[test]
fn gwets_published_example() {
    assert!((many::gwet_ac1(&twelve_units()).unwrap() - 0.775).abs() < 5e-4);
}

/// Fleiss (1971), table 1: 30 patients, 6 psychiatrists, 5 diagnoses.
const PATIENTS: [&str; 30] = [
    "444444", "222555", "233335", "555555", "222444", "113333", "333355", "113334", "114444", "555555", "144444",
    "124444", "222333", "144444", "224445", "333335", "111455", "111112", "224444", "133555", "555555", "244444",
    "224555", "114444", "144445", "222224", "111155", "224444", "133333", "555555",
];

#[test]
fn fleisss_published_example() {
    let count = |unit: &&str| {
        let mut counts = [0; 5];
        unit.bytes().for_each(|c| counts[usize::from(c - b'1')] += 1);
        (counts, 1)
    };
    let rows: Vec<Row<5>> = PATIENTS.iter().map(count).collect();
    assert!((many::percent(&rows).unwrap() - 0.556).abs() < 5e-4);
    assert!((many::fleiss_kappa(&rows).unwrap() - 0.430).abs() < 5e-4);
}

/// Cohen (1960), table 1: two judges, three categories, in percent.
#[test]
fn cohens_published_example() {
    let counts = [[25, 13, 12], [12, 2, 16], [3, 15, 2]];
    assert!((pair::percent(counts).unwrap() - 0.29).abs() < 1e-12);
    let chance = (50.0 * 40.0 + 30.0 * 30.0 + 20.0 * 30.0) / 10_000.0;
    assert!((pair::cohen_kappa(counts).unwrap() - (0.29 - chance) / (1.0 - chance)).abs() < 1e-12);
}

/// Krippendorff (2004), p. 254: codes c and k, marked by two observers on a continuum of 300.
#[test]
fn krippendorffs_published_example_of_unitizing() {
    let at = |list: &[(u64, u64)]| {
        list.iter().map(|&(start, length)| Passage { start, end: start + length, value: 0 }).collect()
    };
    let c =
        [Continuum { length: 300, coders: vec![at(&[(75, 70), (220, 30)]), at(&[(70, 80), (205, 20), (250, 20)])] }];
    let k = [Continuum { length: 300, coders: vec![at(&[(30, 60), (150, 50)]), at(&[(30, 60), (150, 50)])] }];
    let (observed, expected) = disagreements_u(&c).unwrap();
    assert!((observed - 0.0144).abs() < 1e-4 && (expected - 0.0532).abs() < 1e-4);
    assert!((alpha_u(&c).unwrap() - 0.7286).abs() < 1e-4);
    assert_eq!(alpha_u(&k), Ok(1.0));
    let (observed_k, expected_k) = disagreements_u(&k).unwrap();
    let both = 1.0 - (observed + observed_k) / (expected + expected_k);
    assert!((both - 0.8591).abs() < 5e-4, "{both}");
}

#[test]
fn a_rare_code_gets_its_sentence() {
    let rare = Table { both: 2, first_only: 4, second_only: 3, neither: 91 };
    assert!((pair::percent(rare.counts()).unwrap() - 0.930).abs() < 5e-4);
    assert!((pair::cohen_kappa(rare.counts()).unwrap() - 0.327).abs() < 5e-4);
    assert!((many::gwet_ac1(&rows(rare)).unwrap() - 0.922).abs() < 5e-4);
    let sentence = explain(rare).unwrap();
    assert!(sentence.contains("rare (5.5 % of judgements)") && sentence.contains("in 2."), "{sentence}");
}

/// The functions of the R package rhoR (calcRho, 20,000 pairs of coders each, R 4.2.2, seed 1) gave the first figure,
/// `rho.py` beside the fixture, with numpy's generator, the second where it was asked.
#[test]
fn rho_is_as_in_the_r_package_and_as_simulated_elsewhere() {
    /// Observed kappa, base rate, units, threshold, inflation of the base rate; by R, by numpy.
    type Case = (f64, f64, u64, f64, f64, f64, Option<f64>);
    let cases: [Case; 9] = [
        (0.85, 0.2, 80, 0.65, 0.0, 0.00455, Some(0.0044)),
        (0.85, 0.2, 80, 0.80, 0.0, 0.04425, Some(0.0429)),
        (0.75, 0.1, 200, 0.65, 0.0, 0.03035, Some(0.0279)),
        (0.88, 0.2, 80, 0.90, 0.0, 0.0936, None),
        (0.70, 0.5, 100, 0.65, 0.0, 0.0479, None),
        (0.80, 0.05, 300, 0.65, 0.0, 0.0137, None),
        (0.85, 0.1, 80, 0.65, 0.2, 0.00275, None),
        (0.90, 0.03, 120, 0.80, 0.2, 0.0362, None),
        (0.30, 0.2, 80, 0.65, 0.0, 1.0, None),
    ];
    for (kappa, base_rate, n, threshold, inflation, of_r, of_numpy) in cases {
        let asked = Rho { threshold, inflation, replicates: 20_000, ..Rho::default() };
        let rho = asked.of(kappa, base_rate, n).unwrap();
        for want in [Some(of_r), of_numpy].into_iter().flatten() {
            // Two simulations of 20,000 differ by four standard errors in one of 16,000 cases.
            let apart = 4.0 * (2.0 * want * (1.0 - want) / 20_000.0).sqrt();
            assert!((rho - want).abs() <= apart, "{kappa} {threshold}: {rho}, want {want} ± {apart:.4}");
        }
    }
}

#[test]
fn swapping_coders_or_interviews_changes_nothing() {
    let mut random = Random::new(4);
    for _ in 0..500 {
        let counts: [[u64; 2]; 2] = square(&mut random, [[9, 9], [9, 9]]);
        let swapped = [[counts[0][0], counts[1][0]], [counts[0][1], counts[1][1]]];
        assert_eq!(pair::cohen_kappa(counts), pair::cohen_kappa(swapped));
        assert_eq!(pair::scott_pi(counts), pair::scott_pi(swapped));
    }
}

/// Two coders with their own errors, in interviews that differ in base rate and in difficulty.
fn interviews(n: usize, answers: usize, random: &mut Random) -> Vec<Table> {
    let one = |random: &mut Random| {
        let base = 0.15 + 0.3 * random.unit();
        let error = 0.05 + 0.15 * random.unit();
        let mut table = Table::default();
        for _ in 0..answers {
            let truth = random.chance(base);
            let (a, b) = (truth != random.chance(error), truth != random.chance(error));
            table.add(a, b, 1);
        }
        table
    };
    (0..n).map(|_| one(random)).collect()
}

fn sum(tables: &[Table], times: &[u32]) -> Table {
    let mut total = Table::default();
    tables.iter().zip(times).for_each(|(table, times)| total.add_table(*table, u64::from(*times)));
    total
}

fn kappa_of(tables: &[Table], times: &[u32]) -> Answer {
    pair::cohen_kappa(sum(tables, times).counts())
}

/// All coverage figures at full size: `cargo test --test agreement -- --ignored --nocapture`.
#[test]
#[ignore = "minutes; the fast form above runs always"]
fn intervals_cover_what_they_claim_at_full_size() {
    for n in [5, 10, 15, 30, 60] {
        let [whole, percentile, bca] = coverage(n, 2000);
        println!("{n} interviews, 2000 runs: {whole}; percentile {percentile}; BCa {bca}");
    }
}

/// How often an interval held the truth, and how wide it was.
#[derive(Clone, Copy, Default)]
struct Coverage {
    held: usize,
    runs: usize,
    width: f64,
}

impl Coverage {
    fn add(&mut self, interval: Interval, truth: f64) {
        self.held += usize::from(interval.contains(truth));
        self.runs += 1;
        self.width += interval.high - interval.low;
    }

    fn share(&self) -> f64 {
        self.held as f64 / self.runs as f64
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        if self.runs == 0 {
            return f.write_str("never given");
        }
        write!(f, "holds the truth in {:.3}, mean width {:.3}", self.share(), self.width / self.runs as f64)
    }
}

/// The interval to quote, percentile and BCa, for the kappa of so many interviews.
fn coverage(n_interviews: usize, runs: usize) -> [Coverage; 3] {
    let mut random = Random::new(77);
    let truth = {
        let many = interviews(20_000, 20, &mut random);
        kappa_of(&many, &vec![1; many.len()]).unwrap()
    };
    let mut found = [Coverage::default(); 3];
    for run in 0..runs {
        let tables = interviews(n_interviews, 20, &mut random);
        let bootstrap = Bootstrap { resamples: 400, seed: run as u64, ..Bootstrap::default() };
        let estimate = bootstrap.estimate(n_interviews, |times| kappa_of(&tables, times)).unwrap();
        let bounds = [estimate.interval, estimate.percentile, estimate.bca];
        // BCa reaches beyond 400 resamples now and then; such a run says nothing about it.
        (0..3).filter_map(|i| Some((i, bounds[i]?))).for_each(|(i, bounds)| found[i].add(bounds, truth));
    }
    found
}

#[test]
fn intervals_cover_what_they_claim() {
    for n in [15, 40] {
        let [whole, percentile, bca] = coverage(n, 200);
        println!("{n} interviews, 200 runs: {whole}; percentile {percentile}; BCa {bca}");
        // 200 runs at 0.95 spread by ±0.03.
        assert!(
            (0.93..=1.0).contains(&whole.share()) && whole.runs == 200 && whole.width < 1.15 * percentile.width,
            "{n}: {whole}"
        );
        assert!((0.91..=0.99).contains(&percentile.share()), "{n}: {percentile}");
        assert!((0.90..=0.99).contains(&bca.share()), "{n}: {bca}");
    }
}

/// A coder who errs with `error`, and who in the assisted stratum takes over the proposal with `pull`.
fn anchored(n: usize, pull: f64, random: &mut Random) -> Vec<Strata> {
    let (machine_error, error) = (0.2, 0.12);
    let one = |random: &mut Random| {
        let base = 0.2 + 0.3 * random.unit();
        let mut strata = Strata::default();
        for assisted in [false, true] {
            for _ in 0..20 {
                let truth = random.chance(base);
                let machine = truth != random.chance(machine_error);
                let own = truth != random.chance(error);
                let said = if assisted && random.chance(pull) { machine } else { own };
                let table = if assisted { &mut strata.assisted } else { &mut strata.blind };
                table.add(said, machine, 1);
            }
        }
        strata
    };
    (0..n).map(|_| one(random)).collect()
}

/// How often the interval holds the true effect on one statistic, and the percentile interval that was given before.
fn recovered(of: fn(Table) -> Answer, truth: f64, runs: usize) -> [Coverage; 2] {
    let mut random = Random::new(1);
    let mut found = [Coverage::default(); 2];
    for run in 0..runs {
        let strata = anchored(30, 0.5, &mut random);
        let bootstrap = Bootstrap { resamples: 400, seed: run as u64, ..Bootstrap::default() };
        let effect = anchoring(&strata, &bootstrap, of).unwrap().effect;
        found[0].add(effect.interval.unwrap(), truth);
        found[1].add(effect.percentile.unwrap(), truth);
    }
    found
}

const PERCENT: fn(Table) -> Answer = |t| pair::percent(t.counts());
const KAPPA: fn(Table) -> Answer = |t| pair::cohen_kappa(t.counts());

/// The true effects on percent agreement and on kappa.
fn true_effects(interviews: usize) -> [f64; 2] {
    // Agreement of coder and machine: both right or both wrong; a pulled coder agrees always.
    let alone = 0.8 * 0.88 + 0.2 * 0.12;
    let many = anchored(interviews, 0.5, &mut Random::new(9));
    let once = Bootstrap { resamples: 1, ..Bootstrap::default() };
    [0.5 * (1.0 - alone), anchoring(&many, &once, KAPPA).unwrap().effect.value]
}

/// The seed (1) was chosen before looking, and stays.
#[test]
fn the_anchoring_effect_is_recovered() {
    let [percent, kappa] = true_effects(40_000);
    for (name, of, truth) in [("percent", PERCENT, percent), ("kappa", KAPPA, kappa)] {
        let [found, _] = recovered(of, truth, 100);
        println!("anchoring effect on {name}: {} of 100 runs", found.held);
        assert!(found.held >= 95, "{name}: {} of 100", found.held);
    }
}

/// At full size: `cargo test --test agreement -- --ignored --nocapture`.
#[test]
#[ignore = "minutes; the fast form above runs always"]
fn the_anchoring_effect_is_recovered_at_full_size() {
    let [percent, kappa] = true_effects(100_000);
    for (name, of, truth) in [("percent", PERCENT, percent), ("kappa", KAPPA, kappa)] {
        let [found, before] = recovered(of, truth, 2000);
        println!("anchoring effect on {name}, 2000 runs: {found}; percentile {before}");
    }
}

fn precode(args: &[&str]) -> (String, String, Option<i32>) {
    let done = Command::new(env!("CARGO_BIN_EXE_precode")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(done.stdout), text(done.stderr), done.status.code())
}

/// A study on disk with two coders' label files.
fn study() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = made::make(made::Plan::default());
    made.write(folder.path());
    std::fs::write(folder.path().join("ana.jsonl"), made.labels("ana", 0.05, 1)).unwrap();
    std::fs::write(folder.path().join("ben.jsonl"), made.labels("ben", 0.10, 2)).unwrap();
    std::fs::write(folder.path().join("again.jsonl"), made.labels("ana", 0.05, 3)).unwrap();
    folder
}

fn agree(folder: &std::path::Path, more: &[&str]) -> (String, String, Option<i32>) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (study, ana, ben) = (path(""), path("ana.jsonl"), path("ben.jsonl"));
    let mut args = vec!["agree", &study, "--labels", &ana, "--labels", &ben, "--resamples", "200"];
    args.extend(more);
    precode(&args)
}

#[test]
fn the_command_compares_people_and_the_machine() {
    let folder = study();
    let (out, err, code) = agree(folder.path(), &["--reference", "ana", "--format", "json"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let panels = report["sections"][0]["panels"].as_array().unwrap();
    let pairs: std::collections::BTreeSet<String> = panels.iter().map(|p| p["coders"].to_string()).collect();
    let want = ["[\"ana\",\"ben\"]", "[\"ana\",\"machine\"]", "[\"ben\",\"machine\"]"];
    assert_eq!(pairs, want.map(str::to_string).into());
    // Three codes, one facet with two of them, everything.
    assert_eq!(panels.len(), 3 * 5);
    let kappa = &panels[0]["figures"][3];
    assert_eq!(kappa["statistic"], "cohen_kappa");
    assert!(kappa["bca"]["low"].as_f64() < kappa["value"].as_f64());
    assert_eq!(agree(folder.path(), &["--reference", "ana", "--format", "json"]).0, out);
}

#[test]
fn every_format_says_the_same_kappa() {
    let folder = study();
    for format in ["table", "csv", "markdown"] {
        let (out, _, code) = agree(folder.path(), &["--format", format, "--plan", "0.2"]);
        assert_eq!(code, Some(0), "{format}");
        assert!(out.contains("role.c0"), "{format}: {out}");
    }
    let (markdown, ..) = agree(folder.path(), &["--format", "markdown"]);
    assert!(markdown.contains("| Cohen's kappa |") && markdown.contains("Cohen 1960"), "{markdown}");
}

#[test]
fn the_same_coder_twice_is_compared_with_themself() {
    let folder = study();
    let again = folder.path().join("again.jsonl");
    let (out, ..) = agree(folder.path(), &["--labels", again.to_str().unwrap(), "--people-only"]);
    assert!(out.contains("The same coder twice") && out.contains("ana × ana (2)"), "{out}");
}

/// With 90 % of the answers held out, no figure against the machine uses one that was seen, whatever the draw.
#[test]
fn a_holdout_is_honoured() {
    use precode::store::{layout::Study, seen};
    let made = made::make(made::Plan { interviews: 4, answers: 10, ..Default::default() });
    let answers: Vec<(String, usize)> =
        made.turns.iter().filter(|t| t.turn % 2 == 1).map(|t| (t.transcript.clone(), t.turn)).collect();
    for seed in 0..200 {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path());
        let mut shuffled = answers.clone();
        Random::new(seed).shuffle(&mut shuffled);
        let (shown, held_out) = shuffled.split_at(answers.len() / 10);
        let line = |(transcript, turn): &(String, usize)| seen::Seen {
            transcript: transcript.clone(),
            turn: *turn,
            codebook: "earlier".to_string(),
            by: "kwic".to_string(),
            coder: None,
        };
        seen::append(&study, shown.iter().map(line)).unwrap();
        let leaked = seen::leaked(&seen::read(&study).unwrap(), "c0de");
        assert_eq!(leaked.len(), shown.len());
        assert!(held_out.iter().all(|unit| !leaked.contains(unit)));
    }
}

#[test]
fn a_validation_on_seen_answers_is_refused() {
    use precode::store::{layout::Study, seen};
    let folder = study();
    let (all, ..) = agree(folder.path(), &["--format", "csv"]);
    let line = |turn: usize, i: usize| seen::Seen {
        transcript: format!("i{i:02}"),
        turn,
        codebook: "an earlier one".to_string(),
        by: "coverage".to_string(),
        coder: None,
    };
    let at = Study::at(folder.path());
    seen::append(&at, (0..6).map(|a| line(2 * a + 1, 0))).unwrap();
    let n = |csv: &str, coders: &str| -> Option<String> {
        let row = csv.lines().find(|l| l.contains(coders) && l.contains("role.c0"))?;
        row.split(',').nth(5).map(str::to_string)
    };
    let (some, ..) = agree(folder.path(), &["--format", "csv"]);
    assert_eq!((n(&all, "ana × machine"), n(&some, "ana × machine")), (Some("140".into()), Some("134".into())));
    assert_eq!(n(&some, "ana × ben"), Some("140".into()));
    seen::append(&at, (0..14).flat_map(|i| (0..10).map(move |a| line(2 * a + 1, i)))).unwrap();
    let (none, _, code) = agree(folder.path(), &["--format", "csv"]);
    assert_eq!((n(&none, "ana × machine"), code), (None, Some(3)));
    let (table, ..) = agree(folder.path(), &[]);
    assert!(table.contains("refused: every unit was seen"), "{table}");
}

#[test]
fn passages_are_compared_by_character() {
    let folder = tempfile::tempdir().unwrap();
    made::make(made::Plan { interviews: 3, ..Default::default() }).write(folder.path());
    let csv = folder.path().join("spans.csv");
    let mut text = String::from("coder,transcript,start,end,code\n");
    for i in 0..3 {
        text.push_str(&format!("ana,i{i:02},5,30,role.c0\nben,i{i:02},10,30,role.c0\n"));
        text.push_str(&format!("ana,i{i:02},100,140,barrier.c1\nben,i{i:02},90,150,barrier.c1\n"));
    }
    std::fs::write(&csv, text).unwrap();
    let path = |p: &std::path::Path| p.to_str().unwrap().to_string();
    let (study, csv) = (path(folder.path()), path(&csv));
    let args = ["agree", &study, "--labels", &csv, "--people-only", "--unit", "span", "--resamples", "200"];
    let (out, err, code) = precode(&args);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("characters of 3 interviews") && out.contains("cualpha"), "{out}");
    for unit in ["sentence", "segment"] {
        let (_, err, code) =
            precode(&["agree", &study, "--labels", &csv, "--people-only", "--unit", unit, "--resamples", "200"]);
        assert_eq!(code, Some(0), "{unit}: {err}");
    }
}

#[test]
fn whole_answers_cannot_be_compared_by_character() {
    let folder = study();
    let (_, err, code) = agree(folder.path(), &["--unit", "span"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("labels whole answers, so `--unit span` has nothing to compare"), "{err}");
}

mod journal {
    use super::*;
    use precode::store::journal::Journal;
    use precode::store::journal::append::{Ledger, Operation, SegmentRef, Step, What};
    use precode::store::journal::carry::segment_hash;
    use precode::store::journal::row::{Action, Shown, Verdict};

    /// Writes what a coder decides about every answer, blind or with proposals in sight.
    fn decide(folder: &std::path::Path, made: &made::Made, coder: &str, shown: Shown, wrong: f64, settle: bool) {
        let mut journal = Journal::open(&folder.join("study.sqlite")).unwrap();
        let mut random = Random::new(coder.len() as u64);
        let codes: Vec<&str> = made.codebook.codes.iter().map(|code| code.name.as_str()).collect();
        for turn in made.turns.iter().filter(|turn| turn.turn % 2 == 1) {
            let text = &made.texts[&turn.transcript];
            let segment = SegmentRef {
                transcript: turn.transcript.clone(),
                turn: turn.turn,
                start: turn.start,
                end: turn.end,
                hash: segment_hash(text, turn.start, turn.end),
                quote: text[turn.start..turn.end].to_string(),
            };
            let mut steps = Vec::new();
            for code in &codes {
                let truth = made.truth[&(turn.transcript.clone(), turn.turn, (*code).to_string())];
                let present = truth != random.chance(wrong);
                let action = if settle { Action::Settle } else { Action::Add };
                if settle || present {
                    let verdict = if present { Verdict::Present } else { Verdict::Absent };
                    steps.push(Step::new(segment.clone(), action, shown).on(*code, verdict));
                }
            }
            if !settle {
                steps.push(Step::new(segment, Action::Done, shown));
            }
            let id = format!("{coder}-{}-{}-{settle}", turn.transcript, turn.turn);
            let (coder, run) = (coder.to_string(), "0123456789abcdef".to_string());
            let request = id.clone();
            journal.append(&Operation { id, coder, run, request, expect: None, what: What::Steps(steps) }).unwrap();
        }
    }

    #[test]
    fn decisions_blind_assisted_and_settled_are_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let made = made::make(made::Plan { interviews: 6, answers: 5, ..Default::default() });
        made.write(folder.path());
        decide(folder.path(), &made, "ana", Shown::Blind, 0.15, false);
        decide(folder.path(), &made, "benno", Shown::Blind, 0.2, false);
        decide(folder.path(), &made, "ida", Shown::Suggestion, 0.1, false);
        let study = folder.path().to_str().unwrap();
        let run = || {
            let (out, err, code) = precode(&["agree", study, "--format", "json", "--resamples", "200"]);
            assert_eq!((code, err.as_str()), (Some(0), ""));
            serde_json::from_str::<serde_json::Value>(&out).unwrap()
        };
        let report = run();
        let pairs = |report: &serde_json::Value, stratum: &str| -> std::collections::BTreeSet<String> {
            let sections = report["sections"].as_array().unwrap().iter();
            let own =
                sections.filter(|s| s["stratum"] == stratum).flat_map(|s| s["panels"].as_array().unwrap().clone());
            own.map(|p| p["coders"].to_string()).collect()
        };
        let blind = ["[\"ana\",\"benno\"]", "[\"ana\",\"machine\"]", "[\"benno\",\"machine\"]"];
        assert_eq!(pairs(&report, "blind"), blind.map(str::to_string).into());
        assert_eq!(pairs(&report, "assisted"), ["[\"ida\",\"machine\"]".to_string()].into());
        assert!(pairs(&report, "before").is_empty());
        // Every answer was judged for every code, so every code that was not given is a no.
        let n = &report["sections"][0]["panels"][0]["n"];
        assert_eq!(n, 30);
        decide(folder.path(), &made, "ana", Shown::Suggestion, 0.0, true);
        let report = run();
        let kappa = |stratum: &str| {
            let sections = report["sections"].as_array().unwrap();
            let section = sections.iter().find(|s| s["stratum"] == stratum).unwrap();
            section["panels"][0]["figures"][0]["value"].as_f64().unwrap()
        };
        assert!(kappa("before") < 1.0);
        assert_eq!(kappa("after"), 1.0);
    }
}
