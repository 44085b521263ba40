//! Each program of `c_tests/` three ways: with libssl alone, preloaded, linked before libssl; standard output must be
//! the same. `PROGRAM::LIBSSL::WAY` is one trial; WAY is `stock`, `preload`, `linked` or a valgrind tool.

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use common::cc::{self, Link};
use common::libssl::{self, Libssl};
use common::process::{self, Outcome};
use common::program::{self, Program, Tool};
use common::{diff, library};
use libtest_mimic::{Arguments, Failed, Trial};

const LIMIT: Duration = Duration::from_secs(90);
const VALGRIND_LIMIT: Duration = Duration::from_secs(400);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Stock,
    Preload,
    Linked,
}

fn main() -> Result<ExitCode, String> {
    let arguments = Arguments::from_args();
    let programs = program::discover(&cc::sources())?;
    let mut trials = Vec::new();
    for libssl in libssl::all() {
        for program in &programs {
            trials.extend(trials_of(program, &libssl));
        }
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn trials_of(program: &Program, libssl: &Libssl) -> Vec<Trial> {
    let trial = |way: &str, body: fn(&Program, &Libssl) -> Result<(), Failed>| {
        let (program, libssl) = (program.clone(), libssl.clone());
        Trial::test(format!("{}::{}::{way}", program.name, libssl.name), move || body(&program, &libssl))
    };
    let mut trials = vec![trial("linked", linked)];
    if !program.only_linked {
        trials.push(trial("stock", stock));
        trials.push(trial("preload", preload));
    }
    for tool in program.tools.iter().filter(|_| with_valgrind(libssl)) {
        trials.push(match tool {
            Tool::Memcheck => trial("memcheck", |program, libssl| valgrind(program, libssl, Tool::Memcheck)),
            Tool::Helgrind => trial("helgrind", |program, libssl| valgrind(program, libssl, Tool::Helgrind)),
            Tool::Drd => trial("drd", |program, libssl| valgrind(program, libssl, Tool::Drd)),
        });
    }
    trials
}

/// Valgrind is slow, and what it could find is the same for the kinds of libssl: one that calls itself through the PLT,
/// one that does not.
fn with_valgrind(libssl: &Libssl) -> bool {
    matches!(libssl.name.as_str(), "system" | "3.6-symbolic")
}

/// The expectation itself: it must come to a clean end and say something.
fn stock(program: &Program, libssl: &Libssl) -> Result<(), Failed> {
    stock_output(program, libssl)?;
    Ok(())
}

fn preload(program: &Program, libssl: &Libssl) -> Result<(), Failed> {
    same_as_stock(program, libssl, Way::Preload)
}

fn linked(program: &Program, libssl: &Libssl) -> Result<(), Failed> {
    if program.only_linked {
        clean(&run(program, libssl, Way::Linked)?)?;
        return Ok(());
    }
    same_as_stock(program, libssl, Way::Linked)
}

fn same_as_stock(program: &Program, libssl: &Libssl, way: Way) -> Result<(), Failed> {
    let expected = stock_output(program, libssl)?;
    let outcome = run(program, libssl, way)?;
    if outcome.stdout != expected {
        let difference = diff::lines(&expected, &outcome.stdout);
        return Err(format!(
            "output differs (- libssl alone, + with the library); it {}\n{difference}{}",
            outcome.ending(),
            outcome.stderr
        )
        .into());
    }
    clean(&outcome)?;
    Ok(())
}

fn clean(outcome: &Outcome) -> Result<(), String> {
    if outcome.success() && outcome.stderr.is_empty() && !outcome.stdout.is_empty() {
        return Ok(());
    }
    Err(format!(
        "it {}\nstandard error:\n{}\nstandard output:\n{}",
        outcome.ending(),
        outcome.stderr,
        outcome.stdout
    ))
}

type Output = Arc<OnceLock<Result<String, String>>>;

/// What libssl alone gives, run once for all trials of a program.
fn stock_output(program: &Program, libssl: &Libssl) -> Result<String, String> {
    static OUTPUTS: OnceLock<Mutex<HashMap<(String, String), Output>>> = OnceLock::new();
    let cell = {
        let mut outputs =
            OUTPUTS.get_or_init(Mutex::default).lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::clone(outputs.entry((program.name.clone(), libssl.name.clone())).or_default())
    };
    cell.get_or_init(|| {
        let outcome = run(program, libssl, Way::Stock)?;
        clean(&outcome).map_err(|message| format!("libssl alone: {message}"))?;
        Ok(outcome.stdout)
    })
    .clone()
}

fn run(program: &Program, libssl: &Libssl, way: Way) -> Result<Outcome, String> {
    process::run(&mut command(program, libssl, way, &[])?, LIMIT)
}

/// The program's command line, behind `prefix` (valgrind and its options).
fn command(program: &Program, libssl: &Libssl, way: Way, prefix: &[String]) -> Result<Command, String> {
    let executable =
        cc::executable(program, libssl, if way == Way::Linked { Link::Sesscache } else { Link::Plain })?;
    let mut words = prefix.iter().map(Into::into).chain([executable.into_os_string()]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(cc::folder());
    if let Some(plugin) = &program.plugin {
        command.arg(cc::shared_object(plugin, libssl)?);
    }
    set_environment(&mut command, libssl);
    if way == Way::Preload {
        command.env("LD_PRELOAD", library()?);
    }
    command.envs(program.env.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// Nothing of the caller's: settings of ours, of the loader and of OpenSSL would show in the output.
fn set_environment(command: &mut Command, libssl: &Libssl) {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    // Memory that was freed is overwritten, so that a use after free shows.
    command.env("MALLOC_PERTURB_", "165").env("OPENSSL_CONF", "/dev/null");
    let mut folders = vec![cc::folder().join(&libssl.name)];
    folders.extend(libssl.lib());
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("LD_LIBRARY_PATH", path);
    }
}

/// No finding beyond those that libssl alone has.
fn valgrind(program: &Program, libssl: &Libssl, tool: Tool) -> Result<(), Failed> {
    let way = if program.only_linked { Way::Linked } else { Way::Preload };
    let ours = findings(program, libssl, way, tool)?;
    if ours.contexts == 0 {
        return Ok(());
    }
    let allowed = if program.only_linked { 0 } else { findings(program, libssl, Way::Stock, tool)?.contexts };
    if ours.contexts <= allowed {
        return Ok(());
    }
    Err(format!("{} findings, libssl alone has {allowed}:\n{}", ours.contexts, ours.log).into())
}

struct Findings {
    contexts: u64,
    log: String,
}

fn findings(program: &Program, libssl: &Libssl, way: Way, tool: Tool) -> Result<Findings, String> {
    let suffix = if way == Way::Stock { "stock" } else { "ours" };
    let log = cc::folder().join(&libssl.name).join(format!("{}.{}.{suffix}.log", program.name, tool.name()));
    let outcome =
        process::run(&mut command(program, libssl, way, &valgrind_words(tool, &log))?, VALGRIND_LIMIT)?;
    clean(&outcome).map_err(|message| format!("under valgrind: {message}"))?;
    let log =
        std::fs::read_to_string(&log).map_err(|error| format!("no log at {}: {error}", log.display()))?;
    let contexts =
        error_contexts(&log).ok_or_else(|| format!("no error summary in valgrind's log:\n{log}"))?;
    Ok(Findings { contexts, log })
}

fn valgrind_words(tool: Tool, log: &Path) -> Vec<String> {
    let mut words = vec![
        "valgrind".to_owned(),
        format!("--tool={}", tool.name()),
        format!("--log-file={}", log.display()),
        "--num-callers=30".to_owned(),
        format!("--suppressions={}", cc::sources().join("valgrind.supp").display()),
    ];
    if tool == Tool::Memcheck {
        words.extend(
            ["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]
                .map(String::from),
        );
    }
    words
}

/// From `ERROR SUMMARY: 3 errors from 2 contexts`; of several processes the worst.
fn error_contexts(log: &str) -> Option<u64> {
    log.lines()
        .filter_map(|line| {
            line.split_once("ERROR SUMMARY:")?.1.split_once("from ")?.1.split(' ').next()?.parse().ok()
        })
        .max()
}
