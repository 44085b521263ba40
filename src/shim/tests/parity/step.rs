//! What an application and its clients may do.

use crate::shim::answer::Reference;

/// One thing that is done. Sessions are named by their place in a pool.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Handshake {
        session: usize,
        how: How,
        broken_off: bool,
    },
    Resume {
        session: usize,
        how: How,
    },
    AutoFlush,
    Add(usize),
    Remove(usize),
    Flush(i64),
    FlushExpired,
    SetTimeout(usize, i64),
    Expire(usize),
    HasMatching(usize),
    SetSize(i64),
    ToggleMode(u32),
    SetCallbacks {
        new: bool,
        remove: bool,
        get: bool,
    },
    NewReturns(i32),
    GetAnswers(Option<(usize, Reference)>),
    /// What the remove callback does from now on.
    InRemove(Option<Box<Step>>),
    Sessions,
}

/// What kind of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Tls12,
    Tls13,
    EarlyData,
    NoTicket,
    Client,
}

/// How many objects there are.
pub(crate) const POOL: usize = 8;
