//! A fleet, one tick after the other: sessions come at random to hosts, relays send them in batches, servers keep streams and
//! hand them out as far as they can, and relays take them into rings.
//!
//! All hosts send. Some of them stand for all as readers: each reads every stream whole, as every host does, and what servers hand
//! out to it counts for as many.

use std::collections::VecDeque;

use crate::measured as known;
use crate::model::{Figures, Fleet};
use crate::random::Random;

/// So many readers are looked at.
const READERS: u64 = 8;
/// So many sessions are made at least, in so many seconds at least.
const SESSIONS: f64 = 60_000.0;
const SECONDS: f64 = 3.0;
const TICKS_A_TRIP: f64 = 20.0;
/// Round trips differ by so much, or all hosts would keep step.
const JITTER: f64 = 0.2;

/// What a relay has not sent yet.
struct Letter {
    made: f64,
    bytes: u64,
    stream: usize,
}

#[derive(Clone, Copy)]
struct Entry {
    /// When it is at the server.
    there: f64,
    /// The sum of the times at which its sessions were made.
    made: f64,
    letters: u64,
    /// Its records, with what goes before them.
    bytes: u64,
    in_ring: u64,
}

struct Host {
    letters: VecDeque<Letter>,
    /// When its relay looks next.
    looks: f64,
    /// When something came last.
    came: f64,
}

#[derive(Default)]
struct Stream {
    entries: VecDeque<Entry>,
    /// How many were trimmed.
    trimmed: usize,
    /// What those need that are there.
    memory: f64,
}

/// A reader's place in one stream.
struct Place {
    next: usize,
    /// When its question is at the server, and what it has been promised comes to it.
    asks: f64,
    /// For how many entries, going by the last answer.
    at_once: f64,
}

#[derive(Default)]
struct Reader {
    places: Vec<Place>,
    /// When each part was made, and its bytes; those beyond the ring are gone.
    ring: VecDeque<(f64, u64)>,
    held: u64,
}

/// Sums over the time that counts.
#[derive(Default)]
struct Sums {
    sent: u64,
    entries: u64,
    server_in: u64,
    /// Of the readers alone.
    read_bytes: u64,
    ringed: u64,
    delay: f64,
    arrived: u64,
}

struct Simulation {
    fleet: Fleet,
    random: Random,
    hosts: Vec<Host>,
    streams: Vec<Stream>,
    readers: Vec<Reader>,
    /// What each server may still do in this tick: seconds of work, and bytes to hand out.
    budgets: Vec<(f64, f64)>,
    lifetime: f64,
    /// Of each ring, in bytes.
    room: u64,
    sums: Sums,
}

/// What a simulated fleet did, in the model's terms, and for how long its rings kept sessions in terms of the lifetime.
pub(crate) fn run(fleet: Fleet) -> (Figures, f64) {
    let length = SECONDS.max(SESSIONS / fleet.sessions);
    let mut simulation = Simulation::new(fleet, length);
    simulation.play(length);
    simulation.figures(length)
}

impl Simulation {
    fn new(fleet: Fleet, length: f64) -> Simulation {
        let mut random = Random::new();
        let mut host = |_| Host { letters: VecDeque::new(), looks: random.part() * known::BUSY, came: 0.0 };
        let at_once = *known::ENTRIES_A_CALL.start() as f64;
        let reader = |_| Reader {
            places: (0..fleet.streams).map(|_| Place { next: 0, asks: 0.0, at_once }).collect(),
            ..Reader::default()
        };
        let hosts = (0..fleet.hosts).map(&mut host).collect();
        Simulation {
            random,
            hosts,
            streams: (0..fleet.streams).map(|_| Stream::default()).collect(),
            readers: (0..READERS.min(fleet.hosts)).map(reader).collect(),
            budgets: vec![(0.0, 0.0); fleet.nodes as usize],
            lifetime: length / 3.0,
            room: (fleet.figures().ring * length / 3.0) as u64,
            sums: Sums::default(),
            fleet,
        }
    }

