//! The fitted part of a codebook, as data: what each word says of each code, and how scores become confidences.
//!
//! Comes in: `NAME.cues.tsv` and `NAME.confidence.json` beside `NAME.toml`. Goes out: a [`Model`]. Never happens here:
//! fitting (see `learn`), or a look at a transcript.
//!
//! The cue table has a line for each stem, or pair of neighbouring stems, and a column for each code; the numbers are
//! log-odds in hundredths. A word that is not listed says nothing.

use super::numbers;
use super::pairs::Pairs;
use super::texts::{Table, Texts};
use crate::codebook::Codebook;
use crate::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// What to do about a file that cannot be used.
const AGAIN: &str = "make the file again with `precode fit`";

/// Value of [`Confidence::schema`].
pub const CONFIDENCE_SCHEMA: &str = "precode.fitted-confidence/1";

/// How the confidence of one code is made: log-odds = base + level + Σ rules · scores + cues · cue score.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Judgements that it was fitted on.
    pub answers: usize,
    /// Log-odds without any evidence.
    pub base: f64,
    /// Added for speakers of a level.
    pub level: BTreeMap<String, f64>,
    /// Times the rule score of a code: its own, and those that speak for or against it.
    pub rules: BTreeMap<String, f64>,
    /// Times the cue score.
    pub cues: f64,
}

/// The contents of `NAME.confidence.json`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    /// [`CONFIDENCE_SCHEMA`].
    pub schema: String,
    /// Digest of the codebook whose rules it was fitted with.
    pub codebook: String,
    /// What it was fitted on, for people.
    pub fitted_on: Vec<String>,
    /// By code.
    pub codes: BTreeMap<String, Line>,
}

/// What single words and pairs of words say of each code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cues {
    stems: Stems,
    pairs: Pairs,
    names: Texts,
    /// In hundredths; each row is filled up to whole blocks.
    #[serde(with = "numbers")]
    weights: Vec<Block>,
    n_codes: usize,
}

/// The ids of stems: the row where one is a cue alone; those of others come after all rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Stems {
    table: Table,
    /// For each text of the table.
    #[serde(with = "numbers")]
    ids: Vec<u32>,
}

impl Stems {
    fn get(&self, stem: &str) -> Option<u32> {
        self.table.number(stem).map(|number| self.ids[number as usize])
    }

    /// The id of a stem, known or this one.
    fn id(&mut self, stem: &str, new: u32) -> u32 {
        self.get(stem).unwrap_or_else(|| {
            self.table.push(stem);
            self.ids.push(new);
            new
        })
    }
}

/// A row that was met in a run of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Met {
    /// The row.
    pub row: u32,
    /// Twice the token where its first occurrence begins, and 1 more where it is a pair.
    pub first: u32,
}

/// Weights that are added at once.
type Block = [i16; 8];

/// The place of a stem that no cue knows.
pub const NO_STEM: u32 = u32::MAX;

impl Cues {
    /// A table of cues, each a stem or two stems with a space between, with a weight in hundredths for each code.
    pub fn new(rows: impl IntoIterator<Item = (String, Vec<i16>)>, n_codes: usize) -> Self {
        let mut cues = Cues { n_codes, ..Cues::default() };
        for (name, weights) in rows {
            cues.add(&name, &weights);
        }
        cues.link();
        cues
    }

    fn add(&mut self, name: &str, weights: &[i16]) {
        self.names.push(name);
        let mut blocks = weights.chunks(Block::default().len());
        for _ in 0..self.n_blocks() {
            let mut block = Block::default();
            block.iter_mut().zip(blocks.next().unwrap_or_default()).for_each(|(to, from)| *to = *from);
            self.weights.push(block);
        }
    }

    /// Gives ids to the stems of all rows, and notes the pairs among them.
    fn link(&mut self) {
        // Of two rows with the same name the last one counts.
        for row in (0..self.names.len() as u32).rev().filter(|&row| !self.names.get(row).contains(' ')) {
            self.stems.id(self.names.get(row), row);
        }
        let mut next = self.names.len() as u32;
        for (row, name) in (0..).zip(self.names.iter()) {
            let Some(stems) = name.split_once(' ') else { continue };
            let [first, second] = [stems.0, stems.1].map(|stem| {
                let id = self.stems.id(stem, next);
                next += u32::from(id == next);
                id
            });
            self.pairs.add(first, second, row);
        }
    }

