//! Giving a context back to libssl, for good: when its raw table is asked for, or after a fault of ours.

use super::guard::{guarded, guarded_alone};
use super::state::{ContextState, Phase};
use super::{generator, sentinel, share};
use crate::openssl::number::*;
use crate::openssl::{ContextRef, RemoveCb, trampolines};

/// Moves every session into libssl's own cache and restores mode, size and callbacks. Only from where no
/// lock of the context is held; a second call does nothing.
pub(crate) fn give_back(state: &ContextState, context: ContextRef<'_>) {
    if !state.advance(Phase::GivenBack) {
        return;
    }
    guarded_alone((), || {
        sentinel::uproot(state, context);
        generator::clear_conflict(state, context);
    });
    // The core that broke may break again: then its sessions are lost, and libssl goes on without them.
    guarded(state, (), || move_sessions(state, context));
    restore(state, context, real_remove_callback(state.app.remove.get()));
}

/// At the end of a context: what asks for its settings from now on asks libssl, which shall know those of the application.
pub(super) fn end(state: &ContextState, context: ContextRef<'_>) {
    restore(state, context, state.app.remove.get());
}

fn restore(state: &ContextState, context: ContextRef<'_>, remove: Option<RemoveCb>) {
    context.ctrl(CTRL_SET_SESS_CACHE_SIZE, state.app.size());
    context.ctrl(CTRL_SET_SESS_CACHE_MODE, i64::from(state.app.mode()));
    context.set_callbacks(state.app.new.get(), remove, state.app.get.get());
}

/// What stands in the real context for the application's remove callback, from now on: a flush of libssl's that
/// is under way may still come to a sentinel, which the application must not see.
pub(crate) fn real_remove_callback(callback: Option<RemoveCb>) -> Option<RemoveCb> {
    callback.map(|_| trampolines::remove_session::<ContextState> as RemoveCb)
}

/// After an addition: had the context been given back meanwhile, the core would keep the session for ever.
/// (Whoever adds after its shard was emptied has seen the new phase.)
pub(super) fn follow(state: &ContextState, context: ContextRef<'_>) {
    if state.phase() == Phase::GivenBack {
        guarded(state, (), || move_sessions(state, context));
    }
}

/// In the core's order, so that libssl's list is sorted as it would have been. Without those that another process has ended
/// or used: libssl would not ask.
fn move_sessions(state: &ContextState, context: ContextRef<'_>) {
    state.opened.clear();
    let Some(core) = state.core() else { return };
    for session in core.drain().into_iter().filter(share::is_ours) {
        context.add_to_real(session.as_ref());
    }
}

/// Does what a fault made necessary, at a call where it is safe.
pub(crate) fn mend(state: &ContextState, context: ContextRef<'_>) {
    if state.phase() == Phase::Broken {
        give_back(state, context);
    }
}
