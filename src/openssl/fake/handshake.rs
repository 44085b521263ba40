//! What libssl does with a session cache while it shakes hands, asks for a session, and hangs up.

use libc::c_int;

use super::cache;
use super::connection::FakeConnection;
use super::context::FakeContext;
use super::session::{FakeSession, Owned};
use super::{Release, by_release};
use crate::base::clock;
use crate::openssl::types::number::*;

/// Which bit of the mode a handshake answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// How a client's wish to resume ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resumption {
    /// With this session.
    Resumed(FakeSession),
    /// There was none, or it had expired, or it had been used up.
    Refused,
}

const MODE_NO_AUTO_CLEAR: u32 = 0x80;

impl FakeConnection {
    /// A full handshake ends, with this session as its result: `ssl_update_cache`, and the counters around it.
    pub(crate) fn finish(self, session: Owned) {
        self.use_session(Some(session));
        self.read(|fields| fields.resumed = false);
        self.update(false);
    }

    /// A resumed handshake ends.
    pub(crate) fn finish_resumed(self) {
        self.update(true);
    }

    /// A resumed handshake of TLS 1.3 ends, with a new session for the client's next connection.
    pub(crate) fn renew(self, session: Owned) {
        self.use_session(Some(session));
        self.update(true);
    }

    fn update(self, resumed: bool) {
        let is_tls13 = self.version() == TLS1_3_VERSION;
        if is_tls13 {
            self.count_success();
        }
        self.update_cache(resumed);
        if !is_tls13 {
            self.count_success();
        }
    }

    fn version(self) -> c_int {
        self.read(|fields| fields.version).unwrap_or_default()
    }

    fn side(self) -> Side {
        match self.read(|fields| fields.is_server) {
            Some(true) => Side::Server,
            _ => Side::Client,
        }
    }

    fn count_success(self) {
        let (Some(context), Some(session_context)) = (self.context(), self.session_context()) else { return };
        match self.side() {
            Side::Server => context.read(|fields| fields.stats.accept_good += 1),
            Side::Client => session_context.read(|fields| fields.stats.connect_good += 1),
        };
    }

    fn update_cache(self, resumed: bool) {
        let (Some(context), Some(session)) = (self.session_context(), self.session()) else { return };
        if session.id().is_empty() || (session.is_marked() && !Release::played().is_old()) {
            return;
        }
        let bit = if self.side() == Side::Client { 1 } else { 2 };
        let mode = context.read(|fields| fields.mode).unwrap_or_default();
        if mode & bit != 0 && (!resumed || self.version() == TLS1_3_VERSION) {
            if mode & MODE_NO_INTERNAL_STORE == 0 && self.is_worth_storing(context) {
                add_by_libssl(context, session);
            }
            self.tell_of_new(context, session);
        }
        if mode & MODE_NO_AUTO_CLEAR == 0 && mode & bit == bit {
            self.auto_flush(context);
        }
    }

    /// Of TLS 1.3's sessions on a server only those that somebody will ask the cache for.
    fn is_worth_storing(self, context: FakeContext) -> bool {
        self.version() != TLS1_3_VERSION
            || self.side() == Side::Client
            || self.has_anti_replay()
            || context.read(|fields| fields.remove.is_some()) == Some(true)
            || self.read(|fields| fields.options & OP_NO_TICKET != 0) == Some(true)
    }

    fn has_anti_replay(self) -> bool {
        self.read(|fields| fields.max_early_data > 0 && fields.options & OP_NO_ANTI_REPLAY == 0) == Some(true)
    }

    fn tell_of_new(self, context: FakeContext, session: FakeSession) {
        let Some(callback) = context.read(|fields| fields.new).flatten() else { return };
        session.up_ref();
        // SAFETY: it was set for just this, and both objects are alive.
        let kept = unsafe { callback(self.as_ptr(), session.as_ptr()) };
        if kept == 0 {
            session.free();
        }
    }

    fn auto_flush(self, context: FakeContext) {
        let done = match self.side() {
            Side::Client => context.read(|fields| fields.stats.connect_good),
            Side::Server => context.read(|fields| fields.stats.accept_good),
        };
        if done.unwrap_or_default() & 0xff == 0xff {
            match context.body().and_then(|body| body.world.exports()) {
                Some(exports) => (exports.flush_sessions)(context, clock::now()),
                None => cache::flush(context, clock::now()),
            }
        }
    }

