//! Confidences against their definition, in every segment of an interview.

use precode::codebook::CodeId;
use precode::coding::PROPOSED;
use precode::confidence::{Judge, SCORE_RANGE, judge, sigmoid};
use precode::evidence::{self, Gathered, Gatherer};
use precode::lexicon::{self, Lexicon};
use precode::matcher::Scene;
use precode::pipeline::{Coder, Options};
use precode::transcript::{ReadOptions, Transcript, read};
use std::collections::BTreeSet;
use std::path::Path;

/// The cue score of a code, word by word.
fn cue_score(scene: &Scene, lexicon: &Lexicon, code: usize) -> f64 {
    let cues = &lexicon.model.as_ref().expect("a fitted codebook").cues;
    let stem = |at: usize| cues.stem(scene.stem(at));
    let mut rows = BTreeSet::new();
    for sentence in scene.sentences {
        let stems: Vec<u32> = sentence.clone().map(stem).collect();
        rows.extend(stems.iter().filter_map(|stem| cues.single(*stem)));
        rows.extend(stems.windows(2).filter_map(|pair| cues.pair(pair[0], pair[1])));
    }
    let n_tokens: usize = scene.sentences.iter().map(ExactSizeIterator::len).sum();
    rows.iter().map(|row| cues.weight(*row, code)).sum::<f64>() / (n_tokens.max(32) as f64).sqrt()
}

/// Base, level, rules and cues.
fn log_odds(scene: &Scene, gathered: &Gathered, lexicon: &Lexicon, name: &str) -> f64 {
    let line = &lexicon.model.as_ref().expect("a fitted codebook").confidence.codes[name];
    let codes = &lexicon.codebook.codes;
    let rule = |(place, id): (usize, CodeId)| {
        let slope = line.rules.get(&codes[place].name).copied().unwrap_or(0.0);
        slope * gathered.score(id).clamp(SCORE_RANGE.0, SCORE_RANGE.1)
    };
    let rules: f64 = lexicon.codebook.ids().enumerate().map(rule).sum();
    let level = scene.level.and_then(|level| line.level.get(level)).copied().unwrap_or(0.0);
    let place = codes.iter().position(|code| code.name == name).expect("a code");
    line.base + level + rules + line.cues * cue_score(scene, lexicon, place)
}

fn transcript_of(bytes: &[u8]) -> Transcript {
    read(bytes, "t.txt", &ReadOptions::default()).expect("a transcript")
}

fn interview(name: &str) -> Transcript {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/interviews").join(name);
    transcript_of(&std::fs::read(path).expect("an interview"))
}

fn shipped(name: &str) -> Lexicon {
    lexicon::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("lexicons").join(name)).expect("the codebook").0
}

/// Judges every segment as coding does, and as if every rule were worked out; says how many are coded, and how many
/// are not.
fn compare(lexicon: &Lexicon, transcript: &Transcript, least: f64) -> [usize; 2] {
    let coder = Coder::new(lexicon, Options::default());
    let (mut gatherer, mut weighing) = (Gatherer::new(lexicon), Judge::new(lexicon));
    let mut n = [0; 2];
    coder.worker().visit(transcript, |glimpse| {
        let scene = &glimpse.scene;
        gatherer.begin_turn();
        let gathered = gatherer.gather(scene, &glimpse.around);
        let all = Some(judge(scene, &gathered, least)).filter(|verdicts| !verdicts.is_empty());
        gatherer.begin_turn();
        let weighed = weighing.weigh(&mut gatherer, scene, &glimpse.around, least);
        n[usize::from(weighed.is_none())] += 1;
        assert_eq!(weighed, all.map(|verdicts| (gathered, verdicts)), "{least} {}", glimpse.span.of(scene.text));
    });
    n
}

/// [`compare`] at several confidences.
fn compare_all(lexicon: &Lexicon, transcript: &Transcript) -> [usize; 2] {
    let each = [0.05, 0.2, 0.4, 0.5, 0.9].map(|least| compare(lexicon, transcript, least));
    each.into_iter().fold([0; 2], |[a, b], [c, d]| [a + c, b + d])
}

#[test]
fn what_is_not_worked_out_changes_nothing() {
    let interviews = ["b01.txt", "b02.txt"].map(interview);
    for codebook in ["brokering.toml", "assistance.toml", "learning-system.toml", "patient-care.toml"] {
        let lexicon = shipped(codebook);
        let [[a, b], [c, d]] = interviews.each_ref().map(|interview| compare_all(&lexicon, interview));
        let (coded, others) = (a + c, b + d);
        assert!(coded > 0 && others > 20, "{codebook} {coded} {others}");
    }
    assert_eq!(compare(&shipped("brokering.toml"), &interviews[0], 0.0)[1], 0);
}

