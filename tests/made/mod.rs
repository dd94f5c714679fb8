//! A made-up study whose truth is known: codings with evidence, turns, texts, a manifest, labels.

use precode::agreement::random::Random;
use precode::codebook::{Code, Codebook, Facet};
use precode::coding::{CODING_SCHEMA, Coding, Evidence, TurnRow, WRITTEN};
use precode::store::manifest::{MANIFEST_SCHEMA, Manifest, Origin};
use precode::transcript::SpeakerRole;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What the study is like.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub interviews: usize,
    pub answers: usize,
    pub codes: usize,
    /// Share of answers that have a code.
    pub base_rate: f64,
    /// How far the score of a true code lies above that of a false one, in standard deviations.
    pub signal: f64,
    /// The shipped confidence is sigmoid(score × this): 1 is calibrated.
    pub boldness: f64,
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { interviews: 14, answers: 10, codes: 3, base_rate: 0.3, signal: 2.0, boldness: 2.5, seed: 1 }
    }
}

/// A study, and what is true of it.
pub struct Made {
    pub codings: Vec<Coding>,
    pub turns: Vec<TurnRow>,
    pub texts: BTreeMap<String, String>,
    /// By transcript, turn and code.
    pub truth: BTreeMap<(String, usize, String), bool>,
    pub codebook: Codebook,
}

const WORDS: &str = "we sat down with the principals and went through it page by page until they had it";

fn code_name(i: usize) -> String {
    format!("{}.c{i}", if i.is_multiple_of(2) { "role" } else { "barrier" })
}

/// Makes the study: every answer is one segment; turn 2a is the question, 2a+1 the answer.
pub fn make(plan: Plan) -> Made {
    let mut random = Random::new(plan.seed);
    let names: Vec<String> = (0..plan.codes).map(code_name).collect();
    let mut made = Made {
        codings: Vec::new(),
        turns: Vec::new(),
        texts: BTreeMap::new(),
        truth: BTreeMap::new(),
        codebook: codebook(&names),
    };
    for i in 0..plan.interviews {
        let name = format!("i{i:02}");
        // Interviews differ in how often anything is said.
        let rate = (plan.base_rate * (0.5 + random.unit())).min(0.9);
        let mut text = String::new();
        for a in 0..plan.answers {
            let start = text.len();
            let _ = writeln!(text, "{WORDS} {a}.");
            let end = text.len() - 1;
            made.turns.push(turn(&name, 2 * a, SpeakerRole::Interviewer, start, start));
            made.turns.push(turn(&name, 2 * a + 1, SpeakerRole::Respondent, start, end));
            for code in &names {
                let holds = random.chance(rate);
                made.truth.insert((name.clone(), 2 * a + 1, code.clone()), holds);
                let row = coding(&plan, &name, 2 * a + 1, (start, end), &text, code, holds, &mut random);
                made.codings.extend(row.filter(|row| row.confidence >= WRITTEN));
            }
        }
        made.texts.insert(name, text);
    }
    made
}

fn codebook(names: &[String]) -> Codebook {
    let code = |name: &String| Code {
        name: name.clone(),
        definition: String::new(),
        include: String::new(),
        exclude: String::new(),
        color: String::new(),
        source: String::new(),
        opposite: None,
    };
    let facet = |name: &str| Facet { name: name.to_string(), definition: String::new(), exclusive: false };
    Codebook {
        name: "made".to_string(),
        facets: vec![facet("role"), facet("barrier")],
        codes: names.iter().map(code).collect(),
        ..Codebook::default()
    }
}

fn turn(name: &str, turn: usize, speaker_role: SpeakerRole, start: usize, end: usize) -> TurnRow {
    TurnRow {
        transcript: name.to_string(),
        turn,
        speaker: "R".to_string(),
        speaker_role,
        guessed: false,
        start,
        end,
        start_byte: start,
        end_byte: end,
        time_start_ms: None,
        time_end_ms: None,
        words: 18,
        respondent: name.to_string(),
        pieces: Vec::new(),
    }
}

