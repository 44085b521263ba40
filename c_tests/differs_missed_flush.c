/* test: differs=7 */
/*
 * A client that reuses one SSL object by SSL_clear and stores nothing: with a libssl that calls itself directly nothing
 * of ours is called between one automatic flush and the next, so the second goes unseen.
 */
#include "harness/harness.h"

enum { CONNECTIONS = 256 };

static SSL_CTX *server, *client;
static struct pair pair;

static void begin_again(void)
{
    SSL_free(pair.server);
    pair.server = SSL_new(server);
    CHECK(pair.server != NULL && SSL_clear(pair.client));
    pair_join(&pair);
    SSL_set_accept_state(pair.server);
    SSL_set_connect_state(pair.client);
}

/* Up to and with the next automatic flush. */
static void until_a_flush(void)
{
    int i;

    for (i = 0; i < CONNECTIONS; ++i) {
        begin_again();
        CHECK(handshake(&pair) && SSL_session_reused(pair.client));
        close_clean(&pair);
    }
}

int main(void)
{
    SSL_SESSION *session = session_simple('A');

    part("a client with one SSL object");
    server = server_context(TLS12_ID);
    client = client_context(TLS12_ID);
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    CHECK(SSL_CTX_add_session(client, session));
    pair = pair_new(server, client, NULL);
    CHECK(handshake(&pair));
    close_clean(&pair);
    until_a_flush();
    session_set_time(session, 1000);
    CHECK(session_set_timeout(session, 10));
    SSL_SESSION_free(session);
    until_a_flush();
    FACT("good handshakes", SSL_CTX_sess_connect_good(client));
    if (libssl_is_symbolic())
        differs_number(7, "an expired session is flushed", freed('A'), 1, 0);
    else
        FACT("an expired session is flushed", freed('A'));
    SSL_free(SSL_new(client));
    until_a_flush();
    FACT("after another SSL object it is", freed('A'));
    pair_free(&pair);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    return 0;
}
