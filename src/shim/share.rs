//! The host tier, as a context uses it: what is published, who may find it, what ends it for all.
//!
//! All of this does nothing unless the operator asked for the shared profile.

use std::sync::Arc;

use once_cell::race::OnceBox;

use super::adopt::state;
use super::process;
use super::state::{ContextState, count};
use super::stored::{Share, Stored};
use crate::base::clock;
use crate::cache::SessionKey;
use crate::openssl::number::*;
use crate::openssl::{ConnectionRef, ContextRef, Session, SessionRef, Slots, trampolines};
use crate::shared::{HostTier, Located, Published, Scope, ScopeParts, Standing, Times, digest};

/// The host tier, if this context's sessions go there: a server's whose cache is on, in a program whose sessions may leave it.
fn tier(state: &ContextState) -> Option<&'static HostTier> {
    let shares = state.is_serving() && state.app.mode() & MODE_SERVER != 0 && process::may_share();
    process::host_tier().filter(|_| shares)
}

/// Whose sessions those of this connection may be. Nothing where that cannot be told apart from other services.
///
/// All of it is the connection's own: what its context shows may be changed by other threads at any time.
fn scope(connection: ConnectionRef<'_>) -> Option<Scope> {
    let service = service(connection)?;
    let verify_mode = connection.verify_mode()?;
    // Whom it would ask for matters only if it asks.
    if verify_mode == 0 {
        return Some(Scope::of(&ScopeParts { service, verify_mode, authorities: &[], trusted: NONE }));
    }
    let (authorities, trusted) = (connection.authorities()?, trusted(connection.current()?)?);
    // Who asks for certificates and does not say whom it trusts: another service may trust others, and only the operator can
    // tell the two apart.
    if authorities.is_empty() && trusted == NONE && process::scope_name().is_empty() {
        return None;
    }
    Some(Scope::of(&ScopeParts { service, verify_mode, authorities: &authorities, trusted }))
}

/// The operator's word and the certificates of the connection's context. One that had none when the connection was made, and has
/// been switched to another context since, counts by that one's (HAProxy); else a callback chooses, and nobody knows which.
fn service(connection: ConnectionRef<'_>) -> Option<[u8; 32]> {
    let mut shown = connection.service(|| certified(connection))?;
    if shown == NONE && connection.is_switched() {
        shown = certified(connection)?;
    }
    Some(digest("sesscache service", [process::scope_name().as_bytes(), &shown]))
}

fn certified(connection: ConnectionRef<'_>) -> Option<[u8; 32]> {
    Some(digest_of("sesscache certificates", &connection.certificates()?))
}

/// Stands for no certificate at all.
const NONE: [u8; 32] = [0; 32];

fn digest_of(what: &str, certificates: &[Vec<u8>]) -> [u8; 32] {
    let parts = certificates.iter().map(Vec::as_slice);
    if certificates.is_empty() { NONE } else { digest(what, parts) }
}

/// The digest of whom a context trusts; none is nobody, or who is found in a folder when he is wanted. Asked once: verifying may bring more certificates into its store.
fn trusted(context: ContextRef<'_>) -> Option<[u8; 32]> {
    let ask = || Some(digest_of("sesscache trust", &context.trusted()?));
    match state(context) {
        Some(state) => state.trusted.get_or_try_init(|| ask().map(Box::new).ok_or(())).ok().copied(),
        None => ask(),
    }
}

/// Looks at who a new connection is, while it is what its context is.
pub(super) fn look_at(state: &ContextState, connection: ConnectionRef<'_>) {
    if tier(state).is_some() {
        connection.service(|| certified(connection));
    }
}

/// Whether this server's sessions are shared at all.
pub(super) fn shares(state: &ContextState, connection: ConnectionRef<'_>) -> bool {
    tier(state).is_some() && scope(connection).is_some()
}

/// Notes on a connection that its new session will be shared, before the core has it.
pub(super) fn prepare(state: &ContextState, connection: ConnectionRef<'_>, session: SessionRef<'_>) {
    if let (Some(slots), true) = (Slots::get(), process::host_tier().is_some()) {
        trampolines::hang_share(connection, slots.share, prepared(state, connection, session).map(Arc::new));
    }
}

