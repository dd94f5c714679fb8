//! A transcript as the rest of the program sees it: one plain text, who speaks where in it, and when.
//!
//! Comes in: bytes of a file in any known format. Goes out: a [`Transcript`] or the reasons why not.
//! Never happens here: any guess about codes, any change of the text after reading.
//!
//! One format is one file of this folder plus one line in [`FORMATS`].

mod accept;
mod archive;
mod characters;
mod csv;
mod cues;
mod decode;
mod docx;
mod draft;
mod entities;
mod header;
mod label;
mod later;
mod level;
mod lines;
mod numbering;
pub mod respondents;
mod roles;
mod scheme;
mod table;
mod text;
mod time;
mod whisper;

use crate::diagnostic::Diagnostic;
use crate::span::Span;
use draft::{Content, Context, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Milliseconds from the start of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSpan {
    /// First millisecond.
    pub start_ms: u64,
    /// Last millisecond; never before the first.
    pub end_ms: u64,
}

/// The place of a speaker in [`Transcript::speakers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpeakerId(pub u32);

/// What a speaker does in the interview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpeakerRole {
    /// Answers; the only role whose words are coded.
    Respondent,
    /// Asks.
    Interviewer,
    /// Neither: a transcriber's remark, a machine, a stage direction.
    Other,
}

/// Somebody who speaks in a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// As the transcript labels them, trimmed; empty for unlabelled speech.
    pub name: String,
    /// What they do.
    pub role: SpeakerRole,
    /// True when the role is inferred from how they speak and neither named in the label nor set by the user.
    pub guessed: bool,
    /// Attributes of this speaker from `respondents.csv` or the header block (`level`, `district`, `job_role`, …).
    pub attributes: BTreeMap<String, String>,
}

impl Speaker {
    /// A speaker of whom only the label is known.
    pub fn named(name: impl Into<String>) -> Self {
        Speaker { name: name.into(), role: SpeakerRole::Respondent, guessed: true, attributes: BTreeMap::new() }
    }
}

/// The smallest labelled or timed piece of speech: a labelled paragraph, a cue, a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Who speaks.
    pub speaker: SpeakerId,
    /// The words, in [`Transcript::text`], without label and time mark, trimmed; never empty.
    pub span: Span,
    /// When, if the source says so.
    pub time: Option<TimeSpan>,
}

/// One interview, focus group or document.
///
/// Invariants: unit spans are ordered, disjoint and lie on character borders of `text`; `text` never changes after
/// reading; line ends in it are LF and it has no byte order mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// File name without its extension (with its folder where names repeat). Unique in a study.
    pub name: String,
    /// Path of the file as the user gave it.
    pub source: String,
    /// Name of the format that read it, as in [`FORMATS`].
    pub format: &'static str,
    /// The plain text to which all positions refer, published as `texts/<name>.txt`.
    pub text: String,
    /// Who speaks, in order of first appearance.
    pub speakers: Vec<Speaker>,
    /// The pieces of speech in the order of the file.
    pub units: Vec<Unit>,
    /// `Key: value` lines of the header block or front matter, keys in lower case, in order.
    pub header: Vec<(String, String)>,
    /// What the reader did that the user may want to judge. No errors: an error is a refusal.
    pub notes: Vec<Diagnostic>,
    /// The text is known to be the file, byte for byte.
    pub verbatim: bool,
}

impl Transcript {
    /// The speaker of a unit or a turn.
    ///
    /// # Panics
    /// When the id is of another transcript.
    pub fn speaker(&self, id: SpeakerId) -> &Speaker {
        &self.speakers[id.0 as usize]
    }
}

/// Limits and choices that a reader needs; defaults as in the README.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Largest unpacked size of an archive, in bytes.
    pub max_unpacked_bytes: u64,
    /// Most entries of an archive.
    pub max_entries: usize,
    /// Deepest nesting of XML and JSON.
    pub max_depth: usize,
    /// Most attributes of one XML tag.
    pub max_attributes: usize,
    /// Encoding to use when a file is not UTF-8 (`windows-1252`); none: such a file is refused.
    pub encoding: Option<String>,
    /// Labels that the user says are interviewers.
    pub interviewers: Vec<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            max_bytes: 256 << 20,
            max_unpacked_bytes: 256 << 20,
            max_entries: 4096,
            max_depth: 256,
            max_attributes: 1000,
            encoding: None,
            interviewers: Vec::new(),
        }
    }
}

