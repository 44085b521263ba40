/* test: only=linked */
/* Our header before OpenSSL's, and twice. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <sesscache.h>

#include <openssl/ssl.h>

#include <sesscache.h>

#include <stdio.h>

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    printf("version %s, active %d\n", sesscache_version(), sesscache_active(ctx, NULL));
    SSL_CTX_free(ctx);
    return ctx == NULL;
}
