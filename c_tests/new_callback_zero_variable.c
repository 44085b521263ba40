/* test: only=linked | env=SESSCACHE_NEW_CB_ZERO=remove */
/* The same by SESSCACHE_NEW_CB_ZERO=remove, for a program that knows nothing of it. */
#include "harness/harness.h"
#include <sesscache.h>

int main(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    SSL_SESSION *session;

    app_install(server);
    session = connection("callback returns 0", server, client, NULL);
    CHECK(SSL_CTX_sess_number(server) == 0);
    session_drop(&session);
    app.keep = 1;
    session = connection("callback returns 1", server, client, NULL);
    CHECK(SSL_CTX_sess_number(server) == 1);
    session_drop(&session);
    CHECK(sesscache_ctx_set_flags(server, 0) == SESSCACHE_NEW_CB_ZERO_REMOVES);
    app.keep = 0;
    session = connection("flag taken away", server, client, NULL);
    CHECK(SSL_CTX_sess_number(server) == 2);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    app_reset();
    return 0;
}
