//! The outbox: for a relay, the positions of the records that are to be carried to other machines, in the order in which they
//! came to be.
//!
//! A writer takes the next number by one addition and stores one word in that number's cell: the record's position, and how
//! often the outbox had come round. It does so after the record has been written and before its slot is put. Hence:
//!
//! - whatever is found in the index is in the outbox, or was until the outbox came round;
//! - a number whose cell is never filled belongs to a writer that died before its record could be found by anybody: nothing
//!   is lost with it;
//! - one that is filled late is that of a writer that slept. A relay passes it and looks again later.
//!
//! Nobody waits for a relay. One that is behind by more than the outbox holds looks for the rest in the index.

use super::index;
use super::layout::{Layout, word};
use super::log::Position;
use super::memory::{Memory, Ordering, fence};

/// What stands in the outbox at a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Entry {
    /// A record at this position, or at one that the ring has passed.
    At(Position),
    /// Nothing yet.
    Pending,
    /// The outbox has come round.
    Overrun,
}

/// Puts a record's position into the outbox.
pub(super) fn note(memory: &impl Memory, layout: &Layout, position: Position) {
    let number = memory.add(word::OUTBOX, 1);
    memory.store_release(layout.cell(number), entry_word(layout, number, position));
}

/// How many entries the outbox was given.
pub(super) fn head(memory: &impl Memory) -> u64 {
    memory.load_acquire(word::OUTBOX)
}

/// What stands at this number, which is below the head.
pub(super) fn entry(memory: &impl Memory, layout: &Layout, number: u64) -> Entry {
    let word = memory.load_acquire(layout.cell(number));
    fence(Ordering::Acquire);
    // Asked afterwards: a later entry in this cell shows in the head.
    if head(memory).wrapping_sub(number) > layout.cells {
        return Entry::Overrun;
    }
    let (position, _) = index::last_position(memory, layout, word);
    if word == entry_word(layout, number, position) { Entry::At(position) } else { Entry::Pending }
}

/// Never nought, as an unused cell is.
fn entry_word(layout: &Layout, number: u64, position: Position) -> u64 {
    let round = number / layout.cells + 1;
    round << index::POSITION_BITS | (position & index::POSITION_MASK)
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::super::memory::Heap;
    use super::*;

    fn outbox() -> (Heap, Layout) {
        let layout = Layout::tiny(1, 1 << 20);
        let memory = Heap::new(layout.words());
        memory.store(word::HEAD, 1 << 20);
        (memory, layout)
    }

    #[test]
    fn entries_come_in_order_until_the_outbox_has_come_round() {
        let (memory, layout) = outbox();
        (0..6).for_each(|position| note(&memory, &layout, position * 10));
        assert_eq!(head(&memory), 6);
        let entries: Vec<Entry> = (0..6).map(|number| entry(&memory, &layout, number)).collect();
        let kept = [20, 30, 40, 50].map(Entry::At);
        assert_eq!(entries[..2], [Entry::Overrun; 2]);
        assert_eq!(entries[2..], kept);
    }

    #[test]
    fn what_was_reserved_and_not_filled_is_pending_and_what_comes_late_is_found() {
        let (memory, layout) = outbox();
        (0..4).for_each(|position| note(&memory, &layout, position));
        let sleeper = memory.add(word::OUTBOX, 1);
        note(&memory, &layout, 7);
        assert_eq!(entry(&memory, &layout, sleeper), Entry::Pending);
        assert_eq!(entry(&memory, &layout, sleeper + 1), Entry::At(7));
        memory.store(layout.cell(sleeper), entry_word(&layout, sleeper, 6));
        assert_eq!(entry(&memory, &layout, sleeper), Entry::At(6));
    }

    #[test]
    fn a_writer_that_slept_for_a_round_hides_one_entry_and_forges_none() {
        let (memory, layout) = outbox();
        let sleeper = memory.add(word::OUTBOX, 1);
        (0..4).for_each(|position| note(&memory, &layout, position));
        memory.store(layout.cell(sleeper), entry_word(&layout, sleeper, 9));
        assert_eq!(entry(&memory, &layout, sleeper), Entry::Overrun);
        assert_eq!(entry(&memory, &layout, sleeper + layout.cells), Entry::Pending);
    }
}
