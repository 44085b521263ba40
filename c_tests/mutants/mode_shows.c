/* mutant: settings */
/* The application reads back a mode that it did not set. */
#include "real.h"

long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg)
{
    REAL(SSL_CTX_ctrl);
    return real(ctx, cmd, larg, parg) | (cmd == SSL_CTRL_GET_SESS_CACHE_MODE ? SSL_SESS_CACHE_NO_INTERNAL : 0);
}
