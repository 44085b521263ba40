//! `ContextRef`: an `SSL_CTX` borrowed for one call, with what we ask of the real one.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use libc::{c_int, c_long};

use super::inside::while_adding;
use super::load;
use super::session::SessionRef;
use super::table::Libssl;
use super::types::*;

/// A context that is alive for `'a`, of the libssl that we serve.
#[derive(Clone, Copy)]
pub(crate) struct ContextRef<'a> {
    pointer: NonNull<SSL_CTX>,
    pub(crate) libssl: &'static Libssl,
    life: PhantomData<&'a SSL_CTX>,
}

impl<'a> ContextRef<'a> {
    /// # Safety
    /// `pointer` is NULL or a context of this process's first libssl that lives at least as long as `'a`.
    pub(crate) unsafe fn from_ptr(pointer: *mut SSL_CTX) -> Option<ContextRef<'a>> {
        let libssl = load::libssl()?;
        Some(ContextRef { pointer: NonNull::new(pointer)?, libssl, life: PhantomData })
    }

    /// For an exported function: nothing if the calling code uses another libssl than the first.
    ///
    /// # Safety
    /// `pointer` is NULL or a context, of whichever libssl, that lives at least as long as `'a`.
    pub(crate) unsafe fn from_caller(pointer: *mut SSL_CTX) -> Option<ContextRef<'a>> {
        if load::several() && load::caller_is_foreign() {
            return None;
        }
        // SAFETY: by the caller's word, and it is of the first libssl.
        unsafe { ContextRef::from_ptr(pointer) }
    }

    pub(crate) fn as_ptr(self) -> *mut SSL_CTX {
        self.pointer.as_ptr()
    }

    /// The real `SSL_CTX_ctrl` with a number and no pointer.
    pub(crate) fn ctrl(self, command: c_int, argument: c_long) -> c_long {
        // SAFETY: a live context; none of the session-cache commands looks at the pointer.
        unsafe { (self.libssl.ctx_ctrl)(self.as_ptr(), command, argument, null_mut()) }
    }

    /// The real `SSL_CTX_add_session`, asked not to evict anything.
    pub(crate) fn add_to_real(self, session: SessionRef<'_>) -> bool {
        while_adding(|| {
            // SAFETY: both are alive; libssl takes its own reference.
            unsafe { (self.libssl.ctx_add_session)(self.as_ptr(), session.as_ptr()) == 1 }
        })
    }

    /// The real `SSL_CTX_remove_session`. It marks the session, and calls our remove trampoline.
    pub(crate) fn remove_from_real(self, session: SessionRef<'_>) -> bool {
        // SAFETY: both are alive.
        unsafe { (self.libssl.ctx_remove_session)(self.as_ptr(), session.as_ptr()) == 1 }
    }

    /// The real `SSL_CTX_flush_sessions`, of everything.
    pub(crate) fn flush_real(self) {
        match self.libssl.ctx_flush_sessions_ex {
            // Where there are two, the old one may call the new one through the PLT, and so us.
            // SAFETY: a live context; one that is being freed still has its table.
            Some(flush) => unsafe { flush(self.as_ptr(), 0) },
            // SAFETY: as above.
            None => unsafe { (self.libssl.ctx_flush_sessions)(self.as_ptr(), 0) },
        }
    }

    pub(crate) fn callbacks(self) -> (Option<NewCb>, Option<RemoveCb>, Option<GetCb>) {
        // SAFETY: a live context.
        let new = unsafe { (self.libssl.ctx_get_new_cb)(self.as_ptr()) };
        // SAFETY: a live context.
        let remove = unsafe { (self.libssl.ctx_get_remove_cb)(self.as_ptr()) };
        // SAFETY: a live context.
        let get = unsafe { (self.libssl.ctx_get_get_cb)(self.as_ptr()) };
        (new, remove, get)
    }

    pub(crate) fn set_callbacks(self, new: Option<NewCb>, remove: Option<RemoveCb>, get: Option<GetCb>) {
        // SAFETY: a live context, and functions of the declared type.
        unsafe { (self.libssl.ctx_set_new_cb)(self.as_ptr(), new) };
        // SAFETY: as above.
        unsafe { (self.libssl.ctx_set_remove_cb)(self.as_ptr(), remove) };
        // SAFETY: as above.
        unsafe { (self.libssl.ctx_set_get_cb)(self.as_ptr(), get) };
    }

    pub(crate) fn set_generator(self, generator: Option<GenerateCb>) -> c_int {
        // SAFETY: a live context, and a function of the declared type.
        unsafe { (self.libssl.ctx_set_generate)(self.as_ptr(), generator) }
    }

    pub(crate) fn options(self) -> u64 {
        // SAFETY: a live context.
        unsafe { (self.libssl.ctx_get_options)(self.as_ptr()) }
    }

    /// The value in one of our ex_data slots.
    pub(crate) fn slot(self, index: c_int) -> *mut c_void {
        // SAFETY: a live context.
        unsafe { (self.libssl.ctx_get_ex_data)(self.as_ptr(), index) }
    }

    pub(crate) fn set_slot(self, index: c_int, value: *mut c_void) -> bool {
        // SAFETY: a live context; the slot is ours, and our free function knows what stands in it.
        unsafe { (self.libssl.ctx_set_ex_data)(self.as_ptr(), index, value) == 1 }
    }
}
