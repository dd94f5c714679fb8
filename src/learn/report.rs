//! From a study's rows and judgements to a fitted confidence and the report on it.
//!
//! Comes in: rows, examples. Goes out: [`Outcome`]. Never happens here: files, printing.

use super::curve::{Point, curve};
use super::diagram;
use super::example::Examples;
use super::features::{Line, Table, lines, of_rows};
use super::measure::{BINS, Bin, Forecast, Gain, bins, gains, kappa, log_loss};
use super::model::{MODEL_SCHEMA, Model, OfCode, decisions_by_code, predict, weigh};
use super::rules::{Proposal, RuleReport, rules};
use super::validate::{forecasts, freedom, held_out};
use crate::agreement::bootstrap::Bootstrap;
use crate::coding::Coding;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Fewer decisions than this fit nothing.
pub const FEWEST: usize = 30;

/// A code needs so many held-out decisions before the learned confidence may replace another.
const FEWEST_OF_CODE: usize = 5;

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
    /// All codes, the learned confidence where it was adopted.
    pub adopted: Vec<Gain>,
    /// By code.
    pub codes: Vec<OfCodeReport>,
    /// Bins of the reliability diagram before.
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
}

/// What is fitted, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Word stems as features.
    pub stems: bool,
    /// Seed of groups and orders.
    pub seed: u64,
    /// Intervals.
    pub bootstrap: Bootstrap,
}

/// Fits and measures.
pub fn learn(codings: &[Coding], examples: &Examples, codebook: &str, settings: &Settings) -> Outcome {
    let lines = lines(codings);
    let table = of_rows(codings, &lines, settings.stems);
    let shown: Vec<f64> = examples.rows.iter().map(|e| codings[e.row].confidence).collect();
    let mut report = empty(examples, codings);
    report.bins_before = bins(&forecasts(examples, &shown, |_| true));
    if let Some(nothing) = too_few(examples) {
        report.nothing = Some(nothing);
        report.bins_after = report.bins_before;
        let held_out = shown.iter().map(|p| (*p, *p)).collect();
        return Outcome { model: None, report, held_out };
    }
    let after = held_out(&table, examples, settings.seed);
    report.everywhere =
        gains(&forecasts(examples, &shown, |_| true), &forecasts(examples, &after, |_| true), &settings.bootstrap);
    report.codes = by_code(examples, &shown, &after, &settings.bootstrap);
    refuse_all_if_worse(&mut report);
    let adopted: BTreeMap<&str, bool> = report.codes.iter().map(|c| (c.code.as_str(), c.adopted)).collect();
    let used = |(i, p): (usize, &f64)| {
        if adopted.get(examples.rows[i].code.as_str()) == Some(&true) { after[i] } else { *p }
    };
    let used: Vec<f64> = shown.iter().enumerate().map(used).collect();
    let (was, is) = (forecasts(examples, &shown, |_| true), forecasts(examples, &used, |_| true));
    report.bins_after = bins(&is);
    report.adopted = gains(&was, &is, &settings.bootstrap);
    report.curve = curve(&table, examples, &was, settings.seed);
    let model = model(&table, examples, &lines, &report, codebook, settings);
    let held_out = shown.into_iter().zip(after).collect();
    Outcome { model: Some(model), report, held_out }
}

fn empty(examples: &Examples, codings: &[Coding]) -> Report {
    Report {
        decisions: examples.rows.len(),
        measured: examples.rows.iter().filter(|e| e.measures).count(),
        interviews: examples.interviews.len(),
        nothing: None,
        everywhere: Vec::new(),
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
            gains: gains(&was, &is, bootstrap),
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
    table: &Table,
    examples: &Examples,
    lines: &BTreeMap<String, Line>,
    report: &Report,
    codebook: &str,
    settings: &Settings,
) -> Model {
    let training: Vec<_> = examples.rows.iter().collect();
    let freedom = freedom(table, &training, settings.seed);
    let counts = decisions_by_code(&examples.rows);
    let adopted = |code: &str| report.codes.iter().any(|c| c.code == code && c.adopted);
    // The empty name stands for codes without a line of their own.
    let of = |(code, line): (&String, &Line)| {
        let decisions = counts.get(code).copied().unwrap_or(0);
        (code.clone(), OfCode { adopted: adopted(code), decisions, replaced: *line })
    };
    // Six decimals: readable, and far below what decisions can tell apart.
    let rounded = weigh(table, &training, freedom).into_iter().map(|w| (w * 1e6).round() / 1e6);
    let weights = table.names.iter().cloned().zip(rounded).filter(|(_, w)| *w != 0.0).collect();
    Model {
        schema: MODEL_SCHEMA.to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        codebook: codebook.to_string(),
        decisions: examples.rows.len(),
        interviews: examples.interviews.len(),
        freedom,
        stems: settings.stems,
        codes: lines.iter().map(of).collect(),
        weights,
    }
}

/// A model from elsewhere, measured on this study's decisions: it has seen none of them.
pub fn carried(model: &Model, codings: &[Coding], examples: &Examples, bootstrap: &Bootstrap) -> Vec<Gain> {
    let lines: BTreeMap<String, Line> = model.codes.iter().map(|(code, of)| (code.clone(), of.replaced)).collect();
    let table = of_rows(codings, &lines, model.stems);
    let weights = model.weights_for(&table);
    let adopted = |code: &str| model.codes.get(code).is_some_and(|of| of.adopted);
    let (mut was, mut is) = (Vec::new(), Vec::new());
    for example in &examples.rows {
        let before = codings[example.row].confidence;
        was.push(before);
        is.push(if adopted(&example.code) { predict(&table.rows[example.row], &weights) } else { before });
    }
    gains(&forecasts(examples, &was, |_| true), &forecasts(examples, &is, |_| true), bootstrap)
}

/// Pictures by file name.
pub fn pictures(report: &Report) -> Vec<(&'static str, String)> {
    let title = "Held-out interviews, all codes";
    let series: [(&str, &str, &[Bin]); 2] =
        [("before", "#b45f06", &report.bins_before), ("learned", "#0b5394", &report.bins_after)];
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
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_string(), |v| format!("{v:.3}"));
    for gain in gains {
        let change = match gain.change.map(|c| (c.value, c.bca.or(c.percentile))) {
            Some((value, Some(i))) => format!("{value:+.3} [{:+.3}, {:+.3}]", i.low, i.high),
            Some((value, None)) => format!("{value:+.3} [-]"),
            None => "-".to_string(),
        };
        let (before, after) = (number(gain.before), number(gain.after));
        let _ = writeln!(out, "  {:<10}{before:>8}{after:>9}   {change}", gain.measure);
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
            let number = |value: Option<f64>| value.map_or_else(|| "-".to_string(), |v| format!("{v:.3}"));
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
    let _ = writeln!(out, "\nLearning curve, held-out interviews, learned for every code");
    let _ = writeln!(out, "  {:>9}{:>8}{:>10}", "decisions", "kappa", "log loss");
    if let Some(point) = curve.first() {
        let _ = writeln!(out, "  {:>9}{:>8.3}{:>10.3}", "before", point.kappa_before, point.log_loss_before);
    }
    for point in curve {
        let _ = writeln!(out, "  {:>9}{:>8.3}{:>10.3}", point.decisions, point.kappa, point.log_loss);
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
