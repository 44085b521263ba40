//! What goes into the core, and when.

use super::guard::guarded;
use super::state::ContextState;
use super::stored::Stored;
use super::{give_back, removal, sentinel, share};
use crate::base::clock;
use crate::cache::{Inserted, SessionKey};
use crate::openssl::number::*;
use crate::openssl::{ConnectionRef, ContextRef, SessionRef};

/// How an addition went.
#[derive(Clone, Copy)]
enum Added {
    /// It could not be stored.
    Refused,
    /// That very object was stored already.
    Already,
    /// It is stored.
    New,
    /// It is stored, and others have to make room.
    NewAndOver,
}

/// `SSL_CTX_add_session`: whether the object was newly stored. May evict others and so reach the application.
/// `of` is the connection that has just made it, if one has.
pub(crate) fn add(
    state: &ContextState,
    context: ContextRef<'_>,
    session: SessionRef<'_>,
    of: Option<ConnectionRef<'_>>,
) -> bool {
    if removal::refuses(state) {
        return false;
    }
    let added = guarded(state, Added::Refused, || insert(state, context, session, of));
    give_back::follow(state, context);
    match added {
        Added::New => true,
        Added::NewAndOver => {
            make_room(state, context, session);
            true
        }
        Added::Already | Added::Refused => false,
    }
}

/// Evicts whoever has to go for this newcomer.
fn make_room(state: &ContextState, context: ContextRef<'_>, newcomer: SessionRef<'_>) {
    let key = SessionKey::new(newcomer.protocol_version(), newcomer.id());
    if let (Some(key), Some(core)) = (key, state.core()) {
        removal::make_room(state, core, context, (&key, newcomer));
    }
}

fn insert(
    state: &ContextState,
    context: ContextRef<'_>,
    session: SessionRef<'_>,
    of: Option<ConnectionRef<'_>>,
) -> Added {
    #[cfg(feature = "fault-injection")]
    super::fault::at("insert");
    let Some(key) = SessionKey::new(session.protocol_version(), session.id()) else { return Added::Refused };
    let Some(own) = session.to_owned() else { return Added::Refused };
    let share = match of {
        Some(connection) => share::of(connection),
        None => share::find_again(state, session, &key),
    };
    let handle = Stored { session: own, share };
    let core = state.core_for_storing();
    sentinel::plant(state, context);
    if state.app.updates_time() && context.libssl.version.updates_time() {
        session.set_time(clock::now());
    }
    match core.insert(key, handle, session.expiry()) {
        Inserted::Not => return Added::Already,
        Inserted::New => {}
        Inserted::Replacing(replaced) => removal::drop_under_lock(state, replaced),
    }
    if core.is_over(state.app.limit()) { Added::NewAndOver } else { Added::New }
}

/// Whether libssl would have stored the new session of this connection.
pub(super) fn wants(state: &ContextState, connection: ConnectionRef<'_>, session: SessionRef<'_>) -> bool {
    state.is_serving()
        && state.app.stores()
        && (session.protocol_version() != TLS1_3_VERSION
            || !connection.is_server()
            || connection.has_anti_replay()
            || state.app.remove.get().is_some()
            || connection.has_no_tickets())
}

/// A new callback's 0 where that means "do not cache": this object leaves the core. It is not marked, and the
/// remove callback is not called: the application has just declined it.
pub(super) fn forget(state: &ContextState, session: SessionRef<'_>) {
    let key = SessionKey::new(session.protocol_version(), session.id());
    if let (Some(key), Some(core), Some(handle)) = (key, state.core(), session.to_owned()) {
        drop(core.remove_same(&key, &Stored::alone(handle)));
    }
}
