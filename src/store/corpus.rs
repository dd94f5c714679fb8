//! The input folder: which files are read, in which order, and what each transcript is called.
//!
//! Comes in: paths as the user typed them. Goes out: regular files in bytewise order of their paths, each with the
//! name of its transcript. Never happens here: reading of contents, following of links found on the way.

use crate::diagnostic::Diagnostic;
use rustc_hash::FxBuildHasher;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::hash::BuildHasher as _;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use unicode_normalization::UnicodeNormalization as _;

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What to open.
    pub path: PathBuf,
    /// Path below the argument under which it was found: what outputs and messages call it.
    pub source: String,
    /// Name of the transcript, unique in the study.
    pub name: String,
    /// Size when it was found.
    pub bytes: u64,
    /// What the user may want to know about its name.
    pub notes: Vec<Diagnostic>,
}

/// What a walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corpus {
    /// Files to read, in order.
    pub inputs: Inputs,
    /// Errors for what could not be listed, notes for what is no input (links, devices).
    pub left_out: Vec<Diagnostic>,
    /// `respondents.csv` beside the transcripts, in the order found.
    pub respondents: Vec<PathBuf>,
    /// Studies that lie among the transcripts and are no inputs, the one that is being made among them.
    pub studies: Vec<String>,
}

/// Lists the files under `roots`. `avoid` are files and folders that are no inputs wherever they lie: the study, the
/// codebook.
///
/// # Errors
/// When an argument does not exist or cannot be read.
pub fn walk(roots: &[PathBuf], avoid: &[PathBuf]) -> io::Result<Corpus> {
    let mut walk =
        Walk { avoid: avoid.iter().filter_map(|path| fs::metadata(path).ok()).map(key).collect(), ..Walk::default() };
    for root in roots {
        let base = root.file_name().filter(|_| roots.len() > 1).map(PathBuf::from).unwrap_or_default();
        walk.root(root, base)?;
    }
    Ok(walk.finish())
}

/// The files of a corpus, in bytewise order of their paths, in a few bytes each: there may be millions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// What was named by the user, and what its files are called in front.
    roots: Vec<(PathBuf, PathBuf)>,
    /// All sources, one after the other as they were found, each after its length in two bytes. They stay where they are
    /// while the files are put in order: a second list of a million would never be given back.
    sources: Vec<u8>,
    entries: Vec<Entry>,
    /// Bytes of files that have more than an entry can say, by where their source begins.
    large: BTreeMap<u32, u64>,
    /// Numbers of names that some disks cannot keep apart, by the place of their file.
    numbers: BTreeMap<u32, u32>,
}

/// A file of a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// Where its source begins.
    start: u32,
    /// Bytes of the file; [`LARGE`] for as many or more.
    bytes: u32,
    /// Under which root it was found.
    root: u16,
    form: Form,
}

impl Entry {
    /// Its source among all.
    fn source<'s>(&self, sources: &'s [u8]) -> &'s [u8] {
        let (length, rest) = sources[self.start as usize..].split_first_chunk().unwrap_or((&[0; 2], &[]));
        &rest[..usize::from(u16::from_le_bytes(*length))]
    }
}

/// Bytes that an entry does not say.
const LARGE: u32 = u32::MAX;

impl Inputs {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of every file when it was found.
    pub fn sizes(&self) -> impl Iterator<Item = u64> {
        (0..self.len()).map(|i| self.bytes(i))
    }

    /// Bytes of a file when it was found.
    pub fn bytes(&self, i: usize) -> u64 {
        let Entry { start, bytes, .. } = self.entries[i];
        if bytes == LARGE { self.large.get(&start).copied().unwrap_or(LARGE.into()) } else { bytes.into() }
    }

    /// The files, in order.
    pub fn iter(&self) -> impl Iterator<Item = Input> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// The file at this place.
    pub fn get(&self, i: usize) -> Input {
        let (entry, source) = (self.entries[i], self.source(i));
        let (root, before) = &self.roots[usize::from(entry.root)];
        let within = source.strip_prefix(before).unwrap_or(source);
        // A root that is itself a file has nothing below it.
        let path = if within.as_os_str().is_empty() { root.clone() } else { root.join(within) };
        let name = self.name(i);
        Input {
            path,
            notes: name_notes(source, &name),
            source: readable(source.as_os_str()),
            name,
            bytes: self.bytes(i),
        }
    }

