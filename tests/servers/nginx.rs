//! nginx: every kind of `ssl_session_cache`, several workers, reload, shutdown.

use std::collections::BTreeSet;
use std::process::Command;

use crate::client::{Client, Connection, Pattern, Version};
use crate::compare::{ALWAYS, Comparison, NEVER, RECONNECTIONS, Rates};
use crate::process::{Ready, Recipe, Server, Side, Stop};
use crate::support::{certificate, find_program, make_certificate};

/// The settings that the tests vary.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) cache: &'static str,
    pub(crate) workers: usize,
    /// Of its `listen`.
    pub(crate) share: &'static str,
    pub(crate) tickets: &'static str,
    pub(crate) extra: String,
    /// In place of the default server's certificate.
    pub(crate) default: Option<String>,
    /// Of the server of the other name.
    pub(crate) other: &'static str,
    pub(crate) certificate: fn() -> String,
}

impl Settings {
    pub(crate) fn cache(cache: &'static str) -> Self {
        Self {
            cache,
            workers: 1,
            share: "",
            tickets: "off",
            extra: String::new(),
            default: None,
            other: "",
            certificate: || certificate().to_owned(),
        }
    }

    /// The kernel then deals connections out evenly, instead of to whoever wakes first.
    fn two_workers(cache: &'static str) -> Self {
        Self { workers: 2, share: "reuseport", ..Self::cache(cache) }
    }

    pub(crate) fn recipe(self, name: &str) -> Recipe {
        Recipe {
            name: format!("nginx {name}"),
            command: Box::new(move |folder, address| {
                folder.write("server.pem", &(self.certificate)());
                folder.write("other.pem", &make_certificate("other.example"));
                if self.other.contains("client.pem") {
                    folder.write("client.pem", &make_certificate("client"));
                }
                folder.write("nginx.conf", &self.configuration(&address.to_string()));
                let mut nginx = Command::new(find_program("nginx"));
                nginx.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
                nginx
            }),
            ready: Ready::Listening,
            stop: Stop::Signal(libc::SIGQUIT),
        }
    }

