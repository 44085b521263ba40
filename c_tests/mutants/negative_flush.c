/* mutant: flush */
/* A flush at a negative time takes everything (or, from 3.4 on, nothing). */
#include "real.h"

void SSL_CTX_flush_sessions(SSL_CTX *ctx, long time)
{
    REAL(SSL_CTX_flush_sessions);
    real(ctx, time < 0 ? 0 : time);
}
