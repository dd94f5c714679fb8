//! Whisper and WhisperX JSON: segments with times and, after diarisation, speakers; also one segment a line.
//!
//! Comes in: JSON text. Goes out: one unit per segment. Never happens here: the last of two equal keys taken in
//! silence, or a lost segment.

use super::draft::{Content, Context, Draft, Outcome, placed};
use super::{TimeSpan, later, time};
use crate::diagnostic::Diagnostic;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// serde_json's own limit lies a little above.
const DEEPEST: usize = 120;
/// Notes of one kind that are listed one by one.
const LISTED: usize = 5;

/// True for any JSON; which kind is said when it is read.
pub(super) fn is_whisper(text: &str) -> bool {
    let text = text.trim_start();
    let rest = text.get(1..).unwrap_or("").trim_start();
    match text.as_bytes().first() {
        Some(b'{') => rest.starts_with(['"', '}']),
        Some(b'[') => rest.starts_with(['{', '[', '"']) || rest.trim_end() == "]",
        _ => false,
    }
}

/// Reads segments.
pub(super) fn read(content: Content, context: &Context<'_>) -> Outcome {
    let text = content.text.as_str();
    check_depth(text, context).map_err(|e| vec![e])?;
    let segments = segments(text, context).map_err(|e| vec![e])?;
    let mut draft = Draft::default();
    let mut speaker = "";
    let diarised = segments.iter().any(|s| s.speaker.is_some());
    let mixed = segments.iter().filter(|s| s.mixed).count();
    for (i, segment) in segments.iter().enumerate() {
        match &segment.speaker {
            Some(name) => speaker = name.trim(),
            None if diarised => {
                let message = format!("segments[{i}] has no speaker; it is given to the one before");
                draft.note_some(context.warning("W_LABEL", message), LISTED);
            }
            None => {}
        }
        let time = segment.time(i, context, &mut draft);
        draft.say(speaker, &segment.text, time);
    }
    if mixed > 0 {
        let message =
            format!("{mixed} segments hold words of two speakers; each is given to the speaker of the segment");
        draft.notes.push(context.warning("W_MIXED_SEGMENT", message));
    }
    if !diarised {
        draft.note_no_speaker(context);
    }
    Ok(draft)
}

/// The segments of a document of any of the shapes that are known.
fn segments<'a>(text: &'a str, context: &Context<'_>) -> Result<Vec<Segment<'a>>, Diagnostic> {
    if is_lines(text) {
        return lines(text, context);
    }
    let keys: Keys = serde_json::from_str(text).map_err(|e| problem(text, 0..text.len(), &e, context))?;
    if keys.0.is_none() {
        let Segments(segments) = serde_json::from_str(text).map_err(|e| problem(text, 0..text.len(), &e, context))?;
        return Ok(segments);
    }
    let keys = keys.0.unwrap_or_default();
    if !keys.iter().any(|k| k == "segments") {
        return Err(later::later(service(&keys), context).help("export the transcript as .vtt, .csv or .txt"));
    }
    let document: Document<'_> = serde_json::from_str(text).map_err(|e| problem(text, 0..text.len(), &e, context))?;
    Ok(document.segments.0)
}

/// The service whose JSON has these keys.
fn service(keys: &[String]) -> &'static str {
    let has = |name: &str| keys.iter().any(|k| k == name);
    match () {
        () if has("metadata") && has("results") => "Deepgram's JSON",
        () if has("jobName") && has("results") => "AWS Transcribe's JSON",
        () if has("utterances") || has("audio_url") => "AssemblyAI's JSON",
        () if has("recognizedPhrases") || has("combinedRecognizedPhrases") => "Azure's JSON",
        () if has("monologues") => "Rev.ai's JSON",
        () if has("results") || has("response") => "Google's or IBM's JSON",
        () => "JSON of this kind",
    }
}

/// True when the first line is a whole object and another line follows.
fn is_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let whole = lines.next().is_some_and(|line| line.starts_with('{') && line.trim_end().ends_with('}'));
    whole && lines.next().is_some_and(|line| line.starts_with('{'))
}

/// One segment a line.
fn lines<'a>(text: &'a str, context: &Context<'_>) -> Result<Vec<Segment<'a>>, Diagnostic> {
    let mut at = 0;
    let mut segments = Vec::new();
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            segments.push(
                serde_json::from_str(line.trim_end()).map_err(|e| problem(text, at..at + line.len(), &e, context))?,
            );
        }
        at += line.len();
    }
    Ok(segments)
}

/// Refuses what is nested too deep, before any parser sees it.
fn check_depth(text: &str, context: &Context<'_>) -> Result<(), Diagnostic> {
    let deepest = context.options.max_depth.min(DEEPEST);
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > deepest {
            let message = format!("nested more than {deepest} deep");
            return Err(placed(context.error("E_JSON_DEPTH", message), text, at));
        }
    }
    Ok(())
}

