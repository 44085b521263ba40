/*
 * The three callbacks of an application. They print what they see and do what
 * `app` says; one application at a time, so it is one variable.
 */
#ifndef HARNESS_CALLBACKS_H
#define HARNESS_CALLBACKS_H

#include <openssl/ssl.h>

enum copy { COPY_UNTOUCHED, COPY_ZERO, COPY_ONE };

enum { STORE_SIZE = 64 };

struct app {
    /* new callback */
    int keep;              /* 1: keep the reference in the store and return 1; 0: return 0 */
    int look_only;         /* 1: put the session into the store by a reference of our own, return 0 */
    void (*on_new)(SSL *, SSL_SESSION *); /* runs first, if not NULL */
    /* get callback */
    enum copy copy;        /* what it does to *copy */
    int own_reference;     /* 1: takes a reference for the caller (goes with COPY_ZERO) */
    SSL_SESSION *answer;   /* given whatever the id, if not NULL; else the store is searched */
    void (*on_get)(SSL *); /* runs first, if not NULL */
    /* remove callback */
    void (*on_remove)(SSL_CTX *, SSL_SESSION *);
    int forget;            /* 1: takes the removed session out of the store as well */
    /* all */
    int sorted;            /* 1: a flush is told in the order of the labels, not of the calls */
    int quiet;             /* count, print nothing */
    SSL_CTX *session_context; /* printed as "context other" if a callback sees another one */
    /* results */
    int news, gets, removes;
    SSL_SESSION *store[STORE_SIZE];
    int stored;
};

extern struct app app;

int app_new(SSL *ssl, SSL_SESSION *session);
void app_remove(SSL_CTX *ctx, SSL_SESSION *session);
SSL_SESSION *app_get(SSL *ssl, const unsigned char *id, int length, int *copy);

/* Installs all three; app.session_context becomes ctx. */
void app_install(SSL_CTX *ctx);
/* Frees the store and forgets all settings, counts and labels given so far. */
void app_reset(void);
/* Found by id, or NULL; no reference is taken. */
SSL_SESSION *app_find(const unsigned char *id, size_t length);
/*
 * A flush, or the end of a context, that tells in one line what the remove
 * callback met: in the order of the calls, but sorted on 1.1.1, where the order
 * is that of a hash table.
 */
void flush_told(const char *name, SSL_CTX *ctx, long time);
void context_free_told(SSL_CTX *ctx);
/* The same for whatever is done between the two. */
void gather_begin(void);
void gather_end(const char *name);
/* "new 1, get 0, remove 0", and the counts start again. */
void fact_calls(const char *name);

#endif
