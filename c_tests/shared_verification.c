/* test: only=linked | env=SESSCACHE_SHARED=anon:4M */
/*
 * A client that one service lets in does not come by its session into another that would not: libssl verifies nobody again who
 * resumes. All of them ask for certificates of the same authority, with the same certificate of their own.
 */
#include "harness/harness.h"
#include "harness/workers.h"

#include <openssl/x509v3.h>

enum way {
    PLAIN, LENIENT, FORGETFUL, OWN_FUNCTION, OWN_STORE, SHALLOW, REVOCATION, STORE_OF_OTHERS, OTHER_HOST, STORES_CALLBACK, STORES_FLAGS
};

static int accept_any(int ok, X509_STORE_CTX *verified)
{
    (void)ok, (void)verified;
    return 1;
}

/* As Ruby's, if the block says so: nothing is left of what was wrong. */
static int accept_and_forget(int ok, X509_STORE_CTX *verified)
{
    (void)ok;
    X509_STORE_CTX_set_error(verified, X509_V_OK);
    return 1;
}

static int accept_nobody(int ok, X509_STORE_CTX *verified)
{
    (void)ok;
    X509_STORE_CTX_set_error(verified, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static int accept_by_itself(X509_STORE_CTX *verified, void *arg)
{
    (void)verified, (void)arg;
    return 1;
}

static void verify_with_store_of(SSL_CTX *server, X509 *trusted)
{
    X509_STORE *store = X509_STORE_new();

    CHECK(store != NULL && X509_STORE_add_cert(store, trusted));
    CHECK(SSL_CTX_set1_verify_cert_store(server, store));
    X509_STORE_free(store);
}

static SSL_CTX *server_that_verifies(enum kind kind, enum way way)
{
    SSL_CTX *server = server_context(kind);
    int mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;

    CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(server), authority()->certificate));
    CHECK(SSL_CTX_add_client_CA(server, authority()->certificate));
    SSL_CTX_set_verify(server, mode, way == LENIENT ? accept_any : way == FORGETFUL ? accept_and_forget : NULL);
    if (way == OWN_FUNCTION)
        SSL_CTX_set_cert_verify_callback(server, accept_by_itself, NULL);
    if (way == OWN_STORE)
        verify_with_store_of(server, authority()->certificate);
    if (way == STORE_OF_OTHERS)
        verify_with_store_of(server, server_identity()->certificate);
    if (way == SHALLOW)
        SSL_CTX_set_verify_depth(server, 0);
    if (way == OTHER_HOST)
        CHECK(X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(server), "another.example", 0));
    if (way == STORES_CALLBACK)
        X509_STORE_set_verify_cb(SSL_CTX_get_cert_store(server), accept_nobody);
    if (way == STORES_FLAGS)
        X509_STORE_set_flags(SSL_CTX_get_cert_store(server), X509_V_FLAG_CRL_CHECK);
    if (way == REVOCATION)
        CHECK(X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(server), X509_V_FLAG_CRL_CHECK));
    return server;
}

static SSL_CTX *client_with(enum kind kind, X509 *certificate)
{
    SSL_CTX *client = client_context(kind);
    const struct identity shown = { client_identity()->key, certificate };

    identity_use(client, &shown);
    return client;
}

static void of_kind(enum kind kind)
{
    static const char *const names[] = {
        "as the strict one does", "whose callback accepts all", "whose callback forgets", "that verifies by itself", "with a store of its own",
        "that takes shorter chains", "that asks for revocation lists", "with a store of others", "that wants another host",
        "whose store has a callback", "whose store asks for revocation lists",
    };
    X509 *forged = X509_dup(client_identity()->certificate);
    SSL_CTX *strict = server_that_verifies(kind, PLAIN), *good, *bad;
    int way;

    part(kind_name(kind));
    CHECK(forged != NULL && X509_set_issuer_name(forged, X509_get_subject_name(forged)));
    CHECK(X509_sign(forged, client_identity()->key, EVP_sha256()));
    good = client_with(kind, client_identity()->certificate);
    bad = client_with(kind, forged);
    for (way = PLAIN; way <= STORES_FLAGS; ++way) {
        SSL_CTX *server = server_that_verifies(kind, way);
        int lets_forged_in = way == LENIENT || way == FORGETFUL || way == OWN_FUNCTION;
        int lets_nobody_in = way >= REVOCATION;

        if (lets_nobody_in)
            expect_between(names[way], strict, server, good, FAILED);
        else if (lets_forged_in)
            expect_between(names[way], server, strict, bad, FAILED);
        else
            expect_between(names[way], way == SHALLOW ? strict : server, way == SHALLOW ? server : strict, good, FULL);
        if (lets_forged_in) {
            /* Its own context would resume it, in whatever process it is; another one of the kind may not mean the same. */
            SSL_CTX *alike = server_that_verifies(kind, way);

            expect_between("  to its own context", server, server, bad, RESUMED);
            expect_between("  to another of its kind", server, alike, bad, FULL);
            SSL_CTX_free(alike);
        }
        SSL_CTX_free(server);
    }
    X509_free(forged);
    SSL_CTX_free(strict);
    SSL_CTX_free(good);
    SSL_CTX_free(bad);
}

int main(void)
{
    of_kind(TLS12_ID);
    of_kind(TLS13_STATEFUL);
    return 0;
}
