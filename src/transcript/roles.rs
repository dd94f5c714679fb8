//! Who asks and who answers.
//!
//! Comes in: a transcript whose speakers are known by name. Goes out: a role for each, and a warning where it is a
//! guess. Never happens here: a change of units or names.
//!
//! The user's word counts most, then labels and the header, then how people speak.

use super::scheme::{self, Says};
use super::{ReadOptions, SpeakerRole, Transcript, accept, header};
use crate::diagnostic::Diagnostic;

/// Share of somebody's units that must hold a question before they can be the one who asks.
const ASKS: f64 = 0.4;

/// Gives every speaker a role.
pub(super) fn assign(transcript: &mut Transcript, options: &ReadOptions) {
    by_label(transcript);
    if by_user(transcript, options) {
        return settle(transcript);
    }
    by_header(transcript);
    if has(transcript, SpeakerRole::Interviewer) {
        return settle(transcript);
    }
    guess(transcript);
}

/// What the labels say by themselves.
fn by_label(transcript: &mut Transcript) {
    for speaker in &mut transcript.speakers {
        let (role, guessed) = match scheme::says(&speaker.name) {
            Says::Interviewer => (SpeakerRole::Interviewer, false),
            Says::Respondent => (SpeakerRole::Respondent, false),
            Says::Other => (SpeakerRole::Other, false),
            Says::Somebody | Says::Nothing => (SpeakerRole::Respondent, true),
        };
        (speaker.role, speaker.guessed) = (role, guessed);
    }
}

/// Labels that the user names are interviewers and nobody else is, if the file has any of them.
fn by_user(transcript: &mut Transcript, options: &ReadOptions) -> bool {
    let meant = meant(transcript, &options.interviewers);
    if meant.is_empty() {
        return false;
    }
    for (i, speaker) in transcript.speakers.iter_mut().enumerate() {
        if meant.iter().any(|(_, speaker)| *speaker == i) {
            (speaker.role, speaker.guessed) = (SpeakerRole::Interviewer, false);
        } else if speaker.role == SpeakerRole::Interviewer {
            speaker.role = SpeakerRole::Respondent;
        }
    }
    true
}

/// Which of these labels mean which speakers, as places in both lists. A label means the speaker who bears it; in a file
/// that has none of them, also `INT1` by `INT`, and `JM` by `Jane Miller`.
pub(super) fn meant(transcript: &Transcript, labels: &[String]) -> Vec<(usize, usize)> {
    let plain =
        |label: &str| scheme::fold(label).trim_matches(|c: char| c.is_whitespace() || "\"':".contains(c)).to_string();
    let pairs = |same: &dyn Fn(&str, &str) -> bool| -> Vec<(usize, usize)> {
        let label = |(i, label): (usize, &String)| {
            let named = plain(label);
            let bear = transcript
                .speakers
                .iter()
                .enumerate()
                .filter(move |(_, s)| !s.name.is_empty() && same(&named, &plain(&s.name)));
            bear.map(move |(speaker, _)| (i, speaker)).collect::<Vec<_>>()
        };
        labels.iter().enumerate().flat_map(label).collect()
    };
    let exact = pairs(&|named, name| named == name);
    if !exact.is_empty() {
        return exact;
    }
    pairs(&|named, name| {
        !named.is_empty()
            && (scheme::base(name) == named || accept::same_person(name, named) || accept::same_person(named, name))
    })
}

/// `Interviewed by: J. Holloway` makes HOLLOWAY the interviewer.
fn by_header(transcript: &mut Transcript) {
    let names: Vec<String> = header::interviewers(&transcript.header).into_iter().map(scheme::fold).collect();
    for speaker in &mut transcript.speakers {
        let label = scheme::fold(&speaker.name);
        if speaker.guessed && !label.is_empty() && names.iter().any(|name| accept::same_person(&label, name)) {
            (speaker.role, speaker.guessed) = (SpeakerRole::Interviewer, false);
        }
    }
}

/// With the interviewers known, the others answer; that is no guess.
fn settle(transcript: &mut Transcript) {
    for speaker in &mut transcript.speakers {
        speaker.guessed &=
            scheme::says(&speaker.name) == Says::Somebody && speaker.name.to_lowercase().contains("unknown");
    }
}

fn has(transcript: &Transcript, role: SpeakerRole) -> bool {
    transcript.speakers.iter().any(|s| s.role == role)
}

