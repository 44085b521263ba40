//! Callbacks of an application that are given more than objects: their raw arguments made safe.

use libc::{c_int, c_uchar, c_uint};

use super::connection::FakeConnection;
use super::session::FakeSession;
use crate::openssl::types::{SSL, SSL_SESSION};

/// An application that answers libssl's questions.
pub(crate) trait Answers {
    /// A get callback: the id that is asked for, and the copy flag as libssl preset it.
    fn session(connection: FakeConnection, id: &[u8], copy: &mut c_int) -> Option<FakeSession>;

    /// A session id generator: a buffer of zeros, and how many of them it may use and did.
    fn id(connection: FakeConnection, buffer: &mut [u8], length: &mut c_uint) -> c_int;
}

/// # Safety
/// As libssl calls a get callback.
pub(crate) unsafe extern "C-unwind" fn get_callback<A: Answers>(
    ssl: *mut SSL,
    id: *const c_uchar,
    length: c_int,
    copy: *mut c_int,
) -> *mut SSL_SESSION {
    let length = usize::try_from(length).expect("a length");
    // SAFETY: libssl passes this many bytes.
    let id = unsafe { std::slice::from_raw_parts(id, length) };
    // SAFETY: libssl passes a local of its own.
    let copy = unsafe { copy.as_mut() }.expect("a copy flag");
    A::session(FakeConnection::at(ssl), id, copy).map_or(std::ptr::null_mut(), FakeSession::as_ptr)
}

/// # Safety
/// As libssl calls a session id generator.
pub(crate) unsafe extern "C-unwind" fn generator<A: Answers>(
    ssl: *mut SSL,
    id: *mut c_uchar,
    length: *mut c_uint,
) -> c_int {
    // SAFETY: libssl passes a local of its own.
    let length = unsafe { length.as_mut() }.expect("a length");
    // SAFETY: libssl passes a buffer of this many bytes.
    let buffer = unsafe { std::slice::from_raw_parts_mut(id, usize::try_from(*length).expect("a length")) };
    A::id(FakeConnection::at(ssl), buffer, length)
}
