//! From a hash to a slot number: an open-addressed table of 64-bit words.
//!
//! Knows nothing of keys. A word holds the upper half of the hash and the slot number, so a probe
//! looks into a slot only where 32 bits of the hash agree, and growing looks into none: with a
//! million sessions a lookup misses the processor's caches once here and once at the slot.

use super::slots::SlotId;

/// The half of a word that is the hash's.
const TAG: u64 = 0xffff_ffff_0000_0000;
const EMPTY: u64 = 0;
const FIRST_LEN: usize = 16;
/// Up to this it grows in big steps, since the steps cost more than the memory.
const SMALL: usize = 1024;

/// Linear probing, at most three quarters full; a removal closes its gap, so there are no tombstones.
#[derive(Default)]
pub(super) struct Table {
    /// None, or a power of two.
    words: Vec<u64>,
    used: usize,
}

impl Table {
    /// The slot under this hash that `is_it` recognises.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(SlotId) -> bool) -> Option<SlotId> {
        let mut at = self.home(hash);
        loop {
            let word = *self.words.get(at)?;
            // The empty word names no slot, and ends the search.
            let slot = slot_of(word)?;
            if (word ^ hash) & TAG == 0 && is_it(slot) {
                return Some(slot);
            }
            at = self.after(at);
        }
    }

    #[cfg(test)]
    #[cfg(not(sesscache_loom))]
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Makes sure that one more fits. False if there is no memory for it; nothing is changed then.
    pub(super) fn reserve(&mut self) -> bool {
        let len = self.words.len();
        if self.used < len / 4 * 3 {
            return true;
        }
        let mut words = Vec::new();
        let grown = match len {
            0 => FIRST_LEN,
            1..SMALL => len * 4,
            _ => len * 2,
        };
        if words.try_reserve_exact(grown).is_err() {
            return false;
        }
        words.resize(grown, EMPTY);
        for word in std::mem::replace(&mut self.words, words) {
            if word != EMPTY {
                self.place(word);
            }
        }
        true
    }

    /// Enters a slot that is not in the table. `reserve` comes first.
    pub(super) fn insert(&mut self, hash: u64, slot: SlotId) {
        self.place(word_of(hash, slot));
        self.used += 1;
    }

    /// Strikes out a slot, if it is there.
    pub(super) fn remove(&mut self, hash: u64, slot: SlotId) {
        let word = word_of(hash, slot);
        let mut at = self.home(hash);
        loop {
            match self.words.get(at) {
                Some(&found) if found == word => break,
                Some(&found) if found != EMPTY => at = self.after(at),
                _ => return,
            }
        }
        self.close_gap(at);
        self.used -= 1;
    }

    /// Moves back every word behind the gap that its own home allows, up to the next empty place.
    fn close_gap(&mut self, mut gap: usize) {
        let mut at = gap;
        loop {
            at = self.after(at);
            let Some(&word) = self.words.get(at) else { return };
            if word == EMPTY {
                break;
            }
            if self.distance(self.home(word), at) >= self.distance(gap, at) {
                self.set(gap, word);
                gap = at;
            }
        }
        self.set(gap, EMPTY);
    }

    fn place(&mut self, word: u64) {
        let mut at = self.home(word);
        while self.words.get(at).is_some_and(|&found| found != EMPTY) {
            at = self.after(at);
        }
        self.set(at, word);
    }

    fn set(&mut self, at: usize, word: u64) {
        if let Some(place) = self.words.get_mut(at) {
            *place = word;
        }
    }

    /// All ones while the table has no words: every position is then outside it.
    fn mask(&self) -> usize {
        self.words.len().wrapping_sub(1)
    }

    /// Where the search for a hash, or for a word, begins.
    fn home(&self, hash: u64) -> usize {
        (hash >> 32) as usize & self.mask()
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & self.mask()
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & self.mask()
    }
}

fn word_of(hash: u64, slot: SlotId) -> u64 {
    (hash & TAG) | u64::from(slot.number())
}

fn slot_of(word: u64) -> Option<SlotId> {
    SlotId::of_number((word & !TAG) as u32)
}

#[cfg(test)]
#[cfg(not(sesscache_loom))]
mod tests {
    use super::*;

    fn id(number: usize) -> SlotId {
        SlotId::of_number(number as u32).unwrap()
    }

    fn add(table: &mut Table, hash: u64, slot: SlotId) {
        assert!(table.reserve());
        table.insert(hash, slot);
    }

    fn has(table: &Table, hash: u64, slot: SlotId) -> bool {
        table.find(hash, |found| found == slot) == Some(slot)
    }

    #[test]
    fn an_empty_table_answers() {
        let mut table = Table::default();
        assert!(table.find(7, |_| true).is_none());
        table.remove(7, id(1));
        assert_eq!(table.used, 0);
    }

    #[test]
    fn the_whole_upper_half_of_the_hash_decides() {
        let mut table = Table::default();
        add(&mut table, 1 << 63, id(5));
        assert!(table.find(0, |_| true).is_none());
        assert!(has(&table, 1 << 63 | 9, id(5)));
    }

    /// Every pattern of five homes around the end of the table, each in five orders of removal.
    #[test]
    fn removal_leaves_the_others_findable_across_the_wrap() {
        let homes = [13, 14, 15, 0];
        for pattern in 0..4_usize.pow(5) {
            let hash = |slot: usize| homes[pattern / 4_usize.pow(slot as u32 - 1) % 4] << 32;
            for first_gone in 0..5 {
                let mut table = Table::default();
                (1..=5).for_each(|slot| add(&mut table, hash(slot), id(slot)));
                for gone in (0..5).map(|step| (first_gone + step * 2) % 5 + 1) {
                    table.remove(hash(gone), id(gone));
                    assert!(!has(&table, hash(gone), id(gone)));
                    let left = (1..=5).filter(|&slot| has(&table, hash(slot), id(slot))).count();
                    assert_eq!(left, table.used);
                }
                assert!(table.words.iter().all(|&word| word == EMPTY));
            }
        }
    }

    #[test]
    fn growth_keeps_everything() {
        let mut table = Table::default();
        let hash = |slot: usize| (slot as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (1..=10_000).for_each(|slot| add(&mut table, hash(slot), id(slot)));
        assert!((1..=10_000).all(|slot| has(&table, hash(slot), id(slot))));
        (2..=10_000).step_by(2).for_each(|slot| table.remove(hash(slot), id(slot)));
        assert!((1..=10_000).all(|slot| has(&table, hash(slot), id(slot)) == (slot % 2 == 1)));
        assert_eq!(table.used, 5_000);
    }
}
