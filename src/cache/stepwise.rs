//! One session at a time: for a caller that must tell each victim's owner before the next one goes.

use super::key::SessionKey;
use super::shard::{Entry, Put};
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

    /// Whether there is more than a cache of this size may hold.
    pub fn is_over(&self, size: usize) -> bool {
        self.rules.limit(size).is_some_and(|limit| self.tally().is_above(limit))
    }

    /// How many sessions were ever stored.
    pub fn stored(&self) -> u64 {
        (0..SHARDS).map(|at| self.lock(at).stored).sum()
    }

    /// The second half, one victim a call: `None` once there is room, or nobody but the newcomer left.
    pub fn evict(&self, newcomer: &SessionKey, size: usize) -> Option<H> {
        self.make_room_for(newcomer, shard_of(self.hasher.hash(newcomer)), self.rules.limit(size)?)
    }

    /// Takes out the first session of all that were placed before `horizon`, if it has expired before `now`.
    pub fn pop_expired(&self, now: i64, horizon: u64) -> Option<H> {
        self.pop_first_if(horizon, |slot| now > slot.expiry)
    }

    /// Takes out the first session of all that were placed before `horizon`.
    pub fn pop(&self, horizon: u64) -> Option<H> {
        self.pop_first_if(horizon, |_| true)
    }

    /// What has expired before `now`, in order; all of it stays.
    pub fn expired(&self, now: i64) -> Vec<(SessionKey, H)> {
        let mut found = Vec::new();
        for at in 0..SHARDS {
            let shard = self.lock(at);
            let expired = shard.iter().filter(|slot| now > slot.expiry);
            found.extend(expired.map(|slot| (slot.place, (slot.key, slot.handle.clone()))));
        }
        in_order(found)
    }

    /// A horizon: what is placed from now on is not before it.
    pub fn horizon(&self) -> u64 {
        self.tally().next()
    }

    /// Whether this very object is stored under this key.
    pub fn holds(&self, key: &SessionKey, handle: &H) -> bool {
        let hash = self.hasher.hash(key);
        self.lock(shard_of(hash)).find_same(hash, key, handle).is_some()
    }
}
