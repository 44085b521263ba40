/* Operations that set something: on a context, and the clock. */
#include "player.h"

#include <limits.h>
#include <string.h>

/* mode CONTEXT BITS */
static void mode(const unsigned long *n)
{
    struct context *context = context_at(n[0]);
    unsigned long bits = n[1];
    /* Two bits for the roles, then the four others. */
    long wanted = (long)((bits & 3) | ((bits >> 2 & 15) << 7));

    if (bits / 64 % 16 == 15)
        wanted |= 0x7fff0000L;
    context->mode = wanted;
    say("mode %s %lx, was %lx", context_name(context), wanted, SSL_CTX_set_session_cache_mode(context->ctx, wanted));
}

/* size CONTEXT SIZE */
static void size(const unsigned long *n)
{
    static const long sizes[] = { 0, 1, 2, 3, 4, 5, 6, 8, 20480, -1, LONG_MAX };
    struct context *context = context_at(n[0]);
    long wanted = sizes[n[1] % (sizeof(sizes) / sizeof(*sizes))];

    say("size %s %ld, was %ld", context_name(context), wanted, SSL_CTX_sess_set_cache_size(context->ctx, wanted));
    if (wanted >= 0)
        context->size = wanted;
}

/* timeout CONTEXT SECONDS */
static void timeout(const unsigned long *n)
{
    static const long timeouts[] = { 0, 1, 2, 10, 300, 7200, 100000, -5, 1L << 40 };
    struct context *context = context_at(n[0]);

    say("timeout was %ld", SSL_CTX_set_timeout(context->ctx, timeouts[n[1] % (sizeof(timeouts) / sizeof(*timeouts))]));
}

/* named CONTEXT NUMBER: the session id context */
static void named(const unsigned long *n)
{
    static const char *const names[] = { "player", "other", "", "player" };
    const char *name = names[n[1] % 4];

    say("named %d", SSL_CTX_set_session_id_context(context_at(n[0])->ctx, (const unsigned char *)name,
                                                   (unsigned int)strlen(name)));
}

static void toggle(SSL_CTX *ctx, unsigned long option, int on)
{
    if (on)
        SSL_CTX_set_options(ctx, option);
    else
        SSL_CTX_clear_options(ctx, option);
}

/* option CONTEXT WHICH ON */
static void option(const unsigned long *n)
{
    struct context *context = context_at(n[0]);
    int on = n[2] % 2 == 1;

    switch (n[1] % 8) {
    case 0:
    case 1:
        toggle(context->ctx, SSL_OP_NO_TICKET, on);
        break;
    case 2:
        toggle(context->ctx, SSL_OP_NO_ANTI_REPLAY, on);
        break;
    case 3:
    case 4:
        if (!context->is_dtls)
            SSL_CTX_set_max_early_data(context->ctx, on ? 4096 : 0);
        break;
    case 5:
        if (!context->is_client)
            SSL_CTX_set_num_tickets(context->ctx, n[2] % 4);
        break;
    case 6:
        if (!context->is_client)
            SSL_CTX_set_verify(context->ctx, on ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
        break;
    default:
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
        toggle(context->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF, on);
#endif
        break;
    }
    say("option %lu %s %d", n[1] % 8, context_name(context), on);
}

/* One time in four the callback is taken away. */
static int variant(const struct context *context, unsigned long n)
{
    return n % 4 == 3 ? -1 : (int)((unsigned long)context->slot * 2 + n) % VARIANTS;
}

/* on_new CONTEXT VARIANT WHAT HOOK */
static void on_new(const unsigned long *n)
{
    struct context *context = context_at(n[0]);

    callback_set(context, NEW, variant(context, n[1]));
    context->on_new = n[2];
    context->new_hook = n[3];
}

/* on_remove CONTEXT VARIANT HOOK */
static void on_remove(const unsigned long *n)
{
    struct context *context = context_at(n[0]);

    callback_set(context, REMOVE, variant(context, n[1]));
    context->remove_hook = n[2];
}

/* on_get CONTEXT VARIANT ANSWER COPY HOOK */
static void on_get(const unsigned long *n)
{
    struct context *context = context_at(n[0]);

    callback_set(context, GET, variant(context, n[1]));
    context->answer = n[2];
    context->copy = n[3];
    context->get_hook = n[4];
}

/* generate CONTEXT HOW */
static void generate(const unsigned long *n)
{
    struct context *context = context_at(n[0] % SERVERS);

    context->generator = n[1];
    generator_set(context);
}

/* mark CONTEXT ON: new sessions of full handshakes are marked not resumable */
static void mark(const unsigned long *n)
{
    struct context *context = context_at(n[0] % SERVERS);

    context->not_resumable = n[1] % 2 == 1;
    not_resumable_set(context);
}

/* switch CONTEXT WHERE TO */
static void switches(const unsigned long *n)
{
    struct context *context = context_at(n[0] % SERVERS);

    context->switches_at = (int)(n[1] % 3);
    context->switches_to = n[2];
    switches_set(context);
}

/* clock SPAN */
static void move_clock(const unsigned long *n)
{
    static const long spans[] = { 1, 2, 5, 10, 100, 301, 7201, 100001, -1, -10 };

    clock_move(spans[n[0] % (sizeof(spans) / sizeof(*spans))]);
    say("clock %ld", clock_now() - CLOCK_START);
}

const struct command setting_commands[] = {
    { "mode", mode, 1 },
    { "size", size, 1 },
    { "timeout", timeout, 1 },
    { "named", named, 0 },
    { "option", option, 0 },
    { "on_new", on_new, 1 },
    { "on_remove", on_remove, 1 },
    { "on_get", on_get, 1 },
    { "generate", generate, 0 },
    { "mark", mark, 0 },
    { "switch", switches, 0 },
    { "clock", move_clock, 0 },
    { NULL, NULL, 0 },
};
