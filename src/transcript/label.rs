//! What stands at the start of a line: a time, a speaker's label, or neither.
//!
//! Comes in: one line. Goes out: where a label would lie, and where the words begin after it.
//! Never happens here: a decision whether it is a label; that needs the whole file (`accept`). Only the first
//! [`WINDOW`] characters are looked at, so a line of 50 MB costs as much as a short one.

use super::draft::is_blank;
use super::lines::{indent, is_empty, trimmed};
use super::scheme;
use super::time::{self, Mark};
use std::ops::Range;

/// Characters of a line in which a label must end.
const WINDOW: usize = 96;
/// Longest name in characters.
const LONGEST_NAME: usize = 40;
/// Most words of a name.
const MOST_WORDS: usize = 5;

/// How a label is set apart from the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `Name: words`, also with a time before or after the colon.
    Colon,
    /// `Q. words`, `MR. KOHN. words`.
    Dot,
    /// `**Name:** words`, `**Name** [0:06] words`.
    Bold,
    /// `Name  0:21`, `Speaker 1 [00:00:16]`.
    Timed,
    /// The name alone on its line.
    Bare,
    /// `Q   words`: a letter, then a gap.
    Gap,
}

/// A label that a line may begin with; offsets are bytes of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// The name, without marks round it.
    pub name: Range<usize>,
    /// How it is set apart.
    pub shape: Shape,
}

/// The start of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Start {
    /// The time that stands with the label, or first in the line.
    pub time: Option<Mark>,
    /// Where the words begin when the line is no label.
    pub after_time: usize,
    /// The label, if something looks like one.
    pub label: Option<Label>,
    /// Where the words begin after the label.
    pub after_label: usize,
    /// The label is one plain word and a colon.
    plain: bool,
}

impl Start {
    /// What would be a label in a file that sets labels apart in a loose way, and where the words begin after it.
    pub fn loose(&self, line: &str) -> Option<(Range<usize>, usize)> {
        if self.plain {
            return None;
        }
        let at = self.after_time;
        loose(window(&line[at..])).map(|(name, after)| (at + name.start..at + name.end, at + after))
    }

    /// True for a label with a mark of its own and no words behind it.
    pub fn stands_alone(&self, line: &str) -> bool {
        let marked = self.label.as_ref().is_some_and(|l| !matches!(l.shape, Shape::Bare | Shape::Gap));
        marked && is_empty(&line[self.after_label..])
    }

    /// True when the line is nothing but a time.
    pub fn is_time_alone(&self, line: &str) -> bool {
        self.time.is_some() && self.label.is_none() && is_empty(&line[self.after_time..])
    }
}

/// Looks at the start of a line.
pub(super) fn look(line: &str) -> Start {
    plain(line).unwrap_or_else(|| look_closely(line))
}

/// The start of `Name: words`, as most lines with a label are.
fn plain(line: &str) -> Option<Start> {
    let bytes = line.as_bytes();
    let head = &bytes[..bytes.len().min(LONGEST_NAME + 1)];
    let end = head.iter().position(|&byte| !IN_WORDS[usize::from(byte)])?;
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    let is = bytes[end..].starts_with(b": ") && letter(0) && letter(end + 2);
    let label = Some(Label { name: 0..end, shape: Shape::Colon });
    is.then(|| Start { label, after_label: end + 1, plain: true, ..Start::default() })
}

/// Letters and digits.
const IN_WORDS: [bool; 256] = {
    let (mut in_words, mut i) = ([false; 256], 0);
    while i < 256 {
        in_words[i] = (i as u8).is_ascii_alphanumeric();
        i += 1;
    }
    in_words
};

fn look_closely(line: &str) -> Start {
    let indent = indent(line);
    let mut start = Start { after_time: indent, ..Start::default() };
    if let Some(mark) = leading_time(&line[indent..]) {
        start.time = Some(mark);
        start.after_time = indent + mark.len + gap(&line[indent + mark.len..]);
        // A second time says when it ends.
        if let Some(end) = leading_time(&line[start.after_time..]).filter(|_| start.after_time > indent + mark.len) {
            start.after_time += end.len + gap(&line[start.after_time + end.len..]);
        }
    }
    let at = start.after_time;
    let Some(found) = find(window(&line[at..]), line.len() - at) else { return start };
    start.label = Some(Label { name: at + found.name.start..at + found.name.end, shape: found.shape });
    start.after_label = at + found.after;
    take_time_after(line, &mut start, found.time);
    start
}

