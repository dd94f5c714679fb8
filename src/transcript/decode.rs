//! From bytes to text.
//!
//! Comes in: a file. Goes out: its text with LF line ends and without a byte order mark, and notes on what was done.
//! Never happens here: a silent guess. What is not UTF-8, or UTF-16 with a mark, is refused with its first bad byte,
//! unless the user names the encoding.

use super::draft::Context;
use super::lines::is_empty;
use crate::diagnostic::Diagnostic;
use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Refuses what is too large or has nothing in it.
pub(super) fn check_size(bytes: &[u8], context: &Context<'_>) -> Result<(), Diagnostic> {
    if bytes.len() as u64 > context.options.max_bytes {
        let message = format!("the file has {} bytes, the limit is {}", bytes.len(), context.options.max_bytes);
        return Err(context.error("E_TOO_LARGE", message).help("raise it with --max-bytes, or split the file"));
    }
    if bytes.is_empty() {
        return Err(empty(context));
    }
    Ok(())
}

fn empty(context: &Context<'_>) -> Diagnostic {
    let mut problem =
        context.error("E_EMPTY", "no words in the file").at_line(1).help("put the transcript's words in it");
    problem.byte = Some(0);
    problem
}

/// A decoded file.
pub(super) struct Decoded {
    /// Its text.
    pub text: String,
    /// The text is the file, byte for byte.
    pub verbatim: bool,
    /// What was done.
    pub notes: Vec<Diagnostic>,
}

/// Decodes, and makes all line ends LF. Text that is UTF-8 takes over the memory of the bytes.
pub(super) fn decode(bytes: Vec<u8>, context: &Context<'_>) -> Result<Decoded, Diagnostic> {
    let mut notes = Vec::new();
    let n_bytes = bytes.len();
    let text = to_text(bytes, context, &mut notes)?;
    let text = line_ends(text, context, &mut notes);
    if is_empty(&text) {
        return Err(empty(context));
    }
    // Whatever changes the bytes is noted, but for CR LF, which makes them fewer.
    let verbatim = notes.is_empty() && text.len() == n_bytes;
    Ok(Decoded { text, verbatim, notes })
}

fn to_text(bytes: Vec<u8>, context: &Context<'_>, notes: &mut Vec<Diagnostic>) -> Result<String, Diagnostic> {
    if bytes.starts_with(b"\xFF\xFE\0\0") || bytes.starts_with(b"\0\0\xFE\xFF") {
        let problem = at(context.error("E_ENCODING", "the file is UTF-32"), &bytes, 0);
        return Err(problem.help("save it as UTF-8"));
    }
    match Encoding::for_bom(&bytes) {
        Some((encoding, skip)) if encoding == UTF_8 => {
            notes.push(at(context.note("W_BOM", "byte order mark left out"), &bytes, 0));
            utf8(bytes, skip, context, notes)
        }
        Some((encoding, skip)) => {
            notes.push(at(context.note("W_ENCODING", format!("read as {}", encoding.name())), &bytes, 0));
            with(encoding, skip, &bytes, context)
        }
        None => utf8(bytes, 0, context, notes),
    }
}

