/* test: only=linked | env=SESSCACHE_SHARED=anon:4M */
/*
 * Services whose contexts have no certificate: clients are known by a key of theirs, or a callback chooses the certificate. Nothing tells
 * such a context from another service's, so its sessions are for itself, in whatever process it is.
 */
#include "harness/harness.h"
#include "harness/workers.h"

#include <string.h>

static unsigned int knows_alice(SSL *ssl, const char *name, unsigned char *key, unsigned int size)
{
    (void)ssl, (void)size;
    if (strcmp(name, "alice") != 0)
        return 0;
    memset(key, 1, 16);
    return 16;
}

static unsigned int knows_bob(SSL *ssl, const char *name, unsigned char *key, unsigned int size)
{
    (void)ssl, (void)size;
    if (strcmp(name, "bob") != 0)
        return 0;
    memset(key, 2, 16);
    return 16;
}

static unsigned int is_alice(SSL *ssl, const char *hint, char *name, unsigned int name_size, unsigned char *key,
                             unsigned int size)
{
    (void)ssl, (void)hint, (void)size;
    CHECK(name_size > 5);
    strcpy(name, "alice");
    memset(key, 1, 16);
    return 16;
}

static SSL_CTX *by_key(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);

    CHECK(context != NULL && SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION));
    CHECK(SSL_CTX_set_cipher_list(context, "PSK+AES128:@SECLEVEL=0"));
    CHECK(SSL_CTX_set_session_id_context(context, (const unsigned char *)"harness", 7));
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return context;
}

static SSL_CTX *server_that(SSL_psk_server_cb_func knows)
{
    SSL_CTX *server = by_key(TLS_server_method());

    SSL_CTX_set_psk_server_callback(server, knows);
    return server;
}

static void keys_of_clients(void)
{
    SSL_CTX *one = server_that(knows_alice), *alike = server_that(knows_alice), *other = server_that(knows_bob);
    SSL_CTX *client = by_key(TLS_client_method());

    part("keys of clients");
    SSL_CTX_set_psk_client_callback(client, is_alice);
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    expect_between("to the same context in another process", one, one, client, RESUMED);
    expect_between("to one that knows the same clients", one, alike, client, FULL);
    expect_between("to one that does not know the client", one, other, client, FAILED);
    SSL_CTX_free(one);
    SSL_CTX_free(alike);
    SSL_CTX_free(other);
    SSL_CTX_free(client);
}

/* They show the same certificate. */
static void keys_of_clients_beside_a_certificate(void)
{
    SSL_CTX *one = server_that(knows_alice), *other = server_that(knows_bob), *client = by_key(TLS_client_method());
    SSL_CTX *const all[] = { one, other, client };
    size_t at;

    part("keys of clients, beside a certificate");
    for (at = 0; at < 3; ++at)
        CHECK(SSL_CTX_set_cipher_list(all[at], "ECDHE-PSK-AES128-CBC-SHA:@SECLEVEL=0"));
    CHECK(SSL_CTX_use_certificate(one, server_identity()->certificate));
    CHECK(SSL_CTX_use_certificate(other, server_identity()->certificate));
    SSL_CTX_set_psk_client_callback(client, is_alice);
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    expect_between("to the same context in another process", one, one, client, RESUMED);
    expect_between("to one that does not know the client", one, other, client, FAILED);
    SSL_CTX_free(one);
    SSL_CTX_free(other);
    SSL_CTX_free(client);
}

static int choose(SSL *ssl, void *certificate)
{
    CHECK(SSL_use_certificate(ssl, certificate));
    CHECK(SSL_use_PrivateKey(ssl, server_identity()->key));
    return 1;
}

static SSL_CTX *server_of_callback(enum kind kind, X509 *certificate)
{
    SSL_CTX *like = server_context(kind), *server = SSL_CTX_new(TLS_server_method());

    CHECK(server != NULL);
    SSL_CTX_set_options(server, SSL_CTX_get_options(like));
    CHECK(SSL_CTX_set_min_proto_version(server, SSL_CTX_get_min_proto_version(like)));
    CHECK(SSL_CTX_set_max_proto_version(server, SSL_CTX_get_max_proto_version(like)));
    CHECK(SSL_CTX_set_session_id_context(server, (const unsigned char *)"harness", 7));
    SSL_CTX_set_cert_cb(server, choose, certificate);
    SSL_CTX_free(like);
    return server;
}

static X509 *another_certificate(void)
{
    X509 *certificate = X509_dup(server_identity()->certificate);

    CHECK(certificate != NULL && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711));
    CHECK(X509_sign(certificate, authority()->key, EVP_sha256()));
    return certificate;
}

static void certificate_by_callback(enum kind kind)
{
    X509 *certificate = another_certificate();
    SSL_CTX *one = server_of_callback(kind, server_identity()->certificate);
    SSL_CTX *alike = server_of_callback(kind, server_identity()->certificate);
    SSL_CTX *other = server_of_callback(kind, certificate), *client = client_context(kind);
    struct worker worker;
    struct token token, own;

    part(kind_name(kind));
    expect_between("to the same context in another process", one, one, client, RESUMED);
    expect_between("to one of another certificate", one, other, client, FULL);
    token = connect_here(one, client);
    worker = worker_start(alike, client);
    expect("to one of the same, that has not shown it yet", worker_resume(&worker, &token, 0), FULL);
    own = worker_connect(&worker);
    expect("to one of the same, that has", worker_resume(&worker, &token, 0), RESUMED);
    expect("and back", resume_here(one, client, &own, 0), RESUMED);
    worker_end(&worker);
    SSL_CTX_free(one);
    SSL_CTX_free(alike);
    SSL_CTX_free(other);
    SSL_CTX_free(client);
    X509_free(certificate);
}

int main(void)
{
    keys_of_clients();
    keys_of_clients_beside_a_certificate();
    certificate_by_callback(TLS12_ID);
    certificate_by_callback(TLS13_STATEFUL);
    return 0;
}
