/* test: valgrind=memcheck */
/*
 * The application generates session ids: lengths, refusals, conflicts with what
 * is cached, on the context and on the connection; and SSL_has_matching_session_id.
 */
#include "harness/harness.h"

static int calls;
static unsigned int wanted_length;
static int returned;
static const unsigned char *fixed; /* the id to give, or NULL for a count */
static int ask;

static int generate(SSL *ssl, unsigned char *id, unsigned int *length)
{
    unsigned int i, zeroes = 0;

    ++calls;
    for (i = 0; i < *length; ++i)
        zeroes += id[i] == 0;
    note("generate: room for %u, zeroed %u, version %x", *length, zeroes, (unsigned int)SSL_version(ssl));
    if (wanted_length <= 32) {
        memset(id, 'x', wanted_length);
        if (fixed != NULL)
            memcpy(id, fixed, wanted_length);
        else if (wanted_length > 0)
            id[0] = (unsigned char)calls;
    }
    if (ask)
        note("it is there already: %d", SSL_has_matching_session_id(ssl, id, wanted_length));
    *length = wanted_length;
    return returned;
}

static void reset(unsigned int length, const unsigned char *id)
{
    calls = 0;
    wanted_length = length;
    returned = 1;
    fixed = id;
    ask = 1;
}

static SSL_SESSION *told(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *session)
{
    SSL_SESSION *made = connection("connection", server, client, session);
    unsigned int length = 0;

    if (made != NULL)
        SSL_SESSION_get_id(made, &length);
    FACT("id of the client's session", length);
    FACT("number", SSL_CTX_sess_number(server));
    return made;
}

static void of_length(enum kind kind, unsigned int length)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next = NULL;

    printf("[%s, %u bytes]\n", kind_name(kind), length);
    FACT("set", SSL_CTX_set_generate_session_id(server, generate));
    reset(length, NULL);
    session = told(server, client, NULL);
    if (session != NULL)
        next = told(server, client, session);
    session_drop(&next);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void refusing(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session;

    printf("[%s, refused by the callback]\n", kind_name(kind));
    SSL_CTX_set_generate_session_id(server, generate);
    reset(16, NULL);
    returned = 0;
    session = told(server, client, NULL);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

/* The same id for a second session, while the first is cached and after it left. */
static void conflicting(enum kind kind)
{
    static const unsigned char id[] = "always the same one";
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session;

    printf("[%s, the same id again]\n", kind_name(kind));
    SSL_CTX_set_generate_session_id(server, generate);
    app_install(server);
    reset(19, id);
    session = told(server, client, NULL);
    session_drop(&session);
    session = told(server, client, NULL);
    session_drop(&session);
    fact_calls("calls");
    flush_told("flush", server, 0);
    session = told(server, client, NULL);
    session_drop(&session);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    session = told(server, client, NULL);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    fact_calls("calls");
    app_reset();
}

static void on_the_connection(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct pair pair = pair_new(server, client, NULL);

    printf("[%s, set on the connection]\n", kind_name(kind));
    reset(8, NULL);
    FACT("set", SSL_set_generate_session_id(pair.server, generate));
    FACT("done", handshake(&pair));
    FACT("calls", calls);
    close_clean(&pair);
    pair_free(&pair);
    pair = pair_new(server, client, NULL);
    SSL_set_generate_session_id(pair.server, generate);
    FACT("set to none", SSL_set_generate_session_id(pair.server, NULL));
    FACT("done", handshake(&pair));
    FACT("calls", calls);
    close_clean(&pair);
    pair_free(&pair);
    FACT("number", SSL_CTX_sess_number(server));
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void matching(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');
    unsigned char id[64] = "A";
    SSL *ssl = SSL_new(ctx);

    part("SSL_has_matching_session_id");
    FACT("nothing cached", SSL_has_matching_session_id(ssl, id, 1));
    CHECK(SSL_CTX_add_session(ctx, session));
    FACT("cached", SSL_has_matching_session_id(ssl, id, 1));
    FACT("longer", SSL_has_matching_session_id(ssl, id, 2));
    FACT("32 bytes", SSL_has_matching_session_id(ssl, id, 32));
    FACT("33 bytes", SSL_has_matching_session_id(ssl, id, 33));
    FACT("a lot", SSL_has_matching_session_id(ssl, id, 0xffffffff));
    FACT("none", SSL_has_matching_session_id(ssl, id, 0));
    SSL_free(ssl);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL, DTLS12_ID };
    static const unsigned int lengths[] = { 0, 1, 4, 31, 32, 33 };
    size_t i, j;

    for (i = 0; i < 3; ++i) {
        for (j = 0; j < 6; ++j)
            of_length(kinds[i], lengths[j]);
        refusing(kinds[i]);
        conflicting(kinds[i]);
        on_the_connection(kinds[i]);
    }
    matching();
    return 0;
}
