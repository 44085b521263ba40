/* Operations on sessions. */
#include "player.h"

#include <string.h>

#include "../harness/facts.h"

static const char *const hand_made_ids[] = {
    "", "a", "b", "c", "abcd", "abce", "abcf", "abcdefgh", "0123456789abcdef0123456789abcdef", "d", "e", "f", "g",
};

static const SSL_CIPHER *cipher_of(SSL *ssl, int version)
{
    static const unsigned char tls12[] = { 0xc0, 0x2b }, tls13[] = { 0x13, 0x01 };

    return SSL_CIPHER_find(ssl, version == TLS1_3_VERSION ? tls13 : tls12);
}

/* libssl takes it for granted that a session has a cipher and a key. */
static void complete(SSL_SESSION *session, int version)
{
    static const unsigned char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef";
    SSL *ssl = SSL_new(context_at(version == DTLS1_2_VERSION ? DTLS_CLIENT : TLS_CLIENT)->ctx);

    CHECK(ssl != NULL);
    CHECK(SSL_SESSION_set_cipher(session, cipher_of(ssl, version)));
    CHECK(SSL_SESSION_set1_master_key(session, key, version == TLS1_3_VERSION ? 32 : 48));
    CHECK(SSL_SESSION_set1_id_context(session, (const unsigned char *)"player", 6));
    SSL_free(ssl);
}

static void set_id(SSL_SESSION *session, unsigned long number)
{
    unsigned long count = sizeof(hand_made_ids) / sizeof(*hand_made_ids);
    const unsigned char *id = (const unsigned char *)hand_made_ids[number % count];
    unsigned int length = (unsigned int)strlen((const char *)id);

    /* Now and then that of a session which was seen. */
    if (number / count % 3 == 1 && ids_count() > 0)
        id = id_at(number / count % (unsigned long)ids_count(), &length);
    CHECK(SSL_SESSION_set1_id(session, id, length));
}

static const long spans[] = { 0, 1, 2, 5, 10, 100, 300, 7200, 100000, 1000000000 };
enum { SPANS = sizeof(spans) / sizeof(*spans) };

/* made VERSION ID AGE TIMEOUT SIDE */
static void made(const unsigned long *n)
{
    static const int versions[] = { TLS1_3_VERSION, TLS1_3_VERSION, TLS1_2_VERSION, DTLS1_2_VERSION };
    int version = versions[n[0] % 4];
    SSL_SESSION *session = SSL_SESSION_new();

    CHECK(session != NULL);
    CHECK(SSL_SESSION_set_protocol_version(session, version));
    set_id(session, n[1]);
    complete(session, version);
    SSL_SESSION_set_time(session, clock_now() - (long)(n[2] % 8));
    CHECK(SSL_SESSION_set_timeout(session, spans[n[3] % SPANS]));
    hold(session, n[4] % 8 == 1);
    say("made %s", session_name(session));
}

/* copy SESSION HOW SIDE */
static void copy(const unsigned long *n)
{
    int is_client = n[2] % 2 == 1;
    SSL_SESSION *session = held_at(n[0], is_client), *result;

    if (session == NULL)
        return;
    result = n[1] % 2 == 0 ? SSL_SESSION_dup(session) : decoded(session);
    say("copy of %s", session_name(session));
    if (result == NULL)
        return;
    seen(result)->server = seen(session)->server;
    hold(result, is_client);
    say("is %s, resumable %d", session_name(result), SSL_SESSION_is_resumable(result));
}

/* time SESSION AGE SIDE WHICH */
static void set_time(const unsigned long *n)
{
    SSL_SESSION *session = held_at(n[0], n[2] % 8 == 1);
    long time = clock_now() - 4 + (long)(n[1] % 8);

    if (session == NULL)
        return;
    /* known differences, item 12: never a negative time. */
    if (n[1] / 8 % 4 == 1)
        time = clock_now() - spans[n[1] % SPANS] % CLOCK_START;
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
    if (n[3] % 2 == 1) {
        say("time_ex %s: %d", session_name(session), SSL_SESSION_set_time_ex(session, time) == time);
        return;
    }
#endif
    say("time %s: %d, %d", session_name(session), SSL_SESSION_set_time(session, time) == time,
        SSL_SESSION_get_time(session) == time);
}

/* limit SESSION TIMEOUT SIDE */
static void set_timeout(const unsigned long *n)
{
    SSL_SESSION *session = held_at(n[0], n[2] % 8 == 1);
    long timeout = n[1] % 16 == 15 ? -1 : spans[n[1] % SPANS];

    if (session == NULL)
        return;
    say("limit %s: %ld", session_name(session), SSL_SESSION_set_timeout(session, timeout));
    say("is %ld", SSL_SESSION_get_timeout(session));
}

/* rekey SESSION ID SIDE: the id of one that cannot be cached changes; known differences, item 6: that of one which may be
   cached changes and comes back. */
