/* test: only=linked | env=SESSCACHE_SHARED=anon:4M | env=SESSCACHE_SCOPE=service */
/*
 * Never resumed across, whatever name the operator has given: other certificates, other demands on the client, another authority, be it of
 * the same name.
 */
#include "harness/harness.h"
#include "harness/workers.h"

static SSL_CTX *client;

/* The session id context is the same everywhere: libssl itself would accept these sessions. */
static struct token made_by(SSL_CTX *server)
{
    struct worker worker = worker_start(server, client);
    struct token token = worker_connect(&worker);

    worker_end(&worker);
    return token;
}

static void offered_to(const char *name, SSL_CTX *server, const struct token *token, enum came wanted)
{
    struct worker worker = worker_start(server, client);

    expect(name, worker_resume(&worker, token, 0), wanted);
    worker_end(&worker);
}

static X509 *another_certificate(void)
{
    X509 *certificate = X509_dup(server_identity()->certificate);

    CHECK(certificate != NULL && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711));
    CHECK(X509_sign(certificate, authority()->key, EVP_sha256()));
    return certificate;
}

static SSL_CTX *server_that_trusts(X509 *trusted, X509 *for_certificates_of)
{
    SSL_CTX *server = server_context(TLS12_ID);

    CHECK(trusted == NULL || X509_STORE_add_cert(SSL_CTX_get_cert_store(server), trusted));
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
    if (for_certificates_of != NULL)
        CHECK(SSL_CTX_add_client_CA(server, for_certificates_of));
    return server;
}

static SSL_CTX *server_that_asks(X509 *for_certificates_of)
{
    return server_that_trusts(authority()->certificate, for_certificates_of);
}

/* The same subject, another certificate. */
static X509 *authority_of_the_same_name(void)
{
    X509 *certificate = X509_dup(authority()->certificate);

    CHECK(certificate != NULL && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4712));
    CHECK(X509_sign(certificate, authority()->key, EVP_sha256()));
    return certificate;
}

static void whom_it_trusts(void)
{
    X509 *namesake = authority_of_the_same_name();
    SSL_CTX *asking = server_that_asks(NULL), *too = server_that_asks(NULL);
    SSL_CTX *trusting_namesake = server_that_trusts(namesake, NULL);
    SSL_CTX *telling = server_that_asks(authority()->certificate);
    SSL_CTX *telling_namesake = server_that_trusts(namesake, authority()->certificate);
    SSL_CTX *trusting_nobody = server_that_trusts(NULL, NULL), *trusting_nobody_too = server_that_trusts(NULL, NULL);
    struct token token = made_by(asking);

    offered_to("asked without a name, to another of that trust", too, &token, RESUMED);
    offered_to("… to one that trusts a namesake", trusting_namesake, &token, FULL);
    offered_to("… to one that names whom it trusts", telling, &token, FULL);
    token = made_by(telling);
    offered_to("asked by name, to one that trusts a namesake", telling_namesake, &token, FULL);
    token = made_by(trusting_nobody);
    /* The operator has vouched for them. */
    offered_to("asked by one that trusts nobody yet, to the same", trusting_nobody, &token, RESUMED);
    offered_to("… to another that trusts nobody", trusting_nobody_too, &token, RESUMED);
    X509_free(namesake);
    SSL_CTX_free(asking);
    SSL_CTX_free(too);
    SSL_CTX_free(trusting_namesake);
    SSL_CTX_free(telling);
    SSL_CTX_free(telling_namesake);
    SSL_CTX_free(trusting_nobody);
    SSL_CTX_free(trusting_nobody_too);
}

/* libssl does not ask whether the server that resumes would choose the session's cipher suite. */
static void what_it_would_choose(void)
{
    SSL_CTX *weak = server_context(TLS12_ID), *strong = server_context(TLS12_ID);
    struct token token;

    CHECK(SSL_CTX_set_cipher_list(weak, "ECDHE-ECDSA-AES128-SHA"));
    CHECK(SSL_CTX_set_cipher_list(strong, "ECDHE-ECDSA-AES256-GCM-SHA384"));
    token = made_by(weak);
    offered_to("a weak cipher suite, to one that chooses it", weak, &token, RESUMED);
    offered_to("a weak cipher suite, to one that forbids it", strong, &token, FULL);
    SSL_CTX_free(weak);
    SSL_CTX_free(strong);
}

