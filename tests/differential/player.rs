//! The player: compiled for a libssl, running as a process that plays one program after the other.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::common::libssl::Libssl;
use crate::common::{cc, process, target};

/// The player ends a program after 20 seconds. If it does not even do that it has failed itself.
const SILENCE_MS: i32 = 60_000;
const COMPILER_LIMIT: Duration = Duration::from_secs(120);

/// The folder of the executables, and of the programs that made a difference.
pub(crate) fn folder() -> PathBuf {
    target().join("differential")
}

/// Compiles the player unless it is newer than its sources. One at a time: several trials want the same one.
pub(crate) fn executable(libssl: &Libssl) -> Result<PathBuf, String> {
    static COMPILING: Mutex<()> = Mutex::new(());
    let _compiling = COMPILING.lock().unwrap_or_else(PoisonError::into_inner);
    let sources = sources()?;
    let output = folder().join(&libssl.name).join("player");
    let newest = sources.iter().filter_map(|path| modified(path)).max();
    if modified(&output) > newest {
        return Ok(output);
    }
    let fail = |error| format!("cannot write {}: {error}", output.display());
    fs::create_dir_all(output.parent().unwrap_or(&output)).map_err(fail)?;
    let fresh = output.with_extension(format!("new-{}", std::process::id()));
    compile(&sources, libssl, &fresh)?;
    fs::rename(&fresh, &output).map_err(fail)?;
    Ok(output)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

fn sources() -> Result<Vec<PathBuf>, String> {
    let harness = cc::sources().join("harness");
    let mut sources = cc::files(&cc::sources().join("differential"))?;
    sources.extend(["certificates.c", "facts.c", "certificates.h", "facts.h"].map(|name| harness.join(name)));
    Ok(sources)
}

fn compile(sources: &[PathBuf], libssl: &Libssl, output: &Path) -> Result<(), String> {
    let mut command = cc::compiler(Path::new("player.c"), libssl);
    command.args(sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "c")));
    // The clock of the player is exported, so that libssl finds it.
    command.arg("-rdynamic");
    if let Some(lib) = libssl.lib() {
        command.arg("-L").arg(lib);
    }
    command.args(["-lssl", "-lcrypto", "-o"]).arg(output);
    let outcome = process::run(&mut command, COMPILER_LIMIT)?;
    if outcome.success() {
        return Ok(());
    }
    Err(format!("the compiler {}:\n{}\ncommand: {command:?}", outcome.ending(), outcome.stderr))
}

/// Whether the player looks if the callbacks that were set are read back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Getters {
    Watched,
    Ignored,
}

/// A running player. Its process ends with it.
pub(crate) struct Player {
    process: Child,
    programs: ChildStdin,
    traces: BufReader<ChildStdout>,
}

impl Player {
    pub(crate) fn start(libssl: &Libssl, preload: Option<&Path>, getters: Getters) -> Result<Player, String> {
        let mut command = Command::new(executable(libssl)?);
        command.env_clear().env("LC_ALL", "C").env("OPENSSL_CONF", "/dev/null");
        // Memory that was freed is overwritten, so that a use after free shows.
        command.env("MALLOC_PERTURB_", "165");
        if getters == Getters::Ignored {
            command.env("PLAYER_IGNORES_GETTERS", "1");
        }
        if let Some(lib) = libssl.lib() {
            command.env("LD_LIBRARY_PATH", lib);
        }
        if let Some(library) = preload {
            command.env("LD_PRELOAD", library);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let programs = process.stdin.take().ok_or("the player has no standard input")?;
        let traces = BufReader::new(process.stdout.take().ok_or("the player has no standard output")?);
        Ok(Player { process, programs, traces })
    }

    /// Hands it a program. The trace is to be read before the next one.
    pub(crate) fn begin(&mut self, program: &str) -> Result<(), String> {
        self.programs
            .write_all(format!("{program}run\n").as_bytes())
            .and_then(|()| self.programs.flush())
            .map_err(|error| format!("the player does not listen: {error}"))
    }

    pub(crate) fn trace(&mut self) -> Result<String, String> {
        let mut trace = String::new();
        let mut line = Vec::new();
        loop {
            self.wait()?;
            line.clear();
            let count = self.traces.read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
            if count == 0 {
                return Err(format!("the player ended in the midst of a program:\n{trace}"));
            }
            if line == b"done\n" {
                return Ok(trace);
            }
            trace.push_str(&String::from_utf8_lossy(&line));
        }
    }

    fn wait(&mut self) -> Result<(), String> {
        if !self.traces.buffer().is_empty() {
            return Ok(());
        }
        let mut poll =
            libc::pollfd { fd: self.traces.get_ref().as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: poll looks at one pollfd, which lives here.
        if unsafe { libc::poll(&raw mut poll, 1, SILENCE_MS) } == 0 {
            return Err("the player has said nothing for a minute".to_owned());
        }
        Ok(())
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Nothing is lost by that: it keeps nothing, and its children end by their alarm.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
