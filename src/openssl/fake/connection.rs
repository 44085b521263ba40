//! Connections: the context they were made from, the one they have now, and the session they use.

use std::ffi::c_void;
use std::ptr::without_provenance_mut;
use std::sync::{Arc, Mutex};

use libc::c_int;

use super::certificate::Certificate;
use super::context::FakeContext;
use super::ex_data::{self, Values};
use super::objects::{self, Object};
use super::session::{FakeSession, Owned};
use super::world::{self, WorldBody, lock};
use crate::openssl::connection::ConnectionRef;
use crate::openssl::types::number::*;
use crate::openssl::types::{GenerateCb, SSL};

/// A connection, by its address. It has one owner, who frees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FakeConnection(usize);

pub(super) struct ConnectionBody {
    fields: Mutex<Fields>,
    pub(super) world: Arc<WorldBody>,
}

pub(super) struct Fields {
    pub(super) context: FakeContext,
    pub(super) session_context: FakeContext,
    pub(super) version: c_int,
    pub(super) is_server: bool,
    pub(super) options: u64,
    /// What its context had when it was made, or when it was switched to that.
    pub(super) certificate: Option<Certificate>,
    pub(super) max_early_data: u32,
    pub(super) generate: Option<GenerateCb>,
    pub(super) session: Option<FakeSession>,
    /// It resumes a session.
    pub(super) resumed: bool,
    is_quic: bool,
    ex_data: Values,
}

pub(crate) const TLS1_2_VERSION: c_int = 0x0303;

impl FakeConnection {
    /// The connection at an address that came from this libssl.
    pub(crate) fn at(pointer: *mut SSL) -> FakeConnection {
        FakeConnection(pointer.addr())
    }

    /// `SSL_new`, the real one and nothing in front of it: a server's, for TLS 1.2.
    pub(crate) fn new(context: FakeContext) -> FakeConnection {
        FakeConnection::make(context, Values::default())
    }

    fn make(context: FakeContext, ex_data: Values) -> FakeConnection {
        // One for each of the two.
        context.up_ref();
        context.up_ref();
        let had = context.read(|fields| (fields.generate, fields.options, fields.certificate));
        let (generate, options, certificate) = had.unwrap_or_default();
        let fields = Fields {
            context,
            session_context: context,
            version: TLS1_2_VERSION,
            is_server: true,
            options,
            certificate,
            max_early_data: 0,
            generate,
            session: None,
            resumed: false,
            is_quic: false,
            ex_data,
        };
        let address = objects::fresh_address();
        let body = ConnectionBody { fields: Mutex::new(fields), world: world::current() };
        objects::bear(address, Object::Connection(Arc::new(body)));
        FakeConnection(address)
    }

    /// `SSL_dup` of a connection that has not begun.
    pub(crate) fn dup(self) -> FakeConnection {
        let of = self.read(|fields| {
            (fields.context, fields.version, fields.is_server, fields.generate, fields.options)
        });
        let (context, version, is_server, generate, options) = of.expect("a living connection");
        let copy = FakeConnection::new(context);
        if let Some(exports) = world::current().exports() {
            // SSL_dup calls SSL_new.
            (exports.ssl_made)(context, copy);
        }
        let values = ex_data::copied(EX_INDEX_SSL, copy.as_ptr().cast(), |index| self.ex_data(index));
        copy.read(|fields| {
            (fields.version, fields.is_server, fields.generate) = (version, is_server, generate);
            fields.options = options;
            fields.ex_data = values;
        });
        copy
    }

    pub(crate) fn as_ptr(self) -> *mut SSL {
        without_provenance_mut(self.0)
    }

