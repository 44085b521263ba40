/*
 * A shared object that uses TLS from its constructor, before main() and before
 * the constructors of whatever was preloaded, and again from its destructor.
 */
#include "../harness/harness.h"

SSL_CTX *constructed_context(void);

static SSL_CTX *made;

__attribute__((constructor)) static void early(void)
{
    SSL_SESSION *session = session_simple('A');

    part("constructor");
    made = SSL_CTX_new(TLS_method());
    CHECK(made != NULL);
    app_install(made);
    FACT("added", SSL_CTX_add_session(made, session));
    FACT("number", SSL_CTX_sess_number(made));
    FACT("size", SSL_CTX_sess_set_cache_size(made, 7));
    SSL_SESSION_free(session);
}

SSL_CTX *constructed_context(void)
{
    return made;
}

__attribute__((destructor)) static void late(void)
{
    part("destructor");
    FACT("size", SSL_CTX_sess_get_cache_size(made));
    FACT("mode", SSL_CTX_get_session_cache_mode(made));
    FACT("number", SSL_CTX_sess_number(made));
    FACT("remove callback is ours", SSL_CTX_sess_get_remove_cb(made) == app_remove);
}
