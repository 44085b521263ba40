//! The exported functions over the fake libssl: what `capi` does, without its names, which would take over libssl
//! in the test program itself.

use libc::{c_int, c_long};

use crate::openssl::fake::{Exports, FakeConnection, FakeContext, FakeSession, Owned, by_release};
use crate::openssl::number::*;
use crate::openssl::{GenerateCb, GetCb, NewCb, RemoveCb};
use crate::shim::adopt::{adopt_new, serves, state, state_or_adopt};
use crate::shim::state::Phase;
use crate::shim::{calls, controls, generator, give_back, process};

/// What a libssl that calls itself through its PLT reaches.
pub(super) static EXPORTS: Exports = IN_FRONT;

/// The same, to be varied.
pub(super) const IN_FRONT: Exports = Exports {
    // Our ex_data slots come before those of any application, and the scratch context stays.
    first_use,
    // SSL_CTX_new_ex only passes on: what it makes is met later.
    ctx_made: |_| {},
    ssl_made,
    ctrl,
    add_session,
    remove_session,
    flush_sessions,
    has_matching: has_matching_session_id,
    set_time,
};

fn first_use() {
    // With the slots of the shared profile, which most tests do not need and none minds.
    #[cfg(all(test, not(miri)))]
    let _shared = crate::shim::process::pretend(&[("SESSCACHE_SHARED", "anon:1M")]);
    ctx_new().free();
}

/// `SSL_CTX_new`.
pub(super) fn ctx_new() -> FakeContext {
    let made = FakeContext::new();
    adopt_new(made.view());
    made
}

/// `SSL_CTX_free`.
pub(super) fn ctx_free(context: FakeContext) {
    process::while_freeing(context.as_ptr(), || context.free());
}

/// `SSL_new`.
pub(super) fn ssl_new(context: FakeContext) -> FakeConnection {
    let made = FakeConnection::new(context);
    ssl_made(context, made);
    made
}

fn ssl_made(context: FakeContext, made: FakeConnection) {
    let view = context.view();
    if let Some(state) = state_or_adopt(view) {
        calls::connection_was_made(state, view, Some(made.view()));
    }
}

/// `SSL_set_SSL_CTX`.
pub(super) fn set_ssl_ctx(connection: FakeConnection, context: FakeContext) {
    calls::before_switch(connection.view());
    connection.switch_to(context);
}

/// `SSL_CTX_ctrl`.
pub(super) fn ctrl(context: FakeContext, command: c_int, argument: c_long) -> c_long {
    let view = context.view();
    let sets = matches!(command, CTRL_SET_SESS_CACHE_MODE | CTRL_SET_SESS_CACHE_SIZE);
    let found = if sets { state_or_adopt(view) } else { state(view) };
    let answer = found.and_then(|state| controls::ctrl(state, view, command, argument));
    answer.unwrap_or_else(|| context.ctrl(command, argument))
}

/// `SSL_CTX_sess_set_new_cb`.
pub(super) fn set_new_cb(context: FakeContext, callback: Option<NewCb>) {
    let view = context.view();
    if let Some(state) = state_or_adopt(view) {
        state.app.new.set(callback);
        if state.phase() != Phase::GivenBack {
            return;
        }
    }
    let (_, remove, get) = view.callbacks();
    context.set_callbacks(callback, remove, get);
}

/// `SSL_CTX_sess_set_remove_cb`.
pub(super) fn set_remove_cb(context: FakeContext, callback: Option<RemoveCb>) {
    let (view, mut real_callback) = (context.view(), callback);
    if let Some(state) = state_or_adopt(view) {
        state.app.remove.set(callback);
        if state.phase() != Phase::GivenBack {
            return;
        }
        real_callback = give_back::real_remove_callback(callback);
    }
    let (new, _, get) = view.callbacks();
    context.set_callbacks(new, real_callback, get);
}

/// `SSL_CTX_sess_set_get_cb`.
pub(super) fn set_get_cb(context: FakeContext, callback: Option<GetCb>) {
    let view = context.view();
    if let Some(state) = state_or_adopt(view) {
        state.app.get.set(callback);
        if state.phase() != Phase::GivenBack {
            return;
        }
    }
    let (new, remove, _) = view.callbacks();
    context.set_callbacks(new, remove, callback);
}

