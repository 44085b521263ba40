//! Our places in OpenSSL's ex_data: the state of a context, and words on a connection.

use std::ffi::c_void;
use std::ptr::null_mut;

use libc::{c_int, c_long};
use once_cell::race::OnceBox;

use super::note::{copy_note, free_note};
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
    /// On a connection: what the shared profile has to know of it (`Note`).
    pub(crate) note: Option<c_int>,
}

static SLOTS: OnceBox<Slots> = OnceBox::new();

impl Slots {
    /// The slots; `None` until the first adoption. Those of the shared profile only if sessions are shared: an application's
    /// later indexes come after ours.
    pub(crate) fn get() -> Option<&'static Slots> {
        SLOTS.get()
    }

    /// Registers the slots. `free_state` gets a context's state when that goes.
    pub(crate) fn register(
        libssl: &'static Libssl,
        free_state: ExFree,
        shares: bool,
    ) -> Option<&'static Slots> {
        if let Some(slots) = SLOTS.get() {
            return Some(slots);
        }
        let note = || index(libssl, EX_INDEX_SSL, Some(copy_note), Some(free_note));
        let slots = Slots {
            state: index(libssl, EX_INDEX_SSL_CTX, None, Some(free_state))?,
            // First, since each connection has it: ex_data is as long as its highest index.
            note: if shares { Some(note()?) } else { None },
            session_context: index(libssl, EX_INDEX_SSL, Some(reset_in_copy), None)?,
            generator: index(libssl, EX_INDEX_SSL, None, None)?,
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
