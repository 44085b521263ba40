/*
 * What the operations of the session cache cost, through the public functions:
 *
 *   cache_bench SESSIONS equal|mixed|ordered THREADS
 *
 * Rows, in nanoseconds an operation: add, lookup, remove, evict (an add that
 * pushes another session out), expire (a flush, for each session that it takes).
 *
 * Sessions are made outside the timed parts, a batch at a time, so that each is
 * added while it is still in the processor's caches, as after a handshake. The
 * program keeps a reference to each: what is timed is the cache, not the freeing.
 *
 * With equal timeouts "add" is the cost of filling the cache from empty. With
 * mixed ones libssl searches its whole list at each add, so the cache is filled in
 * the one order that is cheap for it, and then additions of random ends are timed,
 * as many as fit into a fixed time. "ordered" is the same with sessions that lie in
 * memory in the order of their ends. Libssl searches those many times faster, as the
 * processor foresees where the next one is; in a server nothing puts them so.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <string.h>
#include <time.h>

#include "facts.h"
#include "rounds.h"

enum {
    ID_LENGTH = 32,
    TIMEOUT = 3600,
    /* Mixed timeouts are spread over these seconds. */
    SPREAD = 1 << 24,
    /* Small caches are filled again until this many sessions went through. */
    SESSIONS_A_ROUND = 1 << 16,
    /* Ids that are looked for, and how often where the cache is small. */
    WANTED_MAX = 1 << 18,
    PASSES = 4,
    EXTRA_MAX = 1 << 15,
    BATCH_ALONE = 1 << 10,
    /* Longer, so that the lanes meet inside the timed part and not before it. */
    BATCH_TOGETHER = 1 << 14
};

static const int64_t PATIENCE = 60 * 1000000; /* ns, for additions to a sorted list */

static SSL_CTX *ctx;
static SSL *looker[LANES_MAX];
static size_t filled, extra; /* sessions in the cache, and those added to it later */
static size_t wanted; /* how many of the filled ones are looked for */
static int mixed, ordered;
static SSL_SESSION **sessions; /* the filled ones, then twice the extra ones */
static unsigned char (*ids)[ID_LENGTH]; /* of sessions that are there, in random order */
static uint32_t *at_random; /* the filled ones shuffled */
static uint32_t *by_end; /* with mixed timeouts: the filled ones as they expire, which is not as they lie in memory */
static uint64_t numbers;
static long base;

static SSL_SESSION *new_session(size_t at, long timeout)
{
    SSL_SESSION *session = SSL_SESSION_new();
    uint64_t seed = numbers + at, id[ID_LENGTH / sizeof(uint64_t)];
    size_t i;

    for (i = 0; i < ID_LENGTH / sizeof(uint64_t); ++i)
        id[i] = next_number(&seed);
    CHECK(session != NULL);
    CHECK(SSL_SESSION_set_protocol_version(session, SSL_version(looker[0])));
    CHECK(SSL_SESSION_set1_id(session, (const unsigned char *)id, sizeof(id)));
    SSL_SESSION_set_time(session, base);
    CHECK(SSL_SESSION_set_timeout(session, timeout));
    return session;
}

static long timeout_of(size_t at)
{
    uint64_t state = numbers + at;

    return mixed ? 1 + (long)(next_number(&state) % SPREAD) : TIMEOUT;
}

static void make(size_t from, size_t to)
{
    for (; from < to; ++from)
        sessions[from] = new_session(from, timeout_of(from));
}

/* The timed parts are functions of their own, so that a profiler can tell them apart. */
#define PROFILED __attribute__((noinline))

static inline size_t add_all(size_t from, size_t to)
{
    size_t at;

    for (at = from; at < to; ++at)
        CHECK(SSL_CTX_add_session(ctx, sessions[at]) == 1);
    return to - from;
}

static inline size_t add_with_patience(size_t from, size_t to)
{
    int64_t end = now() + PATIENCE;
    size_t at = from;

    while (at < to && now() < end)
        at += add_all(at, at + 4 < to ? at + 4 : to);
    return at - from;
}

PROFILED size_t work_add(const struct lane *lane, size_t from, size_t to)
{
    (void)lane;
    return mixed ? add_with_patience(from, to) : add_all(from, to);
}

PROFILED size_t work_evict(const struct lane *lane, size_t from, size_t to)
{
    (void)lane;
    return mixed ? add_with_patience(from, to) : add_all(from, to);
}

PROFILED size_t work_lookup(const struct lane *lane, size_t from, size_t to)
{
    const SSL *ssl = looker[lane->number];
    size_t at, pass, found = 0, passes = filled < WANTED_MAX ? PASSES : 1;

    for (pass = 0; pass < passes; ++pass)
        for (at = from; at < to; ++at)
            found += SSL_has_matching_session_id(ssl, ids[at], ID_LENGTH) == 1;
    CHECK(found == passes * (to - from));
    return found;
}

PROFILED size_t work_remove(const struct lane *lane, size_t from, size_t to)
{
    size_t at;

    (void)lane;
    for (at = from; at < to; ++at)
        CHECK(SSL_CTX_remove_session(ctx, sessions[at_random[at]]) == 1);
    return to - from;
}

/* Equal timeouts: all expire. Mixed ones: about half. */
PROFILED size_t work_expire(const struct lane *lane, size_t from, size_t to)
{
    size_t before = to - from;

    SSL_CTX_flush_sessions(ctx, base + (mixed ? SPREAD / 2 : TIMEOUT + 1));
    return lane->number == 0 ? before - (size_t)SSL_CTX_sess_number(ctx) : 0;
}

