//! The C functions of this libssl, and the table of them.

use std::ffi::c_void;
use std::ptr::{null_mut, without_provenance, without_provenance_mut};

use libc::{c_char, c_int, c_long, c_uchar, c_uint, c_ulong, time_t};

use super::connection::FakeConnection;
use super::context::FakeContext;
use super::errors::{err_pop_to_mark, err_set_mark, raise_error};
use super::ex_data::get_ex_new_index;
use super::handshake::has_time_t_functions;
use super::session::{FakeSession, Owned};
use super::{Release, sharing, world};
use crate::openssl::table::Table;
use crate::openssl::types::*;

/// What the release offers.
pub(super) fn table(release: Release) -> Table {
    let newer = has_time_t_functions();
    Table {
        ctx_new: Some(ctx_new),
        ctx_free: Some(ctx_free),
        ctx_ctrl: Some(ctx_ctrl),
        ctx_set_new_cb: Some(ctx_set_new_cb),
        ctx_get_new_cb: Some(ctx_get_new_cb),
        ctx_set_remove_cb: Some(ctx_set_remove_cb),
        ctx_get_remove_cb: Some(ctx_get_remove_cb),
        ctx_set_get_cb: Some(ctx_set_get_cb),
        ctx_get_get_cb: Some(ctx_get_get_cb),
        ctx_add_session: Some(ctx_add_session),
        ctx_remove_session: Some(ctx_remove_session),
        ctx_flush_sessions: Some(ctx_flush_sessions),
        ctx_sessions: Some(ctx_sessions),
        ctx_set_generate: Some(ctx_set_generate),
        ctx_get_options: Some(ctx_get_options),
        ctx_set_ex_data: Some(ctx_set_ex_data),
        ctx_get_ex_data: Some(ctx_get_ex_data),
        ssl_new: Some(ssl_new),
        ssl_set_ssl_ctx: Some(ssl_set_ssl_ctx),
        ssl_get_ssl_ctx: Some(ssl_get_ssl_ctx),
        ssl_set_generate: Some(ssl_set_generate),
        ssl_has_matching: Some(ssl_has_matching),
        ssl_version: Some(ssl_version),
        ssl_is_server: Some(ssl_is_server),
        ssl_get_options: Some(ssl_get_options),
        ssl_get_max_early_data: Some(ssl_get_max_early_data),
        ssl_set_ex_data: Some(ssl_set_ex_data),
        ssl_get_ex_data: Some(ssl_get_ex_data),
        session_new: Some(session_new),
        session_dup: Some(session_dup),
        session_up_ref: Some(session_up_ref),
        session_free: Some(session_free),
        session_get_id: Some(session_get_id),
        session_set1_id: Some(session_set1_id),
        session_get0_id_context: Some(session_get0_id_context),
        session_set1_id_context: Some(session_set1_id_context),
        session_get_protocol_version: Some(session_get_protocol_version),
        session_get_time: Some(session_get_time),
        session_set_time: Some(session_set_time),
        session_get_timeout: Some(session_get_timeout),
        session_set_timeout: Some(session_set_timeout),
        session_is_resumable: Some(session_is_resumable),
        tls_method: Some(tls_method),
        get_ex_new_index: Some(get_ex_new_index),
        err_set_mark: Some(err_set_mark),
        err_pop_to_mark: Some(err_pop_to_mark),
        ctx_new_ex: (release.number >= 0x3000_0000).then_some(ctx_new_ex as _),
        ctx_flush_sessions_ex: newer.then_some(ctx_flush_sessions_ex as _),
        session_set_time_ex: newer.then_some(session_set_time_ex as _),
        version_num: Some(version_num),
        i2d_session: Some(sharing::i2d_session),
        d2i_session: Some(sharing::d2i_session),
        crypto_get_ex_data: Some(crypto_get_ex_data),
        session_get_max_early_data: Some(sharing::session_get_max_early_data),
        ssl_free: Some(ssl_free),
        ssl_clear: None,
        ssl_get_psk_identity: None,
        ssl_get_srp_username: None,
        x509_up_ref: Some(sharing::x509_up_ref),
        x509_free: Some(sharing::x509_free),
        ssl_ctrl: Some(sharing::ssl_ctrl),
        ssl_get_certificate: Some(sharing::ssl_get_certificate),
        i2d_x509: Some(sharing::i2d_x509),
        ssl_get_verify_mode: Some(sharing::ssl_get_verify_mode),
        ssl_get_verify_depth: Some(sharing::ssl_get_verify_depth),
        ssl_get_verify_callback: Some(sharing::ssl_get_verify_callback),
        ssl_get_verify_result: Some(sharing::ssl_get_verify_result),
        ssl_get0_param: Some(sharing::ssl_get0_param),
        param_get_flags: Some(sharing::param_get_flags),
        ssl_get_client_ca_list: Some(sharing::ssl_get_client_ca_list),
        ssl_get0_ca_list: Some(sharing::ssl_get0_ca_list),
        ctx_get_cert_store: Some(sharing::ctx_get_cert_store),
        store_up_ref: Some(sharing::store_lock),
        store_free: None,
        store_lock: Some(sharing::store_lock),
        store_unlock: Some(sharing::store_lock),
        store_get0_objects: Some(sharing::store_get0_objects),
        object_get0_x509: Some(sharing::object_get0_x509),
        stack_num: Some(sharing::stack_num),
        stack_value: Some(sharing::stack_value),
        i2d_x509_name: Some(sharing::i2d_x509_name),
        ssl_session_reused: Some(sharing::ssl_session_reused),
        ssl_set_options: Some(sharing::ssl_set_options),
        ssl_clear_options: None,
        ctx_set_options: None,
        ctx_clear_options: None,
        ssl_set_accept_state: None,
        ssl_accept: None,
        ssl_get_ssl_method: Some(sharing::ssl_get_ssl_method),
        tls_server_method: Some(sharing::tls_server_method),
        session_get0_cipher: None,
        ssl_get_ciphers: None,
        ctx_get_ssl_method: None,
        quic_server_method: None,
        session_set_ex_data: None,
    }
}

