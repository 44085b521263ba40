/*
 * sesscache: a TLS session cache that takes the place of OpenSSL's.
 *
 * The SSL_* functions are OpenSSL's own, with OpenSSL's prototypes: a program that includes only <openssl/ssl.h>
 * calls the same functions. The sesscache_* functions are this library's. Link -lsesscache before -lssl.
 *
 * Made from the Rust source by `make header`; not to be edited.
 */

#ifndef SESSCACHE_H
#define SESSCACHE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <openssl/ssl.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
/* OpenSSL 3.0's name, for the one function that takes it. */
typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
#endif

/**
 * A new callback's 0 takes the session out of the cache, as OpenSSL's manual page says and no release does.
 */
#define SESSCACHE_NEW_CB_ZERO_REMOVES 1

/**
 * The context, or the process, is served by this library.
 */
#define SESSCACHE_ACTIVE 1

/**
 * `SESSCACHE_DISABLE=1` is set.
 */
#define SESSCACHE_DISABLED 0

/**
 * No libssl is loaded in this process (yet).
 */
#define SESSCACHE_NO_LIBSSL -1

/**
 * The libssl in this process is of a version that this release does not know.
 */
#define SESSCACHE_UNKNOWN_VERSION -2

/**
 * The libssl in this process lacks a function that this library takes.
 */
#define SESSCACHE_MISSING_SYMBOL -3

/**
 * The context was not made through this library, or by a second libssl, and cannot be taken over any more.
 */
#define SESSCACHE_NOT_ADOPTED -4

/**
 * The context was given back to libssl, because `SSL_CTX_sessions` was called on it.
 */
#define SESSCACHE_GIVEN_BACK -5

/**
 * The context was given back to libssl after a fault of this library, which the log names.
 */
#define SESSCACHE_BROKEN -6

/**
 * What one context's cache has done so far. Counts start at the context's making.
 */
typedef struct sesscache_ctx_stats_t {
  /**
   * Sessions stored now.
   */
  uint64_t sessions;
  /**
   * Sessions put into the cache.
   */
  uint64_t stored;
  /**
   * Lookups that this cache answered.
   */
  uint64_t hits;
  /**
   * Lookups that it did not.
   */
  uint64_t misses;
  /**
   * Sessions pushed out by the size limit.
   */
  uint64_t evicted;
  /**
   * Sessions flushed, expired or with all others.
   */
  uint64_t flushed;
  /**
   * Sessions removed by their id.
   */
  uint64_t removed;
  /**
   * Lookups passed on to the application's get callback.
   */
  uint64_t asked;
  /**
   * Those that it answered with a session.
   */
  uint64_t answered;
  /**
   * Sessions put where other processes find them (the shared profile).
   */
  uint64_t published;
  /**
   * Of the hits, those that were found there.
   */
  uint64_t shared_hits;
} sesscache_ctx_stats_t;

/**
 * What all processes that share one region have done so far, since the region was made.
 */
typedef struct sesscache_shared_stats_t {
  /**
   * Sessions put there.
   */
  uint64_t published;
  /**
   * Sessions that were too large for it (16 KiB).
   */
  uint64_t too_large;
  /**
   * Sessions that found no place, because others were faster again and again.
   */
  uint64_t lost;
  /**
   * Lookups that found a session.
   */
  uint64_t hits;
  /**
   * Of these, sessions that were taken out because they may be used once.
   */
  uint64_t taken;
  /**
   * Lookups for what was never there, or was removed.
   */
  uint64_t unknown;
  /**
   * Lookups for what newer sessions have overwritten: if they are many, the region is too small.
   */
  uint64_t overwritten;
  /**
   * Lookups for what had expired, or is older than `SESSCACHE_MAX_LIFETIME`.
   */
  uint64_t expired;
  /**
   * Lookups for what another process took first.
   */
  uint64_t taken_by_other;
  /**
   * Lookups for what a flush had ended.
   */
  uint64_t flushed;
  /**
   * Lookups for what did not open: somebody has spoiled it.
   */
  uint64_t unopened;
  /**
   * Sessions that were removed for all.
   */
  uint64_t removed;
  /**
   * Flushes of everything.
   */
  uint64_t flushes;
  /**
   * Lookups for what is of another scope.
   */
  uint64_t other_scope;
  /**
   * Lookups for what was sealed by a key that has left the key file.
   */
  uint64_t key_gone;
  /**
   * Sessions that a process found in its own cache, without a lookup.
   */
  uint64_t own;
  /**
   * Sessions that an application's get callback knew.
   */
  uint64_t application;
} sesscache_shared_stats_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Sets the function that is told of every new session.
 *
 * `void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, int (*new_session_cb)(SSL *ssl, SSL_SESSION *session))`
 *
 * It runs on the thread of the handshake, without locks, after the session was stored in the context's own
 * cache, if it was. A result other than 0 keeps the one reference that was taken for the callback; 0 gives it
 * back at once and, as in every release of OpenSSL, leaves the cached session where it is (see
 * `sesscache_ctx_set_flags` for what the manual page says instead). NULL unsets it.
 */
