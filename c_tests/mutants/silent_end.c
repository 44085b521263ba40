/* mutant: context_end */
/* No remove callbacks at the end of a context. */
#include "real.h"

void SSL_CTX_free(SSL_CTX *ctx)
{
    REAL(SSL_CTX_free);
    if (ctx != NULL)
        SSL_CTX_sess_set_remove_cb(ctx, NULL);
    real(ctx);
}
