/* test: valgrind=memcheck */
/*
 * Callbacks that call back into the cache they were called from. Only where libssl
 * holds no lock at that moment; reentrant_under_lock.c has the rest.
 */
#include "harness/harness.h"

static SSL_CTX *server, *client;

static void begin(const char *name, enum kind kind)
{
    printf("[%s, %s]\n", kind_name(kind), name);
    server = server_context(kind);
    client = client_context(kind);
    app_install(server);
}

static void end(void)
{
    SSL_SESSION *session = connection("first", server, client, NULL);
    SSL_SESSION *next = connection("second", server, client, session);

    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
    app.on_new = NULL;
    app.on_get = NULL;
    app.on_remove = NULL;
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

static void new_removes(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    note("  removed %d", SSL_CTX_remove_session(server, session));
}

static void new_adds(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION *other = session_simple('A');

    (void)ssl;
    note("  added itself %d", SSL_CTX_add_session(server, session));
    note("  added another %d", SSL_CTX_add_session(server, other));
    SSL_SESSION_free(other);
}

static void new_flushes(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    context_flush(server, 0);
    note("  flushed, number %ld", SSL_CTX_sess_number(server));
}

static void new_resizes(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    note("  size was %ld", SSL_CTX_sess_set_cache_size(server, 2));
    note("  mode was %ld", SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER));
}

static void new_unsets(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    SSL_CTX_sess_set_new_cb(server, NULL);
    SSL_CTX_sess_set_remove_cb(server, NULL);
}

/* A whole handshake on the same context within the callback. */
static void new_connects(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION *inner;

    (void)ssl, (void)session;
    app.on_new = NULL;
    inner = connection("  inner", server, client, NULL);
    session_drop(&inner);
}

static void get_adds(SSL *ssl)
{
    SSL_SESSION *other = session_simple('G');

    (void)ssl;
    note("  added %d", SSL_CTX_add_session(server, other));
    note("  removed %d", SSL_CTX_remove_session(server, other));
    context_flush(server, 0);
    SSL_SESSION_free(other);
}

static void with_new(const char *name, enum kind kind, void (*action)(SSL *, SSL_SESSION *))
{
    begin(name, kind);
    app.on_new = action;
    end();
}

/* From SSL_CTX_remove_session no lock is held in any version. */
static void remove_works(SSL_CTX *ctx, SSL_SESSION *session)
{
    SSL_SESSION *other = session_simple('R');

    app.on_remove = NULL;
    note("  itself is gone, removed %d", SSL_CTX_remove_session(ctx, session));
    note("  added again %d", SSL_CTX_add_session(ctx, session));
    note("  added %d", SSL_CTX_add_session(ctx, other));
    note("  removed %d", SSL_CTX_remove_session(ctx, other));
    note("  number %ld", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(other);
}

static void within_remove(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');

    part("the remove callback of SSL_CTX_remove_session");
    app_install(ctx);
    CHECK(SSL_CTX_add_session(ctx, session));
    app.on_remove = remove_works;
    FACT("removed", SSL_CTX_remove_session(ctx, session));
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(session);
    FACT("ended", freed('A') + freed('R'));
    context_free_told(ctx);
    FACT("ended", freed('A') + freed('R'));
    app_reset();
}

/* The callback gives up what may be the last reference but the caller's. */
static void remove_frees(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx;
    SSL_SESSION_free(session);
}

static void freed_within_remove(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');

    part("the remove callback frees the application's reference");
    app_install(ctx);
    CHECK(SSL_CTX_add_session(ctx, session));
    app.on_remove = remove_frees;
    context_free_told(ctx);
    FACT("ended", freed('A'));
    app_reset();
}

static void remove_flushes_other(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx, (void)session;
    context_flush(client, 0);
}

/* Another context's cache is free at any moment. */
static void other_context_within_flush(void)
{
    SSL_SESSION *session = session_simple('A'), *other = session_simple('B');

    part("a flush within a flush, of another context");
    server = SSL_CTX_new(TLS_method());
    client = SSL_CTX_new(TLS_method());
    app_install(server);
    CHECK(SSL_CTX_add_session(server, session) && SSL_CTX_add_session(client, other));
    app.on_remove = remove_flushes_other;
    flush_told("flush", server, 0);
    FACT("of the other", SSL_CTX_sess_number(client));
    SSL_SESSION_free(session);
    SSL_SESSION_free(other);
    FACT("ended", freed('A') + freed('B'));
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, TLS13_EARLY };
    size_t i;

    for (i = 0; i < 3; ++i) {
        with_new("new removes", kinds[i], new_removes);
        with_new("new adds", kinds[i], new_adds);
        with_new("new flushes", kinds[i], new_flushes);
        with_new("new resizes", kinds[i], new_resizes);
        with_new("new takes the callbacks away", kinds[i], new_unsets);
        with_new("new makes a connection", kinds[i], new_connects);
        begin("get adds, removes, flushes", kinds[i]);
        SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP);
        app.on_get = get_adds;
        end();
    }
    within_remove();
    freed_within_remove();
    other_context_within_flush();
    return 0;
}
