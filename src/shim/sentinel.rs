//! The two sentinels in the real table, by which libssl tells us what it tells nobody.
//!
//! `Tick` has long expired: it is removed when libssl flushes by itself (every 255 handshakes). `Fin` never
//! expires: it is removed when the last reference to the context goes, while its ex_data can still be read.

use std::sync::atomic::{AtomicBool, Ordering};

use super::state::ContextState;
use crate::openssl::ContextRef;
use crate::openssl::private::{self, Private};

/// Plants what is missing. Only from where no lock of the context is held.
pub(super) fn plant(state: &ContextState, context: ContextRef<'_>) {
    let planted = state.tick_planted.load(Ordering::Relaxed) && state.fin_planted.load(Ordering::Relaxed);
    if planted || state.core().is_none() || state.planting.swap(true, Ordering::SeqCst) {
        return;
    }
    // Looked at after `planting` was set: whoever gives the context back meanwhile waits for us.
    if state.is_serving() {
        put(&state.tick_planted, context, Private::Tick, 1, 1);
        // Expires in 2160: a few centuries more would overflow the nanoseconds that newer releases count.
        put(&state.fin_planted, context, Private::Fin, 4_000_000_000, 2_000_000_000);
    }
    state.planting.store(false, Ordering::SeqCst);
}

fn put(planted: &AtomicBool, context: ContextRef<'_>, kind: Private, time: i64, timeout: i64) {
    if planted.load(Ordering::Acquire) || planted.swap(true, Ordering::AcqRel) {
        return;
    }
    // An earlier one that is still there has the same id, so it is replaced.
    let added = private::make(context.libssl, kind, time, timeout)
        .is_some_and(|sentinel| context.add_to_real(sentinel.as_ref()));
    if !added {
        planted.store(false, Ordering::Release);
    }
}

/// From now on a sentinel that is removed says nothing.
pub(super) fn disarm(state: &ContextState) {
    state.tick_planted.store(false, Ordering::Release);
    state.fin_planted.store(false, Ordering::Release);
}

/// Takes both out of the real table, once the context is not served any more.
pub(super) fn uproot(state: &ContextState, context: ContextRef<'_>) {
    // A few moments at most; not for ever, since a fork may have left the planter behind.
    for _ in 0..1000 {
        if !state.planting.load(Ordering::SeqCst) {
            break;
        }
        std::thread::yield_now();
    }
    disarm(state);
    for kind in [Private::Tick, Private::Fin] {
        if let Some(twin) = private::make(context.libssl, kind, 1, 1) {
            context.remove_from_real(twin.as_ref());
        }
    }
}
