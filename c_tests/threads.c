/* test: valgrind=helgrind */
/*
 * Threads hammer one context by hand: additions, replacements, removals, flushes and
 * questions. What happens when is chance; that every object ends once and that the
 * cache keeps its bound is not. (SSL_SESSION_set_time among threads is a race in
 * libssl itself: threads_reposition.c has it.)
 */
#include "harness/harness.h"

#include <pthread.h>

enum { THREADS = 4, TURNS = 300, SIZE = 16 };

static SSL_CTX *ctx;
static int made, added, removed, found;

static void count_removal(SSL_CTX *c, SSL_SESSION *session)
{
    (void)c, (void)session;
    __atomic_add_fetch(&removed, 1, __ATOMIC_RELAXED);
}

static SSL_SESSION *numbered(unsigned int number, unsigned int turn)
{
    char id[16];

    snprintf(id, sizeof(id), "%u", number % 61);
    __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    return session_made('T', TLS1_3_VERSION, id, (long)(1000000 + turn), 100 + number % 7);
}

static void turn_of(unsigned int seed, unsigned int turn)
{
    unsigned int number = seed * 7919 + turn * 31;
    SSL_SESSION *session = numbered(number, turn);

    if (SSL_CTX_add_session(ctx, session))
        __atomic_add_fetch(&added, 1, __ATOMIC_RELAXED);
    switch (number % 8) {
    case 0:
        SSL_CTX_remove_session(ctx, session);
        break;
    case 3:
        context_flush(ctx, (long)(1000000 + turn / 2));
        break;
    case 4:
        __atomic_add_fetch(&found, has_id(ctx, "7"), __ATOMIC_RELAXED);
        break;
#if OPENSSL_VERSION_NUMBER < 0x40000000L
    /* 4.0 chains its victims through the field that an addition writes: libssl itself crashes here now and then. */
    case 5:
        SSL_CTX_add_session(ctx, session);
        break;
#endif
    default:
        break;
    }
    SSL_SESSION_free(session);
}

static void *work(void *arg)
{
    unsigned int seed = *(unsigned int *)arg, turn, turns = under_valgrind() ? TURNS / 6 : TURNS * 10;

    for (turn = 0; turn < turns; ++turn)
        turn_of(seed, turn);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    unsigned int seeds[THREADS];
    int i;

    ctx = SSL_CTX_new(TLS_method());
    CHECK(ctx != NULL);
    SSL_CTX_sess_set_cache_size(ctx, SIZE);
    SSL_CTX_sess_set_remove_cb(ctx, count_removal);
    /* The label's index is registered before there are threads. */
    SSL_SESSION_free(session_simple('0'));
    for (i = 0; i < THREADS; ++i) {
        seeds[i] = (unsigned int)i + 1;
        CHECK(pthread_create(&threads[i], NULL, work, &seeds[i]) == 0);
    }
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    FACT("keeps its bound", SSL_CTX_sess_number(ctx) <= SIZE);
    FACT("counts evictions", SSL_CTX_sess_cache_full(ctx) > 0 || under_valgrind());
    FACT("called back", removed > 0 && removed <= 2 * made);
    FACT("each object was stored", added == made);
    context_flush(ctx, 0);
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("each object has ended", freed('T') == made);
    SSL_CTX_free(ctx);
    return 0;
}
