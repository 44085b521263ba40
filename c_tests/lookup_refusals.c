/* test: valgrind=memcheck */
/*
 * A session that is in the cache and still is not taken: expired, of another
 * session id context, of another version, without a context where a certificate is
 * asked for; whether it stays, and what is counted.
 */
#include "harness/harness.h"

static SSL_CTX *server, *client;
static SSL_SESSION *session;
static SSL_SESSION *held; /* the server's own object */

static void hold(SSL *ssl, SSL_SESSION *made)
{
    (void)ssl;
    SSL_SESSION_up_ref(held = made);
}

static void begin(enum kind kind, const char *name)
{
    printf("[%s, %s]\n", kind_name(kind), name);
    server = server_context(kind);
    client = client_context(kind);
    app_install(server);
    app.on_new = hold;
    session = connection("first", server, client, NULL);
    app.on_new = NULL;
}

static void end(void)
{
    SSL_SESSION *next = connection("second", server, client, session);

    FACT("number", SSL_CTX_sess_number(server));
    FACT("resumable", SSL_SESSION_is_resumable(held));
    FACT("hits", SSL_CTX_sess_hits(server));
    FACT("cb_hits", SSL_CTX_sess_cb_hits(server));
    FACT("misses", SSL_CTX_sess_misses(server));
    FACT("timeouts", SSL_CTX_sess_timeouts(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    FACT("ended", freed('1'));
    SSL_SESSION_free(held);
    FACT("ended", freed('1'));
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

static void expired(enum kind kind)
{
    begin(kind, "expired");
    session_set_time(held, 1000);
    session_set_timeout(held, 10);
    end();
}

static void nearly_expired(enum kind kind)
{
    begin(kind, "with a minute left");
    session_set_time(held, session_time(held) - 1000);
    session_set_timeout(held, 1060);
    end();
}

static void other_context_id(enum kind kind)
{
    begin(kind, "the server has another session id context now");
    CHECK(SSL_CTX_set_session_id_context(server, (const unsigned char *)"another", 7));
    end();
}

static void no_context_id(enum kind kind)
{
    begin(kind, "no session id context, certificate asked for");
    CHECK(SSL_CTX_set_session_id_context(server, (const unsigned char *)"", 0));
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
    end();
}

static void never_a_context_id(enum kind kind)
{
    printf("[%s, never a session id context, certificate asked for]\n", kind_name(kind));
    server = server_context(kind);
    client = client_context(kind);
    CHECK(SSL_CTX_set_session_id_context(server, (const unsigned char *)"", 0));
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
    app_install(server);
    session = connection("first", server, client, NULL);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

static void client_certificate(enum kind kind)
{
    SSL_SESSION *next;

    printf("[%s, client certificate]\n", kind_name(kind));
    server = server_context(kind);
    client = client_context(kind);
    demand_client_certificate(server, client);
    app_install(server);
    session = connection("first", server, client, NULL);
    next = connection("second", server, client, session);
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

/* The id lies in the cache under another version: another key. */
static void other_version(enum kind kind)
{
    begin(kind, "stored under another version");
    CHECK(SSL_CTX_remove_session(server, held));
    SSL_SESSION_free(held);
    held = session_decoded('V', session);
    CHECK(SSL_SESSION_set_protocol_version(held, TLS1_1_VERSION));
    CHECK(SSL_CTX_add_session(server, held));
    end();
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, DTLS12_ID };
    size_t i;

    for (i = 0; i < 3; ++i) {
        expired(kinds[i]);
        nearly_expired(kinds[i]);
        other_context_id(kinds[i]);
        no_context_id(kinds[i]);
        never_a_context_id(kinds[i]);
        other_version(kinds[i]);
        if (kinds[i] != DTLS12_ID)
            client_certificate(kinds[i]);
    }
    return 0;
}
