/*
 * What a handshake costs, client and server together, in memory:
 *
 *   handshake_bench tls12-id|tls13-stateful THREADS
 *
 * Rows, in nanoseconds a handshake: full, resumed. Each thread has a client of
 * its own; the server's context is common. TLS 1.2 resumes by session id, TLS 1.3
 * with tickets that are but an id (SSL_OP_NO_TICKET), always the latest one.
 * The certificate is ECDSA on P-256 and so is the key exchange.
 */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "certificates.h"
#include "facts.h"
#include "rounds.h"

enum {
    BUFFER = 16 * 1024,
    FULL = 32,     /* handshakes a round and thread */
    RESUMED = 128,
    TURNS_MAX = 16
};

static SSL_CTX *server_ctx, *client_ctx[LANES_MAX];
static SSL_SESSION *to_resume[LANES_MAX];

static SSL_CTX *new_context(const SSL_METHOD *method, int version)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    CHECK(ctx != NULL);
    CHECK(SSL_CTX_set_min_proto_version(ctx, version));
    CHECK(SSL_CTX_set_max_proto_version(ctx, version));
    CHECK(SSL_CTX_set1_groups_list(ctx, "P-256"));
    return ctx;
}

static SSL_CTX *new_server(int version)
{
    SSL_CTX *ctx = new_context(TLS_server_method(), version);

    identity_use(ctx, server_identity());
    CHECK(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bench", 5));
    CHECK(SSL_CTX_set_num_tickets(ctx, 1));
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    return ctx;
}

static SSL_CTX *new_client(int version)
{
    SSL_CTX *ctx = new_context(TLS_client_method(), version);

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

static int is_done(SSL *ssl)
{
    int result = SSL_do_handshake(ssl), error;

    if (result == 1)
        return 1;
    error = SSL_get_error(ssl, result);
    CHECK(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE);
    return 0;
}

static void shake_hands(SSL *server, SSL *client)
{
    int turn, client_done = 0, server_done = 0;
    char byte;

    for (turn = 0; turn < TURNS_MAX && !(client_done && server_done); ++turn) {
        client_done = is_done(client);
        server_done = is_done(server);
    }
    CHECK(client_done && server_done);
    /* TLS 1.3: the client takes in its ticket. */
    CHECK(SSL_read(client, &byte, 1) <= 0);
}

/* A whole connection, closed as by an orderly application. Returns the client's session. */
static SSL_SESSION *connect_once(SSL_CTX *client_of_lane, SSL_SESSION *resume)
{
    SSL *server = SSL_new(server_ctx), *client = SSL_new(client_of_lane);
    SSL_SESSION *session;
    BIO *a = NULL, *b = NULL;

    CHECK(server != NULL && client != NULL);
    CHECK(BIO_new_bio_pair(&a, BUFFER, &b, BUFFER));
    SSL_set_bio(server, a, a);
    SSL_set_bio(client, b, b);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    CHECK(resume == NULL || SSL_set_session(client, resume));
    shake_hands(server, client);
    CHECK(SSL_session_reused(server) == (resume != NULL));
    session = SSL_get1_session(client);
    SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(server);
    SSL_free(client);
    return session;
}

static void keep(int lane, SSL_SESSION *session)
{
    CHECK(session != NULL);
    SSL_SESSION_free(to_resume[lane]);
    to_resume[lane] = session;
}

static size_t work_full(const struct lane *lane, size_t from, size_t to)
{
    size_t at;

    for (at = from; at < to; ++at)
        keep(lane->number, connect_once(client_ctx[lane->number], NULL));
    return to - from;
}

static size_t work_resumed(const struct lane *lane, size_t from, size_t to)
{
    size_t at;

    for (at = from; at < to; ++at)
        keep(lane->number, connect_once(client_ctx[lane->number], to_resume[lane->number]));
    return to - from;
}

static void handshake_round(const struct lane *lane)
{
    timed(lane, "full", work_full, 0, FULL);
    timed(lane, "resumed", work_resumed, 0, RESUMED);
}

int main(int argc, char **argv)
{
    size_t count = number_argument(argc > 2 ? argv[2] : NULL, "the second argument, threads,"), i;
    int version, result;

    if (strcmp(argv[1], "tls12-id") != 0 && strcmp(argv[1], "tls13-stateful") != 0) {
        fputs("handshake_bench: the first argument is tls12-id or tls13-stateful\n", stderr);
        return 2;
    }
    CHECK(count <= LANES_MAX);
    version = strcmp(argv[1], "tls12-id") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    server_ctx = new_server(version);
    for (i = 0; i < count; ++i)
        client_ctx[i] = new_client(version);

    result = serve_rounds(server_ctx, (int)count, handshake_round);

    for (i = 0; i < count; ++i) {
        SSL_SESSION_free(to_resume[i]);
        SSL_CTX_free(client_ctx[i]);
    }
    SSL_CTX_free(server_ctx);
    return result;
}
