//! The exported functions of libssl that the core answers: what each call means for an adopted context.

use libc::c_int;
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;

use super::adopt::state;
use super::give_back::{give_back, mend};
use super::guard::{guarded, guarded_alone};
use super::removal::{self, Flush};
use super::state::{ContextState, Phase};
use super::{generator, process, registry, sentinel, share, store, tickets};
use crate::cache::SessionKey;
use crate::openssl::number::OP_NO_TICKET;
use crate::openssl::{ConnectionRef, ContextRef, Decided, SessionRef};

/// Gives a broken context back, unless libssl may hold its lock here and would take nothing.
fn mend_unlocked(state: &ContextState, context: ContextRef<'_>) {
    if !removal::is_under_lock(state) {
        mend(state, context);
    }
}

/// `SSL_CTX_add_session`. `None`: the context is libssl's own again.
pub(crate) fn add_session(
    state: &ContextState,
    context: ContextRef<'_>,
    session: SessionRef<'_>,
) -> Option<c_int> {
    mend_unlocked(state, context);
    if state.phase() == Phase::GivenBack {
        return None;
    }
    Some(c_int::from(store::add(state, context, session, None)))
}

/// `SSL_CTX_remove_session`: 1 if the core or the real table had a session of that id.
///
/// The real function marks the session and calls the remove trampoline, which tells the application; a
/// session without an id it leaves alone.
pub(crate) fn remove_session(
    state: &ContextState,
    context: ContextRef<'_>,
    session: SessionRef<'_>,
) -> c_int {
    if removal::refuses(state) {
        return 0;
    }
    if session.id().is_empty() {
        // Even one that was added cannot be removed.
        return 0;
    }
    if state.phase() == Phase::GivenBack {
        // Our trampoline may not be there any more.
        guarded(state, (), || share::invalidate(state, session));
    }
    let stored = ManuallyDrop::new(guarded(state, None, || removal::take(state, session)));
    let in_real = removal::after_taking(state, || context.remove_from_real(session));
    let removed = stored.is_some() || in_real;
    guarded(state, (), || drop(ManuallyDrop::into_inner(stored)));
    c_int::from(removed)
}

/// `SSL_CTX_flush_sessions` and `_ex`. `false`: the context is libssl's own again.
pub(crate) fn flush_sessions(state: &ContextState, context: ContextRef<'_>, time: i64) -> bool {
    let what = Flush::at(time, context.libssl.version);
    if state.phase() == Phase::GivenBack {
        if what == Flush::Everything {
            guarded(state, (), || share::flush(state, context));
        }
        return false;
    }
    if removal::refuses(state) {
        return true;
    }
    if what == Flush::Everything {
        // A libssl that calls itself through its PLT frees the context this way: nothing may stay behind.
        state.tick.disarm();
        state.fin.disarm();
        context.flush_real();
        guarded(state, (), || share::flush(state, context));
    }
    if let Flush::ExpiredBy(time) = what {
        guarded(state, (), || share::flush_early(state, time));
    }
    removal::flush(state, context, what);
    true
}

/// `SSL_CTX_sessions`: libssl hands out its raw table, so it gets the sessions back first.
pub(crate) fn before_sessions(state: &ContextState, context: ContextRef<'_>) {
    // Under the context's lock libssl would take nothing back; then the next call does it.
    if !removal::is_under_lock(state) {
        give_back(state, context);
    }
}

/// `SSL_has_matching_session_id`, as far as the core knows.
pub(crate) fn has_matching_session_id(connection: ConnectionRef<'_>, id: &[u8]) -> Option<bool> {
    let context = connection.session_context()?;
    let state = state(context)?;
    if state.phase() == Phase::GivenBack {
        return None;
    }
    if removal::refuses(state) {
        return Some(false);
    }
    let found = guarded(state, false, || {
        let key = SessionKey::new(connection.session_version(), id);
        key.zip(state.core())
            .is_some_and(|(key, core)| core.contains_where(&key, |stored| stored.answers_to(&key)))
    });
    if found {
        return Some(true);
    }
    guarded(state, (), || generator::clear_conflict(state, context));
    // What the real table has besides: a session on its way to single use.
    None
}

/// Whether libssl would refuse to change this session's time, because this thread's remove callback runs
/// under the lock of the context that it is stored in.
pub(crate) fn refuses_new_time(session: SessionRef<'_>) -> bool {
    guarded_alone(false, || removal::refuses_owner_of(session))
}

/// After `SSL_SESSION_set_time`, `_ex` or `set_timeout`: a stored session moves to its new place, or (1.1.1)
/// expires at its new time where it stands.
pub(crate) fn time_was_set(session: SessionRef<'_>) {
    guarded_alone((), || registry::reposition(session));
}

/// Before `SSL_set_SSL_CTX`.
pub(crate) fn before_switch(connection: ConnectionRef<'_>) {
    guarded_alone((), || connection.note_session_context());
}

/// After `SSL_new`. Every handshake begins here, so what a flush took is planted again here.
pub(crate) fn connection_was_made(
    state: &ContextState,
    context: ContextRef<'_>,
    connection: Option<ConnectionRef<'_>>,
) {
    mend_unlocked(state, context);
    guarded(state, (), || sentinel::plant(state, context));
    if let Some(connection) = connection {
        guarded(state, (), || {
            generator::inherit(state, connection);
            // While its certificates are still those of its context, whatever SNI does later.
            share::look_at(state, connection);
            if connection.is_of_server_method() {
                tickets::became_server(state, connection);
            }
        });
    }
}

/// After `SSL_set_accept_state`, and before `SSL_accept`.
pub(crate) fn became_server(connection: ConnectionRef<'_>) {
    guarded_alone((), || {
        if let Some(state) = connection.session_context().and_then(state) {
            tickets::became_server(state, connection);
        }
    });
}

/// Around the real `SSL_free` and `SSL_clear`. What libssl removes then it removes because the connection was not closed cleanly. A ticket
/// would have outlived that, so the session of a connection that forgoes tickets by our doing goes on for others.
pub(crate) fn while_ending<T>(connection: Option<ConnectionRef<'_>>, end: impl FnOnce() -> T) -> T {
    let forgoes = |connection: &ConnectionRef<'_>| connection.tickets_decided() == Some(Decided::ByUs);
    let ending = || {
        let connection = connection.filter(|_| process::prefers_stateful())?;
        connection.session_context().filter(|_| forgoes(&connection)).and_then(state)
    };
    match guarded_alone(None, ending) {
        Some(state) => removal::while_ending(state, end),
        None => end(),
    }
}

/// Whether options that an application sets or clears decide about tickets, and anybody wants to know.
pub(crate) fn decides_tickets(options: u64) -> bool {
    options & OP_NO_TICKET != 0 && process::prefers_stateful()
}

/// The application has set or cleared that option of a context.
pub(crate) fn context_decided_tickets(state: &ContextState) {
    state.decided_tickets.store(true, Ordering::Relaxed);
}

/// The same of a connection.
pub(crate) fn connection_decided_tickets(connection: ConnectionRef<'_>) {
    guarded_alone((), || connection.note_tickets_decided(Decided::ByApplication));
}

/// What the application is shown of a connection's options: not the one that keeps its sessions in the cache.
pub(crate) fn shown_options(connection: Option<ConnectionRef<'_>>, options: u64) -> u64 {
    match connection.filter(|_| options & OP_NO_TICKET != 0 && process::prefers_stateful()) {
        Some(connection) => guarded_alone(options, || tickets::shown(connection, options)),
        None => options,
    }
}