    /// Two servers by name on one address. Every answer names the worker that gave it.
    fn configuration(&self, address: &str) -> String {
        let Self { cache, workers, share, tickets, extra, other, .. } = self;
        let certificate = "ssl_certificate server.pem; ssl_certificate_key server.pem;";
        let default = self.default.as_deref().unwrap_or(certificate);
        format!(
            "daemon off; worker_processes {workers}; pid nginx.pid; error_log stderr notice;
             events {{ worker_connections 64; }}
             http {{
                 access_log off; keepalive_timeout 0; default_type text/plain;
                 client_body_temp_path body; proxy_temp_path proxy;
                 fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                 ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets {tickets};
                 server {{
                     listen {address} ssl {share}; server_name localhost;
                     {default}
                     ssl_session_cache {cache}; {extra}
                     location / {{ return 200 \"nginx worker $pid\"; }}
                 }}
                 server {{
                     listen {address} ssl; server_name other.example;
                     ssl_certificate other.pem; ssl_certificate_key other.pem;
                     ssl_session_cache {cache}; {other}
                     location / {{ return 200 \"other worker $pid\"; }}
                 }}
             }}\n"
        )
    }
}

fn compare(name: &str, settings: Settings, stock: Rates) {
    let recipe = settings.recipe(name);
    Comparison { recipe, says: "nginx worker", stock, crowd: true }.run();
}

#[test]
fn nginx_builtin() {
    compare("builtin", Settings::cache("builtin"), ALWAYS);
}

#[test]
fn nginx_shared() {
    compare("shared, 2 workers", Settings::two_workers("shared:s:1m"), ALWAYS);
}

#[test]
fn nginx_builtin_and_shared() {
    compare("builtin + shared, 2 workers", Settings::two_workers("builtin:1000 shared:s:1m"), ALWAYS);
}

#[test]
fn nginx_none() {
    compare("none", Settings::cache("none"), NEVER);
}

#[test]
fn nginx_off() {
    compare("off", Settings::cache("off"), NEVER);
}

/// With early data allowed, libssl takes a TLS 1.3 session out of its own cache when it is used: once, and never again.
#[test]
fn nginx_early_data_sessions_are_used_once() {
    let settings = Settings {
        extra: "ssl_early_data on; ssl_conf_command Options AntiReplay;".to_owned(),
        ..Settings::cache("builtin")
    };
    compare("builtin, early data", settings, [RECONNECTIONS, RECONNECTIONS, 1, RECONNECTIONS]);
}

/// A full cache drops the session that expires first: with a TLS 1.3 ticket more for each connection, the oldest.
#[test]
fn nginx_builtin_full() {
    let recipe = Settings::cache("builtin:20").recipe("builtin, 20 sessions");
    // libssl 3 keeps one session less than it is allowed to.
    let stock = [RECONNECTIONS, RECONNECTIONS, 19, RECONNECTIONS];
    Comparison { recipe, says: "nginx worker", stock, crowd: false }.run();
}

/// By name a connection is switched to another context, after it has begun with the first one's cache.
#[test]
fn nginx_server_names() {
    for cache in ["builtin", "shared:s:1m"] {
        let recipe = Settings::cache(cache).recipe(&format!("{cache}, server names"));
        let [stock, preloaded] = [Side::Stock, Side::Preloaded].map(|side| {
            let server = Server::start(&recipe, side);
            let resumed = [Version::Tls12, Version::Tls13].map(|version| across_names(&server, version));
            server.stop().check_clean(&recipe.name, side);
            resumed
        });
        assert_eq!(stock, preloaded, "{cache}: resumed under the same name, under another (stock left)");
    }
}

/// Resumed of ten: with the name that the session was made under, and with another name than that.
fn across_names(server: &Server, version: Version) -> [usize; 2] {
    let file = server.folder().join(version.name()).display().to_string();
    let client = || Client::new(server.address, version, Pattern::Same);
    let resumed = |connections: &[Connection]| connections.iter().filter(|c| c.resumed).count();
    let same = client().option("-n", "other.example").option("-s", &file).connect(11);
    assert!(same.iter().all(|c| c.body.starts_with("other")), "answered by the wrong server: {same:?}");
    assert_eq!(resumed(&same), 10, "{:?}: under one name", server.side);
    let elsewhere = client().option("-l", &file).connect(10);
    [resumed(&same), resumed(&elsewhere)]
}

/// Two workers, each with a cache of its own: a session is known to the worker that made it, to that one always.
#[test]
fn nginx_builtin_knows_what_its_own_worker_made() {
    let recipe = Settings::two_workers("builtin").recipe("builtin, 2 workers");
    for side in [Side::Stock, Side::Preloaded] {
        let server = Server::start(&recipe, side);
        for version in [Version::Tls12, Version::Tls13] {
            let connections = Client::new(server.address, version, Pattern::Same).connect(RECONNECTIONS + 1);
            check_owner(&connections, side);
        }
        server.stop().check_clean(&recipe.name, side);
    }
}

fn check_owner(connections: &[Connection], side: Side) {
    let answering: BTreeSet<_> = connections.iter().map(|c| &c.body).collect();
    assert_eq!(answering.len(), 2, "{side:?}: both workers serve");
    let owner = &connections[0].body;
    for connection in &connections[1..] {
        assert_eq!(
            connection.resumed,
            connection.body == *owner,
            "{side:?}: made by {owner}: {connection:?}"
        );
    }
}

/// A reload begins a new builtin cache, and keeps the shared one.
#[test]
fn nginx_reload() {
    for (cache, kept) in [("builtin", false), ("shared:s:1m", true)] {
        let recipe = Settings::cache(cache).recipe(cache);
        for side in [Side::Stock, Side::Preloaded] {
            let server = Server::start(&recipe, side);
            reload_between_connections(&server, kept);
            let ending = server.stop();
            ending.check_clean(&recipe.name, side);
            let clean_workers = ending.log.matches("exited with code 0").count();
            assert_eq!(clean_workers, 2, "{cache} ({side:?}): both generations exit well:\n{}", ending.log);
        }
    }
}

fn reload_between_connections(server: &Server, kept: bool) {
    for version in [Version::Tls12, Version::Tls13] {
        let file = server.folder().join(version.name()).display().to_string();
        Client::new(server.address, version, Pattern::Latest).option("-s", file).connect(2);
    }
    server.reload(libc::SIGHUP);
    for version in [Version::Tls12, Version::Tls13] {
        let file = server.folder().join(version.name()).display().to_string();
        let after = Client::new(server.address, version, Pattern::Latest).option("-l", file).connect(10);
        assert_eq!(after[0].resumed, kept, "{:?}: the first one after the reload", server.side);
        assert!(after[1..].iter().all(|c| c.resumed), "{:?}: after the reload: {after:?}", server.side);
    }
}
