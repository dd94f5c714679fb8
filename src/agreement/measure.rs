//! From judgements to the whole report of `precode agree`.
//!
//! Comes in: judgements, units, what was seen while the codebook was edited. Goes out: [`Report`]. Never happens here:
//! a validation figure on units that were seen; figures of the two strata in one.

use super::Undefined;
use super::anchoring::{Anchoring, Strata, anchoring};
use super::judgement::{Judgements, MACHINE, SETTLED, Stratum};
use super::pair::{Table, cohen_kappa, percent};
use super::panel::{self, Figure, Panel, Scope, Settings, Tables};
use super::plan::{Question, kappa_variance, units_needed};
use super::statistic::Statistic;
use super::unitizing::{Continuum, Passage, flatten, merge};
use super::units::{Index, Place, Rated, Unit};
use crate::codebook::facet;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is measured.
#[derive(Debug, Clone)]
pub struct Request {
    /// The unit that is counted.
    pub unit: Unit,
    /// The coder that the others are held against.
    pub reference: Option<String>,
    /// Intervals and rho.
    pub settings: Settings,
    /// Width of the interval that the planner aims at, and the kappa that it assumes.
    pub plan: Option<(f64, f64)>,
    /// Use units for validation though they were seen; the report says so.
    pub include_seen: bool,
}

/// Panels of one stratum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Heading, for people.
    pub title: String,
    /// `blind`, `assisted`, `twice`, `before` or `after`.
    pub stratum: &'static str,
    /// The panels: codes, facets, everything; for each set of coders.
    pub panels: Vec<Panel>,
}

/// The anchoring effect for one pair of coders and one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Anchored {
    /// Code, facet or everything.
    pub scope: Scope,
    /// The pair.
    pub coders: [String; 2],
    /// The statistic that is compared.
    pub statistic: Statistic,
    /// Blind, assisted, and the difference.
    #[serde(flatten)]
    pub effect: Anchoring,
}

/// How many units to code twice for one code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planned {
    /// The code.
    pub code: String,
    /// Its base rate so far.
    pub base_rate: f64,
    /// Variance of the clustered over that of a simple sample, as observed.
    pub design_effect: f64,
    /// Units coded twice so far.
    pub have: u64,
    /// Units needed.
    pub need: u64,
    /// Cases of the code to be expected among them.
    pub cases: f64,
}

/// What `precode agree` found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The unit.
    pub unit: Unit,
    /// Answers left out of figures against the machine, as they were seen under an earlier codebook.
    pub seen_left_out: usize,
    /// Set when figures against the machine were refused for that reason.
    pub refused: Option<String>,
    /// The figures.
    pub sections: Vec<Section>,
    /// Anchoring effects.
    pub anchoring: Vec<Anchored>,
    /// The planner's answer.
    pub plan: Vec<Planned>,
}

/// Everything that the panels are made from.
struct Study<'a> {
    judgements: &'a Judgements,
    places: &'a [Place],
    unseen: Vec<Place>,
    request: &'a Request,
}

/// Measures. `leaked` are answers seen under an earlier codebook, by transcript and turn.
pub fn measure(
    judgements: &Judgements,
    places: &[Place],
    leaked: &BTreeSet<(String, usize)>,
    request: &Request,
) -> Report {
    let is_leaked = |place: &&Place| {
        leaked.contains(&(judgements.transcripts[place.transcript as usize].clone(), place.turn as usize))
    };
    let out: BTreeSet<(u32, u32)> = places.iter().filter(is_leaked).map(|p| (p.transcript, p.turn)).collect();
    let keep = |p: &&Place| request.include_seen || !out.contains(&(p.transcript, p.turn));
    let unseen: Vec<Place> = places.iter().filter(keep).copied().collect();
    let refused = (unseen.is_empty() && !places.is_empty()).then(|| {
        "every unit was seen while an earlier version of the codebook was in use, so agreement with the machine says \
         nothing about new interviews; code some unseen ones"
            .to_string()
    });
    let study = Study { judgements, places, unseen, request };
    let mut sections = vec![study.section(Stratum::Blind), study.section(Stratum::Assisted)];
    sections.push(study.twice());
    sections.extend(study.adjudication());
    sections.retain(|section| !section.panels.is_empty());
    let plan = request.plan.map_or_else(Vec::new, |(width, kappa)| study.plan(width, kappa));
    Report {
        unit: request.unit,
        seen_left_out: if request.include_seen { 0 } else { out.len() },
        refused,
        sections,
        anchoring: study.anchoring(),
        plan,
    }
}

