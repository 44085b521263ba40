/*
 * Callbacks and settings that change while the context is at work, and that are
 * shared by several contexts: what counts is what stands at the moment of the call.
 */
#include "harness/harness.h"

static int second_new(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    note("second new");
    return 0;
}

static void second_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx, (void)session;
    note("second remove");
}

static void replaces_itself(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)session;
    SSL_CTX_sess_set_remove_cb(ctx, second_remove);
}

/* The remove callback is looked up anew for each session of a flush. */
static void replaced_during_flush(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    char label;

    part("replaced during a flush");
    app_install(ctx);
    app.on_remove = replaces_itself;
    for (label = 'A'; label <= 'C'; ++label) {
        SSL_SESSION *session = session_timed(label, 1000, 100);

        CHECK(SSL_CTX_add_session(ctx, session));
        SSL_SESSION_free(session);
    }
    app.quiet = 1;
    context_flush(ctx, 0);
    FACT("told by the first", app.removes);
    FACT("second is set", SSL_CTX_sess_get_remove_cb(ctx) == second_remove);
    SSL_CTX_free(ctx);
    app_reset();
}

/* Connections that were made before see what is set after. */
static void set_after_ssl_new(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct pair pair = pair_new(server, client, NULL);

    printf("[%s, set after SSL_new]\n", kind_name(kind));
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER);
    app_install(server);
    SSL_CTX_sess_set_new_cb(server, second_new);
    FACT("done", handshake(&pair));
    close_clean(&pair);
    pair_free(&pair);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

static void mode_between(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session;
    struct pair pair;

    printf("[%s, mode changed in the midst of a handshake]\n", kind_name(kind));
    app_install(server);
    pair = pair_new(server, client, NULL);
    (void)SSL_do_handshake(pair.client);
    (void)SSL_do_handshake(pair.server);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
    FACT("done", handshake(&pair));
    FACT("number", SSL_CTX_sess_number(server));
    close_clean(&pair);
    pair_free(&pair);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER);
    session = connection("on again", server, client, NULL);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

/* One set of callbacks for two contexts, each with its own cache. */
static void two_contexts(void)
{
    SSL_CTX *first = server_context(TLS12_ID), *second = server_context(TLS12_ID);
    SSL_CTX *client = client_context(TLS12_ID);
    SSL_SESSION *session, *next;

    part("two contexts");
    app_install(first);
    app_install(second);
    app.session_context = NULL;
    session = connection("with the first", first, client, NULL);
    next = connection("then with the second", second, client, session);
    FACT("in the first", SSL_CTX_sess_number(first));
    FACT("in the second", SSL_CTX_sess_number(second));
    FACT("removed from the second", SSL_CTX_remove_session(second, session));
    FACT("in the first", SSL_CTX_sess_number(first));
    FACT("removed from the first", SSL_CTX_remove_session(first, session));
    session_drop(&next);
    session_drop(&session);
    context_free_told(second);
    context_free_told(first);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    replaced_during_flush();
    set_after_ssl_new(TLS12_ID);
    set_after_ssl_new(TLS13_STATELESS);
    mode_between(TLS12_ID);
    mode_between(TLS13_STATEFUL);
    two_contexts();
    return 0;
}
