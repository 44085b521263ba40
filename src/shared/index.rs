//! The slots: from a record's name to its position in the ring.
//!
//! A slot is one word, a piece of the name and a position, and changes only as a whole. Nought is empty. A slot whose
//! position the ring has passed is as good as empty. A position never comes twice, so neither does a slot's word: who
//! exchanges it for nought is the only one that does.

use super::layout::{Layout, SLOTS};
use super::log::{self, Position};
use super::memory::{Memory, Ordering, fence};

/// A record's name: a keyed hash of a session's version and id, which tells nobody either of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Name(pub(super) [u64; 2]);

pub(super) const POSITION_BITS: u32 = 44;
pub(super) const POSITION_MASK: u64 = (1 << POSITION_BITS) - 1;

impl Name {
    /// The piece of the name that stands in its slot; never nought.
    fn piece(self) -> u64 {
        let [first, _] = self.0;
        let piece = first & ((1 << (u64::BITS - POSITION_BITS)) - 1);
        piece.max(1)
    }

    /// The two buckets in which its slot may stand: with two to choose from hardly any is ever full.
    fn buckets(self, layout: &Layout) -> [u64; 2] {
        let spread = |hash: u64| ((u128::from(hash) * u128::from(layout.buckets)) >> 64) as u64;
        let [one, other] = self.0.map(spread);
        if one == other { [one, (one + 1) % layout.buckets] } else { [one, other] }
    }

    fn slot(self, position: Position) -> u64 {
        self.piece() << POSITION_BITS | (position & POSITION_MASK)
    }
}

/// A slot that was seen: where, and what stood in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(super) at: usize,
    pub(super) word: u64,
}

impl Seen {
    /// The position that it names, if the ring has not passed it.
    pub(super) fn position(self, memory: &impl Memory, layout: &Layout) -> Option<Position> {
        let (position, holds) = self.last_position(memory, layout);
        (self.word != 0 && holds).then_some(position)
    }

    /// The last position with these bits, and whether the ring has not passed it.
    pub(super) fn last_position(self, memory: &impl Memory, layout: &Layout) -> (Position, bool) {
        last_position(memory, layout, self.word)
    }

    /// Puts another record's position there if the slot is as it was seen.
    pub(super) fn replace(self, memory: &impl Memory, name: Name, position: Position) -> bool {
        memory.exchange(self.at, self.word, name.slot(position))
    }

    /// Empties the slot if it is as it was seen. Of several that try, in whatever process, one succeeds.
    pub(super) fn clear(self, memory: &impl Memory) -> bool {
        memory.exchange(self.at, self.word, 0)
    }

    pub(super) fn stands(self, memory: &impl Memory) -> bool {
        memory.load_acquire(self.at) == self.word
    }
}

/// The last position with the bits of a word, and whether the ring has not passed it.
pub(super) fn last_position(memory: &impl Memory, layout: &Layout, word: u64) -> (Position, bool) {
    let head = log::head(memory);
    let age = head.wrapping_sub(word) & POSITION_MASK;
    (head.wrapping_sub(age), age <= layout.units)
}

/// All slots in which this name may stand.
fn slots(memory: &impl Memory, layout: &Layout, name: Name) -> [[Seen; SLOTS]; 2] {
    name.buckets(layout).map(|number| bucket(memory, layout, number))
}

/// Says that the name's slots will be wanted before long: in a large region each bucket is a wait for memory.
pub(super) fn prefetch(memory: &impl Memory, layout: &Layout, name: Name) {
    for first in name.buckets(layout).map(|number| layout.bucket(number)) {
        // A bucket is a cache line only where the region's size is a round one.
        memory.prefetch(first);
        memory.prefetch(first + SLOTS - 1);
    }
}

/// The slots that may be this name's: a few bits of it agree. Each bucket is looked at when it is its turn: most are found in
/// the first one, and the second one is elsewhere in memory.
pub(super) fn candidates(memory: &impl Memory, layout: &Layout, name: Name) -> impl Iterator<Item = Seen> {
    let slots = name.buckets(layout).into_iter().flat_map(|number| bucket(memory, layout, number));
    slots.filter(move |seen| seen.word >> POSITION_BITS == name.piece())
}

/// All slots of a bucket, read in one go: the compiler makes more of a run of words than of one after the other.
pub(super) fn bucket(memory: &impl Memory, layout: &Layout, bucket: u64) -> [Seen; SLOTS] {
    let first = layout.bucket(bucket);
    let mut words = [0; SLOTS];
    memory.read(first..first + SLOTS, &mut words);
    fence(Ordering::Acquire);
    let mut at = first..;
    words.map(|word| Seen { at: at.next().unwrap_or(0), word })
}

