//! Which real call this thread is inside of, where that changes what our own exports must answer.
//!
//! A libssl that calls itself through the PLT comes back to us from within a real call of ours. No session
//! callback of the application runs inside the calls named here, so the state is always taken back.

use std::cell::Cell;

/// A real call that our exports have to know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inside {
    /// None of them.
    Nothing,
    /// `SSL_CTX_add_session`: it asks for count and size, and evicts our sentinels unless it hears the real ones.
    Adding,
    /// `SSL_CTX_new`, which may call `SSL_CTX_new_ex`; what comes out is adopted afterwards.
    MakingContext,
    /// `SSL_CTX_new` of the scratch context, which is not adopted at all.
    MakingScratch,
}

thread_local! {
    // Const and without a destructor: usable in the last moments of a thread, too.
    static INSIDE: Cell<Inside> = const { Cell::new(Inside::Nothing) };
}

/// What this thread is inside of.
pub(crate) fn inside() -> Inside {
    INSIDE.try_with(Cell::get).unwrap_or(Inside::Nothing)
}

/// Runs `call` with the state set, and puts the outer state back.
pub(crate) fn during<T>(state: Inside, call: impl FnOnce() -> T) -> T {
    let outer = INSIDE.try_with(|inside| inside.replace(state)).unwrap_or(Inside::Nothing);
    let result = call();
    let _ = INSIDE.try_with(|inside| inside.set(outer));
    result
}
