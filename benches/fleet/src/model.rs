//! What a fleet needs, as formulas.
//!
//! With H hosts, S new sessions a second on all of them, a round trip of T, and k streams:
//!
//! - a relay sends what has gathered during the last round trip. It gets `s = S / H` a second, so the next batch comes T later if
//!   something has come meanwhile, and else once it looks again after a sleep of p: `cycle = T + e^(-sT) p / (1 - e^(-sp))`;
//! - a batch of n is spread over streams by hash. Of a Poisson number with mean m, `k (1 - e^(-m/k))` streams get something, and
//!   as an entry has 64 KiB at most, many letters for one stream are several entries;
//! - a reader gets what there is when it asks, and asks again after a round trip. A server that is busy answers later, and then with
//!   more entries at once, as many as make 2 MiB, but 4096 at most: that is its limit;
//! - every host reads everything, its own included: `out = H × in`;
//! - the server holds what is not older than the lifetime, and so does the ring of every region.

use crate::measured as known;

#[derive(Clone, Copy)]
pub(crate) struct Fleet {
    pub(crate) hosts: u64,
    /// New sessions a second on all hosts.
    pub(crate) sessions: f64,
    pub(crate) streams: u64,
    /// Servers that share the streams.
    pub(crate) nodes: u64,
    /// In seconds, there and back.
    pub(crate) round_trip: f64,
}

/// For a second, where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Records that hosts have sent.
    pub(crate) sent: f64,
    pub(crate) entries: f64,
    /// Bytes into all servers.
    pub(crate) server_in: f64,
    /// And out of them.
    pub(crate) server_out: f64,
    /// Bytes into a host.
    pub(crate) host_in: f64,
    /// And out of it.
    pub(crate) host_out: f64,
    /// Bytes of memory of all servers for each second of the lifetime.
    pub(crate) memory: f64,
    /// Bytes of a ring for each second of the lifetime.
    pub(crate) ring: f64,
    /// Seconds from a session's beginning until another host has it, on an average. None if there is no end to it.
    pub(crate) delay: Option<f64>,
}

impl Fleet {
    /// Sessions a second on one host.
    fn each(&self) -> f64 {
        self.sessions / self.hosts as f64
    }

    /// How long a relay sleeps that has nothing to send.
    fn sleep(&self) -> f64 {
        let is_quiet = (-self.each() * known::MOMENT).exp();
        known::BUSY + is_quiet * (known::IDLE - known::BUSY)
    }

    /// The letters that one relay sends a second. A batch has a limit.
    fn sent_each(&self) -> f64 {
        self.each().min(known::BATCH_LIMIT as f64 / self.round_trip)
    }

    /// The time from a batch to the next.
    fn cycle(&self) -> f64 {
        let (each, sleep) = (self.each(), self.sleep());
        let is_empty = (-each * self.round_trip).exp();
        self.round_trip + is_empty * sleep / (1.0 - (-each * sleep).exp())
    }

    /// The entries that one batch becomes: after a round trip or, if nothing has come in it, after a sleep.
    fn entries_a_batch(&self) -> f64 {
        let gathered = self.sent_each() * self.round_trip;
        let slept = self.each() * self.sleep();
        let is_empty = (-self.each() * self.round_trip).exp();
        self.entries_of(gathered) + is_empty * self.entries_of(slept) / (1.0 - (-slept).exp())
    }

    /// How many entries a Poisson number of letters becomes; none is none.
    fn entries_of(&self, letters: f64) -> f64 {
        let streams = self.streams as f64;
        let whole = ((known::ENTRY_LIMIT - known::ENTRY_PREFIX) as f64 / known::mean(known::record)).floor();
        streams * mean_of_ceiling(letters / streams, whole)
    }

    /// What goes to the servers a second on behalf of all hosts.
    fn load(&self) -> Load {
        let hosts = self.hosts as f64;
        let records = self.sent_each() * hosts;
        let entries = self.entries_a_batch() / self.cycle() * hosts;
        let payload = records * known::mean(known::record) + entries * known::ENTRY_PREFIX as f64;
        Load { records, entries, payload }
    }

    /// Bytes that the servers have to hand out, whether they can or not.
    fn demand(&self, load: &Load) -> f64 {
        let answers = self.answers(load) * known::ANSWER_BYTES as f64;
        let bytes = load.payload + load.entries * known::READ_BYTES as f64 + answers;
        bytes * self.hosts as f64
    }

    /// The time from a reader's question to its next one: the round trip, as long as it takes to take in what has come, and as long
    /// as a busy server lets it wait: the longer it waits, the more entries it gets, and the fewer answers the server has to give.
    fn turn(&self, load: &Load) -> f64 {
        let at_work = load.records / self.streams as f64 / known::RELAY_RECORDS;
        let at_ease = self.round_trip / (1.0 - at_work.min(0.99));
        let each = load.entries / self.streams as f64;
        let time = self.free(load) - self.readers() * each * known::ENTRY_TIME;
        let answers = (time / self.readers() / known::ANSWER_TIME).max(each / load.entries_a_call());
        at_ease.max(1.0 / answers - 1.0 / each)
    }

    /// How many readers a server has, each of one stream.
    fn readers(&self) -> f64 {
        (self.hosts * self.streams) as f64 / self.nodes as f64
    }

    /// The part of a server's time that appending leaves to readers.
    fn free(&self, load: &Load) -> f64 {
        1.0 - load.entries / self.nodes as f64 * known::APPEND_TIME
    }

