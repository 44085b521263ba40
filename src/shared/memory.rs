//! Words that several processes read and write at once.

use std::ops::Range;

#[cfg(all(test, sesscache_loom))]
pub(super) use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(all(test, sesscache_loom)))]
pub(super) use std::sync::atomic::{AtomicU64, Ordering, fence};

/// A run of 64-bit words. Only whole words are touched, each atomically; a place outside it reads 0 and takes nothing, and of
/// places that are partly outside none is read or written.
pub(super) trait Memory {
    /// All of them.
    fn words(&self) -> &[AtomicU64];

    fn load(&self, at: usize) -> u64 {
        self.words().get(at).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    fn load_acquire(&self, at: usize) -> u64 {
        self.words().get(at).map_or(0, |word| word.load(Ordering::Acquire))
    }

    fn store(&self, at: usize, value: u64) {
        if let Some(word) = self.words().get(at) {
            word.store(value, Ordering::Relaxed);
        }
    }

    fn store_release(&self, at: usize, value: u64) {
        if let Some(word) = self.words().get(at) {
            word.store(value, Ordering::Release);
        }
    }

    /// Puts `new` there if `old` still stands there. Of several that try at once, one succeeds.
    fn exchange(&self, at: usize, old: u64, new: u64) -> bool {
        let exchange =
            |word: &AtomicU64| word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed);
        self.words().get(at).is_some_and(|word| exchange(word).is_ok())
    }

    /// Adds, and returns what stood there before.
    fn add(&self, at: usize, value: u64) -> u64 {
        self.words().get(at).map_or(0, |word| word.fetch_add(value, Ordering::AcqRel))
    }

    /// Sets these bits. What they are already is not written again.
    fn set_bits(&self, at: usize, bits: u64) {
        if let Some(word) = self.words().get(at)
            && word.load(Ordering::Relaxed) & bits != bits
        {
            word.fetch_or(bits, Ordering::AcqRel);
        }
    }

    /// Puts nought there, and returns what stood there before.
    fn empty(&self, at: usize) -> u64 {
        self.words().get(at).map_or(0, |word| word.swap(0, Ordering::AcqRel))
    }

    /// Raises the word to at least `value`.
    fn raise(&self, at: usize, value: u64) {
        if let Some(word) = self.words().get(at) {
            word.fetch_max(value, Ordering::AcqRel);
        }
    }

    /// Says that the words of this one's cache line will be wanted before long.
    fn prefetch(&self, _at: usize) {}

    /// Copies words out, as many as there is room for.
    fn read(&self, from: Range<usize>, into: &mut [u64]) {
        let words = self.words().get(from).unwrap_or_default();
        into.iter_mut().zip(words).for_each(|(value, word)| *value = word.load(Ordering::Relaxed));
    }

    /// Stores words one after the other.
    fn write(&self, to: Range<usize>, values: &[u64]) {
        let words = self.words().get(to).unwrap_or_default();
        words.iter().zip(values).for_each(|(word, value)| word.store(*value, Ordering::Relaxed));
    }
}

/// Memory of this process alone, for tests.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) struct Heap(Vec<AtomicU64>);

#[cfg(any(test, feature = "fuzzing"))]
impl Heap {
    pub(super) fn new(words: usize) -> Heap {
        Heap((0..words).map(|_| AtomicU64::new(0)).collect())
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl Memory for Heap {
    fn words(&self) -> &[AtomicU64] {
        &self.0
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl<M: Memory> Memory for &M {
    fn words(&self) -> &[AtomicU64] {
        M::words(self)
    }
}
