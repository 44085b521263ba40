/* test: valgrind=memcheck */
/*
 * Early data and its anti-replay: a session is good for one use, wherever it is
 * kept, and the removal that ends it is told once.
 */
#include "harness/harness.h"

static void attempt(const char *name, SSL_CTX *server, SSL_CTX *client, SSL_SESSION *session)
{
    struct pair pair = pair_new(server, client, session);
    int accepted, done;

    part(name);
    done = early_handshake(&pair, &accepted);
    fact_text("handshake", outcome(&pair, done));
    FACT("early data accepted", accepted);
    FACT("status", SSL_get_early_data_status(pair.client));
    FACT("number", SSL_CTX_sess_number(server));
    fact_calls("calls");
    close_clean(&pair);
    pair_free(&pair);
}

static SSL_SESSION *first(const char *name, SSL_CTX *server, SSL_CTX *client)
{
    SSL_SESSION *session;

    part(name);
    session = connection("first", server, client, NULL);
    FACT("max early data", SSL_SESSION_get_max_early_data(session));
    FACT("number", SSL_CTX_sess_number(server));
    fact_calls("calls");
    return session;
}

static void used_twice(long extra_mode)
{
    SSL_CTX *server = server_context(TLS13_EARLY), *client = client_context(TLS13_EARLY);
    SSL_SESSION *session;

    app_install(server);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | extra_mode);
    session = first("used twice", server, client);
    FACT("extra mode", extra_mode);
    attempt("first use", server, client, session);
    attempt("replay", server, client, session);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

/* The application has the only copy, and hands it out as often as it is asked. */
static void from_the_application(long extra_mode)
{
    SSL_CTX *server = server_context(TLS13_EARLY), *client = client_context(TLS13_EARLY);
    SSL_SESSION *session;

    app_install(server);
    app.keep = 1;
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | extra_mode);
    session = first("kept by the application", server, client);
    FACT("extra mode", extra_mode);
    app.keep = 0;
    context_flush(server, 0);
    fact_calls("calls");
    app.answer = session_decoded('D', app.store[0]);
    attempt("first use", server, client, session);
    FACT("resumable", SSL_SESSION_is_resumable(app.answer));
    attempt("second use", server, client, session);
    SSL_SESSION_free(app.answer);
    app.answer = NULL;
    session_drop(&session);
    context_free_told(server);
    FACT("the application's ended", freed('D'));
    SSL_CTX_free(client);
    app_reset();
}

static void without_anti_replay(void)
{
    SSL_CTX *server = server_context(TLS13_EARLY), *client = client_context(TLS13_EARLY);
    SSL_SESSION *session;

    SSL_CTX_set_options(server, SSL_OP_NO_ANTI_REPLAY);
    app_install(server);
    session = first("without anti-replay", server, client);
    attempt("first use", server, client, session);
    attempt("second use", server, client, session);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

/* The server asks for another group: the first ClientHello has spent the session. */
static void hello_retry(void)
{
    SSL_CTX *server = server_context(TLS13_EARLY), *client = client_context(TLS13_EARLY);
    SSL_SESSION *session;

    app_install(server);
    session = first("hello retry request", server, client);
    CHECK(SSL_CTX_set1_groups_list(client, "P-256:P-384"));
    CHECK(SSL_CTX_set1_groups_list(server, "P-384"));
    attempt("after a retry", server, client, session);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

/* No early data is sent, and the session is spent all the same. */
static void plain_resumption(void)
{
    SSL_CTX *server = server_context(TLS13_EARLY), *client = client_context(TLS13_EARLY);
    SSL_SESSION *session, *next;

    app_install(server);
    session = first("without sending any", server, client);
    next = connection("resume", server, client, session);
    session_drop(&next);
    next = connection("replay", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

/* A stateful session is not spent unless early data is on. */
static void stateful_without_early(void)
{
    SSL_CTX *server = server_context(TLS13_STATEFUL), *client = client_context(TLS13_STATEFUL);
    SSL_SESSION *session = first("stateful, no early data", server, client), *next;
    int i;

    for (i = 0; i < 3; ++i) {
        next = connection("again", server, client, session);
        session_drop(&next);
    }
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    static const long extra[] = {
        0, SSL_SESS_CACHE_NO_INTERNAL_LOOKUP, SSL_SESS_CACHE_NO_INTERNAL_STORE, SSL_SESS_CACHE_NO_INTERNAL,
    };
    size_t i;

    for (i = 0; i < 4; ++i) {
        used_twice(extra[i]);
        from_the_application(extra[i]);
    }
    without_anti_replay();
    hello_retry();
    plain_resumption();
    stateful_without_early();
    return 0;
}
