//! The ring: records are appended at a head that only ever grows, and overwrite the oldest.
//!
//! A writer reserves its place with one addition and then has it for itself, until the ring has come round. A reader copies
//! a record out and looks at the head afterwards: if the head had not come round to the record by then, what it
//! copied is what was written. (The head moves before the first word of a new record is stored, and the fences keep it so
//! for every observer: a reader that saw a newer word sees the newer head.)
//!
//! The exception is a writer that slept between reserving and storing while the ring came round: it spoils newer records.
//! They do not open then.

use super::layout::{Layout, word};
use super::memory::{Memory, Ordering, fence};

/// A place in the ring, counted in units from the region's beginning.
pub(super) type Position = u64;

/// Writes a record, and returns where. `None` if the ring came round meanwhile, or the record is too long for it.
pub(super) fn append(memory: &impl Memory, layout: &Layout, record: &[u64]) -> Option<Position> {
    let units = record.len().div_ceil(super::layout::UNIT_WORDS) as u64;
    if units > layout.units / 2 {
        return None;
    }
    let position = memory.add(word::HEAD, units);
    fence(Ordering::Release);
    let (first, rest) = layout.run(position, record.len());
    let (until, from) = record.split_at(first.len());
    memory.write(first, until);
    memory.write(rest, from);
    holds(memory, layout, position).then_some(position)
}

/// Copies as many words as `into` is long. False if what was copied may have been overwritten meanwhile.
pub(super) fn copy(memory: &impl Memory, layout: &Layout, position: Position, into: &mut [u64]) -> bool {
    let (first, rest) = layout.run(position, into.len());
    let (until, from) = into.split_at_mut(first.len());
    memory.read(first, until);
    memory.read(rest, from);
    fence(Ordering::Acquire);
    holds(memory, layout, position)
}

/// How far the ring has been written.
pub(super) fn head(memory: &impl Memory) -> Position {
    memory.load_acquire(word::HEAD)
}

/// Whether a record at this position has not been overwritten.
pub(super) fn holds(memory: &impl Memory, layout: &Layout, position: Position) -> bool {
    age(memory, position) <= layout.units
}

/// How much has been written since, in units; more than any ring holds for what is yet to come.
pub(super) fn age(memory: &impl Memory, position: Position) -> u64 {
    head(memory).wrapping_sub(position)
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::super::memory::Heap;
    use super::*;

    fn ring(units: u64) -> (Heap, Layout) {
        let layout = Layout::tiny(1, units);
        (Heap::new(layout.words()), layout)
    }

    fn read(memory: &Heap, layout: &Layout, position: Position, words: usize) -> Option<Vec<u64>> {
        let mut into = vec![0; words];
        copy(memory, layout, position, &mut into).then_some(into)
    }

    #[test]
    fn what_was_written_is_read_until_the_ring_has_come_round() {
        let (memory, layout) = ring(16);
        let record = |n: u64| [n, n + 1, n + 2, n + 3, n + 4, n + 5];
        let positions: Vec<_> = (0..12).map(|n| append(&memory, &layout, &record(n * 10)).unwrap()).collect();
        for (n, position) in (0..).zip(&positions) {
            // Three units each: the last five fit into sixteen.
            let expected = (n >= 7).then(|| record(n * 10).to_vec());
            assert_eq!(read(&memory, &layout, *position, 6), expected, "{n}");
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_refused() {
        let (memory, layout) = ring(16);
        assert_eq!(append(&memory, &layout, &[7; 17]), None);
        assert_eq!(append(&memory, &layout, &[7; 16]), Some(0));
        assert_eq!(head(&memory), 8);
    }

    #[test]
    fn what_is_yet_to_come_is_not_there() {
        let (memory, layout) = ring(16);
        append(&memory, &layout, &[1; 8]).unwrap();
        assert!(!holds(&memory, &layout, 5) && !holds(&memory, &layout, u64::MAX / 2));
        assert!(holds(&memory, &layout, 0));
    }
}
