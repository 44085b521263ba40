/*
 * Threads do everything at random that can be done to contexts by hand: they add, add again, replace, remove, flush, look,
 * change times, sizes and callbacks, make and free contexts. No two runs are alike, so nothing of what happens is
 * printed. What must hold however it happens: none is lost, none is told or ends twice, the counts are right.
 *
 * Arguments: [SEED [TURNS]].
 */
#include "harness/harness.h"
#include "harness/crowd.h"

#include <pthread.h>

enum { THREADS = 4, TURNS = 3000, HELD = 24, SETTLED = 16, CONTESTED = 6, TWINS = 4, SHARED = 3 };
enum { SIZE = 12, LONG_AGO = 1000, LONG = 1000000000 };

/* What may happen to a session in a context decides what can be known of it. */
enum place {
    ROOMY,    /* no limit; flushes take the short-lived ones only: who holds a session knows whether it is cached */
    TIMED,    /* the same without flushes: here its holder changes a session's times */
    SMALL,    /* evicts and is flushed at any time: accounts must be even, no more is known */
    RESTLESS, /* its size, mode and callbacks change all the time */
    PLACES
};

struct object {
    SSL_SESSION *session;
    struct account account;
    enum place place;
    char id[16];
    int cached; /* as its holder knows; of no meaning in SMALL and RESTLESS */
};

static SSL_CTX *contexts[PLACES];
static struct object *objects[THREADS]; /* one a turn, never used again */
static struct object settled[SETTLED], contested[CONTESTED];
static struct account *mortals[THREADS], *twins[THREADS], *visitors[THREADS];
static SSL_CTX *shared[SHARED]; /* replaced now and then by whoever wants to */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

/* 4.0 links its victims through the field that an addition writes: libssl itself crashes when one is added again. */
static int may_be_added_again(enum place place)
{
    return place == ROOMY || place == TIMED || OPENSSL_VERSION_NUMBER < 0x40000000L;
}

static int is_known(enum place place)
{
    return place == ROOMY || place == TIMED;
}

static void make(struct object *object, enum place place, char letter, int thread, int number)
{
    snprintf(object->id, sizeof(object->id), "%c%d-%d", letter, thread, number);
    /* RESTLESS and SMALL hold sessions of a dozen expiries, so that a flush takes a part of them. */
    object->session = session_made(0, TLS1_3_VERSION, object->id, LONG_AGO, is_known(place) ? LONG : 1 + number % 12);
    object->place = place;
    account_open(object->session, &object->account);
}

static void add(struct object *object)
{
    int added = account_add(contexts[object->place], object->session);

    if (is_known(object->place))
        CHECK(added == !object->cached);
    object->cached = 1;
}

static void take_out(struct object *object)
{
    int removed = account_remove(contexts[object->place], object->session);

    if (is_known(object->place))
        CHECK(removed == object->cached);
    object->cached = 0;
}

static void look(const struct object *object)
{
    int found = has_id(contexts[object->place], object->id);

    if (is_known(object->place))
        CHECK(found == object->cached);
    /* Nobody else adds it. */
    if (!object->cached)
        CHECK(!found);
}

static void change_time(struct member *self, struct object *object)
{
    /* libssl from 3.0 on asks without a lock which context holds the session: nobody else may take it out meanwhile. */
    if (object->place != TIMED)
        return;
    if (below(self, 2) == 0)
        session_set_time(object->session, LONG_AGO + (long)below(self, 50));
    else
        CHECK(session_set_timeout(object->session, LONG + (long)below(self, 50)));
}

/* The next object of this thread takes a place among those that it holds. The one before it stays cached or not. */
static void hold_another(struct member *self, struct object **held, int turn)
{
    struct object **slot = &held[below(self, HELD)];
    struct object *fresh = &objects[self->number][turn];

    if (*slot != NULL) {
        if (below(self, 2) == 0)
            take_out(*slot);
        SSL_SESSION_free((*slot)->session);
    }
    make(fresh, (enum place)below(self, PLACES), 'o', self->number, turn);
    add(fresh);
    *slot = fresh;
}

