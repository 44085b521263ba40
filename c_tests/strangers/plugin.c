/* A plugin with a libssl of its own, another release than the program's. Every call must reach that one. */
#include <stdio.h>

#include <openssl/ssl.h>

static int removed;

static void on_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    (void)ctx;
    (void)session;
    ++removed;
}

int plugin(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_SESSION *session = SSL_SESSION_new();
    SSL *ssl;

    SSL_SESSION_set1_id(session, (const unsigned char *)"abcd", 4);
    SSL_CTX_sess_set_remove_cb(ctx, on_remove);
    printf("plugin: reads back its callback: %d\n", SSL_CTX_sess_get_remove_cb(ctx) == on_remove);
    printf("plugin: size %ld, mode %ld\n", SSL_CTX_sess_get_cache_size(ctx), SSL_CTX_get_session_cache_mode(ctx));
    printf("plugin: add %d\n", SSL_CTX_add_session(ctx, session));
    SSL_SESSION_set_time_ex(session, 1000);
    SSL_SESSION_set_timeout(session, 10);
    ssl = SSL_new(ctx);
    printf("plugin: switch %d\n", SSL_set_SSL_CTX(ssl, ctx) == ctx);
    printf("plugin: match %d\n", SSL_has_matching_session_id(ssl, (const unsigned char *)"abcd", 4));
    SSL_free(ssl);
    printf("plugin: number %ld\n", SSL_CTX_sess_number(ctx));
    SSL_CTX_flush_sessions_ex(ctx, 2000);
    printf("plugin: number %ld, removed %d\n", SSL_CTX_sess_number(ctx), removed);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    return 0;
}
