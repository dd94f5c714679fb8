//! How a run gets into the study: made beside the published set, made durable, then switched to by one rename.
//!
//! Comes in: bytes of the files of one run. Goes out: a published set. Never happens here: a moment at which a reader
//! finds half a set, whatever stops the program; a change to decisions.

use super::StoreError;
use super::digest::{Digest, Digesting};
use super::layout::{PARTIAL, PUBLISHED, Study};
use super::manifest::write_json;
use super::spool::Spool;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread::Builder;

/// Makes the folder of a study, closed to other users, and looks whether it may be used.
///
/// # Errors
/// When it cannot be made, others can write to it, or something else lies where a published file goes.
pub fn prepare(study: &Study) -> Result<(), StoreError> {
    make_folder(study.root())?;
    let metadata = fs::metadata(study.root()).map_err(|e| StoreError::io(study.root(), e))?;
    if metadata.mode() & 0o002 != 0 {
        return Err(StoreError::Exposed(study.root().to_path_buf()));
    }
    for name in PUBLISHED {
        let path = study.root().join(name);
        if fs::symlink_metadata(&path).is_ok() && fs::read_link(&path).ok() != Some(target(name)) {
            return Err(StoreError::Foreign(path));
        }
    }
    match fs::symlink_metadata(study.current()) {
        Ok(metadata) if !metadata.is_symlink() => Err(StoreError::Foreign(study.current())),
        _ => Ok(()),
    }
}

/// Where the link `study/<name>` leads.
fn target(name: &str) -> PathBuf {
    Path::new("current").join(name)
}

/// A run that is being made. Dropped before [`Partial::publish`], it is removed.
#[derive(Debug)]
pub struct Partial {
    study: Study,
    root: PathBuf,
    /// The folder, open since before anything was written: through it a sync is told of every loss, also of one that
    /// [`Ahead`] was told of.
    folder: File,
    /// The run that is published now, if there is one.
    before: Option<Study>,
    files: BTreeMap<String, Digest>,
}

/// Bytes after which the disk is set to work: a fraction of a second for most.
const AHEAD: u64 = 64 << 20;

/// Makes the disk write while a run goes on, so that little is left for [`Partial::sync`]. What goes wrong here, that
/// tells.
#[derive(Debug)]
pub struct Ahead {
    root: PathBuf,
    bytes: u64,
    /// None before there was much to write: a small run needs no thread for it.
    tell: Option<SyncSender<()>>,
}

impl Ahead {
    /// Says that about so many bytes more were written.
    pub fn wrote(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.bytes < AHEAD {
            return;
        }
        let root = &self.root;
        // A disk that is still busy with the last ones is asked again with the next file.
        if self.tell.get_or_insert_with(|| begin_early(root.clone())).try_send(()).is_ok() {
            self.bytes = 0;
        }
    }
}

/// A thread that makes the disk write whenever it is told to. Nobody waits for it: it ends with the sender, or with the
/// program.
fn begin_early(root: PathBuf) -> SyncSender<()> {
    let (tell, told) = mpsc::sync_channel(1);
    let write = move || told.iter().for_each(|()| drop(File::open(&root).and_then(|folder| sync_early(&folder))));
    // Without a thread everything is left for the end, as it is on other systems.
    let _ = Builder::new().name("ahead".to_string()).spawn(write);
    tell
}

/// A file of a run, written through a buffer and digested.
#[derive(Debug)]
pub struct Part {
    name: String,
    path: PathBuf,
    writer: Digesting<BufWriter<File>>,
}

impl Partial {
    /// Removes what killed runs left behind and begins a new one. The caller holds the study's lock.
    ///
    /// # Errors
    /// When the study cannot be written to.
    pub fn begin(study: &Study) -> Result<Partial, StoreError> {
        sweep(study)?;
        make_folder(&study.runs())?;
        let root = study.partial();
        make_folder(&root)?;
        let folder = File::open(&root).map_err(|e| StoreError::io(&root, e))?;
        let before = fs::canonicalize(study.current()).ok().map(Study::at);
        let partial = Partial { study: study.clone(), root, folder, before, files: BTreeMap::new() };
        make_folder(&partial.root.join("texts"))?;
        partial.probe()?;
        Ok(partial)
    }

