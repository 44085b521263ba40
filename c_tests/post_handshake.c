/* test: valgrind=memcheck */
/* TLS 1.3 after the handshake: client authentication issues new tickets, key updates do not. */
#include "harness/harness.h"

static void settle(struct pair *pair)
{
    int i;

    for (i = 0; i < 4; ++i) {
        (void)SSL_do_handshake(pair->server);
        read_tickets(pair);
        (void)exchange(pair);
    }
    ERR_clear_error();
}

static void of_kind(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct pair pair;
    SSL_SESSION *session, *next;

    part(kind_name(kind));
    identity_use(client, client_identity());
    SSL_CTX_set_post_handshake_auth(client, 1);
    CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(server), authority()->certificate));
    app_install(server);
    pair = pair_new(server, client, NULL);
    FACT("done", handshake(&pair));
    FACT("exchange", exchange(&pair));
    FACT("number", SSL_CTX_sess_number(server));
    SSL_set_verify(pair.server, SSL_VERIFY_PEER, NULL);
    FACT("asked for a certificate", SSL_verify_client_post_handshake(pair.server));
    settle(&pair);
    FACT("has a peer", SSL_SESSION_get0_peer(SSL_get_session(pair.server)) != NULL);
    FACT("number", SSL_CTX_sess_number(server));
    FACT("key update", SSL_key_update(pair.server, SSL_KEY_UPDATE_REQUESTED));
    settle(&pair);
    FACT("number", SSL_CTX_sess_number(server));
    session = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    next = connection("resumed", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

int main(void)
{
    of_kind(TLS13_STATELESS);
    of_kind(TLS13_STATEFUL);
    of_kind(TLS13_EARLY);
    return 0;
}
