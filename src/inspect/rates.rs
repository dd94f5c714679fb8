//! How often rules and words are found: what is too frequent to tell anything, and what no term catches.
//!
//! Comes in: transcripts, one after another. Goes out: counts by rule, by term and by word. Never happens here: a
//! judgement of codings.

use crate::diagnostic::Diagnostic;
use crate::evidence;
use crate::lexicon::Lexicon;
use crate::lexicon::pattern::{self, Node, Term};
use crate::lexicon::source::Placed;
use crate::lexicon::terms::glob_matches;
use crate::matcher::Scene;
use crate::pipeline::{Coder, Glimpse, Options};
use crate::token::Stemmer;
use crate::transcript::{SpeakerRole, Transcript};
use std::collections::{BTreeMap, BTreeSet};

/// A rule that fires in a larger share of answers is told of.
pub const FREQUENT_RULE: f64 = 0.25;

/// A list entry that is found more often in 1,000 words is told of.
pub const FREQUENT_WORD: f64 = 8.0;

/// Answers below which a share means nothing.
const LEAST_ANSWERS: usize = 20;

/// Counts over transcripts.
pub struct Rates<'l> {
    lexicon: &'l Lexicon,
    /// Respondents' answers.
    pub answers: usize,
    /// Their words.
    pub words: usize,
    /// For each rule: hits.
    pub hits: Vec<usize>,
    /// For each rule: answers with a hit.
    pub answers_of: Vec<BTreeSet<(String, usize)>>,
    /// Content words that meet no term of a rule or list, with how often and in how many transcripts.
    pub uncaught: BTreeMap<String, (usize, BTreeSet<String>)>,
    /// For each distinct word: its stem, and how often.
    said: BTreeMap<String, (String, usize)>,
    stemmer: Stemmer,
}

impl<'l> Rates<'l> {
    /// Nothing counted yet.
    pub fn new(lexicon: &'l Lexicon) -> Self {
        Rates {
            lexicon,
            answers: 0,
            words: 0,
            hits: vec![0; lexicon.rules.len()],
            answers_of: vec![BTreeSet::new(); lexicon.rules.len()],
            uncaught: BTreeMap::new(),
            said: BTreeMap::new(),
            stemmer: Stemmer::new(lexicon.language),
        }
    }

    /// Counts the respondents' answers of a transcript.
    pub fn add(&mut self, transcript: &Transcript) {
        let lexicon = self.lexicon;
        let coder = Coder::new(lexicon, Options::default());
        let mut turns = BTreeSet::new();
        coder.worker().visit(transcript, |glimpse| {
            if glimpse.speaker.role == SpeakerRole::Respondent {
                turns.insert(glimpse.turn);
                self.segment(transcript, glimpse);
            }
        });
        self.answers += turns.len();
    }

    fn segment(&mut self, transcript: &Transcript, glimpse: &Glimpse) {
        let scene = &glimpse.scene;
        let gathered = evidence::gather(scene, &glimpse.around);
        let found: BTreeSet<_> = gathered.by_code.values().flatten().map(|f| (f.rule, f.hit)).collect();
        for (rule, _) in found {
            self.hits[rule] += 1;
            self.answers_of[rule].insert((transcript.name.clone(), glimpse.turn));
        }
        for i in scene.sentences.iter().flat_map(|sentence| sentence.clone()) {
            self.words += 1;
            self.word(transcript, scene, i);
        }
    }

    fn word(&mut self, transcript: &Transcript, scene: &Scene, i: usize) {
        let key = scene.key(i);
        let stem = scene.stem(i);
        match self.said.get_mut(key) {
            Some((_, count)) => *count += 1,
            None => {
                self.said.insert(key.to_string(), (stem.to_string(), 1));
            }
        }
        if !scene.terms(i).is_empty() || !is_content(key) {
            return;
        }
        let (count, transcripts) = self.uncaught.entry(stem.to_string()).or_default();
        *count += 1;
        transcripts.insert(transcript.name.clone());
    }

    /// How often an entry of one word is found; none for other entries.
    fn count(&self, entry: &Placed<String>) -> Option<usize> {
        let Node::Term(term) = pattern::parse(&entry.value).ok()? else { return None };
        let meets = |key: &str, stem: &str| match &term {
            Term::Word(word) => word == key,
            Term::Glob(glob) => glob_matches(glob, key),
            Term::Stem(word) => self.stemmer.stem(word) == stem,
            Term::Exact(_) | Term::Number => false,
        };
        Some(self.said.iter().filter(|(key, (stem, _))| meets(key, stem)).map(|(_, (_, count))| count).sum())
    }

    /// Warnings for rules and list entries that are found too often.
    pub fn frequent(&self) -> Vec<Diagnostic> {
        if self.answers < LEAST_ANSWERS {
            return Vec::new();
        }
        let source = &self.lexicon.source;
        let rules = self.lexicon.rules.iter().zip(&self.answers_of).filter_map(|(rule, answers)| {
            let share = answers.len() as f64 / self.answers as f64;
            let percent = share * 100.0;
            let message = format!("rule \"{}\" fires in {percent:.0} % of {} answers", rule.id, self.answers);
            (share > FREQUENT_RULE).then(|| source.warning("lexicon-frequent", &rule.place, message))
        });
        let words = source.lists.iter().flat_map(|(_, entries)| entries).filter_map(|entry| {
            let rate = self.count(entry)? as f64 * 1000.0 / self.words.max(1) as f64;
            let message = format!("\"{}\" is found {rate:.1} times in 1,000 words", entry.value);
            (rate > FREQUENT_WORD).then(|| source.warning("lexicon-frequent", entry, message))
        });
        let help = "say what must stand beside it, or lower the weight";
        rules.chain(words).map(|found| found.help(help)).collect()
    }
}

/// Words that carry no subject of their own: grammar, and what people say in every conversation.
const PLAIN: &str = "a about above across actually after again against ago all almost along already also although always \
    am among an and another any anybody anyone anything anyway are around as ask asked at away back bad be became because \
    become been before behind being below best better between big bit both bring brought but by call called came can \
    cannot ca come comes coming could day days did different do does doing done down during each either else enough even \
    ever every everybody everyone everything far feel few find first five for found four from gave get gets getting give \
    gives go goes going gone good got great guess had half hand happen happened has have having he hear heard her here \
    hers him his how i if in instead into is it its just keep kept kind knew know last least left less let like little \
    long look looked lot made make makes many may maybe me mean might mind mine more most much must my myself n't name \
    need never new next no nobody none nor not nothing now of off often oh okay old on once one ones only or other others \
    our ours out over own part people perhaps place put quite rather really right said same sat saw say saying says see \
    seem seen she should show since sit small so some somebody someone something sometimes sort still stuff such sure take \
    takes taking talk tell than that the their theirs them then there these they thing things think third this those \
    though thought three through time times to today together told too took toward tried true try trying turn two under \
    until up upon us use used using usually very want wanted was way we week weeks well went were what whatever when where \
    whether which while who whole whom whose why will with within without wo word words work would yeah year years yes yet \
    you your yours";

/// True for a word that may tell something of its subject.
pub fn is_content(key: &str) -> bool {
    let has_letters = key.chars().filter(|c| c.is_alphabetic()).count() > 2;
    has_letters && !key.starts_with('\'') && !PLAIN.split_whitespace().any(|plain| plain == key)
}
