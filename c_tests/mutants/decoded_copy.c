/* mutant: same_object */
/* The cache keeps a decoded copy in place of the session's own object. */
#include "real.h"

int SSL_CTX_add_session(SSL_CTX *ctx, SSL_SESSION *session)
{
    unsigned char bytes[8192], *end = bytes;
    const unsigned char *start = bytes;
    int length = i2d_SSL_SESSION(session, NULL), added = 0;
    SSL_SESSION *copy = NULL;

    REAL(SSL_CTX_add_session);
    if (length > 0 && length <= (int)sizeof(bytes) && i2d_SSL_SESSION(session, &end) == length)
        copy = d2i_SSL_SESSION(NULL, &start, length);
    added = real(ctx, copy == NULL ? session : copy);
    SSL_SESSION_free(copy);
    return added;
}
