/* A plugin that brings libssl into a program that has none, and uses it. */
#include "../harness/harness.h"

void plugin_connects(void);

static void of_kind(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    part(kind_name(kind));
    app_install(server);
    SSL_CTX_sess_set_cache_size(server, 4);
    session = connection("first", server, client, NULL);
    next = connection("second", server, client, session);
    FACT("mode", SSL_CTX_get_session_cache_mode(server));
    FACT("size", SSL_CTX_sess_get_cache_size(server));
    FACT("remove callback is ours", SSL_CTX_sess_get_remove_cb(server) == app_remove);
    FACT("number", SSL_CTX_sess_number(server));
    FACT("hits", SSL_CTX_sess_hits(server));
    FACT("cb_hits", SSL_CTX_sess_cb_hits(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

void plugin_connects(void)
{
    of_kind(TLS12_ID);
    of_kind(TLS13_STATEFUL);
    of_kind(TLS13_EARLY);
}