static void fill_timed(const struct lane *lane)
{
    size_t from, to, batch = lane->count == 1 ? BATCH_ALONE : BATCH_TOGETHER;

    share(lane, filled, &from, &to);
    for (; from < to; from += batch) {
        size_t end = from + batch < to ? from + batch : to;

        make(from, end);
        timed(lane, "add", work_add, from, end);
    }
}

/* In the order of their ends: libssl then inserts at the head of its list. */
static void fill_sorted(const struct lane *lane)
{
    size_t from, to, at;

    share(lane, filled, &from, &to);
    make(from, to);
    together(lane);
    for (at = 0; lane->number == 0 && at < filled; ++at) {
        SSL_SESSION *session = sessions[ordered ? at : by_end[at]];

        CHECK(SSL_SESSION_set_timeout(session, 1 + (long)((double)at / (double)filled * SPREAD)));
        CHECK(SSL_CTX_add_session(ctx, session) == 1);
    }
    together(lane);
    share(lane, extra, &from, &to);
    make(filled + from, filled + to);
    timed(lane, "add", work_add, filled + from, filled + to);
}

static void look_up(const struct lane *lane)
{
    size_t from, to, at;

    share(lane, wanted, &from, &to);
    for (at = from; at < to; ++at) {
        unsigned int length;

        memcpy(ids[at], SSL_SESSION_get_id(sessions[at_random[at]], &length), ID_LENGTH);
    }
    timed(lane, "lookup", work_lookup, from, to);
}

static void remove_some(const struct lane *lane)
{
    size_t from, to;

    share(lane, filled / 8, &from, &to);
    timed(lane, "remove", work_remove, from, to);
}

static void evict_some(const struct lane *lane)
{
    static long pushed_out, stored;
    size_t from, to, first = filled + extra;

    share(lane, extra, &from, &to);
    make(first + from, first + to);
    if (lane->number == 0) {
        pushed_out = SSL_CTX_sess_cache_full(ctx);
        stored = SSL_CTX_sess_number(ctx);
        SSL_CTX_sess_set_cache_size(ctx, stored + 1);
    }
    timed(lane, "evict", work_evict, first + from, first + to);
    if (lane->number == 0) {
        CHECK(SSL_CTX_sess_number(ctx) <= stored + 1);
        CHECK(SSL_CTX_sess_cache_full(ctx) > pushed_out);
        SSL_CTX_sess_set_cache_size(ctx, 0);
    }
}

static void expire(const struct lane *lane)
{
    size_t stored = (size_t)SSL_CTX_sess_number(ctx);

    CHECK(stored > 0);
    together(lane);
    timed(lane, "expire", work_expire, 0, stored);
    if (lane->number == 0) {
        CHECK((size_t)SSL_CTX_sess_number(ctx) < stored);
        SSL_CTX_flush_sessions(ctx, 0);
        CHECK(SSL_CTX_sess_number(ctx) == 0);
    }
    together(lane);
}

static void let_go(const struct lane *lane)
{
    size_t from, to, all = filled + 2 * extra;

    share(lane, all, &from, &to);
    for (; from < to; ++from) {
        SSL_SESSION_free(sessions[from]);
        sessions[from] = NULL;
    }
    together(lane);
    if (lane->number == 0)
        numbers += all;
    together(lane);
}

static void cache_round(const struct lane *lane)
{
    size_t sum;

    for (sum = 0; sum < SESSIONS_A_ROUND; sum += filled) {
        if (lane->number == 0)
            base = (long)time(NULL);
        together(lane);
        if (mixed)
            fill_sorted(lane);
        else
            fill_timed(lane);
        look_up(lane);
        remove_some(lane);
        evict_some(lane);
        expire(lane);
        let_go(lane);
    }
}

static uint32_t *new_order(uint64_t state)
{
    uint32_t *order = calloc(filled, sizeof(*order));
    size_t at;

    CHECK(order != NULL);
    for (at = 0; at < filled; ++at) {
        size_t other = next_number(&state) % (at + 1);

        order[at] = order[other];
        order[other] = (uint32_t)at;
    }
    return order;
}

int main(int argc, char **argv)
{
    size_t count, i;
    int result;

    filled = number_argument(argc > 1 ? argv[1] : NULL, "the first argument, sessions,");
    count = number_argument(argc > 3 ? argv[3] : NULL, "the third argument, threads,");
    ordered = strcmp(argv[2], "ordered") == 0;
    mixed = ordered || strcmp(argv[2], "mixed") == 0;
    if (!mixed && strcmp(argv[2], "equal") != 0) {
        fputs("cache_bench: timeouts are equal, mixed or ordered\n", stderr);
        return 2;
    }
    extra = filled / 8 < EXTRA_MAX ? filled / 8 : EXTRA_MAX;
    wanted = filled < WANTED_MAX ? filled : WANTED_MAX;
    /* Every lane takes part in as many batches as the others. */
    CHECK(extra > 0 && filled % count == 0 && count <= LANES_MAX);
    sessions = calloc(filled + 2 * extra, sizeof(*sessions));
    ids = calloc(wanted, sizeof(*ids));
    at_random = new_order(1);
    by_end = new_order(2);
    ctx = SSL_CTX_new(TLS_server_method());
    CHECK(sessions != NULL && ids != NULL && ctx != NULL);
    SSL_CTX_sess_set_cache_size(ctx, 0);
    for (i = 0; i < count; ++i)
        CHECK((looker[i] = SSL_new(ctx)) != NULL);

    result = serve_rounds(ctx, (int)count, cache_round);

    for (i = 0; i < count; ++i)
        SSL_free(looker[i]);
    SSL_CTX_free(ctx);
    free(sessions);
    free(ids);
    free(at_random);
    free(by_end);
    return result;
}
