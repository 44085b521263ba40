//! The region and the tier, in one process: what several do at once is in `loom_tests` and in the tests of processes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

// Miri has no shared mappings.
#[cfg(not(miri))]
mod files;
#[cfg(not(miri))]
mod keys;
#[cfg(not(miri))]
mod look;
mod model;
#[cfg(not(miri))]
mod relay;
#[cfg_attr(miri, allow(dead_code, reason = "few of its users are there"))]
mod samples;
mod sealing;
#[cfg(not(miri))]
mod tier;
mod vectors;
