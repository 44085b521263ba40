//! nginx: each kind of cache with two workers, over a reload and a restart, and two instances.

use super::{Between, Settings, Spread, Trial};
use crate::nginx::Settings as Nginx;

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
