//! Labels that Word makes by itself: `Q:`, `Speaker 2`, `1.`; they stand in no paragraph's words.
//!
//! Comes in: `word/numbering.xml` and `word/styles.xml`. Goes out: the label of each numbered paragraph, in order.
//! Never happens here: a refusal for a list that makes no sense; such a list has no labels.

use super::archive::{self, Archive};
use super::draft::Context;
use crate::diagnostic::Diagnostic;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use rustc_hash::FxHashMap;
use std::io::{BufReader, Read};

/// Levels that a list of Word may have.
const LEVELS: usize = 9;
/// Styles that may be based on each other.
const BASED: usize = 20;

/// A level of a list.
#[derive(Debug, Clone, Default)]
struct Level {
    /// `decimal`, `upperLetter`, `bullet`, …
    format: String,
    /// `%1.`, `Q%1:`
    text: String,
    start: u32,
}

/// Where a paragraph stands in which list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the list; `0` takes a paragraph out of the list of its style.
    pub list: Option<String>,
    /// Level from 0.
    pub level: Option<usize>,
    /// Style of the paragraph.
    pub style: Option<String>,
}

/// What Word puts before a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    /// Words, such as `Q1:`; they may say who speaks.
    Words(String),
    /// A number or a letter that counts.
    Number,
}

/// The lists of a document, with how far each has counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Levels by abstract list.
    abstracts: FxHashMap<String, Vec<Level>>,
    /// Abstract list by list, and the levels that begin anew with it.
    lists: FxHashMap<String, (String, Vec<(usize, u32)>)>,
    /// List, level and base of each style.
    styles: FxHashMap<String, (Place, Option<String>)>,
    /// Counts by abstract list.
    counts: FxHashMap<String, [u32; LEVELS]>,
}

impl Numbering {
    /// Reads the two parts, as far as they are there.
    ///
    /// # Errors
    /// When the archive is to blame.
    pub fn read(archive: &mut Archive<'_>, context: &Context<'_>) -> Result<Self, Diagnostic> {
        let mut all = Numbering::default();
        for (name, read) in [
            ("word/numbering.xml", Numbering::lists as fn(&mut Self, &mut dyn Read)),
            ("word/styles.xml", Numbering::styles),
        ] {
            if archive.index_for_name(name).is_some() {
                archive::with_part(archive, name, context, |part| {
                    read(&mut all, part);
                    Ok(())
                })?;
            }
        }
        Ok(all)
    }

    fn lists(&mut self, part: &mut dyn Read) {
        let (mut list, mut own, mut level) = (String::new(), String::new(), 0);
        elements(part, |name, value| match name {
            "abstractNum" => (own, list) = (value("abstractNumId"), String::new()),
            "num" => (list, own) = (value("numId"), String::new()),
            "abstractNumId" if !list.is_empty() => {
                self.lists.insert(list.clone(), (value("val"), Vec::new()));
            }
            "lvl" | "lvlOverride" => level = value("ilvl").parse().unwrap_or(0).min(LEVELS - 1),
            "start" => self.level(&own, level).start = value("val").parse().unwrap_or(1),
            "startOverride" => {
                let start = value("val").parse().unwrap_or(1);
                self.lists.entry(list.clone()).or_default().1.push((level, start));
            }
            "numFmt" => self.level(&own, level).format = value("val"),
            "lvlText" => self.level(&own, level).text = value("val"),
            _ => {}
        });
    }

    fn level(&mut self, list: &str, level: usize) -> &mut Level {
        let levels = self.abstracts.entry(list.to_string()).or_default();
        if levels.len() <= level {
            levels.resize(level + 1, Level { start: 1, ..Level::default() });
        }
        &mut levels[level]
    }

    fn styles(&mut self, part: &mut dyn Read) {
        let mut style = String::new();
        elements(part, |name, value| {
            if name == "style" {
                style = value("styleId");
            }
            let (place, base) = self.styles.entry(style.clone()).or_default();
            match name {
                "basedOn" => *base = Some(value("val")),
                "numId" => place.list = Some(value("val")),
                "ilvl" => place.level = value("val").parse().ok(),
                _ => {}
            }
        });
    }

