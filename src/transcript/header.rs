//! The header block of a transcript, and Markdown front matter.
//!
//! Comes in: the beginning of a file. Goes out: its `key: value` pairs, and where the talk begins.
//! Never happens here: a turn; `Interviewer : M. Quiroz` in a header is no speech.

use super::accept::same_person;
use super::label::plausible;
use super::scheme::{self, Says};
use std::borrow::Cow;

/// Keys that begin a header block, or a line of it after a blank one.
const KEYS: &[&str] = &[
    "transcript",
    "transcript id",
    "id",
    "file",
    "filename",
    "title",
    "project",
    "study",
    "session",
    "case",
    "district",
    "department",
    "office",
    "school",
    "site",
    "organization",
    "organisation",
    "role",
    "position",
    "job title",
    "job role",
    "level",
    "date",
    "time",
    "start time",
    "end time",
    "place",
    "location",
    "city",
    "state",
    "country",
    "interviewed by",
    "interview date",
    "interview",
    "interview id",
    "length",
    "duration",
    "recording",
    "recorded",
    "audio",
    "tape",
    "transcribed by",
    "transcript by",
    "pseudonym",
    "participant id",
    "respondent id",
    "gender",
    "age",
    "language",
    "recording date",
    "subject id",
];

/// Longest line that may belong to a header.
const LONGEST: usize = 200;

/// `key: value` pairs, keys in lower case.
pub(super) type Pairs = Vec<(String, String)>;

/// Reads the header; the second value is the byte where the rest begins.
pub(super) fn read(text: &str) -> (Pairs, usize) {
    let mut pairs = Pairs::new();
    let mut at = front_matter(text, &mut pairs);
    at += title(&text[at..]);
    // Blank lines may lie inside a header, but after one only a known key goes on; the first key of all may be any
    // where a known one follows in the same block.
    let opens = opens_with_known(&text[at..]) || opens_with_roles(&text[at..]);
    let (mut end, mut after_blank) = (at, !opens);
    for line in text[at..].split_inclusive('\n') {
        at += line.len();
        let line = line.trim();
        if line.is_empty() {
            after_blank = true;
            continue;
        }
        let Some(found) = header_line(line, after_blank) else { break };
        pairs.extend(found);
        (end, after_blank) = (at, false);
    }
    (pairs, end)
}

/// True when the lines before the first blank one all look like a header and one of them has a known key.
fn opens_with_known(text: &str) -> bool {
    let block = || text.trim_start().lines().map(str::trim).take_while(|line| !line.is_empty());
    let known = |line: &str| header_line(line, true).is_some();
    // Most files end at their first line here, where the other test might go through all of one without blank lines.
    block().all(|line| header_line(line, false).is_some()) && block().skip(1).any(known)
}

/// Lines of a block that only says who is who.
const MOST_ROLES: usize = 16;
/// Lines above a block: a title, a date.
const TITLES: usize = 3;

/// Bytes of the title above a header block; none where no block follows.
fn title(text: &str) -> usize {
    let mut at = 0;
    let mut n_lines = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        if !words.is_empty() && (opens_with_known(&text[at..]) || opens_with_roles(&text[at..])) {
            return at;
        }
        n_lines += usize::from(!words.is_empty());
        if words.contains(':') || words.len() > LONGEST / 2 || words.ends_with(['?', '!', '.']) || n_lines > TITLES {
            return 0;
        }
        at += line.len();
    }
    0
}

/// True for a block that only says who is who, `Interviewer: Jane Miller (JM)`, where these names are labels later on.
fn opens_with_roles(text: &str) -> bool {
    let block = text.trim_start().lines().map(str::trim).take_while(|line| !line.is_empty());
    let lines: Vec<&str> = block.take(MOST_ROLES + 1).collect();
    if lines.len() > MOST_ROLES {
        return false;
    }
    let mut pairs = Pairs::new();
    for line in &lines {
        match header_line(line, false) {
            Some(found) if found.iter().all(|(key, _)| scheme::says(key) != Says::Nothing) => pairs.extend(found),
            _ => return false,
        }
    }
    let labels = || text.lines().skip(lines.len()).filter_map(|line| line.split_once([':', '.', '\t'])).take(400);
    let is_label =
        |name: &str| labels().any(|(label, _)| same_person(&scheme::fold(label.trim()), &scheme::fold(name)));
    !pairs.is_empty() && pairs.iter().any(|(_, names)| people(names).any(is_label))
}

