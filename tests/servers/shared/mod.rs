//! Servers in the shared profile: whichever process a client comes back to, its session is found.
//!
//! Four clients at once (both versions of TLS; the same session again and again, or the newest each time) are given a session
//! each; then something may happen to the server; then they come back, in turns to each instance of it. Under the library
//! every reconnection must be resumed. `SESSCACHE_RECONNECTIONS` says how often each client comes back.

mod apache;
mod apart;
mod dovecot;
mod haproxy;
mod hitch;
mod lighttpd;
mod nginx;
mod postfix;
mod s_server;
mod scripts;
mod stunnel;
mod tickets;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::OnceLock;

use crate::client::{Client, Connection, Pattern, Version};
use crate::process::{Recipe, Server, Side};
use crate::support::Folder;

/// What an operator sets for the whole profile.
pub(super) struct Settings {
    variables: Vec<(&'static str, String)>,
    _region: Option<Folder>,
}

impl Settings {
    /// For processes that are forked from one another.
    pub(super) fn anonymous() -> Self {
        Self { variables: variables("anon:8M".to_owned()), _region: None }
    }

    /// For any processes, also after a restart.
    pub(super) fn file() -> Self {
        let folder = Folder::private("region");
        let region = format!("{}/region:8M", folder.path().display());
        Self { variables: variables(region), _region: Some(folder) }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The same region, with another variable.
    pub(super) fn also(&self, name: &'static str, value: &str) -> Vec<(&'static str, String)> {
        let mut variables = self.variables.clone();
        variables.push((name, value.to_owned()));
        variables
    }

    pub(super) fn side(&self) -> Side<'_> {
        Side::Shared(&self.variables)
    }
}

fn variables(region: String) -> Vec<(&'static str, String)> {
    vec![("SESSCACHE_SHARED", region), ("SESSCACHE_TICKETS", "stateful".to_owned())]
}

pub(super) fn reconnections() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let wanted = std::env::var("SESSCACHE_RECONNECTIONS").unwrap_or_else(|_| "20".to_owned());
        wanted.parse().unwrap_or_else(|_| panic!("SESSCACHE_RECONNECTIONS={wanted}: not a number"))
    })
}

const CLIENTS: [(Version, Pattern); 4] = [
    (Version::Tls12, Pattern::Same),
    (Version::Tls12, Pattern::Latest),
    (Version::Tls13, Pattern::Same),
    (Version::Tls13, Pattern::Latest),
];

/// How often the clients came back resumed, in the order of `CLIENTS`.
type Resumed = [usize; CLIENTS.len()];

/// How it is known that several processes serve: else there would be nothing to share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// Answers or logs have "worker NUMBER".
    Named,
    /// libssl alone misses some sessions of TLS 1.2, whose id is all that these clients have.
    Missed,
}

/// What happens to the server between the first connections and the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    Nothing,
    /// Its processes replace themselves upon this signal.
    Reload(libc::c_int),
    Restart,
}

/// One program in the shared profile, beside libssl alone.
pub(super) struct Trial {
    /// The instances of the server. One is the rule.
    pub(super) recipes: Vec<Recipe>,
    pub(super) settings: Settings,
    /// Stands in every answer.
    pub(super) says: &'static str,
    pub(super) spread: Spread,
    pub(super) between: Between,
    /// Options of the client program.
    pub(super) options: &'static [(&'static str, &'static str)],
}

impl Trial {
    pub(super) fn of(recipe: Recipe, says: &'static str, spread: Spread) -> Self {
        Self {
            recipes: vec![recipe],
            settings: Settings::anonymous(),
            says,
            spread,
            between: Between::Nothing,
            options: &[],
        }
    }

    pub(super) fn run(self) {
        let stock = self.measure(Side::Stock);
        let ours = self.measure(self.settings.side());
        let name = &self.recipes[0].name;
        print_row(name, &stock, &ours);
        let all = [reconnections(); CLIENTS.len()];
        assert_eq!(ours, all, "{name}: not every reconnection was resumed");
        let missed = stock[..2].iter().sum::<usize>() < 2 * reconnections();
        assert!(
            missed || self.spread == Spread::Named,
            "{name}: one process served all, so nothing is shown"
        );
    }