    /// The id of a stem; [`NO_STEM`] where no cue knows it.
    pub fn stem(&self, stem: &str) -> u32 {
        self.stems.get(stem).unwrap_or(NO_STEM)
    }

    /// The row of a single stem.
    #[inline]
    pub fn single(&self, stem: u32) -> Option<u32> {
        Some(stem).filter(|row| (*row as usize) < self.names.len())
    }

    /// The row of two neighbouring stems.
    pub fn pair(&self, first: u32, second: u32) -> Option<u32> {
        self.pairs.get(first, second)
    }

    /// All rows of two neighbouring stems.
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.names.len()
    }

    /// The cue of a row, as written.
    pub fn name(&self, row: u32) -> &str {
        self.names.get(row)
    }

    /// Blocks of each row.
    fn n_blocks(&self) -> usize {
        self.n_codes.div_ceil(Block::default().len())
    }

    #[inline]
    fn blocks(&self, row: u32) -> &[Block] {
        let n = self.n_blocks();
        &self.weights[row as usize * n..][..n]
    }

    /// Puts the sums of the weights of these rows into `sums`, in hundredths: one for each code, then zeros.
    pub fn add_up(&self, rows: &[Met], sums: &mut Vec<[i32; 8]>) {
        sums.clear();
        sums.extend((0..self.n_blocks()).map(|block| self.add_up_block(rows, block)));
    }

    /// The sums of one block. The loop is short: the next rows are fetched before the first has come.
    fn add_up_block(&self, rows: &[Met], block: usize) -> [i32; 8] {
        let n = self.n_blocks();
        let mut sums = [0; 8];
        for met in rows {
            let weights = &self.weights[met.row as usize * n + block];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += i32::from(*weight);
            }
        }
        sums
    }

    /// What a row says of the code at a place, in log-odds. Sums of these are exact, and so the same in any order: each
    /// is a whole number of 2⁻³⁰, and less than 2⁹.
    #[inline]
    pub fn weight(&self, row: u32, code: usize) -> f64 {
        let block = &self.blocks(row)[code / Block::default().len()];
        f64::from(log_odds(block[code % Block::default().len()]))
    }

    /// True when there are no cues.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The table as its file holds it: a head line, then a line for each cue; log-odds in hundredths.
    pub fn render(&self, codebook: &Codebook) -> String {
        let codes: Vec<&str> = codebook.codes.iter().map(|code| code.name.as_str()).collect();
        let mut out = format!("cue\t{}\n", codes.join("\t"));
        for (row, name) in self.names.iter().enumerate() {
            let weights = self.blocks(row as u32).as_flattened()[..self.n_codes].iter().map(i16::to_string);
            out += &format!("{name}\t{}\n", weights.collect::<Vec<_>>().join("\t"));
        }
        out
    }

    fn parse(path: &str, text: &str, codebook: &Codebook) -> Result<Self, Diagnostic> {
        let problem = |line: usize, cell: usize, message: &str| {
            let problem = Diagnostic::error("lexicon-cues", path, message).at_byte(text, place(text, line, cell));
            problem.help(AGAIN)
        };
        let mut lines = text.lines().enumerate();
        let head = lines.next().map(|(_, head)| head).unwrap_or_default();
        let code = |(cell, name)| {
            let id = codebook.id(name).map(|id| usize::from(id.0));
            id.ok_or_else(|| problem(0, cell, "the column names no code of the codebook"))
        };
        let places = head.split('\t').enumerate().skip(1).map(code).collect::<Result<Vec<usize>, _>>()?;
        let n_codes = codebook.codes.len();
        let mut table = Cues { n_codes, ..Cues::default() };
        table.weights.reserve(memchr::memchr_iter(b'\n', text.as_bytes()).count() * table.n_blocks());
        let mut weights = vec![0; n_codes];
        for (i, line) in lines {
            let mut cells = line.as_bytes().split(|&byte| byte == b'\t');
            let name = &line[..cells.next().map_or(0, <[u8]>::len)];
            for (cell, &place) in (1..).zip(&places) {
                let weight = cells.next().and_then(whole).and_then(|weight| i16::try_from(weight).ok());
                let wrong = "a weight is missing, too large, or no whole number";
                weights[place] = weight.ok_or_else(|| problem(i, cell, wrong))?;
            }
            table.add(name, &weights);
        }
        table.link();
        Ok(table)
    }
}

