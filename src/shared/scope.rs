//! Whose sessions one may resume: services that share a region are kept apart by their scope.

use blake2::Blake2b256;
use blake2::digest::{Digest, Update};

use super::region::{Cell, NameCell};

/// A scope's name. Two contexts share sessions only if everything that it was made of is equal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope(pub(super) [u8; 32]);

/// What a scope is made of.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// The operator's name for it and the certificates that it shows: `digest` of both.
    pub(crate) service: [u8; 32],
    pub(crate) verification: Verification,
    /// The names of the authorities that a client is told.
    pub(crate) authorities: &'a [Vec<u8>],
    /// `digest` of the certificates that are trusted.
    pub(crate) trusted: [u8; 32],
}

/// How client certificates are verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verification {
    /// `SSL_VERIFY_PEER` and its like.
    pub(crate) mode: u32,
    /// How long a chain may be.
    pub(crate) depth: i32,
    /// `X509_V_FLAG_CRL_CHECK` and its like.
    pub(crate) flags: u64,
    /// Whether a callback has the last word.
    pub(crate) by_callback: bool,
}

/// A digest of several parts. Each counts with its length: no two lists of parts read the same.
pub(crate) fn digest<'a>(what: &'a str, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Blake2b256::default();
    for part in std::iter::once(what.as_bytes()).chain(parts) {
        Update::update(&mut hash, &(part.len() as u64).to_le_bytes());
        Update::update(&mut hash, part);
    }
    Digest::finalize(hash).into()
}

impl Scope {
    /// Of a service that asks nobody for a certificate: it is all there is to tell. So most lookups hash nothing for it.
    pub(crate) fn of_service(service: [u8; 32]) -> Scope {
        Scope(service)
    }

    /// Of a service that verifies its clients.
    pub(crate) fn of(parts: &Parts<'_>) -> Scope {
        let Verification { mode, depth, flags, by_callback } = parts.verification;
        let (mode, depth, flags) = (mode.to_le_bytes(), depth.to_le_bytes(), flags.to_le_bytes());
        let fixed: [&[u8]; 6] =
            [&parts.service, &parts.trusted, &mode, &depth, &flags, &[u8::from(by_callback)]];
        Scope(digest(
            "sesscache scope 3",
            fixed.into_iter().chain(parts.authorities.iter().map(Vec::as_slice)),
        ))
    }

    /// The cell that it is flushed with.
    pub(super) fn cell(&self) -> Cell {
        let [first, ..] = self.0;
        Cell(first)
    }

    /// What its records say of it: its cell first.
    pub(super) fn tag(&self) -> u16 {
        let [first, second, ..] = self.0;
        u16::from_be_bytes([first, second])
    }
}

/// The cell that all scopes of an operator's name are flushed with.
pub(super) fn name_cell(name: &str) -> NameCell {
    let [first, ..] = digest("sesscache scope's name", [name.as_bytes()]);
    NameCell(first)
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_part_tells_scopes_apart() {
        let names = [b"one".to_vec(), b"two".to_vec()];
        let service =
            |name: &str, certificate: &str| digest("service", [name.as_bytes(), certificate.as_bytes()]);
        let verification = Verification { mode: 1, depth: 9, flags: 4, by_callback: true };
        let base = Parts { service: service("a", "bc"), verification, authorities: &names, trusted: [1; 32] };
        assert!(Scope::of(&base) != Scope::of_service(base.service));
        assert!(Scope::of_service(service("a", "b")) != Scope::of_service(service("", "ab")));
        let others = [
            Parts { service: service("", "bc"), ..base },
            Parts { service: service("ab", "c"), ..base },
            Parts { service: service("a", ""), ..base },
            Parts { trusted: [2; 32], ..base },
            Parts { verification: Verification { mode: 0, ..verification }, ..base },
            Parts { verification: Verification { mode: 3, ..verification }, ..base },
            Parts { verification: Verification { depth: 8, ..verification }, ..base },
            Parts { verification: Verification { flags: 0, ..verification }, ..base },
            Parts { verification: Verification { by_callback: false, ..verification }, ..base },
            Parts { authorities: &names[..1], ..base },
            Parts { authorities: &[b"onetwo".to_vec()], ..base },
        ];
        assert!(Scope::of(&base) == Scope::of(&base.clone()));
        for other in others {
            assert!(Scope::of(&base) != Scope::of(&other));
        }
    }
}
