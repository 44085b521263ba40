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
//! | `sharing`, `opened`, `endings`, `tickets` | the shared profile |
//! | `threads`, `forks` | more than one of them |
//! | `parity` | all of it at random, against the fake alone |
//!
//! Every test ends with a look at what it leaves: each reference given back, no lock asked for twice, nothing used
//! after its end. The fuzzer plays `parity` too, so that and what it needs is also there without `cfg(test)`.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[cfg(test)]
mod adoption;
mod application;
#[cfg(test)]
mod early_data;
// Miri maps no shared memory.
#[cfg(all(test, not(miri)))]
mod endings;
#[cfg(test)]
mod evictions;
mod exports;
#[cfg(all(test, feature = "fault-injection"))]
mod faults;
// Miri has one process.
#[cfg(all(test, not(miri)))]
mod forks;
#[cfg(test)]
mod generators;
#[cfg(test)]
mod giving_back;
#[cfg(test)]
mod lookups;
#[cfg(all(test, not(miri)))]
mod opened;
pub(crate) mod parity;
#[cfg(test)]
mod reentry;
#[cfg(all(test, not(miri)))]
mod releases;
#[cfg(test)]
mod removals;
#[cfg(test)]
mod sentinels;
#[cfg(all(test, not(miri)))]
mod sharing;
#[cfg(test)]
mod storing;
#[cfg(test)]
mod surroundings;
#[cfg(test)]
mod switching;
#[cfg(test)]
mod threads;
#[cfg(all(test, not(miri)))]
mod tickets;
#[cfg(test)]
mod times;