/// How one speaker speaks.
#[derive(Debug, Default, Clone, Copy)]
struct Manner {
    n_units: usize,
    n_questions: usize,
    n_bytes: usize,
}

impl Manner {
    fn question_share(self) -> f64 {
        if self.n_units == 0 { 0.0 } else { self.n_questions as f64 / self.n_units as f64 }
    }
}

/// The one who asks most, by far, of those who do not answer by their label.
fn guess(transcript: &mut Transcript) {
    let manners = manners(transcript);
    let candidates: Vec<usize> =
        (0..manners.len()).filter(|&i| transcript.speakers[i].guessed && manners[i].n_units > 0).collect();
    let people = transcript.speakers.iter().filter(|s| s.role != SpeakerRole::Other).count();
    if people < 2 {
        return;
    }
    let chosen = pick(&candidates, &manners, people);
    if let Some(i) = chosen {
        transcript.speakers[i].role = SpeakerRole::Interviewer;
    }
    transcript.notes.push(warning(transcript, chosen));
}

/// One speaker whose questions stand out: against the next one, or, of two, by asking in fewer words.
fn pick(candidates: &[usize], manners: &[Manner], people: usize) -> Option<usize> {
    let mut order = candidates.to_vec();
    order.sort_by(|&a, &b| manners[b].question_share().total_cmp(&manners[a].question_share()).then(a.cmp(&b)));
    let &first = order.first()?;
    let best = manners[first].question_share();
    let alone = people == 2 && candidates.len() == 1;
    let next = order.get(1).map_or(0.0, |&i| manners[i].question_share());
    let stands_out = best >= ASKS && best >= 1.5 * next;
    let fewer_words = |&i: &usize| manners[i].n_bytes / manners[i].n_units.max(1);
    let shorter = candidates.iter().min_by_key(|i| fewer_words(i)) == Some(&first);
    (stands_out || (alone && best >= ASKS / 2.0) || (people == 2 && shorter && best > next && best >= ASKS))
        .then_some(first)
}

fn manners(transcript: &Transcript) -> Vec<Manner> {
    let mut manners = vec![Manner::default(); transcript.speakers.len()];
    for unit in &transcript.units {
        let manner = &mut manners[unit.speaker.0 as usize];
        manner.n_units += 1;
        manner.n_bytes += unit.span.len();
        manner.n_questions += usize::from(asks(unit.span.of(&transcript.text)));
    }
    manners
}

/// What the one who asks says without a question mark.
const PROMPTS: [&str; 16] = [
    "tell me",
    "tell us",
    "walk me",
    "walk us",
    "talk me",
    "talk about",
    "describe",
    "say more",
    "say a bit",
    "go on",
    "please",
    "give me",
    "let's talk",
    "can you",
    "could you",
    "think of",
];

/// True when the last sentences hold a question mark, as people ask, then add a word; or when it begins as a request.
fn asks(words: &str) -> bool {
    let begin = beginning(words);
    let begin = begin.split_once(", ").map_or(&*begin, |(first, rest)| if first.len() < 12 { rest } else { &begin });
    if PROMPTS.iter().any(|prompt| begin.starts_with(prompt)) {
        return true;
    }
    let mut from = words.len().saturating_sub(120);
    while !words.is_char_boundary(from) {
        from += 1;
    }
    let end = &words[from..];
    memchr::memchr(b'?', end.as_bytes()).is_some()
        || !end.is_ascii() && end.contains(['\u{ff1f}', '\u{37e}', '\u{61f}'])
}

/// The first characters in lower case.
fn beginning(words: &str) -> String {
    const MOST: usize = 60;
    match words.as_bytes().get(..MOST.min(words.len())) {
        Some(head) if head.is_ascii() => words[..head.len()].to_ascii_lowercase(),
        _ => words.chars().take(MOST).flat_map(char::to_lowercase).collect(),
    }
}

fn warning(transcript: &Transcript, chosen: Option<usize>) -> Diagnostic {
    let message = match chosen {
        Some(i) if transcript.speakers[i].name.is_empty() => {
            "taken as the interviewer's: questions without a label".to_string()
        }
        Some(i) => format!("taken as the interviewer from how they speak: {:?}", transcript.speakers[i].name),
        None => "no interviewer found, every speaker is taken as a respondent".to_string(),
    };
    Diagnostic::warning("W_SPEAKER_GUESS", &transcript.source, message)
        .help("name the interviewers with --interviewer \"NAME\"")
}
