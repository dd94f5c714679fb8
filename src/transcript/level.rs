//! From which level of the organisation a respondent speaks, where no table says it.
//!
//! Comes in: a transcript with its header. Goes out: the attributes `district`, `department`, `school`, `job_role`
//! from the header, `level` (`central_office` or `school`) and `level_source` (`header` or `words`).
//! Never happens here: a level from a mixed picture. "We" of a district means other people than "we" of a school, so a
//! wrong level is worse than none.

use super::{Speaker, SpeakerRole, Transcript, scheme};
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Header keys and the attributes they fill.
const KEYS: [(&str, &str); 11] = [
    ("district", "district"),
    ("department", "department"),
    ("office", "department"),
    ("school", "school"),
    ("role", "job_role"),
    ("position", "job_role"),
    ("job title", "job_role"),
    ("job role", "job_role"),
    ("level", "level"),
    ("respondent id", "respondent_id"),
    ("participant id", "respondent_id"),
];

/// Words of job titles in schools.
const SCHOOL_JOBS: &[&str] = &["principal", "ap", "teacher", "counselor", "librarian", "paraprofessional", "dean"];
/// Words of job titles that only a central office has.
const CENTRAL_JOBS: &[&str] = &["superintendent", "district", "director", "analyst"];

/// What people in a school say of it.
const SCHOOL_WORDS: &[&str] = &[
    "my school",
    "my teachers",
    "my kids",
    "my students",
    "my building",
    "my classroom",
    "my class",
    "our school",
    "our principal",
    "our kids",
    "our building",
    "my principal",
    "our students",
];
/// What people in a central office say of schools.
const CENTRAL_WORDS: &[&str] = &[
    "principals",
    "the schools",
    "our schools",
    "my schools",
    "schools we serve",
    "each school",
    "every school",
    "all schools",
    "all the schools",
    "my office",
    "our office",
    "across the district",
    "our principals",
];

/// Hits that one side needs, and how many times the other's.
const CLEAR: usize = 3;

/// Fills in what the header and the words say, for respondents; what a table said stays.
pub(super) fn infer(transcript: &mut Transcript) {
    let header = from_header(&transcript.header);
    for speaker in transcript.speakers.iter_mut().filter(|s| s.role == SpeakerRole::Respondent) {
        for (key, value) in &header {
            speaker.attributes.entry(key.clone()).or_insert_with(|| value.clone());
        }
        if let Some(level) = named(speaker) {
            speaker.attributes.entry("level".to_string()).or_insert_with(|| level.to_string());
        }
        if speaker.attributes.contains_key("level") {
            speaker.attributes.entry("level_source".to_string()).or_insert_with(|| "header".to_string());
        }
    }
    if transcript.speakers.iter().any(is_unknown) {
        from_words(transcript);
    }
}

/// A respondent without a level.
fn is_unknown(speaker: &Speaker) -> bool {
    speaker.role == SpeakerRole::Respondent && !speaker.attributes.contains_key("level")
}

fn from_words(transcript: &mut Transcript) {
    let counts = counts(transcript);
    for (speaker, count) in transcript.speakers.iter_mut().zip(counts).filter(|(s, _)| is_unknown(s)) {
        if let Some(level) = clear(count) {
            speaker.attributes.insert("level".to_string(), level.to_string());
            speaker.attributes.insert("level_source".to_string(), "words".to_string());
        }
    }
}

/// The attributes that a header names.
fn from_header(header: &[(String, String)]) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    for (key, value) in header.iter().filter(|(_, value)| !value.is_empty()) {
        if let Some((_, attribute)) = KEYS.iter().find(|(name, _)| name == key) {
            attributes.entry(attribute.to_string()).or_insert_with(|| value.clone());
        }
    }
    if let Some(level) = attributes.get_mut("level") {
        *level = level.to_lowercase().replace([' ', '-'], "_");
    }
    attributes
}

/// The level that a school, a department, a job or a label names.
fn named(speaker: &Speaker) -> Option<&'static str> {
    let job = speaker.attributes.get("job_role").map(|job| job.to_lowercase()).unwrap_or_default();
    let label = scheme::fold(&speaker.name);
    let has = |jobs: &[&str]| {
        [&job, &label].iter().any(|text| text.split(|c: char| !c.is_alphanumeric()).any(|w| jobs.contains(&w)))
    };
    match () {
        () if speaker.attributes.contains_key("school") => Some("school"),
        () if speaker.attributes.contains_key("department") || has(CENTRAL_JOBS) => Some("central_office"),
        () if has(SCHOOL_JOBS) => Some("school"),
        () => None,
    }
}

/// Every phrase above holds exactly one of these words: they are looked for, and the phrase only round one of them.
const ANCHORS: [&str; 9] =
    ["school", "principal", "teachers", "kids", "students", "building", "class", "office", "district"];

