//! Contexts and connections: made, switched.

use std::ptr::null_mut;

use libc::{c_char, c_int};

use super::adopted_now;
use crate::openssl::{
    ConnectionRef, ContextRef, GenerateCb, OsslLibCtx, SSL, SSL_CTX, SSL_METHOD, is_foreign, table,
    table_of_method,
};
use crate::shim::{adopt, calls, generator, process};

/// Makes a context, as libssl's function of this name does, and takes its session cache over.
///
/// `SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)`
///
/// Returns the context, to be freed by `SSL_CTX_free`, or NULL with libssl's error in the queue. Any thread may
/// call it. Where the context cannot be served (see `sesscache_active`) it is libssl's own in every respect.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_new(method: *const SSL_METHOD) -> *mut SSL_CTX {
    let Some(real) = table_of_method(method).and_then(|table| table.ctx_new) else { return null_mut() };
    // SAFETY: the caller's argument, to the function that it was meant for.
    let made = unsafe { real(method) };
    // SAFETY: made just now.
    unsafe { adopt_made(made, method) };
    made
}

/// Makes a context for a library context and a property query.
///
/// `SSL_CTX *SSL_CTX_new_ex(OSSL_LIB_CTX *libctx, const char *propq, const SSL_METHOD *method)`
///
/// Its session cache is taken over at the first setting of it, or the first `SSL_new`, not here: where libssl calls
/// itself through this library, a program that fetched its functions by `dlsym` comes by here as well, and only here.
/// NULL where the libssl in the process has no such function (before 3.0).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_new_ex(
    libctx: *mut OsslLibCtx,
    propq: *const c_char,
    method: *const SSL_METHOD,
) -> *mut SSL_CTX {
    let Some(real) = table_of_method(method).and_then(|table| table.ctx_new_ex) else { return null_mut() };
    // SAFETY: the caller's arguments, to the function that they were meant for.
    unsafe { real(libctx, propq, method) }
}

/// # Safety
/// `made` is NULL or a live context, made by the libssl of `method`.
unsafe fn adopt_made(made: *mut SSL_CTX, method: *const SSL_METHOD) {
    if !process::serves() || is_foreign(method) {
        return;
    }
    // SAFETY: by the caller's word, and it is of the first libssl.
    if let Some(context) = unsafe { ContextRef::from_ptr(made) } {
        adopt::adopt_new(context);
    }
}

/// Makes a connection, as libssl's function of this name does.
///
/// `SSL *SSL_new(SSL_CTX *ctx)`
///
/// Exported so that a context whose cache was flushed is watched again before its next handshake, and one that
/// `SSL_CTX_new_ex` made is taken over before its first.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_new(ctx: *mut SSL_CTX) -> *mut SSL {
    let Some(real) = table().and_then(|table| table.ssl_new) else { return null_mut() };
    // SAFETY: the caller's argument.
    let made = unsafe { real(ctx) };
    // SAFETY: the caller's argument; no lock of it is held where a connection is made.
    let found = if made.is_null() { None } else { unsafe { adopted_now(ctx) } };
    if let Some((context, state)) = found {
        // SAFETY: made just now.
        calls::connection_was_made(state, context, unsafe { ConnectionRef::from_ptr(made) });
    }
    made
}

/// Frees a context, as libssl's function of this name does.
///
/// `void SSL_CTX_free(SSL_CTX *ctx)`
///
/// NULL is allowed. Exported to tell the flush that ends a context from one that the application asks for: only the second
/// one concerns the sessions that other processes share.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_free(ctx: *mut SSL_CTX) {
    let Some(real) = table().and_then(|table| table.ctx_free) else { return };
    // SAFETY: the caller's argument.
    process::while_freeing(ctx, || unsafe { real(ctx) });
}

/// Frees a connection, as libssl's function of this name does.
///
/// `void SSL_free(SSL *ssl)`
///
/// NULL is allowed. libssl removes the session of a connection that was not closed cleanly. With `SESSCACHE_TICKETS=stateful` that does not end
/// it for other processes, if the connection would have had a ticket otherwise, which outlives such an end.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_free(ssl: *mut SSL) {
    let Some(real) = table().and_then(|table| table.ssl_free) else { return };
    // SAFETY: the caller's argument.
    calls::while_ending(unsafe { ConnectionRef::from_caller(ssl) }, || unsafe { real(ssl) });
}

