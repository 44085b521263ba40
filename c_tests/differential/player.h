/*
 * The player of the differential test: plays one program (a list of operations)
 * in a process of its own and prints a trace of all that can be seen from outside.
 * README.md has the operations.
 */
#ifndef PLAYER_H
#define PLAYER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* The functions that every program in the world calls are deprecated since 3.4. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { NUMBERS = 5, SERVERS = 3, TLS_CLIENT = 3, DTLS_CLIENT = 4, CONTEXTS = 5, COUNTERS = 12 };

/* What the versions do differently in ways that the player has to care about. */
#define FLUSHES_BY_HASH (OPENSSL_VERSION_NUMBER < 0x30000000L)
#define FREES_AT_THE_END (OPENSSL_VERSION_NUMBER >= 0x30000000L && OPENSSL_VERSION_NUMBER < 0x40000000L)
#define LOCKS_TWICE (OPENSSL_VERSION_NUMBER < 0x30000000L)
#define RESUMES_MARKED (OPENSSL_VERSION_NUMBER < 0x30000000L)
#define READD_STAYS (OPENSSL_VERSION_NUMBER >= 0x30600000L)
#define EVICTS_IN_CHAINS (OPENSSL_VERSION_NUMBER >= 0x40000000L)

#ifndef SSL_SESS_CACHE_UPDATE_TIME
/* 1.1.1 keeps the bit and ignores it. */
#define SSL_SESS_CACHE_UPDATE_TIME 0x400
#endif

/* ---- clock.c */
enum { CLOCK_START = 1800000000 };
long clock_now(void);
/* Kept within the validity of the certificates. */
void clock_move(long seconds);

/* ---- trace.c */
/* One line, indented by how deep in callbacks it was said. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void trace_deeper(int by);
int trace_depth(void);
/* The lines are written out when an operation ends. */
void trace_flush(void);

/* ---- program.c */
struct operation {
    char name[24];
    unsigned long n[NUMBERS];
};
enum { HOOKS = 8 };
void play(char *lines);
/* Runs what the program hung on hook `number`; 0 is none. */
void run_hook(unsigned long number);
/* None runs until the operation of the program itself ends. */
void no_more_hooks(void);
/* The innermost operation that is running. */
const struct operation *running(void);
/* Adds an operation to the table; `nested`: callbacks may run it. */
struct command {
    const char *name;
    void (*run)(const unsigned long *n);
    int nested;
};
extern const struct command cache_commands[], session_commands[], setting_commands[], connection_commands[];

/* ---- cache.c: which ids that were ever seen this connection's context has */
void tell_ids(const SSL *ssl);

/* ---- world.c: contexts */
struct context {
    SSL_CTX *ctx;
    int slot, generation;
    int is_client, is_dtls, released, ended;
    /* What was set, and has to be read back. */
    long mode, size;
    int callback[3]; /* index of the function, -1 for none: new, remove, get */
    /* What the callbacks do. */
    unsigned long on_new, new_hook, remove_hook, answer, copy, get_hook;
    unsigned long generator, generated;
    int not_resumable, switches_at;
    unsigned long switches_to;
    long counters[COUNTERS];
};
/* The context of this slot, made now if there is none. */
struct context *context_at(unsigned long slot);
struct context *context_of(const SSL_CTX *ctx);
/* The application's reference to it goes. */
void context_release(unsigned long slot);
const char *context_name(const struct context *context);
/* The counters that changed, and whatever is not read back as it was set. */
void contexts_tell(void);
void contexts_end(void);
void world_prepare(void);

/* ---- labels.c: sessions and ids get a label when they are first seen */
struct seen {
    int number;              /* -1: seen first in a callback whose order is a matter of chance */
    SSL_SESSION *session;    /* NULL once it is gone; no reference */
    struct context *home;    /* the one context that it may be cached in */
    struct context *server;  /* for a client's session: which server it is good for */
    int is_client;
    int suspect;             /* it may be cached and marked not resumable */
    /* The id under which the application has added it: see stored_under_another_id(). */
    unsigned char added_as[32];
    unsigned int added_length;
    int added;
};
void labels_prepare(void);
struct seen *seen(SSL_SESSION *session);
/* The same from a callback whose order is a matter of chance: no label is given. */
struct seen *seen_by_chance(SSL_SESSION *session);
/* "s3:i2" */
const char *session_name(SSL_SESSION *session);
const char *id_name(const unsigned char *id, size_t length);
int ids_count(void);
const unsigned char *id_at(unsigned long number, unsigned int *length);
/* Every object with a label that is still there. */
struct seen *seen_at(int number);
int seen_count(void);
void labels_end(void);
/* The context in which the object may be cached, or NULL. */
struct context *home_of(struct seen *seen);
/* It has an id and was marked not resumable. */
int is_marked(SSL_SESSION *session);
/* known differences, item 5: adding an object that may be in the cache would give it a new time and leave it in its
   place. */
int puts_out_of_order(const struct context *context, struct seen *seen);

/* ---- held.c: the references that the application has */
void hold(SSL_SESSION *session, int is_client);
SSL_SESSION *held_at(unsigned long number, int is_client);
/* Of those that may be added to this context without being in two caches at once. */
SSL_SESSION *held_for(unsigned long number, struct context *context);
SSL_SESSION *held_by_id(const unsigned char *id, size_t length);
/* For a client of `server`: one of its sessions, or anybody's. */
SSL_SESSION *held_offer(unsigned long number, struct context *server, int version);
void held_drop(unsigned long number);
/* References that are let go when the operation ends. */
void hold_for_now(SSL_SESSION *session);
void held_for_now_drop(void);
void held_end(void);
SSL_SESSION *decoded(SSL_SESSION *session);

/* ---- hooks.c: the callbacks */
enum { NEW, REMOVE, GET, VARIANTS = 6 };
void callback_set(struct context *context, int kind, int variant);
/* Whether the getter says what was set. */
int callback_reads_back(const struct context *context, int kind);
void generator_set(struct context *context);
void switches_set(struct context *context);
void not_resumable_set(struct context *context);

/* ---- connections.c */
struct connection {
    SSL *server, *client;
    struct context *from, *client_from;
    int number;
};
void connections_prepare(void);
struct connection *connection_of(const SSL *ssl);
struct connection *connection_at(unsigned long number);
struct connection *connection_new(struct context *server, struct context *client);
/* Fresh BIOs between the two, in place of whatever they have. */
void connection_join(struct connection *connection);
/* Whether it is the session of a server whose handshake is not done: libssl will give it an id, and store it. (Known
   differences, item 6.) */
int is_being_made(const SSL_SESSION *session);
void connection_own(struct connection *connection, SSL *ssl);
void connection_free(struct connection *connection, int client_first);
void connections_end(void);

/* ---- handshakes.c */
/* Plays the handshake for at most `turns` turns; flips a byte on the way in turn `spoiled` (0: never). */
int handshake(struct connection *connection, int turns, int spoiled);
/* What lies in the buffers is read by both. */
void drain(struct connection *connection);
void spoil(SSL *from, SSL *to);
void say_errors(const char *who);
/* known differences, item 1: a cached session that is marked; stock resumes it, the library does not. (1.1.1 resumes it
   with and without, and breaks its table by that: it empties the session's id.) */
int resumes_marked(struct context *server, SSL_SESSION *offered);

#endif
