/* See sessions.h. */
#include "sessions.h"

#include <limits.h>
#include <openssl/err.h>

int session_name(const unsigned char *id, size_t length, char name[NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    if (length == 0 || length > SSL_MAX_SSL_SESSION_ID_LENGTH)
        return 0;
    for (i = 0; i < length; ++i) {
        *name++ = digits[id[i] >> 4];
        *name++ = digits[id[i] & 15];
    }
    *name = '\0';
    return 1;
}

unsigned char *session_to_bytes(SSL_SESSION *session, size_t *length)
{
    int needed = i2d_SSL_SESSION(session, NULL);
    unsigned char *bytes, *end;

    if (needed <= 0 || (bytes = OPENSSL_malloc((size_t)needed)) == NULL)
        return NULL;
    end = bytes; /* i2d moves it behind what it wrote */
    i2d_SSL_SESSION(session, &end);
    *length = (size_t)needed;
    return bytes;
}

SSL_SESSION *session_from_bytes(const unsigned char *bytes, size_t length)
{
    const unsigned char *end = bytes;
    SSL_SESSION *session;

    if (length > LONG_MAX)
        return NULL;
    /* Bytes that are no session are a miss; an error left in the queue would look like one of the connection. */
    ERR_set_mark();
    session = d2i_SSL_SESSION(NULL, &end, (long)length);
    ERR_pop_to_mark();
    if (session != NULL && end != bytes + length) {
        SSL_SESSION_free(session);
        return NULL;
    }
    return session;
}

time_t session_expiry(const SSL_SESSION *session)
{
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
    return SSL_SESSION_get_time_ex(session) + SSL_SESSION_get_timeout(session);
#else
    return (time_t)SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session);
#endif
}
