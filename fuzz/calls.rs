//! The exported functions over the real libssl, called in any order with hostile arguments: NULL, wild numbers and lengths,
//! objects freed before what they belong to.
//!
//! The bytes are a program. In a process with a libssl that is linked `-Bsymbolic` it runs twice: past the library, and
//! through it. Both must answer the same, call back the same, and live. (Any other libssl would come back to the library
//! from within; there it is only run through it.) Whatever kills libssl alone is not among the calls:
//! `c_tests/hostile_controls.c` has those that a child can die of.
//!
//! Shared by the fuzz target and by `tests/corpora.rs`, which replays the corpus with and without the library preloaded.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_long, c_uchar, c_uint, c_ulong, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

type Object = *mut c_void;
type NewCb = unsafe extern "C" fn(Object, Object) -> c_int;
type RemoveCb = unsafe extern "C" fn(Object, Object);
type GetCb = unsafe extern "C" fn(Object, *const c_uchar, c_int, *mut c_int) -> Object;

macro_rules! api {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of one libssl, as seen from somewhere.
        #[allow(non_snake_case)]
        struct Api { $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl Api {
            /// What `handle` leads to.
            fn of(handle: *mut c_void) -> Api {
                Api { $($name: {
                    let name = CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()).unwrap();
                    // SAFETY: a handle of the dynamic loader, and a text.
                    let address = unsafe { libc::dlsym(handle, name.as_ptr()) };
                    assert!(!address.is_null(), "no function {name:?}");
                    // SAFETY: libssl's function of this name has this type.
                    unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>(address) }
                },)* }
            }
        }
    };
}

api! {
    OpenSSL_version_num: fn() -> c_ulong;
    TLS_method: fn() -> Object;
    SSL_CTX_new: fn(Object) -> Object;
    SSL_CTX_free: fn(Object);
    SSL_CTX_up_ref: fn(Object) -> c_int;
    SSL_CTX_ctrl: fn(Object, c_int, c_long, *mut c_void) -> c_long;
    SSL_CTX_add_session: fn(Object, Object) -> c_int;
    SSL_CTX_remove_session: fn(Object, Object) -> c_int;
    SSL_CTX_flush_sessions: fn(Object, c_long);
    SSL_CTX_sessions: fn(Object) -> Object;
    SSL_CTX_sess_set_new_cb: fn(Object, Option<NewCb>);
    SSL_CTX_sess_set_remove_cb: fn(Object, Option<RemoveCb>);
    SSL_CTX_sess_set_get_cb: fn(Object, Option<GetCb>);
    SSL_CTX_sess_get_new_cb: fn(Object) -> Option<NewCb>;
    SSL_CTX_sess_get_remove_cb: fn(Object) -> Option<RemoveCb>;
    SSL_CTX_sess_get_get_cb: fn(Object) -> Option<GetCb>;
    SSL_new: fn(Object) -> Object;
    SSL_free: fn(Object);
    SSL_dup: fn(Object) -> Object;
    SSL_clear: fn(Object) -> c_int;
    SSL_set_session: fn(Object, Object) -> c_int;
    SSL_set_SSL_CTX: fn(Object, Object) -> Object;
    SSL_has_matching_session_id: fn(Object, *const c_uchar, c_uint) -> c_int;
    SSL_SESSION_new: fn() -> Object;
    SSL_SESSION_free: fn(Object);
    SSL_SESSION_set1_id: fn(Object, *const c_uchar, c_uint) -> c_int;
    SSL_SESSION_get_id: fn(Object, *mut c_uint) -> *const c_uchar;
    SSL_SESSION_set_protocol_version: fn(Object, c_int) -> c_int;
    SSL_SESSION_set_time: fn(Object, c_long) -> c_long;
    SSL_SESSION_set_timeout: fn(Object, c_long) -> c_long;
    SSL_SESSION_is_resumable: fn(Object) -> c_int;
    ERR_peek_error: fn() -> c_ulong;
    ERR_clear_error: fn();
}

