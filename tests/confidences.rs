//! Confidences against their definition, in every segment of an interview.

use precode::codebook::CodeId;
use precode::confidence::{SCORE_RANGE, judge, sigmoid};
use precode::evidence::{self, Gathered};
use precode::lexicon::{self, Lexicon};
use precode::matcher::Scene;
use precode::pipeline::{Coder, Options};
use precode::transcript::{ReadOptions, read};
use std::collections::BTreeSet;
use std::path::Path;

/// The cue score of a code, word by word.
fn cue_score(scene: &Scene, lexicon: &Lexicon, code: usize) -> f64 {
    let cues = &lexicon.model.as_ref().expect("a fitted codebook").cues;
    let stem = |at: usize| cues.stem(&scene.forms.get(scene.tokens[at].form).readings[0].stem);
    let mut rows = BTreeSet::new();
    for sentence in scene.sentences {
        let stems: Vec<u32> = sentence.clone().map(stem).collect();
        rows.extend(stems.iter().filter_map(|stem| cues.single(*stem)));
        rows.extend(stems.windows(2).filter_map(|pair| cues.pair(pair[0], pair[1])));
    }
    let n_tokens: usize = scene.sentences.iter().map(ExactSizeIterator::len).sum();
    rows.iter().map(|row| cues.weight(*row, code)).sum::<f64>() / (n_tokens as f64).sqrt()
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

#[test]
fn confidences_are_what_they_are_said_to_be() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (lexicon, _) = lexicon::load(&here.join("lexicons/brokering.toml")).expect("the codebook");
    let bytes = std::fs::read(here.join("corpus/interviews/b02.txt")).expect("an interview");
    let transcript = read(&bytes, "b02.txt", &ReadOptions::default()).expect("a transcript");
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
