/* The application's callbacks: each tells what it sees, does what its context says, and runs what hangs on it. */
#include "player.h"

#include <string.h>

#include "../harness/facts.h"

static const char *current_context(const SSL *ssl)
{
    return context_name(context_of(SSL_get_SSL_CTX(ssl)));
}

/* ---- new */

static int new_session(int variant, SSL *ssl, SSL_SESSION *session)
{
    struct connection *connection = connection_of(ssl);
    int at_server = connection->server == ssl;
    struct context *context = at_server ? connection->from : connection->client_from;
    struct seen *found = seen(session);

    if (home_of(found) == NULL)
        found->home = context;
    found->is_client = !at_server;
    if (!at_server)
        found->server = connection->from;
    say("new%d k%d %s of %s: %s, resumable %d, in init %d, number %ld", variant, connection->number,
        at_server ? "server" : "client", current_context(ssl), session_name(session),
        SSL_SESSION_is_resumable(session), SSL_in_init(ssl) != 0, SSL_CTX_sess_number(context->ctx));
    run_hook(context->new_hook);
    switch (context->on_new % 5) {
    case 1: /* keeps the reference that it was given */
        hold(session, !at_server);
        return 1;
    case 2: /* lets go of it at once */
        SSL_SESSION_free(session);
        return 1;
    case 3: /* has a reference of its own */
        CHECK(SSL_SESSION_up_ref(session));
        hold(session, !at_server);
        return 0;
    case 4:
        hold(session, !at_server);
        return -1;
    default:
        return 0;
    }
}

/* ---- remove */

/* known differences, item 2: 1.1.1 takes its lock twice if such a callback comes back to the context, and unlocks it
   twice: what happens then is undefined. Only a removal by its id is told without the lock. */
static int may_come_back(void)
{
    return !LOCKS_TWICE || strcmp(running()->name, "remove") == 0;
}

static void removed(int variant, SSL_CTX *ctx, SSL_SESSION *session)
{
    struct context *context = context_of(ctx);
    struct seen *found = FLUSHES_BY_HASH ? seen_by_chance(session) : seen(session);

    if (home_of(found) == NULL && !found->is_client) {
        found->home = context;
        found->is_client = context->is_client;
    }
    /* How many are left depends on the order, which 1.1.1 leaves to chance. */
    if (FLUSHES_BY_HASH)
        say("remove%d %s: %s, resumable %d", variant, context_name(context), session_name(session),
            SSL_SESSION_is_resumable(session));
    else
        say("remove%d %s: %s, resumable %d, number %ld, full %ld", variant, context_name(context),
            session_name(session), SSL_SESSION_is_resumable(session), SSL_CTX_sess_number(ctx),
            SSL_CTX_sess_cache_full(ctx));
    /* What a context is asked while it ends is nobody's business (and see order_ends_of_contexts). */
    if (running() != NULL && !context->released && may_come_back())
        run_hook(context->remove_hook);
}

/* ---- get */

enum { NOTHING, STORED, ANY, DUPLICATE, DECODED, EXPIRED, FOREIGN_CONTEXT, MASTER_CHANGED, ANSWERS };

static SSL_SESSION *changed(SSL_SESSION *session, unsigned long how)
{
    SSL_SESSION *made = how == DUPLICATE ? SSL_SESSION_dup(session) : decoded(session);

    if (made == NULL)
        return NULL;
    if (how == EXPIRED)
        SSL_SESSION_set_time(made, clock_now() - 100000);
    if (how == FOREIGN_CONTEXT)
        SSL_SESSION_set1_id_context(made, (const unsigned char *)"foreign", 7);
    if (how == MASTER_CHANGED)
        SSL_SESSION_set1_master_key(made, (const unsigned char *)"0123456789abcdef0123456789abcdef0123456789abcdef",
                                    SSL_SESSION_get_master_key(made, NULL, 0));
    return made;
}

/* Whether libssl, which will add the answer to its cache, may do so: an object must not be in two caches at once. */
static int may_be_added(struct context *context, struct seen *found)
{
    return home_of(found) == context || home_of(found) == NULL;
}