impl Api {
    /// What a program of this process reaches: the library under test, if it is in front.
    fn reached() -> &'static Api {
        static REACHED: OnceLock<Api> = OnceLock::new();
        REACHED.get_or_init(|| {
            libssl();
            Api::of(libc::RTLD_DEFAULT)
        })
    }

    /// libssl's own functions. Only where it is linked so that it calls itself directly: else it would reach, from
    /// within, whoever is in front.
    fn alone() -> Option<&'static Api> {
        static ALONE: OnceLock<Option<Api>> = OnceLock::new();
        ALONE.get_or_init(|| is_symbolic(libssl()).then(|| Api::of(libssl()))).as_ref()
    }
}

/// libssl's handle. It is loaded already, or comes into everybody's view now.
fn libssl() -> *mut c_void {
    let name = std::env::var(LIBSSL).unwrap_or_else(|_| "libssl.so.3".to_owned());
    let name = CString::new(name).expect("a name");
    // SAFETY: a name, and flags.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    assert!(!handle.is_null(), "no {name:?}");
    handle
}

/// The head of the loader's entry for an object.
#[repr(C)]
struct LinkMap {
    base: usize,
    name: *const c_char,
    dynamic: *const [u64; 2],
}

/// Whether an object was linked `-Bsymbolic`.
fn is_symbolic(handle: *mut c_void) -> bool {
    const DT_NULL: u64 = 0;
    const DT_SYMBOLIC: u64 = 16;
    const DT_FLAGS: u64 = 30;
    const DF_SYMBOLIC: u64 = 2;
    let mut map: *const LinkMap = null();
    // SAFETY: a handle, and a place for the entry's address.
    let found = unsafe { libc::dlinfo(handle, libc::RTLD_DI_LINKMAP, (&raw mut map).cast()) };
    assert_eq!(found, 0, "no entry for the handle");
    // SAFETY: the entry of an object that is never unloaded.
    let mut at = unsafe { (*map).dynamic };
    loop {
        // SAFETY: the dynamic section ends with an entry DT_NULL.
        let [tag, value] = unsafe { *at };
        match tag {
            DT_NULL => return false,
            DT_SYMBOLIC => return true,
            DT_FLAGS if value & DF_SYMBOLIC != 0 => return true,
            // SAFETY: as above.
            _ => at = unsafe { at.add(1) },
        }
    }
}

/// The variable that names another libssl than Debian's.
pub const LIBSSL: &str = "SESSCACHE_FUZZ_LIBSSL";

/// How many contexts, and how many sessions each of them has for itself: libssl's list does not bear a session in two.
const CONTEXTS: usize = 2;
const SESSIONS: usize = 5;
const CONNECTIONS: usize = 3;
const STEPS: usize = 150;

/// Commands that look at no pointer.
const COMMANDS: [c_int; 18] = [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 42, 43, 44, 45, 9999, -1];
const UPDATE_TIME: c_long = 0x400;

/// Whatever is called, the answers are libssl's; at times beyond reason, where known differences are, we live.
pub fn calls(data: &[u8]) {
    let Some(alone) = Api::alone().filter(|_| is_reasonable(data)) else {
        return drop(run(Api::reached(), data));
    };
    // What depends on the time of day differs once, not three times.
    let compare = || difference(&run(alone, data), &run(Api::reached(), data));
    if let Some(difference) = compare().and_then(|_| compare()).and_then(|_| compare()) {
        panic!("{difference}");
    }
}

/// What the program sees of the functions that this process reaches; a line for each step, if they are comparable.
pub fn seen(data: &[u8]) -> Vec<String> {
    let lines = run(Api::reached(), data);
    if is_reasonable(data) { lines } else { vec![format!("{} steps", lines.len())] }
}

/// The first byte says whether times are such as a clock may show.
fn is_reasonable(program: &[u8]) -> bool {
    program.first().is_none_or(|first| first % 4 != 3)
}

