//! Is a study still what the program wrote, and does it still say where its words stand?
//!
//! Comes in: a study, and where its inputs lie. Goes out: every difference, with path and place, and what could not be
//! looked at. Never happens here: a change, or a repair.

use super::corpus::{self, Input};
use super::digest::{Digest, Digesting, sha256};
use super::journal::{Journal, JournalError};
use super::layout::{PUBLISHED, Study};
use super::manifest::{Manifest, Origin, SHIPPED, UNDERLYING, write_json};
use super::places::Places;
use super::rows::{CODING_COLUMNS, Cells, CodingsCsv, push_coding, push_turn};
use super::{StoreError, publish};
use crate::coding::{Coding, TurnRow};
use crate::diagnostic::Diagnostic;
use crate::lexicon;
use crate::span::Positions;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

/// Differences of one file that are listed one by one.
const LISTED: usize = 5;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Whatever is not as it was, in the order in which it was looked at.
    pub differences: Vec<Diagnostic>,
    /// What is not where it was, and so was not looked at.
    pub unchecked: Vec<Diagnostic>,
    /// Published files, texts among them.
    pub files: usize,
    /// Rows of `codings.jsonl`.
    pub codings: usize,
    /// Rows of `turns.jsonl`.
    pub turns: usize,
    /// Rows of the journal; none where there is no journal.
    pub decisions: Option<u64>,
    /// Inputs that were looked at.
    pub inputs: usize,
}

/// Looks at everything. `places` may name other folders than those that the run noted; empty ones do not count.
///
/// # Errors
/// When nothing is published, or the manifest is no manifest any more.
pub fn verify(study: &Study, given: &Places) -> Result<Verified, StoreError> {
    let pinned = publish::pin(study)?;
    let manifest = Manifest::load(&pinned.study)?;
    let places = merged(given, Places::load(study, &manifest.run));
    let mut look = Look { study, pinned: &pinned.study, manifest: &manifest, found: Verified::default() };
    look.manifest()?;
    look.published()?;
    look.texts()?;
    look.codings()?;
    look.turns()?;
    look.journal()?;
    look.inputs(&places);
    look.codebook(&places);
    look.origins(&manifest.respondents, &places.respondents);
    look.confidence(&places);
    Ok(look.found)
}

/// What was given goes before what was noted.
fn merged(given: &Places, noted: Places) -> Places {
    let given = given.clone();
    Places {
        run: noted.run,
        inputs: if given.inputs.is_empty() { noted.inputs } else { given.inputs },
        codebook: if given.codebook.is_empty() { noted.codebook } else { given.codebook },
        respondents: if given.respondents.is_empty() { noted.respondents } else { given.respondents },
        confidence: given.confidence.or(noted.confidence),
    }
}

struct Look<'a> {
    /// As the user named it.
    study: &'a Study,
    /// The set that is published now.
    pinned: &'a Study,
    manifest: &'a Manifest,
    found: Verified,
}