static SSL_SESSION *safe_answer(struct context *context, SSL_SESSION *session)
{
    SSL_SESSION *copy;

    if (context->mode & SSL_SESS_CACHE_NO_INTERNAL_STORE)
        return session;
    if (may_be_added(context, seen(session)) && !puts_out_of_order(context, seen(session))) {
        seen(session)->home = context;
        return session;
    }
    copy = SSL_SESSION_dup(session);
    CHECK(copy != NULL);
    hold_for_now(copy);
    seen(copy)->home = context;
    return copy;
}

/* 1.1.1 resumes a marked session from a callback, too, and empties its id, although it has just stored it: an entry of
   its table that has lost its key. */
static int breaks_table(const struct context *context, SSL_SESSION *session)
{
    return RESUMES_MARKED && !(context->mode & SSL_SESS_CACHE_NO_INTERNAL_STORE) && is_marked(session);
}

static SSL_SESSION *answer(struct context *context, const unsigned char *id, int length)
{
    SSL_SESSION *found = held_by_id(id, (size_t)length), *made;

    switch (context->answer % ANSWERS) {
    case NOTHING:
        return NULL;
    case ANY:
        found = held_at(context->answer / ANSWERS, 0);
        /* fall through */
    case STORED:
        return found == NULL ? NULL : safe_answer(context, found);
    default:
        made = found == NULL ? NULL : changed(found, context->answer % ANSWERS);
        if (made != NULL) {
            hold_for_now(made);
            seen(made)->home = context;
        }
        return made;
    }
}

/* What a handshake that failed has left has no cipher yet. libssl reads it without asking, and crashes. */
static int is_half_made(const SSL_SESSION *session)
{
    return SSL_SESSION_get0_cipher(session) == NULL;
}

static SSL_SESSION *get_session(int variant, SSL *ssl, const unsigned char *id, int length, int *copy)
{
    struct connection *connection = connection_of(ssl);
    struct context *context = connection->from;
    SSL_SESSION *found;

    say("get%d k%d of %s: %s, copy %d, number %ld", variant, connection->number, current_context(ssl),
        id_name(id, (size_t)length), *copy, SSL_CTX_sess_number(context->ctx));
    run_hook(context->get_hook);
    found = answer(context, id, length);
    if (found != NULL && (is_half_made(found) || is_being_made(found) || breaks_table(context, found)))
        found = NULL;
    say("answer %s", session_name(found));
    switch (context->copy % 5) {
    case 0:
        if (found != NULL)
            CHECK(SSL_SESSION_up_ref(found));
        *copy = 0;
        break;
    case 1:
        *copy = 1;
        break;
    case 3: /* any number is a yes */
        *copy = 7;
        break;
    case 4:
        *copy = -1;
        break;
    default: /* untouched, which means 1 */
        break;
    }
    return found;
}

/* ---- six functions of each kind, so that one that was replaced is not taken for its successor */

#define FUNCTIONS(n)                                                           \
    static int new##n(SSL *ssl, SSL_SESSION *session)                          \
    {                                                                          \
        return new_session(n, ssl, session);                                   \
    }                                                                          \
    static void remove##n(SSL_CTX *ctx, SSL_SESSION *session)                  \
    {                                                                          \
        removed(n, ctx, session);                                              \
    }                                                                          \
    static SSL_SESSION *get##n(SSL *ssl, const unsigned char *id, int length, int *copy) \
    {                                                                          \
        return get_session(n, ssl, id, length, copy);                          \
    }

FUNCTIONS(0)
FUNCTIONS(1)
FUNCTIONS(2)
FUNCTIONS(3)
FUNCTIONS(4)
FUNCTIONS(5)

static int (*const news[VARIANTS])(SSL *, SSL_SESSION *) = { new0, new1, new2, new3, new4, new5 };
static void (*const removes[VARIANTS])(SSL_CTX *, SSL_SESSION *)
    = { remove0, remove1, remove2, remove3, remove4, remove5 };
static SSL_SESSION *(*const gets[VARIANTS])(SSL *, const unsigned char *, int, int *)
    = { get0, get1, get2, get3, get4, get5 };

