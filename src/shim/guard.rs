//! Around our own work, wherever libssl or the application called us.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::process;
use super::state::ContextState;
use crate::base::log::{self, Level};
use crate::openssl::host;

/// Runs `work` for a context: `errno` stays as it was, and a panic ends in `fallback` and in the context
/// being given back to libssl. No application callback runs inside: it may leave by longjmp.
pub(super) fn guarded<T>(state: &ContextState, fallback: T, work: impl FnOnce() -> T) -> T {
    let errno = host::errno();
    let result = catch_unwind(AssertUnwindSafe(work));
    host::set_errno(errno);
    result.unwrap_or_else(|_| {
        broke(state);
        fallback
    })
}

/// The same for work that concerns no context yet.
pub(super) fn guarded_alone<T>(fallback: T, work: impl FnOnce() -> T) -> T {
    let errno = host::errno();
    let result = catch_unwind(AssertUnwindSafe(work));
    host::set_errno(errno);
    result.unwrap_or(fallback)
}

#[cold]
fn broke(state: &ContextState) {
    if state.broke() {
        let _ = catch_unwind(|| {
            log::write(
                Level::Error,
                &format!(
                    "a fault of ours ({}): this context goes back to libssl's own cache",
                    process::last_panic()
                ),
            );
        });
    }
}
