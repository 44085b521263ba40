//! lighttpd: its cache turned on, in two workers that were forked after the context was made, as another user.

use std::process::Command;

use super::{Between, Settings, Spread, Trial};
use crate::process::{Ready, Recipe, Stop};
use crate::support::{find_program, is_root};

fn recipe(name: &str, options: &'static str) -> Recipe {
    Recipe {
        name: format!("lighttpd {name}"),
        command: Box::new(move |folder, address| {
            folder.write("index.txt", "lighttpd\n");
            let user = if is_root() {
                "server.username = \"www-data\"\nserver.groupname = \"www-data\""
            } else {
                ""
            };
            let configuration = format!(
                "server.modules = (\"mod_openssl\")
                 server.bind = \"{}\"
                 server.port = {}
                 server.document-root = \"{}\"
                 index-file.names = (\"index.txt\")
                 mimetype.assign = (\".txt\" => \"text/plain\")
                 server.max-worker = 2
                 {user}
                 ssl.engine = \"enable\"
                 ssl.pemfile = \"{}\"
                 server.feature-flags = (\"ssl.session-cache\" => \"enable\")
                 ssl.openssl.ssl-conf-cmd = (\"MinProtocol\" => \"TLSv1.2\"{options})\n",
                address.ip(),
                address.port(),
                folder.path().display(),
                folder.write_certificate().display()
            );
            let mut lighttpd = Command::new(find_program("lighttpd"));
            lighttpd.arg("-D").arg("-f").arg(folder.write("lighttpd.conf", &configuration));
            lighttpd
        }),
        ready: Ready::Listening,
        stop: Stop::Signal(libc::SIGTERM),
    }
}

#[test]
fn lighttpd_two_workers() {
    Trial::of(recipe("2 workers", ""), "lighttpd", Spread::Missed).run();
    let no_tickets = recipe("2 workers, no tickets", ", \"Options\" => \"-SessionTicket\"");
    Trial::of(no_tickets, "lighttpd", Spread::Missed).run();
}

/// A callback of lighttpd's chooses the certificate, so it is the operator who has to say which service this is.
#[test]
fn lighttpd_restart() {
    let trial = Trial::of(recipe("2 workers, after a restart", ""), "lighttpd", Spread::Missed);
    let settings = Settings::file().with("SESSCACHE_SCOPE", "site");
    Trial { settings, between: Between::Restart, ..trial }.run();
}
