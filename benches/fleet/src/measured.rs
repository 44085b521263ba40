//! What the model takes from measurements and from the relay's source.

/// DER of ordinary sessions, in bytes: from TLS 1.3 without a server name to TLS 1.2 with one.
pub(crate) const DER: std::ops::RangeInclusive<u64> = 165..=215;
/// A record's header, its owner and its tag (`src/shared/record.rs`).
const HEADER: u64 = 72;
const OWNER_AND_TAG: u64 = 32 + 16;
/// In the ring records begin at multiples of this.
const UNIT: u64 = 16;

/// The share of a region that is ring: a bucket of 64 bytes a KiB, a word of the outbox each 512 bytes.
pub(crate) const RING_SHARE: f64 = 1.0 - 64.0 / 1024.0 - 8.0 / 512.0;

/// `relay/streams.rs` and `relay/send.rs`.
pub(crate) const ENTRY_PREFIX: u64 = 8;
pub(crate) const ENTRY_LIMIT: u64 = 64 << 10;
pub(crate) const BATCH_LIMIT: u64 = 2048;
/// How long a relay sleeps to which nothing has come, for a moment and later on.
pub(crate) const BUSY: f64 = 0.001;
pub(crate) const IDLE: f64 = 0.010;
pub(crate) const MOMENT: f64 = 0.2;
/// `relay/read.rs`: a reader asks for as many entries as make so many bytes, going by those that it got last.
const ANSWER_LIMIT: f64 = (2 << 20) as f64;
pub(crate) const ENTRIES_A_CALL: std::ops::RangeInclusive<u64> = 32..=4096;
pub(crate) const STREAMS_MAX: u64 = 32;

/// What the protocol adds: to an entry that is appended, to one that is read, to a call that reads, and to its answer.
pub(crate) const APPEND_BYTES: u64 = 92;
pub(crate) const READ_BYTES: u64 = 46;
pub(crate) const ANSWER_BYTES: u64 = 30;

/// Redis 7.0: what a stream needs for a byte of records, and more for each entry.
pub(crate) const MEMORY_FACTOR: f64 = 1.12;
pub(crate) const MEMORY_ENTRY: f64 = 64.0;

/// A server has one thread. What it takes to answer a question, for each entry in the answer, and to append an entry, in seconds:
/// assumed, of one that answers 100 000 PINGs a second. (Redis 7.0 on two busy cores: 22 µs and 0.27 µs, with 49 000 PINGs.)
pub(crate) const ANSWER_TIME: f64 = 10e-6;
pub(crate) const ENTRY_TIME: f64 = 0.3e-6;
pub(crate) const APPEND_TIME: f64 = 5e-6;
/// What goes out of a server a second: 10 Gbit/s.
pub(crate) const NODE_BYTES: f64 = 1.25e9;
/// How many records one thread of a relay, which reads one stream, takes into its region a second: assumed.
pub(crate) const RELAY_RECORDS: f64 = 300_000.0;

/// How many entries of this length a reader asks for.
pub(crate) fn entries_a_call(bytes: f64) -> f64 {
    let (least, most) = (*ENTRIES_A_CALL.start() as f64, *ENTRIES_A_CALL.end() as f64);
    (ANSWER_LIMIT / bytes).floor().clamp(least, most)
}

/// A record as it travels, of a session whose DER has this length.
pub(crate) fn record(der: u64) -> u64 {
    HEADER + (der + OWNER_AND_TAG).next_multiple_of(8)
}

/// The same in the ring.
pub(crate) fn in_ring(record: u64) -> u64 {
    record.next_multiple_of(UNIT)
}

/// Mean lengths of both.
pub(crate) fn mean(of: impl Fn(u64) -> u64) -> f64 {
    let sum: u64 = DER.map(of).sum();
    sum as f64 / DER.count() as f64
}
