/* mutant: add_session */
/* Each session that is added is held for ever. */
#include "real.h"

int SSL_CTX_add_session(SSL_CTX *ctx, SSL_SESSION *session)
{
    REAL(SSL_CTX_add_session);
    SSL_SESSION_up_ref(session);
    return real(ctx, session);
}