    /// The label of the next paragraph; none where it has no number, or only a bullet.
    pub fn next(&mut self, place: &Place) -> Option<Label> {
        let (list, level) = self.list_of(place)?;
        let (own, anew) = self.lists.get_mut(&list)?;
        let levels = self.abstracts.get(own)?;
        let format = levels.get(level)?;
        let counts = self.counts.entry(own.clone()).or_default();
        for (level, start) in std::mem::take(anew) {
            counts[level] = start.saturating_sub(1);
        }
        counts[level] = if counts[level] == 0 { format.start.max(1) } else { counts[level].saturating_add(1) };
        counts[level + 1..].fill(0);
        if format.format == "bullet" || format.text.trim().is_empty() {
            return None;
        }
        let letters =
            format.text.split('%').any(|part| part.chars().skip_while(char::is_ascii_digit).any(char::is_alphabetic));
        Some(if letters { Label::Words(shown(&format.text, levels, counts)) } else { Label::Number })
    }

    /// List and level: the paragraph's own, else those of its style or of what that is based on.
    fn list_of(&self, place: &Place) -> Option<(String, usize)> {
        let (mut list, mut level, mut style) = (place.list.clone(), place.level, place.style.clone());
        for _ in 0..BASED {
            let Some((of, base)) = style.as_ref().filter(|_| list.is_none()).and_then(|s| self.styles.get(s)) else {
                break;
            };
            list.clone_from(&of.list);
            level = level.or(of.level);
            style.clone_from(base);
        }
        Some((list.filter(|list| list != "0")?, level.unwrap_or(0).min(LEVELS - 1)))
    }
}

/// `Q%1:` with its counts.
fn shown(text: &str, levels: &[Level], counts: &[u32; LEVELS]) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let level =
            rest.peek().filter(|_| c == '%').and_then(|d| d.to_digit(10)).filter(|&d| d > 0).map(|d| d as usize - 1);
        match level {
            Some(level) => {
                rest.next();
                let format = levels.get(level).map_or("decimal", |level| &level.format);
                out.push_str(&number(counts[level.min(LEVELS - 1)], format));
            }
            None => out.push(c),
        }
    }
    out.trim().to_string()
}

/// A count in a format of Word; one that is not known is shown in digits.
fn number(n: u32, format: &str) -> String {
    match format {
        "upperLetter" => letters(n),
        "lowerLetter" => letters(n).to_lowercase(),
        "upperRoman" => roman(n),
        "lowerRoman" => roman(n).to_lowercase(),
        "decimalZero" => format!("{n:02}"),
        "none" => String::new(),
        _ => n.to_string(),
    }
}

/// `A` to `Z`, then `AA`, `BB`.
fn letters(n: u32) -> String {
    let place = n.max(1) - 1;
    let letter = char::from(b'A' + (place % 26) as u8);
    letter.to_string().repeat((place / 26 + 1).min(10) as usize)
}

fn roman(n: u32) -> String {
    const SIGNS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let (mut rest, mut out) = (n.min(3999), String::new());
    for (value, sign) in SIGNS {
        out.push_str(&sign.repeat((rest / value) as usize));
        rest %= value;
    }
    out
}

/// Calls `each` with the local name of every element and a look at its attributes; ends at what is no XML.
fn elements(part: &mut dyn Read, mut each: impl FnMut(&str, &dyn Fn(&str) -> String)) {
    let mut reader = Reader::from_reader(BufReader::new(part));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                let name = tag.name();
                let name: &str = name.as_ref();
                each(name.rsplit(':').next().unwrap_or(name), &|key| attribute(&tag, key));
            }
            Ok(Event::Eof | Event::DocType(_)) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The value of an attribute by its local name; empty where there is none.
pub(super) fn attribute(tag: &BytesStart<'_>, key: &str) -> String {
    let own = |name: &str| name.rsplit(':').next() == Some(key);
    let found = tag.attributes().with_checks(false).flatten().find(|a| own(a.key.as_ref()));
    found.map(|a| super::entities::decode(&a.value).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_the_formats_of_word() {
        let cases =
            [(4, "upperRoman", "IV"), (28, "lowerLetter", "bb"), (3, "decimalZero", "03"), (7, "chicago", "7")];
        for (n, format, want) in cases {
            assert_eq!(number(n, format), want);
        }
    }

    #[test]
    fn a_broken_part_has_no_labels() {
        let mut all = Numbering::default();
        all.lists(&mut &b"<w:numbering><w:num w:numId=\"1\"><w:abstractNumId w:val=\"9\"/></w:num><w:lvl w:ilvl=\"77\">"[..]);
        all.styles(&mut &b"<w:style w:styleId=\"a\"><w:basedOn w:val=\"a\"/></w:style"[..]);
        let place = Place { list: Some("1".into()), ..Place::default() };
        assert_eq!(all.next(&place), None);
        assert_eq!(all.next(&Place { style: Some("a".into()), ..Place::default() }), None);
    }
}
