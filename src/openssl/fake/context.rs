//! Contexts: settings, callbacks, counters, and the cache (whose rules are in `cache`).

use std::ffi::c_void;
use std::ptr::without_provenance_mut;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use libc::{c_int, c_long};

use super::cache::{self, Cached};
use super::certificate::Certificate;
use super::ex_data::{self, Values};
use super::lock::Lock;
use super::objects::{self, Object};
use super::world::{self, WorldBody, lock, misused};
use crate::openssl::context::ContextRef;
use crate::openssl::types::number::*;
use crate::openssl::types::{GenerateCb, GetCb, NewCb, RemoveCb, SSL_CTX};

/// A context, by its address. Copies share the object and own no reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct FakeContext(usize);

pub(super) struct ContextBody {
    references: AtomicI64,
    pub(super) lock: Lock,
    fields: Mutex<Fields>,
    pub(super) world: Arc<WorldBody>,
}

pub(super) struct Fields {
    pub(super) mode: u32,
    pub(super) size: i64,
    pub(super) new: Option<NewCb>,
    pub(super) remove: Option<RemoveCb>,
    pub(super) get: Option<GetCb>,
    pub(super) generate: Option<GenerateCb>,
    pub(super) options: u64,
    /// `TLS_server_method`: it can make no clients.
    pub(super) serves_only: bool,
    pub(super) certificate: Option<Certificate>,
    pub(super) verify_mode: c_int,
    /// What verifying a client comes to; 0 is good.
    pub(super) verify_result: c_long,
    pub(super) authorities: Vec<Vec<u8>>,
    pub(super) cached: Cached,
    pub(super) stats: Stats,
    ex_data: Values,
}

/// What `SSL_CTX_ctrl` counts.
#[derive(Default)]
pub(super) struct Stats {
    pub(super) connect_good: i64,
    pub(super) accept_good: i64,
    pub(super) hit: i64,
    pub(super) cb_hit: i64,
    pub(super) miss: i64,
    pub(super) timeout: i64,
    pub(super) cache_full: i64,
}

/// Commands about the cache that no shim answers itself.
pub(crate) const CTRL_SESS_CONNECT_GOOD: c_int = 22;
pub(crate) const CTRL_SESS_ACCEPT_GOOD: c_int = 25;
pub(crate) const CTRL_SESS_HIT: c_int = 27;
pub(crate) const CTRL_SESS_TIMEOUTS: c_int = 30;

impl FakeContext {
    /// The context at an address that came from this libssl.
    pub(crate) fn at(pointer: *mut SSL_CTX) -> FakeContext {
        FakeContext(pointer.addr())
    }

    /// `SSL_CTX_new`, the real one and nothing in front of it (but `SSL_CTX_new_ex`, which it calls).
    pub(crate) fn new() -> FakeContext {
        let made = FakeContext::unseen();
        if let Some(exports) = world::current().exports() {
            (exports.ctx_made)(made);
        }
        made
    }

    /// A context of which nobody in front of libssl has heard.
    pub(crate) fn unseen() -> FakeContext {
        let address = objects::fresh_address();
        let fields = Fields {
            mode: 2,
            size: 1024 * 20,
            new: None,
            remove: None,
            get: None,
            generate: None,
            options: 0,
            serves_only: false,
            certificate: Some(Certificate::of(b"certificate")),
            verify_mode: 0,
            verify_result: 0,
            authorities: vec![],
            cached: Cached::default(),
            stats: Stats::default(),
            ex_data: Values::default(),
        };
        let body = ContextBody {
            references: AtomicI64::new(1),
            lock: Lock::default(),
            fields: Mutex::new(fields),
            world: world::current(),
        };
        objects::bear(address, Object::Context(Arc::new(body)));
        FakeContext(address)
    }

    pub(crate) fn as_ptr(self) -> *mut SSL_CTX {
        without_provenance_mut(self.0)
    }

