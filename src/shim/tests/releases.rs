//! All of the above, and the fuzzer's corpora, for the releases that this process does not play: the shim asks for the
//! rules once, so each takes a process of its own.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::openssl::fake::{RELEASE_VARIABLE, RELEASES, Release};

const WITHIN: Duration = Duration::from_secs(300);

#[test]
fn every_other_release_follows_its_own_rules() {
    for (name, _) in RELEASES.into_iter().filter(|(name, _)| *name != Release::played().name) {
        let (passed, output) = run(name);
        assert!(passed, "with {RELEASE_VARIABLE}={name}:\n{output}");
        let count = output.split("test result: ok. ").nth(1).and_then(|rest| rest.split(' ').next());
        let count = count.and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
        assert!(count > 50, "only {count} tests ran for {name}:\n{output}");
    }
}

/// This very program, playing another release.
fn run(release: &str) -> (bool, String) {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args([
        "shim::tests::",
        "fuzz::",
        "--skip",
        module_path!().trim_start_matches("sesscache::"),
        "--test-threads=2",
    ]);
    command.env(RELEASE_VARIABLE, release).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("this program again");
    let pid = libc::pid_t::try_from(child.id()).expect("a process id");
    let (done, end) = mpsc::channel();
    let waiter = std::thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(end) = end.recv_timeout(WITHIN) else {
        crate::openssl::fake::kill(pid);
        panic!("with {RELEASE_VARIABLE}={release} the tests did not end within {WITHIN:?}");
    };
    let _ = waiter.join();
    let end = end.expect("its end");
    let output = [end.stdout, end.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (end.status.success(), output.concat())
}
