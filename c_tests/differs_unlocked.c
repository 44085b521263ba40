/* test: differs=2 */
/*
 * The remove callback of a flush or of an eviction runs under libssl's lock up to 3.6 and without one with the library:
 * another thread waits for it, or does not.
 */
#include "harness/harness.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include <openssl/lhash.h>

/* So long a thread has to be held up; without the lock it is done in no time. */
enum { PATIENCE = 3 };

static SSL_CTX *context;
static SSL_SESSION *live;
static sem_t done;
static pthread_t thread;
static const char *met;

static void *add_another(void *arg)
{
    SSL_SESSION *session = session_simple('T');

    (void)arg;
    SSL_CTX_add_session(context, session);
    SSL_SESSION_free(session);
    sem_post(&done);
    return NULL;
}

static void let_another_thread_work(SSL_CTX *ctx, SSL_SESSION *session)
{
    struct timespec until;

    (void)ctx, (void)session;
    app.on_remove = NULL;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    CHECK(pthread_create(&thread, NULL, add_another, NULL) == 0);
    met = sem_timedwait(&done, &until) == 0 ? "is done" : "waits";
}

static int holds_a_lock(void)
{
    return OpenSSL_version_num() < 0x40000000UL;
}

static void leaving(const char *name, int flushes)
{
    SSL_SESSION *first = session_timed('A', 1000, 10), *second = session_simple('B');

    part(name);
    context = SSL_CTX_new(TLS_method());
    app_install(context);
    CHECK(SSL_CTX_add_session(context, first) && sem_init(&done, 0, 0) == 0);
    SSL_CTX_sess_set_cache_size(context, 1);
    app.on_remove = let_another_thread_work;
    app.quiet = 1;
    if (flushes)
        context_flush(context, 2000);
    else
        SSL_CTX_add_session(context, second);
    CHECK(pthread_join(thread, NULL) == 0);
    if (holds_a_lock())
        differs(2, "another thread", met, "waits", "is done");
    else
        fact_text("another thread", met);
    sem_destroy(&done);
    SSL_SESSION_free(first);
    SSL_SESSION_free(second);
    SSL_CTX_free(context);
    app_reset();
}

static void look_into_the_table(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)session;
    if (met == NULL)
        met = OPENSSL_LH_retrieve((OPENSSL_LHASH *)SSL_CTX_sessions(ctx), live) == live ? "in it" : "not in it";
}

/* The raw table, asked for by the callback: on its way out is one session, the other stays. */
static void table(void)
{
    SSL_SESSION *first = session_timed('A', 1000, 10);

    part("the table");
    met = NULL;
    context = SSL_CTX_new(TLS_method());
    live = session_simple('B');
    app_install(context);
    CHECK(SSL_CTX_add_session(context, first) && SSL_CTX_add_session(context, live));
    app.on_remove = look_into_the_table;
    context_flush(context, 2000);
    if (holds_a_lock())
        differs(2, "the other session", met, "in it", "not in it");
    else
        fact_text("the other session", met);
    FACT("afterwards", OPENSSL_LH_retrieve((OPENSSL_LHASH *)SSL_CTX_sessions(context), live) == live);
    SSL_SESSION_free(first);
    SSL_SESSION_free(live);
    context_free_told(context);
    app_reset();
}

int main(void)
{
    leaving("a flush", 1);
    leaving("an eviction", 0);
    table();
    return 0;
}