    /// As the crate sees a context.
    pub(crate) fn view(&self) -> ContextRef<'_> {
        // SAFETY: nothing looks through the address of a fake context.
        unsafe { ContextRef::from_ptr(self.as_ptr()) }.expect("an address, and the fake in its place")
    }

    pub(super) fn body(self) -> Option<Arc<ContextBody>> {
        objects::context(self.0)
    }

    pub(super) fn read<T>(self, read: impl FnOnce(&mut Fields) -> T) -> Option<T> {
        let body = self.body()?;
        let mut fields = lock(&body.fields);
        Some(read(&mut fields))
    }

    /// `SSL_CTX_up_ref`.
    pub(crate) fn up_ref(self) {
        if let Some(body) = self.body() {
            body.references.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// `SSL_CTX_free`. With the last reference everything is flushed, then the ex_data is freed.
    pub(crate) fn free(self) {
        let Some(body) = self.body() else { return };
        if body.references.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        match body.world.exports() {
            Some(exports) => (exports.flush_sessions)(self, 0),
            None => cache::flush(self, 0),
        }
        ex_data::free_all(EX_INDEX_SSL_CTX, self.as_ptr().cast(), |index| self.ex_data(index));
        for index in ex_data::freed_indices(EX_INDEX_SSL_CTX) {
            let left = self.ex_data(index);
            if !left.is_null() && left != crate::openssl::trampolines::gone() {
                misused(format!(
                    "{self:x?} was freed with a value under index {index}: it was set after the free functions"
                ));
            }
        }
        cache::drop_all(self);
        objects::bury(self.0, &body.world);
    }

    pub(crate) fn is_alive(self) -> bool {
        objects::is_alive(self.0)
    }

    /// `SSL_CTX_ctrl`, the real one and nothing in front of it.
    pub(crate) fn ctrl(self, command: c_int, argument: c_long) -> c_long {
        let Some(body) = self.body() else { return 0 };
        let mut fields = lock(&body.fields);
        match command {
            CTRL_SESS_NUMBER => c_long::try_from(fields.cached.number()).expect("few sessions"),
            CTRL_SESS_CONNECT_GOOD => fields.stats.connect_good,
            CTRL_SESS_ACCEPT_GOOD => fields.stats.accept_good,
            CTRL_SESS_HIT => fields.stats.hit,
            CTRL_SESS_CB_HIT => fields.stats.cb_hit,
            CTRL_SESS_MISSES => fields.stats.miss,
            CTRL_SESS_TIMEOUTS => fields.stats.timeout,
            CTRL_SESS_CACHE_FULL => fields.stats.cache_full,
            CTRL_SET_SESS_CACHE_SIZE if argument < 0 => 0,
            CTRL_SET_SESS_CACHE_SIZE => std::mem::replace(&mut fields.size, argument),
            CTRL_GET_SESS_CACHE_SIZE => fields.size,
            CTRL_SET_SESS_CACHE_MODE => std::mem::replace(&mut fields.mode, low_half(argument)).into(),
            CTRL_GET_SESS_CACHE_MODE => fields.mode.into(),
            other => {
                body.world.other_control(other, argument);
                1000 + c_long::from(other)
            }
        }
    }

    /// The same, as libssl itself asks.
    pub(super) fn ctrl_by_libssl(self, command: c_int) -> c_long {
        match self.body().and_then(|body| body.world.exports()) {
            Some(exports) => (exports.ctrl)(self, command, 0),
            None => self.ctrl(command, 0),
        }
    }

    /// `SSL_CTX_sess_set_new_cb` and the two others, the real ones.
    pub(crate) fn set_callbacks(self, new: Option<NewCb>, remove: Option<RemoveCb>, get: Option<GetCb>) {
        self.read(|fields| (fields.new, fields.remove, fields.get) = (new, remove, get));
    }

    /// The addresses of the three callbacks that libssl has.
    pub(crate) fn callbacks(self) -> [Option<usize>; 3] {
        let (new, remove, get) =
            self.read(|fields| (fields.new, fields.remove, fields.get)).unwrap_or_default();
        [new.map(|f| f as usize), remove.map(|f| f as usize), get.map(|f| f as usize)]
    }

    /// `SSL_CTX_set_options`.
    pub(crate) fn set_options(self, options: u64) {
        self.read(|fields| fields.options |= options);
    }

    /// `SSL_CTX_clear_options`.
    pub(crate) fn clear_options(self, options: u64) {
        self.read(|fields| fields.options &= !options);
    }

    pub(crate) fn options(self) -> u64 {
        self.read(|fields| fields.options).unwrap_or_default()
    }

    /// As if it had been made for servers only.
    pub(crate) fn set_server_method(self) {
        self.read(|fields| fields.serves_only = true);
    }

    /// `SSL_CTX_use_certificate`.
    pub(crate) fn use_certificate(self, certificate: &[u8]) {
        self.read(|fields| fields.certificate = Some(Certificate::of(certificate)));
    }

    /// What verifying its clients' certificates ends with.
    pub(crate) fn set_verify_result(self, result: c_long) {
        self.read(|fields| fields.verify_result = result);
    }

    /// As one whose certificates come from a callback.
    pub(crate) fn forget_certificate(self) {
        self.read(|fields| fields.certificate = None);
    }

    /// `SSL_CTX_set_verify`.
    pub(crate) fn set_verify(self, mode: c_int) {
        self.read(|fields| fields.verify_mode = mode);
    }

    /// `SSL_CTX_set_client_CA_list`.
    pub(crate) fn set_authorities(self, names: &[&[u8]]) {
        self.read(|fields| fields.authorities = names.iter().map(|name| name.to_vec()).collect());
    }

    /// Has the context think that this many handshakes succeeded.
    pub(crate) fn set_handshakes_done(self, count: i64) {
        self.read(|fields| (fields.stats.accept_good, fields.stats.connect_good) = (count, count));
    }

    /// `SSL_CTX_add_session`, the real one and nothing in front of it.
    pub(crate) fn add_session(self, session: super::FakeSession) -> c_int {
        cache::add(self, session)
    }

    /// `SSL_CTX_remove_session`, the real one and nothing in front of it.
    pub(crate) fn remove_session(self, session: super::FakeSession) -> c_int {
        cache::remove(self, session)
    }

    /// `SSL_CTX_flush_sessions`, the real one and nothing in front of it.
    pub(crate) fn flush_sessions(self, time: i64) {
        cache::flush(self, time);
    }

    /// What stands in libssl's own cache, the first to go first.
    pub(crate) fn cached(self) -> Vec<super::FakeSession> {
        self.read(|fields| fields.cached.in_order()).unwrap_or_default()
    }

    pub(crate) fn ex_data(self, index: c_int) -> *mut c_void {
        self.read(|fields| fields.ex_data.get(index)).unwrap_or(std::ptr::null_mut())
    }

    pub(crate) fn set_ex_data(self, index: c_int, value: *mut c_void) -> bool {
        self.read(|fields| fields.ex_data.set(index, value)).is_some()
    }
}

/// libssl keeps a mode in 32 bits.
fn low_half(argument: c_long) -> u32 {
    let bytes = argument.to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
