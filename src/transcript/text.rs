//! Labelled plain text in all its conventions, timed paragraphs, and text without speakers.
//!
//! Comes in: the whole decoded file. Goes out: units whose spans lie in that same text; nothing is added or removed.
//! Never happens here: a unit over a heading, a time mark line or the header block.

use super::accept::{Accepted, Survey};
use super::draft::{Content, Context, Draft, Outcome, placed};
use super::label::{self, Start};
use super::lines::{indent, is_empty, lines};
use super::{SpeakerId, TimeSpan, header, scheme};
use crate::diagnostic::Severity;
use rustc_hash::{FxHashMap, FxHashSet};

/// Lines with a time that make a text one of timed paragraphs.
const TIMED: usize = 3;
/// A unit above this many bytes is worth a note.
const LONG: usize = 1 << 20;
/// Doubtful labels that are listed one by one.
const LISTED: usize = 5;

/// Reads any text.
pub(super) fn read(content: Content, context: &Context<'_>) -> Outcome {
    Ok(labelled(content.text, context))
}

/// Reads text; also used for the paragraphs of other formats.
pub(super) fn labelled(text: String, context: &Context<'_>) -> Draft {
    let (pairs, body) = header::read(&text);
    let mut draft = Draft::default();
    draft.header = pairs;
    let (mut survey, numbers) = survey(&text[body..], false);
    let numbered = is_numbered(&text[body..], &numbers);
    if numbered {
        (survey, _) = self::survey(&text[body..], true);
    }
    let timed = survey.n_timed >= TIMED;
    let accepted = survey.decide(&header::speakers(&draft.header));
    let only_asks = accepted.only_asks();
    let questions = if accepted.only_answers() { questions(&text, body, &accepted) } else { FxHashSet::default() };
    let mut walk = Walk { text: &text, timed, numbered, only_asks, questions, ..Walk::default() };
    if accepted.is_empty() {
        walk.speaker = Some(draft.speaker(""));
        walk.by_paragraph = true;
    }
    walk.run(body, &accepted, &mut draft);
    for &byte in walk.bad_times.iter().take(LISTED + 1) {
        draft.note_at(context.warning("W_TIME", "no such time; the words are kept"), &text, byte, LISTED);
    }
    let unlabelled = walk.unlabelled;
    let lines_before = text[..body].bytes().filter(|&b| b == b'\n').count();
    note(&mut draft, &accepted, unlabelled, lines_before, &text, context);
    draft.text = text;
    draft
}

/// Counts what the lines begin with, after their numbers where they are numbered. The numbers besides.
fn survey(body: &str, numbered: bool) -> (Survey, Vec<u32>) {
    let (mut survey, mut numbers) = (Survey::default(), Vec::new());
    let (mut first, mut named) = (true, false);
    for (i, (_, line)) in lines(body).enumerate() {
        let number = number(line);
        numbers.extend(number.map(|(number, _)| number));
        if is_empty(line) || is_furniture(line) {
            first = true;
            continue;
        }
        let line = &line[number.filter(|_| numbered).map_or(0, |(_, after)| after)..];
        let start = label::look(line);
        if start.is_time_alone(line) {
            survey.n_timed += 1;
            first = true;
            continue;
        }
        survey.count(line, &start, first && !named, i + 1);
        // The paragraph after a label that stands alone belongs to that label.
        named = start.stands_alone(line);
        first = false;
    }
    (survey, numbers)
}

/// The number that a line begins with, and where the rest of the line begins: `12  Q.`, `3. Interviewer:`.
fn number(line: &str) -> Option<(u32, usize)> {
    if line.as_bytes().first().is_none_or(|first| first.is_ascii_graphic() && !first.is_ascii_digit()) {
        return None;
    }
    let start = line.len() - line.trim_start().len();
    let digits = line[start..].bytes().take(6).take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let after = start + digits;
    let mark = usize::from(line[after..].starts_with(['.', ')', ':']));
    let rest = &line[after + mark..];
    let gap = indent(rest);
    let number = line[start..after].parse().ok()?;
    (gap > 0 || rest.is_empty()).then_some((number, after + mark + gap))
}

