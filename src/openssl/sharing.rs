//! What sharing a session takes: its DER, and what of its context decides who may resume it.

use std::ffi::c_void;
use std::ptr::null_mut;

use libc::{c_int, c_long, c_uchar};
use zeroize::Zeroizing;

use super::connection::ConnectionRef;
use super::context::ContextRef;
use super::errors;
use super::ex_data::Slots;
use super::load::libssl;
use super::session::{Session, SessionRef};
use super::types::number::*;

impl SessionRef<'_> {
    /// The session as `i2d_SSL_SESSION` writes it: with its keys and the peer's certificate, without ex_data.
    pub(crate) fn to_der(self) -> Option<Zeroizing<Vec<u8>>> {
        let libssl = libssl()?;
        let i2d = libssl.i2d_session?;
        let der = errors::kept(libssl, || {
            // SAFETY: a live session, which i2d only reads.
            encoded(|out| unsafe { i2d(self.as_ptr(), out) })
        })?;
        Some(Zeroizing::new(der))
    }
}

impl Session {
    /// A new object of this content.
    pub(crate) fn from_der(der: &[u8]) -> Option<Session> {
        let libssl = libssl()?;
        let d2i = libssl.d2i_session?;
        let length = c_long::try_from(der.len()).ok()?;
        errors::kept(libssl, || {
            let mut at = der.as_ptr();
            // SAFETY: `length` readable bytes, and no object to be reused.
            let session = unsafe { d2i(null_mut(), &raw mut at, length) };
            // SAFETY: new, with one reference that is ours.
            unsafe { Session::own(session) }
        })
    }
}

impl ContextRef<'_> {
    /// The DER of the certificate that the context shows first; empty without one.
    pub(crate) fn certificate(self) -> Option<Vec<u8>> {
        let (get, i2d) = (self.libssl.ctx_get0_certificate?, self.libssl.i2d_x509?);
        // SAFETY: a live context.
        let certificate = unsafe { get(self.as_ptr()) };
        if certificate.is_null() {
            return Some(Vec::new());
        }
        // SAFETY: the context keeps its certificate alive, and i2d only reads it.
        encoded(|out| unsafe { i2d(certificate, out) })
    }

    /// `SSL_VERIFY_PEER` and its like.
    pub(crate) fn verify_mode(self) -> Option<u32> {
        // SAFETY: a live context.
        Some(unsafe { (self.libssl.ctx_get_verify_mode?)(self.as_ptr()) }.cast_unsigned())
    }

    /// The names of the authorities that a client is told, each in DER.
    pub(crate) fn authorities(self) -> Option<Vec<Vec<u8>>> {
        let libssl = self.libssl;
        let (num, value, i2d) = (libssl.stack_num?, libssl.stack_value?, libssl.i2d_x509_name?);
        // SAFETY: a live context.
        let names = unsafe { (libssl.ctx_get_client_ca_list?)(self.as_ptr()) };
        // SAFETY: a stack of the context's, or NULL, of which there are -1.
        let count = unsafe { num(names) };
        let name = |at| {
            // SAFETY: below the count.
            let name = unsafe { value(names, at) };
            // SAFETY: a name of the stack, which i2d only reads.
            encoded(|out| unsafe { i2d(name, out) })
        };
        (0..count).map(name).collect()
    }
}

impl ConnectionRef<'_> {
    /// Whether the handshake resumes an earlier session.
    pub(crate) fn is_resumed(self) -> bool {
        let Some(reused) = libssl().and_then(|libssl| libssl.ssl_session_reused) else { return false };
        // SAFETY: a live connection.
        unsafe { reused(self.as_ptr()) == 1 }
    }

    /// When the session that this connection resumes began, as `note_origin` was told.
    pub(crate) fn origin(self) -> Option<i64> {
        let origin = self.slot(Slots::get()?.origin).addr();
        i64::try_from(origin).ok().filter(|origin| *origin > 0)
    }

    /// Notes when the session began that this connection is about to resume.
    pub(crate) fn note_origin(self, origin: Option<i64>) {
        let Some(slots) = Slots::get() else { return };
        let origin = origin.and_then(|origin| usize::try_from(origin).ok()).unwrap_or_default();
        if origin != 0 || !self.slot(slots.origin).is_null() {
            self.set_slot(slots.origin, std::ptr::without_provenance_mut::<c_void>(origin));
        }
    }

    /// Whether its context can only make servers: then no function says so later.
    pub(crate) fn is_of_server_method(self) -> bool {
        let Some(libssl) = libssl() else { return false };
        let (Some(of), Some(server)) = (libssl.ssl_get_ssl_method, libssl.tls_server_method) else {
            return false;
        };
        // SAFETY: a live connection.
        let own = unsafe { of(self.as_ptr()) };
        // SAFETY: takes nothing.
        own == unsafe { server() }
    }

    /// Whether the application has said itself if this connection shall have tickets.
    pub(crate) fn has_decided_tickets(self) -> bool {
        Slots::get().is_some_and(|slots| !self.slot(slots.tickets).is_null())
    }

    pub(crate) fn note_decided_tickets(self) {
        if let Some(slots) = Slots::get() {
            self.set_slot(slots.tickets, std::ptr::without_provenance_mut(1));
        }
    }

    /// No tickets that hold the session themselves: the client gets one that names it in the cache.
    pub(crate) fn forgo_tickets(self) {
        if let Some(set) = libssl().and_then(|libssl| libssl.ssl_set_options) {
            // SAFETY: a live connection.
            unsafe { set(self.as_ptr(), OP_NO_TICKET) };
        }
    }
}

/// What an `i2d` function writes: it is asked for the length first.
fn encoded(i2d: impl Fn(*mut *mut c_uchar) -> c_int) -> Option<Vec<u8>> {
    let length = usize::try_from(i2d(null_mut())).ok().filter(|length| *length > 0)?;
    let mut bytes = vec![0; length];
    let mut at = bytes.as_mut_ptr();
    let written = i2d(&raw mut at);
    (usize::try_from(written) == Ok(length)).then_some(bytes)
}
