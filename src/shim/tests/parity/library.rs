//! The two libraries that a script is played on: libssl alone, and with us in front of it.

use libc::{c_int, c_long};

use crate::openssl::fake::{FakeConnection, FakeContext, FakeSession, get_callback};
use crate::openssl::{GetCb, NewCb, RemoveCb};
use crate::shim::tests::application::{Application, on_new, on_remove};
use crate::shim::tests::exports;

/// What an application calls.
pub(super) struct Library {
    pub(super) ctx_new: fn() -> FakeContext,
    pub(super) ssl_new: fn(FakeContext) -> FakeConnection,
    pub(super) ctrl: fn(FakeContext, c_int, c_long) -> c_long,
    pub(super) add_session: fn(FakeContext, FakeSession) -> c_int,
    pub(super) remove_session: fn(FakeContext, FakeSession) -> c_int,
    pub(super) flush_sessions: fn(FakeContext, i64),
    pub(super) set_time: fn(FakeSession, i64) -> i64,
    pub(super) set_timeout: fn(FakeSession, i64) -> c_int,
    pub(super) has_matching: fn(FakeConnection, &[u8]) -> c_int,
    pub(super) sessions: fn(FakeContext) -> Vec<FakeSession>,
    set_three: fn(FakeContext, Option<NewCb>, Option<RemoveCb>, Option<GetCb>),
}

pub(super) static STOCK: Library = Library {
    ctx_new: FakeContext::unseen,
    ssl_new: FakeConnection::new,
    ctrl: FakeContext::ctrl,
    add_session: FakeContext::add_session,
    remove_session: FakeContext::remove_session,
    flush_sessions: FakeContext::flush_sessions,
    set_time: FakeSession::set_time,
    set_timeout: FakeSession::set_timeout,
    has_matching: |connection, id| c_int::from(connection.has_matching(id)),
    sessions: FakeContext::cached,
    set_three: FakeContext::set_callbacks,
};

pub(super) static OURS: Library = Library {
    ctx_new: exports::ctx_new,
    ssl_new: exports::ssl_new,
    ctrl: exports::ctrl,
    add_session: exports::add_session,
    remove_session: exports::remove_session,
    flush_sessions: exports::flush_sessions,
    set_time: exports::set_time,
    set_timeout: exports::set_timeout,
    has_matching: exports::has_matching_session_id,
    sessions: exports::sessions,
    set_three: |context, new, remove, get| {
        exports::set_new_cb(context, new);
        exports::set_remove_cb(context, remove);
        exports::set_get_cb(context, get);
    },
};

impl Library {
    /// Sets or unsets the application's callbacks.
    pub(super) fn set_callbacks(&self, context: FakeContext, new: bool, remove: bool, get: bool) {
        let new = new.then_some(on_new as NewCb);
        let remove = remove.then_some(on_remove as RemoveCb);
        let get = get.then_some(get_callback::<Application> as GetCb);
        (self.set_three)(context, new, remove, get);
    }
}
