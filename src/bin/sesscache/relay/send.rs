//! From the region's outbox into the streams.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use redis::{Cmd, RedisResult};
use sesscache::tools::relay::Outgoing;

use super::Work;
use super::pace::Pace;
use super::report::Trouble;
use super::server::Link;
use super::streams::{Entry, FIELD};

/// So many letters are sent at a time. The more there are to send, the more go with each round trip.
const LETTERS: usize = 2048;
/// And of entries, which are not so long, one after the other.
const ENTRIES: usize = 16;
/// How often an outbox is looked at to which nothing comes.
const IDLE: Duration = Duration::from_millis(10);
/// And one to which something came a moment ago.
const BUSY: Duration = Duration::from_millis(1);
const MOMENT: Duration = Duration::from_millis(200);
/// How long the end may be put off for what is yet to be sent.
const LAST_CALL: Duration = Duration::from_secs(3);
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LAST: Duration = Duration::from_secs(5);

/// A connection, with the server's time.
struct Sending {
    link: Link,
    /// The server's clock, in milliseconds since the epoch, when ours was read: ours may be set while we run.
    clock: (u64, Instant),
    /// How many entries go with one round trip. A connection begins with one, and after a failure there is another connection: so a slow
    /// server is given what it answers in time.
    at_once: usize,
}

/// Sends until the end, and then what is left.
pub(super) fn send(work: &Work<'_>) {
    let mut outgoing = Outgoing::new(work.carrier);
    let mut pace = Pace::new(work.arguments.max_rate);
    // At a rate that is limited no more than goes in a tenth of a second.
    let limited = work.arguments.max_rate.map(|rate| usize::try_from(rate / 10).unwrap_or(LETTERS).max(1));
    let at_once = limited.unwrap_or(LETTERS).min(LETTERS);
    let mut sending = None;
    let mut busy = Instant::now();
    let mut last_call = None;
    loop {
        if work.repeat_latest.swap(false, Ordering::Relaxed) {
            outgoing.repeat_latest(work.carrier);
        }
        let ends = work.ends();
        let searched = outgoing.is_searching();
        let letters = outgoing.gather(work.carrier, at_once);
        if outgoing.is_searching() && !searched {
            work.tally.has_searched();
        }
        if letters.is_empty() {
            outgoing.confirm(work.carrier);
            if ends && !outgoing.is_searching() {
                return;
            }
            if !outgoing.is_searching() {
                std::thread::sleep(if busy.elapsed() < MOMENT { BUSY } else { IDLE });
            }
            continue;
        }
        busy = Instant::now();
        let until = |work: &Work<'_>| {
            let ends = work.ends();
            if ends && last_call.is_none() {
                last_call = Some(Instant::now() + LAST_CALL);
            }
            last_call.is_none_or(|until| Instant::now() < until)
        };
        let entries = work.streams.entries(work.carrier.id(), &letters);
        if !deliver(work, &mut sending, entries, until) {
            return;
        }
        outgoing.confirm(work.carrier);
        let wait = pace.passed(letters.len() as u64);
        if !ends {
            work.sleep(wait);
        }
    }
}

/// Sends entries, again and again until they have arrived. False if there is no time for that.
fn deliver(
    work: &Work<'_>,
    sending: &mut Option<Sending>,
    mut entries: Vec<Entry<'_>>,
    mut goes_on: impl FnMut(&Work<'_>) -> bool,
) -> bool {
    let mut retry = RETRY_FIRST;
    while goes_on(work) {
        match attempt(work, sending, &mut entries) {
            Ok(()) => {
                TROUBLE.is_over("records are sent again", &[]);
                if entries.is_empty() {
                    return true;
                }
            }
            Err(error) => {
                *sending = None;
                work.tally.sending_failed();
                TROUBLE.is("records cannot be sent", &error.to_string(), &[("server", work.server)]);
                if work.ends() {
                    std::thread::sleep(RETRY_FIRST)
                } else {
                    work.sleep(retry)
                };
                retry = (retry * 2).min(RETRY_LAST);
            }
        }
    }
    false
}

static TROUBLE: Trouble = Trouble::new();

/// Sends some of what is left of the entries. Those that have arrived are taken away.
fn attempt(work: &Work<'_>, sending: &mut Option<Sending>, entries: &mut Vec<Entry<'_>>) -> RedisResult<()> {
    let current = match sending {
        Some(current) => current,
        None => sending.insert(Sending::begin(work)?),
    };
    // What is older than any session may become is of no use to anybody.
    let oldest = current.now().saturating_sub(work.keep());
    let append = |entry: &Entry<'_>| {
        let mut command = Cmd::new();
        command.arg("XADD").arg(&entry.stream.key).arg("MINID").arg("~").arg(oldest);
        command.arg("*").arg(FIELD).arg(&entry.bytes[..]);
        command
    };
    let commands: Vec<Cmd> = entries.iter().take(current.at_once).map(append).collect();
    let (arrived, result) = current.link.send(&commands);
    current.at_once = (current.at_once * 2).min(ENTRIES);
    entries.drain(..arrived).for_each(|entry| work.tally.has_sent(entry.letters, entry.bytes.len() as u64));
    result
}

impl Sending {
    fn begin(work: &Work<'_>) -> RedisResult<Sending> {
        let mut link = work.server.connect()?;
        let (seconds, microseconds): (u64, u64) = link.query(&redis::cmd("TIME"))?;
        let clock = (seconds.saturating_mul(1000) + microseconds / 1000, Instant::now());
        Ok(Sending { link, clock, at_once: 1 })
    }

    /// The server's time, in milliseconds since the epoch.
    fn now(&self) -> u64 {
        let (then, when) = self.clock;
        then.saturating_add(u64::try_from(when.elapsed().as_millis()).unwrap_or(0))
    }
}
