//! Finding a session for a client that asks for one: the tiers, in their order.
//!
//! The core comes first, then what the processes of the host share, then the application's get callback.

use std::mem::ManuallyDrop;
use std::ptr::null_mut;

use super::answer::Reference;
use super::guard::guarded;
use super::state::{ContextState, count};
use super::stored::Stored;
use super::{removal, sentinel, share, store};
use crate::base::log::{self, Level};
use crate::cache::SessionKey;
use crate::openssl::number::*;
use crate::openssl::{ConnectionRef, ContextRef, GetCb, Question, SSL_SESSION, Session, SessionRef};
use crate::shared::Counter;

/// What our own tiers say.
enum Found {
    /// A session, with the reference that libssl shall have.
    Ours(*mut SSL_SESSION),
    /// Nothing; now it is the application's turn, if it wants one.
    Ask(Option<GetCb>),
    /// Nothing, and stock could not even have asked.
    Refused,
}

/// The get trampoline.
pub(super) fn on_get(
    state: &ContextState,
    context: ContextRef<'_>,
    question: &Question<'_>,
) -> *mut SSL_SESSION {
    match guarded(state, Found::Ask(state.app.get.get()), || lookup(state, context, question)) {
        Found::Ours(session) => {
            question.set_copy(Reference::Owned.flag());
            session
        }
        Found::Ask(Some(callback)) => {
            question.connection.note_origin(None);
            count(&state.counters.asked);
            let answer = question.ask(callback);
            accept(state, context, question, answer);
            answer
        }
        Found::Ask(None) | Found::Refused => null_mut(),
    }
}

fn lookup(state: &ContextState, context: ContextRef<'_>, question: &Question<'_>) -> Found {
    #[cfg(feature = "fault-injection")]
    super::fault::at("lookup");
    let ask = Found::Ask(state.app.get.get());
    if !state.is_serving() {
        return ask;
    }
    let Some(key) = SessionKey::new(question.connection.session_version(), question.id()) else { return ask };
    if state.app.looks_up() && removal::refuses(state) {
        return Found::Refused;
    }
    // A connection that is used again by SSL_clear comes by nowhere else.
    sentinel::plant(state, context);
    if state.app.looks_up()
        && let Some(session) = from_core(state, context, question, &key)
    {
        return Found::Ours(session.into_ptr());
    }
    if let Some(session) = from_host(state, context, question, &key) {
        return Found::Ours(session.into_ptr());
    }
    if state.app.looks_up() {
        count(&state.counters.misses);
    }
    ask
}

fn from_core(
    state: &ContextState,
    context: ContextRef<'_>,
    question: &Question<'_>,
    key: &SessionKey,
) -> Option<Session> {
    let core = state.core()?;
    let stored = core.get(key).filter(|stored| stored.answers_to(key))?;
    if !share::counts(&stored) {
        drop(core.remove_same(key, &stored));
        return None;
    }
    // A marked one libssl will not even look at: nothing would take it out of the real table again.
    let accepted = !context.libssl.version.tests_resumable() || stored.as_ref().is_resumable();
    if accepted && is_single_use(question.connection, key.version()) {
        take_for_single_use(state, context, key, &stored)?;
    }
    question.connection.note_origin(stored.share.as_ref().map(|share| share.origin));
    count_hit(state, accepted);
    share::found_in(Counter::Own);
    Some(stored.session)
}

/// What another process, or an earlier run of this one, has shared.
fn from_host(
    state: &ContextState,
    context: ContextRef<'_>,
    question: &Question<'_>,
    key: &SessionKey,
) -> Option<Session> {
    let taking = is_single_use(question.connection, key.version());
    let found = share::find(state, question.connection, key, taking)?;
    if taking {
        put_into_real(context, found.as_ref());
    }
    count_hit(state, true);
    Some(found)
}

fn count_hit(state: &ContextState, counted_by_libssl: bool) {
    count(&state.counters.hits);
    if counted_by_libssl {
        count(&state.counters.counted_by_libssl);
    }
}

/// Whether libssl will remove the session from its own table before it resumes it, and insist on finding it.
fn is_single_use(connection: ConnectionRef<'_>, version: i32) -> bool {
    version == TLS1_3_VERSION && connection.is_server() && connection.has_anti_replay()
}

/// Out of the core, so that one connection wins, and into the real table, from which libssl removes it next.
fn take_for_single_use(
    state: &ContextState,
    context: ContextRef<'_>,
    key: &SessionKey,
    stored: &Stored,
) -> Option<()> {
    let taken = state.core()?.remove_same(key, stored)?;
    if !share::take(&taken) {
        return None;
    }
    put_into_real(context, taken.as_ref());
    Some(())
}

fn put_into_real(context: ContextRef<'_>, session: SessionRef<'_>) {
    if !context.add_to_real(session) {
        log::write(Level::Debug, "a session for single use could not be put into libssl's table");
    }
}

/// Does for the application's answer what libssl would do: stores it, if the mode says so.
fn accept(state: &ContextState, context: ContextRef<'_>, question: &Question<'_>, answer: *mut SSL_SESSION) {
    let Some(session) = question.answered(answer) else { return };
    count(&state.counters.answered);
    share::found_in(Counter::Application);
    let accepted = guarded(state, false, || {
        state.is_serving() && !(context.libssl.version.tests_resumable() && session.is_marked())
    });
    if !accepted {
        return;
    }
    if state.app.stores() {
        let held = ManuallyDrop::new(guarded(state, None, || hold_lent(question, session)));
        store::add(state, context, session, None);
        if held.is_some() {
            question.set_copy(Reference::Owned.flag());
        }
    }
    guarded(state, (), || {
        let version = question.connection.session_version();
        if is_single_use(question.connection, version) && is_stored(state, session) {
            context.add_to_real(session);
        }
    });
}

/// libssl takes its reference to a lent answer before it stores it, so that the callbacks of those who have to
/// make room may let go of theirs. So do we; it is libssl's afterwards.
fn hold_lent(question: &Question<'_>, answer: SessionRef<'_>) -> Option<Session> {
    match Reference::of(question.copy()) {
        Reference::Lent => answer.to_owned(),
        Reference::Owned => None,
    }
}

/// Whether libssl would find a session of this id in its cache. It removes nothing that has no id.
fn is_stored(state: &ContextState, session: SessionRef<'_>) -> bool {
    let key = SessionKey::new(session.protocol_version(), session.id()).filter(|_| !session.id().is_empty());
    key.zip(state.core())
        .is_some_and(|(key, core)| core.contains_where(&key, |stored| stored.answers_to(&key)))
}