static void with_one_held(struct member *self, struct object **held)
{
    struct object *object = held[below(self, HELD)];

    if (object == NULL)
        return;
    switch (below(self, 4)) {
    case 0:
        take_out(object);
        break;
    case 1:
        if (may_be_added_again(object->place))
            add(object);
        break;
    case 2:
        change_time(self, object);
        break;
    default:
        look(object);
    }
}

/* All threads add and remove the same few objects: each storing has one remover that is told so. */
static void contest(struct member *self)
{
    struct object *object = &contested[below(self, CONTESTED)];

    if (below(self, 2) == 0)
        account_add(contexts[ROOMY], object->session);
    else
        account_remove(contexts[ROOMY], object->session);
}

static void must_be_there(struct member *self)
{
    CHECK(has_id(contexts[ROOMY], settled[below(self, SETTLED)].id));
    CHECK(!has_id(contexts[ROOMY], "never added"));
}

static SSL_SESSION *unheld(struct account *account, char letter, int number, int turn, long timeout)
{
    char id[16];
    SSL_SESSION *session;

    snprintf(id, sizeof(id), "%c%d-%d", letter, number, turn);
    session = session_made(0, TLS1_3_VERSION, id, LONG_AGO, timeout);
    account_open(session, account);
    return session;
}

/* A short-lived session in ROOMY, for a flush by any thread; and such a flush. */
static void live_and_die(struct member *self, int turn)
{
    SSL_SESSION *session = unheld(&mortals[self->number][turn], 'm', self->number, turn, 5);

    CHECK(account_add(contexts[ROOMY], session));
    SSL_SESSION_free(session);
    if (below(self, 4) == 0)
        context_flush(contexts[ROOMY], LONG_AGO + 1000);
}

/* Objects of a few ids take each other's place, of which nobody is told. */
static void replace(struct member *self, int turn)
{
    SSL_SESSION *session = unheld(&twins[self->number][turn], 'w', 0, (int)below(self, TWINS), LONG);

    CHECK(account_add(contexts[ROOMY], session));
    SSL_SESSION_free(session);
}

static void flush_some(struct member *self)
{
    context_flush(contexts[below(self, 2) == 0 ? SMALL : RESTLESS], LONG_AGO + (long)below(self, 16));
}

static void tell_too(SSL_CTX *ctx, SSL_SESSION *session)
{
    account_tell(ctx, session);
}

/* Stock reads a callback twice, once to see that there is one: only the library stands it when one is cleared meanwhile. */
static void unsettle(struct member *self)
{
    SSL_CTX *ctx = contexts[RESTLESS];
    unsigned int which = below(self, 3);

    SSL_CTX_sess_set_cache_size(ctx, (long)below(self, 2 * SIZE));
    if (which == 2 && library_is_there())
        SSL_CTX_sess_set_remove_cb(ctx, NULL);
    else
        SSL_CTX_sess_set_remove_cb(ctx, which == 0 ? account_tell : tell_too);
    SSL_CTX_set_session_cache_mode(ctx, below(self, 2) == 0 ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_BOTH);
    SSL_CTX_set_timeout(ctx, (long)below(self, 300));
}

static void look_at_counts(void)
{
    int place;

    for (place = 0; place < PLACES; ++place)
        CHECK(SSL_CTX_sess_number(contexts[place]) >= 0);
    /* While others are between an addition and its eviction there may be one for each of them. */
    CHECK(SSL_CTX_sess_number(contexts[SMALL]) <= capacity_of(SIZE) + THREADS);
}

static SSL_CTX *fresh_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    CHECK(ctx != NULL);
    SSL_CTX_sess_set_remove_cb(ctx, account_tell);
    return ctx;
}

