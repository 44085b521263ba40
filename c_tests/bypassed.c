/*
 * Functions reached by dlsym on libssl's own handle, as ctypes and .NET do, mixed
 * with those that the loader binds: contexts that nobody saw being made. What was
 * added directly is found, removed and told; SSL_CTX_sess_number may not count it.
 */
#include "harness/harness.h"

#include <dlfcn.h>

static void *libssl(void)
{
    static const char *const names[] = { "libssl.so.1.1", "libssl.so.3", "libssl.so.4" };
    void *handle = NULL;
    size_t i;

    for (i = 0; i < 3 && handle == NULL; ++i)
        handle = dlopen(names[i], RTLD_NOLOAD | RTLD_NOW);
    CHECK(handle != NULL);
    return handle;
}

static SSL_CTX *(*direct_new)(const SSL_METHOD *);
static int (*direct_add)(SSL_CTX *, SSL_SESSION *);
static long (*direct_ctrl)(SSL_CTX *, int, long, void *);

static void find_direct(void)
{
    *(void **)&direct_new = dlsym(libssl(), "SSL_CTX_new");
    *(void **)&direct_add = dlsym(libssl(), "SSL_CTX_add_session");
    *(void **)&direct_ctrl = dlsym(libssl(), "SSL_CTX_ctrl");
    CHECK(direct_new != NULL && direct_add != NULL && direct_ctrl != NULL);
}

static void use(SSL_CTX *ctx)
{
    SSL_SESSION *session = session_simple('B');

    app_install(ctx);
    FACT("added", SSL_CTX_add_session(ctx, session));
    fact_cached("cached", ctx, "AB");
    FACT("removed", SSL_CTX_remove_session(ctx, session));
    FACT("size", SSL_CTX_sess_set_cache_size(ctx, 5));
    FACT("mode", SSL_CTX_get_session_cache_mode(ctx));
    SSL_SESSION_free(session);
    context_free_told(ctx);
    FACT("ended", freed('A') + freed('B'));
    app_reset();
}

static void made_directly(int filled)
{
    SSL_CTX *ctx = direct_new(TLS_method());
    SSL_SESSION *session = session_simple('A');

    part(filled ? "made and filled directly" : "made directly");
    if (filled)
        CHECK(direct_add(ctx, session));
    SSL_SESSION_free(session);
    use(ctx);
}

/* Handshakes of such a context, which first meets a bound function in its settings. */
static void handshakes(void)
{
    SSL_CTX *server = direct_new(TLS_server_method()), *client = client_context(TLS12_ID);
    SSL_SESSION *session, *next;

    part("handshakes");
    direct_ctrl(server, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, NULL);
    SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    identity_use(server, server_identity());
    session = connection("first", server, client, NULL);
    next = connection("second", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    app_install(server);
    next = connection("third", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    FACT("hits", SSL_CTX_sess_hits(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}

int main(void)
{
    find_direct();
    made_directly(0);
    made_directly(1);
    handshakes();
    return 0;
}
