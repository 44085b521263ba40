/*
 * In C++: the get callback of the manual page up to 1.0.2, whose id was not const. It must
 * draw the same diagnostics with our header as with OpenSSL's alone.
 */
#include <openssl/ssl.h>
#ifdef WITH_SESSCACHE
#include <sesscache.h>
#endif

static SSL_SESSION *old_get(SSL *ssl, unsigned char *id, int length, int *copy)
{
    (void)ssl, (void)id, (void)length;
    *copy = 0;
    return NULL;
}

static int too_few(SSL *ssl)
{
    (void)ssl;
    return 0;
}

void install(SSL_CTX *ctx);

void install(SSL_CTX *ctx)
{
    SSL_CTX_sess_set_get_cb(ctx, old_get);
    SSL_CTX_sess_set_new_cb(ctx, too_few);
    SSL_CTX_add_session(ctx);
}
