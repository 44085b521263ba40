//! This library's own functions: `sesscache_*`.

use std::ffi::CStr;
use std::sync::atomic::Ordering;

use libc::{c_char, c_int, size_t};

use super::{adopted, adopted_now};
use crate::openssl::{Aside, SSL_CTX};
use crate::shared::Counter;
use crate::shim::process::{self, Status};
use crate::shim::state::{ContextState, Core, Phase};

/// A new callback's 0 takes the session out of the cache, as OpenSSL's manual page says and no release does.
pub const SESSCACHE_NEW_CB_ZERO_REMOVES: u64 = 1;

/// The context, or the process, is served by this library.
pub const SESSCACHE_ACTIVE: c_int = 1;
/// `SESSCACHE_DISABLE=1` is set.
pub const SESSCACHE_DISABLED: c_int = 0;
/// No libssl is loaded in this process (yet).
pub const SESSCACHE_NO_LIBSSL: c_int = -1;
/// The libssl in this process is of a version that this release does not know.
pub const SESSCACHE_UNKNOWN_VERSION: c_int = -2;
/// The libssl in this process lacks a function that this library takes.
pub const SESSCACHE_MISSING_SYMBOL: c_int = -3;
/// The context was not made through this library, or by a second libssl, and cannot be taken over any more.
pub const SESSCACHE_NOT_ADOPTED: c_int = -4;
/// The context was given back to libssl, because `SSL_CTX_sessions` was called on it.
pub const SESSCACHE_GIVEN_BACK: c_int = -5;
/// The context was given back to libssl after a fault of this library, which the log names.
pub const SESSCACHE_BROKEN: c_int = -6;

/// What one context's cache has done so far. Counts start at the context's making.
#[repr(C)]
pub struct sesscache_ctx_stats_t {
    /// Sessions stored now.
    pub sessions: u64,
    /// Sessions put into the cache.
    pub stored: u64,
    /// Lookups that this cache answered.
    pub hits: u64,
    /// Lookups that it did not.
    pub misses: u64,
    /// Sessions pushed out by the size limit.
    pub evicted: u64,
    /// Sessions flushed, expired or with all others.
    pub flushed: u64,
    /// Sessions removed by their id.
    pub removed: u64,
    /// Lookups passed on to the application's get callback.
    pub asked: u64,
    /// Those that it answered with a session.
    pub answered: u64,
    /// Sessions put where other processes find them (the shared profile).
    pub published: u64,
    /// Of the hits, those that were found there.
    pub shared_hits: u64,
}

/// What all processes that share one region have done so far, since the region was made.
#[repr(C)]
pub struct sesscache_shared_stats_t {
    /// Sessions put there.
    pub published: u64,
    /// Sessions that were too large for it (16 KiB).
    pub too_large: u64,
    /// Sessions that found no place, because others were faster again and again.
    pub lost: u64,
    /// Lookups that found a session.
    pub hits: u64,
    /// Of these, sessions that were taken out because they may be used once.
    pub taken: u64,
    /// Lookups for what was never there, or was removed.
    pub unknown: u64,
    /// Lookups for what newer sessions have overwritten: if they are many, the region is too small.
    pub overwritten: u64,
    /// Lookups for what had expired, or is older than `SESSCACHE_MAX_LIFETIME`.
    pub expired: u64,
    /// Lookups for what another process took first.
    pub taken_by_other: u64,
    /// Lookups for what a flush had ended.
    pub flushed: u64,
    /// Lookups for what did not open: somebody has spoiled it.
    pub unopened: u64,
    /// Sessions that were removed for all.
    pub removed: u64,
    /// Flushes of everything.
    pub flushes: u64,
    /// Lookups for what is of another scope.
    pub other_scope: u64,
    /// Lookups for what was sealed by a key that has left the key file.
    pub key_gone: u64,
    /// Sessions that a process found in its own cache, without a lookup.
    pub own: u64,
    /// Sessions that an application's get callback knew.
    pub application: u64,
}

/// This library's version, such as "0.1.0".
///
/// The string is constant and never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn sesscache_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Whether a context is served by this library, and if not why.
///
/// With NULL: whether this process is. Returns `SESSCACHE_ACTIVE` or one of the numbers below it. If `reason` is not NULL,
/// `*reason` becomes a constant English sentence. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn sesscache_active(ctx: *const SSL_CTX, reason: *mut *const c_char) -> c_int {
    // SAFETY: the caller's argument; the context is only looked at.
    let code = unsafe { active(ctx.cast_mut()) };
    if !reason.is_null() {
        // SAFETY: the caller says that it can be written.
        unsafe { *reason = sentence(code).as_ptr() };
    }
    code
}

/// # Safety
/// `ctx` is NULL or a live context.
unsafe fn active(ctx: *mut SSL_CTX) -> c_int {
    let process = match process::status() {
        Status::Active => SESSCACHE_ACTIVE,
        Status::Disabled => SESSCACHE_DISABLED,
        Status::NoLibssl => SESSCACHE_NO_LIBSSL,
        Status::Aside(Aside::UnknownVersion(_)) => SESSCACHE_UNKNOWN_VERSION,
        Status::Aside(Aside::MissingSymbol(_)) => SESSCACHE_MISSING_SYMBOL,
    };
    if process != SESSCACHE_ACTIVE || ctx.is_null() {
        return process;
    }
    // SAFETY: by the caller's word.
    match unsafe { adopted(ctx) } {
        None => SESSCACHE_NOT_ADOPTED,
        Some((_, state)) => of_context(state),
    }
}

