//! From a study's rows and judgements to a fitted confidence and the report on it.
//!
//! Comes in: rows, examples. Goes out: [`Outcome`]. Never happens here: files, printing.

use super::curve::{Point, Trace, curve, traces};
use super::diagram;
use super::example::Examples;
use super::features::{Scale, Table, of_rows};
use super::measure::{BINS, Bin, Forecast, Gain, even_bins, gains, kappa, log_loss};
use super::model::{LADDER, MODEL_SCHEMA, Model, OfCode, blend, decisions_by_code};
use super::rivals::{Rivals, held_down};
use super::rules::{Proposal, RuleReport, rules};
use super::validate::{Problem, forecasts, held_out};
use crate::agreement::bootstrap::Bootstrap;
use crate::coding::Coding;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Fewer decisions than this fit nothing.
pub const FEWEST: usize = 30;

/// A code needs so many held-out decisions before the learned confidence may replace another.
const FEWEST_OF_CODE: usize = 5;

/// Codes that so many answers have are common: their figures are told apart, as rare ones say little each.
pub const COMMON: usize = 10;

/// What learning did for one code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfCodeReport {
    /// The code.
    pub code: String,
    /// Decisions on its rows that measure.
    pub decisions: usize,
    /// Answers that have it, rows or not.
    pub positives: usize,
    /// True when the learned confidence is used for it.
    pub adopted: bool,
    /// Measures before and after, on held-out interviews.
    pub gains: Vec<Gain>,
}

/// What learning did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Decisions on rows.
    pub decisions: usize,
    /// Of these, made without proposals in sight, on answers not seen under an earlier codebook.
    pub measured: usize,
    /// Interviews.
    pub interviews: usize,
    /// Why nothing was fitted or adopted, if so.
    pub nothing: Option<String>,
    /// All codes, the learned confidence everywhere.
    pub everywhere: Vec<Gain>,
    /// The same for the codes that [`COMMON`] answers or more have; empty when these are all, or none.
    pub common: Vec<Gain>,
    /// All codes, the learned confidence where it was adopted.
    pub adopted: Vec<Gain>,
    /// By code.
    pub codes: Vec<OfCodeReport>,
    /// Bins of equal number of the reliability diagram before.
    pub bins_before: [Bin; BINS],
    /// And after, as adopted.
    pub bins_after: [Bin; BINS],
    /// The learning curve.
    pub curve: Vec<Point>,
    /// What each rule is worth.
    pub rules: Vec<RuleReport>,
}

/// A fitted confidence, the report on it, and the held-out confidences that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// None when there were too few decisions.
    pub model: Option<Model>,
    /// What was gained.
    pub report: Report,
    /// Of each example: the confidence before, and the learned one held out.
    pub held_out: Vec<(f64, f64)>,
    /// Of each example: the group of interviews that it was held out with.
    pub fold: Vec<usize>,
    /// What the learning curve rests on.
    pub traces: Vec<Trace>,
}

/// What is fitted, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Word stems as features.
    pub stems: bool,
    /// Random orders of decisions that the learning curve is averaged over; 0: no curve.
    pub orders: u64,
    /// Seed of groups and orders.
    pub seed: u64,
    /// Intervals.
    pub bootstrap: Bootstrap,
}

/// What learning must know of the codebook and of how the study was coded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// Digest of the codebook.
    pub digest: String,
    /// Facets of which an answer has one code at most.
    pub exclusive: BTreeSet<String>,
    /// Whether answers were judged as one piece.
    pub whole: bool,
}

/// Fits and measures.
pub fn learn(codings: &[Coding], examples: &Examples, book: &Book, settings: &Settings) -> Outcome {
    let shown: Vec<f64> = examples.rows.iter().map(|e| codings[e.row].confidence).collect();
    let was = forecasts(examples, &shown, |_| true);
    let mut report = empty(examples, codings);
    report.bins_before = even_bins(&was);
    if let Some(nothing) = too_few(examples) {
        report.nothing = Some(nothing);
        report.bins_after = report.bins_before;
        let held_out = shown.iter().map(|p| (*p, *p)).collect();
        return Outcome { model: None, report, held_out, fold: vec![0; shown.len()], traces: Vec::new() };
    }
    let scale = Scale::of(codings);
    let table = of_rows(codings, scale, settings.stems);
    let rivals = Rivals::of(codings, &book.exclusive, book.whole);
    let problem = Problem { table: &table, rivals: &rivals, examples, seed: settings.seed };
    let after = held_out(&problem);
    measure(&mut report, examples, &shown, &after, &settings.bootstrap);
    let traces = traces(&problem, settings.orders);
    report.curve = curve(&problem, &traces, &was, &settings.bootstrap);
    let model = model(&problem, codings, scale, &report, book, settings);
    let held_out = shown.into_iter().zip(after).collect();
    Outcome { model: Some(model), report, held_out, fold: problem.folds().0, traces }
}

