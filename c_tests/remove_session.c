/* test: valgrind=memcheck */
/*
 * SSL_CTX_remove_session: when it says 1, when it calls back, with which object,
 * what it marks and what it frees.
 */
#include "harness/harness.h"

static SSL_SESSION *expected;

static void look(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx;
    fact_same("  the caller's object", expected, session);
}

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *cached = session_simple('A'), *equal = session_made('B', TLS1_3_VERSION, "A", 1000, 100);
    SSL_SESSION *stranger = session_simple('X'), *empty = session_made('E', TLS1_3_VERSION, "", 1000, 100);

    CHECK(ctx != NULL);
    app_install(ctx);
    app.on_remove = look;

    part("never cached");
    expected = stranger;
    FACT("removed", SSL_CTX_remove_session(ctx, stranger));
    FACT("resumable", SSL_SESSION_is_resumable(stranger));
    FACT("removed again", SSL_CTX_remove_session(ctx, stranger));
    fact_calls("calls");

    part("cached");
    FACT("added", SSL_CTX_add_session(ctx, cached));
    expected = cached;
    FACT("removed", SSL_CTX_remove_session(ctx, cached));
    FACT("resumable", SSL_SESSION_is_resumable(cached));
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("removed again", SSL_CTX_remove_session(ctx, cached));
    fact_calls("calls");

    part("marked, and added again");
    FACT("added", SSL_CTX_add_session(ctx, cached));
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("resumable", SSL_SESSION_is_resumable(cached));

    part("by another object with that key");
    SSL_SESSION_free(cached);
    expected = equal;
    FACT("removed", SSL_CTX_remove_session(ctx, equal));
    FACT("the cached one ended", freed('A'));
    FACT("the other is resumable", SSL_SESSION_is_resumable(equal));
    fact_calls("calls");

    part("nothing to name it by");
    expected = empty;
    FACT("empty id", SSL_CTX_remove_session(ctx, empty));
    FACT("resumable", SSL_SESSION_is_resumable(empty));
    FACT("NULL", SSL_CTX_remove_session(ctx, NULL));
    fact_calls("calls");

    part("without a remove callback");
    SSL_CTX_sess_set_remove_cb(ctx, NULL);
    FACT("added", SSL_CTX_add_session(ctx, equal));
    FACT("removed", SSL_CTX_remove_session(ctx, equal));
    FACT("number", SSL_CTX_sess_number(ctx));

    SSL_SESSION_free(equal);
    SSL_SESSION_free(stranger);
    SSL_SESSION_free(empty);
    FACT("all ended", freed('A') + freed('B') + freed('X') + freed('E'));
    SSL_CTX_free(ctx);
    app_reset();
    return 0;
}
