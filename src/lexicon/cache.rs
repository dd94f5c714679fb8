//! Codebooks made ready in an earlier run, kept so that the next one need not make them again.
//!
//! Comes in: the path of a lexicon. Goes out: the lexicon as coding needs it, from what was kept or made anew. Never
//! happens here: a word of a transcript; trust in a file that is not this user's, whole, and of just these texts and this
//! program; a failure because something cannot be kept.

use super::blocks;
use super::model::{self, Model};
use super::source::SourceFile;
use super::{Lexicon, Source, hex, hex_digest, plan::Plan, stale};
use crate::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How many codebooks are kept.
const MOST: usize = 8;

/// How the name of a kept codebook ends.
const ENDING: &str = "lexicon";

/// Bytes that say how long the head is.
const N_HEAD: usize = 4;

/// Where codebooks are kept that were made ready.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    /// Which program this is: no other one, nor another build of it, reads what it keeps.
    program: String,
}

/// What a kept codebook begins with.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// [`Cache::program`].
    program: String,
    /// The files that it is read from: the named one, and the others as seen from its folder.
    files: Vec<PathBuf>,
    /// Bytes of the plan.
    plan: usize,
    /// Bytes of the fitted part.
    model: usize,
    /// Bytes of all else.
    rest: usize,
}

impl Head {
    /// Where the plan, the fitted part and the rest begin, and where the file ends, after a head of so many bytes.
    fn places(&self, n_head: usize) -> [usize; 4] {
        let plan = N_HEAD + blocks::stored(n_head);
        let model = plan + blocks::stored(self.plan);
        let rest = model + blocks::stored(self.model);
        [plan, model, rest, rest + blocks::stored(self.rest)]
    }
}