    fn measure(&self, side: Side) -> Resumed {
        let start = |recipe| Server::start(recipe, side);
        let mut servers: Vec<_> = self.recipes.iter().map(start).collect();
        let sessions = Folder::new("sessions");
        let mut connections = self.connect(&servers, &sessions, Visit::First);
        match self.between {
            Between::Nothing => {}
            Between::Reload(signal) => servers.iter().for_each(|server| server.reload(signal)),
            Between::Restart => {
                self.end(servers, side);
                servers = self.recipes.iter().map(start).collect();
            }
        }
        let again = self.connect(&servers, &sessions, Visit::Again);
        servers.iter().for_each(Server::check_mapping);
        let resumed = again.each_ref().map(|seen| seen.iter().filter(|one| one.resumed).count());
        connections.iter_mut().zip(again).for_each(|(all, more)| all.extend(more));
        self.check(&connections, &self.end(servers, side), side);
        resumed
    }

    /// All clients at once.
    fn connect(
        &self,
        servers: &[Server],
        sessions: &Folder,
        visit: Visit,
    ) -> [Vec<Connection>; CLIENTS.len()] {
        let clients = std::array::from_fn::<_, { CLIENTS.len() }, _>(|at| {
            let file = sessions.path().join(at.to_string()).display().to_string();
            let client = self.client(CLIENTS[at], servers);
            match visit {
                Visit::First => (client.option("-s", file), 1),
                Visit::Again => (client.option("-l", file), reconnections()),
            }
        });
        std::thread::scope(|scope| {
            let running = clients.map(|(client, count)| scope.spawn(move || client.connect(count)));
            running.map(|client| client.join().expect("a client"))
        })
    }

    fn client(&self, (version, pattern): (Version, Pattern), servers: &[Server]) -> Client {
        let mut client = Client::new(servers[0].address, version, pattern);
        for server in &servers[1..] {
            client = client.option("-p", server.address.port().to_string());
        }
        for (letter, value) in self.options {
            client = client.option(letter, *value);
        }
        client
    }

    fn end(&self, servers: Vec<Server>, side: Side) -> String {
        let endings = servers.into_iter().zip(&self.recipes).map(|(server, recipe)| {
            let ending = server.stop();
            ending.check_clean(&recipe.name, side);
            ending.log
        });
        endings.collect()
    }

    fn check(&self, connections: &[Vec<Connection>], log: &str, side: Side) {
        let name = &self.recipes[0].name;
        for ((version, _), seen) in CLIENTS.iter().zip(connections) {
            for connection in seen {
                assert!(connection.body.contains(self.says), "{name}: a foreign answer: {connection:?}");
                // A ticket that is as long as an id names a session in the cache.
                let stateful = *version == Version::Tls12 || connection.ticket_bytes == 32;
                assert!(
                    stateful || side == Side::Stock,
                    "{name}: a ticket that passes the cache by: {connection:?}"
                );
            }
        }
        let bodies = connections.iter().flatten().map(|connection| connection.body.as_str());
        let workers: BTreeSet<_> = bodies.chain(log.lines()).filter_map(worker).collect();
        assert!(
            self.spread == Spread::Missed || workers.len() > 1,
            "{name}: only {workers:?} served:\n{log}"
        );
    }
}

#[derive(Clone, Copy)]
enum Visit {
    First,
    Again,
}

/// The number after "worker".
fn worker(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("worker ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Straight to the descriptor: the test harness would swallow what a passing test prints.
fn print_row(name: &str, stock: &Resumed, ours: &Resumed) {
    let percent = |resumed: &[usize]| 100 * resumed.iter().sum::<usize>() / (resumed.len() * reconnections());
    let cell = |of: std::ops::Range<usize>| {
        format!("{:>3} -> {:>3}", percent(&stock[of.clone()]), percent(&ours[of]))
    };
    let row = format!(
        "{name:<46} resumed of {}, in %, stock -> shared: TLS 1.2 {}; TLS 1.3 {}\n",
        2 * reconnections(),
        cell(0..2),
        cell(2..4)
    );
    let _ = std::io::stdout().write_all(row.as_bytes());
}
