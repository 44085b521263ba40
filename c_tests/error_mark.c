/*
 * A mark that the application has set in its error queue, around the first calls of the library in this process:
 * what was there before it stays, what came after it goes.
 */
#include "harness/harness.h"

#include <errno.h>

static void raise_one(int reason)
{
#if OPENSSL_VERSION_NUMBER < 0x30000000L
    ERR_put_error(ERR_LIB_USER, 0, reason, "here", 1);
#else
    ERR_raise(ERR_LIB_USER, reason);
#endif
}

static int left(void)
{
    int count = 0;

    while (ERR_get_error() != 0)
        ++count;
    return count;
}

int main(void)
{
    SSL_CTX *ctx;
    SSL_SESSION *session;

    errno = 0;
    FACT("first of all", SSL_CTX_sess_number((SSL_CTX *)NULL));
    FACT("errno", errno);
    raise_one(1);
    ERR_set_mark();
    ctx = SSL_CTX_new(TLS_method());
    raise_one(2);
    FACT("new: popped", ERR_pop_to_mark());
    FACT("new: left", left());
    session = session_simple('A');
    raise_one(1);
    ERR_set_mark();
    CHECK(SSL_CTX_add_session(ctx, session));
    raise_one(2);
    FACT("add: popped", ERR_pop_to_mark());
    FACT("add: left", left());
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    return 0;
}
