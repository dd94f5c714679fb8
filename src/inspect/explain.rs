//! Why a code was given to a segment, and why not.
//!
//! Comes in: a segment as the matcher sees it. Goes out: for each code, what speaks for it, its confidence, and the
//! rules that came nearest with what failed. Never happens here: another reading of the words than the pipeline's; the
//! evidence is that of [`evidence::gather`].

use super::near::{Near, nearest};
use crate::codebook::CodeId;
use crate::confidence::{self, Verdict};
use crate::context::{self, Contexts};
use crate::evidence::{self, Found, Gathered, Surroundings};
use crate::lexicon::source::{Placed, RuleSource};
use crate::lexicon::terms::glob_matches;
use crate::lexicon::{Context, Effect, Pat, Rule, pattern};
use crate::matcher::{Boards, Look, Match, Scene};
use crate::pipeline::Glimpse;

/// Why a code was given or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The code.
    pub code: CodeId,
    /// Confidence and score.
    pub verdict: Option<Verdict>,
    /// What rules found for it, in the order of the text.
    pub found: Vec<Found>,
    /// Rules that did not contribute, the nearest first.
    pub misses: Vec<Miss>,
}

/// A rule that contributed nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// The rule, as a place in the lexicon.
    pub rule: usize,
    /// How near it came, in 0..=1; 1 when its words stand and something else kept it.
    pub share: f64,
    /// The words that it found, where they were dropped.
    pub hit: Option<Match>,
    /// What failed.
    pub why: String,
}

/// An account of every code, in the order of the codebook.
pub fn explain(glimpse: &Glimpse) -> Vec<Account> {
    let lexicon = glimpse.scene.lexicon;
    let gathered = evidence::gather(&glimpse.scene, &glimpse.around);
    let verdicts = confidence::judge(&glimpse.scene, &gathered, 0.0);
    let scopes = context::scopes(&glimpse.scene);
    let boards = Boards::of(&glimpse.scene);
    let mut misses: Vec<Option<Miss>> =
        (0..lexicon.rules.len()).map(|place| miss(glimpse, &boards, &gathered, &scopes, place)).collect();
    let mut account = |code: CodeId| {
        let mut own: Vec<Miss> = Vec::new();
        for (place, slot) in misses.iter_mut().enumerate() {
            if lexicon.rules[place].codes.contains(&code) {
                own.extend(slot.clone());
            }
        }
        own.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.rule.cmp(&b.rule)));
        Account {
            code,
            verdict: verdicts.iter().find(|verdict| verdict.code == code).cloned(),
            found: gathered.by_code.get(&code).cloned().unwrap_or_default(),
            misses: own,
        }
    };
    lexicon.codebook.ids().map(&mut account).collect()
}

/// Why a rule contributed nothing; none when it did.
fn miss(glimpse: &Glimpse, boards: &Boards, gathered: &Gathered, scopes: &[Contexts], place: usize) -> Option<Miss> {
    if gathered.by_code.values().flatten().any(|found| found.rule == place) {
        return None;
    }
    let lexicon = glimpse.scene.lexicon;
    let (rule, source) = (&lexicon.rules[place], &lexicon.source.rules[place]);
    let scene = Scene { level: glimpse.scene.level.or(rule.level.as_deref()), ..glimpse.scene };
    let look = Look { scene, boards };
    let hits: Vec<Match> = rule.patterns.iter().flat_map(|pat| look.matches(pat)).collect();
    let Some(&hit) = hits.first() else { return Some(without_words(&look, rule, source, place)) };
    let why = wrong_speaker(&scene, rule, &glimpse.around)
        .or_else(|| wrong_surroundings(&look, gathered, rule, source, &glimpse.around))
        .or_else(|| ruled_out(&look, rule, source, &hits))
        .unwrap_or_else(|| dropped(rule, scopes, &hits));
    Some(Miss { rule: place, share: 1.0, hit: Some(hit), why })
}

/// The pattern that comes nearest, and what it lacks. A rule for other speakers is farther away than any other.
fn without_words(look: &Look, rule: &Rule, source: &RuleSource, place: usize) -> Miss {
    let near = rule.patterns.iter().zip(&source.patterns).filter_map(|(pat, text)| {
        let node = pattern::parse(&text.value).ok()?;
        Some(nearest(look, &node, pat))
    });
    let near = near.reduce(|a, b| if b.share() > a.share() { b } else { a });
    let near = near.unwrap_or(Near { met: 0.0, of: 1.0, why: "it has no pattern".to_string() });
    let other_level = matches!((&rule.level, look.scene.level), (Some(wanted), Some(level)) if wanted != level);
    let share = near.share() * if other_level { 0.5 } else { 0.99 };
    Miss { rule: place, share, hit: None, why: near.why }
}

