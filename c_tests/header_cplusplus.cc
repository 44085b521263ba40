/* test: only=linked */
/* The header in C++, after and before OpenSSL's (whose functions have C linkage). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <sesscache.h>

#include <openssl/ssl.h>

#include <sesscache.h>

#include <cstdio>
#include <memory>

struct Free {
    void operator()(SSL_CTX *ctx) const { SSL_CTX_free(ctx); }
};

int main()
{
    std::unique_ptr<SSL_CTX, Free> ctx(SSL_CTX_new(TLS_method()));
    sesscache_ctx_stats_t stats = {};

    SSL_CTX_sess_set_new_cb(ctx.get(), [](SSL *, SSL_SESSION *) { return 0; });
    if (SSL_CTX_sess_get_new_cb(ctx.get()) == nullptr || !sesscache_ctx_stats(ctx.get(), &stats, sizeof(stats)))
        return 1;
    std::printf("sessions %llu\n", static_cast<unsigned long long>(stats.sessions));
    return sesscache_active(ctx.get(), nullptr) != SESSCACHE_ACTIVE;
}
