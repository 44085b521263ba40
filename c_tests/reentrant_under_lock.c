/*
 * Remove callbacks of a flush and of an eviction that call back into the same
 * cache. Up to 3.5 libssl holds its lock there and refuses; 4.0 does not. (1.1.1
 * takes the lock twice and goes on, which ends in no defined way: left out.)
 */
#include "harness/harness.h"

static void try_everything(SSL_CTX *ctx, SSL_SESSION *session)
{
    SSL_SESSION *other = session_simple('R');

    (void)session;
    app.on_remove = NULL;
    note("  added %d", SSL_CTX_add_session(ctx, other));
    note("  found %d", has_id(ctx, "R"));
    SSL_SESSION_free(other);
}

static void within_flush(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');

    part("flush");
    app_install(ctx);
    CHECK(SSL_CTX_add_session(ctx, session));
    SSL_SESSION_free(session);
    app.on_remove = try_everything;
    flush_told("flushed", ctx, 0);
    FACT("number", SSL_CTX_sess_number(ctx));
    context_free_told(ctx);
    FACT("ended", freed('A') + freed('R'));
    app_reset();
}

static void within_eviction(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *first = session_simple('A'), *second = session_simple('B');

    part("eviction");
    app_install(ctx);
    SSL_CTX_sess_set_cache_size(ctx, 1);
    CHECK(SSL_CTX_add_session(ctx, first));
    app.on_remove = try_everything;
    FACT("added", SSL_CTX_add_session(ctx, second));
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(first);
    SSL_SESSION_free(second);
    context_free_told(ctx);
    FACT("ended", freed('A') + freed('B') + freed('R'));
    app_reset();
}

int main(void)
{
    if (OpenSSL_version_num() < 0x30000000UL) {
        part("not for this version");
        return 0;
    }
    within_flush();
    within_eviction();
    return 0;
}
