/* mutant: early_data */
/* A removal of what is not there claims success: a single-use session is good for ever. */
#include "real.h"

int SSL_CTX_remove_session(SSL_CTX *ctx, SSL_SESSION *session)
{
    REAL(SSL_CTX_remove_session);
    real(ctx, session);
    return 1;
}
