//! An application: its three callbacks, what they saw, and what they shall do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libc::{c_int, c_long, c_uint};

use super::exports;
use crate::openssl::fake::{
    Answers, FakeConnection, FakeContext, FakeSession, Link, Owned, World, get_callback,
};
use crate::openssl::number::*;
use crate::openssl::{GetCb, NewCb, RemoveCb, SSL, SSL_CTX, SSL_SESSION};
use crate::shim::answer::Reference;

/// What one of the callbacks saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    New(FakeSession),
    Removed(FakeSession),
    Asked(Vec<u8>),
}

/// What a callback does beyond taking notes.
type Doing<T> = Mutex<Option<Arc<dyn Fn(FakeContext, T) + Send + Sync>>>;

/// An application with one context.
pub(super) struct Application {
    pub(super) context: FakeContext,
    notes: Arc<Notes>,
}

#[derive(Default)]
struct Notes {
    events: Mutex<Vec<Event>>,
    new_answers: AtomicI32,
    answer: Mutex<Option<(FakeSession, Reference)>>,
    in_new: Doing<FakeSession>,
    in_remove: Doing<FakeSession>,
    in_get: Doing<Vec<u8>>,
}

/// The applications by their context: a callback gets no other argument of its own.
static APPLICATIONS: Mutex<BTreeMap<FakeContext, Arc<Notes>>> = Mutex::new(BTreeMap::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn notes(context: FakeContext) -> Arc<Notes> {
    lock(&APPLICATIONS).get(&context).cloned().expect("a context of an application")
}

impl Application {
    /// With a context that is adopted, and no callbacks.
    pub(super) fn new() -> Application {
        Application::with(exports::ctx_new())
    }

    /// With this context.
    pub(super) fn with(context: FakeContext) -> Application {
        let notes = Arc::new(Notes::default());
        lock(&APPLICATIONS).insert(context, Arc::clone(&notes));
        Application { context, notes }
    }

    /// With an adopted context and all three callbacks set.
    pub(super) fn with_callbacks() -> Application {
        let application = Application::new();
        exports::set_new_cb(application.context, Some(on_new as NewCb));
        exports::set_remove_cb(application.context, Some(on_remove as RemoveCb));
        exports::set_get_cb(application.context, Some(get_callback::<Application> as GetCb));
        application
    }

    pub(super) fn ctrl(&self, command: c_int, argument: c_long) -> c_long {
        exports::ctrl(self.context, command, argument)
    }

    /// Or-s bits into the mode.
    pub(super) fn set_mode_bits(&self, bits: u32) {
        let mode = self.ctrl(CTRL_GET_SESS_CACHE_MODE, 0);
        self.ctrl(CTRL_SET_SESS_CACHE_MODE, mode | c_long::from(bits));
    }

    pub(super) fn set_size(&self, size: c_long) {
        self.ctrl(CTRL_SET_SESS_CACHE_SIZE, size);
    }

    /// `SSL_CTX_sess_number`.
    pub(super) fn number(&self) -> c_long {
        self.ctrl(CTRL_SESS_NUMBER, 0)
    }

    pub(super) fn add(&self, session: &Owned) -> c_int {
        exports::add_session(self.context, session.handle())
    }

    pub(super) fn remove(&self, session: &Owned) -> c_int {
        exports::remove_session(self.context, session.handle())
    }

    pub(super) fn flush(&self, time: i64) {
        exports::flush_sessions(self.context, time);
    }

    /// A connection of a server, for TLS 1.2.
    pub(super) fn connect(&self) -> FakeConnection {
        exports::ssl_new(self.context)
    }

    /// A full handshake of a connection that is closed properly. The session is the caller's, too.
    pub(super) fn handshake(&self, session: &Owned) {
        let connection = self.connect();
        session.up_ref();
        connection.finish(Owned::from(session.handle()));
        connection.close();
    }

    /// What a new client is given that asks for this id.
    pub(super) fn lookup(&self, id: &[u8]) -> Option<Owned> {
        let connection = self.connect();
        let found = connection.lookup(id);
        connection.close();
        found
    }

    /// What the callbacks saw since the last question.
    pub(super) fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *lock(&self.notes.events))
    }

    /// What the new callback returns from now on.
    pub(super) fn new_callback_returns(&self, answer: c_int) {
        self.notes.new_answers.store(answer, Ordering::Relaxed);
    }

    /// What the new callback returns now.
    pub(super) fn new_callback_answer(&self) -> c_int {
        self.notes.new_answers.load(Ordering::Relaxed)
    }

    /// Has the get callback answer nothing, if what it would answer with is not `good`.
    pub(super) fn get_callback_answers_if(&self, good: impl Fn(FakeSession) -> bool) {
        let mut answer = lock(&self.notes.answer);
        *answer = answer.filter(|(session, _)| good(*session));
    }

    /// What the get callback answers from now on; an owned answer costs a reference each time.
    pub(super) fn get_callback_answers(&self, session: Option<(FakeSession, Reference)>) {
        *lock(&self.notes.answer) = session;
    }

    pub(super) fn in_new(&self, work: impl Fn(FakeContext, FakeSession) + Send + Sync + 'static) {
        *lock(&self.notes.in_new) = Some(Arc::new(work));
    }

    pub(super) fn in_remove(&self, work: impl Fn(FakeContext, FakeSession) + Send + Sync + 'static) {
        *lock(&self.notes.in_remove) = Some(Arc::new(work));
    }

    pub(super) fn in_get(&self, work: impl Fn(FakeContext, Vec<u8>) + Send + Sync + 'static) {
        *lock(&self.notes.in_get) = Some(Arc::new(work));
    }

    /// `SSL_CTX_free`.
    pub(super) fn end(&self) {
        exports::ctx_free(self.context);
        assert!(!self.context.is_alive(), "somebody still has a reference to the context");
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.context.is_alive() {
            self.end();
        }
        lock(&APPLICATIONS).remove(&self.context);
    }
}

