//! The few lines that an operator may read. Never session bytes, never a panic message on a socket.

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

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

/// How a line is written to somebody else's descriptor: without a signal, and without waiting.
pub(crate) type Writer = fn(&File, &[u8]);

struct Log {
    level: Level,
    sink: Sink,
    writer: Writer,
}

enum Sink {
    Off,
    /// Empty until somebody looks at it.
    Stderr(OnceBox<Identity>),
    File(File, Identity),
}

/// What was behind a descriptor when we first looked: device and inode. A server that closes or moves its
/// descriptors may have put a client's socket there since.
type Identity = Option<(u64, u64)>;

static LOG: OnceBox<Log> = OnceBox::new();

/// Opens the log. Only the first call counts.
pub(crate) fn open(target: &Target, level: Level, writer: Writer) {
    let sink = match target {
        Target::Off => Sink::Off,
        Target::Stderr => Sink::Stderr(OnceBox::new()),
        Target::File(path) => open_file(path).map_or_else(
            || Sink::Stderr(OnceBox::new()),
            |file| {
                let identity = identity(&file);
                Sink::File(file, identity)
            },
        ),
    };
    let _ = LOG.set(Box::new(Log { level, sink, writer }));
}

/// Notes what is behind descriptor 2: not before the program makes use of libssl, for a server that logs to a file puts that
/// there while it starts.
pub(crate) fn look_at_stderr() {
    if let Some(Log { sink: Sink::Stderr(cell), .. }) = LOG.get() {
        stderr_then(cell);
    }
}

fn stderr_then(cell: &OnceBox<Identity>) -> Identity {
    *cell.get_or_init(|| Box::new(stderr_now().as_ref().and_then(identity)))
}

/// A fifo that nobody reads is an error here, not a wait.
fn open_file(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path).ok()
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
            if let Some(file) = stderr_now().filter(|file| identity(file) == stderr_then(then)) {
                (log.writer)(&file, line.as_bytes());
            }
        }
        Sink::File(file, then) => {
            if identity(file) == *then {
                (log.writer)(file, line.as_bytes());
            }
        }
    }
}

/// Descriptor 2 under a number of our own (std's handle has a lock, which a fork may have left held).
fn stderr_now() -> Option<File> {
    Some(File::from(std::io::stderr().as_fd().try_clone_to_owned().ok()?))
}

fn identity(file: &File) -> Identity {
    let metadata = file.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_again_and_another_is_not() {
        let (null, zero) = (File::open("/dev/null").unwrap(), File::open("/dev/zero").unwrap());
        assert_eq!(identity(&null), identity(&File::open("/dev/null").unwrap()));
        assert_ne!(identity(&null), identity(&zero));
    }
}
