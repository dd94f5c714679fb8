//! Rows as files hold them: JSON Lines and CSV, written by hand because a study has millions of them.
//!
//! Comes in: [`Coding`] and [`TurnRow`]. Goes out: bytes, equal to those of `serde_json` for numbers of at most four
//! decimals. Never happens here: opening a file for writing; text changed in the plain form.

use super::StoreError;
use crate::coding::{Coding, Evidence, TurnRow};
use crate::span::Span;
use crate::transcript::SpeakerRole;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// Reads a file of JSON Lines, row by row.
///
/// # Errors
/// [`StoreError::Damaged`] with the line of the first row that is not of this kind.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<impl Iterator<Item = Result<T, StoreError>>, StoreError> {
    let path = path.to_path_buf();
    let file = File::open(&path).map_err(|e| StoreError::io(&path, e))?;
    let rows = BufReader::with_capacity(1 << 18, file).lines().enumerate();
    Ok(rows.map(move |(i, line)| {
        let line = line.map_err(|e| StoreError::io(&path, e))?;
        serde_json::from_str(&line).map_err(|e| StoreError::Damaged {
            path: path.clone(),
            line: i + 1,
            message: e.to_string(),
        })
    }))
}

/// A key of ours with all that stands round it: nothing in it needs to be escaped.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// The row of a coding in `codings.jsonl`, with its line end.
pub fn push_coding(out: &mut Vec<u8>, coding: &Coding) {
    let mut row = Object::open(out);
    row.text(key!("schema"), &coding.schema);
    row.text(key!("id"), &coding.id);
    row.text(key!("transcript"), &coding.transcript);
    row.text(key!("source"), &coding.source);
    row.text(key!("respondent"), &coding.respondent);
    row.count(key!("turn"), coding.turn);
    row.text(key!("speaker"), &coding.speaker);
    row.text(key!("speaker_role"), role_name(coding.speaker_role));
    row.count(key!("start"), coding.start);
    row.count(key!("end"), coding.end);
    row.count(key!("start_byte"), coding.start_byte);
    row.count(key!("end_byte"), coding.end_byte);
    row.count(key!("start_utf16"), coding.start_utf16);
    row.count(key!("end_utf16"), coding.end_utf16);
    row.time(key!("time_start_ms"), coding.time_start_ms);
    row.time(key!("time_end_ms"), coding.time_end_ms);
    row.text(key!("text"), &coding.text);
    row.text(key!("code"), &coding.code);
    row.text(key!("facet"), &coding.facet);
    row.decimal(key!("confidence"), coding.confidence);
    row.decimal(key!("score"), coding.score);
    row.count(key!("calibrated_on"), coding.calibrated_on);
    row.list(key!("evidence"), &coding.evidence, push_evidence);
    row.list(key!("flags"), &coding.flags, |out, flag| push_text(out, flag.name()));
    row.map(key!("attributes"), &coding.attributes);
    row.close();
    out.push(b'\n');
}

/// The row of a turn in `turns.jsonl`, with its line end.
pub fn push_turn<S: AsRef<str>>(out: &mut Vec<u8>, turn: &TurnRow<S>) {
    let mut row = Object::open(out);
    row.text(key!("transcript"), turn.transcript.as_ref());
    row.count(key!("turn"), turn.turn);
    row.text(key!("speaker"), turn.speaker.as_ref());
    row.text(key!("speaker_role"), role_name(turn.speaker_role));
    row.flag(key!("guessed"), turn.guessed);
    row.count(key!("start"), turn.start);
    row.count(key!("end"), turn.end);
    row.count(key!("start_byte"), turn.start_byte);
    row.count(key!("end_byte"), turn.end_byte);
    row.time(key!("time_start_ms"), turn.time_start_ms);
    row.time(key!("time_end_ms"), turn.time_end_ms);
    row.count(key!("words"), turn.words);
    row.text(key!("respondent"), turn.respondent.as_ref());
    if !turn.pieces.is_empty() {
        row.list(key!("pieces"), &turn.pieces, |out, piece| push_span(out, *piece));
    }
    row.close();
    out.push(b'\n');
}