/// A time after the label belongs to it: `Name: [0:06] words`, `Name: 00:00:08` alone.
fn take_time_after(line: &str, start: &mut Start, found: Option<Mark>) {
    start.time = found.or(start.time);
    if start.time.is_some() {
        return;
    }
    let rest = &line[start.after_label..];
    let space = rest.len() - rest.trim_start().len();
    let rest = &rest[space..];
    let alone = || time::bare(rest).filter(|m| rest[m.len..].trim().is_empty());
    if let Some(mark) = time::bracketed(rest).or_else(alone) {
        start.time = Some(mark);
        start.after_label += space + mark.len;
    }
}

/// What was found in a window.
struct Found {
    name: Range<usize>,
    after: usize,
    time: Option<Mark>,
    shape: Shape,
}

fn find(window: &str, whole: usize) -> Option<Found> {
    match window.as_bytes().first()? {
        b'*' | b'_' => bold(window).or_else(|| signed(window, whole)),
        b'#' | b'@' => signed(window, whole),
        b'[' | b'(' | b'{' | b'<' => enclosed(window).and_then(|(name, after)| in_brackets(window, name, after)),
        _ => named(window, whole).or_else(|| dotted(window)).or_else(|| bare(window, whole)),
    }
}

/// The first [`WINDOW`] characters.
fn window(line: &str) -> &str {
    match line.as_bytes().get(..WINDOW) {
        None => line,
        Some(head) if head.is_ascii() => &line[..WINDOW],
        Some(_) => &line[..line.char_indices().nth(WINDOW).map_or(line.len(), |(i, _)| i)],
    }
}

/// A time first in the line: `[00:00:05] Name: words`, `00:00:05 words`.
fn leading_time(line: &str) -> Option<Mark> {
    match line.as_bytes().first()? {
        b'[' | b'(' | b'\\' => time::bracketed(line),
        b'0'..=b'9' => time::bare(line).or_else(|| time::spelled(line)),
        _ => None,
    }
}

/// `#Name: words`, `@Name: words`, `*INT: words`, as programs for coding write them.
fn signed(window: &str, whole: usize) -> Option<Found> {
    let found =
        named(&window[1..], whole - 1).filter(|found| found.name.start == 0 && found.shape == Shape::Colon)?;
    let name = found.name.start + 1..found.name.end + 1;
    Some(Found { name, after: found.after + 1, ..found })
}

/// The name between brackets, and the byte after them.
fn enclosed(window: &str) -> Option<(Range<usize>, usize)> {
    let close = match window.as_bytes().first()? {
        b'[' => ']',
        b'(' => ')',
        b'{' => '}',
        b'<' => '>',
        _ => return None,
    };
    let end = window.find(close)?;
    let name = name_in(window, 1..window[..end].trim_end().trim_end_matches(':').len().max(1))?;
    Some((name, end + 1))
}

/// `[Name]: words`, `(Name:) words`.
fn in_brackets(window: &str, name: Range<usize>, after: usize) -> Option<Found> {
    let colon = window[after..].starts_with(':');
    let inside = window[name.end..after].contains(':');
    (colon || inside).then_some(Found { name, after: after + usize::from(colon), time: None, shape: Shape::Colon })
}

/// `[Name] words`, `Name - words`, `Name<tab>words`, `Name   words`, `Name> words`, `Name. words`.
fn loose(window: &str) -> Option<(Range<usize>, usize)> {
    if let Some((name, after)) = enclosed(window) {
        return window[after..].starts_with([' ', '\t']).then_some((name, after));
    }
    let (at, len) = loose_mark(window)?;
    let name = name_in(window, 0..at)?;
    // A short sentence ends so as well.
    let sentence = window[at..].starts_with('.') && !scheme::is_sure(&window[name.clone()]);
    (!sentence).then_some((name, at + len))
}

