//! Compiling the C programs, once per libssl, into the target folder.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use super::libssl::Libssl;
use super::program::Program;
use super::{library, process, root, sanitizer, target};

/// A compiler that hangs must not hang the tests.
const LIMIT: Duration = Duration::from_secs(120);

/// What a program is linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Plain,
    /// `-lsesscache` before `-lssl`.
    Sesscache,
}

/// The folder of everything that these tests compile; each sanitizer has its own.
pub fn folder() -> PathBuf {
    match sanitizer::chosen() {
        Ok(Some(sanitizer)) => target().join(format!("c_tests-{}", sanitizer.name())),
        _ => target().join("c_tests"),
    }
}

pub fn sources() -> PathBuf {
    root().join("c_tests")
}

/// The program's executable.
pub fn executable(program: &Program, libssl: &Libssl, link: Link) -> Result<PathBuf, String> {
    let suffix = if link == Link::Sesscache { "linked" } else { "plain" };
    let output = folder().join(&libssl.name).join(format!("{}.{suffix}", program.name));
    once(output, |output| {
        let mut command = compiler(&program.source, libssl);
        command.arg(&program.source).args(["-Wl,--no-as-needed"]);
        if link == Link::Sesscache {
            let names = library_names()?;
            command.arg("-DSESSCACHE_LINKED").arg(format!("-L{}", names.display()));
            command.arg("-lsesscache").arg(format!("-Wl,-rpath,{}", names.display()));
        }
        if let Some(companion) = &program.companion {
            command.arg(shared_object(companion, libssl)?).arg("-Wl,--allow-shlib-undefined");
        }
        if !program.without_libssl {
            command.args(harness(libssl)?);
            against(&mut command, libssl);
        }
        command.arg("-ldl").arg("-o").arg(output);
        compile(&mut command)
    })
}

/// A shared object out of one file and the harness, linked with libssl alone.
pub fn shared_object(source: &Path, libssl: &Libssl) -> Result<PathBuf, String> {
    let name = source.file_stem().and_then(|n| n.to_str()).unwrap_or_default();
    once(folder().join(&libssl.name).join(format!("lib{name}.so")), |output| {
        let mut command = compiler(source, libssl);
        command.arg("-shared").arg(source).args(harness(libssl)?);
        against(&mut command, libssl);
        command.arg("-o").arg(output);
        compile(&mut command)
    })
}

/// A shared object out of one file alone, to be preloaded in front of libssl.
pub fn preloadable(source: &Path, libssl: &Libssl) -> Result<PathBuf, String> {
    let name = source.file_stem().and_then(|n| n.to_str()).unwrap_or_default();
    once(folder().join(&libssl.name).join(format!("mutant-{name}.so")), |output| {
        compile(compiler(source, libssl).arg("-shared").arg(source).arg("-ldl").arg("-o").arg(output))
    })
}

/// A folder in which the library under test has the names that a linker and a loader look for.
fn library_names() -> Result<PathBuf, String> {
    once(folder().join("lib"), |output| {
        fs::create_dir(output).map_err(|error| format!("cannot make {}: {error}", output.display()))?;
        Ok(())
    })
    .and_then(|names| {
        let library = library()?;
        for name in ["libsesscache.so", "libsesscache.so.0"] {
            link_to(&library, &names.join(name))?;
        }
        Ok(names)
    })
}

fn link_to(library: &Path, name: &Path) -> Result<(), String> {
    if fs::read_link(name).is_ok_and(|old| old == library) {
        return Ok(());
    }
    static LINKS: AtomicU32 = AtomicU32::new(0);
    let number = LINKS.fetch_add(1, Ordering::Relaxed);
    let fresh = name.with_extension(format!("new-{}-{number}", std::process::id()));
    symlink(library, &fresh)
        .and_then(|()| fs::rename(&fresh, name))
        .map_err(|error| format!("cannot make {}: {error}", name.display()))
}