void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, int (*new_session_cb)(SSL*, SSL_SESSION*));

/**
 * The function that the application set with `SSL_CTX_sess_set_new_cb`, or NULL.
 *
 * `int (*SSL_CTX_sess_get_new_cb(SSL_CTX *ctx))(SSL *ssl, SSL_SESSION *session)`
 *
 * Never one of this library's own.
 */
int (*SSL_CTX_sess_get_new_cb(SSL_CTX *ctx))(SSL*, SSL_SESSION*);

/**
 * Sets the function that is told of every session which leaves the context's cache.
 *
 * `void SSL_CTX_sess_set_remove_cb(SSL_CTX *ctx, void (*remove_session_cb)(SSL_CTX *ctx, SSL_SESSION *session))`
 *
 * It gets no reference. It runs for evictions, flushes, removals by id (whether or not anything was cached) and
 * for each session that is cached when the context is freed, whose ex_data can still be read then. Up to
 * OpenSSL 3.6 evictions and flushes are called back under the context's lock, and what the callback asks of
 * that context is refused; the same is refused here, although no lock is held. NULL unsets it.
 */
void SSL_CTX_sess_set_remove_cb(SSL_CTX *ctx,
                                void (*remove_session_cb)(SSL_CTX*, SSL_SESSION*));

/**
 * The function that the application set with `SSL_CTX_sess_set_remove_cb`, or NULL.
 *
 * `void (*SSL_CTX_sess_get_remove_cb(SSL_CTX *ctx))(SSL_CTX *ctx, SSL_SESSION *session)`
 *
 * Never one of this library's own.
 */
void (*SSL_CTX_sess_get_remove_cb(SSL_CTX *ctx))(SSL_CTX*, SSL_SESSION*);

/**
 * Sets the function that is asked for a session which the context's own cache does not have.
 *
 * `void SSL_CTX_sess_set_get_cb(SSL_CTX *ctx, SSL_SESSION *(*get_session_cb)(SSL *ssl, const unsigned char *data, int len, int *copy))`
 *
 * Servers only. `*copy` is 1 when it is called. If it is 0 afterwards, libssl takes over the reference that
 * comes with the session; otherwise libssl takes one of its own. NULL is a miss. NULL unsets the function.
 */
void SSL_CTX_sess_set_get_cb(SSL_CTX *ctx,
                             SSL_SESSION *(*get_session_cb)(SSL*, const unsigned char*, int, int*));

/**
 * The function that the application set with `SSL_CTX_sess_set_get_cb`, or NULL.
 *
 * `SSL_SESSION *(*SSL_CTX_sess_get_get_cb(SSL_CTX *ctx))(SSL *ssl, const unsigned char *data, int len, int *copy)`
 *
 * Never one of this library's own.
 */
SSL_SESSION *(*SSL_CTX_sess_get_get_cb(SSL_CTX *ctx))(SSL*, const unsigned char*, int, int*);

/**
 * Makes a context, as libssl's function of this name does, and takes its session cache over.
 *
 * `SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)`
 *
 * Returns the context, to be freed by `SSL_CTX_free`, or NULL with libssl's error in the queue. Any thread may
 * call it. Where the context cannot be served (see `sesscache_active`) it is libssl's own in every respect.
 */
SSL_CTX *SSL_CTX_new(const SSL_METHOD *method);