/// Where the first mark is that sets a name apart in a loose way, and its bytes. Most lines are speech: the search ends
/// where no name goes on.
fn loose_mark(window: &str) -> Option<(usize, usize)> {
    let bytes = window.as_bytes();
    let mut words = usize::from(bytes.first().is_some_and(u8::is_ascii_alphanumeric));
    for (i, &byte) in bytes.iter().enumerate() {
        let next = bytes.get(i + 1).copied();
        match byte {
            _ if byte.is_ascii_alphanumeric() => continue,
            b'\t' => return Some((i, 1)),
            b'.' | b'>' if next == Some(b' ') => return Some((i, 2)),
            b' ' if next.is_some_and(|b| b.is_ascii_alphanumeric()) => words += 1,
            b' ' => {
                let mark =
                    [" - ", "   ", " \u{2013} ", " \u{2014} "].iter().find(|m| bytes[i..].starts_with(m.as_bytes()));
                if let Some(mark) = mark {
                    return Some((i, mark.len()));
                }
            }
            _ if byte.is_ascii_graphic() && forbidden(char::from(byte)) => return None,
            _ => {}
        }
        if words > MOST_WORDS {
            return None;
        }
    }
    None
}

/// White space and a dash between a time and what it belongs to.
fn gap(rest: &str) -> usize {
    let space = rest.len() - rest.trim_start().len();
    match rest[space..].strip_prefix(['-', '\u{2013}']) {
        Some(more) if more.starts_with(' ') => rest.len() - more.trim_start().len(),
        _ => space,
    }
}

/// Bytes at which [`named`] stops; most are letters.
const STOPS: [bool; 256] = {
    let (mut stops, marks) = ([false; 256], b":\xEF[(\\?!;\" ");
    let mut i = 0;
    while i < marks.len() {
        stops[marks[i] as usize] = true;
        i += 1;
    }
    stops
};

/// A name that ends in a colon or in a time.
fn named(window: &str, whole: usize) -> Option<Found> {
    let bytes = window.as_bytes();
    let mut words = usize::from(bytes.first().is_some_and(u8::is_ascii_alphanumeric));
    for (i, &byte) in bytes.iter().enumerate() {
        if !STOPS[usize::from(byte)] && i <= 4 * LONGEST_NAME {
            continue;
        }
        match byte {
            b':' if between_digits(window, i) => return before_clock(window, i, whole),
            b':' => return before_colon(window, i, i + 1),
            0xEF if window[i..].starts_with('\u{ff1a}') => return before_colon(window, i, i + 3),
            b'[' | b'(' | b'\\' => {
                if let Some(mark) = time::bracketed(&window[i..]) {
                    return before_mark(window, i, mark);
                }
            }
            // No name holds these, or so many words: most lines are speech and end here.
            b'?' | b'!' | b';' | b'"' => return None,
            _ if i > 4 * LONGEST_NAME && window.is_char_boundary(i) => return None,
            b' ' if bytes.get(i + 1).is_some_and(u8::is_ascii_alphanumeric) => {
                words += 1;
                if let Some(mark) = time::spelled(&window[i + 1..]).filter(|m| i + 1 + m.len == whole) {
                    return before_mark(window, i + 1, mark);
                }
                if words > MOST_WORDS {
                    return None;
                }
            }
            _ => {}
        }
    }
    None
}

fn between_digits(window: &str, colon: usize) -> bool {
    let bytes = window.as_bytes();
    let digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    colon > 0 && digit(bytes.get(colon - 1)) && digit(bytes.get(colon + 1))
}

/// `Name: words`. The colon must be followed by white space, so that `https://` and `a:b` are none.
fn before_colon(window: &str, colon: usize, after: usize) -> Option<Found> {
    let name = name_in(window, 0..colon)?;
    let open = window[after..].chars().next().is_none_or(|c| is_blank(c) || c == '[');
    let wide = after - colon > 1;
    (open || wide).then_some(Found { name, after, time: None, shape: Shape::Colon })
}

