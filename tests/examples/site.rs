//! What a test of an example needs around it: a folder with a certificate, the programs, a client.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{self, root};
use crate::running::Running;
use crate::support::{Scratch, run};

/// How a program gets its session cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Stock,
    Linked,
    Preloaded,
}

pub(crate) const WAYS: [Way; 3] = [Way::Stock, Way::Linked, Way::Preloaded];
pub(crate) const VERSIONS: [&str; 2] = ["1.2", "1.3"];

pub(crate) struct Site {
    scratch: Scratch,
    program: PathBuf,
    client: PathBuf,
    way: Way,
    version: &'static str,
    /// What stands before the program on its command line.
    prefix: Vec<String>,
}

impl Site {
    /// Compiles `examples/PROGRAM.c` into a folder of its own. `store` is where it will keep its sessions.
    pub(crate) fn new(program: &str, way: Way, version: &'static str) -> Site {
        let scratch = Scratch::new(&format!("{program}-{way:?}-{version}-{}", unique()));
        let client = scratch.path().join("client");
        compile(&client, &[tests().join("client.c")], &["-lssl", "-lcrypto"]);
        let output = scratch.path().join(program);
        let sources = [program, "server", "sessions"].map(|name| root().join(format!("examples/{name}.c")));
        let libraries = libraries(program, way, &scratch);
        compile(&output, &sources, &libraries.iter().map(String::as_str).collect::<Vec<_>>());
        make_certificate(&scratch);
        Site { scratch, program: output, client, way, version, prefix: Vec::new() }
    }

    /// The same under another program, such as valgrind.
    pub(crate) fn under(mut self, prefix: &[&str]) -> Site {
        self.prefix = prefix.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.scratch.path()
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.scratch.path().join("store")
    }

    pub(crate) fn start(&self) -> Running {
        let program = self.program.display().to_string();
        let mut words = self.prefix.iter().cloned().chain([program]);
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).args(["cert.pem", "key.pem", "store"]).current_dir(self.scratch.path());
        command.env_remove("LD_PRELOAD").env("OPENSSL_CONF", "/dev/null");
        if self.way == Way::Preloaded {
            command.env("LD_PRELOAD", library());
        }
        Running::start(&mut command)
    }

    /// What a client says that visits, offering the session of its last visit.
    pub(crate) fn visit(&self, server: &Running) -> String {
        self.client(server, &[])
    }

    /// The same, broken off after the handshake. Waits until the server has noticed.
    pub(crate) fn drop_in(&self, server: &mut Running) -> String {
        let said = self.client(server, &["drop"]);
        while server.next_line().expect("a line about the broken connection") != "connection failed" {}
        said
    }

    fn client(&self, server: &Running, extra: &[&str]) -> String {
        let mut client = Command::new(&self.client);
        client.args([&server.port, self.version]).arg("session").args(extra);
        let (stdout, _) = run(client.current_dir(self.scratch.path()).env("OPENSSL_CONF", "/dev/null"));
        stdout.trim_end().to_owned()
    }

    /// The client forgets its session.
    pub(crate) fn forget(&self) {
        fs::remove_file(self.scratch.path().join("session")).expect("a session to forget");
    }

    /// What client and server both say of a full handshake.
    pub(crate) fn full(&self) -> String {
        format!("full | full handshake, TLSv{}", self.version)
    }

    /// The same for a resumed one.
    pub(crate) fn resumed(&self) -> String {
        format!("resumed | resumed, TLSv{}", self.version)
    }

    /// A tool of `tests/examples/`, compiled.
    pub(crate) fn tool(&self, name: &str, libraries: &[&str]) -> Command {
        let tool = self.scratch.path().join(name);
        compile(&tool, &[tests().join(format!("{name}.c"))], libraries);
        Command::new(tool)
    }

    /// The names in the store, sorted, if it is a folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.store()).expect("the store");
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The session files in the store.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.names()
            .iter()
            .filter(|name| name.ends_with(".session"))
            .map(|name| self.store().join(name))
            .collect()
    }
}

fn tests() -> PathBuf {
    root().join("tests/examples")
}

fn unique() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn library() -> PathBuf {
    common::library().unwrap_or_else(|message| panic!("{message}"))
}

/// As the comment at the top of each example says.
fn libraries(program: &str, way: Way, scratch: &Scratch) -> Vec<String> {
    let mut words = Vec::new();
    if way == Way::Linked {
        for name in ["libsesscache.so", "libsesscache.so.0"] {
            symlink(library(), scratch.path().join(name)).expect("a name for the linker");
        }
        let folder = scratch.path().display();
        words.extend([format!("-L{folder}"), format!("-Wl,-rpath,{folder}"), "-lsesscache".to_owned()]);
    }
    words.extend(["-lssl", "-lcrypto"].map(str::to_owned));
    if program == "sqlite_cache" {
        words.push("-lsqlite3".to_owned());
    }
    words
}

pub(crate) fn compile(output: &Path, sources: &[PathBuf], libraries: &[&str]) {
    let mut compiler = Command::new("cc");
    compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-o"]).arg(output);
    // The client's and the tools' calls that 3.4 deprecates are the ones that every version has.
    compiler.arg("-Wno-deprecated-declarations").arg("-I").arg(root().join("include"));
    run(compiler.args(sources).args(libraries));
}

fn make_certificate(scratch: &Scratch) {
    let mut openssl = Command::new("openssl");
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
    openssl.args(["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"]);
    run(openssl.current_dir(scratch.path()));
}
