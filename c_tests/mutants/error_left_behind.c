/* mutant: errno_and_errors */
/* A function leaves an error in the queue, as a failing d2i does. */
#include "real.h"

int SSL_CTX_add_session(SSL_CTX *ctx, SSL_SESSION *session)
{
    const unsigned char nothing[1] = { 0 }, *start = nothing;

    REAL(SSL_CTX_add_session);
    SSL_SESSION_free(d2i_SSL_SESSION(NULL, &start, 1));
    return real(ctx, session);
}
