/* test: only=linked | env=SESSCACHE_SHARED=anon:4M */
/* What stands in the region, as a core dump would hold it: nothing of the sessions that are shared through it. */
#define _GNU_SOURCE
#include "harness/harness.h"
#include "harness/workers.h"

#include <string.h>

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

/* No eight bytes of it. */
static void stands_nowhere(const char *name, const unsigned char *bytes, size_t length)
{
    struct part_of_memory all = region();
    size_t at;

    CHECK(length >= 16 && holds(&all, (const unsigned char *)"sesscach", 8));
    for (at = 0; at + 8 <= length; at += 4)
        CHECK(!holds(&all, bytes + at, 8));
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
    of_kind(TLS12_ID);
    of_kind(TLS13_STATEFUL);
    return 0;
}
