/*
 * A TLS client that keeps its session in a file, as a browser keeps it in memory.
 *
 *   client PORT 1.2|1.3 SESSION [drop]
 *
 * Offers the session of the file, if there is one, says hello, prints "full" or "resumed" and the server's line, and writes
 * the session that it has then. With `drop` it breaks the connection off after the handshake, without a close_notify.
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "client: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int connected(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)) };
    struct timeval limit = { .tv_sec = 20 };
    int peer = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (peer < 0 || setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0
        || connect(peer, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("cannot connect");
    return peer;
}

static SSL_CTX *context(const char *version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int number = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;

    if (ctx == NULL || !SSL_CTX_set_min_proto_version(ctx, number) || !SSL_CTX_set_max_proto_version(ctx, number))
        die("no context");
    return ctx;
}

static void offer(SSL *ssl, const char *path)
{
    FILE *file = fopen(path, "r");
    SSL_SESSION *session = file == NULL ? NULL : PEM_read_SSL_SESSION(file, NULL, NULL, NULL);

    if (file == NULL)
        return;
    if (session == NULL || !SSL_set_session(ssl, session))
        die("the session's file is of no use");
    SSL_SESSION_free(session);
    fclose(file);
}

static void keep(SSL *ssl, const char *path)
{
    SSL_SESSION *session = SSL_get1_session(ssl);
    FILE *file = fopen(path, "w");

    if (session == NULL || !SSL_SESSION_is_resumable(session) || file == NULL || !PEM_write_SSL_SESSION(file, session)
        || fclose(file) != 0)
        die("no session to keep");
    SSL_SESSION_free(session);
}

/* The server's line has come: with TLS 1.3, so has the session that it sent before. */
static void converse(SSL *ssl)
{
    char line[200];
    int length;

    if (SSL_write(ssl, "hello\n", 6) != 6)
        die("cannot write");
    length = SSL_read(ssl, line, sizeof(line));
    if (length <= 0 || SSL_read(ssl, line + length, (int)sizeof(line) - length) > 0)
        die("no answer, or more than one");
    printf("%s | %.*s", SSL_session_reused(ssl) ? "resumed" : "full", length, line);
}

int main(int argc, char **argv)
{
    SSL_CTX *ctx;
    SSL *ssl;
    int peer;

    if (argc < 4)
        die("usage: client PORT 1.2|1.3 SESSION [drop]");
    ctx = context(argv[2]);
    ssl = SSL_new(ctx);
    peer = connected(argv[1]);
    if (ssl == NULL || !SSL_set_fd(ssl, peer))
        die("no connection");
    offer(ssl, argv[3]);
    if (SSL_connect(ssl) != 1)
        die("no handshake");
    if (argc > 4) {
        printf("%s | dropped\n", SSL_session_reused(ssl) ? "resumed" : "full");
    } else {
        converse(ssl);
        keep(ssl, argv[3]);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(peer);
    return 0;
}
