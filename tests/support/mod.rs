//! For the tests of what is built and installed: a tool's output or a failed test, and a folder that goes
//! away.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]
#![allow(clippy::panic, reason = "a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::common::process;

/// Enough for a compiler on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a command that must succeed; its stdout and its stderr.
pub fn run(command: &mut Command) -> (String, String) {
    let outcome = process::run(command, LIMIT).unwrap_or_else(|message| panic!("{message}"));
    assert!(outcome.success(), "{command:?} {}\n{}{}", outcome.ending(), outcome.stdout, outcome.stderr);
    (outcome.stdout, outcome.stderr)
}

/// What a tool of binutils says, in plain English.
pub fn output(tool: &str, arguments: &[&str], file: &Path) -> String {
    run(Command::new(tool).env("LC_ALL", "C").args(arguments).arg(file)).0
}

/// A folder for one test, removed at its end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file into the folder and gives its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind if it cannot be removed: it lies under target/.
        let _ = fs::remove_dir_all(&self.0);
    }
}
