#define _GNU_SOURCE
#include "rounds.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "facts.h"

enum { ROWS_MAX = 16 };

struct row {
    const char *name;
    double units;
    double operations;
};

/* What a lane did in the step that is being timed. */
struct stint {
    int64_t begin, end;
    size_t operations;
};

static struct row rows[ROWS_MAX];
static struct stint stints[LANES_MAX];
static struct lane lanes[LANES_MAX];
static pthread_barrier_t barrier;
static atomic_ulong at_gate;
static void (*round_of_lane)(const struct lane *lane);
static int stopping;

static int64_t read_clock(clockid_t clock)
{
    struct timespec time;

    CHECK(clock_gettime(clock, &time) == 0);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Threads that wait for each other sleep, which processor time would not show. */
static int64_t stamp(const struct lane *lane)
{
    return read_clock(lane->count == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC);
}

void together(const struct lane *lane)
{
    if (lane->count > 1)
        pthread_barrier_wait(&barrier);
}

/* A barrier lets its threads go one by one, some microseconds apart. Those few
   are spent here, so that the lanes really begin at once. */
static void start_together(const struct lane *lane)
{
    unsigned long here, all;

    together(lane);
    if (lane->count == 1)
        return;
    here = atomic_fetch_add(&at_gate, 1);
    all = (here / (unsigned long)lane->count + 1) * (unsigned long)lane->count;
    while (atomic_load(&at_gate) < all)
        ;
}

void share(const struct lane *lane, size_t total, size_t *from, size_t *to)
{
    *from = total * (size_t)lane->number / (size_t)lane->count;
    *to = total * (size_t)(lane->number + 1) / (size_t)lane->count;
}

void add_to_row(const char *row, double units, double operations)
{
    struct row *at = rows;

    while (at->name != NULL && strcmp(at->name, row) != 0)
        ++at;
    CHECK(at < rows + ROWS_MAX - 1);
    at->name = row;
    at->units += units;
    at->operations += operations;
}

static void add_stints(const char *row, int count)
{
    int64_t begin = stints[0].begin, end = stints[0].end;
    size_t operations = 0;
    int i;

    for (i = 0; i < count; ++i) {
        if (stints[i].begin < begin)
            begin = stints[i].begin;
        if (stints[i].end > end)
            end = stints[i].end;
        operations += stints[i].operations;
    }
    add_to_row(row, (double)(end - begin), (double)operations);
}

void timed(const struct lane *lane, const char *row,
           size_t (*work)(const struct lane *lane, size_t from, size_t to), size_t from, size_t to)
{
    struct stint *own = &stints[lane->number];

    start_together(lane);
    own->begin = stamp(lane);
    own->operations = work(lane, from, to);
    own->end = stamp(lane);
    together(lane);
    if (lane->number == 0)
        add_stints(row, lane->count);
    together(lane);
}

static void print_rows(void)
{
    struct row *row;

    for (row = rows; row->name != NULL; ++row) {
        CHECK(row->operations > 0);
        printf("%s\t%.2f\t%.0f\n", row->name, row->units / row->operations, row->operations);
    }
    puts(".");
    CHECK(fflush(stdout) == 0);
    memset(rows, 0, sizeof(rows));
}

static void *helper(void *argument)
{
    const struct lane *lane = argument;

    for (;;) {
        together(lane);
        if (stopping)
            return NULL;
        round_of_lane(lane);
    }
}

/* A preload that was not loaded, or stood aside, must not pass for a measurement. */
static void print_greeting(SSL_CTX *ctx)
{
    int (*active)(const SSL_CTX *, const char **);
    const char *reason = NULL;

    *(void **)&active = dlsym(RTLD_DEFAULT, "sesscache_active");
    if (active == NULL)
        printf("stock");
    else if (active(ctx, &reason) == 1)
        printf("ours");
    else
        printf("inactive (%s)", reason != NULL ? reason : "no reason");
    printf("\t%s\n", OpenSSL_version(OPENSSL_VERSION));
    CHECK(fflush(stdout) == 0);
}

int serve_rounds(SSL_CTX *ctx, int count, void (*round)(const struct lane *lane))
{
    pthread_t threads[LANES_MAX];
    int i, c;

    CHECK(count >= 1 && count <= LANES_MAX);
    CHECK(pthread_barrier_init(&barrier, NULL, (unsigned)count) == 0);
    round_of_lane = round;
    for (i = 0; i < count; ++i)
        lanes[i] = (struct lane){ i, count };
    for (i = 1; i < count; ++i)
        CHECK(pthread_create(&threads[i], NULL, helper, &lanes[i]) == 0);
    print_greeting(ctx);
    while ((c = getchar()) != EOF) {
        if (c != '\n')
            continue;
        together(&lanes[0]);
        round(&lanes[0]);
        print_rows();
    }
    stopping = 1;
    together(&lanes[0]);
    for (i = 1; i < count; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}

/* Steele, Lea and Flood's splitmix64. */
uint64_t next_number(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t number_argument(const char *text, const char *what)
{
    char *end = NULL;
    unsigned long value = text == NULL ? 0 : strtoul(text, &end, 10);

    if (value == 0 || *end != '\0') {
        fprintf(stderr, "bench: %s must be a positive number\n", what);
        exit(2);
    }
    return value;
}