/// One input format: a file of this folder and a line in [`FORMATS`].
pub struct Format {
    /// Name, as in [`Transcript::format`].
    pub name: &'static str,
    recognise: Recognise,
    read: fn(Content, &Context<'_>) -> Outcome,
}

/// How a format is known; by its content, never by its name.
enum Recognise {
    /// From the raw bytes: archives.
    Bytes(fn(&[u8]) -> bool),
    /// From the decoded text.
    Text(fn(&str) -> bool),
}

/// Every format that is read, tried in this order. The last one takes any text.
pub const FORMATS: &[Format] = &[
    Format { name: "docx", recognise: Recognise::Bytes(docx::is_docx), read: docx::read },
    Format { name: "whisper", recognise: Recognise::Text(whisper::is_whisper), read: whisper::read },
    Format { name: "vtt", recognise: Recognise::Text(cues::is_vtt), read: cues::read },
    Format { name: "srt", recognise: Recognise::Text(cues::is_srt), read: cues::read },
    Format { name: "csv", recognise: Recognise::Text(csv::is_csv), read: csv::read },
    Format { name: "text", recognise: Recognise::Text(|_| true), read: text::read },
];

/// Reads one file, whatever its format.
///
/// `source` is the path as the user gave it; only its last part is used, as the transcript's name.
///
/// ```
/// # use precode::transcript::{ReadOptions, read};
/// let bytes = b"Interviewer: How was it?\nTeacher: They helped us.\n";
/// let transcript = read(bytes, "site/p07.txt", &ReadOptions::default()).unwrap();
/// assert_eq!(transcript.name, "p07");
/// assert_eq!(transcript.units[1].span.of(&transcript.text), "They helped us.");
/// ```
///
/// # Errors
/// Every reason why the file cannot be used, each with its place; nothing of such a file is used.
pub fn read(bytes: &[u8], source: &str, options: &ReadOptions) -> Result<Transcript, Vec<Diagnostic>> {
    take(bytes.to_vec(), source, options)
}

/// As [`read`], without another copy of the file.
///
/// # Errors
/// As [`read`].
pub fn take(bytes: Vec<u8>, source: &str, options: &ReadOptions) -> Result<Transcript, Vec<Diagnostic>> {
    let context = Context { source, options };
    decode::check_size(&bytes, &context).map_err(|e| vec![e])?;
    if let Some(format) = FORMATS.iter().find(|f| matches!(f.recognise, Recognise::Bytes(is) if is(&bytes))) {
        let draft = (format.read)(Content { bytes, text: String::new() }, &context)?;
        return Ok(finish(draft, format.name, &context, Vec::new()));
    }
    later::check_bytes(&bytes, &context).map_err(|e| vec![e])?;
    let decode::Decoded { text, verbatim, notes } = decode::decode(bytes, &context).map_err(|e| vec![e])?;
    later::check_text(&text, &context).map_err(|e| vec![e])?;
    let known = |f: &&Format| matches!(f.recognise, Recognise::Text(is) if is(&text));
    let Some(format) = FORMATS.iter().find(known) else {
        return Err(vec![context.error("E_FORMAT", "no known transcript format")]);
    };
    let draft = (format.read)(Content { bytes: Vec::new(), text }, &context)?;
    // Only this reader leaves the text as it is.
    let verbatim = verbatim && format.name == "text";
    Ok(Transcript { verbatim, ..finish(draft, format.name, &context, notes) })
}

/// Places of those of these labels that mean a speaker of the transcript.
pub fn labels_met(transcript: &Transcript, labels: &[String]) -> Vec<usize> {
    roles::meant(transcript, labels).into_iter().map(|(label, _)| label).collect()
}

/// Roles, and notes on what a reader of the results should know about the text.
fn finish(
    draft: draft::Draft,
    format: &'static str,
    context: &Context<'_>,
    mut notes: Vec<Diagnostic>,
) -> Transcript {
    let name = Path::new(context.source).file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let draft::Draft { text, speakers, units, header, notes: found, .. } = draft;
    notes.extend(found);
    let source = context.source.to_string();
    let mut transcript = Transcript { name, source, format, text, speakers, units, header, notes, verbatim: false };
    roles::assign(&mut transcript, context.options);
    characters::note(&mut transcript);
    transcript
}
