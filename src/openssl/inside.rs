//! Whether this thread is inside the real `SSL_CTX_add_session`.
//!
//! A libssl that calls itself through the PLT comes back to us from in there: it asks for count and size, and
//! would evict our sentinels if it heard other than the real ones. No callback of the application runs
//! meanwhile, so the state is always taken back.

use std::cell::Cell;

thread_local! {
    // Const and without a destructor: usable in the last moments of a thread, too.
    static ADDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether it is.
pub(crate) fn is_adding() -> bool {
    ADDING.try_with(Cell::get).unwrap_or(false)
}

/// Runs `call`, which is that function.
pub(super) fn while_adding<T>(call: impl FnOnce() -> T) -> T {
    let outer = ADDING.try_with(|adding| adding.replace(true)).unwrap_or(false);
    let result = call();
    let _ = ADDING.try_with(|adding| adding.set(outer));
    result
}