/// True when lines are numbered at the left, as in court or as programs for coding print them: one by one, or from 1
/// again on every page. The numbers are no words.
fn is_numbered(body: &str, numbers: &[u32]) -> bool {
    if numbers.len() < 4 {
        return false;
    }
    let follows = numbers.windows(2).filter(|pair| pair[1] == pair[0].saturating_add(1) || pair[1] == 1).count();
    let n_labels = || {
        let after = lines(body).filter_map(|(_, line)| number(line).map(|(_, after)| &line[after..]));
        after.filter(|line| label::look(line).label.is_some()).count()
    };
    let n_lines = || lines(body).filter(|(_, line)| !is_empty(line)).count();
    follows * 10 >= (numbers.len() - 1) * 9 && (numbers.len() * 5 >= n_lines() * 4 || n_labels() * 2 >= numbers.len())
}

/// Where the paragraphs without a label begin that ask, directly before a labelled one; none unless most answers have
/// one.
fn questions(text: &str, body: usize, accepted: &Accepted) -> FxHashSet<usize> {
    let by_line = !text[body..].trim().contains("\n\n");
    let mut paragraphs: Vec<(usize, &str)> = Vec::new();
    let (mut at, mut open) = (body, false);
    for line in text[body..].split_inclusive('\n') {
        match paragraphs.last_mut() {
            _ if is_empty(line) => open = false,
            Some((start, words)) if open && !by_line => *words = &text[*start..at + line.len()],
            _ => {
                paragraphs.push((at, line));
                open = true;
            }
        }
        at += line.len();
    }
    let labelled = |words: &str| {
        let line = words.lines().next().unwrap_or_default();
        accepted.label_of(line, &label::look(line)).is_some()
    };
    let asks =
        |pair: &&[(usize, &str)]| !labelled(pair[0].1) && pair[0].1.trim_end().ends_with('?') && labelled(pair[1].1);
    let found: FxHashSet<usize> = paragraphs.windows(2).filter(asks).map(|pair| pair[0].0).collect();
    let n_answers = paragraphs.iter().filter(|(_, words)| labelled(words)).count();
    if found.len() >= 2 && found.len() * 2 >= n_answers { found } else { FxHashSet::default() }
}

/// Lines that are no speech: headings, rules, marks of transcription services.
fn is_furniture(line: &str) -> bool {
    match line.as_bytes().first() {
        Some(b'#') => line.trim_start_matches('#').starts_with(' '),
        Some(b'_') => line[1..].split_once(':').is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase())),
        Some(b'-' | b'*' | b'=') => {
            line.trim_end().len() >= 3 && line.trim_end().bytes().all(|b| b == line.as_bytes()[0])
        }
        Some(b'T') => line.starts_with("Transcribed by https://"),
        _ if ends_plainly(line) => false,
        _ => [" started transcription", " stopped transcription"].iter().any(|end| line.trim_end().ends_with(end)),
    }
}

/// True for a line that ends in no blank and in no letter of `transcription`'s end.
fn ends_plainly(line: &str) -> bool {
    line.as_bytes().last().is_some_and(|&last| last.is_ascii_graphic() && last != b'n')
}

