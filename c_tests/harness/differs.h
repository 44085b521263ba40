/*
 * Facts in which the library is known to differ from libssl alone: the list in docs/openssl-behaviour.md. In plain C, for
 * programs without libssl as well.
 */
#ifndef HARNESS_DIFFERS_H
#define HARNESS_DIFFERS_H

#include <stdio.h>

/*
 * The value, and what it has to be on either side. The runner (tests/common/differs.rs) holds each side to its own, so
 * neither a difference that went away nor another one passes. Where a version has no difference, state a plain fact.
 */
static inline void differs(int item, const char *name, const char *value, const char *stock, const char *ours)
{
    printf("differs %d %s: %s (libssl alone: %s; with the library: %s)\n", item, name, value == NULL ? "NULL" : value,
           stock, ours);
}

static inline void differs_number(int item, const char *name, long long value, long long stock, long long ours)
{
    char values[3][24];

    snprintf(values[0], sizeof(values[0]), "%lld", value);
    snprintf(values[1], sizeof(values[1]), "%lld", stock);
    snprintf(values[2], sizeof(values[2]), "%lld", ours);
    differs(item, name, values[0], values[1], values[2]);
}

#endif
