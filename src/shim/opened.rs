//! Sessions of the host tier that clients ask for again and again: opened once, and copied for each connection.
//!
//! To unseal a session and decode it is most of what a lookup in the region costs. So one that is found a second time is kept here as
//! libssl's object. Nothing is decided by that: the region says whether the session still stands, and each connection gets an object of
//! its own, as it does from the region. Whoever finds a bucket in use, by another thread or by one that a fork has left behind, does without.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use once_cell::race::OnceBox;

use super::process;
use crate::cache::SessionKey;
use crate::openssl::number::TLS1_3_VERSION;
use crate::openssl::{Session, SessionRef};
use crate::shared::Again;

/// How many sessions a context keeps, of about a kilobyte each: so many times `WAYS`.
pub(super) const BUCKETS: usize = 256;
pub(super) const WAYS: usize = 4;
/// A longer one has its client's certificate, or a ticket, and takes more room.
pub(super) const DER_MAX: usize = 512;

/// Those of one context. Made with the first session that it finds.
#[derive(Default)]
pub(crate) struct Opened {
    buckets: OnceBox<Vec<Mutex<Bucket>>>,
    /// The bucket that is looked at next for what has expired.
    hand: AtomicUsize,
}

#[derive(Default)]
struct Bucket {
    /// What was found last and belongs here, by its hash.
    found: [u64; WAYS],
    kept: [Option<Box<Kept>>; WAYS],
    /// Who gives way next, here and there.
    turn: usize,
}

struct Kept {
    key: SessionKey,
    again: Again,
    /// No connection ever has this object.
    session: Session,
}

/// Whether a session may be asked for often, and is small. Those of TLS 1.3 a client uses but once (RFC 8446, C.4).
pub(super) fn is_worth_it(key: &SessionKey, der: &[u8]) -> bool {
    key.version() != TLS1_3_VERSION && der.len() <= DER_MAX && may_copy()
}

/// To copy a session calls the application's function for copies, if there is one, where nothing is copied without us.
fn may_copy() -> bool {
    !process::has_ex_data()
}

impl Opened {
    /// A copy of the session under this key and when its line of sessions began, if it is here and `counts`.
    pub(super) fn again(
        &self,
        key: &SessionKey,
        counts: impl FnOnce(&Again) -> bool,
    ) -> Option<(Session, i64)> {
        if !may_copy() {
            return None;
        }
        let (session, again) = self
            .with(at(key), |bucket| bucket.kept_for(key).map(|kept| (kept.session.clone(), kept.again)))??;
        if !counts(&again) {
            self.forget(key);
            return None;
        }
        Some((session.as_ref().copied()?, again.origin()))
    }

    /// A session was found in the region. If it is for the second time, it is kept.
    pub(super) fn found(&self, key: &SessionKey, again: Again, session: SessionRef<'_>, now: i64) {
        self.buckets.get_or_init(|| Box::new((0..BUCKETS).map(|_| Mutex::default()).collect()));
        self.sweep(now);
        if self.with(at(key), |bucket| bucket.has_found(key.hash_here())) != Some(true) {
            return;
        }
        // Not under the lock: there may be functions of the application for new sessions.
        let Some(session) = session.copied() else { return };
        let kept = Box::new(Kept { key: *key, again, session });
        drop(self.with(at(key), |bucket| bucket.keep(kept)));
    }

    fn sweep(&self, now: i64) {
        let hand = self.hand.fetch_add(1, Ordering::Relaxed) % BUCKETS;
        drop(self.with(hand, |bucket| bucket.take_if(|kept| kept.again.expiry() < now)));
    }

    /// Lets go of a session.
    pub(super) fn forget(&self, key: &SessionKey) {
        drop(self.with(at(key), |bucket| bucket.take_if(|kept| kept.key == *key)));
    }

    /// Lets go of all of them.
    pub(super) fn clear(&self) {
        (0..BUCKETS).for_each(|at| drop(self.with(at, |bucket| bucket.take_if(|_| true))));
    }

    /// What `work` makes of a bucket, unless that is in use. What it takes out is dropped by the caller: that may run the application's code.
    fn with<T>(&self, at: usize, work: impl FnOnce(&mut Bucket) -> T) -> Option<T> {
        self.buckets.get()?.get(at)?.try_lock().ok().map(|mut bucket| work(&mut bucket))
    }
}

impl Bucket {
    /// Whether a session of this hash was found before. Now it was.
    fn has_found(&mut self, hash: u64) -> bool {
        let known = self.found.contains(&hash);
        let turn = self.next_turn();
        if let Some(place) = self.found.get_mut(turn).filter(|_| !known) {
            *place = hash;
        }
        known
    }

    /// Keeps a session; who gave way for it.
    fn keep(&mut self, kept: Box<Kept>) -> Option<Box<Kept>> {
        let turn = self.next_turn();
        let same = |other: &Option<Box<Kept>>| other.as_ref().is_some_and(|other| other.key == kept.key);
        let place = self.kept.iter().position(same).or_else(|| self.kept.iter().position(Option::is_none));
        self.kept.get_mut(place.unwrap_or(turn))?.replace(kept)
    }

    fn next_turn(&mut self) -> usize {
        self.turn = (self.turn + 1) % WAYS;
        self.turn
    }

    fn kept_for(&self, key: &SessionKey) -> Option<&Kept> {
        self.kept.iter().flatten().map(Box::as_ref).find(|kept| kept.key == *key)
    }

    fn take_if(&mut self, is_meant: impl Fn(&Kept) -> bool) -> [Option<Box<Kept>>; WAYS] {
        self.kept.each_mut().map(|place| place.take_if(|kept| is_meant(kept)))
    }
}

pub(super) fn at(key: &SessionKey) -> usize {
    key.hash_here() as usize % BUCKETS
}