/* The store is another one since the first client was verified. */
static void whom_it_trusts_since(void)
{
    X509 *namesake = authority_of_the_same_name();
    SSL_CTX *changing = server_that_asks(authority()->certificate), *other = server_that_asks(authority()->certificate);
    X509_STORE *store = X509_STORE_new();
    struct token token = connect_here(changing, client);

    offered_to("before its store was replaced", other, &token, RESUMED);
    CHECK(store != NULL && X509_STORE_add_cert(store, namesake));
    SSL_CTX_set_cert_store(changing, store);
    token = connect_here(changing, client);
    offered_to("after its store was replaced", other, &token, FULL);
    X509_free(namesake);
    SSL_CTX_free(changing);
    SSL_CTX_free(other);
}

/* What can be seen of how they verify. */
static void how_they_verify(void)
{
    static const char *const names[] = { "that takes shorter chains", "that asks for revocation lists", "with a store of its own" };
    SSL_CTX *asking = server_that_asks(authority()->certificate);
    struct token token = made_by(asking);
    int way;

    for (way = 0; way < 3; ++way) {
        SSL_CTX *other = server_that_asks(authority()->certificate);

        if (way == 0)
            SSL_CTX_set_verify_depth(other, 0);
        if (way == 1)
            CHECK(X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(other), X509_V_FLAG_CRL_CHECK));
        if (way == 2) {
            X509_STORE *store = X509_STORE_new();

            CHECK(store != NULL && X509_STORE_add_cert(store, server_identity()->certificate));
            CHECK(SSL_CTX_set1_verify_cert_store(other, store));
            X509_STORE_free(store);
        }
        /* 1.1.1 does not tell of a store of its own: there it is the operator's word alone. */
        if (way < 2 || OPENSSL_VERSION_NUMBER >= 0x30000000L)
            offered_to(names[way], other, &token, FULL);
        SSL_CTX_free(other);
    }
    SSL_CTX_free(asking);
}

int main(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *same = server_context(TLS12_ID);
    SSL_CTX *other = server_context(TLS12_ID), *asking = server_that_asks(NULL);
    SSL_CTX *asking_authority = server_that_asks(authority()->certificate);
    SSL_CTX *asking_authority_too = server_that_asks(authority()->certificate);
    SSL_CTX *asking_another = server_that_asks(server_identity()->certificate);
    X509 *certificate = another_certificate();
    struct token token, asked;

    client = client_context(TLS12_ID);
    CHECK(SSL_CTX_use_certificate(other, certificate));
    token = made_by(server);
    offered_to("to the same", server, &token, RESUMED);
    offered_to("to another context of that certificate", same, &token, RESUMED);
    offered_to("to another certificate", other, &token, FULL);
    offered_to("to one that asks for certificates", asking, &token, FULL);
    token = made_by(other);
    offered_to("from another certificate", server, &token, FULL);
    asked = made_by(asking_authority);
    offered_to("asked, to the same", asking_authority, &asked, RESUMED);
    offered_to("asked, to another context of that authority", asking_authority_too, &asked, RESUMED);
    offered_to("asked, to one that names no authority", asking, &asked, FULL);
    offered_to("asked, to one that names another", asking_another, &asked, FULL);
    offered_to("asked, to one that does not ask", server, &asked, FULL);

    whom_it_trusts();
    whom_it_trusts_since();
    what_it_would_choose();
    how_they_verify();

    /* The certificate of a context is renewed while it is in use. */
    token = made_by(same);
    CHECK(SSL_CTX_use_certificate(same, certificate));
    offered_to("after the certificate was renewed", same, &token, FULL);
    token = made_by(same);
    offered_to("… to one with the old certificate", server, &token, FULL);
    offered_to("… to one with the new certificate", other, &token, RESUMED);

    X509_free(certificate);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    SSL_CTX_free(same);
    SSL_CTX_free(other);
    SSL_CTX_free(asking);
    SSL_CTX_free(asking_authority);
    SSL_CTX_free(asking_authority_too);
    SSL_CTX_free(asking_another);
    return 0;
}
