//! Word documents: labelled paragraphs, or a table with a column of speakers.
//!
//! Comes in: a `.docx` archive. Goes out: the text of its body and units in it. Never happens here: anything but
//! reading `word/document.xml` and how its lists are numbered: no link is followed, no entity resolved.
//!
//! Deleted and hidden text stays out (it is often the name that was to be taken out), and a note says so. So it does of
//! footnotes, comments and embedded documents, which are nobody's speech, and of numbers that Word makes by itself.

use super::archive::Archive;
use super::draft::{Content, Context, Draft, Outcome};
use super::numbering::{self, Numbering, Place, attribute};
use super::scheme::Says;
use super::{TimeSpan, archive, entities, header, label, scheme, text, time};
use crate::diagnostic::Diagnostic;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use rustc_hash::FxHashSet;
use std::io::{BufReader, Read};

const PART: &str = "word/document.xml";

/// Characters of symbol fonts, at their private places, that other fonts have too.
const SYMBOLS: [(&str, &[(u32, char)]); 2] = [
    (
        "symbol",
        &[
            (0xA3, '\u{2264}'),
            (0xAB, '\u{2194}'),
            (0xAC, '\u{2190}'),
            (0xAE, '\u{2192}'),
            (0xB0, '\u{b0}'),
            (0xB1, '\u{b1}'),
            (0xB3, '\u{2265}'),
            (0xB4, '\u{d7}'),
            (0xB7, '\u{2022}'),
            (0xB9, '\u{2260}'),
            (0xBB, '\u{2248}'),
            (0xBC, '\u{2026}'),
            (0xDE, '\u{21d2}'),
        ],
    ),
    (
        "wingdings",
        &[
            (0x4A, '\u{263a}'),
            (0x4C, '\u{2639}'),
            (0x9F, '\u{2022}'),
            (0xA7, '\u{25aa}'),
            (0xDF, '\u{2190}'),
            (0xE0, '\u{2192}'),
            (0xE8, '\u{2794}'),
            (0xFB, '\u{2717}'),
            (0xFC, '\u{2713}'),
        ],
    ),
];

/// True for an archive that holds a Word document, or wants to.
pub(super) fn is_docx(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && memchr::memmem::find(bytes, b"word/").is_some()
}

/// Reads a document.
pub(super) fn read(content: Content, context: &Context<'_>) -> Outcome {
    let mut archive = archive::open(&content.bytes, context).map_err(|e| vec![e])?;
    let numbering = Numbering::read(&mut archive, context).map_err(|e| vec![e])?;
    let main = main_part(&archive);
    let body = archive::with_part(&mut archive, &main, context, |part| Walk::run(part, numbering, context))
        .map_err(|e| vec![e])?;
    let mut draft = match body.blocks.iter().find_map(Columns::of) {
        Some(_) => spoken_table(&body.blocks, context),
        None => text::labelled(paragraphs(&body.blocks), context),
    };
    if draft.speakers.iter().all(|s| s.name.is_empty()) {
        set_off(&body.blocks, &mut draft, context);
    }
    if draft.text.trim().is_empty() {
        return Err(vec![context.error("E_EMPTY", "no words in the document").help("scanned pages hold no text")]);
    }
    let unnamed = draft.speakers.iter().all(|s| s.name.is_empty());
    draft.notes.extend(body.notes(unnamed, context));
    Ok(draft)
}

/// Where nobody has a label, paragraphs in bold or italics that ask are the interviewer's, and so are all that are set off
/// in this way after the first of them.
fn set_off(blocks: &[Block], draft: &mut Draft, context: &Context<'_>) {
    let words = |block: &Block| match block {
        Block::Paragraph { words, set_off: true } => Some(words.trim().to_string()),
        _ => None,
    };
    let set_off: FxHashSet<String> = blocks.iter().filter_map(words).collect();
    let is_set_off = |draft: &Draft, i: usize| set_off.contains(draft.units[i].span.of(&draft.text));
    let asks = |draft: &Draft, i: usize| is_set_off(draft, i) && draft.units[i].span.of(&draft.text).ends_with('?');
    let all = 0..draft.units.len();
    let Some(first) = all.clone().find(|&i| asks(draft, i)) else { return };
    let questions: Vec<usize> = (first..all.end).filter(|&i| is_set_off(draft, i)).collect();
    let n_asking = questions.iter().filter(|&&i| asks(draft, i)).count();
    if questions.len() < 2 || n_asking * 2 < questions.len() || questions.len() * 4 > (all.end - first) * 3 {
        return;
    }
    let speaker = draft.speaker("Question");
    questions.iter().for_each(|&i| draft.units[i].speaker = speaker);
    draft.notes.retain(|note| note.code != "W_NO_SPEAKER");
    let message = "taken as the interviewer's: paragraphs in bold or italics, as nobody has a label";
    draft.notes.push(context.warning("W_SPEAKER_GUESS", message).help("start each turn with \"NAME: \" to be sure"));
}

