/* test: env=SESSCACHE_SHARED=anon:4M | env=SESSCACHE_TICKETS=stateful */
/* QUIC in the shared profile: its connections keep their tickets, and whatever resumes without the library does with it. */
#define SHARED_PROFILE 1
#include "quic.c"
