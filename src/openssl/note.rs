//! What the shared profile notes on a connection: one value in its ex_data, made with the first thing that is noted.

use std::any::Any;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;

use libc::{c_int, c_long};

use super::connection::ConnectionRef;
use super::ex_data::Slots;
use super::load::libssl;
use super::shown::Noted;

/// Who has decided whether a connection has tickets that hold the session themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decided {
    ByApplication,
    ByUs,
}

/// One thread at a time uses a connection, and so what hangs on it.
#[derive(Default)]
pub(super) struct Note {
    pub(super) shown: Option<Noted>,
    /// When the session began that it resumes.
    origin: Option<i64>,
    tickets: Option<Decided>,
    /// What is known of its newest session's copy in the host tier. (Not on the session: that would have the application's
    /// own functions for copies of sessions run where they do not without us.)
    share: Option<Arc<dyn Any + Send + Sync>>,
}

impl ConnectionRef<'_> {
    /// What `look` makes of what is noted, if anything is.
    pub(super) fn noted<T>(self, look: impl FnOnce(&Note) -> Option<T>) -> Option<T> {
        let note = self.slot(Slots::get()?.note?).cast::<Note>();
        // SAFETY: only `note` writes the slot, and what it put there stays until the connection goes. `look` only looks.
        look(unsafe { note.as_ref() }?)
    }

    /// Notes something. `write` calls nothing that may come back to this connection, and what it replaces is dropped by the caller. Nothing
    /// where there is no place for notes.
    pub(super) fn note<T>(self, write: impl FnOnce(&mut Note) -> T) -> Option<T> {
        let index = Slots::get()?.note?;
        let mut note = self.slot(index).cast::<Note>();
        if note.is_null() {
            note = Box::into_raw(Box::default());
            if !self.set_slot(index, note.cast()) {
                // SAFETY: it came from the Box above and nobody else has seen it.
                drop(unsafe { Box::from_raw(note) });
                return None;
            }
        }
        // SAFETY: as in `noted`, and for as long as `write` runs nobody else sees it.
        Some(write(unsafe { note.as_mut() }?))
    }

    /// When the session that this connection resumes began, as `note_origin` was told.
    pub(crate) fn origin(self) -> Option<i64> {
        self.noted(|note| note.origin)
    }

    /// Notes when the session began that this connection is about to resume.
    pub(crate) fn note_origin(self, origin: Option<i64>) {
        if origin.is_some() || self.origin().is_some() {
            self.note(|note| note.origin = origin);
        }
    }

    /// Who has decided whether this connection has tickets.
    pub(crate) fn tickets_decided(self) -> Option<Decided> {
        self.noted(|note| note.tickets)
    }

    pub(crate) fn note_tickets_decided(self, by: Decided) {
        self.note(|note| note.tickets = Some(by));
    }

    /// What was noted of its newest session.
    pub(crate) fn share<S: Send + Sync + 'static>(self) -> Option<Arc<S>> {
        self.noted(|note| note.share.clone())?.downcast().ok()
    }

    /// Notes it, in place of what was noted before.
    pub(crate) fn note_share<S: Send + Sync + 'static>(self, share: Option<Arc<S>>) {
        let share = share.map(|share| -> Arc<dyn Any + Send + Sync> { share });
        if share.is_some() || self.noted(|note| note.share.as_ref().map(drop)).is_some() {
            drop(self.note(|note| std::mem::replace(&mut note.share, share)));
        }
    }
}

/// A copy of a connection is another one, of its current context; but libssl has copied its options, and so whose they are.
pub(super) unsafe extern "C-unwind" fn copy_note(
    to: *mut c_void,
    _from: *const c_void,
    value: *mut c_void,
    index: c_int,
    _argl: c_long,
    _argp: *mut c_void,
) -> c_int {
    let value = value.cast::<*mut Note>();
    // SAFETY: libcrypto passes the place from which it takes the copy's value; the original's stands there.
    let Some(value) = (unsafe { value.as_mut() }) else { return 1 };
    // SAFETY: what stands in the slot of a living connection, or NULL.
    let tickets = unsafe { value.as_ref() }.and_then(|note| note.tickets);
    // What the copy was given when it was made.
    let get = libssl().and_then(|libssl| libssl.crypto_get_ex_data);
    // SAFETY: libcrypto passes the values of the copy.
    *value = get.map_or(null_mut(), |get| unsafe { get(to, index) }).cast();
    if value.is_null() && tickets.is_some() {
        *value = Box::into_raw(Box::default());
    }
    // SAFETY: it came from a Box, and the copy is not yet anybody's.
    if let Some(own) = unsafe { value.as_mut() } {
        own.tickets = tickets;
    }
    1
}

// libcrypto passes the connection that is going, and what `note` put there (or NULL).
// It is ours to free.
// No lock is held; free functions of other slots run later and may still ask for this one.
pub(super) unsafe extern "C-unwind" fn free_note(
    parent: *mut c_void,
    value: *mut c_void,
    _table: *mut c_void,
    index: c_int,
    _argl: c_long,
    _argp: *mut c_void,
) {
    if value.is_null() {
        return;
    }
    // SAFETY: the parent of an ex_data slot of this class is a connection, still readable here.
    if let Some(connection) = unsafe { ConnectionRef::from_ptr(parent.cast()) } {
        connection.set_slot(index, null_mut());
    }
    // SAFETY: it came from the Box in `note`, and the slot no longer shows it.
    drop(unsafe { Box::from_raw(value.cast::<Note>()) });
}