/// `JM = interviewer, SB = respondent`, also after `Key:`: who is behind a label.
fn legend(line: &str) -> Option<Pairs> {
    memchr::memchr(b'=', line.as_bytes())?;
    let (head, rest) = line.split_once(':').unwrap_or(("", line));
    let line = if head.contains('=') { line } else { rest };
    let mut pairs = Pairs::new();
    for part in line.split([',', ';']).filter(|part| !part.trim().is_empty()) {
        let (label, role) = part.split_once('=')?;
        let (label, role) = (label.trim(), role.trim().to_lowercase());
        if !plausible(label) || role.len() > LONGEST / 2 {
            return None;
        }
        pairs.push((role, label.to_string()));
    }
    pairs.iter().any(|(role, _)| scheme::says(role) != Says::Nothing).then_some(pairs)
}

/// Names that the header gives to the one who asks.
pub(super) fn interviewers(pairs: &Pairs) -> Vec<&str> {
    let asks = |key: &str| key.ends_with("interviewed by") || scheme::says(key) == Says::Interviewer;
    pairs.iter().filter(|(key, _)| asks(key)).flat_map(|(_, names)| people(names)).collect()
}

/// Every name that the header gives to a speaker.
pub(super) fn speakers(pairs: &Pairs) -> Vec<&str> {
    let speaks = |key: &str| matches!(key, "speakers" | "speaker") || scheme::says(key) == Says::Respondent;
    let others = pairs.iter().filter(|(key, _)| speaks(key)).flat_map(|(_, names)| people(names));
    interviewers(pairs).into_iter().chain(others).collect()
}

fn people(names: &str) -> impl Iterator<Item = &str> {
    names.split([',', ';', '&']).map(str::trim).filter(|n| !n.is_empty())
}

/// The pairs of a line, if it belongs to a header.
fn header_line(line: &str, after_blank: bool) -> Option<Pairs> {
    if line.len() > LONGEST {
        return None;
    }
    let line = match memchr::memchr(b'*', line.as_bytes()) {
        Some(_) => Cow::Owned(line.replace("**", "")),
        None => Cow::Borrowed(line),
    };
    if let Some(pairs) = legend(&line) {
        return Some(pairs);
    }
    let mut pairs = Pairs::new();
    for part in parts(&line) {
        let (key, value) = part.split_once(':')?;
        let (key, value) = (key.trim().to_lowercase(), value.trim());
        let follows = !after_blank || !pairs.is_empty();
        if !(is_key(&key) || follows && may_follow(&key, value)) {
            return None;
        }
        split_double(&key, value, &mut pairs);
    }
    (!pairs.is_empty()).then_some(pairs)
}

/// `District: Northgate   Department: Literacy` and `Date: May 3; Interviewer: T. Brandt` are two pairs each.
fn parts(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some(cut) = next_pair(rest) {
        parts.push(&rest[..cut]);
        rest = rest[cut..].trim_start_matches([' ', ';', '\t']);
    }
    parts.push(rest);
    parts
}

/// Where a second pair begins: after a semicolon or a gap, if a colon follows later and one stands before.
fn next_pair(line: &str) -> Option<usize> {
    let first = line.find(':')?;
    let cuts = line[first..].match_indices([';', ' ', '\t']).map(|(i, _)| first + i);
    for cut in cuts {
        let tail = &line[cut..];
        let wide = tail.starts_with(';') || tail.starts_with("  ") || tail.starts_with('\t');
        let spoken = !line[first + 1..cut].trim().is_empty();
        if !(wide && spoken) {
            continue;
        }
        let key = tail.trim_start_matches([' ', ';', '\t']).split_once(':').map(|(key, _)| key.trim().to_lowercase());
        if key.is_some_and(|k| is_key(&k) || scheme::says(&k) != Says::Nothing) {
            return Some(cut);
        }
    }
    None
}

/// `Department / Role: Literacy / Lead` is a department and a role.
fn split_double(key: &str, value: &str, pairs: &mut Pairs) {
    let keys: Vec<&str> = key.split(" / ").collect();
    let values: Vec<&str> = value.splitn(keys.len(), " / ").collect();
    match keys.len() == values.len() {
        true => pairs.extend(keys.iter().zip(values).map(|(k, v)| (k.trim().to_string(), v.trim().to_string()))),
        false => pairs.push((key.to_string(), value.to_string())),
    }
}

fn is_key(key: &str) -> bool {
    key.split('/').all(|part| KEYS.contains(&part.trim()))
}