/// The phrases of a list that hold an anchor, with the place of the anchor in them.
type Phrases = Vec<(usize, &'static str)>;

/// Counts the phrases of both lists in one pass over the words.
struct Finder {
    anchors: AhoCorasick,
    /// By anchor: the school's phrases, the central office's.
    phrases: Vec<(Phrases, Phrases)>,
}

static FINDER: LazyLock<Option<Finder>> = LazyLock::new(|| {
    let holding = |anchor: &str, list: &[&'static str]| {
        list.iter().filter_map(|phrase| Some((phrase.find(anchor)?, *phrase))).collect()
    };
    let phrases = |anchor: &&str| (holding(anchor, SCHOOL_WORDS), holding(anchor, CENTRAL_WORDS));
    let anchors = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(ANCHORS).ok()?;
    Some(Finder { anchors, phrases: ANCHORS.iter().map(phrases).collect() })
});

/// Hits of each speaker: of a school's words, of a central office's.
fn counts(transcript: &Transcript) -> Vec<(usize, usize)> {
    let mut counts = vec![(0, 0); transcript.speakers.len()];
    let Some(finder) = &*FINDER else { return counts };
    let unknown: Vec<bool> = transcript.speakers.iter().map(is_unknown).collect();
    let mut words = String::new();
    for unit in transcript.units.iter().filter(|unit| unknown[unit.speaker.0 as usize]) {
        lower(unit.span.of(&transcript.text), &mut words);
        finder.count(&words, &mut counts[unit.speaker.0 as usize]);
    }
    counts
}

/// Puts words in lower case as far as the phrases go into `out`: besides A to Z, two characters become a letter of theirs.
fn lower(words: &str, out: &mut String) {
    out.clear();
    if !words.is_ascii() && words.contains(['\u{130}', '\u{212a}']) {
        out.push_str(&words.to_lowercase());
    } else {
        out.push_str(words);
        out.make_ascii_lowercase();
    }
}

impl Finder {
    fn count(&self, words: &str, (school, central): &mut (usize, usize)) {
        for hit in self.anchors.find_iter(words) {
            let (schools, centrals) = &self.phrases[hit.pattern().as_usize()];
            *school += hits(words, hit.start(), schools);
            *central += hits(words, hit.start(), centrals);
        }
    }
}

/// How many of the phrases stand, as whole words, round the anchor at this byte.
fn hits(words: &str, anchor: usize, phrases: &Phrases) -> usize {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let stands = |(place, phrase): &&(usize, &str)| {
        let Some(at) = anchor.checked_sub(*place) else { return false };
        words.as_bytes()[at..].starts_with(phrase.as_bytes())
            && !letter(words[..at].chars().next_back())
            && !letter(words[at + phrase.len()..].chars().next())
    };
    phrases.iter().filter(stands).count()
}

/// A level only where one side is clear.
fn clear((school, central): (usize, usize)) -> Option<&'static str> {
    match () {
        () if school >= CLEAR && school >= CLEAR * central => Some("school"),
        () if central >= CLEAR && central >= CLEAR * school => Some("central_office"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::respondents::{Respondents, attach};
    use super::super::{ReadOptions, read};
    use super::*;

    /// `level/level_source` of the respondent.
    fn level(text: &str) -> String {
        let mut transcript = read(text.as_bytes(), "x.txt", &ReadOptions::default()).unwrap();
        attach(&mut transcript, &Respondents::default());
        let attributes = &transcript.speakers[1].attributes;
        let get = |key: &str| attributes.get(key).map_or("-", String::as_str);
        format!("{}/{}", get("level"), get("level_source"))
    }

    #[test]
    fn phrases_are_found_as_by_looking_for_each() {
        let plain = |words: &str, list: &[&str]| {
            let words = words.to_lowercase();
            let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let whole = |at: usize, len: usize| {
                !letter(words[..at].chars().next_back()) && !letter(words[at + len..].chars().next())
            };
            list.iter().map(|p| words.match_indices(p).filter(|(at, hit)| whole(*at, hit.len())).count()).sum()
        };
        let all = [SCHOOL_WORDS, CENTRAL_WORDS].concat();
        for phrase in &all {
            assert_eq!(ANCHORS.iter().map(|a| phrase.matches(a).count()).sum::<usize>(), 1, "{phrase}");
        }
        let around =
            ["", " ", "s", "\u{e9}", "\u{130}", "\u{212a}", "\u{2019}", ". And all ", "the schools we serve"];
        for phrase in all.iter().map(|p| p.to_uppercase()).chain(all.iter().map(|p| p.replace('k', "\u{212a}"))) {
            for (before, after) in around.iter().flat_map(|b| around.iter().map(move |a| (b, a))) {
                let words = format!("{before}{phrase}{after}");
                let (mut low, mut found) = (String::from("the kids"), (0, 0));
                lower(&words, &mut low);
                FINDER.as_ref().unwrap().count(&low, &mut found);
                assert_eq!(found, (plain(&words, SCHOOL_WORDS), plain(&words, CENTRAL_WORDS)), "{words}");
            }
        }
    }

    #[test]
    fn level_from_header_label_and_words() {
        let cases = [
            ("School: Larkin\nRole: Librarian\n\nI: How?\nR: Fine.\n", "school/header"),
            ("Department: Literacy\nRole: Lead\n\nI: How?\nR: Fine.\n", "central_office/header"),
            ("Department / Role: Literacy / Lead\n\nI: How?\nR: Fine.\n", "central_office/header"),
            ("Role: Assistant principal\nDate: x\n\nI: How?\nR: Fine.\n", "school/header"),
            ("I: How?\nAP: Fine.\nI: So?\nAP: No.\n", "school/header"),
            ("I: How?\nR: My school, my teachers and my kids know.\n", "school/words"),
            ("I: How?\nR: The principals in our schools and the schools we serve.\n", "central_office/words"),
            ("I: How?\nR: My school, my kids, my teachers, the principals.\n", "school/words"),
            ("I: How?\nR: My school and the schools.\n", "-/-"),
        ];
        for (text, want) in cases {
            assert_eq!(level(text), want, "{text}");
        }
    }
}
