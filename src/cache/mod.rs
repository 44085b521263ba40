//! The core: what is stored, under which key, and who goes first.
//!
//! A map from session keys to handles with the order and the size limit of libssl's own cache. Pure
//! data: no OpenSSL, no clock, no callbacks, no I/O. A handle is anything that clones cheaply and
//! whose equality says "the very same object".
//!
//! Sixteen shards, each behind its own lock. A lookup takes one lock, and so does everything else
//! that concerns one session; only making room looks at more than one shard, one at a time
//! (`room`). Handles that leave the cache are returned, never dropped in here: dropping one may run
//! code of the application, which may call us.

#![forbid(unsafe_code)]

mod fronts;
mod key;
mod queue;
mod room;
mod rules;
mod shard;
mod slots;
mod stepwise;
mod sync;
mod table;
mod tally;

#[cfg(test)]
#[cfg(sesscache_loom)]
mod loom_tests;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg(not(sesscache_loom))]
pub(crate) mod model;
#[cfg(test)]
#[cfg(not(sesscache_loom))]
mod model_tests;
#[cfg(test)]
#[cfg(not(sesscache_loom))]
mod tests;
#[cfg(test)]
#[cfg(not(sesscache_loom))]
mod thread_tests;

pub use key::SessionKey;
pub use rules::{Capacity, Order, Readd, Rules};
pub use stepwise::Inserted;

use fronts::Fronts;
use key::KeyHasher;
use shard::{Entry, Put, Shard};
use slots::{Place, Slot};
use sync::Mutex;
use tally::Tally;

/// A power of two: the low bits of a key's hash choose. Fewer in the model tests, which try every
/// interleaving of what the shards say.
const SHARDS: usize = if cfg!(all(test, sesscache_loom)) { 2 } else { 16 };

/// A shard holds on to the memory of this many sessions, even when it is empty.
const KEPT_SLOTS: usize = 2048;

/// The session cache of one context.
///
/// All methods may be called from any thread at any time. "First" and "in order" mean what
/// [`Rules::order`] says, over the whole cache, exactly so where calls do not overlap.
pub struct SessionCache<H> {
    rules: Rules,
    hasher: &'static KeyHasher,
    shards: Box<[OwnLine<Mutex<Shard<H>>>; SHARDS]>,
    shared: Box<OwnLine<Shared>>,
}

/// What an [`SessionCache::add`] did. The handles are the caller's now.
pub struct Added<H> {
    /// False if that very object was stored already (or there was no memory to store it).
    pub stored: bool,
    /// The other object that was stored under the same key.
    pub replaced: Option<H>,
    /// Who had to make room, in the order of eviction.
    pub evicted: Vec<H>,
}

/// What the shards have in common: few writes, or writes by everybody.
struct Shared {
    /// Changed under the lock of the shard that gains or loses a session.
    tally: Tally,
    fronts: Fronts<SHARDS>,
}

/// Keeps what is written by one thread out of the cache lines that another one reads.
#[repr(align(64))]
struct OwnLine<T>(T);

impl<H: Clone + PartialEq> SessionCache<H> {
    /// An empty cache: a few kilobytes; more comes with the sessions.
    pub fn new(rules: Rules) -> Self {
        let shared = Shared { tally: Tally::new(), fronts: Fronts::new() };
        SessionCache {
            rules,
            hasher: KeyHasher::of_process(),
            shards: Box::new(std::array::from_fn(|_| OwnLine(Mutex::new(Shard::new(rules))))),
            shared: Box::new(OwnLine(shared)),
        }
    }

    /// Stores a session, and then makes room if the cache holds more than a cache of this size may
    /// (0: no limit). It is never the newcomer that has to go. A session with an empty id whose turn
    /// it is to go does not, and saves all behind it, as in libssl.
    ///
    /// Another object under the same key is replaced. The same object is not stored again; what
    /// happens to its place is [`Rules::readd`]. An `expiry` of `i64::MAX` never comes.
    pub fn add(&self, key: SessionKey, handle: H, expiry: i64, size: usize) -> Added<H> {
        let hash = self.hasher.hash(&key);
        let replaced = match self.put(hash, Entry { key, handle, expiry }) {
            Put::New => None,
            Put::Replaced(old) => Some(old),
            // The handle is dropped here, where no lock is held.
            Put::Known(_) | Put::Refused(_) => {
                return Added { stored: false, replaced: None, evicted: Vec::new() };
            }
        };
        Added { stored: true, replaced, evicted: self.make_room(&key, shard_of(hash), size) }
    }

    fn put(&self, hash: u64, entry: Entry<H>) -> Put<H> {
        let at = shard_of(hash);
        let mut shard = self.lock(at);
        let put = shard.put(hash, entry, self.tally());
        self.fronts().publish(at, shard.first_place());
        put
    }