/// The harness as object files, fit for shared objects too.
fn harness(libssl: &Libssl) -> Result<Vec<PathBuf>, String> {
    let folder_of_sources = sources().join("harness");
    let mut objects = Vec::new();
    for source in
        files(&folder_of_sources)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "c"))
    {
        let name = source.file_stem().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        objects.push(once(folder().join(&libssl.name).join(format!("harness-{name}.o")), |output| {
            compile(compiler(&source, libssl).arg("-c").arg(&source).arg("-o").arg(output))
        })?);
    }
    Ok(objects)
}

/// The compiler with the options that every file gets.
pub fn compiler(source: &Path, libssl: &Libssl) -> Command {
    let cplusplus = source.extension().is_some_and(|e| e == "cc");
    let mut command = Command::new(if cplusplus { "c++" } else { "cc" });
    command.arg(if cplusplus { "-std=c++17" } else { "-std=gnu11" });
    command.args(["-Wall", "-Wextra", "-Werror", "-g", "-O1", "-fPIC", "-pthread"]);
    if let Ok(Some(sanitizer)) = sanitizer::chosen() {
        command.args(sanitizer.compiler_options());
    }
    if let Some(include) = libssl.include() {
        command.arg("-I").arg(include);
    }
    command.arg("-I").arg(root().join("include"));
    command
}

fn against(command: &mut Command, libssl: &Libssl) {
    if let Some(lib) = libssl.lib() {
        command.arg("-L").arg(lib);
    }
    command.args(["-lssl", "-lcrypto"]);
}

fn compile(command: &mut Command) -> Result<(), String> {
    let outcome = process::run(command, LIMIT)?;
    if outcome.success() {
        return Ok(());
    }
    Err(format!("the compiler {}:\n{}\ncommand: {command:?}", outcome.ending(), outcome.stderr))
}

type Made = Arc<OnceLock<Result<PathBuf, String>>>;

/// Makes `output` unless it is newer than every source; trials that need it at the same time wait for the first.
fn once(output: PathBuf, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    static MADE: OnceLock<Mutex<HashMap<PathBuf, Made>>> = OnceLock::new();
    let cell = {
        let mut made =
            MADE.get_or_init(Mutex::default).lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::clone(made.entry(output.clone()).or_default())
    };
    cell.get_or_init(|| if is_current(&output)? { Ok(output) } else { make_then_name(output, make) }).clone()
}

/// Made under another name first: a run that is cut short, or another one beside it, sees the whole file or none.
fn make_then_name(
    output: PathBuf,
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let fail = |error| format!("cannot write {}: {error}", output.display());
    let fresh = output.with_extension(format!("new-{}", std::process::id()));
    fs::create_dir_all(output.parent().unwrap_or(&output)).map_err(fail)?;
    make(&fresh)?;
    fs::rename(&fresh, &output).map_err(fail)?;
    Ok(output)
}

fn is_current(output: &Path) -> Result<bool, String> {
    static NEWEST: OnceLock<Result<SystemTime, String>> = OnceLock::new();
    let newest = NEWEST.get_or_init(newest_source).clone()?;
    Ok(output.is_dir()
        || fs::metadata(output).and_then(|data| data.modified()).is_ok_and(|made| made > newest))
}

/// Of the C sources, our header, and this file's own compiler options.
fn newest_source() -> Result<SystemTime, String> {
    let mut newest = SystemTime::UNIX_EPOCH;
    let own = root().join("tests/common");
    for folder in [
        sources(),
        sources().join("harness"),
        sources().join("mutants"),
        sources().join("plugins"),
        root().join("include"),
        own,
    ] {
        for path in files(&folder).unwrap_or_default() {
            let modified = fs::metadata(&path).and_then(|data| data.modified());
            newest =
                newest.max(modified.map_err(|error| format!("cannot look at {}: {error}", path.display()))?);
        }
    }
    Ok(newest)
}

/// The plain files of a folder, by name.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}
