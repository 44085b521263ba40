/*
 * Two connections offer the same single-use session at once: with anti-replay
 * exactly one of them resumes. And the same removal by several threads succeeds once.
 */
#include "harness/harness.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 25 };

static SSL_CTX *server, *client;
static SSL_SESSION *offered;
static pthread_barrier_t start;
static int wins;

static void *offer(void *arg)
{
    struct pair pair = pair_new(server, client, offered);

    (void)arg;
    pthread_barrier_wait(&start);
    CHECK(handshake(&pair));
    __atomic_add_fetch(&wins, SSL_session_reused(pair.server), __ATOMIC_RELAXED);
    close_clean(&pair);
    pair_free(&pair);
    return NULL;
}

static void *take(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&start);
    __atomic_add_fetch(&wins, SSL_CTX_remove_session(server, offered), __ATOMIC_RELAXED);
    return NULL;
}

static void at_once(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    int i;

    CHECK(pthread_barrier_init(&start, NULL, THREADS) == 0);
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    pthread_barrier_destroy(&start);
}

static SSL_SESSION *fresh(void)
{
    struct pair pair = pair_new(server, client, NULL);
    SSL_SESSION *session;

    CHECK(handshake(&pair));
    session = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    return session;
}

int main(void)
{
    int round, right = 0;

    server = server_context(TLS13_EARLY);
    client = client_context(TLS13_EARLY);
    part("single use");
    for (round = 0; round < ROUNDS; ++round) {
        offered = fresh();
        wins = 0;
        at_once(offer);
        right += wins == 1;
        session_drop(&offered);
    }
    FACT("rounds with one winner", right);

    part("removal");
    for (round = right = 0; round < ROUNDS; ++round) {
        offered = session_simple('A');
        CHECK(SSL_CTX_add_session(server, offered));
        wins = 0;
        at_once(take);
        right += wins == 1;
        session_drop(&offered);
    }
    FACT("rounds with one winner", right);
    FACT("ended", freed('A'));
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    return 0;
}
