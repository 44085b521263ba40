//! The application's callbacks: where their addresses are kept, and how they are called.
//!
//! Any of them may leave by longjmp, by a C++ exception or by ending its thread. So whoever calls one holds
//! no lock and no value that needs dropping, and leaves nothing to be done afterwards that must be done.

use std::marker::PhantomData;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::c_int;

use super::connection::ConnectionRef;
use super::context::ContextRef;
use super::session::SessionRef;
use super::types::*;

/// A function pointer of type `F` (or NULL) that any thread may replace at any time.
pub(crate) struct Callback<F> {
    address: AtomicPtr<()>,
    function: PhantomData<F>,
}

impl<F> Default for Callback<F> {
    fn default() -> Self {
        Callback { address: AtomicPtr::new(null_mut()), function: PhantomData }
    }
}

macro_rules! callback {
    ($function:ty) => {
        impl Callback<$function> {
            /// What the application set last.
            pub(crate) fn get(&self) -> Option<$function> {
                // SAFETY: only `set` writes the address, and it was a function of this type there; NULL is None.
                unsafe {
                    std::mem::transmute::<*mut (), Option<$function>>(self.address.load(Ordering::Acquire))
                }
            }

            pub(crate) fn set(&self, function: Option<$function>) {
                let address = function.map_or(null_mut(), |function| function as *mut ());
                self.address.store(address, Ordering::Release);
            }
        }
    };
}

callback!(NewCb);
callback!(RemoveCb);
callback!(GetCb);
callback!(GenerateCb);

/// Calls a new callback. A result other than 0 says that it keeps the reference which libssl took for it.
pub(crate) fn call_new(callback: NewCb, connection: ConnectionRef<'_>, session: SessionRef<'_>) -> c_int {
    // SAFETY: the application set it for just this, and both objects are alive.
    unsafe { callback(connection.as_ptr(), session.as_ptr()) }
}

/// Calls a remove callback. It gets no reference.
pub(crate) fn call_remove(callback: RemoveCb, context: ContextRef<'_>, session: SessionRef<'_>) {
    // SAFETY: the application set it for just this, and both objects are alive.
    unsafe { callback(context.as_ptr(), session.as_ptr()) }
}

/// What libssl's get callback is called with: the id that a client asks for, and the copy flag.
pub(crate) struct Question<'a> {
    pub(crate) connection: ConnectionRef<'a>,
    pub(super) id: *const u8,
    pub(super) length: c_int,
    pub(super) copy: *mut c_int,
}

impl<'a> Question<'a> {
    /// The id asked for.
    pub(crate) fn id(&self) -> &'a [u8] {
        match usize::try_from(self.length) {
            Ok(length) if length > 0 && !self.id.is_null() => {
                // SAFETY: libssl says that this many bytes stand there for the time of the call.
                unsafe { std::slice::from_raw_parts(self.id, length) }
            }
            _ => &[],
        }
    }

    /// The copy flag as it stands: libssl preset it to 1, and the application may have changed it.
    pub(crate) fn copy(&self) -> c_int {
        // SAFETY: libssl passes the address of a local of its own.
        if self.copy.is_null() { 1 } else { unsafe { *self.copy } }
    }

    /// Says whether libssl shall take a reference of its own to our answer.
    pub(crate) fn set_copy(&self, copy: c_int) {
        if !self.copy.is_null() {
            // SAFETY: libssl passes the address of a local of its own.
            unsafe { *self.copy = copy };
        }
    }

    /// The session that the application answered with, alive until libssl has looked at it.
    pub(crate) fn answered(&self, answer: *mut SSL_SESSION) -> Option<SessionRef<'a>> {
        // SAFETY: a get callback returns NULL or a live session: lent or given, its reference outlasts our view.
        unsafe { SessionRef::from_ptr(answer) }
    }

    /// Hands the question through to the application, id, length and flag untouched.
    pub(crate) fn ask(&self, callback: GetCb) -> *mut SSL_SESSION {
        // SAFETY: the application set it for just this; the arguments are libssl's own.
        unsafe { callback(self.connection.as_ptr(), self.id, self.length, self.copy) }
    }
}

/// What a session id generator is called with.
pub(crate) struct IdRequest<'a> {
    pub(crate) connection: ConnectionRef<'a>,
    pub(super) id: *mut u8,
    pub(super) length: *mut u32,
}

impl IdRequest<'_> {
    /// Lets the application's generator write the id.
    pub(crate) fn ask(&self, generator: GenerateCb) -> c_int {
        // SAFETY: the application set it for just this; the arguments are libssl's own.
        unsafe { generator(self.connection.as_ptr(), self.id, self.length) }
    }

    /// The id that was written, if its length is one that libssl will accept.
    pub(crate) fn written(&self) -> Option<[u8; 32]> {
        let length = self.length()?;
        let mut id = [0; 32];
        // SAFETY: libssl's buffer has room for 32 bytes, and `length` is at most that.
        let bytes = unsafe { std::slice::from_raw_parts(self.id, length) };
        id.get_mut(..length)?.copy_from_slice(bytes);
        Some(id)
    }

    /// The length that was written, if libssl will accept it.
    pub(crate) fn length(&self) -> Option<usize> {
        if self.id.is_null() || self.length.is_null() {
            return None;
        }
        // SAFETY: libssl passes the address of a local of its own.
        let length = usize::try_from(unsafe { *self.length }).ok()?;
        (1..=32).contains(&length).then_some(length)
    }
}