void callback_set(struct context *context, int kind, int variant)
{
    context->callback[kind] = variant;
    if (kind == NEW)
        SSL_CTX_sess_set_new_cb(context->ctx, variant < 0 ? NULL : news[variant]);
    else if (kind == REMOVE)
        SSL_CTX_sess_set_remove_cb(context->ctx, variant < 0 ? NULL : removes[variant]);
    else
        SSL_CTX_sess_set_get_cb(context->ctx, variant < 0 ? NULL : gets[variant]);
}

int callback_reads_back(const struct context *context, int kind)
{
    int variant = context->callback[kind];

    if (kind == NEW)
        return SSL_CTX_sess_get_new_cb(context->ctx) == (variant < 0 ? NULL : news[variant]);
    if (kind == REMOVE)
        return SSL_CTX_sess_get_remove_cb(context->ctx) == (variant < 0 ? NULL : removes[variant]);
    return SSL_CTX_sess_get_get_cb(context->ctx) == (variant < 0 ? NULL : gets[variant]);
}

/* ---- ids that the application generates */

enum { COUNTED = 1, TAKEN_ONCE, TAKEN_ALWAYS, REFUSED };

static int generate(SSL *ssl, unsigned char *id, unsigned int *length)
{
    struct connection *connection = connection_of(ssl);
    struct context *context = connection->from;
    unsigned long how = context->generator % 5, number = context->generated++;
    unsigned int size = *length;

    if (SSL_version(ssl) != TLS1_3_VERSION && context->generator / 5 % 3 != 0)
        size = 4 + (unsigned int)(context->generator / 5 % 28);
    memset(id, 'x', size);
    id[0] = (unsigned char)context->slot;
    id[1] = (unsigned char)context->generation;
    id[2] = (unsigned char)number;
    id[3] = (unsigned char)(number >> 8);
    if (ids_count() > 0 && (how == TAKEN_ALWAYS || (how == TAKEN_ONCE && number == 0))) {
        unsigned int known;
        const unsigned char *bytes = id_at(context->generator / 5 % (unsigned long)ids_count(), &known);

        if (known > 0 && known <= *length && (known == *length || SSL_version(ssl) != TLS1_3_VERSION))
            memcpy(id, bytes, size = known);
    }
    say("generate k%d: %s, there already %d", connection->number, id_name(id, size),
        SSL_has_matching_session_id(ssl, id, size));
    *length = size;
    return how != REFUSED;
}

void generator_set(struct context *context)
{
    context->generated = 0;
    CHECK(SSL_CTX_set_generate_session_id(context->ctx, context->generator % 5 == 0 ? NULL : generate));
}

/* ---- marking new sessions */

static int marks(SSL *ssl, int forward_secure)
{
    (void)ssl;
    say("not resumable asked, forward secure %d", forward_secure);
    return 1;
}

void not_resumable_set(struct context *context)
{
    SSL_CTX_set_not_resumable_session_callback(context->ctx, context->not_resumable ? marks : NULL);
}

/* ---- switching to another context by the server's name, or before */

static void switch_context(SSL *ssl)
{
    struct context *from = connection_of(ssl)->from, *to = context_at(from->switches_to % SERVERS);

    if (to->is_dtls != from->is_dtls)
        return;
    say("switch to %s: %d", context_name(to), SSL_set_SSL_CTX(ssl, to->ctx) == to->ctx);
}

static int on_name(SSL *ssl, int *alert, void *argument)
{
    (void)alert, (void)argument;
    if (connection_of(ssl)->from->switches_at == 1)
        switch_context(ssl);
    return SSL_TLSEXT_ERR_OK;
}

static int on_hello(SSL *ssl, int *alert, void *argument)
{
    (void)alert, (void)argument;
    if (connection_of(ssl)->from->switches_at == 2)
        switch_context(ssl);
    return SSL_CLIENT_HELLO_SUCCESS;
}

void switches_set(struct context *context)
{
    int (*at_name)(SSL *, int *, void *) = context->switches_at == 1 ? on_name : NULL;

    SSL_CTX_set_tlsext_servername_callback(context->ctx, at_name);
    SSL_CTX_set_client_hello_cb(context->ctx, context->switches_at == 2 ? on_hello : NULL, NULL);
}
