/* test: differs=10 */
/* Names of later releases that the library exports whatever the libssl, and what they do there. */
#include "harness/harness.h"

#include <dlfcn.h>
#include <time.h>

static void *found(const char *name, unsigned long since)
{
    void *function = dlsym(RTLD_DEFAULT, name);

    if (OpenSSL_version_num() < since)
        differs(10, name, function == NULL ? "unknown" : "there", "unknown", "there");
    else
        fact_text(name, function == NULL ? "unknown" : "there");
    return function;
}

/* Without the name its elder is called: the facts are the same. */
static void called(void)
{
    SSL_CTX *(*new_ex)(void *, const char *, const SSL_METHOD *)
        = (SSL_CTX *(*)(void *, const char *, const SSL_METHOD *))found("SSL_CTX_new_ex", 0x30000000UL);
    time_t (*set_time_ex)(SSL_SESSION *, time_t)
        = (time_t (*)(SSL_SESSION *, time_t))found("SSL_SESSION_set_time_ex", 0x30300000UL);
    void (*flush_ex)(SSL_CTX *, time_t)
        = (void (*)(SSL_CTX *, time_t))found("SSL_CTX_flush_sessions_ex", 0x30400000UL);
    SSL_CTX *ctx = new_ex == NULL ? NULL : new_ex(NULL, NULL, TLS_method());
    SSL_SESSION *session = session_timed('A', 1000, 10);

    FACT("SSL_CTX_new_ex gives a context", ctx != NULL);
    ERR_clear_error();
    SSL_CTX_free(ctx);
    ctx = SSL_CTX_new(TLS_method());
    CHECK(SSL_CTX_add_session(ctx, session));
    if (set_time_ex != NULL)
        set_time_ex(session, 2000);
    else
        session_set_time(session, 2000);
    FACT("time", session_time(session));
    SSL_SESSION_free(session);
    if (flush_ex != NULL)
        flush_ex(ctx, 2005);
    else
        context_flush(ctx, 2005);
    FACT("lives on", SSL_CTX_sess_number(ctx));
    if (flush_ex != NULL)
        flush_ex(ctx, 2015);
    else
        context_flush(ctx, 2015);
    FACT("lives on", SSL_CTX_sess_number(ctx));
    SSL_CTX_free(ctx);
}

int main(void)
{
    called();
    return 0;
}
