/* test: only=linked | env=SESSCACHE_SHARED=anon:4M | valgrind=memcheck */
/*
 * SSL_CTX_sessions gives a context back to libssl, which then tells its remove callback of evictions and of the context's
 * end: neither ends a session for others, and a context that is ending is asked for nothing.
 */
#include "harness/harness.h"
#include "harness/workers.h"

static int told;

static void removed(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx, (void)session;
    ++told;
}

enum end { FREED, EVICTED, REMOVED, FLUSHED };

static void shared_before(enum end end, const char *name, enum came wanted)
{
    SSL_CTX *server = server_context(TLS12_ID), *too = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    struct worker other = worker_start(too, client);
    struct token token;
    SSL_SESSION *session;

    SSL_CTX_sess_set_remove_cb(server, removed);
    token = connect_here(server, client);
    CHECK(SSL_CTX_sessions(server) != NULL);
    told = 0;
    if (end == EVICTED) {
        SSL_CTX_sess_set_cache_size(server, 1);
        connect_here(server, client);
    } else if (end == REMOVED) {
        session = token_session(&token);
        CHECK(SSL_CTX_remove_session(server, session));
        SSL_SESSION_free(session);
    } else if (end == FLUSHED) {
        context_flush(server, 0);
    }
    if (end == FREED)
        SSL_CTX_free(server);
    CHECK(told > 0);
    expect(name, worker_resume(&other, &token, 0), wanted);
    if (end != FREED)
        SSL_CTX_free(server);
    worker_end(&other);
    SSL_CTX_free(too);
    SSL_CTX_free(client);
}

/* Its sessions were never shared: nothing is known of its scope when it ends. */
static void never_shared(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *context = client_context(TLS12_ID);
    SSL_SESSION *session;

    SSL_CTX_sess_set_remove_cb(context, removed);
    session = connection("a client's", server, context, NULL);
    CHECK(session != NULL);
    SSL_CTX_add_session(context, session);
    CHECK(SSL_CTX_sessions(context) != NULL);
    told = 0;
    ERR_clear_error();
    SSL_CTX_free(context);
    FACT("told", told);
    CHECK(ERR_peek_error() == 0);
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

int main(void)
{
    shared_before(FREED, "freed", RESUMED);
    shared_before(EVICTED, "evicted", RESUMED);
    shared_before(REMOVED, "removed", FULL);
    shared_before(FLUSHED, "flushed", FULL);
    never_shared();
    return 0;
}
