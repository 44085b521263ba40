//! Sessions: added, removed, flushed, looked for, their times changed.

use std::ptr::null_mut;

use libc::{c_int, c_long, c_uchar, c_uint, time_t};

use super::adopted;
use crate::openssl::{ConnectionRef, SSL, SSL_CTX, SSL_SESSION, SessionRef, SessionTable, table};
use crate::shim::calls;

/// Stores a session in the context's cache.
///
/// `int SSL_CTX_add_session(SSL_CTX *ctx, SSL_SESSION *session)`
///
/// The cache takes a reference of its own. Returns 1 if the object was newly stored (in place of another one of the same
/// id, perhaps), 0 if that very object was stored already or an argument is NULL (where libssl would crash). Works in
/// every mode. Whatever has to make room is told to the remove callback.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_add_session(ctx: *mut SSL_CTX, session: *mut SSL_SESSION) -> c_int {
    if ctx.is_null() || session.is_null() {
        return 0;
    }
    // SAFETY: the caller's argument.
    if let Some((context, state)) = unsafe { adopted(ctx) }
        // SAFETY: the caller's argument, of the same libssl as the context.
        && let Some(added) = unsafe { SessionRef::from_ptr(session) }
        && let Some(result) = calls::add_session(state, context, added)
    {
        return result;
    }
    // SAFETY: the caller's arguments.
    table().and_then(|table| table.ctx_add_session).map_or(0, |real| unsafe { real(ctx, session) })
}

/// Removes the session of this session's id from the context's cache, and marks the given object not resumable.
///
/// `int SSL_CTX_remove_session(SSL_CTX *ctx, SSL_SESSION *session)`
///
/// Returns 1 if there was one, else 0. The remove callback gets the given object, once, whether or not anything was
/// cached; but nothing happens for NULL or an empty id.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_remove_session(
    ctx: *mut SSL_CTX,
    session: *mut SSL_SESSION,
) -> c_int {
    if ctx.is_null() || session.is_null() {
        return 0;
    }
    // SAFETY: the caller's argument.
    if let Some((context, state)) = unsafe { adopted(ctx) }
        // SAFETY: the caller's argument, of the same libssl as the context.
        && let Some(removed) = unsafe { SessionRef::from_ptr(session) }
    {
        return calls::remove_session(state, context, removed);
    }
    // SAFETY: the caller's arguments.
    table().and_then(|table| table.ctx_remove_session).map_or(0, |real| unsafe { real(ctx, session) })
}

/// Removes every session that had expired by the given second, or all of them if it is 0.
///
/// `void SSL_CTX_flush_sessions(SSL_CTX *ctx, long tm)`
///
/// Seconds since the epoch. Each session is marked not resumable and told to the remove callback. A negative time removes
/// nothing up to OpenSSL 3.1; from 3.2 on it wraps, as unsigned nanoseconds, to a late one that most often removes everything.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_flush_sessions(ctx: *mut SSL_CTX, tm: c_long) {
    // SAFETY: the caller's argument.
    if unsafe { flushed(ctx, tm) } || ctx.is_null() {
        return;
    }
    if let Some(real) = table().and_then(|table| table.ctx_flush_sessions) {
        // SAFETY: the caller's arguments.
        unsafe { real(ctx, tm) };
    }
}

/// `SSL_CTX_flush_sessions` with a `time_t` (OpenSSL 3.4).
///
/// `void SSL_CTX_flush_sessions_ex(SSL_CTX *ctx, time_t tm)`
///
/// With an older libssl it does what `SSL_CTX_flush_sessions` does there.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_flush_sessions_ex(ctx: *mut SSL_CTX, tm: time_t) {
    // SAFETY: the caller's argument.
    if unsafe { flushed(ctx, tm) } || ctx.is_null() {
        return;
    }
    let Some(table) = table() else { return };
    match (table.ctx_flush_sessions_ex, table.ctx_flush_sessions) {
        // SAFETY: the caller's arguments.
        (Some(real), _) => unsafe { real(ctx, tm) },
        // SAFETY: the caller's arguments.
        (None, Some(real)) => unsafe { real(ctx, tm) },
        (None, None) => {}
    }
}

/// # Safety
/// `ctx` is NULL or a live context.
unsafe fn flushed(ctx: *mut SSL_CTX, time: time_t) -> bool {
    // SAFETY: by the caller's word.
    unsafe { adopted(ctx) }.is_some_and(|(context, state)| calls::flush_sessions(state, context, time))
}

