/* test: with=plugins/constructor.c */
/* A context made in another library's constructor, used in main(), looked at in its destructor. */
#include "harness/harness.h"

SSL_CTX *constructed_context(void);

int main(void)
{
    SSL_CTX *ctx = constructed_context();
    SSL_SESSION *session = session_simple('B');

    part("main");
    FACT("size", SSL_CTX_sess_get_cache_size(ctx));
    FACT("added", SSL_CTX_add_session(ctx, session));
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(session);
    return 0;
}
