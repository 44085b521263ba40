//! Tickets that hold a session themselves pass every cache by: the server that hands them out never asks for the session.
//!
//! With `SESSCACHE_TICKETS=stateful` a connection forgoes them when it is made a server's, if its cache is on at that moment. It is
//! the connection's option, never the context's, which may make clients too; and an application that has decided about tickets
//! itself is obeyed.

use std::sync::atomic::Ordering;

use super::process;
use super::state::ContextState;
use crate::openssl::ConnectionRef;
use crate::openssl::number::*;

pub(super) fn became_server(state: &ContextState, connection: ConnectionRef<'_>) {
    let decided = state.decided_tickets.load(Ordering::Relaxed) || connection.has_decided_tickets();
    let is_on = state.is_serving() && state.app.mode() & MODE_SERVER != 0;
    if is_on && !decided && process::prefers_stateful() {
        connection.forgo_tickets();
    }
}
