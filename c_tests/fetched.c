/*
 * A program that fetches every function of a context by dlsym on libssl's own handle, as .NET does: nothing of
 * it passes the library but what libssl itself calls. Its callbacks and its resumption must stay as they are.
 */
#include "harness/harness.h"

#include <dlfcn.h>

static void *function(const char *name)
{
    static const char *const names[] = { "libssl.so.1.1", "libssl.so.3", "libssl.so.4" };
    void *handle = NULL;
    size_t i;

    for (i = 0; i < 3 && handle == NULL; ++i)
        handle = dlopen(names[i], RTLD_NOLOAD | RTLD_NOW);
    CHECK(handle != NULL && dlsym(handle, name) != NULL);
    return dlsym(handle, name);
}

static int news;

static int on_new(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    ++news;
    return 0;
}

/* One handshake of a server object that came past the library, too. */
static SSL_SESSION *connect_once(SSL_CTX *server, SSL_CTX *model, SSL_CTX *client, SSL_SESSION *resume)
{
    SSL *(*ssl_new)(SSL_CTX *) = (SSL * (*)(SSL_CTX *)) function("SSL_new");
    /* The harness calls a bound SSL_new, so for a context that does not matter. */
    struct pair pair = pair_new(model, client, resume);
    SSL_SESSION *session;

    SSL_free(pair.server);
    pair.server = ssl_new(server);
    CHECK(pair.server != NULL);
    SSL_set_accept_state(pair.server);
    pair_join(&pair);
    fact_text("handshake", outcome(&pair, handshake(&pair)));
    session = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    return session;
}

int main(void)
{
    SSL_CTX *(*ctx_new)(const SSL_METHOD *) = (SSL_CTX * (*)(const SSL_METHOD *)) function("SSL_CTX_new");
    long (*ctrl)(SSL_CTX *, int, long, void *) = (long (*)(SSL_CTX *, int, long, void *))function("SSL_CTX_ctrl");
    void (*set_new_cb)(SSL_CTX *, int (*)(SSL *, SSL_SESSION *)) =
        (void (*)(SSL_CTX *, int (*)(SSL *, SSL_SESSION *)))function("SSL_CTX_sess_set_new_cb");
    SSL_CTX *server = ctx_new(TLS_server_method()), *client = client_context(TLS12_ID), *model = server_context(TLS12_ID);
    SSL_SESSION *first, *second;

    FACT("mode", ctrl(server, SSL_CTRL_GET_SESS_CACHE_MODE, 0, NULL));
    FACT("size", ctrl(server, SSL_CTRL_GET_SESS_CACHE_SIZE, 0, NULL));
    ctrl(server, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, NULL);
    SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    CHECK(SSL_CTX_use_certificate(server, SSL_CTX_get0_certificate(model)));
    CHECK(SSL_CTX_use_PrivateKey(server, SSL_CTX_get0_privatekey(model)));
    CHECK(SSL_CTX_set_session_id_context(server, (const unsigned char *)"fetched", 7));
    set_new_cb(server, on_new);
    first = connect_once(server, model, client, NULL);
    second = connect_once(server, model, client, first);
    FACT("new callbacks", news);
    FACT("number", ctrl(server, SSL_CTRL_SESS_NUMBER, 0, NULL));
    FACT("hits", ctrl(server, SSL_CTRL_SESS_HIT, 0, NULL));
    session_drop(&second);
    session_drop(&first);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    SSL_CTX_free(model);
    return 0;
}
