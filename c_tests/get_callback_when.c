/*
 * When the get callback is asked: not for what the internal cache has, not for
 * tickets, not for an empty id, not on clients; but with caching off, and for the
 * random id of a client that could have spoken TLS 1.3.
 */
#include "harness/harness.h"

static SSL_CTX *server_with(enum kind kind, long mode)
{
    SSL_CTX *ctx = server_context(kind);

    app_install(ctx);
    SSL_CTX_set_session_cache_mode(ctx, mode);
    return ctx;
}

static void of_kind(enum kind kind, const char *name, long mode)
{
    SSL_CTX *server = server_with(kind, mode), *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, %s]\n", kind_name(kind), name);
    session = connection("first", server, client, NULL);
    fact_calls("calls");
    next = connection("second", server, client, session);
    fact_calls("calls");
    session_drop(&next);
    session_drop(&session);
    SSL_CTX_free(client);
    context_free_told(server);
    app_reset();
}

/* Such a client sends 32 random bytes as its id (middlebox compatibility). */
static void versatile_client(void)
{
    SSL_CTX *server = server_with(TLS12_ID, SSL_SESS_CACHE_SERVER), *client = client_context(TLS12_ID);
    SSL_SESSION *session;

    part("a TLS 1.2 server, a client with TLS 1.3 as well");
    CHECK(SSL_CTX_set_max_proto_version(client, TLS1_3_VERSION));
    session = connection("first", server, client, NULL);
    FACT("misses", SSL_CTX_sess_misses(server));
    fact_calls("calls");
    session_drop(&session);
    SSL_CTX_free(client);
    context_free_told(server);
    app_reset();
}

/* The ticket key has changed: the ticket cannot be read, and the id is not looked up either. */
static void unreadable_ticket(void)
{
    SSL_CTX *server = server_with(TLS12_TICKET, SSL_SESS_CACHE_SERVER), *client = client_context(TLS12_TICKET);
    SSL_SESSION *session, *next;
    unsigned char keys[80] = { 1 };

    part("an unreadable ticket");
    session = connection("first", server, client, NULL);
    CHECK(SSL_CTX_set_tlsext_ticket_keys(server, keys, sizeof(keys)));
    next = connection("second", server, client, session);
    fact_calls("calls");
    session_drop(&next);
    session_drop(&session);
    SSL_CTX_free(client);
    context_free_told(server);
    app_reset();
}

static SSL_TICKET_RETURN ignore_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                       size_t length, SSL_TICKET_STATUS status, void *arg)
{
    (void)ssl, (void)session, (void)name, (void)length, (void)arg;
    note("ticket status %d", (int)status);
    return status == SSL_TICKET_EMPTY || status == SSL_TICKET_NONE ? SSL_TICKET_RETURN_IGNORE_RENEW
                                                                   : SSL_TICKET_RETURN_IGNORE;
}

static void ignored_ticket(void)
{
    SSL_CTX *server = server_with(TLS12_TICKET, SSL_SESS_CACHE_SERVER), *client = client_context(TLS12_TICKET);
    SSL_SESSION *session, *next;

    part("a ticket that the application ignores");
    CHECK(SSL_CTX_set_session_ticket_cb(server, NULL, ignore_ticket, NULL));
    session = connection("first", server, client, NULL);
    next = connection("second", server, client, session);
    fact_calls("calls");
    session_drop(&next);
    session_drop(&session);
    SSL_CTX_free(client);
    context_free_told(server);
    app_reset();
}

/* A client's callbacks: the get callback of a client context is never asked. */
static void on_the_client(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, callbacks of the client]\n", kind_name(kind));
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    app_install(client);
    session = connection("first", server, client, NULL);
    next = connection("second", server, client, session);
    fact_calls("calls");
    session_drop(&next);
    session_drop(&session);
    context_free_told(client);
    SSL_CTX_free(server);
    app_reset();
}

int main(void)
{
    int kind;

    for (kind = TLS12_ID; kind <= DTLS12_ID; ++kind) {
        of_kind((enum kind)kind, "server", SSL_SESS_CACHE_SERVER);
        of_kind((enum kind)kind, "no lookup", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP);
        of_kind((enum kind)kind, "no store", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        of_kind((enum kind)kind, "client only", SSL_SESS_CACHE_CLIENT);
        of_kind((enum kind)kind, "off", SSL_SESS_CACHE_OFF);
        on_the_client((enum kind)kind);
    }
    versatile_client();
    unreadable_ticket();
    ignored_ticket();
    return 0;
}
