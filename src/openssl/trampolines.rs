//! What libssl calls in place of the application's callbacks: raw arguments in, one call up into the shim.

use std::ffi::c_void;
use std::ptr::null_mut;

use libc::{c_int, c_long, c_uchar, c_uint};

use super::callbacks::{IdRequest, Question};
use super::connection::ConnectionRef;
use super::context::ContextRef;
use super::session::SessionRef;
use super::types::*;

/// Who is told. Implemented by the shim; its functions may be left by longjmp.
pub(crate) trait Handler: Sized + Send + Sync {
    fn on_new(connection: ConnectionRef<'_>, session: SessionRef<'_>) -> c_int;
    fn on_remove(context: ContextRef<'_>, session: SessionRef<'_>);
    fn on_get(question: &Question<'_>) -> *mut SSL_SESSION;
    fn on_generate(request: &IdRequest<'_>) -> c_int;
    /// The context is going; its sessions are gone, and nobody uses it but free functions of other slots.
    fn on_end(&self, context: ContextRef<'_>);
}

// libssl passes a connection and its new session, with one reference taken for the callback.
// We keep none of it: what we return decides about that reference.
// No lock is held.
pub(crate) unsafe extern "C-unwind" fn new_session<H: Handler>(
    ssl: *mut SSL,
    session: *mut SSL_SESSION,
) -> c_int {
    // SAFETY: libssl's arguments are alive for the call.
    let connection = unsafe { ConnectionRef::from_ptr(ssl) };
    // SAFETY: as above.
    let session = unsafe { SessionRef::from_ptr(session) };
    match (connection, session) {
        (Some(connection), Some(session)) => H::on_new(connection, session),
        _ => 0,
    }
}

// libssl passes the session context and the session that leaves its cache, or that it was told to remove.
// We get no reference, and keep none.
// Up to 3.6 the context's write lock may be held (a flush); call nothing that takes it.
pub(crate) unsafe extern "C-unwind" fn remove_session<H: Handler>(
    context: *mut SSL_CTX,
    session: *mut SSL_SESSION,
) {
    // SAFETY: libssl's arguments are alive for the call (a context that is being freed still has its ex_data).
    let context = unsafe { ContextRef::from_ptr(context) };
    // SAFETY: as above.
    let session = unsafe { SessionRef::from_ptr(session) };
    if let (Some(context), Some(session)) = (context, session) {
        H::on_remove(context, session);
    }
}

// libssl passes a connection, the id its client asks for, and a copy flag that it preset to 1.
// A session of ours goes back with one reference and flag 0; the application's answer goes through untouched.
// No lock is held.
pub(crate) unsafe extern "C-unwind" fn get_session<H: Handler>(
    ssl: *mut SSL,
    id: *const c_uchar,
    length: c_int,
    copy: *mut c_int,
) -> *mut SSL_SESSION {
    // SAFETY: libssl's arguments are alive for the call.
    match unsafe { ConnectionRef::from_ptr(ssl) } {
        Some(connection) => H::on_get(&Question { connection, id, length, copy }),
        None => null_mut(),
    }
}

// libssl passes a connection, a zeroed buffer of 32 bytes, and its length to be set.
// No reference is involved.
// No lock is held.
pub(crate) unsafe extern "C-unwind" fn generate_id<H: Handler>(
    ssl: *mut SSL,
    id: *mut c_uchar,
    length: *mut c_uint,
) -> c_int {
    // SAFETY: libssl's arguments are alive for the call.
    match unsafe { ConnectionRef::from_ptr(ssl) } {
        Some(connection) => H::on_generate(&IdRequest { connection, id, length }),
        None => 0,
    }
}

/// Puts `state` on the context. It is dropped with the context, and given back here if it cannot be put.
pub(crate) fn hang_state<H: Handler>(context: ContextRef<'_>, index: c_int, state: Box<H>) -> bool {
    let state = Box::into_raw(state);
    let hung = context.set_slot(index, state.cast());
    if !hung {
        // SAFETY: it came from the Box above and nobody else has seen it.
        drop(unsafe { Box::from_raw(state) });
    }
    hung
}

/// The state that hangs on the context.
pub(crate) fn state<H: Handler>(context: ContextRef<'_>, index: c_int) -> Option<&H> {
    let state = context.slot(index);
    if state == gone() {
        return None;
    }
    // SAFETY: only `hang_state` writes this slot, and the state lives until the context's ex_data is freed.
    unsafe { state.cast::<H>().as_ref() }
}

/// Whether the context is being freed, and its state is gone already.
pub(crate) fn is_gone(context: ContextRef<'_>, index: c_int) -> bool {
    context.slot(index) == gone()
}

/// What stands in the slot of a context that is being freed.
pub(super) fn gone() -> *mut c_void {
    static GONE: u8 = 0;
    (&raw const GONE).cast_mut().cast()
}

// libcrypto passes the context that is going, and the state that `hang_state` put there (or NULL).
// The state is ours to free.
// No lock is held; free functions of other slots run later and may still ask for this one.
pub(crate) unsafe extern "C-unwind" fn free_state<H: Handler>(
    parent: *mut c_void,
    value: *mut c_void,
    _table: *mut c_void,
    index: c_int,
    _argl: c_long,
    _argp: *mut c_void,
) {
    if value.is_null() || value == gone() {
        return;
    }
    // SAFETY: the parent of an ex_data slot of this class is a context, still readable here.
    let context = unsafe { ContextRef::from_ptr(parent.cast()) };
    if let Some(context) = context {
        context.set_slot(index, gone());
    }
    // SAFETY: it came from the Box in `hang_state`, and the slot no longer shows it.
    let state = unsafe { Box::from_raw(value.cast::<H>()) };
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        if let Some(context) = context {
            state.on_end(context);
        }
        drop(state);
    }));
}
