/* SSL_SESSION_set_time and SSL_CTX_flush_sessions are deprecated from 3.4 on. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sessions.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "facts.h"

static int label_index = -1;
static int freed_count[128];
static int announcing;

static void label_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    char label = (char)(intptr_t)ptr;

    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (label <= 0)
        return;
    __atomic_add_fetch(&freed_count[(int)label], 1, __ATOMIC_RELAXED);
    if (announcing)
        note("end of %c", label);
}

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#define EX_DATA_SOURCE void **
#else
#define EX_DATA_SOURCE void *
#endif

/* from_d is the address of the value that the duplicate gets, in 1.1.1 too. */
static int label_dup(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, EX_DATA_SOURCE from_d,
                     int index, long argl, void *argp)
{
    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    *(void **)from_d = NULL;
    return 1;
}

static int labels(void)
{
    if (label_index < 0)
        label_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, label_dup, label_free);
    CHECK(label_index >= 0);
    return label_index;
}

void label_set(SSL_SESSION *session, char label)
{
    CHECK(SSL_SESSION_set_ex_data(session, labels(), (void *)(intptr_t)label));
}

char label_of(const SSL_SESSION *session)
{
    char label;

    if (session == NULL)
        return '-';
    label = (char)(intptr_t)SSL_SESSION_get_ex_data(session, labels());
    return label == 0 ? '?' : label;
}

void fact_label(const char *name, const SSL_SESSION *session)
{
    char text[2] = { label_of(session), 0 };

    fact_text(name, text);
}

int freed(char label)
{
    return __atomic_load_n(&freed_count[(int)label], __ATOMIC_RELAXED);
}

void freed_reset(void)
{
    memset(freed_count, 0, sizeof(freed_count));
}

void announce_frees(int yes)
{
    announcing = yes;
}

SSL_SESSION *session_made(char label, int version, const char *id, long time, long timeout)
{
    SSL_SESSION *session = SSL_SESSION_new();

    CHECK(session != NULL);
    CHECK(SSL_SESSION_set_protocol_version(session, version));
    CHECK(SSL_SESSION_set1_id(session, (const unsigned char *)id, (unsigned int)strlen(id)));
    session_set_time(session, time);
    CHECK(session_set_timeout(session, timeout));
    if (label != 0)
        label_set(session, label);
    return session;
}

SSL_SESSION *session_timed(char label, long time, long timeout)
{
    char id[2] = { label, 0 };

    return session_made(label, TLS1_3_VERSION, id, time, timeout);
}

SSL_SESSION *session_simple(char label)
{
    return session_timed(label, (long)time(NULL), 100000);
}

SSL_SESSION *session_decoded(char label, SSL_SESSION *session)
{
    unsigned char bytes[4096], *end = bytes;
    const unsigned char *start = bytes;
    SSL_SESSION *decoded;
    int length = i2d_SSL_SESSION(session, NULL);

    CHECK(length > 0 && length <= (int)sizeof(bytes));
    CHECK(i2d_SSL_SESSION(session, &end) == length);
    decoded = d2i_SSL_SESSION(NULL, &start, length);
    CHECK(decoded != NULL);
    if (label != 0)
        label_set(decoded, label);
    return decoded;
}

long session_time(const SSL_SESSION *session)
{
    return SSL_SESSION_get_time(session);
}

long session_set_time(SSL_SESSION *session, long time)
{
    return SSL_SESSION_set_time(session, time);
}

long session_set_timeout(SSL_SESSION *session, long timeout)
{
    return SSL_SESSION_set_timeout(session, timeout);
}

void context_flush(SSL_CTX *ctx, long time)
{
    SSL_CTX_flush_sessions(ctx, time);
}

int has_id(SSL_CTX *ctx, const char *id)
{
    SSL *ssl = SSL_new(ctx);
    int found;

    CHECK(ssl != NULL);
    found = SSL_has_matching_session_id(ssl, (const unsigned char *)id, (unsigned int)strlen(id));
    SSL_free(ssl);
    return found;
}

void fact_cached(const char *name, SSL_CTX *ctx, const char *labels)
{
    char text[64];
    size_t length = 0;

    for (; *labels != 0; ++labels) {
        char id[2] = { *labels, 0 };

        if (has_id(ctx, id) && length < sizeof(text) - 1)
            text[length++] = *labels;
    }
    text[length] = 0;
    fact_text(name, length == 0 ? "nothing" : text);
}
