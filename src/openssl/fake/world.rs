//! One test's process: how its libssl is linked, what went wrong in it, and what is still alive at its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc,
};

use libc::{c_int, c_long};

use super::objects::Object;
use super::{FakeConnection, FakeContext, FakeSession};

/// How libssl reaches its own exported functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Directly, as upstream links it: nobody in front sees these calls.
    Symbolic,
    /// Through the PLT, as Debian links it: they arrive at whoever is in front.
    Plt,
}

impl Link {
    pub(crate) const BOTH: [Link; 2] = [Link::Symbolic, Link::Plt];
}

/// What stands in front of libssl: the functions that it reaches through its PLT.
pub(crate) struct Exports {
    /// Once in this test program, before everything else: what is made then outlives every test.
    pub(crate) first_use: fn(),
    pub(crate) ctx_made: fn(FakeContext),
    pub(crate) ssl_made: fn(FakeContext, FakeConnection),
    pub(crate) ctrl: fn(FakeContext, c_int, c_long) -> c_long,
    pub(crate) add_session: fn(FakeContext, FakeSession) -> c_int,
    pub(crate) remove_session: fn(FakeContext, FakeSession) -> c_int,
    pub(crate) flush_sessions: fn(FakeContext, i64),
    pub(crate) has_matching: fn(FakeConnection, &[u8]) -> c_int,
    pub(crate) set_time: fn(FakeSession, i64) -> i64,
}

/// One test's process. Ends with a look at what it leaves behind.
pub(crate) struct World {
    body: Arc<WorldBody>,
    refusals_are_fine: bool,
    _turn: Turn,
}

/// Tests share the process but for those that stand for a fork.
enum Turn {
    Shared(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'static, ()>),
    Alone(#[allow(dead_code, reason = "held, not read")] RwLockWriteGuard<'static, ()>),
}

pub(super) struct WorldBody {
    exports: Option<&'static Exports>,
    misuse: Mutex<Vec<String>>,
    /// What was freed: its memory stays until the end, so that a late reader reads something.
    graveyard: Mutex<Vec<Object>>,
    alive: Mutex<BTreeMap<usize, &'static str>>,
    refused_locks: AtomicUsize,
    other_controls: Mutex<Vec<(c_int, c_long)>>,
    blocking: Mutex<Option<Blocking>>,
    decoded: AtomicUsize,
}

/// One call of `SSL_SESSION_up_ref` that shall wait.
struct Blocking {
    session: usize,
    arrived: mpsc::Sender<()>,
    leave: mpsc::Receiver<()>,
}

static TURN: RwLock<()> = RwLock::new(());
static FIRST_USE: OnceLock<()> = OnceLock::new();

thread_local! {
    static CURRENT: RefCell<Option<Arc<WorldBody>>> = const { RefCell::new(None) };
}

impl World {
    /// A process whose libssl is linked in this way, among others.
    pub(crate) fn new(link: Link, exports: &'static Exports) -> World {
        let turn = Turn::Shared(TURN.read().unwrap_or_else(PoisonError::into_inner));
        World::begin(link, exports, turn)
    }

    /// The same, while no other test runs.
    pub(crate) fn alone(link: Link, exports: &'static Exports) -> World {
        let turn = Turn::Alone(TURN.write().unwrap_or_else(PoisonError::into_inner));
        World::begin(link, exports, turn)
    }

    fn begin(link: Link, exports: &'static Exports, turn: Turn) -> World {
        super::install();
        FIRST_USE.get_or_init(|| at_home(exports.first_use));
        super::error_queue();
        let body = Arc::new(WorldBody::new((link == Link::Plt).then_some(exports)));
        CURRENT.set(Some(Arc::clone(&body)));
        World { body, refusals_are_fine: false, _turn: turn }
    }

    /// Where callbacks call back, locks that are held are asked for: by stock libssl too.
    pub(crate) fn with_refusals(mut self) -> World {
        self.refusals_are_fine = true;
        self
    }

    /// For a further thread of this process: to be called first on it.
    pub(crate) fn entrance(&self) -> impl Fn() + Send + Sync + use<> {
        let body = Arc::clone(&self.body);
        move || CURRENT.set(Some(Arc::clone(&body)))
    }

    /// How often a lock was asked for by the thread that held it, up to now.
    pub(crate) fn take_refused_locks(&self) -> usize {
        self.body.refused_locks.swap(0, Ordering::Relaxed)
    }

    /// What is wrong up to now.
    pub(crate) fn take_misuse(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.body.misuse))
    }

