//! The lines of a text, and the blank at their ends.
//!
//! Comes in: a text. Goes out: its lines one after the other, with where they begin. Never happens here: a copy. Every
//! reader of text walks over all of it more than once, so that a line must cost little more than the search for its end.

use super::draft::is_blank;

/// The lines of a text, each with its first byte and without its LF.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let open = Some(text.len()).filter(|_| !text.is_empty() && !text.ends_with('\n'));
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain(open);
    ends.scan(0, move |next, end| {
        let start = std::mem::replace(next, end + 1);
        Some((start, &text[start..end]))
    })
}

/// True when a line neither begins nor ends with something that may be blank; most lines do not.
fn is_tight(line: &str) -> bool {
    let bytes = line.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic())
}

/// The line without blanks at its ends.
pub(super) fn trimmed(line: &str) -> &str {
    if is_tight(line) { line } else { line.trim_matches(is_blank) }
}

/// Bytes of the blank before the words of a line.
pub(super) fn indent(line: &str) -> usize {
    match line.as_bytes().first() {
        Some(first) if first.is_ascii_graphic() => 0,
        _ => line.len() - line.trim_start_matches(is_blank).len(),
    }
}

/// True when there is nothing but blanks.
pub(super) fn is_empty(line: &str) -> bool {
    line.as_bytes().first().is_none_or(|first| !first.is_ascii_graphic()) && line.chars().all(is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_between_line_ends() {
        for text in ["", "\n", "a", "a\n", "a\n\nb", "\u{e9}\n \n\u{200b}"] {
            let plain: Vec<&str> = text.split_inclusive('\n').map(|line| line.trim_end_matches('\n')).collect();
            assert_eq!(lines(text).map(|(_, line)| line).collect::<Vec<_>>(), plain, "{text:?}");
            assert!(lines(text).all(|(at, line)| text[at..].starts_with(line)), "{text:?}");
        }
    }

    #[test]
    fn blanks_are_those_of_every_script() {
        for (line, want) in
            [("", ""), (" \u{200b}", ""), (" a b\u{a0}", "a b"), ("a\u{3000}", "a"), ("\u{e9} ", "\u{e9}")]
        {
            assert_eq!((trimmed(line), is_empty(line)), (want, want.is_empty()), "{line:?}");
            assert!(line[indent(line)..].starts_with(want) || want.is_empty(), "{line:?}");
        }
    }
}
