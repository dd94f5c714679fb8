//! The rules as data: what a researcher writes in TOML, read, checked and made ready for matching.
//!
//! Comes in: lexicon files. Goes out: a [`Lexicon`], or every mistake in them at once. Never happens here: a look at
//! a transcript.

mod blocks;
pub mod cache;
pub mod compile;
mod fix;
pub mod import;
mod lint;
pub mod model;
pub mod numbers;
pub mod pairs;
pub mod pattern;
pub mod plan;
pub mod source;
pub mod terms;
pub mod texts;

pub use compile::{Lexicon, List, Party, Pat, Rule, Trigger};
pub use fix::{Fixed, fix};

use crate::codebook::Codebook;
use crate::diagnostic::{Diagnostic, Severity};
use model::Model;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use source::Source;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What can be the matter with words that a rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Context {
    /// "We do **not** train them."
    Negated,
    /// "We **would** train them", "they **should** train".
    Hypothetical,
    /// "We **used to** train them."
    Past,
    /// "**She says** we train them."
    Reported,
}

impl Context {
    /// All, in the order in which effects are listed.
    pub const ALL: [Context; 4] = [Context::Negated, Context::Hypothetical, Context::Past, Context::Reported];

    /// As written in lexicons and in `evidence[].context`.
    pub fn name(self) -> &'static str {
        ["negated", "hypothetical", "past", "reported"][self as usize]
    }

    /// The context with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.name() == name)
    }
}

/// What a context does to the evidence. On the rule "we train them" for `trainer` with weight 0.6, in "We don't train
/// them":
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// No evidence.
    Drop,
    /// Evidence for `trainer`, half as strong.
    Weaken,
    /// Evidence for `trainer`, as if nothing were the matter.
    Keep,
    /// Evidence for the opposite of `trainer`; dropped where the codebook names none.
    Opposite,
}

impl Effect {
    /// The effect with this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "drop" => Some(Effect::Drop),
            "weaken" => Some(Effect::Weaken),
            "keep" => Some(Effect::Keep),
            "opposite" => Some(Effect::Opposite),
            _ => None,
        }
    }
}

/// Effects where neither rule nor `[defaults]` says otherwise, in the order of [`Context::ALL`].
pub const DEFAULT_EFFECTS: [Effect; 4] = [Effect::Drop, Effect::Weaken, Effect::Weaken, Effect::Keep];

/// Reads a lexicon and the files that it includes.
///
/// # Errors
/// Every mistake found, with file, line and column; warnings among them.
pub fn load(path: &Path) -> Result<(Lexicon, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (source, found) = read(path);
    let codebook = source.codebook.clone();
    // The fitted part needs the names of the codes only: it is read meanwhile.
    let mut model = Ok(None);
    let finished = rayon::in_place_scope(|scope| {
        scope.spawn(|_| model = Model::beside(path, &codebook));
        finish(source, found)
    });
    let (mut lexicon, mut found) = finished?;
    lexicon.model = model.map_err(|problem| vec![problem])?;
    found.extend(stale(&lexicon, path));
    Ok((lexicon, found))
}

/// Reads a lexicon without its fitted part, which may be old or broken: what fitting it again needs.
///
/// # Errors
/// As [`load`], but for the fitted part.
pub fn load_rules(path: &Path) -> Result<(Lexicon, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (source, found) = read(path);
    finish(source, found)
}

/// Reads a lexicon to say what is wrong with it: mistakes, and what only looks wrong, in the order of the files. Gives
/// the lexicon in spite of mistakes, so that the examples of what is sound can be run; none where nothing was read.
pub fn check(path: &Path) -> (Option<Lexicon>, Vec<Diagnostic>) {
    let (source, mut found) = read(path);
    if source.files.is_empty() {
        return (None, found);
    }
    let lexicon = compile::compile(source, &mut found);
    found.extend(lint::lint(&lexicon));
    found.extend(Model::beside(path, &lexicon.codebook).err());
    in_order(&lexicon.source, &mut found);
    (Some(lexicon), found)
}

/// What a file is made of, as far as another one may be concerned.
#[derive(Debug)]
pub struct Outline {
    /// The files that it is read from: itself, and what it includes.
    pub files: Vec<PathBuf>,
    /// True for a file of rules, lists or context without a codebook of its own: another one includes it.
    pub part: bool,
}

/// The outline of a file; of one that cannot be read, an outline without files.
pub fn outline(path: &Path) -> Outline {
    let (source, _) = read(path);
    let codebook = &source.codebook;
    let named = !codebook.name.is_empty() || !codebook.facets.is_empty() || !codebook.codes.is_empty();
    let written = !source.rules.is_empty() || !source.lists.is_empty() || !source.triggers.is_empty();
    Outline { files: source.files.iter().map(|file| PathBuf::from(&file.path)).collect(), part: written && !named }
}

