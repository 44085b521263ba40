//! HAProxy: two processes on one port, which the kernel deals connections out to.

use std::process::Command;

use super::{Between, Settings, Spread, Trial};
use crate::process::{Ready, Recipe, Stop};
use crate::support::{find_program, make_certificate};

/// Hands the signal for a soft stop on, and ends as they end.
const TWO: &str = r#"trap 'kill -USR1 $one $two' USR1
"$0" -db -f "$1" & one=$!
"$0" -db -f "$1" & two=$!
wait
wait $one && wait $two"#;

fn recipe(name: &str, tickets: &'static str) -> Recipe {
    Recipe {
        name: format!("haproxy {name}"),
        command: Box::new(move |folder, address| {
            let certificate = folder.write_certificate();
            let certificate = certificate.display();
            let other = folder.write("other.pem", &make_certificate("other.example"));
            let other = other.display();
            let configuration = format!(
                "global
                     nbthread 1
                 defaults
                     mode http
                     timeout client 10s
                     timeout connect 10s
                     timeout server 10s
                     option httpclose
                 frontend tls
                     bind {address} ssl crt {certificate} crt {other} {tickets} ssl-min-ver TLSv1.2
                     http-request return status 200 content-type text/plain lf-string \"haproxy worker %pid\"\n"
            );
            let mut shell = Command::new(find_program("sh"));
            shell
                .args(["-c", TWO])
                .arg(find_program("haproxy"))
                .arg(folder.write("haproxy.cfg", &configuration));
            shell
        }),
        // A signal that comes before is not heeded.
        ready: Ready::Sockets(2),
        stop: Stop::Signal(libc::SIGUSR1),
    }
}

fn trial(name: &str, tickets: &'static str) -> Trial {
    let trial = Trial::of(recipe(name, tickets), "haproxy worker", Spread::Named);
    Trial { settings: Settings::file(), ..trial }
}

#[test]
fn two_haproxies_on_one_port() {
    trial("2 processes on one port", "").run();
    trial("2 processes on one port, no tickets", "no-tls-tickets").run();
}

/// The certificate is another one, by whose name the connection is switched before libssl looks for the session.
#[test]
fn haproxies_other_name() {
    let trial = trial("2 processes on one port, another name", "");
    Trial { options: &[("-n", "other.example")], ..trial }.run();
}

#[test]
fn haproxy_restart() {
    Trial { between: Between::Restart, ..trial("2 processes, after a restart", "") }.run();
}
