//! Options: passed on, with a look at the one that decides about tickets; and what decides about sharing: own verification, and
//! data on sessions.

use std::ffi::c_void;

use libc::{c_int, c_long};

use super::adopted_now;
use crate::openssl::{ConnectionRef, ExDup, ExFree, SSL, SSL_CTX, SSL_SESSION, real_get_ex_new_index, table};
use crate::shim::{calls, process};

/// Adds options to a context, as libssl's function of this name does.
///
/// `uint64_t SSL_CTX_set_options(SSL_CTX *ctx, uint64_t options)`
///
/// Returns the options that the context has then; 0 for NULL (where libssl would crash). Exported to know whether the
/// application itself has decided about tickets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_set_options(ctx: *mut SSL_CTX, options: u64) -> u64 {
    // SAFETY: the caller's argument.
    unsafe { note_context(ctx, options) };
    match table().and_then(|table| table.ctx_set_options) {
        // SAFETY: the caller's arguments.
        Some(real) if !ctx.is_null() => unsafe { real(ctx, options) },
        _ => 0,
    }
}

/// Takes options from a context. See `SSL_CTX_set_options`.
///
/// `uint64_t SSL_CTX_clear_options(SSL_CTX *ctx, uint64_t options)`
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_clear_options(ctx: *mut SSL_CTX, options: u64) -> u64 {
    // SAFETY: the caller's argument.
    unsafe { note_context(ctx, options) };
    match table().and_then(|table| table.ctx_clear_options) {
        // SAFETY: the caller's arguments.
        Some(real) if !ctx.is_null() => unsafe { real(ctx, options) },
        _ => 0,
    }
}

/// # Safety
/// `ctx` is NULL or a live context.
unsafe fn note_context(ctx: *mut SSL_CTX, options: u64) {
    if !calls::decides_tickets(options) {
        return;
    }
    // SAFETY: by the caller's word; the application, not libssl, calls these functions.
    if let Some((_, state)) = unsafe { adopted_now(ctx) } {
        calls::context_decided_tickets(state);
    }
}

/// Adds options to a connection, as libssl's function of this name does. See `SSL_CTX_set_options`.
///
/// `uint64_t SSL_set_options(SSL *ssl, uint64_t options)`
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_set_options(ssl: *mut SSL, options: u64) -> u64 {
    // SAFETY: the caller's argument.
    unsafe { note_connection(ssl, options) };
    let options = match table().and_then(|table| table.ssl_set_options) {
        // SAFETY: the caller's arguments.
        Some(real) if !ssl.is_null() => unsafe { real(ssl, options) },
        _ => 0,
    };
    // SAFETY: the caller's argument.
    unsafe { shown(ssl, options) }
}

/// Takes options from a connection. See `SSL_CTX_set_options`.
///
/// `uint64_t SSL_clear_options(SSL *ssl, uint64_t options)`
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_clear_options(ssl: *mut SSL, options: u64) -> u64 {
    // SAFETY: the caller's argument.
    unsafe { note_connection(ssl, options) };
    let options = match table().and_then(|table| table.ssl_clear_options) {
        // SAFETY: the caller's arguments.
        Some(real) if !ssl.is_null() => unsafe { real(ssl, options) },
        _ => 0,
    };
    // SAFETY: the caller's argument.
    unsafe { shown(ssl, options) }
}

/// The options of a connection, as libssl's function of this name gives them.
///
/// `uint64_t SSL_get_options(const SSL *ssl)`
///
/// Returns 0 for NULL (where libssl would crash). With `SESSCACHE_TICKETS=stateful` a server's connection forgoes tickets by
/// `SSL_OP_NO_TICKET`; it is shown only if the application has set it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_get_options(ssl: *const SSL) -> u64 {
    let options = match table().and_then(|table| table.ssl_get_options) {
        // SAFETY: the caller's argument.
        Some(real) if !ssl.is_null() => unsafe { real(ssl) },
        _ => 0,
    };
    // SAFETY: the caller's argument.
    unsafe { shown(ssl.cast_mut(), options) }
}

/// # Safety
/// `ssl` is NULL or a live connection.
unsafe fn shown(ssl: *mut SSL, options: u64) -> u64 {
    // SAFETY: by the caller's word.
    calls::shown_options(unsafe { ConnectionRef::from_caller(ssl) }, options)
}

/// # Safety
/// `ssl` is NULL or a live connection.
unsafe fn note_connection(ssl: *mut SSL, options: u64) {
    if !calls::decides_tickets(options) {
        return;
    }
    // SAFETY: by the caller's word.
    if let Some(connection) = unsafe { ConnectionRef::from_caller(ssl) } {
        calls::connection_decided_tickets(connection);
    }
}

/// Puts data of the application on a session, as libssl's function of this name does.
///
/// `int SSL_SESSION_set_ex_data(SSL_SESSION *session, int idx, void *data)`
///
/// Returns 1, or 0 on an error and for NULL. In the shared profile, no session of a process that calls it leaves that
/// process any more (`SESSCACHE_EX_DATA=share` overrides that): a copy would lack the data.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_SESSION_set_ex_data(
    session: *mut SSL_SESSION,
    idx: c_int,
    data: *mut c_void,
) -> c_int {
    process::keeps_ex_data();
    match table().and_then(|table| table.session_set_ex_data) {
        // SAFETY: the caller's arguments.
        Some(real) if !session.is_null() => unsafe { real(session, idx, data) },
        _ => 0,
    }
}

/// Registers an index for data of the application on objects of a class, as libcrypto's function of this name does.
///
/// `int CRYPTO_get_ex_new_index(int class_index, long argl, void *argp, CRYPTO_EX_new *new_func, CRYPTO_EX_dup *dup_func,
/// CRYPTO_EX_free *free_func)`
///
/// Returns the index, or -1. Exported to notice an index for sessions: see `SSL_SESSION_set_ex_data`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn CRYPTO_get_ex_new_index(
    class_index: c_int,
    argl: c_long,
    argp: *mut c_void,
    new_func: *mut c_void,
    dup_func: Option<ExDup>,
    free_func: Option<ExFree>,
) -> c_int {
    const SSL_SESSION_CLASS: c_int = 2;
    if class_index == SSL_SESSION_CLASS {
        process::keeps_ex_data();
    }
    match real_get_ex_new_index() {
        // SAFETY: the caller's arguments, to the function that they were meant for.
        Some(real) => unsafe { real(class_index, argl, argp, new_func, dup_func, free_func) },
        None => -1,
    }
}