/// Strict UTF-8; else the encoding that the user names; else a refusal.
fn utf8(
    bytes: Vec<u8>,
    skip: usize,
    context: &Context<'_>,
    notes: &mut Vec<Diagnostic>,
) -> Result<String, Diagnostic> {
    // In the memory of the bytes, and looked at once: nearly every file ends here.
    let bytes = match String::from_utf8(bytes) {
        Ok(mut text) if memchr::memchr(0, text.as_bytes()).is_none() => {
            text.drain(..skip);
            return Ok(text);
        }
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let named = context.options.encoding.as_deref();
    match std::str::from_utf8(&bytes[skip..]) {
        Ok(text) => match memchr::memchr(0, text.as_bytes()) {
            Some(nul) if named.is_none() => return Err(binary(&bytes, nul, context)),
            _ => {}
        },
        Err(error) if named.is_none() => return Err(not_utf8(skip + error.valid_up_to(), &bytes, context)),
        Err(_) => {}
    }
    let name = named.unwrap_or_default();
    let Some(encoding) = Encoding::for_label(name.as_bytes()) else {
        let problem = context.error("E_ENCODING", format!("no encoding is called {name:?}"));
        return Err(problem.help("use a name such as windows-1252 or utf-16le"));
    };
    notes.push(context.note("W_ENCODING", format!("read as {}, as asked", encoding.name())));
    with(encoding, skip, &bytes, context)
}

/// Decodes strictly.
fn with(encoding: &'static Encoding, skip: usize, bytes: &[u8], context: &Context<'_>) -> Result<String, Diagnostic> {
    let is_wide = encoding == UTF_16LE || encoding == UTF_16BE;
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let body = &bytes[skip..];
    let mut text = String::new();
    let room = decoder.max_utf8_buffer_length_without_replacement(body.len()).unwrap_or(body.len() * 3);
    text.reserve_exact(room);
    match decoder.decode_to_string_without_replacement(body, &mut text, true) {
        (DecoderResult::InputEmpty, _) => {
            if let Some(nul) = memchr::memchr(0, text.as_bytes()) {
                let wide = skip + 2 * text[..nul].encode_utf16().count();
                let byte = if is_wide { wide } else { memchr::memchr(0, bytes).unwrap_or(skip) };
                let line = 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..nul]).count();
                let mut problem = context.error("E_BINARY", NUL).at_line(line).help(SAVE);
                problem.byte = Some(byte);
                return Err(problem);
            }
            text.shrink_to_fit();
            Ok(text)
        }
        (DecoderResult::Malformed(length, past), read) => {
            let start = skip + (read - usize::from(past)).saturating_sub(usize::from(length));
            let code = if is_wide { "E_UTF16" } else { "E_ENCODING" };
            let mut problem =
                context.error(code, format!("the file ends or breaks within a character of {}", encoding.name()));
            problem.byte = Some(start);
            Err(problem.help("save it as UTF-8"))
        }
        // The room was computed for the worst case.
        (DecoderResult::OutputFull, _) => Err(context.error("E_INTERNAL", "the decoder ran out of room")),
    }
}

/// What a NUL means, and what to do about bytes that are no text.
const NUL: &str = "a NUL byte: this is no text";
const SAVE: &str = "save the transcript as UTF-8 text";

/// A refusal that says what the bytes look like.
fn not_utf8(bad: usize, bytes: &[u8], context: &Context<'_>) -> Diagnostic {
    if let Some(nul) = memchr::memchr(0, bytes) {
        return binary(bytes, nul.min(bad), context);
    }
    let name = format!("0x{:02X} is not UTF-8", bytes[bad]);
    let rest = &bytes[bad..];
    // These five bytes mean nothing in Windows-1252.
    let windows = !rest.iter().any(|b| matches!(b, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D));
    let problem = |looks: &str| at(context.error("E_UTF8", format!("{name}{looks}")), bytes, bad);
    match windows && bytes[..bad].is_ascii() {
        true => problem("; looks like Windows-1252").help("try --encoding windows-1252"),
        false if windows => problem("; looks like UTF-8 mixed with Windows-1252")
            .help("repair the line, or read all of it with --encoding windows-1252"),
        false => problem("").help("save it as UTF-8"),
    }
}

/// A refusal of bytes with a NUL among them, at the first that is wrong.
fn binary(bytes: &[u8], at_byte: usize, context: &Context<'_>) -> Diagnostic {
    let problem = |what: &str| at(context.error("E_BINARY", what), bytes, at_byte);
    match wide(bytes) {
        Some(encoding) if encoding == UTF_16LE => {
            problem("looks like UTF-16LE without a byte order mark").help("try --encoding utf-16le")
        }
        Some(_) => problem("looks like UTF-16BE without a byte order mark").help("try --encoding utf-16be"),
        None if bytes[at_byte] == 0 => problem(NUL).help(SAVE),
        None => problem("this is no text").help(SAVE),
    }
}

/// How many characters show whether bytes are UTF-16.
const SAMPLE: usize = 2048;

/// The kind of UTF-16 in which these bytes begin as text does, in whatever script: blanks and some signs are those of
/// ASCII, no character steers a machine, and few are two letters of ASCII, as all are where a NUL got into plain text.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let begin = || bytes.chunks_exact(2).take(SAMPLE).map(|pair| [pair[0], pair[1]]);
    let n_twice = begin().filter(|pair| pair.iter().all(|byte| matches!(byte, b' '..=b'~'))).count();
    let little: Vec<u16> = begin().map(u16::from_le_bytes).collect();
    let big = begin().map(u16::from_be_bytes).collect();
    let n_plain = |units: &[u16]| units.iter().filter(|unit| matches!(unit, 9 | 10 | 13 | 32..=126)).count();
    let kinds = [(UTF_16LE, little), (UTF_16BE, big)];
    let (encoding, units) = kinds.into_iter().max_by_key(|(_, units)| n_plain(units))?;
    (n_plain(&units) > 0 && n_twice * 2 <= units.len() && is_text(&units)).then_some(encoding)
}

