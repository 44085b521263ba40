/* test: differs=5 */
/*
 * UPDATE_TIME gives a session that is cached a later end and leaves it where it is, where a version does so: then libssl's
 * list is out of order, and the place of the next session is found by walking that list, or by the times.
 */
#include "harness/harness.h"

static SSL_CTX *ctx;

static SSL_SESSION *added(char label, long timeout)
{
    SSL_SESSION *session = session_simple(label);

    CHECK(session_set_timeout(session, timeout));
    CHECK(SSL_CTX_add_session(ctx, session));
    return session;
}

/* Whether a cached object that is added again stays where it is; the library asks libssl the same (scratch.rs). */
static int stays_in_place(void)
{
    return OpenSSL_version_num() >= 0x30600030UL;
}

int main(void)
{
    SSL_SESSION *session;

    ctx = SSL_CTX_new(TLS_method());
    part("an addition to a list out of order");
    app_install(ctx);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_UPDATE_TIME);
    SSL_SESSION_free(added('P', 5000));
    SSL_SESSION_free(added('Q', 6000));
    session = added('A', 9000);
    session_set_time(session, 1000);
    FACT("added again", SSL_CTX_add_session(ctx, session));
    SSL_SESSION_free(session);
    SSL_SESSION_free(added('N', 5500));
    SSL_CTX_sess_set_cache_size(ctx, OpenSSL_version_num() < 0x30000000UL ? 4 : 5);
    app.quiet = 1;
    SSL_SESSION_free(added('Z', 7000));
    FACT("evicted", app.removes);
    fact_cached("left of the first", ctx, "PQ");
    if (stays_in_place()) {
        differs_number(5, "the one out of order is left", has_id(ctx, "A"), 1, 0);
        differs_number(5, "the one after it is left", has_id(ctx, "N"), 0, 1);
    } else {
        fact_cached("left of the others", ctx, "AN");
    }
    SSL_CTX_free(ctx);
    app_reset();
    return 0;
}
