/* test: valgrind=memcheck */
/* Several tickets of a handshake, and tickets that are sent long after it (TLS 1.3). */
#include "harness/harness.h"

static int client_news;

static int count_client(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    ++client_news;
    return 0;
}

static void of_kind(enum kind kind, size_t tickets)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct pair pair;
    SSL_SESSION *session;

    printf("[%s, %d tickets]\n", kind_name(kind), (int)tickets);
    client_news = 0;
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(client, count_client);
    CHECK(SSL_CTX_set_num_tickets(server, tickets));
    app_install(server);
    app.keep = 1;
    pair = pair_new(server, client, NULL);
    FACT("done", handshake(&pair));
    read_tickets(&pair);
    FACT("client learned of", client_news);
    FACT("number", SSL_CTX_sess_number(server));
    FACT("kept", app.stored);
    fact_label("the SSL's", SSL_get_session(pair.server));
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    FACT("one more", SSL_new_session_ticket(pair.server));
    FACT("sent", SSL_do_handshake(pair.server));
    read_tickets(&pair);
    FACT("client learned of", client_news);
    FACT("number", SSL_CTX_sess_number(server));
    fact_label("the SSL's", SSL_get_session(pair.server));
#endif
    /* Closed uncleanly: only the session of the last ticket goes. */
    SSL_free(pair.server);
    FACT("number", SSL_CTX_sess_number(server));
    session = SSL_get1_session(pair.client);
    SSL_set_shutdown(pair.client, SSL_SENT_SHUTDOWN);
    SSL_free(pair.client);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    static const enum kind kinds[] = { TLS13_STATELESS, TLS13_STATEFUL, TLS13_EARLY };
    size_t i, tickets;

    for (i = 0; i < 3; ++i)
        for (tickets = 0; tickets <= 4; tickets += 2)
            of_kind(kinds[i], tickets);
    return 0;
}
