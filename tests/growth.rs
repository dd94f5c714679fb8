//! Coding costs time in step with the bytes and with what is found in them, whatever is said. `tests/transcripts.rs` has
//! the same for files that are only read, `benches/end_to_end.py growth` for the whole program and for large codebooks.

#[path = "support/growth.rs"]
mod growth;

use growth::{outgrows, worked};
use precode::coding::{Coding, TurnRow};
use precode::lexicon::{self, Lexicon};
use precode::pipeline::{Coder, Options, Take};
use precode::segment::Unit;
use precode::store::rows;
use precode::transcript::{ReadOptions, read};
use std::cell::RefCell;
use std::convert::Infallible;
use std::path::Path;
use std::sync::LazyLock;

/// Bytes of the smallest bait. It is doubled until it costs [`ENOUGH`], or has [`MOST`].
const LEAST: usize = 8_000;
const MOST: usize = 32 * LEAST;

/// Seconds that can be measured: the clock of a thread may stand still for 4 ms.
const ENOUGH: f64 = 0.04;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("lexicons/brokering.toml");
    lexicon::load(&path).map_or_else(|_| panic!("the codebook loads"), |(lexicon, _)| lexicon)
});

/// Rows are written and forgotten; their bytes are counted.
#[derive(Default)]
struct Written {
    row: Vec<u8>,
    bytes: usize,
}

impl Written {
    fn count(&mut self) {
        self.bytes += self.row.len();
        self.row.clear();
    }
}

impl Take for Written {
    type Error = Infallible;

    fn segment(&mut self, rows: Vec<(Coding, f64)>) -> Result<(), Infallible> {
        for (coding, _) in &rows {
            rows::push_coding(&mut self.row, coding);
            self.count();
        }
        Ok(())
    }

    fn turn(&mut self, turn: TurnRow<&str>) -> Result<(), Infallible> {
        rows::push_turn(&mut self.row, &turn);
        self.count();
        Ok(())
    }
}

/// Codes so many bytes of `bait`, again and again, after `head`; asserts that four times as many cost no more than
/// they may.
fn assert_linear(what: &str, unit: Unit, head: &str, bait: &str) {
    let coder = Coder::new(&LEXICON, Options { unit });
    let worker = RefCell::new(coder.worker());
    let cost = |bytes: usize| {
        let text = head.to_string() + &bait.repeat(bytes.div_ceil(bait.len())) + "\n";
        let code = || {
            let transcript = read(text.as_bytes(), "x.txt", &ReadOptions::default()).expect("a bait can be read");
            let mut written = Written::default();
            let Ok(()) = worker.borrow_mut().code_into(&transcript, &mut written);
            assert!(written.bytes > 0, "{what}");
        };
        // The first time meets new forms.
        worked(code).min(worked(code))
    };
    let is_enough = |&bytes: &usize| bytes >= MOST || cost(bytes) >= ENOUGH;
    let size = std::iter::successors(Some(LEAST), |bytes| Some(2 * bytes)).find(is_enough).unwrap_or(MOST);
    assert!(!outgrows(size, cost), "{what}: four times {size} bytes cost more than 2.5 times 2.5");
}

const ANSWER: &str = "I: Why?\nR: ";

#[test]
fn speech_costs_what_its_bytes_cost() {
    let spoken = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/interviews/b01.txt"));
    assert_linear("speech", Unit::Answer, "", &spoken.expect("an interview"));
}

#[test]
fn what_is_found_costs_by_its_number() {
    for unit in [Unit::Answer, Unit::Paragraph, Unit::Sentence] {
        assert_linear("sentences with hits only", unit, ANSWER, "We train teachers. ");
    }
    assert_linear("hits without a stop", Unit::Answer, ANSWER, "we train them and they train us ");
    assert_linear("hits in what is denied", Unit::Answer, ANSWER, "not never if we would train them they said ");
    assert_linear("answers with hits", Unit::Answer, "", "I: Do you train them?\nR: Yes, we train them.\n");
}

#[test]
fn odd_text_costs_what_its_bytes_cost() {
    let baits = [
        ("open brackets", "([<"),
        ("hyphens", "a- b- "),
        ("quotation marks", "\"we\" said \"they "),
        ("one word", "data"),
        ("apostrophes", "don't n't 's ' "),
        ("stops", "We. They. e.g. 1.2.3. "),
        ("combined characters", "e\u{301}\u{200d}\u{1f469} "),
        ("white space", "we \u{a0}\t"),
        ("paragraphs", "we\n\nthey\n\n"),
    ];
    baits.iter().for_each(|(what, bait)| assert_linear(what, Unit::Answer, ANSWER, bait));
}

#[test]
fn turns_cost_by_their_number() {
    assert_linear("tiny turns", Unit::Answer, "", "I: so\nR: we\n");
    assert_linear("one speaker's lines", Unit::Answer, "", "R: we\n");
}

#[test]
fn what_grows_with_the_square_is_seen() {
    let square = |bytes: usize| (bytes * bytes) as f64 * 1e-9;
    assert!(outgrows(LEAST, square));
    assert!(!outgrows(LEAST, |bytes| bytes as f64 * 1e-3));
}
