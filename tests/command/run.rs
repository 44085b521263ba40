//! `sesscache run`: what a program gets, and what is said where it cannot be run.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use super::{Folder, bad, command, is_root, library, say};

/// What `sesscache run` with these arguments gives to a program, in front of `env`.
fn environment(arguments: &[&str], set: &[(&str, &str)]) -> Vec<String> {
    let library = library();
    let all = [&["run", "--library", &library], arguments, &["--", "env"]].concat();
    let said = say(command(&all).envs(set.iter().copied()));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    said.out.lines().map(str::to_owned).collect()
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_program_has_library_region_and_key() {
    let folder = Folder::new();
    let region = folder.path("region");
    let variables = environment(&["--region", &region, "--size", "2M", "--scope", "shop"], &[]);
    let has = |variable: String| assert!(variables.contains(&variable), "{variable} is not in {variables:?}");
    has(format!("LD_PRELOAD={}", library()));
    has(format!("SESSCACHE_SHARED={region}:2097152"));
    has("SESSCACHE_TICKETS=stateful".to_owned());
    has("SESSCACHE_MAX_LIFETIME=86400".to_owned());
    has("SESSCACHE_SCOPE=shop".to_owned());
    assert_eq!(fs::metadata(&region).unwrap().len(), 2 << 20);
    assert_eq!((mode(&region), mode(&format!("{region}.key"))), (0o600, 0o600));
}

#[test]
fn everything_can_be_said() {
    let folder = Folder::new();
    let keys = folder.path("keys");
    super::good(&["keys", "new", &keys]);
    let variables = environment(
        &[
            "--region",
            &folder.path("region"),
            "--key-file",
            &keys,
            "--tickets",
            "keep",
            "--max-lifetime",
            "90m",
            "--share-ex-data",
            "--log",
            "off",
        ],
        &[],
    );
    for variable in [
        format!("SESSCACHE_KEY_FILE={keys}"),
        "SESSCACHE_TICKETS=keep".to_owned(),
        "SESSCACHE_MAX_LIFETIME=5400".to_owned(),
        "SESSCACHE_EX_DATA=share".to_owned(),
        "SESSCACHE_LOG=off".to_owned(),
    ] {
        assert!(variables.contains(&variable), "{variable}");
    }
    assert!(!fs::exists(folder.path("region.key")).unwrap(), "another key file was named");
}

#[test]
fn what_was_set_before_stays_unless_it_is_said_anew() {
    let other = "/nonexistent/libother.so";
    let set =
        [("LD_PRELOAD", other), ("SESSCACHE_SCOPE", "old"), ("SESSCACHE_DISABLE", "1"), ("KEPT", "a b=c")];
    let library = library();
    // The loader complains of the other one, which is not there.
    let said = say(command(&["run", "--library", &library, "--region", "anon", "--", "env"]).envs(set));
    assert!(said.out.contains(&format!("LD_PRELOAD={library}:{other}\n")), "{}", said.out);
    assert!(said.out.contains("KEPT=a b=c\n"));
    assert!(!said.out.contains("SESSCACHE_SCOPE") && !said.out.contains("SESSCACHE_DISABLE"), "{}", said.out);
}

#[test]
fn it_becomes_the_program() {
    let library = library();
    let run = |rest: &[&str]| {
        say(&mut command(&[&["run", "--library", &library, "--region", "anon", "--"], rest].concat()))
    };
    let said = run(&["sh", "-c", "echo \"$0\" \"$1\" \"$2\"; exit 7", "a b", "--help", ""]);
    assert_eq!((said.out.as_str(), said.code), ("a b --help \n", 7));
    // Bytes that are no text.
    let mut command = command(&["run", "--library", &library, "--region", "anon", "--", "printf", "%s"]);
    let output = command.arg(OsStr::from_bytes(b"\xff\xfe")).output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.len()), (&b"\xff\xfe"[..], 0));
    let said = run(&["sh", "-c", "kill -9 $$"]);
    assert_eq!(said.code, -1, "ended by a signal, as the program was");
}

/// systemd has services ignore `SIGPIPE`; a server that is started otherwise may be ended by it.
#[test]
fn signals_are_as_they_were() {
    let run = format!(
        "{} run --library {} --region anon -- grep SigIgn /proc/self/status",
        env!("CARGO_BIN_EXE_sesscache"),
        library()
    );
    for before in ["", "trap '' PIPE; "] {
        let alone =
            say(Command::new("sh").args(["-c", &format!("{before}exec grep SigIgn /proc/self/status")]));
        let under = say(Command::new("sh").args(["-c", &format!("{before}exec {run}")]));
        assert_eq!(under.out, alone.out);
    }
}