/// What `sesscache_active` says of this process; nothing where the library is not in front.
pub fn is_served() -> Option<bool> {
    libssl();
    // SAFETY: a handle of the dynamic loader, and a text.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"sesscache_active".as_ptr()) };
    type Active = unsafe extern "C" fn(Object, *mut *const c_char) -> c_int;
    // SAFETY: our function of this name has this type; NULL is None.
    let active = unsafe { std::mem::transmute::<*mut c_void, Option<Active>>(address) }?;
    // SAFETY: NULL is allowed for both.
    Some(unsafe { active(null_mut(), null_mut()) } == 1)
}

/// The first line in which the two differ.
pub fn difference(stock: &[String], ours: &[String]) -> Option<String> {
    let at = (0..stock.len().max(ours.len())).find(|at| stock.get(*at) != ours.get(*at))?;
    let [stock, ours, before] = [stock.get(at), ours.get(at), stock.get(at.saturating_sub(1))]
        .map(|line| line.map_or("nothing", String::as_str));
    Some(format!("step {at}:\n stock:  {stock}\n ours:   {ours}\n before: {before}"))
}

/// What the callbacks need, and what they saw. Callbacks get no argument of their own.
struct Scene {
    api: &'static Api,
    seen: Vec<String>,
}

thread_local! {
    static SCENE: RefCell<Option<Scene>> = const { RefCell::new(None) };
}

/// Adds to what the present step has seen.
fn saw(what: String) {
    SCENE.with_borrow_mut(|scene| scene.as_mut().expect("a scene").seen.push(what));
}

fn named(session: Object) -> String {
    let api = SCENE.with_borrow(|scene| scene.as_ref().expect("a scene").api);
    let mut length = 0;
    // SAFETY: a live session, and a place for the length.
    let id = unsafe { (api.SSL_SESSION_get_id)(session, &mut length) };
    // SAFETY: libssl says that this many bytes stand there.
    let id = unsafe { std::slice::from_raw_parts(id, length as usize) };
    format!("{id:x?}")
}

unsafe extern "C" fn on_new(_: Object, session: Object) -> c_int {
    saw(format!("new {}", named(session)));
    0
}

unsafe extern "C" fn on_remove(_: Object, session: Object) {
    saw(format!("removed {}", named(session)));
}

unsafe extern "C" fn on_get(_: Object, _: *const c_uchar, _: c_int, _: *mut c_int) -> Object {
    saw("asked".to_owned());
    null_mut()
}

/// The program, and the objects it has.
struct Run<'a> {
    api: &'static Api,
    bytes: &'a [u8],
    reasonable: bool,
    contexts: [Object; CONTEXTS],
    sessions: [[Object; SESSIONS]; CONTEXTS],
    connections: [Object; CONNECTIONS],
}

/// Runs the program on one of the two; a line for each step.
fn run(api: &'static Api, bytes: &[u8]) -> Vec<String> {
    SCENE.replace(Some(Scene { api, seen: Vec::new() }));
    // SAFETY: takes nothing.
    unsafe { (api.ERR_clear_error)() };
    let mut run = Run {
        api,
        bytes: bytes.get(1..).unwrap_or_default(),
        reasonable: is_reasonable(bytes),
        contexts: [null_mut(); CONTEXTS],
        sessions: [[null_mut(); SESSIONS]; CONTEXTS],
        connections: [null_mut(); CONNECTIONS],
    };
    (0..CONTEXTS).for_each(|at| run.new_context(at));
    let mut lines = Vec::new();
    while !run.bytes.is_empty() && lines.len() < STEPS {
        let answer = run.step();
        let seen = SCENE.with_borrow_mut(|scene| std::mem::take(&mut scene.as_mut().expect("a scene").seen));
        lines.push(format!("{answer} {seen:?} {}", run.state()));
    }
    run.end();
    lines.push(format!("{:?}", SCENE.take().expect("a scene").seen));
    lines
}

