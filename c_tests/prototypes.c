/* test: only=linked */
/*
 * Each exported function has the type that OpenSSL's header gives it, and is the
 * library's own: found in it, and not in libssl.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#define _GNU_SOURCE
#include <openssl/ssl.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <sesscache.h>

typedef int new_callback(SSL *, SSL_SESSION *);
typedef void remove_callback(SSL_CTX *, SSL_SESSION *);
typedef SSL_SESSION *get_callback(SSL *, const unsigned char *, int, int *);

static int wrong;

static void own(const char *name, void *function)
{
    Dl_info info;
    int is_own = dladdr(function, &info) != 0 && strstr(info.dli_fname, "sesscache") != NULL;

    printf("%s: %s\n", name, is_own ? "ours" : info.dli_fname);
    wrong |= !is_own;
}

/* The assignment is the test: any other type is an error under -Werror. */
#define OWN(type, name)                                                        \
    do {                                                                       \
        type = name;                                                           \
        own(#name, *(void **)&function);                                       \
    } while (0)

static void contexts(void)
{
    OWN(SSL_CTX *(*function)(const SSL_METHOD *), SSL_CTX_new);
    OWN(long (*function)(SSL_CTX *, int, long, void *), SSL_CTX_ctrl);
    OWN(int (*function)(SSL_CTX *, SSL_SESSION *), SSL_CTX_add_session);
    OWN(int (*function)(SSL_CTX *, SSL_SESSION *), SSL_CTX_remove_session);
    OWN(void (*function)(SSL_CTX *, long), SSL_CTX_flush_sessions);
    OWN(LHASH_OF(SSL_SESSION) *(*function)(SSL_CTX *), SSL_CTX_sessions);
    OWN(int (*function)(SSL_CTX *, GEN_SESSION_CB), SSL_CTX_set_generate_session_id);
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    OWN(SSL_CTX *(*function)(OSSL_LIB_CTX *, const char *, const SSL_METHOD *), SSL_CTX_new_ex);
#endif
#if OPENSSL_VERSION_NUMBER >= 0x30400000L
    OWN(void (*function)(SSL_CTX *, time_t), SSL_CTX_flush_sessions_ex);
    OWN(time_t (*function)(SSL_SESSION *, time_t), SSL_SESSION_set_time_ex);
#endif
}

static void callbacks(void)
{
    OWN(void (*function)(SSL_CTX *, new_callback *), SSL_CTX_sess_set_new_cb);
    OWN(void (*function)(SSL_CTX *, remove_callback *), SSL_CTX_sess_set_remove_cb);
    OWN(void (*function)(SSL_CTX *, get_callback *), SSL_CTX_sess_set_get_cb);
    OWN(new_callback *(*function)(SSL_CTX *), SSL_CTX_sess_get_new_cb);
    OWN(remove_callback *(*function)(SSL_CTX *), SSL_CTX_sess_get_remove_cb);
    OWN(get_callback *(*function)(SSL_CTX *), SSL_CTX_sess_get_get_cb);
}

static void connections(void)
{
    OWN(SSL *(*function)(SSL_CTX *), SSL_new);
    OWN(SSL_CTX *(*function)(SSL *, SSL_CTX *), SSL_set_SSL_CTX);
    OWN(int (*function)(SSL *, GEN_SESSION_CB), SSL_set_generate_session_id);
    OWN(int (*function)(const SSL *, const unsigned char *, unsigned int), SSL_has_matching_session_id);
    OWN(long (*function)(SSL_SESSION *, long), SSL_SESSION_set_time);
    OWN(long (*function)(SSL_SESSION *, long), SSL_SESSION_set_timeout);
}

static void our_own(void)
{
    OWN(const char *(*function)(void), sesscache_version);
    OWN(int (*function)(const SSL_CTX *, const char **), sesscache_active);
    OWN(int (*function)(SSL_CTX *, sesscache_ctx_stats_t *, size_t), sesscache_ctx_stats);
    OWN(uint64_t (*function)(SSL_CTX *, uint64_t), sesscache_ctx_set_flags);
}

int main(void)
{
    contexts();
    callbacks();
    connections();
    our_own();
    return wrong;
}
