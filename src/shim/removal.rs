//! Sessions that leave: flushes, and the application's remove callback with stock's rules for each release.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;

use super::guard::guarded;
use super::share;
use super::state::{ContextState, Core, Phase, count};
use super::stored::Stored;
use crate::base::clock;
use crate::cache::{Order, SessionKey};
use crate::openssl::private::Private;
use crate::openssl::{ContextRef, SessionRef, Version, call_remove, libssl, scratch};

/// What a flush takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    Everything,
    /// What had expired by this second.
    ExpiredBy(i64),
}

impl Flush {
    /// The meaning of the time that `SSL_CTX_flush_sessions` is given.
    pub(crate) fn at(time: i64, version: Version) -> Flush {
        match time {
            0 => Flush::Everything,
            t if version.flushes_by_nanoseconds() => Flush::ExpiredBy(by_nanoseconds(t)),
            t => Flush::ExpiredBy(t),
        }
    }
}

/// The second up to which such a flush reaches: libssl multiplies in 64 unsigned bits, whatever comes out.
fn by_nanoseconds(time: i64) -> i64 {
    const SECOND: u64 = 1_000_000_000;
    let nanoseconds = u64::from_ne_bytes(time.to_ne_bytes()).wrapping_mul(SECOND);
    i64::try_from(nanoseconds.div_ceil(SECOND)).unwrap_or(i64::MAX)
}

thread_local! {
    /// The contexts (by serial, the innermost first) under whose locks stock would be running the application's code now.
    /// Deeper nesting than this is not followed.
    static UNDER_LOCK: Cell<[u64; 4]> = const { Cell::new([0; 4]) };
    /// The address of the session for which others have to make room now. libssl lists it, with its owner, only
    /// when they are gone.
    static NEWCOMER: Cell<usize> = const { Cell::new(0) };
    /// The context (by serial; 0: none) whose core has given up a session that this thread now has libssl remove.
    static TAKEN: Cell<u64> = const { Cell::new(0) };
    /// The context (by serial; 0: none) of a connection that this thread ends, whose session others may go on using.
    static ENDING: Cell<u64> = const { Cell::new(0) };
}

fn under_lock() -> [u64; 4] {
    UNDER_LOCK.try_with(Cell::get).unwrap_or_default()
}

/// Whether stock could not take the context's lock here, because this thread's callback runs under it.
pub(crate) fn refuses(state: &ContextState) -> bool {
    is_under_lock(state) && libssl().is_some_and(|libssl| libssl.version.refuses_reentry())
}

/// Whether this thread is in a remove callback that stock would have called under the context's lock.
pub(super) fn is_under_lock(state: &ContextState) -> bool {
    under_lock().contains(&state.serial)
}

/// The same for the context that a session is stored in.
pub(crate) fn refuses_owner_of(session: SessionRef<'_>) -> bool {
    let under = under_lock();
    under != [0; 4]
        && NEWCOMER.try_with(Cell::get) != Ok(session.as_ptr().addr())
        && libssl().is_some_and(|libssl| libssl.version.refuses_reentry())
        && super::registry::owner(session).is_some_and(|owner| under.contains(&owner))
}

/// Tells the application that a session left. As in libssl, its pointer is read at the last moment.
fn tell(state: &ContextState, context: ContextRef<'_>, session: SessionRef<'_>) {
    if let Some(callback) = state.app.remove.get() {
        call_remove(callback, context, session);
    }
}

/// The same from where stock holds the context's write lock. Left by longjmp, this thread stays locked out
/// of this context, as it would be in libssl.
fn tell_under_lock(state: &ContextState, context: ContextRef<'_>, session: SessionRef<'_>) {
    if context.libssl.version.removes_in_batches() {
        return tell(state, context, session);
    }
    as_under_lock(state, || tell(state, context, session));
}

/// Runs what stock runs under the context's write lock.
fn as_under_lock(state: &ContextState, work: impl FnOnce()) {
    let outer = under_lock();
    let [first, second, third, _] = outer;
    let _ = UNDER_LOCK.try_with(|under| under.set([state.serial, first, second, third]));
    work();
    let _ = UNDER_LOCK.try_with(|under| under.set(outer));
}

