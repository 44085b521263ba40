/* test: differs=6 | leaks=yes */
/* A stored session gets another id with the same first four bytes, by which alone libssl's table is ordered. */
#include "harness/harness.h"

static void changed(const char *name, const char *id, int same_beginning)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_made('A', TLS1_3_VERSION, "beginning", 1000, 100000);

    part(name);
    CHECK(SSL_CTX_add_session(ctx, a));
    CHECK(SSL_SESSION_set1_id(a, (const unsigned char *)id, (unsigned int)strlen(id)));
    FACT("found by the old id", has_id(ctx, "beginning"));
    if (same_beginning)
        differs_number(6, "found by the new id", has_id(ctx, id), 1, 0);
    else
        FACT("found by the new id", has_id(ctx, id));
    SSL_SESSION_free(a);
    SSL_CTX_free(ctx);
    FACT("ended", freed('A'));
    app_reset();
}

/* libssl lets go of it and keeps its pointer: nothing may free it, or the context, afterwards. */
static void flushed(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_made('A', TLS1_3_VERSION, "beginning", 1000, 100000);

    part("flushed under another id");
    CHECK(SSL_CTX_add_session(ctx, a));
    CHECK(SSL_SESSION_set1_id(a, (const unsigned char *)"nothing of it", 13));
    context_flush(ctx, 0);
    differs_number(6, "number", SSL_CTX_sess_number(ctx), 1, 0);
}

int main(void)
{
    changed("the end of the id", "begin", 1);
    changed("its beginning", "nothing of it", 0);
    flushed();
    return 0;
}
