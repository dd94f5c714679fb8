//! The report of `precode agree` as a table, CSV, JSON and Markdown.
//!
//! Comes in: a [`Report`]. Goes out: text. Never happens here: a computation, printing.

use super::bootstrap::Estimate;
use super::distribution::Interval;
use super::measure::{Anchored, Planned, Report, Section};
use super::panel::{Figure, Panel};
use super::statistic::{ALL, Statistic};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The figures that a table for people has room for; all others are in CSV and JSON.
const SHOWN: [(Statistic, &str); 14] = [
    (Statistic::Percent, "agree"),
    (Statistic::Positive, "pos"),
    (Statistic::CohenKappa, "kappa"),
    (Statistic::PooledKappa, "pooled"),
    (Statistic::MeanKappa, "mean"),
    (Statistic::FleissKappa, "fleiss"),
    (Statistic::Alpha, "alpha"),
    (Statistic::Ac1, "AC1"),
    (Statistic::Rho, "rho"),
    (Statistic::Precision, "prec"),
    (Statistic::Recall, "recall"),
    (Statistic::AlphaU, "alphaU"),
    (Statistic::UAlpha, "ualpha"),
    (Statistic::CuAlpha, "cualpha"),
];

fn number(value: f64) -> String {
    format!("{value:.3}")
}

/// A value without its interval; what has none is a dash.
fn short(panel: &Panel, statistic: Statistic) -> String {
    panel.value(statistic).map_or_else(|| "-".to_string(), |estimate| number(estimate.value))
}

fn with_interval(estimate: Option<Estimate>) -> String {
    let Some(estimate) = estimate else { return "-".to_string() };
    match estimate.interval {
        Some(bounds) => format!("{:.3} [{:.2}, {:.2}]", estimate.value, bounds.low, bounds.high),
        None => format!("{:.3} [-]", estimate.value),
    }
}

/// Rows of cells, as wide as their widest; the first column to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cell = |(c, cell): (usize, &String)| {
            let pad = " ".repeat(widths[c] - cell.chars().count());
            if c == 0 { format!("{cell}{pad}") } else { format!("{pad}{cell}") }
        };
        let line: Vec<String> = row.iter().enumerate().map(cell).collect();
        let _ = writeln!(out, "  {}", line.join("  ").trim_end());
    }
    out
}

/// The panels of one section that compare the same coders stand together.
fn groups(section: &Section) -> Vec<Vec<&Panel>> {
    let mut groups: Vec<Vec<&Panel>> = Vec::new();
    for panel in &section.panels {
        match groups.last_mut() {
            Some(group) if group[0].coders == panel.coders => group.push(panel),
            _ => groups.push(vec![panel]),
        }
    }
    groups
}

/// Head and rows of one table: those columns that any of its panels has.
fn cells(group: &[&Panel]) -> Vec<Vec<String>> {
    let has = |statistic| group.iter().any(|p| p.figures.iter().any(|f| f.statistic == statistic));
    let shown: Vec<_> = SHOWN.iter().filter(|(statistic, _)| has(*statistic)).collect();
    let counted = group.iter().any(|panel| panel.counts.is_some());
    let mut head: Vec<String> = ["code", "n", "base %"].map(str::to_string).to_vec();
    if counted {
        head.push("both/1st/2nd/none".to_string());
    }
    head.extend(shown.iter().map(|(_, name)| (*name).to_string()));
    let mut rows = vec![head];
    for panel in group {
        let base = panel.base_rate.map_or_else(|| "-".to_string(), |rate| format!("{:.1}", 100.0 * rate));
        let mut row = vec![panel.scope.label(), panel.n.to_string(), base];
        if counted {
            let slashed =
                |t: super::pair::Table| format!("{}/{}/{}/{}", t.both, t.first_only, t.second_only, t.neither);
            row.push(panel.counts.map_or_else(String::new, slashed));
        }
        let wide = [Statistic::CohenKappa, Statistic::FleissKappa, Statistic::PooledKappa, Statistic::UAlpha];
        row.extend(shown.iter().map(|(statistic, _)| match wide.contains(statistic) {
            true => with_interval(panel.value(*statistic)),
            false => short(panel, *statistic),
        }));
        rows.push(row);
    }
    rows
}

