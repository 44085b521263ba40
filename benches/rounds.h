/*
 * A benchmark that is told when to run: for each line on its standard input it
 * runs one round and prints what each row cost, then a line with a dot. So two
 * such processes, one with the library and one without, can take turns.
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum { LANES_MAX = 8 };

/* One of the threads that run a round together, each calling the same steps. */
struct lane {
    int number; /* 0 is the main thread */
    int count;
};

/* This lane's share of 0..total: from *from up to, but without, *to. */
void share(const struct lane *lane, size_t total, size_t *from, size_t *to);

/* Waits until every lane is here. */
void together(const struct lane *lane);

/*
 * Every lane works at once; the time from the first one's start to the last
 * one's end is added to the row. work returns how many operations it did.
 * One lane alone is charged for the processor time that it used, so what other
 * programs take from it does not count.
 */
void timed(const struct lane *lane, const char *row,
           size_t (*work)(const struct lane *lane, size_t from, size_t to), size_t from, size_t to);

/* Adds to a row by hand: units in all, for so many operations. */
void add_to_row(const char *row, double units, double operations);

/* Prints who serves this context's cache, then runs rounds until the end of input. */
int serve_rounds(SSL_CTX *ctx, int lanes, void (*round)(const struct lane *lane));

/* Monotonic nanoseconds. */
int64_t now(void);

/* The next of a fixed sequence of well mixed numbers. */
uint64_t next_number(uint64_t *state);

/* A positive number from the command line, or the end with a message. */
size_t number_argument(const char *text, const char *what);

#endif