/**
 * Makes a context for a library context and a property query.
 *
 * `SSL_CTX *SSL_CTX_new_ex(OSSL_LIB_CTX *libctx, const char *propq, const SSL_METHOD *method)`
 *
 * Its session cache is taken over at the first setting of it, or the first `SSL_new`, not here: where libssl calls
 * itself through this library, a program that fetched its functions by `dlsym` comes by here as well, and only here.
 * NULL where the libssl in the process has no such function (before 3.0).
 */
SSL_CTX *SSL_CTX_new_ex(OSSL_LIB_CTX *libctx,
                        const char *propq,
                        const SSL_METHOD *method);

/**
 * Makes a connection, as libssl's function of this name does.
 *
 * `SSL *SSL_new(SSL_CTX *ctx)`
 *
 * Exported so that a context whose cache was flushed is watched again before its next handshake, and one that
 * `SSL_CTX_new_ex` made is taken over before its first.
 */
SSL *SSL_new(SSL_CTX *ctx);

/**
 * Frees a context, as libssl's function of this name does.
 *
 * `void SSL_CTX_free(SSL_CTX *ctx)`
 *
 * NULL is allowed. Exported to tell the flush that ends a context from one that the application asks for: only the second
 * one concerns the sessions that other processes share.
 */
void SSL_CTX_free(SSL_CTX *ctx);

/**
 * Frees a connection, as libssl's function of this name does.
 *
 * `void SSL_free(SSL *ssl)`
 *
 * NULL is allowed. libssl removes the session of a connection that was not closed cleanly. With `SESSCACHE_TICKETS=stateful` that does not end
 * it for other processes, if the connection would have had a ticket otherwise, which outlives such an end.
 */
void SSL_free(SSL *ssl);

/**
 * Resets a connection for another use, as libssl's function of this name does.
 *
 * `int SSL_clear(SSL *ssl)`
 *
 * Returns 1, or 0 on failure and for NULL. See `SSL_free` for a connection that was not closed cleanly.
 */
int SSL_clear(SSL *ssl);

/**
 * Makes a connection a server's, as libssl's function of this name does.
 *
 * `void SSL_set_accept_state(SSL *ssl)`
 *
 * With `SESSCACHE_TICKETS=stateful`, a connection whose context's cache is on forgoes tickets from here on, unless the
 * application has set or cleared `SSL_OP_NO_TICKET` itself. NULL is ignored (libssl would crash).
 */
void SSL_set_accept_state(SSL *ssl);

/**
 * Waits for a client's handshake, as libssl's function of this name does.
 *
 * `int SSL_accept(SSL *ssl)`
 *
 * Returns 1 when the handshake is done, else 0 or -1, and -1 for NULL (where libssl would crash). See
 * `SSL_set_accept_state`.
 */
int SSL_accept(SSL *ssl);

/**
 * Switches a connection to another context (server name indication), as libssl's function of this name does.
 *
 * `SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *ctx)`
 *
 * Returns the context that the connection has then; NULL on an error, and for a NULL connection (where libssl would
 * crash). Its sessions stay with the context that it was made from; libssl does the same, but cannot be asked which
 * one that was, so it is noted here.
 */
SSL_CTX *SSL_set_SSL_CTX(SSL *ssl,
                         SSL_CTX *ctx);

/**
 * Sets the function that makes session ids for new connections of a context.
 *
 * `int SSL_CTX_set_generate_session_id(SSL_CTX *ctx, GEN_SESSION_CB cb)`
 *
 * Returns 1. Exported so that an id which only this library's cache has is refused as libssl refuses one of
 * its own.
 */
int SSL_CTX_set_generate_session_id(SSL_CTX *ctx, int (*cb)(SSL*, unsigned char*, unsigned int*));

/**
 * Sets the function that makes session ids for one connection.
 *
 * `int SSL_set_generate_session_id(SSL *ssl, GEN_SESSION_CB cb)`
 *
 * Returns 1. See `SSL_CTX_set_generate_session_id`.
 */
int SSL_set_generate_session_id(SSL *ssl, int (*cb)(SSL*, unsigned char*, unsigned int*));

