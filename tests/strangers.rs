//! What nobody wishes for: a second libssl, a libssl of an unknown release, one that lacks functions, and a fault
//! of our own. Each time the process goes on as if the library were not there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::libssl::{self, Libssl};
use common::{library, root, target};
use support::{Scratch, run};

const SYSTEM: Libssl = Libssl { name: String::new(), prefix: None };

fn source(name: &str) -> PathBuf {
    root().join("c_tests/strangers").join(name)
}

fn compile(source: &Path, output: &Path, libssl: &Libssl, more: &[&str]) {
    let mut command = common::cc::compiler(source, libssl);
    run(command.arg(source).args(more).arg("-ldl").arg("-o").arg(output));
}

/// Output without the library and with it, and what the library said.
fn both(program: &Path, arguments: &[&Path], environment: &[(&str, &str)]) -> (String, String, String) {
    let command = || {
        let mut command = Command::new(program);
        command.args(arguments).envs(environment.iter().copied());
        command
    };
    let stock = run(&mut command()).0;
    let library = library().unwrap_or_else(|message| panic!("{message}"));
    let (ours, said) = run(command().env("LD_PRELOAD", library));
    (stock, ours, said)
}

#[test]
fn a_second_libssl_gets_its_own_calls_and_is_left_alone() {
    // Another soname than the system's: else the loader would take one for the other.
    let other = libssl::all().into_iter().find(|libssl| libssl.name.starts_with("4.0"));
    let Some(other) = other else {
        eprintln!("no OpenSSL 4.0 in target/openssl: `make openssl-symbolic` builds it");
        assert!(std::env::var_os("CI").is_none(), "CI builds it");
        return;
    };
    let scratch = Scratch::new("second-libssl");
    let (plugin, program) = (scratch.path().join("plugin.so"), scratch.path().join("with_plugin"));
    let lib = other.lib().unwrap_or_default().display().to_string();
    let (search, rpath) = (format!("-L{lib}"), format!("-Wl,-rpath,{lib}"));
    compile(
        &source("plugin.c"),
        &plugin,
        &other,
        &["-shared", &search, "-Wl,--disable-new-dtags", &rpath, "-lssl", "-lcrypto"],
    );
    compile(&source("with_plugin.c"), &program, &SYSTEM, &["-lssl", "-lcrypto"]);
    let (stock, ours, said) = both(&program, &[&plugin], &[]);
    assert_eq!(ours, stock);
    assert_eq!(said.matches("second libssl").count(), 1, "warned once: {said}");
}

/// A program whose libssl is the stub that claims to be this release.
fn with_stub(version: &str) -> (String, String, String) {
    let scratch = Scratch::new(&format!("stub-{version}"));
    let (stub, program) = (scratch.path().join("libssl.so.3"), scratch.path().join("with_stub"));
    let version = format!("-DVERSION={version}UL");
    compile(&source("stub_libssl.c"), &stub, &SYSTEM, &["-shared", &version, "-Wl,-soname,libssl.so.3"]);
    let stub = stub.display().to_string();
    compile(&source("with_stub.c"), &program, &SYSTEM, &[&stub]);
    both(&program, &[], &[("LD_LIBRARY_PATH", &scratch.path().display().to_string())])
}

#[test]
fn a_libssl_of_an_unknown_release_is_left_alone() {
    let (stock, ours, said) = with_stub("0x50000000");
    assert_eq!(ours, stock);
    assert_eq!(said.matches("version number 0x50000000").count(), 1, "warned once: {said}");
}

#[test]
fn a_libssl_that_lacks_functions_is_left_alone() {
    let (stock, ours, said) = with_stub("0x30000000");
    assert_eq!(ours, stock);
    assert_eq!(said.matches("has no function SSL_CTX_sess_set_remove_cb").count(), 1, "warned once: {said}");
}

/// The library as it is shipped, but for faults on purpose.
fn faulty_library() -> PathBuf {
    let folder = target().join("fault");
    let arguments =
        ["rustc", "--release", "--lib", "--crate-type", "cdylib", "--features", "fault-injection"];
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(arguments).env("CARGO_TARGET_DIR", &folder);
    let outcome = common::process::run(&mut cargo, std::time::Duration::from_secs(300));
    let outcome = outcome.unwrap_or_else(|message| panic!("{message}"));
    assert!(outcome.success(), "{}", outcome.stderr);
    folder.join("release/libsesscache.so")
}

#[test]
fn a_fault_of_ours_costs_sessions_and_nothing_else() {
    let library = faulty_library();
    let scratch = Scratch::new("fault");
    let program = scratch.path().join("after_fault");
    let harness = root().join("c_tests/harness");
    let parts = ["callbacks.c", "certificates.c", "facts.c", "sessions.c", "tls.c"];
    let parts: Vec<String> = parts.iter().map(|part| harness.join(part).display().to_string()).collect();
    let library_name = library.display().to_string();
    let folder = format!("-Wl,-rpath,{}", scratch.path().display());
    let mut arguments: Vec<&str> = parts.iter().map(String::as_str).collect();
    arguments.extend([library_name.as_str(), &folder, "-lssl", "-lcrypto"]);
    std::os::unix::fs::symlink(&library, scratch.path().join("libsesscache.so.0")).expect("a link");
    compile(&source("after_fault.c"), &program, &SYSTEM, &arguments);

    let facts = |fault: &str| run(Command::new(&program).env("SESSCACHE_FAULT", fault));
    let fact = |output: &str, name: &str| -> i64 {
        let line = output.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {output}"))
    };
    let (sound, said) = facts("");
    assert_eq!(
        (fact(&sound, "done"), fact(&sound, "resumed"), fact(&sound, "active")),
        (10, 5, 1),
        "{sound}"
    );
    assert_eq!(said, "");
    // At the first, a middle and the last addition, and at lookups: the rest goes on with libssl's own cache.
    for (fault, resumed) in
        [("insert:1", 4), ("insert:3", 4), ("insert:5", 4), ("lookup:1", 4), ("lookup:3", 4)]
    {
        let (output, said) = facts(fault);
        assert_eq!(fact(&output, "done"), 10, "{fault}: every handshake succeeds\n{output}");
        assert!(fact(&output, "resumed") >= resumed, "{fault}\n{output}");
        assert_eq!(fact(&output, "active"), -6, "{fault}: given back\n{output}");
        assert_eq!(fact(&output, "new callbacks"), 10 - fact(&output, "resumed"), "{fault}\n{output}");
        assert_eq!((fact(&output, "mode"), fact(&output, "size")), (2, 20480), "{fault}\n{output}");
        assert_eq!(fact(&output, "removed with the context"), fact(&output, "number"), "{fault}\n{output}");
        assert_eq!(said.matches("a fault of ours").count(), 1, "{fault}: logged once\n{said}");
    }
}
