//! A running process: is the library there, in front, and does the cache work?

use std::fs;
use std::path::Path;

use nix::unistd::geteuid;
use sesscache::tools::{Look, Which};

use super::maps::{is_deleted, is_library, libraries};
use super::{Findings, program, region};
use crate::say;
use crate::stat::{self, Seen, remark_mend, remark_of, worth_telling};

pub(super) fn examine(pid: u32, findings: &mut Findings) -> Result<(), String> {
    let mapped = libraries(pid)?;
    let of = |name: &str| mapped.iter().filter(|path| is_library(path, name)).collect::<Vec<_>>();
    let libssl = of("libssl");
    match &libssl[..] {
        [] => program::examine(&format!("/proc/{pid}/exe"), findings)?,
        [one] => {
            let root = Path::new("/proc").join(pid.to_string()).join("root");
            program::loads(&root, one, of("libcrypto").first().copied(), findings);
        }
        several => findings.bad(
            format!(
                "{} different libssl are loaded; the one that was first is served, the other left alone",
                several.len()
            ),
            "use builds of the program and its modules that agree on one",
        ),
    }
    let ours = of("libsesscache");
    let Some(library) = ours.first() else {
        missing(pid, findings);
        return Ok(());
    };
    if is_deleted(library) {
        findings.note(
            format!("{} has been replaced on the disk since the process started", library.display()),
            "restart the process when it suits, to run the newer library",
        );
    }
    in_front(pid, library, findings);
    shared(pid, findings);
    Ok(())
}

fn missing(pid: u32, findings: &mut Findings) {
    let preload = variable(pid, "LD_PRELOAD").unwrap_or_default();
    if preload.contains("libsesscache") {
        findings.bad(
            format!("LD_PRELOAD={preload}, but the library is not loaded: the loader could not read it, or the program gained privileges"),
            "can the process's user read the file and its folders? Is it of this machine's kind?",
        );
    } else {
        findings.bad(
            "the library is not loaded",
            "start the program by `sesscache run -- …`, or set LD_PRELOAD where it is started (systemd: Environment=)",
        );
    }
}

/// A preloaded library is in front of everything that comes later, one that is linked where it was named.
fn in_front(pid: u32, library: &Path, findings: &mut Findings) {
    let name = library.display();
    if variable(pid, "SESSCACHE_DISABLE").is_some_and(|value| value == "1") {
        findings.bad("SESSCACHE_DISABLE=1: every call goes straight to libssl", "unset it");
    }
    match variable(pid, "LD_PRELOAD") {
        Some(list) if list.contains("libsesscache") => match is_behind(&list) {
            false => findings.good(format!("{name} is preloaded, in front of libssl")),
            true => findings.bad(
                format!("LD_PRELOAD={list}: libssl stands before the library, so nothing is taken over"),
                "name the library first",
            ),
        },
        _ => findings.note(
            format!("{name} is loaded; that it was preloaded cannot be seen"),
            "nginx and others write over their environment. If it is linked, -lsesscache has to stand before -lssl: ask about the \
             program's file",
        ),
    }
}

/// Whether a list of what is preloaded has libssl before the library.
fn is_behind(list: &str) -> bool {
    let place = |name: &str| list.split([':', ' ']).position(|path| is_library(Path::new(path), name));
    place("libssl").is_some_and(|theirs| Some(theirs) < place("libsesscache"))
}

fn shared(pid: u32, findings: &mut Findings) {
    let report = match Look::at(&Which::OfProcess(pid)) {
        Ok(look) => look.report(stat::now()),
        Err(error) if !geteuid().is_root() => {
            findings.note(format!("whether it shares its sessions cannot be seen: {error}"), "ask as root");
            return;
        }
        Err(error) if variable(pid, "SESSCACHE_SHARED").is_some() => {
            findings.bad(
                format!("SESSCACHE_SHARED is set, but {error}"),
                "its log says why the region could not be opened (SESSCACHE_LOG)",
            );
            return;
        }
        Err(error) => {
            findings.note(
                format!("no sessions are shared with other processes ({error})"),
                "set SESSCACHE_SHARED, or start it by `sesscache run -- …`",
            );
            return;
        }
    };
    region::size(&report, findings);
    let own = number_within(pid);
    let cell = report.processes.iter().find(|process| process.id == own);
    let remarks = cell.map_or(&[][..], |process| &process.remarks);
    for one in worth_telling(remarks) {
        findings.bad(remark_of(one), remark_mend(one));
    }
    match cell.map(Seen::of_process).filter(|seen| seen.asked() > 0) {
        Some(seen) if seen.found() == 0 => findings.note(
            format!("none of {} sessions that clients came back for was found", say::number(seen.asked())),
            "`sesscache stat` says why",
        ),
        Some(seen) => findings.good(format!(
            "{} of {} sessions that clients came back for were found",
            say::number(seen.found()),
            say::number(seen.asked())
        )),
        None if remarks.is_empty() => quiet(pid, findings),
        None => {}
    }
}

/// One that was asked for nothing yet: perhaps it is not the one that serves.
fn quiet(pid: u32, findings: &mut Findings) {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let what = "no client has come back to this process yet with a session that a cache is asked for";
    match children.split_ascii_whitespace().next() {
        Some(child) => findings.note(what, &format!("it has started others, which may be those that serve: --pid {child}")),
        None => findings.note(
            what,
            "if clients do come back: is the session cache on in the server's configuration, and are tickets stateful \
             (SESSCACHE_TICKETS)?",
        ),
    }
}

/// The process's number in its own namespace.
fn number_within(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    line.and_then(|numbers| numbers.split_ascii_whitespace().last()?.parse().ok()).unwrap_or(pid)
}

/// A variable of the environment that a process was started with.
fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    variables
        .find_map(|variable| Some(variable.split_once('=').filter(|(other, _)| *other == name)?.1.to_owned()))
}
