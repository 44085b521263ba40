/* test: valgrind=memcheck */
/*
 * A server name callback switches to another context: cache, mode and callbacks
 * stay those of the context that the connection was made from; counters move in
 * part.
 */
#include "harness/harness.h"

static SSL_CTX *first, *second;
static int when; /* 1: server name callback, 2: client hello callback */

static int second_new(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    note("new callback of the second context");
    return 0;
}

static void second_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)session;
    note("remove callback of the second context, for the %s", ctx == second ? "second" : "first");
}

static SSL_SESSION *second_get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    (void)ssl, (void)id, (void)length, (void)copy;
    note("get callback of the second context");
    return NULL;
}

static void current(SSL *ssl, SSL_SESSION *session)
{
    (void)session;
    note("current context is the %s", SSL_get_SSL_CTX(ssl) == first ? "first" : "second");
}

static void current_at_get(SSL *ssl)
{
    current(ssl, NULL);
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert, (void)arg;
    if (when == 1)
        fact_same("switched", SSL_set_SSL_CTX(ssl, second), second);
    return SSL_TLSEXT_ERR_OK;
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
    (void)alert, (void)arg;
    if (when == 2)
        fact_same("switched", SSL_set_SSL_CTX(ssl, second), second);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static void told(void)
{
    part("first context");
    fact_counters(first);
    part("second context");
    fact_counters(second);
}

static SSL_SESSION *named(const char *name, SSL_CTX *client, SSL_SESSION *session)
{
    struct pair pair = pair_new(first, client, session);
    SSL_SESSION *made;
    int done;

    CHECK(SSL_set_tlsext_host_name(pair.client, "second.example"));
    done = handshake(&pair);
    fact_text(name, outcome(&pair, done));
    fact_same("ends with the second context", SSL_get_SSL_CTX(pair.server), second);
    made = done ? SSL_get1_session(pair.client) : NULL;
    close_clean(&pair);
    pair_free(&pair);
    return made;
}

static void begin(enum kind kind)
{
    first = server_context(kind);
    second = server_context(kind);
    app_install(first);
    app.on_new = current;
    app.on_get = current_at_get;
    SSL_CTX_sess_set_new_cb(second, second_new);
    SSL_CTX_sess_set_remove_cb(second, second_remove);
    SSL_CTX_sess_set_get_cb(second, second_get);
    SSL_CTX_set_tlsext_servername_callback(first, on_server_name);
    SSL_CTX_set_client_hello_cb(first, on_hello, NULL);
}

static void of_kind(enum kind kind, int at, long first_mode, long second_mode)
{
    SSL_CTX *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, switched in the %s, modes %ld and %ld]\n", kind_name(kind),
           at == 1 ? "server name callback" : "client hello callback", first_mode, second_mode);
    when = at;
    begin(kind);
    SSL_CTX_set_session_cache_mode(first, first_mode);
    SSL_CTX_set_session_cache_mode(second, second_mode);
    session = named("full", client, NULL);
    next = named("resumed", client, session);
    session_drop(&next);
    flush_told("flush", first, 0);
    next = named("after a flush", client, session);
    session_drop(&next);
    session_drop(&session);
    told();
    SSL_CTX_free(second);
    context_free_told(first);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, TLS13_EARLY };
    size_t i;
    int at;

    for (i = 0; i < 3; ++i)
        for (at = 1; at <= 2; ++at) {
            of_kind(kinds[i], at, SSL_SESS_CACHE_SERVER, SSL_SESS_CACHE_SERVER);
            of_kind(kinds[i], at, SSL_SESS_CACHE_SERVER, SSL_SESS_CACHE_OFF);
            of_kind(kinds[i], at, SSL_SESS_CACHE_OFF, SSL_SESS_CACHE_SERVER);
        }
    return 0;
}