/* A session put into a context that several threads come to, and that whoever holds it last frees. */
static void visit(struct member *self, int turn)
{
    SSL_SESSION *session = unheld(&visitors[self->number][turn], 'v', self->number, turn, LONG);
    SSL_CTX **slot = &shared[below(self, SHARED)], *ctx, *old = NULL;

    pthread_mutex_lock(&shared_lock);
    if (below(self, 4) == 0) {
        old = *slot;
        *slot = fresh_context();
    }
    ctx = *slot;
    SSL_CTX_up_ref(ctx);
    pthread_mutex_unlock(&shared_lock);
    SSL_CTX_free(old);
    CHECK(account_add(ctx, session));
    CHECK(SSL_CTX_sess_number(ctx) > 0);
    if (below(self, 3) == 0)
        CHECK(account_remove(ctx, session));
    SSL_CTX_free(ctx);
    SSL_SESSION_free(session);
}

static void work(struct member *self)
{
    struct object *held[HELD] = { NULL };
    int turn, i;

    for (turn = 0; turn < crowd_turns(); ++turn) {
        hold_another(self, held, turn);
        for (i = 0; i < 4; ++i)
            with_one_held(self, held);
        contest(self);
        switch (below(self, 8)) {
        case 0: live_and_die(self, turn); break;
        case 1: replace(self, turn); break;
        case 2: flush_some(self); break;
        case 3: unsettle(self); break;
        case 4: visit(self, turn); break;
        case 5: look_at_counts(); break;
        default: must_be_there(self); break;
        }
    }
    for (i = 0; i < HELD; ++i)
        if (held[i] != NULL)
            SSL_SESSION_free(held[i]->session);
}

static int in_context(SSL *ssl, const char *id)
{
    return SSL_has_matching_session_id(ssl, (const unsigned char *)id, (unsigned int)strlen(id));
}

/* How many of the held objects the context has; where it is known which, each is looked at. */
static long found_of_objects(SSL *ssl, enum place place)
{
    long found = 0;
    int thread, turn;

    for (thread = 0; thread < THREADS; ++thread)
        for (turn = 0; turn < crowd_turns(); ++turn) {
            const struct object *object = &objects[thread][turn];
            int there = in_context(ssl, object->id);

            CHECK(!there || object->place == place);
            if (object->place == place && is_known(place))
                CHECK(there == object->cached);
            found += there;
        }
    return found;
}

static long found_of_others(SSL *ssl)
{
    long found = 0;
    char id[16];
    int i;

    for (i = 0; i < SETTLED; ++i)
        found += in_context(ssl, settled[i].id);
    CHECK(found == SETTLED);
    for (i = 0; i < CONTESTED; ++i) {
        const struct account *account = &contested[i].account;
        int there = in_context(ssl, contested[i].id);

        CHECK(account->stored == account->removed + there && account->told == account->asked);
        found += there;
    }
    for (i = 0; i < TWINS; ++i) {
        snprintf(id, sizeof(id), "w0-%d", i);
        found += in_context(ssl, id);
    }
    return found;
}

/* At rest the number is what can be found, and the limit holds. */
static void counts_are_right(void)
{
    int place;

    context_flush(contexts[ROOMY], LONG_AGO + 1000); /* the last of the mortal */
    for (place = 0; place < PLACES; ++place) {
        SSL *ssl = SSL_new(contexts[place]);
        long found;

        CHECK(ssl != NULL);
        found = found_of_objects(ssl, (enum place)place) + (place == ROOMY ? found_of_others(ssl) : 0);
        CHECK(SSL_CTX_sess_number(contexts[place]) == found);
        SSL_free(ssl);
    }
    CHECK(SSL_CTX_sess_number(contexts[SMALL]) <= capacity_of(SIZE));
}

/* However its size was changed, the cache is as large as it is set to be once it is filled. */
static void is_filled(enum place place, const char *name)
{
    static struct object fillers[PLACES][3 * SIZE];
    int i;

    SSL_CTX_sess_set_cache_size(contexts[place], SIZE);
    SSL_CTX_sess_set_remove_cb(contexts[place], account_tell);
    for (i = 0; i < 3 * SIZE; ++i) {
        make(&fillers[place][i], place, 'f', place, i);
        CHECK(account_add(contexts[place], fillers[place][i].session));
        SSL_SESSION_free(fillers[place][i].session);
    }
    FACT(name, SSL_CTX_sess_number(contexts[place]) == capacity_of(SIZE));
    context_flush(contexts[place], 0);
    for (i = 0; i < 3 * SIZE; ++i)
        CHECK(account_is_even(&fillers[place][i].account));
}

