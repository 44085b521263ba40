/*
 * Shows what the session cache of an unmodified server does: a line on standard error for each connection that ends.
 *
 *   cc -shared -fPIC -o watch.so watch.c
 *   LD_PRELOAD="libsesscache.so ./watch.so" openssl s_server ...
 *
 * Without libsesscache.so it shows the counters of libssl's own cache. It sees programs that are linked with libssl, not
 * those that load it later as a plugin.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <sesscache.h>
#include <stdio.h>

/* Weak: they are there if the library is. */
#pragma weak sesscache_ctx_stats

static void show(SSL_CTX *ctx)
{
    sesscache_ctx_stats_t stats;

    if (sesscache_ctx_stats != NULL && sesscache_ctx_stats(ctx, &stats, sizeof(stats)) == 1)
        fprintf(stderr, "watch: sesscache: stored %llu, found %llu, not found %llu, cached now %llu\n",
                (unsigned long long)stats.stored, (unsigned long long)stats.hits, (unsigned long long)stats.misses,
                (unsigned long long)stats.sessions);
    else
        fprintf(stderr, "watch: libssl: found %ld, not found %ld, cached now %ld\n", SSL_CTX_sess_hits(ctx),
                SSL_CTX_sess_misses(ctx), SSL_CTX_sess_number(ctx));
}

void SSL_free(SSL *ssl)
{
    void (*real)(SSL *) = (void (*)(SSL *))dlsym(RTLD_NEXT, "SSL_free");
    SSL_CTX *ctx = ssl != NULL && SSL_is_server(ssl) ? SSL_get_SSL_CTX(ssl) : NULL;

    if (real == NULL)
        return;
    /* Looked at afterwards, since an unclean end takes its session along; the connection may be the context's last user. */
    if (ctx != NULL)
        SSL_CTX_up_ref(ctx);
    real(ssl);
    if (ctx != NULL)
        show(ctx);
    SSL_CTX_free(ctx);
}
