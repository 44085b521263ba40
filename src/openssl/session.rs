//! `Session`: one counted reference to an `SSL_SESSION`.

use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{c_int, c_uint};

use super::load::{self, libssl};
use super::table::Libssl;
use super::types::SSL_SESSION;
use super::version::Version;

/// The last second of a time in unsigned nanoseconds. What libssl adds up beyond that never comes, all of it equally late.
const NANOSECONDS_END: i64 = 18_446_744_072;

/// An owned reference. `clone` is `SSL_SESSION_up_ref`, `drop` is `SSL_SESSION_free`.
///
/// No `Debug`: a session is key material.
pub(crate) struct Session(NonNull<SSL_SESSION>);

// SAFETY: OpenSSL's sessions are shared between threads by design: the reference count is atomic, and
// CRYPTO_UP_REF's manual allows any thread to take and drop references; a stored session is not written to.
unsafe impl Send for Session {}
// SAFETY: as above; through a shared `Session` only getters of immutable fields are called.
unsafe impl Sync for Session {}

impl Session {
    /// Takes a new reference to `pointer`; the caller keeps its own.
    ///
    /// # Safety
    /// `pointer` is NULL or a live session.
    pub(crate) unsafe fn share(pointer: *mut SSL_SESSION) -> Option<Session> {
        let pointer = NonNull::new(pointer)?;
        let libssl = libssl()?;
        // SAFETY: live by the caller's word.
        let taken = unsafe { (libssl.session_up_ref)(pointer.as_ptr()) };
        (taken == 1).then_some(Session(pointer))
    }

    /// Takes over the caller's reference.
    ///
    /// # Safety
    /// `pointer` is NULL or a live session, one reference of which is the caller's to give.
    pub(crate) unsafe fn own(pointer: *mut SSL_SESSION) -> Option<Session> {
        NonNull::new(pointer).map(Session)
    }

    /// Gives the reference away; whoever receives it frees it.
    pub(crate) fn into_ptr(self) -> *mut SSL_SESSION {
        std::mem::ManuallyDrop::new(self).0.as_ptr()
    }

    pub(crate) fn as_ptr(&self) -> *mut SSL_SESSION {
        self.0.as_ptr()
    }

    /// A borrowed view of this session.
    pub(crate) fn as_ref(&self) -> SessionRef<'_> {
        SessionRef { pointer: self.0, life: std::marker::PhantomData }
    }
}

impl Clone for Session {
    fn clone(&self) -> Session {
        if let Some(libssl) = libssl() {
            // SAFETY: `self` holds a reference, so the session is alive and the count above zero.
            unsafe { (libssl.session_up_ref)(self.as_ptr()) };
        }
        Session(self.0)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(libssl) = libssl() {
            // SAFETY: this is the one reference that `self` stands for.
            unsafe { (libssl.session_free)(self.as_ptr()) };
        }
    }
}

/// The very same object, not an equal one.
impl PartialEq for Session {
    fn eq(&self, other: &Session) -> bool {
        self.0 == other.0
    }
}

/// A place for one session that any thread may exchange.
#[derive(Default)]
pub(crate) struct SessionCell(AtomicPtr<SSL_SESSION>);

impl SessionCell {
    /// Puts `session` there, and returns what stood there before.
    pub(crate) fn put(&self, session: Option<Session>) -> Option<Session> {
        let before = self.0.swap(session.map_or(null_mut(), Session::into_ptr), Ordering::AcqRel);
        NonNull::new(before).map(Session)
    }
}

impl Drop for SessionCell {
    fn drop(&mut self) {
        self.put(None);
    }
}

/// A session borrowed for one call.
#[derive(Clone, Copy)]
pub(crate) struct SessionRef<'a> {
    pointer: NonNull<SSL_SESSION>,
    life: std::marker::PhantomData<&'a SSL_SESSION>,
}

