//! The cache inside a context, as each release has it: who finds whom, who goes first, who is called when.

use std::sync::Arc;

use libc::c_int;

use super::context::{ContextBody, FakeContext};
use super::lock::Taken;
use super::session::{FakeSession, Fields};
use super::{Release, by_release};
use crate::base::clock;
use crate::openssl::types::number::*;

/// The sessions of a context.
#[derive(Default)]
pub(super) struct Cached {
    /// The list, its tail first: in the order of going.
    list: Vec<Entry>,
    /// In the hash table already, and not yet in the list.
    arriving: Option<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    session: FakeSession,
    /// Where in the hash table it stands: by the first bytes of the id that it had when it came.
    bucket: [u8; 4],
}

impl Entry {
    fn of(session: FakeSession) -> Entry {
        Entry { session, bucket: bucket(&session.id()) }
    }
}

fn bucket(id: &[u8]) -> [u8; 4] {
    std::array::from_fn(|at| id.get(at).copied().unwrap_or_default())
}

impl Cached {
    pub(super) fn number(&self) -> usize {
        self.list.len() + usize::from(self.arriving.is_some())
    }

    pub(super) fn in_order(&self) -> Vec<FakeSession> {
        self.list.iter().map(|entry| entry.session).collect()
    }

    pub(super) fn find(&self, version: c_int, id: &[u8]) -> Option<FakeSession> {
        let all = self.list.iter().chain(&self.arriving).filter(|entry| entry.bucket == bucket(id));
        all.map(|entry| entry.session).find(|session| {
            session.read(|fields| fields.version == version && fields.id() == id) == Some(true)
        })
    }

    /// Takes a session out of list and hash table; its reference is the caller's now.
    fn unlink(&mut self, session: FakeSession) {
        self.list.retain(|entry| entry.session != session);
        session.read(|fields| fields.owner = None);
    }

    /// From 3.0 on: before the first, from the head, that does not expire later. (With shortcuts for both ends
    /// that show where the list is out of order.)
    fn link_sorted(&mut self, entry: Entry) {
        self.list.retain(|other| other.session != entry.session);
        let expiry = |entry: &Entry| entry.session.read(|fields| fields.expiry()).unwrap_or_default();
        let own = expiry(&entry);
        let at = match (self.list.first(), self.list.last()) {
            (_, Some(head)) if own >= expiry(head) => self.list.len(),
            (Some(tail), _) if own < expiry(tail) => 0,
            _ => {
                let below_head = self.list.len().saturating_sub(1);
                self.list[..below_head].iter().rposition(|other| own >= expiry(other)).map_or(0, |at| at + 1)
            }
        };
        self.list.insert(at, entry);
    }
}

/// A context's lock, from here to the end of the scope.
struct Held {
    body: Arc<ContextBody>,
    taken: Taken,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.taken == Taken::Now {
            self.body.lock.release();
        }
    }
}

/// From 3.0 on it is noticed when a thread asks for a lock that it has; 1.1.1 goes on as if it had got it.
fn hold(context: FakeContext) -> Option<Held> {
    let body = context.body()?;
    let taken = body.lock.take();
    if taken == Taken::Before && !Release::played().is_old() {
        body.world.refused_lock();
        return None;
    }
    Some(Held { body, taken })
}

/// `SSL_CTX_add_session`.
pub(super) fn add(context: FakeContext, session: FakeSession) -> c_int {
    if !session.up_ref() {
        return 0;
    }
    let Some(held) = hold(context) else {
        session.free();
        return 0;
    };
    let known = enter(context, session);
    if mode(context) & MODE_UPDATE_TIME != 0 && !Release::played().is_old() {
        session.read(|fields| fields.time = clock::now());
    }
    if known {
        if by_release(false, true, false, false) {
            arrive(context, session);
        }
        session.free();
        return 0;
    }
    let evicted = make_room_and_arrive(context, session);
    drop(held);
    for victim in evicted.into_iter().rev() {
        tell(context, victim);
        victim.free();
    }
    1
}

/// Into the hash table. True if that very object was there already.
fn enter(context: FakeContext, session: FakeSession) -> bool {
    let (version, id) = session.read(|fields| (fields.version, fields.id().to_vec())).unwrap_or_default();
    let before = context.read(|fields| fields.cached.find(version, &id)).flatten();
    if before == Some(session) {
        return true;
    }
    if let Some(other) = before {
        context.read(|fields| fields.cached.unlink(other));
        other.free();
    }
    context.read(|fields| fields.cached.arriving = Some(Entry::of(session)));
    false
}

/// Into the list.
fn arrive(context: FakeContext, session: FakeSession) {
    context.read(|fields| {
        let entry = fields.cached.arriving.take().unwrap_or_else(|| Entry::of(session));
        match Release::played().is_old() {
            true => fields.cached.list.push(entry),
            false => fields.cached.link_sorted(entry),
        }
    });
    session.read(|fields| fields.owner = Some(context));
}

