//! Notes on characters and names that look like something they are not.
//!
//! Comes in: a transcript. Goes out: notes in it. Never happens here: a change of the text: positions refer to it.

use super::draft::placed;
use super::{Speaker, SpeakerRole, Transcript, accept, scheme};
use crate::diagnostic::Diagnostic;
use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;

/// More speakers than this in one file are worth a note.
const MANY: usize = 50;

/// Adds the notes.
pub(super) fn note(transcript: &mut Transcript) {
    let mut notes = kinds(&transcript.text, &transcript.source);
    notes.extend(confusable(transcript));
    notes.extend(renamed(transcript));
    if transcript.speakers.len() > MANY {
        let message = format!("{} speakers; look whether all of them are people", transcript.speakers.len());
        notes.push(Diagnostic::note("W_LABEL", &transcript.source, message));
    }
    if transcript.units.is_empty() && !transcript.notes.iter().any(|n| n.code == "W_EMPTY_TURN") {
        notes.push(Diagnostic::note("W_EMPTY_TURN", &transcript.source, "there are labels or times but no words"));
    }
    transcript.notes.extend(notes);
}

/// A kind of character, its code, and what to call it.
type Kind = (fn(char) -> bool, &'static str, &'static str);

const KINDS: [Kind; 3] = [
    (is_control, "W_CONTROL", "control characters or unusual line separators"),
    (is_direction, "W_BIDI", "text-direction marks"),
    (is_invisible, "W_ZERO_WIDTH", "invisible characters"),
];

/// One note per kind of character, at the first of them.
fn kinds(text: &str, source: &str) -> Vec<Diagnostic> {
    let mut seen = [(0usize, 0usize); KINDS.len()];
    let mut from = 0;
    while let Some(at) = next_odd(text.as_bytes(), from) {
        let Some(c) = text[at..].chars().next() else { break };
        for (kind, seen) in KINDS.iter().zip(&mut seen) {
            if kind.0(c) {
                *seen = (seen.0 + 1, if seen.0 == 0 { at } else { seen.1 });
            }
        }
        from = at + c.len_utf8();
    }
    let found = KINDS.iter().zip(seen).filter(|(_, (n, _))| *n > 0);
    let word = |n, what| format!("{n} {what}, kept as they are; the first is here");
    found.map(|((_, code, what), (n, at))| placed(Diagnostic::note(code, source, word(n, what)), text, at)).collect()
}

/// The next byte from here on that is not printable ASCII, a tab or a line end; most text has few.
fn next_odd(bytes: &[u8], from: usize) -> Option<usize> {
    let odd = |&b: &u8| !(b' '..=b'~').contains(&b) && b != b'\n' && b != b'\t';
    // Whole blocks without a branch: the compiler makes them a few instructions.
    let clear = bytes[from..].chunks_exact(BLOCK).take_while(|block| is_plain(block)).count();
    let at = from + clear * BLOCK;
    bytes[at..].iter().position(odd).map(|i| at + i)
}

/// Bytes that are looked at in one go.
const BLOCK: usize = 128;

/// True for nothing but printable ASCII, tabs and line ends. A tab and a line end are 9 and 10: counted from 9, all that
/// lies above `~` or below a tab is too much; counted from 11, all that lies between a line end and a blank is too little.
fn is_plain(block: &[u8]) -> bool {
    let bounds = |(most, least): (u8, u8), &b: &u8| (most.max(b.wrapping_sub(9)), least.min(b.wrapping_sub(11)));
    let (most, least) = block.iter().fold((0, u8::MAX), bounds);
    most <= b'~' - 9 && least >= b' ' - 11
}

fn is_control(c: char) -> bool {
    let noncharacter = (c as u32) & 0xFFFE == 0xFFFE || matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{fffd}');
    c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{2028}' | '\u{2029}') || noncharacter
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// The joiners that emoji and many scripts need are not among them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
}

