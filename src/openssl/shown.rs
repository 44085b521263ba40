//! The certificates that a connection shows: what it was made with, and what it has now.

use std::marker::PhantomData;
use std::ptr::null_mut;

use super::connection::ConnectionRef;
use super::load::libssl;
use super::sharing::encoded;
use super::types::X509;
use super::types::number::*;

/// The certificates that a connection may show. It has its own list of them, and keeps them alive.
pub(crate) struct Certificates<'a> {
    all: Vec<*mut X509>,
    connection: PhantomData<ConnectionRef<'a>>,
}

impl Certificates<'_> {
    pub(crate) fn are_none(&self) -> bool {
        self.all.is_empty()
    }

    /// Each in DER.
    pub(crate) fn ders(&self) -> Option<Vec<Vec<u8>>> {
        let i2d = libssl()?.i2d_x509?;
        // SAFETY: a live certificate, and i2d only reads it.
        self.all.iter().map(|certificate| encoded(|out| unsafe { i2d(*certificate, out) })).collect()
    }

    pub(crate) fn keep(&self) -> KeptCertificates {
        KeptCertificates(self.all.iter().map(|certificate| KeptCertificate::of(*certificate)).collect())
    }

    pub(crate) fn are(&self, kept: &KeptCertificates) -> bool {
        let KeptCertificates(kept) = kept;
        self.all.len() == kept.len() && kept.iter().zip(&self.all).all(|(kept, own)| kept.is(*own))
    }
}

/// Several certificates that are kept alive. If one could not be, they are never those of a connection.
pub(crate) struct KeptCertificates(Vec<KeptCertificate>);

impl<'a> ConnectionRef<'a> {
    pub(crate) fn certificates(self) -> Option<Certificates<'a>> {
        let current = self.current_certificate()?;
        let mut all = Vec::new();
        // One without its key cannot be chosen again: then it is the only one. So it is on QUIC, where choosing takes a mutex
        // that is held while callbacks run.
        if !current.is_null() && (self.is_quic() || !self.select_certificate(current)) {
            all.push(current);
        } else if !current.is_null() {
            let mut step = CERT_SET_FIRST;
            while self.control(CTRL_SET_CURRENT_CERT, step, null_mut()) == 1 {
                all.push(self.current_certificate()?);
                step = CERT_SET_NEXT;
            }
            self.select_certificate(current);
        }
        Some(Certificates { all, connection: PhantomData })
    }

    fn current_certificate(self) -> Option<*mut X509> {
        let get = libssl()?.ssl_get_certificate?;
        // SAFETY: a live connection.
        Some(unsafe { get(self.as_ptr()) })
    }

    fn select_certificate(self, certificate: *mut X509) -> bool {
        self.control(CTRL_SELECT_CURRENT_CERT, 0, certificate.cast()) == 1
    }

    /// What `digest` makes of the certificates that this connection was made with, and of those that it shows now. It is asked when
    /// the connection is made, and again when it was switched to another context or a callback has chosen another certificate.
    pub(crate) fn shown(self, digest: impl Fn() -> Option<[u8; 32]>) -> Option<Shown> {
        let (context, certificate) = (self.current()?.as_ptr().addr(), self.current_certificate()?);
        let before = self.noted(|note| {
            let noted = note.shown.as_ref()?;
            Some((noted.told(), noted.first, noted.made_from, noted.is_of(context, certificate)))
        });
        let (first, now, made_from) = match before {
            Some((told, .., true)) => return told,
            Some((_, first, made_from, false)) => (first, digest(), made_from),
            None => {
                let first = digest();
                (first, first, context)
            }
        };
        let certificate = KeptCertificate::of(certificate);
        let noted = Noted { first, now, made_from, shows: context, certificate };
        let told = noted.told();
        drop(self.note(|note| note.shown.replace(noted)));
        told
    }
}

/// The certificates of a connection, as digests.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    /// Those that it was made with.
    pub(crate) first: [u8; 32],
    pub(crate) now: [u8; 32],
    /// Those of now are another context's.
    pub(crate) is_switched: bool,
}

/// What is noted of that.
pub(super) struct Noted {
    first: Option<[u8; 32]>,
    now: Option<[u8; 32]>,
    /// The context that it was made from, and the one that `now` is of, by their addresses. The connection keeps both alive.
    made_from: usize,
    shows: usize,
    /// The certificate that `now` is of.
    certificate: KeptCertificate,
}

impl Noted {
    fn is_of(&self, context: usize, certificate: *mut X509) -> bool {
        self.shows == context && self.certificate.is(certificate)
    }

    fn told(&self) -> Option<Shown> {
        Some(Shown { first: self.first?, now: self.now?, is_switched: self.shows != self.made_from })
    }
}

/// A certificate that is kept alive, so that no other one gets its address; or that there was none.
struct KeptCertificate(*mut X509);

// SAFETY: libcrypto counts the references to a certificate atomically, and nothing else is done with it.
unsafe impl Send for KeptCertificate {}
// SAFETY: as above.
unsafe impl Sync for KeptCertificate {}

impl KeptCertificate {
    /// Stands for one that could not be kept.
    const LOST: usize = usize::MAX;

    fn of(certificate: *mut X509) -> KeptCertificate {
        let kept = || {
            let libssl = libssl()?;
            libssl.x509_free?;
            // SAFETY: the connection's own certificate.
            Some(unsafe { (libssl.x509_up_ref?)(certificate) } == 1)
        };
        if certificate.is_null() || kept() == Some(true) {
            KeptCertificate(certificate)
        } else {
            KeptCertificate(std::ptr::without_provenance_mut(Self::LOST))
        }
    }

    fn is(&self, certificate: *mut X509) -> bool {
        self.0 == certificate
    }
}

impl Drop for KeptCertificate {
    fn drop(&mut self) {
        if self.0.is_null() || self.0.addr() == Self::LOST {
            return;
        }
        if let Some(free) = libssl().and_then(|libssl| libssl.x509_free) {
            // SAFETY: the reference that `of` took.
            unsafe { free(self.0) };
        }
    }
}
