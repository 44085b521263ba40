//! Servers in the shared profile: whichever process a client comes back to, its session is found.
//!
//! Four clients at once (both versions of TLS; the same session again and again, or the newest each time) are given a session
//! each; then something may happen to the server; then they come back, in turns to each instance of it. Under the library
//! every reconnection must be resumed. `SESSCACHE_RECONNECTIONS` says how often each client comes back.

mod apache;
mod apart;
mod dovecot;
mod full;
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
use std::ops::Range;
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

/// What the clients saw, in the order of `CLIENTS`.
type Seen = [Vec<Connection>; CLIENTS.len()];

/// How often all clients come back, `reconnections()` times each, until several processes have served: a process that happens
/// to be awake may serve all of a round.
const ROUNDS: usize = 20;

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
        let lost = ours.iter().flatten().find(|connection| !connection.resumed);
        assert!(lost.is_none(), "{name}: not every reconnection was resumed: {lost:?}");
    }

    /// How the clients came back.
    fn measure(&self, side: Side) -> Seen {
        let start = |recipe| Server::start(recipe, side);
        let mut servers: Vec<_> = self.recipes.iter().map(start).collect();
        let sessions = Folder::new("sessions");
        self.check_answers(&self.connect(&servers, &sessions, Visit::First), side);
        match self.between {
            Between::Nothing => {}
            Between::Reload(signal) => servers.iter().for_each(|server| server.reload(signal)),
            Between::Restart => {
                self.end(servers, side);
                servers = self.recipes.iter().map(start).collect();
            }
        }
        let mut again = self.connect(&servers, &sessions, Visit::Again);
        let mut rounds = 1;
        while !self.is_spread(&again, &servers, side) {
            rounds += 1;
            assert!(rounds <= ROUNDS, "{}: one process serves all", self.recipes[0].name);
            let more = self.connect(&servers, &sessions, Visit::Again);
            again.iter_mut().zip(more).for_each(|(all, more)| all.extend(more));
        }
        self.check_answers(&again, side);
        servers.iter().for_each(Server::check_mapping);
        self.end(servers, side);
        again
    }

    /// Whether several processes have served, as far as it can be known.
    fn is_spread(&self, seen: &Seen, servers: &[Server], side: Side) -> bool {
        match self.spread {
            Spread::Named => {
                let logs: String = servers.iter().map(Server::log).collect();
                let bodies = seen.iter().flatten().map(|connection| connection.body.as_str());
                bodies.chain(logs.lines()).filter_map(worker).collect::<BTreeSet<_>>().len() > 1
            }
            Spread::Missed => side != Side::Stock || seen[..2].iter().flatten().any(|one| !one.resumed),
        }
    }

    /// All clients at once.
    fn connect(&self, servers: &[Server], sessions: &Folder, visit: Visit) -> Seen {
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

    fn end(&self, servers: Vec<Server>, side: Side) {
        for (server, recipe) in servers.into_iter().zip(&self.recipes) {
            server.stop().check_clean(&recipe.name, side);
        }
    }

    fn check_answers(&self, seen: &Seen, side: Side) {
        let name = &self.recipes[0].name;
        for ((version, _), connections) in CLIENTS.iter().zip(seen) {
            for connection in connections {
                assert!(connection.body.contains(self.says), "{name}: a foreign answer: {connection:?}");
                // A ticket that is as long as an id names a session in the cache.
                let stateful = *version == Version::Tls12 || connection.ticket_bytes == 32;
                assert!(
                    stateful || side == Side::Stock,
                    "{name}: a ticket that passes the cache by: {connection:?}"
                );
            }
        }
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
fn print_row(name: &str, stock: &Seen, ours: &Seen) {
    let percent = |seen: &[Vec<Connection>]| {
        let resumed = seen.iter().flatten().filter(|connection| connection.resumed).count();
        100 * resumed / seen.iter().flatten().count()
    };
    let cell = |of: Range<usize>| format!("{:>3} -> {:>3}", percent(&stock[of.clone()]), percent(&ours[of]));
    let row = format!(
        "{name:<46} resumed, in %, stock -> shared: TLS 1.2 {}; TLS 1.3 {} (of {} or more)\n",
        cell(0..2),
        cell(2..4),
        2 * reconnections()
    );
    let _ = std::io::stdout().write_all(row.as_bytes());
}
