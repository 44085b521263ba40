/*
 * Contexts freed after main() has returned: by atexit handlers, and by static
 * storage that ends after libcrypto has cleaned up after itself.
 */
#include "harness/harness.h"

static SSL_CTX *by_handler, *by_destructor;

static void handler(void)
{
    part("atexit handler");
    context_free_told(by_handler);
    fact_calls("calls");
}

__attribute__((destructor)) static void destructor(void)
{
    part("destructor");
    FACT("number", SSL_CTX_sess_number(by_destructor));
    FACT("size", SSL_CTX_sess_get_cache_size(by_destructor));
}

static SSL_CTX *filled(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *session = session_simple('A');

    app_install(ctx);
    app.session_context = NULL;
    CHECK(SSL_CTX_add_session(ctx, session));
    SSL_SESSION_free(session);
    return ctx;
}

int main(void)
{
    by_handler = filled();
    by_destructor = filled();
    CHECK(atexit(handler) == 0);
    part("main");
    FACT("number", SSL_CTX_sess_number(by_handler));
    return 0;
}
