/* test: only=linked | valgrind=memcheck */
/* sesscache_version, sesscache_active and sesscache_ctx_stats on a context at work. */
#include "harness/harness.h"
#include <sesscache.h>

static sesscache_ctx_stats_t stats_of(SSL_CTX *ctx)
{
    sesscache_ctx_stats_t stats;

    memset(&stats, 0xff, sizeof(stats));
    CHECK(sesscache_ctx_stats(ctx, &stats, sizeof(stats)) == 1);
    return stats;
}

static void version(void)
{
    int major, minor, patch;
    const char *text = sesscache_version();

    CHECK(sscanf(text, "%d.%d.%d", &major, &minor, &patch) == 3);
    CHECK(text == sesscache_version());
    fact_text("version", text);
}

static void activity(SSL_CTX *ctx)
{
    const char *reason = NULL;

    CHECK(sesscache_active(NULL, &reason) == SESSCACHE_ACTIVE);
    CHECK(reason != NULL && reason[0] != 0);
    reason = NULL;
    CHECK(sesscache_active(ctx, &reason) == SESSCACHE_ACTIVE);
    CHECK(reason != NULL && reason[0] != 0);
    fact_text("reason", reason);
}

static void counts_of_hand(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    sesscache_ctx_stats_t stats = stats_of(ctx);
    char label;

    part("by hand");
    CHECK(stats.sessions == 0 && stats.stored == 0 && stats.hits == 0 && stats.misses == 0);
    CHECK(stats.evicted == 0 && stats.flushed == 0 && stats.removed == 0 && stats.asked == 0);
    for (label = 'A'; label <= 'E'; ++label) {
        SSL_SESSION *session = session_timed(label, 1000 + 100 * label, 100);

        CHECK(SSL_CTX_add_session(ctx, session));
        if (label == 'B')
            CHECK(SSL_CTX_remove_session(ctx, session));
        SSL_SESSION_free(session);
    }
    stats = stats_of(ctx);
    CHECK(stats.stored == 5 && stats.removed == 1 && stats.sessions == 4);
    FACT("sessions", stats.sessions);
    context_flush(ctx, 1000 + 100 * 'C' + 101);
    stats = stats_of(ctx);
    CHECK(stats.flushed == 2 && stats.sessions == 2);
    FACT("flushed", stats.flushed);
    SSL_CTX_free(ctx);
}

static void counts_of_eviction(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    sesscache_ctx_stats_t stats;
    char label;

    part("eviction");
    SSL_CTX_sess_set_cache_size(ctx, 3);
    for (label = 'A'; label <= 'H'; ++label) {
        SSL_SESSION *session = session_simple(label);

        CHECK(SSL_CTX_add_session(ctx, session));
        SSL_SESSION_free(session);
    }
    stats = stats_of(ctx);
    CHECK(stats.evicted == (uint64_t)SSL_CTX_sess_cache_full(ctx) && stats.evicted > 0);
    CHECK(stats.sessions == (uint64_t)SSL_CTX_sess_number(ctx));
    FACT("stored", stats.stored);
    SSL_CTX_free(ctx);
}

static void counts_of_handshakes(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;
    sesscache_ctx_stats_t stats;

    part(kind_name(kind));
    app_install(server);
    app.quiet = 1;
    app.look_only = 1;
    app.copy = COPY_ONE;
    session = connection("first", server, client, NULL);
    next = connection("resumed", server, client, session);
    session_drop(&next);
    stats = stats_of(server);
    CHECK(stats.hits == 1 && stats.asked == 0);
    CHECK(SSL_CTX_remove_session(server, app.store[0]));
    app.answer = session_decoded(0, app.store[0]);
    SSL_CTX_sess_set_remove_cb(server, NULL);
    context_flush(server, 0);
    next = connection("answered", server, client, session);
    session_drop(&next);
    stats = stats_of(server);
    CHECK(stats.asked == 1 && stats.answered == 1 && stats.misses == 1);
    CHECK(stats.hits + stats.answered == (uint64_t)SSL_CTX_sess_hits(server));
    FACT("hits", stats.hits);
    session_drop(&session);
    SSL_SESSION_free(app.answer);
    app.answer = NULL;
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    app_reset();
}

/* A caller compiled against a shorter or a longer structure. */
static void other_sizes(SSL_CTX *ctx)
{
    struct {
        sesscache_ctx_stats_t known;
        uint64_t later[4];
    } larger;
    sesscache_ctx_stats_t shorter;

    memset(&larger, 0xff, sizeof(larger));
    CHECK(sesscache_ctx_stats(ctx, &larger.known, sizeof(larger)) == 1);
    CHECK(larger.later[0] == 0 && larger.later[3] == 0);
    memset(&shorter, 0xff, sizeof(shorter));
    CHECK(sesscache_ctx_stats(ctx, &shorter, 2 * sizeof(uint64_t)) == 1);
    CHECK(shorter.sessions == 0 && shorter.hits == UINT64_MAX);
}

/* After SSL_CTX_sessions the context is libssl's own. */
static void given_back(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');
    const char *reason = NULL;
    sesscache_ctx_stats_t stats;

    part("given back");
    CHECK(SSL_CTX_add_session(ctx, session));
    CHECK(SSL_CTX_sessions(ctx) != NULL);
    CHECK(sesscache_active(ctx, &reason) == SESSCACHE_GIVEN_BACK);
    fact_text("reason", reason);
    CHECK(sesscache_active(NULL, NULL) == SESSCACHE_ACTIVE);
    CHECK(sesscache_ctx_stats(ctx, &stats, sizeof(stats)) == 0);
    CHECK(sesscache_ctx_set_flags(ctx, SESSCACHE_NEW_CB_ZERO_REMOVES) == 0);
    CHECK(SSL_CTX_sess_number(ctx) == 1 && SSL_CTX_remove_session(ctx, session));
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    version();
    activity(ctx);
    other_sizes(ctx);
    counts_of_hand();
    counts_of_eviction();
    counts_of_handshakes(TLS12_ID);
    counts_of_handshakes(TLS13_STATEFUL);
    given_back();
    SSL_CTX_free(ctx);
    return 0;
}
