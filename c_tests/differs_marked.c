/* test: differs=1 */
/*
 * A cached session that is marked not resumable is resumed by libssl alone from 3.0 on, and by a full handshake with the
 * library. 1.1.1 resumes it either way.
 */
#include "harness/harness.h"

static SSL_SESSION *stored;

static int keep(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    if (stored != NULL)
        return 0;
    stored = session;
    return 1;
}

static void offered(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *session)
{
    struct pair pair = pair_new(server, client, session);
    const char *came = outcome(&pair, handshake(&pair));

    if (OpenSSL_version_num() < 0x30000000UL)
        fact_text("offered", came);
    else
        differs(1, "offered", came, "resumed", "full");
    close_clean(&pair);
    pair_free(&pair);
}

static void marked_by_another_context(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind), *other = SSL_CTX_new(TLS_method());
    SSL_SESSION *session;

    part(kind_name(kind));
    SSL_CTX_sess_set_new_cb(server, keep);
    session = connection("first", server, client, NULL);
    FACT("removed from another context", SSL_CTX_remove_session(other, stored));
    FACT("resumable", SSL_SESSION_is_resumable(stored));
    offered(server, client, session);
    session_drop(&stored);
    session_drop(&session);
    SSL_CTX_free(other);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void marked_and_added(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    SSL_SESSION *session;

    part("removed and added again");
    SSL_CTX_sess_set_new_cb(server, keep);
    session = connection("first", server, client, NULL);
    FACT("removed", SSL_CTX_remove_session(server, stored));
    FACT("added", SSL_CTX_add_session(server, stored));
    FACT("resumable", SSL_SESSION_is_resumable(stored));
    offered(server, client, session);
    session_drop(&stored);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    marked_by_another_context(TLS12_ID);
    marked_by_another_context(TLS13_STATEFUL);
    marked_by_another_context(DTLS12_ID);
    marked_and_added();
    return 0;
}
