/* test: valgrind=memcheck */
/*
 * The get callback's answer with every treatment of *copy, in every combination
 * of the internal bits: who owns which reference is proven by the ends of the
 * labelled objects.
 */
#include "harness/harness.h"

static const struct {
    const char *name;
    enum copy copy;
    int own_reference;
} answers[] = {
    { "*copy untouched", COPY_UNTOUCHED, 0 },
    { "*copy = 1", COPY_ONE, 0 },
    { "*copy = 0, a reference given", COPY_ZERO, 1 },
};

static const struct {
    const char *name;
    long mode;
} modes[] = {
    { "server", SSL_SESS_CACHE_SERVER },
    { "no lookup", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP },
    { "no store", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE },
    { "no internal", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL },
    { "off", SSL_SESS_CACHE_OFF },
};

static void resume_from_application(enum kind kind, size_t answer, size_t mode)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, %s, %s]\n", kind_name(kind), modes[mode].name, answers[answer].name);
    app_install(server);
    /* Re-adding among equals moves in 3.0; whether they are equal depends on the clock. */
    app.sorted = 1;
    app.keep = 1;
    session = connection("first", server, client, NULL);
    app.keep = 0;
    CHECK(app.stored == 1);

    /* Only the application has it now: a cache that stored it has lost it. */
    SSL_CTX_sess_set_remove_cb(server, NULL);
    context_flush(server, 0);
    SSL_CTX_sess_set_remove_cb(server, app_remove);
    FACT("in the cache", SSL_CTX_sess_number(server));

    /* Flushing marked that very object, which 3.x then refuses. */
    app.answer = session_decoded('D', app.store[0]);
    SSL_CTX_set_session_cache_mode(server, modes[mode].mode);
    app.copy = answers[answer].copy;
    app.own_reference = answers[answer].own_reference;
    next = connection("resume", server, client, session);
    FACT("in the cache", SSL_CTX_sess_number(server));
    session_drop(&next);
    next = connection("resume again", server, client, session);
    FACT("in the cache", SSL_CTX_sess_number(server));
    FACT("hits", SSL_CTX_sess_hits(server));
    FACT("cb_hits", SSL_CTX_sess_cb_hits(server));
    FACT("misses", SSL_CTX_sess_misses(server));
    session_drop(&next);
    session_drop(&session);

    FACT("ended while the application holds it", freed('D'));
    SSL_SESSION_free(app.answer);
    app.answer = NULL;
    FACT("ended after its own free", freed('D'));
    context_free_told(server);
    FACT("ended after the context", freed('D'));
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, DTLS12_ID };
    size_t kind, answer, mode;

    for (kind = 0; kind < 3; ++kind)
        for (mode = 0; mode < 5; ++mode)
            for (answer = 0; answer < 3; ++answer)
                resume_from_application(kinds[kind], answer, mode);
    return 0;
}
