/* test: differs=3,4,13 */
/* In which order sessions leave: of a hash table on 1.1.1, by nanoseconds from 3.2 on, and what is let go in between. */
#include "harness/harness.h"

#include <sys/time.h>

static char told[64];
static size_t length;

static void tell(char kind, char label)
{
    CHECK(length + 2 < sizeof(told));
    if (kind != 0)
        told[length++] = kind;
    told[length++] = label;
    told[length] = 0;
}

static void on_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx;
    tell(0, label_of(session));
}

static SSL_CTX *telling(void (*remove_callback)(SSL_CTX *, SSL_SESSION *))
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    CHECK(ctx != NULL);
    SSL_CTX_sess_set_remove_cb(ctx, remove_callback);
    length = 0;
    told[0] = 0;
    return ctx;
}

static void add(SSL_CTX *ctx, SSL_SESSION *session)
{
    CHECK(SSL_CTX_add_session(ctx, session));
    SSL_SESSION_free(session);
}

static void of_a_table(void)
{
    SSL_CTX *ctx = telling(on_remove);

    part("sessions of one time");
    add(ctx, session_timed('B', 1000, 10));
    add(ctx, session_timed('A', 1000, 10));
    add(ctx, session_timed('D', 1000, 10));
    add(ctx, session_timed('C', 1000, 10));
    context_flush(ctx, 2000);
    if (OpenSSL_version_num() < 0x30000000UL)
        differs(3, "flushed", told, "DCBA", "BADC");
    else
        fact_text("flushed", told);
    SSL_CTX_free(ctx);
    app_reset();
}

/* Made by libssl, whose clock has microseconds there. */
static SSL_SESSION *made_now(char label)
{
    SSL_SESSION *session = SSL_SESSION_new();

    CHECK(session != NULL && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION));
    CHECK(SSL_SESSION_set1_id(session, (const unsigned char *)&label, 1));
    label_set(session, label);
    return session;
}

static void let_microseconds_pass(void)
{
    struct timeval begun, now;

    gettimeofday(&begun, NULL);
    do
        gettimeofday(&now, NULL);
    while (now.tv_sec == begun.tv_sec && now.tv_usec <= begun.tv_usec + 2);
}

static void within_a_second(void)
{
    SSL_CTX *ctx = telling(on_remove);
    SSL_SESSION *elder = NULL, *younger = NULL;

    part("sessions of one second");
    do {
        SSL_SESSION_free(elder);
        SSL_SESSION_free(younger);
        elder = made_now('E');
        let_microseconds_pass();
        younger = made_now('Y');
    } while (session_time(elder) != session_time(younger));
    SSL_CTX_sess_set_cache_size(ctx, OpenSSL_version_num() < 0x30000000UL ? 2 : 3);
    add(ctx, younger);
    add(ctx, elder);
    add(ctx, session_simple('N'));
    if (OpenSSL_version_num() < 0x30200000UL)
        fact_text("evicted", told);
    else
        differs(4, "evicted", told, "E", "Y");
    SSL_CTX_free(ctx);
    app_reset();
}

static void session_ends(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (ptr != NULL)
        tell('-', *(const char *)ptr);
}

/*
 * Of the two one has expired. A libssl that calls itself directly is heard of twice at the end: when it flushes what has
 * expired, and when it flushes the rest.
 */
static void end_of_a_context(void)
{
    static const char *const labels[] = { "B", "A" };
    int i, index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, session_ends);
    SSL_CTX *ctx = telling(on_remove);

    part("the end of a context");
    for (i = 0; i < 2; ++i) {
        SSL_SESSION *session = i == 0 ? session_timed('B', 1000, 10) : session_simple('A');

        CHECK(SSL_SESSION_set_ex_data(session, index, (void *)labels[i]));
        add(ctx, session);
    }
    SSL_CTX_free(ctx);
    if (libssl_is_symbolic() && OpenSSL_version_num() >= 0x30000000UL && OpenSSL_version_num() < 0x40000000UL)
        differs(13, "callbacks, and - ends", told, "BA-B-A", "B-BA-A");
    else
        fact_text("callbacks, and - ends", told);
    app_reset();
}

int main(void)
{
    of_a_table();
    within_a_second();
    end_of_a_context();
    return 0;
}
