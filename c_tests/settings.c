/*
 * What SSL_CTX_ctrl gives for mode, size and counters: defaults, old values,
 * refused values, any context, and that the callbacks' getters give what was set.
 */
#include "harness/harness.h"

static void modes(SSL_CTX *ctx)
{
    static const long values[] = { 0, 1, 2, 3, 0x82, 0x102, 0x202, 0x302, 0x402, 0x383, 0x1000, -1, 0x7fffffff, 2 };
    size_t i;

    part("mode");
    FACT("default", SSL_CTX_get_session_cache_mode(ctx));
    for (i = 0; i < sizeof(values) / sizeof(values[0]); ++i) {
        FACT("set", values[i]);
        FACT("old", SSL_CTX_set_session_cache_mode(ctx, values[i]));
        FACT("new", SSL_CTX_get_session_cache_mode(ctx));
    }
}

static void sizes(SSL_CTX *ctx)
{
    static const long values[] = { 0, 1, 5, -1, -20480, 0x7fffffff, 0x7fffffffffL, 20480 };
    size_t i;

    part("size");
    FACT("default", SSL_CTX_sess_get_cache_size(ctx));
    for (i = 0; i < sizeof(values) / sizeof(values[0]); ++i) {
        FACT("set", values[i]);
        FACT("old", SSL_CTX_sess_set_cache_size(ctx, values[i]));
        FACT("new", SSL_CTX_sess_get_cache_size(ctx));
    }
}

static int other_new(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    return 0;
}

static void callbacks(SSL_CTX *ctx)
{
    part("callbacks");
    FACT("new is unset", SSL_CTX_sess_get_new_cb(ctx) == NULL);
    FACT("remove is unset", SSL_CTX_sess_get_remove_cb(ctx) == NULL);
    FACT("get is unset", SSL_CTX_sess_get_get_cb(ctx) == NULL);
    app_install(ctx);
    FACT("new is ours", SSL_CTX_sess_get_new_cb(ctx) == app_new);
    FACT("remove is ours", SSL_CTX_sess_get_remove_cb(ctx) == app_remove);
    FACT("get is ours", SSL_CTX_sess_get_get_cb(ctx) == app_get);
    SSL_CTX_sess_set_new_cb(ctx, other_new);
    FACT("new is the other", SSL_CTX_sess_get_new_cb(ctx) == other_new);
    SSL_CTX_sess_set_new_cb(ctx, NULL);
    SSL_CTX_sess_set_remove_cb(ctx, NULL);
    SSL_CTX_sess_set_get_cb(ctx, NULL);
    FACT("new is unset", SSL_CTX_sess_get_new_cb(ctx) == NULL);
    FACT("remove is unset", SSL_CTX_sess_get_remove_cb(ctx) == NULL);
    FACT("get is unset", SSL_CTX_sess_get_get_cb(ctx) == NULL);
}

/* Commands that are none of the cache's go through untouched. */
static void other_commands(SSL_CTX *ctx)
{
    part("other commands");
    FACT("timeout", SSL_CTX_get_timeout(ctx));
    FACT("old timeout", SSL_CTX_set_timeout(ctx, 77));
    FACT("timeout", SSL_CTX_get_timeout(ctx));
    FACT("old read ahead", SSL_CTX_set_read_ahead(ctx, 1));
    FACT("read ahead", SSL_CTX_get_read_ahead(ctx));
    FACT("set_mode", SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY));
    FACT("cert list max", SSL_CTX_get_max_cert_list(ctx));
    FACT("send fragment", SSL_CTX_set_max_send_fragment(ctx, 511));
    FACT("send fragment", SSL_CTX_set_max_send_fragment(ctx, 512));
    FACT("min version", SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION));
    FACT("min version", SSL_CTX_get_min_proto_version(ctx));
    FACT("unknown command", SSL_CTX_ctrl(ctx, 9999, 1, NULL));
    FACT("negative command", SSL_CTX_ctrl(ctx, -1, 1, NULL));
    fact_error("error");
}

/* The reading commands take no notice of what else is passed. */
static void odd_arguments(SSL_CTX *ctx)
{
    char byte = 0;

    part("odd arguments");
    FACT("number", SSL_CTX_ctrl(ctx, SSL_CTRL_SESS_NUMBER, 77, &byte));
    FACT("size", SSL_CTX_ctrl(ctx, SSL_CTRL_GET_SESS_CACHE_SIZE, -1, &byte));
    FACT("mode", SSL_CTX_ctrl(ctx, SSL_CTRL_GET_SESS_CACHE_MODE, -1, &byte));
    FACT("counters", SSL_CTX_ctrl(ctx, SSL_CTRL_SESS_HIT, -1, &byte)
                         + SSL_CTX_ctrl(ctx, SSL_CTRL_SESS_MISSES, 5, &byte));
}

static void fresh_context(const char *name, const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    part(name);
    CHECK(ctx != NULL);
    FACT("mode", SSL_CTX_get_session_cache_mode(ctx));
    FACT("size", SSL_CTX_sess_get_cache_size(ctx));
    FACT("timeout", SSL_CTX_get_timeout(ctx));
    fact_counters(ctx);
    SSL_CTX_free(ctx);
}

int main(void)
{
    SSL_CTX *ctx;

    fresh_context("TLS_method", TLS_method());
    fresh_context("TLS_server_method", TLS_server_method());
    fresh_context("TLS_client_method", TLS_client_method());
    fresh_context("DTLS_method", DTLS_method());
    ctx = SSL_CTX_new(TLS_method());
    modes(ctx);
    sizes(ctx);
    callbacks(ctx);
    other_commands(ctx);
    odd_arguments(ctx);
    SSL_CTX_free(ctx);
    return 0;
}
