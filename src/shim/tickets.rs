//! Tickets that hold a session themselves pass every cache by: the server that hands them out never asks for the session.
//!
//! With `SESSCACHE_TICKETS=stateful` a connection forgoes them when it is made a server's, if its cache is on at that moment. It is
//! the connection's option, never the context's, which may make clients too; and an application that has decided about tickets
//! itself is obeyed. It is not shown the option: nginx clears, at a server's name, what the other context does not have.

use std::sync::atomic::Ordering;

use super::state::ContextState;
use super::{process, share};
use crate::openssl::number::OP_NO_TICKET;
use crate::openssl::{ConnectionRef, Decided};

pub(super) fn became_server(state: &ContextState, connection: ConnectionRef<'_>) {
    share::remark_on(state);
    // On QUIC a connection's options cannot be asked for while callbacks run, so its sessions could not be told apart later.
    if !process::prefers_stateful() || connection.is_of_quic() || connection.has_no_tickets() {
        return;
    }
    let decided = state.decided_tickets.load(Ordering::Relaxed) || connection.tickets_decided().is_some();
    // Where sessions are not shared, a ticket is what other processes resume by.
    if !decided && share::shares(state, connection) {
        connection.forgo_tickets();
    }
}

/// What the application is shown of its connection's options.
pub(crate) fn shown(connection: ConnectionRef<'_>, options: u64) -> u64 {
    match connection.tickets_decided() {
        Some(Decided::ByUs) => options & !OP_NO_TICKET,
        _ => options,
    }
}
