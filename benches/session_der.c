/*
 * Writes sessions as a server's cache has them, one DER to a file:
 *
 *   session_der FOLDER
 *
 * tls12 is what nginx makes for an ordinary client: by id, with a server name
 * and a session id context of 20 bytes. tls13 is the same with a ticket that
 * is but an id.
 */
#include <stdio.h>
#include <string.h>

#include "facts.h"
#include "tls.h"

static FILE *file;

static int write_session(SSL *ssl, SSL_SESSION *session)
{
    unsigned char *der = NULL;
    int length = i2d_SSL_SESSION(session, &der);

    (void)ssl;
    CHECK(length > 0);
    CHECK(fwrite(der, 1, (size_t)length, file) == (size_t)length);
    OPENSSL_free(der);
    return 0;
}

static int take_name(SSL *ssl, int *alert, void *argument)
{
    (void)ssl, (void)alert, (void)argument;
    return SSL_TLSEXT_ERR_OK;
}

static void make_session(const char *folder, const char *name, enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct pair pair;
    char path[4096];

    CHECK(snprintf(path, sizeof path, "%s/%s.der", folder, name) < (int)sizeof path);
    file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK(SSL_CTX_set_session_id_context(server, (const unsigned char *)"twenty bytes of name", 20));
    SSL_CTX_set_tlsext_servername_callback(server, take_name);
    SSL_CTX_sess_set_new_cb(server, write_session);
    pair = pair_new(server, client, NULL);
    CHECK(SSL_set_tlsext_host_name(pair.client, "www.example.com"));
    CHECK(handshake(&pair));
    close_clean(&pair);
    pair_free(&pair);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    CHECK(fclose(file) == 0);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("session_der: usage: session_der FOLDER\n", stderr);
        return 2;
    }
    make_session(argv[1], "tls12", TLS12_ID);
    make_session(argv[1], "tls13", TLS13_STATEFUL);
    return 0;
}
