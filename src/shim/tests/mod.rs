//! The shim over a fake libssl: what each rule says, however libssl is linked, for the release that
//! `SESSCACHE_FAKE_VERSION` names (and, by `releases`, for all of them).
//!
//! | module | what it is about |
//! |---|---|
//! | `exports` | the exported functions, without their names |
//! | `application` | an application with its callbacks |
//! | `adoption`, `giving_back`, `faults` | how a context becomes ours, and libssl's again |
//! | `storing`, `lookups`, `early_data`, `removals`, `evictions`, `times` | what a cache does |
//! | `sentinels`, `reentry`, `switching`, `generators`, `surroundings` | what else libssl and applications do around it |
//! | `threads`, `forks` | more than one of them |
//! | `parity` | all of it at random, against the fake alone |
//!
//! Every test ends with a look at what it leaves: each reference given back, no lock asked for twice, nothing used
//! after its end.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod adoption;
mod application;
mod early_data;
mod evictions;
mod exports;
#[cfg(feature = "fault-injection")]
mod faults;
// Miri has one process.
#[cfg(not(miri))]
mod forks;
mod generators;
mod giving_back;
mod lookups;
mod parity;
mod reentry;
#[cfg(not(miri))]
mod releases;
mod removals;
mod sentinels;
mod storing;
mod surroundings;
mod switching;
mod threads;
mod times;