    /// The commands that `SSL_CTX_ctrl` was given and that are not about the cache.
    pub(crate) fn other_controls(&self) -> Vec<(c_int, c_long)> {
        lock(&self.body.other_controls).clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        CURRENT.take();
        if std::thread::panicking() {
            return;
        }
        let misuse = self.take_misuse();
        assert!(misuse.is_empty(), "libssl was misused:\n{}", misuse.join("\n"));
        let refused = self.take_refused_locks();
        assert!(
            refused == 0 || self.refusals_are_fine,
            "locks were taken by the thread that held them: {refused}"
        );
        // The dead know their world: it would keep itself for ever.
        let graveyard = std::mem::take(&mut *lock(&self.body.graveyard));
        drop(graveyard);
        let alive = lock(&self.body.alive);
        assert!(alive.is_empty(), "still alive at the end: {alive:x?}");
    }
}

impl WorldBody {
    fn new(exports: Option<&'static Exports>) -> WorldBody {
        WorldBody {
            exports,
            misuse: Mutex::default(),
            graveyard: Mutex::default(),
            alive: Mutex::default(),
            refused_locks: AtomicUsize::new(0),
            other_controls: Mutex::default(),
            blocking: Mutex::default(),
            decoded: AtomicUsize::new(0),
        }
    }

    /// What libssl's own calls reach before itself; nothing where it is linked symbolically.
    pub(super) fn exports(&self) -> Option<&'static Exports> {
        self.exports
    }

    pub(super) fn born(&self, address: usize, kind: &'static str) {
        lock(&self.alive).insert(address, kind);
    }

    pub(super) fn buried(&self, address: usize, object: Object) {
        lock(&self.alive).remove(&address);
        if !cfg!(miri) {
            lock(&self.graveyard).push(object);
        }
    }

    pub(super) fn refused_lock(&self) {
        self.refused_locks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn other_control(&self, command: c_int, argument: c_long) {
        lock(&self.other_controls).push((command, argument));
    }

    pub(super) fn decoded(&self) {
        self.decoded.fetch_add(1, Ordering::Relaxed);
    }

    /// Called by whoever takes a reference to a session.
    pub(super) fn wait_if_blocked(&self, session: usize) {
        let mut blocking = lock(&self.blocking);
        if blocking.as_ref().is_none_or(|blocking| blocking.session != session) {
            return;
        }
        let Some(Blocking { arrived, leave, .. }) = blocking.take() else { return };
        drop(blocking);
        let _ = arrived.send(());
        let _ = leave.recv();
    }
}

/// Has the next `SSL_SESSION_up_ref` of this session wait, in whichever thread. The first end says that one is
/// waiting, dropping the second lets it go on.
pub(crate) fn blocked_up_ref(session: FakeSession) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((arrived, waiting), (release, leave)) = (mpsc::channel(), mpsc::channel());
    let blocking = Blocking { session: session.address(), arrived, leave };
    *lock(&current().blocking) = Some(blocking);
    (waiting, release)
}

/// How many sessions there are.
pub(crate) fn living_sessions() -> usize {
    lock(&current().alive).values().filter(|kind| **kind == "session").count()
}

/// How often `d2i_SSL_SESSION` was called.
pub(crate) fn decoded_sessions() -> usize {
    current().decoded.load(Ordering::Relaxed)
}

/// The process that this thread belongs to.
pub(super) fn current() -> Arc<WorldBody> {
    CURRENT.with_borrow(|current| current.clone()).unwrap_or_else(|| Arc::clone(home()))
}

/// Something was done that a libssl does not survive.
pub(super) fn misused(what: String) {
    lock(&current().misuse).push(what);
}

/// Runs `work` for the whole process: what it makes outlives the test.
fn at_home<T>(work: impl FnOnce() -> T) -> T {
    let outer = CURRENT.replace(Some(Arc::clone(home())));
    let result = work();
    CURRENT.set(outer);
    result
}

fn home() -> &'static Arc<WorldBody> {
    static HOME: OnceLock<Arc<WorldBody>> = OnceLock::new();
    HOME.get_or_init(|| Arc::new(WorldBody::new(None)))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