    fn source(&self, i: usize) -> &Path {
        Path::new(OsStr::from_bytes(self.entries[i].source(&self.sources)))
    }

    /// Name of the transcript: the file's name without its extension; with its folder where that repeats; with its
    /// extension where even that repeats; numbered where two names differ only in a way that some disks cannot keep
    /// apart.
    fn name(&self, i: usize) -> String {
        let name = self.unnumbered(i);
        match self.numbers.get(&(i as u32)) {
            Some(n) => format!("{name}~{n}"),
            None => name,
        }
    }

    fn unnumbered(&self, i: usize) -> String {
        fit(&form(self.source(i), self.entries[i].form))
    }

    /// Adds a file under the last root; nothing when there is no room for its path, as in no system there is.
    fn add(&mut self, source: &Path, bytes: u64) -> Option<()> {
        let start = u32::try_from(self.sources.len()).ok()?;
        let root = u16::try_from(self.roots.len().saturating_sub(1)).ok()?;
        let length = u16::try_from(source.as_os_str().len()).ok()?;
        self.sources.extend(length.to_le_bytes());
        self.sources.extend_from_slice(source.as_os_str().as_bytes());
        let said = u32::try_from(bytes).unwrap_or(LARGE);
        if said == LARGE {
            self.large.insert(start, bytes);
        }
        self.entries.push(Entry { start, bytes: said, root, form: Form::Stem });
        Some(())
    }

    fn finish(&mut self) {
        let Inputs { sources, entries, .. } = self;
        entries.sort_unstable_by_key(|entry| (entry.source(sources), entry.root));
        let mut clashes = self.clashes();
        for longer in [Form::Folder, Form::Extension] {
            if clashes.is_empty() {
                return;
            }
            for i in clashes.into_iter().flatten() {
                self.entries[i as usize].form = longer;
            }
            clashes = self.clashes();
        }
        for clash in clashes {
            self.numbers.extend(clash.into_iter().zip(1..).skip(1));
        }
    }

    /// Places of files whose names are not unique, by name, each in order; until the next call.
    fn clashes(&self) -> Vec<Vec<u32>> {
        let hash = |i: u32| FxBuildHasher.hash_one(folded(&self.unnumbered(i as usize))) as u32;
        let mut hashes: Vec<(u32, u32)> = (0..self.len() as u32).map(|i| (hash(i), i)).collect();
        hashes.sort_unstable();
        let mut clashes = Vec::new();
        for alike in hashes.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
            let mut by_name: BTreeMap<String, Vec<u32>> = BTreeMap::new();
            for &(_, i) in alike {
                by_name.entry(folded(&self.unnumbered(i as usize))).or_default().push(i);
            }
            clashes.extend(by_name.into_values().filter(|places| places.len() > 1));
        }
        clashes
    }
}

#[derive(Default)]
struct Walk {
    avoid: Vec<(u64, u64)>,
    corpus: Corpus,
}

impl Walk {
    /// A root is followed when it is a link: the user named it.
    fn root(&mut self, root: &Path, base: PathBuf) -> io::Result<()> {
        let metadata = fs::metadata(root)?;
        let roots = &mut self.corpus.inputs.roots;
        if metadata.is_dir() {
            fs::read_dir(root)?;
            roots.push((root.to_path_buf(), base.clone()));
            self.folder(root, &base);
            return Ok(());
        }
        let source = base.join(root.file_name().unwrap_or(root.as_os_str()));
        roots.push((root.to_path_buf(), source.clone()));
        self.file(root.to_path_buf(), source, &metadata);
        Ok(())
    }

