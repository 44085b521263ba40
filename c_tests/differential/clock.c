/* A clock that only moves when the program says so. libssl and the library see it because it is exported from here. */
#include "player.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The harness makes certificates that are valid from a day before to thirty days after they were made. */
enum { EARLIEST = CLOCK_START - 20 * 60 * 60, LATEST = CLOCK_START + 29 * 24 * 60 * 60 };

static long now = CLOCK_START;

long clock_now(void)
{
    return now;
}

void clock_move(long seconds)
{
    now += seconds;
    if (now < EARLIEST)
        now = EARLIEST;
    if (now > LATEST)
        now = LATEST;
}

time_t time(time_t *result)
{
    if (result != NULL)
        *result = now;
    return now;
}

int gettimeofday(struct timeval *restrict value, void *restrict zone)
{
    (void)zone;
    value->tv_sec = now;
    value->tv_usec = 0;
    return 0;
}

int clock_gettime(clockid_t id, struct timespec *value)
{
    if (id != CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, id, value);
    value->tv_sec = now;
    value->tv_nsec = 0;
    return 0;
}