/// The way through the lines; a unit is open while `start` is set.
#[derive(Default)]
struct Walk<'a> {
    text: &'a str,
    /// Paragraphs may begin with a time.
    timed: bool,
    /// Lines begin with their number.
    numbered: bool,
    /// Only questions are labelled.
    only_asks: bool,
    /// First bytes of questions, where only answers are labelled.
    questions: FxHashSet<usize>,
    /// Every paragraph is a unit: there are no labels.
    by_paragraph: bool,
    /// The speakers behind the labels so far.
    heard: FxHashMap<&'a str, SpeakerId>,
    speaker: Option<SpeakerId>,
    start: Option<usize>,
    end: usize,
    time: Option<TimeSpan>,
    /// First byte of words before any label.
    unlabelled: Option<usize>,
    /// First bytes of lines whose time is none.
    bad_times: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn run(&mut self, body: usize, accepted: &Accepted, draft: &mut Draft) {
        let text = self.text;
        for (at, line) in lines(&text[body..]) {
            let skip = if self.numbered { number(line).map_or(0, |(_, after)| after) } else { 0 };
            if skip > 0 {
                self.close(draft);
            }
            self.line(body + at + skip, &line[skip..], accepted, draft);
        }
        self.close(draft);
    }

    fn line(&mut self, at: usize, line: &'a str, accepted: &Accepted, draft: &mut Draft) {
        if is_empty(line) {
            if self.by_paragraph || self.only_asks {
                self.end_paragraph(draft);
            }
            return;
        }
        if is_furniture(line) {
            return self.close(draft);
        }
        if self.questions.contains(&at) {
            self.close(draft);
            self.speaker = Some(draft.speaker(""));
        }
        let start = label::look(line);
        if start.time.is_some_and(|mark| mark.ms.is_none()) {
            self.bad_times.push(at);
        }
        match accepted.label_of(line, &start) {
            Some((name, after)) => self.label(at, line, (&line[name], after), &start, draft),
            _ if start.is_time_alone(line) => self.time_alone(&start, draft),
            _ if self.timed && start.time.is_some() && start.label.is_none() => self.timed(at, line, &start, draft),
            _ => self.words(at, at, line, draft),
        }
    }

    /// A labelled line begins a unit.
    fn label(&mut self, at: usize, line: &str, (name, after): (&'a str, usize), start: &Start, draft: &mut Draft) {
        self.close(draft);
        let speaker = || draft.speaker(scheme::speaker_name(name));
        self.speaker = Some(*self.heard.entry(name).or_insert_with(speaker));
        self.time = start.time.and_then(|m| m.span()).or(self.time.take());
        self.words(at + after, at, line, draft);
    }

    /// A line with nothing but a time belongs to what follows.
    fn time_alone(&mut self, start: &Start, draft: &mut Draft) {
        self.close(draft);
        self.time = start.time.and_then(|m| m.span());
    }

    /// A paragraph that begins with a time is a unit of its own.
    fn timed(&mut self, at: usize, line: &str, start: &Start, draft: &mut Draft) {
        self.time_alone(start, draft);
        self.words(at + start.after_time, at, line, draft);
    }

    /// Words that go on where the last ones ended.
    fn words(&mut self, from: usize, at: usize, line: &str, draft: &mut Draft) {
        if self.speaker.is_none() {
            self.unlabelled.get_or_insert(at);
            return;
        }
        let end = at + line.len();
        if is_empty(&self.text[from..end]) {
            return;
        }
        self.start.get_or_insert(from);
        self.end = end;
        if self.only_asks && is_whole(line) {
            self.end_paragraph(draft);
        }
    }

    /// Without labels a paragraph is a unit; where only questions are labelled, the answer comes after it.
    fn end_paragraph(&mut self, draft: &mut Draft) {
        if self.start.is_some() && self.only_asks {
            self.close(draft);
            self.speaker = Some(draft.speaker(""));
        } else if self.by_paragraph {
            self.close(draft);
        }
    }

    fn close(&mut self, draft: &mut Draft) {
        if let (Some(start), Some(speaker)) = (self.start.take(), self.speaker) {
            draft.mark_in(self.text, speaker, start, self.end, self.time.take());
        }
    }
}

/// True for what stands above a transcript as a rule: a title, a date, key words. No question, and not much.
fn is_title(words: &str) -> bool {
    words.len() <= 600 && !words.contains('?')
}

/// True when a line ends as a sentence does.
fn is_whole(line: &str) -> bool {
    line.trim_end().ends_with(['.', '?', '!', ':', ')', '"', '\u{201d}', '\u{2026}'])
}

