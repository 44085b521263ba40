//! The shim over a fake libssl: what each rule says, however libssl is linked, for the release that
//! `SESSCACHE_FAKE_VERSION` names (and, by `releases`, for all of them).
//!
//! | module | what it is about |
//! |---|---|
//! | `exports` | the exported functions, without their names |
//! | `application` | an application with its callbacks |

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