fn wrong_speaker(scene: &Scene, rule: &Rule, around: &Surroundings) -> Option<String> {
    if let (Some(wanted), Some(level)) = (&rule.level, scene.level)
        && wanted != level
    {
        return Some(format!("it is for speakers of level {wanted}, and this one is {level}"));
    }
    let fails = |(key, glob): &&(String, String)| {
        around.attributes.get(key).is_none_or(|value| !glob_matches(glob, &value.to_lowercase()))
    };
    let (key, glob) = rule.when.iter().find(fails)?;
    let value = around.attributes.get(key).map_or("unknown", String::as_str);
    Some(format!("it is for speakers whose {key} is \"{glob}\", and this one's is {value}"))
}

fn wrong_surroundings(
    look: &Look,
    gathered: &Gathered,
    rule: &Rule,
    source: &RuleSource,
    around: &Surroundings,
) -> Option<String> {
    let text = |text: &Option<Placed<String>>| text.as_ref().map_or(String::new(), |text| text.value.clone());
    if let Some(asked) = &rule.asked {
        match around.question {
            None => return Some("`asked`: no question was asked before".to_string()),
            Some(question) if !question.holds(asked) => {
                return Some(format!("`asked`: the question has no `{}`", text(&source.asked)));
            }
            Some(_) => {}
        }
    }
    let lacking = rule.with.iter().zip(&source.with).find(|(pat, _)| !evidence::stands(look, gathered, pat));
    if let Some((_, text)) = lacking {
        return Some(format!("`with`: no `{}` in the segment", text.value));
    }
    let forbidden = rule.without.iter().zip(&source.without).find(|(pat, _)| evidence::stands(look, gathered, pat));
    forbidden.map(|(pat, text)| format!("`without`: `{}` is in the segment{}", text.value, quoted(look, pat)))
}

/// The words of the first match, for a message.
fn quoted(look: &Look, pat: &Pat) -> String {
    let first = look.matches(pat).first().copied();
    first.map_or(String::new(), |hit| format!(" (\"{}\")", words(&look.scene, hit)))
}

/// The words of a match on one line.
pub fn words(scene: &Scene, hit: Match) -> String {
    let span = scene.tokens[hit.start].span().cover(scene.tokens[hit.end - 1].span());
    super::kwic::flat(span.of(scene.text))
}

/// The first of `not_near`, `not_before` and `not_after` that no hit survives.
fn ruled_out(look: &Look, rule: &Rule, source: &RuleSource, hits: &[Match]) -> Option<String> {
    if hits.iter().any(|&hit| !evidence::ruled_out(look, rule, hit)) {
        return None;
    }
    let tests = [
        ("not_near", rule.not_near.is_some(), &source.not_near),
        ("not_before", rule.not_before.is_some(), &source.not_before),
        ("not_after", rule.not_after.is_some(), &source.not_after),
    ];
    let named: Vec<String> = tests
        .iter()
        .filter(|(_, set, _)| *set)
        .filter_map(|(name, _, text)| text.as_ref().map(|text| format!("`{name}`: `{}` stands there", text.value)))
        .collect();
    Some(named.join(" or "))
}

/// What context did to the words.
fn dropped(rule: &Rule, scopes: &[Contexts], hits: &[Match]) -> String {
    let contexts = hits.iter().flat_map(|hit| &scopes[hit.focus_start..hit.focus_end]);
    let all = contexts.fold(Contexts::default(), |all, &one| all.union(one));
    let effect = |context: Context| rule.effects[context as usize];
    let name = |wanted: Effect| {
        let names: Vec<&str> = all.iter().filter(|&c| effect(c) == Some(wanted)).map(Context::name).collect();
        names.join(", ")
    };
    match (name(Effect::Drop), name(Effect::Opposite)) {
        (dropped, _) if !dropped.is_empty() => format!("the words are {dropped}, which drops the evidence"),
        (_, turned) if !turned.is_empty() => format!("the words are {turned}: the code has no opposite to turn to"),
        _ => "its evidence speaks for another code".to_string(),
    }
}
