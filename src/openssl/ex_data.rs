//! Our places in OpenSSL's ex_data: the state of a context, and words on a connection.

use std::ffi::c_void;
use std::ptr::null_mut;

use libc::{c_int, c_long};
use once_cell::race::OnceBox;

use super::load::libssl;
use super::table::Libssl;
use super::types::number::*;
use super::types::{ExDup, ExFree};

/// The indices, registered once.
pub(crate) struct Slots {
    /// On a context: its state.
    pub(crate) state: c_int,
    /// On a connection: the context that it was made from, once it was switched to another.
    pub(crate) session_context: c_int,
    /// On a connection: the application's own session id generator.
    pub(crate) generator: c_int,
    /// On a connection: when the session that it resumes began.
    pub(crate) origin: c_int,
    /// On a connection: who has decided about its tickets (`sharing::Decided`).
    pub(crate) tickets: c_int,
    /// On a connection: digests of the certificates that it was made with, and shows.
    pub(crate) shown: c_int,
    /// On a connection: what is known of its newest session's copy in the host tier. (Not on the session: that would have the
    /// application's own functions for copies of sessions run where they do not without us.)
    pub(crate) share: c_int,
}

/// What frees the values that we hang on objects.
pub(crate) struct Frees {
    pub(crate) state: ExFree,
    pub(crate) share: ExFree,
}

/// An index that no slot has: nothing stands there, and nothing can be put there.
const NONE: c_int = -1;

static SLOTS: OnceBox<Slots> = OnceBox::new();

impl Slots {
    /// The slots; `None` until the first adoption. Those of the shared profile only if sessions are shared: an application's
    /// later indexes come after ours.
    pub(crate) fn get() -> Option<&'static Slots> {
        SLOTS.get()
    }

    /// Registers the slots. `frees` gets each value when its object goes.
    pub(crate) fn register(libssl: &'static Libssl, frees: &Frees, shares: bool) -> Option<&'static Slots> {
        if let Some(slots) = SLOTS.get() {
            return Some(slots);
        }
        let extra = |class, dup, free| if shares { index(libssl, class, dup, free) } else { Some(NONE) };
        let slots = Slots {
            state: index(libssl, EX_INDEX_SSL_CTX, None, Some(frees.state))?,
            session_context: index(libssl, EX_INDEX_SSL, Some(reset_in_copy), None)?,
            generator: index(libssl, EX_INDEX_SSL, None, None)?,
            origin: extra(EX_INDEX_SSL, Some(reset_in_copy), None)?,
            tickets: extra(EX_INDEX_SSL, None, None)?,
            shown: extra(EX_INDEX_SSL, Some(keep_in_copy), Some(super::shown::free_shown))?,
            share: extra(EX_INDEX_SSL, Some(keep_in_copy), Some(frees.share))?,
        };
        Some(SLOTS.get_or_init(|| Box::new(slots)))
    }
}

fn index(libssl: &Libssl, class: c_int, dup: Option<ExDup>, free: Option<ExFree>) -> Option<c_int> {
    // SAFETY: the class exists in every version, and the functions live as long as the process.
    let index = unsafe { (libssl.get_ex_new_index)(class, 0, null_mut(), null_mut(), dup, free) };
    (index > 0).then_some(index)
}

/// `SSL_dup` makes a connection whose session context is the *current* context of the original.
unsafe extern "C-unwind" fn reset_in_copy(
    _to: *mut c_void,
    _from: *const c_void,
    value: *mut c_void,
    _index: c_int,
    _argl: c_long,
    _argp: *mut c_void,
) -> c_int {
    let value = value.cast::<*mut c_void>();
    if !value.is_null() {
        // SAFETY: libcrypto passes the place from which it takes the copy's value.
        unsafe { *value = null_mut() };
    }
    1
}

/// The copy has a value of its own, which it was given when it was made.
unsafe extern "C-unwind" fn keep_in_copy(
    to: *mut c_void,
    _from: *const c_void,
    value: *mut c_void,
    index: c_int,
    _argl: c_long,
    _argp: *mut c_void,
) -> c_int {
    let get = libssl().and_then(|libssl| libssl.crypto_get_ex_data);
    // SAFETY: libcrypto passes the values of the copy.
    let own = get.map_or(null_mut(), |get| unsafe { get(to, index) });
    let value = value.cast::<*mut c_void>();
    if !value.is_null() {
        // SAFETY: libcrypto passes the place from which it takes the copy's value.
        unsafe { *value = own };
    }
    1
}