extern "C-unwind" fn version_num() -> c_ulong {
    Release::played().number
}

pub(super) extern "C-unwind" fn tls_method() -> *const SSL_METHOD {
    without_provenance(0x40)
}

/// Leaves an error behind, as a real one does for a system whose configuration it dislikes.
extern "C-unwind" fn ctx_new(_method: *const SSL_METHOD) -> *mut SSL_CTX {
    raise_error(0x0e00_0065);
    FakeContext::new().as_ptr()
}

extern "C-unwind" fn ctx_new_ex(
    _: *mut OsslLibCtx,
    _: *const c_char,
    method: *const SSL_METHOD,
) -> *mut SSL_CTX {
    ctx_new(method)
}

extern "C-unwind" fn ctx_free(context: *mut SSL_CTX) {
    FakeContext::at(context).free();
}

extern "C-unwind" fn ctx_ctrl(
    context: *mut SSL_CTX,
    command: c_int,
    argument: c_long,
    _: *mut c_void,
) -> c_long {
    FakeContext::at(context).ctrl(command, argument)
}

extern "C-unwind" fn ctx_set_new_cb(context: *mut SSL_CTX, callback: Option<NewCb>) {
    FakeContext::at(context).read(|fields| fields.new = callback);
}

extern "C-unwind" fn ctx_get_new_cb(context: *mut SSL_CTX) -> Option<NewCb> {
    FakeContext::at(context).read(|fields| fields.new).flatten()
}

extern "C-unwind" fn ctx_set_remove_cb(context: *mut SSL_CTX, callback: Option<RemoveCb>) {
    FakeContext::at(context).read(|fields| fields.remove = callback);
}

extern "C-unwind" fn ctx_get_remove_cb(context: *mut SSL_CTX) -> Option<RemoveCb> {
    FakeContext::at(context).read(|fields| fields.remove).flatten()
}

extern "C-unwind" fn ctx_set_get_cb(context: *mut SSL_CTX, callback: Option<GetCb>) {
    FakeContext::at(context).read(|fields| fields.get = callback);
}

extern "C-unwind" fn ctx_get_get_cb(context: *mut SSL_CTX) -> Option<GetCb> {
    FakeContext::at(context).read(|fields| fields.get).flatten()
}

extern "C-unwind" fn ctx_add_session(context: *mut SSL_CTX, session: *mut SSL_SESSION) -> c_int {
    FakeContext::at(context).add_session(FakeSession::at(session))
}

