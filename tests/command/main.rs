//! The `sesscache` command, as a person types it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod doctor;
mod help;
mod keys;
mod region;
mod relay;
mod run;

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sesscache::tools::Region;

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sesscache"));
    command.args(arguments).env("LC_ALL", "C").env_remove("LD_PRELOAD").stdin(Stdio::null());
    command
}

/// The library that the tests put into processes.
pub(crate) fn library() -> String {
    let path = env::var("SESSCACHE_LIB").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/libsesscache.so").to_owned()
    });
    assert!(Path::new(&path).is_file(), "{path} is missing: run make");
    path
}

/// What a command said, and how it ended.
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Said {
    fn of(output: Output) -> Said {
        Said {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

pub(crate) fn say(command: &mut Command) -> Said {
    Said::of(command.output().unwrap())
}

/// Runs it; it must succeed and complain of nothing.
#[track_caller]
pub(crate) fn good(arguments: &[&str]) -> String {
    let said = say(&mut command(arguments));
    assert!(said.code == 0 && said.err.is_empty(), "{arguments:?}: {} {}{}", said.code, said.out, said.err);
    said.out
}

/// Runs it; it must fail with one line that tells all of this.
#[track_caller]
pub(crate) fn bad(arguments: &[&str], wanted: &[&str]) {
    let said = say(&mut command(arguments));
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{arguments:?}: {}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    for text in wanted.iter().chain(&["sesscache: "]) {
        assert!(said.err.contains(text), "{arguments:?}: {text:?} is not in {:?}", said.err);
    }
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").map(|found| std::os::unix::fs::MetadataExt::uid(&found)).unwrap() == 0
}

/// A folder on memory that goes away.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/dev/shm/sesscache-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Compiles a C program.
    pub(crate) fn compile(&self, source: &str, flags: &[&str]) -> String {
        let (code, program) = (self.write("program.c", source, 0o600), self.path("program"));
        let mut cc = Command::new("cc");
        cc.args(["-o", &program, &code]).args(flags);
        let said = say(&mut cc);
        assert_eq!(said.code, 0, "{}", said.err);
        program
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A region that this process uses.
pub(crate) fn region(path: &str, scope: &str) -> Region {
    let value = |name: &str| match name {
        "SESSCACHE_SHARED" => Some(format!("{path}:1M")),
        "SESSCACHE_SCOPE" => Some(scope.to_owned()),
        _ => None,
    };
    Region::open(value).unwrap()
}

/// A process that is ended with its guard.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        Running(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> String {
        self.0.id().to_string()
    }

    /// Waits for a line that it prints.
    pub(crate) fn wait_for(&mut self, wanted: &str) {
        use std::io::{BufRead, BufReader};
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(wanted)), "it ended before it said {wanted:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
