//! A region as a relay uses it: what is to be carried to other machines, and what arrives from them. No key is needed.

pub use crate::shared::{Arrivals, Carrier, From, Letter, Lock, Outgoing, STREAMS_MAX, StreamPlace};
