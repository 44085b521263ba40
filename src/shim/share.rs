//! The host tier, as a context uses it: what is published, who may find it, what ends it for all.
//!
//! All of this does nothing unless the operator asked for the shared profile.

use super::process;
use super::state::{ContextState, count};
use super::stored::{Share, Stored};
use crate::base::clock;
use crate::cache::SessionKey;
use crate::openssl::number::*;
use crate::openssl::{ConnectionRef, ContextRef, Session, SessionRef};
use crate::shared::{HostTier, Scope, ScopeParts, Standing, Times};

/// The host tier, if this context's sessions go there: a server's whose cache is on, in a program whose sessions may leave it.
fn tier(state: &ContextState) -> Option<&'static HostTier> {
    let shares = state.is_serving() && state.app.mode() & MODE_SERVER != 0 && process::may_share();
    process::host_tier().filter(|_| shares)
}

fn scope(context: ContextRef<'_>) -> Option<Scope> {
    let verify_mode = context.verify_mode()?;
    // Whom it would ask for matters only if it asks.
    let authorities = if verify_mode == 0 { Vec::new() } else { context.authorities()? };
    let name = process::scope_name();
    // Who asks for certificates and names no authority does not say whom it trusts: another service of that certificate may
    // trust others, and only the operator can tell the two apart.
    if verify_mode != 0 && authorities.is_empty() && name.is_empty() {
        return None;
    }
    Some(Scope::of(&ScopeParts {
        name,
        certificate: &context.certificate()?,
        verify_mode,
        authorities: &authorities,
    }))
}

/// Whether the sessions of this context's servers are shared at all.
pub(super) fn shares(state: &ContextState, context: ContextRef<'_>) -> bool {
    tier(state).is_some() && scope(context).is_some()
}

/// Publishes the new session of a connection. A TLS 1.3 session that is all in its ticket nobody will ask for.
pub(super) fn publish(
    state: &ContextState,
    context: ContextRef<'_>,
    connection: ConnectionRef<'_>,
    session: SessionRef<'_>,
) -> Option<Share> {
    let tier = tier(state).filter(|_| connection.is_server() && session.is_resumable())?;
    if session.id().is_empty() || is_stateless(connection, session) {
        return None;
    }
    let key = SessionKey::new(session.protocol_version(), session.id())?;
    // What a resumption renews continues what it resumed.
    let resumed = if connection.is_resumed() { connection.origin() } else { None };
    let origin = resumed.unwrap_or_else(clock::now);
    let single_use = session.protocol_version() == TLS1_3_VERSION && connection.has_anti_replay();
    let times = Times { origin, expiry: session.expiry() };
    let published = tier.put(&scope(context)?, &key, &session.to_der()?, times, single_use)?;
    count(&state.counters.published);
    Some(Share { published, origin, single_use })
}

fn is_stateless(connection: ConnectionRef<'_>, session: SessionRef<'_>) -> bool {
    session.protocol_version() == TLS1_3_VERSION
        && !connection.has_no_tickets()
        && !connection.has_anti_replay()
}

/// Whether a session of the core still counts: what was published is decided by the region.
pub(super) fn counts(stored: &Stored) -> bool {
    let Some(share) = &stored.share else { return true };
    let Some(tier) = process::host_tier() else { return true };
    let stands = match tier.standing(share.published) {
        Standing::Stands => true,
        Standing::Overwritten => !share.single_use,
        Standing::Gone => false,
    };
    stands && !tier.is_too_old(share.origin, clock::now())
}

/// Takes a session of the core out of the host tier too. False if another process was first.
pub(super) fn take(stored: &Stored) -> bool {
    match (&stored.share, process::host_tier()) {
        (Some(share), Some(tier)) => tier.take_published(share.published),
        _ => true,
    }
}

/// Another process's session, or one that this process no longer has. With `taking` it is taken out: one caller gets it.
pub(super) fn find(
    state: &ContextState,
    context: ContextRef<'_>,
    connection: ConnectionRef<'_>,
    key: &SessionKey,
    taking: bool,
) -> Option<Session> {
    let tier = tier(state)?;
    let now = clock::now();
    tier.look_at_keys(now, false);
    let found = tier.get(&scope(context)?, key, now, taking)?;
    let session = Session::from_der(&found.der)?;
    connection.note_origin(Some(found.origin));
    count(&state.counters.shared_hits);
    Some(session)
}

/// A session was invalidated, not merely evicted: it is gone for every process. Whether sessions are still shared does not
/// matter: this one may have been published before.
pub(super) fn invalidate(context: ContextRef<'_>, session: SessionRef<'_>) {
    let Some(tier) = process::host_tier() else { return };
    let key = SessionKey::new(session.protocol_version(), session.id());
    if let (Some(key), Some(scope)) = (key, scope(context)) {
        tier.remove(&scope, &key);
    }
}

/// Everything was flushed. By the application's own wish, unless the context is being freed.
pub(super) fn flush(context: ContextRef<'_>) {
    let tier = process::host_tier().filter(|_| !process::is_freeing(context));
    if let (Some(tier), Some(scope)) = (tier, scope(context)) {
        tier.flush(&scope);
    }
}
