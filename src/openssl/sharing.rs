//! What sharing a session takes: its DER, and what of its connection decides who may resume it.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use libc::{c_int, c_long, c_uchar};

use super::connection::ConnectionRef;
use super::context::ContextRef;
use super::errors;
use super::load::libssl;
use super::note::Decided;
use super::session::{Session, SessionRef};
use super::table::Libssl;
use super::types::number::*;
use super::types::{SSL_CTX, Stack};
use crate::base::secret::Secret;

impl SessionRef<'_> {
    /// Whether its client may send data before the handshake is done.
    pub(crate) fn allows_early_data(self) -> bool {
        let get = libssl().and_then(|libssl| libssl.session_get_max_early_data);
        // SAFETY: a live session.
        get.is_some_and(|get| unsafe { get(self.as_ptr()) } > 0)
    }

    /// The session as `i2d_SSL_SESSION` writes it: with its keys and the peer's certificate, without ex_data.
    pub(crate) fn to_der(self) -> Option<Secret> {
        let libssl = libssl()?;
        let i2d = libssl.i2d_session?;
        let der = errors::kept(libssl, || {
            // SAFETY: a live session, which i2d only reads.
            encoded(|out| unsafe { i2d(self.as_ptr(), out) })
        })?;
        Some(Secret::new(der))
    }

    /// A new object of this content, as `from_der` would make it.
    pub(crate) fn copied(self) -> Option<Session> {
        let libssl = libssl()?;
        errors::kept(libssl, || self.duplicate(libssl))
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

impl<'a> ContextRef<'a> {
    /// Asks a connection that is made for the question.
    pub(crate) fn with_connection<T>(self, ask: impl FnOnce(ConnectionRef<'_>) -> T) -> Option<T> {
        let free = self.libssl.ssl_free?;
        errors::kept(self.libssl, || {
            // SAFETY: a live context.
            let made = unsafe { (self.libssl.ssl_new)(self.as_ptr()) };
            // SAFETY: made just now, or NULL; freed below.
            let answer = unsafe { ConnectionRef::from_ptr(made) }.map(ask);
            // SAFETY: made just now, and nobody else has seen it. NULL is allowed.
            unsafe { free(made) };
            answer
        })
    }

    /// The store that its connections verify their clients with, unless they have one of their own.
    pub(crate) fn trust(self) -> Option<Trust<'a>> {
        // SAFETY: a live context, which keeps its store.
        let store = unsafe { (self.libssl.ctx_get_cert_store?)(self.as_ptr()) };
        Some(Trust { store: NonNull::new(store), libssl: self.libssl, life: PhantomData })
    }
}

/// A store of certificates that are trusted, or none.
pub(crate) struct Trust<'a> {
    store: Option<NonNull<c_void>>,
    libssl: &'static Libssl,
    life: PhantomData<&'a SSL_CTX>,
}

/// A store that is kept alive, so that no other one gets its address.
pub(crate) struct KeptStore {
    store: NonNull<c_void>,
    free: unsafe extern "C-unwind" fn(*mut c_void),
}

// SAFETY: libcrypto counts the references to a store atomically, and nothing else is done with it.
unsafe impl Send for KeptStore {}
// SAFETY: as above.
unsafe impl Sync for KeptStore {}

impl Drop for KeptStore {
    fn drop(&mut self) {
        // SAFETY: the reference that `keep` took.
        unsafe { (self.free)(self.store.as_ptr()) };
    }
}