    /// The session under this key.
    pub fn get(&self, key: &SessionKey) -> Option<H> {
        let hash = self.hasher.hash(key);
        let shard = self.lock(shard_of(hash));
        let id = shard.find(hash, key)?;
        shard.slot(id).map(|slot| slot.handle.clone())
    }

    /// Whether there is a session under this key.
    pub fn contains(&self, key: &SessionKey) -> bool {
        self.contains_where(key, |_| true)
    }

    /// Whether there is a session under this key of which `test` says so too. It runs under a lock, so it only looks.
    pub fn contains_where(&self, key: &SessionKey, test: impl FnOnce(&H) -> bool) -> bool {
        let hash = self.hasher.hash(key);
        let shard = self.lock(shard_of(hash));
        shard.find(hash, key).and_then(|id| shard.slot(id)).is_some_and(|slot| test(&slot.handle))
    }

    /// Takes the session under this key out. Of several that try at once, one gets it.
    pub fn remove(&self, key: &SessionKey) -> Option<H> {
        self.remove_where(key, |_| true)
    }

    /// The same, if `test` says so too. It runs under a lock, so it only looks.
    pub fn remove_where(&self, key: &SessionKey, test: impl FnOnce(&H) -> bool) -> Option<H> {
        let hash = self.hasher.hash(key);
        self.change(shard_of(hash), |shard| {
            let id =
                shard.find(hash, key).filter(|&id| shard.slot(id).is_some_and(|slot| test(&slot.handle)))?;
            self.uncount(shard.remove(hash, id))
        })
    }

    /// Takes the session under this key out, if it is this very object.
    pub fn remove_same(&self, key: &SessionKey, handle: &H) -> Option<H> {
        let hash = self.hasher.hash(key);
        self.change(shard_of(hash), |shard| {
            let id = shard.find_same(hash, key, handle)?;
            self.uncount(shard.remove(hash, id))
        })
    }

    /// Gives a stored session a new expiry and the place that goes with it, as if it were removed
    /// and added; in the order of insertion it keeps its place. False if this very object is not
    /// stored under this key.
    pub fn reposition(&self, key: &SessionKey, handle: &H, expiry: i64) -> bool {
        let hash = self.hasher.hash(key);
        self.change(shard_of(hash), |shard| {
            let Some(id) = shard.find_same(hash, key, handle) else { return false };
            shard.reposition(id, expiry, self.tally().renumber());
            true
        })
    }

    /// Takes everything out, in order.
    pub fn drain(&self) -> Vec<H> {
        let taken: Vec<Shard<H>> = (0..SHARDS).map(|at| self.change(at, |shard| self.empty(shard))).collect();
        let slots = taken.into_iter().flat_map(Shard::into_slots);
        in_order(slots.map(|slot| (slot.place, slot.handle)).collect())
    }

    /// Everything, in order, as it is shard by shard: what moves meanwhile may be missed.
    pub fn snapshot(&self) -> Vec<H> {
        let mut all = Vec::new();
        for at in 0..SHARDS {
            all.extend(self.lock(at).iter().map(|slot| (slot.place, slot.handle.clone())));
        }
        in_order(all)
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.tally().count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any thread is inside at this moment. In the child of a fork, where the other threads
    /// are gone, true means that what one of them left half done must not be touched; false means
    /// that all is whole.
    pub fn any_lock_held(&self) -> bool {
        self.shards.iter().any(|shard| sync::is_held(&shard.0))
    }

    /// Works on one shard under its lock. What `work` returns is dropped by the caller, unlocked.
    fn change<R>(&self, at: usize, work: impl FnOnce(&mut Shard<H>) -> R) -> R {
        let mut shard = self.lock(at);
        let result = work(&mut shard);
        self.fronts().publish(at, shard.first_place());
        result
    }

    #[expect(clippy::indexing_slicing, reason = "the remainder is always inside the array")]
    fn lock(&self, at: usize) -> sync::Guard<'_, Shard<H>> {
        sync::lock(&self.shards[at % SHARDS].0)
    }

    /// Counts a session that has been taken out, under the lock of its shard.
    fn uncount(&self, taken: Option<Slot<H>>) -> Option<H> {
        let slot = taken?;
        self.tally().leave(1);
        Some(slot.handle)
    }

    /// Takes everything out of a shard, its memory included.
    fn empty(&self, shard: &mut Shard<H>) -> Shard<H> {
        self.tally().leave(shard.len());
        let mut fresh = Shard::new(self.rules);
        fresh.stored = shard.stored;
        std::mem::replace(shard, fresh)
    }

    fn tally(&self) -> &Tally {
        &self.shared.0.tally
    }

    fn fronts(&self) -> &Fronts<SHARDS> {
        &self.shared.0.fronts
    }
}

fn shard_of(hash: u64) -> usize {
    hash as usize % SHARDS
}

fn in_order<H>(mut all: Vec<(Place, H)>) -> Vec<H> {
    all.sort_unstable_by_key(|&(place, _)| place);
    all.into_iter().map(|(_, handle)| handle).collect()
}
