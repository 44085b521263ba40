//! `ConnectionRef`: an `SSL` borrowed for one call.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::c_int;

use super::context::ContextRef;
use super::ex_data::Slots;
use super::load;
use super::table::Libssl;
use super::types::number::*;
use super::types::*;

/// Whether any connection was ever switched to another context: until then none has one recorded, and most
/// processes never look. Relaxed: who hands a connection to another thread orders this too.
static SWITCHED: AtomicBool = AtomicBool::new(false);

/// A connection that is alive for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct ConnectionRef<'a> {
    pointer: NonNull<SSL>,
    libssl: &'static Libssl,
    life: PhantomData<&'a SSL>,
}

impl<'a> ConnectionRef<'a> {
    /// # Safety
    /// `pointer` is NULL or a connection of this process's first libssl that lives at least as long as `'a`.
    pub(crate) unsafe fn from_ptr(pointer: *mut SSL) -> Option<ConnectionRef<'a>> {
        let libssl = load::libssl()?;
        Some(ConnectionRef { pointer: NonNull::new(pointer)?, libssl, life: PhantomData })
    }

    /// For an exported function: nothing if the calling code uses another libssl than the first.
    ///
    /// # Safety
    /// `pointer` is NULL or a connection, of whichever libssl, that lives at least as long as `'a`.
    pub(crate) unsafe fn from_caller(pointer: *mut SSL) -> Option<ConnectionRef<'a>> {
        if load::several() && load::caller_is_foreign() {
            return None;
        }
        // SAFETY: by the caller's word, and it is of the first libssl.
        unsafe { ConnectionRef::from_ptr(pointer) }
    }

    pub(crate) fn as_ptr(self) -> *mut SSL {
        self.pointer.as_ptr()
    }

    /// The context that the connection was made from: its cache and its callbacks are the ones that count.
    pub(crate) fn session_context(self) -> Option<ContextRef<'a>> {
        let context = self.recorded_context().map_or_else(|| self.current_context(), NonNull::as_ptr);
        // SAFETY: a connection keeps both its contexts alive.
        unsafe { ContextRef::from_ptr(context) }
    }

    fn recorded_context(self) -> Option<NonNull<SSL_CTX>> {
        if !SWITCHED.load(Ordering::Relaxed) {
            return None;
        }
        NonNull::new(self.slot(Slots::get()?.session_context).cast())
    }

    /// Notes the session context: the connection is about to be switched to another one. libssl has no getter
    /// for it, but until the first switch the current context is the one.
    pub(crate) fn note_session_context(self) {
        let Some(slots) = Slots::get() else { return };
        SWITCHED.store(true, Ordering::Relaxed);
        if self.slot(slots.session_context).is_null() {
            self.set_slot(slots.session_context, self.current_context().cast());
        }
    }

    /// The session id generator that the application set on this very connection.
    pub(crate) fn generator(self) -> Option<GenerateCb> {
        let address = self.slot(Slots::get()?.generator);
        // SAFETY: only `note_generator` writes this slot, and it was a function of this type there; NULL is None.
        unsafe { std::mem::transmute::<*mut c_void, Option<GenerateCb>>(address) }
    }

    pub(crate) fn note_generator(self, generator: Option<GenerateCb>) {
        let Some(slots) = Slots::get() else { return };
        let address = generator.map_or(std::ptr::null_mut(), |generator| generator as *mut c_void);
        self.set_slot(slots.generator, address);
    }

    /// The context that the connection has *now*; after an SNI switch not the one whose callbacks run.
    pub(crate) fn current(self) -> Option<ContextRef<'a>> {
        // SAFETY: a connection keeps both its contexts alive.
        unsafe { ContextRef::from_ptr(self.current_context()) }
    }

    fn current_context(self) -> *mut SSL_CTX {
        // SAFETY: a live connection.
        unsafe { (self.libssl.ssl_get_ssl_ctx)(self.as_ptr()) }
    }

    /// The protocol version of this connection's sessions.
    pub(crate) fn session_version(self) -> c_int {
        match self.version() {
            QUIC1_VERSION => TLS1_3_VERSION,
            version => version,
        }
    }

    pub(super) fn is_quic(self) -> bool {
        self.version() == QUIC1_VERSION
    }

    fn version(self) -> c_int {
        // SAFETY: a live connection.
        unsafe { (self.libssl.ssl_version)(self.as_ptr()) }
    }

    pub(crate) fn is_server(self) -> bool {
        // SAFETY: a live connection.
        unsafe { (self.libssl.ssl_is_server)(self.as_ptr()) == 1 }
    }

    /// Whether libssl takes a TLS 1.3 session out of the cache at its first use.
    pub(crate) fn has_anti_replay(self) -> bool {
        // SAFETY: a live connection; this getter takes no lock, on QUIC either.
        let max_early_data = unsafe { (self.libssl.ssl_get_max_early_data)(self.as_ptr()) };
        max_early_data > 0 && self.options() & OP_NO_ANTI_REPLAY == 0
    }

    pub(crate) fn has_no_tickets(self) -> bool {
        self.options() & OP_NO_TICKET != 0
    }

    /// The connection's options. `SSL_get_options` on a QUIC connection takes a mutex that is held while
    /// callbacks run, so there it is its context that is asked.
    fn options(self) -> u64 {
        if self.is_quic() {
            return self.current().map_or(0, ContextRef::options);
        }
        // SAFETY: a live connection that is not QUIC.
        unsafe { (self.libssl.ssl_get_options)(self.as_ptr()) }
    }

    pub(crate) fn set_generator(self, generator: Option<GenerateCb>) -> c_int {
        // SAFETY: a live connection, and a function of the declared type.
        unsafe { (self.libssl.ssl_set_generate)(self.as_ptr(), generator) }
    }

    pub(super) fn slot(self, index: c_int) -> *mut c_void {
        // SAFETY: a live connection.
        unsafe { (self.libssl.ssl_get_ex_data)(self.as_ptr(), index) }
    }

    pub(super) fn set_slot(self, index: c_int, value: *mut c_void) -> bool {
        // SAFETY: a live connection; the slot is ours and its value is never freed through it.
        unsafe { (self.libssl.ssl_set_ex_data)(self.as_ptr(), index, value) == 1 }
    }
}
