/*
 * SSL_CTX_ctrl with every command number there is and some that there are not, with wild numbers and no pointer: each call
 * in a child of its own, on a context with a session in it. What kills libssl alone may kill it with us, nothing else may.
 */
#include "harness/harness.h"
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static SSL_CTX *ctx;

static const long arguments[] = {0, 1, -1, 0x7fff, 1L << 31, 1L << 33, LONG_MAX, LONG_MIN};
/* To some commands of libssl's own it is a length: so much memory they shall not take. */
#define HARMLESS 4
#define ALL (sizeof(arguments) / sizeof(arguments[0]))

/* The answer, and what the cache says of itself afterwards. */
struct outcome {
    long answer, number, size, mode;
};

static void child(int command, long argument, int to)
{
    struct rlimit none = {0, 0};
    struct outcome outcome;

    setrlimit(RLIMIT_CORE, &none);
    alarm(20);
    /* Where a tool tells why it dies, it is no fault of this program. */
    close(STDERR_FILENO);
    outcome.answer = SSL_CTX_ctrl(ctx, command, argument, NULL);
    outcome.number = SSL_CTX_sess_number(ctx);
    outcome.size = SSL_CTX_sess_get_cache_size(ctx);
    outcome.mode = SSL_CTX_get_session_cache_mode(ctx);
    _exit(write(to, &outcome, sizeof(outcome)) == (ssize_t)sizeof(outcome) ? 0 : 1);
}

static void in_a_child(int command, long argument)
{
    struct outcome outcome;
    int ends[2], status;
    pid_t pid;

    CHECK(pipe(ends) == 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        child(command, argument, ends[1]);
    close(ends[1]);
    if (read(ends[0], &outcome, sizeof(outcome)) == (ssize_t)sizeof(outcome))
        note("  %ld: %ld, then %ld %ld %lx", argument, outcome.answer, outcome.number, outcome.size,
             (unsigned long)outcome.mode);
    else
        note("  %ld: it dies", argument);
    close(ends[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
}

static int is_about_the_cache(int command)
{
    return (command >= SSL_CTRL_SESS_NUMBER && command <= SSL_CTRL_SESS_CACHE_FULL)
        || (command >= SSL_CTRL_SET_SESS_CACHE_SIZE && command <= SSL_CTRL_GET_SESS_CACHE_MODE);
}

static void try(int command)
{
    size_t i, number = is_about_the_cache(command) ? ALL : HARMLESS;

    note("command %d", command);
    for (i = 0; i < number; i++)
        in_a_child(command, arguments[i]);
}

int main(void)
{
    SSL_SESSION *session = session_simple('A');
    int command;

    ctx = SSL_CTX_new(TLS_method());
    CHECK(ctx != NULL && session != NULL);
    CHECK(SSL_CTX_add_session(ctx, session) == 1);
    for (command = -2; command <= 145; command++)
        try(command);
    try(9999);
    try(INT_MAX);
    try(INT_MIN);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    return 0;
}
