//! Words that several processes read and write at once.

#[cfg(all(test, sesscache_loom))]
pub(super) use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(all(test, sesscache_loom)))]
pub(super) use std::sync::atomic::{AtomicU64, Ordering, fence};

/// A run of 64-bit words. Only whole words are touched, each atomically, and a place outside it reads 0 and takes nothing.
pub(super) trait Memory {
    /// How many words there are.
    #[cfg(any(test, feature = "fuzzing"))]
    fn words(&self) -> usize;

    /// The word at this place, for one operation.
    fn with<R>(&self, at: usize, work: impl FnOnce(&AtomicU64) -> R) -> Option<R>;

    fn load(&self, at: usize) -> u64 {
        self.with(at, |word| word.load(Ordering::Relaxed)).unwrap_or(0)
    }

    fn load_acquire(&self, at: usize) -> u64 {
        self.with(at, |word| word.load(Ordering::Acquire)).unwrap_or(0)
    }

    fn store(&self, at: usize, value: u64) {
        self.with(at, |word| word.store(value, Ordering::Relaxed));
    }

    fn store_release(&self, at: usize, value: u64) {
        self.with(at, |word| word.store(value, Ordering::Release));
    }

    /// Puts `new` there if `old` still stands there. Of several that try at once, one succeeds.
    fn exchange(&self, at: usize, old: u64, new: u64) -> bool {
        self.with(at, |word| word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).is_ok())
            .unwrap_or(false)
    }

    /// Adds, and returns what stood there before.
    fn add(&self, at: usize, value: u64) -> u64 {
        self.with(at, |word| word.fetch_add(value, Ordering::AcqRel)).unwrap_or(0)
    }

    /// Sets these bits. What they are already is not written again.
    fn set_bits(&self, at: usize, bits: u64) {
        if self.load(at) & bits != bits {
            self.with(at, |word| word.fetch_or(bits, Ordering::AcqRel));
        }
    }

    /// Puts nought there, and returns what stood there before.
    fn empty(&self, at: usize) -> u64 {
        self.with(at, |word| word.swap(0, Ordering::AcqRel)).unwrap_or(0)
    }

    /// Raises the word to at least `value`.
    fn raise(&self, at: usize, value: u64) {
        self.with(at, |word| word.fetch_max(value, Ordering::AcqRel));
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
    fn words(&self) -> usize {
        self.0.len()
    }

    fn with<R>(&self, at: usize, work: impl FnOnce(&AtomicU64) -> R) -> Option<R> {
        self.0.get(at).map(work)
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl<M: Memory> Memory for &M {
    fn words(&self) -> usize {
        M::words(self)
    }

    fn with<R>(&self, at: usize, work: impl FnOnce(&AtomicU64) -> R) -> Option<R> {
        M::with(self, at, work)
    }
}
