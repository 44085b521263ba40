/* test: valgrind=memcheck */
/*
 * SSL_SESSION_set_time_ex and SSL_CTX_flush_sessions_ex beside their elder forms,
 * where the version has them: they act on the same cache.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "harness/harness.h"

static SSL_CTX *filled(SSL_SESSION **held)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    int i;

    CHECK(ctx != NULL);
    app_install(ctx);
    for (i = 0; i < 4; ++i) {
        held[i] = session_timed((char)('A' + i), 1000 + 100 * i, 50);
        CHECK(SSL_CTX_add_session(ctx, held[i]));
    }
    return ctx;
}

static void end(SSL_CTX *ctx, SSL_SESSION **held)
{
    int i;

    context_free_told(ctx);
    for (i = 0; i < 4; ++i)
        SSL_SESSION_free(held[i]);
    app_reset();
}

static void elder(void)
{
    SSL_SESSION *held[4];
    SSL_CTX *ctx = filled(held);

    part("elder");
    FACT("set_time", SSL_SESSION_set_time(held[0], 5000));
    FACT("get_time", SSL_SESSION_get_time(held[0]));
    gather_begin();
    SSL_CTX_flush_sessions(ctx, 1260);
    gather_end("flushed at 1260");
    fact_cached("cached", ctx, "ABCD");
    end(ctx, held);
}

#if OPENSSL_VERSION_NUMBER >= 0x30400000L
static void younger(time_t at)
{
    SSL_SESSION *held[4];
    SSL_CTX *ctx = filled(held);

    part("younger");
    FACT("set_time_ex", SSL_SESSION_set_time_ex(held[0], 5000));
    FACT("get_time_ex", SSL_SESSION_get_time_ex(held[0]));
    FACT("beyond 2038", SSL_SESSION_set_time_ex(held[1], (time_t)0x200000000));
    FACT("NULL", SSL_SESSION_set_time_ex(NULL, 5));
    FACT("flushed at", at);
    gather_begin();
    SSL_CTX_flush_sessions_ex(ctx, at);
    gather_end("goes");
    fact_cached("cached", ctx, "ABCD");
    FACT("number", SSL_CTX_sess_number(ctx));
    end(ctx, held);
}
#endif

int main(void)
{
    elder();
#if OPENSSL_VERSION_NUMBER >= 0x30400000L
    younger(1260);
    younger(0);
    younger(-5);
    younger((time_t)0x100000000);
    younger((time_t)0x200000033);
#endif
    return 0;
}
