//! `sesscache doctor`: each finding, on a program or a process that has it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Folder, Running, command, good, is_root, library, say};

const PLAIN: &str = "int main(void) { return 0; }\n";
const WITH_LIBSSL: &str =
    "#include <openssl/ssl.h>\nint main(void) { SSL_CTX_free(SSL_CTX_new(TLS_method())); return 0; }\n";

/// It must find this, and end as one who has found something.
#[track_caller]
fn finds(arguments: &[&str], wanted: &[&str]) {
    let said = say(&mut command(&[&["doctor"], arguments].concat()));
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{}", said.out);
    assert!(
        said.out.lines().any(|line| line.starts_with("BAD ")) && said.out.contains("      → "),
        "{}",
        said.out
    );
    for text in wanted {
        assert!(said.out.contains(text), "{text:?} is not in\n{}", said.out);
    }
}

#[test]
fn a_program_with_libssl_is_fine() {
    let folder = Folder::new();
    let program = folder.compile(WITH_LIBSSL, &["-lssl", "-lcrypto"]);
    let said = good(&["doctor", &program]);
    assert!(
        said.starts_with("good  loads ") && said.contains("libssl.so") && said.contains("OpenSSL "),
        "{said}"
    );
}

#[test]
fn one_without_says_what_to_ask() {
    let folder = Folder::new();
    let program = folder.compile(PLAIN, &[]);
    assert!(good(&["doctor", &program]).contains("loads no libssl by itself"));
    let script = folder.write("script", "#!/bin/sh\nexit 0\n", 0o755);
    assert!(good(&["doctor", &script]).contains("is a script, run by /bin/sh"));
}

#[test]
fn where_nothing_can_be_preloaded() {
    let folder = Folder::new();
    let program = folder.compile(PLAIN, &["-static"]);
    finds(&[&program], &["linked statically", "dynamically"]);
    let program = folder.compile(WITH_LIBSSL, &["-l:libssl.a", "-l:libcrypto.a"]);
    finds(&[&program], &["has OpenSSL linked into it statically"]);
    let program = folder.compile(WITH_LIBSSL, &["-lssl", "-lcrypto"]);
    let status = Command::new("chmod").args(["u+s", &program]).status().unwrap();
    assert!(status.success());
    finds(&[&program], &["setuid or setgid"]);
    let other = folder.write("other", "\u{7f}ELF of another machine", 0o755);
    finds(&[&other], &["no program of this machine's kind"]);
}

#[test]
fn a_library_behind_libssl_does_nothing() {
    let folder = Folder::new();
    let library = library();
    let name = folder.path("libsesscache.so.0");
    fs::copy(&library, &name).unwrap();
    let path = format!("-Wl,-rpath,{}", folder.path(""));
    let ours = format!("-l:{}", Path::new(&name).file_name().unwrap().to_str().unwrap());
    let search = format!("-L{}", folder.path(""));
    let behind =
        folder.compile(WITH_LIBSSL, &["-Wl,--no-as-needed", "-lssl", &search, &ours, &path, "-lcrypto"]);
    finds(&[&behind], &["after libssl", "-lsesscache before -lssl"]);
    let front =
        folder.compile(WITH_LIBSSL, &["-Wl,--no-as-needed", &search, &ours, &path, "-lssl", "-lcrypto"]);
    assert!(good(&["doctor", &front]).contains("in front of libssl"));
}

#[test]
fn what_is_not_there_is_said() {
    for (arguments, wanted) in [
        (&["no-such-program"][..], "no-such-program: there is no such program"),
        (&["/nonexistent/program"], "no such program"),
        (&["--pid", "4194305"], "cannot be read"),
        (&["--user", "daemon", "sh"], "--region"),
    ] {
        let said = say(&mut command(&[&["doctor"], arguments].concat()));
        assert_eq!((said.code, said.out.as_str()), (2, ""), "it could not look");
        assert!(said.err.contains(wanted), "{}", said.err);
    }
}

/// Somebody else's program may ask for a loader of his: that is not run, least of all by root.
#[test]
fn a_loader_that_is_not_the_systems_is_not_run() {
    let folder = Folder::new();
    let (loader, marker) = (folder.path("loader"), folder.path("marker"));
    folder.write("loader", &format!("#!/bin/sh\ntouch {marker}\n"), 0o755);
    let program =
        folder.compile(WITH_LIBSSL, &["-lssl", "-lcrypto", &format!("-Wl,--dynamic-linker={loader}")]);
    // It lies in a folder that everybody may write to, in the end: /dev/shm.
    let said = good(&["doctor", &program]);
    assert!(said.contains("a loader of its own"), "{said}");
    assert!(!fs::exists(marker).unwrap(), "it was run");
}