/// serde_json's error with its place in the file; `part` is what was parsed.
fn problem(text: &str, part: Range<usize>, error: &serde_json::Error, context: &Context<'_>) -> Diagnostic {
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or(&message);
    let parsed = &text[part.clone()];
    let lines: usize = parsed.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let seen = part.start + floor(parsed, lines + error.column());
    let huge = what.ends_with("number out of range");
    let byte = match what {
        _ if error.is_eof() => part.start + parsed.trim_end().len(),
        _ if huge => text[..seen].trim_end_matches(|c: char| c.is_ascii_digit() || "+-.eE".contains(c)).len(),
        _ if what.ends_with("hex escape") => escape_before(text, seen),
        _ => floor(text, seen.saturating_sub(1)),
    };
    let code = if huge { "E_TIME" } else { "E_JSON" };
    placed(context.error(code, what).help("export the file again"), text, byte)
}

/// The escape that begins before this byte and has no second half.
fn escape_before(text: &str, seen: usize) -> usize {
    text[..seen].rfind("\\u").unwrap_or(seen)
}

fn floor(text: &str, mut byte: usize) -> usize {
    byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// The keys of a document that is an object.
struct Keys(Option<Vec<String>>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(Some(keys)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Keys, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Keys(None))
            }
        }
        deserializer.deserialize_any(Look)
    }
}

/// A document of Whisper; what else it holds is not needed.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    segments: Segments<'a>,
}

/// Segments, each refused with its place in the list.
struct Segments<'a>(Vec<Segment<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Segments<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Segments<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of segments")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Segments<'de>, A::Error> {
                let mut segments = Vec::new();
                loop {
                    let i = segments.len();
                    match seq.next_element().map_err(|e| de::Error::custom(place(i, &e.to_string())))? {
                        Some(segment) => segments.push(segment),
                        None => return Ok(Segments(segments)),
                    }
                }
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// One segment. Doubled keys are refused by the derived reader; other keys are passed over.
#[derive(Deserialize)]
struct Segment<'a> {
    #[serde(borrow, default, deserialize_with = "name")]
    speaker: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "words", alias = "body")]
    text: Cow<'a, str>,
    #[serde(default, deserialize_with = "seconds", alias = "startTime")]
    start: Option<f64>,
    #[serde(default, deserialize_with = "seconds", alias = "endTime")]
    end: Option<f64>,
    /// The words name more than one speaker.
    #[serde(default, deserialize_with = "are_mixed", rename = "words")]
    mixed: bool,
}

impl Segment<'_> {
    fn time(&self, i: usize, context: &Context<'_>, draft: &mut Draft) -> Option<TimeSpan> {
        let ms = |seconds: Option<f64>| seconds.map(time::of_seconds);
        let (start, end) = (ms(self.start), ms(self.end));
        let backwards = start.flatten().zip(end.flatten()).is_some_and(|(start, end)| end < start);
        if start == Some(None) || end == Some(None) || backwards {
            let message =
                format!("segments[{i}] has a time that is none or ends before it starts; the words are kept");
            draft.note_some(context.warning("W_TIME", message), LISTED);
        }
        let start_ms = start.flatten()?;
        Some(TimeSpan { start_ms, end_ms: end.flatten().filter(|&end| end >= start_ms).unwrap_or(start_ms) })
    }
}

/// A name, or the number that a machine gives.
fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    named("speaker", Option::<Name<'de>>::deserialize(deserializer)).map(|name| name.map(|n| n.0))
}

fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    named("text", Words::deserialize(deserializer)).map(|words| words.0)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    named("start or end", Option::<f64>::deserialize(deserializer))
}

/// Puts the key before what is wrong with its value.
fn named<T, E: de::Error>(key: &str, value: Result<T, E>) -> Result<T, E> {
    value.map_err(|e| E::custom(format!(".{key}: {e}")))
}

/// `segments[3].speaker: …`, or `segments[3]: …` for what concerns the whole segment.
fn place(i: usize, problem: &str) -> String {
    let between = if problem.starts_with('.') { "" } else { ": " };
    format!("segments[{i}]{between}{problem}")
}

/// Text that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Words<'a>(#[serde(borrow)] Cow<'a, str>);

struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a number")
            }
            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_string())))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(number.to_string())))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// True when the words name two speakers.
fn are_mixed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    struct Word<'a> {
        #[serde(borrow, default)]
        speaker: Option<Name<'a>>,
    }
    struct Words;
    impl<'de> Visitor<'de> for Words {
        type Value = bool;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of words")
        }
        fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
            let mut first: Option<Cow<'de, str>> = None;
            let mut mixed = false;
            while let Some(word) = seq.next_element::<Word<'de>>()? {
                let Some(Name(name)) = word.speaker else { continue };
                mixed |= first.as_ref().is_some_and(|f| *f != name);
                first.get_or_insert(name);
            }
            Ok(mixed)
        }
    }
    named("words", deserializer.deserialize_any(Words))
}
