//! The region and the tier, in one process: what several do at once is in `loom_tests` and in the tests of processes.

mod files;
mod keys;
mod model;
mod tier;
