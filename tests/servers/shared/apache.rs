//! Apache: processes (prefork), processes with threads (event), and two instances.

use super::{Between, Settings, Spread, Trial};
use crate::apache::{SHMCB, recipe};

/// A cache that is on, and has no callbacks: nothing is ever found in it.
const EMPTY: &str = "nonenotnull";

/// Two hosts by name, tickets and all.
const NAMES: &str = "nonenotnull
<VirtualHost *:*>
    ServerName localhost
</VirtualHost>
<VirtualHost *:*>
    ServerName other.example
</VirtualHost>";

fn trial(name: &str, module: &'static str, cache: &'static str) -> Trial {
    Trial::of(recipe(name, module, cache), "apache", Spread::Named)
}

#[test]
fn apache_prefork() {
    trial("shmcb, prefork", "mpm_prefork", SHMCB).run();
    trial("nonenotnull, prefork", "mpm_prefork", EMPTY).run();
}

#[test]
fn apache_other_name() {
    let trial = trial("nonenotnull, prefork, another name", "mpm_prefork", NAMES);
    Trial { options: &[("-n", "other.example")], ..trial }.run();
}

#[test]
fn apache_event() {
    trial("shmcb, event", "mpm_event", SHMCB).run();
    trial("nonenotnull, event", "mpm_event", EMPTY).run();
}

#[test]
fn apache_reload() {
    let trial = trial("shmcb, event, after a graceful restart", "mpm_event", SHMCB);
    Trial { between: Between::Reload(libc::SIGUSR1), ..trial }.run();
}

#[test]
fn apache_restart() {
    let trial = trial("shmcb, prefork, after a restart", "mpm_prefork", SHMCB);
    Trial { settings: Settings::file(), between: Between::Restart, ..trial }.run();
}

#[test]
fn two_apaches() {
    let one = || recipe("shmcb, prefork, 2 instances", "mpm_prefork", SHMCB);
    let recipes = vec![one(), one()];
    Trial { settings: Settings::file(), recipes, ..trial("", "mpm_prefork", SHMCB) }.run();
}