fn of_context(state: &ContextState) -> c_int {
    match state.phase() {
        Phase::Serving => SESSCACHE_ACTIVE,
        Phase::Broken => SESSCACHE_BROKEN,
        Phase::GivenBack if state.was_broken() => SESSCACHE_BROKEN,
        Phase::GivenBack => SESSCACHE_GIVEN_BACK,
    }
}

fn sentence(code: c_int) -> &'static CStr {
    match code {
        SESSCACHE_ACTIVE => c"served by sesscache",
        SESSCACHE_DISABLED => c"switched off by SESSCACHE_DISABLE",
        SESSCACHE_NO_LIBSSL => c"no libssl is loaded in this process",
        SESSCACHE_UNKNOWN_VERSION => c"this libssl's version is not known to this release of sesscache",
        SESSCACHE_MISSING_SYMBOL => c"this libssl lacks a function that sesscache takes",
        SESSCACHE_GIVEN_BACK => c"given back to libssl because SSL_CTX_sessions was called",
        SESSCACHE_BROKEN => c"given back to libssl after a fault of sesscache",
        _ => c"not made through sesscache, and too late to be taken over",
    }
}

/// Writes what a context's cache has done so far.
///
/// `size` is `sizeof(sesscache_ctx_stats_t)` as the caller was compiled: fields that its header did not have yet are not
/// written, and fields that this library does not have yet become 0. Returns 1, or 0 if the context is not served, an
/// argument is NULL or `size` is 0. Any thread may call it; the numbers are not of one instant.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn sesscache_ctx_stats(
    ctx: *mut SSL_CTX,
    stats: *mut sesscache_ctx_stats_t,
    size: size_t,
) -> c_int {
    // SAFETY: the caller's argument.
    let Some((_, state)) = (unsafe { adopted(ctx) }) else { return 0 };
    if stats.is_null() || size == 0 || state.phase() == Phase::GivenBack {
        return 0;
    }
    // SAFETY: the caller says that `size` bytes can be written.
    unsafe { write_struct(&snapshot(state), stats, size) };
    1
}

fn snapshot(state: &ContextState) -> sesscache_ctx_stats_t {
    let counters = &state.counters;
    sesscache_ctx_stats_t {
        sessions: state.number() as u64,
        stored: state.core().map_or(0, Core::stored),
        hits: counters.hits.load(Ordering::Relaxed),
        misses: counters.misses.load(Ordering::Relaxed),
        evicted: counters.evicted.load(Ordering::Relaxed),
        flushed: counters.flushed.load(Ordering::Relaxed),
        removed: counters.removed.load(Ordering::Relaxed),
        asked: counters.asked.load(Ordering::Relaxed),
        answered: counters.answered.load(Ordering::Relaxed),
        published: counters.published.load(Ordering::Relaxed),
        shared_hits: counters.shared_hits.load(Ordering::Relaxed),
    }
}

/// Writes what all processes that share this process's region have done so far.
///
/// `size` is `sizeof(sesscache_shared_stats_t)` as the caller was compiled; fields that either side does not have are treated
/// as in `sesscache_ctx_stats`. Returns 1, or 0 if this process shares nothing (`SESSCACHE_SHARED` is not set, or the log says
/// why not), `stats` is NULL or `size` is 0. Any thread may call it; the numbers are not of one instant.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn sesscache_shared_stats(
    stats: *mut sesscache_shared_stats_t,
    size: size_t,
) -> c_int {
    let Some(count) = process::shared_counts().filter(|_| !stats.is_null() && size > 0) else { return 0 };
    let snapshot = sesscache_shared_stats_t {
        published: count(Counter::Published),
        too_large: count(Counter::TooLarge),
        lost: count(Counter::Lost),
        hits: count(Counter::Hit),
        taken: count(Counter::Taken),
        unknown: count(Counter::Unknown),
        overwritten: count(Counter::Overwritten),
        expired: count(Counter::Expired),
        taken_by_other: count(Counter::TakenByOther),
        flushed: count(Counter::Flushed),
        unopened: count(Counter::Unopened),
        removed: count(Counter::Removed),
        flushes: count(Counter::Flush),
        other_scope: count(Counter::OtherScope),
        key_gone: count(Counter::KeyGone),
        own: count(Counter::Own),
        application: count(Counter::Application),
    };
    // SAFETY: the caller says that `size` bytes can be written.
    unsafe { write_struct(&snapshot, stats, size) };
    1
}

/// Writes as much of a structure as the caller's header knew, and zeros for what it knew besides.
///
/// # Safety
/// `size` bytes can be written at `to`.
unsafe fn write_struct<T>(from: &T, to: *mut T, size: size_t) {
    // SAFETY: by the caller's word.
    unsafe { std::ptr::write_bytes(to.cast::<u8>(), 0, size) };
    let known = size.min(size_of::<T>());
    // SAFETY: as above, and `known` is no more than either side has.
    unsafe { std::ptr::copy_nonoverlapping((&raw const *from).cast::<u8>(), to.cast::<u8>(), known) };
}

/// Sets this context's flags to exactly `flags`, and returns what they were.
///
/// The one flag is `SESSCACHE_NEW_CB_ZERO_REMOVES`; a new context has it if `SESSCACHE_NEW_CB_ZERO=remove` is set. Unknown
/// bits are ignored. Returns 0 for a context that is not served. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn sesscache_ctx_set_flags(ctx: *mut SSL_CTX, flags: u64) -> u64 {
    // SAFETY: the caller's argument.
    let Some((_, state)) = (unsafe { adopted_now(ctx) }) else { return 0 };
    if state.phase() == Phase::GivenBack {
        return 0;
    }
    match state.set_zero_removes(flags & SESSCACHE_NEW_CB_ZERO_REMOVES != 0) {
        true => SESSCACHE_NEW_CB_ZERO_REMOVES,
        false => 0,
    }
}
