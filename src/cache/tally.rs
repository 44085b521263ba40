//! How many sessions there are, and in which order they came: two counters that only grow.
//!
//! A session that arrives takes its sequence number and counts itself in one step, which is the only
//! write that all adding threads share.

use super::OwnLine;
use super::sync::{AtomicU64, Ordering, fence};

/// Far more threads than can be between their arrival and their look at the count at one moment.
const UNSEEN: usize = 1024;

pub(super) struct Tally {
    arrivals: OwnLine<AtomicU64>,
    departures: OwnLine<AtomicU64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Tally { arrivals: OwnLine(AtomicU64::new(0)), departures: OwnLine(AtomicU64::new(0)) }
    }

    /// Counts a session in. Returns its sequence number. Called under the lock of its shard, so that
    /// numbers in a shard grow.
    #[inline]
    pub(super) fn arrive(&self) -> u64 {
        self.arrivals.0.fetch_add(1, Ordering::AcqRel)
    }

    /// A new sequence number for a session that is there already: as if it left and came again.
    pub(super) fn renumber(&self) -> u64 {
        // In this order nobody ever sees one too many, and evicts for it.
        self.leave(1);
        self.arrive()
    }

    /// Counts sessions out.
    pub(super) fn leave(&self, sessions: usize) {
        self.departures.0.fetch_add(sessions as u64, Ordering::AcqRel);
    }

    /// Counts one session out, if there are more than the limit.
    pub(super) fn leave_above(&self, limit: usize) -> bool {
        let one_more = |departures: u64| (self.since(departures) > limit).then(|| departures + 1);
        self.departures.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }

    /// The sequence number of whoever arrives next.
    pub(super) fn next(&self) -> u64 {
        self.arrivals.0.load(Ordering::Acquire)
    }

    /// How many there are. A thread that is put to sleep between the two would count in who has come meanwhile, and not out who
    /// has gone: so it looks again, unless it is never left alone.
    pub(super) fn count(&self) -> usize {
        const TRIES: usize = if cfg!(all(test, sesscache_loom)) { 1 } else { 64 };
        let mut departures = self.departures.0.load(Ordering::Acquire);
        for _ in 0..TRIES {
            let count = self.since(departures);
            let now = self.departures.0.load(Ordering::Acquire);
            if now == departures {
                return count;
            }
            departures = now;
        }
        self.since(departures)
    }

    /// The same at one look: never less than there are.
    #[inline]
    fn at_most(&self) -> usize {
        self.since(self.departures.0.load(Ordering::Acquire))
    }

    /// Whether there are more than the limit, asked by one that has just made itself known in the front
    /// of its shard. Of several that arrive at once, the last to ask sees the fronts of all others.
    #[inline]
    pub(super) fn is_above(&self, limit: usize) -> bool {
        // Without the fence a few others may be unseen, but never so many.
        if self.at_most().saturating_add(UNSEEN) <= limit {
            return false;
        }
        fence(Ordering::SeqCst);
        self.at_most() > limit
    }

    /// Arrivals grow, and are read after the departures: never less than what is there.
    fn since(&self, departures: u64) -> usize {
        let arrivals = self.arrivals.0.load(Ordering::Acquire);
        usize::try_from(arrivals.saturating_sub(departures)).unwrap_or(usize::MAX)
    }
}
