/* test: differs=12 */
/* Times beyond reason: a negative one, and one that overflows with its timeout. */
#include "harness/harness.h"

#include <limits.h>

/* Whether the session has expired long after now. */
static const char *at_the_end(long time, long timeout)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_timed('A', time, timeout);
    const char *end;

    CHECK(SSL_CTX_add_session(ctx, session));
    context_flush(ctx, 2000000000);
    end = SSL_CTX_sess_number(ctx) == 0 ? "expired" : "lives";
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    return end;
}

int main(void)
{
    unsigned long version = OpenSSL_version_num();

    part("negative");
    if (version >= 0x30000000UL && version < 0x30200000UL)
        differs(12, "a session of time -1000", at_the_end(-1000, 10), "lives", "expired");
    else
        fact_text("a session of time -1000", at_the_end(-1000, 10));
    part("too large");
    if (version < 0x30000000UL)
        differs(12, "a sum that overflows", at_the_end(LONG_MAX, 10), "expired", "lives");
    else
        fact_text("a sum that overflows", at_the_end(LONG_MAX, 10));
    return 0;
}
