//! Where the sessions of a shard lie: numbered slots, used again once they are free.

use std::num::NonZeroU32;

use super::key::SessionKey;

/// Slots are allocated in pieces that never move, so growing copies nothing: a cache that fills up
/// touches each page of memory once.
const PIECE: usize = 64;

/// The slots of one shard. Numbers instead of pointers: the table, the queue and the neighbours
/// all name a session without owning it.
pub(super) struct Slots<H> {
    pieces: Vec<Vec<Option<Slot<H>>>>,
    /// How many slots have ever been used.
    numbered: usize,
    /// Free slots; the one freed last, still in the processor's caches, is used first.
    free: Vec<SlotId>,
    /// Removals since the free slots were last put in order.
    freed: usize,
}

/// One stored session. In this order, so that what a lookup reads lies together.
#[repr(C)]
pub(super) struct Slot<H> {
    pub(super) key: SessionKey,
    pub(super) handle: H,
    /// When it expires. May differ from the rank of its place: see `Readd::Keep`.
    pub(super) expiry: i64,
    pub(super) place: Place,
    /// The neighbours among the sessions of the same rank.
    pub(super) earlier: Option<SlotId>,
    pub(super) later: Option<SlotId>,
}

/// A session's position in the order that spans all shards. The least goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The expiry that it was sorted by; one and the same where expiry does not sort.
    pub(super) rank: i64,
    /// Unique in the cache, and growing: among equal ranks the older is less.
    pub(super) seq: u64,
}

/// The number of a slot: its index and one, so that an `Option` of it takes no more room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SlotId(NonZeroU32);

impl<H> Slots<H> {
    pub(super) fn new() -> Self {
        Slots { pieces: Vec::new(), numbered: 0, free: Vec::new(), freed: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.numbered - self.free.len()
    }

    /// How many slots there are, used or free.
    pub(super) fn capacity(&self) -> usize {
        self.numbered
    }

    /// Makes sure that one more fits. False if there is no memory or no number for it.
    pub(super) fn reserve(&mut self) -> bool {
        if !self.free.is_empty() {
            return true;
        }
        if SlotId::of_index(self.numbered).is_none() {
            return false;
        }
        match self.pieces.last_mut() {
            Some(piece) if piece.len() < PIECE => extend(piece),
            _ => self.add_piece(),
        }
    }

    fn add_piece(&mut self) -> bool {
        let mut piece = Vec::new();
        // The first begins small: most contexts of a host with many never see many sessions.
        let reserved = match self.pieces.is_empty() {
            true => extend(&mut piece),
            false => piece.try_reserve_exact(PIECE).is_ok(),
        };
        if !reserved || self.pieces.try_reserve(1).is_err() {
            return false;
        }
        self.pieces.push(piece);
        true
    }

    /// Puts a session into a free slot. `reserve` comes first; without it `None` may come back.
    pub(super) fn insert(&mut self, slot: Slot<H>) -> Option<SlotId> {
        if let Some(id) = self.free.pop() {
            *self.place_of(id)? = Some(slot);
            return Some(id);
        }
        let id = SlotId::of_index(self.numbered)?;
        self.pieces.last_mut()?.push(Some(slot));
        self.numbered += 1;
        Some(id)
    }

    pub(super) fn remove(&mut self, id: SlotId) -> Option<Slot<H>> {
        let slot = self.place_of(id)?.take()?;
        self.free.push(id);
        self.freed += 1;
        if self.len() == 0 && self.freed >= self.numbered {
            self.order_free();
        }
        Some(slot)
    }

    /// What is used again first lies first in memory, so that filling the slots anew walks through it. Only after as
    /// many removals as there are slots, which pay for it.
    fn order_free(&mut self) {
        self.freed = 0;
        self.free.clear();
        self.free.extend((0..self.numbered).rev().filter_map(SlotId::of_index));
    }

    #[inline]
    pub(super) fn get(&self, id: SlotId) -> Option<&Slot<H>> {
        self.pieces.get(id.index() / PIECE)?.get(id.index() % PIECE)?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: SlotId) -> Option<&mut Slot<H>> {
        self.place_of(id)?.as_mut()
    }

    #[inline]
    fn place_of(&mut self, id: SlotId) -> Option<&mut Option<Slot<H>>> {
        self.pieces.get_mut(id.index() / PIECE)?.get_mut(id.index() % PIECE)
    }

    /// The sessions, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<H>> {
        self.pieces.iter().flatten().flatten()
    }

