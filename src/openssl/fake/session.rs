//! Sessions: counted references, an id, a time to live, and the mark that says "not resumable".

use std::ffi::c_void;
use std::ptr::without_provenance_mut;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use libc::c_int;

use super::context::FakeContext;
use super::ex_data::{self, EX_INDEX_SSL_SESSION, Values};
use super::objects::{self, Object};
use super::world::{self, WorldBody, lock};
use super::{Release, cache};
use crate::openssl::session::SessionRef;
use crate::openssl::types::SSL_SESSION;

/// A session, by its address. Copies share the object and own no reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct FakeSession(usize);

/// One reference to a session, freed when it is dropped.
pub(crate) struct Owned(FakeSession);

pub(super) struct SessionBody {
    references: AtomicI64,
    pub(super) fields: Mutex<Fields>,
    world: Arc<WorldBody>,
}

pub(super) struct Fields {
    /// All that were ever set: libssl writes over the old one, here a reader of it is left alone.
    ids: Vec<Box<[u8]>>,
    id_contexts: Vec<Box<[u8]>>,
    pub(super) version: c_int,
    pub(super) time: i64,
    pub(super) timeout: i64,
    pub(super) marked: bool,
    has_ticket: bool,
    padding: usize,
    ex_data: Values,
    /// The context that has it in its cache.
    pub(super) owner: Option<FakeContext>,
}

impl Fields {
    pub(super) fn id(&self) -> &[u8] {
        self.ids.last().map_or(&[], |id| id)
    }

    pub(super) fn expiry(&self) -> i64 {
        self.time.saturating_add(self.timeout)
    }
}

impl Owned {
    /// A session that was made just now, and expires in an hour.
    pub(crate) fn new(version: c_int, id: &[u8]) -> Owned {
        let session = FakeSession::make(Fields {
            ids: vec![id.into()],
            id_contexts: vec![],
            version,
            time: crate::base::clock::now(),
            timeout: 3600,
            marked: false,
            has_ticket: false,
            padding: 0,
            ex_data: Values::default(),
            owner: None,
        });
        Owned(session)
    }

    /// Takes over a reference.
    pub(crate) fn from(session: FakeSession) -> Owned {
        Owned(session)
    }

    /// The reference is somebody else's now.
    pub(crate) fn give_away(self) -> FakeSession {
        std::mem::ManuallyDrop::new(self).0
    }

    pub(crate) fn handle(&self) -> FakeSession {
        self.0
    }
}

impl std::ops::Deref for Owned {
    type Target = FakeSession;

    fn deref(&self) -> &FakeSession {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.free();
    }
}

impl FakeSession {
    /// The session at an address that came from this libssl.
    pub(crate) fn at(pointer: *mut SSL_SESSION) -> FakeSession {
        FakeSession(pointer.addr())
    }

    pub(super) fn make(fields: Fields) -> FakeSession {
        let address = objects::fresh_address();
        let (references, fields, world) = (AtomicI64::new(1), Mutex::new(fields), world::current());
        objects::bear(address, Object::Session(Arc::new(SessionBody { references, fields, world })));
        FakeSession(address)
    }

    /// `SSL_SESSION_dup`: another object with the same content, in no cache.
    pub(super) fn dup(self) -> Option<FakeSession> {
        let copy = self.read(|fields| Fields {
            ids: vec![fields.id().into()],
            id_contexts: vec![fields.id_contexts.last().cloned().unwrap_or_default()],
            ex_data: ex_data::copied(EX_INDEX_SSL_SESSION, std::ptr::null_mut(), |index| {
                fields.ex_data.get(index)
            }),
            owner: None,
            ..*fields
        })?;
        Some(FakeSession::make(copy))
    }

    /// What `i2d_SSL_SESSION` writes: neither the mark nor ex_data is in it.
    pub(super) fn encoded(self) -> Vec<u8> {
        let encoded = self.read(|fields| {
            let mut bytes = b"session".to_vec();
            bytes.extend(fields.version.to_le_bytes());
            bytes.extend(fields.time.to_le_bytes());
            bytes.extend(fields.timeout.to_le_bytes());
            bytes.push(u8::from(fields.has_ticket));
            for text in [fields.id(), fields.id_contexts.last().map_or(&[], |context| context)] {
                bytes.push(u8::try_from(text.len()).expect("a short text"));
                bytes.extend(text);
            }
            bytes.resize(bytes.len() + fields.padding, 0);
            bytes
        });
        encoded.unwrap_or_default()
    }

