//! Makes study folders as `precode code` publishes them: small ones that read like interviews, and big ones.

use precode::coding::{CODING_SCHEMA, Coding, Evidence, Flag, PROPOSED, TurnRow};
use precode::transcript::SpeakerRole;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What a respondent says: sentences, and proposals on a range of them as (code, words of evidence, confidence).
struct Answer {
    sentences: &'static [&'static str],
    proposals: &'static [(&'static str, usize, usize, &'static str, f64)],
}

const QUESTIONS: &[&str] = &[
    "Could you walk me through what your week looks like?",
    "And how do the schools come into that?",
    "What happens with what you collect?",
    "Who else do you work with on this?",
    "What gets in the way?",
    "Can you give me an example?",
];

const ANSWERS: &[Answer] = &[
    Answer {
        sentences: &[
            "Well, mostly I am out in buildings.",
            "We ran eleven workshops for principals this fall, and we covered every single one of them.",
            "The first half hour is always coffee.",
        ],
        proposals: &[
            ("role.trainer", 1, 2, "ran eleven workshops for principals", 0.93),
            ("orientation.authoritative", 1, 2, "covered every single one", 0.58),
        ],
    },
    Answer {
        sentences: &[
            "The handbook was ours, in name.",
            "But the teachers on the committee rewrote half of it, and honestly their half is the one people use.",
            "I learned more from that than from any consultant we ever paid.",
        ],
        proposals: &[
            ("orientation.collaborative", 1, 3, "teachers on the committee rewrote", 0.88),
            ("role.tool_designer", 1, 3, "rewrote half of it", 0.71),
            ("community.school_staff", 1, 3, "teachers on the committee", 0.46),
        ],
    },
    Answer {
        sentences: &[
            "Every school sends us its attendance sheet by the fifth, and I check them line by line.",
            "If it is late, it goes to my director – that’s just how it works.",
            "Nobody likes me on the sixth 🙂.",
        ],
        proposals: &[
            ("role.data_manager", 0, 1, "check them line by line", 0.95),
            ("orientation.authoritative", 0, 2, "goes to my director", 0.52),
            ("barrier.directives", 1, 2, "by the fifth", 0.24),
        ],
    },
    Answer {
        sentences: &[
            "You call downtown and nobody calls you back.",
            "I have a folder of messages.",
            "They should come and see the building once, once!",
        ],
        proposals: &[
            ("barrier.low_priority", 0, 1, "nobody calls you back", 0.91),
            ("barrier.lack_understanding", 2, 3, "should come and see the building", 0.49),
        ],
    },
    Answer {
        sentences: &[
            "There is a fellow from the university who sits with us every month.",
            "He brings his questions and we bring ours, and then we change the protocol together.",
        ],
        proposals: &[
            ("community.outside", 0, 1, "fellow from the university", 0.84),
            ("orientation.collaborative", 1, 2, "change the protocol together", 0.67),
        ],
    },
    Answer {
        sentences: &[
            "I don’t hand anything down, no.",
            "I get the coordinators from the three schools into one room and then I am quiet.",
            "They fix each other’s schedules; I bring sandwiches.",
        ],
        proposals: &[
            ("role.network_builder", 1, 3, "coordinators from the three schools into one room", 0.79),
            ("orientation.authoritative", 0, 1, "hand anything down", 0.31),
        ],
    },
    Answer {
        sentences: &["Oh, the copier.", "The copier and the bell schedule, if you want the truth."],
        proposals: &[],
    },
    Answer {
        sentences: &[
            "When the scores come I sit down with the principal and we read them together.",
            "She asks, I ask, and by the end we both see something else than we came in with.",
        ],
        proposals: &[
            ("role.data_manager", 0, 1, "read them together", 0.82),
            ("orientation.collaborative", 0, 2, "we both see something else", 0.74),
        ],
    },
];

