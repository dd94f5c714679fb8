//! The fitted part of a codebook, as data: what each word says of each code, and how scores become confidences.
//!
//! Comes in: `NAME.cues.tsv` and `NAME.confidence.json` beside `NAME.toml`. Goes out: a [`Model`]. Never happens here:
//! fitting (see `learn`), or a look at a transcript.
//!
//! The cue table has a line for each stem, or pair of neighbouring stems, and a column for each code; the numbers are
//! log-odds in hundredths. A word that is not listed says nothing.

use super::pairs::Pairs;
use crate::codebook::Codebook;
use crate::diagnostic::Diagnostic;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

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
    stems: FxHashMap<String, u32>,
    /// For each stem its row alone; [`NO_ROW`] where it has none.
    singles: Vec<u32>,
    pairs: Pairs,
    names: Vec<String>,
    weights: Vec<f32>,
    n_codes: usize,
}

/// The row of a stem that is no cue alone.
const NO_ROW: u32 = u32::MAX;

/// The place of a stem that no cue knows.
pub const NO_STEM: u32 = u32::MAX;

impl Cues {
    /// A table of cues, each a stem or two stems with a space between, with a weight for each code.
    pub fn new(rows: impl IntoIterator<Item = (String, Vec<f32>)>, n_codes: usize) -> Self {
        let mut cues = Cues { n_codes, ..Cues::default() };
        for (name, weights) in rows {
            cues.add(&name, &weights);
        }
        cues
    }

    fn add(&mut self, name: &str, weights: &[f32]) {
        let row = self.names.len() as u32;
        match name.split_once(' ') {
            Some((first, second)) => {
                let (first, second) = (self.intern(first), self.intern(second));
                self.pairs.add(first, second, row);
            }
            None => {
                let stem = self.intern(name);
                self.singles[stem as usize] = row;
            }
        }
        self.names.push(name.to_string());
        self.weights.extend_from_slice(weights);
    }

    fn intern(&mut self, stem: &str) -> u32 {
        if let Some(&id) = self.stems.get(stem) {
            return id;
        }
        let id = self.singles.len() as u32;
        self.stems.insert(stem.to_string(), id);
        self.singles.push(NO_ROW);
        id
    }

    /// The id of a stem; [`NO_STEM`] where no cue knows it.
    pub fn stem(&self, stem: &str) -> u32 {
        self.stems.get(stem).copied().unwrap_or(NO_STEM)
    }

    /// The row of a single stem.
    #[inline]
    pub fn single(&self, stem: u32) -> Option<u32> {
        self.singles.get(stem as usize).copied().filter(|row| *row != NO_ROW)
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

    /// Brings the weights of these rows near, all at once: one look does not wait for the other.
    #[inline]
    pub fn call(&self, rows: &[u32]) {
        let ends = |row: &u32| self.weights(*row).first().zip(self.weights(*row).last());
        let read = rows.iter().filter_map(ends).fold(0, |all, (a, b)| all ^ a.to_bits() ^ b.to_bits());
        std::hint::black_box(read);
    }

    /// The cue of a row, as written.
    pub fn name(&self, row: u32) -> &str {
        &self.names[row as usize]
    }

    /// Weights of a row, one for each code.
    #[inline]
    pub fn weights(&self, row: u32) -> &[f32] {
        let start = row as usize * self.n_codes;
        &self.weights[start..start + self.n_codes]
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
            let weights = self.weights(row as u32).iter().map(|w| hundredths(*w).to_string());
            out += &format!("{name}\t{}\n", weights.collect::<Vec<_>>().join("\t"));
        }
        out
    }

