//! What every test here needs around a server: programs, a temporary folder, certificates, ports, deadlines.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Nothing that a test waits for takes this long on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A folder of its own for one server, removed with the guard.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Servers that drop to another user still have to read what is in it, hence 0755.
    pub(crate) fn new(name: &str) -> Self {
        Self::within(&std::env::temp_dir(), name, 0o755)
    }

    /// For a region of shared sessions: it has to lie on such a filesystem, out of everybody else's reach.
    pub(crate) fn private(name: &str) -> Self {
        Self::within(Path::new("/dev/shm"), name, 0o700)
    }

    fn within(parent: &Path, name: &str, mode: u32) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("tls-server-{}-{number}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap_or_else(|e| panic!("cannot make {}: {e}", path.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set the folder's mode");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        path
    }

    /// Certificate and key of `localhost`, in one file as most servers like it.
    pub(crate) fn write_certificate(&self) -> PathBuf {
        self.write("server.pem", certificate())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A self-signed ECDSA P-256 certificate and its key (PEM), made once a run.
pub(crate) fn certificate() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| make_certificate("localhost"))
}

pub(crate) fn make_certificate(name: &str) -> String {
    let folder = Folder::new("certificate");
    let (key, cert) = (folder.path().join("key.pem"), folder.path().join("cert.pem"));
    let mut openssl = Command::new(find_program("openssl"));
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    openssl.args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{name}")]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&cert);
    run_tool(&mut openssl);
    let read = |path: &Path| fs::read_to_string(path).expect("read what openssl req wrote");
    read(&cert) + &read(&key)
}

/// Runs a tool that must succeed and returns what it printed.
pub(crate) fn run_tool(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .env_remove("LD_PRELOAD")
        .output()
        .unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {}\n{printed}{complaint}", output.status);
    printed
}

/// Finds an installed program by name; daemons are often outside an ordinary user's PATH.
pub(crate) fn find_program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/bin")]);
    folders
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: run `scripts/install-deps.sh servers`"))
}

/// Debian's own interpreter, whatever others stand before it in PATH: those may bring a libssl of their own.
pub(crate) fn system_program(name: &str) -> PathBuf {
    let path = Path::new("/usr/bin").join(name);
    assert!(path.is_file(), "{} is not installed: run `scripts/install-deps.sh servers`", path.display());
    path
}

/// Root has to name the user that a server's workers become; anybody else cannot.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Whether to go on with a test of a server that only root can start; says so if not.
pub(crate) fn needs_root(what: &str) -> bool {
    if !is_root() {
        let _ =
            std::io::stdout().write_all(format!("{what}: left out, for only root can start it\n").as_bytes());
    }
    is_root()
}

/// The library under test, as an absolute path.
pub(crate) fn library() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/libsesscache.so");
    let path = std::env::var_os("SESSCACHE_LIB").map_or(default, PathBuf::from);
    fs::canonicalize(&path).unwrap_or_else(|e| {
        panic!("no library at {} ({e}): run `make`, or set SESSCACHE_LIB to the .so to test", path.display())
    })
}

/// The folder of another libssl for the servers to run on, with and without the library: `SESSCACHE_SERVERS_LIBSSL` names
/// it, or a build in `target/openssl`.
pub(crate) fn other_libssl() -> Option<PathBuf> {
    let wanted = std::env::var_os("SESSCACHE_SERVERS_LIBSSL").filter(|name| !name.is_empty())?;
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/openssl").join(&wanted).join("lib");
    let folder = if built.is_dir() { built } else { PathBuf::from(&wanted) };
    let folder = fs::canonicalize(&folder);
    Some(folder.unwrap_or_else(|e| panic!("no libssl at SESSCACHE_SERVERS_LIBSSL={}: {e}", wanted.display())))
}

/// The `openssl` program: the one that came with the other libssl, since only one of 3.x could run the system's.
pub(crate) fn openssl_program() -> PathBuf {
    let own = other_libssl().map(|folder| folder.with_file_name("bin").join("openssl"));
    own.filter(|program| program.is_file()).unwrap_or_else(|| system_program("openssl"))
}

/// An address on loopback that nobody listened on a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free loopback port");
    listener.local_addr().expect("the listener's address")
}

/// Asks again every few milliseconds until there is an answer or the deadline passes.
pub(crate) fn poll<T>(deadline: Duration, mut question: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = question() {
            return Some(answer);
        }
        if start.elapsed() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
