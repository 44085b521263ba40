/* test: valgrind=memcheck */
/* All twelve counters of server and client through full, resumed, missed, expired and failed handshakes. */
#include "harness/harness.h"

static void told(const char *name, SSL_CTX *server, SSL_CTX *client)
{
    printf("[%s: server]\n", name);
    fact_counters(server);
    printf("[%s: client]\n", name);
    fact_counters(client);
}

static void renegotiate(SSL_CTX *server, SSL_CTX *client)
{
    struct pair pair;
    int i;
    char byte;

    SSL_CTX_clear_options(server, SSL_OP_NO_RENEGOTIATION);
#ifdef SSL_OP_ALLOW_CLIENT_RENEGOTIATION
    SSL_CTX_set_options(server, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
#endif
    pair = pair_new(server, client, NULL);
    CHECK(handshake(&pair));
    FACT("renegotiate", SSL_renegotiate(pair.client));
    for (i = 0; i < 8; ++i) {
        (void)SSL_do_handshake(pair.client);
        (void)SSL_read(pair.server, &byte, 1);
        ERR_clear_error();
    }
    FACT("still pending", SSL_renegotiate_pending(pair.client));
    close_clean(&pair);
    pair_free(&pair);
}

static void failing(SSL_CTX *server, SSL_CTX *client)
{
    struct pair pair = pair_new(server, client, NULL);
    int done;

    CHECK(SSL_set1_groups_list(pair.client, "P-384"));
    done = handshake(&pair);
    FACT("finished", done);
    pair_free(&pair);
}

static void of_kind(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *other;

    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    session = connection("full", server, client, NULL);
    other = connection("resumed", server, client, session);
    session_drop(&other);
    told(kind_name(kind), server, client);

    context_flush(server, 0);
    other = connection("missed", server, client, session);
    session_drop(&other);
    told(kind_name(kind), server, client);

    session_drop(&session);
    SSL_CTX_set_timeout(server, 1);
    session = connection("full", server, client, NULL);
    if (kind == TLS12_ID || kind == TLS12_TICKET || kind == DTLS12_ID)
        renegotiate(server, client);
    failing(server, client);
    told(kind_name(kind), server, client);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    int kind;

    for (kind = TLS12_ID; kind <= DTLS12_ID; ++kind)
        of_kind((enum kind)kind);
    return 0;
}
