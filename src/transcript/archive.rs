//! Parts of a zip archive, with limits on what comes out.
//!
//! Comes in: the bytes of an archive. Goes out: one part, read in memory. Never happens here: a file on disk, or trust
//! in a declared size: bytes are counted as they come.

use super::draft::Context;
use crate::diagnostic::Diagnostic;
use std::cell::Cell;
use std::io::{self, Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// An open archive.
pub(super) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// A part above this size may not be packed more than [`RATIO`] times.
const FREE_BYTES: u64 = 16 << 20;
/// Documents pack 5 to 30 times; what packs better is made to fill the memory.
const RATIO: u64 = 40;

/// What the counting reader says when the limit is reached.
const LIMIT: &str = "unpacked size limit";

/// Opens an archive and checks its list of parts.
pub(super) fn open<'a>(bytes: &'a [u8], context: &Context<'_>) -> Result<Archive<'a>, Diagnostic> {
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| broken("the list of parts", &e, context))?;
    if archive.len() > context.options.max_entries {
        let message = format!("{} parts, the limit is {}", archive.len(), context.options.max_entries);
        return Err(context
            .error("E_ZIP_LIMIT", message)
            .help("raise it with --max-entries, or save the document again"));
    }
    if archive.has_duplicate_names() {
        let problem =
            context.error("E_ZIP", "two parts have the same name, so that programs read different documents");
        return Err(problem.help("open it in Word and save it again"));
    }
    Ok(archive)
}

/// Gives `part` to `read`; `read`'s own error is heard unless the archive is to blame.
pub(super) fn with_part<T>(
    archive: &mut Archive<'_>,
    part: &str,
    context: &Context<'_>,
    read: impl FnOnce(&mut dyn Read) -> Result<T, Diagnostic>,
) -> Result<T, Diagnostic> {
    let packed = archive.by_name(part).map_err(|e| broken(part, &e, context))?;
    let most = context.options.max_unpacked_bytes.min(FREE_BYTES.max(packed.compressed_size().saturating_mul(RATIO)));
    let failed = Cell::new(None);
    let mut counted = Counted { inner: packed, left: most, failed: &failed };
    let result = read(&mut counted);
    match failed.take() {
        Some(Failure::Limit) => {
            let problem = context.error("E_ZIP_LIMIT", format!("{part} unpacks to more than {most} bytes"));
            Err(problem.help("raise it with --max-unpacked-bytes if the document is really that large"))
        }
        Some(Failure::Broken(why)) => Err(context.error("E_ZIP", format!("{part}: {why}")).help(AGAIN)),
        None => result,
    }
}

const AGAIN: &str = "copy the file again or save it again in Word";

fn broken(part: &str, error: &ZipError, context: &Context<'_>) -> Diagnostic {
    match error {
        ZipError::FileNotFound => context.error("E_ZIP", format!("the part {part} is missing")).help(AGAIN),
        ZipError::UnsupportedArchive(why) if *why == ZipError::PASSWORD_REQUIRED => {
            context.error("E_ENCRYPTED", format!("{part} is encrypted")).help("save it without a password")
        }
        other => context.error("E_ZIP", format!("{part}: {other}")).help(AGAIN),
    }
}

enum Failure {
    Limit,
    Broken(String),
}

/// A reader that stops at a limit and remembers why it stopped.
struct Counted<'a, R> {
    inner: R,
    left: u64,
    failed: &'a Cell<Option<Failure>>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out).inspect_err(|e| self.failed.set(Some(Failure::Broken(e.to_string()))))?;
        if n as u64 > self.left {
            self.failed.set(Some(Failure::Limit));
            return Err(io::Error::other(LIMIT));
        }
        self.left -= n as u64;
        Ok(n)
    }
}
