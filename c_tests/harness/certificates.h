/* Keys and certificates, made once per run: nothing lies in files. */
#ifndef HARNESS_CERTIFICATES_H
#define HARNESS_CERTIFICATES_H

#include <openssl/ssl.h>

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

/* They live until the process ends and are made at the first call (not thread-safe). */
const struct identity *authority(void);
const struct identity *server_identity(void);
/* Signed by the authority. */
const struct identity *client_identity(void);

void identity_use(SSL_CTX *ctx, const struct identity *identity);

#endif
