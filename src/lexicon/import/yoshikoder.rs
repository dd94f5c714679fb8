//! Yoshikoder dictionaries: XML with categories (`cnode`) and patterns (`pnode`).

use super::Sink;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Reads a `.ykd` file. Entities outside those of XML are an error of the file.
pub fn read(text: &str, sink: &mut Sink) {
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    loop {
        let line = 1 + text[..(reader.buffer_position() as usize).min(text.len())].matches('\n').count();
        match reader.read_event() {
            Err(error) => return sink.lost(line, format!("not XML: {error}"), "the rest of the file is left out"),
            Ok(Event::Eof) => return,
            Ok(Event::Start(tag)) => match tag.name().as_ref() {
                "cnode" => path.push(name(&tag).unwrap_or_default()),
                "pnode" => entry(line, &path, &tag, sink),
                _ => {}
            },
            Ok(Event::Empty(tag)) if tag.name().as_ref() == "pnode" => entry(line, &path, &tag, sink),
            Ok(Event::End(tag)) if tag.name().as_ref() == "cnode" => {
                path.pop();
            }
            Ok(_) => {}
        }
    }
}

fn entry(line: usize, path: &[String], tag: &BytesStart, sink: &mut Sink) {
    let Some(name) = name(tag) else {
        return sink.lost(line, "a pattern without a name is left out", "add name=\"…\"");
    };
    // The outermost node holds the whole dictionary.
    let path = if path.len() > 1 { &path[1..] } else { path };
    if let Some(score) = attribute(tag, "score") {
        let message = format!("the score {score} of \"{name}\" is not carried over");
        sink.lost(line, message, "give it a rule of its own with a weight");
    }
    sink.term(line, path, &name);
}

fn name(tag: &BytesStart) -> Option<String> {
    attribute(tag, "name")
}

fn attribute(tag: &BytesStart, name: &str) -> Option<String> {
    let attribute = tag.try_get_attribute(name).ok()??;
    let raw = attribute.value.into_owned();
    quick_xml::escape::unescape(&raw).map(|name| name.into_owned()).ok()
}
