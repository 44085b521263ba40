//! From a stream into the region.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use redis::streams::{StreamId, StreamRangeReply, StreamReadReply};
use redis::{Cmd, RedisResult, Value};
use sesscache::tools::relay::{Arrivals, From, StreamPlace};

use super::Work;
use super::pace::Pace;
use super::report::{Level, Trouble, report};
use super::server::Link;
use super::streams::{self, FIELD, Stream};

/// So many entries are read at a time, at first and when they are long: servers answer by numbers, not by bytes.
const ENTRIES: usize = 32;
/// And when they are short.
const ENTRIES_MOST: usize = 4096;
/// An answer should be about so long.
const ANSWER: usize = 2 << 20;
/// How long the server waits for an entry before it says that there is none.
const WAIT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(4);
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LAST: Duration = Duration::from_secs(5);
/// How often the stream is looked at to see whether it is still the same.
const LOOK: Duration = Duration::from_secs(5);
/// Who answers at once that there is nothing is not asked at once again.
const LULL: Duration = Duration::from_millis(50);
const BEGINNING: StreamPlace = (0, 0);

struct Reading<'a> {
    work: &'a Work<'a>,
    stream: &'a Stream,
    pace: Pace,
    link: Link,
    looked: Instant,
    /// A place that the stream had when it was looked at last.
    anchor: StreamPlace,
    /// How many entries are read at a time.
    entries: usize,
}

/// Reads until the end.
pub(super) fn read(work: &Work<'_>, stream: &Stream) {
    let trouble = Trouble::new();
    let facts: [(&str, &dyn std::fmt::Display); 2] = [("server", work.server), ("stream", &stream.key)];
    let mut retry = RETRY_FIRST;
    while !work.ends() {
        let begun = Instant::now();
        let Err(error) = read_on(work, stream, &trouble) else { return };
        work.tally.reading_failed();
        trouble.is("records cannot be read", &error.to_string(), &facts);
        if begun.elapsed() > RETRY_LAST {
            retry = RETRY_FIRST;
        }
        work.sleep(retry);
        retry = (retry * 2).min(RETRY_LAST);
    }
}

fn read_on(work: &Work<'_>, stream: &Stream, trouble: &Trouble) -> RedisResult<()> {
    let link = work.server.connect()?;
    link.set_patience(PATIENCE)?;
    let streams = u64::try_from(work.arguments.streams).unwrap_or(1).max(1);
    let pace = Pace::new(work.arguments.max_rate.map(|rate| (rate / streams).max(1)));
    let (looked, anchor) = (Instant::now(), BEGINNING);
    let mut reading = Reading { work, stream, pace, link, looked, anchor, entries: ENTRIES };
    let mut place = reading.begin()?;
    let is_well = || {
        work.tally.reading_works();
        trouble.is_over("records are read again", &[("stream", &stream.key)]);
    };
    is_well();
    while !work.ends() {
        if reading.looked.elapsed() > LOOK {
            place = reading.look(place)?;
            is_well();
        }
        place = reading.next(place)?;
    }
    Ok(())
}

