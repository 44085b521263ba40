/*
 * Forks while other threads use contexts of theirs. The child touches only a
 * context that was idle at that moment, with sessions made before; libssl does
 * that without any lock that another thread could have held.
 */
#include "harness/harness.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, FORKS = 60, PATIENCE = 20 };

static int working = 1;
static SSL_CTX *idle;
static SSL_SESSION *sessions[3];

static void *hammer(void *arg)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    (void)arg;
    SSL_CTX_sess_set_cache_size(ctx, 8);
    while (__atomic_load_n(&working, __ATOMIC_ACQUIRE)) {
        SSL_SESSION *session = session_simple('T');
        SSL_CTX *other = SSL_CTX_new(TLS_method());

        SSL_CTX_add_session(ctx, session);
        SSL_CTX_remove_session(ctx, session);
        SSL_CTX_add_session(other, session);
        context_flush(other, 0);
        SSL_CTX_free(other);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(ctx);
    return NULL;
}

/* Nothing is made or freed here: that would take libcrypto's own locks. */
static void child_works(void)
{
    /* Ends the child, should it wait for ever. */
    alarm(PATIENCE);
    SSL_CTX_sess_set_cache_size(idle, 2);
    CHECK(SSL_CTX_add_session(idle, sessions[0]));
    CHECK(SSL_CTX_add_session(idle, sessions[1]));
    CHECK(SSL_CTX_add_session(idle, sessions[2]));
    CHECK(SSL_CTX_remove_session(idle, sessions[2]));
    CHECK(SSL_CTX_remove_session(idle, sessions[1]) + SSL_CTX_add_session(idle, sessions[0]) > 0);
    CHECK(SSL_CTX_sess_number(idle) > 0);
    context_flush(idle, 0);
    CHECK(SSL_CTX_sess_number(idle) == 0);
    CHECK(SSL_CTX_add_session(idle, sessions[0]) && SSL_CTX_sess_number(idle) == 1);
    _exit(0);
}

static void prepare(void)
{
    int i;

    idle = SSL_CTX_new(TLS_method());
    for (i = 0; i < 3; ++i)
        sessions[i] = session_simple((char)('A' + i));
    /* Used once, so that nothing is left to be made at first use. */
    CHECK(SSL_CTX_add_session(idle, sessions[0]) && SSL_CTX_remove_session(idle, sessions[0]));
}

int main(void)
{
    pthread_t threads[THREADS];
    int i, well = 0;

    prepare();
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_create(&threads[i], NULL, hammer, NULL) == 0);
    for (i = 0; i < FORKS; ++i) {
        int status = 0;
        pid_t child = fork();

        CHECK(child >= 0);
        if (child == 0)
            child_works();
        CHECK(waitpid(child, &status, 0) == child);
        well += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    __atomic_store_n(&working, 0, __ATOMIC_RELEASE);
    for (i = 0; i < THREADS; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    FACT("children that ended well", well);
    return 0;
}
