//! Whose sessions one may resume: services that share a region are kept apart by their scope.

use blake2::Blake2b256;
use blake2::digest::{Digest, Update};

use super::region::Cell;

/// A scope's name. Two contexts share sessions only if everything that it was made of is equal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope(pub(super) [u8; 32]);

/// What a scope is made of.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// What the operator named it.
    pub(crate) name: &'a str,
    /// The digest of the context's certificate; empty if it has none.
    pub(crate) certificate: &'a [u8],
    /// How client certificates are verified.
    pub(crate) verify_mode: u32,
    /// The names of the authorities that client certificates may come from.
    pub(crate) authorities: &'a [Vec<u8>],
}

impl Scope {
    pub(crate) fn of(parts: &Parts<'_>) -> Scope {
        let mut hash = Blake2b256::default();
        Update::update(&mut hash, b"sesscache scope 1");
        // Each part with its length: no two lists of parts read the same.
        let mut add = |part: &[u8]| {
            Update::update(&mut hash, &(part.len() as u64).to_le_bytes());
            Update::update(&mut hash, part);
        };
        add(parts.name.as_bytes());
        add(parts.certificate);
        add(&parts.verify_mode.to_le_bytes());
        parts.authorities.iter().for_each(|name| add(name));
        Scope(Digest::finalize(hash).into())
    }

    /// The cell that it is flushed with.
    pub(super) fn cell(&self) -> Cell {
        let [first, ..] = self.0;
        Cell(first)
    }
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_part_tells_scopes_apart() {
        let names = [b"one".to_vec(), b"two".to_vec()];
        let base = Parts { name: "a", certificate: b"bc", verify_mode: 1, authorities: &names };
        let others = [
            Parts { name: "", ..base },
            Parts { name: "ab", certificate: b"c", ..base },
            Parts { certificate: b"", ..base },
            Parts { verify_mode: 0, ..base },
            Parts { verify_mode: 3, ..base },
            Parts { authorities: &names[..1], ..base },
            Parts { authorities: &[b"onetwo".to_vec()], ..base },
        ];
        assert!(Scope::of(&base) == Scope::of(&base.clone()));
        for other in others {
            assert!(Scope::of(&base) != Scope::of(&other));
        }
    }
}
