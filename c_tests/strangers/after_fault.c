/*
 * Handshakes before and after the library fails on purpose (SESSCACHE_FAULT): the application must notice
 * nothing but that a session which was being stored or looked for at that moment is not there.
 */
#include "../harness/harness.h"

#include <sesscache.h>

static int news, removes;

static int on_new(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    (void)session;
    ++news;
    return 0;
}

static void on_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx;
    (void)session;
    ++removes;
}

int main(void)
{
    enum { ROUNDS = 5 };
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    SSL_SESSION *session[ROUNDS];
    int i, done = 0, resumed = 0;

    SSL_CTX_sess_set_new_cb(server, on_new);
    SSL_CTX_sess_set_remove_cb(server, on_remove);
    for (i = 0; i < ROUNDS; ++i) {
        session[i] = connection("full", server, client, NULL);
        done += session[i] != NULL;
    }
    for (i = 0; i < ROUNDS; ++i) {
        struct pair pair = pair_new(server, client, session[i]);

        done += handshake(&pair);
        resumed += SSL_session_reused(pair.client);
        close_clean(&pair);
        pair_free(&pair);
    }
    FACT("done", done);
    FACT("resumed", resumed);
    FACT("new callbacks", news);
    FACT("active", sesscache_active(server, NULL));
    FACT("number", SSL_CTX_sess_number(server));
    for (i = 0; i < ROUNDS; ++i)
        session_drop(&session[i]);
    FACT("mode", SSL_CTX_get_session_cache_mode(server));
    FACT("size", SSL_CTX_sess_get_cache_size(server));
    SSL_CTX_free(server);
    FACT("removed with the context", removes);
    SSL_CTX_free(client);
    return 0;
}
