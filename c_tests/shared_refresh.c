/* test: only=linked | env=SESSCACHE_SHARED=anon:4M | env=SESSCACHE_TICKETS=stateful | valgrind=memcheck */
/*
 * One thread renews the certificate of a context while others make connections from it, as memcached does: under a lock that
 * covers SSL_new and nothing of the handshake. A connection is what the context was when it was made.
 */
#include "harness/harness.h"

#include <pthread.h>

enum { THREADS = 2, CERTIFICATES = 2, TURNS = 60 };

static SSL_CTX *server, *client;
static pthread_mutex_t renewing = PTHREAD_MUTEX_INITIALIZER;
static int working, done, resumed;

static X509 *certificate(long serial)
{
    X509 *made = X509_dup(server_identity()->certificate);

    CHECK(made != NULL && ASN1_INTEGER_set(X509_get_serialNumber(made), serial));
    CHECK(X509_sign(made, authority()->key, EVP_sha256()));
    return made;
}

/* The context has the only reference to what it shows: what is replaced is gone. */
static void *renew(void *arg)
{
    long serial = 5000;

    (void)arg;
    while (__atomic_load_n(&working, __ATOMIC_ACQUIRE)) {
        X509 *next = certificate(serial++ % CERTIFICATES + 5000);

        pthread_mutex_lock(&renewing);
        CHECK(SSL_CTX_use_certificate(server, next));
        pthread_mutex_unlock(&renewing);
        X509_free(next);
    }
    return NULL;
}

static SSL_SESSION *once(SSL_SESSION *session)
{
    struct pair pair;
    SSL_SESSION *next;

    pthread_mutex_lock(&renewing);
    pair = pair_new(server, client, session);
    pthread_mutex_unlock(&renewing);
    CHECK(handshake(&pair));
    __atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
    if (SSL_session_reused(pair.server))
        __atomic_add_fetch(&resumed, 1, __ATOMIC_RELAXED);
    next = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    return next;
}

static void *work(void *arg)
{
    SSL_SESSION *session = NULL, *next;
    int turn, turns = under_valgrind() ? 3 : TURNS;

    (void)arg;
    for (turn = 0; turn < turns; ++turn) {
        next = once(session);
        session_drop(&session);
        session = next;
    }
    session_drop(&session);
    return NULL;
}

static void of_kind(enum kind kind)
{
    pthread_t threads[THREADS], renewer;
    int i;

    server = server_context(kind);
    client = client_context(kind);
    done = resumed = 0;
    working = 1;
    CHECK(pthread_create(&renewer, NULL, renew, NULL) == 0);
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    __atomic_store_n(&working, 0, __ATOMIC_RELEASE);
    CHECK(pthread_join(renewer, NULL) == 0);
    printf("%s: %s\n", kind_name(kind), resumed > 0 && done >= resumed ? "resumed" : "never resumed");
    CHECK(resumed > 0);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    of_kind(TLS12_ID);
    of_kind(TLS13_STATEFUL);
    return 0;
}