fn push_span(out: &mut Vec<u8>, span: Span) {
    let mut row = Object::open(out);
    row.count(key!("start"), span.start);
    row.count(key!("end"), span.end);
    row.close();
}

fn push_evidence(out: &mut Vec<u8>, evidence: &Evidence) {
    let mut row = Object::open(out);
    row.text(key!("rule"), &evidence.rule);
    row.count(key!("start"), evidence.start);
    row.count(key!("end"), evidence.end);
    row.text(key!("text"), &evidence.text);
    row.decimal(key!("weight"), evidence.weight);
    row.list(key!("context"), &evidence.context, |out, test| push_text(out, test));
    row.close();
}

/// An object under construction.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Object { out, empty: true }
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    /// A key as `key!` makes it; the first one goes without its comma.
    fn key(&mut self, key: &'static str) {
        let comma = usize::from(std::mem::take(&mut self.empty));
        self.out.extend_from_slice(&key.as_bytes()[comma..]);
    }

    fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        push_text(self.out, value);
    }

    fn count(&mut self, key: &'static str, value: usize) {
        self.key(key);
        push_integer(self.out, value as u64);
    }

    fn time(&mut self, key: &'static str, value: Option<u64>) {
        self.key(key);
        match value {
            Some(value) => push_integer(self.out, value),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn decimal(&mut self, key: &'static str, value: f64) {
        self.key(key);
        push_decimal(self.out, value);
    }

    fn list<T>(&mut self, key: &'static str, values: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
        self.key(key);
        self.out.push(b'[');
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            push(self.out, value);
        }
        self.out.push(b']');
    }

    fn map(&mut self, key: &'static str, values: &BTreeMap<String, String>) {
        self.key(key);
        let mut inner = Object::open(self.out);
        for (key, value) in values {
            inner.separate();
            push_text(inner.out, key);
            inner.out.push(b':');
            push_text(inner.out, value);
        }
        inner.close();
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

/// A JSON string, escaped as `serde_json` does.
fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    while let Some(i) = next_escaped(bytes, plain) {
        out.extend_from_slice(&bytes[plain..i]);
        push_escape(out, bytes[i]);
        plain = i + 1;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// The next byte from here on that JSON escapes.
fn next_escaped(bytes: &[u8], from: usize) -> Option<usize> {
    let escaped = |b: u8| b < b' ' || b == b'"' || b == b'\\';
    let mut at = from;
    // Whole blocks without a branch: the compiler makes them a few instructions.
    for block in bytes[from..].chunks_exact(32) {
        if block.iter().fold(false, |any, &b| any | escaped(b)) {
            break;
        }
        at += block.len();
    }
    // Most texts are short names.
    while let Some(word) = bytes[at..].first_chunk().filter(|word| !has_escaped(u64::from_le_bytes(**word))) {
        at += word.len();
    }
    bytes[at..].iter().position(|&b| escaped(b)).map(|i| at + i)
}

/// True when one of eight bytes is below a blank, or `"`, or `\`.
fn has_escaped(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    let below = |word: u64, least: u8| word.wrapping_sub(ONES * u64::from(least)) & !word & (ONES << 7);
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, b' ') | is(b'"') | is(b'\\') != 0
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn push_integer(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    // Two digits for one division.
    while value >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    if value > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + value as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// The numbers of two digits.
const PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut i) = ([[0; 2]; 100], 0);
    while i < 100 {
        pairs[i] = [b'0' + i as u8 / 10, b'0' + i as u8 % 10];
        i += 1;
    }
    pairs
};

/// At most four decimals, at least one: `0.5`, `1.0`, `0.8123`.
///
/// A figure of a study never needs more, and equal figures are equal bytes on every machine. What is not a number,
/// or beyond a billion, is written as 0: neither can come out of a score.
fn push_decimal(out: &mut Vec<u8>, value: f64) {
    let scaled = if value.abs() < 1e9 { (value * 1e4).round() as i64 } else { 0 };
    if scaled < 0 {
        out.push(b'-');
    }
    let (whole, mut rest) = (scaled.unsigned_abs() / 10_000, scaled.unsigned_abs() % 10_000);
    push_integer(out, whole);
    out.push(b'.');
    loop {
        out.push(b'0' + (rest / 1000) as u8);
        rest = rest % 1000 * 10;
        if rest == 0 {
            break;
        }
    }
}

fn role_name(role: SpeakerRole) -> &'static str {
    match role {
        SpeakerRole::Respondent => "respondent",
        SpeakerRole::Interviewer => "interviewer",
        SpeakerRole::Other => "other",
    }
}

/// How cells of a CSV file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells {
    /// `=1+1` stays `=1+1`: for R, Python and other programs.
    Exact,
    /// `=1+1` becomes `'=1+1`, so that a spreadsheet program shows it and does not run it.
    Spreadsheet,
}

