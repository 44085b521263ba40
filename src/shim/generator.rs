//! Session id generators of the application.
//!
//! libssl looks a generated id up in its own table, and refuses the handshake if it is taken. A libssl that is
//! linked `-Bsymbolic` would only find what stands in the real table, so a conflict with a session of ours
//! is shown to it there. (The default generator makes 32 random bytes; that needs no help.)

use libc::c_int;

use super::guard::guarded;
use super::state::ContextState;
use crate::cache::SessionKey;
use crate::openssl::{ConnectionRef, ContextRef, GenerateCb, IdRequest, Session, private, trampolines};

/// `SSL_CTX_set_generate_session_id`.
pub(crate) fn set_on_context(
    state: &ContextState,
    context: ContextRef<'_>,
    generator: Option<GenerateCb>,
) -> c_int {
    state.app.generate.set(generator);
    context.set_generator(generator.map(|_| trampolines::generate_id::<ContextState> as GenerateCb))
}

/// `SSL_set_generate_session_id`.
pub(crate) fn set_on_connection(connection: ConnectionRef<'_>, generator: Option<GenerateCb>) -> c_int {
    connection.note_generator(generator);
    connection.set_generator(generator.map(|_| trampolines::generate_id::<ContextState> as GenerateCb))
}

/// A new connection takes over its context's generator as it is at that moment.
pub(super) fn inherit(state: &ContextState, connection: ConnectionRef<'_>) {
    if let Some(generator) = state.app.generate.get() {
        connection.note_generator(Some(generator));
    }
}

/// The generator trampoline.
pub(super) fn on_generate(state: &ContextState, context: ContextRef<'_>, request: &IdRequest<'_>) -> c_int {
    let Some(generator) = request.connection.generator().or_else(|| state.app.generate.get()) else {
        return 0;
    };
    guarded(state, (), || clear_conflict(state, context));
    let result = request.ask(generator);
    if result != 0 {
        guarded(state, (), || show_conflict(state, context, request));
    }
    result
}

/// The same for a connection whose session context is not ours: `SSL_dup` copies the generator to a connection of
/// the current context, which may be one that was never taken over.
pub(super) fn on_generate_elsewhere(request: &IdRequest<'_>) -> c_int {
    request.connection.generator().map_or(0, |generator| request.ask(generator))
}

fn show_conflict(state: &ContextState, context: ContextRef<'_>, request: &IdRequest<'_>) {
    let (Some(id), Some(length), true) = (request.written(), request.length(), state.is_serving()) else {
        return;
    };
    let version = request.connection.session_version();
    let stored = id
        .get(..length)
        .and_then(|id| SessionKey::new(version, id))
        .and_then(|key| state.core()?.get(&key).filter(|stored| stored.answers_to(&key)));
    let Some(copy) = stored.and_then(|stored| private::copy(context.libssl, stored.as_ref())) else { return };
    if context.add_to_real(copy.as_ref()) {
        release(context, state.conflict.put(Some(copy)));
    }
}

/// Takes the copy of an earlier conflict out of the real table.
pub(super) fn clear_conflict(state: &ContextState, context: ContextRef<'_>) {
    release(context, state.conflict.put(None));
}

fn release(context: ContextRef<'_>, copy: Option<Session>) {
    if let Some(copy) = copy {
        context.remove_from_real(copy.as_ref());
    }
}
