//! `make install` into a folder of its own; then what a user does with the result: compile by pkg-config,
//! link, preload, remove.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::root;
use support::{Scratch, run};

/// Stores a session through the public calls and says whose functions were called.
const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#ifdef WITH_HEADER
#include <sesscache.h>
#else
#include <openssl/ssl.h>
#endif

static const char *home_of(void *function)
{
    Dl_info info;
    const char *slash;

    if (!dladdr(function, &info))
        return "?";
    slash = strrchr(info.dli_fname, '/');
    return slash ? slash + 1 : info.dli_fname;
}

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_SESSION *session = SSL_SESSION_new();
    int stored, removed;

    SSL_SESSION_set_protocol_version(session, TLS1_2_VERSION);
    SSL_SESSION_set1_id(session, (const unsigned char *)"an id", 5);
    stored = SSL_CTX_add_session(ctx, session);
    printf("stored %d, holds %ld\n", stored, SSL_CTX_sess_number(ctx));
    removed = SSL_CTX_remove_session(ctx, session);
    printf("removed %d, holds %ld\n", removed, SSL_CTX_sess_number(ctx));
    printf("by %s\n", home_of((void *)SSL_CTX_add_session));
#ifdef WITH_HEADER
    printf("version %s\n", sesscache_version());
#endif
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    return 0;
}
"#;

const FACTS: &str = "stored 1, holds 1\nremoved 1, holds 0\nby ";

/// An installation into a scratch folder, as a packager makes it.
struct Installed {
    scratch: Scratch,
    libdir: &'static str,
}

impl Installed {
    fn new(name: &str, libdir: &'static str) -> Self {
        let installed = Installed { scratch: Scratch::new(name), libdir };
        installed.make("install");
        installed
    }

    fn make(&self, goal: &str) {
        let library = common::library().unwrap_or_else(|message| panic!("{message}"));
        let mut make = Command::new("make");
        // Not those of a make that runs this test.
        make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS");
        make.arg("-C").arg(root()).arg(goal).arg("PREFIX=/usr/local").arg(format!("LIBDIR={}", self.libdir));
        make.arg(format!("LIB={}", library.display()));
        // The one that the tests build anyway.
        make.args(option_env!("CARGO_BIN_EXE_sesscache").map(|command| format!("COMMAND={command}")));
        make.arg(format!("DESTDIR={}", self.scratch.path().display()));
        run(&mut make);
    }

    fn path(&self, below: &str) -> PathBuf {
        self.scratch.path().join(below.trim_start_matches('/'))
    }

    fn lib(&self) -> PathBuf {
        self.path(self.libdir)
    }

    /// pkg-config, told that the prefix has moved into the scratch folder.
    fn pkg_config(&self, arguments: &[&str]) -> Vec<String> {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", self.lib().join("pkgconfig"));
        command.arg(format!("--define-variable=prefix={}", self.path("usr/local").display()));
        let (stdout, _) = run(command.args(arguments).arg("sesscache"));
        stdout.split_whitespace().map(str::to_owned).collect()
    }

    fn compile(&self, name: &str, arguments: &[String]) -> PathBuf {
        let source = self.scratch.write(&format!("{name}.c"), PROGRAM);
        let program = self.scratch.path().join(name);
        // -fPIC: the address of a function is then the one that is called, wherever it comes from.
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Wextra", "-Werror", "-fPIC", "-o"]).arg(&program).arg(&source);
        run(compiler.args(arguments).arg("-ldl"));
        program
    }
}

fn facts(program: &Path, variable: &str, value: &Path) -> String {
    let (stdout, stderr) = run(Command::new(program).env(variable, value));
    assert_eq!(stderr, "");
    stdout
}

fn crate_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o777
}

