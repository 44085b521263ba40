/* test: valgrind=memcheck */
/*
 * The manual page's own use: the new callback writes each session to a file by
 * i2d, the get callback reads it back by d2i, and another process resumes it.
 */
#include "harness/harness.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void path_of(char *path, size_t size, const unsigned char *id, size_t length)
{
    size_t i, at = (size_t)snprintf(path, size, "%s/", folder);

    for (i = 0; i < length; ++i)
        at += (size_t)snprintf(path + at, size - at, "%02x", id[i]);
}

static int write_session(SSL *ssl, SSL_SESSION *session)
{
    unsigned char bytes[4096], *end = bytes;
    unsigned int length;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);
    char path[160];
    FILE *file;
    int size = i2d_SSL_SESSION(session, &end);

    (void)ssl;
    CHECK(size > 0 && size <= (int)sizeof(bytes));
    path_of(path, sizeof(path), id, length);
    file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, (size_t)size, file) == (size_t)size && fclose(file) == 0);
    note("written");
    return 0;
}

static SSL_SESSION *read_session(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    unsigned char bytes[4096];
    const unsigned char *start = bytes;
    char path[160];
    size_t size;
    FILE *file;

    (void)ssl;
    *copy = 0;
    path_of(path, sizeof(path), id, (size_t)length);
    file = fopen(path, "rb");
    note("read: %s", file == NULL ? "nothing" : "found");
    if (file == NULL)
        return NULL;
    size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return d2i_SSL_SESSION(NULL, &start, (long)size);
}

static void delete_session(SSL_CTX *ctx, SSL_SESSION *session)
{
    unsigned int length;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);
    char path[160];

    (void)ctx;
    path_of(path, sizeof(path), id, length);
    note("deleted: %d", unlink(path) == 0);
}

static SSL_CTX *filing_server(enum kind kind)
{
    SSL_CTX *ctx = server_context(kind);

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, write_session);
    SSL_CTX_sess_set_get_cb(ctx, read_session);
    SSL_CTX_sess_set_remove_cb(ctx, delete_session);
    return ctx;
}

/* A server that was not there when the session was made: a restart. */
static void restarted(enum kind kind)
{
    SSL_CTX *server = filing_server(kind), *client = client_context(kind);
    SSL_SESSION *session, *next;
    int status = 0;
    pid_t child;

    part(kind_name(kind));
    session = connection("before the restart", server, client, NULL);
    SSL_CTX_free(server);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        server = filing_server(kind);
        next = connection("after the restart", server, client, session);
        FACT("hits", SSL_CTX_sess_hits(server));
        FACT("cb_hits", SSL_CTX_sess_cb_hits(server));
        FACT("removed", SSL_CTX_remove_session(server, next));
        FACT("removed", SSL_CTX_remove_session(server, session));
        SSL_SESSION_free(next);
        SSL_SESSION_free(session);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
        fflush(stdout);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    FACT("ended well", WIFEXITED(status) && WEXITSTATUS(status) == 0);
    session_drop(&session);
    SSL_CTX_free(client);
}

int main(void)
{
    char command[96];

    snprintf(folder, sizeof(folder), "/tmp/sesscache-test-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    restarted(TLS12_ID);
    restarted(TLS13_STATEFUL);
    restarted(DTLS12_ID);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command) != 0;
}
