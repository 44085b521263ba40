//! `SSL_CTX_ctrl`: the session-cache commands whose answer is ours.

use std::sync::atomic::Ordering;

use libc::{c_int, c_long};

use super::adopt::set_real_mode;
use super::state::{ContextState, Phase};
use crate::openssl::number::*;
use crate::openssl::{ContextRef, is_adding};

/// The answer to `command`, or `None` where it is the real function's to give.
pub(crate) fn ctrl(
    state: &ContextState,
    context: ContextRef<'_>,
    command: c_int,
    argument: c_long,
) -> Option<c_long> {
    if is_adding() {
        return None;
    }
    match command {
        // Whoever has keys for tickets of his own has other hosts resume by them.
        CTRL_SET_TICKET_KEYS => {
            state.decided_tickets.store(true, Ordering::Relaxed);
            None
        }
        CTRL_SESS_CB_HIT => {
            Some(real_minus(context, command, state.counters.counted_by_libssl.load(Ordering::Relaxed)))
        }
        CTRL_SESS_MISSES => Some(real_plus(context, command, state.counters.misses.load(Ordering::Relaxed))),
        CTRL_SESS_CACHE_FULL => {
            Some(real_plus(context, command, state.counters.evicted.load(Ordering::Relaxed)))
        }
        _ if state.phase() == Phase::GivenBack => None,
        CTRL_SESS_NUMBER => c_long::try_from(state.number()).ok(),
        CTRL_GET_SESS_CACHE_SIZE => Some(state.app.size()),
        CTRL_SET_SESS_CACHE_SIZE if argument < 0 => Some(0),
        CTRL_SET_SESS_CACHE_SIZE => Some(state.app.set_size(argument)),
        CTRL_GET_SESS_CACHE_MODE => Some(c_long::from(state.app.mode())),
        CTRL_SET_SESS_CACHE_MODE => Some(set_mode(state, context, argument)),
        _ => None,
    }
}

/// libssl keeps the low 32 bits, whatever they are.
fn set_mode(state: &ContextState, context: ContextRef<'_>, mode: c_long) -> c_long {
    let bytes = mode.to_ne_bytes();
    let mode = u64::from_ne_bytes(bytes) & u64::from(u32::MAX);
    let mode = u32::try_from(mode).unwrap_or(u32::MAX);
    let before = state.app.set_mode(mode);
    set_real_mode(context, mode);
    c_long::from(before)
}

/// libssl counts each session of ours as one that its get callback found.
fn real_minus(context: ContextRef<'_>, command: c_int, ours: u64) -> c_long {
    context.ctrl(command, 0).wrapping_sub(c_long::try_from(ours).unwrap_or_default())
}

/// libssl's own count: what happened on clients, and what happens after the context was given back.
fn real_plus(context: ContextRef<'_>, command: c_int, ours: u64) -> c_long {
    context.ctrl(command, 0).wrapping_add(c_long::try_from(ours).unwrap_or_default())
}
