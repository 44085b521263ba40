/*
 * libssl flushes expired sessions by itself each 256 good handshakes: at which one
 * exactly, for which kinds, and not with SSL_SESS_CACHE_NO_AUTO_CLEAR. Resumed
 * handshakes count, though no callback tells of them.
 */
#include "harness/harness.h"

static long handshakes;
static SSL_CTX *watched;
static int flushed;

static void count_flushed(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx;
    flushed += label_of(session) != '?';
}

/* How many: their order is that of a hash table in 1.1.1. */
static void told_when(void)
{
    if (flushed > 0)
        note("%d flushed in handshake %ld", flushed, handshakes);
    flushed = 0;
}

static void plant(char label, long time)
{
    SSL_SESSION *session = session_timed(label, time, 10);

    CHECK(SSL_CTX_add_session(watched, session));
    SSL_SESSION_free(session);
}

static void one_handshake(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *session)
{
    struct pair pair = pair_new(server, client, session);

    ++handshakes;
    CHECK(handshake(&pair));
    told_when();
    close_clean(&pair);
    pair_free(&pair);
}

static SSL_SESSION *for_resumption(SSL_CTX *server, SSL_CTX *client)
{
    struct pair pair = pair_new(server, client, NULL);
    SSL_SESSION *session;

    ++handshakes;
    CHECK(handshake(&pair));
    told_when();
    session = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    return session;
}

static void begin(enum kind kind, SSL_CTX **server, SSL_CTX **client)
{
    *server = server_context(kind);
    *client = client_context(kind);
    handshakes = 0;
}

static void watch(SSL_CTX *ctx)
{
    watched = ctx;
    app_install(ctx);
    app.quiet = 1;
    app.on_remove = count_flushed;
    SSL_CTX_sess_set_get_cb(ctx, NULL);
    SSL_CTX_sess_set_new_cb(ctx, NULL);
    plant('A', 1000);
    plant('B', 2000);
}

static void end(SSL_CTX *server, SSL_CTX *client)
{
    FACT("number of labelled left", has_id(watched, "A") + has_id(watched, "B"));
    app.on_remove = NULL;
    flushed = 0;
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    app_reset();
}

/* Resumptions are cheap, and only the first handshake is full. */
static void of_server(enum kind kind, long mode, size_t tickets)
{
    SSL_CTX *server, *client;
    SSL_SESSION *session;

    printf("[%s, server, mode %ld, %d tickets]\n", kind_name(kind), mode, (int)tickets);
    begin(kind, &server, &client);
    CHECK(SSL_CTX_set_num_tickets(server, tickets));
    watch(server);
    SSL_CTX_set_session_cache_mode(server, mode);
    session = for_resumption(server, client);
    while (handshakes < 258)
        one_handshake(server, client, session);
    FACT("hits", SSL_CTX_sess_hits(server));
    session_drop(&session);
    end(server, client);
}

static void of_client(enum kind kind)
{
    SSL_CTX *server, *client;
    SSL_SESSION *session;

    printf("[%s, client]\n", kind_name(kind));
    begin(kind, &server, &client);
    watch(client);
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    session = for_resumption(server, client);
    while (handshakes < 258)
        one_handshake(server, client, session);
    session_drop(&session);
    end(server, client);
}

/* A session that expires meanwhile and one planted later go at the next turn. */
static void second_turn(void)
{
    SSL_CTX *server, *client;
    SSL_SESSION *session;

    part("the second turn");
    begin(TLS12_ID, &server, &client);
    watch(server);
    session = for_resumption(server, client);
    while (handshakes < 300)
        one_handshake(server, client, session);
    plant('C', 1000);
    while (handshakes < 514)
        one_handshake(server, client, session);
    session_drop(&session);
    end(server, client);
}

int main(void)
{
    of_server(TLS12_ID, SSL_SESS_CACHE_SERVER, 1);
    of_server(TLS12_ID, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_AUTO_CLEAR, 1);
    of_server(TLS12_ID, SSL_SESS_CACHE_OFF, 1);
    of_server(TLS12_ID, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE, 1);
    of_server(TLS12_TICKET, SSL_SESS_CACHE_SERVER, 1);
    of_server(TLS13_STATEFUL, SSL_SESS_CACHE_SERVER, 1);
    of_server(TLS13_STATEFUL, SSL_SESS_CACHE_SERVER, 0);
    of_server(TLS13_STATELESS, SSL_SESS_CACHE_SERVER, 2);
    of_client(TLS12_ID);
    of_client(TLS13_STATEFUL);
    second_turn();
    return 0;
}
