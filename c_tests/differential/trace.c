/* The trace: lines that are gathered while an operation runs. */
#include "player.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/facts.h"

enum { LINES = 20000 };

static char *lines[LINES];
static int count, depth;

void say(const char *format, ...)
{
    char text[512];
    va_list list;
    int indent = 2 * depth;

    if (count == LINES) {
        trace_flush();
    }
    memset(text, ' ', (size_t)indent);
    va_start(list, format);
    vsnprintf(text + indent, sizeof(text) - (size_t)indent, format, list);
    va_end(list);
    lines[count] = strdup(text);
    CHECK(lines[count] != NULL);
    ++count;
}

void trace_deeper(int by)
{
    depth += by;
}

int trace_depth(void)
{
    return depth;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int begins(const char *line, const char *word)
{
    line += strspn(line, " ");
    return strncmp(line, word, strlen(word)) == 0;
}

static int is_of_flush(const char *line)
{
    return begins(line, "remove") || begins(line, "gone");
}

/* known differences, item 3: 1.1.1 flushes in the order of a hash table. So there such lines, where they follow each
   other, are told in the order of the alphabet. */
static void sort_flushes(void)
{
    int from, to;

    for (from = 0; from < count; from = to + 1) {
        for (to = from; to < count && is_of_flush(lines[to]); ++to)
            continue;
        qsort(lines + from, (size_t)(to - from), sizeof(*lines), by_text);
    }
}

/* At the end of a context libssl lets go of the sessions only after the last callback (3.0 to 3.6). The library, which
   hears of those that have expired first, lets go of these before it tells of the others: to be seen by functions that
   free ex_data alone. So there the ends come after the callbacks. */
static void ends_after_callbacks(int from, int to)
{
    char *ends[LINES];
    int i, kept = from, gone = 0;

    for (i = from; i < to; ++i)
        if (begins(lines[i], "gone"))
            ends[gone++] = lines[i];
        else
            lines[kept++] = lines[i];
    memcpy(lines + kept, ends, sizeof(*ends) * (size_t)gone);
}

static void order_ends_of_contexts(void)
{
    int from, to;

    for (from = 0; from < count; from = to + 1) {
        for (to = from; to < count && is_of_flush(lines[to]); ++to)
            continue;
        if (to < count && begins(lines[to], "end of"))
            ends_after_callbacks(from, to);
    }
}

void trace_flush(void)
{
    int i;

    if (FREES_AT_THE_END)
        order_ends_of_contexts();
    if (FLUSHES_BY_HASH)
        sort_flushes();
    for (i = 0; i < count; ++i) {
        puts(lines[i]);
        free(lines[i]);
    }
    count = 0;
    fflush(stdout);
}