/// Columns of `codings.csv` before the attributes.
pub const CODING_COLUMNS: [&str; 24] = [
    "schema",
    "id",
    "transcript",
    "source",
    "respondent",
    "turn",
    "speaker",
    "speaker_role",
    "start",
    "end",
    "start_byte",
    "end_byte",
    "start_utf16",
    "end_utf16",
    "time_start_ms",
    "time_end_ms",
    "text",
    "code",
    "facet",
    "confidence",
    "score",
    "calibrated_on",
    "evidence",
    "flags",
];

/// Writes `codings.csv`: one row per coding, then one column per attribute of any respondent.
#[derive(Debug, Clone)]
pub struct CodingsCsv {
    attributes: Vec<String>,
    cells: Cells,
}

impl CodingsCsv {
    /// `attributes` are the keys that get a column, in this order.
    pub fn new(attributes: &BTreeSet<String>, cells: Cells) -> Self {
        CodingsCsv { attributes: attributes.iter().cloned().collect(), cells }
    }

    /// The header line. An attribute called like a column of ours gets `attribute_` before its name.
    pub fn header(&self) -> Vec<u8> {
        let mut line = Line::new(self.cells);
        CODING_COLUMNS.iter().for_each(|column| line.cell(column.as_bytes()));
        for key in &self.attributes {
            let taken = CODING_COLUMNS.contains(&key.as_str());
            line.cell(if taken { format!("attribute_{key}") } else { key.clone() }.as_bytes());
        }
        line.end()
    }

    /// The row of a coding, with its line end.
    pub fn push(&self, out: &mut Vec<u8>, coding: &Coding) {
        let mut line = Line { out: std::mem::take(out), cells: self.cells, first: true };
        for text in [&coding.schema, &coding.id, &coding.transcript, &coding.source, &coding.respondent] {
            line.cell(text.as_bytes());
        }
        line.integer(coding.turn as u64);
        line.cell(coding.speaker.as_bytes());
        line.cell(role_name(coding.speaker_role).as_bytes());
        let (bytes, units) = ((coding.start_byte, coding.end_byte), (coding.start_utf16, coding.end_utf16));
        for place in [coding.start, coding.end, bytes.0, bytes.1, units.0, units.1] {
            line.integer(place as u64);
        }
        line.optional(coding.time_start_ms);
        line.optional(coding.time_end_ms);
        for text in [&coding.text, &coding.code, &coding.facet] {
            line.cell(text.as_bytes());
        }
        line.decimal(coding.confidence);
        line.decimal(coding.score);
        line.integer(coding.calibrated_on as u64);
        line.cell(&evidence_cell(&coding.evidence));
        line.cell(coding.flags.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(" ").as_bytes());
        for key in &self.attributes {
            line.cell(coding.attributes.get(key).map_or(b"", |value| value.as_bytes()));
        }
        *out = line.end();
    }
}