/// Fills in what was gained, and for which codes it is used.
fn measure(report: &mut Report, examples: &Examples, shown: &[f64], after: &[f64], bootstrap: &Bootstrap) {
    let was = forecasts(examples, shown, |_| true);
    report.everywhere = gains(&was, &[forecasts(examples, after, |_| true)], bootstrap);
    report.codes = by_code(examples, shown, after, bootstrap);
    report.common = common(report, examples, shown, after, bootstrap);
    refuse_all_if_worse(report);
    let adopted: BTreeSet<&str> = report.codes.iter().filter(|c| c.adopted).map(|c| c.code.as_str()).collect();
    let used = |(i, p): (usize, &f64)| if adopted.contains(examples.rows[i].code.as_str()) { after[i] } else { *p };
    let used: Vec<f64> = shown.iter().enumerate().map(used).collect();
    let is = forecasts(examples, &used, |_| true);
    report.bins_after = even_bins(&is);
    report.adopted = gains(&was, &[is], bootstrap);
}

/// The gains over the codes that enough answers have.
fn common(report: &Report, examples: &Examples, shown: &[f64], after: &[f64], bootstrap: &Bootstrap) -> Vec<Gain> {
    let common: BTreeSet<&str> =
        report.codes.iter().filter(|c| c.positives >= COMMON).map(|c| c.code.as_str()).collect();
    if common.is_empty() || common.len() == report.codes.len() {
        return Vec::new();
    }
    let of = |confidences: &[f64]| forecasts(examples, confidences, |code| common.contains(code));
    gains(&of(shown), &[of(after)], bootstrap)
}

fn empty(examples: &Examples, codings: &[Coding]) -> Report {
    Report {
        decisions: examples.rows.len(),
        measured: examples.rows.iter().filter(|e| e.measures).count(),
        interviews: examples.interviews.len(),
        nothing: None,
        everywhere: Vec::new(),
        common: Vec::new(),
        adopted: Vec::new(),
        codes: Vec::new(),
        bins_before: [Bin::default(); BINS],
        bins_after: [Bin::default(); BINS],
        curve: Vec::new(),
        rules: rules(codings, &examples.rows),
    }
}

fn too_few(examples: &Examples) -> Option<String> {
    let n = examples.rows.len();
    let interviews = examples.rows.iter().map(|e| e.interview).collect::<std::collections::BTreeSet<_>>().len();
    if n < FEWEST {
        return Some(format!("{n} decisions; at least {FEWEST} are needed, so confidences stay as they are"));
    }
    if interviews < 3 {
        let few =
            "decisions lie in fewer than 3 interviews, so nothing can be held out; confidences stay as they are";
        return Some(few.to_string());
    }
    let unmeasured = !examples.rows.iter().any(|e| e.measures);
    let blind = "no decision was made blind, so nothing can be measured; confidences stay as they are";
    unmeasured.then(|| blind.to_string())
}

/// Each code with its gains; adopted where log loss is lower and kappa not lower.
fn by_code(examples: &Examples, before: &[f64], after: &[f64], bootstrap: &Bootstrap) -> Vec<OfCodeReport> {
    let one = |code: String| {
        let of = |confidences: &[f64]| forecasts(examples, confidences, |c| c == code);
        let (was, is) = (of(before), of(after));
        OfCodeReport {
            decisions: was.iter().filter(|f| f.confidence.is_some()).count(),
            positives: was.iter().filter(|f| f.holds).count(),
            adopted: is_better(&was, &is),
            gains: gains(&was, &[is], bootstrap),
            code,
        }
    };
    decisions_by_code(&examples.rows).into_keys().map(one).collect()
}

fn is_better(was: &[Forecast], is: &[Forecast]) -> bool {
    let enough = was.iter().filter(|f| f.confidence.is_some()).count() >= FEWEST_OF_CODE;
    let lower_loss = matches!((log_loss(was), log_loss(is)), (Ok(was), Ok(is)) if is < was);
    let no_lower_kappa = match (kappa(was), kappa(is)) {
        (Ok(was), Ok(is)) => is >= was,
        (was, _) => was.is_err(),
    };
    enough && lower_loss && no_lower_kappa
}

