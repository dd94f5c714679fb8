//! Keys: who may talk to the server, and how a key gets from the terminal to the browser without being seen.
//!
//! A key is 32 random bytes. It stands in the fragment of a link, which browsers do not send, in a file that only its
//! owner can read; then in the page's memory; then in the `Authorization` header. Never in an argument, an environment
//! variable, a log or a cookie. The server keeps digests only.

use crate::store::journal::row::hex;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Whom a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A coder, by name.
    Coder(String),
    /// Whoever opened the study; may only say who they are.
    Owner,
}

/// A new key.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_key() -> io::Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(hex(&bytes))
}

/// The keys that are in force.
#[derive(Debug, Default)]
pub struct Keys {
    holders: Mutex<Vec<([u8; 32], Holder)>>,
    failures: Mutex<Option<(Instant, u32)>>,
}

impl Keys {
    /// Makes a key for somebody.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn issue(&self, holder: Holder) -> io::Result<String> {
        let key = new_key()?;
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.push((Sha256::digest(key.as_bytes()).into(), holder));
        Ok(key)
    }

    /// Whose key this is. Takes as long for a wrong key as for a right one.
    pub fn holder(&self, key: &str) -> Option<Holder> {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for (known, holder) in holders.iter() {
            let difference = known.iter().zip(&digest).fold(0u8, |all, (a, b)| all | (a ^ b));
            if std::hint::black_box(difference) == 0 {
                found = Some(holder.clone());
            }
        }
        found
    }

    /// Counts a wrong key; true when there were more than ten within a second, so that guessing is slowed down.
    pub fn failed(&self) -> bool {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.as_mut().filter(|(since, _)| since.elapsed().as_secs() < 1) {
            Some((_, n)) => {
                *n += 1;
                *n > 10
            }
            None => {
                *failures = Some((Instant::now(), 1));
                false
            }
        }
    }
}

/// Files through which links reach the browser; removed when this is dropped.
#[derive(Debug)]
pub struct Doors {
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Doors {
    /// Makes the folder, for its owner alone.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn in_study(root: &Path) -> io::Result<Self> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        let folder = root.join(".review");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        Ok(Doors { folder, files: Vec::new() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file that sends a browser to this link.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(&mut self, name: &str, link: &str) -> io::Result<PathBuf> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.folder.join(format!("open-{}.html", safe_name(name)));
        // An old file may have other permissions: it is replaced, not written over.
        let _ = std::fs::remove_file(&path);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let head = "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">";
        writeln!(file, "{head}<meta http-equiv=\"refresh\" content=\"0;url={link}\"><title>precode review</title>")?;
        self.files.push(path.clone());
        Ok(path)
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        for file in &self.files {
            // A door that is gone already is as good.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// A coder's name as part of a file's name.
fn safe_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let short: String = name.chars().take(24).map(plain).collect();
    // Names that differ only in other characters still get files of their own.
    format!("{short}-{}", &crate::store::journal::row::digest(name.as_bytes())[..6])
}

/// A coder's name, if it can be one.
pub fn checked_name(name: &str) -> Option<String> {
    let name = name.trim();
    let fits = (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_for_its_holder_and_nearly_right_ones_do_not() {
        let keys = Keys::default();
        let ana = keys.issue(Holder::Coder("ana".into())).unwrap();
        let owner = keys.issue(Holder::Owner).unwrap();
        assert_eq!(keys.holder(&ana), Some(Holder::Coder("ana".into())));
        assert_eq!(keys.holder(&owner), Some(Holder::Owner));
        assert_eq!(ana.len(), 64);
        for wrong in ["", &ana[..63], &ana.to_uppercase(), &format!("{ana}0")] {
            assert!(keys.holder(wrong).is_none() || wrong == ana);
        }
    }

    #[test]
    fn the_eleventh_wrong_key_in_a_second_is_slowed_down() {
        let keys = Keys::default();
        assert_eq!((0..12).filter(|_| keys.failed()).count(), 2);
    }

    #[test]
    fn doors_are_private_and_closed_behind_us() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::TempDir::new().unwrap();
        let mut doors = Doors::in_study(home.path()).unwrap();
        let path = doors.open("../../é ana", "http://127.0.0.1:1/#key=x").unwrap();
        assert_eq!(path.parent().unwrap(), home.path().join(".review"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(doors);
        assert!(!path.exists());
    }

    #[test]
    fn names_are_trimmed_and_control_characters_refused() {
        assert_eq!(checked_name("  Ana Lü "), Some("Ana Lü".into()));
        assert_eq!(checked_name(" "), None);
        assert_eq!(checked_name("a\u{1b}[31m"), None);
        assert_eq!(checked_name(&"x".repeat(41)), None);
    }
}