fn heading(report: &Report, panel: &Panel) -> String {
    let interviews = if panel.interviews == 1 { "interview" } else { "interviews" };
    format!("{}: {} of {} {interviews}", panel.coders.join(" × "), report.unit.plural(), panel.interviews)
}

/// For people: one table for each pair or group of coders, then what should be said about it.
pub fn table(report: &Report) -> String {
    let mut out = String::new();
    for section in &report.sections {
        let _ = writeln!(out, "{}\n", section.title);
        for group in groups(section) {
            let _ = writeln!(out, "{}", heading(report, group[0]));
            out.push_str(&aligned(&cells(&group)));
            group.iter().for_each(|panel| sentence(&mut out, panel));
            out.push('\n');
        }
    }
    anchoring_lines(&mut out, &report.anchoring);
    if !report.plan.is_empty() {
        let _ = writeln!(out, "Units to be coded by two people");
        out.push_str(&aligned(&plan_cells(&report.plan)));
        out.push('\n');
    }
    out.push_str(&notes(report));
    out
}

fn sentence(out: &mut String, panel: &Panel) {
    if let Some(sentence) = &panel.sentence {
        let _ = writeln!(out, "  {}: {sentence}", panel.scope.label());
    }
}

fn anchoring_lines(out: &mut String, anchoring: &[Anchored]) {
    if anchoring.is_empty() {
        return;
    }
    let _ = writeln!(out, "Anchoring: what showing the proposals does to agreement (assisted - blind)");
    let head = ["scope", "coders", "figure", "blind", "assisted", "effect [95 %]"].map(str::to_string).to_vec();
    let mut rows = vec![head];
    for line in anchoring {
        let name = line.statistic.described().name;
        rows.push(vec![
            line.scope.label(),
            line.coders.join(" × "),
            name.to_string(),
            number(line.effect.blind),
            number(line.effect.assisted),
            with_interval(Some(line.effect.effect)),
        ]);
    }
    out.push_str(&aligned(&rows));
    out.push('\n');
}

fn plan_cells(plan: &[Planned]) -> Vec<Vec<String>> {
    let head = ["code", "base %", "design effect", "have", "need", "cases among them"].map(str::to_string).to_vec();
    let row = |line: &Planned| {
        vec![
            line.code.clone(),
            format!("{:.1}", 100.0 * line.base_rate),
            format!("{:.1}", line.design_effect),
            line.have.to_string(),
            line.need.to_string(),
            format!("{:.0}", line.cases),
        ]
    };
    std::iter::once(head).chain(plan.iter().map(row)).collect()
}

fn notes(report: &Report) -> String {
    let mut out = String::new();
    if let Some(refused) = &report.refused {
        let _ = writeln!(out, "refused: {refused}");
    } else if report.seen_left_out > 0 {
        let _ = writeln!(
            out,
            "{} answers were seen while an earlier version of the codebook was in use; they are left out of the \
             figures against the machine",
            report.seen_left_out
        );
    }
    out.push_str(
        "Intervals: 95 %, over whole interviews; each takes in the percentile, the BCa and the jackknife interval. \
         [-]: too few interviews hold the code, or no disagreement to resample. -: no value; CSV and JSON say why.\n",
    );
    out
}

