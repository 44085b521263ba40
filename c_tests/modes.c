/*
 * Every mode bit with every kind of session: what is stored, what is found, and
 * what changes if the mode is changed between the two.
 */
#include "harness/harness.h"

static const struct {
    const char *name;
    long mode;
} modes[] = {
    { "off", SSL_SESS_CACHE_OFF },
    { "client", SSL_SESS_CACHE_CLIENT },
    { "server", SSL_SESS_CACHE_SERVER },
    { "both", SSL_SESS_CACHE_BOTH },
    { "server, no auto clear", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_AUTO_CLEAR },
    { "server, no lookup", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP },
    { "server, no store", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE },
    { "server, no internal", SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL },
    { "server, 0x400", SSL_SESS_CACHE_SERVER | 0x400 },
};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static void stored_then_found(enum kind kind, size_t first, size_t second)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;

    printf("[%s, %s, then %s]\n", kind_name(kind), modes[first].name, modes[second].name);
    SSL_CTX_set_session_cache_mode(server, modes[first].mode);
    session = connection("first", server, client, NULL);
    FACT("has an id", SSL_SESSION_is_resumable(session));
    FACT("number", SSL_CTX_sess_number(server));
    SSL_CTX_set_session_cache_mode(server, modes[second].mode);
    next = connection("second", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    FACT("hits", SSL_CTX_sess_hits(server));
    FACT("misses", SSL_CTX_sess_misses(server));
    session_drop(&next);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    int kind;
    size_t mode;

    for (kind = TLS12_ID; kind <= DTLS12_ID; ++kind)
        for (mode = 0; mode < MODES; ++mode)
            stored_then_found((enum kind)kind, mode, mode);
    for (mode = 0; mode < MODES; ++mode) {
        stored_then_found(TLS12_ID, 2, mode);
        stored_then_found(TLS13_STATEFUL, 2, mode);
    }
    return 0;
}