impl Study<'_> {
    /// Units of every code, rated; the machine is held against unseen units only.
    fn rated(&self, stratum: Stratum, validation: bool) -> Vec<Vec<Rated>> {
        let index = Index::of(self.judgements, stratum);
        let places = if validation { &self.unseen[..] } else { self.places };
        (0..self.judgements.codes.len()).map(|code| index.rate(places, self.request.unit, code as u16)).collect()
    }

    fn coders(&self, keep: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.judgements.coders.len()).filter(|&i| keep(i)).collect();
        found.sort_by_key(|&i| (self.is_reference(i) == 0, self.judgements.coders[i].clone()));
        found
    }

    fn is_reference(&self, coder: usize) -> usize {
        usize::from(self.request.reference.as_ref() == Some(&self.judgements.coders[coder].name))
    }

    /// People and the machine, first occasions only.
    fn section(&self, stratum: Stratum) -> Section {
        let coders = &self.judgements.coders;
        let members = self.coders(|i| coders[i].occasion == 1 && coders[i].name != SETTLED);
        let (between, validation) = (self.rated(stratum, false), self.rated(stratum, true));
        // Who judged nothing in this stratum is no member of the group, or no unit would be complete.
        let took_part = |i: usize| between.iter().flatten().any(|unit| unit.holds[i].is_some());
        let people: Vec<usize> = members.iter().copied().filter(|&i| coders[i].is_person() && took_part(i)).collect();
        let mut panels = Vec::new();
        for (n, &a) in members.iter().enumerate() {
            for &b in &members[n + 1..] {
                let is_validation = [a, b].iter().any(|&i| coders[i].name == MACHINE);
                let (a, b) = if coders[a].name == MACHINE && self.is_reference(a) == 0 { (b, a) } else { (a, b) };
                panels.extend(self.pair(if is_validation { &validation } else { &between }, a, b, stratum));
            }
        }
        if people.len() >= 3 {
            panels.extend(self.group(&between, &people));
        }
        let (title, stratum) = match stratum {
            Stratum::Assisted => {
                ("Assisted: coders saw the machine's proposals; these figures are inflated", "assisted")
            }
            _ => ("Blind: coders saw no proposals; these figures may be reported", "blind"),
        };
        Section { title: title.to_string(), stratum, panels }
    }

    /// Panels for every code that both judged, for facets with two codes or more, and for everything.
    fn pair(&self, rated: &[Vec<Rated>], a: usize, b: usize, stratum: Stratum) -> Vec<Panel> {
        let tables: Vec<Tables> = rated.iter().map(|units| panel::tables(units, a, b)).collect();
        let names = [a, b].map(|i| self.judgements.coders[i].label());
        let reference = self.is_reference(a) == 1;
        let mut panels = Vec::new();
        for (scope, members) in self.scopes() {
            let own: Vec<Tables> = members.iter().map(|&code| tables[code].clone()).collect();
            if own.iter().all(|tables| tables.values().all(|t| t.n() == 0)) {
                continue;
            }
            let mut panel = panel::pair(scope, names.clone(), &own, reference, &self.request.settings);
            panel.figures.extend(self.passages(&[a, b], &members, stratum));
            panels.push(panel);
        }
        panels
    }

    fn group(&self, rated: &[Vec<Rated>], members: &[usize]) -> Vec<Panel> {
        let names: Vec<String> = members.iter().map(|&i| self.judgements.coders[i].label()).collect();
        let mut panels = Vec::new();
        for (scope, codes) in self.scopes() {
            let own: Vec<Vec<Rated>> = codes.iter().map(|&code| rated[code].clone()).collect();
            let panel = panel::group(scope, names.clone(), &own, members, &self.request.settings);
            if panel.n > 0 {
                panels.push(panel);
            }
        }
        panels
    }

    /// Every code, every facet with more than one, and all of them.
    fn scopes(&self) -> Vec<(Scope, Vec<usize>)> {
        let codes = &self.judgements.codes;
        let mut facets: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        codes.iter().enumerate().for_each(|(i, code)| facets.entry(facet(code)).or_default().push(i));
        let mut scopes: Vec<_> =
            codes.iter().enumerate().map(|(i, code)| (Scope::Code(code.clone()), vec![i])).collect();
        let several = facets.into_iter().filter(|(_, members)| members.len() > 1);
        scopes.extend(several.map(|(name, members)| (Scope::Facet(name.to_string()), members)));
        if codes.len() > 1 {
            scopes.push((Scope::Pooled, (0..codes.len()).collect()));
        }
        scopes
    }

    /// The figures for passages, when characters are counted.
    fn passages(&self, coders: &[usize], codes: &[usize], stratum: Stratum) -> Vec<Figure> {
        if self.request.unit != Unit::Span {
            return Vec::new();
        }
        let continua = self.continua(coders, codes, stratum);
        panel::passages(&continua, codes.len() == 1, &self.request.settings)
    }

    /// One continuum for every answer that all of the coders judged for all of the codes; answers of one interview
    /// stand one after another, so that its resampling keeps them together.
    fn continua(&self, coders: &[usize], codes: &[usize], stratum: Stratum) -> Vec<Continuum> {
        let mut by_turn: BTreeMap<(u32, u32), Vec<Vec<Passage>>> = BTreeMap::new();
        let mut judged: BTreeSet<(u32, u32, u16)> = BTreeSet::new();
        for row in &self.judgements.rows {
            let Some(coder) = coders.iter().position(|&c| c == usize::from(row.coder)) else { continue };
            let Some(value) = codes.iter().position(|&c| c == usize::from(row.code)) else { continue };
            if row.stratum != stratum && row.stratum != Stratum::Neutral {
                continue;
            }
            judged.insert((row.transcript, row.turn, row.coder));
            if row.holds {
                let layers =
                    by_turn.entry((row.transcript, row.turn)).or_insert_with(|| vec![Vec::new(); coders.len()]);
                let (start, end) = row.span.unwrap_or((0, u32::MAX));
                layers[coder].push(Passage { start: u64::from(start), end: u64::from(end), value });
            }
        }
        let mut sets = Vec::new();
        let mut continua: BTreeMap<u32, Continuum> = BTreeMap::new();
        for place in self.places {
            let seen_by = |c: &usize| judged.contains(&(place.transcript, place.turn, *c as u16));
            if !coders.iter().all(seen_by) {
                continue;
            }
            let empty = || Continuum { length: 0, coders: vec![Vec::new(); coders.len()] };
            let continuum = continua.entry(place.interview).or_insert_with(empty);
            let marked = by_turn.get(&(place.transcript, place.turn));
            for coder in 0..coders.len() {
                let own = marked.map_or(&[][..], |layers| &layers[coder]);
                let shifted = within(own, place, continuum.length, codes.len(), &mut sets);
                continuum.coders[coder].extend(shifted);
            }
            continuum.length += u64::from(place.end - place.start);
        }
        continua.into_values().collect()
    }

    /// The same coder, twice.
    fn twice(&self) -> Section {
        let coders = &self.judgements.coders;
        let rated = self.rated(Stratum::Blind, false);
        let mut panels = Vec::new();
        for (a, first) in coders.iter().enumerate().filter(|(_, coder)| coder.is_person()) {
            for (b, second) in coders.iter().enumerate() {
                if second.name == first.name && second.occasion == first.occasion + 1 {
                    panels.extend(self.pair(&rated, a, b, Stratum::Blind));
                }
            }
        }
        Section { title: "The same coder twice".to_string(), stratum: "twice", panels }
    }

    /// Agreement of people before differences were settled, and with what was settled in place of their own word.
    fn adjudication(&self) -> Vec<Section> {
        let coders = &self.judgements.coders;
        let Some(settled) = coders.iter().position(|coder| coder.name == SETTLED) else { return Vec::new() };
        let people = self.coders(|i| coders[i].is_person() && coders[i].occasion == 1);
        let section = |title: &str, name: &'static str, rated: &[Vec<Rated>]| {
            let mut panels = Vec::new();
            for (n, &a) in people.iter().enumerate() {
                people[n + 1..].iter().for_each(|&b| panels.extend(self.pair(rated, a, b, Stratum::Blind)));
            }
            Section { title: title.to_string(), stratum: name, panels }
        };
        let before = self.rated(Stratum::Blind, false);
        let mut after = before.clone();
        for unit in after.iter_mut().flatten() {
            if let Some(verdict) = unit.holds[settled] {
                people.iter().for_each(|&i| unit.holds[i] = unit.holds[i].and(Some(verdict)));
            }
        }
        vec![section("Before adjudication", "before", &before), section("After adjudication", "after", &after)]
    }

    fn anchoring(&self) -> Vec<Anchored> {
        let coders = &self.judgements.coders;
        let members = self.coders(|i| coders[i].occasion == 1 && coders[i].name != SETTLED);
        let (blind, assisted) = (self.rated(Stratum::Blind, true), self.rated(Stratum::Assisted, true));
        let mut found = Vec::new();
        for (n, &a) in members.iter().enumerate() {
            for &b in &members[n + 1..] {
                for (scope, codes) in self.scopes() {
                    let strata = strata(&codes, &blind, &assisted, a, b);
                    found.extend(self.effects(scope, [a, b], &strata));
                }
            }
        }
        found
    }

    fn effects(&self, scope: Scope, pair: [usize; 2], strata: &[Strata]) -> Vec<Anchored> {
        type Of = fn(Table) -> Result<f64, Undefined>;
        let statistics: [(Statistic, Of); 2] =
            [(Statistic::CohenKappa, |t| cohen_kappa(t.counts())), (Statistic::Percent, |t| percent(t.counts()))];
        let coders = pair.map(|i| self.judgements.coders[i].label());
        let one = |(statistic, of): (Statistic, Of)| {
            let effect = anchoring(strata, &self.request.settings.bootstrap, of).ok()?;
            Some(Anchored { scope: scope.clone(), coders: coders.clone(), statistic, effect })
        };
        statistics.into_iter().filter_map(one).collect()
    }

    /// Units to code twice, for every code that has a base rate: from people where two coded, else from all coders.
    fn plan(&self, width: f64, kappa: f64) -> Vec<Planned> {
        let coders = &self.judgements.coders;
        let rated = self.rated(Stratum::Blind, false);
        let mut members = self.coders(|i| coders[i].is_person() && coders[i].occasion == 1);
        if members.len() < 2 {
            members = self.coders(|i| coders[i].occasion == 1 && coders[i].name != SETTLED);
        }
        let [a, b, ..] = members[..] else { return Vec::new() };
        let one = |(code, units): (usize, &Vec<Rated>)| {
            let tables: Vec<Table> = panel::tables(units, a, b).into_values().collect();
            planned(&self.judgements.codes[code], &tables, width, kappa, &self.request.settings)
        };
        rated.iter().enumerate().filter_map(one).collect()
    }
}

