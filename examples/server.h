/* A small TLS server for the examples: one thread, loopback only, one connection after the other. */
#ifndef EXAMPLE_SERVER_H
#define EXAMPLE_SERVER_H

#include <openssl/ssl.h>

/* A context whose sessions are kept by the server, not in tickets. NULL after a message. */
SSL_CTX *server_context(const char *certificate, const char *key);

/*
 * Listens on 127.0.0.1 (port "0": a free one), prints "port N", and serves until SIGINT or SIGTERM. A client sends
 * a line and gets one back that says whether its session was resumed; the server prints it, too.
 * Returns 1, or 0 after a message.
 */
int serve(SSL_CTX *ctx, const char *port);

/* What OpenSSL's counters say and, if the program runs with sesscache, what its own say. */
void print_counters(SSL_CTX *ctx);

/* Prints the sentence, and what OpenSSL's error queue has to say about it. */
void complain(const char *what);

#endif
