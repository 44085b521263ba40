/*
 * What a context costs that never sees a session:
 *
 *   context_bench time             row "new+free", in nanoseconds
 *   context_bench memory CONTEXTS  rows in bytes a context, with that many alive:
 *                                  "resident" (of the process), "allocated" (by malloc)
 */
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "rounds.h"

enum { CONTEXTS_A_ROUND = 256 };

static SSL_CTX **contexts;
static size_t wanted;

static size_t work_new_free(const struct lane *lane, size_t from, size_t to)
{
    size_t at;

    (void)lane;
    for (at = from; at < to; ++at) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        CHECK(ctx != NULL);
        SSL_CTX_free(ctx);
    }
    return to - from;
}

static void time_round(const struct lane *lane)
{
    timed(lane, "new+free", work_new_free, 0, CONTEXTS_A_ROUND);
}

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double allocated_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return (double)info.uordblks + (double)info.hblkhd;
}

static void memory_round(const struct lane *lane)
{
    double resident = resident_bytes(), allocated = allocated_bytes();
    size_t at;

    (void)lane;
    for (at = 0; at < wanted; ++at)
        CHECK((contexts[at] = SSL_CTX_new(TLS_server_method())) != NULL);
    add_to_row("resident", resident_bytes() - resident, (double)wanted);
    add_to_row("allocated", allocated_bytes() - allocated, (double)wanted);
    for (at = 0; at < wanted; ++at)
        SSL_CTX_free(contexts[at]);
}

int main(int argc, char **argv)
{
    SSL_CTX *first = SSL_CTX_new(TLS_server_method());
    int result;

    CHECK(first != NULL);
    if (argc == 2 && strcmp(argv[1], "time") == 0) {
        result = serve_rounds(first, 1, time_round);
    } else if (argc == 3 && strcmp(argv[1], "memory") == 0) {
        wanted = number_argument(argv[2], "the number of contexts");
        contexts = malloc(wanted * sizeof(SSL_CTX *));
        CHECK(contexts != NULL);
        /* Touched now, or its pages would be counted as the contexts'. */
        memset(contexts, 1, wanted * sizeof(SSL_CTX *));
        result = serve_rounds(first, 1, memory_round);
        free(contexts);
    } else {
        fputs("usage: context_bench time | memory CONTEXTS\n", stderr);
        result = 2;
    }
    SSL_CTX_free(first);
    return result;
}