/// Within a block other keys may follow; one that can be a speaker's label only with a name behind it.
fn may_follow(key: &str, value: &str) -> bool {
    if scheme::says(key) == Says::Nothing {
        return plausible(key) && key.len() > 1 && value.len() < 80 && !value.ends_with(['.', '?', '!']);
    }
    let words: Vec<&str> = value.split_whitespace().collect();
    let name = |word: &&str| word.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit() || c == '(');
    let stop = words.last().is_some_and(|w| w.ends_with(['.', '?', '!']) && w.len() > 2);
    (1..=4).contains(&words.len()) && words.iter().all(name) && !stop
}

/// Front matter between two `---` lines; returns where it ends.
fn front_matter(text: &str, pairs: &mut Pairs) -> usize {
    let Some(body) = text.strip_prefix("---\n") else { return 0 };
    let Some(end) = body.find("\n---\n") else { return 0 };
    let mut list: Option<String> = None;
    for line in body[..end].lines() {
        if let (Some(key), Some(item)) = (&list, line.trim_start().strip_prefix("- ")) {
            pairs.push((key.clone(), unquoted(item)));
        } else if let Some((key, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '-', '#'])) {
            let key = key.trim().to_lowercase();
            list = value.trim().is_empty().then(|| key.clone());
            if list.is_none() {
                pairs.push((key, unquoted(value)));
            }
        }
    }
    4 + end + 5
}

fn unquoted(value: &str) -> String {
    value.trim().trim_matches(['\'', '"']).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> (String, &str) {
        let (pairs, end) = read(text);
        let pairs: Vec<String> = pairs.into_iter().map(|(k, v)| format!("{k}={v}")).collect();
        (pairs.join("|"), &text[end..])
    }

    #[test]
    fn blocks() {
        let cases = [
            ("Transcript id: b1\nRole : Lead\n\nI: Hi", "transcript id=b1|role=Lead", "\nI: Hi"),
            ("District: N   Department: Math\n\nQ. x", "district=N|department=Math", "\nQ. x"),
            ("Date: May 3; Interviewer: J. Holloway\n\nI: x", "date=May 3|interviewer=J. Holloway", "\nI: x"),
            ("School / Role: Central / Counselor\nI: How?", "school=Central|role=Counselor", "I: How?"),
            (
                "Date: May 3\nInterviewer: M. Quiroz\n\nInterviewer: Hello.",
                "date=May 3|interviewer=M. Quiroz",
                "\nInterviewer: Hello.",
            ),
            ("Serial: 3\nTape: 4\n\nI: Hi", "serial=3|tape=4", "\nI: Hi"),
            ("Ann: one two\nBob: three\n\nAnn: x", "", "Ann: one two\nBob: three\n\nAnn: x"),
            ("**District:** Lakemont\n\n**I:** x", "district=Lakemont", "\n**I:** x"),
            ("Interviewer: one\nA: two\n", "", "Interviewer: one\nA: two\n"),
            ("Date: May 3\nInterviewer: Thanks.\n", "date=May 3", "Interviewer: Thanks.\n"),
            (
                "INTERVIEW 4, MAY 4\nInterviewer: Jane Miller (JM)\nInterviewee: Sam Brown\n\nJM: Hi",
                "interviewer=Jane Miller (JM)|interviewee=Sam Brown",
                "\nJM: Hi",
            ),
            (
                "Transcript 4\n\nRespondent: Sam Brown\nDate: May 4\n\nSB: Hi",
                "respondent=Sam Brown|date=May 4",
                "\nSB: Hi",
            ),
            (
                "Interviewer: Good Morning\nRespondent: Hello\n\nInterviewer: So?",
                "",
                "Interviewer: Good Morning\nRespondent: Hello\n\nInterviewer: So?",
            ),
            ("We met.\nDate: May 4\n\nI: x", "", "We met.\nDate: May 4\n\nI: x"),
            ("JM = interviewer; SB = respondent\n\nJM: x", "interviewer=JM|respondent=SB", "\nJM: x"),
            ("Key: I = Interviewer\nP = Participant\n\nI: x", "interviewer=I|participant=P", "\nI: x"),
            ("---\ntitle: 'A: b'\nspeakers:\n  - Ann Lee\n---\nann: x", "title=A: b|speakers=Ann Lee", "ann: x"),
        ];
        for (text, pairs, rest) in cases {
            assert_eq!(shown(text), (pairs.to_string(), rest), "{text}");
        }
    }
}
