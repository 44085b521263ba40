//! One shard: a table to find sessions, the slots they lie in, and the order they go in.
//!
//! Plain data behind a lock that is not its own. Every handle that leaves the shard is returned, so
//! that whoever holds the lock can let go of it first: dropping one may run code of the application.

use super::key::{KeyHasher, SessionKey};
use super::queue::Queue;
use super::rules::{Order, Readd, Rules};
use super::slots::{Place, Slot, SlotId, Slots};
use super::table::Table;
use super::tally::Tally;

pub(super) struct Shard<H> {
    rules: Rules,
    table: Table,
    slots: Slots<H>,
    queue: Queue,
    /// The place of the first in the queue, kept at hand.
    first: Option<Place>,
    /// How many were ever stored.
    pub(super) stored: u64,
    /// No session expires before this. Only where the order does not tell.
    soonest: i64,
}

/// What is given to a shard to keep.
pub(super) struct Entry<H> {
    pub(super) key: SessionKey,
    pub(super) handle: H,
    pub(super) expiry: i64,
}

/// What became of it.
pub(super) enum Put<H> {
    New,
    /// The other object that was stored under the key.
    Replaced(H),
    /// That very object was stored already; the second handle to it comes back.
    Known(H),
    /// There is no memory to store it.
    Refused(H),
}

impl<H: Clone + PartialEq> Shard<H> {
    pub(super) fn new(rules: Rules) -> Self {
        Shard {
            rules,
            table: Table::default(),
            slots: Slots::new(),
            queue: Queue::default(),
            first: None,
            stored: 0,
            soonest: i64::MAX,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many sessions there is room for, used or not.
    pub(super) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// The place of the session that goes first.
    pub(super) fn first_place(&self) -> Option<Place> {
        self.first
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: &SessionKey) -> Option<SlotId> {
        self.table.find(hash, |id| self.slots.get(id).is_some_and(|slot| slot.key == *key))
    }

    /// The session under this key, if it is this very object.
    pub(super) fn find_same(&self, hash: u64, key: &SessionKey, handle: &H) -> Option<SlotId> {
        self.find(hash, key).filter(|&id| self.slots.get(id).is_some_and(|slot| slot.handle == *handle))
    }

    pub(super) fn slot(&self, id: SlotId) -> Option<&Slot<H>> {
        self.slots.get(id)
    }

    /// The session that goes first, leaving this key aside.
    pub(super) fn first_but(&self, key: &SessionKey) -> Option<(SlotId, &Slot<H>)> {
        let first = self.queue.first()?;
        let slot = self.slots.get(first)?;
        if slot.key != *key {
            return Some((first, slot));
        }
        let second = self.queue.following(&self.slots, first)?;
        Some((second, self.slots.get(second)?))
    }

    /// The session that goes first, leaving aside what was placed from this sequence number on.
    pub(super) fn first_before(&self, horizon: u64) -> Option<(SlotId, &Slot<H>)> {
        let mut next = self.queue.first();
        while let Some(id) = next {
            let slot = self.slots.get(id)?;
            if slot.place.seq < horizon {
                return Some((id, slot));
            }
            next = self.queue.following(&self.slots, id);
        }
        None
    }

    /// Stores an entry, and counts it if it is one more.
    pub(super) fn put(&mut self, hash: u64, entry: Entry<H>, tally: &Tally) -> Put<H> {
        let Some(id) = self.find(hash, &entry.key) else {
            return self.put_new(hash, entry, tally);
        };
        let seq = tally.renumber();
        if self.slots.get(id).is_some_and(|slot| slot.handle == entry.handle) {
            self.add_again(id, entry.expiry, seq);
            return Put::Known(entry.handle);
        }
        self.replace(id, entry, seq)
    }

    fn put_new(&mut self, hash: u64, entry: Entry<H>, tally: &Tally) -> Put<H> {
        if !self.slots.reserve() || !self.table.reserve() {
            return Put::Refused(entry.handle);
        }
        let Entry { key, handle, expiry } = entry;
        let place = self.place(expiry, tally.arrive());
        let slot = Slot { key, handle, expiry, place, earlier: None, later: None };
        self.stored += 1;
        if let Some(id) = self.slots.insert(slot) {
            self.table.insert(hash, id);
            self.link(id);
        }
        Put::New
    }

    fn replace(&mut self, id: SlotId, entry: Entry<H>, seq: u64) -> Put<H> {
        self.stored += 1;
        self.sort_anew(id, entry.expiry, seq);
        match self.slots.get_mut(id) {
            Some(slot) => Put::Replaced(std::mem::replace(&mut slot.handle, entry.handle)),
            None => Put::Refused(entry.handle),
        }
    }

    fn add_again(&mut self, id: SlotId, expiry: i64, seq: u64) {
        match self.rules.readd {
            Readd::Keep => self.set_expiry(id, expiry),
            Readd::Resort => self.sort_anew(id, expiry, seq),
        }
    }

    /// Follows a change of a session's expiry that its owner was told of.
    pub(super) fn reposition(&mut self, id: SlotId, expiry: i64, seq: u64) {
        match self.rules.order {
            Order::Insertion => self.set_expiry(id, expiry),
            Order::Expiry => self.sort_anew(id, expiry, seq),
        }
    }

    fn set_expiry(&mut self, id: SlotId, expiry: i64) {
        self.soonest = self.soonest.min(expiry);
        if let Some(slot) = self.slots.get_mut(id) {
            slot.expiry = expiry;
        }
    }

    /// As if it were removed and added.
    fn sort_anew(&mut self, id: SlotId, expiry: i64, seq: u64) {
        self.unlink(id);
        let place = self.place(expiry, seq);
        if let Some(slot) = self.slots.get_mut(id) {
            slot.expiry = expiry;
            slot.place = place;
        }
        self.link(id);
    }

    pub(super) fn remove(&mut self, hash: u64, id: SlotId) -> Option<Slot<H>> {
        self.unlink(id);
        self.table.remove(hash, id);
        self.slots.remove(id)
    }

    /// Every session that has expired, whatever stands before it.
    pub(super) fn remove_expired(&mut self, now: i64, hasher: &KeyHasher) -> Vec<Slot<H>> {
        let mut gone = Vec::new();
        if now <= self.soonest {
            return gone;
        }
        self.soonest = i64::MAX;
        let mut next = self.queue.first();
        while let Some(id) = next {
            next = self.queue.following(&self.slots, id);
            match self.take_if(id, |slot| now > slot.expiry, hasher) {
                Some(slot) => gone.push(slot),
                None => self.note_soonest(id),
            }
        }
        gone
    }

    /// Takes this session out, if it has expired.
    /// Takes a session out, if it is wanted.
    pub(super) fn take_if(
        &mut self,
        id: SlotId,
        wanted: impl Fn(&Slot<H>) -> bool,
        hasher: &KeyHasher,
    ) -> Option<Slot<H>> {
        let slot = self.slots.get(id).filter(|slot| wanted(slot))?;
        self.remove(hasher.hash(&slot.key), id)
    }

    fn note_soonest(&mut self, id: SlotId) {
        if let Some(slot) = self.slots.get(id) {
            self.soonest = self.soonest.min(slot.expiry);
        }
    }

    /// The sessions, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<H>> {
        self.slots.iter()
    }

    /// The sessions, in no order, given away.
    pub(super) fn into_slots(self) -> impl Iterator<Item = Slot<H>> {
        self.slots.into_iter()
    }

    fn place(&self, expiry: i64, seq: u64) -> Place {
        let rank = match self.rules.order {
            Order::Insertion => 0,
            Order::Expiry => expiry,
        };
        Place { rank, seq }
    }

    fn link(&mut self, id: SlotId) {
        self.note_soonest(id);
        self.queue.link(&mut self.slots, id);
        let place = self.slots.get(id).map(|slot| slot.place);
        if self.first.is_none() || place < self.first {
            self.first = place;
        }
    }

    fn unlink(&mut self, id: SlotId) {
        let was_first = self.slots.get(id).map(|slot| slot.place) == self.first;
        self.queue.unlink(&mut self.slots, id);
        if was_first {
            let first = self.queue.first().and_then(|id| self.slots.get(id));
            self.first = first.map(|slot| slot.place);
        }
    }
}

#[cfg(test)]
#[cfg(not(sesscache_loom))]
mod tests {
    use super::super::rules::Capacity;
    use super::*;

