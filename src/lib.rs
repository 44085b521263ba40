//! sesscache: OpenSSL's TLS session cache, taken over by C ABI.
//!
//! The real libssl goes on doing TLS. What this library replaces is the cache behind
//! `SSL_CTX_sess_set_get_cb(3)`: each new `SSL_CTX` is *adopted*, its own cache is switched off, and
//! three trampolines in place of the application's callbacks tell us whatever happens to a session.
//!
//! # The house
//!
//! | floor | room | what it is for |
//! |---|---|---|
//! | L4 | `capi` | the exported C functions, about eight lines each |
//! | L4 | `load` | the constructor of the shared profile |
//! | L4 | [`tools`] | the host tier for the command with its relay (`src/bin/sesscache`, a crate of its own), the benchmarks, the tests of processes |
//! | L3 | `shim` | what a call *means*: adoption, trampolines, the tiers in order, stock's callback rules |
//! | L2 | `openssl` | the only place that touches OpenSSL's pointers: the table of real functions, `Session` |
//! | L2 | `shared` | the host tier: a region of sealed records that the processes of a machine share |
//! | L1 | [`cache`] | the core: a sharded map with stock's eviction order, generic over the handle, no `unsafe` |
//! | L0 | `base` | settings, log, clock |
//!
//! Imports go downward only. Data flows like this:
//!
//! ```text
//!   application ──calls──▶ capi ──▶ shim ──▶ cache        (sessions that are stored)
//!        ▲                          │ ▲ │
//!        └──── its own callbacks ───┘ │ └──▶ shared       (those that other processes may find)
//!                                     └──── trampolines ◀── the real libssl
//! ```

#![cfg_attr(any(not(feature = "capi"), feature = "fuzzing", test), allow(dead_code))]

mod base;
pub mod cache;
#[cfg(all(any(test, feature = "fuzzing"), not(sesscache_loom)))]
pub mod fuzz;
mod openssl;
mod shared;
mod shim;
pub mod tools;

// Not in test programs: an exported SSL_* function would take over libssl in the test itself.
#[cfg(all(feature = "capi", not(test)))]
mod capi;
#[cfg(all(feature = "capi", not(test)))]
mod load;
