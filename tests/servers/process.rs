//! One running server: started with or without the library, watched, and ended by its own process group.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::support::{Folder, PATIENCE, free_address, library, other_libssl, poll};

/// The same program, alone or under `LD_PRELOAD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side<'a> {
    Stock,
    Preloaded,
    /// Preloaded, with these variables, which make it share sessions.
    Shared(&'a [(&'static str, String)]),
}

/// Makes the command, once it is known which folder to use and which address to listen on.
type Launch = dyn Fn(&Folder, SocketAddr) -> Command;

/// How to run one server program.
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) command: Box<Launch>,
    pub(crate) ready: Ready,
    pub(crate) stop: Stop,
}

pub(crate) enum Ready {
    /// A TCP connection is accepted.
    Listening,
    /// So many sockets listen on its port, one of each process.
    Sockets(usize),
    /// This text stands in the log: for programs that count their connections.
    Says(&'static str),
}

#[derive(Clone, Copy)]
pub(crate) enum Stop {
    Signal(libc::c_int),
    /// The program ends its processes upon this signal and then lets it end itself.
    DiesOf(libc::c_int),
    /// The program has been told how many connections to serve.
    ByItself,
}

pub(crate) struct Server<'a> {
    leader: Child,
    folder: Folder,
    stop: Stop,
    pub(crate) address: SocketAddr,
    pub(crate) side: Side<'a>,
}

impl<'a> Server<'a> {
    /// Starts it and waits until it serves. A port that somebody else took in the meantime is worth another try.
    pub(crate) fn start(recipe: &Recipe, side: Side<'a>) -> Self {
        // Without a library there is nothing to compare: say so before anything is started.
        library();
        let mut attempts = 1;
        loop {
            match Self::try_start(recipe, side) {
                Ok(server) => return server,
                Err(log) if attempts < 3 && log.to_lowercase().contains("in use") => attempts += 1,
                Err(log) => panic!("{} ({side:?}) does not start:\n{log}", recipe.name),
            }
        }
    }

    fn try_start(recipe: &Recipe, side: Side<'a>) -> Result<Self, String> {
        let folder = Folder::new("server");
        let address = free_address();
        let mut command = (recipe.command)(&folder, address);
        let log = File::create(folder.path().join("output.log")).expect("create the output log");
        command.stdin(Stdio::null()).stderr(log.try_clone().expect("second handle of the log")).stdout(log);
        isolate(&mut command, side);
        let leader = command.spawn().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        let mut server = Self { leader, folder, stop: recipe.stop, address, side };
        if !server.becomes_ready(&recipe.ready) {
            return Err(server.log());
        }
        server.check_mapping();
        Ok(server)
    }

    fn becomes_ready(&mut self, ready: &Ready) -> bool {
        let outcome = poll(PATIENCE, || {
            let serves = match ready {
                Ready::Listening => TcpStream::connect(self.address).is_ok(),
                Ready::Sockets(count) => listening_on(self.address.port()) == *count,
                Ready::Says(text) => self.log().contains(text),
            };
            let gone = self.leader.try_wait().expect("ask for the server's state").is_some();
            (serves || gone).then_some(serves && !gone)
        });
        outcome.unwrap_or(false)
    }

    /// The library is in every process of the server, or in none: else a test would compare stock with stock.
    pub(crate) fn check_mapping(&self) {
        // HAProxy's master starts itself anew: in the middle of an exec a process has no map yet, or half of one.
        let as_wanted = || self.processes().into_iter().all(|pid| is_as_wanted(pid, self.side));
        let settled = poll(PATIENCE, || as_wanted().then_some(()));
        assert!(settled.is_some(), "{:?}: some process has the wrong libraries mapped", self.side);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's processes, the first one and all that it has started.
    pub(crate) fn processes(&self) -> BTreeSet<u32> {
        let entries = fs::read_dir("/proc").expect("list /proc").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| process_group(*pid) == Some(self.leader.id())).collect()
    }

