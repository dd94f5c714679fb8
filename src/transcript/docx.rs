//! Word documents: labelled paragraphs, or a table with a column of speakers.
//!
//! Comes in: a `.docx` archive. Goes out: the text of its body and units in it. Never happens here: anything but
//! reading `word/document.xml`: no link is followed, no entity resolved, no other part opened.
//!
//! Deleted and hidden text stays out (it is often the name that was to be taken out), and a note says so.

use super::draft::{Content, Context, Draft, Outcome};
use super::{TimeSpan, archive, entities, header, label, scheme, text, time};
use crate::diagnostic::Diagnostic;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{BufReader, Read};

const PART: &str = "word/document.xml";

/// True for an archive that holds a Word document, or wants to.
pub(super) fn is_docx(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && memchr::memmem::find(bytes, b"word/").is_some()
}

/// Reads a document.
pub(super) fn read(content: Content<'_>, context: &Context<'_>) -> Outcome {
    let mut archive = archive::open(content.bytes, context).map_err(|e| vec![e])?;
    let body =
        archive::with_part(&mut archive, PART, context, |part| Walk::run(part, context)).map_err(|e| vec![e])?;
    let mut draft = match body.blocks.iter().find_map(Columns::of) {
        Some(_) => spoken_table(&body.blocks, context),
        None => text::labelled(paragraphs(&body.blocks), context),
    };
    if draft.text.trim().is_empty() {
        return Err(vec![context.error("E_EMPTY", "no words in the document").help("scanned pages hold no text")]);
    }
    draft.notes.extend(body.note(context));
    Ok(draft)
}

/// A piece of the body.
enum Block {
    Paragraph(String),
    /// Rows of cells.
    Table(Vec<Vec<String>>),
}

/// The body of a document, and what was left out of it.
#[derive(Default)]
struct Body {
    blocks: Vec<Block>,
    /// Paragraph of the first deletion, and how many there are.
    deleted: Option<(usize, usize)>,
    hidden: Option<(usize, usize)>,
}

impl Body {
    fn note(&self, context: &Context<'_>) -> Vec<Diagnostic> {
        let word = |found: Option<(usize, usize)>, code, what: &str| {
            let (paragraph, n) = found?;
            let message = format!("{n} pieces of {what} text left out, the first in paragraph {paragraph}");
            Some(context.warning(code, message).help("decide on it in Word and save the document again"))
        };
        [word(self.deleted, "W_TRACKED", "deleted"), word(self.hidden, "W_HIDDEN", "hidden")]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn count(found: &mut Option<(usize, usize)>, paragraph: usize) {
    let (_, n) = found.get_or_insert((paragraph, 0));
    *n += 1;
}

/// The way through the XML.
struct Walk<'a> {
    context: &'a Context<'a>,
    /// Prefix of the word-processing elements, with its colon.
    prefix: String,
    body: Body,
    /// Open elements.
    depth: usize,
    /// Depth at which something that is left out began.
    skipped: Option<usize>,
    /// Open paragraphs: text boxes put one into another.
    paragraphs: Vec<String>,
    n_paragraphs: usize,
    tables: Vec<Vec<Vec<String>>>,
    in_words: bool,
    in_run_properties: bool,
    hidden_run: bool,
}

impl<'a> Walk<'a> {
    fn run(part: &mut dyn Read, context: &'a Context<'a>) -> Result<Body, Diagnostic> {
        let mut walk = Walk {
            context,
            prefix: String::new(),
            body: Body::default(),
            depth: 0,
            skipped: None,
            paragraphs: Vec::new(),
            n_paragraphs: 0,
            tables: Vec::new(),
            in_words: false,
            in_run_properties: false,
            hidden_run: false,
        };
        let mut reader = Reader::from_reader(BufReader::new(part));
        reader.config_mut().trim_text(false);
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let at = reader.buffer_position();
            let event = reader.read_event_into(&mut buffer).map_err(|e| walk.malformed(at, &e.to_string()))?;
            if matches!(event, Event::Eof) {
                return if walk.depth == 0 { Ok(walk.body) } else { Err(walk.malformed(at, "it ends too early")) };
            }
            walk.event(&event, at)?;
        }
    }

    fn malformed(&self, at: u64, why: &str) -> Diagnostic {
        let problem = self.context.error("E_XML", format!("{PART}, byte {at}: {why}"));
        problem.help("open it in Word and save it again")
    }

