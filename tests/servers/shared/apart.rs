//! Never resumed across: other certificates, other demands on the client, other authorities, another scope. All of these
//! Python servers have the same session id context, so libssl itself would resume.

use std::process::Command;

use super::Settings;
use super::scripts::script;
use crate::client::{Client, Pattern, Version};
use crate::nginx::Settings as Nginx;
use crate::process::{Ready, Recipe, Server, Side, Stop};
use crate::support::{certificate, make_certificate, system_program};

/// A server with this certificate. With authorities it asks its clients for a certificate of theirs.
fn recipe(certificate: String, authorities: Option<String>) -> Recipe {
    Recipe {
        name: "python".to_owned(),
        command: Box::new(move |folder, address| {
            let mut python = Command::new(system_program("python3"));
            python.args(["-I", &script("prefork.py")]).arg(folder.write("server.pem", &certificate));
            python.args([address.ip().to_string(), address.port().to_string(), "1".to_owned()]);
            python.args(authorities.iter().map(|pem| folder.write("authorities.pem", pem)));
            python
        }),
        ready: Ready::Says("ready"),
        stop: Stop::Signal(libc::SIGTERM),
    }
}

/// Whether sessions that one server made, TLS 1.2 and 1.3, are resumed by the other.
fn resumes([one, other]: [(&Recipe, Side); 2]) -> [bool; 2] {
    let [one, other] = [one, other].map(|(recipe, side)| (Server::start(recipe, side), recipe, side));
    let resumed = [Version::Tls12, Version::Tls13].map(|version| {
        let file = one.0.folder().join(version.name()).display().to_string();
        let client = |server: &Server| Client::new(server.address, version, Pattern::Same);
        client(&one.0).option("-s", &file).connect(1);
        client(&other.0).option("-l", &file).connect(1)[0].resumed
    });
    for (server, recipe, side) in [one, other] {
        server.stop().check_clean(&recipe.name, side);
    }
    resumed
}

fn in_one_region(one: &Recipe, other: &Recipe) -> [bool; 2] {
    let settings = Settings::file();
    resumes([(one, settings.side()), (other, settings.side())])
}

const BOTH: [bool; 2] = [true, true];
const NONE: [bool; 2] = [false, false];

fn plain() -> Recipe {
    recipe(certificate().to_owned(), None)
}

fn asking(authority: &str) -> Recipe {
    recipe(certificate().to_owned(), Some(authority.to_owned()))
}

#[test]
fn same_services_share() {
    assert_eq!(in_one_region(&plain(), &plain()), BOTH);
}

#[test]
fn other_certificates_do_not_share() {
    let other = recipe(make_certificate("localhost"), None);
    assert_eq!(in_one_region(&plain(), &other), NONE);
    assert_eq!(in_one_region(&other, &plain()), NONE);
}

#[test]
fn other_demands_on_the_client_do_not_share() {
    let authority = make_certificate("authority");
    assert_eq!(in_one_region(&plain(), &asking(&authority)), NONE, "to one that asks");
    assert_eq!(in_one_region(&asking(&authority), &plain()), NONE, "to one that does not ask");
}

/// Whoever verifies clients shares under a name alone; and then with those alone whose authorities are the same. Python's servers do
/// not name the authorities that they trust: it is their certificates that tell.
#[test]
fn other_authorities_do_not_share() {
    let [one, other, namesake] = ["authority", "another", "authority"].map(make_certificate);
    assert_eq!(in_one_region(&asking(&one), &asking(&one)), NONE);
    let named = Settings::file().with("SESSCACHE_SCOPE", "service");
    let in_one_scope = |other: &Recipe| resumes([(&asking(&one), named.side()), (other, named.side())]);
    assert_eq!(in_one_scope(&asking(&one)), BOTH);
    assert_eq!(in_one_scope(&asking(&other)), NONE);
    assert_eq!(in_one_scope(&asking(&namesake)), NONE);
    assert_eq!(in_one_scope(&plain()), NONE);
}

#[test]
fn other_scopes_do_not_share() {
    let region = Settings::file();
    let named = |scope: &str| region.also("SESSCACHE_SCOPE", scope);
    let (one, same, other) = (named("one"), named("one"), named("other"));
    let recipe = plain();
    let resumes = |a, b| resumes([(&recipe, Side::Shared(a)), (&recipe, Side::Shared(b))]);
    assert_eq!(resumes(&one, &same), BOTH);
    assert_eq!(resumes(&one, &other), NONE);
}

#[test]
fn two_nginx_with_other_certificates_do_not_share() {
    let nginx = || Nginx { tickets: "on", ..Nginx::cache("builtin") };
    let other = Nginx { certificate: || make_certificate("localhost"), ..nginx() };
    let (same, one, other) = (nginx().recipe("one"), nginx().recipe("same"), other.recipe("other"));
    assert_eq!(in_one_region(&one, &same), BOTH);
    assert_eq!(in_one_region(&one, &other), NONE);
}

/// The default servers have one certificate, those of another name have not.
#[test]
fn other_certificates_of_a_name_do_not_share() {
    let nginx = || Nginx { tickets: "on", ..Nginx::cache("builtin") }.recipe("vhosts");
    let settings = Settings::file();
    let [one, other] = [0, 1].map(|_| Server::start(&nginx(), settings.side()));
    for version in [Version::Tls12, Version::Tls13] {
        let file = one.folder().join(version.name()).display().to_string();
        let client =
            |server: &Server, name| Client::new(server.address, version, Pattern::Same).option("-n", name);
        client(&one, "other.example").option("-s", &file).connect(1);
        for name in ["localhost", "other.example"] {
            assert!(!client(&other, name).option("-l", &file).connect(1)[0].resumed, "{version:?} at {name}");
        }
        client(&one, "localhost").option("-s", &file).connect(1);
        assert!(client(&other, "localhost").option("-l", &file).connect(1)[0].resumed, "{version:?}");
    }
    for server in [one, other] {
        server.stop().check_clean("nginx vhosts", settings.side());
    }
}