extern "C-unwind" fn ctx_remove_session(context: *mut SSL_CTX, session: *mut SSL_SESSION) -> c_int {
    FakeContext::at(context).remove_session(FakeSession::at(session))
}

/// Where there are two, this one is a call of the newer, through the PLT if that is how libssl is linked.
extern "C-unwind" fn ctx_flush_sessions(context: *mut SSL_CTX, time: c_long) {
    let context = FakeContext::at(context);
    match world::current().exports().filter(|_| has_time_t_functions()) {
        Some(exports) => (exports.flush_sessions)(context, time),
        None => context.flush_sessions(time),
    }
}

extern "C-unwind" fn ctx_flush_sessions_ex(context: *mut SSL_CTX, time: time_t) {
    FakeContext::at(context).flush_sessions(time);
}

extern "C-unwind" fn ctx_sessions(context: *mut SSL_CTX) -> *mut SessionTable {
    without_provenance_mut(context.addr() + 8)
}

extern "C-unwind" fn ctx_set_generate(context: *mut SSL_CTX, callback: Option<GenerateCb>) -> c_int {
    c_int::from(FakeContext::at(context).read(|fields| fields.generate = callback).is_some())
}

extern "C-unwind" fn ctx_get_options(context: *const SSL_CTX) -> u64 {
    FakeContext::at(context.cast_mut()).read(|fields| fields.options).unwrap_or_default()
}

extern "C-unwind" fn ctx_set_ex_data(context: *mut SSL_CTX, index: c_int, value: *mut c_void) -> c_int {
    c_int::from(FakeContext::at(context).set_ex_data(index, value))
}

extern "C-unwind" fn ctx_get_ex_data(context: *const SSL_CTX, index: c_int) -> *mut c_void {
    FakeContext::at(context.cast_mut()).ex_data(index)
}

extern "C-unwind" fn ssl_new(context: *mut SSL_CTX) -> *mut SSL {
    FakeConnection::new(FakeContext::at(context)).as_ptr()
}

extern "C-unwind" fn ssl_free(ssl: *mut SSL) {
    if !ssl.is_null() {
        FakeConnection::at(ssl).end();
    }
}

extern "C-unwind" fn ssl_set_ssl_ctx(ssl: *mut SSL, context: *mut SSL_CTX) -> *mut SSL_CTX {
    FakeConnection::at(ssl).switch_to(FakeContext::at(context));
    context
}

extern "C-unwind" fn ssl_get_ssl_ctx(ssl: *const SSL) -> *mut SSL_CTX {
    FakeConnection::at(ssl.cast_mut()).context().map_or(null_mut(), FakeContext::as_ptr)
}

extern "C-unwind" fn ssl_set_generate(ssl: *mut SSL, callback: Option<GenerateCb>) -> c_int {
    c_int::from(FakeConnection::at(ssl).read(|fields| fields.generate = callback).is_some())
}

unsafe extern "C-unwind" fn ssl_has_matching(ssl: *const SSL, id: *const c_uchar, length: c_uint) -> c_int {
    // SAFETY: the caller's bytes.
    let id = unsafe { bytes(id, length) };
    c_int::from(FakeConnection::at(ssl.cast_mut()).has_matching(id))
}

extern "C-unwind" fn ssl_version(ssl: *const SSL) -> c_int {
    FakeConnection::at(ssl.cast_mut()).public_version()
}

extern "C-unwind" fn ssl_is_server(ssl: *const SSL) -> c_int {
    c_int::from(FakeConnection::at(ssl.cast_mut()).read(|fields| fields.is_server) == Some(true))
}

extern "C-unwind" fn ssl_get_options(ssl: *const SSL) -> u64 {
    FakeConnection::at(ssl.cast_mut()).options_with_lock()
}

extern "C-unwind" fn ssl_get_max_early_data(ssl: *const SSL) -> u32 {
    FakeConnection::at(ssl.cast_mut()).read(|fields| fields.max_early_data).unwrap_or_default()
}

extern "C-unwind" fn ssl_set_ex_data(ssl: *mut SSL, index: c_int, value: *mut c_void) -> c_int {
    c_int::from(FakeConnection::at(ssl).set_ex_data(index, value))
}

