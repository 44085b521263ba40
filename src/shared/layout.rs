//! Where things stand in a region.
//!
//! ```text
//! header (50 KiB) | outbox: words | index: buckets of 64 bytes | ring of records, in units of 16 bytes
//! ```
//!
//! Everything follows from the region's size, so nothing in its header decides what we touch.

use std::ops::Range;

use super::memory::Memory;
use super::record::STAMP_END;

/// `sesscach` in memory.
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"sesscach");
/// The format that this release writes. A newer one is left alone, an older one replaced.
pub(super) const FORMAT: u64 = 4;

/// Places in the header, in words.
pub(super) mod word {
    pub(in super::super) const MAGIC: usize = 0;
    pub(in super::super) const FORMAT: usize = 1;
    pub(in super::super) const BYTES: usize = 2;
    pub(in super::super) const BUCKETS: usize = 3;
    pub(in super::super) const UNITS: usize = 4;
    /// When the region was made, in seconds since the epoch.
    pub(in super::super) const MADE: usize = 5;
    pub(in super::super) const CELLS: usize = 6;
    /// The region's own number, at random, once a relay has given it one.
    pub(in super::super) const ID: usize = 7;
    /// How many processes have asked for a cell of their own.
    pub(in super::super) const CLAIMS: usize = 8;
    /// How far the ring has been written, in units; a cache line of its own.
    pub(in super::super) const HEAD: usize = 16;
    /// How many entries the outbox was given; a cache line of its own.
    pub(in super::super) const OUTBOX: usize = 24;
    /// What those have counted that have no cell any more.
    pub(in super::super) const PAST: usize = 32;
    /// What the relay keeps here, so that the next one goes on where it ended (`carrier`).
    pub(in super::super) const RELAY: usize = 128;
    /// For each cell of scopes, and then for each of the operator's names for scopes: records before this position do not
    /// count.
    pub(in super::super) const EPOCHS: usize = 256;
    /// The same cells: when each was last flushed here, in milliseconds since the epoch. For the relay.
    pub(in super::super) const FLUSHES: usize = 768;
    /// The same for flushes that other machines have told of: records of this time and earlier do not count.
    pub(in super::super) const THEIR_FLUSHES: usize = 1280;
    /// The same: which of our own flushes the relay has told of.
    pub(in super::super) const TOLD_FLUSHES: usize = 1792;
    /// The cells of the processes.
    pub(in super::super) const PROCESSES: usize = 2304;
}

/// How many cells the scopes are spread over, and as many the names. A collision costs misses.
pub(super) const EPOCHS: usize = 256;
/// How many processes have a cell of their own. The model checker's have none: it makes every word anew for every run.
pub(super) const PROCESSES: usize = if cfg!(all(test, sesscache_loom)) { 0 } else { 128 };
/// Of a process's cell.
pub(super) const PROCESS_WORDS: usize = 32;
const HEADER_WORDS: usize = word::PROCESSES + PROCESSES * PROCESS_WORDS;
/// Few enough that the model checker sees all of them.
pub(super) const SLOTS: usize = if cfg!(all(test, sesscache_loom)) { 2 } else { 8 };
pub(super) const UNIT_WORDS: usize = 2;
pub(super) const UNIT_BYTES: u64 = 16;

/// A bucket of eight slots for each KiB: with ordinary sessions less than half of the slots are in use.
const BYTES_PER_BUCKET: u64 = 1024;
/// A place in the outbox for each half: a relay may be behind by half of what the ring holds before it has to search the index.
const BYTES_PER_CELL: u64 = 512;
pub(super) const BYTES_MIN: u64 = 1 << 20;
pub(super) const BYTES_MAX: u64 = 1 << 38;

/// The places of index and ring in a region of a given size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    pub(super) bytes: u64,
    /// The outbox's length.
    pub(super) cells: u64,
    pub(super) buckets: u64,
    /// The ring's length in units.
    pub(super) units: u64,
}

