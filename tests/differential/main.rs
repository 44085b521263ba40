//! Random programs over the whole API, played twice: by libssl alone and with the library preloaded. The two traces must
//! be equal.
//!
//! `c_tests/differential/` is the player. `programs::LIBSSL` and `regressions::LIBSSL` are the trials. The settings are
//! environment variables, see `settings.rs`; `CONTRIBUTING.md` says how to replay a program.

#![allow(clippy::print_stdout, reason = "the seed, and what was reached, are for the reader of the log")]

#[path = "../common/mod.rs"]
mod common;
mod coverage;
mod generator;
mod operations;
mod play;
mod player;
mod program;
mod settings;
mod shrink;

use std::path::PathBuf;
use std::process::ExitCode;

use common::{cc, libssl};
use libtest_mimic::{Arguments, Trial};
use settings::Settings;

fn main() -> Result<ExitCode, String> {
    let arguments = Arguments::from_args();
    let settings = Settings::from_environment()?;
    let mut trials = mutants(&settings)?;
    for libssl in libssl::all().into_iter().filter(|libssl| settings.concerns(libssl)) {
        let (one, other) = (settings.clone(), settings.clone());
        let name = libssl.name.clone();
        if settings.replay.is_none() {
            let libssl = libssl.clone();
            trials.push(Trial::test(format!("programs::{name}"), move || Ok(play::programs(&libssl, &one)?)));
        }
        trials.push(Trial::test(format!("regressions::{name}"), move || {
            Ok(play::regressions(&libssl, &other)?)
        }));
    }
    if !arguments.list {
        settings.announce();
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    coverage::announce();
    Ok(conclusion.exit_code())
}

/// The wrong libraries of `c_tests/mutants/`, on a libssl that calls itself through the PLT, as they need.
fn mutants(settings: &Settings) -> Result<Vec<Trial>, String> {
    let Some(libssl) =
        libssl::all().into_iter().find(|libssl| libssl.name == "system" && settings.concerns(libssl))
    else {
        return Ok(Vec::new());
    };
    let sources = cc::files(&cc::sources().join("mutants"))?;
    let trial = |source: PathBuf| {
        let libssl = libssl.clone();
        let name = source.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        Trial::test(format!("mutants::{name}"), move || Ok(play::mutant_is_noticed(&source, &libssl)?))
    };
    let sources = sources.into_iter().filter(|source| source.extension().is_some_and(|e| e == "c"));
    if settings.replay.is_some() {
        return Ok(Vec::new());
    }
    let mut trials: Vec<Trial> = sources.map(trial).collect();
    let settings = settings.clone();
    let control = move || Ok(play::library_is_not_noticed(&libssl, &settings)?);
    trials.push(Trial::test("mutants::the_library_is_none", control));
    Ok(trials)
}
