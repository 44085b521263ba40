//! The few lines that an operator may read. Never session bytes, never a panic message on a socket.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use once_cell::race::OnceBox;

/// How urgent a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Something of ours broke; the process goes on as if we were not there.
    Error,
    /// The operator asked for something that cannot be had.
    Warn,
    /// What is in force.
    Info,
    /// Single decisions, for a developer.
    Debug,
}

impl Level {
    pub(crate) fn parse(text: &str) -> Option<Level> {
        match text {
            "error" => Some(Level::Error),
            "warn" => Some(Level::Warn),
            "info" => Some(Level::Info),
            "debug" => Some(Level::Debug),
            _ => None,
        }
    }
}

/// Where the lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Off,
    Stderr,
    File(PathBuf),
}

struct Log {
    level: Level,
    sink: Sink,
}

enum Sink {
    Off,
    /// The file behind descriptor 2 when we first looked: (device, inode).
    Stderr(Option<(u64, u64)>),
    File(File),
}

static LOG: OnceBox<Log> = OnceBox::new();

/// Opens the log. Only the first call counts.
pub(crate) fn open(target: &Target, level: Level) {
    let sink = match target {
        Target::Off => Sink::Off,
        Target::Stderr => Sink::Stderr(stderr_now().map(|(_, identity)| identity)),
        Target::File(path) => match OpenOptions::new().append(true).create(true).mode(0o600).open(path) {
            Ok(file) => Sink::File(file),
            Err(_) => Sink::Stderr(stderr_now().map(|(_, identity)| identity)),
        },
    };
    let _ = LOG.set(Box::new(Log { level, sink }));
}

/// Writes one line, or nothing where nobody listens. Never fails, never blocks on a lock.
pub(crate) fn write(level: Level, message: &str) {
    let Some(log) = LOG.get() else { return };
    if level > log.level {
        return;
    }
    let line = format!("sesscache[{}]: {message}\n", std::process::id());
    match &log.sink {
        Sink::Off => {}
        Sink::Stderr(then) => {
            // A server that daemonized may have put a socket at descriptor 2 since.
            if let Some((mut file, _)) = stderr_now().filter(|(_, now)| Some(*now) == *then) {
                let _ = file.write_all(line.as_bytes());
            }
        }
        Sink::File(file) => {
            let mut file = file;
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// Descriptor 2 under a number of our own (std's handle has a lock, which a fork may have left held).
fn stderr_now() -> Option<(File, (u64, u64))> {
    let file = File::from(std::io::stderr().as_fd().try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok()?;
    Some((file, (metadata.dev(), metadata.ino())))
}