impl Look<'_> {
    fn differs(&mut self, path: &Path, line: Option<usize>, message: impl Into<String>) {
        let path = path.to_string_lossy();
        let same = self.found.differences.iter().filter(|d| d.path == path).count();
        let message = if same < LISTED { message.into() } else { "more of the same kind are not listed".to_string() };
        if same <= LISTED {
            let problem = Diagnostic::error("E_DIFFERS", path, message);
            self.found.differences.push(line.map_or(problem.clone(), |line| problem.at_line(line)));
        }
    }

    fn not_checked(&mut self, path: &str, message: impl Into<String>, help: &str) {
        self.found.unchecked.push(Diagnostic::note("W_NOT_CHECKED", path, message).help(help));
    }

    /// Its bytes are those that its contents make, and the run has the name that they give it.
    fn manifest(&mut self) -> Result<(), StoreError> {
        let path = self.study.manifest();
        let is = fs::read(self.pinned.manifest()).map_err(|e| StoreError::io(&path, e))?;
        let mut want = Vec::new();
        write_json(&mut want, self.manifest).map_err(|e| StoreError::io(&path, e))?;
        if is != want {
            self.differs(&path, Some(first_difference(&is, &want)), "not as this program writes it");
        }
        if !self.manifest.is_sealed() {
            self.differs(&path, None, "its contents are not those of the run that it names");
        }
        Ok(())
    }

    /// The file that a user opens under this name: the one of the published set, or what was put in its place.
    fn path(&self, name: &str) -> PathBuf {
        let own = self.study.root().join(name);
        let linked = fs::read_link(&own).is_ok_and(|to| to == Path::new("current").join(name));
        if linked { self.pinned.root().join(name) } else { own }
    }

    fn published(&mut self) -> Result<(), StoreError> {
        let names: BTreeSet<&str> = self.manifest.files.keys().map(String::as_str).collect();
        for name in PUBLISHED.iter().filter(|name| !["manifest.json", "texts"].contains(name)) {
            if !names.contains(name) {
                self.differs(&self.study.manifest(), None, format!("{name} is not among the files of the run"));
            }
        }
        self.found.files = 1 + names.len();
        for (name, want) in &self.manifest.files {
            let shown = self.study.root().join(name);
            match digest(&self.path(name)) {
                Ok(is) if is == *want => {}
                Ok(is) => self.differs(&shown, None, changed(&is, want)),
                Err(error) => self.differs(&shown, None, format!("cannot be read: {error}")),
            }
        }
        self.table()
    }

    /// The first line of `codings.csv` that is not that of its row in `codings.jsonl`.
    fn table(&mut self) -> Result<(), StoreError> {
        let shown = self.study.root().join("codings.csv");
        if !self.found.differences.iter().any(|d| Path::new(&d.path) == shown) {
            return Ok(());
        }
        let is = fs::read(self.path("codings.csv")).unwrap_or_default();
        let head = is.split(|&b| b == b'\n').next().unwrap_or_default();
        let names = csv::Reader::from_reader(head)
            .headers()
            .map(|all| all.iter().skip(CODING_COLUMNS.len()).map(plain).collect());
        let names: BTreeSet<String> = names.unwrap_or_default();
        let spreadsheet = self.manifest.options.get("spreadsheet").is_some_and(|on| on == "true");
        let table = CodingsCsv::new(&names, if spreadsheet { Cells::Spreadsheet } else { Cells::Exact });
        let mut want = table.header();
        for (_, bytes) in lines(&self.path("codings.jsonl"))? {
            if let Ok(coding) = serde_json::from_slice::<Coding>(&bytes) {
                table.push(&mut want, &coding);
            }
        }
        self.differs(&shown, Some(first_difference(&is, &want)), "the first line that differs from codings.jsonl");
        Ok(())
    }

    /// Every text is there as it was, and no other one.
    fn texts(&mut self) -> Result<(), StoreError> {
        let root = self.path("texts");
        let mut there = BTreeSet::new();
        files_below(&root, &mut there).map_err(|e| StoreError::io(&root, e))?;
        self.found.files += self.manifest.inputs.len();
        for input in &self.manifest.inputs {
            let name = format!("{}.txt", input.transcript);
            let shown = self.study.text(&input.transcript);
            there.remove(&root.join(&name));
            match fs::read(root.join(&name)) {
                Ok(bytes) if sha256(&bytes) == input.text_sha256 => {}
                Ok(_) => self.differs(&shown, None, "not the text that was published"),
                Err(error) => self.differs(&shown, None, format!("cannot be read: {error}")),
            }
        }
        for path in there {
            let shown = self.study.root().join("texts").join(path.strip_prefix(&root).unwrap_or(&path));
            self.differs(&shown, None, "not one of the published texts");
        }
        Ok(())
    }

    fn text(&self, transcript: &str) -> Option<Text> {
        let known = self.manifest.inputs.iter().any(|input| input.transcript == transcript);
        let path = self.path("texts").join(format!("{transcript}.txt"));
        known.then(|| fs::read_to_string(path).ok().map(Text::new)).flatten()
    }

    /// A row of JSON Lines; one that cannot be read is told.
    fn row<T: serde::de::DeserializeOwned>(
        &mut self,
        shown: &Path,
        line: usize,
        bytes: &[u8],
        what: &str,
    ) -> Option<T> {
        let read = serde_json::from_slice(bytes);
        read.map_err(|error| self.differs(shown, Some(line), format!("not a {what}: {error}"))).ok()
    }

    /// Every row is as it is written, and its words stand where it says, by all three units.
    fn codings(&mut self) -> Result<(), StoreError> {
        let shown = self.study.codings();
        let mut text: (String, Option<Text>) = Default::default();
        for (line, bytes) in lines(&self.path("codings.jsonl"))? {
            self.found.codings += 1;
            let Some(coding) = self.row::<Coding>(&shown, line, &bytes, "coding") else { continue };
            if text.0 != coding.transcript {
                text = (coding.transcript.clone(), self.text(&coding.transcript));
            }
            let mut again = Vec::new();
            push_coding(&mut again, &coding);
            if again.strip_suffix(b"\n") != Some(&bytes) {
                self.differs(&shown, Some(line), "not as this program writes a row");
            }
            if let Some(why) = misplaced(&coding, text.1.as_ref()) {
                self.differs(&shown, Some(line), why);
            }
        }
        Ok(())
    }

    /// Turns are numbered and in order, and begin and end at words.
    fn turns(&mut self) -> Result<(), StoreError> {
        let shown = self.study.turns();
        let (mut text, mut next): ((String, Option<Text>), (usize, usize)) = Default::default();
        for (line, bytes) in lines(&self.path("turns.jsonl"))? {
            self.found.turns += 1;
            let Some(turn) = self.row::<TurnRow>(&shown, line, &bytes, "turn") else { continue };
            if text.0 != turn.transcript {
                text = (turn.transcript.clone(), self.text(&turn.transcript));
                next = (0, 0);
            }
            let mut again = Vec::new();
            push_turn(&mut again, &turn);
            if again.strip_suffix(b"\n") != Some(&bytes) {
                self.differs(&shown, Some(line), "not as this program writes a row");
            }
            if (turn.turn, true) != (next.0, turn.start_byte >= next.1) {
                self.differs(&shown, Some(line), format!("turn {} stands where turn {} belongs", turn.turn, next.0));
            } else if let Some(why) = text.1.as_ref().and_then(|text| text.misplaced_turn(&turn)) {
                self.differs(&shown, Some(line), why);
            }
            next = (turn.turn + 1, turn.end_byte);
        }
        Ok(())
    }

    fn journal(&mut self) -> Result<(), StoreError> {
        let path = self.study.journal();
        if fs::symlink_metadata(&path).is_err() {
            return Ok(());
        }
        let verified = Journal::open_read(&path).and_then(|journal| {
            self.found.decisions = Some(journal.n_rows().unwrap_or_default());
            journal.verify()
        });
        match verified {
            Ok(()) => {}
            Err(JournalError::Damaged { damage, .. }) => {
                damage.into_iter().for_each(|d| self.differs(&path, None, d))
            }
            Err(error) => self.differs(&path, None, error.to_string()),
        }
        Ok(())
    }

    /// Every transcript that was read is still what it was.
    fn inputs(&mut self, places: &Places) {
        let roots: Vec<PathBuf> = places.inputs.iter().map(PathBuf::from).collect();
        let walked = corpus::walk(&roots, &[self.study.root().to_path_buf()]).unwrap_or_default();
        let there: BTreeMap<String, Input> = walked.inputs.iter().map(|i| (i.source.clone(), i)).collect();
        let mut missing: Vec<&str> = Vec::new();
        for input in &self.manifest.inputs {
            let Some(found) = there.get(input.source.as_str()) else {
                missing.push(&input.source);
                continue;
            };
            match digest(&found.path) {
                Ok(is) if is.sha256 == input.sha256 => self.found.inputs += 1,
                Ok(_) => self.differs(&found.path, None, "the transcript was changed after it was read"),
                Err(error) => self.differs(&found.path, None, format!("cannot be read: {error}")),
            }
        }
        if let Some(first) = missing.first() {
            let message =
                format!("{} of {} transcripts not found, not checked", missing.len(), self.manifest.inputs.len());
            self.not_checked(first, message, "name the folder with --inputs");
        }
    }

    /// The codebook with all files that it names, and the confidence that comes with it.
    fn codebook(&mut self, places: &Places) {
        let (want, path) = (&self.manifest.lexicon, Path::new(&places.codebook));
        if !path.is_file() {
            return self.not_checked(
                &want.name,
                "the codebook was not found, not checked",
                "name it with --codebook",
            );
        }
        let lexicon = match lexicon::load(path) {
            Ok((lexicon, _)) => lexicon,
            Err(problems) => {
                let Some(first) = problems.first() else { return };
                let message = format!("not what was used: {}", first.message);
                return self.differs(Path::new(&first.path), first.line, message);
            }
        };
        if lexicon.digest != want.sha256 {
            self.differs(path, None, "the codebook, or a file that it names, was changed after the run");
        }
        let fitted = match self.manifest.confidence.name == SHIPPED {
            true => Some(self.manifest.confidence.sha256.as_str()),
            false => self.manifest.options.get(UNDERLYING).map(String::as_str),
        };
        let is = lexicon.model.as_ref().map_or("", |model| &model.digest);
        if fitted.is_some_and(|fitted| fitted != is) {
            let path = lexicon::model::paths(path).0;
            self.differs(&path, None, "the fitted confidence of the codebook was changed after the run");
        }
    }

    fn confidence(&mut self, places: &Places) {
        if self.manifest.confidence.name != SHIPPED {
            let path = places.confidence.clone().unwrap_or_default();
            self.origins(std::slice::from_ref(&self.manifest.confidence), &[path]);
        }
    }

    /// Other files that the run was made from, each at its place.
    fn origins(&mut self, origins: &[Origin], places: &[String]) {
        for (i, origin) in origins.iter().enumerate() {
            match places.get(i).map(|path| (path, digest(Path::new(path)))) {
                Some((_, Ok(is))) if is.sha256 == origin.sha256 => {}
                Some((path, Ok(_))) => self.differs(Path::new(path), None, "changed after the run"),
                _ => self.not_checked(&origin.name, "not found, not checked", "put it back where it was"),
            }
        }
    }
}

