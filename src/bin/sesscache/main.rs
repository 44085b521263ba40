//! The `sesscache` command: what an operator touches.
//!
//! | module | what it does |
//! |---|---|
//! | `arguments` | the command line, and with it the man pages and completions (`pages`) |
//! | `run` | starts a program under the library, set up in one word |
//! | `stat` | shows what a region holds and what was done with it |
//! | `flush` | ends sessions |
//! | `keys` | makes and changes key files |
//! | `doctor` | says why a program or a process would have no benefit |
//! | `relay` | carries sessions between machines |
//! | `place` | where regions are unless somebody says otherwise |
//! | `c_api` | what the C header says, as man pages and as a page of `docs/` |
//! | `say` | numbers and times for people |
//!
//! Each command returns what it has to say or an error, a sentence that says what to do. Nothing here touches OpenSSL.

#![cfg_attr(not(test), no_main)]
#![allow(clippy::print_stderr, reason = "it is a command")]

mod arguments;
mod c_api;
mod doctor;
mod flush;
mod keys;
mod pages;
mod place;
mod relay;
mod run;
mod say;
mod stat;

use std::ffi::{c_char, c_int};
use std::io::{self, Write};
use std::panic::catch_unwind;

use arguments::{Arguments, Command};
use clap::Parser;

/// What a command's end says to scripts. 2 is clap's, for a command line that makes no sense.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exit {
    Good = 0,
    /// `doctor` found something, or another command could not do its work.
    Bad = 1,
    /// `doctor` could not look.
    Unable = 2,
}

/// The entry, in place of Rust's own: that one would have `SIGPIPE` ignored, and so the server that `run` starts.
// SAFETY: the name and the signature that the C library's start-up calls, once.
#[cfg_attr(not(test), unsafe(export_name = "main"))]
#[cfg_attr(test, allow(dead_code, reason = "tests have an entry of their own"))]
extern "C" fn entry(_count: c_int, _arguments: *const *const c_char) -> c_int {
    catch_unwind(|| start() as c_int).unwrap_or(Exit::Bad as c_int)
}

fn start() -> Exit {
    let arguments = Arguments::parse();
    let failed = if matches!(arguments.command, Command::Doctor(_)) { Exit::Unable } else { Exit::Bad };
    let done = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Stat(arguments) => stat::stat(&arguments),
        Command::Flush(arguments) => flush::flush(&arguments),
        Command::Keys(command) => keys::keys(&command),
        Command::Relay(arguments) => relay::relay(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Completions(arguments) => pages::completions(&arguments),
        Command::Man(arguments) => pages::man(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("sesscache: {}", say::clean(&error));
        failed
    })
}

/// Prints what a command has to say.
fn print(text: &str) -> Result<Exit, String> {
    write(text).map(|_| Exit::Good)
}

/// The same; false if nobody listens any more. Who does not want all of it, as `head`, has heard enough.
fn write(text: &str) -> Result<bool, String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("standard output: {error}")),
    }
}