#[test]
fn a_region_without_a_name_is_the_programs() {
    let library = library();
    let name = format!("test{}", std::process::id());
    let said = say(&mut command(&[
        "run",
        "--library",
        &library,
        "--name",
        &name,
        "--size",
        "1M",
        "--",
        "sh",
        "-c",
        "echo $SESSCACHE_SHARED",
    ]));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let region = said.out.trim_end().trim_end_matches(":1048576").to_owned();
    let folder = region.strip_suffix("/region").unwrap();
    assert!(folder.starts_with("/dev/shm/sesscache") && folder.ends_with(&name), "{region}");
    assert_eq!((mode(folder), mode(&region)), (0o700, 0o600));
    // The next run has the same one.
    let inode = fs::metadata(&region).unwrap().ino();
    let again = say(&mut command(&["run", "--library", &library, "--name", &name, "--", "true"]));
    assert_eq!((again.code, fs::metadata(&region).unwrap().ino()), (0, inode));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_group_may_use_region_and_key() {
    if !is_root() {
        return;
    }
    let folder = Folder::new();
    let region = folder.path("region");
    environment(&["--region", &region, "--group", "daemon"], &[]);
    let group = say(Command::new("getent").args(["group", "daemon"])).out;
    let gid: u32 = group.split(':').nth(2).unwrap().parse().unwrap();
    let found = |path: &str| (fs::metadata(path).unwrap().gid(), mode(path));
    assert_eq!(found(&region), (gid, 0o660));
    assert_eq!(found(&format!("{region}.key")), (gid, 0o640));
    bad(
        &["run", "--library", &library(), "--group", "no-such-group", "--", "true"],
        &["no group no-such-group"],
    );
}

#[test]
fn variables_are_printed_for_a_unit_file() {
    let folder = Folder::new();
    let region = folder.path("region");
    let printed =
        super::good(&["run", "--library", &library(), "--region", &region, "--print", "--", "nginx"]);
    assert!(
        printed.lines().all(|line| line
            .split_once('=')
            .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))),
        "{printed}"
    );
    assert!(
        printed.contains("LD_PRELOAD=")
            && printed.contains("SESSCACHE_SHARED=")
            && fs::exists(&region).unwrap()
    );
}

#[test]
fn what_goes_wrong_is_said_before_the_program_runs() {
    let library = library();
    let folder = Folder::new();
    let marker = folder.path("marker");
    let touch = ["--", "touch", &marker];
    let run = |arguments: &[&str], wanted: &[&str]| bad(&[&["run"], arguments, &touch[..]].concat(), wanted);
    run(&["--library", "/nonexistent.so"], &["/nonexistent.so", "--library"]);
    run(&["--library", &library, "--region", "relative"], &["SESSCACHE_SHARED", "absolute path"]);
    run(&["--library", &library, "--region", "/nonexistent/region"], &["/nonexistent"]);
    run(&["--library", &library, "--region", "anon", "--size", "1K"], &["too small"]);
    run(&["--library", &library, "--name", "../x"], &["no name for a region"]);
    let text = folder.write("text", "not a region", 0o600);
    run(&["--library", &library, "--region", &text], &["left alone"]);
    let keys = folder.write("keys", "not a key\n", 0o600);
    run(&["--library", &library, "--region", &folder.path("region"), "--key-file", &keys], &["line 1"]);
    assert!(!fs::exists(&marker).unwrap(), "the program ran");
    let path = folder.path("litter");
    bad(&["run", "--library", &library, "--region", &path, "--", "no-such-program"], &["no such program"]);
    let scope = [
        "run",
        "--library",
        &library,
        "--region",
        &path,
        "--print",
        "--scope",
        "a\nLD_AUDIT=/x",
        "--",
        "true",
    ];
    bad(&scope, &["SESSCACHE_SCOPE", "line break"]);
    assert!(!fs::exists(&path).unwrap(), "something was made for nothing");
    bad(
        &["run", "--library", &library, "--region", "anon", "--", "no-such-program"],
        &["no-such-program", "no such program"],
    );
}