/// One line a figure, for programs.
pub fn csv(report: &Report) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "stratum",
        "scope",
        "name",
        "coders",
        "unit",
        "n",
        "interviews",
        "base_rate",
        "both",
        "first_only",
        "second_only",
        "neither",
        "statistic",
        "value",
        "low",
        "high",
        "percentile_low",
        "percentile_high",
        "bca_low",
        "bca_high",
        "undefined",
        "sentence",
    ])?;
    for section in &report.sections {
        for panel in &section.panels {
            for figure in &panel.figures {
                writer.write_record(csv_line(report, section, panel, figure))?;
            }
        }
    }
    for line in &report.anchoring {
        writer.write_record(csv_anchoring(report, line))?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn scope_cells(scope: &super::panel::Scope) -> [String; 2] {
    use super::panel::Scope;
    match scope {
        Scope::Code(name) => ["code".to_string(), name.clone()],
        Scope::Facet(name) => ["facet".to_string(), name.clone()],
        Scope::Pooled => ["pooled".to_string(), String::new()],
    }
}

fn exact(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn estimate_cells(estimate: &Estimate) -> [String; 7] {
    let bounds = |i: Option<Interval>| [exact(i.map(|i| i.low)), exact(i.map(|i| i.high))];
    let [low, high] = bounds(estimate.interval);
    let ([a, b], [c, d]) = (bounds(estimate.percentile), bounds(estimate.bca));
    [estimate.value.to_string(), low, high, a, b, c, d]
}

fn csv_line(report: &Report, section: &Section, panel: &Panel, figure: &Figure) -> Vec<String> {
    let mut row = vec![section.stratum.to_string()];
    row.extend(scope_cells(&panel.scope));
    row.extend([panel.coders.join(" × "), report.unit.plural().to_string()]);
    row.extend([panel.n.to_string(), panel.interviews.to_string(), exact(panel.base_rate)]);
    let counts = panel.counts.map(|t| [t.both, t.first_only, t.second_only, t.neither].map(|n| n.to_string()));
    row.extend(counts.unwrap_or_default());
    row.push(figure.statistic.described().name.to_string());
    match &figure.estimate {
        Ok(estimate) => row.extend(estimate_cells(estimate).into_iter().chain([String::new()])),
        Err(why) => row.extend([const { String::new() }; 7].into_iter().chain([why.to_string()])),
    }
    row.push(panel.sentence.clone().unwrap_or_default());
    row
}

fn csv_anchoring(report: &Report, line: &Anchored) -> Vec<String> {
    let mut row = vec!["assisted - blind".to_string()];
    row.extend(scope_cells(&line.scope));
    row.extend([line.coders.join(" × "), report.unit.plural().to_string()]);
    row.extend([const { String::new() }; 7]);
    row.push(format!("anchoring effect on {}", line.statistic.described().name));
    row.extend(estimate_cells(&line.effect.effect));
    row.extend([String::new(), String::new()]);
    row
}

/// Everything, for programs.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// For a methods section: tables, then formula and source of every figure in them.
pub fn markdown(report: &Report) -> String {
    let mut out = String::from("## Agreement\n\n");
    for section in &report.sections {
        let _ = writeln!(out, "### {}\n", section.title);
        for group in groups(section) {
            let _ = writeln!(out, "**{}**\n", heading(report, group[0]));
            markdown_table(&mut out, &cells(&group));
            for panel in group {
                if let Some(sentence) = &panel.sentence {
                    let _ = writeln!(out, "- `{}`: {sentence}", panel.scope.label());
                }
            }
            out.push('\n');
        }
    }
    if !report.plan.is_empty() {
        out.push_str("### Units to be coded by two people\n\n");
        markdown_table(&mut out, &plan_cells(&report.plan));
        out.push('\n');
    }
    if !report.anchoring.is_empty() {
        out.push_str("### Anchoring\n\n```text\n");
        anchoring_lines(&mut out, &report.anchoring);
        out.push_str("```\n\n");
    }
    let _ = writeln!(out, "{}", notes(report));
    out.push_str(&sources(report));
    out
}

fn markdown_table(out: &mut String, rows: &[Vec<String>]) {
    for (i, row) in rows.iter().enumerate() {
        let _ = writeln!(out, "| {} |", row.join(" | "));
        if i == 0 {
            let _ = writeln!(out, "| --- |{}", " ---: |".repeat(row.len() - 1));
        }
    }
}

fn sources(report: &Report) -> String {
    let panels = report.sections.iter().flat_map(|section| &section.panels);
    let used: BTreeSet<Statistic> = panels.flat_map(|p| p.figures.iter().map(|f| f.statistic)).collect();
    let mut out = String::from("| figure | formula | source |\n| --- | --- | --- |\n");
    for line in ALL.iter().filter(|line| used.contains(&line.statistic)) {
        let _ = writeln!(out, "| {} | {} | {} |", line.name, line.formula.replace('|', "\\|"), line.source);
    }
    out
}
