/* Programs: one operation a line, "name a b c d e". Every number is taken modulo what there is, so that each
   program means something, and so does each part of it. */
#include "player.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/facts.h"

enum { DEEPEST = 3, NESTED_MOST = 60, ERRNO_MARK = 4711 };

static struct operation hooks[HOOKS];
static int hooked[HOOKS];
static const struct operation *current;
static int nested_left;

static const struct command *const tables[] = {
    cache_commands, session_commands, setting_commands, connection_commands,
};

static const struct command *command_of(const char *name)
{
    const struct command *command;
    size_t i;

    for (i = 0; i < sizeof(tables) / sizeof(*tables); ++i)
        for (command = tables[i]; command->name != NULL; ++command)
            if (strcmp(command->name, name) == 0)
                return command;
    return NULL;
}

static int parse(const char *text, struct operation *operation)
{
    int used = 0, i;
    char *end;

    memset(operation, 0, sizeof(*operation));
    if (sscanf(text, "%23s%n", operation->name, &used) != 1)
        return 0;
    text += used;
    for (i = 0; i < NUMBERS; ++i) {
        operation->n[i] = strtoul(text, &end, 10);
        if (end == text)
            break;
        text = end;
    }
    return 1;
}

const struct operation *running(void)
{
    return current;
}

static void run(const struct command *command, const struct operation *operation)
{
    const struct operation *outer = current;

    current = operation;
    trace_deeper(1);
    command->run(operation->n);
    trace_deeper(-1);
    current = outer;
}

void run_hook(unsigned long number)
{
    const struct command *command;
    struct operation operation;

    number %= HOOKS;
    if (number == 0 || !hooked[number] || trace_depth() > DEEPEST || nested_left == 0)
        return;
    operation = hooks[number];
    command = command_of(operation.name);
    if (command == NULL || !command->nested)
        return;
    --nested_left;
    say("hook %s", operation.name);
    run(command, &operation);
}

void no_more_hooks(void)
{
    nested_left = 0;
}

/* What libssl left for the application to find. */
static void tell_errors(void)
{
    unsigned long error;

    if (errno != ERRNO_MARK)
        say("  errno %d", errno);
    while ((error = ERR_get_error()) != 0)
        say("  error %d:%d", ERR_GET_LIB(error), ERR_GET_REASON(error));
}

static void step(const struct operation *operation)
{
    const struct command *command = command_of(operation->name);
    const unsigned long *n = operation->n;

    CHECK(command != NULL);
    printf("> %s %lu %lu %lu %lu %lu\n", operation->name, n[0], n[1], n[2], n[3], n[4]);
    fflush(stdout);
    nested_left = NESTED_MOST;
    ERR_clear_error();
    errno = ERRNO_MARK;
    run(command, operation);
    tell_errors();
    held_for_now_drop();
    contexts_tell();
    trace_flush();
}

static void set_hook(const char *text)
{
    int used = 0;
    unsigned long number;

    if (sscanf(text, "hook %lu%n", &number, &used) != 1)
        return;
    number %= HOOKS;
    hooked[number] = parse(text + used, &hooks[number]);
}

/* Everything is let go, in the order that the program says. */
static void end(unsigned long order)
{
    printf("> end %lu\n", order);
    fflush(stdout);
    if (order % 2 != 0)
        held_end();
    if (order / 2 % 2 != 0)
        contexts_end();
    connections_end();
    contexts_end();
    held_end();
    labels_end();
    trace_flush();
}

void play(char *lines)
{
    struct operation operation;
    unsigned long order = 0;
    char *line, *rest = NULL;

    for (line = strtok_r(lines, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] == '#' || !parse(line, &operation))
            continue;
        if (strcmp(operation.name, "hook") == 0)
            set_hook(line);
        else if (strcmp(operation.name, "end") == 0)
            order = operation.n[0];
        else
            step(&operation);
    }
    end(order);
}