/// What is to be shared. A TLS 1.3 session that is all in its ticket nobody will ask for.
fn prepared(state: &ContextState, connection: ConnectionRef<'_>, session: SessionRef<'_>) -> Option<Share> {
    tier(state).filter(|_| connection.is_server() && session.is_resumable())?;
    if session.id().is_empty() || is_stateless(connection, session) {
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
    let scope = scope(connection)?;
    remember(state, scope);
    let times = Times { origin: share.origin, expiry: session.expiry() };
    tier.put(&scope, &key, &session.to_der()?, times, share.single_use)
}

fn is_stateless(connection: ConnectionRef<'_>, session: SessionRef<'_>) -> bool {
    session.protocol_version() == TLS1_3_VERSION
        && !connection.has_no_tickets()
        && !connection.has_anti_replay()
}

/// What was prepared for the newest session of a connection.
pub(super) fn of(connection: ConnectionRef<'_>) -> Option<Arc<Share>> {
    process::host_tier()?;
    trampolines::share(connection, Slots::get()?.share)
}

/// What the region knows of a session that an application stores by itself: perhaps it was published before.
pub(super) fn find_again(
    state: &ContextState,
    session: SessionRef<'_>,
    key: &SessionKey,
) -> Option<Arc<Share>> {
    let tier = process::host_tier()?;
    let known = state.scopes.iter().filter_map(OnceBox::get).find_map(|scope| tier.locate(scope, key));
    let share = match known {
        Some(Located { origin, single_use, published }) => {
            Share { origin, single_use, outcome: OnceBox::with_value(Box::new(Some(published))) }
        }
        // Early data may be accepted once, and somebody may have done so.
        None if session.allows_early_data() && tier_was_used(state) => {
            Share { origin: clock::now(), single_use: true, outcome: OnceBox::new() }
        }
        None => return None,
    };
    Some(Arc::new(share))
}

/// Whether sessions of this context were ever shared.
fn tier_was_used(state: &ContextState) -> bool {
    state.scopes.iter().any(|scope| scope.get().is_some())
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
    let scope = scope(connection)?;
    remember(state, scope);
    let found = tier.get(&scope, key, now, taking)?;
    let session = Session::from_der(&found.der)?;
    // libssl does not refuse such a session, it fails: the server has not said which clients' sessions are its own.
    if connection.verify_mode()? & VERIFY_PEER != 0 && session.as_ref().id_context().is_empty() {
        return None;
    }
    connection.note_origin(Some(found.origin));
    count(&state.counters.shared_hits);
    Some(session)
}

/// Notes where this context's sessions stand, for the day that one has to be ended.
fn remember(state: &ContextState, scope: Scope) {
    for place in &state.scopes {
        if *place.get_or_init(|| Box::new(scope)) == scope {
            return;
        }
    }
}

/// Every scope that this context's sessions may stand in. If it had none yet, that of a connection that it would make now.
fn scopes(state: &ContextState, context: ContextRef<'_>) -> impl Iterator<Item = Scope> {
    if !tier_was_used(state)
        && let Some(scope) = context.with_connection(scope).flatten()
    {
        remember(state, scope);
    }
    state.scopes.iter().filter_map(|place| place.get().copied())
}

/// A session was invalidated, not merely evicted: it is gone for every process. Whether sessions are still shared does not
/// matter: this one may have been published before.
pub(super) fn invalidate(state: &ContextState, context: ContextRef<'_>, session: SessionRef<'_>) {
    let Some(tier) = process::host_tier() else { return };
    if let Some(key) = SessionKey::new(session.protocol_version(), session.id()) {
        scopes(state, context).for_each(|scope| tier.remove(&scope, &key));
    }
}

/// Everything was flushed. By the application's own wish, unless the context is being freed.
pub(super) fn flush(state: &ContextState, context: ContextRef<'_>) {
    if let Some(tier) = process::host_tier().filter(|_| !process::is_freeing(context)) {
        scopes(state, context).for_each(|scope| tier.flush(&scope));
    }
}
