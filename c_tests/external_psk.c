/* Sessions from psk_find_session never touch the cache, and cached ones are found beside them. */
#include "harness/harness.h"

static SSL_SESSION *shared;
static const unsigned char identity[] = "an identity of the application";

static SSL_SESSION *external(SSL *ssl)
{
    static const unsigned char key[32] = { 7 };
    const unsigned char suite[] = { 0x13, 0x01 };
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
    SSL_SESSION *made = SSL_SESSION_new();

    CHECK(made != NULL && cipher != NULL);
    CHECK(SSL_SESSION_set1_master_key(made, key, sizeof(key)) && SSL_SESSION_set_cipher(made, cipher));
    CHECK(SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION));
    return made;
}

static int find_session(SSL *ssl, const unsigned char *id, size_t length, SSL_SESSION **session)
{
    (void)ssl;
    *session = NULL;
    note("asked for an identity of %d bytes", (int)length);
    if (length == sizeof(identity) && memcmp(id, identity, length) == 0) {
        SSL_SESSION_up_ref(shared);
        *session = shared;
    }
    return 1;
}

static int use_session(SSL *ssl, const EVP_MD *digest, const unsigned char **id, size_t *length,
                       SSL_SESSION **session)
{
    (void)ssl, (void)digest;
    SSL_SESSION_up_ref(shared);
    *session = shared;
    *id = identity;
    *length = sizeof(identity);
    return 1;
}

static void of_kind(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;
    SSL *ssl;

    part(kind_name(kind));
    CHECK(SSL_CTX_set_ciphersuites(server, "TLS_AES_128_GCM_SHA256"));
    CHECK(SSL_CTX_set_ciphersuites(client, "TLS_AES_128_GCM_SHA256"));
    ssl = SSL_new(client);
    shared = external(ssl);
    label_set(shared, 'X');
    SSL_free(ssl);
    SSL_CTX_set_psk_find_session_callback(server, find_session);
    SSL_CTX_set_psk_use_session_callback(client, use_session);
    app_install(server);
    session = connection("by the external key", server, client, NULL);
    FACT("number", SSL_CTX_sess_number(server));
    FACT("hits", SSL_CTX_sess_hits(server));
    SSL_CTX_set_psk_use_session_callback(client, NULL);
    next = connection("by its own session", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    FACT("hits", SSL_CTX_sess_hits(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    SSL_SESSION_free(shared);
    FACT("the external one ended", freed('X'));
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
