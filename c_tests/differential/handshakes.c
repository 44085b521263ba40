/* Handshakes in memory, whole or broken on the way. */
#include "player.h"

#include <string.h>

#include <openssl/bio.h>

#include "../harness/facts.h"

/* The queue of this thread, emptied. */
void say_errors(const char *who)
{
    unsigned long error;

    while ((error = ERR_get_error()) != 0)
        say("%s error %d:%d", who, ERR_GET_LIB(error), ERR_GET_REASON(error));
}

/* 1 done, 0 wants the other side, -1 failed. */
static int advance(SSL *ssl, const char *who)
{
    int done;

    ERR_clear_error();
    done = SSL_do_handshake(ssl);
    if (done == 1)
        return 1;
    switch (SSL_get_error(ssl, done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    default:
        say("%s failed", who);
        say_errors(who);
        return -1;
    }
}

/* Flips the last byte of what is on its way. */
void spoil(SSL *from, SSL *to)
{
    unsigned char bytes[16 * 1024];
    int length = BIO_read(SSL_get_rbio(to), bytes, (int)sizeof(bytes));

    if (length <= 0)
        return;
    bytes[length - 1] ^= 1;
    CHECK(BIO_write(SSL_get_wbio(from), bytes, length) == length);
}

int handshake(struct connection *connection, int turns, int spoiled)
{
    int turn, client = 0, server = 0;

    for (turn = 1; turn <= turns; ++turn) {
        if (client != -1)
            client = advance(connection->client, "client");
        if (turn == spoiled)
            spoil(connection->client, connection->server);
        if (server != -1)
            server = advance(connection->server, "server");
        if (turn + 1 == spoiled)
            spoil(connection->server, connection->client);
        if (client == 1 && server == 1) {
            drain(connection);
            return 1;
        }
        /* After a failure the other side gets one more turn to read the alert. */
        if (client == -1 || server == -1) {
            if (client == 0)
                (void)advance(connection->client, "client");
            return 0;
        }
    }
    say("cut short");
    return 0;
}

static void read_all(SSL *ssl, const char *who)
{
    char bytes[64];
    int got, left;

    for (left = 16; left > 0; --left) {
        ERR_clear_error();
        got = SSL_read(ssl, bytes, sizeof(bytes));
        if (got <= 0)
            break;
        say("%s got %d", who, got);
    }
    if (left > 0 && SSL_get_error(ssl, got) == SSL_ERROR_SSL)
        say_errors(who);
    ERR_clear_error();
}

void drain(struct connection *connection)
{
    read_all(connection->client, "client");
    read_all(connection->server, "server");
    read_all(connection->client, "client");
}

/* What a client shows to have its session looked up. */
static const unsigned char *shown(SSL_SESSION *offered, size_t *length)
{
    unsigned int id_length = 0;
    const unsigned char *bytes;

    if (SSL_SESSION_get_protocol_version(offered) == TLS1_3_VERSION) {
        SSL_SESSION_get0_ticket(offered, &bytes, length);
        return bytes;
    }
    bytes = SSL_SESSION_get_id(offered, &id_length);
    *length = id_length;
    return bytes;
}

int resumes_marked(struct context *server, SSL_SESSION *offered)
{
    size_t length = 0;
    const unsigned char *bytes = shown(offered, &length);
    unsigned int id_length;
    int i;

    if (bytes == NULL || length == 0)
        return 0;
    for (i = 0; i < seen_count(); ++i) {
        struct seen *found = seen_at(i);
        const unsigned char *id;

        if (found->session == NULL || !found->suspect || home_of(found) != server)
            continue;
        id = SSL_SESSION_get_id(found->session, &id_length);
        if (id_length == length && memcmp(id, bytes, length) == 0
            && !SSL_SESSION_is_resumable(found->session))
            return 1;
    }
    return 0;
}
