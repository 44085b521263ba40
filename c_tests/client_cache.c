/* test: valgrind=memcheck */
/*
 * Caching on the client: what is stored for each kind, what a renewed ticket
 * replaces, that used TLS 1.3 sessions go, and that nothing is ever looked up.
 */
#include "harness/harness.h"

static void of_kind(enum kind kind, long mode)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, mode %ld]\n", kind_name(kind), mode);
    SSL_CTX_set_session_cache_mode(client, mode);
    app_install(client);
    session = connection("first", server, client, NULL);
    FACT("number", SSL_CTX_sess_number(client));
    next = connection("second", server, client, session);
    FACT("number", SSL_CTX_sess_number(client));
    FACT("first is resumable", SSL_SESSION_is_resumable(session));
    FACT("the same object", next == session);
    session_drop(&session);
    session = connection("third", server, client, next);
    FACT("number", SSL_CTX_sess_number(client));
    session_drop(&next);
    session_drop(&session);
    printf("[its counters]\n");
    fact_counters(client);
    context_free_told(client);
    SSL_CTX_free(server);
    fact_calls("calls");
    app_reset();
}

/* The server renews the ticket of a resumed TLS 1.2 session. */
static void renewed_ticket(void)
{
    SSL_CTX *server = server_context(TLS12_TICKET), *client = client_context(TLS12_TICKET);
    SSL_SESSION *session, *next;
    unsigned char keys[80] = { 1 };

    part("another ticket key");
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    app_install(client);
    session = connection("first", server, client, NULL);
    CHECK(SSL_CTX_set_tlsext_ticket_keys(server, keys, sizeof(keys)));
    next = connection("second", server, client, session);
    FACT("number", SSL_CTX_sess_number(client));
    session_drop(&next);
    session_drop(&session);
    context_free_told(client);
    SSL_CTX_free(server);
    app_reset();
}

/* A session removed from the client's cache is not offered again. */
static void removed(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, removed by the application]\n", kind_name(kind));
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    app_install(client);
    session = connection("first", server, client, NULL);
    FACT("removed", SSL_CTX_remove_session(client, session));
    next = connection("second", server, client, session);
    FACT("number", SSL_CTX_sess_number(client));
    session_drop(&next);
    session_drop(&session);
    context_free_told(client);
    SSL_CTX_free(server);
    app_reset();
}

/* The client's callback owns what it was given (libcurl up to 7.88, Rust's openssl). */
static void kept(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, kept by the application]\n", kind_name(kind));
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    app_install(client);
    app.keep = 1;
    session = connection("first", server, client, NULL);
    session_drop(&session);
    CHECK(app.stored > 0);
    next = connection("second", server, client, app.store[app.stored - 1]);
    session_drop(&next);
    FACT("kept", app.stored);
    context_free_told(client);
    FACT("ended", freed('1'));
    SSL_CTX_free(server);
    app_reset();
}

static void small_cache(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    int i;

    printf("[%s, size 3]\n", kind_name(kind));
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_cache_size(client, 3);
    app_install(client);
    for (i = 0; i < 5; ++i) {
        SSL_SESSION *session = connection("connection", server, client, NULL);

        session_drop(&session);
    }
    FACT("cache_full", SSL_CTX_sess_cache_full(client));
    context_free_told(client);
    SSL_CTX_free(server);
    app_reset();
}

int main(void)
{
    int kind;

    for (kind = TLS12_ID; kind <= DTLS12_ID; ++kind) {
        of_kind((enum kind)kind, SSL_SESS_CACHE_CLIENT);
        of_kind((enum kind)kind, SSL_SESS_CACHE_SERVER);
        of_kind((enum kind)kind, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL);
        removed((enum kind)kind);
        kept((enum kind)kind);
        small_cache((enum kind)kind);
    }
    renewed_ticket();
    return 0;
}