/// `we-trained: "we trained" 1.2 (past); workshops: "workshop" 0.7`.
fn evidence_cell(evidence: &[Evidence]) -> Vec<u8> {
    let mut cell = Vec::new();
    for (i, evidence) in evidence.iter().enumerate() {
        let before: &[u8] = if i > 0 { b"; " } else { b"" };
        for part in [before, evidence.rule.as_bytes(), b": \"", evidence.text.as_bytes(), b"\" "] {
            cell.extend_from_slice(part);
        }
        push_decimal(&mut cell, evidence.weight);
        if !evidence.context.is_empty() {
            cell.extend_from_slice(format!(" ({})", evidence.context.join(", ")).as_bytes());
        }
    }
    cell
}

/// A line of CSV as RFC 4180 has it, ended by a line feed.
pub struct Line {
    out: Vec<u8>,
    cells: Cells,
    first: bool,
}

impl Line {
    /// An empty line.
    pub fn new(cells: Cells) -> Self {
        Line { out: Vec::new(), cells, first: true }
    }

    /// Adds a cell.
    pub fn cell(&mut self, bytes: &[u8]) {
        self.separate();
        let bait = self.cells == Cells::Spreadsheet && is_formula(bytes);
        let quoted = memchr::memchr3(b',', b'"', b'\n', bytes).or_else(|| memchr::memchr(b'\r', bytes)).is_some();
        if quoted {
            self.out.push(b'"');
        }
        if bait {
            self.out.push(b'\'');
        }
        let mut plain = 0;
        for quote in memchr::memchr_iter(b'"', bytes) {
            self.out.extend_from_slice(&bytes[plain..=quote]);
            plain = quote;
        }
        self.out.extend_from_slice(&bytes[plain..]);
        if quoted {
            self.out.push(b'"');
        }
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
    }

    /// The bytes, with the line end.
    pub fn end(mut self) -> Vec<u8> {
        self.out.push(b'\n');
        self.out
    }

    fn integer(&mut self, value: u64) {
        self.separate();
        push_integer(&mut self.out, value);
    }

    fn optional(&mut self, value: Option<u64>) {
        match value {
            Some(value) => self.integer(value),
            None => self.cell(b""),
        }
    }

    fn decimal(&mut self, value: f64) {
        self.separate();
        let digits = self.out.len();
        push_decimal(&mut self.out, value);
        if self.cells == Cells::Spreadsheet && is_formula(&self.out[digits..]) {
            self.out.insert(digits, b'\'');
        }
    }
}

