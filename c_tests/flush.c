/* test: valgrind=memcheck */
/* SSL_CTX_flush_sessions: what goes at which time, in which order, and how it is marked. */
#include "harness/harness.h"

static SSL_CTX *filled(void)
{
    /* time + timeout: A 1100, B 1050, C 1100, D 1200, E 1050, F 99999 */
    static const struct { char label; long time, timeout; } sessions[] = {
        { 'A', 1000, 100 }, { 'B', 1000, 50 }, { 'C', 900, 200 },
        { 'D', 1100, 100 }, { 'E', 1050, 0 },  { 'F', 99000, 999 },
    };
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    size_t i;

    CHECK(ctx != NULL);
    app_install(ctx);
    for (i = 0; i < sizeof(sessions) / sizeof(sessions[0]); ++i) {
        SSL_SESSION *session = session_timed(sessions[i].label, sessions[i].time, sessions[i].timeout);

        CHECK(SSL_CTX_add_session(ctx, session));
        SSL_SESSION_free(session);
    }
    return ctx;
}

static void flush_at(long time)
{
    SSL_CTX *ctx = filled();

    part("flush");
    FACT("at", time);
    flush_told("goes", ctx, time);
    FACT("number", SSL_CTX_sess_number(ctx));
    fact_cached("stays", ctx, "ABCDEF");
    FACT("timeouts", SSL_CTX_sess_timeouts(ctx));
    FACT("cache_full", SSL_CTX_sess_cache_full(ctx));
    context_free_told(ctx);
    app_reset();
}

static void marks(void)
{
    SSL_CTX *ctx = filled();
    SSL_SESSION *held = session_timed('H', 1000, 10), *live = session_timed('L', 5000, 10);

    part("marks");
    CHECK(SSL_CTX_add_session(ctx, held) && SSL_CTX_add_session(ctx, live));
    flush_told("goes", ctx, 2000);
    FACT("the flushed one is resumable", SSL_SESSION_is_resumable(held));
    FACT("the live one is resumable", SSL_SESSION_is_resumable(live));
    FACT("the flushed one ended", freed('H'));
    SSL_SESSION_free(held);
    FACT("the flushed one ended", freed('H'));
    FACT("flushed and added again", SSL_CTX_add_session(ctx, live));
    context_flush(ctx, 0);
    FACT("the live one is resumable", SSL_SESSION_is_resumable(live));
    SSL_SESSION_free(live);
    FACT("number", SSL_CTX_sess_number(ctx));
    context_free_told(ctx);
    app_reset();
}

static void repeatedly(void)
{
    SSL_CTX *ctx = filled();

    part("one after the other");
    flush_told("at 1051", ctx, 1051);
    flush_told("at 1051 again", ctx, 1051);
    flush_told("at 1101", ctx, 1101);
    flush_told("everything", ctx, 0);
    flush_told("everything again", ctx, 0);
    FACT("calls", app.removes);
    context_free_told(ctx);
    app_reset();
}

int main(void)
{
    static const long times[] = { 1, 1049, 1050, 1051, 1100, 1101, 1200, 1201, 99999, 100000, 0, -1, -1000 };
    size_t i;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); ++i)
        flush_at(times[i]);
    marks();
    repeatedly();
    return 0;
}
