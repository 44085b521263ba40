/*
 * Sessions in an SQLite database: a client resumes its session after the server was restarted, or in another process
 * that has the same database open.
 *
 *   cc -o sqlite_cache sqlite_cache.c server.c sessions.c -lsesscache -lssl -lcrypto -lsqlite3
 *   ./sqlite_cache CERTIFICATE KEY DATABASE [PORT]
 *
 * It works as well without -lsesscache. Unlike external_cache.c it keeps nothing in memory: the mode says NO_INTERNAL,
 * so the get callback is asked each time, the remove callback is called only for sessions that are not good any
 * more, and what one process removes is gone for all of them.
 *
 * The database holds the keys of its sessions in the clear. Treat it as you treat the server's private key.
 */
#include "server.h"
#include "sessions.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

/* How long a handshake may wait for another process: not long, since a miss costs only a full handshake. */
enum { BUSY_MILLISECONDS = 100, SWEEP_EVERY = 256 };

static const char schema[] = "PRAGMA journal_mode = WAL;"
                             "PRAGMA synchronous = NORMAL;"
                             "PRAGMA secure_delete = ON;"
                             "CREATE TABLE IF NOT EXISTS sessions ("
                             " id BLOB PRIMARY KEY, expires INTEGER NOT NULL, der BLOB NOT NULL) WITHOUT ROWID;"
                             "CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires);";

/* A server with threads needs these once for each thread. */
static sqlite3 *database;
static sqlite3_stmt *insert, *find, *erase, *expire;

static int prepare(const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v2(database, sql, -1, statement, NULL) == SQLITE_OK;
}

static int open_database(const char *path)
{
    /* SQLite has no argument for the permissions of the files that it makes. */
    mode_t before = umask(077);
    int opened = sqlite3_open(path, &database) == SQLITE_OK
        && sqlite3_busy_timeout(database, BUSY_MILLISECONDS) == SQLITE_OK
        && sqlite3_exec(database, schema, NULL, NULL, NULL) == SQLITE_OK
        && prepare("INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3)", &insert)
        && prepare("SELECT der FROM sessions WHERE id = ?1 AND expires >= ?2", &find)
        && prepare("DELETE FROM sessions WHERE id = ?1", &erase)
        && prepare("DELETE FROM sessions WHERE expires < ?1", &expire);

    umask(before);
    if (!opened)
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(database));
    return opened;
}

static void close_database(void)
{
    sqlite3_finalize(insert);
    sqlite3_finalize(find);
    sqlite3_finalize(erase);
    sqlite3_finalize(expire);
    sqlite3_close(database);
}

/* Runs a statement that gives no rows, and makes it ready for its next use. */
static void run(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        fprintf(stderr, "database: %s\n", sqlite3_errmsg(database));
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static void delete_expired(void)
{
    sqlite3_bind_int64(expire, 1, time(NULL));
    run(expire);
}

static int new_session(SSL *ssl, SSL_SESSION *session)
{
    static unsigned int stored;
    unsigned int id_length;
    const unsigned char *id = SSL_SESSION_get_id(session, &id_length);
    size_t length;
    unsigned char *bytes = session_to_bytes(session, &length);

    (void)ssl;
    if (bytes != NULL) {
        sqlite3_bind_blob(insert, 1, id, (int)id_length, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 2, session_expiry(session));
        sqlite3_bind_blob(insert, 3, bytes, (int)length, SQLITE_STATIC);
        run(insert);
        OPENSSL_clear_free(bytes, length);
    }
    if (++stored % SWEEP_EVERY == 0)
        delete_expired();
    /* OpenSSL took a reference for us, and 1 would mean that we hold on to it. We kept bytes: 0 gives it back. */
    return 0;
}

static SSL_SESSION *get_session(SSL *ssl, const unsigned char *id, int length, int *copy)
{
    SSL_SESSION *session = NULL;

    (void)ssl;
    /* The session that is returned has one reference, and it is OpenSSL's to free: 1 would leak it. */
    *copy = 0;
    sqlite3_bind_blob(find, 1, id, length, SQLITE_STATIC);
    sqlite3_bind_int64(find, 2, time(NULL));
    if (sqlite3_step(find) == SQLITE_ROW)
        session = session_from_bytes(sqlite3_column_blob(find, 0), (size_t)sqlite3_column_bytes(find, 0));
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
    return session;
}

static void remove_session(SSL_CTX *ctx, SSL_SESSION *session)
{
    unsigned int length;
    const unsigned char *id = SSL_SESSION_get_id(session, &length);

    (void)ctx;
    sqlite3_bind_blob(erase, 1, id, (int)length, SQLITE_STATIC);
    run(erase);
}

int main(int argc, char **argv)
{
    SSL_CTX *ctx = NULL;
    int served = 0;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: sqlite_cache CERTIFICATE KEY DATABASE [PORT]\n");
        return 2;
    }
    if (open_database(argv[3]) && (ctx = server_context(argv[1], argv[2])) != NULL) {
        delete_expired();
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, new_session);
        SSL_CTX_sess_set_get_cb(ctx, get_session);
        SSL_CTX_sess_set_remove_cb(ctx, remove_session);

        served = serve(ctx, argc == 5 ? argv[4] : "0");
        print_counters(ctx);
    }
    /* First the context: it may still call back. */
    SSL_CTX_free(ctx);
    close_database();
    return served ? 0 : 1;
}