    fn shard(order: Order) -> Shard<u32> {
        Shard::new(Rules { order, capacity: Capacity::Size, readd: Readd::Keep })
    }

    fn put(shard: &mut Shard<u32>, number: u32, expiry: i64) -> (u64, SessionKey) {
        let key = SessionKey::new(0x0303, &number.to_le_bytes()).unwrap();
        let hash = KeyHasher::of_process().hash(&key);
        let tally = Tally::new();
        (0..number).for_each(|_| _ = tally.arrive());
        shard.put(hash, Entry { key, handle: number, expiry }, &tally);
        (hash, key)
    }

    #[test]
    fn coming_and_going_takes_no_more_memory() {
        let mut shard = shard(Order::Expiry);
        for number in 0..if cfg!(miri) { 100 } else { 10_000 } {
            let (hash, key) = put(&mut shard, number, 0);
            let id = shard.find(hash, &key).unwrap();
            assert_eq!(shard.remove(hash, id).unwrap().handle, number);
        }
        assert_eq!((shard.capacity(), shard.table.len()), (1, 0));
    }

    #[test]
    fn a_walk_for_what_expired_remembers_what_is_next() {
        let mut shard = shard(Order::Insertion);
        [30, 10, 20].iter().enumerate().for_each(|(at, &expiry)| {
            put(&mut shard, at as u32, expiry);
        });
        assert_eq!(shard.soonest, 10);
        assert_eq!(shard.remove_expired(15, KeyHasher::of_process()).len(), 1);
        assert_eq!(shard.soonest, 20);
        assert_eq!(shard.remove_expired(20, KeyHasher::of_process()).len(), 0);
    }
}