    /// The first third fills streams and rings, and does not count.
    fn play(&mut self, length: f64) {
        let tick = self.fleet.round_trip.min(known::BUSY) / TICKS_A_TRIP;
        let warm = length / 3.0;
        let mut next = self.random.wait(self.fleet.sessions);
        let mut counts = false;
        for number in 0..(length / tick) as u64 {
            let now = number as f64 * tick;
            if !counts && now >= warm {
                counts = true;
                self.sums = Sums::default();
            }
            while next < now {
                self.make(next);
                next += self.random.wait(self.fleet.sessions);
            }
            for host in 0..self.hosts.len() {
                if self.hosts[host].looks <= now {
                    self.look(host, now);
                }
            }
            self.allot(tick);
            // Nobody is always the first.
            let first = number as usize;
            for turn in 0..self.readers.len() {
                let reader = (turn + first) % self.readers.len();
                for stream in 0..self.streams.len() {
                    self.read(reader, (stream + first) % self.streams.len(), now);
                }
            }
        }
    }

    /// A session begins somewhere.
    fn make(&mut self, made: f64) {
        let der = known::DER.start() + self.random.below(known::DER.end() - known::DER.start() + 1);
        let stream = self.random.below(self.fleet.streams) as usize;
        let host = self.random.below(self.fleet.hosts) as usize;
        self.hosts[host].letters.push_back(Letter { made, bytes: known::record(der), stream });
    }

    /// A relay looks what there is to send.
    fn look(&mut self, number: usize, now: f64) {
        let trip = self.trip();
        let host = &mut self.hosts[number];
        let count = host.letters.len().min(known::BATCH_LIMIT as usize);
        if count == 0 {
            let is_busy = now - host.came < known::MOMENT;
            host.looks = now + if is_busy { known::BUSY } else { known::IDLE };
            return;
        }
        host.came = now;
        host.looks = now + trip;
        let batch: Vec<Letter> = host.letters.drain(..count).collect();
        let there = now + trip / 2.0;
        let nodes = self.budgets.len();
        let mut open: Vec<Option<Entry>> = vec![None; self.streams.len()];
        for letter in batch {
            let place = &mut open[letter.stream];
            if place.is_some_and(|entry| entry.bytes + letter.bytes > known::ENTRY_LIMIT)
                && let Some(full) = place.take()
            {
                append(&mut self.streams[letter.stream], full, self.lifetime, &mut self.sums);
                self.budgets[letter.stream % nodes].0 -= known::APPEND_TIME;
            }
            let entry = place.get_or_insert(Entry {
                there,
                made: 0.0,
                letters: 0,
                bytes: known::ENTRY_PREFIX,
                in_ring: 0,
            });
            entry.made += letter.made;
            entry.letters += 1;
            entry.bytes += letter.bytes;
            entry.in_ring += known::in_ring(letter.bytes);
        }
        for (stream, entry) in open.into_iter().enumerate() {
            if let Some(entry) = entry {
                append(&mut self.streams[stream], entry, self.lifetime, &mut self.sums);
                self.budgets[stream % nodes].0 -= known::APPEND_TIME;
            }
        }
    }

    fn trip(&mut self) -> f64 {
        self.fleet.round_trip * (1.0 - JITTER + 2.0 * JITTER * self.random.part())
    }

    /// What servers can do in the next tick. Nothing is saved up but what did not go into the last one.
    fn allot(&mut self, tick: f64) {
        for (work, bytes) in &mut self.budgets {
            *work = work.min(0.0) + tick;
            *bytes = bytes.min(0.0) + known::NODE_BYTES * tick;
        }
    }

