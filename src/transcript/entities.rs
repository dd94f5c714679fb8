//! The character references that captions and tables carry over from web pages.
//!
//! Comes in: text with `&amp;` or `&#8212;`. Goes out: the characters. Never happens here: an error; what is no
//! reference stays as it is.

use std::borrow::Cow;

const NAMED: [(&str, char); 10] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
];

/// Longest reference, without its signs.
const LONGEST: usize = 8;

/// The text with its references replaced.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let body = &rest[at + 1..];
        match body
            .bytes()
            .take(LONGEST + 1)
            .position(|b| b == b';')
            .and_then(|end| Some((end, character(&body[..end])?)))
        {
            Some((end, c)) => {
                out.push(c);
                rest = &body[end + 1..];
            }
            None => {
                out.push('&');
                rest = body;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character that a reference names: `amp`, `#8212`, `#x2014`. Control characters are not made.
pub(super) fn character(name: &str) -> Option<char> {
    let number = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        },
        None => return NAMED.iter().find(|(n, _)| *n == name).map(|(_, c)| *c),
    };
    number.and_then(char::from_u32).filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn references() {
        let cases = [
            ("a &amp; b", "a & b"),
            ("x&#8212;y", "x\u{2014}y"),
            ("&#x2014;", "\u{2014}"),
            ("AT&T; &unknown;", "AT&T; &unknown;"),
            ("&#0;", "&#0;"),
        ];
        for (text, want) in cases {
            assert_eq!(decode(text), want, "{text}");
        }
    }
}
