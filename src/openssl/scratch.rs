//! The scratch context: a private `SSL_CTX` that no application ever sees.
//!
//! OpenSSL has no setter for "not resumable". Its `SSL_CTX_remove_session` sets the mark on the session it
//! is given and, on a context without callbacks and without sessions, does nothing else; it takes no lock
//! but that context's own. So a mark can be set wherever we are called, under other contexts' locks too.
//!
//! It also serves to ask this libssl which of the rules it follows that no version number tells for sure.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::context::ContextRef;
use super::private::{self, Private};
use super::session::SessionRef;
use super::table::Libssl;
use super::types::SSL_CTX;
use super::types::number::*;
use crate::cache::{Capacity, Order, Readd, Rules};

static SCRATCH: AtomicPtr<SSL_CTX> = AtomicPtr::new(null_mut());
static IN_USE: Mutex<()> = Mutex::new(());

/// Held by whoever works on the scratch context, and over a fork, so that a child never finds its lock held.
pub(crate) fn in_use() -> MutexGuard<'static, ()> {
    IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks `session` not resumable. One without an id, which only a flush takes out of a cache, libssl marks there, but would
/// not touch here: it is given one for so long.
pub(crate) fn mark_not_resumable(session: SessionRef<'_>) {
    // SAFETY: NULL or a context that is never freed.
    if let Some(scratch) = unsafe { ContextRef::from_ptr(SCRATCH.load(Ordering::Acquire)) } {
        let _in_use = in_use();
        let is_nameless = session.id().is_empty();
        if is_nameless {
            session.set_id(&[1]);
        }
        scratch.remove_from_real(session);
        if is_nameless {
            session.set_id(&[]);
        }
    }
}

/// Makes the scratch context, and finds out this libssl's rules by it. Several threads may do so at once: each
/// asks a context of its own, and one of these stays.
#[cold]
pub(crate) fn make() -> Option<Rules> {
    let libssl = super::load::libssl()?;
    let made = new_context(libssl);
    // SAFETY: NULL or new, and not freed before it is used for the last time below.
    let rules = unsafe { ContextRef::from_ptr(made) }.and_then(probe_rules);
    if SCRATCH.compare_exchange(null_mut(), made, Ordering::AcqRel, Ordering::Acquire).is_err() {
        // SAFETY: made above and given to nobody; NULL is allowed.
        unsafe { (libssl.ctx_free)(made) };
    }
    rules
}

fn new_context(libssl: &'static Libssl) -> *mut SSL_CTX {
    super::errors::kept(libssl, || {
        // SAFETY: takes nothing, returns a constant.
        let method = unsafe { (libssl.tls_method)() };
        // SAFETY: a method of this libssl. Nobody adopts what the real function makes.
        unsafe { (libssl.ctx_new)(method) }
    })
}

/// Asks the real cache how many of three equal sessions it keeps at size 3, and which of two it drops.
fn probe_rules(context: ContextRef<'_>) -> Option<Rules> {
    let libssl = context.libssl;
    let order = if libssl.version.repositions() { Order::Expiry } else { Order::Insertion };
    let [first, second, third] = [Private::Probe(1), Private::Probe(2), Private::Probe(3)];
    let first = private::make(libssl, first)?;
    let second = private::make(libssl, second)?;
    let third = private::make(libssl, third)?;
    context.ctrl(CTRL_SET_SESS_CACHE_SIZE, 3);
    context.add_to_real(first.as_ref());
    context.add_to_real(second.as_ref());
    context.add_to_real(first.as_ref());
    context.add_to_real(third.as_ref());
    context.ctrl(CTRL_SET_SESS_CACHE_SIZE, 0);
    // Where adding the first one again moved it ahead of its equals, the second was the victim.
    let first_stayed = context.remove_from_real(first.as_ref());
    let second_stayed = context.remove_from_real(second.as_ref());
    context.remove_from_real(third.as_ref());
    Some(Rules {
        order,
        capacity: if first_stayed && second_stayed { Capacity::Size } else { Capacity::OneLess },
        readd: if first_stayed && !second_stayed { Readd::Resort } else { Readd::Keep },
    })
}
