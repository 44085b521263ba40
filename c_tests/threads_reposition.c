/* test: only=linked */
/*
 * SSL_SESSION_set_time and set_timeout of cached sessions while other threads evict
 * and flush them. libssl from 3.0 on reads the session's owner without its lock
 * there and may crash; the library must not.
 */
#include "harness/harness.h"

#include <pthread.h>

enum { THREADS = 4, TURNS = 3000, SIZE = 8, SHARED = 5 };

static SSL_CTX *ctx;
static SSL_SESSION *shared[SHARED];
static int made;

static void turn_of(unsigned int number, unsigned int turn)
{
    char id[16];
    SSL_SESSION *session;

    snprintf(id, sizeof(id), "%u", number % 23);
    session = session_made('T', TLS1_3_VERSION, id, (long)(1000000 + turn), 100);
    __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    SSL_CTX_add_session(ctx, session);
    session_set_time(session, (long)(2000000 + number % 9));
    SSL_CTX_add_session(ctx, shared[number % SHARED]);
    session_set_timeout(shared[(number + 1) % SHARED], 5 + number % 50);
    session_set_time(shared[(number + 2) % SHARED], (long)(1000000 + turn));
    if (number % 4 == 0)
        context_flush(ctx, (long)(1000000 + turn));
    if (number % 5 == 0)
        SSL_CTX_remove_session(ctx, session);
    SSL_SESSION_free(session);
}

static void *work(void *arg)
{
    unsigned int seed = *(unsigned int *)arg, turn;

    for (turn = 0; turn < TURNS; ++turn)
        turn_of(seed * 7919 + turn * 31, turn);
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
    for (i = 0; i < SHARED; ++i)
        shared[i] = session_simple((char)('A' + i));
    for (i = 0; i < THREADS; ++i) {
        seeds[i] = (unsigned int)i + 1;
        CHECK(pthread_create(&threads[i], NULL, work, &seeds[i]) == 0);
    }
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(SSL_CTX_sess_number(ctx) <= SIZE);
    context_flush(ctx, 0);
    CHECK(SSL_CTX_sess_number(ctx) == 0);
    for (i = 0; i < SHARED; ++i)
        SSL_SESSION_free(shared[i]);
    SSL_CTX_free(ctx);
    CHECK(freed('T') == made && freed('A') == 1 && freed('E') == 1);
    FACT("sessions that all ended", made);
    return 0;
}
