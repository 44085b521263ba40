/* test: only=linked | env=SESSCACHE_DISABLE=1 */
/* sesscache_* of a library that was switched off. */
#include "harness/harness.h"
#include <sesscache.h>

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');
    const char *reason = NULL;
    sesscache_ctx_stats_t stats;

    CHECK(ctx != NULL);
    CHECK(sesscache_active(NULL, &reason) == SESSCACHE_DISABLED);
    fact_text("reason", reason);
    CHECK(sesscache_active(ctx, &reason) == SESSCACHE_DISABLED);
    CHECK(sesscache_ctx_stats(ctx, &stats, sizeof(stats)) == 0);
    CHECK(sesscache_ctx_set_flags(ctx, SESSCACHE_NEW_CB_ZERO_REMOVES) == 0);
    CHECK(SSL_CTX_add_session(ctx, session) && SSL_CTX_sess_number(ctx) == 1);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    return 0;
}
