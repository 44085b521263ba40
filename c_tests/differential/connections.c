/* Connections: pairs of SSL objects joined in memory. */
#include "player.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>

#include "../harness/facts.h"

enum { CONNECTIONS = 4, BUFFER = 32 * 1024 };

static struct connection *open_ones[CONNECTIONS];
static int open_count, number, connection_index = -1;

void connections_prepare(void)
{
    connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    CHECK(connection_index >= 0);
}

struct connection *connection_of(const SSL *ssl)
{
    struct connection *connection = SSL_get_ex_data(ssl, connection_index);

    CHECK(connection != NULL);
    return connection;
}

struct connection *connection_at(unsigned long n)
{
    return open_count == 0 ? NULL : open_ones[n % (unsigned long)open_count];
}

int is_being_made(const SSL_SESSION *session)
{
    int i;

    for (i = 0; i < open_count; ++i)
        if (SSL_get_session(open_ones[i]->server) == session && !SSL_is_init_finished(open_ones[i]->server))
            return 1;
    return 0;
}

void connection_own(struct connection *connection, SSL *ssl)
{
    CHECK(SSL_set_ex_data(ssl, connection_index, connection));
}

void connection_join(struct connection *connection)
{
    BIO *a = NULL, *b = NULL;

    CHECK(BIO_new_bio_pair(&a, BUFFER, &b, BUFFER));
    SSL_set_bio(connection->server, a, a);
    SSL_set_bio(connection->client, b, b);
    if (!connection->from->is_dtls)
        return;
    /* A BIO pair knows no MTU to ask for. */
    SSL_set_options(connection->server, SSL_OP_NO_QUERY_MTU);
    SSL_set_options(connection->client, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(connection->server, 4096);
    SSL_set_mtu(connection->client, 4096);
}

/* Where there are too many the oldest goes, without a word to its peer. */
struct connection *connection_new(struct context *server, struct context *client)
{
    struct connection *made = calloc(1, sizeof(*made));

    CHECK(made != NULL);
    if (open_count == CONNECTIONS)
        connection_free(open_ones[0], 0);
    made->number = number++;
    made->from = server;
    made->client_from = client;
    made->server = SSL_new(server->ctx);
    made->client = SSL_new(client->ctx);
    CHECK(made->server != NULL && made->client != NULL);
    connection_own(made, made->server);
    connection_own(made, made->client);
    open_ones[open_count++] = made;
    return made;
}

/* The struct itself stays: a callback may still ask for it. */
void connection_free(struct connection *connection, int client_first)
{
    int i;

    for (i = 0; i < open_count && open_ones[i] != connection; ++i)
        continue;
    CHECK(i < open_count);
    --open_count;
    memmove(open_ones + i, open_ones + i + 1, sizeof(*open_ones) * (size_t)(open_count - i));
    say("free k%d", connection->number);
    if (client_first)
        SSL_free(connection->client);
    SSL_free(connection->server);
    if (!client_first)
        SSL_free(connection->client);
}

void connections_end(void)
{
    while (open_count > 0)
        connection_free(open_ones[0], 0);
}
