//! Which process this is, of those that were forked from one another.

use std::sync::atomic::{AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(1);

/// Tells a process from the one that it was forked from: 1 and more. The system would have to be asked for anything better.
pub(crate) fn process_number() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// This process is a child of the one that it was.
pub(crate) fn was_forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
