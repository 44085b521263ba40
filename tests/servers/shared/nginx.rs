//! nginx: each kind of cache with two workers, over a reload and a restart, and two instances.

use std::fs;

use super::{Between, Settings, Spread, Trial, reconnections};
use crate::client::{Client, Pattern, Version};
use crate::nginx::Settings as Nginx;
use crate::process::{Server, Side};
use crate::support::make_certificate;

fn trial(name: &str, nginx: Nginx) -> Trial {
    Trial::of(nginx.recipe(name), "nginx worker", Spread::Named)
}

fn two_workers(cache: &'static str) -> Nginx {
    Nginx { workers: 2, tickets: "on", ..Nginx::cache(cache) }
}

#[test]
fn nginx_none() {
    trial("none, 2 workers", two_workers("none")).run();
}

#[test]
fn nginx_builtin() {
    trial("builtin, 2 workers", two_workers("builtin")).run();
}

#[test]
fn nginx_builtin_without_tickets() {
    let nginx = Nginx { tickets: "off", ..two_workers("builtin") };
    trial("builtin, 2 workers, no tickets", nginx).run();
}

#[test]
fn nginx_shared() {
    trial("shared, 2 workers", two_workers("shared:s:1m")).run();
}

/// At a name nginx gives the connection another context's certificate and options.
#[test]
fn nginx_other_name() {
    let trial = trial("builtin, 2 workers, another name", two_workers("builtin"));
    Trial { says: "other worker", options: &[("-n", "other.example")], ..trial }.run();
}

/// The default server asks no client for a certificate, the other one does: nginx settles that by the name, after libssl has
/// looked for the session. A worker finds what others made once it has served that name.
#[test]
fn nginx_verifies_by_name() {
    const VERIFIES: &str = "ssl_verify_client on; ssl_client_certificate client.pem;";
    let nginx = Nginx { other: VERIFIES, share: "reuseport", ..two_workers("builtin") };
    let recipe = nginx.recipe("builtin, 2 workers, one name verifies");
    let settings = Settings::anonymous();
    let [stock, ours] = [Side::Stock, settings.side()].map(|side| {
        let server = Server::start(&recipe, side);
        let lost = [Version::Tls12, Version::Tls13].map(|version| {
            let seen = Client::new(server.address, version, Pattern::Same)
                .option("-n", "other.example")
                .option("-c", server.folder().join("client.pem").display().to_string())
                .connect(2 * reconnections() + 1);
            assert!(seen.iter().all(|one| one.body.starts_with("other")), "{seen:?}");
            seen[1..].iter().filter(|one| !one.resumed).count()
        });
        server.stop().check_clean(&recipe.name, side);
        lost
    });
    assert!(stock[0] > 1, "libssl alone lost {stock:?}: one worker served all");
    assert!(ours.iter().all(|lost| *lost <= 1), "lost {ours:?}; libssl alone {stock:?}");
}

/// The default server knows no name, and has no certificate: until the name is known nobody can tell which service is wanted.
#[test]
fn nginx_rejects_other_names() {
    for cache in ["none", "builtin"] {
        let default = "ssl_reject_handshake on;".to_owned();
        let nginx = Nginx { default: Some(default), share: "reuseport", ..two_workers(cache) };
        let name = format!("{cache}, 2 workers, default rejects");
        let trial = trial(&name, nginx);
        Trial { says: "other worker", options: &[("-n", "other.example")], ..trial }.run();
    }
}

/// nginx lets a client in whose certificate nobody has verified. His session is for his own server alone, and so are tickets.
#[test]
fn nginx_lets_unverified_clients_in() {
    const LENIENT: &str = "ssl_verify_client optional_no_ca; ssl_client_certificate client.pem;";
    for cache in ["none", "builtin"] {
        let nginx = Nginx { other: LENIENT, share: "reuseport", ..two_workers(cache) };
        let recipe = nginx.recipe(&format!("{cache}, 2 workers, unverified clients"));
        let settings = Settings::anonymous();
        let server = Server::start(&recipe, settings.side());
        for version in [Version::Tls12, Version::Tls13] {
            let stranger = server.folder().join("stranger.pem");
            fs::write(&stranger, make_certificate("stranger")).expect("write the client's certificate");
            let seen = Client::new(server.address, version, Pattern::Same)
                .option("-n", "other.example")
                .option("-c", stranger.display().to_string())
                .connect(2 * reconnections() + 1);
            assert!(seen[1..].iter().all(|one| one.resumed), "{cache}: {seen:?}");
        }
        server.stop().check_clean(&recipe.name, settings.side());
    }
}

/// Each worker has a socket of its own.
#[test]
fn nginx_reuseport() {
    let nginx = Nginx { share: "reuseport", ..two_workers("builtin") };
    trial("builtin, 2 workers, reuseport", nginx).run();
}

/// libssl alone begins anew, with another key for its tickets too.
#[test]
fn nginx_reload() {
    let trial = trial("builtin, 2 workers, after a reload", two_workers("builtin"));
    Trial { between: Between::Reload(libc::SIGHUP), ..trial }.run();
}

#[test]
fn nginx_restart() {
    for cache in ["none", "shared:s:1m"] {
        let trial = trial(&format!("{cache}, 2 workers, after a restart"), two_workers(cache));
        Trial { settings: Settings::file(), between: Between::Restart, ..trial }.run();
    }
}

#[test]
fn two_nginx() {
    for cache in ["none", "shared:s:1m"] {
        let name = format!("{cache}, 2 instances");
        let recipes = vec![two_workers(cache).recipe(&name), two_workers(cache).recipe(&name)];
        Trial { settings: Settings::file(), recipes, ..trial(&name, two_workers(cache)) }.run();
    }
}
