//! Whose a connection's sessions are: who may resume them, and whose it may resume.
//!
//! All of it is the connection's own: what its context shows may be changed by other threads at any time.

use std::sync::atomic::{AtomicBool, Ordering};

use once_cell::race::OnceBox;

use super::adopt::state;
use super::process;
use super::state::ContextState;
use crate::openssl::{ConnectionRef, Shown, Trust};
use crate::shared::{Owner, Scope, ScopeParts, Verification, digest};

/// A scope that connections of a context were seen to have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// The certificates that they were made with.
    group: [u8; 32],
    pub(crate) scope: Scope,
}

/// Whose sessions those of a connection may be.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) owner: Owner,
    group: [u8; 32],
    /// It is known which service the client wants: the connection shows other certificates than it was made with.
    is_settled: bool,
}

impl Place {
    /// The widest of its scopes.
    pub(super) fn known(&self) -> Known {
        Known { group: self.group, scope: self.owner.common.unwrap_or(self.owner.own) }
    }
}

/// Of this connection, as it is now. Nothing where not even that can be told.
pub(super) fn of(state: &ContextState, connection: ConnectionRef<'_>) -> Option<Place> {
    let shown = connection.shown(|| certified(state, connection))?;
    let common = common(connection, &shown);
    Some(Place {
        owner: Owner { common, own: state.own_scope?.of_group(&shown.first) },
        group: shown.first,
        is_settled: shown.first != shown.now,
    })
}

/// The scope that everybody has who is the same service. None where nobody but the operator could tell that from others, and he
/// has not.
fn common(connection: ConnectionRef<'_>, shown: &Shown) -> Option<Scope> {
    let vouched = is_vouched_for();
    // Who vouches for a service whose certificates a callback chooses has its sessions found before that is called.
    let is_chosen = shown.first == NONE && !shown.is_switched;
    let shown = if vouched && is_chosen { NONE } else { shown.now };
    // Perhaps a callback is yet to choose, or clients are known by something else.
    if shown == NONE && !vouched {
        return None;
    }
    let service = if shown == NONE { named(&NONE) } else { shown };
    let verification = verification(connection)?;
    if verification.mode == 0 {
        return Some(Scope::of_service(service));
    }
    // There are too many ways to verify a client, and to let him pass: callbacks, purposes, names, what a store is told. Not all can be seen.
    if !vouched {
        return None;
    }
    // He who vouches may still have forgotten what can be.
    let (authorities, trusted) = (connection.authorities()?, trusted(connection)?);
    Some(Scope::of(&ScopeParts { service, verification, authorities: &authorities, trusted }))
}

/// Looks at the certificates that a connection has been made with, while they are still those of its context.
pub(super) fn note_certificates(state: &ContextState, connection: ConnectionRef<'_>) {
    connection.shown(|| certified(state, connection));
}

/// Whether the operator has said which service this is.
pub(super) fn is_vouched_for() -> bool {
    !process::scope_name().is_empty()
}

/// Whether a connection asks its client for a certificate.
pub(super) fn asks(connection: ConnectionRef<'_>) -> bool {
    connection.verify_mode().is_none_or(|mode| mode != 0)
}

/// The operator's word and the certificates that a connection shows now; `NONE` if it has none.
fn certified(state: &ContextState, connection: ConnectionRef<'_>) -> Option<[u8; 32]> {
    let certificates = connection.certificates()?;
    if certificates.are_none() {
        return Some(NONE);
    }
    let digest = || Some(named(&digest_of("sesscache certificates", &certificates.ders()?)));
    state.certified.of(|kept| certificates.are(kept), || Some(certificates.keep()), digest)
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

/// Stands for no certificate at all.
const NONE: [u8; 32] = [0; 32];

fn digest_of(what: &str, certificates: &[Vec<u8>]) -> [u8; 32] {
    let parts = certificates.iter().map(Vec::as_slice);
    if certificates.is_empty() { NONE } else { digest(what, parts) }
}

/// The digest of whom the connection trusts; none is nobody, or who is found in a folder when he is wanted. Of a store it is
/// asked once: verifying may bring more certificates into it.
fn trusted(connection: ConnectionRef<'_>) -> Option<[u8; 32]> {
    let context = connection.current()?;
    let trust = match connection.own_trust()? {
        Some(own) => own,
        None => context.trust()?,
    };
    match state(context) {
        Some(state) => state.trusted.of(|kept| trust.is(kept), || trust.keep(), || digest_of_trust(&trust)),
        None => digest_of_trust(&trust),
    }
}

fn digest_of_trust(trust: &Trust<'_>) -> Option<[u8; 32]> {
    Some(digest_of("sesscache trust", &trust.certificates()?))
}

/// The digests of what connections of one context were seen to have. It is kept alive, and known again by being the same object.
pub(crate) struct Digests<K> {
    met: [OnceBox<(K, [u8; 32])>; MOST_KEPT],
}

/// Its context's and its connections' own, and those that take their place. What more there are is digested each time.
const MOST_KEPT: usize = 4;

impl<K> Default for Digests<K> {
    fn default() -> Digests<K> {
        Digests { met: Default::default() }
    }
}

impl<K> Digests<K> {
    fn of(
        &self,
        is: impl Fn(&K) -> bool,
        keep: impl FnOnce() -> Option<K>,
        digest: impl FnOnce() -> Option<[u8; 32]>,
    ) -> Option<[u8; 32]> {
        let mut met = self.met.iter().map_while(OnceBox::get);
        if let Some((_, digest)) = met.find(|(kept, _)| is(kept)) {
            return Some(*digest);
        }
        let digest = digest()?;
        if let Some(free) = self.met.iter().find(|place| place.get().is_none())
            && let Some(kept) = keep()
        {
            let _ = free.set(Box::new((kept, digest)));
        }
        Some(digest)
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

    /// Notes a scope.
    pub(super) fn met(&self, known: Known) {
        let new = || Box::new(known);
        if !self.met.iter().any(|place| *place.get_or_init(new) == known) {
            self.more.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn any(&self) -> bool {
        self.known().next().is_some()
    }

    /// Whether there are some that could not be noted.
    pub(super) fn are_more(&self) -> bool {
        self.more.load(Ordering::Relaxed)
    }

    /// All of them, and the context's own of each group of certificates.
    pub(super) fn all(&self, own: Option<Scope>) -> impl Iterator<Item = Scope> {
        let own_of = move |known: &Known| own.map(|own| own.of_group(&known.group));
        self.known().flat_map(move |known| std::iter::once(known.scope).chain(own_of(&known)))
    }

    /// Whether a connection may resume a session of this owner.
    ///
    /// Before it is known which service a client wants, its connection is still in the scope of another one of its context, whose own cache
    /// would not tell them apart either. Then its context's own sessions will do, and those of services that it was seen to become.
    pub(super) fn admit(&self, place: &Place, owner: &Owner) -> bool {
        let is_own = owner.own == place.owner.own;
        let Some(scope) = owner.common else { return is_own };
        let may_become = || self.known().any(|known| known.scope == scope && known.group == place.group);
        place.owner.common == Some(scope) || !place.is_settled && (is_own || may_become())
    }

    fn known(&self) -> impl Iterator<Item = Known> {
        self.met.iter().map_while(OnceBox::get).copied()
    }
}
