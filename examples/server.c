/* See server.h. Nothing about session caches here but what server_context() sets and print_counters() shows. */
#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#if __has_include(<sesscache.h>)
#include <sesscache.h>
/* Weak: the program links and runs without the library, too. */
#pragma weak sesscache_version
#pragma weak sesscache_ctx_stats
#endif

enum { SESSION_SECONDS = 300, PATIENCE_SECONDS = 5 };

static volatile sig_atomic_t stopping;

void complain(const char *what)
{
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
}

SSL_CTX *server_context(const char *certificate, const char *key)
{
    static const unsigned char name[] = "sesscache example";
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1
        || SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1
        /* Sessions of another service with the same store must not be good for this one. */
        || SSL_CTX_set_session_id_context(ctx, name, sizeof(name) - 1) != 1
        /* One session a TLS 1.3 handshake; OpenSSL's default is two. */
        || SSL_CTX_set_num_tickets(ctx, 1) != 1) {
        complain("cannot make a TLS context");
        SSL_CTX_free(ctx);
        return NULL;
    }
    /* Without this the client keeps its session itself, in a ticket, and no cache is ever asked. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_timeout(ctx, SESSION_SECONDS);
    return ctx;
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)) };
    socklen_t length = sizeof(address);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0
        || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 64) != 0
        || getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        perror("cannot listen");
        if (listener >= 0)
            close(listener);
        return -1;
    }
    printf("port %d\n", ntohs(address.sin_port));
    return listener;
}

/* A client that stops in the midst of something must not stop the server. */
static void limit_waiting(int client)
{
    struct timeval patience = { .tv_sec = PATIENCE_SECONDS };

    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* Reads something, answers with a line, closes in good order. Returns 0 where that went wrong. */
static int converse(SSL *ssl)
{
    char line[512];
    int length;

    if (SSL_accept(ssl) != 1 || SSL_read(ssl, line, sizeof(line)) <= 0)
        return 0;
    length = snprintf(line, sizeof(line), "%s, %s\n", SSL_session_reused(ssl) ? "resumed" : "full handshake",
                      SSL_get_version(ssl));
    fputs(line, stdout);
    if (SSL_write(ssl, line, length) != length || SSL_shutdown(ssl) < 0)
        return 0;
    /* The client's close_notify: without waiting for it the answer could get lost. */
    while (SSL_read(ssl, line, sizeof(line)) > 0)
        continue;
    return 1;
}

static void serve_client(SSL_CTX *ctx, int client)
{
    SSL *ssl = SSL_new(ctx);
    int conversed;

    limit_waiting(client);
    /* Old errors in the queue would be taken for this connection's. */
    ERR_clear_error();
    conversed = ssl != NULL && SSL_set_fd(ssl, client) == 1 && converse(ssl);
    /*
     * A connection that SSL_shutdown was never called on has ended in an unknown way: SSL_free removes its session
     * from the cache then, and calls the remove callback.
     */
    SSL_free(ssl);
    /* Said last: who reads this finds the session gone. */
    if (!conversed)
        puts("connection failed");
    ERR_clear_error();
    close(client);
}

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

/* The two signals are blocked everywhere but in ppoll(), so none can slip in between the test and the wait. */
static void catch_signals(sigset_t *outside)
{
    struct sigaction action = { .sa_handler = stop };
    sigset_t stops;

    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, outside);
    sigdelset(outside, SIGINT);
    sigdelset(outside, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int serve(SSL_CTX *ctx, const char *port)
{
    struct pollfd listener = { .events = POLLIN };
    sigset_t outside;
    int client;

    /* Whoever reads this through a pipe waits for every line. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    catch_signals(&outside);
    listener.fd = listen_on(port);
    if (listener.fd < 0)
        return 0;
    while (!stopping) {
        if (ppoll(&listener, 1, NULL, &outside) < 0 && errno != EINTR) {
            perror("ppoll");
            break;
        }
        client = stopping ? -1 : accept(listener.fd, NULL, NULL);
        if (client >= 0)
            serve_client(ctx, client);
    }
    close(listener.fd);
    return stopping != 0;
}

void print_counters(SSL_CTX *ctx)
{
    printf("counters: cached %ld, hits %ld, of them by the get callback %ld, misses %ld\n", SSL_CTX_sess_number(ctx),
           SSL_CTX_sess_hits(ctx), SSL_CTX_sess_cb_hits(ctx), SSL_CTX_sess_misses(ctx));
#ifdef SESSCACHE_H
    sesscache_ctx_stats_t stats;

    if (sesscache_ctx_stats != NULL && sesscache_ctx_stats(ctx, &stats, sizeof(stats)) == 1)
        printf("sesscache %s: stored %llu, found %llu, asked the get callback %llu times, got %llu\n",
               sesscache_version(), (unsigned long long)stats.stored, (unsigned long long)stats.hits,
               (unsigned long long)stats.asked, (unsigned long long)stats.answered);
#endif
}