impl<'a> SessionRef<'a> {
    /// # Safety
    /// `pointer` is NULL or a session that lives at least as long as `'a`.
    pub(crate) unsafe fn from_ptr(pointer: *mut SSL_SESSION) -> Option<SessionRef<'a>> {
        Some(SessionRef { pointer: NonNull::new(pointer)?, life: std::marker::PhantomData })
    }

    /// For an exported function: nothing if the calling code uses another libssl than the first.
    ///
    /// # Safety
    /// `pointer` is NULL or a session, of whichever libssl, that lives at least as long as `'a`.
    pub(crate) unsafe fn from_caller(pointer: *mut SSL_SESSION) -> Option<SessionRef<'a>> {
        if load::several() && load::caller_is_foreign() {
            return None;
        }
        // SAFETY: by the caller's word, and it is of the first libssl.
        unsafe { SessionRef::from_ptr(pointer) }
    }

    pub(crate) fn as_ptr(self) -> *mut SSL_SESSION {
        self.pointer.as_ptr()
    }

    /// A reference of its own to the same session.
    pub(crate) fn to_owned(self) -> Option<Session> {
        // SAFETY: alive for 'a.
        unsafe { Session::share(self.as_ptr()) }
    }

    /// The session id, up to 32 bytes.
    pub(crate) fn id(self) -> &'a [u8] {
        let Some(libssl) = libssl() else { return &[] };
        let mut length: c_uint = 0;
        // SAFETY: a live session and a place for the length.
        let bytes = unsafe { (libssl.session_get_id)(self.as_ptr(), &raw mut length) };
        // SAFETY: libssl says that this many bytes stand there, inside the session.
        unsafe { slice(bytes, length) }
    }

    /// The session id context.
    pub(crate) fn id_context(self) -> &'a [u8] {
        let Some(libssl) = libssl() else { return &[] };
        let mut length: c_uint = 0;
        // SAFETY: a live session and a place for the length.
        let bytes = unsafe { (libssl.session_get0_id_context)(self.as_ptr(), &raw mut length) };
        // SAFETY: libssl says that this many bytes stand there, inside the session.
        unsafe { slice(bytes, length) }
    }

    pub(crate) fn protocol_version(self) -> c_int {
        // SAFETY: a live session.
        libssl().map_or(0, |libssl| unsafe { (libssl.session_get_protocol_version)(self.as_ptr()) })
    }

    /// The second at which it expires; `i64::MAX` if that is beyond all counting.
    pub(crate) fn expiry(self) -> i64 {
        let Some(libssl) = libssl() else { return i64::MAX };
        // SAFETY: a live session.
        let time = unsafe { (libssl.session_get_time)(self.as_ptr()) };
        // SAFETY: a live session.
        let timeout = unsafe { (libssl.session_get_timeout)(self.as_ptr()) };
        if libssl.version < Version::V3_0 {
            // Which adds them as they are, and has what is too much end long ago.
            return time.wrapping_add(timeout);
        }
        let expiry = time.saturating_add(timeout);
        if libssl.version.flushes_by_nanoseconds() && expiry > NANOSECONDS_END { i64::MAX } else { expiry }
    }

    /// What a client asks before it offers the session: not marked, and with an id or a ticket.
    pub(crate) fn is_resumable(self) -> bool {
        // SAFETY: a live session.
        libssl().is_some_and(|libssl| unsafe { (libssl.session_is_resumable)(self.as_ptr()) } == 1)
    }

    /// Whether it was marked not resumable. `is_resumable` also says no for want of an id and a ticket, so
    /// there a copy is asked that has an id.
    pub(crate) fn is_marked(self) -> bool {
        if self.is_resumable() {
            return false;
        }
        if !self.id().is_empty() {
            return true;
        }
        let Some(libssl) = libssl() else { return true };
        let Some(copy) = self.duplicate(libssl) else { return true };
        copy.as_ref().set_id(&[1]);
        !copy.as_ref().is_resumable()
    }

    /// Another object of the same content.
    pub(super) fn duplicate(self, libssl: &Libssl) -> Option<Session> {
        // SAFETY: a live session, which is only read: the function of 1.1.1 has lost its `const`.
        let copy = unsafe { (libssl.session_dup)(self.as_ptr()) };
        // SAFETY: new, with one reference that is ours.
        unsafe { Session::own(copy) }
    }

    /// Gives it this id, and leaves it where it stands.
    pub(super) fn set_id(self, id: &[u8]) {
        let Some(libssl) = libssl() else { return };
        let length = c_uint::try_from(id.len()).unwrap_or(0);
        // SAFETY: a live session, and as many readable bytes.
        unsafe { (libssl.session_set1_id)(self.as_ptr(), id.as_ptr(), length) };
    }

    /// Sets its time and nothing else. Where there are two functions the old one may call the new one through
    /// the PLT, and so us, who would move the session.
    pub(crate) fn set_time(self, now: i64) {
        let Some(libssl) = libssl() else { return };
        let set_time = libssl.session_set_time_ex.unwrap_or(libssl.session_set_time);
        // SAFETY: a live session.
        unsafe { set_time(self.as_ptr(), now) };
    }
}

/// # Safety
/// `bytes` is NULL or points at `length` bytes that live as long as `'a`.
unsafe fn slice<'a>(bytes: *const u8, length: c_uint) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: by the caller's word.
        Ok(length) if length > 0 && !bytes.is_null() => unsafe { std::slice::from_raw_parts(bytes, length) },
        _ => &[],
    }
}
