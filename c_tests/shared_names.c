/* test: only=linked | env=SESSCACHE_SHARED=anon:4M */
/*
 * Services that one context serves under several names: each has a scope of its own, and there are more of them than are
 * noted. What ends a session ends it under every name; and a name that is settled after the lookup is found the second time.
 */
#include "harness/harness.h"
#include "harness/workers.h"

enum { NAMES = 40 };

static SSL_CTX *named[NAMES], *wanted;

static int by_hello(SSL *ssl, int *alert, void *arg)
{
    (void)alert, (void)arg;
    CHECK(SSL_set_SSL_CTX(ssl, wanted) != NULL);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int by_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert, (void)arg;
    CHECK(SSL_set_SSL_CTX(ssl, wanted) != NULL);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *of_certificate(long serial)
{
    SSL_CTX *server = server_context(TLS12_ID);
    X509 *certificate = X509_dup(server_identity()->certificate);

    CHECK(certificate != NULL && ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial));
    CHECK(X509_sign(certificate, authority()->key, EVP_sha256()));
    CHECK(SSL_CTX_use_certificate(server, certificate));
    X509_free(certificate);
    return server;
}

/* Without a certificate, as HAProxy's are. */
static SSL_CTX *base_context(void)
{
    SSL_CTX *base = SSL_CTX_new(TLS_server_method());

    CHECK(base != NULL && SSL_CTX_set_max_proto_version(base, TLS1_2_VERSION));
    SSL_CTX_set_options(base, SSL_OP_NO_TICKET);
    CHECK(SSL_CTX_set_session_id_context(base, (const unsigned char *)"harness", 7));
    SSL_CTX_set_client_hello_cb(base, by_hello, NULL);
    return base;
}

static EVP_PKEY *new_ed25519_key(void)
{
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
    EVP_PKEY *key = NULL;

    CHECK(maker != NULL && EVP_PKEY_keygen_init(maker) == 1 && EVP_PKEY_keygen(maker, &key) == 1);
    EVP_PKEY_CTX_free(maker);
    return key;
}

static void close_unclean(SSL_CTX *base, SSL_CTX *client, const struct token *token)
{
    SSL_SESSION *session = token_session(token);
    struct pair pair = pair_new(base, client, session);

    CHECK(handshake(&pair) && SSL_session_reused(pair.server));
    pair_free(&pair);
    SSL_SESSION_free(session);
}

static void many_names(void)
{
    SSL_CTX *base = base_context(), *client = client_context(TLS12_ID);
    struct worker other;
    struct token token;
    SSL_SESSION *session;
    int at, found = 0, removed = 0, flushed = 0, unclean = 0;

    part("more names than are noted");
    for (at = 0; at < NAMES; ++at) {
        wanted = named[at] = of_certificate(6000 + at);
        token = connect_here(base, client);
        found += resume_here(base, client, &token, 0) == RESUMED;
        session = token_session(&token);
        SSL_CTX_remove_session(base, session);
        SSL_SESSION_free(session);
        removed += resume_here(base, client, &token, 0) == FULL;
        token = connect_here(base, client);
        context_flush(base, 0);
        flushed += resume_here(base, client, &token, 0) == FULL;
        token = connect_here(base, client);
        close_unclean(base, client, &token);
        unclean += resume_here(base, client, &token, 0) == FULL;
    }
    FACT("found", found);
    FACT("not after a removal", removed);
    FACT("not after a flush", flushed);
    FACT("not after an unclean end", unclean);
    CHECK(found == NAMES && removed == NAMES && flushed == NAMES && unclean == NAMES);
    /* The context itself would not tell them apart. */
    wanted = named[1];
    other = worker_start(base, client);
    wanted = named[0];
    token = connect_here(base, client);
    expect("from one name to another, by another process", worker_resume(&other, &token, 0), FULL);
    worker_end(&other);
    for (at = 0; at < NAMES; ++at)
        SSL_CTX_free(named[at]);
    SSL_CTX_free(base);
    SSL_CTX_free(client);
}

/* A context that is switched to shows the same certificate, and another one besides: that is another service. */
static void one_certificate_more(void)
{
    SSL_CTX *base = server_context(TLS12_ID), *plain = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    EVP_PKEY *key = new_ed25519_key();
    X509 *certificate = X509_dup(server_identity()->certificate);
    struct token token;

    part("one certificate more");
    CHECK(certificate != NULL && X509_set_pubkey(certificate, key));
    CHECK(X509_sign(certificate, authority()->key, EVP_sha256()));
    wanted = server_context(TLS12_ID);
    CHECK(SSL_CTX_use_certificate(wanted, certificate) && SSL_CTX_use_PrivateKey(wanted, key));
    /* What libssl calls the current one is the same. */
    identity_use(wanted, server_identity());
    token = connect_here(base, client);
    expect("the same certificate", resume_here(plain, client, &token, 0), RESUMED);
    SSL_CTX_set_client_hello_cb(base, by_hello, NULL);
    token = connect_here(base, client);
    expect("one more", resume_here(plain, client, &token, 0), FULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
    SSL_CTX_free(wanted);
    SSL_CTX_free(plain);
    SSL_CTX_free(base);
    SSL_CTX_free(client);
}

/* nginx: whether clients are verified is settled by the servername callback, after libssl has looked for the session. */
static void settled_late(enum kind kind)
{
    SSL_CTX *base = server_context(kind), *client = client_context(kind);
    struct worker one, other;
    struct token token, own;

    part(kind_name(kind));
    wanted = server_context(kind);
    CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(wanted), authority()->certificate));
    CHECK(SSL_CTX_add_client_CA(wanted, authority()->certificate));
    SSL_CTX_set_tlsext_servername_callback(base, by_name);
    identity_use(client, client_identity());
    one = worker_start(base, client);
    other = worker_start(base, client);
    token = worker_connect(&one);
    expect("by its own", worker_resume(&one, &token, 0), RESUMED);
    own = worker_connect(&other);
    expect("by another that has met the name", worker_resume(&other, &token, 0), RESUMED);
    expect("and the other way round", worker_resume(&one, &own, 0), RESUMED);
    worker_end(&one);
    worker_end(&other);
    SSL_CTX_free(wanted);
    SSL_CTX_free(base);
    SSL_CTX_free(client);
}

int main(void)
{
    many_names();
    one_certificate_more();
    settled_late(TLS12_ID);
    settled_late(TLS13_STATEFUL);
    return 0;
}
