//! What differs between the session caches of OpenSSL's versions, as data.

/// Which session is the first to go: what "first" means for eviction, expiry and draining.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// 1.1.1: the one that was added first, whenever it expires.
    Insertion,
    /// From 3.0 on: the one that expires first, among equals the one that was added first.
    Expiry,
}

/// How many sessions a cache of a given size keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Capacity {
    /// 1.1.1: as many as its size says.
    Size,
    /// From 3.0 on: one less, but never none. The newcomer is counted before room is made for it.
    OneLess,
}

/// What adding a session again does, when that very object is already stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readd {
    /// 1.1.1 and from 3.5 on: it stays where it stands, only its expiry is noted. The order may
    /// then disagree with the expiries, and an expiring walk stops at the first live session.
    Keep,
    /// 3.0: as if it had been removed and added.
    Resort,
}

/// The rules of the libssl in the process. They do not change during the life of a cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Who goes first.
    pub order: Order,
    /// How many may stay.
    pub capacity: Capacity,
    /// What adding the same object again does.
    pub readd: Readd,
}

impl Rules {
    /// How many sessions may stay in a cache of this size; `None` where there is no limit.
    ///
    /// Never less than one: whoever adds never evicts what it adds, so a limit of none would only
    /// tell a slower thread to evict the newcomer of a faster one.
    pub(super) fn limit(self, size: usize) -> Option<usize> {
        match (size, self.capacity) {
            (0, _) => None,
            (size, Capacity::Size) => Some(size),
            (size, Capacity::OneLess) => Some((size - 1).max(1)),
        }
    }
}

#[cfg(test)]
#[cfg(not(sesscache_loom))]
mod tests {
    use super::*;

    fn limits(capacity: Capacity) -> Vec<Option<usize>> {
        let rules = Rules { order: Order::Expiry, capacity, readd: Readd::Keep };
        [0, 1, 2, 5].map(|size| rules.limit(size)).to_vec()
    }

    #[test]
    fn limits_are_those_of_each_version() {
        assert_eq!(limits(Capacity::Size), [None, Some(1), Some(2), Some(5)]);
        assert_eq!(limits(Capacity::OneLess), [None, Some(1), Some(1), Some(4)]);
    }
}
