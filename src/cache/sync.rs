//! The locks and atomics of the core: the standard library's, or loom's in the model tests.

#[cfg(all(test, sesscache_loom))]
pub(super) use loom::sync::{
    Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering, fence},
};
#[cfg(not(all(test, sesscache_loom)))]
pub(super) use std::sync::{
    Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering, fence},
};

use std::sync::{PoisonError, TryLockError};

#[cfg(all(test, sesscache_loom))]
pub(super) type Guard<'a, T> = loom::sync::MutexGuard<'a, T>;
#[cfg(not(all(test, sesscache_loom)))]
pub(super) type Guard<'a, T> = std::sync::MutexGuard<'a, T>;

/// Locks, poisoned or not. The only code of others under a lock is the handle's `clone` and `eq`,
/// and both run before anything is changed: a panic in them leaves nothing half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> Guard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether somebody holds it at this moment.
pub(super) fn is_held<T>(mutex: &Mutex<T>) -> bool {
    matches!(mutex.try_lock(), Err(TryLockError::WouldBlock))
}
