/* mutant: sni_switch */
/* Callbacks of the context that the connection has now, not of the one that it came from. */
#include "real.h"

typedef int new_callback(SSL *, SSL_SESSION *);

static int slot = -1;

static int wrong(SSL *ssl, SSL_SESSION *session)
{
    new_callback *callback;

    *(void **)&callback = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot);
    return callback == NULL ? 0 : callback(ssl, session);
}

void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, new_callback *callback)
{
    REAL(SSL_CTX_sess_set_new_cb);
    if (slot < 0)
        slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX_set_ex_data(ctx, slot, *(void **)&callback);
    real(ctx, callback == NULL ? NULL : wrong);
}
