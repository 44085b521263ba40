/* test: valgrind=memcheck */
/*
 * Handshakes that fail after a session was found, before one was made, or that
 * are given up half way: what becomes of the cached session.
 */
#include "harness/harness.h"

static SSL_CTX *server, *client;
static SSL_SESSION *session;

static void begin(enum kind kind, const char *name)
{
    printf("[%s, %s]\n", kind_name(kind), name);
    server = server_context(kind);
    client = client_context(kind);
    app_install(server);
    session = connection("first", server, client, NULL);
}

static void end(void)
{
    SSL_SESSION *next;

    FACT("number", SSL_CTX_sess_number(server));
    next = connection("afterwards", server, client, session);
    session_drop(&next);
    session_drop(&session);
    FACT("hits", SSL_CTX_sess_hits(server));
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

/* The first flight reaches the server, then both are freed. */
static void given_up(enum kind kind, int offered, int steps)
{
    struct pair pair;
    int i;

    begin(kind, offered ? "given up, resuming" : "given up, full");
    FACT("steps", steps);
    pair = pair_new(server, client, offered ? session : NULL);
    for (i = 0; i < steps; ++i) {
        (void)SSL_do_handshake(pair.client);
        (void)SSL_do_handshake(pair.server);
    }
    ERR_clear_error();
    FACT("server is in init", SSL_in_init(pair.server));
    pair_free(&pair);
    end();
}

/* A broken Finished: the server sends a fatal alert for a session found in the cache. */
static void broken_finish(enum kind kind)
{
    struct pair pair;
    unsigned char buffer[4096];
    int got;

    begin(kind, "broken at the end");
    pair = pair_new(server, client, session);
    (void)SSL_do_handshake(pair.client);
    (void)SSL_do_handshake(pair.server);
    (void)SSL_do_handshake(pair.client);
    /* Takes what the client sent out of the pipe, turns its last byte, puts it back. */
    got = BIO_read(SSL_get_rbio(pair.server), buffer, sizeof(buffer));
    CHECK(got > 0);
    buffer[got - 1] ^= 1;
    CHECK(BIO_write(SSL_get_wbio(pair.client), buffer, got) == got);
    FACT("server", SSL_do_handshake(pair.server));
    fact_error("reason");
    FACT("server is in init", SSL_in_init(pair.server));
    FACT("number", SSL_CTX_sess_number(server));
    pair_free(&pair);
    end();
}

static void no_common_group(enum kind kind)
{
    struct pair pair;

    begin(kind, "nothing in common");
    pair = pair_new(server, client, NULL);
    CHECK(SSL_set1_groups_list(pair.client, "P-384"));
    FACT("done", handshake(&pair));
    fact_text("server", pair.server_error);
    pair_free(&pair);
    end();
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, TLS13_EARLY };
    size_t i;
    int steps;

    for (i = 0; i < 3; ++i) {
        for (steps = 0; steps <= 1; ++steps) {
            given_up(kinds[i], 0, steps);
            given_up(kinds[i], 1, steps);
        }
        broken_finish(kinds[i]);
        no_common_group(kinds[i]);
    }
    return 0;
}
