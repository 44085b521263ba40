//! The corpus of the fuzz target `calls`, replayed with libssl alone and with the library preloaded: the answers must be
//! equal on every libssl. (The other targets are about Rust code; `src/fuzz.rs` replays theirs.)
//!
//! This executable is the child as well: as the loader sees it, it is an application that fetches libssl's functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, too")]

#[path = "../fuzz/calls.rs"]
#[allow(dead_code, unreachable_pub, reason = "the fuzz target uses more of it")]
mod calls;
mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{env, fs};

use common::libssl::{self, Libssl};
use common::{cc, library, process, root};
use libtest_mimic::{Arguments, Failed, Trial};

const LIMIT: Duration = Duration::from_secs(120);

/// Set for the child: it shows what it sees, and tests nothing.
const CHILD: &str = "SESSCACHE_REPLAY";

fn main() -> ExitCode {
    if env::var_os(CHILD).is_some() {
        show();
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let trial = |libssl: Libssl| {
        Trial::test(format!("calls::{}", libssl.name), move || replay(&libssl).map_err(Failed::from))
    };
    // 1.1.1 flushes in the order of a hash table.
    let libssls = libssl::all().into_iter().filter(|libssl| !libssl.name.starts_with("1.1.1"));
    libtest_mimic::run(&arguments, libssls.map(trial).collect()).exit_code()
}

fn corpus() -> Result<Vec<PathBuf>, String> {
    cc::files(&root().join("fuzz/corpus/calls"))
}

/// The lines of every program of the corpus, each behind the file's name.
fn show() {
    eprintln!("{:?}", calls::is_served());
    for file in corpus().expect("the corpus") {
        println!("program {}", file.file_name().expect("a name").display());
        for line in calls::seen(&fs::read(&file).expect("a file of the corpus")) {
            println!("{line}");
        }
    }
}

fn replay(libssl: &Libssl) -> Result<(), String> {
    let programs = corpus()?.len();
    if programs == 0 {
        return Err("fuzz/corpus/calls is empty".to_owned());
    }
    // What depends on the time of day differs once, not three times.
    let compare = || -> Result<Option<String>, String> {
        let (stock, ours) = (lines(libssl, None)?, lines(libssl, Some(&library()?))?);
        let shown = stock.iter().filter(|line| line.starts_with("program ")).count();
        if shown != programs || stock.len() < 2 * programs {
            return Err(format!("{shown} of {programs} programs were run, in {} lines", stock.len()));
        }
        Ok(calls::difference(&stock, &ours))
    };
    for _ in 0..2 {
        if compare()?.is_none() {
            return Ok(());
        }
    }
    compare()?.map_or(Ok(()), Err)
}

fn lines(libssl: &Libssl, preload: Option<&Path>) -> Result<Vec<String>, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(this);
    command.env_clear().env(CHILD, "1").env("MALLOC_PERTURB_", "165").env("OPENSSL_CONF", "/dev/null");
    if let Some(lib) = libssl.lib() {
        command.env("LD_LIBRARY_PATH", &lib).env(calls::LIBSSL, soname(&lib)?);
    }
    if let Some(library) = preload {
        command.env("LD_PRELOAD", library);
    }
    let outcome = process::run(&mut command, LIMIT)?;
    if !outcome.success() {
        let last = outcome.stdout.lines().last().unwrap_or_default();
        return Err(format!(
            "{} {}, last of all it said {last}\n{}",
            preload.is_some(),
            outcome.ending(),
            outcome.stderr
        ));
    }
    let expected = format!("{:?}\n", preload.map(|_| true));
    if outcome.stderr != expected {
        return Err(format!(
            "the library is not in front as it should: {:?}, not {expected:?}",
            outcome.stderr
        ));
    }
    Ok(outcome.stdout.lines().map(str::to_owned).collect())
}

/// The name with the number in it.
fn soname(lib: &Path) -> Result<PathBuf, String> {
    let numbered = |path: &PathBuf| path.to_string_lossy().contains("/libssl.so.");
    cc::files(lib)?.into_iter().find(numbered).ok_or_else(|| format!("no libssl.so.N in {}", lib.display()))
}
