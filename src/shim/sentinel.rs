//! The two sentinels in the real table, by which libssl tells us what it tells nobody.
//!
//! `Tick` has long expired: it is removed when libssl flushes by itself (every 255 handshakes). `Fin` never
//! expires: it is removed when the last reference to the context goes, while its ex_data can still be read.

use std::sync::atomic::{AtomicBool, Ordering};

use once_cell::race::OnceBox;

use super::removal;
use super::state::ContextState;
use crate::base::forks;
use crate::openssl::private::{self, Private};
use crate::openssl::{ContextRef, Session};

/// One sentinel of a context. The session is kept, and planted again each time that libssl has removed it: it
/// is never freed in the middle of a flush, where a forked child might find libcrypto's locks held for ever.
#[derive(Default)]
pub(crate) struct Sentinel {
    session: OnceBox<Session>,
    planted: AtomicBool,
}

impl Sentinel {
    /// Whether it stands in the real table, and says something by leaving it.
    fn is_planted(&self) -> bool {
        self.planted.load(Ordering::Acquire)
    }

    /// From now on it says nothing; whether it would have.
    pub(super) fn disarm(&self) -> bool {
        self.planted.swap(false, Ordering::AcqRel)
    }

    fn plant(&self, context: ContextRef<'_>, kind: Private) {
        if self.is_planted() {
            return;
        }
        let make = || private::make(context.libssl, kind).map(Box::new).ok_or(());
        if let Ok(session) = self.session.get_or_try_init(make) {
            self.planted.store(true, Ordering::Release);
            // It may stand there still, if it was only disarmed.
            context.add_to_real(session.as_ref());
        }
    }

    fn uproot(&self, context: ContextRef<'_>) {
        self.disarm();
        if let Some(session) = self.session.get() {
            context.remove_from_real(session.as_ref());
        }
    }
}

/// Plants what is missing. Not from under the context's lock.
pub(super) fn plant(state: &ContextState, context: ContextRef<'_>) {
    let planted = state.tick.is_planted() && state.fin.is_planted();
    if planted || state.core().is_none() || removal::refuses(state) {
        return;
    }
    if !begin(state) {
        return;
    }
    // Looked at after `planting` was set: whoever gives the context back meanwhile waits for us.
    if state.is_serving() {
        state.tick.plant(context, Private::Tick);
        state.fin.plant(context, Private::Fin);
    }
    state.planting.store(0, Ordering::SeqCst);
}

/// Whether it falls to this thread to plant.
fn begin(state: &ContextState) -> bool {
    let (now, held) = (forks::process_number(), state.planting.load(Ordering::SeqCst));
    held != now && state.planting.compare_exchange(held, now, Ordering::SeqCst, Ordering::SeqCst).is_ok()
}

/// Takes both out of the real table, once the context is not served any more.
pub(super) fn uproot(state: &ContextState, context: ContextRef<'_>) {
    // A few moments at most. One that a fork has left behind is of another process.
    while state.planting.load(Ordering::SeqCst) == forks::process_number() {
        std::thread::yield_now();
    }
    state.tick.uproot(context);
    state.fin.uproot(context);
}