    /// `lookup_sess_in_cache`.
    pub(crate) fn lookup(self, id: &[u8]) -> Option<Owned> {
        let context = self.session_context()?;
        if context.read(|fields| fields.mode)? & MODE_NO_INTERNAL_LOOKUP == 0 {
            match cache::lookup(context, self.version(), id) {
                Err(()) => return None,
                Ok(Some(found)) => return Some(Owned::from(found)),
                Ok(None) => context.read(|fields| fields.stats.miss += 1)?,
            }
        }
        self.ask_callback(context, id)
    }

    fn ask_callback(self, context: FakeContext, id: &[u8]) -> Option<Owned> {
        let callback = context.read(|fields| fields.get).flatten()?;
        let mut copy: c_int = 1;
        let length = c_int::try_from(id.len()).expect("a short id");
        // SAFETY: it was set for just this, the connection is alive, and so are id and flag until it returns.
        let answer = unsafe { callback(self.as_ptr(), id.as_ptr(), length, &raw mut copy) };
        if answer.is_null() {
            return None;
        }
        let session = FakeSession::at(answer);
        if session.is_marked() && !Release::played().is_old() {
            if copy == 0 {
                session.free();
            }
            return None;
        }
        context.read(|fields| fields.stats.cb_hit += 1);
        if copy != 0 && !session.up_ref() {
            return None;
        }
        if context.read(|fields| fields.mode)? & MODE_NO_INTERNAL_STORE == 0 {
            add_by_libssl(context, session);
        }
        Some(Owned::from(session))
    }

    /// A client asks for a session by its id: lookup, anti-replay, expiry.
    pub(crate) fn resume(self, id: &[u8]) -> Resumption {
        let (Some(session), Some(context)) = (self.lookup(id), self.session_context()) else {
            return Resumption::Refused;
        };
        let is_tls13 = self.version() == TLS1_3_VERSION;
        if is_tls13 && self.has_anti_replay() && remove_by_libssl(context, session.handle()) == 0 {
            return Resumption::Refused;
        }
        if clock::now() > session.time().saturating_add(session.timeout()) {
            context.read(|fields| fields.stats.timeout += 1);
            if !is_tls13 {
                remove_by_libssl(context, session.handle());
            }
            return Resumption::Refused;
        }
        context.read(|fields| fields.stats.hit += 1);
        let resumed = session.handle();
        self.use_resumed(session);
        Resumption::Resumed(resumed)
    }

    /// `ssl_generate_session_id` with a generator of the application. `None`: the handshake fails.
    pub(crate) fn generate_id(self) -> Option<Vec<u8>> {
        let context = self.session_context()?;
        let own = self.read(|fields| fields.generate).flatten();
        let callback = own.or_else(|| context.read(|fields| fields.generate).flatten())?;
        let (mut id, mut length) = ([0u8; 32], 32);
        // SAFETY: it was set for just this, the connection is alive, and so are buffer and length until it returns.
        let made = unsafe { callback(self.as_ptr(), id.as_mut_ptr(), &raw mut length) };
        let id = id.get(..usize::try_from(length).ok()?).filter(|id| made != 0 && !id.is_empty())?;
        let taken = match self.body()?.world.exports() {
            Some(exports) => (exports.has_matching)(self, id) == 1,
            None => self.has_matching(id),
        };
        (!taken).then(|| id.to_vec())
    }

    /// `SSL_has_matching_session_id`, the real one and nothing in front of it.
    pub(crate) fn has_matching(self, id: &[u8]) -> bool {
        let found = self.session_context().map(|context| cache::lookup(context, self.version(), id));
        match found {
            Some(Ok(Some(session))) => {
                session.free();
                true
            }
            _ => false,
        }
    }

    /// A fatal alert: the session is not to be used again.
    pub(crate) fn fail(self) {
        if let (Some(context), Some(session)) = (self.session_context(), self.session()) {
            remove_by_libssl(context, session);
        }
    }

    /// `SSL_free` after both sides said goodbye.
    pub(crate) fn close(self) {
        self.end();
    }

    /// `SSL_free` of a connection that was not shut down.
    pub(crate) fn break_off(self) {
        self.fail();
        self.end();
    }
}

fn add_by_libssl(context: FakeContext, session: FakeSession) -> c_int {
    match context.body().and_then(|body| body.world.exports()) {
        Some(exports) => (exports.add_session)(context, session),
        None => cache::add(context, session),
    }
}

fn remove_by_libssl(context: FakeContext, session: FakeSession) -> c_int {
    match context.body().and_then(|body| body.world.exports()) {
        Some(exports) => (exports.remove_session)(context, session),
        None => cache::remove(context, session),
    }
}

/// Whether this release goes through the newer of two flush functions.
pub(super) fn has_time_t_functions() -> bool {
    by_release(false, false, true, true)
}
