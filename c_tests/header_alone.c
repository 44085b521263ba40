/* test: only=linked */
/* Our header is all that a program needs to include. */
#include <sesscache.h>

#include <stdio.h>

static int on_new(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    return 0;
}

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    sesscache_ctx_stats_t stats;

    SSL_CTX_sess_set_new_cb(ctx, on_new);
    printf("callback is ours: %d\n", SSL_CTX_sess_get_new_cb(ctx) == on_new);
    if (!sesscache_ctx_stats(ctx, &stats, sizeof(stats)))
        return 1;
    printf("sessions %llu\n", (unsigned long long)stats.sessions);
    SSL_CTX_free(ctx);
    return 0;
}
