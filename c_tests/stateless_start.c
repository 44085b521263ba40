/*
 * Servers that answer with a cookie before they keep any state: DTLSv1_listen and
 * SSL_stateless clear the connection in between, which must cost no session.
 */
#include "harness/harness.h"

static const unsigned char the_cookie[] = "a cookie";

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *length)
{
    (void)ssl;
    memcpy(cookie, the_cookie, sizeof(the_cookie));
    *length = sizeof(the_cookie);
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int length)
{
    (void)ssl;
    return length == sizeof(the_cookie) && memcmp(cookie, the_cookie, length) == 0;
}

static int make_stateless(SSL *ssl, unsigned char *cookie, size_t *length)
{
    unsigned int made;

    make_cookie(ssl, cookie, &made);
    *length = made;
    return 1;
}

static int check_stateless(SSL *ssl, const unsigned char *cookie, size_t length)
{
    return check_cookie(ssl, cookie, (unsigned int)length);
}

static SSL_SESSION *listened(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *session, int datagrams)
{
    struct pair pair = pair_new(server, client, session);
    BIO_ADDR *peer = BIO_ADDR_new();
    SSL_SESSION *made;
    int round, accepted = 0;

    for (round = 0; round < 4 && accepted <= 0; ++round) {
        (void)SSL_do_handshake(pair.client);
        accepted = datagrams ? DTLSv1_listen(pair.server, peer) : SSL_stateless(pair.server);
        note("listened: %d", accepted);
        ERR_clear_error();
    }
    fact_text("then", outcome(&pair, handshake(&pair)));
    FACT("number", SSL_CTX_sess_number(server));
    made = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    BIO_ADDR_free(peer);
    return made;
}

static void of_kind(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    part(kind_name(kind));
    SSL_CTX_set_cookie_generate_cb(server, make_cookie);
    SSL_CTX_set_cookie_verify_cb(server, check_cookie);
    SSL_CTX_set_stateless_cookie_generate_cb(server, make_stateless);
    SSL_CTX_set_stateless_cookie_verify_cb(server, check_stateless);
    if (kind == DTLS12_ID)
        SSL_CTX_set_options(server, SSL_OP_COOKIE_EXCHANGE);
    app_install(server);
    session = listened(server, client, NULL, kind == DTLS12_ID);
    next = listened(server, client, session, kind == DTLS12_ID);
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

int main(void)
{
    of_kind(DTLS12_ID);
    of_kind(TLS13_STATEFUL);
    of_kind(TLS13_EARLY);
    return 0;
}
