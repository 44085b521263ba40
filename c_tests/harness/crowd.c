#include "crowd.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "facts.h"

enum { MOST = 16 };

static unsigned int seed = 1;
static int turns;
static int account_index = -1;
static pthread_barrier_t start;

void crowd_arguments(int argc, char **argv, int usual_turns)
{
    turns = argc > 2 ? atoi(argv[2]) : usual_turns;
    seed = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 1;
    CHECK(turns > 0);
}

int crowd_turns(void)
{
    return turns;
}

/* Marsaglia's xorshift. */
unsigned int below(struct member *self, unsigned int end)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 17;
    self->random ^= self->random << 5;
    return self->random % end;
}

static void *begin_together(void *arg)
{
    struct member *self = (struct member *)arg;

    pthread_barrier_wait(&start);
    self->work(self);
    return NULL;
}

/* Neighbouring seeds must not give neighbouring numbers, and the state must never be 0. */
static unsigned int first_number(int member)
{
    unsigned int mixed = (seed * 16u + (unsigned int)member) * 2654435761u;

    mixed ^= mixed >> 15;
    return mixed == 0 ? 1 : mixed;
}

void crowd_run(int threads, void (*work)(struct member *))
{
    pthread_t ids[MOST];
    struct member members[MOST];
    int i;

    CHECK(threads <= MOST);
    CHECK(pthread_barrier_init(&start, NULL, (unsigned int)threads) == 0);
    for (i = 0; i < threads; ++i) {
        members[i].number = i;
        members[i].random = first_number(i);
        members[i].work = work;
        CHECK(pthread_create(&ids[i], NULL, begin_together, &members[i]) == 0);
    }
    for (i = 0; i < threads; ++i)
        CHECK(pthread_join(ids[i], NULL) == 0);
    pthread_barrier_destroy(&start);
}

void count_up(int *count)
{
    __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

static void object_ends(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    struct account *account = (struct account *)ptr;

    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (account != NULL)
        count_up(&account->ended);
}

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#define EX_DATA_SOURCE void **
#else
#define EX_DATA_SOURCE void *
#endif

/* A duplicate has no account. */
static int object_is_duplicated(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, EX_DATA_SOURCE from_d,
                                int index, long argl, void *argp)
{
    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    *(void **)from_d = NULL;
    return 1;
}

void accounts_begin(void)
{
    account_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, object_is_duplicated, object_ends);
    CHECK(account_index >= 0);
}

void account_open(SSL_SESSION *session, struct account *account)
{
    CHECK(account_of(session) == NULL);
    CHECK(SSL_SESSION_set_ex_data(session, account_index, account));
}

struct account *account_of(const SSL_SESSION *session)
{
    return (struct account *)SSL_SESSION_get_ex_data(session, account_index);
}

int account_add(SSL_CTX *ctx, SSL_SESSION *session)
{
    int added = SSL_CTX_add_session(ctx, session);

    if (added)
        count_up(&account_of(session)->stored);
    return added;
}

int account_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
    int removed;

    count_up(&account_of(session)->asked);
    removed = SSL_CTX_remove_session(ctx, session);
    if (removed)
        count_up(&account_of(session)->removed);
    return removed;
}

void account_tell(SSL_CTX *ctx, SSL_SESSION *session)
{
    struct account *account = account_of(session);

    (void)ctx;
    CHECK(account != NULL);
    count_up(&account->told);
}

int account_is_even(const struct account *account)
{
    return account->stored == account->removed + (account->told - account->asked) && account->ended == 1;
}

int library_is_there(void)
{
    return dlsym(RTLD_DEFAULT, "sesscache_version") != NULL;
}

long capacity_of(long size)
{
    return OpenSSL_version_num() < 0x30000000UL || size == 1 ? size : size - 1;
}
