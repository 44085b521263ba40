/* test: differs=12 */
/* Times beyond reason: a negative one, and sums with a timeout that overflow. */
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

static char first;

static void removed(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx;
    if (first == 0)
        first = label_of(session);
}

/* Of sessions that never expire, the younger one stored first. */
static const char *first_out_of_room(void)
{
    static char label[2];
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_timed('A', 1800000001, LONG_MAX), *b = session_timed('B', 1800000000, LONG_MAX);
    SSL_SESSION *c = session_timed('C', 1800000002, LONG_MAX);

    SSL_CTX_sess_set_remove_cb(ctx, removed);
    SSL_CTX_sess_set_cache_size(ctx, 3);
    CHECK(SSL_CTX_add_session(ctx, a) && SSL_CTX_add_session(ctx, b) && SSL_CTX_add_session(ctx, c));
    label[0] = first;
    SSL_SESSION_free(a);
    SSL_SESSION_free(b);
    SSL_SESSION_free(c);
    SSL_CTX_free(ctx);
    return label;
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
    fact_text("a sum that overflows", at_the_end(LONG_MAX, 10));
    fact_text("a timeout for ever", at_the_end(1800000000, LONG_MAX));
    part("for ever");
    if (version >= 0x30000000UL && version < 0x30200000UL)
        differs(12, "first out of room", first_out_of_room(), "B", "A");
    else
        fact_text("first out of room", first_out_of_room());
    return 0;
}
