/* Facts: lines "name: value" on standard output. */
#ifndef HARNESS_FACTS_H
#define HARNESS_FACTS_H

#include <stdio.h>
#include <stdlib.h>

/* Starts a group of facts. */
void part(const char *name);
void fact(const char *name, long long value);
void fact_text(const char *name, const char *value);
/* "yes" if both are the same object; "both NULL" where that is so. */
void fact_same(const char *name, const void *a, const void *b);
/* The reason of the oldest error of this thread's queue, which is then emptied. */
void fact_error(const char *name);
/* A line of its own, as callbacks print: two spaces, then the text. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Valgrind is some fifty times slower: fewer turns will do there. */
int under_valgrind(void);

#define FACT(name, value) fact((name), (long long)(value))

/* For what must hold on any libssl, or the program makes no sense. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            check_failed(__FILE__, __LINE__, #condition);                      \
    } while (0)
void check_failed(const char *file, int line, const char *condition)
    __attribute__((noreturn));

/* Puts marks into errno and the error queue; still_calm() says what became of them. */
void calm_begin(void);
/* Prints nothing and returns 1 if both are as calm_begin() left them. */
int still_calm(void);
void calm_end(void);

#endif
