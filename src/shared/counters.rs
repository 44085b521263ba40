//! What the processes of a region count together.

use super::layout::word;
use super::memory::Memory;

/// One counter each, by its place. The order is part of the format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Counter {
    /// Records that were published.
    Published,
    /// Sessions that are too large to be shared.
    TooLarge,
    /// Records that found no slot, or were overwritten before they had one.
    Lost,
    /// Lookups that found a session.
    Hit,
    /// Of these, taken out for single use.
    Taken,
    /// Lookups for what was never there, or was removed.
    Unknown,
    /// … for what the ring has overwritten.
    Overwritten,
    /// … for what had expired, or was older than the longest lifetime.
    Expired,
    /// … for what another process took first.
    TakenByOther,
    /// … for what a flush had ended.
    Flushed,
    /// … for what did not open: of another scope, spoiled, or sealed by another key.
    Unopened,
    /// Sessions that were invalidated.
    Removed,
    /// Flushes of a whole scope.
    Flush,
}

impl Counter {
    /// All of them, in the order of their places.
    pub(crate) const ALL: [Counter; 13] = [
        Counter::Published,
        Counter::TooLarge,
        Counter::Lost,
        Counter::Hit,
        Counter::Taken,
        Counter::Unknown,
        Counter::Overwritten,
        Counter::Expired,
        Counter::TakenByOther,
        Counter::Flushed,
        Counter::Unopened,
        Counter::Removed,
        Counter::Flush,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Counter::Published => "published",
            Counter::TooLarge => "too_large",
            Counter::Lost => "lost",
            Counter::Hit => "hits",
            Counter::Taken => "taken",
            Counter::Unknown => "unknown",
            Counter::Overwritten => "overwritten",
            Counter::Expired => "expired",
            Counter::TakenByOther => "taken_by_other",
            Counter::Flushed => "flushed",
            Counter::Unopened => "unopened",
            Counter::Removed => "removed",
            Counter::Flush => "flushes",
        }
    }
}

/// A cache line each: they are written by every process.
fn place(counter: Counter) -> usize {
    word::COUNTERS + counter as usize * 8
}

pub(super) fn count(memory: &impl Memory, counter: Counter) {
    memory.add(place(counter), 1);
}

pub(super) fn read(memory: &impl Memory, counter: Counter) -> u64 {
    memory.load(place(counter))
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::super::memory::Heap;
    use super::*;

    #[test]
    fn each_has_its_place_before_the_epochs() {
        let memory = Heap::new(512);
        for (at, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, at);
            assert!((word::COUNTERS..word::EPOCHS).contains(&place(counter)));
            (0..=at).for_each(|_| count(&memory, counter));
        }
        for (at, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(read(&memory, counter), at as u64 + 1);
        }
    }
}