#[test]
fn puts_everything_in_its_place() {
    let installed = Installed::new("install-places", "/usr/local/lib");
    let lib = installed.lib();
    let real = format!("libsesscache.so.{}", crate_version());
    assert_eq!(fs::read_link(lib.join("libsesscache.so")).unwrap(), Path::new("libsesscache.so.0"));
    assert_eq!(fs::read_link(lib.join("libsesscache.so.0")).unwrap(), Path::new(&real));
    assert_eq!(mode(&lib.join(&real)), 0o755);
    assert_eq!(mode(&installed.path("usr/local/include/sesscache.h")), 0o644);
    let description = lib.join("pkgconfig/sesscache.pc");
    assert_eq!(mode(&description), 0o644);
    let description = fs::read_to_string(description).unwrap();
    assert!(!description.contains('@'), "a placeholder was left:\n{description}");
    assert!(!description.contains(&*installed.scratch.path().to_string_lossy()), "DESTDIR:\n{description}");
    assert_eq!(installed.pkg_config(&["--modversion"]), [crate_version()]);
}

/// As `cc app.c $(pkg-config --cflags --libs sesscache)`, in both usual library folders.
#[test]
fn links_by_pkg_config() {
    for (name, libdir) in
        [("install-link", "/usr/local/lib"), ("install-link-multiarch", "/usr/local/lib/x86_64-linux-gnu")]
    {
        let installed = Installed::new(name, libdir);
        let mut arguments = installed.pkg_config(&["--cflags", "--libs"]);
        let place = |flag: &str| arguments.iter().position(|argument| argument == flag);
        assert!(place("-lsesscache").is_some() && place("-lsesscache") < place("-lssl"), "{arguments:?}");
        arguments.push("-DWITH_HEADER".to_owned());
        arguments.push("-lcrypto".to_owned());
        let program = installed.compile("linked", &arguments);
        let expected = format!("{FACTS}libsesscache.so.0\nversion {}\n", crate_version());
        assert_eq!(facts(&program, "LD_LIBRARY_PATH", &installed.lib()), expected);
    }
}

/// As `LD_PRELOAD=$(pkg-config --variable=preload sesscache) app`, and the same program without.
#[test]
fn preloads_by_pkg_config() {
    let installed = Installed::new("install-preload", "/usr/local/lib");
    let program = installed.compile("plain", &["-lssl".to_owned(), "-lcrypto".to_owned()]);
    let preload = installed.pkg_config(&["--variable=preload"]).concat();
    assert_eq!(Path::new(&preload), installed.lib().join("libsesscache.so.0"));
    assert_eq!(facts(&program, "LD_PRELOAD", Path::new(&preload)), format!("{FACTS}libsesscache.so.0\n"));
    let stock = facts(&program, "LD_LIBRARY_PATH", &installed.lib());
    assert!(stock.starts_with(&format!("{FACTS}libssl.so")), "{stock}");
}

/// The command finds the library that was installed with it, in both usual library folders.
#[test]
fn the_command_finds_its_library() {
    for (name, libdir) in [
        ("install-command", "/usr/local/lib"),
        ("install-command-multiarch", "/usr/local/lib/x86_64-linux-gnu"),
    ] {
        let installed = Installed::new(name, libdir);
        let sesscache = installed.path("usr/local/bin/sesscache");
        let (printed, _) = run(Command::new(sesscache).args([
            "run",
            "--region",
            "anon",
            "--",
            "sh",
            "-c",
            "echo $LD_PRELOAD",
        ]));
        let library = installed.lib().join(format!("libsesscache.so.{}", crate_version()));
        assert_eq!(Path::new(printed.trim_end()), library.canonicalize().unwrap());
        let page = fs::read_to_string(installed.path("usr/local/share/man/man8/sesscache-run.8")).unwrap();
        assert!(page.contains("sesscache run"), "{page}");
        for unit in ["sesscache@.service", "sesscache-keys@.service", "sesscache-keys@.timer"] {
            assert_eq!(mode(&installed.path("usr/local/lib/systemd/system").join(unit)), 0o644);
        }
        for completions in ["bash-completion/completions/sesscache", "zsh/site-functions/_sesscache"] {
            assert_eq!(mode(&installed.path("usr/local/share").join(completions)), 0o644);
        }
    }
}

#[test]
fn uninstall_leaves_nothing() {
    let installed = Installed::new("install-remove", "/usr/local/lib");
    installed.make("uninstall");
    let (left, _) = run(Command::new("find").arg(installed.scratch.path()).args(["!", "-type", "d"]));
    assert_eq!(left, "");
}
