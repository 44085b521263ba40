/* Its libssl is the stub; what the stub answers must arrive. */
#include <stdio.h>

void *TLS_method(void);
void *SSL_CTX_new(const void *method);
void SSL_CTX_free(void *ctx);
void SSL_CTX_sess_set_new_cb(void *ctx, void *callback);
void *SSL_CTX_sess_get_new_cb(void *ctx);
long SSL_CTX_ctrl(void *ctx, int cmd, long larg, void *parg);
int SSL_CTX_add_session(void *ctx, void *session);

int main(void)
{
    void *ctx = SSL_CTX_new(TLS_method()), *other = SSL_CTX_new(TLS_method());
    int callback = 0;

    printf("contexts %d\n", ctx != NULL && other != NULL);
    SSL_CTX_sess_set_new_cb(ctx, &callback);
    printf("callback %d\n", SSL_CTX_sess_get_new_cb(ctx) == &callback);
    printf("ctrl %ld %ld\n", SSL_CTX_ctrl(ctx, 20, 0, NULL), SSL_CTX_ctrl(ctx, 44, 2, NULL));
    printf("add %d\n", SSL_CTX_add_session(ctx, &callback));
    SSL_CTX_free(other);
    SSL_CTX_free(ctx);
    return 0;
}
