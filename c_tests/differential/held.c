/* The sessions that the application holds a reference to. */
#include "player.h"

#include <stdlib.h>
#include <string.h>

#include "../harness/facts.h"

enum { HELD = 24, FOR_NOW = 256 };

static SSL_SESSION *held[HELD], *for_now[FOR_NOW];
static int held_count, for_now_count;

static void let_go(int at)
{
    SSL_SESSION *session = held[at];

    --held_count;
    memmove(held + at, held + at + 1, sizeof(*held) * (size_t)(held_count - at));
    SSL_SESSION_free(session);
}

/* Where there is no room the oldest of the same side goes. */
void hold(SSL_SESSION *session, int is_client)
{
    int i;

    seen(session)->is_client = is_client;
    for (i = 0; held_count == HELD && i < HELD; ++i)
        if (seen(held[i])->is_client == is_client)
            let_go(i);
    if (held_count == HELD)
        let_go(0);
    held[held_count++] = session;
}

typedef int accepts(SSL_SESSION *session, void *argument);

/* One of those that are accepted, by number: 0 is the newest. */
static int choose(unsigned long number, accepts *accepted, void *argument)
{
    int i, count = 0, wanted;

    for (i = 0; i < held_count; ++i)
        count += accepted(held[i], argument);
    if (count == 0)
        return -1;
    wanted = (int)(number % (unsigned long)count);
    for (i = held_count - 1; i >= 0; --i)
        if (accepted(held[i], argument) && wanted-- == 0)
            return i;
    return -1;
}

static SSL_SESSION *chosen(unsigned long number, accepts *accepted, void *argument)
{
    int at = choose(number, accepted, argument);

    return at < 0 ? NULL : held[at];
}

static int of_side(SSL_SESSION *session, void *is_client)
{
    return seen(session)->is_client == *(int *)is_client;
}

SSL_SESSION *held_at(unsigned long number, int is_client)
{
    return chosen(number, of_side, &is_client);
}

static int may_live_in(SSL_SESSION *session, void *argument)
{
    struct context *context = argument;
    struct seen *found = seen(session);

    return found->is_client == context->is_client && (home_of(found) == NULL || home_of(found) == context);
}

SSL_SESSION *held_for(unsigned long number, struct context *context)
{
    return chosen(number, may_live_in, context);
}

struct wanted {
    const unsigned char *id;
    size_t length;
};

static int has_id(SSL_SESSION *session, void *argument)
{
    const struct wanted *wanted = argument;
    unsigned int length = 0;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);

    return !seen(session)->is_client && length == wanted->length && memcmp(id, wanted->id, length) == 0;
}

SSL_SESSION *held_by_id(const unsigned char *id, size_t length)
{
    struct wanted wanted = { id, length };

    return chosen(0, has_id, &wanted);
}

struct offer {
    const struct context *server;
    int version;
};

static int good_for(SSL_SESSION *session, void *argument)
{
    const struct offer *offer = argument;
    struct seen *found = seen(session);

    return found->is_client && found->server == offer->server
        && SSL_SESSION_get_protocol_version(session) == offer->version;
}

static int of_version(SSL_SESSION *session, void *argument)
{
    const struct offer *offer = argument;

    return seen(session)->is_client && SSL_SESSION_get_protocol_version(session) == offer->version;
}

SSL_SESSION *held_offer(unsigned long number, struct context *server, int version)
{
    struct offer offer = { server, version };

    if (number == 0)
        return NULL;
    return chosen(number / 8, number % 8 != 1 ? good_for : of_version, &offer);
}

static int any(SSL_SESSION *session, void *argument)
{
    (void)session, (void)argument;
    return 1;
}

void held_drop(unsigned long number)
{
    int at = choose(number, any, NULL);

    if (at < 0)
        return;
    say("drop %s", session_name(held[at]));
    let_go(at);
}

void hold_for_now(SSL_SESSION *session)
{
    CHECK(for_now_count < FOR_NOW);
    for_now[for_now_count++] = session;
}

void held_for_now_drop(void)
{
    while (for_now_count > 0)
        SSL_SESSION_free(for_now[--for_now_count]);
}

void held_end(void)
{
    held_for_now_drop();
    while (held_count > 0)
        let_go(held_count - 1);
}

SSL_SESSION *decoded(SSL_SESSION *session)
{
    unsigned char bytes[8192], *end = bytes;
    const unsigned char *start = bytes;
    int length = i2d_SSL_SESSION(session, NULL);

    if (length <= 0 || length > (int)sizeof(bytes) || i2d_SSL_SESSION(session, &end) != length)
        return NULL;
    return d2i_SSL_SESSION(NULL, &start, length);
}
