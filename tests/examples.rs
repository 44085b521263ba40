//! The programs of `examples/`: what a newcomer copies compiles without a warning, with and without the library, and
//! does what its first lines say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
#[path = "examples/running.rs"]
mod running;
#[path = "examples/site.rs"]
mod site;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use site::{Site, VERSIONS, WAYS, Way, compile};
use support::{Scratch, run};

const PROGRAMS: [&str; 2] = ["external_cache", "sqlite_cache"];

/// Calls the test for each program under each version of TLS, with the library linked.
fn each(test: impl Fn(&str, &Site)) {
    for program in PROGRAMS {
        for version in VERSIONS {
            test(program, &Site::new(program, Way::Linked, version));
        }
    }
}

/// The numbers in a line such as "sesscache 0.1.0: stored 2, found 1, …", behind the colon.
fn numbers(line: &str) -> Vec<u64> {
    let (_, counts) = line.split_once(": ").unwrap_or_else(|| panic!("no counts in {line:?}"));
    counts.split([' ', ',']).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn sessions_outlive_a_restart() {
    for program in PROGRAMS {
        for way in WAYS {
            for version in VERSIONS {
                let site = Site::new(program, way, version);
                let server = site.start();
                assert_eq!(site.visit(&server), site.full(), "{program}, {way:?}");
                assert_eq!(site.visit(&server), site.resumed(), "{program}, {way:?}");
                check_counters(&server.stop(), way, &[program_found(program), program_asked(program)]);
                let server = site.start();
                assert_eq!(site.visit(&server), site.resumed(), "{program}, {way:?}, after the restart");
                check_counters(&server.stop(), way, &[0, 1]);
            }
        }
    }
}

/// In the first run the second visit's session is found in memory, if the program keeps any there.
fn program_found(program: &str) -> u64 {
    u64::from(program == "external_cache")
}

fn program_asked(program: &str) -> u64 {
    u64::from(program == "sqlite_cache")
}

/// The library's own line is there exactly if the library is, and says where the session was found.
fn check_counters(said: &[String], way: Way, expected: &[u64; 2]) {
    let ours: Vec<&String> = said.iter().filter(|line| line.starts_with("sesscache ")).collect();
    assert_eq!(ours.len(), usize::from(way != Way::Stock), "{said:#?}");
    for line in ours {
        let [_stored, found, asked, answered] = numbers(line)[..] else { panic!("{line}") };
        assert_eq!((&[found, asked], asked), (expected, answered), "{line}");
    }
}

#[test]
fn a_broken_connection_takes_its_session_along() {
    each(|program, site| {
        let mut server = site.start();
        assert_eq!(site.visit(&server), site.full(), "{program}");
        let before = stored(program, site);
        assert!(!before.is_empty(), "{program} stored nothing");
        assert_eq!(site.drop_in(&mut server), "resumed | dropped", "{program}");
        if site.full().ends_with("1.2") {
            // One session for all: it is gone, and what the client still has is of no use.
            assert!(stored(program, site).is_empty(), "{program}");
            assert_eq!(site.visit(&server), site.full(), "{program}");
        } else {
            // The one that the broken connection had just got is gone, the one that it resumed is not.
            assert_eq!(stored(program, site), before, "{program}");
        }
        server.stop();
    });
}

/// What the store holds, as sorted names.
fn stored(program: &str, site: &Site) -> Vec<String> {
    if program == "external_cache" {
        return site.names();
    }
    let rows = sql(site, "SELECT hex(id) FROM sessions ORDER BY id");
    rows.lines().map(str::to_owned).collect()
}

fn sql(site: &Site, statement: &str) -> String {
    run(site.tool("sql", &["-lsqlite3"]).arg(site.store()).arg(statement)).0
}

#[test]
fn what_has_expired_is_neither_resumed_nor_kept() {
    each(|program, site| {
        let server = site.start();
        site.visit(&server);
        server.stop();
        let old = stored(program, site);
        assert_eq!(old.len(), 1, "{program}");
        make_old(program, site);
        let server = site.start();
        assert!(stored(program, site).is_empty(), "{program}: the start did not sweep");
        assert_eq!(site.visit(&server), site.full(), "{program}");
        assert!(!stored(program, site).contains(&old[0]), "{program}");
        server.stop();
    });
}

#[test]
fn what_expires_meanwhile_is_not_resumed() {
    each(|program, site| {
        let server = site.start();
        site.visit(&server);
        server.stop();
        // Nothing in memory now, and nothing to sweep yet.
        let server = site.start();
        make_old(program, site);
        assert_eq!(site.visit(&server), site.full(), "{program}");
        server.stop();
    });
}

fn make_old(program: &str, site: &Site) {
    match program {
        "external_cache" => drop(run(site.tool("age", &["-lssl", "-lcrypto"]).args(site.files()))),
        _ => drop(sql(site, "UPDATE sessions SET expires = 1")),
    }
}

#[test]
fn a_damaged_file_is_a_miss_and_goes() {
    let damage: [fn(&Path); 4] = [
        |path| fs::write(path, b"").unwrap(),
        |path| fs::write(path, b"not a session").unwrap(),
        |path| fs::write(path, &fs::read(path).unwrap()[..40]).unwrap(),
        |path| fs::write(path, [fs::read(path).unwrap(), vec![0; 100_000]].concat()).unwrap(),
    ];
    for spoil in damage {
        let site = Site::new("external_cache", Way::Linked, "1.2");
        let server = site.start();
        site.visit(&server);
        server.stop();
        // Spoilt while the server runs: at its start it would be swept.
        let server = site.start();
        let file = site.files().pop().expect("a session's file");
        spoil(&file);
        assert_eq!(site.visit(&server), site.full());
        assert!(!file.exists(), "the damaged file was left");
        assert_eq!(site.visit(&server), site.resumed());
        server.stop();
    }
}

#[test]
fn a_file_under_a_wrong_name_is_a_miss() {
    let site = Site::new("external_cache", Way::Linked, "1.2");
    let server = site.start();
    site.visit(&server);
    let first = site.files().pop().expect("a session's file");
    site.forget();
    site.visit(&server);
    server.stop();
    let server = site.start();
    let second = site.files().into_iter().find(|file| *file != first).expect("another session's file");
    fs::copy(&first, &second).unwrap();
    assert_eq!(site.visit(&server), site.full());
    server.stop();
}

#[test]
fn a_damaged_row_is_a_miss() {
    let site = Site::new("sqlite_cache", Way::Linked, "1.2");
    let server = site.start();
    site.visit(&server);
    sql(&site, "UPDATE sessions SET der = x'3000'");
    assert_eq!(site.visit(&server), site.full());
    assert_eq!(site.visit(&server), site.resumed());
    server.stop();
}

#[test]
fn only_the_owner_can_read_the_store() {
    for program in PROGRAMS {
        let site = Site::new(program, Way::Stock, "1.3");
        let server = site.start();
        site.visit(&server);
        let mut private = vec![site.store()];
        match program {
            "external_cache" => private.extend(site.files()),
            _ => private.extend(["store-wal", "store-shm"].map(|name| site.store().with_file_name(name))),
        }
        assert!(private.len() > 1, "{program} stored nothing");
        for path in &private {
            let mode = fs::metadata(path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
                .permissions()
                .mode();
            assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
        }
        server.stop();
    }
}

#[test]
fn the_sweep_leaves_strangers_alone() {
    let site = Site::new("external_cache", Way::Stock, "1.3");
    let server = site.start();
    server.stop();
    let strangers = ["README", "notes.txt", "archive.session.gz", ".session-notes"];
    for name in strangers.iter().chain(&["0123.session-new", "0123.session"]) {
        fs::write(site.store().join(name), b"mine").unwrap();
    }
    site.start().stop();
    let mut expected = strangers.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(site.names(), expected);
}

/// One process stores, another resumes: with the database both are right at any time.
#[test]
fn two_processes_share_a_database() {
    let site = Site::new("sqlite_cache", Way::Linked, "1.2");
    let (mut one, other) = (site.start(), site.start());
    assert_eq!(site.visit(&one), site.full());
    assert_eq!(site.visit(&other), site.resumed());
    site.drop_in(&mut one);
    assert_eq!(site.visit(&other), site.full(), "one process removed it, the other still had it");
    one.stop();
    other.stop();
}

/// Every reference is given back: a wrong copy flag or return value is a leak or a use after free.
#[test]
fn references_are_balanced() {
    let valgrind = [
        "valgrind",
        "--quiet",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect",
        "--errors-for-leak-kinds=definite,indirect",
        "--error-exitcode=9",
    ];
    for program in PROGRAMS {
        let site = Site::new(program, Way::Linked, "1.2").under(&valgrind);
        for _ in 0..2 {
            let mut server = site.start();
            site.visit(&server);
            site.visit(&server);
            site.drop_in(&mut server);
            site.visit(&server);
            server.stop();
        }
    }
}

/// The watcher of other programs shows the library's counters, and libssl's own where it is alone.
#[test]
fn watch_shows_whose_cache_it_is() {
    let site = Site::new("external_cache", Way::Stock, "1.2");
    let scratch = Scratch::new("watch");
    let watch = scratch.path().join("watch.so");
    compile(&watch, &[common::root().join("examples/watch.c")], &["-shared", "-fPIC"]);
    let library = common::library().unwrap();
    for (number, (preload, whose)) in [
        (watch.display().to_string(), "watch: libssl: found 0"),
        (format!("{} {}", library.display(), watch.display()), "watch: sesscache: stored 1, found 0"),
    ]
    .into_iter()
    .enumerate()
    {
        // Standard error, where the watcher writes, is read as the output.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(site.program()).args(["cert.pem", "key.pem"]);
        command.arg(format!("store-{number}")).current_dir(site.folder()).env("LD_PRELOAD", &preload);
        let mut server = running::Running::start(&mut command);
        assert_eq!(site.visit(&server), site.full());
        site.forget();
        assert_eq!(server.next_line().as_deref(), Some("full handshake, TLSv1.2"));
        let line = server.next_line().unwrap_or_default();
        assert!(line.starts_with(whose), "{line:?}");
        server.stop();
    }
}
