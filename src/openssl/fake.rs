//! A libssl made of Rust objects, for the unit tests of what stands above it.
//!
//! It does what the session cache of a real libssl does, release by release: which references it takes, what it
//! calls under the context's lock, in which order it evicts and flushes, what it asks of itself through the PLT.
//! It knows nothing of TLS. Its objects are named by addresses that are never used twice and never looked
//! through, so a use after the end is noticed, not undefined.
//!
//! | module | what it plays |
//! |---|---|
//! | `world` | one test's process: how libssl is linked, what went wrong, what is still alive |
//! | `session`, `context`, `connection` | the three kinds of objects, as handles |
//! | `cache` | the cache inside a context |
//! | `handshake` | what libssl does with a cache while it shakes hands |
//! | `callbacks` | the application's, with safe arguments |
//! | `forking` | a child of the test process |
//! | `certificate` | certificates, by their contents |
//! | `lock`, `ex_data`, `errors` | the parts of libcrypto that this takes |
//! | `functions` | the C functions over all that |
//! | `sharing` | those of them that only the shared profile takes |

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "only in test programs")]
#![cfg_attr(not(test), allow(unused_imports, reason = "the fuzzer plays with less"))]

mod cache;
mod callbacks;
mod certificate;
mod connection;
mod context;
mod errors;
mod ex_data;
#[cfg(not(miri))]
mod forking;
mod functions;
mod handshake;
mod lock;
mod objects;
mod session;
mod sharing;
mod world;

pub(crate) use callbacks::{Answers, generator, get_callback};
pub(crate) use connection::{FakeConnection, TLS1_2_VERSION};
pub(crate) use context::{CTRL_SESS_ACCEPT_GOOD, CTRL_SESS_HIT, CTRL_SESS_TIMEOUTS, FakeContext};
pub(crate) use errors::{error_queue, mark_errors, pop_errors, raise_error};
pub(crate) use ex_data::{EX_INDEX_SSL_SESSION, new_index};
#[cfg(not(miri))]
pub(crate) use forking::{in_child, kill};
pub(crate) use handshake::Resumption;
pub(crate) use session::{FakeSession, Owned};
pub(crate) use world::{Exports, Link, World};
#[cfg(not(miri))]
pub(crate) use world::{blocked_up_ref, decoded_sessions, living_sessions};

use std::sync::OnceLock;

use super::load::Primary;
use super::table::Table;
use super::version::Version;

/// The releases that can be played, by the name that `SESSCACHE_FAKE_VERSION` takes.
pub(crate) const RELEASES: [(&str, u64); 4] =
    [("1.1.1", 0x1010_117f), ("3.0", 0x3000_0130), ("3.5", 0x3050_0070), ("4.0", 0x4000_0030)];

/// The variable that chooses one of them for the whole test process. The shim asks once and for all.
pub(crate) const RELEASE_VARIABLE: &str = "SESSCACHE_FAKE_VERSION";
const USUAL: &str = "3.0";

/// What is played: its number, as `OpenSSL_version_num` gives it, and how this crate sees it.
#[derive(Clone, Copy)]
pub(crate) struct Release {
    pub(crate) name: &'static str,
    number: u64,
    pub(crate) version: Version,
}

impl Release {
    /// The release that this process plays.
    pub(crate) fn played() -> Release {
        static PLAYED: OnceLock<Release> = OnceLock::new();
        *PLAYED.get_or_init(|| {
            let wanted = std::env::var(RELEASE_VARIABLE).unwrap_or_else(|_| USUAL.to_owned());
            let known = RELEASES.into_iter().find(|(name, _)| *name == wanted);
            let (name, number) =
                known.unwrap_or_else(|| panic!("{RELEASE_VARIABLE}={wanted}: take one of {RELEASES:?}"));
            let version = Version::known(number).expect("a release that this crate knows");
            Release { name, number, version }
        })
    }

    fn is(self, name: &str) -> bool {
        self.name == name
    }

    /// 1.1.1: no sorting, and locks that cannot be taken again are not noticed.
    fn is_old(self) -> bool {
        self.is("1.1.1")
    }
}

/// One of four values, by the release that is played.
pub(crate) fn by_release<T>(v1_1_1: T, v3_0: T, v3_5: T, v4_0: T) -> T {
    match Release::played().name {
        "1.1.1" => v1_1_1,
        "3.0" => v3_0,
        "3.5" => v3_5,
        _ => v4_0,
    }
}

/// Puts the fake in the place of the real library, once in a process.
fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        Primary::install_fake(table());
    });
}

/// The fake's functions as the table that would be found in a real one.
pub(crate) fn table() -> Table {
    functions::table(Release::played())
}