impl Cache {
    /// The cache of this user, by the variables of the environment: `precode` in `XDG_CACHE_HOME`, or in `.cache` at
    /// home. None where there is neither, or `PRECODE_CACHE` is `off`.
    pub fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        if variable("PRECODE_CACHE").is_some_and(|value| value == "off") {
            return None;
        }
        let home = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
        Cache::at(&home.join("precode"))
    }

    /// The cache in this folder, which need not be there.
    pub fn at(folder: &Path) -> Option<Self> {
        let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
        let (version, length) = (env!("CARGO_PKG_VERSION"), program.len());
        let program = format!("{version} {length} {}.{:09}", program.mtime(), program.mtime_nsec());
        Some(Cache { folder: folder.to_path_buf(), program })
    }

    /// As [`super::load`], and keeps what was made.
    ///
    /// # Errors
    /// As [`super::load`].
    pub fn load(&self, path: &Path) -> Result<(Lexicon, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (lexicon, found, fresh) = self.open(path)?;
        fresh.iter().for_each(|fresh| fresh.keep(&lexicon));
        Ok((lexicon, found))
    }

    /// As [`super::load`], and where to keep the lexicon if it was made anew. The lexicon is all that coding needs: lists,
    /// and the patterns of rules and triggers, are in its plan only, and of its source the names of the files are there.
    ///
    /// # Errors
    /// As [`super::load`].
    pub fn open(&self, path: &Path) -> Result<(Lexicon, Vec<Diagnostic>, Option<Fresh>), Vec<Diagnostic>> {
        let kept = self.place(path);
        if let Some(lexicon) = kept.as_deref().and_then(|kept| self.take(path, kept)) {
            let found = stale(&lexicon, path).into_iter().collect();
            return Ok((lexicon, found, None));
        }
        let (lexicon, found) = super::load(path)?;
        // What is said again of a kept codebook is only that it is stale.
        let kept = kept.filter(|_| found.len() == usize::from(stale(&lexicon, path).is_some()));
        let fresh = kept.map(|kept| Fresh { cache: self.clone(), path: path.to_path_buf(), kept });
        Ok((lexicon, found, fresh))
    }

    /// Where what is made of a lexicon is kept.
    fn place(&self, lexicon: &Path) -> Option<PathBuf> {
        let lexicon = std::path::absolute(lexicon).ok()?;
        let name = hex_digest([lexicon.to_str()?, &self.program]);
        Some(self.folder.join(&name[..32]).with_extension(ENDING))
    }

    /// What is kept, where it may be trusted and was made of what the files say now.
    fn take(&self, path: &Path, kept: &Path) -> Option<Lexicon> {
        let (file, length) = open_own(kept)?;
        let mut n_head = [0; N_HEAD];
        file.read_exact_at(&mut n_head, 0).ok()?;
        let n_head = u32::from_le_bytes(n_head) as usize;
        let head: Head = blocks::read(&file, N_HEAD, n_head)?;
        let [plan, model, rest, end] = head.places(n_head);
        if head.program != self.program || length != end as u64 {
            return None;
        }
        let files = || head.files.iter().map(|file| beside(path, file));
        let (now, lexicon) = std::thread::scope(|scope| {
            let now = scope.spawn(|| Digests::now(path, files()));
            let rest = scope.spawn(|| {
                let model: Option<Model> = blocks::read(&file, model, head.model)?;
                Some(Lexicon { model, ..blocks::read(&file, rest, head.rest)? })
            });
            let plan: Plan = blocks::read(&file, plan, head.plan)?;
            Some((now.join().ok()??, Lexicon { plan, ..rest.join().ok()?? }))
        })?;
        let name = |path: PathBuf| SourceFile { path: path.display().to_string(), text: String::new() };
        let source = Source { files: files().map(name).collect(), ..Source::default() };
        Some(Lexicon { source, ..lexicon }).filter(|lexicon| Digests::of(lexicon) == now)
    }

    /// Keeps a lexicon, and of all others the newest.
    fn keep(&self, path: &Path, kept: &Path, lexicon: &Lexicon) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let seen = |file: &SourceFile| {
            let path = Path::new(&file.path);
            path.strip_prefix(folder).unwrap_or(path).to_path_buf()
        };
        let files = lexicon.source.files.iter().map(seen).collect();
        let contents = encode(self.program.clone(), files, lexicon).map_err(io::Error::other)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        if !is_own(&fs::symlink_metadata(&self.folder)?) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let fresh = kept.with_extension(format!("{}.{ENDING}", std::process::id()));
        let written = write(&fresh, &contents).and_then(|()| fs::rename(&fresh, kept));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        self.clear();
        written
    }

    /// Removes all but the newest, also what a killed program left half written.
    fn clear(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let entries = entries.filter(|path| path.extension().is_some_and(|ending| ending == ENDING));
        let age = |path: &PathBuf| fs::symlink_metadata(path).and_then(|file| file.modified()).ok();
        let mut kept: Vec<(Option<SystemTime>, PathBuf)> = entries.map(|path| (age(&path), path)).collect();
        kept.sort_by(|a, b| b.cmp(a));
        kept.iter().skip(MOST).for_each(|(_, path)| drop(fs::remove_file(path)));
    }
}

/// Where a lexicon is to be kept that was made anew.
#[derive(Debug)]
pub struct Fresh {
    cache: Cache,
    path: PathBuf,
    kept: PathBuf,
}

impl Fresh {
    /// Keeps the lexicon. Kept or not: the next run can do without.
    pub fn keep(&self, lexicon: &Lexicon) {
        let _ = self.cache.keep(&self.path, &self.kept, lexicon);
    }
}

/// A file that a lexicon is read from.
fn beside(lexicon: &Path, file: &Path) -> PathBuf {
    lexicon.parent().unwrap_or(Path::new("")).join(file)
}

/// True for what belongs to this user and nobody else can change.
fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