/// By file and place, each once: a list that others hold is read with each of them.
pub fn in_order(source: &Source, found: &mut Vec<Diagnostic>) {
    let file = |found: &Diagnostic| source.files.iter().position(|file| file.path == found.path);
    found.sort_by_key(|problem| (file(problem), problem.byte, problem.code));
    let mut kept: Vec<Diagnostic> = Vec::new();
    for problem in found.drain(..) {
        if !kept.contains(&problem) {
            kept.push(problem);
        }
    }
    *found = kept;
}

/// The file and those that it names, with the mistakes in their form.
fn read(path: &Path) -> (Source, Vec<Diagnostic>) {
    let mut source = Source::default();
    let mut found = read_file(&mut source, path);
    let mut next = 0;
    while next < source.include.len() {
        let include = source.include[next].clone();
        next += 1;
        let beside = path.parent().unwrap_or(Path::new("")).join(&include.value);
        if source.files.iter().any(|file| Path::new(&file.path) == beside) {
            continue;
        }
        if let Err(error) = std::fs::metadata(&beside) {
            let message = format!("cannot read \"{}\": {error}", include.value);
            found.push(source.error("lexicon-include", &include, message).help("name a file beside this one"));
            continue;
        }
        found.extend(read_file(&mut source, &beside));
    }
    (source, found)
}

/// The lists and parties of a lexicon, or of none, with one rule of this pattern: what a search needs.
///
/// # Errors
/// Every mistake in the pattern, and in the lexicon.
pub fn with_pattern(path: Option<&Path>, pattern: &str) -> Result<Lexicon, Vec<Diagnostic>> {
    let (mut source, mut found) = path.map(read).unwrap_or_default();
    source.rules.clear();
    source.codebook = Codebook::default();
    source.code_places.clear();
    let quoted = toml_edit::Value::from(pattern).to_string();
    let rule = format!(
        "[[facet]]\nname = \"search\"\n[[code]]\nname = \"search.hit\"\ndefinition = \"found\"\n\
                        [[rule]]\nid = \"search\"\ncode = \"search.hit\"\nweight = 1\npattern = {quoted}\n"
    );
    found.extend(source.read("pattern", rule));
    finish(source, found).map(|(lexicon, _)| lexicon)
}

/// A warning when the fitted confidences belong to an earlier version of the rules.
fn stale(lexicon: &Lexicon, path: &Path) -> Option<Diagnostic> {
    let model = lexicon.model.as_ref().filter(|model| model.confidence.codebook != lexicon.digest)?;
    let name = model::paths(path).0.display().to_string();
    let message = format!("fitted with another version of {}", path.display());
    model.confidence.codes.values().next()?;
    Some(
        Diagnostic::warning("lexicon-stale", name, message)
            .help("fit it again with `precode fit`, or judge by the ranks only"),
    )
}

/// Reads a lexicon from text alone; `include` is not followed.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, text: &str) -> Result<(Lexicon, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut source = Source::default();
    let found = source.read(name, text.to_string());
    finish(source, found)
}

fn read_file(source: &mut Source, path: &Path) -> Vec<Diagnostic> {
    match read_text(path, "lexicon-read") {
        Ok(text) => source.read(&path.display().to_string(), text),
        Err(problem) => vec![problem],
    }
}

/// The text of a file; where it has none, a problem of this kind, at the first byte that is not UTF-8.
fn read_text(path: &Path, code: &'static str) -> Result<String, Diagnostic> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path)
        .map_err(|error| Diagnostic::error(code, &name, error.to_string()).help("name a readable UTF-8 file"))?;
    String::from_utf8(bytes).map_err(|error| {
        let (bytes, at) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let message = format!("0x{:02X} is not UTF-8", bytes[at]);
        // Up to that byte the text is the file, byte for byte.
        Diagnostic::error(code, &name, message).at_byte(&String::from_utf8_lossy(bytes), at).help("save it as UTF-8")
    })
}

fn finish(source: Source, mut found: Vec<Diagnostic>) -> Result<(Lexicon, Vec<Diagnostic>), Vec<Diagnostic>> {
    if source.files.is_empty() {
        return Err(found);
    }
    let lexicon = compile::compile(source, &mut found);
    if found.iter().any(|d| d.severity == Severity::Error) { Err(found) } else { Ok((lexicon, found)) }
}

/// Digest of the files of a lexicon: SHA-256 over their texts in order, in hexadecimal.
fn digest(source: &Source) -> String {
    hex_digest(source.files.iter().map(|file| file.text.as_str()))
}

/// SHA-256 over texts in order, in hexadecimal.
fn hex_digest<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hex(hash)
}

/// A digest in hexadecimal.
fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The known name that is nearest to a mistyped one, if any is near: at most a third of its letters differ.
///
/// ```
/// # use precode::lexicon::nearest;
/// assert_eq!(nearest("barier.cost", ["barrier.cost", "role.trainer"]), Some("barrier.cost"));
/// assert_eq!(nearest("xyz", ["role"]), None);
/// ```
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let near = known.into_iter().map(|other| (edits(name, other), other)).min();
    near.filter(|(edits, other)| edits * 3 <= other.chars().count().max(3)).map(|(_, other)| other)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
