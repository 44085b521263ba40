/*
 * Sessions in files: a client resumes its session after the server was restarted.
 *
 *   cc -o external_cache external_cache.c server.c sessions.c -lsesscache -lssl -lcrypto
 *   ./external_cache CERTIFICATE KEY FOLDER [PORT]
 *
 * It works as well without -lsesscache. Each session is in memory, in the cache of the SSL_CTX, and in a file of
 * FOLDER, by three callbacks:
 *
 *   new     a session was made: write its file
 *   get     memory does not have the session that a client asks for: read its file
 *   remove  a session left memory because it is not good any more: delete its file
 *
 * The last one is true only because of two lines in main(): a full cache, and SSL_CTX_free(), call the remove
 * callback for good sessions, too. Where several processes share a store keep nothing in memory: see sqlite_cache.c.
 *
 * A file holds the key of its session in the clear. Treat the folder as you treat the server's private key.
 */
#define _GNU_SOURCE
#include "server.h"
#include "sessions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".session"
#define UNFINISHED ".session-new"

enum { LARGEST = 64 * 1024, FILE_NAME_SIZE = NAME_SIZE + sizeof(UNFINISHED) };

/* A descriptor, not a path: it stays the same folder whatever happens to the working directory. */
static int folder = -1;

static int write_all(int file, const unsigned char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, bytes, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return 0;
        bytes += written;
        length -= (size_t)written;
    }
    return 1;
}

/*
 * Written under another name first: a reader finds the whole file or none. No fsync: what a power failure
 * leaves of it does not decode, and is a miss.
 */
static int write_file(const char *name, const unsigned char *bytes, size_t length)
{
    char fresh[FILE_NAME_SIZE], final[FILE_NAME_SIZE];
    int file, done;

    snprintf(fresh, sizeof(fresh), "%s" UNFINISHED, name);
    snprintf(final, sizeof(final), "%s" SUFFIX, name);
    file = openat(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return 0;
    done = write_all(file, bytes, length);
    if (close(file) != 0)
        done = 0;
    if (done && renameat(folder, fresh, folder, final) == 0)
        return 1;
    unlinkat(folder, fresh, 0);
    return 0;
}

static void delete_file(const char *name)
{
    char final[FILE_NAME_SIZE];

    snprintf(final, sizeof(final), "%s" SUFFIX, name);
    unlinkat(folder, final, 0);
}

/* The number of bytes read; 0 if there is no such file, or it is larger than any session. */
static size_t read_file(const char *name, unsigned char bytes[LARGEST])
{
    char final[FILE_NAME_SIZE];
    size_t length = 0;
    ssize_t got = -1;
    int file;

    snprintf(final, sizeof(final), "%s" SUFFIX, name);
    file = openat(folder, final, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return 0;
    while (length < LARGEST && (got = read(file, bytes + length, LARGEST - length)) != 0) {
        if (got > 0)
            length += (size_t)got;
        else if (errno != EINTR)
            break;
    }
    close(file);
    return got == 0 ? length : 0;
}

static int is_good(const SSL_SESSION *session, const char *name)
{
    unsigned int length;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);
    char its_name[NAME_SIZE];

    /* A file that somebody renamed is not the session that its name says. */
    return session_name(id, length, its_name) && strcmp(name, its_name) == 0 && time(NULL) <= session_expiry(session);
}

/* The session of this name, with one reference for the caller. A file that is of no use is deleted. */
static SSL_SESSION *load(const char *name)
{
    unsigned char bytes[LARGEST];
    size_t length = read_file(name, bytes);
    SSL_SESSION *session = length > 0 ? session_from_bytes(bytes, length) : NULL;

    OPENSSL_cleanse(bytes, length);
    if (session != NULL && !is_good(session, name)) {
        SSL_SESSION_free(session);
        session = NULL;
    }
    if (session == NULL)
        delete_file(name);
    return session;
}

static int new_session(SSL *ssl, SSL_SESSION *session)
{
    unsigned int id_length;
    const unsigned char *id = SSL_SESSION_get_id(session, &id_length);
    unsigned char *bytes;
    char name[NAME_SIZE];
    size_t length;

    (void)ssl;
    if (session_name(id, id_length, name) && (bytes = session_to_bytes(session, &length)) != NULL) {
        if (!write_file(name, bytes, length))
            perror("cannot write a session");
        OPENSSL_clear_free(bytes, length);
    }
    /* OpenSSL took a reference for us, and 1 would mean that we hold on to it. We kept bytes: 0 gives it back. */
    return 0;
}

static SSL_SESSION *get_session(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    char name[NAME_SIZE];

    (void)ssl;
    /* The session that is returned has one reference, and it is OpenSSL's to free: 1 would leak it. */
    *copy = 0;
    return length > 0 && session_name(id, (size_t)length, name) ? load(name) : NULL;
}

static void remove_session(SSL_CTX *ctx, SSL_SESSION *session)
{
    unsigned int length;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);
    char name[NAME_SIZE];

    (void)ctx;
    if (session_name(id, length, name))
        delete_file(name);
}

/* What expired while no server ran, and what a crash left unfinished. Other people's files are left alone. */
static void sweep(void)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;

    while (list != NULL && (entry = readdir(list)) != NULL) {
        char *dot = strchr(entry->d_name, '.');

        if (dot != NULL && strcmp(dot, UNFINISHED) == 0)
            unlinkat(folder, entry->d_name, 0);
        if (dot != NULL && strcmp(dot, SUFFIX) == 0 && dot - entry->d_name < NAME_SIZE) {
            *dot = '\0';
            SSL_SESSION_free(load(entry->d_name));
        }
    }
    if (list != NULL)
        closedir(list);
}

static int open_folder(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return 0;
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder >= 0;
}

int main(int argc, char **argv)
{
    SSL_CTX *ctx;
    int served;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: external_cache CERTIFICATE KEY FOLDER [PORT]\n");
        return 2;
    }
    if (!open_folder(argv[3])) {
        perror(argv[3]);
        return 1;
    }
    ctx = server_context(argv[1], argv[2]);
    if (ctx == NULL)
        return 1;
    sweep();

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
    /* No limit: whatever a full cache pushes out would lose its file. Expired sessions go all the same. */
    SSL_CTX_sess_set_cache_size(ctx, 0);
    SSL_CTX_sess_set_new_cb(ctx, new_session);
    SSL_CTX_sess_set_get_cb(ctx, get_session);
    SSL_CTX_sess_set_remove_cb(ctx, remove_session);

    served = serve(ctx, argc == 5 ? argv[4] : "0");
    print_counters(ctx);

    /* Or SSL_CTX_free() would call it for every session in memory, and the files would be gone. */
    SSL_CTX_sess_set_remove_cb(ctx, NULL);
    SSL_CTX_free(ctx);
    close(folder);
    return served ? 0 : 1;
}