    /// What `d2i_SSL_SESSION` makes of it.
    pub(super) fn decoded(bytes: &[u8]) -> Option<FakeSession> {
        let rest = bytes.strip_prefix(b"session")?;
        let (version, rest) = rest.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (timeout, rest) = rest.split_first_chunk()?;
        let ([has_ticket, id_length], rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_at_checked((*id_length).into())?;
        let ([context_length], rest) = rest.split_first_chunk()?;
        let (id_context, padding) = rest.split_at_checked((*context_length).into())?;
        Some(FakeSession::make(Fields {
            ids: vec![id.into()],
            id_contexts: vec![id_context.into()],
            version: c_int::from_le_bytes(*version),
            time: i64::from_le_bytes(*time),
            timeout: i64::from_le_bytes(*timeout),
            marked: false,
            has_ticket: *has_ticket == 1,
            padding: padding.len(),
            ex_data: Values::default(),
            owner: None,
        }))
    }

    /// Makes what the session is written as so many bytes longer, as a long certificate of its client's does.
    pub(crate) fn pad(self, bytes: usize) {
        self.read(|fields| fields.padding = bytes);
    }

    pub(crate) fn address(self) -> usize {
        self.0
    }

    pub(crate) fn as_ptr(self) -> *mut SSL_SESSION {
        without_provenance_mut(self.0)
    }

    /// As the crate sees a session.
    pub(crate) fn view(&self) -> SessionRef<'_> {
        // SAFETY: nothing looks through the address of a fake session.
        unsafe { SessionRef::from_ptr(self.as_ptr()) }.expect("an address")
    }

    pub(super) fn read<T>(self, read: impl FnOnce(&mut Fields) -> T) -> Option<T> {
        let body = objects::session(self.0)?;
        let mut fields = lock(&body.fields);
        Some(read(&mut fields))
    }

    /// `SSL_SESSION_up_ref`.
    pub(crate) fn up_ref(self) -> bool {
        let Some(body) = objects::session(self.0) else { return false };
        world::current().wait_if_blocked(self.0);
        body.references.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// `SSL_SESSION_free`.
    pub(crate) fn free(self) {
        let Some(body) = objects::session(self.0) else { return };
        if body.references.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        ex_data::free_all(EX_INDEX_SSL_SESSION, self.as_ptr().cast(), |index| {
            lock(&body.fields).ex_data.get(index)
        });
        if let Some(owner) = lock(&body.fields).owner {
            world::misused(format!("{:#x} was freed while {owner:?} has it in its cache", self.0));
        }
        objects::bury(self.0, &body.world);
    }

    /// How many references there are to it; none once it is gone.
    pub(crate) fn references(self) -> i64 {
        if !objects::is_alive(self.0) {
            return 0;
        }
        objects::session(self.0).map_or(0, |body| body.references.load(Ordering::Acquire))
    }

    pub(crate) fn id(self) -> Vec<u8> {
        self.read(|fields| fields.id().to_vec()).unwrap_or_default()
    }

    /// `SSL_SESSION_set1_id`. The object must not move in memory while its id is lent, so all ids are kept.
    pub(crate) fn set_id(self, id: &[u8]) {
        self.read(|fields| fields.ids.push(id.into()));
    }

    /// `SSL_SESSION_set_protocol_version`.
    pub(crate) fn set_version(self, version: c_int) {
        self.read(|fields| fields.version = version);
    }

    pub(super) fn id_place(self) -> (*const u8, usize) {
        self.read(|fields| place(&fields.ids)).unwrap_or((std::ptr::null(), 0))
    }

    pub(crate) fn set_id_context(self, context: &[u8]) {
        self.read(|fields| fields.id_contexts.push(context.into()));
    }

    pub(super) fn id_context_place(self) -> (*const u8, usize) {
        self.read(|fields| place(&fields.id_contexts)).unwrap_or((std::ptr::null(), 0))
    }

    pub(crate) fn time(self) -> i64 {
        self.read(|fields| fields.time).unwrap_or_default()
    }

    pub(crate) fn timeout(self) -> i64 {
        self.read(|fields| fields.timeout).unwrap_or_default()
    }

    /// `SSL_SESSION_set_time`, the real one and nothing in front of it.
    pub(crate) fn set_time(self, time: i64) -> i64 {
        match cache::changing_time(self, |fields| fields.time = time) {
            true => time,
            false => 0,
        }
    }

    /// `SSL_SESSION_set_timeout`, the real one and nothing in front of it.
    pub(crate) fn set_timeout(self, timeout: i64) -> c_int {
        if timeout < 0 && !Release::played().is_old() {
            return 0;
        }
        c_int::from(cache::changing_time(self, |fields| fields.timeout = timeout))
    }

    pub(crate) fn is_marked(self) -> bool {
        self.read(|fields| fields.marked).unwrap_or_default()
    }

    pub(crate) fn mark(self) {
        self.read(|fields| fields.marked = true);
    }

    /// Gives the session a ticket, as a client's has that has no id.
    pub(crate) fn set_ticket(self) {
        self.read(|fields| fields.has_ticket = true);
    }

    pub(super) fn is_resumable(self) -> bool {
        self.read(|fields| !fields.marked && (fields.has_ticket || !fields.id().is_empty()))
            .unwrap_or_default()
    }

    pub(crate) fn set_ex_data(self, index: c_int, value: *mut c_void) {
        self.read(|fields| fields.ex_data.set(index, value));
    }

    pub(crate) fn ex_data(self, index: c_int) -> *mut c_void {
        self.read(|fields| fields.ex_data.get(index)).unwrap_or(std::ptr::null_mut())
    }
}

fn place(texts: &[Box<[u8]>]) -> (*const u8, usize) {
    texts.last().map_or((std::ptr::null(), 0), |text| (text.as_ptr(), text.len()))
}
