//! hitch: the internal cache, in a worker forked after the context was made.

use std::net::SocketAddr;
use std::process::Command;

use crate::backend::Backend;
use crate::compare::{ALWAYS, Comparison};
use crate::process::{Ready, Recipe, Stop};
use crate::support::{find_program, is_root};

/// hitch has no option against tickets; libssl's own configuration file has.
pub(crate) const NO_TICKETS: &str = "openssl_conf = all\n[all]\nssl_conf = tls\n[tls]\nsystem_default = every_context\n\
                          [every_context]\nOptions = -SessionTicket\n";

pub(crate) fn recipe(name: &str, behind: SocketAddr, workers: usize, tickets: &'static str) -> Recipe {
    Recipe {
        name: name.to_owned(),
        command: Box::new(move |folder, address| {
            let user = if is_root() { "user = \"_hitch\"\ngroup = \"_hitch\"\n" } else { "" };
            let configuration = format!(
                "frontend = \"[{}]:{}\"\nbackend = \"[{}]:{}\"\npem-file = \"{}\"\nworkers = {workers}\n{user}\
                 daemon = off\ntls-protos = TLSv1.2 TLSv1.3\n",
                address.ip(),
                address.port(),
                behind.ip(),
                behind.port(),
                folder.write_certificate().display()
            );
            let mut hitch = Command::new(find_program("hitch"));
            hitch.arg("--config").arg(folder.write("hitch.conf", &configuration));
            hitch.env("OPENSSL_CONF", folder.write("openssl.cnf", tickets));
            hitch
        }),
        ready: Ready::Listening,
        stop: Stop::Signal(libc::SIGTERM),
    }
}

#[test]
fn hitch() {
    let backend = Backend::start("behind hitch");
    let recipe = recipe("hitch", backend.address, 1, NO_TICKETS);
    Comparison { recipe, says: "behind hitch", stock: ALWAYS, crowd: true }.run();
}