    /// Depth first with its own stack: folders may lie deeper than the program's stack.
    fn folder(&mut self, root: &Path, base: &Path) {
        let mut waiting = vec![(root.to_path_buf(), base.to_path_buf())];
        while let Some((path, source)) = waiting.pop() {
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) => {
                    self.corpus.left_out.push(unreadable(&source, &error));
                    continue;
                }
            };
            // One after the other: a folder may hold a million of them.
            for entry in entries {
                match entry {
                    Err(error) => self.corpus.left_out.push(unreadable(&source, &error)),
                    Ok(entry) => waiting.extend(self.entry(&entry, source.join(entry.file_name()))),
                }
            }
        }
    }

    /// Takes note of what lies in a folder; a folder in it is given back.
    fn entry(&mut self, entry: &DirEntry, source: PathBuf) -> Option<(PathBuf, PathBuf)> {
        match entry.metadata() {
            Err(error) => self.corpus.left_out.push(unreadable(&source, &error)),
            Ok(_) if is_hidden(&entry.file_name()) => {}
            Ok(metadata) if metadata.is_dir() && is_study(&entry.path()) => {
                self.corpus.studies.push(readable(source.as_os_str()));
            }
            Ok(metadata) if self.is_avoided(&metadata) => {}
            Ok(metadata) if metadata.is_dir() => return Some((entry.path(), source)),
            Ok(metadata) => self.file(entry.path(), source, &metadata),
        }
        None
    }

    fn file(&mut self, path: PathBuf, source: PathBuf, metadata: &Metadata) {
        let name = source.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if metadata.is_symlink() {
            self.corpus.left_out.push(skipped(
                &source,
                "a link; links are not followed",
                "give the file that it points to",
            ));
        } else if !metadata.is_file() {
            let message = "not a regular file (a pipe, a device or a socket); never opened";
            self.corpus.left_out.push(skipped(&source, message, "give a copy of its contents"));
        } else if name == "respondents.csv" {
            self.corpus.respondents.push(path);
        } else if !is_companion(&name)
            && !self.is_avoided(metadata)
            && self.corpus.inputs.add(&source, metadata.len()).is_none()
        {
            self.corpus.left_out.push(unreadable(&source, &io::ErrorKind::InvalidFilename.into()));
        }
    }

    fn is_avoided(&self, metadata: &Metadata) -> bool {
        self.avoid.contains(&(metadata.dev(), metadata.ino()))
    }

    fn finish(mut self) -> Corpus {
        self.corpus.respondents.sort();
        self.corpus.studies.sort();
        self.corpus.left_out.sort_by(|a, b| a.path.cmp(&b.path));
        self.corpus.inputs.finish();
        self.corpus
    }
}

fn key(metadata: Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Hidden files, and the owner files that Word keeps beside an open document.
fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".") || name.as_bytes().starts_with(b"~$")
}

/// True for the folder of a study, or of a copy of its files: its texts are no inputs.
pub fn is_study(path: &Path) -> bool {
    let made = path.join("current").is_symlink() && path.join("runs").is_dir();
    made || path.join("texts").is_dir() && is_manifest(&path.join("manifest.json")).unwrap_or(false)
}

/// True for a manifest of ours, which says so in its first lines.
fn is_manifest(path: &Path) -> io::Result<bool> {
    let mut head = [0; 80];
    let n = io::Read::read(&mut fs::File::open(path)?, &mut head)?;
    Ok(memchr::memmem::find(&head[..n], b"\"precode.manifest/").is_some())
}

/// Files that usually lie beside transcripts and are none.
fn is_companion(lower_name: &str) -> bool {
    let stem = lower_name.split('.').next().unwrap_or(lower_name);
    matches!(stem, "readme" | "license" | "licence")
        || (lower_name.starts_with("labels") && lower_name.ends_with(".jsonl"))
}

fn unreadable(source: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error("E_IO", readable(source.as_os_str()), format!("cannot be listed: {error}"))
        .help("check the permissions of the folder")
}

fn skipped(source: &Path, message: &str, help: &str) -> Diagnostic {
    Diagnostic::note("W_SKIPPED", readable(source.as_os_str()), message).help(help)
}

/// A name as outputs hold it: bytes that are not UTF-8 and control characters as `%XX`.
fn readable(name: &OsStr) -> String {
    let mut out = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() { percent(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()) } else { out.push(c) }
        }
        percent(&mut out, chunk.invalid());
    }
    out
}

fn percent(out: &mut String, bytes: &[u8]) {
    use std::fmt::Write as _;
    for byte in bytes {
        let _ = write!(out, "%{byte:02X}");
    }
}

/// How much of its path a name shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Stem,
    Folder,
    Extension,
}

fn form(source: &Path, form: Form) -> String {
    let file = readable(source.file_name().unwrap_or_default());
    let last = if matches!(form, Form::Extension) { file.as_str() } else { stem(&file) };
    let folder = source.parent().filter(|_| !matches!(form, Form::Stem)).unwrap_or(Path::new(""));
    let folders = folder.iter().map(|part| {
        let part = readable(part);
        // A folder `a.txt` would collide with the text of a transcript `a`.
        if part.to_lowercase().ends_with(".txt") { format!("{}%2Etxt", &part[..part.len() - 4]) } else { part }
    });
    folders.chain([last.to_string()]).collect::<Vec<_>>().join("/")
}

