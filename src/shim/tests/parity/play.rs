//! A script being played on one context, with a line for everything that can be seen.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libc::c_int;

use super::library::Library;
use super::step::{How, POOL, Step};
use crate::base::clock;
use crate::openssl::fake::{
    CTRL_SESS_ACCEPT_GOOD, CTRL_SESS_HIT, CTRL_SESS_TIMEOUTS, FakeConnection, FakeContext, FakeSession,
    Owned, Resumption, TLS1_2_VERSION, by_release,
};
use crate::openssl::number::*;
use crate::shim::tests::application::Application;

/// One playing of a script.
pub(super) struct Play {
    library: &'static Library,
    app: Application,
    pool: Mutex<Vec<Owned>>,
    lines: Mutex<Vec<String>>,
    /// What the new callback kept its reference of, until the handshake is over.
    kept: Mutex<Vec<Owned>>,
    /// What the remove callback is to do.
    inside: Mutex<Option<Step>>,
    /// Whether callbacks are at work that must not do it.
    busy: AtomicBool,
    /// Whether reference counts, and hits of the get callback, are the same at this moment too.
    exact: AtomicBool,
}

/// What is counted and set for a context.
const COUNTERS: [c_int; 9] = [
    CTRL_SESS_NUMBER,
    CTRL_SESS_ACCEPT_GOOD,
    CTRL_SESS_HIT,
    CTRL_SESS_CB_HIT,
    CTRL_SESS_MISSES,
    CTRL_SESS_TIMEOUTS,
    CTRL_SESS_CACHE_FULL,
    CTRL_GET_SESS_CACHE_SIZE,
    CTRL_GET_SESS_CACHE_MODE,
];

/// Version and id: some objects share their id, and some their id but not their version.
fn named(place: usize) -> (c_int, [u8; 2]) {
    let version = if place % 4 == 3 { TLS1_3_VERSION } else { TLS1_2_VERSION };
    (version, [b's', [0, 1, 2, 2, 4, 1, 4, 4][place]])
}

