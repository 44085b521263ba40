//! Certificates: contents at addresses, none of which ever serves another one.

use std::ptr::without_provenance_mut;
use std::sync::Mutex;

use super::world::lock;
use crate::openssl::types::X509;

/// A certificate, which many contexts and connections may have. It is never freed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Certificate(usize);

/// All that were ever used.
static CONTENTS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
const FIRST_ADDRESS: usize = 0x1000;
const APART: usize = 0x10;

impl Certificate {
    /// The one of this content.
    pub(super) fn of(content: &[u8]) -> Certificate {
        let mut contents = lock(&CONTENTS);
        let known = contents.iter().position(|known| known == content);
        Certificate(known.unwrap_or_else(|| {
            contents.push(content.to_vec());
            contents.len() - 1
        }))
    }

    pub(super) fn as_ptr(self) -> *mut X509 {
        without_provenance_mut(FIRST_ADDRESS + self.0 * APART)
    }

    /// What stands at an address that came from `as_ptr`.
    pub(super) fn content_at(address: *const X509) -> Vec<u8> {
        lock(&CONTENTS)[(address.addr() - FIRST_ADDRESS) / APART].clone()
    }
}