const CODES: &[(&str, &str, &str, &str, &str)] = &[
    (
        "role.tool_designer",
        "#3B6FB6",
        "Makes or adapts materials that carry policy into schools.",
        "Handbooks, guides, rubrics, templates, protocols.",
        "Merely receiving or reading such material.",
    ),
    (
        "role.data_manager",
        "#1B8A8F",
        "Collects, checks or helps read data about schools.",
        "Scores, attendance, plans, evaluations; feedback on plans.",
        "Speaking of “information” in general.",
    ),
    (
        "role.trainer",
        "#7A5BB5",
        "Designs or gives training to adults in schools.",
        "Workshops, in-services, coaching.",
        "Training of students.",
    ),
    (
        "role.network_builder",
        "#3F7F3A",
        "Makes or keeps connections between people who hold expertise.",
        "Meetings where schools share, liaison.",
        "A meeting that only hands out information.",
    ),
    (
        "orientation.authoritative",
        "#B4561F",
        "Expertise is held by the district and flows to schools.",
        "Knows what schools need without asking; counts coverage.",
        "A rule that comes from the law.",
    ),
    (
        "orientation.collaborative",
        "#A0722A",
        "Schools are also sources of expertise.",
        "Co-writes, learns alongside, is changed by what schools say.",
        "Politeness.",
    ),
    (
        "community.school_staff",
        "#5E7D2B",
        "Works with people in schools as partners.",
        "On-going exchange, joint making.",
        "A bare mention.",
    ),
    (
        "community.outside",
        "#84762A",
        "Works with people outside the district.",
        "Universities, foundations.",
        "A bare mention.",
    ),
    (
        "barrier.low_priority",
        "#B23A48",
        "Hard to reach; meetings and paperwork come first.",
        "Calls not returned, visits cancelled.",
        "One missed call with an apology.",
    ),
    (
        "barrier.directives",
        "#96405F",
        "Told what to do and by when.",
        "Memos, no conversation.",
        "Dates that schools chose.",
    ),
    (
        "barrier.lack_understanding",
        "#7D4A78",
        "Never set foot in the building.",
        "Judges by paper alone.",
        "A first visit.",
    ),
];

/// The codebook of every study made here.
pub fn codebook() -> serde_json::Value {
    let facets = ["role", "orientation", "community", "barrier"];
    let facets: Vec<_> = facets
        .iter()
        .map(|name| json!({ "name": name, "definition": format!("What the answer says about {name}."), "exclusive": *name == "orientation" }))
        .collect();
    let codes: Vec<_> = CODES
        .iter()
        .map(|(name, color, definition, include, exclude)| {
            json!({ "name": name, "color": color, "definition": definition, "include": include, "exclude": exclude })
        })
        .collect();
    json!({ "name": "brokering", "title": "District staff as brokers", "version": "1", "facets": facets, "codes": codes })
}

/// How a study shall be.
pub struct Shape {
    /// Number of transcripts.
    pub n_transcripts: usize,
    /// Answers in each.
    pub n_answers: usize,
    /// Name of the run.
    pub run: &'static str,
    /// Put before every text.
    pub before: &'static str,
}

impl Default for Shape {
    fn default() -> Self {
        Shape { n_transcripts: 6, n_answers: 12, run: "run-one", before: "" }
    }
}

/// Writes a study folder.
pub fn write(root: &Path, shape: &Shape) {
    write_with(root, shape, |_, text| text)
}

/// Writes a study folder whose sentences pass through `change` (transcript number, sentence).
pub fn write_with(root: &Path, shape: &Shape, change: impl Fn(usize, String) -> String) {
    fs::create_dir_all(root.join("texts")).unwrap();
    let mut codings = BufWriter::new(fs::File::create(root.join("codings.jsonl")).unwrap());
    let mut turns = BufWriter::new(fs::File::create(root.join("turns.jsonl")).unwrap());
    for number in 0..shape.n_transcripts {
        let built = build(number, shape, &change);
        fs::write(root.join("texts").join(format!("{}.txt", built.name)), &built.text).unwrap();
        for turn in &built.turns {
            serde_json::to_writer(&mut turns, turn).unwrap();
            turns.write_all(b"\n").unwrap();
        }
        for coding in &built.codings {
            serde_json::to_writer(&mut codings, coding).unwrap();
            codings.write_all(b"\n").unwrap();
        }
    }
    codings.flush().unwrap();
    turns.flush().unwrap();
    let nothing = json!({ "name": "made for a test", "sha256": "" });
    let manifest = json!({
        "schema": "precode.manifest/1", "program": "precode", "version": "0", "run": shape.run, "options": {},
        "lexicon": nothing, "confidence": nothing, "respondents": [], "codebook": codebook(), "inputs": [], "files": {},
    });
    // A new file every time, as a new run is.
    let _ = fs::remove_file(root.join("manifest.json"));
    fs::write(root.join("manifest.json"), manifest.to_string()).unwrap();
}

struct Built {
    name: String,
    text: String,
    turns: Vec<TurnRow>,
    codings: Vec<Coding>,
}

/// Grows a text and knows how long it is in every unit.
#[derive(Default)]
struct Text {
    text: String,
    chars: usize,
    utf16: usize,
}

impl Text {
    fn push(&mut self, words: &str) -> [(usize, usize, usize); 2] {
        let start = (self.text.len(), self.chars, self.utf16);
        self.text.push_str(words);
        self.chars += words.chars().count();
        self.utf16 += words.encode_utf16().count();
        [start, (self.text.len(), self.chars, self.utf16)]
    }
}

