//! What the core holds of a session.

use std::sync::Arc;

use once_cell::race::OnceBox;

use crate::cache::SessionKey;
use crate::openssl::{Session, SessionRef};
use crate::shared::Published;

/// One counted reference, and what is known of the session's copy in the host tier. Two are equal if the object is the same.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) session: Session,
    /// Only where sessions are shared; behind a pointer, since most caches share none.
    pub(crate) share: Option<Arc<Share>>,
}

/// A session that is, or is about to be, in the host tier.
pub(crate) struct Share {
    /// When its line of sessions began.
    pub(crate) origin: i64,
    /// It may be resumed once.
    pub(crate) single_use: bool,
    /// Where it was published; nothing inside if it could not be. Empty while its new callback runs.
    pub(crate) outcome: OnceBox<Option<Published>>,
}

impl Stored {
    /// To be compared with.
    pub(crate) fn alone(session: Session) -> Stored {
        Stored { session, share: None }
    }

    /// Whether the session still has the name that it was stored under. One whose id or version was changed meanwhile libssl
    /// does not find there.
    pub(crate) fn answers_to(&self, key: &SessionKey) -> bool {
        self.as_ref().id() == key.id() && self.as_ref().protocol_version() == key.version()
    }

    pub(crate) fn as_ref(&self) -> SessionRef<'_> {
        self.session.as_ref()
    }
}

impl PartialEq for Stored {
    fn eq(&self, other: &Stored) -> bool {
        self.session == other.session
    }
}
