/* test: only=linked | env=SESSCACHE_SHARED=anon:4M | env=SESSCACHE_LOG=stderr:debug */
/* What stands in the region, as a core dump would hold it, and in the log: nothing of the sessions that are shared. */
#define _GNU_SOURCE
#include "harness/harness.h"
#include "harness/workers.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Standard error, to be read again. */
static int said;

struct part_of_memory {
    const unsigned char *start;
    size_t length;
};

/* The mapping that begins as a region does. */
static struct part_of_memory region(void)
{
    static const char magic[] = "sesscach";
    FILE *maps = fopen("/proc/self/maps", "r");
    struct part_of_memory found = { NULL, 0 };
    char line[512];

    CHECK(maps != NULL);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long start, end;
        char readable, shared;

        CHECK(sscanf(line, "%lx-%lx %c%*c%*c%c", &start, &end, &readable, &shared) == 4);
        if (readable == 'r' && shared == 's' && memcmp((const void *)start, magic, sizeof(magic) - 1) == 0) {
            CHECK(found.start == NULL);
            found.start = (const unsigned char *)start;
            found.length = end - start;
        }
    }
    fclose(maps);
    CHECK(found.start != NULL && found.length == 4 << 20);
    return found;
}

static int holds(const struct part_of_memory *memory, const unsigned char *bytes, size_t length)
{
    return memmem(memory->start, memory->length, bytes, length) != NULL;
}

/* Eight bytes of it in a row as they are, or four in hexadecimal digits of either case. */
static int is_said(const unsigned char *bytes, size_t length)
{
    static char text[1 << 20];
    ssize_t got = pread(said, text, sizeof(text), 0);
    size_t at;

    /* The rest of it is zeros: it only grows. */
    CHECK(got >= 0 && (size_t)got < sizeof(text));
    for (at = 0; at + 4 <= length; ++at) {
        char digits[9];

        if (at + 8 <= length && memmem(text, (size_t)got, bytes + at, 8) != NULL)
            return 1;
        snprintf(digits, sizeof(digits), "%02x%02x%02x%02x", bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        if (strcasestr(text, digits) != NULL)
            return 1;
    }
    return 0;
}

/* No eight bytes of it in the region, and none in the log. */
static void stands_nowhere(const char *name, const unsigned char *bytes, size_t length)
{
    struct part_of_memory all = region();
    size_t at;

    CHECK(length >= 16 && holds(&all, (const unsigned char *)"sesscach", 8));
    for (at = 0; at + 8 <= length; at += 4)
        CHECK(!holds(&all, bytes + at, 8));
    CHECK(!is_said(bytes, length));
    fact_text(name, "nowhere");
}

static void of_kind(enum kind kind)
{
    SSL_CTX *server = server_context(kind), *client = client_context(kind);
    unsigned char key[SSL_MAX_MASTER_KEY_LENGTH], *certificate = NULL;
    const unsigned char *id;
    unsigned int id_length;
    struct worker other;
    struct pair pair;
    struct token token;
    SSL_SESSION *session;
    int length;

    part(kind_name(kind));
    demand_client_certificate(server, client);
    other = worker_start(server, client);
    pair = pair_new(server, client, NULL);
    CHECK(handshake(&pair) && exchange(&pair));
    session = SSL_get1_session(pair.client);
    token = token_of(session);
    SSL_SESSION_free(session);
    session = SSL_get1_session(pair.server);
    close_clean(&pair);
    pair_free(&pair);

    /* It is there: the other process has it from nowhere else. */
    expect("found by another process", worker_resume(&other, &token, 0), RESUMED);
    stands_nowhere("its secret", key, SSL_SESSION_get_master_key(session, key, sizeof(key)));
    id = SSL_SESSION_get_id(session, &id_length);
    stands_nowhere("its id", id, id_length);
    length = i2d_X509(client_identity()->certificate, &certificate);
    CHECK(length > 0);
    stands_nowhere("its client's certificate", certificate, (size_t)length);
    OPENSSL_free(certificate);
    SSL_SESSION_free(session);
    worker_end(&other);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

int main(void)
{
    static const unsigned char marker[] = "sesscache";

    said = memfd_create("said", MFD_CLOEXEC);
    CHECK(said >= 0 && dup2(said, STDERR_FILENO) >= 0);
    of_kind(TLS12_ID);
    of_kind(TLS13_STATEFUL);
    /* It has said something, in which all this was looked for. */
    fact("the log is there", is_said(marker, sizeof(marker) - 1));
    return 0;
}