/// The passages of one coder in one place, moved to where the place stands in its continuum.
fn within(own: &[Passage], place: &Place, at: u64, codes: usize, sets: &mut Vec<Vec<usize>>) -> Vec<Passage> {
    let (from, to) = (u64::from(place.start), u64::from(place.end));
    let clipped = own.iter().map(|p| Passage { start: p.start.max(from), end: p.end.min(to), ..*p });
    let clipped: Vec<Passage> = clipped.filter(|p| p.start < p.end).collect();
    let layers: Vec<Vec<Passage>> =
        (0..codes).map(|value| merge(clipped.iter().copied().filter(|p| p.value == value).collect())).collect();
    let flat = if codes == 1 { layers.into_iter().flatten().collect() } else { flatten(&layers, sets) };
    flat.into_iter().map(|p| Passage { start: p.start - from + at, end: p.end - from + at, ..p }).collect()
}

fn strata(codes: &[usize], blind: &[Vec<Rated>], assisted: &[Vec<Rated>], a: usize, b: usize) -> Vec<Strata> {
    let mut by_interview: BTreeMap<u32, Strata> = BTreeMap::new();
    for &code in codes {
        for (id, table) in panel::tables(&blind[code], a, b) {
            by_interview.entry(id).or_default().blind.add_table(table, 1);
        }
        for (id, table) in panel::tables(&assisted[code], a, b) {
            by_interview.entry(id).or_default().assisted.add_table(table, 1);
        }
    }
    by_interview.into_values().collect()
}

