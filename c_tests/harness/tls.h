/* TLS in memory: contexts of each kind and pairs of connected SSL objects. */
#ifndef HARNESS_TLS_H
#define HARNESS_TLS_H

#include <openssl/ssl.h>

enum kind {
    TLS12_ID,        /* TLS 1.2, sessions found by id */
    TLS12_TICKET,    /* TLS 1.2 with tickets (RFC 5077) */
    TLS13_STATELESS, /* TLS 1.3, the ticket holds the session */
    TLS13_STATEFUL,  /* TLS 1.3 with SSL_OP_NO_TICKET: the ticket is the id */
    TLS13_EARLY,     /* TLS 1.3 with early data and anti-replay */
    DTLS12_ID        /* DTLS 1.2, sessions found by id */
};

const char *kind_name(enum kind kind);

/* A server with a certificate made for this run, one TLS 1.3 ticket a handshake. */
SSL_CTX *server_context(enum kind kind);
SSL_CTX *client_context(enum kind kind);
/* The server asks for a certificate and the client has one. */
void demand_client_certificate(SSL_CTX *server, SSL_CTX *client);

struct pair {
    SSL *server;
    SSL *client;
    const char *server_error; /* reason of a failed handshake, else NULL */
    const char *client_error;
};

/* Two SSL objects joined by a BIO pair; resume may be NULL. */
struct pair pair_new(SSL_CTX *server, SSL_CTX *client, SSL_SESSION *resume);
/* A new BIO pair between the two, in place of whatever they have. */
void pair_join(struct pair *pair);
/* 1 if both sides finished; also reads the tickets that the server sent. */
int handshake(struct pair *pair);
/* The same with early data; *accepted: 1 if the server took it. */
int early_handshake(struct pair *pair, int *accepted);
/* One byte each way; 1 if it arrived. */
int exchange(struct pair *pair);
/* Tickets that lie in the client's buffer are processed. */
void read_tickets(struct pair *pair);
void close_clean(struct pair *pair);
void pair_free(struct pair *pair);

/* A whole connection, closed cleanly. Returns the client's session (one
   reference) or NULL; prints "<name>: full", "resumed" or the failure. */
SSL_SESSION *connection(const char *name, SSL_CTX *server, SSL_CTX *client,
                        SSL_SESSION *resume);
/* What connection() prints, for a pair after its handshake. */
const char *outcome(const struct pair *pair, int done);

/* SSL_SESSION pointers differ where the application would not: frees, and sets NULL. */
void session_drop(SSL_SESSION **session);

/* The counters of SSL_CTX_sess_*(3), one fact each. */
void fact_counters(SSL_CTX *ctx);

#endif
