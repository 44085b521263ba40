//! `SSL_CTX_ctrl`, behind which the macros for mode, size and counters stand.

use std::ffi::c_void;

use libc::{c_int, c_long};

use super::{adopted, adopted_now};
use crate::openssl::number::*;
use crate::openssl::{SSL_CTX, table};
use crate::shim::controls;

/// libssl's control function of a context.
///
/// `long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg)`
///
/// The session-cache mode, size, number and counters are those of this library's cache; every other command goes to
/// libssl untouched. What libssl counts itself stays its own: `SSL_CTRL_SESS_CONNECT` to `SSL_CTRL_SESS_HIT` and
/// `SSL_CTRL_SESS_TIMEOUTS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SSL_CTX_ctrl(
    ctx: *mut SSL_CTX,
    cmd: c_int,
    larg: c_long,
    parg: *mut c_void,
) -> c_long {
    let sets = matches!(cmd, CTRL_SET_SESS_CACHE_MODE | CTRL_SET_SESS_CACHE_SIZE | CTRL_SET_TICKET_KEYS);
    // A context is adopted only by a setter: libssl asks for count and size under its lock.
    // SAFETY: the caller's argument.
    let found = if sets { unsafe { adopted_now(ctx) } } else { unsafe { adopted(ctx) } };
    if let Some(answer) = found.and_then(|(context, state)| controls::ctrl(state, context, cmd, larg)) {
        return answer;
    }
    // SAFETY: the caller's arguments.
    table().and_then(|table| table.ctx_ctrl).map_or(0, |real| unsafe { real(ctx, cmd, larg, parg) })
}