impl Layout {
    /// The layout of a region of this many bytes, if a region can have that size.
    pub(super) fn of(bytes: u64) -> Option<Layout> {
        if !(BYTES_MIN..=BYTES_MAX).contains(&bytes) {
            return None;
        }
        let (cells, buckets) = (bytes / BYTES_PER_CELL, bytes / BYTES_PER_BUCKET);
        let ring = bytes - (HEADER_WORDS * 8) as u64 - cells * 8 - buckets * (SLOTS * 8) as u64;
        Some(Layout { bytes, cells, buckets, units: ring / UNIT_BYTES })
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn tiny(buckets: u64, units: u64) -> Layout {
        const CELLS: u64 = 4;
        let words = HEADER_WORDS as u64 + CELLS + buckets * SLOTS as u64 + units * UNIT_WORDS as u64;
        Layout { bytes: words * 8, cells: CELLS, buckets, units }
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn words(&self) -> usize {
        usize::try_from(self.bytes / 8).unwrap_or(usize::MAX)
    }

    /// The word of the outbox's entry of this number.
    pub(super) fn cell(&self, number: u64) -> usize {
        HEADER_WORDS + (number % self.cells) as usize
    }

    /// The first word of a bucket.
    pub(super) fn bucket(&self, bucket: u64) -> usize {
        HEADER_WORDS + self.cells as usize + (bucket % self.buckets) as usize * SLOTS
    }

    fn ring_start(&self) -> usize {
        HEADER_WORDS + self.cells as usize + self.buckets as usize * SLOTS
    }

    /// The word of the ring at a position that only ever grows, and `offset` words further on.
    pub(super) fn ring(&self, position: u64, offset: usize) -> usize {
        let unit = position.wrapping_add((offset / UNIT_WORDS) as u64) % self.units;
        self.ring_start() + unit as usize * UNIT_WORDS + offset % UNIT_WORDS
    }

    /// So many words of the ring from a position on, once round at most: those before its end, and those from its beginning on.
    pub(super) fn run(&self, position: u64, words: usize) -> (Range<usize>, Range<usize>) {
        let start = self.ring_start();
        let end = start + self.units as usize * UNIT_WORDS;
        let words = words.min(end - start);
        let first = self.ring(position, 0);
        let until = end.min(first + words);
        (first..until, start..start + (words - (until - first)))
    }

    /// Writes the header of an empty region. The magic comes last: a half-made region is none.
    pub(super) fn inscribe(&self, memory: &impl Memory, now: i64) {
        memory.store(word::FORMAT, FORMAT);
        memory.store(word::BYTES, self.bytes);
        memory.store(word::CELLS, self.cells);
        memory.store(word::BUCKETS, self.buckets);
        memory.store(word::UNITS, self.units);
        memory.store(word::MADE, now.cast_unsigned());
        memory.store(word::MAGIC, MAGIC);
    }

    /// What a region of this size that somebody else made turns out to be.
    pub(super) fn recognise(&self, memory: &impl Memory) -> Recognised {
        if memory.load(word::MAGIC) != MAGIC {
            return Recognised::Foreign;
        }
        match memory.load(word::FORMAT) {
            FORMAT => {}
            newer if newer > FORMAT => return Recognised::Newer(newer),
            _ => return Recognised::Foreign,
        }
        let told = [word::BYTES, word::CELLS, word::BUCKETS, word::UNITS].map(|at| memory.load(at));
        if told == [self.bytes, self.cells, self.buckets, self.units] && has_sound_epochs(memory) {
            Recognised::Ours
        } else {
            Recognised::Foreign
        }
    }
}

/// A flush is never ahead of what was written. One that somebody has put there would end all that is to come.
fn has_sound_epochs(memory: &impl Memory) -> bool {
    let epochs = word::EPOCHS..word::EPOCHS + 2 * EPOCHS;
    // The head is asked last: it grows.
    let last = epochs.map(|at| memory.load_acquire(at)).max();
    let mut theirs = word::THEIR_FLUSHES..word::THEIR_FLUSHES + 2 * EPOCHS;
    let is_possible = |at| memory.load_acquire(at) < STAMP_END / 2;
    last.unwrap_or(0) <= memory.load_acquire(word::HEAD) && theirs.all(is_possible)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Recognised {
    Ours,
    /// Of a later release.
    Newer(u64),
    /// Of an earlier release, damaged, or something else.
    Foreign,
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::super::memory::Heap;
    use super::*;

    #[test]
    fn index_and_ring_fill_the_region_and_no_more() {
        for bytes in [BYTES_MIN, BYTES_MIN + 4096, 64 << 20, 10 << 30] {
            let layout = Layout::of(bytes).unwrap();
            let last = layout.ring(layout.units - 1, UNIT_WORDS - 1);
            assert!(last < layout.words() && layout.words() - last <= UNIT_WORDS, "{bytes}");
            assert_eq!(layout.ring(0, 0), layout.bucket(layout.buckets - 1) + SLOTS);
            assert_eq!(layout.ring(layout.units, 0), layout.ring(0, 0));
        }
        assert!(Layout::of(BYTES_MIN - 1).is_none() && Layout::of(BYTES_MAX + 1).is_none());
    }

    #[test]
    fn no_position_leaves_the_ring() {
        let layout = Layout::tiny(2, 7);
        for position in [0, 6, 7, u64::MAX - 3, u64::MAX] {
            for offset in 0..64 {
                let at = layout.ring(position, offset);
                assert!((layout.ring(0, 0)..layout.words()).contains(&at));
            }
        }
    }

    #[test]
    fn a_run_is_the_places_one_after_the_other() {
        let layout = Layout::tiny(2, 7);
        for position in [0, 6, 7, 1 << 50] {
            for words in [0, 1, 13, 14] {
                let (first, rest) = layout.run(position, words);
                let places = (0..words).map(|offset| layout.ring(position, offset));
                assert!(first.chain(rest).eq(places), "{words} at {position}");
            }
        }
        // What nobody has written is read within the ring, too.
        let ring = layout.ring(0, 0)..layout.words();
        for position in [3, u64::MAX - 1, u64::MAX] {
            let (first, rest) = layout.run(position, 15);
            assert_eq!(first.len() + rest.len(), 14);
            assert!(ring.start <= first.start && first.end <= ring.end && rest.start == ring.start);
        }
    }

    #[test]
    fn the_header_tells_ours_from_others() {
        let layout = Layout::tiny(4, 40);
        let memory = Heap::new(layout.words());
        assert_eq!(layout.recognise(&memory), Recognised::Foreign);
        layout.inscribe(&memory, 1);
        assert_eq!(layout.recognise(&memory), Recognised::Ours);
        for (at, value, told) in [
            (word::FORMAT, FORMAT + 1, Recognised::Newer(FORMAT + 1)),
            (word::FORMAT, 0, Recognised::Foreign),
            (word::BUCKETS, 7, Recognised::Foreign),
            (word::UNITS, u64::MAX, Recognised::Foreign),
            (word::MAGIC, 0, Recognised::Foreign),
            (word::EPOCHS + 7, 1, Recognised::Foreign),
            (word::EPOCHS + 2 * EPOCHS - 1, u64::MAX, Recognised::Foreign),
            (word::CELLS, 7, Recognised::Foreign),
            (word::THEIR_FLUSHES + 9, u64::MAX, Recognised::Foreign),
        ] {
            let before = memory.load(at);
            memory.store(at, value);
            assert_eq!(layout.recognise(&memory), told);
            memory.store(at, before);
        }
    }
}
