/* mutant: get_callback_copy */
/* The get callback finds *copy preset to 0. */
#include "real.h"

typedef SSL_SESSION *get_callback(SSL *, const unsigned char *, int, int *);

static get_callback *application;

static SSL_SESSION *wrong(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    SSL_SESSION *found;

    *copy = 0;
    found = application(ssl, id, length, copy);
    /* So that nothing but the preset is wrong. */
    if (found != NULL && *copy == 0)
        SSL_SESSION_up_ref(found);
    return found;
}

void SSL_CTX_sess_set_get_cb(SSL_CTX *ctx, get_callback *callback)
{
    REAL(SSL_CTX_sess_set_get_cb);
    application = callback;
    real(ctx, callback == NULL ? NULL : wrong);
}
