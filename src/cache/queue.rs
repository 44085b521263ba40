//! The order of one shard: who goes first.
//!
//! Sessions of the same rank form a list, oldest first, and a tree holds the two ends of each list.
//! A server gives all sessions of a second the same expiry, so the tree is small where it matters;
//! where every rank is different it is a plain search tree. No operation is worse than O(log n).

use std::collections::BTreeMap;

use super::slots::{SlotId, Slots};

#[derive(Default)]
pub(super) struct Queue {
    lists: BTreeMap<i64, Ends>,
}

/// The ends of the list of one rank, which is never empty.
struct Ends {
    first: SlotId,
    last: SlotId,
}

impl Queue {
    /// Enters a session at its place. Among its rank it must be the newest.
    pub(super) fn link<H>(&mut self, slots: &mut Slots<H>, id: SlotId) {
        let Some(slot) = slots.get_mut(id) else { return };
        let ends = self.lists.entry(slot.place.rank).or_insert(Ends { first: id, last: id });
        if ends.last == id {
            return;
        }
        slot.earlier = Some(ends.last);
        if let Some(before) = slots.get_mut(ends.last) {
            before.later = Some(id);
        }
        ends.last = id;
    }

    /// Takes a session out of the order; it keeps its slot.
    pub(super) fn unlink<H>(&mut self, slots: &mut Slots<H>, id: SlotId) {
        let Some(slot) = slots.get_mut(id) else { return };
        let (earlier, later, rank) = (slot.earlier.take(), slot.later.take(), slot.place.rank);
        if let Some(before) = earlier.and_then(|id| slots.get_mut(id)) {
            before.later = later;
        }
        if let Some(behind) = later.and_then(|id| slots.get_mut(id)) {
            behind.earlier = earlier;
        }
        self.move_ends(rank, earlier, later);
    }

    /// The list of this rank has lost the session between these two.
    fn move_ends(&mut self, rank: i64, earlier: Option<SlotId>, later: Option<SlotId>) {
        match (earlier, later) {
            (Some(_), Some(_)) => {}
            (None, None) => drop(self.lists.remove(&rank)),
            (None, Some(first)) => self.with_ends(rank, |ends| ends.first = first),
            (Some(last), None) => self.with_ends(rank, |ends| ends.last = last),
        }
    }

    fn with_ends(&mut self, rank: i64, change: impl FnOnce(&mut Ends)) {
        if let Some(ends) = self.lists.get_mut(&rank) {
            change(ends);
        }
    }

    /// The session that goes first.
    pub(super) fn first(&self) -> Option<SlotId> {
        self.lists.first_key_value().map(|(_, ends)| ends.first)
    }

    /// The session that goes after this one.
    pub(super) fn following<H>(&self, slots: &Slots<H>, id: SlotId) -> Option<SlotId> {
        let slot = slots.get(id)?;
        slot.later.or_else(|| self.first_above(slot.place.rank))
    }

    fn first_above(&self, rank: i64) -> Option<SlotId> {
        let above = rank.checked_add(1)?;
        self.lists.range(above..).next().map(|(_, ends)| ends.first)
    }
}
