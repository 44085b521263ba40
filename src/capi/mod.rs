//! L4: the exported C functions. Each checks its arguments, converts them, makes one call into the shim, and
//! for a context that is not ours calls the real function.
//!
//! The doc comments are the functions' manual; cbindgen turns them into `include/sesscache.h`.

// What must be true of the arguments is what OpenSSL's manual demands of them; it is said once, here:
// a pointer is NULL or a live object of its type, and an output pointer is NULL or writable.
#![allow(clippy::missing_safety_doc)]
#![allow(non_snake_case, non_camel_case_types)]
// What is exported is public whatever Rust's modules say.
#![allow(unreachable_pub)]

mod callbacks;
mod context;
mod control;
mod options;
mod own;
mod session;

use crate::openssl::{ContextRef, SSL_CTX};
use crate::shim::adopt;
use crate::shim::state::ContextState;

/// The context and its state, if it is adopted.
///
/// # Safety
/// `ctx` is NULL or a live context.
unsafe fn adopted<'a>(ctx: *mut SSL_CTX) -> Option<(ContextRef<'a>, &'a ContextState)> {
    // SAFETY: by the caller's word.
    let context = unsafe { ContextRef::from_caller(ctx) }?;
    Some((context, adopt::state(context)?))
}

/// The same, adopting the context now if that can still be done.
///
/// # Safety
/// As for `adopted`, and no lock of the context is held.
unsafe fn adopted_now<'a>(ctx: *mut SSL_CTX) -> Option<(ContextRef<'a>, &'a ContextState)> {
    // SAFETY: by the caller's word.
    let context = unsafe { ContextRef::from_caller(ctx) }?;
    Some((context, adopt::state_or_adopt(context)?))
}
