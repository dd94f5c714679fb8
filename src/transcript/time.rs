//! Time marks as transcripts write them.
//!
//! Comes in: text that may begin with a time. Goes out: milliseconds and how many bytes the mark takes.
//! Never happens here: a negative or overflowing time; what makes no sense is a mark without a time.

use super::TimeSpan;

/// A time mark at the start of some text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Milliseconds; none when the digits are no time (`[99:99:99]`).
    pub ms: Option<u64>,
    /// Bytes that the mark takes, brackets included.
    pub len: usize,
}

impl Mark {
    /// The mark as a span without length.
    pub fn span(self) -> Option<TimeSpan> {
        self.ms.map(|ms| TimeSpan { start_ms: ms, end_ms: ms })
    }
}

/// Longest text within brackets that is looked at.
const LONGEST: usize = 40;

/// A mark in brackets: `[00:01:02]`, `(1:02)`, `\[29:27\]`, `[00:00:02 - 00:00:05]` (its first time counts).
pub(super) fn bracketed(text: &str) -> Option<Mark> {
    let body = text.strip_prefix('\\').unwrap_or(text);
    let close = match body.as_bytes().first()? {
        b'[' => b']',
        b'(' => b')',
        _ => return None,
    };
    let end = body.bytes().take(LONGEST).position(|b| b == close)?;
    let inner = body[1..end].trim_end_matches('\\').trim();
    let first = inner.split([' ', '\u{2013}', '>']).next()?;
    let digits = |b: u8| b.is_ascii_digit() || b":.,- >".contains(&b) || b >= 0x80;
    let timely = inner.contains(':') && inner.bytes().all(digits) && inner.bytes().any(|b| b.is_ascii_digit());
    timely.then(|| Mark { ms: clock(first), len: text.len() - body.len() + end + 1 })
}

/// A mark without brackets, ended by white space, a colon or the end: `00:01:02`, `1:02`, `01:03:56.22`.
pub(super) fn bare(text: &str) -> Option<Mark> {
    // Nearly every line is asked, and few begin so.
    text.as_bytes().first().filter(|b| b.is_ascii_digit())?;
    let len = text.bytes().take(LONGEST).take_while(|b| b.is_ascii_digit() || b":.,".contains(b)).count();
    let digits = text[..len].trim_end_matches([':', '.', ',']);
    let after = &text[digits.len()..];
    let ended = after.is_empty() || after.starts_with(char::is_whitespace) || after.starts_with(':');
    (ended && digits.contains(':')).then(|| Mark { ms: clock(digits), len: digits.len() })
}

/// A mark in words, as Teams writes it: `1 hour 2 minutes 3 seconds`, also with a clock glued to its end.
pub(super) fn spelled(text: &str) -> Option<Mark> {
    text.as_bytes().first().filter(|b| b.is_ascii_digit())?;
    const UNITS: [(&str, u64); 3] = [("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)];
    let (mut rest, mut ms, mut found) = (text, 0u64, false);
    for (unit, length) in UNITS {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Some(after) = rest[digits..].strip_prefix(' ').and_then(|after| after.strip_prefix(unit)) else {
            continue;
        };
        ms = ms.checked_add(number(&rest[..digits])?.checked_mul(length)?)?;
        let after = after.strip_prefix('s').unwrap_or(after);
        (rest, found) =
            (after.strip_prefix(' ').filter(|a| a.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(after), true);
    }
    let end = text.len() - rest.len();
    let clock = bare(rest).map_or(0, |mark| mark.len);
    let ended = rest[clock..].chars().next().is_none_or(char::is_whitespace);
    (found && ended).then_some(Mark { ms: Some(ms), len: end + clock })
}

/// `H:MM:SS`, `M:SS` or `D:HH:MM:SS`, each with a fraction after a dot or a comma.
///
/// `75:12` is an hour and a quarter; `1:75` is nothing.
pub(super) fn clock(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let fields: Vec<u64> = whole.split(':').map(number).collect::<Option<_>>()?;
    let units: &[u64] = match fields.len() {
        2 => &[60_000, 1_000],
        3 => &[3_600_000, 60_000, 1_000],
        4 => &[86_400_000, 3_600_000, 60_000, 1_000],
        _ => return None,
    };
    let mut ms = thousandths(fraction)?;
    for (i, (&field, &unit)) in fields.iter().zip(units).enumerate() {
        // Only the largest unit may run past its round.
        if i > 0 && field >= if unit == 3_600_000 { 24 } else { 60 } {
            return None;
        }
        ms = ms.checked_add(field.checked_mul(unit)?)?;
    }
    Some(ms)
}

/// Seconds as milliseconds; nothing for what is negative, not a number or past 114 years.
pub(super) fn of_seconds(seconds: f64) -> Option<u64> {
    ((0.0..3.6e9).contains(&seconds)).then(|| (seconds * 1000.0).round() as u64)
}

/// At most six digits: 114 years in hours, and no overflow anywhere.
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The digits after the point as milliseconds; finer ones are cut off.
fn thousandths(digits: &str) -> Option<u64> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.bytes().chain(*b"000").take(3).fold(0, |n, b| n * 10 + u64::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        let cases = [
            ("0:21", Some(21_000)),
            ("75:12", Some(4_512_000)),
            ("01:03:56.22", Some(3_836_220)),
            ("00:00:02,5", Some(2_500)),
            ("00:00:01:09", Some(69_000)),
            ("1:00:00.9999", Some(3_600_999)),
            ("99:99:99", None),
            ("999999999999999999999:00", None),
            ("-1:00", None),
            ("1:2:3:4:5", None),
            ("10", None),
        ];
        for (text, want) in cases {
            assert_eq!(clock(text), want, "{text}");
        }
    }

    #[test]
    fn marks() {
        let cases = [
            ("[00:00:16]", Some(10)),
            ("\\[29:27\\] more", Some(9)),
            ("(1:02): words", Some(6)),
            ("[00:00:02 - 00:00:05]", Some(21)),
            ("[-1:00] x", Some(7)),
            ("[inaudible]", None),
            ("(a: 1)", None),
            ("[", None),
        ];
        for (text, want) in cases {
            assert_eq!(bracketed(text).map(|m| m.len), want, "{text}");
        }
        let cases = [
            ("0 minutes 3 seconds", Some((3_000, 19))),
            ("1 hour 2 minutes 1 second0:03 x", Some((3_721_000, 29))),
            ("12 seconds later", Some((12_000, 10))),
            ("3 minute-long", None),
            ("2 hours", Some((7_200_000, 7))),
            ("seconds", None),
        ];
        for (text, want) in cases {
            assert_eq!(spelled(text).and_then(|m| Some((m.ms?, m.len))), want, "{text}");
        }
        assert_eq!(bare("00:00:05 It's").map(|m| m.len), Some(8));
        assert_eq!(bare("10:30am"), None);
        assert_eq!(bare("1999"), None);
    }
}
