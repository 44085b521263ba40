//! `sesscache relay`, as far as it goes without a server: tests/fleet has the rest.

use super::{Folder, bad, command, say};

#[test]
fn what_cannot_be_meant_is_refused_at_once() {
    let folder = Folder::new();
    let (region, empty) = (folder.path("region"), folder.write("password", "\n", 0o600));
    let at = |options: &[&str], wanted: &[&str]| {
        let arguments: Vec<&str> = ["relay", "--region", &region].iter().chain(options).copied().collect();
        bad(&arguments, wanted);
    };
    let one = ["--redis", "redis://127.0.0.1:1"];
    let with = |more: &[&'static str]| [&one[..], more].concat();
    at(&["--redis", "http://localhost"], &["--redis"]);
    at(&["--redis", "redis://a,redis://b"], &["--cluster or --sentinel"]);
    at(&with(&["--metrics", "192.0.2.1:9464"]), &["192.0.2.1:9464", "loopback"]);
    at(&[&one[..], &["--password-file", &empty]].concat(), &[&empty, "empty"]);
    at(&with(&["--password-file", "/nowhere/password"]), &["/nowhere/password"]);
    at(&with(&["--tls-ca", "/nowhere/ca.pem"]), &["/nowhere/ca.pem"]);
    at(&[&one[..], &["--tls-ca", &empty]].concat(), &["rediss://"]);
    bad(&["relay", "--region", "/nowhere/region", "--redis", "redis://a"], &["/nowhere"]);
}

/// A password in an address is not told to who reads the log.
#[test]
fn an_address_that_is_wrong_is_not_shown() {
    let folder = Folder::new();
    let said = say(&mut command(&[
        "relay",
        "--region",
        &folder.path("region"),
        "--redis",
        "redis://user:secret@host:port:odd",
    ]));
    assert_eq!(said.code, 1);
    assert!(said.err.contains("--redis") && !said.err.contains("secret"), "{}", said.err);
}

#[test]
fn the_command_line_says_what_is_missing() {
    for (arguments, wanted) in [
        (&["relay"][..], "--region"),
        (&["relay", "--region", "/r"], "--redis"),
        (&["relay", "--region", "/r", "--redis", "redis://a", "--streams", "0"], "a number from 1 to"),
        (&["relay", "--region", "/r", "--redis", "redis://a", "--max-rate", "0"], "--max-rate"),
        (&["relay", "--region", "/r", "--redis", "redis://a", "--tls-cert", "/c"], "--tls-key"),
        (&["relay", "--region", "/r", "--redis", "redis://a", "--cluster", "--sentinel", "m"], "--sentinel"),
    ] {
        let said = say(&mut command(arguments));
        assert!(said.code == 2 && said.err.contains(wanted), "{arguments:?}: {}", said.err);
    }
}
