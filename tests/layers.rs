//! The order of the modules: each uses only those before it; and what the program is never linked with.

use std::fs;
use std::path::{Path, PathBuf};

/// The line that the data travels. A module may name itself and what stands before it.
const ORDER: [&str; 23] = [
    "span",
    "diagnostic",
    "codebook",
    "transcript",
    "turn",
    "token",
    "segment",
    "lexicon",
    "matcher",
    "context",
    "evidence",
    "confidence",
    "coding",
    "pipeline",
    "examples",
    "inspect",
    "store",
    "agreement",
    "learn",
    "review",
    "report",
    "export",
    "cli",
];

/// Later modules that must not know an earlier one all the same, with the reason.
const APART: [(&str, &str, &str); 2] = [
    ("agreement", "lexicon", "agreement is measured between coders, whoever they are"),
    ("agreement", "matcher", "agreement is measured between coders, whoever they are"),
];

/// Uses that the order forbids and that are right all the same, with the reason.
const ALLOWED: [(&str, &str, &str); 0] = [];

#[test]
fn a_module_uses_only_those_before_it() {
    let breaches: Vec<String> = sources().iter().flat_map(|path| breaches(path)).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let lib = fs::read_to_string(source_folder().join("lib.rs")).unwrap();
    for module in lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(ORDER.contains(&module), "{module} is in src/lib.rs and not in the order");
    }
}

/// Transcripts are confidential: no crate that opens outgoing connections.
const CLIENTS: [&str; 9] =
    ["reqwest", "ureq", "curl", "isahc", "attohttpc", "surf", "openssl", "native-tls", "rustls"];

#[test]
fn nothing_is_linked_that_calls_out() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    let linked: Vec<&str> =
        lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(linked.contains(&"serde"), "the lock file is read");
    let clients: Vec<&&str> = linked.iter().filter(|name| CLIENTS.contains(name)).collect();
    assert!(clients.is_empty(), "{clients:?}");
}

#[test]
fn a_breach_is_seen() {
    assert_eq!(uses("    let x = crate::cli::Exit;"), ["cli"]);
    assert_eq!(uses("use crate::{span::Span, store};"), ["span", "store"]);
    assert!(uses("//! [`crate::cli`]").is_empty());
    assert!(!may_use("span", "cli") && may_use("cli", "span") && !may_use("agreement", "lexicon"));
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![source_folder()]);
    while let Some(folder) = waiting.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.extension().and_then(|e| e.to_str()) {
                Some("rs") => found.push(path),
                _ if path.is_dir() => waiting.push(path),
                _ => {}
            }
        }
    }
    found
}

fn breaches(path: &Path) -> Vec<String> {
    let place = path.strip_prefix(source_folder()).unwrap().to_string_lossy().into_owned();
    let module = place.split(['/', '.']).next().unwrap_or_default().to_string();
    if !ORDER.contains(&module.as_str()) {
        return Vec::new();
    }
    let text = fs::read_to_string(path).unwrap();
    // Tests stand at the end of a file and may reach for what they like.
    let program = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).enumerate();
    let used = program.flat_map(|(i, line)| uses(line).into_iter().map(move |used| (i + 1, used)));
    let wrong = used.filter(|(_, used)| !may_use(&module, used));
    wrong.map(|(line, used)| format!("src/{place}:{line}: {module} must not use {used}")).collect()
}

fn may_use(module: &str, used: &str) -> bool {
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    let listed = |table: &[(&str, &str, &str)]| table.iter().any(|(a, b, _)| (*a, *b) == (module, used));
    let (Some(own), Some(other)) = (place(module), place(used)) else { return true };
    listed(&ALLOWED) || (other <= own && !listed(&APART))
}

/// Modules that a line names after `crate::`.
fn uses(line: &str) -> Vec<String> {
    let line = line.trim_start();
    if line.starts_with("//") {
        return Vec::new();
    }
    let word =
        |text: &str| text.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("").to_string();
    let mut found = Vec::new();
    for after in line.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => {
                found.extend(group.split([',', '}']).map(word).filter(|name| ORDER.contains(&name.as_str())))
            }
            None => found.push(word(after)),
        }
    }
    found
}
