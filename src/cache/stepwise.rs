//! One session at a time: for a caller that must tell each victim's owner before the next one goes.

use super::key::SessionKey;
use super::room::Step;
use super::shard::{Entry, Put, Shard};
use super::slots::{Place, Slot};
use super::sync::Ordering;
use super::{SHARDS, SessionCache, in_order, shard_of};

/// What an [`SessionCache::insert`] did.
#[derive(Debug, PartialEq, Eq)]
pub enum Inserted<H> {
    /// It is stored.
    New,
    /// It is stored in place of this other object.
    Replacing(H),
    /// That very object was stored already, or there was no memory to store it.
    Not,
}

impl<H: Clone + PartialEq> SessionCache<H> {
    /// The first half of [`SessionCache::add`]: stores, and evicts nobody.
    pub fn insert(&self, key: SessionKey, handle: H, expiry: i64) -> Inserted<H> {
        match self.put(self.hasher.hash(&key), Entry { key, handle, expiry }) {
            Put::New => Inserted::New,
            Put::Replaced(old) => Inserted::Replacing(old),
            // The handle is dropped here, where no lock is held.
            Put::Known(_) | Put::Refused(_) => Inserted::Not,
        }
    }

    /// The second half, one victim a call: `None` once there is room, or nobody but the newcomer left.
    pub fn evict(&self, newcomer: &SessionKey, size: usize) -> Option<H> {
        self.make_room_for(newcomer, shard_of(self.hasher.hash(newcomer)), self.rules.limit(size)?)
    }

    /// Takes the first session of all out, if it has expired before `now` and was placed before `horizon`.
    pub fn pop_expired(&self, now: i64, horizon: u64) -> Option<H> {
        self.pop_first(horizon, |shard| shard.pop_expired(now, self.hasher).map(|slot| slot.handle))
    }

    /// Takes the first session of all out, if it was placed before `horizon`.
    pub fn pop(&self, horizon: u64) -> Option<H> {
        self.pop_first(horizon, |shard| shard.pop(self.hasher).map(|slot| slot.handle))
    }

    /// What has expired before `now`, in order; all of it stays. For the order of insertion, in which what has
    /// expired stands anywhere.
    pub fn expired(&self, now: i64) -> Vec<(SessionKey, H)> {
        self.select(|slot| now > slot.expiry)
    }

    /// What was placed before `horizon`, in order; all of it stays.
    pub fn older(&self, horizon: u64) -> Vec<(SessionKey, H)> {
        self.select(|slot| slot.place.seq < horizon)
    }

    fn select(&self, wanted: impl Fn(&Slot<H>) -> bool) -> Vec<(SessionKey, H)> {
        let mut found = Vec::new();
        for at in 0..SHARDS {
            let shard = self.lock(at);
            let slots = shard.iter().filter(|slot| wanted(slot));
            found.extend(slots.map(|slot| (slot.place, (slot.key, slot.handle.clone()))));
        }
        in_order(found)
    }

    /// A horizon: what is placed from now on is not before it.
    pub fn horizon(&self) -> u64 {
        self.shared.0.next_seq.load(Ordering::Relaxed)
    }

    /// Whether this very object is stored under this key.
    pub fn holds(&self, key: &SessionKey, handle: &H) -> bool {
        let hash = self.hasher.hash(key);
        self.lock(shard_of(hash)).find_same(hash, key, handle).is_some()
    }

    fn pop_first(&self, horizon: u64, take: impl Fn(&mut Shard<H>) -> Option<H>) -> Option<H> {
        while let Some((at, place)) = self.fronts().first().filter(|(_, place)| place.seq < horizon) {
            match self.change(at, |shard| self.step(shard, place, &take)) {
                Step::Taken(handle) => return Some(handle),
                Step::Moved => {}
                Step::Stays => return None,
            }
        }
        None
    }

    fn step(&self, shard: &mut Shard<H>, place: Place, take: impl Fn(&mut Shard<H>) -> Option<H>) -> Step<H> {
        if shard.first_place() != Some(place) {
            return Step::Moved;
        }
        match take(shard) {
            Some(handle) => {
                self.count().fetch_sub(1, Ordering::AcqRel);
                Step::Taken(handle)
            }
            None => Step::Stays,
        }
    }
}
