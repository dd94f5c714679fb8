//! One run at a time on a study: a lock of the kernel, which dies with its holder.
//!
//! Comes in: a study. Goes out: a guard, or who holds the lock. Never happens here: waiting, or a lock that
//! outlives its process.

use super::StoreError;
use super::layout::Study;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

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
    let line = format!("process {}, started {}\n", std::process::id(), utc(SystemTime::now()));
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

/// `2024-05-11 10:12:03 UTC`; civil date from days by Howard Hinnant's `civil_from_days`
/// (howardhinnant.github.io/date_algorithms.html).
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(at(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(at(1_735_689_599), "2024-12-31 23:59:59 UTC");
    }
}
