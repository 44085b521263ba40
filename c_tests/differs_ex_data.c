/* test: differs=8 */
/* The indices and the private sessions of the library, seen by an application that keeps data of its own. */
#include "harness/harness.h"

static int contexts, made, ended, duplicated, index_of_data;

static void count_new(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)ptr, (void)data, (void)index, (void)argl;
    ++*(int *)argp;
}

static void count_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)ptr, (void)data, (void)index, (void)argl, (void)argp;
    ++ended;
}

static int count_duplicates(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **data, int index, long argl, void *argp)
{
    (void)to, (void)from, (void)data, (void)index, (void)argl, (void)argp;
    ++duplicated;
    return 1;
}

#if OPENSSL_VERSION_NUMBER < 0x30000000L
static int count_duplicates_old(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void *data, int index, long argl, void *argp)
{
    return count_duplicates(to, from, data, index, argl, argp);
}
#define count_duplicates count_duplicates_old
#endif

static int always_the_same(SSL *ssl, unsigned char *id, unsigned int *length)
{
    (void)ssl;
    memset(id, 'a', *length);
    return 1;
}

static int keep_data(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    CHECK(SSL_SESSION_set_ex_data(session, index_of_data, "data"));
    return 0;
}

/* The copy that shows libssl the conflict (item 17). */
static void conflict(void)
{
    SSL_CTX *server = server_context(TLS12_ID), *client = client_context(TLS12_ID);
    SSL_SESSION *one, *two;

    part("a generated id twice");
    index_of_data = SSL_SESSION_get_ex_new_index(0, NULL, NULL, count_duplicates, NULL);
    SSL_CTX_sess_set_new_cb(server, keep_data);
    CHECK(SSL_CTX_set_generate_session_id(server, always_the_same));
    one = connection("one", server, client, NULL);
    duplicated = 0;
    two = connection("two", server, client, NULL);
    differs_number(8, "sessions duplicated", duplicated, 0, 1);
    session_drop(&one);
    session_drop(&two);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

/* A free function that comes after the library's own. */
static void tell_counters(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)data, (void)index, (void)argl, (void)argp;
    if (ptr != NULL) {
        FACT("size", SSL_CTX_sess_get_cache_size(parent));
        FACT("mode", SSL_CTX_get_session_cache_mode(parent));
        FACT("new callback", SSL_CTX_sess_get_new_cb(parent) == NULL);
        FACT("remove callback", SSL_CTX_sess_get_remove_cb(parent) == NULL);
        FACT("get callback", SSL_CTX_sess_get_get_cb(parent) == NULL);
        differs_number(8, "evicted", SSL_CTX_sess_cache_full(parent), 1, 0);
    }
}

static void the_end(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *a = session_simple('A'), *b = session_simple('B');
    int index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, tell_counters);

    part("the end of a context");
    CHECK(SSL_CTX_set_ex_data(ctx, index, "data"));
    SSL_CTX_sess_set_cache_size(ctx, 1);
    CHECK(SSL_CTX_add_session(ctx, a) && SSL_CTX_add_session(ctx, b));
    SSL_CTX_free(ctx);
    SSL_SESSION_free(a);
    SSL_SESSION_free(b);
}

int main(void)
{
    SSL_SESSION *session;
    SSL_CTX *ctx;
    int of_context, of_connection;

    of_context = SSL_CTX_get_ex_new_index(0, &contexts, count_new, NULL, NULL);
    of_connection = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    CHECK(SSL_SESSION_get_ex_new_index(0, &made, count_new, NULL, count_free) > 0);
    part("the first context");
    ctx = SSL_CTX_new(TLS_method());
    differs_number(8, "contexts made", contexts, 1, 2);
    differs_number(8, "sessions made", made, 0, 3);
    differs_number(8, "indices up to the next of a context", SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL) - of_context,
                   1, 2);
    differs_number(8, "indices up to the next of a connection",
                   SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL) - of_connection, 1, 3);
    part("it stores a session");
    made = ended = 0;
    session = session_simple('A');
    CHECK(SSL_CTX_add_session(ctx, session));
    differs_number(8, "sessions made", made, 1, 3);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    differs_number(8, "sessions ended", ended, 1, 3);
    part("another context");
    made = contexts = 0;
    ctx = SSL_CTX_new(TLS_method());
    FACT("contexts made", contexts);
    FACT("sessions made", made);
    SSL_CTX_free(ctx);
    the_end();
    conflict();
    return 0;
}
