/* mutant: auto_flush */
/* libssl never flushes by itself. */
#include "real.h"

#include <time.h>

void SSL_CTX_flush_sessions(SSL_CTX *ctx, long now)
{
    REAL(SSL_CTX_flush_sessions);
    if (now < (long)time(NULL) - 60 || now == 0)
        real(ctx, now);
}