impl Trust<'_> {
    pub(crate) fn keep(&self) -> Option<KeptStore> {
        let (store, free) = (self.store?, self.libssl.store_free?);
        // SAFETY: a live store.
        let kept = unsafe { (self.libssl.store_up_ref?)(store.as_ptr()) } == 1;
        kept.then_some(KeptStore { store, free })
    }

    pub(crate) fn is(&self, kept: &KeptStore) -> bool {
        self.store == Some(kept.store)
    }

    /// The certificates in it now, each in DER, in an order of their own. (What a folder of authorities holds is read only
    /// when it is wanted, and so not among them.)
    pub(crate) fn certificates(&self) -> Option<Vec<Vec<u8>>> {
        let libssl = self.libssl;
        let (lock, unlock) = (libssl.store_lock?, libssl.store_unlock?);
        let (objects, x509, i2d) = (libssl.store_get0_objects?, libssl.object_get0_x509?, libssl.i2d_x509?);
        let Some(store) = self.store.map(NonNull::as_ptr) else { return Some(Vec::new()) };
        // SAFETY: a live store.
        unsafe { lock(store) };
        // SAFETY: a live store, under its lock.
        let found = stack(libssl, unsafe { objects(store) }, |object| {
            // SAFETY: an object of the store, which is locked.
            let certificate = unsafe { x509(object) };
            // A revocation list has none.
            if certificate.is_null() {
                return Some(Vec::new());
            }
            // SAFETY: a certificate of the store, which i2d only reads.
            encoded(|out| unsafe { i2d(certificate, out) })
        });
        // SAFETY: locked above.
        unsafe { unlock(store) };
        found.map(|mut certificates| {
            certificates.sort_unstable();
            certificates
        })
    }
}

impl ConnectionRef<'_> {
    pub(super) fn control(self, command: c_int, number: c_long, pointer: *mut c_void) -> c_long {
        // SAFETY: a live connection; the commands used here take a number, one of its certificates, or a place for a pointer.
        libssl()
            .and_then(|libssl| libssl.ssl_ctrl)
            .map_or(0, |ctrl| unsafe { ctrl(self.as_ptr(), command, number, pointer) })
    }

    /// `SSL_VERIFY_PEER` and its like, as they are now.
    pub(crate) fn verify_mode(self) -> Option<u32> {
        let get = libssl()?.ssl_get_verify_mode?;
        // SAFETY: a live connection.
        Some(unsafe { get(self.as_ptr()) }.cast_unsigned())
    }

    /// How long a client's chain may be.
    pub(crate) fn verify_depth(self) -> Option<c_int> {
        let get = libssl()?.ssl_get_verify_depth?;
        // SAFETY: a live connection.
        Some(unsafe { get(self.as_ptr()) })
    }

    /// `X509_V_FLAG_CRL_CHECK` and its like.
    pub(crate) fn verify_flags(self) -> Option<u64> {
        let libssl = libssl()?;
        let get = libssl.param_get_flags?;
        // SAFETY: a live connection.
        let param = unsafe { (libssl.ssl_get0_param?)(self.as_ptr()) };
        // SAFETY: the connection's own, which it always has.
        Some(unsafe { get(param) })
    }

    /// Whether a callback of the application has the last word on each certificate of a chain.
    pub(crate) fn has_verify_callback(self) -> Option<bool> {
        let get = libssl()?.ssl_get_verify_callback?;
        // SAFETY: a live connection; the function is not called.
        Some(!unsafe { get(self.as_ptr()) }.is_null())
    }

    /// Whether this server may choose the session's cipher suite. libssl does not ask: its own cache has none but its own. In TLS 1.3 the suite
    /// is chosen anew.
    pub(crate) fn may_choose_cipher_of(self, session: SessionRef<'_>) -> Option<bool> {
        let libssl = libssl()?;
        if session.protocol_version() >= TLS1_3_VERSION {
            return Some(true);
        }
        // SAFETY: a live session.
        let cipher = unsafe { (libssl.session_get0_cipher?)(session.as_ptr()) };
        // SAFETY: a live connection, whose list nobody changes meanwhile.
        let list = unsafe { (libssl.ssl_get_ciphers?)(self.as_ptr()) };
        let (count, value) = (libssl.stack_num?, libssl.stack_value?);
        // SAFETY: a live stack, or NULL, of which there are -1.
        let count = unsafe { count(list) };
        // SAFETY: as above, and the place is within it.
        Some((0..count).any(|at| unsafe { value(list, at) }.cast_const() == cipher))
    }

    /// Whether it carries QUIC, or is the TLS within: then its options are its context's.
    pub(crate) fn is_of_quic(self) -> bool {
        let ask = || {
            let libssl = libssl()?;
            let context = self.current()?;
            // SAFETY: takes nothing and gives a constant.
            let quic = unsafe { (libssl.quic_server_method?)() };
            // SAFETY: a live context.
            Some(unsafe { (libssl.ctx_get_ssl_method?)(context.as_ptr()) } == quic)
        };
        self.is_quic() || ask().unwrap_or(false)
    }

    /// Whether its client's certificate was found good, or none was asked for or shown.
    pub(crate) fn is_verified(self) -> bool {
        const OK: c_long = 0;
        let get = libssl().and_then(|libssl| libssl.ssl_get_verify_result);
        // SAFETY: a live connection.
        get.is_some_and(|get| unsafe { get(self.as_ptr()) } == OK)
    }

    /// The store that it verifies its client with in place of its context's, if there is one (1.1.1 does not tell). Nothing on
    /// QUIC, where that question takes a mutex which is held while callbacks run.
    pub(crate) fn own_trust(&self) -> Option<Option<Trust<'_>>> {
        if self.is_quic() {
            return None;
        }
        let mut store: *mut c_void = null_mut();
        self.control(CTRL_GET_VERIFY_STORE, 0, (&raw mut store).cast());
        let libssl = libssl()?;
        Some(NonNull::new(store).map(|store| Trust { store: Some(store), libssl, life: PhantomData }))
    }

    /// The names of the authorities that a client is told, each in DER.
    pub(crate) fn authorities(self) -> Option<Vec<Vec<u8>>> {
        let libssl = libssl()?;
        let i2d = libssl.i2d_x509_name?;
        // SAFETY: a live connection.
        let mut names = unsafe { (libssl.ssl_get_client_ca_list?)(self.as_ptr()) };
        // SAFETY: a live stack, or NULL, of which there are -1.
        if unsafe { (libssl.stack_num?)(names) } <= 0 {
            // SAFETY: a live connection. What libssl tells a client if there is no list for clients.
            names = unsafe { (libssl.ssl_get0_ca_list?)(self.as_ptr()) };
        }
        // SAFETY: a name of that list, which i2d only reads.
        stack(libssl, names, |name| encoded(|out| unsafe { i2d(name, out) }))
    }

    /// Whether its client is known by a secret that both have, instead of a certificate.
    pub(crate) fn knows_by_secret(self) -> bool {
        let Some(libssl) = libssl() else { return false };
        // SAFETY: a live connection.
        let psk = libssl.ssl_get_psk_identity.is_some_and(|get| !unsafe { get(self.as_ptr()) }.is_null());
        // SAFETY: as above.
        psk || libssl.ssl_get_srp_username.is_some_and(|get| !unsafe { get(self.as_ptr()) }.is_null())
    }
}