/// Resets a connection for another use, as libssl's function of this name does.
///
/// `int SSL_clear(SSL *ssl)`
///
/// Returns 1, or 0 on failure and for NULL. See `SSL_free` for a connection that was not closed cleanly.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_clear(ssl: *mut SSL) -> c_int {
    let Some(real) = table().and_then(|table| table.ssl_clear).filter(|_| !ssl.is_null()) else { return 0 };
    // SAFETY: the caller's argument.
    calls::while_ending(unsafe { ConnectionRef::from_caller(ssl) }, || unsafe { real(ssl) })
}

/// Makes a connection a server's, as libssl's function of this name does.
///
/// `void SSL_set_accept_state(SSL *ssl)`
///
/// With `SESSCACHE_TICKETS=stateful`, a connection whose context's cache is on forgoes tickets from here on, unless the
/// application has set or cleared `SSL_OP_NO_TICKET` itself. NULL is ignored (libssl would crash).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_set_accept_state(ssl: *mut SSL) {
    let Some(real) = table().and_then(|table| table.ssl_set_accept_state).filter(|_| !ssl.is_null()) else {
        return;
    };
    // SAFETY: the caller's argument.
    unsafe { real(ssl) };
    // SAFETY: the caller's argument.
    if let Some(connection) = unsafe { ConnectionRef::from_caller(ssl) } {
        calls::became_server(connection);
    }
}

/// Waits for a client's handshake, as libssl's function of this name does.
///
/// `int SSL_accept(SSL *ssl)`
///
/// Returns 1 when the handshake is done, else 0 or -1, and -1 for NULL (where libssl would crash). See
/// `SSL_set_accept_state`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_accept(ssl: *mut SSL) -> c_int {
    let Some(real) = table().and_then(|table| table.ssl_accept).filter(|_| !ssl.is_null()) else { return -1 };
    // SAFETY: the caller's argument.
    if let Some(connection) = unsafe { ConnectionRef::from_caller(ssl) } {
        calls::became_server(connection);
    }
    // SAFETY: the caller's argument.
    unsafe { real(ssl) }
}

/// Switches a connection to another context (server name indication), as libssl's function of this name does.
///
/// `SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *ctx)`
///
/// Returns the context that the connection has then; NULL on an error, and for a NULL connection (where libssl would
/// crash). Its sessions stay with the context that it was made from; libssl does the same, but cannot be asked which
/// one that was, so it is noted here.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_set_SSL_CTX(ssl: *mut SSL, ctx: *mut SSL_CTX) -> *mut SSL_CTX {
    let Some(real) = table().and_then(|table| table.ssl_set_ssl_ctx).filter(|_| !ssl.is_null()) else {
        return null_mut();
    };
    // SAFETY: the caller's argument.
    if let Some(connection) = unsafe { ConnectionRef::from_caller(ssl) } {
        calls::before_switch(connection);
    }
    // SAFETY: the caller's arguments.
    unsafe { real(ssl, ctx) }
}

/// Sets the function that makes session ids for new connections of a context.
///
/// `int SSL_CTX_set_generate_session_id(SSL_CTX *ctx, GEN_SESSION_CB cb)`
///
/// Returns 1. Exported so that an id which only this library's cache has is refused as libssl refuses one of
/// its own.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_set_generate_session_id(
    ctx: *mut SSL_CTX,
    cb: Option<GenerateCb>,
) -> c_int {
    // SAFETY: the caller's argument.
    if let Some((context, state)) = unsafe { adopted_now(ctx) } {
        return generator::set_on_context(state, context, cb);
    }
    match table().and_then(|table| table.ctx_set_generate) {
        // SAFETY: the caller's arguments.
        Some(real) if !ctx.is_null() => unsafe { real(ctx, cb) },
        _ => 0,
    }
}

/// Sets the function that makes session ids for one connection.
///
/// `int SSL_set_generate_session_id(SSL *ssl, GEN_SESSION_CB cb)`
///
/// Returns 1. See `SSL_CTX_set_generate_session_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_set_generate_session_id(ssl: *mut SSL, cb: Option<GenerateCb>) -> c_int {
    // SAFETY: the caller's argument.
    let connection = unsafe { ConnectionRef::from_caller(ssl) };
    if let Some(connection) = connection.filter(|connection| adopt::serves(*connection)) {
        return generator::set_on_connection(connection, cb);
    }
    match table().and_then(|table| table.ssl_set_generate) {
        // SAFETY: the caller's arguments.
        Some(real) if !ssl.is_null() => unsafe { real(ssl, cb) },
        _ => 0,
    }
}
