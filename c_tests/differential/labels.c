/* Labels: sessions and ids are numbered as they are first seen, so that traces of two processes can be compared. */
#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/facts.h"

enum { SEEN = 4096, IDS = 4096, NAMES = 8 };

static struct seen *all[SEEN];
static int seen_total, session_index = -1;
static struct {
    unsigned char bytes[32];
    unsigned int length;
} ids[IDS];
static int ids_total;

static void on_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    struct seen *found = ptr;

    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (found == NULL)
        return;
    found->session = NULL;
    if (found->number < 0)
        say("gone s?");
    else
        say("gone s%d", found->number);
}

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#define EX_DATA_SOURCE void **
#else
#define EX_DATA_SOURCE void *
#endif

/* A duplicate is another object: it gets a label of its own. */
static int on_dup(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, EX_DATA_SOURCE value, int index, long argl,
                  void *argp)
{
    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    *(void **)value = NULL;
    return 1;
}

void labels_prepare(void)
{
    session_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, on_dup, on_free);
    CHECK(session_index >= 0);
}

static struct seen *first_seen(SSL_SESSION *session, int number)
{
    struct seen *made = calloc(1, sizeof(*made));

    CHECK(made != NULL);
    made->number = number;
    made->session = session;
    CHECK(SSL_SESSION_set_ex_data(session, session_index, made));
    return made;
}

struct seen *seen(SSL_SESSION *session)
{
    struct seen *found = SSL_SESSION_get_ex_data(session, session_index);

    if (found == NULL) {
        CHECK(seen_total < SEEN);
        found = all[seen_total] = first_seen(session, seen_total);
        ++seen_total;
    }
    return found;
}

struct seen *seen_by_chance(SSL_SESSION *session)
{
    struct seen *found = SSL_SESSION_get_ex_data(session, session_index);

    return found != NULL ? found : first_seen(session, -1);
}

struct seen *seen_at(int number)
{
    return all[number];
}

int seen_count(void)
{
    return seen_total;
}

struct context *home_of(struct seen *found)
{
    if (found->home != NULL && found->home->ended)
        found->home = NULL;
    return found->home;
}

int is_marked(SSL_SESSION *session)
{
    unsigned int length;

    (void)SSL_SESSION_get_id(session, &length);
    return length > 0 && !SSL_SESSION_is_resumable(session);
}

int puts_out_of_order(const struct context *context, struct seen *found)
{
    return READD_STAYS && (context->mode & SSL_SESS_CACHE_UPDATE_TIME) && home_of(found) == context
        && SSL_SESSION_get_time(found->session) != clock_now();
}

static char *next_name(void)
{
    static char names[NAMES][48];
    static int turn;

    turn = (turn + 1) % NAMES;
    return names[turn];
}

static int id_known(const unsigned char *id, size_t length)
{
    int i;

    for (i = 0; i < ids_total; ++i)
        if (ids[i].length == length && memcmp(ids[i].bytes, id, length) == 0)
            return i;
    return -1;
}

const char *id_name(const unsigned char *id, size_t length)
{
    char *name = next_name();
    int known = id_known(id, length);

    if (length == 0)
        return "none";
    if (length > sizeof(ids[0].bytes))
        return "too long";
    if (known < 0) {
        CHECK(ids_total < IDS);
        known = ids_total++;
        memcpy(ids[known].bytes, id, length);
        ids[known].length = (unsigned int)length;
    }
    snprintf(name, sizeof(char[48]), "i%d", known);
    return name;
}

const char *session_name(SSL_SESSION *session)
{
    char *name = next_name();
    unsigned int length = 0;
    const unsigned char *id;
    struct seen *found;

    if (session == NULL)
        return "NULL";
    found = seen_by_chance(session);
    if (found->number < 0) {
        id = SSL_SESSION_get_id(session, &length);
        if (length > 0 && id_known(id, length) < 0)
            return "s?:i?";
        snprintf(name, sizeof(char[48]), "s?:%s", id_name(id, length));
        return name;
    }
    id = SSL_SESSION_get_id(session, &length);
    snprintf(name, sizeof(char[48]), "s%d:%s", found->number, id_name(id, length));
    return name;
}

int ids_count(void)
{
    return ids_total;
}

const unsigned char *id_at(unsigned long number, unsigned int *length)
{
    *length = ids[number].length;
    return ids[number].bytes;
}

/* After everything was let go nothing with a label may be left. */
void labels_end(void)
{
    int i;

    for (i = 0; i < seen_total; ++i)
        if (all[i]->session != NULL)
            say("left over: s%d", i);
}