/// `P03. second session` has no extension; `P03.docx` has one.
fn stem(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, extension))
            if !stem.is_empty()
                && (1..=8).contains(&extension.len())
                && extension.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            stem
        }
        _ => file,
    }
}

/// Equal for names that a disk which ignores case or normalises letters takes for one.
fn folded(name: &str) -> String {
    name.nfc().collect::<String>().to_lowercase()
}

/// Most bytes in one part of a name, so that `.txt` (and `~2`) still fit into the 255 that file systems allow.
const PART: usize = 251;
/// Most bytes in a name with its folders.
const WHOLE: usize = 1000;

/// A name whose file fits on the disk; what is cut off is replaced by its digest.
fn fit(name: &str) -> String {
    let parts: Vec<String> = name.split('/').map(|part| cut(part, PART)).collect();
    cut(&parts.join("/"), WHOLE)
        .split('/')
        .map(|part| if part.is_empty() { "_" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_string();
    }
    // The end of a path tells more than its beginning.
    let mut start = text.len() - (most - 20);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    format!("{}~{}", &super::digest::sha256(text.as_bytes())[..16], &text[start..])
}

/// Names that Windows cannot hold: the outputs are named from them.
fn name_notes(source: &Path, name: &str) -> Vec<Diagnostic> {
    let file = readable(source.as_os_str());
    let note = |message: &str| Diagnostic::note("W_NAME", file.clone(), message);
    if readable(source.as_os_str()).as_bytes() != source.as_os_str().as_bytes() {
        return vec![note("bytes of the name that cannot be shown are written as %XX")];
    }
    let unholdable =
        name.split('/').any(|part| is_device(part) || part.contains(['<', '>', ':', '"', '\\', '|', '?', '*']));
    let help = "rename the file if the study goes to a Windows machine";
    unholdable.then(|| note("Windows cannot hold a file of this name").help(help)).into_iter().collect()
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).to_ascii_uppercase();
    let numbered = |name: &str| stem.len() == 4 && stem.starts_with(name) && stem.as_bytes()[3].is_ascii_digit();
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

/// Reads a file that a walk found.
///
/// # Errors
/// `E_TOO_LARGE` before anything is read; `E_NOT_FILE` and `E_IO` when it is no longer what was found; `E_CHANGED`
/// when it changed while it was read.
pub fn read(input: &Input, max_bytes: u64) -> Result<Vec<u8>, Box<Diagnostic>> {
    let refuse = |code, message: &str| Box::new(Diagnostic::error(code, &*input.source, message));
    let failed = |error: io::Error| {
        let refusal = refuse("E_IO", &format!("cannot be read: {error}"));
        Box::new(refusal.help("check that it exists and that you may read it"))
    };
    let file = open(&input.path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(refuse("E_NOT_FILE", "not a regular file"));
    }
    if before.len() > max_bytes {
        let message = format!("{} bytes, more than the limit of {max_bytes}", before.len());
        return Err(Box::new(refuse("E_TOO_LARGE", &message).help("raise the limit with --max-bytes")));
    }
    let bytes = read_whole(&file, before.len() as usize).map_err(failed)?;
    let after = file.metadata().map_err(failed)?;
    let same =
        (before.len(), before.mtime(), before.mtime_nsec()) == (after.len(), after.mtime(), after.mtime_nsec());
    if !same || bytes.len() as u64 != after.len() {
        let refusal = refuse("E_CHANGED", "the file changed while it was read");
        return Err(Box::new(refusal.help("run again when nothing writes to it")));
    }
    Ok(bytes)
}

/// The bytes of a file that had so many; of one that grew, some more. At once, and then once more for its end.
fn read_whole(file: &fs::File, n_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(n_bytes + 1);
    while bytes.len() < bytes.capacity() {
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}

/// Without waiting, should the file have become a pipe.
fn open(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(paths: &[&str]) -> Vec<String> {
        let mut inputs = Inputs::default();
        paths.iter().for_each(|path| inputs.add(Path::new(path), 0).unwrap());
        let mut names: Vec<(&&str, usize)> = paths.iter().zip(0..).collect();
        names.sort();
        inputs.finish();
        let mut named: Vec<(usize, String)> =
            names.iter().enumerate().map(|(i, (_, at))| (*at, inputs.name(i))).collect();
        named.sort();
        named.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn names_take_their_folder_only_where_they_repeat() {
        assert_eq!(named(&["a/one.txt", "b/two.txt"]), ["one", "two"]);
        assert_eq!(named(&["a/one.txt", "b/one.docx", "c/two.txt"]), ["a/one", "b/one", "two"]);
        assert_eq!(named(&["s/i.docx", "s/i.txt"]), ["s/i.docx", "s/i.txt"]);
    }

    #[test]
    fn names_that_some_disks_merge_stay_apart() {
        assert_eq!(named(&["c/Interview.TXT", "c/interview.txt"]), ["c/Interview.TXT", "c/interview.txt~2"]);
        let both = named(&["caf\u{e9}.txt", "cafe\u{301}.txt"]);
        assert_ne!(folded(&both[0]), folded(&both[1]));
    }

    #[test]
    fn names_fit_into_a_file_name_and_never_name_a_text_file_as_folder() {
        let long = "l".repeat(251);
        assert_eq!(named(&[&format!("{long}.txt")]), [long.as_str()]);
        let longer = named(&[&format!("a/{long}.txt"), &format!("b/{long}.txt"), &format!("a/{long}.doc")]);
        assert!(longer.iter().all(|name| name.split('/').all(|part| part.len() <= PART)), "{longer:?}");
        assert_eq!(named(&["x.txt/i.txt", "y/i.txt"]), ["x%2Etxt/i", "y/i"]);
    }

    #[test]
    fn only_a_short_last_part_is_an_extension() {
        for (file, want) in
            [("b01.txt", "b01"), ("P03. second session", "P03. second session"), (".x", ".x"), ("a.b.c", "a.b")]
        {
            assert_eq!(stem(file), want);
        }
    }

    #[test]
    fn names_are_readable_whatever_their_bytes() {
        assert_eq!(readable(OsStr::from_bytes(b"caf\xe9\x1b.txt")), "caf%E9%1B.txt");
    }

    #[test]
    fn walks_regular_files_only_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        let names = [
            "b.txt",
            "a/z.txt",
            "a-1.txt",
            ".hidden.txt",
            "~$b.docx",
            "respondents.csv",
            "labels.jsonl",
            "README.md",
        ];
        names.into_iter().for_each(put);
        std::os::unix::fs::symlink("b.txt", folder.path().join("link.txt")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("a/loop")).unwrap();
        let corpus = walk(&[folder.path().to_path_buf()], &[]).unwrap();
        let sources: Vec<_> = corpus.inputs.iter().map(|input| input.source).collect();
        assert_eq!(sources, ["a-1.txt", "a/z.txt", "b.txt"]);
        assert_eq!(corpus.left_out.iter().map(|d| d.path.as_str()).collect::<Vec<_>>(), ["a/loop", "link.txt"]);
        assert_eq!(corpus.respondents.len(), 1);
    }

    #[test]
    fn a_study_among_the_transcripts_is_no_input() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in ["made/runs/d/texts", "copy/texts", "own", "texts"] {
            fs::create_dir_all(root.join(path)).unwrap();
            fs::write(root.join(path).join("a.txt"), "x").unwrap();
        }
        std::os::unix::fs::symlink("runs/d", root.join("made/current")).unwrap();
        fs::write(root.join("copy/manifest.json"), "{\n  \"schema\": \"precode.manifest/1\",\n").unwrap();
        fs::write(root.join("manifest.json"), "{}").unwrap();
        let corpus = walk(&[root.to_path_buf()], &[root.join("own")]).unwrap();
        let sources: Vec<_> = corpus.inputs.iter().map(|input| input.source).collect();
        assert_eq!(
            (sources, corpus.studies),
            (vec!["manifest.json".to_string(), "texts/a.txt".to_string()], vec!["copy".into(), "made".into()])
        );
    }

    #[test]
    fn a_file_over_the_limit_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "12345").unwrap();
        let corpus = walk(&[folder.path().to_path_buf()], &[]).unwrap();
        assert_eq!(read(&corpus.inputs.get(0), 4).unwrap_err().code, "E_TOO_LARGE");
        assert_eq!(read(&corpus.inputs.get(0), 5).unwrap(), b"12345");
    }
}
