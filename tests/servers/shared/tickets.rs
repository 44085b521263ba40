//! Whoever turned its cache off keeps tickets that hold the session, and so do connections to other servers.

use crate::apache;
use crate::client::{Client, Connection, Pattern, Version};
use crate::nginx::Settings as Nginx;
use crate::process::{Recipe, Server, Side};

use super::{Settings, reconnections};

fn nginx_off() -> Nginx {
    Nginx { workers: 2, tickets: "on", ..Nginx::cache("off") }
}

fn come_back(server: &Server, version: Version) -> Vec<Connection> {
    Client::new(server.address, version, Pattern::Same).connect(1 + reconnections())
}

fn keeps_its_tickets(recipe: &Recipe) {
    let settings = Settings::anonymous();
    for side in [Side::Stock, settings.side()] {
        let server = Server::start(recipe, side);
        let by_id = come_back(&server, Version::Tls12);
        assert!(by_id.iter().all(|connection| !connection.resumed), "{side:?}: resumed by id: {by_id:?}");
        let by_ticket = come_back(&server, Version::Tls13);
        let kept = |connection: &Connection| connection.resumed && connection.ticket_bytes > 32;
        assert!(by_ticket[1..].iter().all(kept), "{side:?}: not by ticket: {by_ticket:?}");
        server.stop().check_clean(&recipe.name, side);
    }
}

#[test]
fn nginx_off_keeps_its_tickets() {
    keeps_its_tickets(&nginx_off().recipe("off, tickets"));
}

#[test]
fn apache_none_keeps_its_tickets() {
    keeps_its_tickets(&apache::recipe("none, tickets", "mpm_event", "none"));
}

/// nginx as a client: the server behind it has no cache, so that only a ticket can resume a session of TLS 1.2.
#[test]
fn nginx_to_an_upstream_keeps_its_tickets() {
    let settings = Settings::anonymous();
    let answer = "location = / { return 200 \"nginx worker $pid reused $ssl_session_reused\"; }".to_owned();
    let behind = Nginx { extra: answer, ..nginx_off() }.recipe("upstream");
    let behind = Server::start(&behind, Side::Stock);
    let pass = format!(
        "location = / {{ proxy_pass https://{}; proxy_ssl_protocols TLSv1.2; proxy_ssl_session_reuse on; }}",
        behind.address
    );
    let recipe = Nginx { extra: pass, tickets: "on", ..Nginx::cache("builtin") }.recipe("with an upstream");
    for side in [Side::Stock, settings.side()] {
        let server = Server::start(&recipe, side);
        let bodies: Vec<_> = come_back(&server, Version::Tls13).into_iter().map(|seen| seen.body).collect();
        assert!(bodies[0].ends_with("reused ."), "{side:?}: the first one: {bodies:?}");
        assert!(bodies[1..].iter().all(|body| body.ends_with("reused r")), "{side:?}: behind it: {bodies:?}");
        server.stop().check_clean(&recipe.name, side);
    }
    behind.stop().check_clean("nginx upstream", Side::Stock);
}
