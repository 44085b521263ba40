//! Bytes that nobody is to find in memory that was given back.

use std::ops::Deref;

use zeroize::Zeroize;

/// Key material, such as a session's DER: wiped when it is dropped.
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    pub(crate) fn new(bytes: Vec<u8>) -> Secret {
        Secret(bytes)
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

impl Deref for Secret {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // Spare capacity is wiped in one sweep, elements are wiped one by one: so all of it is made spare first.
        self.0.clear();
        self.0.zeroize();
    }
}