impl Reading<'_> {
    /// Where to read on.
    fn begin(&mut self) -> RedisResult<StreamPlace> {
        match self.work.carrier.place(self.stream.number) {
            Some(place) => {
                self.anchor = place;
                self.look(place)
            }
            None => {
                self.anchor = self.fill()?;
                Ok(self.anchor)
            }
        }
    }

    /// The same place, if the stream is still the one that was read until there: a server may have lost it, or its end. What is
    /// asked for is an entry of the last look: a new stream may have been read since.
    fn look(&mut self, place: StreamPlace) -> RedisResult<StreamPlace> {
        self.looked = Instant::now();
        let anchor = std::mem::replace(&mut self.anchor, place);
        if anchor == BEGINNING || self.has(anchor)? {
            return Ok(place);
        }
        // Or it was trimmed, because it is old.
        let newest = self.newest_until("+")?;
        if newest.is_some_and(|newest| newest.0.saturating_sub(anchor.0) >= self.work.keep()) {
            return Ok(place);
        }
        let before = self.newest_until(&streams::id(anchor))?;
        let facts: [(&str, &dyn std::fmt::Display); 2] =
            [("stream", &self.stream.key), ("read", &streams::id(anchor))];
        let from = if let Some(before) = before {
            // A server that took over from another one lacks the latest entries.
            report(Level::Warn, "the stream has lost its end", &facts);
            self.work.repeat_latest.store(true, Ordering::Relaxed);
            before
        } else {
            report(Level::Warn, "the stream is another one", &facts);
            self.work.carrier.ask_again();
            BEGINNING
        };
        self.anchor = from;
        self.work.carrier.set_place(self.stream.number, from);
        Ok(from)
    }

    fn has(&mut self, place: StreamPlace) -> RedisResult<bool> {
        let mut command = redis::cmd("XRANGE");
        command.arg(&self.stream.key).arg(streams::id(place)).arg(streams::id(place));
        Ok(!self.link.query::<StreamRangeReply>(&command)?.ids.is_empty())
    }

    /// The place of the newest entry up to here, if there is one.
    fn newest_until(&mut self, end: &str) -> RedisResult<Option<StreamPlace>> {
        let mut command = redis::cmd("XREVRANGE");
        command.arg(&self.stream.key).arg(end).arg("-").arg("COUNT").arg(1);
        let entries = self.link.query::<StreamRangeReply>(&command)?.ids;
        Ok(entries.first().and_then(|entry| streams::place(&entry.id)))
    }

    /// The next entries, or none if there are none for a while.
    fn next(&mut self, place: StreamPlace) -> RedisResult<StreamPlace> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(self.entries).arg("BLOCK").arg(WAIT.as_millis() as u64);
        command.arg("STREAMS").arg(&self.stream.key).arg(streams::id(place));
        let asked = Instant::now();
        let reply: Option<StreamReadReply> = self.link.query(&command)?;
        let entries: Vec<StreamId> =
            reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).collect();
        self.adapt(&entries);
        let mut next = place;
        for entry in entries {
            let arrivals = self.take(&entry);
            next = streams::place(&entry.id).unwrap_or(next);
            self.wait(&arrivals);
        }
        if next == place && asked.elapsed() < LULL {
            self.work.sleep(LULL);
        }
        self.work.carrier.set_place(self.stream.number, next);
        Ok(next)
    }

    /// Asks for as many next time as make a good answer, going by the last one.
    fn adapt(&mut self, entries: &[StreamId]) {
        let bytes: usize = entries.iter().filter_map(letters_of).map(<[u8]>::len).sum();
        if let Some(average) = bytes.checked_div(entries.len()) {
            self.entries = (ANSWER / average.max(1)).clamp(ENTRIES, ENTRIES_MOST);
        }
    }

    /// Takes in what an entry holds.
    fn take(&self, entry: &StreamId) -> Arrivals {
        let bytes = letters_of(entry);
        let arrivals = match bytes.and_then(streams::parse) {
            Some((from, letters)) if from == self.work.carrier.id() => {
                self.work.carrier.receive(letters, From::Ourselves);
                Arrivals::default()
            }
            Some((_, letters)) => self.work.carrier.receive(letters, From::Another),
            None => Arrivals { odd: 1, ..Arrivals::default() },
        };
        self.work.tally.has_received(&arrivals, bytes.map_or(0, <[u8]>::len) as u64);
        arrivals
    }

    fn wait(&mut self, arrivals: &Arrivals) {
        let wait = self.pace.passed(arrivals.put + arrivals.known);
        self.work.sleep(wait);
    }

    /// Fills a region that has never read the stream, newest first, and says from where to read on.
    fn fill(&mut self) -> RedisResult<StreamPlace> {
        let newest = self.newest_until("+")?.unwrap_or(BEGINNING);
        let mut progress = Progress::begin(self.stream, newest);
        self.fill_before(newest, &mut progress)?;
        progress.end();
        if !self.work.ends() {
            self.work.carrier.set_place(self.stream.number, newest);
        }
        Ok(newest)
    }

    fn fill_before(&mut self, newest: StreamPlace, progress: &mut Progress<'_>) -> RedisResult<()> {
        let carrier = self.work.carrier;
        let (began, room) = (carrier.written(), carrier.room());
        // What is there is worth as much as what comes. Of an empty region a part is left for what is new.
        let limit = if began < room / 4 { room / 4 * 3 } else { room / 4 };
        let mut before = streams::id(newest);
        loop {
            let entries = self.range_before(&before)?;
            let Some(last) = entries.last() else { return Ok(()) };
            before = format!("({}", last.id);
            for entry in &entries {
                let arrivals = self.take(entry);
                let age = progress.goes_on(&arrivals, streams::place(&entry.id).unwrap_or(BEGINNING));
                let is_full = carrier.written().saturating_sub(began) > limit;
                if is_full || age > self.work.keep() || self.work.ends() {
                    return Ok(());
                }
                self.wait(&arrivals);
            }
        }
    }

    /// Entries before this one or, without a bracket, this one and those before; the newest first.
    fn range_before(&mut self, before: &str) -> RedisResult<Vec<StreamId>> {
        let mut command = Cmd::new();
        command.arg("XREVRANGE").arg(&self.stream.key).arg(before).arg("-").arg("COUNT").arg(self.entries);
        let entries = self.link.query::<StreamRangeReply>(&command)?.ids;
        self.adapt(&entries);
        Ok(entries)
    }
}

/// What an entry holds, if it is a relay's.
fn letters_of(entry: &StreamId) -> Option<&[u8]> {
    match entry.map.get(FIELD)? {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

/// Says once a second how far the filling is.
struct Progress<'a> {
    stream: &'a Stream,
    newest: StreamPlace,
    records: u64,
    begun: Instant,
    shown: Instant,
}

impl Progress<'_> {
    fn begin(stream: &Stream, newest: StreamPlace) -> Progress<'_> {
        Progress { stream, newest, records: 0, begun: Instant::now(), shown: Instant::now() }
    }

    /// Counts what has come from there; how far back that is, in milliseconds.
    fn goes_on(&mut self, arrivals: &Arrivals, place: StreamPlace) -> u64 {
        self.records += arrivals.put;
        let age = self.newest.0.saturating_sub(place.0);
        if self.shown.elapsed() >= Duration::from_secs(1) {
            self.shown = Instant::now();
            let back = format!("{}s", age / 1000);
            let facts: [(&str, &dyn std::fmt::Display); 3] =
                [("stream", &self.stream.key), ("records", &self.records), ("back", &back)];
            report(Level::Info, "filling the region", &facts);
        }
        age
    }

    fn end(&self) {
        let took = format!("{:.1}s", self.begun.elapsed().as_secs_f64());
        let facts: [(&str, &dyn std::fmt::Display); 3] =
            [("stream", &self.stream.key), ("records", &self.records), ("took", &took)];
        report(Level::Info, "the region is filled", &facts);
    }
}
