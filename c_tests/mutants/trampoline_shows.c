/* mutant: settings */
/* A getter gives the library's own callback. */
#include "real.h"

static int trampoline(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    return 0;
}

int (*SSL_CTX_sess_get_new_cb(SSL_CTX *ctx))(SSL *, SSL_SESSION *)
{
    REAL(SSL_CTX_sess_get_new_cb);
    return real(ctx) == NULL ? NULL : trampoline;
}