/// `Name  0:21` to the end of the line, or `Name 0:21: words`.
fn before_clock(window: &str, colon: usize, whole: usize) -> Option<Found> {
    let head = window[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
    let mark = head.ends_with(char::is_whitespace).then(|| time::bare(&window[head.len()..])).flatten()?;
    let name = name_in(window, 0..head.len())?;
    let after = head.len() + mark.len;
    let rest = &window[after..];
    if let Some(words) = rest.strip_prefix(':') {
        return Some(Found { name, after: window.len() - words.len(), time: Some(mark), shape: Shape::Colon });
    }
    let alone = is_empty(rest) && window.len() == whole;
    alone.then_some(Found { name, after: window.len(), time: Some(mark), shape: Shape::Timed })
}

/// `Name [00:01:02]`, `Name (00:01:02): words`.
fn before_mark(window: &str, at: usize, mark: Mark) -> Option<Found> {
    let head = window[..at].trim_end();
    let (head, colon_before) = head.strip_suffix(':').map_or((head, false), |h| (h, true));
    let name = name_in(window, 0..head.len())?;
    let after = at + mark.len;
    let colon = window[after..].starts_with(':');
    let shape = if colon || colon_before { Shape::Colon } else { Shape::Timed };
    Some(Found { name, after: after + usize::from(colon), time: Some(mark), shape })
}

/// `**Name:** words`, `**Name**: words`, `**Name** [0:06] words`, `**Name (0:06):** words`.
fn bold(window: &str) -> Option<Found> {
    let mark = ["**", "__", "*", "_"].into_iter().find(|m| window.starts_with(m))?;
    let close = mark.len() + window[mark.len()..].find(mark)?;
    let inner = &window[mark.len()..close];
    let mut after = close + mark.len();
    let mut colon = inner.trim_end().ends_with(':');
    if window[after..].starts_with(':') {
        (colon, after) = (true, after + 1);
    }
    let mut end = inner.trim_end().trim_end_matches(':').len();
    let mut time = None;
    if let Some((at, found)) = time_at_end(&inner[..end]) {
        (end, time) = (at, Some(found));
    }
    let name = name_in(window, mark.len()..mark.len() + end)?;
    let space = window[after..].len() - window[after..].trim_start().len();
    if let Some(found) = time::bracketed(&window[after + space..]).filter(|_| time.is_none()) {
        (time, after) = (Some(found), after + space + found.len);
        after += usize::from(window[after..].starts_with(':'));
    }
    let alone = window[after..].trim().is_empty();
    (colon || time.is_some() || alone).then_some(Found { name, after, time, shape: Shape::Bold })
}

/// A time in brackets at the end of a bold label.
fn time_at_end(inner: &str) -> Option<(usize, Mark)> {
    let at = inner.rfind(['(', '['])?;
    time::bracketed(&inner[at..]).filter(|m| at + m.len == inner.len()).map(|m| (at, m))
}

/// `Q. words`, `A. words`, `CHAIRMAN GREENSPAN. words`: capitals up to a full stop.
fn dotted(window: &str) -> Option<Found> {
    let mut from = 0;
    loop {
        let dot = from + window[from..].find('.')?;
        let token = window[..dot].rsplit(' ').next()?;
        if !token.bytes().all(|b| b.is_ascii_uppercase() || b == b'-' || b == b'\'') || token.is_empty() {
            return None;
        }
        let title = ["MR", "MS", "MRS", "DR"].contains(&token);
        let single = token.len() == 1 && dot > 1;
        if !title && !single {
            let words = window[dot + 1..].starts_with(' ');
            let name = name_in(window, 0..dot).filter(|_| words && capitals(&window[..dot]))?;
            return Some(Found { name, after: dot + 1, time: None, shape: Shape::Dot });
        }
        from = dot + 1;
    }
}

fn capitals(name: &str) -> bool {
    !name.bytes().any(|b| b.is_ascii_lowercase())
}

/// A name alone on its line, or one letter and a gap.
fn bare(window: &str, whole: usize) -> Option<Found> {
    let bytes = window.as_bytes();
    if bytes[0].is_ascii_uppercase() && (window[1..].starts_with("  ") || window[1..].starts_with('\t')) {
        return Some(Found { name: 0..1, after: 1, time: None, shape: Shape::Gap });
    }
    if window.len() < whole {
        return None;
    }
    let name = name_in(window, 0..window.len()).filter(|n| !window[n.clone()].ends_with('.'))?;
    Some(Found { name, after: window.len(), time: None, shape: Shape::Bare })
}

/// The range without blanks at its ends, if it can be a name.
fn name_in(window: &str, range: Range<usize>) -> Option<Range<usize>> {
    let raw = &window[range.clone()];
    let start = range.start + indent(raw);
    let name = trimmed(raw);
    (!name.is_empty() && plausible(name)).then_some(start..start + name.len())
}

/// True for what can be a name: short, few words, no sentence punctuation.
pub(super) fn plausible(name: &str) -> bool {
    let short = name.len() <= LONGEST_NAME || name.chars().nth(LONGEST_NAME).is_none();
    short && name.chars().next().is_some_and(char::is_alphanumeric) && is_plain(name)
}

/// True for few words without what no name holds, where every bracket closes.
fn is_plain(name: &str) -> bool {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return true;
    }
    let (mut words, mut depth, mut after_blank) = (0, 0, true);
    let (mut comma, mut dot) = (false, false);
    for c in name.chars() {
        let blank = !c.is_ascii_alphanumeric() && c.is_whitespace();
        words += usize::from(after_blank && !blank);
        after_blank = blank;
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => {}
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' => comma = true,
            '.' => dot = true,
            _ if forbidden(c) => return false,
            _ => {}
        }
    }
    words <= MOST_WORDS && depth == 0 && (!comma || commas(name)) && (!dot || dots(name))
}