    /// The server's processes without the first one.
    pub(crate) fn workers(&self) -> BTreeSet<u32> {
        let mut workers = self.processes();
        workers.remove(&self.leader.id());
        workers
    }

    pub(crate) fn signal(&self, signal: libc::c_int) {
        send_signal(self.leader.id(), signal);
    }

    /// Waits until all processes but the first one have been replaced by others: the old ones serve as long as they live.
    pub(crate) fn reload(&self, signal: libc::c_int) {
        let started = || Some(self.workers()).filter(|workers| !workers.is_empty());
        let old = poll(PATIENCE, started).expect("the server has processes");
        self.signal(signal);
        let replaced = poll(PATIENCE, || {
            let now = self.workers();
            (now.len() >= old.len() && now.is_disjoint(&old)).then_some(())
        });
        assert!(replaced.is_some(), "{:?}: the processes are not replaced:\n{}", self.side, self.log());
        self.check_mapping();
    }

    /// Everything that the server wrote: its output and each `*.log` in its folder.
    pub(crate) fn log(&self) -> String {
        let entries = fs::read_dir(self.folder.path()).expect("list the server's folder").flatten();
        let logs = entries.map(|e| e.path()).filter(|path| path.extension().is_some_and(|e| e == "log"));
        logs.map(|path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()).collect()
    }

    /// Ends it as its manual says, waits for all of its processes and checks that nothing went wrong.
    pub(crate) fn stop(mut self) -> Ending {
        // Dovecot writes its log by a process that is ended with the others: what that has not read by then is lost.
        let served = || (self.side == Side::Stock || self.log().contains(SERVES)).then_some(());
        let _ = poll(PATIENCE, served);
        if let Stop::Signal(signal) | Stop::DiesOf(signal) = self.stop {
            self.signal(signal);
        }
        let status = poll(PATIENCE, || self.leader.try_wait().expect("ask for the server's state"));
        let status = status.unwrap_or_else(|| panic!("{:?}: does not stop:\n{}", self.side, self.log()));
        let all_gone = poll(PATIENCE, || self.processes().is_empty().then_some(()));
        let log = self.log();
        assert!(all_gone.is_some(), "{:?}: processes are left behind:\n{log}", self.side);
        check_log(&log, self.side);
        Ending { status, log, stop: self.stop }
    }
}

impl Drop for Server<'_> {
    /// Whatever happened, no process of the server stays: they share a process group that was made for them.
    fn drop(&mut self) {
        let _ = self.leader.kill();
        let _ = self.leader.wait();
        // Again until none is left: one may have been forked while the others were counted.
        let _ = poll(PATIENCE, || {
            let left = self.processes();
            left.iter().for_each(|pid| send_signal(*pid, libc::SIGKILL));
            left.is_empty().then_some(())
        });
    }
}

/// How a server ended.
pub(crate) struct Ending {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
    stop: Stop,
}

impl Ending {
    /// No signal ended it, and it is content with itself.
    pub(crate) fn check_clean(&self, name: &str, side: Side) {
        if let Stop::DiesOf(signal) = self.stop {
            assert_eq!(
                self.status.signal(),
                Some(signal),
                "{name} ({side:?}) ended otherwise:\n{}",
                self.log
            );
            return;
        }
        assert_eq!(self.status.signal(), None, "{name} ({side:?}) died of a signal:\n{}", self.log);
        assert_eq!(self.status.code(), Some(0), "{name} ({side:?}) ended with an error:\n{}", self.log);
    }
}

/// The words of a crash, in the language of these servers, of glibc and of Rust; and whatever our library has to say
/// beyond that it serves, for in these runs nothing else is to be said.
const ALARMS: [&str; 11] = [
    "signal 11",
    "signal 6",
    "exited on signal",
    "exit signal",
    "terminated by signal",
    "egmentation",
    "core dumped",
    "free(): ",
    "corrupt",
    "panicked",
    "sesscache",
];

