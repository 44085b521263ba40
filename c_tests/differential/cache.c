/* Operations on the cache itself. */
#include "player.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* 4.0 chains those it evicts through a field of the session's own until their callbacks have been called: a
   callback must not add one of them. All of them are marked. */
static int may_be_in_a_chain(SSL_SESSION *session)
{
    return EVICTS_IN_CHAINS && trace_depth() > 1 && is_marked(session);
}

/* known differences, item 6: libssl stores an object a second time whose id has changed since, and loses count of it. */
static int stored_under_another_id(const struct seen *found, SSL_SESSION *session)
{
    unsigned int length;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);

    return found->added && (length != found->added_length || memcmp(id, found->added_as, length) != 0);
}

static void note_id(struct seen *found, SSL_SESSION *session)
{
    const unsigned char *id = SSL_SESSION_get_id(session, &found->added_length);

    memcpy(found->added_as, id, found->added_length);
    found->added = 1;
}

/* add CONTEXT SESSION */
static void add(const unsigned long *n)
{
    struct context *context = context_at(n[0]);
    SSL_SESSION *session = held_for(n[1], context);
    struct seen *found;

    if (session == NULL)
        return;
    found = seen(session);
    if (puts_out_of_order(context, found) || may_be_in_a_chain(session) || is_being_made(session)
        || stored_under_another_id(found, session)) {
        say("not added");
        return;
    }
    note_id(found, session);
    found->home = context;
    if (is_marked(session))
        found->suspect = 1;
    say("add %s %s", context_name(context), session_name(session));
    say("added %d", SSL_CTX_add_session(context->ctx, session));
}

/* remove CONTEXT SESSION: from any context, of whichever the session may be */
static void remove_it(const unsigned long *n)
{
    struct context *context = context_at(n[0]);
    SSL_SESSION *session = n[2] % 4 == 0 ? held_at(n[1], context->is_client) : held_for(n[1], context);

    if (session == NULL)
        return;
    if (home_of(seen(session)) != context)
        seen(session)->suspect = 1;
    say("remove_session %s %s", context_name(context), session_name(session));
    say("removed %d", SSL_CTX_remove_session(context->ctx, session));
}

static long flush_time(const unsigned long *n, int is_client)
{
    SSL_SESSION *session = held_at(n[2], is_client);

    switch (n[1] % 10) {
    case 0:
        return 0;
    case 1:
        return clock_now();
    case 2:
        return clock_now() + 1;
    case 3:
        return clock_now() + 301;
    case 4:
        return clock_now() + 7201;
    case 5:
        return CLOCK_START * 2L;
    case 6:
        return -1;
    case 7:
        return LONG_MIN;
    default: /* the very second in which a session expires, and the next one */
        return session == NULL ? 1
                               : SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session) + (long)(n[1] % 2);
    }
}

/* flush CONTEXT WHEN SESSION */
static void flush(const unsigned long *n)
{
    struct context *context = context_at(n[0]);
    long time = flush_time(n, context->is_client);

    say("flush %s", context_name(context));
#if OPENSSL_VERSION_NUMBER >= 0x30400000L
    if (n[3] % 2 == 1) {
        SSL_CTX_flush_sessions_ex(context->ctx, time);
        return;
    }
#endif
    SSL_CTX_flush_sessions(context->ctx, time);
}

/* One line: which ids that were ever seen this connection's context has, for its version. */
void tell_ids(const SSL *ssl)
{
    char text[256] = "";
    size_t used = 0;
    unsigned int length;
    int i, count = 0;

    for (i = 0; i < ids_count(); ++i) {
        const unsigned char *id = id_at((unsigned long)i, &length);

        if (!SSL_has_matching_session_id(ssl, id, length))
            continue;
        ++count;
        if (used < sizeof(text) - 16)
            used += (size_t)sprintf(text + used, " i%d", i);
    }
    say("has %d:%s", count, text);
}

/* ids CONTEXT */
static void ids(const unsigned long *n)
{
    struct context *context = context_at(n[0]);
    SSL *ssl = SSL_new(context->ctx);

    if (ssl == NULL)
        return;
    tell_ids(ssl);
    SSL_free(ssl);
}

/* has CONNECTION */
static void has(const unsigned long *n)
{
    struct connection *connection = connection_at(n[0]);

    if (connection != NULL)
        tell_ids(n[1] % 4 == 3 ? connection->client : connection->server);
}

/* counters CONTEXT */
static void counters(const unsigned long *n)
{
    struct context *context = context_at(n[0]);

    say("number %ld, full %ld, misses %ld, cb_hits %ld", SSL_CTX_sess_number(context->ctx),
        SSL_CTX_sess_cache_full(context->ctx), SSL_CTX_sess_misses(context->ctx), SSL_CTX_sess_cb_hits(context->ctx));
}

/* table CONTEXT: hands the context back to libssl, for good */
static void table(const unsigned long *n)
{
    struct context *context = context_at(n[0]);
    LHASH_OF(SSL_SESSION) *sessions = SSL_CTX_sessions(context->ctx);

    say("table of %s: %lu", context_name(context), OPENSSL_LH_num_items((const OPENSSL_LHASH *)sessions));
}

/* release CONTEXT */
static void release(const unsigned long *n)
{
    context_release(n[0]);
}

const struct command cache_commands[] = {
    { "add", add, 1 },
    { "remove", remove_it, 1 },
    { "flush", flush, 1 },
    { "ids", ids, 1 },
    { "has", has, 1 },
    { "counters", counters, 1 },
    { "table", table, 0 },
    { "release", release, 0 },
    { NULL, NULL, 0 },
};