impl Run<'_> {
    fn byte(&mut self) -> u8 {
        self.bytes.split_off_first().copied().unwrap_or_default()
    }

    fn below(&mut self, number: usize) -> usize {
        usize::from(self.byte()) % number
    }

    fn number(&mut self) -> c_long {
        let edges = [
            0,
            1,
            -1,
            255,
            i32::MAX.into(),
            i32::MIN.into(),
            1 << 33,
            4_000_000_000,
            c_long::MAX,
            c_long::MIN,
        ];
        match self.byte() {
            small @ 0..160 => c_long::from(small) % 16,
            edge => edges[usize::from(edge) % edges.len()],
        }
    }

    /// A second of the clock, or a number of seconds. The sum of two is one still.
    fn time(&mut self) -> c_long {
        let edges = [0, 1, 2, 255, 1_700_000_000, i32::MAX.into(), u32::MAX.into(), 8_000_000_000];
        match self.reasonable {
            true => edges[self.below(edges.len())],
            false => self.number(),
        }
    }

    /// All that can be seen of the caches without changing them.
    fn state(&self) -> String {
        let [first, second] = self.contexts.map(|context| {
            // SAFETY: a live context, and commands that look at no pointer.
            [20, 28, 29, 31, 43, 44 + 1]
                .map(|command| unsafe { (self.api.SSL_CTX_ctrl)(context, command, 0, null_mut()) })
        });
        // SAFETY: takes nothing.
        format!("{first:?} {second:?} error {:x}", unsafe { (self.api.ERR_peek_error)() })
    }

    fn new_context(&mut self, at: usize) {
        // SAFETY: takes nothing.
        let method = unsafe { (self.api.TLS_method)() };
        // SAFETY: a method of this libssl.
        self.contexts[at] = unsafe { (self.api.SSL_CTX_new)(method) };
        for place in 0..SESSIONS {
            let id = [b'a' + (place % 4) as u8; 4];
            self.new_session(at, place, 0x0303 + (place as c_int & 1), &id);
        }
        self.set_callbacks(at, 7);
    }

    /// The old one is let go of, wherever else it is. Its life is far from where libssl's own clock could end it.
    fn new_session(&mut self, context: usize, place: usize, version: c_int, id: &[u8]) {
        // SAFETY: NULL, or a session of which one reference is ours.
        unsafe { (self.api.SSL_SESSION_free)(self.sessions[context][place]) };
        // SAFETY: takes nothing.
        let made = unsafe { (self.api.SSL_SESSION_new)() };
        // SAFETY: a new session, and so below; libssl refuses a length that it has no room for before it reads.
        unsafe { (self.api.SSL_SESSION_set1_id)(made, id.as_ptr(), id.len() as c_uint) };
        // SAFETY: as above.
        unsafe { (self.api.SSL_SESSION_set_protocol_version)(made, version) };
        // SAFETY: as above.
        unsafe { (self.api.SSL_SESSION_set_time)(made, 1_700_000_000 + place as c_long) };
        // SAFETY: as above.
        unsafe { (self.api.SSL_SESSION_set_timeout)(made, 1_900_000_000) };
        self.sessions[context][place] = made;
    }

    fn set_callbacks(&mut self, at: usize, which: u8) {
        let context = self.contexts[at];
        // SAFETY: a live context and functions of the declared types.
        unsafe { (self.api.SSL_CTX_sess_set_new_cb)(context, (which & 1 != 0).then_some(on_new as NewCb)) };
        // SAFETY: as above.
        unsafe {
            (self.api.SSL_CTX_sess_set_remove_cb)(context, (which & 2 != 0).then_some(on_remove as RemoveCb))
        };
        // SAFETY: as above.
        unsafe { (self.api.SSL_CTX_sess_set_get_cb)(context, (which & 4 != 0).then_some(on_get as GetCb)) };
    }

    fn step(&mut self) -> String {
        let kind = self.below(16);
        let at = self.below(CONTEXTS);
        let place = self.below(SESSIONS);
        let (api, context, session) = (self.api, self.contexts[at], self.sessions[at][place]);
        let answer = match kind {
            0..4 => self.add(context, session),
            // SAFETY: live objects.
            4 => unsafe { (api.SSL_CTX_remove_session)(context, session) }.into(),
            // SAFETY: libssl takes NULL for a session.
            5 => unsafe { (api.SSL_CTX_remove_session)(context, null_mut()) }.into(),
            6 => self.flush(context),
            7 | 8 => self.control(context),
            9 => self.set_time(session),
            10 => self.renew_session(at, place),
            11 => self.callbacks(at),
            12 | 13 => self.connection(at),
            // SAFETY: a live context.
            14 => c_long::from(!unsafe { (api.SSL_CTX_sessions)(context) }.is_null()),
            _ => self.renew_context(at),
        };
        format!("{kind} {at} {place}: {answer}")
    }

    /// One that was marked is not used again: what becomes of it is a known difference.
    fn add(&self, context: Object, session: Object) -> c_long {
        // SAFETY: a live session.
        if unsafe { (self.api.SSL_SESSION_is_resumable)(session) } == 0 {
            return -1;
        }
        // SAFETY: live objects.
        unsafe { (self.api.SSL_CTX_add_session)(context, session) }.into()
    }

    fn flush(&mut self, context: Object) -> c_long {
        let time = if self.byte() > 250 { -1 } else { self.time() };
        // SAFETY: a live context.
        unsafe { (self.api.SSL_CTX_flush_sessions)(context, time) };
        time
    }

    fn control(&mut self, context: Object) -> c_long {
        let (command, mut argument) = (COMMANDS[self.below(COMMANDS.len())], self.number());
        // SAFETY: takes nothing.
        if command == 44 && unsafe { (self.api.OpenSSL_version_num)() } >= 0x3020_0000 {
            // From there on a session that is added again leaves the list out of order: a known difference.
            argument &= !UPDATE_TIME;
        }
        let context = if self.byte() == 0xff { null_mut() } else { context };
        // SAFETY: a live context or NULL, which libssl survives; these commands look at no pointer.
        let answer = unsafe { (self.api.SSL_CTX_ctrl)(context, command, argument, null_mut()) };
        // SAFETY: takes nothing.
        unsafe { (self.api.ERR_clear_error)() };
        answer
    }

    fn set_time(&mut self, session: Object) -> c_long {
        let (which, number) = (self.byte(), self.time());
        let session = if which == 0xff { null_mut() } else { session };
        match which & 1 {
            // SAFETY: a live session or NULL, which libssl takes.
            0 => unsafe { (self.api.SSL_SESSION_set_time)(session, number) },
            // SAFETY: as above.
            _ => unsafe { (self.api.SSL_SESSION_set_timeout)(session, number) },
        }
    }

    /// Ids of every length, some of them too long; versions of every kind.
    fn renew_session(&mut self, at: usize, place: usize) -> c_long {
        let (length, byte, version) = (self.below(40), self.byte() % 4 + b'a', self.number());
        self.new_session(at, place, version as c_int, &vec![byte; length]);
        0
    }

    fn callbacks(&mut self, at: usize) -> c_long {
        let which = self.byte();
        self.set_callbacks(at, which);
        let (api, context) = (self.api, self.contexts[at]);
        // SAFETY: a live context.
        let new = unsafe { (api.SSL_CTX_sess_get_new_cb)(context) };
        // SAFETY: as above.
        let remove = unsafe { (api.SSL_CTX_sess_get_remove_cb)(context) };
        // SAFETY: as above.
        let get = unsafe { (api.SSL_CTX_sess_get_get_cb)(context) };
        let own = [
            new.is_none_or(|new| new as usize == on_new as *const () as usize),
            remove.is_none_or(|remove| remove as usize == on_remove as *const () as usize),
            get.is_none_or(|get| get as usize == on_get as *const () as usize),
        ];
        assert!(own.iter().all(|own| *own), "a callback that was never set is shown");
        c_long::from(new.is_some()) | c_long::from(remove.is_some()) << 1 | c_long::from(get.is_some()) << 2
    }

    fn connection(&mut self, at: usize) -> c_long {
        let (kind, slot) = (self.below(8), self.below(CONNECTIONS));
        let (api, context, connection) = (self.api, self.contexts[at], self.connections[slot]);
        if connection.is_null() {
            // SAFETY: a live context.
            self.connections[slot] = unsafe { (api.SSL_new)(context) };
            return 1;
        }
        match kind {
            0 => self.free_connection(slot),
            1 => return self.switch(connection, context),
            2 => self.duplicate(slot),
            // SAFETY: a live connection.
            3 => return unsafe { (api.SSL_clear)(connection) }.into(),
            // SAFETY: live objects; it takes a reference.
            4 => return unsafe { (api.SSL_set_session)(connection, self.sessions[at][0]) }.into(),
            _ => return self.look(connection),
        }
        0
    }

    fn switch(&mut self, connection: Object, context: Object) -> c_long {
        let context = if self.byte() & 1 == 0 { context } else { null_mut() };
        // SAFETY: live objects; NULL means the context that it was made from.
        let after = unsafe { (self.api.SSL_set_SSL_CTX)(connection, context) };
        self.contexts.iter().position(|known| *known == after).map_or(-1, |at| at as c_long)
    }

    fn duplicate(&mut self, slot: usize) {
        // SAFETY: a live connection.
        let copy = unsafe { (self.api.SSL_dup)(self.connections[slot]) };
        // SAFETY: the original's reference is ours.
        unsafe { (self.api.SSL_free)(self.connections[slot]) };
        self.connections[slot] = copy;
    }

    /// Lengths beyond any id, too: libssl looks at the length first.
    fn look(&mut self, connection: Object) -> c_long {
        let (length, byte) = (self.byte(), self.byte() % 4 + b'a');
        let id = [byte; 32];
        let length =
            if length > 250 { c_uint::MAX - c_uint::from(length) } else { c_uint::from(length) % 40 };
        // SAFETY: a live connection, and 32 readable bytes; libssl refuses more before it reads.
        unsafe { (self.api.SSL_has_matching_session_id)(connection, id.as_ptr(), length) }.into()
    }

    fn free_connection(&mut self, slot: usize) {
        let connection = std::mem::replace(&mut self.connections[slot], null_mut());
        // SAFETY: NULL, or a connection whose reference is ours.
        unsafe { (self.api.SSL_free)(connection) };
    }

    /// The context goes, perhaps while connections still hold it, with and without a spare reference.
    fn renew_context(&mut self, at: usize) -> c_long {
        let (context, spare) = (self.contexts[at], self.byte() & 1 == 1);
        if spare {
            // SAFETY: a live context, one of whose references is ours; and so below.
            unsafe { (self.api.SSL_CTX_up_ref)(context) };
            // SAFETY: as above.
            unsafe { (self.api.SSL_CTX_free)(context) };
        }
        // SAFETY: as above.
        unsafe { (self.api.SSL_CTX_free)(context) };
        self.new_context(at);
        spare.into()
    }

    /// Sessions first, then contexts, then connections: the wrong way round.
    fn end(&mut self) {
        for session in self.sessions.as_flattened_mut() {
            // SAFETY: the reference is ours.
            unsafe { (self.api.SSL_SESSION_free)(std::mem::replace(session, null_mut())) };
        }
        for context in &self.contexts {
            // SAFETY: the reference is ours.
            unsafe { (self.api.SSL_CTX_free)(*context) };
        }
        (0..CONNECTIONS).for_each(|slot| self.free_connection(slot));
    }
}
