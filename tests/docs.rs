//! The manual tells the truth: its console blocks are run, and it names every option, message, column and exit code.

#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn readme() -> String {
    fs::read_to_string(support::repository("README.md")).unwrap()
}

/// `$ precode …` in a `console` block, with the output below it; others only illustrate.
#[test]
fn console_blocks_show_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["corpus", "lexicons"] {
        std::os::unix::fs::symlink(support::repository(name), folder.path().join(name)).unwrap();
    }
    let page = readme();
    let mut fresh = String::new();
    let mut wrong = Vec::new();
    let mut rest = page.as_str();
    while let Some((before, block, after)) = next_block(rest) {
        fresh += before;
        for (command, shown) in commands(block) {
            let output = run(command, folder.path()).unwrap_or_else(|| shown.to_string());
            if lasting(&output) != lasting(shown) {
                wrong.push(format!("$ {command}\n--- in the README\n{shown}\n--- in fact\n{output}"));
            }
            fresh += &format!("$ {command}\n{output}");
        }
        rest = after;
    }
    fresh += rest;
    if std::env::var_os("PRECODE_UPDATE").is_some() {
        fs::write(support::repository("README.md"), fresh).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "after a wanted change: PRECODE_UPDATE=1 cargo test --test docs\n{}", wrong.join("\n"));
}

/// Text up to and with the opening fence, the block, and all from its closing fence.
fn next_block(page: &str) -> Option<(&str, &str, &str)> {
    let open = page.find("```console\n")? + "```console\n".len();
    let close = open + page[open..].find("```")?;
    Some((&page[..open], &page[open..close], &page[close..]))
}

fn commands(block: &str) -> Vec<(&str, &str)> {
    let starts: Vec<usize> =
        block.match_indices("$ ").map(|(i, _)| i).filter(|&i| i == 0 || block[..i].ends_with('\n')).collect();
    let ends = starts.iter().skip(1).copied().chain([block.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| block[start + 2..end].split_once('\n').unwrap_or((&block[start + 2..end], "")))
        .collect()
}

fn run(command: &str, folder: &Path) -> Option<String> {
    let program = if command.starts_with("precode ") { support::PRECODE } else { "" };
    // What sets the stage is done too; what only illustrates is not.
    let command = command.strip_prefix("precode ").or_else(|| is_setting(command).then_some(command))?;
    let mut needs = command.split(' ').filter(|word| word.starts_with("lexicons/") || word.starts_with("corpus/"));
    if let Some(path) = needs.find(|path| !folder.join(path).exists()) {
        eprintln!("skipped: {command}: {path} is not there");
        return None;
    }
    let script = format!("umask 022; {program} {command} 2>&1");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder)
        .envs([("COLUMNS", "80"), ("PRECODE_CACHE", "off")])
        .output()
        .unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

fn is_setting(command: &str) -> bool {
    command.starts_with("mkdir ") || command.starts_with("cp ")
}

/// Without what differs from run to run: the time taken.
fn lasting(output: &str) -> Vec<&str> {
    output.lines().filter(|line| !line.starts_with("Took ")).map(str::trim_end).collect()
}

#[test]
fn every_option_of_code_is_told() {
    let help = support::run(Command::new(support::PRECODE).args(["code", "--help"]), 0);
    let help = String::from_utf8(help.stdout).unwrap();
    let options: BTreeSet<&str> = help.split([' ', '\n', ',']).filter(|word| word.starts_with("--")).collect();
    assert!(options.contains("--codebook"));
    let told = readme();
    let missing: Vec<_> =
        options.iter().filter(|o| !["--help", "--version"].contains(o) && !told.contains(&format!("`{o}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_message_is_told() {
    let told = readme();
    let codes = codes();
    assert!(codes.contains("E_UTF8") && codes.contains("W_NAME"));
    let missing: Vec<_> = codes.iter().filter(|code| !told.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Names of messages in the program's sources, their tests left out.
fn codes() -> BTreeSet<String> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![support::repository("src")]);
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let program = text.split("#[cfg(test)]").next().unwrap_or_default();
            found.extend(program.split('"').filter(|word| is_code(word)).map(str::to_string));
        }
    }
    found
}

fn is_code(word: &str) -> bool {
    let capital = |text: &str| {
        text.len() > 1 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    word.strip_prefix("E_").or(word.strip_prefix("W_")).is_some_and(capital)
}

#[test]
fn every_field_flag_file_and_exit_code_is_told() {
    let told = readme();
    let columns = precode::store::rows::CODING_COLUMNS.map(String::from);
    let flags = precode::coding::Flag::ALL.map(|flag| flag.name().to_string());
    for name in columns.iter().chain(&flags).chain(&["evidence".to_string(), "attributes".to_string()]) {
        assert!(told.contains(&format!("`{name}`")), "{name}");
    }
    for file in precode::store::layout::PUBLISHED {
        assert!(told.contains(file), "{file}");
    }
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 11 |", "| 12 |", "| 130, 143 |"] {
        assert!(told.contains(code), "{code}");
    }
}

#[test]
fn paths_that_the_manual_names_exist() {
    let told = readme();
    for word in told.split(|c: char| c.is_whitespace() || "`()|,;".contains(c)) {
        let is_source = word.starts_with("src/") || word.starts_with("tests/") || word.starts_with(".ci/");
        let path: PathBuf = support::repository(word.trim_end_matches(['.', ':']));
        assert!(!is_source || path.exists(), "{word}");
    }
}
