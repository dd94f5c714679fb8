//! A review under strace: system calls are watched, or made to fail.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// False, with the reason printed, where there is no strace.
pub fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    assert!(found || std::env::var_os("PRECODE_REQUIRE_STRACE").is_none(), "strace is required");
    if !found {
        println!("skipped: no strace here, so no system call is watched or made to fail");
    }
    found
}

/// `precode review` under strace, for the coder ana, without a blind share.
pub struct Traced {
    child: Child,
    root: PathBuf,
    pub port: u16,
    pub key: String,
}

impl Traced {
    pub fn start(root: &Path, trace: &Path, options: &[&str]) -> Self {
        let mut child = Command::new("strace")
            .args(["-f", "-qq"])
            .args(options)
            .arg("-o")
            .arg(trace)
            .arg(env!("CARGO_BIN_EXE_precode"))
            .args(["review", "--no-open", "--print-link", "--coder", "ana", "--blind-share", "0"])
            .arg(root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let link = lines.find_map(|line| {
            Some(line.split_once("http://127.0.0.1:")?.1.to_owned()).filter(|l| l.contains("#key="))
        });
        let link = link.expect("a link");
        let (port, key) = link.split_once("/#key=").unwrap();
        // Whoever closes the pipe first must not matter.
        std::thread::spawn(move || lines.for_each(drop));
        Traced { child, root: root.to_owned(), port: port.parse().unwrap(), key: key.to_owned() }
    }

    /// The program that strace runs.
    fn pid(&self) -> String {
        let lock = std::fs::read_to_string(self.root.join(".review/.lock")).unwrap_or_default();
        lock.trim_start_matches("process ").split(',').next().unwrap_or_default().to_owned()
    }

    /// SIGTERM to the program; gives its exit code.
    pub fn stop(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.pid()).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Traced {
    /// A test that fails leaves no server behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-9", &self.pid()]).status();
            let _ = self.child.wait();
        }
    }
}
