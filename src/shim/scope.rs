//! Who a connection's service is to others: whose sessions it may resume, and who may resume its own.
//!
//! All of it is the connection's own: what its context shows may be changed by other threads at any time.

use std::sync::atomic::{AtomicBool, Ordering};

use once_cell::race::OnceBox;

use super::adopt::state;
use super::process;
use crate::openssl::{ConnectionRef, Trust};
use crate::shared::{Remark, Scope, ScopeParts, Verification, digest};

/// The scope of a connection of this service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    service: [u8; 32],
    pub(crate) scope: Scope,
}

/// Whose sessions those of this connection may be. Nothing where that cannot be told apart from other services.
pub(super) fn of(connection: ConnectionRef<'_>) -> Option<Known> {
    let service = service(connection)?;
    let verification = verification(connection)?;
    // Whom it would ask for matters only if it asks.
    if verification.mode == 0 {
        return Some(Known { service, scope: Scope::of_service(service) });
    }
    let (authorities, trusted) = (connection.authorities()?, trusted(connection)?);
    // Who asks for certificates and does not say whom it trusts, or verifies them in its own way: another service may do
    // otherwise, and only the operator can tell the two apart.
    let untold = authorities.is_empty() && trusted == NONE || verifies_by_itself(connection);
    if untold && process::scope_name().is_empty() {
        if let Some(tier) = process::host_tier() {
            tier.remark(Remark::Untold);
        }
        return None;
    }
    Some(Known {
        service,
        scope: Scope::of(&ScopeParts { service, verification, authorities: &authorities, trusted }),
    })
}

/// Looks at the certificates that a connection has been made with, while they are still those of its context.
pub(super) fn note_service(connection: ConnectionRef<'_>) {
    connection.service(|| certified(connection));
}

/// The operator's word and the certificates of the connection's context. One that had none when the connection was made, and has
/// been switched to another context since, counts by that one's (HAProxy); else a callback chooses, and nobody knows which.
fn service(connection: ConnectionRef<'_>) -> Option<[u8; 32]> {
    let mut shown = connection.service(|| certified(connection))?;
    if shown == NONE && connection.is_switched() {
        shown = certified(connection)?;
    }
    Some(if shown == NONE { named(&NONE) } else { shown })
}

/// The operator's word and the certificates that a connection shows now; `NONE` if it has none.
fn certified(connection: ConnectionRef<'_>) -> Option<[u8; 32]> {
    let shown = digest_of("sesscache certificates", &connection.certificates()?);
    Some(if shown == NONE { NONE } else { named(&shown) })
}

fn named(shown: &[u8; 32]) -> [u8; 32] {
    digest("sesscache service", [process::scope_name().as_bytes(), shown])
}

fn verification(connection: ConnectionRef<'_>) -> Option<Verification> {
    Some(Verification {
        mode: connection.verify_mode()?,
        depth: connection.verify_depth()?,
        flags: connection.verify_flags()?,
        by_callback: connection.has_verify_callback()?,
    })
}

/// Whether the application has put itself in the place of libssl's verification.
fn verifies_by_itself(connection: ConnectionRef<'_>) -> bool {
    let current = connection.current().and_then(state);
    current.is_some_and(|state| state.verifies_by_itself.load(Ordering::Relaxed))
}

/// Stands for no certificate at all.
const NONE: [u8; 32] = [0; 32];

fn digest_of(what: &str, certificates: &[Vec<u8>]) -> [u8; 32] {
    let parts = certificates.iter().map(Vec::as_slice);
    if certificates.is_empty() { NONE } else { digest(what, parts) }
}

/// The digest of whom the connection trusts; none is nobody, or who is found in a folder when he is wanted. Of a context it is
/// asked once: verifying may bring more certificates into its store.
fn trusted(connection: ConnectionRef<'_>) -> Option<[u8; 32]> {
    let ask = |trust: Trust<'_>| Some(digest_of("sesscache trust", &trust.certificates()?));
    if let Some(own) = connection.own_trust()? {
        return ask(own);
    }
    let context = connection.current()?;
    match state(context) {
        Some(state) => {
            let ask = || context.trust().and_then(ask).map(Box::new).ok_or(());
            state.trusted.get_or_try_init(ask).ok().copied()
        }
        None => ask(context.trust()?),
    }
}

/// The scopes that connections of one session context were seen to have: several where servers choose by name, or certificates
/// are renewed.
#[derive(Default)]
pub(crate) struct Scopes {
    met: [OnceBox<Known>; Scopes::MOST],
    more: AtomicBool,
}

impl Scopes {
    /// Each lookup passes by them. What more there are is met as often as it is looked for.
    const MOST: usize = 32;

    /// Notes a scope, and returns it.
    pub(super) fn met(&self, known: Known) -> Known {
        let new = || Box::new(known);
        if !self.met.iter().any(|place| *place.get_or_init(new) == known) {
            self.more.store(true, Ordering::Relaxed);
        }
        known
    }

    pub(super) fn any(&self) -> bool {
        self.known().next().is_some()
    }

    /// Whether there are some that could not be noted.
    pub(super) fn are_more(&self) -> bool {
        self.more.load(Ordering::Relaxed)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Scope> + Clone {
        self.known().map(|known| known.scope)
    }

    /// This one, and the others of the same service. The cache of the context itself would not tell them apart.
    pub(super) fn like(&self, known: Known) -> impl Iterator<Item = Scope> + Clone {
        let others = self.known().filter(move |other| other.service == known.service && *other != known);
        std::iter::once(known.scope).chain(others.map(|other| other.scope))
    }

    fn known(&self) -> impl Iterator<Item = Known> + Clone {
        self.met.iter().map_while(OnceBox::get).copied()
    }
}