/// Old enough that the time of day is another one, and in no danger to expire by itself.
fn fresh(place: usize) -> Owned {
    let (version, id) = named(place);
    let session = Owned::new(version, &id);
    session.set_time(clock::now() - 1000);
    session.set_timeout(5000 + 100 * i64::try_from(place % 3).expect("small"));
    session
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Play {
    /// Plays `script` to its end and the context's, and says what was seen.
    pub(super) fn of(script: &[Step], library: &'static Library) -> Vec<String> {
        let play = Play::begin(library);
        for step in script {
            let answer = play.take(step);
            play.line(format!("{step:?} -> {answer} {}", play.state()));
            play.replace_marked();
        }
        play.end();
        let left = lock(&play.pool).iter().map(|session| session.references()).collect::<Vec<_>>();
        play.line(format!("the end: {left:?}"));
        std::mem::take(&mut *lock(&play.lines))
    }

    fn begin(library: &'static Library) -> Arc<Play> {
        let play = Arc::new(Play {
            library,
            app: Application::with((library.ctx_new)()),
            pool: Mutex::new((0..POOL).map(fresh).collect()),
            lines: Mutex::default(),
            kept: Mutex::default(),
            inside: Mutex::default(),
            busy: AtomicBool::new(false),
            exact: AtomicBool::new(true),
        });
        let [new, removed, asked] = [0; 3].map(|_| Arc::downgrade(&play));
        play.app.in_new(move |_, session| new.upgrade().expect("a play").on_new(session));
        play.app.in_remove(move |_, session| removed.upgrade().expect("a play").on_remove(session));
        play.app.in_get(move |_, id| asked.upgrade().expect("a play").line(format!("  asked for {id:?}")));
        play
    }

    fn context(&self) -> FakeContext {
        self.app.context
    }

    fn object(&self, place: usize) -> FakeSession {
        lock(&self.pool)[place].handle()
    }

    fn place(&self, session: FakeSession) -> Option<usize> {
        lock(&self.pool).iter().position(|other| other.handle() == session)
    }

    fn line(&self, line: String) {
        lock(&self.lines).push(line);
    }

    fn on_new(&self, session: FakeSession) {
        let place = self.place(session);
        self.inexactly(false, || self.line(format!("  new {place:?} {}", self.state())));
        if self.app.new_callback_answer() != 0 {
            lock(&self.kept).push(Owned::from(session));
        }
    }

    fn on_remove(&self, session: FakeSession) {
        let place = self.place(session);
        self.line(format!("  removed {place:?} {}", self.state()));
        let inside = lock(&self.inside).clone();
        if let Some(step) = inside.filter(|_| !self.busy.swap(true, Ordering::Relaxed)) {
            let answer = self.take(&step);
            self.line(format!("    inside: {step:?} -> {answer} {}", self.state()));
            self.busy.store(false, Ordering::Relaxed);
        }
    }

    /// All that an application can see without changing anything, and more.
    fn state(&self) -> String {
        let (mut text, exact) = (String::new(), self.exact.load(Ordering::Relaxed));
        for counter in COUNTERS.into_iter().filter(|counter| exact || *counter != CTRL_SESS_CB_HIT) {
            let _ = write!(text, "{counter}:{} ", self.ctrl(counter, 0));
        }
        for session in lock(&self.pool).iter() {
            let references = if exact { session.references() } else { 0 };
            let _ = write!(text, "{references}{} ", if session.is_marked() { "!" } else { "" });
        }
        text
    }

    /// Runs `work` while callbacks see other reference counts than without us.
    fn inexactly<T>(&self, inexactly: bool, work: impl FnOnce() -> T) -> T {
        let outer = self.exact.swap(!inexactly, Ordering::Relaxed);
        let result = work();
        self.exact.store(outer, Ordering::Relaxed);
        result
    }

    fn ctrl(&self, command: c_int, argument: i64) -> i64 {
        (self.library.ctrl)(self.context(), command, argument)
    }

    fn connect(&self, how: How) -> FakeConnection {
        let connection = (self.library.ssl_new)(self.context());
        match how {
            How::Tls12 => connection,
            How::Tls13 => connection.with_version(TLS1_3_VERSION),
            How::EarlyData => connection.with_version(TLS1_3_VERSION).with_early_data(),
            How::NoTicket => connection.with_version(TLS1_3_VERSION).with_options(OP_NO_TICKET),
            How::Client => connection.as_client(),
        }
    }

    fn take(&self, step: &Step) -> String {
        let (library, context) = (self.library, self.context());
        match step {
            Step::Handshake { session, how, broken_off } => self.handshake(*session, *how, *broken_off),
            Step::Resume { session, how } => self.resume(*session, *how),
            Step::AutoFlush => self.auto_flush(),
            Step::Add(place) => self.add(*place),
            Step::Remove(place) => (library.remove_session)(context, self.object(*place)).to_string(),
            Step::Flush(0) => self.flush(0),
            Step::Flush(time) => self.listing(|| self.flush(*time)),
            Step::FlushExpired => self.listing(|| self.flush(clock::now())),
            Step::SetTimeout(place, time) => (library.set_timeout)(self.object(*place), *time).to_string(),
            Step::Expire(place) => (library.set_time)(self.object(*place), 1_000_000).to_string(),
            Step::HasMatching(place) => self.has_matching(*place),
            Step::Sessions => self.sessions(),
            settings => self.set(settings),
        }
    }

    fn set(&self, step: &Step) -> String {
        match step {
            Step::SetSize(size) => return self.ctrl(CTRL_SET_SESS_CACHE_SIZE, *size).to_string(),
            Step::ToggleMode(bits) => {
                let mode = self.ctrl(CTRL_GET_SESS_CACHE_MODE, 0) ^ i64::from(*bits);
                return self.ctrl(CTRL_SET_SESS_CACHE_MODE, mode).to_string();
            }
            Step::SetCallbacks { new, remove, get } => {
                self.library.set_callbacks(self.context(), *new, *remove, *get);
            }
            Step::NewReturns(answer) => self.app.new_callback_returns(*answer),
            Step::GetAnswers(answer) => {
                let answer = answer.map(|(place, reference)| (self.object(place), reference));
                self.app.get_callback_answers(answer);
            }
            Step::InRemove(step) => *lock(&self.inside) = step.as_deref().cloned(),
            other => unreachable!("{other:?} is no setting"),
        }
        String::new()
    }

    fn handshake(&self, place: usize, how: How, broken_off: bool) -> String {
        // A session has the version of the connection that it came from.
        let connection = match (named(place).0 == TLS1_3_VERSION, how) {
            (true, _) => self.connect(how).with_version(TLS1_3_VERSION),
            (false, How::Client) => self.connect(How::Client),
            (false, _) => self.connect(How::Tls12),
        };
        let object = self.object(place);
        object.up_ref();
        // Before the new callback libssl takes a reference for it: with us before others are evicted.
        self.inexactly(true, || connection.finish(Owned::from(object)));
        if broken_off {
            connection.break_off();
        } else {
            connection.close();
        }
        let kept = std::mem::take(&mut *lock(&self.kept));
        format!("kept {}", kept.len())
    }

    /// Callbacks in the midst of it are told the truth a little early or late: libssl counts an answer, and takes its
    /// reference, when we have returned; what is for one use only is held by us and by libssl's cache. Nor do they do
    /// anything: an answer is stored before libssl has looked at its mark.
    fn resume(&self, place: usize, how: How) -> String {
        let ((_, id), connection) = (named(place), self.connect(how));
        let outer = self.busy.swap(true, Ordering::Relaxed);
        let resumption = self.inexactly(true, || connection.resume(&id));
        self.busy.store(outer, Ordering::Relaxed);
        let used = connection.session().map(|session| self.place(session));
        connection.close();
        format!("{} {used:?}", resumption != Resumption::Refused)
    }

    /// A resumed handshake, in which libssl flushes.
    fn auto_flush(&self) -> String {
        let connection = self.connect(How::Tls12);
        self.context().set_handshakes_done(0xff);
        connection.use_resumed(Owned::new(TLS1_2_VERSION, b"resumed"));
        self.listing(|| connection.finish_resumed());
        connection.close();
        String::new()
    }

    /// A marked one is left alone: what the cache does with it later is the one known difference.
    fn add(&self, place: usize) -> String {
        let object = self.object(place);
        if object.is_marked() {
            return "marked".to_owned();
        }
        (self.library.add_session)(self.context(), object).to_string()
    }

    fn flush(&self, time: i64) -> String {
        (self.library.flush_sessions)(self.context(), time);
        String::new()
    }

    /// In 1.1.1 we list what has expired first, and each has one more reference until its turn comes.
    fn listing<T>(&self, work: impl FnOnce() -> T) -> T {
        self.inexactly(by_release(true, false, false, false) || !self.exact.load(Ordering::Relaxed), work)
    }

    fn has_matching(&self, place: usize) -> String {
        let ((_, id), connection) = (named(place), self.connect(How::Tls12));
        let found = (self.library.has_matching)(connection, &id);
        connection.close();
        found.to_string()
    }

    fn sessions(&self) -> String {
        let all = (self.library.sessions)(self.context());
        format!("{:?}", all.into_iter().map(|session| self.place(session)).collect::<Vec<_>>())
    }

    /// Whatever was marked is never used again: new objects take its place.
    fn replace_marked(&self) {
        self.app.get_callback_answers_if(|session| !session.is_marked());
        let mut pool = lock(&self.pool);
        let marked = (0..POOL).filter(|place| pool[*place].is_marked()).collect::<Vec<_>>();
        let replace = |place| std::mem::replace(&mut pool[place], fresh(place));
        let gone = marked.into_iter().map(replace).collect::<Vec<_>>();
        drop(pool);
        drop(gone);
    }

    /// The context goes. What has expired is flushed by itself then, and let go of before the rest is told of.
    fn end(&self) {
        // Nobody may make a connection of a context that is being freed.
        let harmless = |step: &Step| matches!(step, Step::Remove(_) | Step::SetSize(_));
        let is_ordered = by_release(false, true, true, true);
        lock(&self.inside).take_if(|step| !harmless(step) || !is_ordered);
        let before = lock(&self.lines).len();
        self.inexactly(true, || self.context().free());
        if !is_ordered {
            // In an order of nobody's choosing.
            let mut lines = lock(&self.lines);
            let told = lines.split_off(before).into_iter();
            let mut told =
                told.filter_map(|line| Some(line.split_once(") 20:")?.0.to_owned())).collect::<Vec<_>>();
            told.sort();
            lines.extend(told);
        }
    }
}