extern "C-unwind" fn ssl_get_ex_data(ssl: *const SSL, index: c_int) -> *mut c_void {
    FakeConnection::at(ssl.cast_mut()).ex_data(index)
}

/// Of a connection: nothing else is asked.
extern "C-unwind" fn crypto_get_ex_data(values: *const c_void, index: c_int) -> *mut c_void {
    FakeConnection::at(values.cast_mut().cast()).ex_data(index)
}

extern "C-unwind" fn session_new() -> *mut SSL_SESSION {
    let session = Owned::new(0, &[]).give_away();
    session.read(|fields| fields.timeout = 304);
    session.as_ptr()
}

extern "C-unwind" fn session_dup(session: *mut SSL_SESSION) -> *mut SSL_SESSION {
    FakeSession::at(session).dup().map_or(null_mut(), FakeSession::as_ptr)
}

extern "C-unwind" fn session_up_ref(session: *mut SSL_SESSION) -> c_int {
    c_int::from(FakeSession::at(session).up_ref())
}

extern "C-unwind" fn session_free(session: *mut SSL_SESSION) {
    if !session.is_null() {
        FakeSession::at(session).free();
    }
}

unsafe extern "C-unwind" fn session_get_id(
    session: *const SSL_SESSION,
    length: *mut c_uint,
) -> *const c_uchar {
    let (id, size) = FakeSession::at(session.cast_mut()).id_place();
    // SAFETY: the caller's place for the length.
    unsafe { *length = c_uint::try_from(size).expect("a short id") };
    id
}

unsafe extern "C-unwind" fn session_get0_id_context(
    session: *const SSL_SESSION,
    length: *mut c_uint,
) -> *const c_uchar {
    let (context, size) = FakeSession::at(session.cast_mut()).id_context_place();
    // SAFETY: the caller's place for the length.
    unsafe { *length = c_uint::try_from(size).expect("a short context") };
    context
}

unsafe extern "C-unwind" fn session_set1_id(
    session: *mut SSL_SESSION,
    id: *const c_uchar,
    length: c_uint,
) -> c_int {
    if length > 32 {
        raise_error(0x0a00_0198);
        return 0;
    }
    // SAFETY: the caller's bytes.
    FakeSession::at(session).set_id(unsafe { bytes(id, length) });
    1
}

unsafe extern "C-unwind" fn session_set1_id_context(
    session: *mut SSL_SESSION,
    context: *const c_uchar,
    length: c_uint,
) -> c_int {
    if length > 32 {
        raise_error(0x0a00_0111);
        return 0;
    }
    // SAFETY: the caller's bytes.
    FakeSession::at(session).set_id_context(unsafe { bytes(context, length) });
    1
}

extern "C-unwind" fn session_get_protocol_version(session: *const SSL_SESSION) -> c_int {
    FakeSession::at(session.cast_mut()).read(|fields| fields.version).unwrap_or_default()
}

extern "C-unwind" fn session_get_time(session: *const SSL_SESSION) -> c_long {
    FakeSession::at(session.cast_mut()).time()
}

extern "C-unwind" fn session_set_time(session: *mut SSL_SESSION, time: c_long) -> c_long {
    let session = FakeSession::at(session);
    match world::current().exports().filter(|_| has_time_t_functions()) {
        Some(exports) => (exports.set_time)(session, time),
        None => session.set_time(time),
    }
}

extern "C-unwind" fn session_set_time_ex(session: *mut SSL_SESSION, time: time_t) -> time_t {
    FakeSession::at(session).set_time(time)
}

extern "C-unwind" fn session_get_timeout(session: *const SSL_SESSION) -> c_long {
    FakeSession::at(session.cast_mut()).timeout()
}

extern "C-unwind" fn session_set_timeout(session: *mut SSL_SESSION, timeout: c_long) -> c_long {
    c_long::from(FakeSession::at(session).set_timeout(timeout))
}

extern "C-unwind" fn session_is_resumable(session: *const SSL_SESSION) -> c_int {
    c_int::from(FakeSession::at(session.cast_mut()).is_resumable())
}

/// # Safety
/// `start` is NULL or points at `length` bytes.
unsafe fn bytes<'a>(start: *const c_uchar, length: c_uint) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: by the caller's word.
        Ok(length) if length > 0 && !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
        _ => &[],
    }
}
