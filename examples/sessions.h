/* Sessions as bytes: what an external cache keeps. */
#ifndef EXAMPLE_SESSIONS_H
#define EXAMPLE_SESSIONS_H

#include <openssl/ssl.h>
#include <time.h>

/* The longest name that session_name() writes, with the NUL: two digits for each of 32 bytes. */
enum { NAME_SIZE = 2 * SSL_MAX_SSL_SESSION_ID_LENGTH + 1 };

/* The id in hexadecimal digits: an id is binary, and its bytes are the client's to choose. 0 if it is empty or too long. */
int session_name(const unsigned char *id, size_t length, char name[NAME_SIZE]);

/* The session in DER. Freed by OPENSSL_free(); NULL if it cannot be had. */
unsigned char *session_to_bytes(SSL_SESSION *session, size_t *length);

/* A session out of such bytes, with one reference for the caller; NULL if they are no session. */
SSL_SESSION *session_from_bytes(const unsigned char *bytes, size_t length);

/* The second after which it is not good any more. */
time_t session_expiry(const SSL_SESSION *session);

#endif
