//! HAProxy: its own cache behind callbacks that change the session, certificates switched for every connection.

use std::process::Command;

use crate::compare::{ALWAYS, Comparison, NEVER, Rates};
use crate::process::{Ready, Recipe, Stop};
use crate::support::find_program;

fn compare(name: &str, global: &'static str, mode: &'static str, stock: Rates) {
    let recipe = Recipe {
        name: format!("haproxy {name}"),
        command: Box::new(move |folder, address| {
            let certificate = folder.write_certificate();
            let certificate = certificate.display();
            let configuration = format!(
                "global
                     {global}
                 defaults
                     mode http
                     timeout client 10s
                     timeout connect 10s
                     timeout server 10s
                     option httpclose
                 frontend tls
                     bind {address} ssl crt {certificate} no-tls-tickets ssl-min-ver TLSv1.2
                     http-request return status 200 content-type text/plain string haproxy\n"
            );
            let mut haproxy = Command::new(find_program("haproxy"));
            haproxy.arg(mode).arg("-f").arg(folder.write("haproxy.cfg", &configuration));
            haproxy
        }),
        ready: Ready::Listening,
        stop: Stop::Signal(libc::SIGUSR1),
    };
    Comparison { recipe, says: "haproxy", stock, crowd: true }.run();
}

#[test]
fn haproxy_threads() {
    compare("2 threads", "nbthread 2", "-db", ALWAYS);
}

#[test]
fn haproxy_master_worker() {
    compare("master and worker", "nbthread 1", "-W", ALWAYS);
}

#[test]
fn haproxy_without_cache() {
    compare("cachesize 0", "tune.ssl.cachesize 0", "-db", NEVER);
}
