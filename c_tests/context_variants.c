/* test: valgrind=memcheck */
/* SSL_CTX_new_ex with and without a library context of its own (3.0 on). */
#include "harness/harness.h"

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
static void of(const char *name, OSSL_LIB_CTX *library)
{
    SSL_CTX *server = SSL_CTX_new_ex(library, NULL, TLS_server_method());
    SSL_CTX *client = client_context(TLS12_ID);
    SSL_SESSION *session, *next;

    part(name);
    CHECK(server != NULL);
    FACT("mode", SSL_CTX_get_session_cache_mode(server));
    FACT("size", SSL_CTX_sess_get_cache_size(server));
    CHECK(SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION));
    SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    SSL_CTX_use_certificate(server, server_identity()->certificate);
    SSL_CTX_use_PrivateKey(server, server_identity()->key);
    app_install(server);
    session = connection("first", server, client, NULL);
    next = connection("second", server, client, session);
    FACT("number", SSL_CTX_sess_number(server));
    session_drop(&next);
    session_drop(&session);
    context_free_told(server);
    SSL_CTX_free(client);
    app_reset();
}
#endif

int main(void)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();

    CHECK(library != NULL);
    of("default library context", NULL);
    of("a library context of its own", library);
    OSSL_LIB_CTX_free(library);
    FACT("no method", SSL_CTX_new_ex(NULL, NULL, NULL) == NULL);
    fact_error("reason");
#else
    part("not in this version");
#endif
    return 0;
}
