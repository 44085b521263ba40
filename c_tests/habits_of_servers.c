/* test: valgrind=memcheck | leaks=yes */
/*
 * What real servers do in their callbacks, each in its own odd way: HAProxy,
 * Postfix, Squid, Node, stunnel, nginx, Apache.
 */
#include "harness/harness.h"


/* An external store: serialised sessions by id, as these servers keep them. */
static struct record {
    unsigned char id[32], der[4096];
    unsigned int id_length;
    int der_length;
} records[8];
static int recorded;

static void record(SSL_SESSION *session, const unsigned char *id, unsigned int length)
{
    struct record *r = &records[recorded++ % 8];
    unsigned char *end = r->der;

    memset(r->id, 0, sizeof(r->id));
    memcpy(r->id, id, length);
    r->id_length = length;
    r->der_length = i2d_SSL_SESSION(session, NULL);
    CHECK(r->der_length > 0 && r->der_length <= (int)sizeof(r->der));
    i2d_SSL_SESSION(session, &end);
}

static SSL_SESSION *recall(const unsigned char *id, int length)
{
    int i;

    for (i = 0; i < 8; ++i) {
        const unsigned char *der = records[i].der;

        if (records[i].der_length > 0 && records[i].id_length == (unsigned int)length
            && memcmp(records[i].id, id, (size_t)length) == 0)
            return d2i_SSL_SESSION(NULL, &der, records[i].der_length);
    }
    return NULL;
}

static int plain_new(SSL *ssl, SSL_SESSION *session)
{
    unsigned int length;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);

    (void)ssl;
    record(session, id, length);
    return 0;
}

static SSL_SESSION *plain_get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    SSL_SESSION *found = recall(id, length);

    (void)ssl;
    note("get finds %d", found != NULL);
    *copy = 0;
    return found;
}

/* HAProxy empties id and context of the live session, serialises it, and restores both. */
static int haproxy_new(SSL *ssl, SSL_SESSION *session)
{
    unsigned char id[32], context[32];
    unsigned int id_length, context_length;
    const unsigned char *p = SSL_SESSION_get_id(session, &id_length);

    (void)ssl;
    memcpy(id, p, id_length);
    p = SSL_SESSION_get0_id_context(session, &context_length);
    memcpy(context, p, context_length);
    CHECK(SSL_SESSION_set1_id(session, p, 0) && SSL_SESSION_set1_id_context(session, p, 0));
    record(session, id, id_length);
    CHECK(SSL_SESSION_set1_id(session, id, id_length));
    CHECK(SSL_SESSION_set1_id_context(session, context, context_length));
    return 0;
}

static SSL_SESSION *haproxy_get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    SSL_SESSION *found = recall(id, length);

    (void)ssl;
    *copy = 0;
    if (found != NULL) {
        CHECK(SSL_SESSION_set1_id(found, id, (unsigned int)length));
        CHECK(SSL_SESSION_set1_id_context(found, (const unsigned char *)"harness", 7));
    }
    return found;
}

/* Postfix frees the session itself, says 1, and never touches *copy. */
static int postfix_new(SSL *ssl, SSL_SESSION *session)
{
    plain_new(ssl, session);
    SSL_SESSION_free(session);
    return 1;
}

static SSL_SESSION *postfix_answer;

static SSL_SESSION *postfix_get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    (void)ssl, (void)copy;
    note("preset %d", *copy);
    return postfix_answer = recall(id, length);
}

/* Squid reads 32 bytes at the id whatever its length, and at the session itself. */
static volatile unsigned int sink;

static void squid_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    const unsigned char *bytes = (const unsigned char *)session;
    int i;

    (void)ctx;
    for (i = 0; i < 32; ++i)
        sink += bytes[i];
    note("squid's remove");
}

static SSL_SESSION *squid_get(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    int i;

    for (i = 0; i < 32; ++i)
        sink += id[i];
    return plain_get(ssl, id, length, copy);
}

static void twice(const char *name, SSL_CTX *server, SSL_CTX *client)
{
    SSL_SESSION *session = connection(name, server, client, NULL), *next;

    next = connection("again", server, client, session);
    session_drop(&next);
    next = connection("and again", server, client, session);
    session_drop(&next);
    session_drop(&session);
}

static void end(SSL_CTX *server, SSL_CTX *client)
{
    FACT("number", SSL_CTX_sess_number(server));
    FACT("hits", SSL_CTX_sess_hits(server));
    FACT("cb_hits", SSL_CTX_sess_cb_hits(server));
    FACT("misses", SSL_CTX_sess_misses(server));
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    memset(records, 0, sizeof(records));
    recorded = 0;
}

