/* test: differs=8 */
/* The indices and the private sessions of the library, seen by an application that keeps data of its own. */
#include "harness/harness.h"

static int contexts, made, ended;

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
    return 0;
}