#[test]
fn rules_that_ask_for_codes_or_turn_are_worked_out_in_time() {
    let code = |name: &str, more: &str| format!("[[code]]\nname = \"f.{name}\"\ndefinition = \"d\"\n{more}\n");
    let rule = |id: &str, code: &str, pattern: &str, weight: f64, more: &str| {
        let head = format!("[[rule]]\nid = \"{id}\"\ncode = \"f.{code}\"\npattern = \"{pattern}\"\n");
        format!("{head}weight = {weight:?}\n{more}\n")
    };
    let book = [
        "[codebook]\nname = \"a\"\n[[facet]]\nname = \"f\"\n".to_string(),
        code("a", "opposite = \"f.b\""),
        code("b", "opposite = \"f.a\""),
        code("c", ""),
        rule("r1", "a", "train", 0.6, "negated = \"opposite\""),
        rule("r2", "c", "coach", 0.5, "with = \"#f.a\""),
        rule("r3", "c", "meet", 0.4, "without = \"#f.b\""),
        rule("r4", "b", "refuse", -0.5, ""),
    ];
    let (lexicon, _) = lexicon::parse("a.toml", &book.concat()).expect("a codebook");
    let words = ["We train.", "We never train.", "We coach.", "They meet. They meet. They meet.", "They refuse."];
    let said = (1..1 << words.len()).map(|set| {
        let words = (0..words.len()).filter(|word| set >> word & 1 != 0).map(|word| words[word]);
        format!("Interviewer: And then?\nAna: {}\n", words.collect::<Vec<_>>().join(" "))
    });
    let [coded, others] = compare_all(&lexicon, &transcript_of(said.collect::<String>().as_bytes()));
    assert!(coded > 60 && others > 60, "{coded} {others}");
}

#[test]
fn confidences_are_what_they_are_said_to_be() {
    let (lexicon, transcript) = (shipped("brokering.toml"), interview("b02.txt"));
    let coder = Coder::new(&lexicon, Options::default());
    let mut n_written = 0;
    coder.worker().visit(&transcript, |glimpse| {
        let scene = &glimpse.scene;
        let gathered = evidence::gather(scene, &glimpse.around);
        let all = judge(scene, &gathered, 0.0);
        assert_eq!(all.len(), lexicon.codebook.codes.len());
        for verdict in &all {
            let want = log_odds(scene, &gathered, &lexicon, &lexicon.codebook.code(verdict.code).name);
            assert!((verdict.score - want).abs() < 1e-9 && verdict.confidence == sigmoid(verdict.score));
            assert!(verdict.cues.iter().all(|(cue, _)| (1..=2).contains(&(cue.end - cue.start))));
        }
        for least in [0.2, 0.5] {
            let written: Vec<_> = all.iter().filter(|verdict| verdict.confidence >= least).cloned().collect();
            n_written += written.len();
            assert_eq!(judge(scene, &gathered, least), written, "those far below are not looked at, and no other");
        }
    });
    assert!(n_written > 20, "{n_written}");
}

#[test]
fn a_few_common_words_are_never_proposed() {
    let answers = [
        "No.",
        "Yes.",
        "Yeah.",
        "Right.",
        "Exactly.",
        "How?",
        "Each other.",
        "See you.",
        "Number two.",
        "I got you.",
        "Let me-",
        "Outside.",
        "Thanks for having me.",
        "Have a good one.",
        "They said it would take-",
        "Never.",
        "You think that's good?",
        "I did it honorably.",
        "He's in limits.",
        "Mm-hm, sure.",
        "By who?",
        "We did.",
        "No, it's not.",
        "A lot of it, yes.",
        "Could be months.",
        "It depends.",
        "I don't know.",
        "Good question.",
    ];
    let said: String = answers.iter().map(|answer| format!("Interviewer: And then?\nAna: {answer}\n")).collect();
    let transcript = transcript_of(said.as_bytes());
    for codebook in ["brokering.toml", "assistance.toml", "learning-system.toml"] {
        let lexicon = shipped(codebook);
        let coded = Coder::new(&lexicon, Options::default()).worker().code(&transcript);
        assert_eq!(coded.n_answers, answers.len());
        let proposed = coded.codings.iter().filter(|row| row.confidence >= PROPOSED);
        assert_eq!(proposed.map(|row| (&*row.text, &*row.code)).collect::<Vec<_>>(), [], "{codebook}");
    }
}
