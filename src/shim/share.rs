//! The host tier, as a context uses it: what is published, who may find it, what ends it for all.
//!
//! All of this does nothing unless the operator asked for the shared profile.

use std::sync::Arc;

use once_cell::race::OnceBox;

use super::state::{ContextState, count};
use super::stored::{Share, Stored};
use super::{opened, process, scope};
use crate::base::clock;
use crate::cache::SessionKey;
use crate::openssl::number::*;
use crate::openssl::{ConnectionRef, ContextRef, Session, SessionRef};
use crate::shared::{Again, Counter, HostTier, Located, Owner, Published, Remark, Resumed, Standing, Times};

/// The host tier, if this context's sessions go there: a server's whose cache is on, in a program whose sessions may leave it.
fn tier(state: &ContextState) -> Option<&'static HostTier> {
    let tier = process::host_tier().filter(|_| state.is_serving() && state.app.mode() & MODE_SERVER != 0)?;
    if !process::may_share() {
        tier.remark(Remark::KeepsData);
        return None;
    }
    Some(tier)
}

/// Notes for the operator that a server's connections ask no cache, if that is so.
pub(super) fn remark_on(state: &ContextState) {
    if let Some(tier) = process::host_tier().filter(|_| state.app.mode() & MODE_SERVER == 0) {
        tier.remark(Remark::CacheOff);
    }
}

/// Looks at who a new connection is, while it is what its context is.
pub(super) fn look_at(state: &ContextState, connection: ConnectionRef<'_>) {
    if tier(state).is_some() {
        scope::note_certificates(state, connection);
    }
}

/// Whether other processes find the sessions of this server, so that it can forgo tickets that hold them. Where clients are verified in
/// a way of its own only those do that have inherited its context, and tickets may reach further.
pub(super) fn shares(state: &ContextState, connection: ConnectionRef<'_>) -> bool {
    let (Some(tier), Some(place)) = (tier(state), scope::of(state, connection)) else { return false };
    // Without a certificate it may be yet to be settled which service this is.
    let shares = place.owner.common.is_some() || !scope::asks(connection);
    if !shares {
        tier.remark(Remark::Untold);
    }
    shares
}

/// Notes on a connection that its new session will be shared, before the core has it.
pub(super) fn prepare(state: &ContextState, connection: ConnectionRef<'_>, session: SessionRef<'_>) {
    if process::host_tier().is_some() {
        connection.note_share(prepared(state, connection, session).map(Arc::new));
    }
}

/// What is to be shared. A TLS 1.3 session that is all in its ticket nobody will ask for.
fn prepared(state: &ContextState, connection: ConnectionRef<'_>, session: SessionRef<'_>) -> Option<Share> {
    let tier = tier(state).filter(|_| connection.is_server() && session.is_resumable())?;
    if is_stateless(connection, session) {
        tier.remark(Remark::Stateless);
        return None;
    }
    if session.id().is_empty() {
        return None;
    }
    // What a resumption renews continues what it resumed. If nobody knows when that began, it is not for others.
    let origin = if connection.is_resumed() { connection.origin()? } else { clock::now() };
    let single_use = session.protocol_version() == TLS1_3_VERSION && connection.has_anti_replay();
    Some(Share { origin, single_use, outcome: OnceBox::new() })
}

/// Publishes what was prepared, as it is after its new callback.
pub(super) fn publish(state: &ContextState, connection: ConnectionRef<'_>, session: SessionRef<'_>) {
    let Some(share) = of(connection).filter(|share| share.outcome.get().is_none()) else { return };
    let published = put(state, connection, session, &share);
    if published.is_some() {
        count(&state.counters.published);
    }
    let _ = share.outcome.set(Box::new(published));
}

fn put(
    state: &ContextState,
    connection: ConnectionRef<'_>,
    session: SessionRef<'_>,
    share: &Share,
) -> Option<Published> {
    let tier = tier(state).filter(|_| session.is_resumable())?;
    let key = SessionKey::new(session.protocol_version(), session.id()).filter(|key| !key.id().is_empty())?;
    let mut place = scope::of(state, connection)?;
    if place.owner.common.is_none() {
        tier.remark(Remark::Untold);
    }
    // libssl verifies nobody again who resumes: who was not found good stays with those who let him in.
    if scope::asks(connection) && !connection.is_verified() {
        place.owner.common = None;
    }
    // Another service of this certificate may know others by their secrets.
    if connection.knows_by_secret() && !scope::is_vouched_for() {
        place.owner.common = None;
    }
    state.scopes.met(place.known());
    let times = Times { origin: share.origin, expiry: session.expiry() };
    tier.look_at_keys(clock::now(), false);
    tier.put(&place.owner, &key, &session.to_der()?, times, share.single_use)
}

fn is_stateless(connection: ConnectionRef<'_>, session: SessionRef<'_>) -> bool {
    session.protocol_version() == TLS1_3_VERSION
        && !connection.has_no_tickets()
        && !connection.has_anti_replay()
}

/// What was prepared for the newest session of a connection.
pub(super) fn of(connection: ConnectionRef<'_>) -> Option<Arc<Share>> {
    process::host_tier()?;
    connection.share()
}

