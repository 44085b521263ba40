/* mutant: eviction */
/* The cache holds one session more than it may. */
#include "real.h"

long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg)
{
    REAL(SSL_CTX_ctrl);
    if (cmd == SSL_CTRL_GET_SESS_CACHE_SIZE && real(ctx, cmd, larg, parg) > 0)
        return real(ctx, cmd, larg, parg) + 1;
    return real(ctx, cmd, larg, parg);
}
