//! Sessions of our own making, which only the real cache ever holds and no application ever sees.

use std::hash::{BuildHasher, RandomState};

use once_cell::race::OnceBox;

use super::errors;
use super::session::{Session, SessionRef};
use super::table::Libssl;

/// What a private session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Private {
    /// Long expired: removed exactly when libssl flushes what has expired.
    Tick,
    /// Never expires: removed exactly when the context is freed, or everything is flushed.
    Fin,
    /// A copy that makes libssl find an id which only our cache has.
    Conflict,
    /// One of the sessions by which the real cache's rules are found out.
    Probe(u8),
}

impl Private {
    fn number(self) -> u8 {
        match self {
            Private::Tick => 0,
            Private::Fin => 1,
            Private::Conflict => 2,
            Private::Probe(n) => 10 + n,
        }
    }

    /// Its time and its timeout.
    fn life(self) -> (i64, i64) {
        match self {
            // Until 2160: a few centuries more would overflow the nanoseconds that newer releases count.
            Private::Fin => (4_000_000_000, 2_000_000_000),
            _ => (1, 1),
        }
    }

    /// What `session` is for, if it is one of ours.
    pub(crate) fn of(session: SessionRef<'_>) -> Option<Private> {
        let (kind, mark) = session.id_context().split_last()?;
        if mark != secret() {
            return None;
        }
        match kind {
            0 => Some(Private::Tick),
            1 => Some(Private::Fin),
            2 => Some(Private::Conflict),
            n => Some(Private::Probe(n.saturating_sub(10))),
        }
    }

    /// The session id context, and for a sentinel also the id: nobody else's session has it.
    fn mark(self) -> [u8; 32] {
        let mut bytes = secret().iter().copied().chain([self.number()]);
        std::array::from_fn(|_| bytes.next().unwrap_or_default())
    }
}

/// Random bytes of this process by which a private session is known.
fn secret() -> &'static [u8; 31] {
    static SECRET: OnceBox<[u8; 31]> = OnceBox::new();
    SECRET.get_or_init(|| {
        let words: [u64; 4] = std::array::from_fn(|_| RandomState::new().hash_one(0u8));
        let mut bytes = words.into_iter().flat_map(u64::to_ne_bytes);
        Box::new(std::array::from_fn(|_| bytes.next().unwrap_or_default()))
    })
}

/// A private session with an id of its own.
pub(crate) fn make(libssl: &'static Libssl, kind: Private) -> Option<Session> {
    let (time, timeout) = kind.life();
    errors::kept(libssl, || {
        // SAFETY: takes nothing.
        let session = unsafe { (libssl.session_new)() };
        // SAFETY: new, with one reference that is ours.
        let session = unsafe { Session::own(session) }?;
        let id = kind.mark();
        // SAFETY: a private session and 32 readable bytes.
        if unsafe { (libssl.session_set1_id)(session.as_ptr(), id.as_ptr(), 32) } != 1 {
            return None;
        }
        // SAFETY: a private session.
        unsafe { (libssl.session_set_time)(session.as_ptr(), time) };
        // SAFETY: a private session.
        unsafe { (libssl.session_set_timeout)(session.as_ptr(), timeout) };
        label(libssl, session, kind)
    })
}

/// A private copy of `session` under the same id and version.
pub(crate) fn copy(libssl: &'static Libssl, session: SessionRef<'_>) -> Option<Session> {
    errors::kept(libssl, || label(libssl, session.duplicate(libssl)?, Private::Conflict))
}

fn label(libssl: &Libssl, session: Session, kind: Private) -> Option<Session> {
    let mark = kind.mark();
    // SAFETY: a private session and 32 readable bytes.
    let labelled = unsafe { (libssl.session_set1_id_context)(session.as_ptr(), mark.as_ptr(), 32) };
    (labelled == 1).then_some(session)
}