/// Names of different speakers that look alike.
fn confusable(transcript: &Transcript) -> Vec<Diagnostic> {
    let mut first: FxHashMap<String, usize> = FxHashMap::default();
    let mut notes = Vec::new();
    for (i, speaker) in transcript.speakers.iter().enumerate() {
        let other = *first.entry(skeleton(&speaker.name)).or_insert(i);
        if other != i && notes.len() < MANY {
            let names = (&transcript.speakers[other].name, &speaker.name);
            let message = format!("speaker names that look alike are kept apart: {:?} and {:?}", names.0, names.1);
            notes.push(Diagnostic::warning("W_CONFUSABLE", &transcript.source, message));
        }
    }
    notes
}

/// Labels that may be one person under two names, since labels change in the middle of a file: `Respondent` and `R`,
/// `Mrs. Ruiz` and `Ruiz`. Counts by respondent depend on it.
fn renamed(transcript: &Transcript) -> Option<Diagnostic> {
    let answering = |s: &&Speaker| s.role == SpeakerRole::Respondent && !s.name.is_empty();
    let names: Vec<String> = transcript.speakers.iter().filter(answering).map(|s| scheme::fold(&s.name)).collect();
    if names.len() > MANY {
        return None;
    }
    let pairs = names.iter().enumerate().flat_map(|(i, a)| names[i + 1..].iter().map(move |b| (a, b)));
    let same = |(a, b): &(&String, &String)| {
        let generic = |name: &str| ONE_WHO_ANSWERS.contains(&name);
        generic(a) && generic(b) || accept::same_person(a, b) || accept::same_person(b, a)
    };
    let (a, b) = pairs.into_iter().find(same)?;
    let message = format!("two labels that may be one person are kept apart: {a:?} and {b:?}");
    let note = Diagnostic::note("W_CONFUSABLE", &transcript.source, message);
    Some(note.help("give both the same respondent_id in respondents.csv"))
}

/// Labels of the one respondent of an interview.
const ONE_WHO_ANSWERS: [&str; 10] =
    ["respondent", "resp", "r", "participant", "p", "interviewee", "a", "answer", "informant", "ie"];

/// What a name looks like: compatibility forms, lower case, and the Cyrillic and Greek twins of Latin letters.
fn skeleton(name: &str) -> String {
    if name.is_ascii() {
        return scheme::fold(name);
    }
    let visible = |c: &char| !is_invisible(*c) && !is_direction(*c) && !matches!(c, '\u{200c}' | '\u{200d}');
    let plain: String = name.chars().filter(visible).collect();
    scheme::fold(&plain.nfkc().collect::<String>()).chars().map(latin).collect()
}

fn latin(c: char) -> char {
    const TWINS: &str = "аaеeоoрpсcуyхxіiјjѕsкkмmтtвbнhαaοoρpνvιiκkτtηh";
    let mut twins = TWINS.chars();
    while let (Some(twin), Some(letter)) = (twins.next(), twins.next()) {
        if twin == c {
            return letter;
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_characters_are_counted_and_the_first_is_named() {
        let plain = "Plain words.\n".repeat(20);
        let text = format!("{plain}\u{e9}\u{202e}{plain}\u{200b}x\u{7f}{plain}\u{200b}\u{1}");
        let shown: Vec<_> = kinds(&text, "x").iter().map(|n| (n.code, n.byte.unwrap(), n.message.clone())).collect();
        let at = |c: char| text.find(c).unwrap();
        assert_eq!(
            shown.iter().map(|s| (s.0, s.1)).collect::<Vec<_>>(),
            [("W_CONTROL", at('\u{7f}')), ("W_BIDI", at('\u{202e}')), ("W_ZERO_WIDTH", at('\u{200b}')),]
        );
        assert!(shown[0].2.starts_with("2 ") && shown[1].2.starts_with("1 ") && shown[2].2.starts_with("2 "));
        assert_eq!(kinds(&plain, "x"), []);
        let is_odd = |b: &u8| !(b' '..=b'~').contains(b) && *b != b'\n' && *b != b'\t';
        assert!((0..=u8::MAX).all(|b| is_plain(&[b'a', b]) != is_odd(&b)));
    }

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        assert_eq!(skeleton("Anna"), skeleton("\u{410}nna"));
        assert_eq!(skeleton("Jos\u{e9}"), skeleton("JOSE\u{301}"));
        assert_eq!(skeleton("Inter\u{200b}viewer"), skeleton("Interviewer"));
        assert_ne!(skeleton("P1"), skeleton("P2"));
    }
}
