//! The question of all these tests: does the program under the library resume at least what it resumes alone?

use std::io::Write;

use crate::client::{Client, Connection, Pattern, Version};
use crate::process::{Recipe, Server, Side};

pub(crate) const RECONNECTIONS: usize = 100;

/// What one server is asked, in this order.
const RUNS: [(Version, Pattern); 4] = [
    (Version::Tls12, Pattern::Same),
    (Version::Tls12, Pattern::Latest),
    (Version::Tls13, Pattern::Same),
    (Version::Tls13, Pattern::Latest),
];

/// The versions of the clients that connect at the same time, before those runs.
const CROWD: [Version; 4] = [Version::Tls12, Version::Tls13, Version::Tls12, Version::Tls13];

/// Connections that a server sees in one comparison without a crowd.
pub(crate) const CONNECTIONS: usize = RUNS.len() * (RECONNECTIONS + 1);

/// The resumed of `RECONNECTIONS` that libssl alone gives, for each of `RUNS`. A program that is set up wrongly would
/// compare 0 with 0 and prove nothing.
pub(crate) type Rates = [usize; RUNS.len()];

pub(crate) const ALWAYS: Rates = [RECONNECTIONS; RUNS.len()];
pub(crate) const NEVER: Rates = [0; RUNS.len()];

pub(crate) struct Comparison {
    pub(crate) recipe: Recipe,
    /// Stands in every answer of the server.
    pub(crate) says: &'static str,
    pub(crate) stock: Rates,
    /// Several clients at once come first. Not for a cache that they would overflow.
    pub(crate) crowd: bool,
}

struct Findings {
    rates: Rates,
    last_body: String,
    log: String,
}

/// What the last answers and the logs of the two sides were, stock first.
pub(crate) struct Outcome {
    pub(crate) last_bodies: [String; 2],
    pub(crate) logs: [String; 2],
}

impl Comparison {
    /// Runs the program twice and prints one line with the rates.
    pub(crate) fn run(&self) -> Outcome {
        let stock = self.measure(Side::Stock);
        assert_eq!(
            stock.rates, self.stock,
            "{}: libssl alone resumes otherwise than expected",
            self.recipe.name
        );
        let preloaded = self.measure(Side::Preloaded);
        print_row(&self.recipe.name, &stock.rates, &preloaded.rates);
        let worse = stock.rates.iter().zip(&preloaded.rates).any(|(alone, ours)| ours < alone);
        assert!(!worse, "{}: fewer resumptions with the library:\n{}", self.recipe.name, preloaded.log);
        let unasked = stock.rates == NEVER && preloaded.rates != NEVER;
        assert!(!unasked, "{}: the cache is off and yet it resumes", self.recipe.name);
        Outcome { last_bodies: [stock.last_body, preloaded.last_body], logs: [stock.log, preloaded.log] }
    }

    fn measure(&self, side: Side) -> Findings {
        let server = Server::start(&self.recipe, side);
        if self.crowd {
            self.check_crowd(&server);
        }
        let mut last_body = String::new();
        let rates = RUNS.map(|(version, pattern)| {
            let connections = Client::new(server.address, version, pattern).connect(RECONNECTIONS + 1);
            self.check(version, &connections);
            last_body.clone_from(&connections[RECONNECTIONS].body);
            count(&connections)
        });
        server.check_mapping();
        let ending = server.stop();
        ending.check_clean(&self.recipe.name, side);
        Findings { rates, last_body, log: ending.log }
    }

    /// Several clients at once, each with its own session, resume as one alone does.
    fn check_crowd(&self, server: &Server) {
        let connect =
            |version| Client::new(server.address, version, Pattern::Same).connect(RECONNECTIONS + 1);
        let resumed = std::thread::scope(|scope| {
            let clients = CROWD.map(|version| scope.spawn(move || connect(version)));
            clients.map(|client| count(&client.join().expect("a client in the crowd")))
        });
        let alone =
            CROWD.map(|version| if version == Version::Tls12 { self.stock[0] } else { self.stock[2] });
        let fewer = resumed.iter().zip(&alone).any(|(together, alone)| together < alone);
        assert!(
            !fewer,
            "{} ({:?}): resumed together {resumed:?}, alone {alone:?}",
            self.recipe.name, server.side
        );
    }

    fn check(&self, version: Version, connections: &[Connection]) {
        assert!(!connections[0].resumed, "{}: a first connection is resumed", self.recipe.name);
        for connection in connections {
            assert!(
                connection.body.contains(self.says),
                "{}: a foreign answer: {connection:?}",
                self.recipe.name
            );
            // A stateful TLS 1.3 ticket is the id of a stored session.
            let stateful = version == Version::Tls12 || connection.ticket_bytes == 32;
            assert!(stateful, "{}: a stateless ticket: {connection:?}", self.recipe.name);
        }
    }
}

fn count(connections: &[Connection]) -> usize {
    connections.iter().filter(|connection| connection.resumed).count()
}

/// Straight to the descriptor: the test harness would swallow what a passing test prints.
fn print_row(name: &str, stock: &Rates, preloaded: &Rates) {
    let cell = |at: usize| format!("{:>3} -> {:>3}", stock[at], preloaded[at]);
    let row = format!(
        "{name:<34} resumed of {RECONNECTIONS}, stock -> preloaded: \
         TLS 1.2 same {}, latest {}; TLS 1.3 same {}, latest {}\n",
        cell(0),
        cell(1),
        cell(2),
        cell(3)
    );
    let _ = std::io::stdout().write_all(row.as_bytes());
}
