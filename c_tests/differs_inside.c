/* test: differs=14,15,16,17 */
/* libssl's own functions, by a handle of it, on a context that was made through the library. */
#include "harness/harness.h"

typedef long (*ctrl_function)(SSL_CTX *, int, long, void *);
typedef int (*add_function)(SSL_CTX *, SSL_SESSION *);
typedef int (*ask_function)(const SSL *, const unsigned char *, unsigned int);

static ctrl_function real_ctrl;

static void both_ways(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_simple('A'), *b = session_simple('B');
    add_function real_add = (add_function)libssl_function("SSL_CTX_add_session");

    part("both ways");
    app_install(ctx);
    FACT("added", SSL_CTX_add_session(ctx, a));
    FACT("added by libssl", real_add(ctx, b));
    differs_number(14, "number", SSL_CTX_sess_number(ctx), 2, 1);
    FACT("removed", SSL_CTX_remove_session(ctx, b));
    FACT("again", SSL_CTX_remove_session(ctx, b));
    FACT("added by libssl", real_add(ctx, b));
    SSL_SESSION_free(a);
    SSL_SESSION_free(b);
    app.sorted = 1;
    context_free_told(ctx);
    FACT("ended", freed('A') + freed('B'));
    app_reset();
}

static void the_real_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');
    long mode;

    part("the real context");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_UPDATE_TIME);
    SSL_CTX_sess_set_cache_size(ctx, 100);
    CHECK(SSL_CTX_add_session(ctx, session));
    mode = real_ctrl(ctx, SSL_CTRL_GET_SESS_CACHE_MODE, 0, NULL);
    differs_number(15, "NO_INTERNAL", (mode & SSL_SESS_CACHE_NO_INTERNAL) != 0, 0, 1);
    differs_number(15, "UPDATE_TIME", (mode & SSL_SESS_CACHE_UPDATE_TIME) != 0, 1, 0);
    FACT("BOTH", (mode & SSL_SESS_CACHE_BOTH) == SSL_SESS_CACHE_BOTH);
    differs_number(15, "size", real_ctrl(ctx, SSL_CTRL_GET_SESS_CACHE_SIZE, 0, NULL), 100, 0);
    differs_number(15, "sessions in its table", real_ctrl(ctx, SSL_CTRL_SESS_NUMBER, 0, NULL), 1, 2);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    app_reset();
}

static void hits(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    SSL_SESSION *session, *next;

    part("hits");
    session = connection("first", server, client, NULL);
    next = connection("second", server, client, session);
    FACT("cb_hits", SSL_CTX_sess_cb_hits(server));
    differs_number(16, "its own count", real_ctrl(server, SSL_CTRL_SESS_CB_HIT, 0, NULL), 0, 1);
    session_drop(&next);
    session_drop(&session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static char generated;

static int generate(SSL *ssl, unsigned char *id, unsigned int *length)
{
    (void)ssl;
    memset(id, generated, *length);
    return 1;
}

/* A fresh SSL asks for its method's newest version: with DTLS that is the session's. */
static int known_to_libssl(SSL_CTX *ctx, char id)
{
    ask_function ask = (ask_function)libssl_function("SSL_has_matching_session_id");
    SSL *ssl = SSL_new(ctx);
    unsigned char bytes[32];
    int known;

    memset(bytes, id, sizeof(bytes));
    CHECK(ssl != NULL);
    known = ask(ssl, bytes, sizeof(bytes));
    SSL_free(ssl);
    return known;
}

static void connected(const char *name, SSL_CTX *server, SSL_CTX *client)
{
    SSL_SESSION *session = connection(name, server, client, NULL);

    session_drop(&session);
}

static void generators(void)
{
    SSL_CTX *server = server_context(DTLS12_ID), *client = client_context(DTLS12_ID);

    part("generated ids");
    CHECK(SSL_CTX_set_generate_session_id(server, generate));
    generated = 'a';
    connected("an id", server, client);
    differs_number(17, "it is in libssl's table", known_to_libssl(server, 'a'), 1, 0);
    connected("the same one", server, client);
    FACT("it is in libssl's table", known_to_libssl(server, 'a'));
    generated = 'b';
    connected("another one", server, client);
    differs_number(17, "it is in libssl's table", known_to_libssl(server, 'a'), 1, 0);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    real_ctrl = (ctrl_function)libssl_function("SSL_CTX_ctrl");
    both_ways();
    the_real_context();
    hits();
    generators();
    return 0;
}