impl ConnectionRef<'_> {
    /// Whether the handshake resumes an earlier session.
    pub(crate) fn is_resumed(self) -> bool {
        let Some(reused) = libssl().and_then(|libssl| libssl.ssl_session_reused) else { return false };
        // SAFETY: a live connection.
        unsafe { reused(self.as_ptr()) == 1 }
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

    /// No tickets that hold the session themselves: the client gets one that names it in the cache.
    pub(crate) fn forgo_tickets(self) {
        if let Some(set) = libssl().and_then(|libssl| libssl.ssl_set_options) {
            // SAFETY: a live connection.
            unsafe { set(self.as_ptr(), OP_NO_TICKET) };
            self.note_tickets_decided(Decided::ByUs);
        }
    }
}

/// Each of a stack, or nothing if one cannot be read. NULL is an empty one.
fn stack(
    libssl: &Libssl,
    stack: *mut Stack,
    read: impl Fn(*mut c_void) -> Option<Vec<u8>>,
) -> Option<Vec<Vec<u8>>> {
    let (num, value) = (libssl.stack_num?, libssl.stack_value?);
    // SAFETY: a live stack, or NULL, of which there are -1.
    let count = unsafe { num(stack) };
    // SAFETY: below the count.
    (0..count).map(|at| read(unsafe { value(stack, at) })).collect()
}

/// What an `i2d` function writes: it is asked for the length first.
pub(super) fn encoded(i2d: impl Fn(*mut *mut c_uchar) -> c_int) -> Option<Vec<u8>> {
    let length = usize::try_from(i2d(null_mut())).ok().filter(|length| *length > 0)?;
    let mut bytes = vec![0; length];
    let mut at = bytes.as_mut_ptr();
    let written = i2d(&raw mut at);
    (usize::try_from(written) == Ok(length)).then_some(bytes)
}