/// libssl's own table of the context's sessions.
///
/// `LHASH_OF(SSL_SESSION) *SSL_CTX_sessions(SSL_CTX *ctx)`
///
/// The table is libssl's, unlocked, and not to be freed. Since it can only show what libssl itself stores, the context is
/// given back to libssl with all its sessions, for good.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_sessions(ctx: *mut SSL_CTX) -> *mut SessionTable {
    // SAFETY: the caller's argument.
    if let Some((context, state)) = unsafe { adopted(ctx) } {
        calls::before_sessions(state, context);
    }
    match table().and_then(|table| table.ctx_sessions) {
        // SAFETY: the caller's argument.
        Some(real) if !ctx.is_null() => unsafe { real(ctx) },
        _ => null_mut(),
    }
}

/// Whether the cache that a connection's sessions go to has one of this id.
///
/// `int SSL_has_matching_session_id(const SSL *ssl, const unsigned char *id, unsigned int id_len)`
///
/// 1 or 0; 0 for more than 32 bytes. The protocol version is the connection's present one.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_has_matching_session_id(
    ssl: *const SSL,
    id: *const c_uchar,
    id_len: c_uint,
) -> c_int {
    if ssl.is_null() || id.is_null() || id_len > 32 {
        return 0;
    }
    // SAFETY: the caller's argument; the function only reads.
    if let Some(connection) = unsafe { ConnectionRef::from_caller(ssl.cast_mut()) } {
        // SAFETY: the caller says that `id_len` bytes, at most 32, stand there.
        let id = unsafe { std::slice::from_raw_parts(id, usize::try_from(id_len).unwrap_or(0)) };
        if let Some(found) = calls::has_matching_session_id(connection, id) {
            return c_int::from(found);
        }
    }
    // SAFETY: the caller's arguments.
    table().and_then(|table| table.ssl_has_matching).map_or(0, |real| unsafe { real(ssl, id, id_len) })
}

/// Sets the second at which a session was made. A stored one moves to its new place (from OpenSSL 3.0 on).
///
/// `long SSL_SESSION_set_time(SSL_SESSION *session, long tm)`
///
/// Returns `tm`; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_SESSION_set_time(session: *mut SSL_SESSION, tm: c_long) -> c_long {
    let Some(real) = table().and_then(|table| table.session_set_time) else { return 0 };
    // SAFETY: the caller's argument.
    let borrowed = unsafe { SessionRef::from_caller(session) };
    // SAFETY: the caller's arguments.
    set_time(borrowed, Setting { refused: 0, took: |_| true }, || unsafe { real(session, tm) })
}

/// `SSL_SESSION_set_time` with a `time_t` (OpenSSL 3.3).
///
/// `time_t SSL_SESSION_set_time_ex(SSL_SESSION *session, time_t tm)`
///
/// Returns `tm`; 0 for NULL. With an older libssl it does what `SSL_SESSION_set_time` does there.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_SESSION_set_time_ex(session: *mut SSL_SESSION, tm: time_t) -> time_t {
    let Some(table) = table() else { return 0 };
    let Some(real) = table.session_set_time_ex.or(table.session_set_time) else { return 0 };
    // SAFETY: the caller's argument.
    let borrowed = unsafe { SessionRef::from_caller(session) };
    // SAFETY: the caller's arguments.
    set_time(borrowed, Setting { refused: 0, took: |_| true }, || unsafe { real(session, tm) })
}

/// Sets for how many seconds a session is good. A stored one moves to its new place (from OpenSSL 3.0 on).
///
/// `long SSL_SESSION_set_timeout(SSL_SESSION *session, long t)`
///
/// Returns 1; 0 for NULL and, from OpenSSL 3.0 on, for a negative number.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_SESSION_set_timeout(session: *mut SSL_SESSION, t: c_long) -> c_long {
    let Some(real) = table().and_then(|table| table.session_set_timeout) else { return 0 };
    // SAFETY: the caller's argument.
    let borrowed = unsafe { SessionRef::from_caller(session) };
    // SAFETY: the caller's arguments.
    set_time(borrowed, Setting { refused: 0, took: |&done| done == 1 }, || unsafe { real(session, t) })
}

/// What the results of a setter mean.
struct Setting<T> {
    /// What libssl returns where it cannot take its lock.
    refused: T,
    /// Whether a result says that something was set.
    took: fn(&T) -> bool,
}

/// Runs one of the setters above, unless libssl would refuse it here, and lets the cache know.
fn set_time<T>(session: Option<SessionRef<'_>>, setting: Setting<T>, real: impl FnOnce() -> T) -> T {
    if session.is_some_and(calls::refuses_new_time) {
        return setting.refused;
    }
    let result = real();
    if let Some(session) = session.filter(|_| (setting.took)(&result)) {
        calls::time_was_set(session);
    }
    result
}
