//! WebVTT and SRT: words with times, with or without speakers.
//!
//! Comes in: the text of a caption file. Goes out: one unit per cue, or per voice in a cue, in the order of the file.
//! Never happens here: a sort by time, or a lost word: what stands outside any cue is kept without a time.

use super::accept::{Accepted, Survey};
use super::draft::{Content, Context, Draft, Outcome, placed};
use super::{TimeSpan, entities, label, time};

/// Lines without words in which the first time of an SRT file must come.
const SRT_HEAD: usize = 10;
/// Share of cues with a label from which a cue without one is suspect.
const EVERY_CUE: f64 = 0.95;
/// Share of cues that begin with the line before, from which captions roll.
const ROLLING: f64 = 0.3;
/// Cues that show whether captions roll: they do so from the beginning.
const SAMPLE: usize = 400;
/// Most lines of a cue that the next one may show again.
const MOST_SHOWN: usize = 16;
/// Notes of one kind that are listed one by one.
const LISTED: usize = 5;

/// True for WebVTT.
pub(super) fn is_vtt(text: &str) -> bool {
    text.strip_prefix("WEBVTT").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']))
}

/// True for SRT, and for WebVTT whose first line is lost.
pub(super) fn is_srt(text: &str) -> bool {
    text.lines().filter(|line| !line.trim().is_empty()).take(SRT_HEAD).any(|line| timing(line).is_some())
}

/// Reads WebVTT or SRT.
pub(super) fn read(content: Content, context: &Context<'_>) -> Outcome {
    let mut draft = Draft::default();
    let cues = Cues::split(&content.text, context, &mut draft);
    let rolling = rolls(&cues[..cues.len().min(SAMPLE)]);
    let mut survey = Survey::of_cues();
    for piece in pieces(&cues, rolling).filter(|p| p.voice.is_none()) {
        for (i, line) in piece.lines.iter().enumerate() {
            survey.count(line, &label::look(line), i == 0, piece.line);
        }
    }
    let accepted = survey.decide(&[]);
    assemble(&cues, rolling, &accepted, &mut draft, context);
    if draft.speakers.iter().all(|s| s.name.is_empty()) && !draft.units.is_empty() {
        draft.note_no_speaker(context);
    }
    Ok(draft)
}

/// The words of a cue as they stand in the file.
struct Cue<'a> {
    line: usize,
    time: Option<TimeSpan>,
    text: &'a str,
}

/// The cues of a file while its lines are read.
struct Cues<'a> {
    text: &'a str,
    done: Vec<Cue<'a>>,
    /// The cue or the loose block that the next line belongs to: line, time, first byte, end.
    open: Option<(usize, Option<TimeSpan>, usize, usize)>,
    /// The open block has a time line.
    timed: bool,
}

