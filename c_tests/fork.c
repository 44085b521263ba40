/*
 * Contexts made before a fork, used before it or only after it: the child has
 * what its parent had, and from then on each is alone.
 */
#include "harness/harness.h"

#include <sys/wait.h>
#include <unistd.h>

/* The child speaks first; the parent goes on when it has ended. */
static void in_a_child(void (*work)(SSL_CTX *, SSL_CTX *, SSL_SESSION *), SSL_CTX *server,
                       SSL_CTX *client, SSL_SESSION *session)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        part("child");
        work(server, client, session);
        SSL_SESSION_free(session);
        context_free_told(server);
        SSL_CTX_free(client);
        fflush(stdout);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    part("parent");
    FACT("child ended well", WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void two_connections(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *session)
{
    SSL_SESSION *made = connection("offering what the parent had", server, client, session), *next;

    FACT("number", SSL_CTX_sess_number(server));
    next = connection("its own", server, client, made);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&made);
    session_drop(&next);
}

static void remove_it(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *session)
{
    (void)client, (void)session;
    flush_told("flush", server, 0);
    FACT("number", SSL_CTX_sess_number(server));
}

static void grandchild(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *session)
{
    SSL_SESSION *made = connection("before the second fork", server, client, NULL);

    SSL_SESSION_up_ref(session);
    in_a_child(two_connections, server, client, made);
    SSL_SESSION_free(session);
    session_drop(&made);
    FACT("number", SSL_CTX_sess_number(server));
}

static void with_kind(enum kind kind, int used_before,
                      void (*work)(SSL_CTX *, SSL_CTX *, SSL_SESSION *), const char *name)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session = NULL, *next;

    printf("[%s, %s, %s]\n", kind_name(kind), name, used_before ? "used before" : "not used before");
    app_install(server);
    if (used_before)
        session = connection("before the fork", server, client, NULL);
    in_a_child(work, server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    next = connection("after the fork", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

/* The first context of all is made in the child. */
static void first_use_in_child(void)
{
    int status = 0;
    pid_t child;

    part("first context in the child");
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);

        two_connections(server, client, NULL);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
        fflush(stdout);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    FACT("child ended well", WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, TLS13_EARLY };
    size_t i;

    first_use_in_child();
    for (i = 0; i < 3; ++i) {
        with_kind(kinds[i], 0, two_connections, "child connects");
        with_kind(kinds[i], 1, two_connections, "child connects");
        with_kind(kinds[i], 1, remove_it, "child flushes");
        with_kind(kinds[i], 1, grandchild, "child forks");
    }
    return 0;
}
