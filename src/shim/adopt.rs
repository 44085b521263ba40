//! Taking a context over: its state is hung on it, libssl's cache behind it is switched off, and our
//! trampolines stand where the application's callbacks would.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::guard::guarded_alone;
use super::process;
use super::state::ContextState;
use crate::openssl::number::*;
use crate::openssl::{ConnectionRef, ContextRef, Slots, is_adding, trampolines};
use crate::shared::Scope;

/// The state of a context that is or was adopted.
pub(crate) fn state(context: ContextRef<'_>) -> Option<&ContextState> {
    trampolines::state(context, Slots::get()?.state)
}

/// Adopts a context that has just been made. Doing it twice does nothing.
pub(crate) fn adopt_new(context: ContextRef<'_>) {
    if process::serving().is_some() {
        guarded_alone((), || adopt(context));
    }
}

/// Whether the sessions of this connection are ours.
pub(crate) fn serves(connection: ConnectionRef<'_>) -> bool {
    connection.session_context().and_then(state).is_some()
}

/// The state of a context, which is taken over now if we meet it only now and its own cache is still empty.
/// Not for a call that may come from under the context's lock.
pub(crate) fn state_or_adopt(context: ContextRef<'_>) -> Option<&ContextState> {
    if let Some(state) = state(context) {
        return Some(state);
    }
    process::serving()?;
    if !is_adding() {
        guarded_alone((), || {
            let _adopting = adopting();
            adopt_late(context);
        });
    }
    state(context)
}

/// Held while a context is taken over that others may know already, and over a fork: of two threads that meet
/// it at once the second must not take our trampolines for the application's callbacks.
pub(super) fn adopting() -> MutexGuard<'static, ()> {
    static ADOPTING: Mutex<()> = Mutex::new(());
    ADOPTING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn adopt_late(context: ContextRef<'_>) {
    let is_gone = Slots::get().is_some_and(|slots| trampolines::is_gone(context, slots.state));
    if !is_gone && state(context).is_none() && context.ctrl(CTRL_SESS_NUMBER, 0) == 0 {
        adopt(context);
    }
}

fn adopt(context: ContextRef<'_>) {
    let Some(rules) = process::rules() else { return };
    process::look_at_keys();
    process::was_made(context);
    let Some(slots) = Slots::register(
        context.libssl,
        trampolines::free_state::<ContextState>,
        process::host_tier().is_some(),
    ) else {
        return;
    };
    if state(context).is_some() {
        return;
    }
    let own_scope = process::host_tier().and_then(|_| Scope::of_its_own());
    let state = ContextState::new(rules, process::settings().new_cb_zero, own_scope);
    let mode = u32::try_from(context.ctrl(CTRL_GET_SESS_CACHE_MODE, 0) & 0xffff_ffff).unwrap_or_default();
    let (new, remove, get) = context.callbacks();
    state.app.set_mode(mode);
    state.app.set_size(context.ctrl(CTRL_GET_SESS_CACHE_SIZE, 0));
    state.app.new.set(new);
    state.app.remove.set(remove);
    state.app.get.set(get);
    if trampolines::hang_state(context, slots.state, Box::new(state)) {
        set_real_mode(context, mode);
        context.ctrl(CTRL_SET_SESS_CACHE_SIZE, 0);
        context.set_callbacks(
            Some(trampolines::new_session::<ContextState>),
            Some(trampolines::remove_session::<ContextState>),
            Some(trampolines::get_session::<ContextState>),
        );
    }
}

/// The real mode for the one that the application set: libssl itself neither stores nor looks up, and does
/// not refresh the times of our sentinels.
pub(super) fn set_real_mode(context: ContextRef<'_>, mode: u32) {
    let real = (mode | MODE_NO_INTERNAL_LOOKUP | MODE_NO_INTERNAL_STORE) & !MODE_UPDATE_TIME;
    context.ctrl(CTRL_SET_SESS_CACHE_MODE, i64::from(real));
}
