//! Unmodified servers from Debian's packages, each run twice: with libssl alone and with the library preloaded.
//!
//! A client reconnects a hundred times by TLS 1.2 session id and by stateful TLS 1.3 tickets; under the library every
//! program must resume at least what it resumes alone, stay alive, shut down cleanly and have nothing to complain of.
//! Each test prints one line with both rates. `scripts/install-deps.sh servers` installs the programs.
//!
//! What the processes of a server share with each other, and with other servers, is in `shared`.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod apache;
mod backend;
mod client;
mod compare;
mod haproxy;
mod hitch;
mod nginx;
mod process;
mod s_server;
mod scripts;
mod shared;
mod stunnel;
mod support;