/// Lets go of a session where stock does so under the context's write lock: free functions of its ex_data may come back to us.
pub(super) fn drop_under_lock(state: &ContextState, session: Stored) {
    as_under_lock(state, || guarded(state, (), || drop(session)));
}

/// `SSL_CTX_flush_sessions` as far as the core is concerned.
pub(super) fn flush(state: &ContextState, context: ContextRef<'_>, what: Flush) {
    let Some(core) = state.core() else { return };
    if context.libssl.version.removes_in_batches() {
        return flush_batch(state, core, context, what);
    }
    if let (Flush::ExpiredBy(time), Order::Insertion) = (what, state.rules.order) {
        // What has expired may stand anywhere.
        return flush_listed(state, core, context, guarded(state, Vec::new(), || core.expired(time)));
    }
    flush_in_turn(state, core, context, what);
}

/// As 4.0 does it: all are unlinked first, and the callbacks come afterwards.
fn flush_batch(state: &ContextState, core: &Core, context: ContextRef<'_>, what: Flush) {
    let batch = guarded(state, Vec::new(), || {
        let batch = match what {
            Flush::Everything => core.drain(),
            Flush::ExpiredBy(time) => core.expire(time),
        };
        batch.iter().for_each(|session| scratch::mark_not_resumable(session.as_ref()));
        batch
    });
    state.counters.flushed.fetch_add(batch.len() as u64, Ordering::Relaxed);
    deliver(state, context, ManuallyDrop::new(batch));
}

/// As the others do it: each session is unlinked just before its callback, which sees the rest still counted.
fn flush_in_turn(state: &ContextState, core: &Core, context: ContextRef<'_>, what: Flush) {
    let horizon = core.horizon();
    let mut waiting = ManuallyDrop::new(Vec::new());
    let take = || match what {
        Flush::Everything => core.pop(horizon),
        Flush::ExpiredBy(time) => core.pop_expired(time, horizon),
    };
    while let Some(session) = guarded(state, None, || take().map(marked)) {
        count(&state.counters.flushed);
        tell_under_lock(state, context, session.as_ref());
        let session = ManuallyDrop::into_inner(session);
        if context.libssl.version.flush_frees_at_the_end() {
            waiting.push(session);
        } else {
            drop_under_lock(state, session);
        }
    }
    guarded(state, (), || core.release_memory());
    guarded(state, (), || drop(ManuallyDrop::into_inner(waiting)));
}

/// The same for a list of what shall go, as far as it is still there.
fn flush_listed(
    state: &ContextState,
    core: &Core,
    context: ContextRef<'_>,
    mut list: Vec<(SessionKey, Stored)>,
) {
    list.reverse();
    let mut list = ManuallyDrop::new(list);
    while let Some((key, handle)) = list.pop() {
        if let Some(session) = guarded(state, None, || core.remove_same(&key, &handle).map(marked)) {
            guarded(state, (), || drop(handle));
            count(&state.counters.flushed);
            tell_under_lock(state, context, session.as_ref());
            drop_under_lock(state, ManuallyDrop::into_inner(session));
        }
    }
    guarded(state, (), || drop(ManuallyDrop::into_inner(list)));
}

/// Marked not resumable, and ready to be told of.
fn marked(session: Stored) -> ManuallyDrop<Stored> {
    scratch::mark_not_resumable(session.as_ref());
    ManuallyDrop::new(session)
}

/// Calls back for each, the last one first, and lets go of it right afterwards.
fn deliver(state: &ContextState, context: ContextRef<'_>, mut stack: ManuallyDrop<Vec<Stored>>) {
    while let Some(session) = stack.pop().map(ManuallyDrop::new) {
        tell_under_lock(state, context, session.as_ref());
        guarded(state, (), || drop(ManuallyDrop::into_inner(session)));
    }
    guarded(state, (), || drop(ManuallyDrop::into_inner(stack)));
}

/// libssl asks only once whether there is a limit: one that a callback takes away meanwhile is a limit of none.
fn next_victim(state: &ContextState, core: &Core, newest: &SessionKey) -> Option<Stored> {
    core.evict(newest, state.app.limit().max(1))
}

