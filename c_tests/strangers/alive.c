/* Makes a context, which makes the library speak, and says that it is still there. */
#include <stdio.h>

#include <openssl/ssl.h>

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    puts(ctx != NULL ? "alive" : "no context");
    SSL_CTX_free(ctx);
    return 0;
}
