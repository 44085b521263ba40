//! Relays, with a real Redis: what travels between machines, and what happens when anything in between fails.
//!
//! A machine is a region and its relay. `SESSCACHE_FLEET=long` has the tests do more of it (`make check-fleet`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod carry;
mod faults;
mod handshakes;
mod hosts;
mod redis;
mod security;
mod servers;
mod speed;

use std::env;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sesscache::tools::{Look, Region, Relay, Which};

pub(crate) use redis::Redis;

/// Whether there is time for more.
pub(crate) fn is_long() -> bool {
    env::var("SESSCACHE_FLEET").is_ok_and(|value| value == "long")
}

/// Whether a test is one for `make check-fleet` alone, as most of its time goes by in waiting for servers that are out of reach.
pub(crate) fn is_put_off(test: &str) -> bool {
    if !is_long() {
        // Past the test harness, which shows nothing of a test that passes.
        let _ = writeln!(std::io::stderr(), "fleet: {test} is left to make check-fleet");
    }
    !is_long()
}

/// A folder on memory that goes away.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/dev/shm/sesscache-fleet-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Machines that have the same keys, and a server between them.
pub(crate) struct Fleet {
    pub(crate) redis: Redis,
    pub(crate) folder: Folder,
    /// What every relay is told.
    pub(crate) options: Vec<String>,
}

pub(crate) struct Machine {
    pub(crate) region: Region,
    pub(crate) relay: Process,
    pub(crate) path: String,
    pub(crate) log: String,
}

impl Fleet {
    pub(crate) fn new() -> Fleet {
        Fleet::with(Redis::start(&[]))
    }

    pub(crate) fn with(redis: Redis) -> Fleet {
        let folder = Folder::new();
        let keys = folder.path("keys");
        let made =
            Command::new(env!("CARGO_BIN_EXE_sesscache")).args(["keys", "new", &keys]).output().unwrap();
        assert!(made.status.success());
        Fleet { redis, folder, options: Vec::new() }
    }

    pub(crate) fn region(&self, name: &str, size: &str) -> Region {
        let (path, keys) = (self.folder.path(name), self.folder.path("keys"));
        let value = move |name: &str| match name {
            "SESSCACHE_SHARED" => Some(format!("{path}:{size}")),
            "SESSCACHE_KEY_FILE" => Some(keys.clone()),
            _ => None,
        };
        Region::open(value).unwrap()
    }

    pub(crate) fn machine(&self, name: &str) -> Machine {
        self.machine_of(name, "8M")
    }

    pub(crate) fn machine_of(&self, name: &str, size: &str) -> Machine {
        let region = self.region(name, size);
        let relay = self.relay(name);
        let (path, log) = (self.folder.path(name), self.folder.path(&format!("{name}.log")));
        Machine { region, relay, path, log }
    }

    /// A relay for the region of this name, which adds to this name's log.
    pub(crate) fn relay(&self, name: &str) -> Process {
        Process::start(self.relay_command(name))
    }

    pub(crate) fn relay_command(&self, name: &str) -> Command {
        let log = File::options().create(true).append(true).open(self.folder.path(&format!("{name}.log")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_sesscache"));
        command.args(["relay", "--region", &self.folder.path(name), "--redis", &self.redis.url()]);
        command.args(&self.options).env("LC_ALL", "C").stdin(Stdio::null()).stderr(log.unwrap());
        command
    }
}

impl Machine {
    pub(crate) fn put(&self, number: u64) {
        self.put_der(number, &der(number));
    }

    pub(crate) fn put_der(&self, number: u64, der: &[u8]) {
        assert!(self.region.put(&id(number), der, 3600, false));
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.region.get(&id(number), false).is_some_and(|found| found == der(number))
    }

    pub(crate) fn remove(&self, number: u64) {
        self.region.remove(&id(number));
    }

    pub(crate) fn told(&self) -> Relay {
        Look::at(&Which::File(self.path.clone().into())).unwrap().report(0).relay.unwrap()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// How many of these it has.
    pub(crate) fn count(&self, numbers: impl Iterator<Item = u64>) -> usize {
        numbers.filter(|number| self.has(*number)).count()
    }

    #[track_caller]
    pub(crate) fn will_have(&self, number: u64) {
        eventually(&format!("{} has session {number}\n{}", self.path, self.log()), || self.has(number));
    }

    #[track_caller]
    pub(crate) fn will_say(&self, what: &str) {
        eventually(&format!("{} says {what:?}", self.path), || self.log().contains(what));
    }
}

/// They still find each other's sessions.
#[track_caller]
pub(crate) fn are_well(one: &Machine, other: &Machine, number: u64) {
    one.put(number);
    other.put(number + 1);
    other.will_have(number);
    one.will_have(number + 1);
}

pub(crate) fn id(number: u64) -> [u8; 32] {
    let mut id = [0; 32];
    id.as_chunks_mut().0.iter_mut().for_each(|bytes: &mut [u8; 8]| *bytes = number.to_le_bytes());
    id
}

pub(crate) fn der(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(30)
}

/// Waits for something that must happen.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "it does not come to pass: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A process that is ended with its guard.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(mut command: Command) -> Process {
        Process(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    pub(crate) fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: a child of ours that was not waited for, so the number is its own.
        assert_eq!(unsafe { libc::kill(self.pid(), signal) }, 0);
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to end; how it did.
    pub(crate) fn end(&mut self) -> i32 {
        self.signal(libc::SIGTERM);
        self.wait()
    }

    #[track_caller]
    pub(crate) fn wait(&mut self) -> i32 {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has ended a moment later.
    pub(crate) fn wait_a_moment(&mut self) -> bool {
        std::thread::sleep(Duration::from_millis(100));
        !self.runs()
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn exists(program: &str) -> bool {
    env::split_paths(&env::var("PATH").unwrap()).any(|folder| Path::new(&folder).join(program).exists())
}
