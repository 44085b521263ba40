//! L2: the host tier, one cache for all processes of a machine.
//!
//! A region of shared memory, mapped by every process that shares it: an append-only ring of sealed records (`log`) and an
//! index of slots that point into it (`index`). No lock lives in it, and nothing that is read from it is believed: every
//! offset is bounded before it is used, and a record counts only if it opens under our key. So a process that is killed
//! blocks nobody, and a hostile file costs misses and nothing else.
//!
//! | module | concern |
//! |---|---|
//! | `memory`, `mapping` | words that several processes read and write; the only `unsafe` here |
//! | `layout` | where things stand in a region |
//! | `log` | the ring: reserve, write, copy out |
//! | `index` | the slots: find, publish, clear |
//! | `outbox` | what a relay has to carry to other machines |
//! | `region` | both together: put, find, take, remove, flush |
//! | `carrier`, `outgoing`, `arrivals` | a region as its relay uses it: what is to be carried away, and what arrives |
//! | `record`, `seal`, `nonces`, `keys`, `key_file` | what a record is, and how it is sealed |
//! | `scope` | who may resume whose sessions |
//! | `counters`, `tally` | what each process has counted |
//! | `tier` | the whole for one process, as the shim uses it |
//! | `file` | making and attaching a file |
//! | `look` | a region seen from outside, by an operator |
//!
//! Nothing of OpenSSL is here: a session comes and goes as its DER.

mod arrivals;
mod carrier;
mod counters;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod hostile;
mod index;
pub(crate) mod key_file;
pub(crate) mod keys;
mod layout;
mod log;
mod look;
#[cfg(all(test, sesscache_loom))]
mod loom_tests;
mod mapping;
mod memory;
mod nonces;
mod outbox;
mod outgoing;
mod record;
mod region;
mod scope;
mod seal;
mod tally;
#[cfg(all(test, not(sesscache_loom)))]
mod tests;
mod tier;

pub use arrivals::{Arrivals, From};
pub use carrier::{Carrier, Lock, Relay, STREAMS_MAX, StreamPlace};
pub use counters::Counter;
/// No region has fewer bytes.
pub const SMALLEST: u64 = layout::BYTES_MIN;
pub use look::{AGES, Look, Report, Sessions, Which, flush};
pub use outgoing::{Letter, Outgoing};
pub(crate) use region::{Published, Standing};
pub(crate) use scope::{Owner, Parts as ScopeParts, Scope, Verification, digest};
pub use tally::{Process, Remark};
pub(crate) use tier::{Again, HostTier, Located, Resumed, Times};
