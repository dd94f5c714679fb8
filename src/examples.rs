//! A lexicon's own tests: the `yes` and `no` sentences of its rules.
//!
//! Comes in: a lexicon. Goes out: a diagnostic for each rule that does not fire in its `yes` sentence, or fires in its
//! `no` sentence. Never happens here: a look at a corpus.
//!
//! An example may name the speaker's level and the question: `[school] Q: Do they call? A: They never called back.`

use crate::diagnostic::Diagnostic;
use crate::lexicon::source::Placed;
use crate::lexicon::{Lexicon, Rule};
use crate::pipeline::{Coder, Options, Worker};
use crate::span::Span;
use crate::transcript::{Speaker, SpeakerId, SpeakerRole, Transcript, Unit};

/// Runs the examples of every rule that has no mistake; diagnostics come in the order of the rules.
pub fn run(lexicon: &Lexicon) -> Vec<Diagnostic> {
    let coder = Coder::new(lexicon, Options::default());
    let mut worker = coder.worker();
    let rules = lexicon.rules.iter().enumerate().filter(|(place, _)| is_sound(lexicon, *place));
    rules.flat_map(|(place, rule)| run_rule(lexicon, &mut worker, place, rule)).collect()
}

/// True when every pattern and code of the rule could be read.
fn is_sound(lexicon: &Lexicon, place: usize) -> bool {
    let (rule, source) = (&lexicon.rules[place], &lexicon.source.rules[place]);
    let conditions = [(&rule.asked, &source.asked), (&rule.not_near, &source.not_near)];
    let others = [(&rule.not_before, &source.not_before), (&rule.not_after, &source.not_after)];
    rule.codes.len() == source.codes.len()
        && rule.patterns.len() == source.patterns.len()
        && rule.with.len() == source.with.len()
        && rule.without.len() == source.without.len()
        && conditions.iter().chain(&others).all(|(read, written)| read.is_some() == written.is_some())
}

fn run_rule(lexicon: &Lexicon, worker: &mut Worker, place: usize, rule: &Rule) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let written = &lexicon.source.rules[place];
    for (examples, wanted) in [(&written.yes, true), (&written.no, false)] {
        for example in examples {
            if fires(lexicon, worker, place, &example.value) != wanted {
                found.push(failure(lexicon, rule, example, wanted));
            }
        }
    }
    found
}

fn failure(lexicon: &Lexicon, rule: &Rule, example: &Placed<String>, wanted: bool) -> Diagnostic {
    let (code, message) = if wanted {
        ("lexicon-yes", format!("rule \"{}\" does not fire in its yes example \"{}\"", rule.id, example.value))
    } else {
        ("lexicon-no", format!("rule \"{}\" fires in its no example \"{}\"", rule.id, example.value))
    };
    lexicon
        .source
        .error(code, example, message)
        .help("mend the pattern or the example; `precode explain --text` shows why")
}

/// True when the rule contributes evidence in the example.
fn fires(lexicon: &Lexicon, worker: &mut Worker, place: usize, example: &str) -> bool {
    let rule = &lexicon.rules[place];
    let mut transcript = transcript(lexicon, example, rule.level.as_deref());
    // The speaker of an example is one of those that the rule is for.
    for speaker in transcript.speakers.iter_mut().filter(|speaker| speaker.role == SpeakerRole::Respondent) {
        let fitting = rule.when.iter().map(|(key, glob)| (key.clone(), glob.replace(['*', '?'], "x")));
        speaker.attributes.extend(fitting);
    }
    let observed = worker.observe(&transcript);
    observed.iter().flat_map(|segment| segment.gathered.by_code.values().flatten()).any(|found| found.rule == place)
}

/// A transcript of the example: a question, where it has one, and the answer of a speaker of the level named in it,
/// else of `level`.
pub fn transcript(lexicon: &Lexicon, example: &str, level: Option<&str>) -> Transcript {
    let (named, rest) = match example.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((named, rest)) if lexicon.levels().contains(named) => (Some(named), rest),
        _ => (None, example),
    };
    let rest = rest.trim();
    let answer_at = rest.strip_prefix("Q:").and_then(|_| rest.find("A:"));
    let text = rest.to_string();
    let mut units = Vec::new();
    if let Some(at) = answer_at {
        units.push(unit(0, trimmed(&text, 2, at)));
    }
    units.push(unit(1, trimmed(&text, answer_at.map_or(0, |at| at + 2), text.len())));
    let mut respondent = Speaker::named("R");
    respondent.guessed = false;
    let level = named.or(level).unwrap_or("central_office");
    respondent.attributes.insert("level".to_string(), level.to_string());
    let interviewer = Speaker { role: SpeakerRole::Interviewer, guessed: false, ..Speaker::named("Q") };
    units.retain(|unit: &Unit| !unit.span.is_empty());
    Transcript {
        name: "example".to_string(),
        source: "example".to_string(),
        format: "example",
        text,
        speakers: vec![interviewer, respondent],
        units,
        header: Vec::new(),
        notes: Vec::new(),
        verbatim: false,
    }
}

fn unit(speaker: u32, span: Span) -> Unit {
    Unit { speaker: SpeakerId(speaker), span, time: None }
}

fn trimmed(text: &str, start: usize, end: usize) -> Span {
    let part = &text[start..end];
    let lead = part.len() - part.trim_start().len();
    Span::new(start + lead, start + lead + part.trim().len())
}
