//! How good shipped confidences are on one set of labelled answers, as a page for people.
//!
//! Comes in: answers with labels, and a confidence for each code. Goes out: figures and Markdown. Never happens here:
//! fitting.

use super::measure::{self, Forecast};
use super::shipped::Answer;
use crate::agreement::Undefined;
use crate::codebook::{CodeId, Codebook};
use crate::coding::{PROPOSED, WRITTEN};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Figures of one set.
#[derive(Debug, Clone)]
pub struct Card {
    name: String,
    n_answers: usize,
    /// For each code: forecasts of all answers.
    by_code: Vec<(String, Vec<Forecast>)>,
    /// Counts of the answers by the orientation that they have and the one that is proposed.
    exclusive: BTreeMap<(String, String), usize>,
}

impl Card {
    /// Figures of confidences, one list per answer in the order of the codebook.
    pub fn new(name: &str, codebook: &Codebook, answers: &[Answer], mut confidences: Vec<Vec<f64>>) -> Self {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for answer in answers {
            let next = places.len();
            places.entry(&answer.interview).or_insert(next);
        }
        let mut exclusive = BTreeMap::new();
        for (answer, confidences) in answers.iter().zip(&mut confidences) {
            settle(codebook, confidences);
            for facet in codebook.facets.iter().filter(|facet| facet.exclusive) {
                let of_facet = |id: &CodeId| codebook.code(*id).facet() == facet.name;
                let has = answer.labels.iter().find(|id| of_facet(id));
                let is = codebook.ids().filter(of_facet).find(|id| confidences[usize::from(id.0)] >= PROPOSED);
                let name = |id: Option<CodeId>| id.map_or("none".to_string(), |id| codebook.code(id).name.clone());
                *exclusive.entry((name(has.copied()), name(is))).or_insert(0) += 1;
            }
        }
        let forecast = |code: CodeId| {
            let one = |(answer, confidences): (&Answer, &Vec<f64>)| {
                let confidence = confidences[usize::from(code.0)];
                Forecast {
                    interview: places[answer.interview.as_str()],
                    confidence: (confidence >= WRITTEN).then_some(confidence),
                    holds: answer.labels.contains(&code),
                }
            };
            answers.iter().zip(&confidences).map(one).collect()
        };
        let by_code = codebook.ids().map(|code| (codebook.code(code).name.clone(), forecast(code))).collect();
        Card { name: name.to_string(), n_answers: answers.len(), by_code, exclusive }
    }

    fn pooled(&self) -> Vec<Forecast> {
        self.by_code.iter().flat_map(|(_, forecasts)| forecasts.iter().copied()).collect()
    }