/// A text, with its units of position.
struct Text {
    words: String,
    positions: Positions,
}

impl Text {
    fn new(words: String) -> Self {
        Text { positions: Positions::new(&words), words }
    }

    /// The place of a byte as code points and UTF-16 units; none beside a character.
    fn at(&self, byte: usize) -> Option<(usize, usize)> {
        let place = self.words.is_char_boundary(byte).then(|| self.positions.at(&self.words, byte))?;
        Some((place.char, place.utf16))
    }

    fn misplaced_turn(&self, turn: &TurnRow) -> Option<&'static str> {
        let ends = [turn.start_byte, turn.end_byte].map(|byte| self.at(byte).map(|(char, _)| char));
        let words = self.words.get(turn.start_byte..turn.end_byte);
        let whole = ends == [Some(turn.start), Some(turn.end)] && words.is_some_and(|words| words == words.trim());
        (!whole).then_some("the turn does not begin and end at words of its text")
    }

    /// The words between two code points, counted from a place that is known by code points and byte.
    fn between(&self, start: usize, end: usize, known: (usize, usize)) -> Option<&str> {
        let byte = |char: usize| match char.checked_sub(known.0) {
            Some(0) => Some(known.1),
            Some(n) => {
                let rest = &self.words[known.1..];
                rest.char_indices().map(|(at, _)| known.1 + at).chain([self.words.len()]).nth(n)
            }
            None => self.words[..known.1].char_indices().rev().nth(known.0 - char - 1).map(|(at, _)| at),
        };
        self.words.get(byte(start)?..byte(end)?)
    }
}

