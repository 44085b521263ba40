/* test: only=linked | valgrind=memcheck */
/*
 * SESSCACHE_NEW_CB_ZERO_REMOVES: what the manual page says of a new callback's 0
 * (the session leaves the cache) instead of what every OpenSSL does.
 */
#include "harness/harness.h"
#include <sesscache.h>

static void flags(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    part("flags");
    CHECK(sesscache_ctx_set_flags(ctx, SESSCACHE_NEW_CB_ZERO_REMOVES) == 0);
    CHECK(sesscache_ctx_set_flags(ctx, 0) == SESSCACHE_NEW_CB_ZERO_REMOVES);
    CHECK(sesscache_ctx_set_flags(ctx, ~(uint64_t)0) == 0);
    CHECK(sesscache_ctx_set_flags(ctx, 0) == SESSCACHE_NEW_CB_ZERO_REMOVES);
    SSL_CTX_free(ctx);
}

/* on: the flag; keep: what the callback returns. */
static void of_kind(enum kind kind, int on, int keep)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;
    struct pair pair;
    int stays = !on || keep;

    printf("[%s, flag %d, returns %d]\n", kind_name(kind), on, keep);
    sesscache_ctx_set_flags(server, on ? SESSCACHE_NEW_CB_ZERO_REMOVES : 0);
    app_install(server);
    app.quiet = 1;
    app.keep = keep;
    app.copy = COPY_ONE;
    session = connection("first", server, client, NULL);
    CHECK(SSL_CTX_sess_number(server) == stays);
    SSL_CTX_sess_set_get_cb(server, NULL);
    pair = pair_new(server, client, session);
    next = NULL;
    CHECK(handshake(&pair));
    CHECK(SSL_session_reused(pair.server) == stays);
    close_clean(&pair);
    pair_free(&pair);
    session_drop(&next);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    if (keep)
        CHECK(freed('1') == 0);
    app_reset();
}

/* Without a new callback there is no 0. */
static void no_callback(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    SSL_SESSION *session;

    part("no callback");
    sesscache_ctx_set_flags(server, SESSCACHE_NEW_CB_ZERO_REMOVES);
    session = connection("first", server, client, NULL);
    CHECK(SSL_CTX_sess_number(server) == 1);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    int on, keep;

    flags();
    for (on = 0; on <= 1; ++on)
        for (keep = 0; keep <= 1; ++keep) {
            of_kind(TLS12_ID, on, keep);
            of_kind(TLS13_STATEFUL, on, keep);
            of_kind(DTLS12_ID, on, keep);
        }
    no_callback();
    return 0;
}
