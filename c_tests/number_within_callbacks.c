/*
 * SSL_CTX_sess_number and the cache_full counter as a remove callback sees them
 * in the midst of a flush or of an eviction, and when removed objects end.
 */
#include "harness/harness.h"

static void look(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)session;
    note("number %ld, full %ld", SSL_CTX_sess_number(ctx), SSL_CTX_sess_cache_full(ctx));
}

static SSL_CTX *filled(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    char label;

    CHECK(ctx != NULL);
    app_install(ctx);
    app.on_remove = look;
    for (label = 'A'; label <= 'C'; ++label) {
        SSL_SESSION *session = session_timed(label, 1000 + label, 100);

        CHECK(SSL_CTX_add_session(ctx, session));
        SSL_SESSION_free(session);
    }
    return ctx;
}

int main(void)
{
    SSL_CTX *ctx = filled();
    SSL_SESSION *session = session_simple('Z');

    /* 1.1.1 flushes in the order of its hash table. */
    announce_frees(OpenSSL_version_num() >= 0x30000000UL);
    part("flush");
    gather_begin();
    context_flush(ctx, 0);
    gather_end("flushed");
    SSL_CTX_free(ctx);
    app_reset();

    part("eviction");
    ctx = filled();
    SSL_CTX_sess_set_cache_size(ctx, 2);
    CHECK(SSL_CTX_add_session(ctx, session));
    SSL_SESSION_free(session);
    context_free_told(ctx);
    app_reset();

    part("removal");
    ctx = filled();
    session = session_timed('B', 1, 1);
    FACT("removed", SSL_CTX_remove_session(ctx, session));
    SSL_SESSION_free(session);
    context_free_told(ctx);
    app_reset();
    return 0;
}