#[expect(clippy::too_many_arguments, reason = "a row has that many parts")]
fn coding(
    plan: &Plan,
    name: &str,
    turn: usize,
    at: (usize, usize),
    text: &str,
    code: &str,
    holds: bool,
    random: &mut Random,
) -> Option<Coding> {
    // Log-odds of the true model: normal scores of unit variance, `signal` apart.
    let latent = random.normal() + if holds { plan.signal } else { 0.0 };
    let odds = (plan.base_rate / (1.0 - plan.base_rate)).ln();
    let score = odds + plan.signal * latent - plan.signal * plan.signal / 2.0;
    // A rule that misleads: it fires at random and adds to the score.
    let misled = random.chance(0.25);
    let score = score + if misled { 1.5 } else { 0.0 };
    let mut evidence = vec![rule(&format!("{code}/good"), at.0, text, score)];
    if misled {
        evidence.push(rule(&format!("{code}/misleading"), at.0, text, 1.5));
    }
    let confidence = 1.0 / (1.0 + (-plan.boldness * score).exp());
    Some(Coding {
        schema: CODING_SCHEMA.to_string(),
        id: format!("{name}-{turn}-{code}"),
        transcript: name.to_string(),
        source: format!("{name}.txt"),
        respondent: name.to_string(),
        turn,
        speaker: "R".to_string(),
        speaker_role: SpeakerRole::Respondent,
        start: at.0,
        end: at.1,
        start_byte: at.0,
        end_byte: at.1,
        start_utf16: at.0,
        end_utf16: at.1,
        time_start_ms: None,
        time_end_ms: None,
        text: text[at.0..at.1].to_string(),
        code: code.to_string(),
        facet: code.split('.').next().unwrap_or_default().to_string(),
        confidence: (confidence * 1e4).round() / 1e4,
        score: (score * 1e4).round() / 1e4,
        calibrated_on: 0,
        evidence,
        flags: Vec::new(),
        attributes: BTreeMap::from([("level".to_string(), "school".to_string())]),
    })
}

fn rule(id: &str, start: usize, text: &str, weight: f64) -> Evidence {
    let (rule, text) = (id.to_string(), text[start..start + 6].to_string());
    Evidence { rule, start, end: start + 6, text, weight, context: Vec::new() }
}

impl Made {
    /// Writes the study folder as `precode code` would, without the run folders.
    pub fn write(&self, folder: &Path) {
        let lines = |rows: Vec<String>| rows.join("\n") + "\n";
        let json = |row: &Coding| serde_json::to_string(row).unwrap();
        std::fs::write(folder.join("codings.jsonl"), lines(self.codings.iter().map(json).collect())).unwrap();
        let json = |row: &TurnRow| serde_json::to_string(row).unwrap();
        std::fs::write(folder.join("turns.jsonl"), lines(self.turns.iter().map(json).collect())).unwrap();
        std::fs::create_dir_all(folder.join("texts")).unwrap();
        for (name, text) in &self.texts {
            std::fs::write(folder.join(format!("texts/{name}.txt")), text).unwrap();
        }
        let origin = |name: &str| Origin { name: name.to_string(), sha256: "c0de".to_string() };
        let manifest: Manifest = Manifest {
            schema: MANIFEST_SCHEMA.to_string(),
            program: "precode".to_string(),
            version: "0".to_string(),
            run: "0123456789abcdef".to_string(),
            options: BTreeMap::new(),
            lexicon: origin("made.toml"),
            confidence: origin("shipped"),
            respondents: Vec::new(),
            codebook: self.codebook.clone(),
            inputs: Vec::new(),
            files: BTreeMap::new(),
        };
        std::fs::write(folder.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    }

    /// `labels.jsonl` of a coder who errs with this probability on each code of each answer.
    pub fn labels(&self, coder: &str, error: f64, seed: u64) -> String {
        let mut random = Random::new(seed);
        let mut rows: BTreeMap<(String, usize), Vec<String>> = BTreeMap::new();
        for ((transcript, turn, code), holds) in &self.truth {
            let row = rows.entry((transcript.clone(), *turn)).or_default();
            if *holds != random.chance(error) {
                row.push(code.clone());
            }
        }
        let line = |((transcript, turn), labels): ((String, usize), Vec<String>)| {
            serde_json::json!({"transcript": transcript, "turn": turn, "labels": labels, "coder": coder}).to_string()
        };
        rows.into_iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
    }
}
