//! L0: what every other floor stands on. Knows nothing of TLS.

pub(crate) mod clock;
pub(crate) mod forks;
pub(crate) mod log;
#[cfg(all(test, sesscache_loom))]
pub(crate) mod orders;
pub(crate) mod random;
pub(crate) mod secret;
pub(crate) mod settings;