/// Why the words of a row do not stand where it says.
fn misplaced(coding: &Coding, text: Option<&Text>) -> Option<String> {
    let Some(text) = text else { return Some(format!("no text of {:?} is published", coding.transcript)) };
    let ends = [coding.start_byte, coding.end_byte].map(|byte| text.at(byte));
    if text.words.get(coding.start_byte..coding.end_byte) != Some(&coding.text) {
        return Some("its words do not stand at its bytes".to_string());
    }
    if ends != [Some((coding.start, coding.start_utf16)), Some((coding.end, coding.end_utf16))] {
        return Some("its code points, bytes and UTF-16 units are not the same place".to_string());
    }
    let known = (coding.start, coding.start_byte);
    let lost = coding.evidence.iter().find(|e| text.between(e.start, e.end, known) != Some(&e.text));
    lost.map(|evidence| format!("the words of its evidence {:?} do not stand where it says", evidence.rule))
}

/// The name of an attribute by its column.
fn plain(column: &str) -> String {
    let own = column.strip_prefix("attribute_").filter(|name| CODING_COLUMNS.contains(name));
    own.unwrap_or(column).to_string()
}

fn changed(is: &Digest, want: &Digest) -> String {
    match is.bytes == want.bytes {
        true => "not the file that was published: other bytes".to_string(),
        false => format!("not the file that was published: {} bytes, {} were written", is.bytes, want.bytes),
    }
}

/// The first line, from 1, in which two files differ.
fn first_difference(is: &[u8], want: &[u8]) -> usize {
    1 + is.split(|&b| b == b'\n').zip(want.split(|&b| b == b'\n')).take_while(|(a, b)| a == b).count()
}

fn digest(path: &Path) -> io::Result<Digest> {
    let mut all = Digesting::new(io::sink());
    io::copy(&mut File::open(path)?, &mut all)?;
    Ok(all.finish().1)
}

/// The lines of a file with their numbers, without their ends; none of a file that is not there.
fn lines(path: &Path) -> Result<impl Iterator<Item = (usize, Vec<u8>)>, StoreError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        other => Some(other.map_err(|e| StoreError::io(path, e))?),
    };
    let lines = file.into_iter().flat_map(|file| BufReader::with_capacity(1 << 18, file).split(b'\n'));
    Ok(lines.map_while(Result::ok).enumerate().map(|(i, line)| (i + 1, line)))
}

fn files_below(root: &Path, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    if !root.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files_below(&path, found)?,
            false => drop(found.insert(path)),
        }
    }
    Ok(())
}