fn planned(code: &str, tables: &[Table], width: f64, kappa: f64, settings: &Settings) -> Option<Planned> {
    let mut total = Table::default();
    tables.iter().for_each(|table| total.add_table(*table, 1));
    let base_rate = total.base_rate().ok()?;
    let design_effect = design_effect(tables, total, settings).unwrap_or(1.0);
    let plan = units_needed(Question { base_rate, kappa, width, design_effect }).ok()?;
    let code = code.to_string();
    Some(Planned { code, base_rate, design_effect, have: total.n(), need: plan.units, cases: plan.cases })
}

/// The variance of kappa over resampled interviews, over what as many unrelated units would give; at least 1.
fn design_effect(tables: &[Table], total: Table, settings: &Settings) -> Option<f64> {
    let kappa = |times: &[u32]| {
        let mut sum = Table::default();
        tables.iter().zip(times).for_each(|(table, times)| sum.add_table(*table, u64::from(*times)));
        cohen_kappa(sum.counts())
    };
    let estimate = settings.bootstrap.estimate(tables.len(), kappa).ok()?;
    let simple = kappa_variance(total.base_rate().ok()?, estimate.value).ok()? / total.n() as f64;
    let ratio = estimate.error * estimate.error / simple;
    // A handful of cases says nothing about clustering; 10 is beyond what answers of one interview show.
    ratio.is_finite().then(|| ratio.clamp(1.0, 10.0))
}
