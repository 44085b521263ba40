/* test: valgrind=memcheck */
/*
 * SSL_CTX_sessions called by the remove callback, in a flush and at the end of the context: libssl's table is
 * asked for while sessions are leaving it. Every session is told once, and ends.
 */
#include "harness/harness.h"

enum { SESSIONS = 5 };

static int told, labelled;

static void on_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    unsigned int length;

    CHECK(SSL_CTX_sessions(ctx) != NULL);
    ++told;
    SSL_SESSION_get_id(session, &length);
    labelled += length == 1;
}

static void leaving(const char *name, int flushes)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    int i;

    part(name);
    told = labelled = 0;
    SSL_CTX_sess_set_remove_cb(ctx, on_remove);
    for (i = 0; i < SESSIONS; ++i) {
        SSL_SESSION *session = session_simple((char)('A' + i));

        CHECK(SSL_CTX_add_session(ctx, session));
        SSL_SESSION_free(session);
    }
    if (flushes) {
        context_flush(ctx, 0);
        FACT("told by the flush", told);
        FACT("left", SSL_CTX_sess_number(ctx));
    }
    SSL_CTX_free(ctx);
    FACT("told in all", told);
    FACT("of them the application's", labelled);
    for (i = 0; i < SESSIONS; ++i)
        CHECK(freed((char)('A' + i)) == 1);
    app_reset();
}

int main(void)
{
    leaving("in a flush", 1);
    leaving("at the end", 0);
    return 0;
}
