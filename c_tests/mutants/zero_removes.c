/* mutant: new_callback_returns */
/* A new callback's 0 takes the session out of the cache, as the manual page says. */
#include "real.h"

typedef int new_callback(SSL *, SSL_SESSION *);

static new_callback *application;

static int wrong(SSL *ssl, SSL_SESSION *session)
{
    int kept = application(ssl, session);

    if (!kept)
        SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), session);
    return kept;
}

void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, new_callback *callback)
{
    REAL(SSL_CTX_sess_set_new_cb);
    application = callback;
    real(ctx, callback == NULL ? NULL : wrong);
}
