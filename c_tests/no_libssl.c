/* test: libs=none */
/* A program that has nothing to do with TLS. */
#include <dlfcn.h>
#include <stdio.h>

int main(void)
{
    printf("libssl is loaded: %d\n", dlopen("libssl.so.3", RTLD_NOLOAD | RTLD_NOW) != NULL
                                         || dlopen("libssl.so.1.1", RTLD_NOLOAD | RTLD_NOW) != NULL
                                         || dlopen("libssl.so.4", RTLD_NOLOAD | RTLD_NOW) != NULL);
    return 0;
}
