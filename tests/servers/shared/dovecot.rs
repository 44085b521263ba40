//! Dovecot: login processes that are programs of their own, make their context in a chroot without privileges, and get no
//! variable that its configuration does not name.

use std::process::Command;

use super::{Between, Settings, Spread, Trial};
use crate::process::{Ready, Recipe, Stop};
use crate::support::{find_program, needs_root};

fn recipe(name: &str, service: &'static str) -> Recipe {
    Recipe {
        name: format!("dovecot {name}"),
        command: Box::new(move |folder, address| {
            let certificate = folder.write_certificate();
            let certificate = certificate.display();
            let own = folder.path().display();
            let configuration = format!(
                "base_dir = {own}/run
                 state_dir = {own}/state
                 log_path = {own}/dovecot.log
                 import_environment = $import_environment LD_PRELOAD LD_LIBRARY_PATH SESSCACHE_LOG SESSCACHE_SHARED SESSCACHE_TICKETS
                 listen = {}
                 protocols = imap
                 ssl = required
                 ssl_cert = <{certificate}
                 ssl_key = <{certificate}
                 ssl_min_protocol = TLSv1.2
                 passdb {{
                     driver = static
                     args = nopassword=y
                 }}
                 userdb {{
                     driver = passwd
                 }}
                 service imap-login {{
                     inet_listener imap {{
                         port = 0
                     }}
                     inet_listener imaps {{
                         port = {}
                         ssl = yes
                     }}
                     {service}
                 }}\n",
                address.ip(),
                address.port()
            );
            let mut dovecot = Command::new(find_program("dovecot"));
            dovecot.arg("-F").arg("-c").arg(folder.write("dovecot.conf", &configuration));
            dovecot
        }),
        ready: Ready::Listening,
        stop: Stop::Signal(libc::SIGTERM),
    }
}

fn trial(name: &str, service: &'static str) -> Trial {
    let trial = Trial::of(recipe(name, service), "Logging out", Spread::Missed);
    Trial { settings: Settings::file(), options: &[("-t", "imap")], ..trial }
}

#[test]
fn dovecot_process_for_each_connection() {
    if needs_root("dovecot service_count=1") {
        trial("service_count=1", "service_count = 1").run();
    }
}

#[test]
fn dovecot_processes_that_stay() {
    if needs_root("dovecot service_count=0") {
        trial("service_count=0, 2 processes", "service_count = 0\nprocess_min_avail = 2").run();
        let restarted = trial("service_count=0, after a restart", "service_count = 0\nprocess_min_avail = 2");
        Trial { between: Between::Restart, ..restarted }.run();
    }
}