    /// As the crate sees a connection.
    pub(crate) fn view(&self) -> ConnectionRef<'_> {
        // SAFETY: nothing looks through the address of a fake connection.
        unsafe { ConnectionRef::from_ptr(self.as_ptr()) }.expect("an address, and the fake in its place")
    }

    pub(super) fn body(self) -> Option<Arc<ConnectionBody>> {
        objects::connection(self.0)
    }

    pub(super) fn read<T>(self, read: impl FnOnce(&mut Fields) -> T) -> Option<T> {
        let body = self.body()?;
        let mut fields = lock(&body.fields);
        Some(read(&mut fields))
    }

    /// The protocol version that was negotiated.
    pub(crate) fn with_version(self, version: c_int) -> FakeConnection {
        self.read(|fields| fields.version = version);
        self
    }

    pub(crate) fn as_client(self) -> FakeConnection {
        self.read(|fields| fields.is_server = false);
        self
    }

    /// `SSL_set_options`.
    pub(crate) fn with_options(self, options: u64) -> FakeConnection {
        self.read(|fields| fields.options |= options);
        self
    }

    /// `SSL_clear_options`.
    pub(crate) fn clear_options(self, options: u64) {
        self.read(|fields| fields.options &= !options);
    }

    /// The options, without what a real one does to give them.
    pub(crate) fn options(self) -> u64 {
        self.read(|fields| fields.options).unwrap_or_default()
    }

    /// `SSL_set_max_early_data`.
    pub(crate) fn with_early_data(self) -> FakeConnection {
        self.read(|fields| fields.max_early_data = 16384);
        self
    }

    pub(crate) fn context(self) -> Option<FakeContext> {
        self.read(|fields| fields.context)
    }

    /// The context that the connection was made from: libssl knows it, and tells nobody.
    pub(crate) fn session_context(self) -> Option<FakeContext> {
        self.read(|fields| fields.session_context)
    }

    /// `SSL_set_SSL_CTX`, the real one and nothing in front of it.
    pub(crate) fn switch_to(self, context: FakeContext) {
        context.up_ref();
        let certificate = context.read(|fields| fields.certificate).flatten();
        let switch = |fields: &mut Fields| {
            // libssl leaves it at that if it is the same.
            if fields.context != context {
                fields.certificate = certificate;
            }
            std::mem::replace(&mut fields.context, context)
        };
        if let Some(before) = self.read(switch) {
            before.free();
        }
    }

    /// Plays a QUIC connection: what its getters say is not what it is made of.
    pub(crate) fn over_quic(self) -> FakeConnection {
        self.read(|fields| (fields.version, fields.is_quic) = (TLS1_3_VERSION, true));
        self
    }

    /// `SSL_version`.
    pub(super) fn public_version(self) -> c_int {
        self.read(|fields| if fields.is_quic { QUIC1_VERSION } else { fields.version }).unwrap_or_default()
    }

    /// `SSL_get_options`, which on QUIC waits for a lock that is held around every callback.
    pub(super) fn options_with_lock(self) -> u64 {
        if self.read(|fields| fields.is_quic) == Some(true) {
            world::misused(format!("{self:x?} is QUIC and was asked for its options: that never ends"));
        }
        self.read(|fields| fields.options).unwrap_or_default()
    }

    /// The session that the connection uses.
    pub(crate) fn session(self) -> Option<FakeSession> {
        self.read(|fields| fields.session).flatten()
    }

    /// Has the connection resume this session, wherever it came from.
    pub(crate) fn use_resumed(self, session: Owned) {
        self.use_session(Some(session));
        self.read(|fields| fields.resumed = true);
    }

    /// Has the connection use this session from now on.
    pub(super) fn use_session(self, session: Option<Owned>) {
        let session = session.map(Owned::give_away);
        let before = self.read(|fields| std::mem::replace(&mut fields.session, session)).flatten();
        drop(before.map(Owned::from));
    }

    pub(super) fn ex_data(self, index: c_int) -> *mut c_void {
        self.read(|fields| fields.ex_data.get(index)).unwrap_or(std::ptr::null_mut())
    }

    pub(super) fn set_ex_data(self, index: c_int, value: *mut c_void) -> bool {
        self.read(|fields| fields.ex_data.set(index, value)).is_some()
    }

    /// Lets go of all that the connection holds.
    pub(super) fn end(self) {
        let Some(body) = self.body() else { return };
        ex_data::free_all(EX_INDEX_SSL, self.as_ptr().cast(), |index| self.ex_data(index));
        self.use_session(None);
        let contexts = self.read(|fields| [fields.context, fields.session_context]);
        objects::bury(self.0, &body.world);
        contexts.into_iter().flatten().for_each(FakeContext::free);
    }
}