/**
 * libssl's control function of a context.
 *
 * `long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg)`
 *
 * The session-cache mode, size, number and counters are those of this library's cache; every other command goes to
 * libssl untouched. What libssl counts itself stays its own: `SSL_CTRL_SESS_CONNECT` to `SSL_CTRL_SESS_HIT` and
 * `SSL_CTRL_SESS_TIMEOUTS`.
 */
long SSL_CTX_ctrl(SSL_CTX *ctx,
                  int cmd,
                  long larg,
                  void *parg);

/**
 * Adds options to a context, as libssl's function of this name does.
 *
 * `uint64_t SSL_CTX_set_options(SSL_CTX *ctx, uint64_t options)`
 *
 * Returns the options that the context has then; 0 for NULL (where libssl would crash). Exported to know whether the
 * application itself has decided about tickets.
 */
uint64_t SSL_CTX_set_options(SSL_CTX *ctx,
                             uint64_t options);

/**
 * Takes options from a context. See `SSL_CTX_set_options`.
 *
 * `uint64_t SSL_CTX_clear_options(SSL_CTX *ctx, uint64_t options)`
 */
uint64_t SSL_CTX_clear_options(SSL_CTX *ctx, uint64_t options);

/**
 * Adds options to a connection, as libssl's function of this name does. See `SSL_CTX_set_options`.
 *
 * `uint64_t SSL_set_options(SSL *ssl, uint64_t options)`
 */
uint64_t SSL_set_options(SSL *ssl, uint64_t options);

/**
 * Takes options from a connection. See `SSL_CTX_set_options`.
 *
 * `uint64_t SSL_clear_options(SSL *ssl, uint64_t options)`
 */
uint64_t SSL_clear_options(SSL *ssl, uint64_t options);

/**
 * The options of a connection, as libssl's function of this name gives them.
 *
 * `uint64_t SSL_get_options(const SSL *ssl)`
 *
 * Returns 0 for NULL (where libssl would crash). With `SESSCACHE_TICKETS=stateful` a server's connection forgoes tickets by
 * `SSL_OP_NO_TICKET`; it is shown only if the application has set it.
 */
uint64_t SSL_get_options(const SSL *ssl);

/**
 * Puts data of the application on a session, as libssl's function of this name does.
 *
 * `int SSL_SESSION_set_ex_data(SSL_SESSION *session, int idx, void *data)`
 *
 * Returns 1, or 0 on an error and for NULL. In the shared profile, no session of a process that calls it leaves that
 * process any more (`SESSCACHE_EX_DATA=share` overrides that): a copy would lack the data.
 */
int SSL_SESSION_set_ex_data(SSL_SESSION *session,
                            int idx,
                            void *data);

/**
 * This library's version, such as "0.1.0".
 *
 * The string is constant and never to be freed.
 */
const char *sesscache_version(void);

/**
 * Whether a context is served by this library, and if not why.
 *
 * With NULL: whether this process is. Returns `SESSCACHE_ACTIVE` or one of the numbers below it. If `reason` is not NULL,
 * `*reason` becomes a constant English sentence. Any thread may call it.
 */
int sesscache_active(const SSL_CTX *ctx,
                     const char **reason);

/**
 * Writes what a context's cache has done so far.
 *
 * `size` is `sizeof(sesscache_ctx_stats_t)` as the caller was compiled: fields that its header did not have yet are not
 * written, and fields that this library does not have yet become 0. Returns 1, or 0 if the context is not served, an
 * argument is NULL or `size` is 0. Any thread may call it; the numbers are not of one instant.
 */
int sesscache_ctx_stats(SSL_CTX *ctx,
                        struct sesscache_ctx_stats_t *stats,
                        size_t size);

/**
 * Writes what all processes that share this process's region have done so far.
 *
 * `size` is `sizeof(sesscache_shared_stats_t)` as the caller was compiled; fields that either side does not have are treated
 * as in `sesscache_ctx_stats`. Returns 1, or 0 if this process shares nothing (`SESSCACHE_SHARED` is not set, or the log says
 * why not), `stats` is NULL or `size` is 0. Any thread may call it; the numbers are not of one instant.
 */
int sesscache_shared_stats(struct sesscache_shared_stats_t *stats,
                           size_t size);

/**
 * Sets this context's flags to exactly `flags`, and returns what they were.
 *
 * The one flag is `SESSCACHE_NEW_CB_ZERO_REMOVES`; a new context has it if `SESSCACHE_NEW_CB_ZERO=remove` is set. Unknown
 * bits are ignored. Returns 0 for a context that is not served. Any thread may call it.
 */
