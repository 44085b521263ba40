/* NULL and empty arguments where libssl itself survives them (null_tolerated.c has the rest). */
#include "harness/harness.h"

static SSL_CTX *ctx;

static void survived(void)
{
    part("survived");
    FACT("mode", SSL_CTX_ctrl(NULL, SSL_CTRL_GET_SESS_CACHE_MODE, 0, NULL));
    FACT("set mode", SSL_CTX_ctrl(NULL, SSL_CTRL_SET_SESS_CACHE_MODE, 1, NULL));
    FACT("size", SSL_CTX_ctrl(NULL, SSL_CTRL_GET_SESS_CACHE_SIZE, 0, NULL));
    FACT("set size", SSL_CTX_ctrl(NULL, SSL_CTRL_SET_SESS_CACHE_SIZE, 1, NULL));
    FACT("number", SSL_CTX_sess_number(NULL));
    FACT("hits", SSL_CTX_sess_hits(NULL));
    FACT("misses", SSL_CTX_sess_misses(NULL));
    FACT("cache_full", SSL_CTX_sess_cache_full(NULL));
    FACT("unknown", SSL_CTX_ctrl(NULL, 9999, 0, NULL));
    ERR_clear_error();
    FACT("remove a NULL session", SSL_CTX_remove_session(ctx, NULL));
    FACT("set_timeout", session_set_timeout(NULL, 1));
    FACT("set_time", session_set_time(NULL, 1));
    SSL_CTX_free(NULL);
    SSL_free(NULL);
    SSL_SESSION_free(NULL);
    FACT("SSL_CTX_new(NULL) fails", SSL_CTX_new(NULL) == NULL);
    fact_error("reason");
}

int main(void)
{
    ctx = SSL_CTX_new(TLS_method());
    survived();
    SSL_CTX_free(ctx);
    return 0;
}
