//! Labelled plain text in all its conventions, timed paragraphs, and text without speakers.
//!
//! Comes in: the whole decoded file. Goes out: units whose spans lie in that same text; nothing is added or removed.
//! Never happens here: a unit over a heading, a time mark line or the header block.

use super::accept::{Accepted, Survey};
use super::draft::{Content, Context, Draft, Outcome, is_blank, placed};
use super::label::{self, Start};
use super::{SpeakerId, TimeSpan, header, scheme};

/// Lines with a time that make a text one of timed paragraphs.
const TIMED: usize = 3;
/// A unit above this many bytes is worth a note.
const LONG: usize = 1 << 20;
/// Doubtful labels that are listed one by one.
const LISTED: usize = 5;

/// Reads any text.
pub(super) fn read(content: Content<'_>, context: &Context<'_>) -> Outcome {
    Ok(labelled(content.text, context))
}

/// Reads text; also used for the paragraphs of other formats.
pub(super) fn labelled(text: String, context: &Context<'_>) -> Draft {
    let (pairs, body) = header::read(&text);
    let mut draft = Draft::default();
    draft.header = pairs;
    let survey = survey(&text[body..]);
    let timed = survey.n_timed >= TIMED;
    let accepted = survey.decide(&header::speakers(&draft.header));
    let mut walk = Walk { text: &text, timed, only_asks: accepted.only_asks(), ..Walk::default() };
    if accepted.is_empty() {
        walk.speaker = Some(draft.speaker(""));
        walk.by_paragraph = true;
    }
    walk.run(body, &accepted, &mut draft);
    for &byte in walk.bad_times.iter().take(LISTED + 1) {
        draft.note_some(placed(context.warning("W_TIME", "no such time; the words are kept"), &text, byte), LISTED);
    }
    let unlabelled = walk.unlabelled;
    let lines_before = text[..body].bytes().filter(|&b| b == b'\n').count();
    note(&mut draft, &accepted, unlabelled, lines_before, &text, context);
    draft.text = text;
    draft
}

/// Counts what the lines begin with.
fn survey(body: &str) -> Survey<'_> {
    let mut survey = Survey::default();
    let mut first = true;
    for (i, line) in body.split('\n').enumerate() {
        if is_empty(line) || is_furniture(line) {
            first = true;
            continue;
        }
        let start = label::look(line);
        if start.is_time_alone(line) {
            survey.n_timed += 1;
            first = true;
            continue;
        }
        survey.count(line, &start, first, i + 1);
        first = false;
    }
    survey
}

fn is_empty(line: &str) -> bool {
    line.chars().take(64).all(is_blank) && line.trim_matches(is_blank).is_empty()
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
        _ => false,
    }
}

/// The way through the lines; a unit is open while `start` is set.
#[derive(Default)]
struct Walk<'a> {
    text: &'a str,
    /// Paragraphs may begin with a time.
    timed: bool,
    /// Only questions are labelled.
    only_asks: bool,
    /// Every paragraph is a unit: there are no labels.
    by_paragraph: bool,
    speaker: Option<SpeakerId>,
    start: Option<usize>,
    end: usize,
    time: Option<TimeSpan>,
    /// First byte of words before any label.
    unlabelled: Option<usize>,
    /// First bytes of lines whose time is none.
    bad_times: Vec<usize>,
}

impl Walk<'_> {
    fn run(&mut self, body: usize, accepted: &Accepted<'_>, draft: &mut Draft) {
        let text = self.text;
        let mut at = body;
        for line in text[body..].split_inclusive('\n') {
            let bare = line.strip_suffix('\n').unwrap_or(line);
            self.line(at, bare, accepted, draft);
            at += line.len();
        }
        self.close(draft);
    }

    fn line(&mut self, at: usize, line: &str, accepted: &Accepted<'_>, draft: &mut Draft) {
        if is_empty(line) {
            if self.by_paragraph || self.only_asks {
                self.end_paragraph(draft);
            }
            return;
        }
        if is_furniture(line) {
            return self.close(draft);
        }
        let start = label::look(line);
        if start.time.is_some_and(|mark| mark.ms.is_none()) {
            self.bad_times.push(at);
        }
        match &start.label {
            Some(label) if accepted.has(line, label) => self.label(at, line, &start, draft),
            _ if start.is_time_alone(line) => self.time_alone(&start, draft),
            _ if self.timed && start.time.is_some() && start.label.is_none() => self.timed(at, line, &start, draft),
            _ => self.words(at, at, line, draft),
        }
    }

    /// A labelled line begins a unit.
    fn label(&mut self, at: usize, line: &str, start: &Start, draft: &mut Draft) {
        let Some(label) = &start.label else { return };
        self.close(draft);
        self.speaker = Some(draft.speaker(scheme::speaker_name(&line[label.name.clone()])));
        self.time = start.time.and_then(|m| m.span()).or(self.time.take());
        self.words(at + start.after_label, at, line, draft);
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

/// True when a line ends as a sentence does.
fn is_whole(line: &str) -> bool {
    line.trim_end().ends_with(['.', '?', '!', ':', ')', '"', '\u{201d}', '\u{2026}'])
}

/// Says what was done, where it can be doubted.
fn note(
    draft: &mut Draft,
    accepted: &Accepted<'_>,
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
        let note =
            context.warning("W_UNLABELLED", "words before the first speaker label have no speaker and are not coded");
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
