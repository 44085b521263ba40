/* test: valgrind=memcheck */
/*
 * Changing the time or the timeout of a cached session: which is then the next
 * victim, and what a flush takes. And adding it again, with and without
 * SSL_SESS_CACHE_UPDATE_TIME.
 */
#include "harness/harness.h"

#ifndef SSL_SESS_CACHE_UPDATE_TIME
#define SSL_SESS_CACHE_UPDATE_TIME 0x0400
#endif

static SSL_SESSION *held[3]; /* A, B, C expire in this order */

static SSL_CTX *filled(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    int i;

    CHECK(ctx != NULL);
    app_install(ctx);
    for (i = 0; i < 3; ++i) {
        held[i] = session_timed((char)('A' + i), 1000 + 100 * i, 1000);
        CHECK(SSL_CTX_add_session(ctx, held[i]));
    }
    return ctx;
}

static void end(SSL_CTX *ctx)
{
    int i;

    flush_told("at 2101", ctx, 2101);
    flush_told("the rest", ctx, 0);
    for (i = 0; i < 3; ++i)
        session_drop(&held[i]);
    SSL_CTX_free(ctx);
    app_reset();
}

/* Room for two beside the new one: the victims tell the order. */
static void squeeze(SSL_CTX *ctx)
{
    SSL_SESSION *z = session_timed('Z', 1000000, 1000);

    SSL_CTX_sess_set_cache_size(ctx, 3);
    CHECK(SSL_CTX_add_session(ctx, z));
    SSL_SESSION_free(z);
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_CTX_sess_set_cache_size(ctx, 0);
}

static void later(void)
{
    SSL_CTX *ctx = filled();

    part("set_time: the first becomes the last");
    FACT("returns", session_set_time(held[0], 5000));
    FACT("time", session_time(held[0]));
    squeeze(ctx);
    end(ctx);
}

static void earlier(void)
{
    SSL_CTX *ctx = filled();

    part("set_timeout: the last becomes the first");
    FACT("returns", session_set_timeout(held[2], 1));
    FACT("timeout", SSL_SESSION_get_timeout(held[2]));
    squeeze(ctx);
    end(ctx);
}

static void equal(void)
{
    SSL_CTX *ctx = filled();

    part("set_time: equal to another");
    FACT("returns", session_set_time(held[0], 1100));
    squeeze(ctx);
    end(ctx);
}

static void unchanged(void)
{
    SSL_CTX *ctx = filled();

    part("set to what they are, in reverse");
    session_set_time(held[2], 1000);
    session_set_time(held[1], 1000);
    session_set_time(held[0], 1000);
    session_set_time(held[1], 1000);
    squeeze(ctx);
    end(ctx);
}

static void refused(void)
{
    SSL_CTX *ctx = filled();

    part("values at the edge");
    FACT("timeout -1", session_set_timeout(held[1], -1));
    FACT("timeout 0", session_set_timeout(held[1], 0));
    FACT("time 0", session_set_time(held[2], 0));
    FACT("NULL timeout", session_set_timeout(NULL, 5));
    FACT("NULL time", session_set_time(NULL, 5));
    squeeze(ctx);
    end(ctx);
}

static void removed_then_changed(void)
{
    SSL_CTX *ctx = filled();

    part("changed after it left the cache");
    FACT("removed", SSL_CTX_remove_session(ctx, held[0]));
    FACT("set_time", session_set_time(held[0], 9000));
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("added again", SSL_CTX_add_session(ctx, held[0]));
    squeeze(ctx);
    end(ctx);
}

static void added_again(void)
{
    SSL_CTX *ctx = filled();

    part("added again");
    session_set_time(held[0], 1100);
    session_set_time(held[1], 1100);
    FACT("added", SSL_CTX_add_session(ctx, held[0]));
    squeeze(ctx);
    end(ctx);
}

/* UPDATE_TIME sets the time to now, which is far later than all others. */
static void update_time(void)
{
    SSL_CTX *ctx = filled();

    part("UPDATE_TIME");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_UPDATE_TIME);
    FACT("mode", SSL_CTX_get_session_cache_mode(ctx));
    FACT("added again", SSL_CTX_add_session(ctx, held[0]));
    FACT("its time is now", session_time(held[0]) > 1000000);
    FACT("another's is", session_time(held[1]) > 1000000);
    squeeze(ctx);
    end(ctx);
}

int main(void)
{
    later();
    earlier();
    equal();
    unchanged();
    refused();
    removed_then_changed();
    added_again();
    update_time();
    return 0;
}