/// The part with the text: some programs number it.
fn main_part(archive: &Archive<'_>) -> String {
    let numbered = |name: &str| {
        let number = name.strip_prefix("word/document").and_then(|rest| rest.strip_suffix(".xml"));
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let other = archive.file_names().flatten().find(|name| numbered(name));
    other.filter(|_| archive.index_for_name(PART).is_none()).map_or(PART.to_string(), |name| name.into_owned())
}

/// A piece of the body.
enum Block {
    Paragraph {
        words: String,
        /// All of it is bold or in italics.
        set_off: bool,
    },
    /// Rows of cells.
    Table(Vec<Vec<String>>),
}

/// The body of a document, and what was left out of it.
#[derive(Default)]
struct Body {
    blocks: Vec<Block>,
    /// Of each kind of thing left out: paragraph of the first, and how many there are.
    left_out: [Option<(usize, usize)>; LEFT_OUT.len()],
}

/// What is left out of the text, its note, what to call it, and what to do.
const LEFT_OUT: [(Missing, &str, &str, &str); 6] = [
    (Missing::Deleted, "W_TRACKED", "pieces of deleted text", "decide on it in Word and save the document again"),
    (Missing::Hidden, "W_HIDDEN", "pieces of hidden text", "decide on it in Word and save the document again"),
    (Missing::Aside, "W_ASIDE", "footnotes, endnotes or comments", "write what was spoken into the text"),
    (Missing::Embedded, "W_ASIDE", "embedded documents or equations", "paste their text into the document"),
    (Missing::Symbol, "W_SYMBOL", "symbols of a font that has no letters", "type what they mean"),
    (Missing::Number, "W_NUMBERING", "numbers that Word makes by itself", "type them, where they say who speaks"),
];

/// A kind of thing that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Deleted,
    Hidden,
    Aside,
    Embedded,
    Symbol,
    Number,
}

impl Body {
    /// Where nobody is named, numbers may be all that tells the speakers apart.
    fn notes(&self, unnamed: bool, context: &Context<'_>) -> Vec<Diagnostic> {
        let note = |((kind, code, what, help), found): (&(Missing, &'static str, &str, &str), _)| {
            let (paragraph, n): (usize, usize) = Option::clone(found)?;
            let message = format!("{n} {what} left out, the first in paragraph {paragraph}");
            let small = matches!(kind, Missing::Symbol) || *kind == Missing::Number && !unnamed;
            let note = if small { context.note(code, message) } else { context.warning(code, message) };
            Some(note.help(*help))
        };
        LEFT_OUT.iter().zip(&self.left_out).filter_map(note).collect()
    }

    fn miss(&mut self, kind: Missing, paragraph: usize) {
        let (_, n) = self.left_out[kind as usize].get_or_insert((paragraph.max(1), 0));
        *n += 1;
    }
}

/// A paragraph that is being read.
#[derive(Default)]
struct Paragraph {
    words: String,
    place: Place,
    emphasis: Emphasis,
}

/// How the words of a paragraph are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Emphasis {
    /// Some are plain.
    plain: bool,
    /// Some are bold or in italics.
    set_off: bool,
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
    paragraphs: Vec<Paragraph>,
    numbering: Numbering,
    n_paragraphs: usize,
    tables: Vec<Vec<Vec<String>>>,
    in_words: bool,
    in_run_properties: bool,
    hidden_run: bool,
    /// The run is bold or in italics.
    set_off_run: bool,
}

