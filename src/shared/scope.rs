//! Whose sessions one may resume: services that share a region are kept apart by their scope.

use blake2::Blake2b256;
use blake2::digest::{Digest, Update};

use super::region::{Cell, NameCell};
use crate::base::random;

/// A scope's name. Two contexts share sessions only if everything that it was made of is equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Scope(pub(super) [u8; 16]);

/// Whose a session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    /// Everybody's of this scope. Nobody else's, where it cannot be told who may resume it.
    pub(crate) common: Option<Scope>,
    /// That of the context that made it, in whichever process inherited it: its own cache would resume it, too.
    pub(crate) own: Scope,
}

/// What an owner is in bytes.
pub(super) const OWNER: usize = 32;

impl Owner {
    pub(super) fn bytes(&self) -> [u8; OWNER] {
        let mut bytes = [0; OWNER];
        let (common, own) = bytes.split_at_mut(OWNER / 2);
        common.copy_from_slice(&self.common.unwrap_or(Scope::NOBODY).0);
        own.copy_from_slice(&self.own.0);
        bytes
    }

    pub(super) fn of(bytes: &[u8; OWNER]) -> Owner {
        let (common, own) = bytes.split_at(OWNER / 2);
        let scope = |half: &[u8]| half.try_into().map_or(Scope::NOBODY, Scope);
        Owner { common: Some(scope(common)).filter(|common| *common != Scope::NOBODY), own: scope(own) }
    }

    /// The cells that it is flushed with.
    pub(super) fn cells(&self) -> [Cell; 2] {
        [self.common.unwrap_or(self.own).cell(), self.own.cell()]
    }
}

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
    const NOBODY: Scope = Scope([0; 16]);

    /// Of a service that asks nobody for a certificate: it is all there is to tell. So most lookups hash nothing for it.
    pub(crate) fn of_service(service: [u8; 32]) -> Scope {
        Scope::cut(service)
    }

    /// Of one context and no other, wherever it is inherited. `None` without random bytes.
    pub(crate) fn of_its_own() -> Option<Scope> {
        let mut scope = Scope::NOBODY;
        random::fill(&mut scope.0)?;
        Some(scope)
    }

    /// What is left of a context's own scope for connections that were made with these certificates: a context that is given others after a fork
    /// is not the same service in all processes.
    pub(crate) fn of_group(&self, group: &[u8; 32]) -> Scope {
        let mut own = self.0;
        own.iter_mut().zip(group).for_each(|(own, group)| *own ^= group);
        Scope(own)
    }

    /// Half a digest is as good as a whole one for telling a few scopes apart.
    fn cut(digest: [u8; 32]) -> Scope {
        let (half, _) = digest.split_at(16);
        half.try_into().map_or(Scope::NOBODY, Scope)
    }

    /// Of a service that verifies its clients.
    pub(crate) fn of(parts: &Parts<'_>) -> Scope {
        let Verification { mode, depth, flags, by_callback } = parts.verification;
        let (mode, depth, flags) = (mode.to_le_bytes(), depth.to_le_bytes(), flags.to_le_bytes());
        let fixed: [&[u8]; 6] =
            [&parts.service, &parts.trusted, &mode, &depth, &flags, &[u8::from(by_callback)]];
        Scope::cut(digest(
            "sesscache scope 4",
            fixed.into_iter().chain(parts.authorities.iter().map(Vec::as_slice)),
        ))
    }

    /// The cell that it is flushed with.
    pub(super) fn cell(&self) -> Cell {
        let [first, ..] = self.0;
        Cell(first)
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
    fn an_owner_is_read_as_it_was_written() {
        let own = Scope::of_its_own().unwrap();
        assert_ne!(Some(own), Scope::of_its_own());
        for common in [None, Some(Scope([7; 16]))] {
            let owner = Owner { common, own };
            assert_eq!(Owner::of(&owner.bytes()), owner);
            assert_eq!(owner.cells()[1], own.cell());
        }
    }

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