impl Notes {
    fn note(&self, event: Event) {
        lock(&self.events).push(event);
    }
}

pub(super) extern "C-unwind" fn on_new(ssl: *mut SSL, session: *mut SSL_SESSION) -> c_int {
    let context = FakeConnection::at(ssl).session_context().expect("a living connection");
    let (notes, session) = (notes(context), FakeSession::at(session));
    notes.note(Event::New(session));
    let doing = lock(&notes.in_new).clone();
    if let Some(doing) = doing {
        doing(context, session);
    }
    notes.new_answers.load(Ordering::Relaxed)
}

pub(super) extern "C-unwind" fn on_remove(context: *mut SSL_CTX, session: *mut SSL_SESSION) {
    let (context, session) = (FakeContext::at(context), FakeSession::at(session));
    let notes = notes(context);
    notes.note(Event::Removed(session));
    let doing = lock(&notes.in_remove).clone();
    if let Some(doing) = doing {
        doing(context, session);
    }
}

impl Answers for Application {
    /// Writes the flag only to give its reference away, as many an application does.
    fn session(connection: FakeConnection, id: &[u8], copy: &mut c_int) -> Option<FakeSession> {
        assert_eq!(Reference::of(*copy), Reference::Lent, "libssl presets the flag to 1");
        let context = connection.session_context().expect("a living connection");
        let notes = notes(context);
        notes.note(Event::Asked(id.to_vec()));
        let doing = lock(&notes.in_get).clone();
        if let Some(doing) = doing {
            doing(context, id.to_vec());
        }
        let answer = *lock(&notes.answer);
        answer.map(|(session, reference)| {
            if reference == Reference::Owned {
                session.up_ref();
                *copy = reference.flag();
            }
            session
        })
    }

    /// Makes the same id each time.
    fn id(_: FakeConnection, buffer: &mut [u8], length: &mut c_uint) -> c_int {
        assert!(buffer.iter().all(|byte| *byte == 0), "libssl clears the buffer");
        buffer[..GENERATED.len()].copy_from_slice(GENERATED);
        *length = c_uint::try_from(GENERATED.len()).expect("a short id");
        1
    }
}

/// What the application's generator makes.
pub(super) const GENERATED: &[u8] = b"generated";

/// A test that is true however libssl is linked.
pub(super) fn in_both_worlds(test: impl Fn(&World)) {
    for link in Link::BOTH {
        test(&World::new(link, &exports::EXPORTS));
    }
}

/// The same, while no other test runs.
pub(super) fn in_both_worlds_alone(test: impl Fn(&World)) {
    for link in Link::BOTH {
        test(&World::alone(link, &exports::EXPORTS));
    }
}
