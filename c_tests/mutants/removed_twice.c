/* mutant: remove_session */
/* The remove callback comes twice for one removal. */
#include "real.h"

typedef void remove_callback(SSL_CTX *, SSL_SESSION *);

static remove_callback *application;

static void wrong(SSL_CTX *ctx, SSL_SESSION *session)
{
    application(ctx, session);
    application(ctx, session);
}

void SSL_CTX_sess_set_remove_cb(SSL_CTX *ctx, remove_callback *callback)
{
    REAL(SSL_CTX_sess_set_remove_cb);
    application = callback;
    real(ctx, callback == NULL ? NULL : wrong);
}
