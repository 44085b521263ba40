//! The TLS client: a small C program beside this file, compiled once a run, never preloaded.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{find_program, run_tool};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// By session id: this client neither offers nor takes tickets in TLS 1.2.
    Tls12,
    Tls13,
}

impl Version {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Every reconnection offers the last session that the first connection was given.
    Same,
    /// Every reconnection offers the newest session that the server gave.
    Latest,
}

/// One connection, as the client saw it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) resumed: bool,
    pub(crate) ticket_bytes: usize,
    /// What the server answered, with `|` for line breaks.
    pub(crate) body: String,
}

pub(crate) struct Client {
    address: SocketAddr,
    version: Version,
    pattern: Pattern,
    options: Vec<String>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, version: Version, pattern: Pattern) -> Self {
        Self { address, version, pattern, options: Vec::new() }
    }

    /// Adds an option of the C program (its head lists them).
    pub(crate) fn option(mut self, letter: &str, value: impl Into<String>) -> Self {
        self.options.extend([letter.to_owned(), value.into()]);
        self
    }

    /// Connects `count` times, one after the other. Every connection has to work.
    pub(crate) fn connect(&self, count: usize) -> Vec<Connection> {
        let version = if self.version == Version::Tls12 { "1.2" } else { "1.3" };
        let pattern = if self.pattern == Pattern::Same { "same" } else { "latest" };
        let mut command = Command::new(program());
        command.args(&self.options).arg(self.address.ip().to_string()).arg(self.address.port().to_string());
        command.args([version, pattern, &count.to_string()]);
        let printed = run_tool(&mut command);
        let connections: Vec<_> = printed.lines().map(|line| self.parse(line)).collect();
        assert_eq!(connections.len(), count, "the client lost connections:\n{printed}");
        connections
    }

    fn parse(&self, line: &str) -> Connection {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (outcome, version, ticket, body) = (word(), word(), word(), word());
        assert!(outcome == "full" || outcome == "resumed", "a connection failed: {line}");
        assert_eq!(version, self.version.name(), "another TLS version than asked for: {line}");
        let ticket_bytes = ticket.strip_prefix("ticket=").and_then(|n| n.parse().ok());
        Connection {
            resumed: outcome == "resumed",
            ticket_bytes: ticket_bytes.unwrap_or_else(|| panic!("no ticket length: {line}")),
            body: body.to_owned(),
        }
    }
}

/// Compiled under a name of its own and renamed, so that two runs at once do not meet.
fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/resume_client.c");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("resume_client");
        let fresh = path.with_extension(std::process::id().to_string());
        let mut cc = Command::new(find_program("cc"));
        cc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&fresh)
            .arg(source)
            .args(["-lssl", "-lcrypto"]);
        run_tool(&mut cc);
        fs::rename(&fresh, &path).expect("put the client in its place");
        path
    };
    BUILT.get_or_init(build).clone()
}