/// 1.1.1 lists the newcomer and then makes room; the others make room first, but count it already. Only 4.0 has
/// victims left to be told of without the lock.
fn make_room_and_arrive(context: FakeContext, session: FakeSession) -> Vec<FakeSession> {
    let old = Release::played().is_old();
    if old {
        arrive(context, session);
    }
    let mut waiting = Vec::new();
    if context.ctrl_by_libssl(CTRL_GET_SESS_CACHE_SIZE) > 0 {
        while is_too_full(context, old)
            && let Some(victim) = unlink_tail(context)
        {
            if by_release(true, true, true, false) {
                tell(context, victim);
                victim.free();
            } else {
                waiting.push(victim);
            }
            context.read(|fields| fields.stats.cache_full += 1);
        }
    }
    if !old {
        arrive(context, session);
    }
    waiting
}

fn is_too_full(context: FakeContext, old: bool) -> bool {
    let number = context.ctrl_by_libssl(CTRL_SESS_NUMBER);
    let size = context.ctrl_by_libssl(CTRL_GET_SESS_CACHE_SIZE);
    number > size || (!old && number == size)
}

/// The tail, unless it has no id: that one stays, and all behind it.
fn unlink_tail(context: FakeContext) -> Option<FakeSession> {
    let tail = first(context)?;
    if tail.id().is_empty() {
        return None;
    }
    context.read(|fields| fields.cached.unlink(tail));
    tail.mark();
    Some(tail)
}

/// `SSL_CTX_remove_session`.
pub(super) fn remove(context: FakeContext, session: FakeSession) -> c_int {
    let (version, id) = session.read(|fields| (fields.version, fields.id().to_vec())).unwrap_or_default();
    if id.is_empty() {
        return 0;
    }
    let Some(held) = hold(context) else { return 0 };
    let found = context.read(|fields| fields.cached.find(version, &id)).flatten();
    if let Some(found) = found {
        context.read(|fields| fields.cached.unlink(found));
    }
    session.mark();
    drop(held);
    tell(context, session);
    if let Some(found) = found {
        found.free();
    }
    c_int::from(found.is_some())
}

fn is_later(time: i64, expiry: i64) -> bool {
    time > expiry
}

/// From 3.2 on times are unsigned nanoseconds, and the one that a flush is given wraps around.
fn is_later_by_nanoseconds(time: i64, expiry: i64) -> bool {
    const SECOND: u64 = 1_000_000_000;
    let expiry = u64::try_from(expiry).unwrap_or_default();
    time.cast_unsigned().wrapping_mul(SECOND) > expiry.saturating_mul(SECOND)
}

/// `SSL_CTX_flush_sessions`, and `_ex`.
pub(super) fn flush(context: FakeContext, time: i64) {
    let Some(held) = hold(context) else { return };
    let by_nanoseconds = by_release(false, false, true, true);
    let is_past = if by_nanoseconds { is_later_by_nanoseconds } else { is_later };
    let expired = |fields: &mut Fields| time == 0 || is_past(time, fields.expiry());
    let mut waiting = Vec::new();
    // 1.1.1 goes once through its hash table, in an order as good as any.
    let mut once = context.cached().into_iter();
    let mut next = || match Release::played().is_old() {
        true => once.find(|session| is_cached(context, *session) && session.read(expired) == Some(true)),
        false => first(context).filter(|session| session.read(expired) == Some(true)),
    };
    while let Some(session) = next() {
        context.read(|fields| fields.cached.unlink(session));
        session.mark();
        if by_release(true, true, true, false) {
            tell(context, session);
        }
        if by_release(true, false, false, false) {
            session.free();
        } else {
            waiting.push(session);
        }
    }
    drop(held);
    if by_release(true, true, true, false) {
        waiting.into_iter().for_each(FakeSession::free);
        return;
    }
    while let Some(session) = waiting.pop() {
        tell(context, session);
        session.free();
    }
}

fn is_cached(context: FakeContext, session: FakeSession) -> bool {
    context.cached().contains(&session)
}

/// The tail of the list.
fn first(context: FakeContext) -> Option<FakeSession> {
    context.read(|fields| fields.cached.list.first().map(|entry| entry.session)).flatten()
}

/// `SSL_CTX_free`, after the flush: what was stored since.
pub(super) fn drop_all(context: FakeContext) {
    for session in context.cached() {
        context.read(|fields| fields.cached.unlink(session));
        session.free();
    }
}

/// A setter of a session's time. From 3.0 on a cached one moves to its new place.
pub(super) fn changing_time(session: FakeSession, change: impl FnOnce(&mut Fields)) -> bool {
    let owner = session.read(|fields| fields.owner).flatten().filter(|_| !Release::played().is_old());
    let Some(context) = owner else { return session.read(change).is_some() };
    let Some(_held) = hold(context) else { return false };
    session.read(change);
    arrive(context, session);
    true
}

/// A lookup, which takes a reference. `Err`: the lock was refused.
pub(super) fn lookup(context: FakeContext, version: c_int, id: &[u8]) -> Result<Option<FakeSession>, ()> {
    let _held = hold(context).ok_or(())?;
    let found = context.read(|fields| fields.cached.find(version, id)).flatten();
    Ok(found.filter(|session| session.up_ref()))
}

fn mode(context: FakeContext) -> u32 {
    context.read(|fields| fields.mode).unwrap_or_default()
}

/// The remove callback, as it is set at this moment.
fn tell(context: FakeContext, session: FakeSession) {
    if let Some(callback) = context.read(|fields| fields.remove).flatten() {
        // SAFETY: it was set for just this, and both objects are alive.
        unsafe { callback(context.as_ptr(), session.as_ptr()) };
    }
}
