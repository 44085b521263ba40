//! What is counted in a region.

/// One counter each, by its place. The order is part of the format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Counter {
    /// Records that were published.
    Published,
    /// Sessions that are too large to be shared.
    TooLarge,
    /// Sessions that could not be sealed, found no slot, or were overwritten before they had one.
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
    /// … for what did not open: somebody has spoiled it.
    Unopened,
    /// Sessions that were invalidated.
    Removed,
    /// Flushes of a whole scope.
    Flush,
    /// Lookups for what is of another scope: another service's.
    OtherScope,
    /// … for what was sealed by a key that has left the key file.
    KeyGone,
    /// Sessions that a process found in its own cache.
    Own,
    /// Sessions that an application's own cache knew.
    Application,
}

impl Counter {
    /// All of them, in the order of their places.
    pub const ALL: [Counter; 17] = [
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
        Counter::OtherScope,
        Counter::KeyGone,
        Counter::Own,
        Counter::Application,
    ];

    /// Its name in the C structure and in what the command prints.
    pub fn name(self) -> &'static str {
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
            Counter::OtherScope => "other_scope",
            Counter::KeyGone => "key_gone",
            Counter::Own => "own",
            Counter::Application => "application",
        }
    }
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_place_and_its_name() {
        for (at, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, at);
            assert!(Counter::ALL.iter().all(|other| *other == counter || other.name() != counter.name()));
        }
    }
}
