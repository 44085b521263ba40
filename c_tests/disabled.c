/* test: env=SESSCACHE_DISABLE=1 */
/* SESSCACHE_DISABLE=1: every function goes straight to libssl. */
#include "harness/harness.h"

static void of_kind(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    part(kind_name(kind));
    app_install(server);
    SSL_CTX_sess_set_cache_size(server, 3);
    session = connection("first", server, client, NULL);
    next = connection("second", server, client, session);
    FACT("remove callback is ours", SSL_CTX_sess_get_remove_cb(server) == app_remove);
    FACT("mode", SSL_CTX_get_session_cache_mode(server));
    FACT("size", SSL_CTX_sess_get_cache_size(server));
    fact_counters(server);
    FACT("removed", SSL_CTX_remove_session(server, session));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    int kind;

    for (kind = TLS12_ID; kind <= DTLS12_ID; ++kind)
        of_kind((enum kind)kind);
    return 0;
}
