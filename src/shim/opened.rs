//! Sessions of the host tier that clients ask for again and again: opened once, and copied for each connection.
//!
//! To unseal a session and decode it is most of what a lookup in the region costs. So one that is found a second time is kept here as
//! libssl's object. Nothing is decided by that: the region says whether the session still stands, and each connection gets an object of
//! its own, as it does from the region. Whoever finds a place in use, by another thread or by one that a fork has left behind, does without.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use once_cell::race::OnceBox;

use super::process;
use crate::cache::SessionKey;
use crate::openssl::number::TLS1_3_VERSION;
use crate::openssl::{Session, SessionRef};
use crate::shared::Again;

/// How many sessions a context keeps, of about a kilobyte each.
pub(super) const PLACES: usize = 1024;
/// A longer one has its client's certificate, or a ticket, and takes more room.
pub(super) const DER_MAX: usize = 512;

/// Those of one context. Made with the first session that it finds.
#[derive(Default)]
pub(crate) struct Opened {
    places: OnceBox<Vec<Mutex<Place>>>,
    /// The place that is looked at next for what has expired.
    hand: AtomicUsize,
}

#[derive(Default)]
struct Place {
    /// What was found last and belongs here, by its hash.
    last: u64,
    kept: Option<Box<Kept>>,
}

struct Kept {
    key: SessionKey,
    again: Again,
    /// No connection ever has this object.
    session: Session,
}

/// Whether a session may be asked for often, and is small. Those of TLS 1.3 a client uses but once (RFC 8446, C.4). To copy one would
/// call the application's function for copies, if there is one, where nothing is copied without us.
pub(super) fn is_worth_it(key: &SessionKey, der: &[u8]) -> bool {
    key.version() != TLS1_3_VERSION && der.len() <= DER_MAX && !process::has_ex_data()
}

impl Opened {
    /// A copy of the session under this key and when its line of sessions began, if it is here and `counts`.
    pub(super) fn again(
        &self,
        key: &SessionKey,
        counts: impl FnOnce(&Again) -> bool,
    ) -> Option<(Session, i64)> {
        let places = self.places.get()?;
        let (session, again) = with(places, at(key), |place| {
            place.kept_for(key).map(|kept| (kept.session.clone(), kept.again))
        })??;
        if !counts(&again) {
            self.forget(key);
            return None;
        }
        Some((session.as_ref().copied()?, again.origin()))
    }

    /// A session was found in the region. If it is for the second time, it is kept.
    pub(super) fn found(&self, key: &SessionKey, again: Again, session: SessionRef<'_>, now: i64) {
        let places = self.places.get_or_init(|| Box::new((0..PLACES).map(|_| Mutex::default()).collect()));
        let hash = key.hash_here();
        let known = with(places, at(key), |place| std::mem::replace(&mut place.last, hash) == hash);
        if known != Some(true) {
            return;
        }
        // Not under the lock: there may be functions of the application for new sessions.
        let Some(session) = session.copied() else { return };
        let kept = Box::new(Kept { key: *key, again, session });
        drop(with(places, at(key), |place| place.kept.replace(kept)));
        let hand = self.hand.fetch_add(1, Ordering::Relaxed);
        drop(with(places, hand % PLACES, |place| place.kept.take_if(|kept| kept.again.expiry() < now)));
    }

    /// Lets go of a session.
    pub(super) fn forget(&self, key: &SessionKey) {
        let Some(places) = self.places.get() else { return };
        drop(with(places, at(key), |place| place.kept.take_if(|kept| kept.key == *key)));
    }

    /// Lets go of all of them.
    pub(super) fn clear(&self) {
        let Some(places) = self.places.get() else { return };
        (0..PLACES).for_each(|at| drop(with(places, at, |place| place.kept.take())));
    }
}

impl Place {
    fn kept_for(&self, key: &SessionKey) -> Option<&Kept> {
        self.kept.as_deref().filter(|kept| kept.key == *key)
    }
}

pub(super) fn at(key: &SessionKey) -> usize {
    key.hash_here() as usize % PLACES
}

/// What `work` makes of a place, unless that is in use. What it takes out is dropped by the caller: that may run the application's code.
fn with<T>(places: &[Mutex<Place>], at: usize, work: impl FnOnce(&mut Place) -> T) -> Option<T> {
    places.get(at)?.try_lock().ok().map(|mut place| work(&mut place))
}
