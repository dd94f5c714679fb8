//! One run at a time on a study: a lock of the kernel, which dies with its holder.
//!
//! Comes in: a study. Goes out: a guard, or who holds the lock. Never happens here: waiting, or a lock that
//! outlives its process.

use super::StoreError;
use super::layout::Study;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

/// Held until dropped, or until the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock of a study whose folder exists.
///
/// # Errors
/// [`StoreError::Locked`] at once when another process holds it, with that process's id and start.
pub fn take(study: &Study) -> Result<Lock, StoreError> {
    let path = study.lock();
    let failed = |error| StoreError::io(&path, error);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    let mut file = options.open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => sign(&mut file).map_err(failed)?,
        Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path, holder: holder(&mut file) }),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    Ok(Lock { _file: file })
}

/// Writes who holds the lock, for people only: the lock itself is the kernel's.
fn sign(file: &mut File) -> std::io::Result<()> {
    let line = format!("process {}, started {}\n", std::process::id(), super::journal::clock::now());
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(line.as_bytes())
}

fn holder(file: &mut File) -> String {
    let mut line = String::new();
    match file.take(200).read_to_string(&mut line) {
        Ok(_) if !line.trim().is_empty() => line.trim().to_string(),
        _ => "a process that did not sign".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_taker_learns_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let study = Study::at(folder.path());
        let first = take(&study).unwrap();
        let Err(StoreError::Locked { holder, .. }) = take(&study) else { panic!("locked twice") };
        assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        drop(first);
        take(&study).unwrap();
    }
}
