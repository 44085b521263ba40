//! The shared library seen from outside, with binutils and the loader: its name, what it exports, what it
//! needs, what it does to a program that has no TLS at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::root;
use support::{Scratch, output, run};

fn library() -> PathBuf {
    common::library().unwrap_or_else(|message| panic!("{message}"))
}

/// The values of one tag of the dynamic section: what stands in brackets, else the rest of the line.
fn dynamic(tag: &str) -> Vec<String> {
    let tag = format!("({tag})");
    output("readelf", &["--dynamic", "--wide"], &library())
        .lines()
        .filter_map(|line| line.split_once(&tag))
        .map(|(_, value)| match value.split_once('[') {
            Some((_, name)) => name.trim_end_matches(']').to_owned(),
            None => value.trim().to_owned(),
        })
        .collect()
}

/// `nm`'s view of the dynamic symbols: type letter and name.
fn symbols(which: &str) -> Vec<(char, String)> {
    output("nm", &["--dynamic", "--format=posix", which], &library())
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().expect("a name").to_owned();
            let kind = words.next().and_then(|word| word.chars().next()).expect("a type letter");
            (kind, name)
        })
        .collect()
}

#[test]
fn soname_is_its_own() {
    assert_eq!(dynamic("SONAME"), ["libsesscache.so.0"]);
}

/// A libssl among them would come into every program that preloads us.
#[test]
fn needs_only_the_c_runtime() {
    let needed = dynamic("NEEDED");
    let runtime = ["libc.so.", "libgcc_s.so.", "ld-linux", "libm.so.", "libdl.so.", "libpthread.so."];
    for library in &needed {
        assert!(runtime.iter().any(|name| library.starts_with(name)), "NEEDED {library}, of {needed:?}");
    }
    assert!(!needed.is_empty(), "readelf showed no NEEDED at all");
}

/// Real functions come by dlsym. Whatever else is undefined must be the C runtime's, which versions its
/// symbols.
#[test]
fn nothing_of_openssl_is_undefined() {
    let undefined = symbols("--undefined-only");
    assert!(undefined.iter().any(|(_, name)| name.starts_with("dlsym")), "no dlsym in {undefined:?}");
    for (kind, name) in undefined {
        let of_runtime = name.contains("@GLIBC_") || name.contains("@GCC_");
        // Weak ones (the profiler's and the transactional memory's hooks) may stay undefined.
        assert!(of_runtime || kind == 'w', "undefined symbol {name} is not the C runtime's");
    }
}

/// The C API and nothing but it, without versions (a node of our own would make the loader pass us by).
#[test]
fn exports_are_those_of_the_golden_list() {
    let golden = fs::read_to_string(root().join("exports.txt")).expect("exports.txt");
    let golden: Vec<&str> = golden.lines().collect();
    assert!(golden.is_sorted(), "exports.txt is not sorted (LC_ALL=C sort -o exports.txt exports.txt)");
    let mut exported: Vec<String> = symbols("--defined-only").into_iter().map(|(_, name)| name).collect();
    exported.sort();
    let extra: Vec<&String> = exported.iter().filter(|name| !golden.contains(&name.as_str())).collect();
    let missing: Vec<&&str> = golden.iter().filter(|name| !exported.iter().any(|e| e == *name)).collect();
    assert!(
        extra.is_empty() && missing.is_empty(),
        "exports.txt and the library differ\n  exported but not listed: {extra:?}\n  listed but not exported: {missing:?}"
    );
    assert_eq!(exported.len(), golden.len(), "a name stands twice");
}

/// Everything is bound at load and then read-only; nothing is writable and executable.
#[test]
fn is_hardened() {
    let flags = format!("{:?} {:?}", dynamic("FLAGS"), dynamic("FLAGS_1"));
    assert!(flags.contains("NOW"), "not BIND_NOW: {flags}");
    let segments = output("readelf", &["--segments", "--wide"], &library());
    assert!(segments.contains("GNU_RELRO"), "no RELRO:\n{segments}");
    assert!(!segments.contains("RWE"), "a segment is writable and executable:\n{segments}");
    assert!(dynamic("TEXTREL").is_empty(), "text relocations");
}

/// Contexts keep our trampolines after a dlclose, so the library must never be unmapped.
#[test]
fn is_never_unloaded() {
    assert!(dynamic("FLAGS_1").iter().any(|flags| flags.contains("NODELETE")), "{:?}", dynamic("FLAGS_1"));
}

/// Static thread-local storage would make a late dlopen fail.
#[test]
fn can_be_loaded_late() {
    assert!(!dynamic("FLAGS").iter().any(|flags| flags.contains("STATIC_TLS")), "{:?}", dynamic("FLAGS"));
}

/// One thing of ours runs at load, and does something in the shared profile only. Of the
/// other constructors one is the C compiler's, one the Rust runtime's, which notes the arguments.
#[test]
fn has_one_constructor_of_its_own() {
    let bytes: usize = dynamic("INIT_ARRAYSZ")
        .first()
        .and_then(|value| value.split_whitespace().next())
        .map_or(0, |bytes| bytes.parse().expect("a size in bytes"));
    let entries = bytes / size_of::<usize>();
    assert!(entries <= 3, "{entries} constructors");
}

#[test]
fn is_small() {
    let scratch = Scratch::new("abi-stripped");
    let stripped = scratch.path().join("stripped.so");
    run(Command::new("strip").arg("-o").arg(&stripped).arg(library()));
    let size = fs::metadata(&stripped).expect("the stripped copy").len();
    assert!(size < 1024 * 1024, "{size} bytes stripped");
}

/// A program without TLS: we come into it and bring no libssl along.
#[test]
fn brings_no_libssl_into_a_program_without_tls() {
    let (stdout, log) = run(Command::new("/bin/true").env("LD_PRELOAD", library()).env("LD_DEBUG", "files"));
    assert_eq!(stdout, "");
    let initialised = format!("calling init: {}\n", library().display());
    assert!(log.contains(&initialised), "not preloaded:\n{log}");
    for name in ["libssl", "libcrypto"] {
        assert!(!log.contains(name), "{name} was loaded:\n{log}");
    }
}

/// No thread, no descriptor: the same listing with and without us, and in the shared profile too.
#[test]
fn starts_no_thread_and_keeps_no_file_at_load() {
    for list in ["/proc/self/task", "/proc/self/fd"] {
        let count = |preload: Option<PathBuf>, shared: &str| {
            let mut ls = Command::new("ls");
            ls.arg(list).envs(preload.map(|path| ("LD_PRELOAD", path))).env("SESSCACHE_SHARED", shared);
            let (stdout, stderr) = run(&mut ls);
            assert_eq!(stderr, "");
            stdout.lines().count()
        };
        let stock = count(None, "");
        for shared in ["", "anon", "nonsense", "/nowhere/region"] {
            assert_eq!(
                count(Some(library()), shared),
                stock,
                "entries of {list} with SESSCACHE_SHARED={shared}"
            );
        }
    }
}

/// The shared profile maps its region at load, and nothing else does.
#[test]
fn maps_a_region_only_if_it_is_asked_for() {
    for (shared, mapped) in [("", 0), ("anon:1M", 1)] {
        let mut cat = Command::new("cat");
        cat.arg("/proc/self/maps").env("LD_PRELOAD", library()).env("SESSCACHE_SHARED", shared);
        let (maps, _) = run(&mut cat);
        assert_eq!(
            maps.lines().filter(|line| line.contains("/dev/zero (deleted)")).count(),
            mapped,
            "{maps}"
        );
    }
}