/// One lucky code among many is no gain: all codes together must be better too.
fn refuse_all_if_worse(report: &mut Report) {
    let worse = report.everywhere.iter().find(|gain| gain.measure == "log_loss");
    if worse.is_none_or(|gain| gain.after >= gain.before) {
        report.codes.iter_mut().for_each(|code| code.adopted = false);
        let what = "the learned confidence is not better than the present one on held-out interviews; it is not used";
        report.nothing = Some(what.to_string());
    } else if !report.codes.iter().any(|code| code.adopted) {
        report.nothing = Some("no single code is better in both log loss and kappa; nothing is used".to_string());
    }
}

fn model(
    problem: &Problem,
    codings: &[Coding],
    scale: Scale,
    report: &Report,
    book: &Book,
    settings: &Settings,
) -> Model {
    let training: Vec<_> = problem.examples.rows.iter().collect();
    let blend = blend(problem.table, &training, settings.seed);
    let counts = decisions_by_code(&problem.examples.rows);
    let adopted = |code: &str| report.codes.iter().any(|c| c.code == code && c.adopted);
    let codes: BTreeSet<&str> = codings.iter().map(|row| row.code.as_str()).collect();
    let of = |code: &str| {
        let decisions = counts.get(code).copied().unwrap_or(0);
        (code.to_string(), OfCode { adopted: adopted(code), decisions })
    };
    let shares = LADDER.iter().zip(blend.shares).map(|(rung, share)| (rung.name.to_string(), rounded(share)));
    Model {
        schema: MODEL_SCHEMA.to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        codebook: book.digest.clone(),
        decisions: problem.examples.rows.len(),
        interviews: problem.examples.interviews.len(),
        scale,
        stems: settings.stems,
        exclusive: book.exclusive.clone(),
        blend: shares.collect(),
        codes: codes.into_iter().map(of).collect(),
        weights: weights(problem.table, &blend.weights),
    }
}

/// Weights that are not 0, by name.
fn weights(table: &Table, weights: &[f64]) -> BTreeMap<String, f64> {
    let named = table.names.iter().cloned().zip(weights.iter().map(|w| rounded(*w)));
    named.filter(|(_, weight)| *weight != 0.0).collect()
}

/// Six decimals: readable, and far below what decisions can tell apart.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// A model from elsewhere, measured on this study's decisions: it has seen none of them.
pub fn carried(
    model: &Model,
    codings: &[Coding],
    examples: &Examples,
    whole: bool,
    bootstrap: &Bootstrap,
) -> Vec<Gain> {
    let confidences = model.confidences(codings);
    let rivals = Rivals::of(codings, &model.exclusive, whole);
    let left = |row: usize| held_down(confidences[row], rivals.of_row(row).iter().map(|&i| confidences[i])).0;
    let was: Vec<f64> = examples.rows.iter().map(|e| codings[e.row].confidence).collect();
    let is: Vec<f64> = examples.rows.iter().map(|e| left(e.row)).collect();
    gains(&forecasts(examples, &was, |_| true), &[forecasts(examples, &is, |_| true)], bootstrap)
}

/// Pictures by file name.
pub fn pictures(report: &Report) -> Vec<(&'static str, String)> {
    let title = "Held-out interviews, all codes";
    let series: [(&str, &str, &[Bin]); 2] =
        [("before", diagram::BEFORE, &report.bins_before), ("learned", diagram::LEARNED, &report.bins_after)];
    let mut pictures = vec![("reliability.svg", diagram::reliability(title, &series))];
    if report.curve.len() > 1 {
        pictures.push(("curve.svg", diagram::learning_curve(&report.curve)));
    }
    pictures
}

/// For people.
pub fn render(report: &Report) -> String {
    let mut out = format!(
        "{} decisions on rows of {} interviews; {} of them were made blind and measure\n",
        report.decisions, report.interviews, report.measured
    );
    if let Some(nothing) = &report.nothing {
        let _ = writeln!(out, "{nothing}");
    }
    if !report.everywhere.is_empty() {
        gain_lines(&mut out, "Held-out interviews, learned confidence for every code", &report.everywhere);
        if !report.common.is_empty() {
            let codes = report.codes.iter().filter(|code| code.positives >= COMMON).count();
            let title = format!("The same, for the {codes} codes that {COMMON} answers or more have");
            gain_lines(&mut out, &title, &report.common);
        }
        gain_lines(&mut out, "As adopted (codes chosen on the same interviews: a little too good)", &report.adopted);
        code_lines(&mut out, &report.codes);
        curve_lines(&mut out, &report.curve);
    }
    rule_lines(&mut out, &report.rules);
    out
}

