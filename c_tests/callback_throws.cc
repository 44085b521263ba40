/* test: leaks=yes */
/*
 * C++ exceptions that leave callbacks through libssl's frames, and threads that end
 * themselves inside one. Only where libssl holds no lock at that moment.
 */
#include "harness/harness.h"

#include <pthread.h>
#include <stdexcept>

static void throwing_remove(SSL_CTX *, SSL_SESSION *)
{
    throw std::runtime_error("thrown by the remove callback");
}

static int throwing_new(SSL *, SSL_SESSION *)
{
    throw std::runtime_error("thrown by the new callback");
}

static SSL_SESSION *throwing_get(SSL *, const unsigned char *, int, int *)
{
    throw std::runtime_error("thrown by the get callback");
}

static void leaving_remove(SSL_CTX *, SSL_SESSION *)
{
    pthread_exit(const_cast<char *>("left"));
}

static void works_on(SSL_CTX *server, SSL_CTX *client)
{
    SSL_SESSION *session, *next;

    app_install(server);
    session = connection("afterwards", server, client, NULL);
    next = connection("resumed", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
    SSL_CTX_sess_set_remove_cb(server, NULL);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    app_reset();
}

static void from_removal()
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    SSL_SESSION *session = session_simple('A');

    part("remove callback");
    SSL_CTX_sess_set_remove_cb(server, throwing_remove);
    for (int i = 0; i < 3; ++i) {
        CHECK(SSL_CTX_add_session(server, session));
        try {
            SSL_CTX_remove_session(server, session);
            note("nothing was thrown");
        } catch (const std::exception &error) {
            note("%s, number %ld", error.what(), SSL_CTX_sess_number(server));
        }
    }
    SSL_SESSION_free(session);
    works_on(server, client);
}

static void from_handshake(enum kind kind, bool new_one)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session = NULL;

    part(kind_name(kind));
    if (new_one) {
        SSL_CTX_sess_set_new_cb(server, throwing_new);
    } else {
        session = connection("first", server, client, NULL);
        context_flush(server, 0);
        SSL_CTX_sess_set_get_cb(server, throwing_get);
    }
    struct pair pair = pair_new(server, client, session);
    try {
        FACT("done", handshake(&pair));
    } catch (const std::exception &error) {
        note("%s", error.what());
    }
    SSL_set_shutdown(pair.server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    pair_free(&pair);
    SSL_SESSION_free(session);
    works_on(server, client);
}

static void *removes(void *arg)
{
    SSL_CTX *server = static_cast<SSL_CTX *>(arg);
    SSL_SESSION *session = session_simple('A');

    CHECK(SSL_CTX_add_session(server, session));
    SSL_CTX_remove_session(server, session);
    return const_cast<char *>("returned");
}

static void thread_ends_within()
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    pthread_t thread;
    void *result = NULL;

    part("a thread that ends in the remove callback");
    SSL_CTX_sess_set_remove_cb(server, leaving_remove);
    CHECK(pthread_create(&thread, NULL, removes, server) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    fact_text("it", static_cast<const char *>(result));
    FACT("number", SSL_CTX_sess_number(server));
    works_on(server, client);
}

int main()
{
    from_removal();
    from_handshake(TLS12_ID, true);
    from_handshake(TLS12_ID, false);
    from_handshake(TLS13_STATEFUL, true);
    from_handshake(TLS13_STATEFUL, false);
    thread_ends_within();
    return 0;
}
