//! Each program of `c_tests/` three ways: with libssl alone, preloaded, linked before libssl; standard output must be
//! the same, but for differences that are listed (`common/differs.rs`). `PROGRAM::LIBSSL::WAY` is one trial; WAY is `stock`,
//! `preload`, `linked` or a valgrind tool.

mod common;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use common::cc::{self, Link};
use common::differs::{self, Side};
use common::libssl::{self, Libssl};
use common::process::{self, Outcome};
use common::program::{self, Program, Tool};
use common::{diagnostics, diff, library, root, sanitizer, valgrind};
use libtest_mimic::{Arguments, Failed, Trial};

const LIMIT: Duration = Duration::from_secs(90);
const SANITIZER_LIMIT: Duration = Duration::from_secs(300);
const VALGRIND_LIMIT: Duration = Duration::from_secs(400);
const STOCK_RUNS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Stock,
    Preload,
    Linked,
}

fn main() -> Result<ExitCode, String> {
    let arguments = Arguments::from_args();
    let sanitizer = sanitizer::chosen()?;
    let mut programs = program::discover(&cc::sources())?;
    programs.retain(|program| sanitizer.is_none_or(|sanitizer| program.goes_with(sanitizer)));
    let mut trials = Vec::new();
    for libssl in libssl::all() {
        for program in &programs {
            trials.extend(trials_of(program, &libssl));
        }
        if sanitizer.is_some() {
            continue;
        }
        trials.extend(compile_only(&libssl)?);
        if libssl.prefix.is_none() {
            trials.extend(mutants(&programs, &libssl)?);
        }
    }
    if sanitizer.is_none() {
        let pinning: Vec<Program> = programs.iter().filter(|it| !it.differs.is_empty()).cloned().collect();
        trials
            .push(Trial::test("differences_that_go_away_are_noticed", move || without_differences(&pinning)));
        trials.push(Trial::test("differences_are_listed", move || {
            Ok(differs::are_listed(&root().join("docs/openssl-behaviour.md"), &programs)?)
        }));
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn trials_of(program: &Program, libssl: &Libssl) -> Vec<Trial> {
    let trial = |way: &str, body: fn(&Program, &Libssl) -> Result<(), Failed>| {
        let (program, libssl) = (program.clone(), libssl.clone());
        Trial::test(format!("{}::{}::{way}", program.name, libssl.name), move || body(&program, &libssl))
    };
    if program.second.is_some() && second(program, libssl).is_none() {
        return Vec::new();
    }
    let mut trials = vec![trial("linked", linked)];
    if !program.only_linked {
        trials.push(trial("stock", stock));
        trials.push(trial("preload", preload));
    }
    let valgrind = |tool: &&Tool| sanitizer::chosen() == Ok(None) && with_valgrind(libssl, **tool);
    for tool in program.tools.iter().filter(valgrind) {
        trials.push(match tool {
            Tool::Memcheck => {
                trial("memcheck", |program, libssl| under_valgrind(program, libssl, Tool::Memcheck))
            }
            Tool::Helgrind => {
                trial("helgrind", |program, libssl| under_valgrind(program, libssl, Tool::Helgrind))
            }
            Tool::Drd => trial("drd", |program, libssl| under_valgrind(program, libssl, Tool::Drd)),
        });
    }
    trials
}

/// The files of `c_tests/compile/`, of which only the compiler's diagnostics count.
fn compile_only(libssl: &Libssl) -> Result<Vec<Trial>, String> {
    let trial = |source: PathBuf| {
        let name = source.file_stem().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let libssl = libssl.clone();
        Trial::test(format!("{name}::{}::diagnostics", libssl.name), move || {
            Ok(diagnostics::same_with_our_header(&source, &libssl)?)
        })
    };
    Ok(cc::files(&cc::sources().join("compile"))?.into_iter().map(trial).collect())
}

/// The files of `c_tests/mutants/`: libraries that get one thing wrong, which the program named in their first line must
/// notice. A test that could not fail would be found out here. They rely on a libssl that calls itself through the PLT.
fn mutants(programs: &[Program], libssl: &Libssl) -> Result<Vec<Trial>, String> {
    let mut trials = Vec::new();
    for source in cc::files(&cc::sources().join("mutants"))? {
        if source.extension().is_some_and(|e| e == "c") {
            let program = program::named_by_mutant(&source, programs)?.clone();
            let name = source.file_stem().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
            let libssl = libssl.clone();
            trials.push(Trial::test(format!("mutant_{name}::{}::noticed", libssl.name), move || {
                noticed(&source, &program, &libssl)
            }));
        }
    }
    Ok(trials)
}

fn noticed(mutant: &Path, program: &Program, libssl: &Libssl) -> Result<(), Failed> {
    let expected = stock_output(program, libssl)?;
    let mut command = command(program, libssl, Way::Stock, &[])?;
    let outcome = process::run(command.env("LD_PRELOAD", cc::preloadable(mutant, libssl)?), LIMIT)?;
    if outcome.success() && outcome.stdout == expected {
        return Err(format!("{} does not notice {}", program.name, mutant.display()).into());
    }
    Ok(())
}

/// The control for the known differences: libssl alone on both sides, which has none of them, must not pass.
fn without_differences(programs: &[Program]) -> Result<(), Failed> {
    let libssl = libssl::all().into_iter().next().ok_or("there is no libssl")?;
    let mut stated = 0;
    for program in programs {
        let output = stock_output(program, &libssl)?;
        let states = output.lines().any(|line| line.starts_with("differs "));
        if states && differs::in_common(program, Side::Ours, &output).is_ok() {
            return Err(format!("{} passes where no difference is left", program.name).into());
        }
        stated += usize::from(states);
    }
    if stated == 0 { Err("no program states a difference".into()) } else { Ok(()) }
}

/// Valgrind is slow, and what it could find is the same for the kinds of libssl: one that calls itself through the PLT,
/// and, with `SESSCACHE_VALGRIND=both` (`make check-matrix`), one that does not.
fn with_valgrind(libssl: &Libssl, tool: Tool) -> bool {
    let both = std::env::var("SESSCACHE_VALGRIND").is_ok_and(|wanted| wanted == "both");
    libssl.name == "system" || both && tool == Tool::Memcheck && libssl.name == "3.6-symbolic"
}

/// The second libssl that the program wants beside the system's, if it was built.
fn second(program: &Program, libssl: &Libssl) -> Option<Libssl> {
    let wanted = program.second.as_ref().filter(|_| libssl.prefix.is_none())?;
    libssl::all().into_iter().find(|other| other.name == *wanted)
}

/// The expectation itself: it must come to a clean end and say something.
fn stock(program: &Program, libssl: &Libssl) -> Result<(), Failed> {
    differs::in_common(program, Side::Stock, &stock_output(program, libssl)?)?;
    Ok(())
}

fn preload(program: &Program, libssl: &Libssl) -> Result<(), Failed> {
    same_as_stock(program, libssl, Way::Preload)
}

fn linked(program: &Program, libssl: &Libssl) -> Result<(), Failed> {
    if program.only_linked {
        clean(&run(program, libssl, Way::Linked)?, program)?;
        return Ok(());
    }
    same_as_stock(program, libssl, Way::Linked)
}

fn same_as_stock(program: &Program, libssl: &Libssl, way: Way) -> Result<(), Failed> {
    let expected = differs::in_common(program, Side::Stock, &stock_output(program, libssl)?)?;
    let outcome = run(program, libssl, way)?;
    let ours = differs::in_common(program, Side::Ours, &outcome.stdout)?;
    if ours != expected {
        let difference = diff::lines(&expected, &ours);
        return Err(format!(
            "output differs (- libssl alone, + with the library); it {}\n{difference}{}",
            outcome.ending(),
            outcome.stderr
        )
        .into());
    }
    clean(&outcome, program)?;
    Ok(())
}

fn clean(outcome: &Outcome, program: &Program) -> Result<(), String> {
    let told = outcome.stderr.lines().all(|line| line.starts_with("sesscache["));
    let quiet = outcome.stderr.is_empty()
        || (program.second.is_some() && told && outcome.stderr.lines().count() == 1);
    if outcome.success() && quiet && !outcome.stdout.is_empty() {
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
        clean(&outcome, program).map_err(|message| format!("libssl alone: {message}"))?;
        Ok(outcome.stdout)
    })
    .clone()
}

fn run(program: &Program, libssl: &Libssl, way: Way) -> Result<Outcome, String> {
    let limit = if sanitizer::chosen()?.is_some() { SANITIZER_LIMIT } else { LIMIT };
    process::run(&mut command(program, libssl, way, &[])?, limit)
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
    let second = second(program, libssl);
    if let (Some(plugin), Some(second)) = (&program.plugin, &second) {
        command.arg(cc::shared_object(plugin, second)?);
    }
    set_environment(&mut command, libssl.lib().or(second.and_then(|second| second.lib())), libssl);
    let sanitizer = sanitizer::chosen()?;
    if way == Way::Preload {
        let library = library()?;
        let preload = sanitizer.map_or_else(|| Ok(library.clone().into()), |it| it.preload(&library))?;
        command.env("LD_PRELOAD", preload);
    }
    command.envs(sanitizer.map(|it| it.environment(program.leaks)).unwrap_or_default());
    command.envs(program.env.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// Nothing of the caller's: settings of ours, of the loader and of OpenSSL would show in the output.
fn set_environment(command: &mut Command, libraries: Option<PathBuf>, libssl: &Libssl) {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    // Memory that was freed is overwritten, so that a use after free shows.
    command.env("MALLOC_PERTURB_", "165").env("OPENSSL_CONF", "/dev/null");
    let mut folders = vec![cc::folder().join(&libssl.name)];
    folders.extend(libraries);
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("LD_LIBRARY_PATH", path);
    }
}

/// No finding beyond those that libssl alone has.
fn under_valgrind(program: &Program, libssl: &Libssl, tool: Tool) -> Result<(), Failed> {
    let way = if program.only_linked { Way::Linked } else { Way::Preload };
    let (ours, log) = findings(program, libssl, way, tool)?;
    if ours.is_empty() {
        return Ok(());
    }
    let mut new = ours;
    // What libssl alone is found to do among threads is a matter of chance: it gets more than one run to show it.
    let runs = if program.only_linked { 0 } else { STOCK_RUNS };
    for _ in 0..runs {
        let (allowed, _) = findings(program, libssl, Way::Stock, tool)?;
        new.retain(|finding| !allowed.contains(finding));
        if new.is_empty() {
            return Ok(());
        }
    }
    Err(format!("{} finds what it does not find with libssl alone: {new:#?}\n{log}", tool.name()).into())
}

fn findings(
    program: &Program,
    libssl: &Libssl,
    way: Way,
    tool: Tool,
) -> Result<(BTreeSet<String>, String), String> {
    let suffix = if way == Way::Stock { "stock" } else { "ours" };
    let log = cc::folder().join(&libssl.name).join(format!("{}.{}.{suffix}.log", program.name, tool.name()));
    let words = valgrind::words(tool, &log);
    let outcome = process::run(&mut command(program, libssl, way, &words)?, VALGRIND_LIMIT)?;
    clean(&outcome, program).map_err(|message| format!("under valgrind: {message}"))?;
    let log =
        std::fs::read_to_string(&log).map_err(|error| format!("no log at {}: {error}", log.display()))?;
    let found =
        valgrind::findings(&log).ok_or_else(|| format!("no error summary in valgrind's log:\n{log}"))?;
    Ok((found, log))
}
