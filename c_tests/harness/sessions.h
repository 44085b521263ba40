/* Sessions made by hand, and labels that follow an SSL_SESSION object to its end. */
#ifndef HARNESS_SESSIONS_H
#define HARNESS_SESSIONS_H

#include <openssl/ssl.h>

/* 1.1.1 keeps the bit and ignores it. */
#ifndef SSL_SESS_CACHE_UPDATE_TIME
#define SSL_SESS_CACHE_UPDATE_TIME 0x0400
#endif

/*
 * A label is one character kept in the object's ex_data. A duplicate of the
 * object has none; freeing the object is counted. So a label tells the very
 * object from an equal copy, and freed() proves who held how many references.
 * The ex_data index is registered by the first use of a label.
 */
void label_set(SSL_SESSION *session, char label);
/* '-' for NULL, '?' for an object without a label. */
char label_of(const SSL_SESSION *session);
void fact_label(const char *name, const SSL_SESSION *session);
/* How many objects with this label are gone. */
int freed(char label);
void freed_reset(void);
/* Afterwards each end of a labelled object is printed. */
void announce_frees(int yes);

/* Session A, B, ...: id is the text, one reference for the caller. */
SSL_SESSION *session_made(char label, int version, const char *id, long time, long timeout);
/* The same with TLS 1.3, the label as its whole id, living for more than a day. */
SSL_SESSION *session_simple(char label);
/* TLS 1.3, the label as its id, with this time and timeout. */
SSL_SESSION *session_timed(char label, long time, long timeout);

/* Another object with the same content, through its serialised form; any mark
   "not resumable" is gone by that (SSL_SESSION_dup would keep it). */
SSL_SESSION *session_decoded(char label, SSL_SESSION *session);

/* Those deprecated in 3.4, which every program in the world calls. */
long session_time(const SSL_SESSION *session);
long session_set_time(SSL_SESSION *session, long time);
long session_set_timeout(SSL_SESSION *session, long timeout);
void context_flush(SSL_CTX *ctx, long time);

/* Looks without changing anything; the key has TLS 1.3, as a fresh SSL's version is. */
int has_id(SSL_CTX *ctx, const char *id);
/* One line: which of these letters are ids in the cache. */
void fact_cached(const char *name, SSL_CTX *ctx, const char *labels);

#endif