impl<'a> Walk<'a> {
    fn run(part: &mut dyn Read, numbering: Numbering, context: &'a Context<'a>) -> Result<Body, Diagnostic> {
        let mut walk = Walk {
            context,
            prefix: String::new(),
            body: Body::default(),
            depth: 0,
            skipped: None,
            paragraphs: Vec::new(),
            numbering,
            n_paragraphs: 0,
            tables: Vec::new(),
            in_words: false,
            in_run_properties: false,
            hidden_run: false,
            set_off_run: false,
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
        let Some(local) = name.strip_prefix(self.prefix.as_str()).map(str::to_string) else {
            return if name == "m:oMath" {
                self.body.miss(Missing::Embedded, self.n_paragraphs)
            };
        };
        match local.as_str() {
            "del" | "moveFrom" if !self.in_run_properties => {
                self.skipped = Some(self.depth);
                self.body.miss(Missing::Deleted, self.n_paragraphs);
            }
            // How it was formatted before somebody tracked a change.
            "pPrChange" | "rPrChange" | "numberingChange" => self.skipped = Some(self.depth),
            "p" => {
                self.n_paragraphs += 1;
                self.paragraphs.push(Paragraph::default());
            }
            "tbl" => self.tables.push(Vec::new()),
            "tr" => self.tables.last_mut().into_iter().for_each(|t| t.push(Vec::new())),
            "tc" => self.row().into_iter().for_each(|r| r.push(String::new())),
            "r" => (self.hidden_run, self.set_off_run) = (false, false),
            "rPr" => self.in_run_properties = true,
            "vanish" if self.in_run_properties => self.hidden_run = is_on(tag),
            "b" | "i" if self.in_run_properties => self.set_off_run |= is_on(tag),
            "t" => self.in_words = true,
            "tab" | "ptab" => self.mark("\t"),
            "br" | "cr" => self.mark("\n"),
            "noBreakHyphen" => self.mark("-"),
            "softHyphen" => self.mark("\u{ad}"),
            "sym" => self.symbol(tag),
            "footnoteReference" | "endnoteReference" | "commentReference" => {
                self.body.miss(Missing::Aside, self.n_paragraphs);
            }
            "altChunk" => self.body.miss(Missing::Embedded, self.n_paragraphs),
            "pStyle" | "numId" | "ilvl" => self.place(&local, attribute(tag, "val")),
            _ => {}
        }
    }

    /// Where the open paragraph stands in a list.
    fn place(&mut self, name: &str, value: String) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        match name {
            "pStyle" => paragraph.place.style = Some(value),
            "numId" => paragraph.place.list = Some(value),
            _ => paragraph.place.level = value.parse().ok(),
        }
    }

    /// A character that is named by font and number.
    fn symbol(&mut self, tag: &BytesStart<'_>) {
        match character(&attribute(tag, "font"), &attribute(tag, "char")) {
            Some(c) => self.mark(c.encode_utf8(&mut [0; 4])),
            None => self.body.miss(Missing::Symbol, self.n_paragraphs),
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
            return self.body.miss(Missing::Hidden, self.n_paragraphs);
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.words.push_str(words);
            if !words.trim().is_empty() {
                paragraph.emphasis.set_off |= self.set_off_run;
                paragraph.emphasis.plain |= !self.set_off_run;
            }
        }
    }

    /// A paragraph belongs to the paragraph or the cell round it, or to the body.
    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        let set_off = paragraph.emphasis == Emphasis { plain: false, set_off: true };
        let done = self.labelled(paragraph);
        if let Some(outer) = self.paragraphs.last_mut() {
            join(&mut outer.words, &done);
        } else if let Some(cell) = self.row().and_then(|r| r.last_mut()) {
            join(cell, &done);
        } else {
            self.body.blocks.push(Block::Paragraph { words: done, set_off });
        }
    }

    /// The words, after the label that Word puts before them.
    fn labelled(&mut self, Paragraph { words, place, .. }: Paragraph) -> String {
        match self.numbering.next(&place) {
            Some(numbering::Label::Words(label)) if !words.trim().is_empty() => {
                let known = scheme::says(&label) != Says::Nothing && label.ends_with(char::is_alphanumeric);
                format!("{label}{} {words}", if known { ":" } else { "" })
            }
            Some(numbering::Label::Number) if !words.trim().is_empty() => {
                self.body.miss(Missing::Number, self.n_paragraphs);
                words
            }
            _ => words,
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

/// The character of `<w:sym w:font="Wingdings" w:char="F0E0"/>`; none for a picture that no other font has.
fn character(font: &str, code: &str) -> Option<char> {
    let code = u32::from_str_radix(code, 16).ok()?;
    let known = SYMBOLS.iter().find(|(name, _)| font.eq_ignore_ascii_case(name)).map(|(_, all)| *all);
    let found = known.and_then(|all| all.iter().find(|(own, _)| *own == code & 0xFF)).map(|(_, c)| *c);
    // Fonts of symbols have their characters at private places, other fonts where Unicode has them.
    let private = (0xE000..0xF900).contains(&code) || known.is_some();
    found.or_else(|| char::from_u32(code).filter(|c| !private && !c.is_control()))
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
            Block::Paragraph { words, .. } => push_paragraph(&mut out, words),
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
