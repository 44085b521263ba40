//! Random bytes, from the system.

use rustix::io::retry_on_intr;
use rustix::rand::{GetRandomFlags, getrandom};

/// Fills all of it, or says `None`: a sandbox may forbid to ask. Some hundred bytes come at once.
pub(crate) fn fill(bytes: &mut [u8]) -> Option<()> {
    let filled = retry_on_intr(|| getrandom(&mut *bytes, GetRandomFlags::empty())).ok()?;
    (filled == bytes.len()).then_some(())
}