/// First byte of a cell, by its line and its number there, both from 0; of one that is missing, the end of the line.
fn place(text: &str, line: usize, cell: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let line = text[before..].lines().next().unwrap_or_default();
    let inside: usize = line.split('\t').take(cell).map(|cell| cell.len() + 1).sum();
    before + inside.min(line.len())
}

/// A whole number as written.
fn whole(cell: &[u8]) -> Option<i32> {
    let (minus, digits) = cell.strip_prefix(b"-").map_or((false, cell), |digits| (true, digits));
    // Weights are small: what is longer, or written in another way, is read with all care.
    if digits.is_empty() || digits.len() > 6 || !digits.iter().all(u8::is_ascii_digit) {
        return std::str::from_utf8(cell).ok()?.parse().ok();
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    Some(if minus { -number } else { number })
}

fn log_odds(hundredths: i16) -> f32 {
    f32::from(hundredths) / 100.0
}

/// The most by which the log-odds of one row differ from its hundredths: half of the last place of a number below 2⁹.
pub const ROUNDING: f64 = 1.0 / 65_536.0;

/// The fitted part of a codebook.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// How scores become confidences.
    pub confidence: Confidence,
    /// What words say.
    pub cues: Cues,
    /// SHA-256 over both files.
    pub digest: String,
}

impl Model {
    /// Reads the files beside `lexicon`; none where `NAME.confidence.json` is not there.
    ///
    /// # Errors
    /// What is wrong with a file that is there.
    pub fn beside(lexicon: &Path, codebook: &Codebook) -> Result<Option<Self>, Diagnostic> {
        let (confidence_path, cues_path) = paths(lexicon);
        let Some(json) = if_there(&confidence_path, "lexicon-confidence")? else { return Ok(None) };
        let confidence: Confidence = serde_json::from_str(&json)
            .map_err(|error| no_confidence(&confidence_path.display().to_string(), &json, &error))?;
        let table = if_there(&cues_path, "lexicon-cues")?.unwrap_or_default();
        let cues = match table.is_empty() {
            true => Cues::default(),
            false => Cues::parse(&cues_path.display().to_string(), &table, codebook)?,
        };
        let digest = super::hex_digest([json.as_str(), table.as_str()]);
        Ok(Some(Model { confidence, cues, digest }))
    }
}

/// What the matter is with a file of confidences, where the reader stopped.
fn no_confidence(path: &str, json: &str, error: &serde_json::Error) -> Diagnostic {
    let told = error.to_string();
    let what = told.split(" at line ").next().unwrap_or(&told);
    let before: usize = json.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (before + error.column().saturating_sub(1)).min(json.len());
    let at = (0..=at).rev().find(|&at| json.is_char_boundary(at)).unwrap_or(0);
    Diagnostic::error("lexicon-confidence", path, what).at_byte(json, at).help(AGAIN)
}

/// The text of a file that need not be there.
fn if_there(path: &Path, code: &'static str) -> Result<Option<String>, Diagnostic> {
    let missing = std::fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    if missing { Ok(None) } else { super::read_text(path, code).map(Some) }
}