/// Before, after and change of every measure.
pub fn gain_lines(out: &mut String, title: &str, gains: &[Gain]) {
    let _ = writeln!(out, "\n{title}\n  {:<10}{:>8}{:>9}   change [95 %]", "measure", "before", "learned");
    for gain in gains {
        let (before, after) = (number(gain.before), number(gain.after));
        let _ = writeln!(out, "  {:<10}{before:>8}{after:>9}   {}", gain.measure, change(gain));
    }
}

fn code_lines(out: &mut String, codes: &[OfCodeReport]) {
    let _ = writeln!(
        out,
        "\n  {:<28}{:>5}{:>5}  {:^15}  {:^15}  {:^15}  used",
        "code", "rows", "yes", "log loss", "kappa", "F1"
    );
    for code in codes {
        let pair = |name: &str| {
            let gain = code.gains.iter().find(|gain| gain.measure == name);
            let (before, after) = gain.map_or((None, None), |gain| (gain.before, gain.after));
            format!("{:>6} → {:<6}", number(before), number(after))
        };
        let used = if code.adopted { "learned" } else { "as before" };
        let _ = writeln!(
            out,
            "  {:<28}{:>5}{:>5}  {}  {}  {}  {used}",
            code.code,
            code.decisions,
            code.positives,
            pair("log_loss"),
            pair("kappa"),
            pair("f1")
        );
    }
}

fn curve_lines(out: &mut String, curve: &[Point]) {
    if curve.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nLearning curve, held-out interviews, learned for every code; change [95 %]");
    for pair in [["log_loss", "kappa"], ["brier", "f1"], ["ece", ""]] {
        let shown: Vec<&str> = pair.into_iter().filter(|name| !name.is_empty()).collect();
        let head: String = shown.iter().map(|name| format!("  {name:>8}  {:<24}", "")).collect();
        let _ = writeln!(out, "  {:>9}{:>9}{}", "decisions", "answers", head.trim_end());
        if let Some(point) = curve.first() {
            let cell = |name: &&str| format!("  {:>8}  {:<24}", number(point.of(name).0), "");
            let _ =
                writeln!(out, "  {:>9}{:>9}{}", "before", "", shown.iter().map(cell).collect::<String>().trim_end());
        }
        for point in curve {
            let cell = |name: &&str| match point.gain(name) {
                Some(gain) => format!("  {:>8}  {:<24}", number(gain.after), change(gain)),
                None => String::new(),
            };
            let cells: String = shown.iter().map(cell).collect();
            let _ = writeln!(out, "  {:>9}{:>9.0}{}", point.decisions, point.answers, cells.trim_end());
        }
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_string(), |v| format!("{v:.3}"))
}

/// The change with its interval.
fn change(gain: &Gain) -> String {
    match gain.change.map(|c| (c.value, c.interval)) {
        Some((value, Some(i))) => format!("{value:+.3} [{:+.3}, {:+.3}]", i.low, i.high),
        Some((value, None)) => format!("{value:+.3} [-]"),
        None => "-".to_string(),
    }
}

fn rule_lines(out: &mut String, rules: &[RuleReport]) {
    let proposed: Vec<&RuleReport> = rules.iter().filter(|rule| rule.proposal.is_some()).collect();
    let _ = writeln!(out, "\n{} rules were judged; proposals for {}", rules.len(), proposed.len());
    for rule in proposed {
        let what = match &rule.proposal {
            Some(Proposal::Drop) => "drop".to_string(),
            Some(Proposal::Weaken) => "weaken".to_string(),
            Some(Proposal::Narrow { except, right, judged }) => {
                format!("narrow: not where \"{except}\" (right in {right} of {judged} there)")
            }
            None => continue,
        };
        let _ = writeln!(
            out,
            "  {what}: {} ({}), right in {} of {} [{:.2}, {:.2}]",
            rule.rule, rule.code, rule.right, rule.judged, rule.interval.low, rule.interval.high
        );
        rule.wrong.iter().for_each(|quote| {
            let _ = writeln!(out, "      {quote}");
        });
    }
}