impl<'a> Cues<'a> {
    fn split(text: &'a str, context: &Context<'_>, draft: &mut Draft) -> Vec<Cue<'a>> {
        let mut cues = Cues { text, done: Vec::new(), open: None, timed: false };
        let (mut at, mut skip) = (0, is_vtt(text));
        let mut n_times = 0;
        for (i, line) in text.split_inclusive('\n').enumerate() {
            let bare = line.strip_suffix('\n').unwrap_or(line);
            if bare.trim().is_empty() {
                // Automatic captions show an empty first line that holds a space.
                if bare.is_empty() || !cues.is_new() {
                    cues.close(context, draft);
                }
                skip = false;
            } else if let Some(found) = timing(bare) {
                skip = false;
                n_times += 1;
                if n_times == 1 && !is_vtt(text) && bare.contains('.') {
                    let note = context
                        .note("W_VTT", "times as in WebVTT, but no WEBVTT line at the beginning; read as WebVTT");
                    draft.notes.push(placed(note, text, 0));
                }
                cues.begin(i + 1, at, at + line.len(), found, context, draft);
            } else if skip {
                header_line(i, bare, draft);
            } else if cues.open.is_none() && is_vtt(text) && is_aside(bare) {
                skip = true;
            } else {
                cues.go_on(i + 1, at, at + bare.len(), context, draft);
            }
            at += line.len();
        }
        cues.close(context, draft);
        cues.done
    }

    /// A time line came last.
    fn is_new(&self) -> bool {
        self.timed && self.open.is_some_and(|(_, _, start, stop)| start == stop)
    }

    /// A time line ends what is open, whose last line is this cue's number or id.
    fn begin(&mut self, line: usize, at: usize, end: usize, found: Timing, context: &Context<'_>, draft: &mut Draft) {
        if let Some((_, _, start, stop)) = &mut self.open {
            let block = &self.text[*start..*stop];
            let cut = block.rfind('\n').map_or(0, |i| i + 1);
            let last = block[cut..].trim();
            let number = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
            if !self.timed || number {
                *stop = *start + cut;
            }
        }
        self.close(context, draft);
        for (wrong, code, message) in found.problems() {
            if wrong {
                draft.note_at(context.warning(code, message), self.text, at, LISTED);
            }
        }
        self.open = Some((line, found.span(), end, end));
        self.timed = true;
    }

    fn go_on(&mut self, line: usize, at: usize, end: usize, context: &Context<'_>, draft: &mut Draft) {
        if self.text[at..end].contains("-->") {
            let note = context.note("W_VTT", "an arrow within the words, taken as words");
            draft.note_at(note, self.text, at, LISTED);
        }
        match &mut self.open {
            Some((_, _, _, stop)) => *stop = end,
            None => {
                self.open = Some((line, None, at, end));
                self.timed = false;
            }
        }
    }

    fn close(&mut self, context: &Context<'_>, draft: &mut Draft) {
        let Some((line, time, start, stop)) = self.open.take() else { return };
        let text = self.text[start..stop.max(start)].trim();
        if !self.timed && !text.is_empty() {
            let note = context.warning("W_VTT", "words outside any cue, kept without a time");
            draft.note_some(note.at_line(line), LISTED);
        }
        let number = !self.timed && text.bytes().all(|b| b.is_ascii_digit());
        if text.is_empty() && self.timed {
            draft.note_some(context.note("W_EMPTY_TURN", "a cue without words").at_line(line), 1);
        }
        if !text.is_empty() && !number {
            self.done.push(Cue { line, time, text });
        }
    }
}

/// `Kind: captions` below the WEBVTT line.
fn header_line(i: usize, line: &str, draft: &mut Draft) {
    if let Some((key, value)) = line.split_once(':').filter(|_| (1..8).contains(&i)) {
        draft.header.push((key.trim().to_lowercase(), value.trim().to_string()));
    }
}

/// Blocks of WebVTT that are not shown.
fn is_aside(line: &str) -> bool {
    ["NOTE", "STYLE", "REGION"]
        .iter()
        .any(|word| line.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])))
}

/// A time line.
struct Timing {
    start: Option<u64>,
    end: Option<u64>,
    /// `->` instead of `-->`.
    short_arrow: bool,
}

impl Timing {
    fn span(&self) -> Option<TimeSpan> {
        let start_ms = self.start?;
        Some(TimeSpan { start_ms, end_ms: self.end.filter(|&end| end >= start_ms).unwrap_or(start_ms) })
    }

    fn problems(&self) -> [(bool, &'static str, &'static str); 3] {
        let backwards = self.start.zip(self.end).is_some_and(|(start, end)| end < start);
        let none = self.start.is_none() || self.end.is_none();
        [
            (none, "W_TIME", "no such time; the words are kept"),
            (backwards, "W_TIME", "the cue ends before it starts; only its start is kept"),
            (self.short_arrow, "W_VTT", "an arrow `->` was read as `-->`"),
        ]
    }
}

/// A line `time --> time settings`; also with one hyphen, and with times that are none.
fn timing(line: &str) -> Option<Timing> {
    // The first character tells a line of speech, however long it is.
    line.trim_start().bytes().next().filter(|&b| timely(b))?;
    let (left, right, short_arrow) = match line.find("-->") {
        Some(i) => (&line[..i], &line[i + 3..], false),
        None => line.find(" -> ").map(|i| (&line[..i], &line[i + 4..], true))?,
    };
    let left = left.trim();
    let right = right.split_whitespace().next()?;
    let clock = |t: &str| t.contains(':') && t.bytes().all(timely);
    (clock(left) && clock(right)).then(|| Timing { start: time::clock(left), end: time::clock(right), short_arrow })
}