#[test]
fn keys_that_no_process_takes() {
    if !is_root() {
        return;
    }
    let folder = Folder::new();
    let region = folder.path("region");
    drop(super::region(&region, ""));
    let key = format!("{region}.key");
    let whole = fs::read_to_string(&key).unwrap();
    let ask = ["--region", &region, "sh"];
    assert!(good(&[&["doctor"], &ask[..]].concat()).contains("large enough"));
    for (text, mode, wanted) in
        [("garbage\n", 0o600, "line 1"), (&whole, 0o644, "open to others"), ("", 0o600, "it has no key")]
    {
        folder.write("region.key", text, mode);
        finds(&ask, &[wanted]);
    }
    fs::remove_file(&key).unwrap();
    finds(&ask, &["is not there"]);
}

/// A server that runs until its guard goes.
fn server(environment: &[(&str, &str)]) -> (Folder, Running) {
    let folder = Folder::new();
    let source = WITH_LIBSSL.replace("return 0;", "puts(\"ready\"); fflush(stdout); for (;;) pause();");
    let program =
        folder.compile(&format!("#include <stdio.h>\n#include <unistd.h>\n{source}"), &["-lssl", "-lcrypto"]);
    let mut running =
        Running::start(Command::new(program).env_remove("LD_PRELOAD").envs(environment.iter().copied()));
    running.wait_for("ready");
    (folder, running)
}

#[test]
fn a_process_without_the_library() {
    let (_folder, server) = server(&[]);
    finds(&["--pid", &server.pid()], &["the library is not loaded", "sesscache run"]);
}

#[test]
fn a_process_with_the_library() {
    let library = library();
    let (_folder, alone) = server(&[("LD_PRELOAD", &library)]);
    let said = good(&["doctor", "--pid", &alone.pid()]);
    assert!(
        said.contains("is preloaded, in front of libssl") && said.contains("note  no sessions are shared"),
        "{said}"
    );
    let libssl = good(&["doctor", &format!("/proc/{}/exe", alone.pid())]);
    let libssl =
        libssl.split(" loads ").nth(1).or(libssl.split("loads ").nth(1)).unwrap().split(':').next().unwrap();
    let (_folder, behind) = server(&[("LD_PRELOAD", &format!("{libssl}:{library}"))]);
    finds(&["--pid", &behind.pid()], &["libssl stands before the library", "name the library first"]);
    let (_folder, disabled) = server(&[("LD_PRELOAD", &library), ("SESSCACHE_DISABLE", "1")]);
    finds(&["--pid", &disabled.pid()], &["SESSCACHE_DISABLE=1"]);
    let (_folder, failing) = server(&[
        ("LD_PRELOAD", &library),
        ("SESSCACHE_SHARED", "/nonexistent/region"),
        ("SESSCACHE_LOG", "off"),
    ]);
    finds(&["--pid", &failing.pid()], &["SESSCACHE_SHARED is set, but"]);
    if is_root() {
        let (_folder, sharing) = server(&[("LD_PRELOAD", &library), ("SESSCACHE_SHARED", "anon:1M")]);
        let said = good(&["doctor", "--pid", &sharing.pid()]);
        assert!(said.contains("large enough") && said.contains("no client has come back"), "{said}");
    }
}

#[test]
fn who_cannot_reach_region_or_key() {
    if !is_root() {
        return;
    }
    let folder = Folder::new();
    let region = folder.path("region");
    drop(super::region(&region, ""));
    let ask = ["--region", &region, "--user", "daemon", "sh"];
    finds(&ask, &["daemon cannot pass through", "--group"]);
    let open = |path: &str, mode: &str| {
        let done = Command::new("sh")
            .args(["-c", &format!("chgrp daemon '{path}' && chmod {mode} '{path}'")])
            .status();
        assert!(done.unwrap().success());
    };
    open(&folder.path(""), "750");
    finds(&ask, &[&format!("daemon cannot use {region}")]);
    open(&region, "660");
    finds(&ask, &[&format!("good  daemon can use {region}"), &format!("daemon cannot use {region}.key")]);
    open(&format!("{region}.key"), "640");
    let said = good(&[&["doctor"], &ask[..]].concat());
    assert!(said.contains(&format!("daemon can use {region}.key")), "{said}");
}