static void rekey(const unsigned long *n)
{
    SSL_SESSION *session = held_at(n[0], n[2] % 2 == 1);
    unsigned char old[32];
    unsigned int length = 0;

    if (session == NULL)
        return;
    memcpy(old, SSL_SESSION_get_id(session, &length), sizeof(old));
    say("rekey %s", session_name(session));
    set_id(session, n[1]);
    say("is %s", session_name(session));
    if (home_of(seen(session)) != NULL)
        CHECK(SSL_SESSION_set1_id(session, old, length));
}

/* Its id from the first bytes on, or its version. (Known differences, item 6: libssl finds it under its new version.) */
static void change_name(SSL_SESSION *session, unsigned long how)
{
    int version = SSL_SESSION_get_protocol_version(session);

    if (how % 2 == 0)
        CHECK(SSL_SESSION_set1_id(session, (const unsigned char *)"renamed", 7));
    else
        CHECK(SSL_SESSION_set_protocol_version(session, version == TLS1_3_VERSION ? TLS1_2_VERSION : TLS1_3_VERSION));
}

static void ask_for_renamed(struct context *context, SSL_SESSION *session, SSL_SESSION *same, const unsigned long *n)
{
    SSL *ssl;

    if (n[1] % 2 == 1 || n[2] % 3 == 0) {
        say("removed by its old name %d", SSL_CTX_remove_session(context->ctx, same));
    } else if (n[2] % 3 == 1) {
        seen(session)->suspect = 1;
        say("removed by its new name %d", SSL_CTX_remove_session(context->ctx, session));
    } else if ((ssl = SSL_new(context->ctx)) != NULL) {
        tell_ids(ssl);
        SSL_free(ssl);
    }
    say("number %ld", SSL_CTX_sess_number(context->ctx));
}

/*
 * rename SESSION HOW WHAT SIDE: what may be cached has another id or version while its context is asked for it. Callbacks do
 * nothing meanwhile: they could remove it by its new name, or add another by its old one. (Known differences, item 6.)
 */
static void rename_it(const unsigned long *n)
{
    SSL_SESSION *session = held_at(n[0], n[3] % 8 == 1), *same;
    struct context *context = session == NULL ? NULL : home_of(seen(session));
    unsigned char old[32];
    unsigned int length = 0;
    int version;

    if (context == NULL || (same = SSL_SESSION_dup(session)) == NULL)
        return;
    hold_for_now(same);
    memcpy(old, SSL_SESSION_get_id(session, &length), sizeof(old));
    version = SSL_SESSION_get_protocol_version(session);
    say("rename %s, another of its name is %s", session_name(session), session_name(same));
    no_more_hooks();
    change_name(session, n[1]);
    ask_for_renamed(context, session, same, n);
    CHECK(SSL_SESSION_set_protocol_version(session, version));
    CHECK(SSL_SESSION_set1_id(session, old, length));
}

/* remaster SESSION SIDE: the key of a session changes, so that it cannot be resumed any more */
static void remaster(const unsigned long *n)
{
    SSL_SESSION *session = held_at(n[0], n[1] % 2 == 1);
    unsigned char key[64];
    size_t length;

    if (session == NULL)
        return;
    length = SSL_SESSION_get_master_key(session, key, sizeof(key));
    if (length == 0)
        return;
    key[0] ^= 1;
    say("remaster %s: %d", session_name(session), SSL_SESSION_set1_master_key(session, key, length));
}

/* context_of SESSION NUMBER: the session id context of a session changes */
static void set_context(const unsigned long *n)
{
    static const char *const contexts[] = { "player", "other", "", "player" };
    const char *context = contexts[n[1] % 4];
    SSL_SESSION *session = held_at(n[0], 0);

    if (session != NULL)
        say("context of %s: %d", session_name(session),
            SSL_SESSION_set1_id_context(session, (const unsigned char *)context, (unsigned int)strlen(context)));
}

/* hold CONNECTION SIDE: takes a reference to the connection's session */
static void hold_session(const unsigned long *n)
{
    struct connection *connection = connection_at(n[0]);
    SSL_SESSION *session;
    struct seen *found;
    int is_client = n[1] % 4 == 1;

    if (connection == NULL)
        return;
    session = SSL_get1_session(is_client ? connection->client : connection->server);
    if (session == NULL)
        return;
    found = seen(session);
    if (home_of(found) == NULL)
        found->home = is_client ? connection->client_from : connection->from;
    found->server = is_client ? connection->from : NULL;
    hold(session, is_client);
    say("hold %s", session_name(session));
}

/* drop SESSION */
static void drop(const unsigned long *n)
{
    held_drop(n[0]);
}

const struct command session_commands[] = {
    { "made", made, 1 },
    { "copy", copy, 1 },
    { "time", set_time, 1 },
    { "limit", set_timeout, 1 },
    { "rekey", rekey, 0 },
    { "rename", rename_it, 0 },
    { "remaster", remaster, 0 },
    { "context_of", set_context, 0 },
    { "hold", hold_session, 0 },
    { "drop", drop, 1 },
    { NULL, NULL, 0 },
};
