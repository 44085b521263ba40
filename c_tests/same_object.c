/* test: valgrind=memcheck */
/*
 * What the application attached to a session is there again when the session is
 * found: a hit hands out the very object, with its ex_data, peer chain and all.
 */
#include "harness/harness.h"

static int slot;
static SSL_SESSION *stored;

static void attach(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    CHECK(SSL_SESSION_set_ex_data(session, slot, (void *)"not authenticated"));
    CHECK(SSL_SESSION_set1_ticket_appdata(session, "appdata", 7));
    stored = session;
}

static void connect_and_look(enum kind kind, int verify)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *found;
    struct pair pair;
    void *appdata = NULL;
    size_t length = 0;
    const char *text;

    printf("[%s%s]\n", kind_name(kind), verify ? ", client certificate" : "");
    if (verify)
        demand_client_certificate(server, client);
    app_install(server);
    app.on_new = attach;
    session = connection("first", server, client, NULL);
    app.on_new = NULL;
    pair = pair_new(server, client, session);
    fact_text("second", outcome(&pair, handshake(&pair)));
    found = SSL_get_session(pair.server);
    text = (const char *)SSL_SESSION_get_ex_data(found, slot);
    if (kind == TLS12_ID || kind == DTLS12_ID)
        fact_same("the stored object", found, stored);
    fact_text("ex_data", text);
    CHECK(SSL_SESSION_get0_ticket_appdata(found, &appdata, &length));
    FACT("appdata", length);
    FACT("certificates of the peer's chain",
         SSL_get_peer_cert_chain(pair.server) == NULL ? 0 : sk_X509_num(SSL_get_peer_cert_chain(pair.server)));
    FACT("has a peer", SSL_SESSION_get0_peer(found) != NULL);
    FACT("verify result", SSL_get_verify_result(pair.server));
    close_clean(&pair);
    pair_free(&pair);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    slot = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    CHECK(slot >= 0);
    connect_and_look(TLS12_ID, 0);
    connect_and_look(TLS12_ID, 1);
    connect_and_look(TLS13_STATEFUL, 0);
    connect_and_look(TLS13_STATEFUL, 1);
    connect_and_look(TLS13_EARLY, 0);
    connect_and_look(TLS13_STATELESS, 0);
    connect_and_look(DTLS12_ID, 0);
    return 0;
}
