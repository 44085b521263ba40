/*
 * A server that uses one SSL object again by SSL_clear, so that nothing is made between one automatic flush and the next:
 * libssl flushes each time, whatever the server stores and looks up.
 */
#include "harness/harness.h"

enum { CONNECTIONS = 256 };

static SSL_CTX *server, *client;
static struct pair pair;

static void begin_again(void)
{
    SSL_free(pair.client);
    pair.client = SSL_new(client);
    CHECK(pair.client != NULL && SSL_clear(pair.server));
    pair_join(&pair);
    SSL_set_accept_state(pair.server);
    SSL_set_connect_state(pair.client);
}

static void until_a_flush(void)
{
    int i;

    for (i = 0; i < CONNECTIONS; ++i) {
        begin_again();
        CHECK(handshake(&pair));
        close_clean(&pair);
    }
}

static void of_kind(enum kind kind, long mode)
{
    SSL_SESSION *session = session_simple('A');

    part(kind_name(kind));
    FACT("mode", mode);
    server = server_context(kind);
    client = client_context(kind);
    SSL_CTX_set_session_cache_mode(server, mode);
    CHECK(SSL_CTX_add_session(server, session));
    pair = pair_new(server, client, NULL);
    CHECK(handshake(&pair));
    close_clean(&pair);
    until_a_flush();
    FACT("in time", freed('A'));
    session_set_time(session, 1000);
    CHECK(session_set_timeout(session, 10));
    SSL_SESSION_free(session);
    until_a_flush();
    FACT("expired", freed('A'));
    pair_free(&pair);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    freed_reset();
}

int main(void)
{
    /* 1.1.1 cannot use an SSL object again that has spoken TLS 1.3. */
    if (OpenSSL_version_num() >= 0x30000000UL)
        of_kind(TLS13_STATELESS, SSL_SESS_CACHE_SERVER);
    of_kind(TLS12_ID, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    return 0;
}