/// A file of this user, in a folder of this user, and its length; none for any other, and for what cannot be read.
fn open_own(path: &Path) -> Option<(File, u64)> {
    let folder = fs::symlink_metadata(path.parent()?).ok()?;
    let no_links = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(no_links).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let trusted = folder.is_dir() && metadata.is_file() && is_own(&folder) && is_own(&metadata);
    trusted.then_some((file, metadata.len()))
}

/// A new file that only this user can read.
fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let _ = fs::remove_file(path);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(contents)
}

/// Digests of the texts that a lexicon is made of.
#[derive(Debug, PartialEq, Eq)]
struct Digests {
    rules: String,
    /// None without a fitted part.
    fitted: Option<String>,
}

impl Digests {
    fn of(lexicon: &Lexicon) -> Self {
        let fitted = lexicon.model.as_ref().map(|model| model.digest.clone());
        Digests { rules: lexicon.digest.clone(), fitted }
    }

    /// Those of the files as they are.
    fn now(lexicon: &Path, files: impl Iterator<Item = PathBuf>) -> Option<Self> {
        let mut part = vec![0; 1 << 16];
        let mut rules = Sha256::new();
        for file in files {
            add_file(&mut rules, &file, &mut part)?;
        }
        let (confidence, cues) = model::paths(lexicon);
        if !fs::exists(&confidence).ok()? {
            return Some(Digests { rules: hex(rules), fitted: None });
        }
        let mut fitted = Sha256::new();
        add_file(&mut fitted, &confidence, &mut part)?;
        if add_file(&mut fitted, &cues, &mut part).is_none() {
            fitted.update(0u64.to_le_bytes());
        }
        Some(Digests { rules: hex(rules), fitted: Some(hex(fitted)) })
    }
}

/// Adds the text of a file, as [`hex_digest`] does; only a part of it is ever in memory.
fn add_file(hash: &mut Sha256, path: &Path, part: &mut [u8]) -> Option<()> {
    let mut file = File::open(path).ok()?;
    let mut left = file.metadata().ok()?.len();
    hash.update(left.to_le_bytes());
    while let n @ 1.. = file.read(part).ok()? {
        left = left.checked_sub(n as u64)?;
        hash.update(&part[..n]);
    }
    (left == 0).then_some(())
}

/// The file of a lexicon: how long its head is, the head, the plan, the fitted part, the rest.
fn encode(program: String, files: Vec<PathBuf>, lexicon: &Lexicon) -> postcard::Result<Vec<u8>> {
    let [plan, model] = [postcard::to_stdvec(&lexicon.plan)?, postcard::to_stdvec(&lexicon.model)?];
    let rest = postcard::to_stdvec(lexicon)?;
    let head = Head { program, files, plan: plan.len(), model: model.len(), rest: rest.len() };
    let head = postcard::to_stdvec(&head)?;
    let mut all = (head.len() as u32).to_le_bytes().to_vec();
    [head, plan, model, rest].iter().for_each(|part| blocks::push(part, &mut all));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_where_codebooks_are_kept() {
        let folder = |variables: &[(&str, &str)]| {
            let value = |name: &str| variables.iter().find(|pair| pair.0 == name).map(|pair| OsString::from(pair.1));
            Cache::of_user(value).map(|cache| cache.folder)
        };
        let home = ("HOME", "/ana");
        assert_eq!(folder(&[home]), Some(PathBuf::from("/ana/.cache/precode")));
        assert_eq!(folder(&[home, ("XDG_CACHE_HOME", "/fast")]), Some(PathBuf::from("/fast/precode")));
        assert_eq!(folder(&[home, ("XDG_CACHE_HOME", "fast")]), Some(PathBuf::from("/ana/.cache/precode")));
        assert_eq!(folder(&[home, ("XDG_CACHE_HOME", "")]), Some(PathBuf::from("/ana/.cache/precode")));
        assert_eq!(folder(&[home, ("PRECODE_CACHE", "off")]), None);
        assert_eq!(folder(&[]), None);
    }
}
