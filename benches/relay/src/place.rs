//! Two machines in a folder: regions, relays and a Redis.

use std::fs::{self, File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sesscache::tools::{Look, Region, Which};

use crate::Tools;

/// An ordinary TLS 1.2 session has about so many bytes.
pub const SESSION: usize = 190;

/// Ended with its guard.
pub struct Process(pub Child);

impl Process {
    pub fn start(command: &mut Command) -> Process {
        Process(command.stdin(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: a child that was not waited for, so the number is its own.
        unsafe { libc::kill(self.0.id().cast_signed(), signal) };
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // First asked: a server has others to end.
        self.signal(libc::SIGCONT);
        self.signal(libc::SIGTERM);
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if self.0.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Place {
    pub folder: PathBuf,
    pub port: u16,
    redis: Option<Process>,
}

impl Place {
    pub fn new(tools: &Tools) -> Place {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = PathBuf::from(format!("/dev/shm/relay-bench-{}-{number}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("its mode");
        let made = Command::new(&tools.command).arg("keys").arg("new").arg(folder.join("keys")).output();
        assert!(made.expect("the command runs").status.success());
        let port = free_port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(&folder).stdout(Stdio::null());
        let redis = Some(Process::start(&mut command));
        wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        Place { folder, port, redis }
    }

    pub fn redis(&self) -> &Process {
        self.redis.as_ref().expect("it runs")
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub fn region(&self, name: &str, size: &str) -> Region {
        let (place, keys) = (format!("{}:{size}", self.path(name)), self.path("keys"));
        let value = |name: &str| match name {
            "SESSCACHE_SHARED" => Some(place.clone()),
            "SESSCACHE_KEY_FILE" => Some(keys.clone()),
            _ => None,
        };
        Region::open(value).expect("a region")
    }

    pub fn relay(&self, tools: &Tools, name: &str) -> Process {
        let log = File::create(self.folder.join(format!("{name}.log"))).expect("a log");
        let mut command = Command::new(&tools.command);
        command.args(["relay", "--region", &self.path(name)]);
        command.args(["--redis", &format!("redis://127.0.0.1:{}", self.port)]).stderr(log);
        Process::start(&mut command)
    }

    pub fn relay_of(&self, name: &str) -> sesscache::tools::Relay {
        let look = Look::at(&Which::File(self.folder.join(name))).expect("a region");
        look.report(0).relay.expect("a relay")
    }

    /// The server's memory, in bytes.
    pub fn memory(&self) -> u64 {
        let port = self.port.to_string();
        let info = Command::new("redis-cli").args(["-p", &port, "info", "memory"]).output().expect("redis-cli");
        let info = String::from_utf8_lossy(&info.stdout).into_owned();
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.and_then(|number| number.trim().parse().ok()).expect("used_memory")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.redis = None;
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

pub fn wait(is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(300);
    while !is_so() {
        assert!(Instant::now() < until, "it does not come to pass");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn id(number: u64) -> [u8; 32] {
    let mut id = [0; 32];
    id.as_chunks_mut().0.iter_mut().for_each(|bytes: &mut [u8; 8]| *bytes = number.to_le_bytes());
    id
}

/// The middle one, and the one below which 99 of 100 are.
pub fn percentiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values.get((values.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
    (at(0.5), at(0.99))
}
