//! The lock of a context: a `pthread_rwlock_t` as OpenSSL uses it, which says no to the thread that has it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Lock {
    owner: Mutex<Option<ThreadId>>,
    released: Condvar,
}

/// What came of taking a lock.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is this thread's now.
    Now,
    /// It was this thread's already: `EDEADLK`.
    Before,
}

impl Lock {
    /// Waits for other threads, but not for ever.
    pub(super) fn take(&self) -> Taken {
        let me = thread::current().id();
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if *owner == Some(me) {
            return Taken::Before;
        }
        while owner.is_some() {
            let waited = self.released.wait_timeout(owner, Duration::from_secs(60));
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            assert!(!timeout.timed_out(), "a context's lock was not released within a minute");
            owner = again;
        }
        *owner = Some(me);
        Taken::Now
    }

    pub(super) fn release(&self) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.released.notify_one();
    }
}