/// Where the fitted part of a lexicon lies: `NAME.confidence.json` and `NAME.cues.tsv`.
pub fn paths(lexicon: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    (lexicon.with_extension("confidence.json"), lexicon.with_extension("cues.tsv"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::load;

    const BOOK: &str =
        "[codebook]\nname = \"t\"\n[[facet]]\nname = \"a\"\n[[code]]\nname = \"a.b\"\ndefinition = \"x\"\n";
    const LINE: &str = "{\"answers\":9,\"base\":-1.0,\"level\":{},\"rules\":{},\"cues\":1.0}";

    const FITTED: &str =
        "{\"schema\":\"precode.fitted-confidence/1\",\"codebook\":\"0\",\"fitted_on\":[],\"codes\":{}}";

    /// What is said about a codebook with this fitted part: kind, file, line and column.
    fn said(confidence: impl AsRef<[u8]>, cues: impl AsRef<[u8]>) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        let path = folder.path().join("t.toml");
        let files = [BOOK.as_bytes(), confidence.as_ref(), cues.as_ref()];
        for (name, bytes) in ["t.toml", "t.confidence.json", "t.cues.tsv"].into_iter().zip(files) {
            std::fs::write(folder.path().join(name), bytes).unwrap_or_else(|error| panic!("not written: {error}"));
        }
        let found = load(&path).map_or_else(|problems| problems, |(_, warnings)| warnings);
        let shown = |problem: &Diagnostic| {
            let file = problem.path.rsplit('/').next().unwrap_or_default();
            let place = problem.line.zip(problem.column).map(|(line, column)| format!(":{line}:{column}"));
            format!("{file}{} {}", place.unwrap_or_default(), problem.code)
        };
        found.iter().filter(|problem| problem.code != "lexicon-idle").map(shown).collect()
    }

    #[test]
    fn tells_of_a_fitted_part_that_is_old() {
        let fitted = FITTED.replace("{}", &format!("{{\"a.b\":{LINE}}}"));
        assert_eq!(said(&fitted, "cue\ta.b\ncall back\t120\n"), ["t.confidence.json lexicon-stale"]);
    }

    #[test]
    fn tells_where_a_fitted_part_is_broken() {
        let cases: &[(&str, &[u8], &str)] = &[
            ("{", b"", "t.confidence.json:1:1 lexicon-confidence"),
            ("{\n \"sch\": 1}", b"", "t.confidence.json:2:6 lexicon-confidence"),
            (FITTED, b"cue\ta.b\ta.c\ncall\t1\t1\n", "t.cues.tsv:1:9 lexicon-cues"),
            (FITTED, "cue\ta.b\r\nfür\tmuch\r\n".as_bytes(), "t.cues.tsv:2:5 lexicon-cues"),
            (FITTED, b"cue\ta.b\r\ncall\r\nback\t1\r\n", "t.cues.tsv:2:5 lexicon-cues"),
            (FITTED, b"cue\ta.b\nca\xE9l\t1\n", "t.cues.tsv:2:3 lexicon-cues"),
            (FITTED, b"\xFF\xFEc\0u\0e\0", "t.cues.tsv:1:1 lexicon-cues"),
        ];
        for (confidence, cues, want) in cases {
            assert_eq!(said(confidence, cues), [*want], "{confidence} {}", cues.escape_ascii());
        }
        assert_eq!(said(b"{\"schema\":\"\xE9", ""), ["t.confidence.json:1:12 lexicon-confidence"]);
    }

    #[test]
    fn a_codebook_without_a_fitted_part_has_none() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        assert_eq!(Model::beside(&folder.path().join("t.toml"), &Codebook::default()), Ok(None));
    }

    #[test]
    fn weights_are_whole_numbers_of_a_small_step_and_near_their_hundredths() {
        for hundredths in i16::MIN..=i16::MAX {
            let weight = f64::from(log_odds(hundredths));
            assert_eq!((weight * f64::from(1 << 30)).fract(), 0.0, "{hundredths}");
            assert!(
                (weight - f64::from(hundredths) / 100.0).abs() <= ROUNDING && weight.abs() < 512.0,
                "{hundredths}"
            );
        }
    }

    #[test]
    fn stems_have_the_row_that_they_are_alone_in() {
        let row = |name: &str, n: i16| (name.to_string(), (0..11).map(|code| n * 100 + code).collect::<Vec<i16>>());
        let cues = Cues::new([row("back call", 1), row("call", 2), row("call them", -3)], 11);
        let [back, call, them] = ["back", "call", "them"].map(|stem| cues.stem(stem));
        assert_eq!([back, call, them].map(|stem| cues.single(stem)), [None, Some(1), None]);
        assert_eq!([cues.pair(back, call), cues.pair(call, them), cues.pair(them, call)], [Some(0), Some(2), None]);
        assert_eq!((cues.stem("us"), cues.single(NO_STEM)), (NO_STEM, None));
        assert_eq!(cues.weight(2, 10), f64::from(-2.9f32));
        let mut sums = Vec::new();
        cues.add_up(&[0, 1].map(|row| Met { row, first: 0 }), &mut sums);
        assert_eq!(sums.as_flattened()[..11], std::array::from_fn::<i32, 11, _>(|code| 300 + 2 * code as i32));
    }
}
