//! What the programs reached, read from the traces: a fuzzer that reaches nothing finds nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// In this many programs each of the kinds below must have come up.
const LONG_RUN: u64 = 2000;

/// Beginnings of names in the count.
const WANTED: &[&str] = &[
    "tls1.2 full",
    "tls1.2 resumed",
    "tls1.2 failed",
    "tls1.3 full",
    "tls1.3 resumed",
    "tls1.3-stateful full",
    "tls1.3-stateful resumed",
    "dtls1.2 full",
    "dtls1.2 resumed",
    "early data accepted",
    "early data accepted without anti-replay",
    "client certificate full",
    "client certificate resumed",
    "renegotiate",
    "ticket",
    "table",
    "new callback",
    "remove callback",
    "get callback",
    "get callback answered",
    "nested operation",
    "switch",
    "eviction",
    "generate",
];

static TOTAL: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
pub(crate) struct Coverage(BTreeMap<String, u64>);

impl Coverage {
    /// Counts what this trace shows.
    pub(crate) fn add(&mut self, trace: &str) {
        self.count("programs");
        for line in trace.lines() {
            if let Some(kind) = kind(line) {
                self.count(&kind);
            }
        }
    }

    fn count(&mut self, kind: &str) {
        match self.0.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(kind.to_owned(), 1);
            }
        }
    }

    /// What should have come up in so many programs and has not.
    pub(crate) fn missing(&self, programs: u64, libssl: &str) -> Vec<&'static str> {
        if programs < LONG_RUN {
            return Vec::new();
        }
        // SSL_new_session_ticket came with 3.0.
        let possible = |wanted: &&str| *wanted != "ticket" || !libssl.starts_with("1.1.1");
        WANTED.iter().copied().filter(possible).filter(|wanted| !self.0.contains_key(*wanted)).collect()
    }

    /// Adds it to what is told at the end.
    pub(crate) fn publish(self) {
        let mut total = TOTAL.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (kind, count) in self.0 {
            *total.entry(kind).or_default() += count;
        }
    }
}

/// What a line of a trace stands for, if it is one to count.
fn kind(line: &str) -> Option<String> {
    if line.starts_with("> ") {
        return Some("operations".to_owned());
    }
    let line = line.trim_start();
    let mut words = line.split(' ');
    let first = words.next()?;
    let callback = first.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = match callback {
        "new" if first != callback => "new callback",
        "remove" if first != callback => "remove callback",
        "get" if first != callback => "get callback",
        "answer" if !line.ends_with("NULL") => "get callback answered",
        "hook" => "nested operation",
        "switch" | "generate" | "renegotiate" | "ticket" | "table" => first,
        "k" if line.contains(": server has") => return handshake(line),
        _ if line.contains(" cache_full ") => "eviction",
        _ if line.contains(" timeouts ") => "timeout",
        _ => return None,
    };
    Some(name.to_owned())
}

/// `k3 tls1.2 full: …`
fn handshake(line: &str) -> Option<String> {
    let (kind, _) = line.split_once(':')?;
    let (_, kind) = kind.split_once(' ')?;
    if line.contains("early 2 unguarded") {
        return Some("early data accepted without anti-replay".to_owned());
    }
    if line.contains("early 2") {
        return Some("early data accepted".to_owned());
    }
    if line.contains("peer client") {
        return kind.split_once(' ').map(|(_, how)| format!("client certificate {how}"));
    }
    Some(kind.to_owned())
}

/// One line for each kind.
pub(crate) fn announce() {
    let total = TOTAL.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if total.is_empty() {
        return;
    }
    println!("differential: reached");
    for (kind, count) in total.iter() {
        println!("  {count:>9} {kind}");
    }
}
