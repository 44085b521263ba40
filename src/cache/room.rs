//! Who has to go: making room for a newcomer, and letting go what has expired.
//!
//! The first session of all is found without a lock through the fronts of the shards, and verified
//! under the lock of its shard. If it has moved meanwhile somebody else has made progress, and the
//! search starts anew.

use super::key::SessionKey;
use super::rules::Order;
use super::shard::Shard;
use super::slots::{Place, Slot};
use super::{KEPT_SLOTS, SHARDS, SessionCache, in_order};

/// What came of trying to take the session at a place.
enum Step<H> {
    Taken(H),
    /// It is not there any more: look again.
    Moved,
    /// It stays, and so do all behind it.
    Stays,
}

impl<H: Clone + PartialEq> SessionCache<H> {
    /// Evicts until no more sessions than allowed are left, or none but the newcomer, whose shard
    /// is its home.
    pub(super) fn make_room(&self, newcomer: &SessionKey, home: usize, size: usize) -> Vec<H> {
        let Some(limit) = self.rules.limit(size) else { return Vec::new() };
        std::iter::from_fn(|| self.make_room_for(newcomer, home, limit)).collect()
    }

    /// Evicts one session, if there are more than the limit.
    pub(super) fn make_room_for(&self, newcomer: &SessionKey, home: usize, limit: usize) -> Option<H> {
        while self.tally().is_above(limit)
            && let Some((at, place)) = self.first_but(newcomer, home)
        {
            match self.change(at, |shard| self.evict_at(shard, place, newcomer, limit)) {
                Step::Taken(handle) => return Some(handle),
                Step::Moved => {}
                Step::Stays => break,
            }
        }
        None
    }

    /// The first session of all but the newcomer. Its home shard is looked into only if something
    /// in there is first, since the front cannot tell the newcomer from others.
    fn first_but(&self, newcomer: &SessionKey, home: usize) -> Option<(usize, Place)> {
        let outside = self.fronts().first_outside(home);
        let inside = self.fronts().first_inside(home);
        if outside.is_some_and(|(_, place)| inside.is_none_or(|inside| place < inside)) {
            return outside;
        }
        let inside = self.lock(home).first_but(newcomer).map(|(_, slot)| (home, slot.place));
        inside.into_iter().chain(outside).min_by_key(|&(_, place)| place)
    }

    /// Evicts the session at this place if the cache is too full at this very moment: what another
    /// thread has removed since need not be made room for again.
    fn evict_at(&self, shard: &mut Shard<H>, place: Place, newcomer: &SessionKey, limit: usize) -> Step<H> {
        let Some((id, slot)) = shard.first_but(newcomer).filter(|(_, slot)| slot.place == place) else {
            return Step::Moved;
        };
        let key = slot.key;
        if key.id().is_empty() || !self.tally().leave_above(limit) {
            return Step::Stays;
        }
        shard.remove(self.hasher.hash(&key), id).map_or(Step::Moved, |slot| Step::Taken(slot.handle))
    }

    /// Takes out what has expired before `now` and returns it in order. Where expiry orders, the
    /// walk ends at the first session that is live, as in libssl; else every session is asked.
    pub fn expire(&self, now: i64) -> Vec<H> {
        let expired = match self.rules.order {
            Order::Expiry => self.expire_from_first(now),
            Order::Insertion => self.expire_everywhere(now),
        };
        if !expired.is_empty() {
            self.release_memory();
        }
        expired
    }

    fn expire_from_first(&self, now: i64) -> Vec<H> {
        let mut expired = Vec::new();
        // Sessions that come while we walk are left aside, or the walk might never end.
        let horizon = self.horizon();
        while let Some(handle) = self.pop_expired(now, horizon) {
            expired.push(handle);
        }
        expired
    }

    /// Takes out the first session of all that were placed before the horizon, if it is `wanted`.
    pub(super) fn pop_first_if(&self, horizon: u64, wanted: impl Fn(&Slot<H>) -> bool) -> Option<H> {
        while let Some((at, place)) = self.first_before(horizon) {
            match self.change(at, |shard| self.take_at(shard, place, horizon, &wanted)) {
                Step::Taken(handle) => return Some(handle),
                Step::Moved => {}
                Step::Stays => break,
            }
        }
        None
    }

    fn take_at(
        &self,
        shard: &mut Shard<H>,
        place: Place,
        horizon: u64,
        wanted: impl Fn(&Slot<H>) -> bool,
    ) -> Step<H> {
        let first = shard.first_before(horizon).filter(|(_, slot)| slot.place == place);
        let Some((id, _)) = first else { return Step::Moved };
        self.uncount(shard.take_if(id, wanted, self.hasher)).map_or(Step::Stays, Step::Taken)
    }

    /// The first session of all that were placed before the horizon. Every shard is looked into only
    /// if a later one stands in front.
    fn first_before(&self, horizon: u64) -> Option<(usize, Place)> {
        let first = self.fronts().first()?;
        if first.1.seq < horizon {
            return Some(first);
        }
        let place_in = |at| Some((at, self.lock(at).first_before(horizon)?.1.place));
        (0..SHARDS).filter_map(place_in).min_by_key(|&(_, place)| place)
    }

    fn expire_everywhere(&self, now: i64) -> Vec<H> {
        let mut expired = Vec::new();
        for at in 0..SHARDS {
            expired.extend(self.change(at, |shard| {
                let slots = shard.remove_expired(now, self.hasher);
                self.tally().leave(slots.len());
                slots
            }));
        }
        in_order(expired.into_iter().map(|slot| (slot.place, slot.handle)).collect())
    }

    /// Gives back the memory of shards that were large and are empty. For the end of a flush.
    pub fn release_memory(&self) {
        for at in 0..SHARDS {
            let idle = self.change(at, |shard| {
                (shard.len() == 0 && shard.capacity() > KEPT_SLOTS).then(|| self.empty(shard))
            });
            drop(idle);
        }
    }
}