static void objects_are_even(void)
{
    int thread, turn;

    for (thread = 0; thread < THREADS; ++thread)
        for (turn = 0; turn < crowd_turns(); ++turn) {
            const struct object *object = &objects[thread][turn];
            const struct account *account = &object->account;

            CHECK(account->ended == 1);
            if (object->place != RESTLESS || !library_is_there())
                CHECK(account_is_even(account));
            else /* its callback was cleared at times */
                CHECK(account->removed <= account->stored && account->told <= account->asked + account->stored);
        }
}

/* Objects that nobody held: those that were never made have an empty account. */
static int unheld_are_even(struct account *accounts[THREADS], int are_told)
{
    int thread, turn, made = 0;

    for (thread = 0; thread < THREADS; ++thread)
        for (turn = 0; turn < crowd_turns(); ++turn) {
            const struct account *account = &accounts[thread][turn];

            CHECK(account->ended == account->stored && account->stored <= 1);
            if (are_told && account->stored)
                CHECK(account_is_even(account));
            made += account->stored;
        }
    return made;
}

static void few_are_even(struct object *few, int count)
{
    int i;

    for (i = 0; i < count; ++i) {
        SSL_SESSION_free(few[i].session);
        CHECK(account_is_even(&few[i].account));
    }
}

static void begin(void)
{
    size_t turns = (size_t)crowd_turns();
    int i;

    accounts_begin();
    for (i = 0; i < PLACES; ++i)
        contexts[i] = fresh_context();
    SSL_CTX_sess_set_cache_size(contexts[ROOMY], 0);
    SSL_CTX_sess_set_cache_size(contexts[TIMED], 0);
    SSL_CTX_sess_set_cache_size(contexts[SMALL], SIZE);
    for (i = 0; i < SHARED; ++i)
        shared[i] = fresh_context();
    for (i = 0; i < THREADS; ++i) {
        objects[i] = (struct object *)calloc(turns, sizeof(struct object));
        mortals[i] = (struct account *)calloc(turns, sizeof(struct account));
        twins[i] = (struct account *)calloc(turns, sizeof(struct account));
        visitors[i] = (struct account *)calloc(turns, sizeof(struct account));
        CHECK(objects[i] != NULL && mortals[i] != NULL && twins[i] != NULL && visitors[i] != NULL);
    }
    for (i = 0; i < SETTLED; ++i) {
        make(&settled[i], ROOMY, 's', 0, i);
        add(&settled[i]);
    }
    for (i = 0; i < CONTESTED; ++i)
        make(&contested[i], ROOMY, 'c', 0, i);
}

static void end(void)
{
    int i;

    context_flush(contexts[SMALL], 0);
    FACT("left after a flush of everything", SSL_CTX_sess_number(contexts[SMALL]));
    for (i = 0; i < PLACES; ++i)
        SSL_CTX_free(contexts[i]);
    for (i = 0; i < SHARED; ++i)
        SSL_CTX_free(shared[i]);
    few_are_even(settled, SETTLED);
    few_are_even(contested, CONTESTED);
    objects_are_even();
    CHECK(unheld_are_even(mortals, 1) > 0);
    CHECK(unheld_are_even(visitors, 1) > 0);
    CHECK(unheld_are_even(twins, 0) > 0);
    for (i = 0; i < THREADS; ++i) {
        free(objects[i]);
        free(mortals[i]);
        free(twins[i]);
        free(visitors[i]);
    }
}

int main(int argc, char **argv)
{
    crowd_arguments(argc, argv, TURNS);
    begin();
    crowd_run(THREADS, work);
    fact_text("while they worked", "none lost, none that nobody added");
    counts_are_right();
    fact_text("at rest", "each count is what can be found");
    is_filled(SMALL, "the small one fills up to its size");
    is_filled(RESTLESS, "so does the restless one");
    end();
    fact_text("in the end", "each storing and each object came to one end");
    return 0;
}