/// Puts the name's slot: in place of an older record of that name, as `is_same` recognises it, else into whichever bucket
/// has more room, else in place of the oldest. `None` if others were faster time and again.
pub(super) fn publish(
    memory: &impl Memory,
    layout: &Layout,
    name: Name,
    position: Position,
    is_same: impl Fn(Seen) -> bool,
) -> Option<Seen> {
    const TRIES: usize = 16;
    let word = name.slot(position);
    for _ in 0..TRIES {
        let slots = slots(memory, layout, name);
        let same =
            slots.iter().flatten().find(|seen| seen.word >> POSITION_BITS == name.piece() && is_same(**seen));
        let place = same.copied().or_else(|| room(memory, layout, &slots))?;
        if memory.exchange(place.at, place.word, word) {
            return Some(Seen { at: place.at, word });
        }
    }
    None
}

fn room(memory: &impl Memory, layout: &Layout, slots: &[[Seen; SLOTS]; 2]) -> Option<Seen> {
    let free = |bucket: &&[Seen; SLOTS]| {
        bucket.iter().filter(|seen| seen.position(memory, layout).is_none()).count()
    };
    let roomiest = slots.iter().max_by_key(free)?;
    // Rather an empty one: what the ring has passed still says to its owner that nobody has ended it.
    let unused = roomiest.iter().filter(|seen| seen.position(memory, layout).is_none());
    let empty = unused.min_by_key(|seen| seen.word != 0);
    let oldest = || slots.iter().flatten().max_by_key(|seen| age(memory, layout, **seen));
    empty.or_else(oldest).copied()
}

fn age(memory: &impl Memory, layout: &Layout, seen: Seen) -> u64 {
    seen.position(memory, layout).map_or(u64::MAX, |position| log::age(memory, position))
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::super::layout::word;
    use super::super::memory::Heap;
    use super::*;

    fn index(buckets: u64, units: u64) -> (Heap, Layout) {
        let layout = Layout::tiny(buckets, units);
        (Heap::new(layout.words()), layout)
    }

    #[test]
    fn a_name_has_two_buckets_and_a_piece() {
        let layout = Layout::tiny(5, 8);
        for hash in [0, 1, u64::MAX, 1 << 63] {
            let name = Name([hash, hash]);
            let [one, other] = name.buckets(&layout);
            assert!(one != other && one < 5 && other < 5);
            assert_ne!(name.piece(), 0);
        }
    }

    #[test]
    fn positions_beyond_the_bits_of_a_slot_come_back_whole() {
        let (memory, layout) = index(2, 1000);
        let head = 7 << POSITION_BITS | 5;
        memory.store(word::HEAD, head);
        let name = Name([9, 9]);
        for back in [0, 5, 6, 1000] {
            let seen = Seen { at: 0, word: name.slot(head - back) };
            assert_eq!(seen.position(&memory, &layout), Some(head - back));
        }
        for gone in [head - 1001, head + 1] {
            let seen = Seen { at: 0, word: name.slot(gone) };
            assert_eq!(seen.position(&memory, &layout), None);
        }
    }

    #[test]
    fn a_full_pair_of_buckets_gives_up_its_oldest() {
        let (memory, layout) = index(2, 1000);
        memory.store(word::HEAD, 500);
        let publish = |n: u64| publish(&memory, &layout, Name([n, u64::MAX]), n, |_| false).unwrap();
        // The first and the last bucket are all there are.
        let first = publish(100);
        let rest: Vec<_> = (101..116).map(publish).collect();
        assert!(first.stands(&memory));
        let last = publish(116);
        assert!(!first.stands(&memory) && last.at == first.at);
        assert!(rest.iter().all(|seen| seen.stands(&memory)));
    }

    #[test]
    fn the_same_name_is_replaced_and_cleared_once() {
        let (memory, layout) = index(4, 1000);
        memory.store(word::HEAD, 500);
        let name = Name([3, 8]);
        let old = publish(&memory, &layout, name, 10, |_| true).unwrap();
        let new = publish(&memory, &layout, name, 20, |_| true).unwrap();
        assert_eq!(candidates(&memory, &layout, name).collect::<Vec<_>>(), [new]);
        assert!(!old.clear(&memory) && new.clear(&memory) && !new.clear(&memory));
        assert_eq!(candidates(&memory, &layout, name).count(), 0);
    }
}
