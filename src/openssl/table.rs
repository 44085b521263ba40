//! The real functions: `Table` is whatever one libssl offers, `Libssl` the complete set that serving a
//! context takes. Both are made from the one list below.

use std::ffi::{CStr, c_void};

use libc::{c_char, c_int, c_long, c_uchar, c_uint, c_ulong, time_t};

use super::types::*;
use super::version::Version;

macro_rules! functions {
    (
        required { $( $(#[$doc:meta])* $name:ident = $symbol:literal : fn($($arg:ty),*) $(-> $ret:ty)?; )* }
        optional { $( $(#[$odoc:meta])* $oname:ident = $osymbol:literal : fn($($oarg:ty),*) $(-> $oret:ty)?; )* }
    ) => {
        /// What one libssl (and the libcrypto behind it) offers; `None` for what it lacks.
        pub(crate) struct Table {
            $( $(#[$doc])* pub(crate) $name: Option<unsafe extern "C-unwind" fn($($arg),*) $(-> $ret)?>, )*
            $( $(#[$odoc])* pub(crate) $oname: Option<unsafe extern "C-unwind" fn($($oarg),*) $(-> $oret)?>, )*
        }

        /// A libssl of a version we know, with every function that serving a context takes.
        #[allow(dead_code, reason = "some are here only because a libssl without them is not one that we know")]
        pub(crate) struct Libssl {
            pub(crate) version: Version,
            $( $(#[$doc])* pub(crate) $name: unsafe extern "C-unwind" fn($($arg),*) $(-> $ret)?, )*
            $( $(#[$odoc])* pub(crate) $oname: Option<unsafe extern "C-unwind" fn($($oarg),*) $(-> $oret)?>, )*
        }

        impl Table {
            /// Asks `find` for each symbol.
            ///
            /// # Safety
            /// What `find` returns for a name must be OpenSSL's function of that name, or NULL.
            pub(crate) unsafe fn load(find: impl Fn(&CStr) -> *mut c_void) -> Table {
                Table {
                    // SAFETY: a data pointer and a function pointer have one representation on every platform
                    // that has dlsym; NULL becomes None; the caller answers for the type.
                    $( $name: unsafe { std::mem::transmute::<*mut c_void, Option<unsafe extern "C-unwind" fn($($arg),*) $(-> $ret)?>>(find($symbol)) }, )*
                    // SAFETY: as above.
                    $( $oname: unsafe { std::mem::transmute::<*mut c_void, Option<unsafe extern "C-unwind" fn($($oarg),*) $(-> $oret)?>>(find($osymbol)) }, )*
                }
            }

            /// The complete set, or the name of the first symbol that is missing.
            pub(crate) fn complete(&self, version: Version) -> Result<Libssl, &'static CStr> {
                Ok(Libssl { version, $( $name: self.$name.ok_or($symbol)?, )* $( $oname: self.$oname, )* })
            }
        }
    };
}

functions! {
    required {
        ctx_new = c"SSL_CTX_new": fn(*const SSL_METHOD) -> *mut SSL_CTX;
        ctx_free = c"SSL_CTX_free": fn(*mut SSL_CTX);
        ctx_ctrl = c"SSL_CTX_ctrl": fn(*mut SSL_CTX, c_int, c_long, *mut c_void) -> c_long;
        ctx_set_new_cb = c"SSL_CTX_sess_set_new_cb": fn(*mut SSL_CTX, Option<NewCb>);
        ctx_get_new_cb = c"SSL_CTX_sess_get_new_cb": fn(*mut SSL_CTX) -> Option<NewCb>;
        ctx_set_remove_cb = c"SSL_CTX_sess_set_remove_cb": fn(*mut SSL_CTX, Option<RemoveCb>);
        ctx_get_remove_cb = c"SSL_CTX_sess_get_remove_cb": fn(*mut SSL_CTX) -> Option<RemoveCb>;
        ctx_set_get_cb = c"SSL_CTX_sess_set_get_cb": fn(*mut SSL_CTX, Option<GetCb>);
        ctx_get_get_cb = c"SSL_CTX_sess_get_get_cb": fn(*mut SSL_CTX) -> Option<GetCb>;
        ctx_add_session = c"SSL_CTX_add_session": fn(*mut SSL_CTX, *mut SSL_SESSION) -> c_int;
        ctx_remove_session = c"SSL_CTX_remove_session": fn(*mut SSL_CTX, *mut SSL_SESSION) -> c_int;
        ctx_flush_sessions = c"SSL_CTX_flush_sessions": fn(*mut SSL_CTX, c_long);
        ctx_sessions = c"SSL_CTX_sessions": fn(*mut SSL_CTX) -> *mut SessionTable;
        ctx_set_generate = c"SSL_CTX_set_generate_session_id": fn(*mut SSL_CTX, Option<GenerateCb>) -> c_int;
        ctx_get_options = c"SSL_CTX_get_options": fn(*const SSL_CTX) -> u64;
        ctx_set_ex_data = c"SSL_CTX_set_ex_data": fn(*mut SSL_CTX, c_int, *mut c_void) -> c_int;
        ctx_get_ex_data = c"SSL_CTX_get_ex_data": fn(*const SSL_CTX, c_int) -> *mut c_void;
        ssl_new = c"SSL_new": fn(*mut SSL_CTX) -> *mut SSL;
        ssl_set_ssl_ctx = c"SSL_set_SSL_CTX": fn(*mut SSL, *mut SSL_CTX) -> *mut SSL_CTX;
        ssl_get_ssl_ctx = c"SSL_get_SSL_CTX": fn(*const SSL) -> *mut SSL_CTX;
        ssl_set_generate = c"SSL_set_generate_session_id": fn(*mut SSL, Option<GenerateCb>) -> c_int;
        ssl_has_matching = c"SSL_has_matching_session_id": fn(*const SSL, *const c_uchar, c_uint) -> c_int;
        ssl_version = c"SSL_version": fn(*const SSL) -> c_int;
        ssl_is_server = c"SSL_is_server": fn(*const SSL) -> c_int;
        ssl_get_options = c"SSL_get_options": fn(*const SSL) -> u64;
        ssl_get_max_early_data = c"SSL_get_max_early_data": fn(*const SSL) -> u32;
        ssl_set_ex_data = c"SSL_set_ex_data": fn(*mut SSL, c_int, *mut c_void) -> c_int;
        ssl_get_ex_data = c"SSL_get_ex_data": fn(*const SSL, c_int) -> *mut c_void;
        session_new = c"SSL_SESSION_new": fn() -> *mut SSL_SESSION;
        session_dup = c"SSL_SESSION_dup": fn(*mut SSL_SESSION) -> *mut SSL_SESSION;
        session_up_ref = c"SSL_SESSION_up_ref": fn(*mut SSL_SESSION) -> c_int;
        session_free = c"SSL_SESSION_free": fn(*mut SSL_SESSION);
        session_get_id = c"SSL_SESSION_get_id": fn(*const SSL_SESSION, *mut c_uint) -> *const c_uchar;
        session_set1_id = c"SSL_SESSION_set1_id": fn(*mut SSL_SESSION, *const c_uchar, c_uint) -> c_int;
        session_get0_id_context = c"SSL_SESSION_get0_id_context": fn(*const SSL_SESSION, *mut c_uint) -> *const c_uchar;
        session_set1_id_context = c"SSL_SESSION_set1_id_context": fn(*mut SSL_SESSION, *const c_uchar, c_uint) -> c_int;
        session_get_protocol_version = c"SSL_SESSION_get_protocol_version": fn(*const SSL_SESSION) -> c_int;
        session_get_time = c"SSL_SESSION_get_time": fn(*const SSL_SESSION) -> c_long;
        session_set_time = c"SSL_SESSION_set_time": fn(*mut SSL_SESSION, c_long) -> c_long;
        session_get_timeout = c"SSL_SESSION_get_timeout": fn(*const SSL_SESSION) -> c_long;
        session_set_timeout = c"SSL_SESSION_set_timeout": fn(*mut SSL_SESSION, c_long) -> c_long;
        session_is_resumable = c"SSL_SESSION_is_resumable": fn(*const SSL_SESSION) -> c_int;
        tls_method = c"TLS_method": fn() -> *const SSL_METHOD;
        get_ex_new_index = c"CRYPTO_get_ex_new_index": fn(c_int, c_long, *mut c_void, *mut c_void, Option<ExDup>, Option<ExFree>) -> c_int;
        err_set_mark = c"ERR_set_mark": fn() -> c_int;
        err_pop_to_mark = c"ERR_pop_to_mark": fn() -> c_int;
    }
    optional {
        /// Since 3.0.
        ctx_new_ex = c"SSL_CTX_new_ex": fn(*mut OsslLibCtx, *const c_char, *const SSL_METHOD) -> *mut SSL_CTX;
        /// Since 3.4.
        ctx_flush_sessions_ex = c"SSL_CTX_flush_sessions_ex": fn(*mut SSL_CTX, time_t);
        /// Since 3.3.
        session_set_time_ex = c"SSL_SESSION_set_time_ex": fn(*mut SSL_SESSION, time_t) -> time_t;
        version_num = c"OpenSSL_version_num": fn() -> c_ulong;
        // For the shared profile. All releases have them; a libssl without one is served, but shares nothing.
        i2d_session = c"i2d_SSL_SESSION": fn(*const SSL_SESSION, *mut *mut c_uchar) -> c_int;
        d2i_session = c"d2i_SSL_SESSION": fn(*mut *mut SSL_SESSION, *mut *const c_uchar, c_long) -> *mut SSL_SESSION;
        crypto_get_ex_data = c"CRYPTO_get_ex_data": fn(*const c_void, c_int) -> *mut c_void;
        session_get_max_early_data = c"SSL_SESSION_get_max_early_data": fn(*const SSL_SESSION) -> u32;
        ssl_free = c"SSL_free": fn(*mut SSL);
        ssl_clear = c"SSL_clear": fn(*mut SSL) -> c_int;
        ssl_get_psk_identity = c"SSL_get_psk_identity": fn(*const SSL) -> *const c_char;
        /// Not where libssl was built without SRP.
        ssl_get_srp_username = c"SSL_get_srp_username": fn(*mut SSL) -> *mut c_char;
        x509_up_ref = c"X509_up_ref": fn(*mut X509) -> c_int;
        x509_free = c"X509_free": fn(*mut X509);
        ssl_ctrl = c"SSL_ctrl": fn(*mut SSL, c_int, c_long, *mut c_void) -> c_long;
        ssl_get_certificate = c"SSL_get_certificate": fn(*const SSL) -> *mut X509;
        i2d_x509 = c"i2d_X509": fn(*const X509, *mut *mut c_uchar) -> c_int;
        ssl_get_verify_mode = c"SSL_get_verify_mode": fn(*const SSL) -> c_int;
        ssl_get_verify_depth = c"SSL_get_verify_depth": fn(*const SSL) -> c_int;
        ssl_get_verify_callback = c"SSL_get_verify_callback": fn(*const SSL) -> *const c_void;
        ssl_get_verify_result = c"SSL_get_verify_result": fn(*const SSL) -> c_long;
        ssl_get0_param = c"SSL_get0_param": fn(*mut SSL) -> *mut c_void;
        param_get_flags = c"X509_VERIFY_PARAM_get_flags": fn(*mut c_void) -> c_ulong;
        ssl_get_client_ca_list = c"SSL_get_client_CA_list": fn(*const SSL) -> *mut Stack;
        ssl_get0_ca_list = c"SSL_get0_CA_list": fn(*const SSL) -> *mut Stack;
        ctx_get_cert_store = c"SSL_CTX_get_cert_store": fn(*const SSL_CTX) -> *mut c_void;
        store_up_ref = c"X509_STORE_up_ref": fn(*mut c_void) -> c_int;
        store_free = c"X509_STORE_free": fn(*mut c_void);
        store_lock = c"X509_STORE_lock": fn(*mut c_void) -> c_int;
        store_unlock = c"X509_STORE_unlock": fn(*mut c_void) -> c_int;
        store_get0_objects = c"X509_STORE_get0_objects": fn(*const c_void) -> *mut Stack;
        object_get0_x509 = c"X509_OBJECT_get0_X509": fn(*const c_void) -> *mut X509;
        stack_num = c"OPENSSL_sk_num": fn(*const Stack) -> c_int;
        stack_value = c"OPENSSL_sk_value": fn(*const Stack, c_int) -> *mut c_void;
        i2d_x509_name = c"i2d_X509_NAME": fn(*const c_void, *mut *mut c_uchar) -> c_int;
        ssl_session_reused = c"SSL_session_reused": fn(*const SSL) -> c_int;
        ssl_set_options = c"SSL_set_options": fn(*mut SSL, u64) -> u64;
        ssl_clear_options = c"SSL_clear_options": fn(*mut SSL, u64) -> u64;
        ctx_set_options = c"SSL_CTX_set_options": fn(*mut SSL_CTX, u64) -> u64;
        ctx_clear_options = c"SSL_CTX_clear_options": fn(*mut SSL_CTX, u64) -> u64;
        ssl_set_accept_state = c"SSL_set_accept_state": fn(*mut SSL);
        ssl_accept = c"SSL_accept": fn(*mut SSL) -> c_int;
        ssl_get_ssl_method = c"SSL_get_ssl_method": fn(*const SSL) -> *const SSL_METHOD;
        tls_server_method = c"TLS_server_method": fn() -> *const SSL_METHOD;
        session_get0_cipher = c"SSL_SESSION_get0_cipher": fn(*const SSL_SESSION) -> *const c_void;
        ssl_get_ciphers = c"SSL_get_ciphers": fn(*const SSL) -> *mut Stack;
        ctx_get_ssl_method = c"SSL_CTX_get_ssl_method": fn(*const SSL_CTX) -> *const SSL_METHOD;
        /// Since 3.5.
        quic_server_method = c"OSSL_QUIC_server_method": fn() -> *const SSL_METHOD;
        session_set_ex_data = c"SSL_SESSION_set_ex_data": fn(*mut SSL_SESSION, c_int, *mut c_void) -> c_int;
    }
}