/// What a spreadsheet program takes for a formula, also in the full-width forms that some of them fold
/// (owasp.org/www-community/attacks/CSV_Injection).
fn is_formula(cell: &[u8]) -> bool {
    let wide = ["＝", "＋", "－", "＠"].iter().any(|c| cell.starts_with(c.as_bytes()));
    wide || matches!(cell.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::Flag;

    fn hostile() -> Coding {
        let text = "=1+1, \"so\"\r\n\u{0}\u{7f}\u{1b}\u{8}\u{c}\t\\ é😀\u{2028}".to_string();
        let evidence = Evidence {
            rule: "r-1".into(),
            start: 3,
            end: 9,
            text: text.clone(),
            weight: -0.25,
            context: vec!["past".into(), "echo".into()],
        };
        Coding {
            schema: crate::coding::CODING_SCHEMA.into(),
            id: "00ff".into(),
            transcript: "a/b".into(),
            source: "a/b.txt".into(),
            respondent: "@R".into(),
            turn: 1,
            speaker: "".into(),
            speaker_role: SpeakerRole::Respondent,
            start: 0,
            end: 10,
            start_byte: 0,
            end_byte: usize::MAX >> 1,
            start_utf16: 0,
            end_utf16: 11,
            time_start_ms: None,
            time_end_ms: Some(12),
            text,
            code: "role.trainer".into(),
            facet: "role".into(),
            confidence: 0.8123,
            score: -1.5,
            calibrated_on: 0,
            evidence: vec![evidence.clone(), evidence],
            flags: vec![Flag::Weak, Flag::GuessedSpeaker],
            attributes: [("district".to_string(), "-North\"gate".to_string())].into(),
        }
    }

    #[test]
    fn rows_are_those_of_serde_json() {
        let mut out = Vec::new();
        push_coding(&mut out, &hostile());
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&hostile()).unwrap() + "\n");
        let turn = TurnRow {
            transcript: "a",
            turn: 3,
            speaker: "Q",
            speaker_role: SpeakerRole::Interviewer,
            guessed: true,
            start: 1,
            end: 2,
            start_byte: 1,
            end_byte: 2,
            time_start_ms: Some(0),
            time_end_ms: None,
            words: 7,
            respondent: "Q",
            pieces: vec![Span::new(1, 2), Span::new(3, 5)],
        };
        let mut out = Vec::new();
        push_turn(&mut out, &turn);
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&turn).unwrap() + "\n");
    }

    #[test]
    fn integers_are_those_of_serde_json() {
        for value in (0..1200).chain((0..64).flat_map(|bits| [1 << bits, u64::MAX >> bits])) {
            let mut out = Vec::new();
            push_integer(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn texts_are_those_of_serde_json() {
        for odd in ["\"", "\\", "\u{1f}", "\u{7f}", "\u{e9}", "\u{80}", "\n", "!", "]", " "] {
            for length in [0, 1, 7, 8, 9, 31, 32, 33, 47] {
                for at in 0..=length {
                    let text = format!("{}{odd}{}", "x".repeat(at), "y".repeat(length - at));
                    let mut out = Vec::new();
                    push_text(&mut out, &text);
                    assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
                }
            }
        }
    }

    #[test]
    fn decimals_are_those_of_serde_json() {
        for i in -30_000i64..30_000 {
            let value = i as f64 / 1e4;
            let mut out = Vec::new();
            push_decimal(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }

    #[test]
    fn every_flag_is_named_as_serde_names_it() {
        for flag in Flag::ALL {
            assert_eq!(serde_json::to_string(&flag).unwrap(), format!("\"{}\"", flag.name()));
        }
    }

    fn csv(cells: Cells) -> Vec<csv::StringRecord> {
        let table = CodingsCsv::new(&["district".to_string(), "text".to_string()].into(), cells);
        let mut bytes = table.header();
        table.push(&mut bytes, &hostile());
        csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]).records().map(Result::unwrap).collect()
    }

    #[test]
    fn plain_csv_is_exact() {
        let rows = csv(Cells::Exact);
        assert_eq!(&rows[0][16], "text");
        assert_eq!(&rows[0][25], "attribute_text");
        assert_eq!(&rows[1][16], hostile().text);
        assert_eq!(&rows[1][24], "-North\"gate");
        assert_eq!(&rows[1][23], "weak guessed_speaker");
    }

    #[test]
    fn spreadsheet_csv_has_no_live_cell() {
        for row in csv(Cells::Spreadsheet) {
            assert!(row.iter().all(|cell| !is_formula(cell.as_bytes())), "{row:?}");
        }
    }

    #[test]
    fn a_damaged_row_is_named_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codings.jsonl");
        let good = serde_json::to_string(&hostile()).unwrap();
        std::fs::write(&path, format!("{good}\n{}\n", &good[1..])).unwrap();
        let rows: Vec<_> = read::<Coding>(&path).unwrap().collect();
        assert_eq!(rows[0].as_ref().unwrap(), &hostile());
        assert!(matches!(rows[1], Err(StoreError::Damaged { line: 2, .. })));
    }
}
