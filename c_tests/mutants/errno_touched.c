/* mutant: errno_and_errors */
/* A function leaves its traces in errno. */
#include "real.h"

int SSL_CTX_remove_session(SSL_CTX *ctx, SSL_SESSION *session)
{
    REAL(SSL_CTX_remove_session);
    int removed = real(ctx, session);

    errno = EAGAIN;
    return removed;
}
