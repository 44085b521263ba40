//! `sesscache run`: everything that a program needs to share its sessions, and then the program.

use std::convert::Infallible;
use std::env;
use std::ffi::{CString, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::execvpe;
use sesscache::tools::{Region, SMALLEST};

use crate::arguments::{Run, Tickets};
use crate::{Exit, place, print};

pub(crate) fn run(arguments: &Run) -> Result<Exit, String> {
    let library = library(arguments)?;
    // Nothing is made for a program that is not there.
    if !arguments.print && !is_there(arguments.program.first().map(Path::new)) {
        let name =
            arguments.program.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        return Err(format!("{name}: there is no such program"));
    }
    if arguments.size < SMALLEST {
        return Err(format!("a region of {} bytes is too small: it has {SMALLEST} at least", arguments.size));
    }
    let group = arguments.group.as_deref().map(place::group).transpose()?;
    let region = match &arguments.region {
        Some(region) => region.clone(),
        None => {
            let path = place::prepare(name(arguments)?, group.as_ref())?;
            path.to_str().map(str::to_owned).ok_or("the region's path is no text")?
        }
    };
    let variables = variables(arguments, &region);
    if let Some((name, _)) = variables.iter().find(|(_, value)| value.chars().any(char::is_control)) {
        return Err(format!("{name} would have a line break or the like in it"));
    }
    open(&variables)?;
    if let Some(group) = group.filter(|_| region != "anon") {
        let region = Path::new(&region);
        place::give_to(region, &group, 0o660)?;
        // A key file that was named is the operator's, and may be other groups', too.
        if arguments.key_file.is_none() {
            place::give_to(&place::key_beside(region), &group, 0o640)?;
        }
    }
    let preload = preload(&library)?;
    if arguments.print {
        return print(&listing(&variables, &preload));
    }
    match execute(&arguments.program, &variables, &preload) {
        Ok(never) => match never {},
        Err(error) => Err(error),
    }
}

/// Whether a program is there, by its path or in `PATH`.
fn is_there(program: Option<&Path>) -> bool {
    let Some(program) = program else { return false };
    if program.components().count() > 1 || program.is_absolute() {
        return program.exists();
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// The region is the program's, by its last name.
fn name(arguments: &Run) -> Result<&str, String> {
    let program = || Path::new(arguments.program.first()?).file_name()?.to_str();
    arguments.name.as_deref().or_else(program).ok_or_else(|| "the program has no name".to_owned())
}

type Variables = Vec<(&'static str, String)>;

fn variables(arguments: &Run, region: &str) -> Variables {
    let mut variables = vec![
        ("SESSCACHE_SHARED", format!("{region}:{}", arguments.size)),
        ("SESSCACHE_MAX_LIFETIME", arguments.max_lifetime.to_string()),
    ];
    let tickets = match arguments.tickets {
        Tickets::Stateful => "stateful",
        Tickets::Keep => "keep",
    };
    variables.push(("SESSCACHE_TICKETS", tickets.to_owned()));
    if let Some(path) = &arguments.key_file {
        variables.push(("SESSCACHE_KEY_FILE", path.display().to_string()));
    }
    if let Some(scope) = &arguments.scope {
        variables.push(("SESSCACHE_SCOPE", scope.clone()));
    }
    if arguments.share_ex_data {
        variables.push(("SESSCACHE_EX_DATA", "share".to_owned()));
    }
    if let Some(log) = &arguments.log {
        variables.push(("SESSCACHE_LOG", log.clone()));
    }
    variables
}

/// Opens the region as the program will, so that whatever is wrong is said here and not in its log.
fn open(variables: &Variables) -> Result<(), String> {
    let value =
        |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
    Region::open(value).map(drop)
}

const LIBRARY: &str = "libsesscache.so";

fn library(arguments: &Run) -> Result<PathBuf, String> {
    let candidates = match &arguments.library {
        Some(path) => vec![path.clone()],
        None => beside(&env::current_exe().map_err(|error| format!("this command's own file: {error}"))?),
    };
    let found = candidates.iter().find(|path| path.is_file());
    let absolute =
        found.map(|path| path.canonicalize().map_err(|error| format!("{}: {error}", path.display())));
    absolute.unwrap_or_else(|| {
        let tried: Vec<_> = candidates.iter().map(|path| path.display().to_string()).collect();
        Err(format!("the library is not there; looked for {}. Name it by --library", tried.join(", ")))
    })
}

/// Where the library may be, seen from the command: where it was built, and where packages put it.
fn beside(command: &Path) -> Vec<PathBuf> {
    let folder = command.parent().unwrap_or(Path::new("/"));
    let installed = |library: &str| folder.join(library).join(format!("{LIBRARY}.0"));
    let triplet = format!("../lib/{}-linux-gnu", env::consts::ARCH);
    vec![folder.join(LIBRARY), installed("../lib"), installed(&triplet), installed("../lib64")]
}

/// What else is preloaded comes after.
fn preload(library: &Path) -> Result<OsString, String> {
    // The loader takes the list apart at these.
    if library.as_os_str().as_bytes().iter().any(|byte| *byte == b':' || byte.is_ascii_whitespace()) {
        return Err(format!(
            "{} cannot be preloaded: there is a colon or a blank in its path",
            library.display()
        ));
    }
    let mut list = library.as_os_str().to_owned();
    if let Some(others) = env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        list.push(":");
        list.push(others);
    }
    Ok(list)
}

fn listing(variables: &Variables, preload: &OsString) -> String {
    let mut text = format!("LD_PRELOAD={}\n", preload.to_string_lossy());
    for (name, value) in variables {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

fn execute(program: &[OsString], variables: &Variables, preload: &OsString) -> Result<Infallible, String> {
    let c_string = |bytes: Vec<u8>| CString::new(bytes).map_err(|_| "an argument holds a byte 0".to_owned());
    let arguments: Result<Vec<_>, _> =
        program.iter().map(|argument| c_string(argument.clone().into_vec())).collect();
    let arguments = arguments?;
    let own = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let own: Vec<_> = own.chain([(OsString::from("LD_PRELOAD"), preload.clone())]).collect();
    let others =
        env::vars_os().filter(|(name, _)| !own.iter().any(|(other, _)| other == name) && !is_stale(name));
    let environment: Result<Vec<_>, _> = others
        .chain(own.iter().cloned())
        .map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            c_string(name.into_vec())
        })
        .collect();
    let file = arguments.first().ok_or("there is no program")?;
    execvpe(file, &arguments, &environment?).map_err(|error| {
        let name = file.to_string_lossy();
        match error {
            Errno::ENOENT => format!("{name}: there is no such program"),
            other => format!("{name} cannot be run: {}", other.desc()),
        }
    })
}

/// A setting of ours that this command line does not repeat.
fn is_stale(name: &OsString) -> bool {
    ["SESSCACHE_KEY_FILE", "SESSCACHE_SCOPE", "SESSCACHE_EX_DATA", "SESSCACHE_DISABLE"]
        .iter()
        .any(|stale| name == stale)
}
