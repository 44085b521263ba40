/* test: valgrind=memcheck */
/*
 * SSL_CTX_add_session: its return value, replacement, keys, references, and
 * that neither mode nor role stops it.
 */
#include "harness/harness.h"

static void return_values(SSL_CTX *ctx)
{
    SSL_SESSION *a = session_simple('A'), *same_id = session_made('B', TLS1_3_VERSION, "A", 1000, 100);
    SSL_SESSION *other_version = session_made('C', TLS1_2_VERSION, "A", 1000, 100);

    part("return values");
    FACT("new", SSL_CTX_add_session(ctx, a));
    FACT("the same object again", SSL_CTX_add_session(ctx, a));
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("same id, other version", SSL_CTX_add_session(ctx, other_version));
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(a);
    FACT("held by the cache", freed('A'));
    FACT("same id, other object", SSL_CTX_add_session(ctx, same_id));
    FACT("the replaced one ended", freed('A'));
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("resumable", SSL_SESSION_is_resumable(same_id));
    fact_calls("a replacement calls nothing");
    SSL_SESSION_free(same_id);
    SSL_SESSION_free(other_version);
    FACT("ended by our frees", freed('B') + freed('C'));
    flush_told("flush", ctx, 0);
    FACT("ended by the flush", freed('B') + freed('C'));
}

/* The replaced object is kept by the application: is it marked? */
static void replaced_object(SSL_CTX *ctx)
{
    SSL_SESSION *old = session_simple('O'), *fresh = session_made('N', TLS1_3_VERSION, "O", 5000, 100);

    part("replaced object");
    FACT("old", SSL_CTX_add_session(ctx, old));
    FACT("fresh", SSL_CTX_add_session(ctx, fresh));
    FACT("old is resumable", SSL_SESSION_is_resumable(old));
    FACT("old again", SSL_CTX_add_session(ctx, old));
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("remove by the other object of that key", SSL_CTX_remove_session(ctx, fresh));
    FACT("fresh is resumable", SSL_SESSION_is_resumable(fresh));
    FACT("old is resumable", SSL_SESSION_is_resumable(old));
    SSL_SESSION_free(old);
    SSL_SESSION_free(fresh);
    FACT("both ended", freed('O') + freed('N'));
}

static void ids(SSL_CTX *ctx)
{
    static const char longest[] = "0123456789abcdef0123456789abcdef";
    SSL_SESSION *full = session_made('L', TLS1_3_VERSION, longest, 1000, 100);
    SSL_SESSION *prefix = session_made('P', TLS1_3_VERSION, "0123456789abcdef", 1000, 100);
    SSL_SESSION *empty = session_made('E', TLS1_3_VERSION, "", 1000, 100);

    part("ids");
    FACT("32 bytes", SSL_CTX_add_session(ctx, full));
    FACT("its first half", SSL_CTX_add_session(ctx, prefix));
    FACT("none at all", SSL_CTX_add_session(ctx, empty));
    FACT("none again", SSL_CTX_add_session(ctx, empty));
    FACT("number", SSL_CTX_sess_number(ctx));
    FACT("32 bytes are found", has_id(ctx, longest));
    FACT("a third of them", has_id(ctx, "0123456789"));
    FACT("none is removed", SSL_CTX_remove_session(ctx, empty));
    FACT("half is removed", SSL_CTX_remove_session(ctx, prefix));
    FACT("number", SSL_CTX_sess_number(ctx));
    flush_told("flush", ctx, 0);
    FACT("number", SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(full);
    SSL_SESSION_free(prefix);
    SSL_SESSION_free(empty);
    FACT("all ended", freed('L') + freed('P') + freed('E'));
}

static void every_mode(SSL_CTX *ctx)
{
    static const long modes[] = {
        SSL_SESS_CACHE_OFF, SSL_SESS_CACHE_CLIENT, SSL_SESS_CACHE_BOTH,
        SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE,
        SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL,
        SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_AUTO_CLEAR,
    };
    size_t i;

    part("every mode");
    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); ++i) {
        SSL_SESSION *session = session_simple('M');

        SSL_CTX_set_session_cache_mode(ctx, modes[i]);
        FACT("added", SSL_CTX_add_session(ctx, session));
        FACT("number", SSL_CTX_sess_number(ctx));
        FACT("found", has_id(ctx, "M"));
        FACT("removed", SSL_CTX_remove_session(ctx, session));
        SSL_SESSION_free(session);
    }
    FACT("all ended", freed('M'));
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
}

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    CHECK(ctx != NULL);
    app_install(ctx);
    return_values(ctx);
    replaced_object(ctx);
    ids(ctx);
    every_mode(ctx);
    FACT("cache_full", SSL_CTX_sess_cache_full(ctx));
    SSL_CTX_free(ctx);
    app_reset();
    return 0;
}
