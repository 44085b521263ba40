/* test: valgrind=memcheck */
/* Capacity: how many stay, which one goes, in which order the callback learns it. */
#include "harness/harness.h"

static SSL_CTX *cache_of(long size)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    CHECK(ctx != NULL);
    SSL_CTX_sess_set_cache_size(ctx, size);
    app_install(ctx);
    return ctx;
}

static void add(SSL_CTX *ctx, SSL_SESSION *session)
{
    int added = SSL_CTX_add_session(ctx, session);

    note("add %c: %d, then %ld", label_of(session), added, SSL_CTX_sess_number(ctx));
    SSL_SESSION_free(session);
}

static void end(SSL_CTX *ctx, const char *labels)
{
    fact_cached("cached", ctx, labels);
    FACT("cache_full", SSL_CTX_sess_cache_full(ctx));
    context_free_told(ctx);
    app_reset();
}

static void same_expiry(long size)
{
    SSL_CTX *ctx = cache_of(size);
    char label;

    part("equal expiry");
    FACT("size", size);
    for (label = 'A'; label <= 'H'; ++label)
        add(ctx, session_timed(label, 100000, 100000));
    end(ctx, "ABCDEFGH");
}

static void mixed_expiry(long size)
{
    static const long expiry[] = { 500, 300, 900, 100, 300, 800, 100, 700 };
    SSL_CTX *ctx = cache_of(size);
    int i;

    part("mixed expiry");
    FACT("size", size);
    for (i = 0; i < 8; ++i)
        add(ctx, session_timed((char)('A' + i), expiry[i], 1000000));
    end(ctx, "ABCDEFGH");
}

/* The new one expires first of all, and stays all the same. */
static void newest_expires_first(void)
{
    SSL_CTX *ctx = cache_of(3);
    int i;

    part("the newest expires first");
    for (i = 0; i < 5; ++i)
        add(ctx, session_timed((char)('A' + i), 1000 - 100 * i, 1000000));
    end(ctx, "ABCDE");
}

static void shrunk(void)
{
    SSL_CTX *ctx = cache_of(0);
    char label;

    part("shrunk");
    for (label = 'A'; label <= 'H'; ++label)
        add(ctx, session_timed(label, 100 * label, 1000000));
    FACT("old size", SSL_CTX_sess_set_cache_size(ctx, 3));
    FACT("number", SSL_CTX_sess_number(ctx));
    add(ctx, session_timed('Z', 100, 1000000));
    end(ctx, "ABCDEFGHZ");
}

/* A victim without an id ends the loop: the cache outgrows its size. */
static void victim_without_id(void)
{
    SSL_CTX *ctx = cache_of(3);
    char label;

    part("a victim without an id");
    add(ctx, session_made('-', TLS1_3_VERSION, "", 1, 1000000));
    for (label = 'A'; label <= 'E'; ++label)
        add(ctx, session_timed(label, 100000, 1000000));
    end(ctx, "ABCDE");
}

static void replaced_at_capacity(void)
{
    SSL_CTX *ctx = cache_of(4);
    char label;

    part("a replacement at capacity");
    for (label = 'A'; label <= 'D'; ++label)
        add(ctx, session_timed(label, 100000, 1000000));
    add(ctx, session_made('c', TLS1_3_VERSION, "C", 100000, 1000000));
    add(ctx, session_timed('E', 100000, 1000000));
    end(ctx, "ABCDE");
}

/* The victim is marked, and freed once the application lets go of it. */
static void held_victim(void)
{
    SSL_CTX *ctx = cache_of(1);
    SSL_SESSION *held = session_timed('H', 100000, 1000000);

    part("a victim that the application holds");
    SSL_SESSION_up_ref(held);
    add(ctx, held);
    add(ctx, session_timed('A', 100000, 1000000));
    add(ctx, session_timed('B', 100000, 1000000));
    FACT("resumable", SSL_SESSION_is_resumable(held));
    FACT("ended", freed('H'));
    SSL_SESSION_free(held);
    FACT("ended", freed('H'));
    end(ctx, "HAB");
}

/* Expiry beyond any clock: time and timeout are each in range, the sum is not. */
static void never_expiring(void)
{
    SSL_CTX *ctx = cache_of(4);

    part("never expiring");
    add(ctx, session_timed('N', 0x7ffffffffffffff0L, 1000));
    add(ctx, session_timed('A', 100000, 1000000));
    add(ctx, session_timed('B', 100000, 1000000));
    add(ctx, session_timed('C', 100000, 1000000));
    add(ctx, session_timed('D', 100000, 1000000));
    end(ctx, "NABCD");
}

int main(void)
{
    static const long sizes[] = { 0, 1, 2, 3, 5 };
    size_t i;

    for (i = 0; i < 5; ++i)
        same_expiry(sizes[i]);
    for (i = 0; i < 5; ++i)
        mixed_expiry(sizes[i]);
    newest_expires_first();
    shrunk();
    victim_without_id();
    replaced_at_capacity();
    held_victim();
    never_expiring();
    return 0;
}
