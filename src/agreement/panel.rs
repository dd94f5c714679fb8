//! All figures for one code (or facet, or everything) and one set of coders.
//!
//! Comes in: units with what each coder said ([`Rated`]). Goes out: a [`Panel`]: counts, base rate, every statistic
//! that applies with its intervals, and a sentence where they disagree. Never happens here: the two strata in one
//! figure.

use super::Undefined;
use super::bootstrap::{Bootstrap, Estimate};
use super::explain::{explain, rows};
use super::many::{self, Row};
use super::pair::{self, Table};
use super::rho::Rho;
use super::statistic::Statistic;
use super::unitizing::{self, Continuum, Sums};
use super::units::Rated;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// What a panel is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "lowercase")]
pub enum Scope {
    /// One code.
    Code(String),
    /// All codes of a facet.
    Facet(String),
    /// All codes.
    Pooled,
}

impl Scope {
    /// For people.
    pub fn label(&self) -> String {
        match self {
            Scope::Code(name) => name.clone(),
            Scope::Facet(name) => format!("{name} (facet)"),
            Scope::Pooled => "all codes (pooled)".to_string(),
        }
    }
}

/// A statistic with its value, or why it has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Which one.
    pub statistic: Statistic,
    /// Its value.
    pub estimate: Result<Estimate, Undefined>,
}

impl Figure {
    /// With the interval held within what the statistic can be.
    fn new(statistic: Statistic, estimate: Result<Estimate, Undefined>) -> Self {
        Figure { statistic, estimate: estimate.map(|estimate| estimate.within(statistic.least(), 1.0)) }
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line {
            statistic: Statistic,
            #[serde(flatten)]
            estimate: Option<Estimate>,
            undefined: Option<String>,
        }
        let undefined = self.estimate.err().map(|why| why.to_string());
        Line { statistic: self.statistic, estimate: self.estimate.ok(), undefined }.serialize(serializer)
    }
}

/// Everything that is said about one scope and one set of coders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Panel {
    /// Code, facet or everything.
    pub scope: Scope,
    /// Who is compared; with a reference, it comes first.
    pub coders: Vec<String>,
    /// Units (times codes, for a facet) that at least two of them judged.
    pub n: u64,
    /// Interviews that these lie in.
    pub interviews: usize,
    /// Share of judgements that say yes.
    pub base_rate: Option<f64>,
    /// The 2 × 2 counts, for two coders.
    pub counts: Option<Table>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// Where figures disagree: why.
    pub sentence: Option<String>,
}

impl Panel {
    /// A figure, when it is there and has a value.
    pub fn value(&self, statistic: Statistic) -> Option<Estimate> {
        self.figures.iter().find(|figure| figure.statistic == statistic).and_then(|figure| figure.estimate.ok())
    }
}

/// How panels are made.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Settings {
    /// Intervals.
    pub bootstrap: Bootstrap,
    /// Shaffer's rho.
    pub rho: Rho,
}

/// Two coders on one code: a table for each interview that they share, with the place of the interview.
pub type Tables = BTreeMap<u32, Table>;

/// The tables of two coders.
pub fn tables(rated: &[Rated], first: usize, second: usize) -> Tables {
    let mut tables = Tables::new();
    for unit in rated {
        if let (Some(a), Some(b)) = (unit.holds[first], unit.holds[second]) {
            tables.entry(unit.interview).or_default().add(a, b, unit.times);
        }
    }
    tables
}

/// Two coders, one or more codes. `reference`: the first coder is one.
pub fn pair(scope: Scope, coders: [String; 2], codes: &[Tables], reference: bool, settings: &Settings) -> Panel {
    let interviews = interviews(codes);
    let stacked: Vec<Table> = interviews.iter().map(|id| sum(codes.iter().filter_map(|code| code.get(id)))).collect();
    let total = sum(&stacked);
    let estimate = |statistic: Statistic, of: fn(Table) -> Result<f64, Undefined>| {
        Figure::new(statistic, settings.bootstrap.estimate(stacked.len(), |times| of(weighted(&stacked, times))))
    };
    let mut figures = vec![
        estimate(Statistic::Percent, |t| pair::percent(t.counts())),
        estimate(Statistic::Positive, pair::positive),
        estimate(Statistic::Negative, pair::negative),
        estimate(Statistic::CohenKappa, |t| pair::cohen_kappa(t.counts())),
    ];
    if !matches!(scope, Scope::Code(_)) {
        figures.push(over_codes(Statistic::PooledKappa, codes, &interviews, settings, pair::pooled_kappa));
        figures.push(over_codes(Statistic::MeanKappa, codes, &interviews, settings, pair::mean_kappa));
    }
    figures.extend([
        estimate(Statistic::ScottPi, |t| pair::scott_pi(t.counts())),
        estimate(Statistic::Alpha, |t| many::alpha_nominal(&rows(t))),
        estimate(Statistic::Ac1, |t| many::gwet_ac1(&rows(t))),
        estimate(Statistic::Pabak, |t| pair::pabak(t.counts())),
    ]);
    if matches!(scope, Scope::Code(_)) {
        figures.push(Figure::new(Statistic::Rho, rho(total, &settings.rho)));
    }
    if reference {
        figures.extend([
            estimate(Statistic::Precision, pair::precision),
            estimate(Statistic::Recall, pair::recall),
            estimate(Statistic::F1, pair::positive),
        ]);
    }
    Panel {
        scope,
        coders: coders.to_vec(),
        n: total.n(),
        interviews: stacked.iter().filter(|t| t.n() > 0).count(),
        base_rate: total.base_rate().ok(),
        counts: Some(total),
        figures,
        sentence: explain(total),
    }
}

