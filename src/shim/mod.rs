//! L3: what a call means.
//!
//! libssl tells us of a context's sessions through three trampolines ([`Handler`]); the application calls the
//! exported functions ([`calls`], [`controls`]). Both end in the same few rooms:
//!
//! | module | concern |
//! |---|---|
//! | `adopt` | taking a context over |
//! | `state` | what hangs on an adopted context |
//! | `store` | what goes into the core, and when |
//! | `lookup` | the tiers, in their order |
//! | `share` | the host tier: what is published, found, ended for all |
//! | `opened` | sessions of the host tier that need not be opened again |
//! | `scope` | who a connection's service is to others |
//! | `removal` | flushes, evictions, the application's remove callback |
//! | `sentinel` | how libssl's own flushes become visible |
//! | `generator` | session id conflicts |
//! | `give_back` | leaving a context to libssl for good |
//! | `registry` | all cores of the process: forks, repositioning |
//! | `guard`, `process` | panics, settings |
//!
//! No `unsafe` here, and no lock while libssl or the application runs. Where an application callback can be
//! reached nothing that needs dropping is alive: it may leave by longjmp.

pub(crate) mod adopt;
pub(crate) mod answer;
pub(crate) mod calls;
pub(crate) mod controls;
#[cfg(feature = "fault-injection")]
mod fault;
pub(crate) mod generator;
pub(crate) mod give_back;
mod guard;
mod lookup;
mod opened;
pub(crate) mod process;
mod registry;
mod removal;
mod scope;
mod sentinel;
mod share;
pub(crate) mod state;
mod store;
mod stored;
#[cfg(all(any(test, feature = "fuzzing"), not(sesscache_loom)))]
pub(crate) mod tests;
mod tickets;

use libc::c_int;

use crate::openssl::trampolines::Handler;
use crate::openssl::{ConnectionRef, ContextRef, IdRequest, Question, SSL_SESSION, SessionRef, call_new};
use guard::guarded;
use state::ContextState;

/// The session context of a connection, with its state.
fn served<'a>(connection: ConnectionRef<'a>) -> Option<(ContextRef<'a>, &'a ContextState)> {
    let context = connection.session_context()?;
    Some((context, adopt::state(context)?))
}

impl Handler for ContextState {
    fn on_new(connection: ConnectionRef<'_>, session: SessionRef<'_>) -> c_int {
        let Some((context, state)) = served(connection) else { return 0 };
        guarded(state, (), || {
            // A connection that is used again by SSL_clear, and whose session is not stored, comes by nowhere else.
            sentinel::plant(state, context);
            share::prepare(state, connection, session);
        });
        if guarded(state, false, || store::wants(state, connection, session)) {
            store::add(state, context, session, Some(connection));
        }
        // The callback may change the session (Apache sets its timeout): what is published is what it leaves.
        let kept = state.app.new.get().map(|callback| call_new(callback, connection, session));
        if kept == Some(0) && state.zero_removes() {
            guarded(state, (), || store::forget(state, session));
        } else {
            guarded(state, (), || share::publish(state, connection, session));
        }
        kept.unwrap_or(0)
    }

    fn on_remove(context: ContextRef<'_>, session: SessionRef<'_>) {
        if let Some(state) = adopt::state(context) {
            removal::on_remove(state, context, session);
        }
    }

    fn on_get(question: &Question<'_>) -> *mut SSL_SESSION {
        match served(question.connection) {
            Some((context, state)) => lookup::on_get(state, context, question),
            None => std::ptr::null_mut(),
        }
    }

    fn on_end(&self, context: ContextRef<'_>) {
        // What was given back has libssl's own settings since then.
        give_back::end(self, context);
    }

    fn on_generate(request: &IdRequest<'_>) -> c_int {
        match served(request.connection) {
            Some((context, state)) => generator::on_generate(state, context, request),
            None => generator::on_generate_elsewhere(request),
        }
    }
}