/// Evicts whoever has to go for `newcomer`, which is stored under `key` and must stay.
pub(super) fn make_room(
    state: &ContextState,
    core: &Core,
    context: ContextRef<'_>,
    (key, newcomer): (&SessionKey, SessionRef<'_>),
) {
    let outer = NEWCOMER.try_with(|it| it.replace(newcomer.as_ptr().addr())).unwrap_or_default();
    evict(state, core, context, key);
    let _ = NEWCOMER.try_with(|it| it.set(outer));
}

/// Evicts while the core is fuller than its limit allows; `newest` is the one that must stay.
fn evict(state: &ContextState, core: &Core, context: ContextRef<'_>, newest: &SessionKey) {
    let in_batches = context.libssl.version.removes_in_batches();
    let mut waiting = ManuallyDrop::new(Vec::new());
    while let Some(victim) = guarded(state, None, || next_victim(state, core, newest).map(marked)) {
        if in_batches {
            count(&state.counters.evicted);
            waiting.push(ManuallyDrop::into_inner(victim));
        } else {
            tell_under_lock(state, context, victim.as_ref());
            drop_under_lock(state, ManuallyDrop::into_inner(victim));
            // libssl counts it only now, so this is what the callback sees.
            count(&state.counters.evicted);
        }
    }
    deliver(state, context, waiting);
}

/// Runs `call`, the real removal of a session that was taken out of the core just now. Its trampoline must not take again
/// what another thread has stored in between.
pub(super) fn after_taking<T>(state: &ContextState, call: impl FnOnce() -> T) -> T {
    let _ = TAKEN.try_with(|taken| taken.set(state.serial));
    let result = call();
    was_taken(state);
    result
}

/// Whether `after_taking` waits for this trampoline. Asked before the application is told, which may longjmp.
fn was_taken(state: &ContextState) -> bool {
    TAKEN.try_with(|taken| taken.replace(0)) == Ok(state.serial)
}

/// Runs `end`, which ends a connection. Should a callback leave by longjmp, the mark goes with the context's next removal.
pub(super) fn while_ending<T>(state: &ContextState, end: impl FnOnce() -> T) -> T {
    let _ = ENDING.try_with(|ending| ending.set(state.serial));
    let result = end();
    goes_on(state);
    result
}

/// Whether this removal is that of `while_ending`: there is one at most. Asked before the application is told, which may longjmp.
fn goes_on(state: &ContextState) -> bool {
    ENDING.try_with(|ending| ending.replace(0)) == Ok(state.serial)
}

/// A session that was removed by its id: the callback gets the caller's object, and the reference that the
/// core had to its own is dropped afterwards. No lock is held here in any release.
fn remove(state: &ContextState, context: ContextRef<'_>, session: SessionRef<'_>) {
    let taken = was_taken(state);
    let stored = ManuallyDrop::new(if taken { None } else { guarded(state, None, || take(state, session)) });
    // A context that was given back also tells of what it evicts, and of what it has when it ends.
    if !goes_on(state) && state.phase() != Phase::GivenBack {
        guarded(state, (), || share::invalidate(state, session));
    }
    tell(state, context, session);
    guarded(state, (), || drop(ManuallyDrop::into_inner(stored)));
}

/// Takes whatever the core has under this session's id.
pub(super) fn take(state: &ContextState, session: SessionRef<'_>) -> Option<Stored> {
    let key = SessionKey::new(session.protocol_version(), session.id())?;
    let stored = state.core()?.remove_where(&key, |stored| stored.answers_to(&key))?;
    count(&state.counters.removed);
    Some(stored)
}

/// The remove trampoline: a sentinel of ours says what libssl is doing, anything else was removed by its id.
pub(super) fn on_remove(state: &ContextState, context: ContextRef<'_>, session: SessionRef<'_>) {
    match guarded(state, None, || Private::of(session)) {
        Some(Private::Tick) if state.tick.disarm() => {
            flush(state, context, Flush::ExpiredBy(clock::now()));
        }
        Some(Private::Fin) if state.fin.disarm() => {
            flush(state, context, Flush::Everything);
        }
        Some(_) => {}
        None => remove(state, context, session),
    }
}