/// The addresses that the three getters give.
pub(super) fn get_callbacks(context: FakeContext) -> [Option<usize>; 3] {
    let view = context.view();
    let Some(state) = state(view) else { return context.callbacks() };
    let app = &state.app;
    [
        app.new.get().map(|f| f as usize),
        app.remove.get().map(|f| f as usize),
        app.get.get().map(|f| f as usize),
    ]
}

/// `SSL_CTX_add_session`.
pub(super) fn add_session(context: FakeContext, session: FakeSession) -> c_int {
    let view = context.view();
    let answer = state_or_adopt(view).and_then(|state| calls::add_session(state, view, session.view()));
    answer.unwrap_or_else(|| context.add_session(session))
}

/// `SSL_CTX_remove_session`.
pub(super) fn remove_session(context: FakeContext, session: FakeSession) -> c_int {
    let view = context.view();
    match state(view) {
        Some(state) => calls::remove_session(state, view, session.view()),
        None => context.remove_session(session),
    }
}

/// `SSL_CTX_flush_sessions`, and `_ex`.
pub(super) fn flush_sessions(context: FakeContext, time: i64) {
    let view = context.view();
    if !state(view).is_some_and(|state| calls::flush_sessions(state, view, time)) {
        context.flush_sessions(time);
    }
}

/// `SSL_CTX_sessions`, but for the table itself.
pub(super) fn sessions(context: FakeContext) -> Vec<FakeSession> {
    let view = context.view();
    if let Some(state) = state(view) {
        calls::before_sessions(state, view);
    }
    context.cached()
}

/// `SSL_has_matching_session_id`.
pub(super) fn has_matching_session_id(connection: FakeConnection, id: &[u8]) -> c_int {
    let found = calls::has_matching_session_id(connection.view(), id);
    c_int::from(found.unwrap_or_else(|| connection.has_matching(id)))
}

/// `SSL_SESSION_set_time`, and `_ex`.
pub(super) fn set_time(session: FakeSession, time: i64) -> i64 {
    changed(session, 0, || session.set_time(time))
}

/// `SSL_SESSION_set_timeout`.
pub(super) fn set_timeout(session: FakeSession, timeout: i64) -> c_int {
    changed(session, 0, || session.set_timeout(timeout))
}

fn changed<T>(session: FakeSession, refused: T, real: impl FnOnce() -> T) -> T {
    if calls::refuses_new_time(session.view()) {
        return refused;
    }
    let result = real();
    calls::time_was_set(session.view());
    result
}

/// `SSL_CTX_set_generate_session_id`.
pub(super) fn set_generator(context: FakeContext, callback: Option<GenerateCb>) -> c_int {
    let view = context.view();
    let state = state_or_adopt(view).expect("a context that can be adopted");
    generator::set_on_context(state, view, callback)
}

/// `SSL_set_generate_session_id`.
pub(super) fn set_generator_of_connection(connection: FakeConnection, callback: Option<GenerateCb>) -> c_int {
    let view = connection.view();
    assert!(serves(view), "of an adopted context");
    generator::set_on_connection(view, callback)
}

/// `SSL_set_accept_state`.
#[cfg(test)]
pub(super) fn set_accept_state(connection: FakeConnection) {
    calls::became_server(connection.view());
}

/// `SSL_CTX_set_options`, or with `SSL_CTX_clear_options` as its second half.
#[cfg(test)]
pub(super) fn change_options(context: FakeContext, options: u64, change: fn(FakeContext, u64)) {
    if let Some(state) = state_or_adopt(context.view()).filter(|_| calls::decides_tickets(options)) {
        calls::context_decided_tickets(state);
    }
    change(context, options);
}

/// The same for a connection.
#[cfg(test)]
pub(super) fn change_options_of_connection(
    connection: FakeConnection,
    options: u64,
    change: impl Fn(FakeConnection, u64),
) {
    if calls::decides_tickets(options) {
        calls::connection_decided_tickets(connection.view());
    }
    change(connection, options);
}

/// `SSL_SESSION_set_ex_data`.
#[cfg(test)]
pub(super) fn set_session_ex_data(session: FakeSession, index: c_int, value: *mut std::ffi::c_void) {
    process::keeps_ex_data();
    session.set_ex_data(index, value);
}

/// A session that expired long ago.
pub(super) fn expired(version: c_int, id: &[u8]) -> Owned {
    let session = Owned::new(version, id);
    session.set_time(1_000_000);
    session
}

/// How many sessions a cache of this size keeps.
pub(super) fn capacity(size: usize) -> usize {
    let one_less = (size - 1).max(1);
    by_release(size, one_less, one_less, one_less)
}