/// True for what times are written with.
fn timely(byte: u8) -> bool {
    byte.is_ascii_digit() || b":.,-".contains(&byte)
}

/// The words of one voice in a cue.
struct Piece {
    line: usize,
    time: Option<TimeSpan>,
    /// Name in a voice tag; empty when the tag names nobody.
    voice: Option<String>,
    lines: Vec<String>,
}

/// Takes tags out, splits cues by voice, and drops what rolling captions repeat. The pieces are made as they are asked
/// for: all of them would take several times the memory of the file.
fn pieces<'c>(cues: &'c [Cue<'_>], rolling: bool) -> impl Iterator<Item = Piece> + 'c {
    let mut before: Vec<String> = Vec::new();
    cues.iter().flat_map(move |cue| {
        let mut cue = split_voices(cue);
        if rolling && let [piece] = cue.as_mut_slice() {
            let shown = piece.lines.clone();
            piece.lines.drain(..repeated(&before, &shown));
            before = shown;
        }
        cue.into_iter().filter(|p| !p.lines.is_empty())
    })
}

/// True for captions that show the last line again: with the word times of automatic captions, or often enough.
fn rolls(cues: &[Cue<'_>]) -> bool {
    let shown: Vec<Vec<Piece>> = cues.iter().map(split_voices).collect();
    let again = shown.windows(2).filter(|w| match (w[0].as_slice(), w[1].as_slice()) {
        ([before], [after]) => before.lines.last() == after.lines.first(),
        _ => false,
    });
    let again = again.count();
    let word_times = cues.iter().any(|cue| cue.text.contains("><c>"));
    again > 0 && word_times || again >= 4 && again as f64 >= ROLLING * cues.len() as f64
}

/// How many first lines are the last lines of the cue before; captions show a few lines at once.
fn repeated(before: &[String], lines: &[String]) -> usize {
    let most = before.len().min(lines.len()).min(MOST_SHOWN);
    (1..=most).rev().find(|&k| before[before.len() - k..] == lines[..k]).unwrap_or(0)
}

fn split_voices(cue: &Cue<'_>) -> Vec<Piece> {
    let new = |voice| Piece { line: cue.line, time: cue.time, voice, lines: Vec::new() };
    let mut pieces = vec![new(None)];
    for line in cue.text.lines() {
        let mut words = String::new();
        let mut rest = line;
        while let Some(open) = rest.find(['<', '{']) {
            words.push_str(&rest[..open]);
            let Some((tag, after)) = tag(&rest[open..]) else {
                words.push_str(&rest[open..=open]);
                rest = &rest[open + 1..];
                continue;
            };
            if let Some(voice) = voice(tag) {
                push_line(&mut pieces, &mut words);
                pieces.push(new(Some(voice)));
            }
            rest = after;
        }
        words.push_str(rest);
        push_line(&mut pieces, &mut words);
    }
    pieces.retain(|p| !p.lines.is_empty());
    pieces
}

fn push_line(pieces: &mut [Piece], words: &mut String) {
    let line = entities::decode(words.trim()).trim().to_string();
    if let Some(piece) = pieces.last_mut().filter(|_| !line.is_empty()) {
        piece.lines.push(line);
    }
    words.clear();
}

/// A tag of WebVTT or SRT at the start of the text, and what follows it. Anything else in `<>` is words.
fn tag(text: &str) -> Option<(&str, &str)> {
    let close = match text.starts_with('{') {
        true => text.strip_prefix("{\\").and_then(|_| text.find('}'))?,
        false => text.find('>')?,
    };
    let inner = &text[1..close];
    let name = inner.trim_start_matches('/').split(['.', ' ', '\t']).next().unwrap_or("");
    let known = ["v", "c", "i", "b", "u", "lang", "ruby", "rt", "font"].contains(&name);
    (known || text.starts_with('{') || time::clock(inner).is_some()).then(|| (inner, &text[close + 1..]))
}

/// The name in `v Name` or `v.loud Name`.
fn voice(tag: &str) -> Option<String> {
    let rest = tag.strip_prefix('v')?;
    let named = rest.is_empty() || rest.starts_with(['.', ' ', '\t']);
    named.then(|| entities::decode(rest.split_once([' ', '\t']).map_or("", |(_, name)| name).trim()).into_owned())
}

fn assemble(cues: &[Cue<'_>], rolling: bool, accepted: &Accepted, draft: &mut Draft, context: &Context<'_>) {
    let labelled = |p: &Piece| p.voice.is_some() || p.lines.first().is_some_and(|line| takes(accepted, line));
    let count = |(n, of): (usize, usize), piece: Piece| (n + usize::from(labelled(&piece)), of + 1);
    let (n_labelled, n) = pieces(cues, rolling).fold((0, 0), count);
    let every = n_labelled as f64 >= EVERY_CUE * n as f64;
    let mut speaker = String::new();
    for piece in pieces(cues, rolling) {
        if every && !labelled(&piece) {
            let note = context
                .warning("W_LABEL", "a cue without a speaker where all others have one; its speaker is unnamed");
            draft.note_some(note.at_line(piece.line), LISTED);
            speaker.clear();
        }
        if let Some(voice) = &piece.voice {
            speaker.clone_from(voice);
        }
        say(&piece, accepted, &mut speaker, draft);
    }
    for line in &accepted.doubtful {
        let note = context
            .note("W_LABEL", "what stands before the colon appears once and was taken as words, not as a speaker");
        draft.note_some(note.at_line(*line), LISTED);
    }
}

/// The lines of a piece, a label at the start of any of them changes the speaker.
fn say(piece: &Piece, accepted: &Accepted, speaker: &mut String, draft: &mut Draft) {
    let mut words = String::new();
    for line in &piece.lines {
        let start = label::look(line);
        let mut rest = line.as_str();
        if let Some(label) = start.label.filter(|l| piece.voice.is_none() && accepted.has(line, l)) {
            draft.say(speaker, &words, piece.time);
            words.clear();
            *speaker = line[label.name].to_string();
            rest = &line[start.after_label..];
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(rest.trim());
    }
    draft.say(speaker, &words, piece.time);
}

fn takes(accepted: &Accepted, line: &str) -> bool {
    label::look(line).label.is_some_and(|label| accepted.has(line, &label))
}

#[cfg(test)]
mod tests {
    use super::super::{ReadOptions, read};

    fn shown(text: &str) -> Vec<String> {
        let transcript = read(text.as_bytes(), "x.vtt", &ReadOptions::default()).unwrap();
        let name = |u: &super::super::Unit| transcript.speaker(u.speaker).name.clone();
        transcript.units.iter().map(|u| format!("{}|{}", name(u), u.span.of(&transcript.text))).collect()
    }

    #[test]
    fn rolling_captions_say_every_word_once() {
        let text = "WEBVTT\nKind: captions\n\n00:00:00.000 --> 00:00:02.000\n \nwe<00:00:00.500><c> trained</c>\n\n\
            00:00:02.000 --> 00:00:02.010\nwe trained\n\n00:00:02.010 --> 00:00:04.000\nwe trained\nthe<00:00:03.000><c> \
            teachers</c>\n\n00:00:04.000 --> 00:00:04.010\nthe teachers\n";
        assert_eq!(shown(text), ["|we trained", "|the teachers"]);
    }

    #[test]
    fn voices_and_labels_within_a_cue() {
        let text = "WEBVTT\n\na/12-0\n00:01.000 --> 00:02.000\n<v Lee, Ann (Org)>One</v><v.loud Bo>two &amp; three\n\n\
            00:02.000 --> 00:03.000\n<v Bo>four\nfive\n";
        assert_eq!(shown(text), ["Lee, Ann (Org)|One", "Bo|two & three", "Bo|four five"]);
    }

    #[test]
    fn srt_without_blank_lines_and_numbers() {
        let text = "1\n00:00:00,000 --> 00:00:01,000\nANN: one\n2\n00:00:01,000 --> 00:00:02,000\n{\\an8}<i>two</i>\n\
            00:00:02,000 --> 00:00:03,000\nP2: three\nANN: four";
        assert_eq!(shown(text), ["ANN|one", "ANN|two", "P2|three", "ANN|four"]);
    }
}
