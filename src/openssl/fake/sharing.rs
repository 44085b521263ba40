//! The C functions that only the shared profile takes: what a session and a context are in DER.
//!
//! A list of names and a name are named by places within the context that has them.

use std::ffi::c_void;
use std::ptr::{null_mut, without_provenance, without_provenance_mut};

use libc::{c_int, c_long, c_uchar, c_ulong};

use super::certificate::Certificate;
use super::connection::FakeConnection;
use super::context::FakeContext;
use super::errors::raise_error;
use super::functions::tls_method;
use super::session::FakeSession;
use super::world::current;
use crate::openssl::types::*;

const NAMES: usize = 0x18;
/// Of the first name.
const NAME: usize = 0x20;

fn context_of(place: usize) -> FakeContext {
    FakeContext::at(without_provenance_mut(place & !0x3f))
}

/// # Safety
/// `out` is NULL or a place that points at enough room.
unsafe fn write(bytes: &[u8], out: *mut *mut c_uchar) -> c_int {
    // SAFETY: by the caller's word.
    if let Some(at) = unsafe { out.as_mut() } {
        // SAFETY: by the caller's word.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), *at, bytes.len()) };
        *at = at.wrapping_add(bytes.len());
    }
    c_int::try_from(bytes.len()).expect("a short text")
}

pub(super) unsafe extern "C-unwind" fn i2d_session(
    session: *const SSL_SESSION,
    out: *mut *mut c_uchar,
) -> c_int {
    let encoded = FakeSession::at(session.cast_mut()).encoded();
    // SAFETY: the caller's place.
    unsafe { write(&encoded, out) }
}

pub(super) unsafe extern "C-unwind" fn d2i_session(
    _: *mut *mut SSL_SESSION,
    at: *mut *const c_uchar,
    length: c_long,
) -> *mut SSL_SESSION {
    current().decoded();
    let length = usize::try_from(length).expect("a length");
    // SAFETY: the caller's place.
    let start = unsafe { *at };
    // SAFETY: the caller's bytes.
    let bytes = unsafe { std::slice::from_raw_parts(start, length) };
    FakeSession::decoded(bytes).map_or_else(
        || {
            raise_error(0x0680_00a8);
            null_mut()
        },
        FakeSession::as_ptr,
    )
}

fn context(ssl: *const SSL) -> FakeContext {
    FakeConnection::at(ssl.cast_mut()).context().expect("a living connection")
}

pub(super) extern "C-unwind" fn ssl_get_certificate(ssl: *const SSL) -> *mut X509 {
    let certificate = FakeConnection::at(ssl.cast_mut()).read(|fields| fields.certificate).flatten();
    certificate.map_or(null_mut(), Certificate::as_ptr)
}

/// Those of TLS 1.3 do.
pub(super) extern "C-unwind" fn session_get_max_early_data(session: *const SSL_SESSION) -> u32 {
    match FakeSession::at(session.cast_mut()).read(|fields| fields.version) {
        Some(number::TLS1_3_VERSION) => 16384,
        _ => 0,
    }
}

/// Its certificates have no keys: none can be chosen.
pub(super) extern "C-unwind" fn ssl_ctrl(_: *mut SSL, _: c_int, _: c_long, _: *mut c_void) -> c_long {
    0
}

pub(super) extern "C-unwind" fn ssl_get_verify_mode(ssl: *const SSL) -> c_int {
    context(ssl).read(|fields| fields.verify_mode).unwrap_or_default()
}

pub(super) extern "C-unwind" fn ssl_get_verify_depth(_: *const SSL) -> c_int {
    -1
}

pub(super) extern "C-unwind" fn ssl_get_verify_callback(_: *const SSL) -> *const c_void {
    std::ptr::null()
}

pub(super) extern "C-unwind" fn ssl_get_verify_result(ssl: *const SSL) -> c_long {
    context(ssl).read(|fields| fields.verify_result).unwrap_or_default()
}

pub(super) extern "C-unwind" fn ssl_get0_param(ssl: *mut SSL) -> *mut c_void {
    ssl.cast()
}

pub(super) extern "C-unwind" fn param_get_flags(_: *mut c_void) -> c_ulong {
    0
}

/// No context has a list that is not for clients.
pub(super) extern "C-unwind" fn ssl_get0_ca_list(_: *const SSL) -> *mut Stack {
    null_mut()
}

pub(super) extern "C-unwind" fn ssl_get_client_ca_list(ssl: *const SSL) -> *mut Stack {
    let has_some = context(ssl).read(|fields| !fields.authorities.is_empty());
    if has_some == Some(true) {
        without_provenance_mut(context(ssl).as_ptr().addr() + NAMES)
    } else {
        null_mut()
    }
}

/// What its contexts trust stands nowhere.
pub(super) extern "C-unwind" fn ctx_get_cert_store(_: *const SSL_CTX) -> *mut c_void {
    null_mut()
}

pub(super) extern "C-unwind" fn store_lock(_: *mut c_void) -> c_int {
    1
}

pub(super) extern "C-unwind" fn store_get0_objects(_: *const c_void) -> *mut Stack {
    null_mut()
}

pub(super) extern "C-unwind" fn object_get0_x509(_: *const c_void) -> *mut X509 {
    null_mut()
}

/// None is ever freed here.
pub(super) extern "C-unwind" fn x509_up_ref(_: *mut X509) -> c_int {
    1
}

pub(super) extern "C-unwind" fn x509_free(_: *mut X509) {}

pub(super) unsafe extern "C-unwind" fn i2d_x509(certificate: *const X509, out: *mut *mut c_uchar) -> c_int {
    // SAFETY: the caller's place.
    unsafe { write(&Certificate::content_at(certificate), out) }
}

pub(super) extern "C-unwind" fn stack_num(names: *const Stack) -> c_int {
    if names.is_null() {
        return -1;
    }
    let count = context_of(names.addr()).read(|fields| fields.authorities.len());
    c_int::try_from(count.unwrap_or_default()).expect("few names")
}

pub(super) extern "C-unwind" fn stack_value(names: *const Stack, at: c_int) -> *mut c_void {
    without_provenance_mut(names.addr() - NAMES + NAME + usize::try_from(at).expect("a place"))
}

pub(super) unsafe extern "C-unwind" fn i2d_x509_name(name: *const c_void, out: *mut *mut c_uchar) -> c_int {
    let at = (name.addr() & 0x3f) - NAME;
    let name = context_of(name.addr()).read(|fields| fields.authorities[at].clone());
    // SAFETY: the caller's place.
    unsafe { write(&name.unwrap_or_default(), out) }
}

pub(super) extern "C-unwind" fn ssl_session_reused(ssl: *const SSL) -> c_int {
    c_int::from(FakeConnection::at(ssl.cast_mut()).read(|fields| fields.resumed) == Some(true))
}

pub(super) extern "C-unwind" fn ssl_set_options(ssl: *mut SSL, options: u64) -> u64 {
    FakeConnection::at(ssl).with_options(options).options()
}

pub(super) extern "C-unwind" fn tls_server_method() -> *const SSL_METHOD {
    without_provenance(0x41)
}

pub(super) extern "C-unwind" fn ssl_get_ssl_method(ssl: *const SSL) -> *const SSL_METHOD {
    let context = FakeConnection::at(ssl.cast_mut()).context();
    match context.and_then(|context| context.read(|fields| fields.serves_only)) {
        Some(true) => tls_server_method(),
        _ => tls_method(),
    }
}