    /// The sessions, in no order, given away.
    pub(super) fn into_iter(self) -> impl Iterator<Item = Slot<H>> {
        self.pieces.into_iter().flatten().flatten()
    }
}

/// Makes room in a piece that is not complete: in big steps, there are few.
fn extend<T>(piece: &mut Vec<T>) -> bool {
    let spare = piece.capacity() - piece.len();
    let step = (piece.len() * 7).max(4).min(PIECE - piece.len());
    spare > 0 || piece.try_reserve_exact(step).is_ok()
}

impl SlotId {
    pub(super) fn of_number(number: u32) -> Option<SlotId> {
        NonZeroU32::new(number).map(SlotId)
    }

    pub(super) fn number(self) -> u32 {
        self.0.get()
    }

    fn of_index(index: usize) -> Option<SlotId> {
        SlotId::of_number(u32::try_from(index).ok()?.wrapping_add(1))
    }

    fn index(self) -> usize {
        self.number() as usize - 1
    }
}

#[cfg(test)]
#[cfg(not(sesscache_loom))]
mod tests {
    use super::*;

    fn slot(handle: u32) -> Slot<u32> {
        let key = SessionKey::new(0x0303, &[]).unwrap();
        let place = Place { rank: 0, seq: 0 };
        Slot { key, handle, expiry: 0, place, earlier: None, later: None }
    }

    #[test]
    fn a_freed_slot_is_used_again() {
        let mut slots = Slots::new();
        let ids = [0, 1, 2].map(|handle| {
            assert!(slots.reserve());
            slots.insert(slot(handle)).unwrap()
        });
        assert_eq!(slots.remove(ids[1]).unwrap().handle, 1);
        assert!(slots.get(ids[1]).is_none() && slots.remove(ids[1]).is_none());
        assert_eq!((slots.len(), slots.capacity()), (2, 3));
        assert_eq!(slots.insert(slot(7)), Some(ids[1]));
        assert_eq!(slots.iter().map(|slot| slot.handle).collect::<Vec<_>>(), [0, 7, 2]);
    }

    #[test]
    fn emptied_slots_are_used_again_from_the_first_on() {
        let mut slots = Slots::new();
        let fill = |slots: &mut Slots<u32>| {
            [0, 1, 2, 3].map(|handle| {
                assert!(slots.reserve());
                slots.insert(slot(handle)).unwrap()
            })
        };
        let ids = fill(&mut slots);
        ids.iter().for_each(|id| assert!(slots.remove(*id).is_some()));
        assert_eq!((slots.len(), slots.capacity()), (0, 4));
        assert_eq!(fill(&mut slots), ids);
    }

    #[test]
    fn numbers_span_the_pieces() {
        let mut slots = Slots::new();
        for handle in 0..3 * PIECE as u32 + 1 {
            assert!(slots.reserve());
            let id = slots.insert(slot(handle)).unwrap();
            assert_eq!(id.number(), handle + 1);
        }
        for handle in 0..3 * PIECE as u32 + 1 {
            let id = SlotId::of_number(handle + 1).unwrap();
            assert_eq!(slots.get(id).unwrap().handle, handle);
            assert_eq!(slots.get_mut(id).unwrap().handle, handle);
        }
        assert!(slots.get(SlotId::of_number(3 * PIECE as u32 + 2).unwrap()).is_none());
        assert_eq!((slots.len(), slots.pieces.len()), (3 * PIECE + 1, 4));
    }

    #[test]
    fn ranks_come_before_ages() {
        let place = |rank, seq| Place { rank, seq };
        assert!(place(-1, 9) < place(0, 1) && place(0, 1) < place(0, 2));
    }

    #[test]
    fn the_last_number_is_not_beyond_32_bits() {
        let most = u32::MAX as usize;
        assert_eq!(SlotId::of_index(most - 1).map(SlotId::number), Some(u32::MAX));
        assert!(SlotId::of_index(most).is_none() && SlotId::of_index(most + 1).is_none());
    }
}
