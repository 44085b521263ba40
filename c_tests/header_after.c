/* test: only=linked */
/* Our header after OpenSSL's: every prototype that both have must be the same, or this does not compile. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ssl.h>

#include <sesscache.h>

#include <stdio.h>

int main(void)
{
    printf("version %s, active %d\n", sesscache_version(), sesscache_active(NULL, NULL));
    return sesscache_version()[0] == 0;
}
