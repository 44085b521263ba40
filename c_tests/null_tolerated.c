/* test: only=linked | valgrind=memcheck */
/*
 * Every exported function with NULL: libssl would crash in most of these; the
 * library gives its failure value, and leaves errno and the error queue alone.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "harness/harness.h"
#include <sesscache.h>

static void calm_after(const char *name)
{
    if (!still_calm())
        check_failed(__FILE__, __LINE__, name);
    calm_end();
    note("%s", name);
}

/* The value is the documented one, and nothing else is disturbed. */
#define GIVES(expected, call)                                                  \
    do {                                                                       \
        calm_begin();                                                          \
        CHECK((call) == (expected));                                           \
        calm_after(#call);                                                     \
    } while (0)
#define RETURNS(call)                                                          \
    do {                                                                       \
        calm_begin();                                                          \
        call;                                                                  \
        calm_after(#call);                                                     \
    } while (0)

static void without_a_context(SSL_SESSION *session)
{
    GIVES(0, SSL_CTX_add_session(NULL, session));
    GIVES(0, SSL_CTX_remove_session(NULL, session));
    RETURNS(SSL_CTX_flush_sessions(NULL, 0));
    GIVES(NULL, SSL_CTX_sessions(NULL));
    RETURNS(SSL_CTX_sess_set_new_cb(NULL, app_new));
    RETURNS(SSL_CTX_sess_set_remove_cb(NULL, app_remove));
    RETURNS(SSL_CTX_sess_set_get_cb(NULL, app_get));
    GIVES(NULL, SSL_CTX_sess_get_new_cb(NULL));
    GIVES(NULL, SSL_CTX_sess_get_remove_cb(NULL));
    GIVES(NULL, SSL_CTX_sess_get_get_cb(NULL));
    GIVES(0, SSL_CTX_set_generate_session_id(NULL, NULL));
    GIVES(0, SSL_CTX_ctrl(NULL, SSL_CTRL_SESS_NUMBER, 0, NULL));
    GIVES(NULL, SSL_set_SSL_CTX(NULL, NULL));
    RETURNS(SSL_free(NULL));
    GIVES(0, SSL_clear(NULL));
    GIVES(0, SSL_CTX_set_options(NULL, SSL_OP_NO_TICKET));
    GIVES(0, SSL_CTX_clear_options(NULL, SSL_OP_NO_TICKET));
    GIVES(0, SSL_set_options(NULL, SSL_OP_NO_TICKET));
    GIVES(0, SSL_clear_options(NULL, SSL_OP_NO_TICKET));
    GIVES(0, SSL_get_options(NULL));
    GIVES(0, SSL_set_generate_session_id(NULL, NULL));
    GIVES(0, SSL_has_matching_session_id(NULL, (const unsigned char *)"A", 1));
}

static void without_the_rest(SSL_CTX *ctx, SSL *ssl)
{
    GIVES(0, SSL_CTX_add_session(ctx, NULL));
    GIVES(0, SSL_CTX_remove_session(ctx, NULL));
    GIVES(0, SSL_has_matching_session_id(ssl, NULL, 0));
    GIVES(0, SSL_has_matching_session_id(ssl, NULL, 5));
    GIVES(0, SSL_SESSION_set_time(NULL, 1));
    GIVES(0, SSL_SESSION_set_timeout(NULL, 1));
    RETURNS(SSL_CTX_sess_set_new_cb(ctx, NULL));
    RETURNS(SSL_CTX_sess_set_remove_cb(ctx, NULL));
    RETURNS(SSL_CTX_sess_set_get_cb(ctx, NULL));
}

static void our_own(SSL_CTX *ctx)
{
    sesscache_ctx_stats_t stats;

    GIVES(SESSCACHE_ACTIVE, sesscache_active(NULL, NULL));
    GIVES(SESSCACHE_ACTIVE, sesscache_active(ctx, NULL));
    GIVES(0, sesscache_ctx_stats(NULL, &stats, sizeof(stats)));
    GIVES(0, sesscache_ctx_stats(ctx, NULL, sizeof(stats)));
    GIVES(0, sesscache_ctx_stats(ctx, &stats, 0));
    GIVES(0, sesscache_ctx_set_flags(NULL, SESSCACHE_NEW_CB_ZERO_REMOVES));
}

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');
    SSL *ssl = SSL_new(ctx);

    CHECK(ctx != NULL && ssl != NULL);
    without_a_context(session);
    without_the_rest(ctx, ssl);
    our_own(ctx);
    SSL_free(ssl);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    return 0;
}
