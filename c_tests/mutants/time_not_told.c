/* mutant: reposition */
/* A cached session keeps its place when its time changes. */
#include "real.h"

long SSL_SESSION_set_time(SSL_SESSION *session, long time)
{
    (void)session;
    return time;
}
