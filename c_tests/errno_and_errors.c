/*
 * None of the functions leaves a trace in errno or in the error queue, whatever
 * stands there before; nor does a whole handshake more than libssl's own.
 */
#include "harness/harness.h"

#include <errno.h>

static void told(const char *name)
{
    fact_text(name, still_calm() ? "calm" : "disturbed");
    calm_end();
}

#define CALMLY(name, call)                                                     \
    do {                                                                       \
        calm_begin();                                                          \
        (void)(call);                                                          \
        told(name);                                                            \
    } while (0)

static void flush_now(SSL_CTX *ctx)
{
    context_flush(ctx, 0);
}

static void functions(void)
{
    SSL_CTX *ctx, *other;
    SSL_SESSION *a = session_simple('A'), *b = session_simple('B'), *c = session_simple('C');
    SSL *ssl;

    part("functions");
    /* The first context loads configuration and algorithms: not what is asked here. */
    ctx = SSL_CTX_new(TLS_method());
    CALMLY("new", other = SSL_CTX_new(TLS_method()));
    CALMLY("add", SSL_CTX_add_session(ctx, a));
    CALMLY("add again", SSL_CTX_add_session(ctx, a));
    CALMLY("size", SSL_CTX_sess_set_cache_size(ctx, 2));
    CALMLY("evict", SSL_CTX_add_session(ctx, b));
    CALMLY("evict again", SSL_CTX_add_session(ctx, c));
    CALMLY("remove", SSL_CTX_remove_session(ctx, c));
    CALMLY("remove nothing", SSL_CTX_remove_session(ctx, c));
    CALMLY("remove NULL", SSL_CTX_remove_session(ctx, NULL));
    CALMLY("set_time", session_set_time(b, 5000));
    CALMLY("set_timeout", session_set_timeout(b, 50));
    CALMLY("mode", SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH));
    CALMLY("negative size", SSL_CTX_sess_set_cache_size(ctx, -1));
    CALMLY("number", SSL_CTX_sess_number(ctx));
    CALMLY("new callback", SSL_CTX_sess_set_new_cb(ctx, app_new));
    CALMLY("remove callback", SSL_CTX_sess_set_remove_cb(ctx, app_remove));
    CALMLY("get callback", SSL_CTX_sess_set_get_cb(ctx, app_get));
    CALMLY("getters", SSL_CTX_sess_get_new_cb(ctx) == app_new);
    CALMLY("ssl", ssl = SSL_new(ctx));
    CALMLY("matching", SSL_has_matching_session_id(ssl, (const unsigned char *)"B", 1));
    CALMLY("too long an id", SSL_has_matching_session_id(ssl, (const unsigned char *)"B", 100));
    CALMLY("switch", SSL_set_SSL_CTX(ssl, other));
    CALMLY("free an SSL", SSL_free(ssl));
    CALMLY("flush", flush_now(ctx));
    CALMLY("table", SSL_CTX_sessions(other));
    CALMLY("free", SSL_CTX_free(ctx));
    CALMLY("free the other", SSL_CTX_free(other));
    SSL_SESSION_free(a);
    SSL_SESSION_free(b);
    SSL_SESSION_free(c);
    app_reset();
}

static void unnoticed(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    FACT("errors at the new callback", ERR_peek_error() != 0);
    calm_begin();
    SSL_CTX_remove_session(app.session_context, session);
    SSL_CTX_add_session(app.session_context, session);
    told("within the new callback");
}

static void unnoticed_get(SSL *ssl)
{
    (void)ssl;
    FACT("errors at the get callback", ERR_peek_error() != 0);
}

static void handshakes(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;
    struct pair pair;

    printf("[%s]\n", kind_name(kind));
    app_install(server);
    app.quiet = 1;
    app.on_new = unnoticed;
    app.on_get = unnoticed_get;
    session = connection("first", server, client, NULL);
    FACT("errors", ERR_peek_error() != 0);
    context_flush(server, 0);
    next = connection("missed", server, client, session);
    FACT("errors", ERR_peek_error() != 0);
    session_drop(&next);
    /* What step() clears before each call would hide an error left by the last one. */
    pair = pair_new(server, client, session);
    ERR_clear_error();
    (void)SSL_do_handshake(pair.client);
    (void)SSL_do_handshake(pair.server);
    FACT("errors after a lookup", ERR_peek_error() != 0);
    pair_free(&pair);
    FACT("errors after SSL_free", ERR_peek_error() != 0);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    functions();
    handshakes(TLS12_ID);
    handshakes(TLS13_STATELESS);
    handshakes(TLS13_STATEFUL);
    handshakes(TLS13_EARLY);
    return 0;
}