    fn event(&mut self, event: &Event<'_>, at: u64) -> Result<(), Diagnostic> {
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                self.check(tag, at)?;
                self.open(tag);
            }
            Event::Empty(tag) => {
                self.check(tag, at)?;
                self.depth += 1;
                self.open(tag);
                self.close(tag.name().as_ref());
                self.depth -= 1;
            }
            Event::End(tag) => {
                self.close(tag.name().as_ref());
                self.depth = self.depth.saturating_sub(1);
            }
            Event::Text(words) => self.words(&words.xml10_content()),
            Event::CData(words) => self.words(&words.xml10_content()),
            Event::GeneralRef(name) => {
                let c = entities::character(name).ok_or_else(|| self.malformed(at, "an entity that is not known"))?;
                self.words(c.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => {
                let problem =
                    self.context.error("E_XML_DTD", format!("{PART}, byte {at}: a document type, which is not read"));
                return Err(problem.help("open it in Word and save it again"));
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&self, tag: &BytesStart<'_>, at: u64) -> Result<(), Diagnostic> {
        let options = self.context.options;
        if self.depth > options.max_depth {
            let message = format!("{PART}, byte {at}: nested more than {} deep", options.max_depth);
            return Err(self.context.error("E_XML_DEPTH", message).help("open it in Word and save it again"));
        }
        // An attribute takes six bytes or more, so most tags need no count.
        let crowded = tag.len() / 6 > options.max_attributes;
        if crowded && tag.attributes().with_checks(false).count() > options.max_attributes {
            return Err(self.malformed(at, &format!("a tag with more than {} attributes", options.max_attributes)));
        }
        Ok(())
    }

    fn open(&mut self, tag: &BytesStart<'_>) {
        let name = tag.name();
        let name: &str = name.as_ref();
        if self.prefix.is_empty() && self.depth == 1 {
            self.prefix = name.strip_suffix("document").unwrap_or("w:").to_string();
        }
        if self.skipped.is_some() {
            return;
        }
        if name == "mc:Fallback" {
            self.skipped = Some(self.depth);
            return;
        }
        let Some(local) = name.strip_prefix(self.prefix.as_str()).map(str::to_string) else { return };
        match local.as_str() {
            "del" | "moveFrom" if !self.in_run_properties => {
                self.skipped = Some(self.depth);
                count(&mut self.body.deleted, self.n_paragraphs.max(1));
            }
            "p" => {
                self.n_paragraphs += 1;
                self.paragraphs.push(String::new());
            }
            "tbl" => self.tables.push(Vec::new()),
            "tr" => self.tables.last_mut().into_iter().for_each(|t| t.push(Vec::new())),
            "tc" => self.row().into_iter().for_each(|r| r.push(String::new())),
            "r" => self.hidden_run = false,
            "rPr" => self.in_run_properties = true,
            "vanish" if self.in_run_properties => self.hidden_run = is_on(tag),
            "t" => self.in_words = true,
            "tab" => self.mark("\t"),
            "br" | "cr" => self.mark("\n"),
            "noBreakHyphen" => self.mark("-"),
            "softHyphen" => self.mark("\u{ad}"),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(depth) = self.skipped {
            if depth == self.depth {
                self.skipped = None;
            }
            return;
        }
        match name.strip_prefix(self.prefix.as_str()) {
            Some("p") => self.end_paragraph(),
            Some("tbl") => self.end_table(),
            Some("rPr") => self.in_run_properties = false,
            Some("t") => self.in_words = false,
            Some("r") => self.hidden_run = false,
            _ => {}
        }
    }

    fn row(&mut self) -> Option<&mut Vec<String>> {
        self.tables.last_mut().and_then(|t| t.last_mut())
    }

    fn words(&mut self, words: &str) {
        if self.in_words && self.skipped.is_none() {
            self.mark(words);
        }
    }

    /// Adds to the open paragraph; a line end of its own is none within `w:t`.
    fn mark(&mut self, words: &str) {
        if self.skipped.is_some() || self.in_run_properties {
            return;
        }
        if self.hidden_run {
            return count(&mut self.body.hidden, self.n_paragraphs.max(1));
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.push_str(words);
        }
    }

    /// A paragraph belongs to the paragraph or the cell round it, or to the body.
    fn end_paragraph(&mut self) {
        let Some(done) = self.paragraphs.pop() else { return };
        if let Some(outer) = self.paragraphs.last_mut() {
            join(outer, &done);
        } else if let Some(cell) = self.row().and_then(|r| r.last_mut()) {
            join(cell, &done);
        } else {
            self.body.blocks.push(Block::Paragraph(done));
        }
    }

    /// A table within a table becomes words of the cell round it.
    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        if self.tables.is_empty() {
            self.body.blocks.push(Block::Table(table));
        } else if let Some(cell) = self.row().and_then(|r| r.last_mut()) {
            table.iter().flatten().for_each(|words| join(cell, words));
        }
    }
}

fn join(outer: &mut String, words: &str) {
    if !outer.is_empty() && !words.is_empty() {
        outer.push('\n');
    }
    outer.push_str(words);
}

/// `<w:vanish/>` is on, `<w:vanish w:val="0"/>` is off.
fn is_on(tag: &BytesStart<'_>) -> bool {
    let off = |value: &str| ["0", "false", "off"].contains(&value);
    !tag.attributes().with_checks(false).flatten().any(|a| off(&a.value))
}

/// The paragraphs of a document as plain text, one blank line between them.
fn paragraphs(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        match block {
            Block::Paragraph(words) => push_paragraph(&mut out, words),
            Block::Table(rows) => push_table(&mut out, rows),
        }
    }
    out
}

fn push_paragraph(out: &mut String, words: &str) {
    if !words.trim().is_empty() {
        out.push_str(&words.replace('\r', "\n"));
        out.push_str("\n\n");
    }
}

/// A table whose first column holds labels is written as labelled lines, any other cell by cell.
fn push_table(out: &mut String, rows: &[Vec<String>]) {
    let labelled = rows.len() > 1 && rows.iter().all(|row| row.len() == 2 && label::plausible(bare(&row[0])));
    for row in rows {
        match row.as_slice() {
            [name, words] if labelled => push_paragraph(out, &format!("{}: {}", bare(name), words.trim())),
            cells => cells.iter().for_each(|cell| push_paragraph(out, cell)),
        }
    }
}

fn bare(name: &str) -> &str {
    name.trim().trim_end_matches(':').trim_end()
}

/// Where a transcript table keeps what.
struct Columns {
    speaker: usize,
    words: usize,
    start: Option<usize>,
}

impl Columns {
    /// The columns of a table whose first row names a speaker and words.
    fn of(block: &Block) -> Option<Self> {
        let Block::Table(rows) = block else { return None };
        let names: Vec<String> = rows.first()?.iter().map(|cell| scheme::fold(bare(cell))).collect();
        let among = |list: &[&str]| names.iter().position(|n| list.contains(&n.as_str()));
        let speaker = among(&["speaker", "speakers", "speaker name", "name", "participant", "who"])?;
        let words = among(&["transcription", "transcript", "content", "text", "words", "utterance", "speech"])?;
        Some(Columns { speaker, words, start: among(&["start", "start time", "timespan", "time", "timestamp"]) })
    }
}

/// A document with a transcript table: what stands before it is kept, the rows are units.
fn spoken_table(blocks: &[Block], context: &Context<'_>) -> Draft {
    let mut draft = Draft::default();
    for block in blocks {
        match (Columns::of(block), block) {
            (Some(columns), Block::Table(rows)) => rows.iter().skip(1).for_each(|row| say(row, &columns, &mut draft)),
            _ => draft.text.push_str(&paragraphs(std::slice::from_ref(block))),
        }
    }
    (draft.header, _) = header::read(&draft.text);
    draft.close_times();
    if draft.speakers.iter().all(|s| s.name.is_empty()) {
        draft.note_no_speaker(context);
    }
    draft
}

/// One row; a row without a speaker goes on with the one before.
fn say(row: &[String], columns: &Columns, draft: &mut Draft) {
    let cell = |i: usize| row.get(i).map_or("", |cell| cell.trim());
    let mut name = bare(cell(columns.speaker)).to_string();
    if let (true, Some(unit)) = (name.is_empty(), draft.units.last()) {
        name.clone_from(&draft.speakers[unit.speaker.0 as usize].name);
    }
    let first = columns.start.map_or("", cell).split([' ', '-', '\u{2013}']).next().unwrap_or("");
    let span = time::clock(first).map(|ms| TimeSpan { start_ms: ms, end_ms: ms });
    draft.say(&name, cell(columns.words), span);
}
