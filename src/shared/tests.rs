//! The region and the tier, in one process: what several do at once is in `loom_tests` and in the tests of processes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod files;
mod keys;
mod look;
mod model;
mod sealing;
mod tier;
