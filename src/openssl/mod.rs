//! L2: the only place that touches OpenSSL's pointers.
//!
//! Everything above works with [`ContextRef`], [`ConnectionRef`], [`SessionRef`] (borrowed for one call)
//! and [`Session`] (an owned reference); the functions behind them come from the [`Libssl`] table, which a
//! unit test can fill with a fake.

mod callbacks;
mod connection;
mod context;
mod errors;
mod ex_data;
#[cfg(all(any(test, feature = "fuzzing"), not(sesscache_loom)))]
pub(crate) mod fake;
pub(crate) mod host;
mod inside;
mod load;
mod note;
pub(crate) mod private;
pub(crate) mod scratch;
mod session;
mod sharing;
mod shown;
mod table;
pub(crate) mod trampolines;
mod types;
mod version;

pub(crate) use callbacks::{Callback, IdRequest, Question, call_new, call_remove};
pub(crate) use connection::ConnectionRef;
pub(crate) use context::ContextRef;
pub(crate) use ex_data::Slots;
pub(crate) use inside::is_adding;
#[cfg_attr(
    any(not(feature = "capi"), test),
    allow(unused_imports, reason = "for the exported functions")
)]
pub(crate) use load::{Aside, Primary, is_foreign, libssl, real_get_ex_new_index, table, table_of_method};
pub(crate) use note::Decided;
pub(crate) use session::{Session, SessionCell, SessionRef};
pub(crate) use sharing::{KeptStore, Trust};
pub(crate) use shown::{KeptCertificates, Shown};
pub(crate) use table::Libssl;
#[cfg(all(test, not(sesscache_loom)))]
pub(crate) use table::Table;
pub(crate) use types::*;
pub(crate) use version::Version;
