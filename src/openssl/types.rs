//! OpenSSL's types as this crate sees them. openssl-sys is used for its types and constants only: calling
//! one of its functions would bind to our own export of that name and add a NEEDED libssl.

use libc::{c_int, c_uchar, c_uint};

pub(crate) use openssl_sys::{SSL, SSL_CTX, SSL_METHOD, SSL_SESSION, X509};

/// `SSL_CTX_sess_set_new_cb`'s callback.
pub(crate) type NewCb = unsafe extern "C-unwind" fn(*mut SSL, *mut SSL_SESSION) -> c_int;
/// `SSL_CTX_sess_set_remove_cb`'s callback.
pub(crate) type RemoveCb = unsafe extern "C-unwind" fn(*mut SSL_CTX, *mut SSL_SESSION);
/// `SSL_CTX_sess_set_get_cb`'s callback: connection, id, its length, the copy flag.
pub(crate) type GetCb =
    unsafe extern "C-unwind" fn(*mut SSL, *const c_uchar, c_int, *mut c_int) -> *mut SSL_SESSION;
/// `GEN_SESSION_CB`: connection, where the id goes, its length in and out.
pub(crate) type GenerateCb = unsafe extern "C-unwind" fn(*mut SSL, *mut c_uchar, *mut c_uint) -> c_int;

/// `CRYPTO_EX_free`: parent, the value, its table, index, argl, argp.
pub(crate) type ExFree = unsafe extern "C-unwind" fn(
    *mut libc::c_void,
    *mut libc::c_void,
    *mut libc::c_void,
    c_int,
    libc::c_long,
    *mut libc::c_void,
);
/// `CRYPTO_EX_dup`; `from_d` points at the slot's value in every version, whatever its declared type.
pub(crate) type ExDup = unsafe extern "C-unwind" fn(
    *mut libc::c_void,
    *const libc::c_void,
    *mut libc::c_void,
    c_int,
    libc::c_long,
    *mut libc::c_void,
) -> c_int;

/// `CRYPTO_get_ex_new_index` itself.
pub(crate) type GetExNewIndex = unsafe extern "C-unwind" fn(
    c_int,
    libc::c_long,
    *mut libc::c_void,
    *mut libc::c_void,
    Option<ExDup>,
    Option<ExFree>,
) -> c_int;

/// `OSSL_LIB_CTX` (3.0 and later), only ever passed on.
#[repr(C)]
pub(crate) struct OsslLibCtx {
    _private: [u8; 0],
}

/// Any `STACK_OF(…)`.
#[repr(C)]
pub(crate) struct Stack {
    _private: [u8; 0],
}

/// `LHASH_OF(SSL_SESSION)`, only ever passed on.
#[repr(C)]
pub(crate) struct SessionTable {
    _private: [u8; 0],
}

/// The numbers of `<openssl/ssl.h>` that are the same in every version; openssl-sys lacks most of them.
pub(crate) mod number {
    use libc::c_int;

    pub(crate) const CTRL_SESS_NUMBER: c_int = 20;
    pub(crate) const CTRL_SESS_CB_HIT: c_int = 28;
    pub(crate) const CTRL_SESS_MISSES: c_int = 29;
    pub(crate) const CTRL_SESS_CACHE_FULL: c_int = 31;
    pub(crate) const CTRL_SET_SESS_CACHE_SIZE: c_int = 42;
    pub(crate) const CTRL_GET_SESS_CACHE_SIZE: c_int = 43;
    pub(crate) const CTRL_SET_SESS_CACHE_MODE: c_int = 44;
    pub(crate) const CTRL_GET_SESS_CACHE_MODE: c_int = 45;

    pub(crate) const CTRL_SET_TICKET_KEYS: c_int = 59;
    /// Since 3.0.
    pub(crate) const CTRL_GET_VERIFY_STORE: c_int = 137;
    pub(crate) const CTRL_SELECT_CURRENT_CERT: c_int = 116;
    pub(crate) const CTRL_SET_CURRENT_CERT: c_int = 117;

    pub(crate) const CERT_SET_FIRST: libc::c_long = 1;
    pub(crate) const CERT_SET_NEXT: libc::c_long = 2;

    pub(crate) const VERIFY_PEER: u32 = 0x1;

    pub(crate) const MODE_SERVER: u32 = 0x2;
    pub(crate) const MODE_NO_INTERNAL_LOOKUP: u32 = 0x100;
    pub(crate) const MODE_NO_INTERNAL_STORE: u32 = 0x200;
    pub(crate) const MODE_UPDATE_TIME: u32 = 0x400;

    pub(crate) const OP_NO_TICKET: u64 = 1 << 14;
    pub(crate) const OP_NO_ANTI_REPLAY: u64 = 1 << 24;

    pub(crate) const TLS1_3_VERSION: c_int = 0x0304;
    /// What `SSL_version` says of a QUIC connection, whose session is a TLS 1.3 one.
    pub(crate) const QUIC1_VERSION: c_int = 1;

    pub(crate) const EX_INDEX_SSL: c_int = 0;
    pub(crate) const EX_INDEX_SSL_CTX: c_int = 1;
}
