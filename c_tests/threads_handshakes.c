/* test: valgrind=helgrind */
/*
 * Threads make connections to one server context at once, each full and then
 * resumed, with all three callbacks set; while one more thread reads counters.
 */
#include "harness/harness.h"

#include <pthread.h>

enum { THREADS = 4, TURNS = 12 };

static SSL_CTX *server, *client;
static int full, resumed, failed, news;
static int working;

static int count_new(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    __atomic_add_fetch(&news, 1, __ATOMIC_RELAXED);
    return 0;
}

static SSL_SESSION *find_nothing(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    (void)ssl, (void)id, (void)length, (void)copy;
    return NULL;
}

static void ignore(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx, (void)session;
}

static SSL_SESSION *once(SSL_SESSION *session)
{
    struct pair pair = pair_new(server, client, session);
    SSL_SESSION *next = NULL;

    if (!handshake(&pair)) {
        __atomic_add_fetch(&failed, 1, __ATOMIC_RELAXED);
    } else {
        __atomic_add_fetch(SSL_session_reused(pair.server) ? &resumed : &full, 1, __ATOMIC_RELAXED);
        next = SSL_get1_session(pair.client);
        close_clean(&pair);
    }
    pair_free(&pair);
    return next;
}

static void *work(void *arg)
{
    SSL_SESSION *session, *next;
    int turn, turns = under_valgrind() ? 2 : TURNS;

    (void)arg;
    for (turn = 0; turn < turns; ++turn) {
        session = once(NULL);
        next = once(session);
        session_drop(&session);
        session = once(next);
        session_drop(&session);
        session_drop(&next);
    }
    return NULL;
}

static void *look(void *arg)
{
    long *most = (long *)arg;

    while (__atomic_load_n(&working, __ATOMIC_ACQUIRE)) {
        long number = SSL_CTX_sess_number(server);

        if (number > *most)
            *most = number;
        sched_yield();
    }
    return NULL;
}

static void of_kind(enum kind kind)
{
    pthread_t threads[THREADS], watcher;
    long most = 0;
    int i;

    part(kind_name(kind));
    server = server_context(kind);
    client = client_context(kind);
    full = resumed = failed = news = 0;
    SSL_CTX_sess_set_new_cb(server, count_new);
    SSL_CTX_sess_set_get_cb(server, find_nothing);
    SSL_CTX_sess_set_remove_cb(server, ignore);
    working = 1;
    CHECK(pthread_create(&watcher, NULL, look, &most) == 0);
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    __atomic_store_n(&working, 0, __ATOMIC_RELEASE);
    CHECK(pthread_join(watcher, NULL) == 0);
    FACT("full", full);
    FACT("resumed", resumed);
    FACT("failed", failed);
    FACT("new", news);
    FACT("never more than there were", most <= news);
    fact_counters(server);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    /* Made before there are threads. */
    CHECK(server_identity() != NULL);
    of_kind(TLS12_ID);
    of_kind(TLS13_STATEFUL);
    of_kind(TLS13_EARLY);
    return 0;
}
