//! Finding a session for a client that asks for one: the tiers, in their order.
//!
//! The core comes first, then the application's get callback. (The tier that a host's processes share has its
//! place between the two, in `lookup`.)

use std::mem::ManuallyDrop;
use std::ptr::null_mut;

use super::answer::Reference;
use super::guard::guarded;
use super::state::{ContextState, count};
use super::{removal, sentinel, store};
use crate::base::log::{self, Level};
use crate::cache::SessionKey;
use crate::openssl::number::*;
use crate::openssl::{ConnectionRef, ContextRef, GetCb, Question, SSL_SESSION, Session, SessionRef};

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
    if !state.is_serving() || !state.app.looks_up() {
        return ask;
    }
    if removal::refuses(state) {
        return Found::Refused;
    }
    // A connection that is used again by SSL_clear comes by nowhere else.
    sentinel::plant(state, context);
    match from_core(state, context, question) {
        Some(session) => Found::Ours(session.into_ptr()),
        None => {
            count(&state.counters.misses);
            ask
        }
    }
}

fn from_core(state: &ContextState, context: ContextRef<'_>, question: &Question<'_>) -> Option<Session> {
    let core = state.core()?;
    let version = question.connection.session_version();
    let key = SessionKey::new(version, question.id())?;
    let mut session = core.get(&key)?;
    if session.as_ref().id() != question.id() {
        // Its id was changed while it was stored: libssl finds such a session under neither id.
        return None;
    }
    // A marked one libssl will not even look at: nothing would take it out of the real table again.
    let accepted = !context.libssl.version.tests_resumable() || session.as_ref().is_resumable();
    if accepted && is_single_use(question.connection, version) {
        session = take_for_single_use(state, context, &key, &session)?;
    }
    count(&state.counters.hits);
    if accepted {
        count(&state.counters.counted_by_libssl);
    }
    Some(session)
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
    session: &Session,
) -> Option<Session> {
    let taken = state.core()?.remove_same(key, session)?;
    if !context.add_to_real(taken.as_ref()) {
        log::write(Level::Debug, "a session for single use could not be put into libssl's table");
    }
    Some(taken)
}

/// Does for the application's answer what libssl would do: stores it, if the mode says so.
fn accept(state: &ContextState, context: ContextRef<'_>, question: &Question<'_>, answer: *mut SSL_SESSION) {
    let Some(session) = question.answered(answer) else { return };
    count(&state.counters.answered);
    let accepted = guarded(state, false, || {
        state.is_serving() && !(context.libssl.version.tests_resumable() && session.is_marked())
    });
    if !accepted {
        return;
    }
    if state.app.stores() {
        let held = ManuallyDrop::new(guarded(state, None, || hold_lent(question, session)));
        store::add(state, context, session);
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
    key.zip(state.core()).is_some_and(|(key, core)| core.contains(&key))
}