typedef int new_callback(SSL *, SSL_SESSION *);
typedef SSL_SESSION *get_callback(SSL *, const unsigned char *, int, int *);
typedef void remove_callback(SSL_CTX *, SSL_SESSION *);

static void server_of(const char *name, enum kind kind, long mode, new_callback *on_new,
                      get_callback *on_get, remove_callback *on_remove)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);

    printf("[%s, %s]\n", name, kind_name(kind));
    SSL_CTX_set_session_cache_mode(server, mode);
    SSL_CTX_sess_set_cache_size(server, 1);
    SSL_CTX_sess_set_new_cb(server, on_new);
    SSL_CTX_sess_set_get_cb(server, on_get);
    SSL_CTX_sess_set_remove_cb(server, on_remove);
    twice("first", server, client);
    if (postfix_answer != NULL)
        SSL_SESSION_free(postfix_answer);
    postfix_answer = NULL;
    end(server, client);
}

/* Node sets both callbacks anew for every connection. */
static void node(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session = NULL, *next;
    int i;

    printf("[Node, %s]\n", kind_name(kind));
    for (i = 0; i < 4; ++i) {
        SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_SERVER
                                                   | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
        SSL_CTX_sess_set_get_cb(server, plain_get);
        SSL_CTX_sess_set_new_cb(server, plain_new);
        next = connection("connection", server, client, session);
        session_drop(&session);
        session = next;
    }
    session_drop(&session);
    end(server, client);
}

/* stunnel adds the session itself, although NO_INTERNAL_STORE is set. */
static void stunnel(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;
    struct pair pair;

    printf("[stunnel, %s]\n", kind_name(kind));
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_cache_size(server, 1000);
    pair = pair_new(server, client, NULL);
    CHECK(handshake(&pair));
    FACT("number", SSL_CTX_sess_number(server));
    FACT("added", SSL_CTX_add_session(server, SSL_get_session(pair.server)));
    FACT("number", SSL_CTX_sess_number(server));
    session = SSL_get1_session(pair.client);
    close_clean(&pair);
    pair_free(&pair);
    next = connection("again", server, client, session);
    session_drop(&next);
    session_drop(&session);
    end(server, client);
}

/* nginx's default "none": stores nothing, size 1; and a removal after a bad certificate. */
static void nginx_none(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    struct pair pair;

    printf("[nginx none, %s]\n", kind_name(kind));
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_AUTO_CLEAR
                                               | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_cache_size(server, 1);
    twice("first", server, client);
    pair = pair_new(server, client, NULL);
    CHECK(handshake(&pair));
    FACT("removed", SSL_CTX_remove_session(server, SSL_get0_session(pair.server)));
    close_clean(&pair);
    pair_free(&pair);
    end(server, client);
}

/* Apache sets the session's timeout inside the new callback. */
static int apache_new(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION_set_timeout(session, 300);
    note("timeout %ld", SSL_SESSION_get_timeout(session));
    return plain_new(ssl, session);
}

int main(void)
{
    static const enum kind kinds[] = { TLS12_ID, TLS13_STATEFUL };
    const long none = SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL;
    size_t i;

    for (i = 0; i < 2; ++i) {
        server_of("nginx shared", kinds[i], none, plain_new, plain_get, NULL);
        server_of("nginx builtin and shared", kinds[i], SSL_SESS_CACHE_SERVER, plain_new, plain_get, NULL);
        server_of("HAProxy", kinds[i], none | SSL_SESS_CACHE_NO_AUTO_CLEAR, haproxy_new, haproxy_get, NULL);
        server_of("HAProxy's way with the internal cache", kinds[i], SSL_SESS_CACHE_SERVER, haproxy_new, haproxy_get, NULL);
        server_of("Postfix", kinds[i], none | SSL_SESS_CACHE_NO_AUTO_CLEAR, postfix_new, postfix_get, NULL);
        server_of("Squid", kinds[i], none, plain_new, squid_get, squid_remove);
        server_of("Squid's way with the internal cache", kinds[i], SSL_SESS_CACHE_SERVER, plain_new, squid_get, squid_remove);
        server_of("Apache", kinds[i], SSL_SESS_CACHE_SERVER, apache_new, plain_get, NULL);
        node(kinds[i]);
        stunnel(kinds[i]);
        nginx_none(kinds[i]);
    }
    return 0;
}