/// Says what was done, where it can be doubted.
fn note(
    draft: &mut Draft,
    accepted: &Accepted,
    unlabelled: Option<usize>,
    lines_before: usize,
    text: &str,
    context: &Context<'_>,
) {
    draft.close_times();
    if accepted.is_empty() {
        draft.note_no_speaker(context);
    }
    if let Some(byte) = unlabelled {
        let mut note =
            context.warning("W_UNLABELLED", "words before the first speaker label have no speaker and are not coded");
        let first = draft.units.first().map_or(text.len(), |unit| unit.span.start);
        if is_title(&text[byte.min(first)..first]) {
            note.severity = Severity::Note;
        }
        draft.notes.push(placed(note, text, byte));
    }
    for line in &accepted.doubtful {
        let note = context
            .note("W_LABEL", "what stands before the colon appears once and was taken as words, not as a speaker");
        draft.note_some(note.at_line(lines_before + line), LISTED);
    }
    if let Some(unit) = draft.units.iter().find(|u| u.span.len() > LONG) {
        let note = context.note("W_LONG_TURN", format!("a turn of {} MB", unit.span.len() / 1_000_000));
        draft.notes.push(placed(note, text, unit.span.start));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ReadOptions, read};

    /// `speaker|words` of every unit.
    fn shown(text: &str) -> Vec<String> {
        let transcript = read(text.as_bytes(), "x.txt", &ReadOptions::default()).unwrap();
        let name = |u: &super::super::Unit| transcript.speaker(u.speaker).name.clone();
        transcript.units.iter().map(|u| format!("{}|{}", name(u), u.span.of(&transcript.text))).collect()
    }

    #[test]
    fn conventions() {
        let cases: [(&str, &[&str]); 14] = [
            ("Q: one?\nA: two\nwraps\n\nmore\n", &["Q|one?", "A|two\nwraps\n\nmore"]),
            ("Q. one?\n\nA. Mr. Haas,\nDr. B. said: no.\n", &["Q|one?", "A|Mr. Haas,\nDr. B. said: no."]),
            ("Q\tone?\nA\ttwo\nQ\tthree?\nA\tA boy.\n", &["Q|one?", "A|two", "Q|three?", "A|A boy."]),
            (
                "MR. KOHN. One.\n\nCHAIRMAN A. Two.\n\nMR. KOHN. Three.\n",
                &["MR. KOHN|One.\n\nCHAIRMAN A. Two.", "MR. KOHN|Three."],
            ),
            ("Ann Lee:\n\nOne.\n\nBo:\n\nTwo.\n\nAnn Lee:\n\nThree\n", &["Ann Lee|One.", "Bo|Two.", "Ann Lee|Three"]),
            (
                "INTERVIEWER\nOne?\n\nP03\nTwo.\n\nINTERVIEWER\nThree?\n\nP03\nFour.\n",
                &["INTERVIEWER|One?", "P03|Two.", "INTERVIEWER|Three?", "P03|Four."],
            ),
            ("[00:01] I: One?\n[00:05] P1: Two, at 10:30.\n", &["I|One?", "P1|Two, at 10:30."]),
            (
                "Speaker 1 (00:03):\nOne.\n\nSpeaker 2 (00:09):\nTwo [inaudible 00:12].\n",
                &["Speaker 1|One.", "Speaker 2|Two [inaudible 00:12]."],
            ),
            ("*Interviewer:* One?\n\n*Bo:* Two.\n\n*Bo:* Three.\n", &["Interviewer|One?", "Bo|Two.", "Bo|Three."]),
            (
                "# Talk\n\nAnn 0:01\nOne.\n\nBo 0:02\nTwo.\n\nAnn 0:03\nThree.\n\nTranscribed by https://otter.ai\n",
                &["Ann|One.", "Bo|Two.", "Ann|Three."],
            ),
            (
                "I: One?\nR: Two: three.\nand so on\n[00:02:00]\nmore\n",
                &["I|One?", "R|Two: three.\nand so on", "R|more"],
            ),
            ("Just words.\nStill.\n\nMore words.\n", &["|Just words.\nStill.", "|More words."]),
            (
                "Question 1: Why?\nBecause.\n\nQuestion 2: How?\nSo.\n",
                &["Question|Why?", "|Because.", "Question|How?", "|So."],
            ),
            (
                "\u{a0}Jos\u{e9}\u{a0}: Uno.\n\nANA: Dos.\n\nJos\u{e9}: Tres.\n\nANA: No.\n",
                &["Jos\u{e9}|Uno.", "ANA|Dos.", "Jos\u{e9}|Tres.", "ANA|No."],
            ),
        ];
        for (text, want) in cases {
            assert_eq!(shown(text), want, "{text}");
        }
    }

    #[test]
    fn false_labels_stay_words() {
        let answer = "R: We said\nNote: nothing moves, and\nhe told me: go.\nhttps://example.org: no\n10:30 was late\nMonday: three,\nTuesday: four.\n";
        let text = format!("I: How?\n\n{answer}\nI: And?\n\nR: So.\n");
        let units = shown(&text);
        assert_eq!(units.len(), 4, "{units:#?}");
        assert_eq!(units[1], answer.trim_end().replacen("R: ", "R|", 1));
    }

    #[test]
    fn times_run_to_the_next_one() {
        let text = "Ann 0:01\nOne.\n\nBo 0:04\nTwo.\n\nAnn 0:09\nThree.\n";
        let transcript = read(text.as_bytes(), "x.txt", &ReadOptions::default()).unwrap();
        let times: Vec<_> = transcript.units.iter().map(|u| u.time.map(|t| (t.start_ms, t.end_ms))).collect();
        assert_eq!(times, [Some((1000, 4000)), Some((4000, 9000)), Some((9000, 9000))]);
    }
}
