//! Formats that are known and not read yet, and things that are no transcript: refused with a reason.
//!
//! Comes in: a file that no reader took. Goes out: a refusal that names what it is and what to do.
//! Never happens here: reading.

use super::draft::Context;
use crate::diagnostic::Diagnostic;

/// A kind of file: how its bytes begin, what it is, what to do.
type Magic = (&'static [u8], &'static str, &'static str);

/// Documents that begin with letters, whatever stands before these: a byte order mark, blanks.
const DOCUMENTS: &[Magic] = &[
    (b"%PDF", "a PDF file", "open it and save its words as .docx or plain text"),
    (b"{\\rtf", "an RTF file", "open it in a word processor and save it as .docx or plain text"),
];

const ARCHIVES: &[Magic] = &[
    (
        b"PK\x03\x04",
        "an archive that is no Word document (OpenDocument, Excel, QDPX or other)",
        "save the transcript as .docx, .csv or .txt",
    ),
    (b"PK\x05\x06", "an empty archive", "save the transcript as .docx, .csv or .txt"),
];

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Refuses what is known by its first bytes.
pub(super) fn check_bytes(bytes: &[u8], context: &Context<'_>) -> Result<(), Diagnostic> {
    if bytes.starts_with(OLE) {
        let problem = first(context.error("E_ENCRYPTED", "a password-protected Office file or an old .doc"));
        return Err(problem.help("open it and save it as .docx without a password"));
    }
    refuse(ARCHIVES, bytes, context)?;
    refuse(DOCUMENTS, bytes.strip_prefix(BOM).unwrap_or(bytes).trim_ascii_start(), context)
}

fn refuse(known: &[Magic], bytes: &[u8], context: &Context<'_>) -> Result<(), Diagnostic> {
    match known.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        Some((_, what, help)) => Err(later(what, context).help(*help)),
        None => Ok(()),
    }
}

/// Refuses what is known by the beginning of its text.
pub(super) fn check_text(text: &str, context: &Context<'_>) -> Result<(), Diagnostic> {
    refuse(DOCUMENTS, text.trim_start().as_bytes(), context)?;
    if context.is_named("docx") {
        let problem = first(context.error("E_ZIP", "no Word file: it looks like plain text"));
        return Err(problem.help("name it .txt, or save it as .docx"));
    }
    super::csv::check_named(text, context)?;
    match kind(text) {
        Some(what) => Err(later(what, context).help("save the transcript as .docx, .vtt, .csv or .txt")),
        None => Ok(()),
    }
}

/// The refusal of something that is known and not read yet.
pub(super) fn later(what: &str, context: &Context<'_>) -> Diagnostic {
    first(context.error("E_FORMAT_LATER", format!("{what} is not read yet")))
}

fn first(mut problem: Diagnostic) -> Diagnostic {
    problem.byte = Some(0);
    problem.at_line(1)
}

/// The name of a known text format.
fn kind(text: &str) -> Option<&'static str> {
    let text = text.trim_start();
    if text.starts_with("@UTF8") || text.starts_with("@Begin") {
        return Some("a CHAT transcript");
    }
    if is_chat_log(text) {
        return Some("a chat log, which is no speech,");
    }
    if text.starts_with("File type = \"ooTextFile\"") {
        return Some("a Praat TextGrid");
    }
    let known = |(root, what): &(&str, &'static str)| (xml_root(text)? == *root).then_some(*what);
    ROOTS.iter().find_map(known).or_else(|| text.starts_with("<?xml").then_some("an XML file of this kind"))
}

const ROOTS: &[(&str, &str)] = &[
    ("html", "an HTML page"),
    ("!doctype", "an HTML page"),
    ("tei", "a TEI transcript"),
    ("teicorpus", "a TEI transcript"),
    ("annotation_document", "an ELAN file"),
    ("pst:transcripts", "a Podlove transcript"),
    ("trans", "a Transcriber file"),
    ("basic-transcription", "an EXMARaLDA file"),
];

/// The name of the first element, in lower case, if the text begins as XML or HTML does.
fn xml_root(text: &str) -> Option<String> {
    let mut rest = text.strip_prefix('<')?;
    for _ in 0..16 {
        if !rest.starts_with(['?', '!']) || rest.get(..8).is_some_and(|s| s.eq_ignore_ascii_case("!doctype")) {
            break;
        }
        let close = if rest.starts_with("!--") { "-->" } else { ">" };
        let (_, after) = rest.split_once(close)?;
        rest = after.trim_start().strip_prefix('<')?;
    }
    let end = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
    (end <= 40).then(|| rest[..end].to_lowercase())
}

/// `00:13:55<tab>Name:<tab>words`, as Zoom saves its chats.
fn is_chat_log(text: &str) -> bool {
    let is_entry = |line: &str| {
        let mut cells = line.split('\t');
        let timed = cells.next().is_some_and(|time| super::time::clock(time).is_some());
        timed && cells.next().is_some_and(|name| name.ends_with(':')) && cells.next().is_some()
    };
    let mut lines = text.lines().filter(|line| !line.is_empty()).take(2);
    lines.next().is_some_and(is_entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::{ReadOptions, read};

    /// What is said of a file with this name.
    fn said(bytes: &[u8], name: &str, encoding: Option<&str>) -> Option<String> {
        let options = ReadOptions { encoding: encoding.map(str::to_string), ..ReadOptions::default() };
        let problem = read(bytes, name, &options).err()?.remove(0);
        assert_eq!((problem.code, problem.line, problem.byte), ("E_FORMAT_LATER", Some(1), Some(0)), "{problem:?}");
        Some(problem.line())
    }

    #[test]
    fn documents_are_known_whatever_their_name_and_encoding() {
        let rtf = "{\\rtf1\\ansi Interviewer: How was it?\\par Teacher: They told us.\\par}";
        let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(rtf.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (bytes, encoding) in [
            (rtf.as_bytes(), None),
            (&[BOM, rtf.as_bytes()].concat(), None),
            (&[b"\r\n \t", rtf.as_bytes()].concat(), None),
            (&[rtf.as_bytes(), b"\xE9"].concat(), Some("windows-1252")),
            (&wide, None),
            (&wide[2..], Some("utf-16le")),
        ] {
            let told = said(bytes, "p07.txt", encoding).unwrap_or_default();
            assert!(told.contains("an RTF file") && told.contains("save it as .docx or plain text"), "{told}");
        }
        assert!(
            said(b"\n\n%PDF-1.4\n%\xE2\xE3\xCF\xD3\n", "p07.txt", None).is_some_and(|told| told.contains("a PDF"))
        );
        assert_eq!(said(b"Teacher: I saw {\\rtf1 and %PDF on it.\n", "p07.txt", None), None);
    }

    #[test]
    fn kinds_by_their_beginning() {
        let cases = [
            ("<!DOCTYPE html>\n<p>", Some("an HTML page")),
            ("<?xml version=\"1.0\"?>\n<!-- a > b --><TEI xmlns=\"x\">", Some("a TEI transcript")),
            ("<?xml version=\"1.0\"?><ANNOTATION_DOCUMENT A=\"\">", Some("an ELAN file")),
            ("@UTF8\n@Begin", Some("a CHAT transcript")),
            ("00:13:55\tfelix (eest):\thi\n", Some("a chat log, which is no speech,")),
            ("<script>x</script>: hi", None),
            ("<https://example.org/>\n\nann: x", None),
            ("I: <html> is a word", None),
        ];
        for (text, want) in cases {
            assert_eq!(kind(text), want, "{text}");
        }
    }
}
