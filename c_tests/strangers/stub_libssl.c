/* Something that calls itself libssl.so.3 but is none that the library knows: VERSION says which release it claims to be. */
#include <stddef.h>
#include <stdlib.h>

unsigned long OpenSSL_version_num(void) { return VERSION; }
void *TLS_method(void) { return (void *)"method"; }
void *SSL_CTX_new(const void *method) { return method == NULL ? NULL : calloc(1, 64); }
void SSL_CTX_free(void *ctx) { free(ctx); }
void SSL_CTX_sess_set_new_cb(void *ctx, void *callback) { ((void **)ctx)[0] = callback; }
void *SSL_CTX_sess_get_new_cb(void *ctx) { return ((void **)ctx)[0]; }
long SSL_CTX_ctrl(void *ctx, int cmd, long larg, void *parg) { return (void)ctx, (void)parg, cmd * 1000 + larg; }
int SSL_CTX_add_session(void *ctx, void *session) { return ctx != NULL && session != NULL ? 7 : 8; }
