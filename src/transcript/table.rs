//! Delimited tables, read strictly.
//!
//! Comes in: text and its delimiter. Goes out: rows with the line each begins on, or the place of the quote that
//! never closes. Never happens here: a swallowed row; the usual readers take all that follows a stray quote for one
//! cell and say nothing.

use std::borrow::Cow;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// First byte.
    pub byte: usize,
    /// Its cells; never none.
    pub cells: Vec<Cow<'a, str>>,
}

/// A quote that opens and never closes, or closes in the middle of a cell: its byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StrayQuote(pub usize);

/// The delimiter of a first line: the one that makes most cells, a tab or a comma where two are equal.
pub(super) fn delimiter(line: &str) -> char {
    let count = |d: &char| line.matches(*d).count();
    ['|', ';', ',', '\t'].into_iter().max_by_key(count).unwrap_or(',')
}

/// The rows, one after the other; empty lines are none. After a stray quote nothing follows.
pub(super) fn rows(text: &str, delimiter: char) -> impl Iterator<Item = Result<Row<'_>, StrayQuote>> {
    let mut at = 0;
    let next = move || {
        let found = (at < text.len()).then(|| row(text, at, delimiter))?;
        at = found.as_ref().map_or(text.len(), |(_, next)| *next);
        Some(found.map(|(row, _)| row))
    };
    let filled = |row: &Result<Row<'_>, StrayQuote>| match row {
        Ok(row) => row.cells.len() > 1 || !row.cells[0].trim().is_empty(),
        Err(_) => true,
    };
    std::iter::from_fn(next).filter(filled)
}

/// One row and the byte after its line end.
fn row(text: &str, start: usize, delimiter: char) -> Result<(Row<'_>, usize), StrayQuote> {
    let mut cells = Vec::new();
    let mut at = start;
    loop {
        let (cell, end) = cell(text, at, delimiter)?;
        cells.push(cell);
        match text[end..].chars().next() {
            Some(c) if c == delimiter => at = end + c.len_utf8(),
            Some(_) => return Ok((Row { byte: start, cells }, end + 1)),
            None => return Ok((Row { byte: start, cells }, end)),
        }
    }
}

/// One cell and the byte of the delimiter or line end after it.
fn cell(text: &str, start: usize, delimiter: char) -> Result<(Cow<'_, str>, usize), StrayQuote> {
    if text[start..].starts_with('"') {
        match quoted(text, start, delimiter) {
            Some(found) => return Ok(found),
            // Tables with tabs do not quote as a rule: there the quote is part of the words.
            None if delimiter != '\t' => return Err(StrayQuote(start)),
            None => {}
        }
    }
    let end = text[start..].find([delimiter, '\n']).map_or(text.len(), |i| start + i);
    Ok((Cow::Borrowed(&text[start..end]), end))
}

/// A quoted cell; doubled quotes stand for one.
fn quoted(text: &str, start: usize, delimiter: char) -> Option<(Cow<'_, str>, usize)> {
    let body = start + 1;
    let mut at = body;
    loop {
        at += text[at..].find('"')?;
        if !text[at + 1..].starts_with('"') {
            break;
        }
        at += 2;
    }
    let ended = text[at + 1..].chars().next().is_none_or(|c| c == delimiter || c == '\n');
    let one_line = delimiter != '\t' || !text[body..at].contains('\n');
    let raw = &text[body..at];
    let words = if raw.contains('"') { Cow::Owned(raw.replace("\"\"", "\"")) } else { Cow::Borrowed(raw) };
    (ended && one_line).then_some((words, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str, delimiter: char) -> Result<Vec<Vec<String>>, StrayQuote> {
        rows(text, delimiter).map(|r| Ok(r?.cells.into_iter().map(Cow::into_owned).collect())).collect()
    }

    #[test]
    fn quotes_commas_and_line_ends_in_cells() {
        let rows = cells("a,b\n\"x, \"\"y\"\"\nz\",2\n\n3,\n", ',').unwrap();
        assert_eq!(rows, [vec!["a", "b"], vec!["x, \"y\"\nz", "2"], vec!["3", ""]]);
        assert_eq!(cells("1\t\"so,\" she said\n", '\t').unwrap(), [vec!["1", "\"so,\" she said"]]);
        assert_eq!(cells("a,5\" pipe\n", ',').unwrap(), [vec!["a", "5\" pipe"]]);
    }

    #[test]
    fn a_stray_quote_is_named_where_it_opens() {
        assert_eq!(cells("a,\"b\nc,d\n", ','), Err(StrayQuote(2)));
        assert_eq!(cells("a,\"b\nc,\"d\n", ','), Err(StrayQuote(2)));
    }

    #[test]
    fn delimiters() {
        assert_eq!(["a,b;c,d", "a;b", "a\tb", "a"].map(delimiter), [',', ';', '\t', '\t']);
    }
}