    /// Writes one byte, so that a full disk is known before an hour of work.
    fn probe(&self) -> Result<(), StoreError> {
        let path = self.root.join("probe");
        let write = || -> io::Result<()> {
            let mut file = create(&path)?;
            file.write_all(b"?")?;
            fs::remove_file(&path)
        };
        write().map_err(|e| StoreError::io(&path, e))
    }

    /// Begins a file of the run.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn part(&self, name: &str) -> Result<Part, StoreError> {
        let path = self.root.join(name);
        let file = create(&path).map_err(|e| StoreError::io(&path, e))?;
        Ok(Part { name: name.to_string(), writer: Digesting::new(BufWriter::with_capacity(1 << 18, file)), path })
    }

    /// Ends a file of the run; [`Partial::sync`] makes it durable with all others.
    ///
    /// # Errors
    /// When the disk did not take them all.
    pub fn close(&mut self, part: Part) -> Result<(), StoreError> {
        let (writer, digest) = part.writer.finish();
        let failed = |error| StoreError::io(&part.path, error);
        writer.into_inner().map_err(|error| failed(error.into_error()))?;
        self.files.insert(part.name, digest);
        Ok(())
    }

    /// Writes a whole file of the run as indented JSON.
    ///
    /// # Errors
    /// As [`Partial::part`] and [`Partial::close`].
    pub fn json<T: serde::Serialize>(&mut self, name: &str, value: &T) -> Result<(), StoreError> {
        let mut part = self.part(name)?;
        write_json(&mut part.writer, value).map_err(|e| StoreError::io(&part.path, e))?;
        self.close(part)
    }

    /// Writes the text of a transcript; [`Partial::sync`] makes all of them durable at once. A text that the published run
    /// has byte for byte becomes one file with that: a rerun writes no text again.
    ///
    /// # Errors
    /// When the disk did not take it.
    pub fn text(&self, transcript: &str, text: &str) -> Result<(), StoreError> {
        let path = Study::at(&self.root).text(transcript);
        if let Some(folder) = path.parent().filter(|_| transcript.contains('/')) {
            make_folder(folder)?;
        }
        let known = self.before.as_ref().map(|before| before.text(transcript));
        let same = known.filter(|known| holds(known, text.as_bytes()).unwrap_or(false));
        if same.is_some_and(|same| fs::hard_link(same, &path).is_ok()) {
            return Ok(());
        }
        let write = || create(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        write().map_err(|e| StoreError::io(&path, e))
    }

    /// The files closed so far.
    pub fn files(&self) -> &BTreeMap<String, Digest> {
        &self.files
    }

    /// Where the run is made.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes everything written so far durable; `n_texts` texts are among it.
    ///
    /// # Errors
    /// When the disk reports that it lost something.
    pub fn sync(&self, n_texts: usize) -> Result<(), StoreError> {
        // Ten thousand texts would wait for ten thousand flushes, a few for what others are writing, where they write.
        let at_once = n_texts > 200 || others_rest();
        let synced = if at_once { sync_system(self) } else { self.sync_files() };
        synced.map_err(|e| StoreError::io(&self.root, e))
    }

    /// Every file and folder of the run; and what names the study, which may itself be new.
    fn sync_files(&self) -> io::Result<()> {
        let (mut paths, mut folders) = (Vec::new(), vec![self.root.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let found = if entry.file_type()?.is_dir() { &mut folders } else { &mut paths };
                found.push(entry.path());
            }
            paths.push(folder);
        }
        paths.extend(fs::canonicalize(self.study.root())?.parent().map(Path::to_path_buf));
        sync_each(&paths)
    }

    /// What makes the disk write early.
    pub fn ahead(&self) -> Ahead {
        Ahead { root: self.root.clone(), bytes: 0, tell: None }
    }

    /// Switches the study to this run, which is called by its digest. Readers see the old set or the new one.
    /// Returns what could not be cleared away afterwards, which harms nothing.
    ///
    /// # Errors
    /// When the switch failed: the old set is as it was.
    pub fn publish(mut self, digest: &str) -> Result<Vec<PathBuf>, StoreError> {
        let name = self.enter(digest)?;
        link_published(&self.study)?;
        let current = Path::new("runs").join(&name);
        let fresh = self.study.root().join(format!(".current-{}", std::process::id()));
        let switch = || -> io::Result<()> {
            symlink(&current, &fresh)?;
            fs::rename(&fresh, self.study.current())?;
            sync_one(self.study.root())
        };
        switch().map_err(|e| StoreError::io(self.study.current(), e))?;
        let mut left = Vec::new();
        clear(&self.root, &mut left);
        self.root.clear();
        clear_runs(&self.study, &mut left);
        Ok(left)
    }

    /// Moves the run to its place among the runs. One of the same digest is exchanged for it, also in one step: it may
    /// have been damaged since, and its readers lose nothing, as the bytes are the same.
    fn enter(&self, digest: &str) -> Result<String, StoreError> {
        let place = self.study.runs().join(digest);
        let failed = |error: io::Error| StoreError::io(&place, error);
        if fs::symlink_metadata(&place).is_err() {
            fs::rename(&self.root, &place).map_err(failed)?;
        } else if exchange(&self.root, &place).is_err() {
            // Not every file system can exchange two folders.
            let second = format!("{digest}-{}", std::process::id());
            fs::rename(&self.root, self.study.runs().join(&second)).map_err(failed)?;
            return Ok(second);
        }
        sync_one(&self.study.runs()).map_err(failed)?;
        Ok(digest.to_string())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.root.as_os_str().is_empty() {
            // Nothing to tell: the next run removes what this could not.
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

impl Part {
    /// Adds what a spool holds.
    ///
    /// # Errors
    /// As [`Part::append`], or when it cannot be read back.
    pub fn spooled(&mut self, spool: &Spool) -> Result<(), StoreError> {
        spool.copy(&mut self.writer).map_err(|e| StoreError::io(&self.path, e))
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When the disk did not take them.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.writer.write_all(bytes).map_err(|e| StoreError::io(&self.path, e))
    }
}

/// A published set that stays while this value lives, also when a new run is published meanwhile: files read through
/// its study belong together.
#[derive(Debug)]
pub struct Pinned {
    /// The set; its paths do not go through `current`.
    pub study: Study,
    _guard: File,
}

/// Pins the set that is published now, by a shared lock of the kernel on its manifest, which dies with this process.
///
/// # Errors
/// When nothing is published.
pub fn pin(study: &Study) -> Result<Pinned, StoreError> {
    let failed = |error: io::Error| StoreError::io(study.manifest(), error);
    // Through the manifest and not through `current`: a copy of a study has no links.
    let manifest = fs::canonicalize(study.manifest()).map_err(failed)?;
    let pinned = Study::at(manifest.parent().unwrap_or(study.root()));
    let guard = File::open(pinned.manifest()).map_err(failed)?;
    guard.lock_shared().map_err(failed)?;
    Ok(Pinned { study: pinned, _guard: guard })
}

/// Runs that are published no more and still there: somebody reads them, or they could not be removed.
pub fn former(study: &Study) -> Vec<PathBuf> {
    let current = fs::read_link(study.current()).ok().map(|link| study.root().join(link));
    let runs = fs::read_dir(study.runs()).into_iter().flatten().flatten().map(|entry| entry.path());
    runs.filter(|run| Some(run) != current.as_ref()).collect()
}

/// Puts a whole file at the top of the study in the place of the one that is there, durably.
///
/// # Errors
/// When the disk does not take it: the old one is as it was.
pub fn put(study: &Study, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let beside = study.root().join(format!("{PARTIAL}{}.file", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_one(study.root())
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside))).map_err(|e| StoreError::io(path, e))
}

/// True when somebody reads this run and has pinned it.
fn is_pinned(run: &Path) -> bool {
    let manifest = File::open(Study::at(run).manifest());
    manifest.is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

/// A new file that only this user can read.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// True for a file that only this user can use and that has just these bytes.
fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let user = rustix::process::geteuid().as_raw();
    let is_ours = |file: &Metadata| file.is_file() && file.mode() & 0o777 == 0o600 && file.uid() == user;
    if !is_ours(&fs::symlink_metadata(path)?) {
        return Ok(false);
    }
    let mut file = File::open(path)?;
    if file.metadata()?.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut part = [0; 1 << 14];
    for want in bytes.chunks(part.len()) {
        let part = &mut part[..want.len()];
        file.read_exact(part)?;
        if part != want {
            return Ok(false);
        }
    }
    Ok(true)
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| StoreError::io(path, e))
}

/// The links at the top of the study, made before the first switch and never changed.
fn link_published(study: &Study) -> Result<(), StoreError> {
    for name in PUBLISHED {
        let path = study.root().join(name);
        match symlink(target(name), &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(StoreError::io(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

/// Removes what killed runs left: unfinished folders, unused links, runs that were never switched to.
fn sweep(study: &Study) -> Result<(), StoreError> {
    let entries = fs::read_dir(study.root()).map_err(|e| StoreError::io(study.root(), e))?;
    let mut left = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PARTIAL) || name.starts_with(".current-") {
            clear(&entry.path(), &mut left);
        }
    }
    clear_runs(study, &mut left);
    match left.into_iter().next() {
        Some(path) => Err(StoreError::io(path, io::Error::other("left by a killed run and cannot be removed"))),
        None => Ok(()),
    }
}

/// Removes every run but the one that is published and those that somebody still reads.
fn clear_runs(study: &Study, left: &mut Vec<PathBuf>) {
    former(study).iter().filter(|run| !is_pinned(run)).for_each(|run| clear(run, left));
}

fn clear(path: &Path, left: &mut Vec<PathBuf>) {
    let result = match fs::symlink_metadata(path) {
        Err(_) => return,
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    if result.is_err() {
        left.push(path.to_path_buf());
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Everything on this file system, in one call: also the name of a new study, unless the study is a file system itself.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn sync_system(partial: &Partial) -> io::Result<()> {
    Ok(rustix::fs::syncfs(&partial.folder)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn sync_system(partial: &Partial) -> io::Result<()> {
    partial.sync_files()
}

/// True where so little waits to be written, by all programs together, that nobody need wait for it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn others_rest() -> bool {
    const LITTLE_KB: u64 = 8 << 10;
    let kilobytes = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    let waiting = |line: &&str| line.starts_with("Dirty:") || line.starts_with("Writeback:");
    let all = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let waiting: Vec<u64> = all.lines().filter(waiting).filter_map(kilobytes).collect();
    waiting.len() == 2 && waiting.iter().sum::<u64>() < LITTLE_KB
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn others_rest() -> bool {
    false
}

/// The same, before its time; where it cannot be had in one call it is not worth its own.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn sync_early(folder: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn sync_early(_: &File) -> io::Result<()> {
    Ok(())
}

/// Threads that wait for the disk.
const WAITING: usize = 8;

/// All at once: the disk flushes them together, and none waits for the others.
fn sync_each(paths: &[PathBuf]) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let sync = || {
        let mut mine = std::iter::from_fn(|| paths.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.try_for_each(|path| sync_one(path))
    };
    std::thread::scope(|scope| {
        // Where no thread is to be had, this one does it all.
        let thread = |_| Builder::new().spawn_scoped(scope, sync).ok();
        let threads: Vec<_> = (1..paths.len().min(WAITING)).filter_map(thread).collect();
        let lost = || io::Error::other("a thread was lost");
        threads.into_iter().fold(sync(), |all, thread| all.and(thread.join().unwrap_or_else(|_| Err(lost()))))
    })
}

/// A file or a folder.
fn sync_one(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The kind of network file system on which the study lies, if it does: locks and syncs may not hold there.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn network(study: &Study) -> Option<&'static str> {
    // Magic numbers of statfs(2).
    match rustix::fs::statfs(study.root()).ok()?.f_type as u32 {
        0x6969 => Some("NFS"),
        0x517B | 0xFF53_4D42 | 0xFE53_4D42 => Some("SMB"),
        0x6573_5546 => Some("FUSE"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

/// The kind of network file system on which the study lies; not known on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn network(_: &Study) -> Option<&'static str> {
    None
}

/// Bytes free for this user where the study lies.
pub fn free_bytes(study: &Study) -> Option<u64> {
    let stat = rustix::fs::statvfs(study.root()).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(study: &Study, text: &str, digest: &str) {
        prepare(study).unwrap();
        let mut partial = Partial::begin(study).unwrap();
        let mut part = partial.part("codings.jsonl").unwrap();
        part.append(text.as_bytes()).unwrap();
        partial.close(part).unwrap();
        partial.json("manifest.json", &[text]).unwrap();
        partial.text("site/a", text).unwrap();
        partial.sync(1).unwrap();
        assert!(partial.publish(digest).unwrap().is_empty());
    }

    #[test]
    fn a_reader_follows_the_switch_and_old_runs_go() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path().join("study"));
        publish(&study, "one", "d1");
        assert_eq!(fs::read_to_string(study.codings()).unwrap(), "one");
        publish(&study, "two", "d2");
        assert_eq!(fs::read_to_string(study.codings()).unwrap(), "two");
        assert_eq!(fs::read_to_string(study.text("site/a")).unwrap(), "two");
        assert_eq!(fs::read_dir(study.runs()).unwrap().count(), 1);
    }

    #[test]
    fn the_same_digest_again_repairs_the_set() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path().join("study"));
        publish(&study, "one", "d1");
        fs::write(study.codings(), "damaged").unwrap();
        publish(&study, "one", "d1");
        assert_eq!(fs::read_to_string(study.codings()).unwrap(), "one");
        assert_eq!(fs::read_link(study.current()).unwrap(), Path::new("runs/d1"));
    }

    #[test]
    fn a_text_that_stays_the_same_is_one_file_and_a_damaged_one_is_not_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path().join("study"));
        let inode = || fs::metadata(study.text("site/a")).unwrap().ino();
        publish(&study, "one", "d1");
        let first = fs::File::open(study.text("site/a")).unwrap();
        publish(&study, "one", "d2");
        assert_eq!(inode(), first.metadata().unwrap().ino());
        fs::write(study.text("site/a"), "ane").unwrap();
        publish(&study, "one", "d3");
        assert_eq!(fs::read_to_string(study.text("site/a")).unwrap(), "one");
        assert_ne!(inode(), first.metadata().unwrap().ino());
        let second = fs::File::open(study.text("site/a")).unwrap();
        fs::set_permissions(study.text("site/a"), fs::Permissions::from_mode(0o644)).unwrap();
        publish(&study, "one", "d4");
        assert_ne!(inode(), second.metadata().unwrap().ino());
        assert_eq!(fs::metadata(study.text("site/a")).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_dropped_run_leaves_nothing_and_a_killed_one_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path().join("study"));
        publish(&study, "one", "d1");
        drop(Partial::begin(&study).unwrap());
        std::mem::forget(Partial::begin(&study).unwrap());
        fs::create_dir(study.runs().join("never-switched-to")).unwrap();
        assert!(study.partial().exists());
        publish(&study, "two", "d2");
        assert!(!study.partial().exists());
        assert_eq!(fs::read_dir(study.runs()).unwrap().count(), 1);
    }

    #[test]
    fn a_pinned_set_stays_until_its_reader_goes() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path().join("study"));
        publish(&study, "one", "d1");
        let pinned = pin(&study).unwrap();
        publish(&study, "two", "d2");
        assert_eq!(fs::read_to_string(pinned.study.codings()).unwrap(), "one");
        assert_eq!(fs::read_to_string(study.codings()).unwrap(), "two");
        drop(pinned);
        publish(&study, "three", "d3");
        assert_eq!(fs::read_dir(study.runs()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_ours_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path());
        fs::write(study.codings(), "mine").unwrap();
        assert!(matches!(prepare(&study), Err(StoreError::Foreign(_))));
        assert_eq!(fs::read_to_string(study.codings()).unwrap(), "mine");
    }

    #[test]
    fn a_folder_open_to_everybody_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(prepare(&Study::at(folder.path())), Err(StoreError::Exposed(_))));
    }
}
