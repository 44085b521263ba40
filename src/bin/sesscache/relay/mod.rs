//! `sesscache relay`: carries the sessions of a region to other machines and theirs to it, over the streams of a Redis or Valkey
//! server.
//!
//! ```text
//! region's outbox --> send --> stream(s) --> read --> region
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `server` | reaching the server: alone, behind sentinels, or a cluster |
//! | `send` | from the outbox into the streams |
//! | `read` | from a stream into the region, and the first filling of an empty one |
//! | `streams` | what an entry is, and which stream a letter goes to |
//! | `pace` | not more than so many records a second |
//! | `tally`, `metrics` | what was done, for the operator |
//! | `report` | lines of a log |
//!
//! Servers are not held up by any of this: they know of no relay. Whatever goes wrong is tried again until it goes right.

#![allow(clippy::exit, reason = "see `insist`")]

mod metrics;
mod pace;
mod read;
mod report;
mod send;
mod server;
mod streams;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sesscache::tools::relay::{Carrier, Lock};

use crate::Exit;
use crate::arguments::Relay;
use report::{Level, report};
use server::Server;
use streams::Streams;
use tally::Tally;

/// How often the relay looks at what is not its daily work.
const GLANCE: Duration = Duration::from_millis(100);
/// How long the end may take.
const LAST_CALL: Duration = Duration::from_secs(10);

/// What all threads of a relay share while it works for one region.
struct Work<'a> {
    carrier: &'a Carrier,
    server: &'a Server,
    streams: &'a Streams,
    tally: &'a Tally,
    arguments: &'a Relay,
    /// Set when they should come to an end.
    ending: AtomicBool,
    /// Set when the server has lost what was sent to it lately.
    repeat_latest: AtomicBool,
}

/// What the operator has asked for.
struct Wishes {
    end: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

pub(crate) fn relay(arguments: &Relay) -> Result<Exit, String> {
    let wishes = Wishes::listen()?;
    let Some(_lock) = Lock::take(&arguments.region)? else {
        return Err(format!("another relay works for {}", arguments.region.display()));
    };
    let streams = Streams::new(&arguments.stream, arguments.streams);
    let mut server = Server::of(arguments)?;
    let tally = Tally::default();
    wishes.insist();
    let listening = arguments.metrics.map(metrics::listen).transpose()?;
    thread::scope(|scope| {
        if let Some(listening) = &listening {
            scope.spawn(|| metrics::serve(listening, &tally, || wishes.ends()));
        }
        work(arguments, &wishes, &streams, &mut server, &tally)
    })?;
    report(Level::Info, "stopped", &[("sent", &tally.sent()), ("received", &tally.received())]);
    Ok(Exit::Good)
}

/// Works for one region after the other, until it should end.
fn work(
    arguments: &Relay,
    wishes: &Wishes,
    streams: &Streams,
    server: &mut Server,
    tally: &Tally,
) -> Result<(), String> {
    let mut waits = false;
    tell_system("READY=1");
    while !wishes.ends() {
        if wishes.reload.swap(false, Ordering::Relaxed) {
            reload(server, arguments);
        }
        let carrier = match Carrier::open(&arguments.region, arguments.size) {
            Ok(Some(carrier)) => carrier,
            waiting => {
                if !waits {
                    let why = waiting.err().unwrap_or_else(|| "there is none yet".to_owned());
                    report(Level::Warn, "waiting for the region", &[("why", &why)]);
                }
                waits = true;
                tell_system("STATUS=waiting for the region\nWATCHDOG=1");
                thread::sleep(GLANCE);
                continue;
            }
        };
        waits = false;
        report(
            Level::Info,
            "working",
            &[
                ("region", &arguments.region.display()),
                ("server", server),
                ("stream", &arguments.stream),
                ("streams", &arguments.streams),
            ],
        );
        work_for(
            &Work {
                carrier: &carrier,
                server,
                streams,
                tally,
                arguments,
                ending: AtomicBool::new(false),
                repeat_latest: AtomicBool::new(false),
            },
            wishes,
        );
    }
    tell_system("STOPPING=1");
    Ok(())
}

/// Works for this region until it should end, or is another one, or how the server is reached has changed.
fn work_for(work: &Work<'_>, wishes: &Wishes) {
    thread::scope(|scope| {
        let mut threads = vec![scope.spawn(|| send::send(work))];
        threads.extend(work.streams.all().map(|stream| scope.spawn(move || read::read(work, stream))));
        let mut told = Instant::now();
        while !wishes.ends() && !wishes.reload.load(Ordering::Relaxed) {
            // None ends by itself; should one have panicked, so do we.
            if threads.iter().any(thread::ScopedJoinHandle::is_finished) {
                break;
            }
            thread::sleep(GLANCE);
            if told.elapsed() < Duration::from_secs(1) {
                continue;
            }
            told = Instant::now();
            work.tally.tell(work.carrier);
            tell_system(&format!("STATUS={}\nWATCHDOG=1", work.tally.status()));
            if !work.carrier.is_in_place() {
                report(Level::Warn, "the region is another one", &[]);
                break;
            }
        }
        work.ending.store(true, Ordering::Relaxed);
    });
    work.tally.tell(work.carrier);
}

fn reload(server: &mut Server, arguments: &Relay) {
    match Server::of(arguments) {
        Ok(again) => {
            *server = again;
            report(Level::Info, "password and certificates were read again", &[]);
        }
        Err(why) => report(Level::Warn, "password and certificates stay as they were", &[("why", &why)]),
    }
}

impl Work<'_> {
    fn ends(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// How long entries are kept, in milliseconds.
    fn keep(&self) -> u64 {
        self.arguments.keep.unsigned_abs().saturating_mul(1000)
    }

    /// Sleeps, but not beyond the end.
    fn sleep(&self, length: Duration) {
        let until = Instant::now() + length;
        while !self.ends() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(GLANCE));
        }
    }
}

impl Wishes {
    fn listen() -> Result<Wishes, String> {
        let wishes = Wishes { end: Arc::default(), reload: Arc::default() };
        let signals = [
            (signal_hook::consts::SIGTERM, &wishes.end),
            (signal_hook::consts::SIGINT, &wishes.end),
            (signal_hook::consts::SIGHUP, &wishes.reload),
        ];
        for (signal, flag) in signals {
            signal_hook::flag::register(signal, Arc::clone(flag))
                .map_err(|error| format!("signals cannot be received: {error}"))?;
        }
        Ok(wishes)
    }

    fn ends(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }

    /// Has the process end in any case, some time after it should: a server can keep us waiting for as long as it wants. What is not sent
    /// by then is still in the region.
    fn insist(&self) {
        let end = Arc::clone(&self.end);
        thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                thread::sleep(GLANCE);
            }
            thread::sleep(LAST_CALL);
            report(Level::Warn, "stopped without waiting any longer", &[]);
            std::process::exit(0);
        });
    }
}

/// To systemd, if it has started us.
fn tell_system(what: &str) {
    let lines: Vec<_> = what.split('\n').map(sd_notify::NotifyState::Custom).collect();
    let _ = sd_notify::notify(&lines);
}