fn build(number: usize, shape: &Shape, change: &impl Fn(usize, String) -> String) -> Built {
    let name = if shape.n_transcripts > 1000 { format!("t{number:05}") } else { format!("b{:02}", number + 1) };
    let mut text = Text::default();
    text.push(shape.before);
    let mut built = Built { name: name.clone(), text: String::new(), turns: Vec::new(), codings: Vec::new() };
    let respondent = format!("R{:02}", 98usize.wrapping_sub(number) % 100);
    let level = if number % 3 == 2 { "school" } else { "central_office" };
    let attributes = BTreeMap::from([
        ("district".to_owned(), ["Northgate", "Lakeside"][number % 2].to_owned()),
        ("level".to_owned(), level.to_owned()),
    ]);
    for i in 0..shape.n_answers {
        let question = QUESTIONS[(i + number) % QUESTIONS.len()];
        text.push("Interviewer: ");
        let span = text.push(&change(number, question.to_owned()));
        built.turns.push(turn_row(&name, built.turns.len(), "Interviewer", span, question, "Interviewer"));
        text.push("\n\nRespondent: ");
        let answer = &ANSWERS[(i * 3 + number * 5) % ANSWERS.len()];
        let mut spans = Vec::new();
        for (k, sentence) in answer.sentences.iter().enumerate() {
            if k > 0 {
                text.push(" ");
            }
            spans.push(text.push(&change(number, (*sentence).to_owned())));
        }
        let whole = [spans[0][0], spans[spans.len() - 1][1]];
        let turn = built.turns.len();
        let words = text.text[whole[0].0..whole[1].0].to_owned();
        built.turns.push(turn_row(&name, turn, "Respondent", whole, &words, &respondent));
        for (p, proposal) in answer.proposals.iter().enumerate() {
            let coding = coding(&text.text, &name, turn, &spans, proposal, (number, i, p), &respondent, &attributes);
            built.codings.push(coding);
        }
        text.push("\n\n");
    }
    built.text = text.text;
    built
}

type Ends = [(usize, usize, usize); 2];

fn turn_row(name: &str, turn: usize, speaker: &str, span: Ends, words: &str, respondent: &str) -> TurnRow {
    let role = if speaker == "Interviewer" { SpeakerRole::Interviewer } else { SpeakerRole::Respondent };
    TurnRow {
        transcript: name.to_owned(),
        turn,
        speaker: speaker.to_owned(),
        speaker_role: role,
        guessed: false,
        start: span[0].1,
        end: span[1].1,
        start_byte: span[0].0,
        end_byte: span[1].0,
        time_start_ms: None,
        time_end_ms: None,
        words: words.split_whitespace().count(),
        respondent: respondent.to_owned(),
        pieces: Vec::new(),
    }
}

#[allow(clippy::too_many_arguments)] // A row has many columns.
fn coding(
    text: &str,
    name: &str,
    turn: usize,
    spans: &[Ends],
    proposal: &(&str, usize, usize, &str, f64),
    (number, i, p): (usize, usize, usize),
    respondent: &str,
    attributes: &BTreeMap<String, String>,
) -> Coding {
    let &(code, from, to, words, confidence) = proposal;
    let (start, end) = (spans[from][0], spans[to - 1][1]);
    let quote = &text[start.0..end.0];
    // A little different in every place, so that orders have something to do.
    let confidence = (confidence + ((number * 7 + i * 3) % 9) as f64 / 200.0 - 0.02).clamp(0.2, 0.99);
    let evidence = quote.find(words).map(|at| {
        let first = start.1 + quote[..at].chars().count();
        Evidence {
            rule: format!("{}-{}", code.split('.').nth(1).unwrap_or(code), words.split(' ').next().unwrap_or("x")),
            start: first,
            end: first + words.chars().count(),
            text: words.to_owned(),
            weight: 0.8,
            context: if words.starts_with("should") { vec!["hypothetical".to_owned()] } else { Vec::new() },
        }
    });
    let mut flags = Vec::new();
    if confidence < PROPOSED {
        flags.push(Flag::Weak);
    }
    if code.starts_with("orientation") && (0.45..0.6).contains(&confidence) {
        flags.push(Flag::Conflict);
    }
    Coding {
        schema: CODING_SCHEMA.to_owned(),
        id: format!("{:016x}", (number as u64) << 32 | (i as u64) << 16 | p as u64 | 0xA000_0000_0000_0000),
        transcript: name.to_owned(),
        source: format!("{name}.txt"),
        respondent: respondent.to_owned(),
        turn,
        speaker: "Respondent".to_owned(),
        speaker_role: SpeakerRole::Respondent,
        start: start.1,
        end: end.1,
        start_byte: start.0,
        end_byte: end.0,
        start_utf16: start.2,
        end_utf16: end.2,
        time_start_ms: None,
        time_end_ms: None,
        text: quote.to_owned(),
        code: code.to_owned(),
        facet: code.split('.').next().unwrap_or("").to_owned(),
        confidence,
        score: (confidence / (1.0 - confidence)).ln(),
        calibrated_on: if code.starts_with("role") { 62 } else { 0 },
        evidence: evidence.into_iter().collect(),
        flags,
        attributes: attributes.clone(),
    }
}