    /// A server answers a reader's question, if it has come, there is something, and it can.
    fn read(&mut self, number: usize, stream: usize, now: f64) {
        let trip = self.trip();
        let weight = self.fleet.hosts as f64 / self.readers.len() as f64;
        let reader = &mut self.readers[number];
        let place = &mut reader.places[stream];
        let budget = &mut self.budgets[stream % self.fleet.nodes as usize];
        let kept = &self.streams[stream];
        if place.asks > now || budget.0 <= 0.0 || budget.1 <= 0.0 {
            return;
        }
        // What was trimmed before it was read is lost to this reader.
        place.next = place.next.max(kept.trimmed);
        let entries = kept.entries.range(place.next - kept.trimmed..);
        let entries = entries.take_while(|entry| entry.there <= now).take(place.at_once as usize);
        let (mut bytes, mut payload, mut count) = (0, 0, 0);
        let mut letters = 0;
        for entry in entries {
            place.next += 1;
            count += 1;
            payload += entry.bytes;
            bytes += entry.bytes + known::READ_BYTES;
            letters += entry.letters;
            budget.0 -= known::ENTRY_TIME * weight;
            self.sums.ringed += entry.in_ring;
            self.sums.arrived += entry.letters;
            self.sums.delay += (now + trip / 2.0) * entry.letters as f64 - entry.made;
            reader.ring.push_back((entry.made / entry.letters as f64, entry.in_ring));
            reader.held += entry.in_ring;
        }
        if letters == 0 {
            return;
        }
        place.at_once = known::entries_a_call(payload as f64 / f64::from(count));
        bytes += known::ANSWER_BYTES;
        budget.0 -= known::ANSWER_TIME * weight;
        budget.1 -= bytes as f64 * weight;
        self.sums.read_bytes += bytes;
        place.asks = now + trip + letters as f64 / known::RELAY_RECORDS;
        let room = self.room;
        while reader.held > room
            && let Some((_, gone)) = reader.ring.pop_front()
        {
            reader.held -= gone;
        }
    }

    fn figures(&self, length: f64) -> (Figures, f64) {
        let seconds = length - length / 3.0;
        let hosts = self.fleet.hosts as f64;
        let a_second = |sum: u64| sum as f64 / seconds;
        let a_reader = |sum: u64| a_second(sum) / self.readers.len() as f64;
        let sums = &self.sums;
        let memory: f64 = self.streams.iter().map(|stream| stream.memory).sum();
        let figures = Figures {
            sent: a_second(sums.sent),
            entries: a_second(sums.entries),
            server_in: a_second(sums.server_in),
            server_out: a_reader(sums.read_bytes) * hosts,
            host_in: a_reader(sums.read_bytes),
            host_out: a_second(sums.server_in) / hosts,
            memory: memory / self.lifetime,
            ring: a_reader(sums.ringed),
            delay: Some(sums.delay / sums.arrived as f64),
        };
        let ages = self.readers.iter().filter_map(|reader| {
            let ((oldest, _), (newest, _)) = (reader.ring.front()?, reader.ring.back()?);
            Some(newest - oldest)
        });
        let age = ages.sum::<f64>() / self.readers.len() as f64;
        (figures, age / self.lifetime)
    }
}

fn append(stream: &mut Stream, mut entry: Entry, lifetime: f64, sums: &mut Sums) {
    sums.sent += entry.letters;
    sums.entries += 1;
    sums.server_in += entry.bytes + known::APPEND_BYTES;
    stream.memory += memory(&entry);
    // One that overtakes another a little stands behind it: that is simpler here.
    entry.there = stream.entries.back().map_or(entry.there, |last| last.there.max(entry.there));
    stream.entries.push_back(entry);
    while let Some(oldest) = stream.entries.front().filter(|oldest| oldest.there < entry.there - lifetime) {
        stream.memory -= memory(oldest);
        stream.trimmed += 1;
        stream.entries.pop_front();
    }
}

fn memory(entry: &Entry) -> f64 {
    entry.bytes as f64 * known::MEMORY_FACTOR + known::MEMORY_ENTRY
}