/// Rho has no interval: it is itself a statement about chance.
fn rho(table: Table, rho: &Rho) -> Result<Estimate, Undefined> {
    let kappa = pair::cohen_kappa(table.counts())?;
    let value = rho.of(kappa, table.base_rate()?, table.n())?;
    Ok(Estimate { value, interval: None, percentile: None, bca: None, error: 0.0, undefined_share: 0.0 })
}

fn over_codes(
    statistic: Statistic,
    codes: &[Tables],
    interviews: &[u32],
    settings: &Settings,
    of: fn(&[Table]) -> Result<f64, Undefined>,
) -> Figure {
    let empty = Table::default();
    let by_code: Vec<Vec<Table>> =
        codes.iter().map(|code| interviews.iter().map(|id| *code.get(id).unwrap_or(&empty)).collect()).collect();
    let estimate = settings.bootstrap.estimate(interviews.len(), |times| {
        of(&by_code.iter().map(|tables| weighted(tables, times)).collect::<Vec<_>>())
    });
    Figure::new(statistic, estimate)
}

fn interviews(codes: &[Tables]) -> Vec<u32> {
    let mut ids: Vec<u32> = codes.iter().flat_map(|code| code.keys().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn sum<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Table {
    let mut total = Table::default();
    tables.into_iter().for_each(|table| total.add_table(*table, 1));
    total
}

fn weighted(tables: &[Table], times: &[u32]) -> Table {
    let mut total = Table::default();
    tables.iter().zip(times).for_each(|(table, times)| total.add_table(*table, u64::from(*times)));
    total
}

/// Three coders or more, one or more codes.
pub fn group(
    scope: Scope,
    coders: Vec<String>,
    codes: &[Vec<Rated>],
    members: &[usize],
    settings: &Settings,
) -> Panel {
    let mut by_interview: BTreeMap<u32, BTreeMap<[u64; 2], u64>> = BTreeMap::new();
    for unit in codes.iter().flatten() {
        let yes = members.iter().filter(|&&m| unit.holds[m] == Some(true)).count() as u64;
        let no = members.iter().filter(|&&m| unit.holds[m] == Some(false)).count() as u64;
        if yes + no >= 2 {
            *by_interview.entry(unit.interview).or_default().entry([yes, no]).or_default() += unit.times;
        }
    }
    let interviews: Vec<Vec<Row<2>>> = by_interview.into_values().map(|rows| rows.into_iter().collect()).collect();
    let complete: Vec<Vec<Row<2>>> = interviews.iter().map(|rows| complete(rows, members.len())).collect();
    let estimate = |statistic, interviews: &[Vec<Row<2>>], of: fn(&[Row<2>]) -> Result<f64, Undefined>| {
        let drawn = settings.bootstrap.estimate(interviews.len(), |times| of(&times_rows(interviews, times)));
        Figure::new(statistic, drawn)
    };
    let all = times_rows(&interviews, &vec![1; interviews.len()]);
    let judgements: u64 = all.iter().map(|row| (row.0[0] + row.0[1]) * row.1).sum();
    let yes: u64 = all.iter().map(|row| row.0[0] * row.1).sum();
    Panel {
        scope,
        coders,
        n: all.iter().map(|row| row.1).sum(),
        interviews: interviews.len(),
        base_rate: (judgements > 0).then(|| yes as f64 / judgements as f64),
        counts: None,
        figures: vec![
            estimate(Statistic::Percent, &interviews, many::percent),
            estimate(Statistic::FleissKappa, &complete, many::fleiss_kappa),
            estimate(Statistic::Alpha, &interviews, many::alpha_nominal),
            estimate(Statistic::Ac1, &interviews, many::gwet_ac1),
        ],
        sentence: None,
    }
}

/// Units that every one of the coders judged: Fleiss' kappa knows no missing judgement.
fn complete(rows: &[Row<2>], coders: usize) -> Vec<Row<2>> {
    rows.iter().filter(|row| row.0[0] + row.0[1] == coders as u64).copied().collect()
}

fn times_rows(interviews: &[Vec<Row<2>>], times: &[u32]) -> Vec<Row<2>> {
    let counted = interviews.iter().zip(times).filter(|(_, times)| **times > 0);
    counted.flat_map(|(rows, times)| rows.iter().map(|row| (row.0, row.1 * u64::from(*times)))).collect()
}

/// Figures for passages: one code gives α_U and ᵤα, several codes the family with cᵤα.
pub fn passages(interviews: &[Continuum], one_code: bool, settings: &Settings) -> Vec<Figure> {
    let sums: Vec<Sums> = interviews.iter().map(Sums::of).collect();
    let family = |statistic, of: fn(&Sums) -> Result<f64, Undefined>| {
        let estimate = settings.bootstrap.estimate(sums.len(), |times| {
            let mut total = Sums::default();
            sums.iter().zip(times).for_each(|(sums, &times)| total.add(sums, f64::from(times)));
            of(&total)
        });
        Figure::new(statistic, estimate)
    };
    if !one_code {
        return vec![
            family(Statistic::UAlpha, Sums::nominal),
            family(Statistic::UAlphaBinary, Sums::binary),
            family(Statistic::CuAlpha, Sums::coding),
        ];
    }
    let alpha_u = settings.bootstrap.estimate(interviews.len(), |times| {
        let drawn = interviews.iter().zip(times).flat_map(|(c, &n)| std::iter::repeat_n(c, n as usize));
        unitizing::alpha_u(&drawn.cloned().collect::<Vec<_>>())
    });
    vec![Figure::new(Statistic::AlphaU, alpha_u), family(Statistic::UAlpha, Sums::nominal)]
}