/// True for characters that are written; the last one may be cut off.
fn is_text(units: &[u16]) -> bool {
    let mut all = char::decode_utf16(units.iter().copied()).peekable();
    std::iter::from_fn(|| Some((all.next()?, all.peek().is_none()))).all(|(read, last)| match read {
        Ok(c) => !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}'),
        Err(_) => last,
    })
}

/// The place of a byte of the file itself.
fn at(mut problem: Diagnostic, bytes: &[u8], byte: usize) -> Diagnostic {
    problem.byte = Some(byte);
    problem.line = Some(memchr::memchr_iter(b'\n', &bytes[..byte.min(bytes.len())]).count() + 1);
    problem
}

/// CR LF and lone CR become LF; a text without CR is not copied.
fn line_ends(text: String, context: &Context<'_>, notes: &mut Vec<Diagnostic>) -> String {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut lone = 0;
    while let Some(cr) = memchr::memchr(b'\r', rest.as_bytes()) {
        out.push_str(&rest[..cr]);
        out.push('\n');
        let paired = rest.as_bytes().get(cr + 1) == Some(&b'\n');
        lone += usize::from(!paired);
        rest = &rest[cr + 1 + usize::from(paired)..];
    }
    out.push_str(rest);
    if lone > 0 {
        notes.push(context.note("W_NEWLINE", format!("{lone} line ends are a lone CR and were read as line ends")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{ReadOptions, read};

    /// Kind of the refusal and what it tells to do.
    fn refused(bytes: &[u8]) -> Option<(&'static str, String)> {
        let problem = read(bytes, "p07.txt", &ReadOptions::default()).err()?.remove(0);
        Some((problem.code, problem.help.unwrap_or_default()))
    }

    #[test]
    fn utf_16_without_a_mark_is_known_in_every_script() {
        for text in [
            "I: How was it?\nR: They told us.\n",
            "Интервьюер: Как это было?\nУчитель: Они нам сказали.\n",
            "Ερώτηση: Πώς ήταν;\nΑπάντηση: Καλά.\n",
            "É: Été\nR: Ça va, Zoë.\n",
            "采访者:你好吗?\n老师:很好。\n",
            "I: 👍🏽\nR: 👍\n",
        ] {
            let units = || text.encode_utf16();
            let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
            for (bytes, name) in [(little, "utf-16le"), (big, "utf-16be")] {
                assert_eq!(refused(&bytes), Some(("E_BINARY", format!("try --encoding {name}"))), "{text}");
                let options = ReadOptions { encoding: Some(name.to_string()), ..ReadOptions::default() };
                assert_eq!(read(&bytes, "p07.txt", &options).map(|found| found.text), Ok(text.to_string()));
            }
        }
    }

    #[test]
    fn a_nul_is_named_where_it_stands_in_the_file() {
        let wide: Vec<u8> = "\u{feff}老师:很好。\0\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let latin = b"Ann: caf\xE9\nBob: a\0b\n".as_slice();
        for (bytes, encoding, place) in
            [(wide.as_slice(), None, (14, 1)), (latin, Some("windows-1252"), (16, 2)), (b"Ann: \0\n", None, (5, 1))]
        {
            let options = ReadOptions { encoding: encoding.map(str::to_string), ..ReadOptions::default() };
            let problem = read(bytes, "p07.txt", &options).err().map(|mut problems| problems.remove(0));
            let found = problem.map(|problem| (problem.code, problem.byte, problem.line));
            assert_eq!(found, Some(("E_BINARY", Some(place.0), Some(place.1))), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_text_is_not_taken_for_utf_16() {
        let utf_32: Vec<u8> = "I: How was it?\n".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        for bytes in
            [b"ID3\x04\0\0\0\0\x0FvTSSE\0\0".as_slice(), b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR", &utf_32, b"I: a\0b\n"]
        {
            let save = "save the transcript as UTF-8 text".to_string();
            assert_eq!(refused(bytes), Some(("E_BINARY", save)), "{}", bytes.escape_ascii());
        }
    }
}
