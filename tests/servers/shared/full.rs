//! A region that is too small: the ring comes round while the server serves. What it has passed is a miss like any other.

use std::collections::BTreeSet;

use super::{Settings, variables, worker};
use crate::client::{Client, Connection, Pattern, Version};
use crate::nginx::Settings as Nginx;
use crate::process::Server;
use crate::support::Folder;

const CLIENTS: usize = 2;
/// A MiB holds some 4000 sessions, and every connection of TLS 1.3 is given a new one.
const CONNECTIONS: usize = 3000;

#[test]
fn nginx_wraps_the_smallest_region() {
    let settings = Settings { variables: variables("anon:1M".to_owned()), _region: None };
    // Without a cache of its own: what is not in the region is nowhere.
    let recipe =
        Nginx { workers: 2, tickets: "on", ..Nginx::cache("none") }.recipe("none, 2 workers, a full region");
    let server = Server::start(&recipe, settings.side());
    let sessions = Folder::new("sessions");
    let client = |version, letter, count| {
        let file = sessions.path().join(format!("{version:?}")).display().to_string();
        Client::new(server.address, version, Pattern::Latest).option(letter, file).connect(count)
    };
    let versions = [Version::Tls12, Version::Tls13];
    for version in versions {
        client(version, "-s", 1);
        assert!(client(version, "-l", 1)[0].resumed, "{version:?}: not even while there was room");
    }

    let newest = || Client::new(server.address, Version::Tls13, Pattern::Latest).connect(CONNECTIONS);
    let seen: Vec<Connection> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(newest)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    });
    let full = seen.iter().filter(|connection| !connection.resumed).count();
    assert_eq!(full, CLIENTS, "only the first connection of each may be a full handshake");
    let workers: BTreeSet<_> = seen.iter().filter_map(|connection| worker(&connection.body)).collect();
    assert_eq!(workers.len(), 2, "one worker served all: {workers:?}");

    for version in versions {
        let seen = client(version, "-l", 4);
        let resumed: Vec<_> = seen.iter().map(|connection| connection.resumed).collect();
        assert_eq!(resumed, [false, true, true, true], "{version:?}: the oldest, and what came after it");
        assert!(seen.iter().all(|connection| connection.body.contains("nginx worker")));
    }
    server.check_mapping();
    server.stop().check_clean(&recipe.name, settings.side());
}