fn forbidden(c: char) -> bool {
    match c {
        '?' | '!' | ';' | ':' | '"' | '<' | '>' | '{' | '}' | '=' | '*' | '~' | '^' | '$' | '%' => true,
        '\\' | '[' | ']' | '`' | '\u{201c}' | '\u{201d}' | '\u{2026}' => true,
        _ => c.is_control(),
    }
}

/// At most one comma, as in `Holloway, J`.
fn commas(name: &str) -> bool {
    match name.split_once(',') {
        None => true,
        Some((last, first)) => !first.contains(',') && capital(last) && capital(first.trim_start()),
    }
}

/// Full stops only after initials and short titles: `Mr. Haas`, `J.R. Smith`.
fn dots(name: &str) -> bool {
    let titled = |token: &str| capital(token) && token.split('.').all(|part| part.chars().count() <= 4);
    name.split_whitespace().all(|token| !token.contains('.') || titled(token))
}

/// True when the first character is no lower-case letter.
pub(super) fn capital(name: &str) -> bool {
    name.chars().next().is_some_and(|c| !c.is_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name | time in ms | words`, or `-` when the line has no label.
    fn shown(line: &str) -> String {
        let start = look(line);
        let ms = start.time.and_then(|t| t.ms).map_or(String::new(), |ms| ms.to_string());
        match start.label {
            Some(label) => format!("{}|{ms}|{}", &line[label.name], line[start.after_label..].trim()),
            None => format!("-|{ms}|{}", line[start.after_time..].trim()),
        }
    }

    #[test]
    fn labels_of_every_convention() {
        let cases = [
            ("Interviewer: How?", "Interviewer||How?"),
            ("  P03: words", "P03||words"),
            ("Participant : words", "Participant||words"),
            ("Q. Dr. Feldman, what?", "Q||Dr. Feldman, what?"),
            ("MR. KOHN. Thank you.", "MR. KOHN||Thank you."),
            ("CHAIRMAN GREENSPAN. Thank you.", "CHAIRMAN GREENSPAN||Thank you."),
            ("Q   Where were you?", "Q||Where were you?"),
            ("**Adam Stacoviak:** I'm", "Adam Stacoviak||I'm"),
            ("**Respondent**: So, okay", "Respondent||So, okay"),
            ("**Lindsey** [0:06] Have", "Lindsey|6000|Have"),
            ("**Name (00:01:02):** words", "Name|62000|words"),
            ("**Break:** \\[01:44\\]", "Break|104000|"),
            ("Kelly 0:21  ", "Kelly|21000|"),
            ("Unknown Speaker  1:00:01", "Unknown Speaker|3601000|"),
            ("Speaker 1 [00:00:16]", "Speaker 1|16000|"),
            ("Speaker 1 (00:03):", "Speaker 1|3000|"),
            ("Mike Schmidt: 00:00:08", "Mike Schmidt|8000|"),
            ("[00:00:05] Ann Lee: words", "Ann Lee|5000|words"),
            ("00:00:05 Ann: words", "Ann|5000|words"),
            ("Ann [00:01:02]: words", "Ann|62000|words"),
            ("Ann: [00:01:02] words", "Ann|62000|words"),
            ("Justin Florentine (Besu): hi", "Justin Florentine (Besu)||hi"),
            ("Saulius Grigaitis | Grandine: hi", "Saulius Grigaitis | Grandine||hi"),
            ("BELL 7: Okey doke.", "BELL 7||Okey doke."),
            ("INTERVIEWER", "INTERVIEWER||"),
            ("Jos\u{e9}: one", "Jos\u{e9}||one"),
            ("Jos\u{e9}\u{ff1a}one", "Jos\u{e9}||one"),
            ("Ann \u{200b} \u{200b} \u{200b} \u{200b} \u{200b} \u{200b} \u{200b}: one", "Ann||one"),
            ("One of the five Lees: one", "One of the five Lees||one"),
            ("[99:99:99] P: x", "P||x"),
        ];
        for (line, want) in cases {
            assert_eq!(shown(line), want, "{line}");
        }
    }

    #[test]
    fn what_is_no_label() {
        let cases = [
            "https://otter.ai is a link",
            "We started at 10:30 and went on.",
            "This is what she said, over and over to all of us: go.",
            "Wait! Stop: no",
            "a:a:a",
            "::::",
            "",
            "He left. Then: nothing",
            "Is it? Ann: nothing",
            "One of the five other Lees: nothing",
            "One of the five other Lees [0:06] nothing",
            "No, well, then: x",
        ];
        for line in cases {
            assert_eq!(look(line).label, None, "{line}");
        }
        assert_eq!(look(&format!("{}: x", "A".repeat(1 << 20))).label, None);
        assert_eq!(
            shown("00:00:05 It's the perfect chance to take a moment."),
            "-|5000|It's the perfect chance to take a moment."
        );
    }

    #[test]
    fn plain_labels_are_those_that_a_closer_look_finds() {
        let names = ["Ann", "P03", "7", "A", "An n", "", "\u{e9}", "[P]", "A.", "00:01 I"].map(String::from);
        let names = names.into_iter().chain([39, 40, 41, 96, 97].map(|length| "A".repeat(length)));
        let mut n_plain = 0;
        for name in names {
            for words in
                [": we", ":we", ": [0:06] we", ": 0:06", ": 7", ":  we", ": ", ":", " we: so", ": \u{e9}t\u{e9}"]
            {
                let line = format!("{name}{words}");
                let (start, close) = (look(&line), look_closely(&line));
                assert_eq!(start.loose(&line), close.loose(&line), "{line:?}");
                n_plain += usize::from(start.plain);
                assert_eq!(Start { plain: false, ..start }, close, "{line:?}");
            }
        }
        assert_eq!(n_plain, 5, "with no closer look");
    }

    #[test]
    fn loose_marks_are_found_as_by_looking_for_each() {
        const MARKS: [&str; 7] = ["\t", "   ", " - ", " \u{2013} ", " \u{2014} ", "> ", ". "];
        let parts = ["Ann", "one two three", " ", "-", "\u{2013}", "?", ":", "\u{e9}", ".", ">"].into_iter();
        let parts: Vec<&str> = parts.chain(MARKS).collect();
        let n = parts.len();
        for i in 0..n * n * n * n {
            let window: String = [i, i / n, i / n / n, i / n / n / n].map(|i| parts[i % n]).concat();
            let named = |mark: &(usize, usize)| name_in(&window, 0..mark.0).is_some();
            let plain = MARKS.iter().filter_map(|mark| Some((window.find(mark)?, mark.len()))).min();
            assert_eq!(loose_mark(&window).filter(named), plain.filter(named), "{window:?}");
        }
    }
}