uint64_t sesscache_ctx_set_flags(SSL_CTX *ctx,
                                 uint64_t flags);

/**
 * Stores a session in the context's cache.
 *
 * `int SSL_CTX_add_session(SSL_CTX *ctx, SSL_SESSION *session)`
 *
 * The cache takes a reference of its own. Returns 1 if the object was newly stored (in place of another one of the same
 * id, perhaps), 0 if that very object was stored already or an argument is NULL (where libssl would crash). Works in
 * every mode. Whatever has to make room is told to the remove callback.
 */
int SSL_CTX_add_session(SSL_CTX *ctx,
                        SSL_SESSION *session);

/**
 * Removes the session of this session's id from the context's cache, and marks the given object not resumable.
 *
 * `int SSL_CTX_remove_session(SSL_CTX *ctx, SSL_SESSION *session)`
 *
 * Returns 1 if there was one, else 0. The remove callback gets the given object, once, whether or not anything was
 * cached; but nothing happens for NULL or an empty id.
 */
int SSL_CTX_remove_session(SSL_CTX *ctx,
                           SSL_SESSION *session);

/**
 * Removes every session that had expired by the given second, or all of them if it is 0.
 *
 * `void SSL_CTX_flush_sessions(SSL_CTX *ctx, long tm)`
 *
 * Seconds since the epoch. Each session is marked not resumable and told to the remove callback. A negative time removes
 * nothing up to OpenSSL 3.1; from 3.2 on it wraps, as unsigned nanoseconds, to a late one that most often removes everything.
 */
void SSL_CTX_flush_sessions(SSL_CTX *ctx,
                            long tm);

/**
 * `SSL_CTX_flush_sessions` with a `time_t` (OpenSSL 3.4).
 *
 * `void SSL_CTX_flush_sessions_ex(SSL_CTX *ctx, time_t tm)`
 *
 * With an older libssl it does what `SSL_CTX_flush_sessions` does there.
 */
void SSL_CTX_flush_sessions_ex(SSL_CTX *ctx, time_t tm);

/**
 * libssl's own table of the context's sessions.
 *
 * `LHASH_OF(SSL_SESSION) *SSL_CTX_sessions(SSL_CTX *ctx)`
 *
 * The table is libssl's, unlocked, and not to be freed. Since it can only show what libssl itself stores, the context is
 * given back to libssl with all its sessions, for good.
 */
struct lhash_st_SSL_SESSION *SSL_CTX_sessions(SSL_CTX *ctx);

/**
 * Whether the cache that a connection's sessions go to has one of this id.
 *
 * `int SSL_has_matching_session_id(const SSL *ssl, const unsigned char *id, unsigned int id_len)`
 *
 * 1 or 0; 0 for more than 32 bytes. The protocol version is the connection's present one.
 */
int SSL_has_matching_session_id(const SSL *ssl, const unsigned char *id, unsigned int id_len);

/**
 * Sets the second at which a session was made. A stored one moves to its new place (from OpenSSL 3.0 on).
 *
 * `long SSL_SESSION_set_time(SSL_SESSION *session, long tm)`
 *
 * Returns `tm`; 0 for NULL.
 */
long SSL_SESSION_set_time(SSL_SESSION *session, long tm);

/**
 * `SSL_SESSION_set_time` with a `time_t` (OpenSSL 3.3).
 *
 * `time_t SSL_SESSION_set_time_ex(SSL_SESSION *session, time_t tm)`
 *
 * Returns `tm`; 0 for NULL. With an older libssl it does what `SSL_SESSION_set_time` does there.
 */
time_t SSL_SESSION_set_time_ex(SSL_SESSION *session, time_t tm);

/**
 * Sets for how many seconds a session is good. A stored one moves to its new place (from OpenSSL 3.0 on).
 *
 * `long SSL_SESSION_set_timeout(SSL_SESSION *session, long t)`
 *
 * Returns 1; 0 for NULL and, from OpenSSL 3.0 on, for a negative number.
 */
long SSL_SESSION_set_timeout(SSL_SESSION *session, long t);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SESSCACHE_H */
