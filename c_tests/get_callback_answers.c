/* test: valgrind=memcheck */
/*
 * What the get callback may answer besides the right session: nothing, one
 * marked not resumable, expired, of another session id context, of another id or
 * version; and that libssl frees what it was given exactly once.
 */
#include "harness/harness.h"

static SSL_CTX *server, *client;
static SSL_SESSION *offered;

static void begin(const char *name, enum kind kind)
{
    printf("[%s, %s]\n", kind_name(kind), name);
    server = server_context(kind);
    client = client_context(kind);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    app_install(server);
    app.keep = 1;
    offered = connection("first", server, client, NULL);
    app.keep = 0;
    CHECK(app.stored == 1);
    app.copy = COPY_ZERO;
    app.own_reference = 1;
}

static void end(void)
{
    SSL_SESSION *next = connection("resume", server, client, offered);
    SSL_SESSION *answer = app.answer;

    session_drop(&next);
    FACT("hits", SSL_CTX_sess_hits(server));
    FACT("cb_hits", SSL_CTX_sess_cb_hits(server));
    FACT("misses", SSL_CTX_sess_misses(server));
    FACT("timeouts", SSL_CTX_sess_timeouts(server));
    FACT("number", SSL_CTX_sess_number(server));
    if (answer != NULL)
        SSL_SESSION_free(answer);
    FACT("the answer ended", freed('D'));
    session_drop(&offered);
    context_free_told(server);
    FACT("the answer ended", freed('D'));
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

static void nothing(enum kind kind)
{
    begin("nothing", kind);
    SSL_SESSION_free(app.store[--app.stored]);
    end();
}

static void marked(enum kind kind)
{
    SSL_CTX *scratch = SSL_CTX_new(TLS_method());

    begin("marked not resumable", kind);
    app.answer = session_decoded('D', app.store[0]);
    SSL_CTX_remove_session(scratch, app.answer);
    FACT("resumable", SSL_SESSION_is_resumable(app.answer));
    SSL_CTX_free(scratch);
    end();
}

static void expired(enum kind kind)
{
    begin("expired", kind);
    app.answer = session_decoded('D', app.store[0]);
    session_set_time(app.answer, 1000);
    end();
}

static void expired_and_stored(enum kind kind)
{
    begin("expired, with the internal cache", kind);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER);
    app.answer = session_decoded('D', app.store[0]);
    session_set_time(app.answer, 1000);
    end();
}

static void other_context_id(enum kind kind)
{
    begin("of another session id context", kind);
    app.answer = session_decoded('D', app.store[0]);
    CHECK(SSL_SESSION_set1_id_context(app.answer, (const unsigned char *)"other", 5));
    end();
}

static void other_version(enum kind kind)
{
    begin("of another version", kind);
    app.answer = session_decoded('D', app.store[0]);
    CHECK(SSL_SESSION_set_protocol_version(app.answer, TLS1_1_VERSION));
    end();
}

static void other_id(enum kind kind)
{
    begin("of another id", kind);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP);
    app.answer = session_decoded('D', app.store[0]);
    CHECK(SSL_SESSION_set1_id(app.answer, (const unsigned char *)"0123456789abcdef0123456789abcdef", 32));
    end();
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, DTLS12_ID };
    size_t i;

    for (i = 0; i < 3; ++i) {
        nothing(kinds[i]);
        marked(kinds[i]);
        expired(kinds[i]);
        expired_and_stored(kinds[i]);
        other_context_id(kinds[i]);
        other_version(kinds[i]);
        other_id(kinds[i]);
    }
    return 0;
}
