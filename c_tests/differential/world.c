/* Contexts: made when they are first asked for, watched after each operation. */
#include "player.h"

#include <stdio.h>
#include <stdlib.h>

#include "../harness/certificates.h"
#include "../harness/facts.h"

enum { ALIVE = 64 };

static struct context *slots[CONTEXTS];
static struct context *alive[ALIVE];
static int generations[CONTEXTS], alive_count, context_index = -1;

static const struct {
    const char *name;
    int command;
} counters[COUNTERS] = {
    { "number", SSL_CTRL_SESS_NUMBER },
    { "connect", SSL_CTRL_SESS_CONNECT },
    { "connect_good", SSL_CTRL_SESS_CONNECT_GOOD },
    { "connect_renegotiate", SSL_CTRL_SESS_CONNECT_RENEGOTIATE },
    { "accept", SSL_CTRL_SESS_ACCEPT },
    { "accept_good", SSL_CTRL_SESS_ACCEPT_GOOD },
    { "accept_renegotiate", SSL_CTRL_SESS_ACCEPT_RENEGOTIATE },
    { "hits", SSL_CTRL_SESS_HIT },
    { "cb_hits", SSL_CTRL_SESS_CB_HIT },
    { "misses", SSL_CTRL_SESS_MISSES },
    { "timeouts", SSL_CTRL_SESS_TIMEOUTS },
    { "cache_full", SSL_CTRL_SESS_CACHE_FULL },
};

static void forget_alive(const struct context *context)
{
    int i;

    for (i = 0; i < alive_count; ++i)
        if (alive[i] == context) {
            alive[i] = alive[--alive_count];
            return;
        }
}

static void on_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    struct context *context = ptr;

    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (context == NULL)
        return;
    say("end of %s", context_name(context));
    context->ended = 1;
    forget_alive(context);
}

void world_prepare(void)
{
    (void)server_identity();
    (void)client_identity();
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_free);
    CHECK(context_index >= 0);
}

/* A server of each kind of method; the second one comes by SSL_CTX_new_ex, where there is one, which is adopted late. */
static SSL_CTX *raw_context(unsigned long slot)
{
    switch (slot) {
    case 0:
        return SSL_CTX_new(TLS_server_method());
    case 1:
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
        return SSL_CTX_new_ex(NULL, NULL, TLS_method());
#else
        return SSL_CTX_new(TLS_method());
#endif
    case 2:
        return SSL_CTX_new(DTLS_server_method());
    case TLS_CLIENT:
        return SSL_CTX_new(TLS_client_method());
    default:
        return SSL_CTX_new(DTLS_client_method());
    }
}

static void prepare_server(SSL_CTX *ctx)
{
    identity_use(ctx, server_identity());
    CHECK(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"player", 6));
    CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority()->certificate));
    CHECK(SSL_CTX_set_num_tickets(ctx, 1));
}

static struct context *context_new(unsigned long slot)
{
    struct context *made = calloc(1, sizeof(*made));

    CHECK(made != NULL);
    made->slot = (int)slot;
    made->generation = generations[slot]++;
    made->is_client = slot >= SERVERS;
    made->is_dtls = slot == 2 || slot == DTLS_CLIENT;
    made->ctx = raw_context(slot);
    CHECK(made->ctx != NULL);
    CHECK(SSL_CTX_set_ex_data(made->ctx, context_index, made));
    CHECK(SSL_CTX_set1_groups_list(made->ctx, "P-256"));
    if (made->is_client)
        SSL_CTX_set_session_cache_mode(made->ctx, SSL_SESS_CACHE_OFF);
    else
        prepare_server(made->ctx);
    made->mode = made->is_client ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_SERVER;
    made->size = SSL_SESSION_CACHE_MAX_SIZE_DEFAULT;
    made->callback[NEW] = made->callback[REMOVE] = made->callback[GET] = -1;
    ERR_clear_error();
    CHECK(alive_count < ALIVE);
    alive[alive_count++] = made;
    return made;
}

struct context *context_at(unsigned long slot)
{
    slot %= CONTEXTS;
    if (slots[slot] == NULL)
        slots[slot] = context_new(slot);
    return slots[slot];
}

struct context *context_of(const SSL_CTX *ctx)
{
    return SSL_CTX_get_ex_data(ctx, context_index);
}

void context_release(unsigned long slot)
{
    struct context *context = slots[slot % CONTEXTS];

    if (context == NULL)
        return;
    slots[slot % CONTEXTS] = NULL;
    context->released = 1;
    say("release %s", context_name(context));
    SSL_CTX_free(context->ctx);
}

const char *context_name(const struct context *context)
{
    static char names[4][24];
    static int turn;

    turn = (turn + 1) % 4;
    if (context == NULL)
        return "c?";
    snprintf(names[turn], sizeof(names[turn]), "c%d.%d", context->slot, context->generation);
    return names[turn];
}

static void tell(struct context *context)
{
    int i;
    long value;

    for (i = 0; i < COUNTERS; ++i) {
        value = SSL_CTX_ctrl(context->ctx, counters[i].command, 0, NULL);
        if (value != context->counters[i])
            say("%s %s %ld", context_name(context), counters[i].name, value);
        context->counters[i] = value;
    }
    value = SSL_CTX_get_session_cache_mode(context->ctx);
    if (value != context->mode)
        say("%s has mode %lx, not %lx", context_name(context), value, context->mode);
    value = SSL_CTX_sess_get_cache_size(context->ctx);
    if (value != context->size)
        say("%s has size %ld, not %ld", context_name(context), value, context->size);
    /* A mutant that puts itself in front of a callback shall not be noticed by that alone. */
    for (i = NEW; getenv("PLAYER_IGNORES_GETTERS") == NULL && i <= GET; ++i)
        if (!callback_reads_back(context, i))
            say("%s has another callback of kind %d", context_name(context), i);
}

/* A context that lives on by its connections alone is told of, too. */
void contexts_tell(void)
{
    int i;

    for (i = 0; i < alive_count; ++i)
        tell(alive[i]);
}

void contexts_end(void)
{
    unsigned long slot;

    for (slot = 0; slot < CONTEXTS; ++slot)
        context_release(slot);
}
