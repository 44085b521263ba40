//! A program's file: can the library be preloaded into it, and would that do anything?

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Findings;
use super::elf::{self, Elf, File};
use super::maps::is_library;

pub(super) fn examine(program: &str, findings: &mut Findings) -> Result<(), String> {
    let path = find(program)?;
    match elf::read(&path)? {
        File::Script(interpreter) => findings.note(
            format!("{} is a script, run by {interpreter}", path.display()),
            "the library will be in whatever it starts; ask about the server itself, or about its process by --pid",
        ),
        File::Other => findings.bad(
            format!("{} is no program of this machine's kind", path.display()),
            "name the server's own program",
        ),
        File::Elf(elf) => examine_elf(&path, &elf, findings)?,
    }
    Ok(())
}

fn find(program: &str) -> Result<PathBuf, String> {
    let is_program = |path: &Path| {
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        let path = PathBuf::from(program);
        return if is_program(&path) {
            Ok(path)
        } else {
            Err(format!("{program}: there is no such program"))
        };
    }
    // Servers are where an ordinary user does not look.
    let folders = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut paths = env::split_paths(&folders).chain(usual).map(|folder| folder.join(program));
    paths.find(|path| is_program(path)).ok_or_else(|| format!("{program}: there is no such program in PATH"))
}

fn examine_elf(path: &Path, elf: &Elf, findings: &mut Findings) -> Result<(), String> {
    let name = path.display();
    privileges(path, findings)?;
    let Some(loader) = &elf.loader else {
        findings.bad(
            format!("{name} is linked statically: nothing can be preloaded"),
            "use a build of it that is linked dynamically",
        );
        return Ok(());
    };
    if loader.contains("musl") {
        findings.bad(
            format!("{name} is made for musl, and the library for glibc"),
            "use a build for glibc, as Debian's or Red Hat's packages are",
        );
        return Ok(());
    }
    if !is_the_systems(Path::new(loader)) {
        findings.note(
            format!("{name} asks for a loader of its own, {loader}: what it loads is not looked at"),
            "ask about its process by --pid once it has loaded libssl",
        );
        return Ok(());
    }
    let libraries = closure(loader, path)?;
    let of = |name: &str| libraries.iter().filter(|path| is_library(path, name)).collect::<Vec<_>>();
    let libssl = of("libssl");
    match &libssl[..] {
        [] => no_libssl(path, elf, &libraries, findings),
        [one] => loads(Path::new("/"), one, of("libcrypto").first().copied(), findings),
        [first, ..] => findings.bad(
            format!("{name} loads {} different libssl; only {} is served", libssl.len(), first.display()),
            "use builds of the program and its libraries that agree on one",
        ),
    }
    linked(&libraries, findings);
    Ok(())
}

/// Who gains privileges by being executed is not to be told what to load.
fn privileges(path: &Path, findings: &mut Findings) -> Result<(), String> {
    let found = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let gains = if found.mode() & 0o6000 != 0 {
        "setuid or setgid"
    } else if rustix::fs::getxattr(path, c"security.capability", &mut [0_u8; 64][..]).is_ok() {
        "a program with capabilities of its own"
    } else {
        return Ok(());
    };
    findings.bad(
        format!("{} is {gains}: the loader preloads nothing by a path there, unless its user has these privileges already", path.display()),
        "start it as that user, or give the privileges in another way (systemd's AmbientCapabilities=)",
    );
    Ok(())
}

/// Whether only root could have put it there. It is run by whoever asks, perhaps about somebody else's program.
fn is_the_systems(loader: &Path) -> bool {
    let Ok(path) = loader.canonicalize() else { return false };
    path.ancestors()
        .all(|part| fs::metadata(part).is_ok_and(|found| found.uid() == 0 && found.mode() & 0o022 == 0))
}

/// All libraries of a program, in the order in which the loader looks through them. The program does not run.
fn closure(loader: &str, program: &Path) -> Result<Vec<PathBuf>, String> {
    let program = program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?;
    let listed = Command::new(loader).arg("--list").arg(&program).env_remove("LD_PRELOAD").output();
    let listed = listed.map_err(|error| format!("its loader {loader} cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    Ok(text
        .lines()
        .filter_map(|line| {
            let (_, path) = line.split_once("=> ")?;
            Some(PathBuf::from(path.split(" (0x").next()?))
        })
        .collect())
}

fn no_libssl(path: &Path, elf: &Elf, libraries: &[PathBuf], findings: &mut Findings) {
    let name = path.display();
    if elf.holds_openssl {
        findings.bad(
            format!("{name} has OpenSSL linked into it statically: its functions cannot be taken over"),
            "use a build that loads libssl.so, as distributions' packages do",
        );
        return;
    }
    let other = ["libgnutls", "libnss3", "libwolfssl", "libmbedtls"];
    if let Some(other) = libraries.iter().find(|library| other.iter().any(|name| is_library(library, name))) {
        findings.note(
            format!("{name} loads no libssl, but {}", other.display()),
            "the library serves OpenSSL alone; is there a build of the program for it?",
        );
        return;
    }
    findings.note(
        format!("{name} loads no libssl by itself; a module of it may (Apache, Python, Perl, Ruby, Dovecot)"),
        "the library waits for it; ask about the running process by --pid",
    );
}

/// What is said of the libssl that a program or a process has.
///
/// `root` is where the paths begin: a process may see other files than we.
pub(super) fn loads(root: &Path, libssl: &Path, libcrypto: Option<&PathBuf>, findings: &mut Findings) {
    let seen = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    let symbolic = matches!(elf::read(&seen(libssl)), Ok(File::Elf(elf)) if elf.is_symbolic);
    let kind = if symbolic { ", linked -Bsymbolic" } else { "" };
    let name = libssl.display();
    match libcrypto.and_then(|path| elf::openssl_version(&seen(path))) {
        Some(version) if is_served(&version) => {
            findings.good(format!("loads {name}: OpenSSL {version}{kind}"));
        }
        Some(version) => findings.bad(
            format!("loads {name}: OpenSSL {version}, which this release does not know: its own cache stays in use"),
            "use OpenSSL 1.1.1, or 3.0 to 4.0, or a later release of this library",
        ),
        None => findings.note(
            format!("loads {name}, whose version cannot be told"),
            "is it OpenSSL? LibreSSL and BoringSSL are left alone",
        ),
    }
}

fn is_served(version: &str) -> bool {
    version.starts_with("1.1.1") || version.starts_with("3.") || version.starts_with("4.0")
}

fn linked(libraries: &[PathBuf], findings: &mut Findings) {
    let place = |name: &str| libraries.iter().position(|path| is_library(path, name));
    match (place("libsesscache"), place("libssl")) {
        (Some(ours), Some(theirs)) if ours > theirs => findings.bad(
            "it is linked with the library, but after libssl: nothing is taken over",
            "name -lsesscache before -lssl",
        ),
        (Some(_), _) => findings.good("it is linked with the library, in front of libssl"),
        (None, _) => {}
    }
}
