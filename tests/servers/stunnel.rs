//! stunnel: it adds sessions by itself, and keeps in their ex_data who has not shown a certificate.

use std::process::Command;

use crate::backend::Backend;
use crate::client::{Client, Pattern, Version};
use crate::compare::{Comparison, RECONNECTIONS};
use crate::process::{Ready, Recipe, Server, Side, Stop};
use crate::support::{Folder, find_program, make_certificate};

/// `globals` come before the service, with FOLDER for the server's own.
pub(crate) fn recipe(name: &str, globals: &'static str, service: String) -> Recipe {
    Recipe {
        name: format!("stunnel {name}"),
        command: Box::new(move |folder, address| {
            let certificate = folder.write_certificate();
            let globals = globals.replace("FOLDER", &folder.path().display().to_string());
            let configuration = format!(
                "foreground = yes\nsyslog = no\ndebug = notice\npid =\n{globals}\n[service]\naccept = {address}\n\
                 cert = {}\nsslVersionMin = TLSv1.2\n{service}\n",
                certificate.display()
            );
            let mut stunnel = Command::new(find_program("stunnel4"));
            stunnel.arg(folder.write("stunnel.conf", &configuration));
            stunnel
        }),
        ready: Ready::Listening,
        stop: Stop::Signal(libc::SIGTERM),
    }
}

#[test]
fn stunnel() {
    let backend = Backend::start("behind stunnel");
    let recipe = recipe("plain", "", format!("connect = {}\noptions = NO_TICKET", backend.address));
    // It adds a session after each full handshake, so the one ticket that a resumed TLS 1.3 handshake gives is unknown.
    let stock = [RECONNECTIONS, RECONNECTIONS, RECONNECTIONS, RECONNECTIONS / 2];
    Comparison { recipe, says: "behind stunnel", stock, crowd: true }.run();
}

/// Who shows no known certificate is sent elsewhere, and stays elsewhere when the session is resumed. For a client with
/// an unknown certificate stunnel reads that from the very object that it put into the cache: a copy would let it in.
#[test]
fn stunnel_redirect() {
    for side in [Side::Stock, Side::Preloaded] {
        check_redirect(side);
    }
}

pub(crate) fn check_redirect(side: Side) {
    let (inside, outside) = (Backend::start("inside"), Backend::start("outside"));
    let folder = Folder::new("peers");
    let pem = |name: &str| folder.write(name, &make_certificate(name)).display().to_string();
    let (known, unknown) = (pem("known"), pem("unknown"));
    let (to, instead) = (inside.address, outside.address);
    let service = format!(
        "connect = {to}\nredirect = {instead}\nverifyPeer = yes\nCAfile = {known}\noptions = NO_TICKET"
    );
    let recipe = recipe("redirect", "", service);
    let server = Server::start(&recipe, side);
    for version in [Version::Tls12, Version::Tls13] {
        let client = || Client::new(server.address, version, Pattern::Same);
        check_place(&client(), "outside", side);
        check_place(&client().option("-c", &unknown), "outside", side);
        check_place(&client().option("-c", &known), "inside", side);
    }
    server.stop().check_clean(&recipe.name, side);
}

fn check_place(client: &Client, place: &str, side: Side) {
    let connections = client.connect(RECONNECTIONS + 1);
    let misplaced = connections.iter().find(|connection| !connection.body.starts_with(place));
    assert!(misplaced.is_none(), "{side:?}: not served {place}: {misplaced:?}");
    let again = connections[1..].iter().filter(|connection| connection.resumed).count();
    assert_eq!(again, RECONNECTIONS, "{side:?}: not all were resumed {place}");
}
