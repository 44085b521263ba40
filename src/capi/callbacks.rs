//! The six functions of the manual page `SSL_CTX_sess_set_get_cb(3)`.

use super::{adopted, adopted_now};
use crate::openssl::{GetCb, NewCb, RemoveCb, SSL_CTX, table};
use crate::shim::give_back;
use crate::shim::state::Phase;

/// Sets the function that is told of every new session.
///
/// `void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, int (*new_session_cb)(SSL *ssl, SSL_SESSION *session))`
///
/// It runs on the thread of the handshake, without locks, after the session was stored in the context's own
/// cache, if it was. A result other than 0 keeps the one reference that was taken for the callback; 0 gives it
/// back at once and, as in every release of OpenSSL, leaves the cached session where it is (see
/// `sesscache_ctx_set_flags` for what the manual page says instead). NULL unsets it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_sess_set_new_cb(ctx: *mut SSL_CTX, new_session_cb: Option<NewCb>) {
    // SAFETY: the caller's argument.
    if let Some((_, state)) = unsafe { adopted_now(ctx) } {
        state.app.new.set(new_session_cb);
        if state.phase() != Phase::GivenBack {
            return;
        }
    }
    if let Some(real) = table().and_then(|table| table.ctx_set_new_cb).filter(|_| !ctx.is_null()) {
        // SAFETY: the caller's arguments.
        unsafe { real(ctx, new_session_cb) };
    }
}

/// The function that the application set with `SSL_CTX_sess_set_new_cb`, or NULL.
///
/// `int (*SSL_CTX_sess_get_new_cb(SSL_CTX *ctx))(SSL *ssl, SSL_SESSION *session)`
///
/// Never one of this library's own.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_sess_get_new_cb(ctx: *mut SSL_CTX) -> Option<NewCb> {
    // SAFETY: the caller's argument.
    if let Some((_, state)) = unsafe { adopted(ctx) } {
        return state.app.new.get();
    }
    let real = table().and_then(|table| table.ctx_get_new_cb).filter(|_| !ctx.is_null())?;
    // SAFETY: the caller's argument.
    unsafe { real(ctx) }
}

/// Sets the function that is told of every session which leaves the context's cache.
///
/// `void SSL_CTX_sess_set_remove_cb(SSL_CTX *ctx, void (*remove_session_cb)(SSL_CTX *ctx, SSL_SESSION *session))`
///
/// It gets no reference. It runs for evictions, flushes, removals by id (whether or not anything was cached) and
/// for each session that is cached when the context is freed, whose ex_data can still be read then. Up to
/// OpenSSL 3.6 evictions and flushes are called back under the context's lock, and what the callback asks of
/// that context is refused; the same is refused here, although no lock is held. NULL unsets it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_sess_set_remove_cb(
    ctx: *mut SSL_CTX,
    remove_session_cb: Option<RemoveCb>,
) {
    let mut real_callback = remove_session_cb;
    // SAFETY: the caller's argument.
    if let Some((_, state)) = unsafe { adopted_now(ctx) } {
        state.app.remove.set(remove_session_cb);
        if state.phase() != Phase::GivenBack {
            return;
        }
        real_callback = give_back::real_remove_callback(remove_session_cb);
    }
    if let Some(real) = table().and_then(|table| table.ctx_set_remove_cb).filter(|_| !ctx.is_null()) {
        // SAFETY: the caller's arguments.
        unsafe { real(ctx, real_callback) };
    }
}

/// The function that the application set with `SSL_CTX_sess_set_remove_cb`, or NULL.
///
/// `void (*SSL_CTX_sess_get_remove_cb(SSL_CTX *ctx))(SSL_CTX *ctx, SSL_SESSION *session)`
///
/// Never one of this library's own.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_sess_get_remove_cb(ctx: *mut SSL_CTX) -> Option<RemoveCb> {
    // SAFETY: the caller's argument.
    if let Some((_, state)) = unsafe { adopted(ctx) } {
        return state.app.remove.get();
    }
    let real = table().and_then(|table| table.ctx_get_remove_cb).filter(|_| !ctx.is_null())?;
    // SAFETY: the caller's argument.
    unsafe { real(ctx) }
}

/// Sets the function that is asked for a session which the context's own cache does not have.
///
/// `void SSL_CTX_sess_set_get_cb(SSL_CTX *ctx, SSL_SESSION *(*get_session_cb)(SSL *ssl, const unsigned char *data, int len, int *copy))`
///
/// Servers only. `*copy` is 1 when it is called. If it is 0 afterwards, libssl takes over the reference that
/// comes with the session; otherwise libssl takes one of its own. NULL is a miss. NULL unsets the function.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_sess_set_get_cb(ctx: *mut SSL_CTX, get_session_cb: Option<GetCb>) {
    // SAFETY: the caller's argument.
    if let Some((_, state)) = unsafe { adopted_now(ctx) } {
        state.app.get.set(get_session_cb);
        if state.phase() != Phase::GivenBack {
            return;
        }
    }
    if let Some(real) = table().and_then(|table| table.ctx_set_get_cb).filter(|_| !ctx.is_null()) {
        // SAFETY: the caller's arguments.
        unsafe { real(ctx, get_session_cb) };
    }
}

/// The function that the application set with `SSL_CTX_sess_set_get_cb`, or NULL.
///
/// `SSL_SESSION *(*SSL_CTX_sess_get_get_cb(SSL_CTX *ctx))(SSL *ssl, const unsigned char *data, int len, int *copy)`
///
/// Never one of this library's own.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_sess_get_get_cb(ctx: *mut SSL_CTX) -> Option<GetCb> {
    // SAFETY: the caller's argument.
    if let Some((_, state)) = unsafe { adopted(ctx) } {
        return state.app.get.get();
    }
    let real = table().and_then(|table| table.ctx_get_get_cb).filter(|_| !ctx.is_null())?;
    // SAFETY: the caller's argument.
    unsafe { real(ctx) }
}
