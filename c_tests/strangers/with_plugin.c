/* A program with one libssl that loads a plugin with another. */
#include <dlfcn.h>
#include <stdio.h>

#include <openssl/ssl.h>

int main(int argc, char **argv)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method()), *second;
    SSL_SESSION *session = SSL_SESSION_new();
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;

    if (plugin == NULL) {
        fprintf(stderr, "no plugin: %s\n", dlerror());
        return 1;
    }
    SSL_SESSION_set1_id(session, (const unsigned char *)"abcd", 4);
    printf("add %d\n", SSL_CTX_add_session(ctx, session));
    ((int (*)(void))dlsym(plugin, "plugin"))();
    printf("number %ld\n", SSL_CTX_sess_number(ctx));
    SSL_SESSION_set_time(session, 1000);
    SSL_SESSION_set_timeout(session, 10);
    SSL_CTX_flush_sessions(ctx, 2000);
    printf("number %ld\n", SSL_CTX_sess_number(ctx));
    second = SSL_CTX_new(TLS_server_method());
    printf("second context: size %ld\n", SSL_CTX_sess_get_cache_size(second));
    SSL_SESSION_free(session);
    SSL_CTX_free(second);
    SSL_CTX_free(ctx);
    return 0;
}