    fn parse(path: &str, text: &str, codebook: &Codebook) -> Result<Self, Diagnostic> {
        let problem = |line: usize, message: &str| {
            Diagnostic::error("lexicon-cues", path, message)
                .at_line(line)
                .help("make the file again with `precode fit`")
        };
        let mut lines = text.lines().enumerate();
        let head = lines.next().map(|(_, head)| head).unwrap_or_default();
        let places: Option<Vec<usize>> =
            head.split('\t').skip(1).map(|name| codebook.id(name).map(|id| usize::from(id.0))).collect();
        let places = places.ok_or_else(|| problem(1, "a column names no code of the codebook"))?;
        let n_codes = codebook.codes.len();
        let mut table = Cues { n_codes, ..Cues::default() };
        table.weights.reserve(memchr::memchr_iter(b'\n', text.as_bytes()).count() * n_codes);
        let mut weights = vec![0.0; n_codes];
        for (i, line) in lines {
            let mut cells = line.as_bytes().split(|&byte| byte == b'\t');
            let name = &line[..cells.next().map_or(0, <[u8]>::len)];
            for &place in &places {
                let cell = cells.next().and_then(whole);
                weights[place] =
                    cell.ok_or_else(|| problem(i + 1, "a weight is missing or no whole number"))? as f32 / 100.0;
            }
            table.add(name, &weights);
        }
        Ok(table)
    }
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

fn hundredths(weight: f32) -> i32 {
    (weight * 100.0).round() as i32
}

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
        let Ok(json) = std::fs::read_to_string(&confidence_path) else { return Ok(None) };
        let confidence: Confidence = serde_json::from_str(&json).map_err(|error| {
            let path = confidence_path.display().to_string();
            Diagnostic::error("lexicon-confidence", path, error.to_string()).at_line(error.line())
        })?;
        let table = std::fs::read_to_string(&cues_path).unwrap_or_default();
        let cues = match table.is_empty() {
            true => Cues::default(),
            false => Cues::parse(&cues_path.display().to_string(), &table, codebook)?,
        };
        let digest = super::hex_digest([json.as_str(), table.as_str()]);
        Ok(Some(Model { confidence, cues, digest }))
    }
}

/// Where the fitted part of a lexicon lies: `NAME.confidence.json` and `NAME.cues.tsv`.
pub fn paths(lexicon: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    (lexicon.with_extension("confidence.json"), lexicon.with_extension("cues.tsv"))
}

#[cfg(test)]
mod tests {
    use crate::lexicon::load;

    const BOOK: &str =
        "[codebook]\nname = \"t\"\n[[facet]]\nname = \"a\"\n[[code]]\nname = \"a.b\"\ndefinition = \"x\"\n";
    const LINE: &str = "{\"answers\":9,\"base\":-1.0,\"level\":{},\"rules\":{},\"cues\":1.0}";

    /// Codes of what is said about a codebook with this fitted part.
    fn said(confidence: &str, cues: &str) -> Vec<&'static str> {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        let path = folder.path().join("t.toml");
        for (name, text) in [("t.toml", BOOK), ("t.confidence.json", confidence), ("t.cues.tsv", cues)] {
            std::fs::write(folder.path().join(name), text).unwrap_or_else(|error| panic!("not written: {error}"));
        }
        let found = load(&path).map_or_else(|problems| problems, |(_, warnings)| warnings);
        found.into_iter().map(|problem| problem.code).filter(|code| *code != "lexicon-idle").collect()
    }

    #[test]
    fn tells_of_a_fitted_part_that_is_old_or_broken() {
        let fitted = format!(
            "{{\"schema\":\"precode.fitted-confidence/1\",\"codebook\":\"0\",\"fitted_on\":[],\"codes\":{{\"a.b\":{LINE}}}}}"
        );
        assert_eq!(said(&fitted, "cue\ta.b\ncall back\t120\n"), ["lexicon-stale"]);
        assert_eq!(said("{", ""), ["lexicon-confidence"]);
        assert_eq!(said(&fitted, "cue\ta.c\ncall\t1\n"), ["lexicon-cues"]);
        assert_eq!(said(&fitted, "cue\ta.b\ncall\tmuch\n"), ["lexicon-cues"]);
    }
}
