#include "facts.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

/* A crash must not swallow the lines before it. */
__attribute__((constructor)) static void line_buffered(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}

void part(const char *name)
{
    printf("[%s]\n", name);
}

void fact(const char *name, long long value)
{
    printf("%s: %lld\n", name, value);
}

void fact_text(const char *name, const char *value)
{
    printf("%s: %s\n", name, value == NULL ? "NULL" : value);
}

void fact_same(const char *name, const void *a, const void *b)
{
    if (a == NULL && b == NULL)
        fact_text(name, "both NULL");
    else
        fact_text(name, a == b ? "yes" : "no");
}

void fact_error(const char *name)
{
    unsigned long code = ERR_get_error();

    fact_text(name, code == 0 ? "none" : ERR_reason_error_string(code));
    ERR_clear_error();
}

void note(const char *format, ...)
{
    va_list arguments;

    fputs("  ", stdout);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fputc('\n', stdout);
}

void check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, condition);
    ERR_print_errors_fp(stderr);
    fflush(NULL);
    /* No destructors: other threads may still be at work. */
    _exit(3);
}

int under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

enum { MARK_ERRNO = E2BIG, MARK_REASON = 42 };

void calm_begin(void)
{
    ERR_clear_error();
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    ERR_raise(ERR_LIB_USER, MARK_REASON);
#else
    ERR_put_error(ERR_LIB_USER, 0, MARK_REASON, __FILE__, __LINE__);
#endif
    errno = MARK_ERRNO;
}

int still_calm(void)
{
    int seen = errno;
    unsigned long first = ERR_peek_error();
    unsigned long last = ERR_peek_last_error();

    errno = seen;
    return seen == MARK_ERRNO && first == last
        && ERR_GET_LIB(last) == ERR_LIB_USER && ERR_GET_REASON(last) == MARK_REASON;
}

void calm_end(void)
{
    ERR_clear_error();
    errno = 0;
}
