/* test: only=linked | env=SESSCACHE_SHARED=anon:4M */
/*
 * A line of sessions ends a day after its first full handshake, however often TLS 1.3 renews it and in whichever process.
 * The clock is this program's own, exported for libssl and the library, and common to its processes.
 */
#include "harness/harness.h"
#include "harness/workers.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { HOUR = 60 * 60, DAY = 24 };

static long *ahead;

static long now(void)
{
    struct timespec real;

    syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
    return real.tv_sec + (ahead != NULL ? *ahead : 0);
}

time_t time(time_t *result)
{
    time_t told = now();

    if (result != NULL)
        *result = told;
    return told;
}

int gettimeofday(struct timeval *restrict value, void *restrict zone)
{
    (void)zone;
    value->tv_sec = now();
    value->tv_usec = 0;
    return 0;
}

int clock_gettime(clockid_t id, struct timespec *value)
{
    if (id != CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, id, value);
    value->tv_sec = now();
    value->tv_nsec = 0;
    return 0;
}

/* Resumes, and has the client's newest session in place of the one that was offered. */
static enum came renew(SSL_CTX *server, SSL_CTX *client, struct token *token)
{
    SSL_SESSION *session = token_session(token);
    struct pair pair = pair_new(server, client, session);
    enum came came;

    CHECK(handshake(&pair) && exchange(&pair));
    came = SSL_session_reused(pair.server) ? RESUMED : FULL;
    SSL_SESSION_free(session);
    session = SSL_get1_session(pair.client);
    *token = token_of(session);
    SSL_SESSION_free(session);
    close_clean(&pair);
    pair_free(&pair);
    return came;
}

static void of_kind(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct worker other;
    struct token token;
    int hour;

    part(kind_name(kind));
    SSL_CTX_set_timeout(server, 3 * DAY * HOUR);
    SSL_CTX_set_timeout(client, 3 * DAY * HOUR);
    other = worker_start(server, client);
    token = connect_here(server, client);
    for (hour = 1; hour < DAY; ++hour) {
        *ahead += HOUR;
        /* The last one half an hour before its end. */
        if (hour == DAY - 1)
            *ahead += HOUR / 2;
        CHECK(worker_resume(&other, &token, 0) == RESUMED);
        CHECK(renew(server, client, &token) == RESUMED);
    }
    fact_text("renewed every hour", "resumed by both");
    *ahead += HOUR;
    expect("a day later, where it was renewed", resume_here(server, client, &token, 0), FULL);
    expect("a day later, by another process", worker_resume(&other, &token, 0), FULL);
    token = connect_here(server, client);
    expect("a new line of sessions", worker_resume(&other, &token, 0), RESUMED);
    worker_end(&other);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

int main(void)
{
    ahead = mmap(NULL, sizeof(*ahead), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ahead != MAP_FAILED);
    of_kind(TLS12_ID);
    of_kind(TLS13_STATEFUL);
    return 0;
}