    fn render(&self, out: &mut String) {
        let pooled = self.pooled();
        let table = Counts::of(&pooled);
        let _ = writeln!(out, "\n## {}\n", self.name);
        let _ = writeln!(out, "{} answers, {} codes given.\n", self.n_answers, table.given);
        let _ = writeln!(out, "| figure | value |\n| --- | --- |");
        let shares =
            [("micro precision", table.precision()), ("micro recall", table.recall()), ("micro F1", table.f1())];
        for (name, value) in shares {
            let _ = writeln!(out, "| {name} | {value:.3} |");
        }
        type Measure = (&'static str, fn(&[Forecast]) -> Result<f64, Undefined>);
        let named: [Measure; 3] = [
            ("log loss", measure::log_loss),
            ("Brier score", measure::brier),
            ("calibration error", measure::calibration_error),
        ];
        for (name, of) in named {
            let _ = writeln!(out, "| {name} | {} |", shown(of(&pooled)));
        }
        if let Some((kappa, wrong, given)) = self.orientation() {
            let _ = writeln!(out, "| kappa of exclusive codes, with none | {kappa:.3} |");
            let _ = writeln!(out, "| wrong way | {wrong} of {given} |");
        }
        self.render_codes(out);
        self.render_curve(out, &pooled);
    }

    fn render_codes(&self, out: &mut String) {
        let _ = writeln!(out, "\n| code | given | proposed | precision | recall | F1 | kappa |");
        let _ = writeln!(out, "| --- | --- | --- | --- | --- | --- | --- |");
        for (name, forecasts) in &self.by_code {
            let c = Counts::of(forecasts);
            if c.given + c.proposed == 0 {
                continue;
            }
            let kappa = shown(measure::kappa(forecasts));
            let (p, r, f) = (c.precision(), c.recall(), c.f1());
            let _ = writeln!(out, "| {name} | {} | {} | {p:.2} | {r:.2} | {f:.2} | {kappa} |", c.given, c.proposed);
        }
    }

    fn render_curve(&self, out: &mut String, pooled: &[Forecast]) {
        let _ = writeln!(out, "\n| confidence | rows | mean confidence | share given |\n| --- | --- | --- | --- |");
        for (i, bin) in measure::bins(pooled).iter().enumerate().filter(|(_, bin)| bin.n > 0) {
            let (n, low) = (bin.n as f64, i as f64 / 10.0);
            let (mean, share) = (bin.confidence / n, bin.held as f64 / n);
            let _ = writeln!(out, "| {low:.1}–{:.1} | {} | {mean:.2} | {share:.2} |", low + 0.1, bin.n);
        }
    }

    /// Kappa over the exclusive codes and none; how many go to the wrong one, of how many that have one.
    fn orientation(&self) -> Option<(f64, usize, usize)> {
        let n: usize = self.exclusive.values().sum();
        let names: std::collections::BTreeSet<&String> = self.exclusive.keys().flat_map(|(a, b)| [a, b]).collect();
        let share = |count: usize| count as f64 / n.max(1) as f64;
        let sum = |keep: &dyn Fn(&(String, String)) -> bool| {
            self.exclusive.iter().filter(|(key, _)| keep(key)).map(|(_, n)| n).sum::<usize>()
        };
        let agreed = share(sum(&|key| key.0 == key.1));
        let chance: f64 =
            names.iter().map(|name| share(sum(&|key| key.0 == **name)) * share(sum(&|key| key.1 == **name))).sum();
        let wrong = sum(&|key| key.0 != "none" && key.1 != "none" && key.0 != key.1);
        let given = sum(&|key| key.0 != "none");
        (given > 0 && chance < 1.0).then(|| ((agreed - chance) / (1.0 - chance), wrong, given))
    }
}

/// Of exclusive codes that are both proposed, the lower one is not; see `pipeline`.
fn settle(codebook: &Codebook, confidences: &mut [f64]) {
    for facet in codebook.facets.iter().filter(|facet| facet.exclusive) {
        let mut ids: Vec<usize> = codebook
            .ids()
            .filter(|id| codebook.code(*id).facet() == facet.name)
            .map(|id| usize::from(id.0))
            .collect();
        ids.sort_by(|&a, &b| confidences[b].total_cmp(&confidences[a]));
        let close = ids.len() > 1 && confidences[ids[0]] - confidences[ids[1]] < crate::pipeline::TOO_CLOSE;
        let keep = usize::from(!close);
        ids.iter().skip(keep).for_each(|&i| confidences[i] = confidences[i].min(PROPOSED - 0.01));
    }
}

#[derive(Default)]
struct Counts {
    given: usize,
    proposed: usize,
    both: usize,
}

impl Counts {
    fn of(forecasts: &[Forecast]) -> Self {
        let mut counts = Counts::default();
        for forecast in forecasts {
            let proposed = forecast.confidence.is_some_and(|p| p >= PROPOSED);
            counts.given += usize::from(forecast.holds);
            counts.proposed += usize::from(proposed);
            counts.both += usize::from(proposed && forecast.holds);
        }
        counts
    }

    fn precision(&self) -> f64 {
        self.both as f64 / self.proposed.max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.both as f64 / self.given.max(1) as f64
    }

    fn f1(&self) -> f64 {
        2.0 * self.both as f64 / (self.given + self.proposed).max(1) as f64
    }
}

fn shown(value: Result<f64, Undefined>) -> String {
    value.map_or("–".to_string(), |value| format!("{value:.3}"))
}

/// The page: what was fitted on what, and a card for each set.
pub fn render(codebook: &str, fitted_on: &[String], n_cues: usize, cards: &[Card]) -> String {
    let mut out = format!("# How good the shipped confidence of `{codebook}` is\n\n");
    let _ = writeln!(out, "Fitted on {}. {n_cues} cues.", fitted_on.join(" and "));
    let _ = writeln!(
        out,
        "A code counts as proposed at a confidence of {PROPOSED} or more; the calibration counts rows from {WRITTEN}."
    );
    cards.iter().for_each(|card| card.render(&mut out));
    out
}
