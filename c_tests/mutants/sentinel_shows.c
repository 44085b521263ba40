/* mutant: add_session */
/* A session of the library's own is counted. */
#include "real.h"

long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg)
{
    REAL(SSL_CTX_ctrl);
    return real(ctx, cmd, larg, parg) + (cmd == SSL_CTRL_SESS_NUMBER);
}
