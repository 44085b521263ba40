#include "certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "facts.h"

enum { DAY = 24 * 60 * 60 };

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);

    CHECK(ctx != NULL && EVP_PKEY_keygen_init(ctx) > 0);
    CHECK(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) > 0);
    CHECK(EVP_PKEY_keygen(ctx, &key) > 0);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static X509_NAME *new_name(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();

    CHECK(name != NULL);
    CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                     (const unsigned char *)common_name, -1, -1, 0));
    return name;
}

static void make_authority(X509 *certificate)
{
    X509_EXTENSION *extension
        = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

    CHECK(extension != NULL);
    CHECK(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

/* issuer NULL: self-signed, and an authority. */
static struct identity new_identity(const char *common_name, long serial,
                                    const struct identity *issuer)
{
    struct identity made = { new_key(), X509_new() };
    const struct identity *signer = issuer != NULL ? issuer : &made;
    X509_NAME *name = new_name(common_name);

    CHECK(made.certificate != NULL);
    CHECK(X509_set_version(made.certificate, 2));
    CHECK(ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial));
    CHECK(X509_gmtime_adj(X509_getm_notBefore(made.certificate), -DAY) != NULL);
    CHECK(X509_gmtime_adj(X509_getm_notAfter(made.certificate), 30 * DAY) != NULL);
    CHECK(X509_set_subject_name(made.certificate, name));
    CHECK(X509_set_issuer_name(made.certificate, X509_get_subject_name(signer->certificate)));
    CHECK(X509_set_pubkey(made.certificate, made.key));
    if (issuer == NULL)
        make_authority(made.certificate);
    CHECK(X509_sign(made.certificate, signer->key, EVP_sha256()) > 0);
    X509_NAME_free(name);
    return made;
}

const struct identity *authority(void)
{
    static struct identity made;

    if (made.key == NULL)
        made = new_identity("harness authority", 1, NULL);
    return &made;
}

const struct identity *server_identity(void)
{
    static struct identity made;

    if (made.key == NULL)
        made = new_identity("localhost", 2, NULL);
    return &made;
}

const struct identity *client_identity(void)
{
    static struct identity made;

    if (made.key == NULL)
        made = new_identity("client", 3, authority());
    return &made;
}

void identity_use(SSL_CTX *ctx, const struct identity *identity)
{
    CHECK(SSL_CTX_use_certificate(ctx, identity->certificate));
    CHECK(SSL_CTX_use_PrivateKey(ctx, identity->key));
}