    /// How many answers with entries a host gets. It asks again at once, and then there is one, or it waits for it.
    fn answers(&self, load: &Load) -> f64 {
        let each = load.entries / self.streams as f64;
        let answers = 1.0 / (self.turn(load) + 1.0 / each);
        self.streams as f64 * answers.max(each / load.entries_a_call())
    }

    /// The share of the demand that the servers can meet, if every answer is full.
    fn share_served(&self, load: &Load) -> f64 {
        let nodes = self.nodes as f64;
        let entry = known::ANSWER_TIME / load.entries_a_call() + known::ENTRY_TIME;
        let time = load.entries / nodes * self.hosts as f64 * entry;
        (self.free(load).max(0.0) / time).min(nodes * known::NODE_BYTES / self.demand(load))
    }

    /// The share of it that a host's relay can read, some entries with each question.
    fn share_read(&self, load: &Load) -> f64 {
        let call = load.entries_a_call();
        let taking_in = call * load.records / load.entries / known::RELAY_RECORDS;
        let each = call / (self.round_trip + taking_in);
        each * self.streams as f64 / load.entries
    }

    /// What would be if servers and relays kept up.
    pub(crate) fn wanted(&self) -> Figures {
        self.figures_of(1.0)
    }

    /// What servers and relays can do of it.
    pub(crate) fn figures(&self) -> Figures {
        self.figures_of(self.share())
    }

    /// The part of all entries that readers get in time.
    pub(crate) fn share(&self) -> f64 {
        let load = self.load();
        self.share_served(&load).min(self.share_read(&load)).min(1.0)
    }

    fn figures_of(&self, share: f64) -> Figures {
        let load = self.load();
        let hosts = self.hosts as f64;
        let server_in = load.payload + load.entries * known::APPEND_BYTES as f64;
        let demand = self.demand(&load);
        Figures {
            sent: load.records,
            entries: load.entries,
            server_in,
            server_out: demand * share,
            host_in: demand * share / hosts,
            host_out: server_in / hosts,
            memory: load.payload * known::MEMORY_FACTOR + load.entries * known::MEMORY_ENTRY,
            ring: load.records * share * known::mean(|der| known::in_ring(known::record(der))),
            delay: self.keeps_up().then(|| self.delay(&load)),
        }
    }

    /// Whether all that is made is sent, and all that is sent is read.
    pub(crate) fn keeps_up(&self) -> bool {
        self.share() == 1.0 && self.sent_each() == self.each()
    }

    /// How much of what servers can do it takes even if every answer is full.
    pub(crate) fn strain(&self) -> f64 {
        1.0 / self.share_served(&self.load())
    }

    /// How much of a server's time it would take to answer every question at once.
    pub(crate) fn utilisation(&self) -> f64 {
        let load = self.load();
        let each = load.entries / self.streams as f64;
        let answers = 1.0 / (self.round_trip + 1.0 / each);
        let reading = self.readers() * (answers * known::ANSWER_TIME + each * known::ENTRY_TIME);
        reading + 1.0 - self.free(&load)
    }

    /// A letter waits for the last batch's round trip or for the relay to wake, goes to the server, waits for the reader's last
    /// turn or for others to be served, and goes on from there.
    fn delay(&self, load: &Load) -> f64 {
        let in_trip = self.round_trip / self.cycle();
        let to_be_sent = in_trip * self.round_trip / 2.0 + (1.0 - in_trip) * self.sleep() / 2.0;
        let turn = self.turn(load);
        let in_turn = load.entries / self.streams as f64 * turn;
        // Those who wait for an entry are told of it one after the other.
        let waiting = self.hosts as f64 / (1.0 + in_turn);
        let served = waiting * (known::ANSWER_TIME + known::ENTRY_TIME) / 2.0;
        to_be_sent + self.round_trip + turn / 2.0 * in_turn / (1.0 + in_turn) + served
    }

    /// How many servers it takes, of those with the constants.
    pub(crate) fn nodes_needed(&self) -> Option<u64> {
        let can = |nodes: &u64| {
            let fleet = Fleet { nodes: *nodes, ..*self };
            fleet.share_served(&fleet.load()) >= 1.0
        };
        (1..10_000).find(can)
    }

    /// How many streams it takes for the relays to keep up, and for each of the servers that it takes to have one.
    pub(crate) fn streams_needed(&self) -> Option<u64> {
        let least = self.nodes_needed()?;
        let keeps_up = |streams: &u64| {
            let fleet = Fleet { streams: *streams, ..*self };
            fleet.share_read(&fleet.load()) >= 1.0
        };
        (least..=known::STREAMS_MAX).find(keeps_up)
    }
}

/// A second's work.
struct Load {
    records: f64,
    entries: f64,
    payload: f64,
}

impl Load {
    /// How many entries a reader asks for, as long as these are.
    fn entries_a_call(&self) -> f64 {
        known::entries_a_call(self.payload / self.entries)
    }
}

/// The mean of `ceil(N / whole)` for a Poisson number.
fn mean_of_ceiling(mean: f64, whole: f64) -> f64 {
    // Far from nought the sum is near the line.
    if mean > 20.0 * whole {
        return mean / whole + 0.5;
    }
    let last = (mean + 12.0 * mean.sqrt() + 20.0) as u64;
    let mut logarithm = -mean;
    let mut sum = 0.0;
    for number in 1..=last {
        logarithm += (mean / number as f64).ln();
        sum += logarithm.exp() * (number as f64 / whole).ceil();
    }
    sum
}
