/* test: valgrind=memcheck */
/*
 * SSL_CTX_sessions hands out libssl's own table. Everything that was cached must
 * be in it, and the context works on as before.
 */
#include "harness/harness.h"

#include <openssl/lhash.h>

static char seen[64];
static int seen_count;

static void visit(void *session)
{
    if (seen_count < 63)
        seen[seen_count++] = label_of((const SSL_SESSION *)session);
}

static int by_value(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* The order of a hash table is nobody's business. */
static void walk(const char *name, SSL_CTX *ctx)
{
    LHASH_OF(SSL_SESSION) *table = SSL_CTX_sessions(ctx);

    seen_count = 0;
    CHECK(table != NULL);
    OPENSSL_LH_doall((OPENSSL_LHASH *)table, visit);
    qsort(seen, (size_t)seen_count, 1, by_value);
    seen[seen_count] = 0;
    fact_text(name, seen_count == 0 ? "empty" : seen);
    FACT("number", SSL_CTX_sess_number(ctx));
}

static void add(SSL_CTX *ctx, char label, long time)
{
    SSL_SESSION *session = session_timed(label, time, 100000);

    note("add %c: %d", label, SSL_CTX_add_session(ctx, session));
    SSL_SESSION_free(session);
}

static void by_hand(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *b = session_simple('B');

    part("by hand");
    app_install(ctx);
    SSL_CTX_sess_set_cache_size(ctx, 5);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH);
    add(ctx, 'A', 5000);
    add(ctx, 'B', 3000);
    add(ctx, 'C', 4000);
    walk("table", ctx);
    fact_same("the same table", SSL_CTX_sessions(ctx), SSL_CTX_sessions(ctx));
    FACT("mode", SSL_CTX_get_session_cache_mode(ctx));
    FACT("size", SSL_CTX_sess_get_cache_size(ctx));
    FACT("remove callback is ours", SSL_CTX_sess_get_remove_cb(ctx) == app_remove);

    add(ctx, 'D', 3500);
    add(ctx, 'E', 6000);
    walk("table after more", ctx);
    FACT("cache_full", SSL_CTX_sess_cache_full(ctx));
    FACT("removed", SSL_CTX_remove_session(ctx, b));
    walk("table after a removal", ctx);
    SSL_CTX_sess_set_cache_size(ctx, 50);
    add(ctx, 'F', 1000);
    flush_told("flush at 104001", ctx, 104001);
    walk("table after a flush", ctx);
    flush_told("flush", ctx, 0);
    walk("table after a flush of all", ctx);
    SSL_SESSION_free(b);
    context_free_told(ctx);
    app_reset();
}

static void with_handshakes(enum kind kind, int early)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, table taken %s]\n", kind_name(kind), early ? "at once" : "after the first handshake");
    app_install(server);
    if (early)
        walk("table", server);
    session = connection("first", server, client, NULL);
    walk("table", server);
    next = connection("second", server, client, session);
    walk("table", server);
    session_drop(&next);
    session_drop(&session);
    fact_counters(server);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, TLS13_EARLY };
    size_t i;

    by_hand();
    for (i = 0; i < 3; ++i) {
        with_handshakes(kinds[i], 1);
        with_handshakes(kinds[i], 0);
    }
    return 0;
}
