/* Nothing here may draw a diagnostic, with either header. */
#include <openssl/ssl.h>
#ifdef WITH_SESSCACHE
#include <sesscache.h>
#endif

static SSL_SESSION *get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    (void)ssl, (void)id, (void)length;
    *copy = 0;
    return NULL;
}

void install(SSL_CTX *ctx);

void install(SSL_CTX *ctx)
{
    SSL_CTX_sess_set_get_cb(ctx, get);
    SSL_CTX_sess_set_get_cb(ctx, NULL);
}