/// What the library writes, at level info, when it takes over a process's first context.
const SERVES: &str = "serving session caches";

/// What it writes in a program whose sessions have data that a copy would lack.
pub(crate) const NONE_IS_SHARED: &str = "none is shared";

const EXPECTED: [&str; 2] = [SERVES, NONE_IS_SHARED];

fn check_log(log: &str, side: Side) {
    let expected = |line: &str| EXPECTED.iter().any(|words| line.contains(words));
    let alarms = |line: &str| ALARMS.iter().any(|alarm| line.contains(alarm)) && !expected(line);
    let alarming = log.lines().find(|line| alarms(line));
    assert_eq!(alarming, None, "{side:?}: the log speaks of a crash:\n{log}");
    assert_eq!(
        log.contains(SERVES),
        side != Side::Stock,
        "{side:?}: did the library serve this program?\n{log}"
    );
}

/// A clean environment, a process group, and an end with the thread that started it.
/// Has a command run on this side, with nothing of this test's own environment.
pub(crate) fn isolate(command: &mut Command, side: Side) {
    let own_settings =
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SESSCACHE_"));
    own_settings.for_each(|(name, _)| {
        command.env_remove(name);
    });
    command.env("LC_ALL", "C").env_remove("LD_PRELOAD").process_group(0);
    if let Some(folder) = other_libssl() {
        command.env("LD_LIBRARY_PATH", before(folder, command));
    }
    if side != Side::Stock {
        command.env("LD_PRELOAD", library());
        if variable(command, "SESSCACHE_LOG").is_none() {
            command.env("SESSCACHE_LOG", "stderr:info");
        }
    }
    if let Side::Shared(variables) = side {
        command.envs(variables.iter().map(|(name, value)| (name, value)));
    }
    let end_with_us = || {
        // SAFETY: one system call without pointers.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) };
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes that one call and allocates nothing.
    unsafe { command.pre_exec(end_with_us) };
}

/// What the recipe has set itself.
fn variable(command: &Command, name: &str) -> Option<OsString> {
    let value = command.get_envs().find(|(known, _)| *known == name)?.1?;
    Some(value.to_owned())
}

/// This folder, and behind it those that the program needs for itself.
fn before(folder: PathBuf, command: &Command) -> OsString {
    let mut folders = folder.into_os_string();
    if let Some(own) = variable(command, "LD_LIBRARY_PATH") {
        folders.push(":");
        folders.push(own);
    }
    folders
}

fn send_signal(pid: u32, signal: libc::c_int) {
    let pid = libc::pid_t::try_from(pid).expect("a process id");
    // SAFETY: kill takes no pointers; the process is one that this test started.
    unsafe { libc::kill(pid, signal) };
}

/// Whether a process has mapped what it should and not what it should not; true of one that has ended.
fn is_as_wanted(pid: u32, side: Side) -> bool {
    let Ok(maps) = fs::read_to_string(format!("/proc/{pid}/maps")) else { return true };
    let ours = maps.contains(library().to_str().expect("the library's path is text"));
    // Not every process of a server has a libssl at all.
    let libssl = other_libssl().map(|folder| format!("{}/libssl.so", folder.display()));
    let foreign =
        |line: &str| libssl.as_ref().is_some_and(|own| line.contains("/libssl.so") && !line.contains(own));
    ours == (side != Side::Stock) && !maps.lines().any(foreign)
}

/// The sockets that listen on a port, by /proc/net/tcp: "number: address:port peer:port state …", in hexadecimal.
fn listening_on(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").expect("read the table of sockets");
    let port = format!(":{port:04X}");
    let listens = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|local| local.ends_with(&port)) && words.nth(1) == Some("0A")
    };
    table.lines().filter(listens).count()
}

/// The group of a process that has not ended, by /proc/PID/stat: "pid (name) state parent group …".
fn process_group(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let (state, group) = (fields.next()?, fields.nth(1)?);
    (state != "Z").then(|| group.parse().ok())?
}
