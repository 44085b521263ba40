//! The log may be lost, but it never ends the process, never stops it, and never changes what it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
mod support;

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::libssl::Libssl;
use common::{library, root};
use support::{Scratch, run};

const SAYS: &str = "serving session caches";

fn program(scratch: &Scratch) -> PathBuf {
    let source = root().join("c_tests/strangers/alive.c");
    let program = scratch.path().join("alive");
    let system = Libssl { name: String::new(), prefix: None };
    let mut command = common::cc::compiler(&source, &system);
    run(command.arg(&source).args(["-lssl", "-lcrypto", "-o"]).arg(&program));
    program
}

fn preloaded(program: &PathBuf, log: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LD_PRELOAD", library().unwrap_or_else(|message| panic!("{message}")));
    command.env("SESSCACHE_LOG", log);
    command
}

#[test]
fn a_pipe_that_nobody_reads_does_not_end_the_process() {
    let scratch = Scratch::new("log-pipe");
    let program = program(&scratch);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = preloaded(&program, "stderr:info");
    // A child of std starts with the signal's default action, which ends it.
    let output = command.stderr(Stdio::from(OwnedFd::from(writer))).output().expect("started");
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "alive\n");
}

#[test]
fn a_fifo_without_a_reader_does_not_stop_the_process() {
    let scratch = Scratch::new("log-fifo");
    let program = program(&scratch);
    let fifo = scratch.path().join("fifo");
    run(Command::new("mkfifo").arg(&fifo));
    let (stdout, said) = run(&mut preloaded(&program, &format!("{}:info", fifo.display())));
    assert_eq!(stdout, "alive\n");
    assert!(said.contains(SAYS), "it speaks to standard error instead: {said}");
}

#[test]
fn a_file_gets_the_lines_and_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("log-file");
    let program = program(&scratch);
    let file = scratch.path().join("log");
    let (_, said) = run(&mut preloaded(&program, &format!("{}:info", file.display())));
    assert_eq!(said, "");
    assert_eq!(fs::read_to_string(&file).expect("the log").matches(SAYS).count(), 1);
    assert_eq!(fs::metadata(&file).expect("the log").permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_bad_value_is_said_once_and_replaced() {
    let scratch = Scratch::new("log-bad");
    let program = program(&scratch);
    let (stdout, said) = run(preloaded(&program, "loud").env("SESSCACHE_NEW_CB_ZERO", "drop"));
    assert_eq!(stdout, "alive\n");
    for name in ["SESSCACHE_LOG=\"loud\"", "SESSCACHE_NEW_CB_ZERO=\"drop\""] {
        assert_eq!(said.matches(name).count(), 1, "{said}");
    }
}
