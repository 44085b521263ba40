/* test: differs=10 | libs=none | plugin=plugins/tls_plugin.c */
/*
 * The names that the library exports are found by dlsym(RTLD_DEFAULT) in a program that has no libssl, and in one that
 * keeps its own to itself (RTLD_LOCAL). CRYPTO_get_ex_new_index, libcrypto's, is one of them.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "harness/differs.h"

static const char *visible(const char *name)
{
    return dlsym(RTLD_DEFAULT, name) != NULL ? "there" : "unknown";
}

static void names(void)
{
    differs(10, "SSL_CTX_new", visible("SSL_CTX_new"), "unknown", "there");
    differs(10, "CRYPTO_get_ex_new_index", visible("CRYPTO_get_ex_new_index"), "unknown", "there");
    printf("SSL_shutdown: %s\n", visible("SSL_shutdown"));
    printf("CRYPTO_free_ex_index: %s\n", visible("CRYPTO_free_ex_index"));
}

int main(int argc, char **argv)
{
    printf("[without libssl]\n");
    names();
    printf("[libssl in a plugin]\n");
    printf("loaded: %d\n", argc == 2 && dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) != NULL);
    names();
    return 0;
}