/// What the region knows of a session that an application stores by itself: perhaps it was published before.
pub(super) fn find_again(
    state: &ContextState,
    session: SessionRef<'_>,
    key: &SessionKey,
) -> Option<Arc<Share>> {
    let tier = process::host_tier()?;
    let is_ours = |owner: &Owner| {
        state.scopes.all(state.own_scope).any(|scope| owner.common == Some(scope) || owner.own == scope)
    };
    let share = match tier.locate(is_ours, key) {
        Some(Located { origin, single_use, published }) => {
            Share { origin, single_use, outcome: OnceBox::with_value(Box::new(Some(published))) }
        }
        // Early data may be accepted once, and somebody may have done so.
        None if session.allows_early_data() && state.scopes.any() => {
            Share { origin: clock::now(), single_use: true, outcome: OnceBox::new() }
        }
        None => return None,
    };
    Some(Arc::new(share))
}

/// Whether a session of the core still counts: what was published is decided by the region.
pub(super) fn counts(stored: &Stored) -> bool {
    let (Some(share), Some(tier)) = (&stored.share, process::host_tier()) else { return true };
    let stands = match share.outcome.get() {
        // Its new callback runs, or has left by longjmp: nothing says that it was used but once.
        None => !share.single_use,
        Some(None) => true,
        Some(Some(published)) => match tier.standing(*published) {
            Standing::Stands => true,
            Standing::Overwritten => !share.single_use,
            Standing::Gone => false,
        },
    };
    stands && !tier.is_too_old(share.origin, clock::now())
}

/// Takes a session of the core out of the host tier too. False if another process was first.
pub(super) fn take(stored: &Stored) -> bool {
    let published = stored.share.as_ref().and_then(|share| share.outcome.get().copied().flatten());
    match (published, process::host_tier()) {
        (Some(published), Some(tier)) => tier.take_published(published),
        _ => true,
    }
}

/// Whether this process may go on with a session by itself: nobody else ended it, and nobody else can use it for its one time.
pub(super) fn is_ours(stored: &Stored) -> bool {
    counts(stored) && (stored.share.as_ref().is_none_or(|share| !share.single_use) || take(stored))
}

/// Another process's session, or one that this process no longer has. With `taking` it is taken out: one caller gets it.
pub(super) fn find(
    state: &ContextState,
    connection: ConnectionRef<'_>,
    key: &SessionKey,
    taking: bool,
) -> Option<Session> {
    let tier = tier(state)?;
    let now = clock::now();
    tier.look_at_keys(now, false);
    let place = scope::of(state, connection)?;
    state.scopes.met(place.known());
    let admits = |owner: &Owner| state.scopes.admit(&place, owner);
    let is_found = |again: &Again| !taking && tier.is_found_again(again, admits, now);
    let (session, origin) = match state.opened.again(key, is_found) {
        Some(found) => found,
        None => open(state, tier.get(admits, key, now, taking)?, key, now)?,
    };
    // libssl does not refuse such a session, it fails: the server has not said which clients' sessions are its own.
    if connection.verify_mode()? & VERIFY_PEER != 0 && session.as_ref().id_context().is_empty() {
        return None;
    }
    if connection.may_choose_cipher_of(session.as_ref()) == Some(false) {
        return None;
    }
    connection.note_origin(Some(origin));
    count(&state.counters.shared_hits);
    Some(session)
}

fn open(state: &ContextState, found: Resumed, key: &SessionKey, now: i64) -> Option<(Session, i64)> {
    let session = Session::from_der(&found.der)?;
    if let Some(again) = found.again.filter(|_| opened::is_worth_it(key, &found.der)) {
        state.opened.found(key, again, session.as_ref(), now);
    }
    Some((session, found.origin))
}

/// Counts for the operator where a session was found, if not in the host tier.
pub(super) fn found_in(counter: Counter) {
    if let Some(tier) = process::host_tier() {
        tier.count(counter);
    }
}

/// A session was invalidated, not merely evicted: it is gone for every process. Whether sessions are still shared does not
/// matter: this one may have been published before.
pub(super) fn invalidate(state: &ContextState, session: SessionRef<'_>) {
    let shares = state.scopes.any() || tier(state).is_some();
    let Some(tier) = process::host_tier().filter(|_| shares) else { return };
    if let Some(key) = SessionKey::new(session.protocol_version(), session.id()) {
        tier.remove(&key);
        state.opened.forget(&key);
    }
}

/// What expires by this time was flushed. If it is yet to come, the application ends what has not expired.
pub(super) fn flush_early(state: &ContextState, time: i64) {
    if time > clock::now()
        && process::host_tier().is_some()
        && let Some(core) = state.core()
    {
        core.expired(time).iter().for_each(|(_, stored)| invalidate(state, stored.as_ref()));
    }
}

/// Everything was flushed. By the application's own wish, unless the context is being freed.
pub(super) fn flush(state: &ContextState, context: ContextRef<'_>) {
    let Some(host) = process::host_tier().filter(|_| !process::is_freeing(context)) else { return };
    if !state.scopes.any()
        && tier(state).is_some()
        && let Some(place) = context.with_connection(|connection| scope::of(state, connection)).flatten()
    {
        // Others may have shared what this process has never met.
        state.scopes.met(place.known());
    }
    state.opened.clear();
    if state.scopes.are_more() {
        host.flush_all();
    } else {
        host.flush(state.scopes.all(state.own_scope));
    }
}
